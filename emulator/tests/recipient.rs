//! Recipients: attestation documents in, `CiphertextForRecipient` out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value as Cbor;
use common::recipient::{CONTENT, ENCRYPTED_KEY, IV, SKI, content, document, open, recipient, rsa};
use common::{ACCOUNT, Fixture, REGION, Reply, TempDir, image, index, openssl, vectors};
use coset::{CborSerializable, CoseSign1, TaggedCborSerializable};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{Access, Action, ContentForm, KeyOptions, KeyPolicy};
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig};
use serde_json::json;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The `SubjectPublicKeyInfo` of an RSA key of 1024 bits: any odd number will do as its modulus.
fn rsa_1024() -> Vec<u8> {
    let rsa_encryption = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let modulus = [[2, 0x81, 0x81, 0].as_slice(), &[0xff; 128]].concat();
    let key = [[0x30, 0x81, 0x89].as_slice(), &modulus, &[2, 3, 1, 0, 1]].concat();
    let spki = [rsa_encryption.as_slice(), &[3, 0x81, 0x8d, 0], &key].concat();
    [[0x30, 0x81, 0x9f].as_slice(), &spki].concat()
}

async fn generate(fixture: &Fixture, arn: &str, document: &[u8]) -> Reply {
    let request = json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": recipient(document) });
    fixture.client.call("GenerateDataKey", &request).await
}

fn attested_key(fixture: &Fixture) -> String {
    let values = image();
    let pcrs = values.iter().enumerate().map(|(number, value)| (index(number as u64), value));
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::new(KeyPolicy::attested(pcrs))).unwrap()
}

#[tokio::test]
async fn an_attested_enclave_gets_its_data_key_and_gets_it_back() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let generated = generate(&fixture, &arn, &document(&fixture.nsm)).await.ok();
    assert_eq!(generated.json().get("Plaintext"), None);
    let data_key = open(&generated.blob("CiphertextForRecipient"));
    assert_eq!(data_key.len(), 32);

    let request = json!({
        "KeyId": arn,
        "CiphertextBlob": generated.text("CiphertextBlob"),
        "Recipient": recipient(&document(&fixture.nsm)),
    });
    let decrypted = fixture.client.call("Decrypt", &request).await.ok();
    assert_eq!(decrypted.json().get("Plaintext"), None);
    assert_eq!(decrypted.text("KeyId"), arn);
    assert_eq!(open(&decrypted.blob("CiphertextForRecipient")), data_key);
}

#[tokio::test]
async fn both_encodings_and_the_tagged_form_are_read() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    for encoding in [MapEncoding::Definite, MapEncoding::Indefinite] {
        let nsm = Nsm::boot(&fixture.authority, NsmConfig::new(image()).map_encoding(encoding)).unwrap();
        generate(&fixture, &arn, &document(&nsm)).await.ok();
        let tagged = CoseSign1::from_slice(&document(&nsm)).unwrap().to_tagged_vec().unwrap();
        generate(&fixture, &arn, &tagged).await.ok();
    }
}

#[tokio::test]
async fn messages_are_framed_like_genuine_ones() {
    let Some(folder) = vectors("cms") else { return };
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    for (form, file, length) in [
        (ContentForm::Constructed, "enclaver-decrypt-hello-world.ber", 12),
        (ContentForm::Constructed, "edgebit-generatedatakey-32.ber", 32),
        (ContentForm::Primitive, "rustcrypto-formats-kms-3.ber", 12),
        (ContentForm::Constructed, "rustcrypto-formats-kms-4.ber", 4096),
    ] {
        fixture.kms.key(&arn).unwrap().set_content_form(form);
        let plaintext = vec![b'p'; length];
        let encrypted = fixture
            .client
            .call("Encrypt", &json!({ "KeyId": arn, "Plaintext": STANDARD.encode(&plaintext) }))
            .await
            .ok();
        let request = json!({
            "CiphertextBlob": encrypted.text("CiphertextBlob"), "Recipient": recipient(&document(&fixture.nsm)),
        });
        let message = fixture.client.call("Decrypt", &request).await.ok().blob("CiphertextForRecipient");
        assert_eq!(open(&message), plaintext);

        // The same message with the values that differ each time zeroed: keys, IV, content.
        let framing = |message: &[u8]| {
            let mut framing = message.to_vec();
            for range in [SKI, ENCRYPTED_KEY, IV] {
                framing[range].fill(0);
            }
            let (chunks, _) = content(message);
            let mut at = if framing[CONTENT] == 0xa0 { CONTENT + 2 } else { CONTENT };
            for chunk in chunks {
                at += if chunk < 0x80 { 2 } else { 4 };
                framing[at..at + chunk].fill(0);
                at += chunk;
            }
            framing
        };
        assert_eq!(framing(&message), framing(&std::fs::read(folder.join(file)).unwrap()), "{file}");
    }
}

#[tokio::test]
async fn openssl_opens_the_messages() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let folder = TempDir::new("cms");
    let der: Pkcs8V1Der<'_> = rsa().0.as_der().unwrap();
    let key = folder.write("key.der", der.as_ref());
    for form in [ContentForm::Constructed, ContentForm::Primitive] {
        fixture.kms.key(&arn).unwrap().set_content_form(form);
        let message =
            generate(&fixture, &arn, &document(&fixture.nsm)).await.ok().blob("CiphertextForRecipient");
        let file = folder.write("message.ber", &message);
        let out = folder.0.join("plaintext");
        let Some((ok, text)) = openssl(&[
            "cms",
            "-decrypt",
            "-inform",
            "DER",
            "-in",
            &file,
            "-inkey",
            &key,
            "-keyform",
            "DER",
            "-binary",
            "-out",
            out.to_str().unwrap(),
        ]) else {
            return;
        };
        assert!(ok, "{text}");
        assert_eq!(std::fs::read(out).unwrap(), open(&message));
    }
}

#[tokio::test]
async fn pcrs_decide() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    let [pcr0, pcr1, pcr2] = image();
    let drifted = Nsm::boot(&fixture.authority, NsmConfig::new([pcr0, Pcr::new([9; 48]), pcr2])).unwrap();
    let debug = Nsm::boot(&fixture.authority, NsmConfig::new(image()).debug_mode()).unwrap();
    let denied = "because no resource-based policy allows the kms:GenerateDataKey action";
    for nsm in [&drifted, &debug] {
        generate(&fixture, &arn, &document(nsm)).await.is_error(400, "AccessDeniedException", denied);
    }
    let reply = fixture.client.call("GenerateDataKey", &json!({ "KeyId": arn, "KeySpec": "AES_256" })).await;
    reply.is_error(400, "AccessDeniedException", denied);

    // Two releases at once, then a register that documents do not show.
    let policy = KeyPolicy::attested([(index(1), &pcr1)]);
    handle.set_policy(policy.clone().pcr(index(1), &Pcr::new([9; 48])));
    generate(&fixture, &arn, &document(&drifted)).await.ok();
    generate(&fixture, &arn, &document(&fixture.nsm)).await.ok();
    handle.set_policy(policy.pcr(index(20), &Pcr::ZERO));
    generate(&fixture, &arn, &document(&fixture.nsm)).await.is_error(400, "AccessDeniedException", denied);

    // Attestation without any PCR: every genuine document will do. An explicit deny beats it.
    handle.set_policy(KeyPolicy::allow_all().set(Action::GenerateDataKey, Access::Attested));
    generate(&fixture, &arn, &document(&debug)).await.ok();
    let reply = fixture.client.call("GenerateDataKey", &json!({ "KeyId": arn, "KeySpec": "AES_256" })).await;
    reply.is_error(400, "AccessDeniedException", denied);
    handle.set_policy(KeyPolicy::allow_all().set(Action::GenerateDataKey, Access::Deny));
    let explicit = "with an explicit deny in a resource-based policy";
    generate(&fixture, &arn, &document(&fixture.nsm)).await.is_error(400, "AccessDeniedException", explicit);
}

#[tokio::test]
async fn documents_age_in_five_minutes() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let document = document(&fixture.nsm);
    fixture.clock.advance(Duration::from_secs(300));
    generate(&fixture, &arn, &document).await.ok();
    fixture.clock.advance(Duration::from_millis(1));
    let stale = "exceeded the five-minute age limit";
    generate(&fixture, &arn, &document).await.is_error(400, "ValidationException", stale);
    fixture.clock.rewind(Duration::from_secs(601));
    // Before the leaf was valid, so that the chain fails first.
    generate(&fixture, &arn, &document).await.is_error(400, "ValidationException", "cannot verify");
}

/// An enclave whose clock runs ahead must not make documents that last longer.
#[tokio::test]
async fn documents_of_the_future_are_refused() {
    let fixture = Fixture::start().await;
    let clock = Clock::fixed(fixture.clock.now_millis());
    let kms = pcrseal_emulator::kms::Kms::builder()
        .authority(&fixture.authority)
        .clock(&clock)
        .start()
        .await
        .unwrap();
    kms.add_principal(pcrseal_emulator::kms::Principal::new("AKIATEST", "secret", common::ROLE).unwrap());
    let arn = kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let client = common::Client::new(&kms, &clock, "AKIATEST", "secret");
    let ask = async || {
        let to = recipient(&document(&fixture.nsm));
        client.call("GenerateDataKey", &json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": to })).await
    };
    fixture.clock.advance(Duration::from_secs(300));
    ask().await.ok();
    fixture.clock.advance(Duration::from_millis(1));
    ask().await.is_error(400, "ValidationException", "five-minute");
}

#[tokio::test]
async fn documents_of_another_root_are_refused() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let stranger = Authority::new(&fixture.clock).unwrap();
    let nsm = Nsm::boot(&stranger, NsmConfig::new(image())).unwrap();
    let untrusted = "cannot verify the attestation document";
    generate(&fixture, &arn, &document(&nsm)).await.is_error(400, "ValidationException", untrusted);
    if let Some(folder) = vectors("attestation") {
        for name in ["2026-04-21_prod_f1f05745.cbor", "2026-02-01_nitrotpm_799ae6d1.cbor"] {
            let genuine = std::fs::read(folder.join(name)).unwrap();
            generate(&fixture, &arn, &genuine).await.is_error(400, "ValidationException", untrusted);
        }
    }
}

/// Rewrites the payload's fields, without being able to sign again.
fn rewrite(document: &[u8], change: impl FnOnce(&mut Vec<(Cbor, Cbor)>)) -> Vec<u8> {
    let mut sign1 = CoseSign1::from_slice(document).unwrap();
    let mut payload: Cbor = ciborium::from_reader(sign1.payload.as_ref().unwrap().as_slice()).unwrap();
    change(payload.as_map_mut().unwrap());
    let mut bytes = Vec::new();
    ciborium::into_writer(&payload, &mut bytes).unwrap();
    sign1.payload = Some(bytes);
    sign1.to_vec().unwrap()
}

type Fields = Vec<(Cbor, Cbor)>;
type Change = Box<dyn FnOnce(&mut Fields)>;

fn position(fields: &Fields, name: &str) -> usize {
    fields.iter().position(|(key, _)| key.as_text() == Some(name)).unwrap()
}

/// Replaces one field.
fn set(name: &'static str, value: Cbor) -> Change {
    Box::new(move |fields| {
        let position = position(fields, name);
        fields[position].1 = value;
    })
}

#[tokio::test]
async fn forged_and_malformed_documents_are_refused() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let genuine = document(&fixture.nsm);
    let (untrusted, malformed) =
        ("cannot verify the attestation document", "cannot parse the attestation document");
    let root_as_leaf: Change = Box::new(|fields| {
        let (bundle, leaf) = (position(fields, "cabundle"), position(fields, "certificate"));
        fields[leaf].1 = fields[bundle].1.as_array().unwrap()[0].clone();
    });
    let without_zonal: Change = Box::new(|fields| {
        let bundle = position(fields, "cabundle");
        fields[bundle].1.as_array_mut().unwrap().remove(2);
    });
    let without_pcrs: Change = Box::new(|fields| drop(fields.remove(position(fields, "pcrs"))));
    let zero = (Cbor::from(0), Cbor::Bytes(vec![0; 48]));
    let changes: Vec<(&str, &str, Change)> = vec![
        ("another nonce", untrusted, set("nonce", Cbor::Bytes(vec![1]))),
        ("no cabundle", malformed, set("cabundle", Cbor::Array(vec![]))),
        ("root as leaf", untrusted, root_as_leaf),
        ("bundle without zonal", untrusted, without_zonal),
        ("garbage certificate", malformed, set("certificate", Cbor::Bytes(vec![0x30, 0x80]))),
        ("repeated field", malformed, Box::new(|fields| fields.push(fields[0].clone()))),
        ("unknown field", malformed, Box::new(|fields| fields.push((Cbor::from("extra"), Cbor::Null)))),
        ("missing pcrs", malformed, without_pcrs),
        ("no pcr", malformed, set("pcrs", Cbor::Map(vec![]))),
        ("repeated pcr", malformed, set("pcrs", Cbor::Map(vec![zero.clone(), zero]))),
        ("short pcr", malformed, set("pcrs", Cbor::Map(vec![(Cbor::from(0), Cbor::Bytes(vec![0; 32]))]))),
        ("another digest", malformed, set("digest", Cbor::from("SHA256"))),
        ("long nonce", malformed, set("nonce", Cbor::Bytes(vec![0; 1025]))),
    ];
    for (what, text, change) in changes {
        let reply = generate(&fixture, &arn, &rewrite(&genuine, change)).await;
        println!("{what}");
        reply.is_error(400, "ValidationException", text);
    }
    let without_key = fixture.nsm.attest(&AttestationRequest::default()).unwrap();
    let no_key = "holds no valid RSA public key";
    generate(&fixture, &arn, &without_key).await.is_error(400, "ValidationException", no_key);
    for public_key in [b"not a key".as_slice(), &[], &rsa_1024(), &rsa().1[..rsa().1.len() - 1]] {
        let request = AttestationRequest { public_key: Some(public_key), ..Default::default() };
        let bad_key = fixture.nsm.attest(&request).unwrap();
        generate(&fixture, &arn, &bad_key).await.is_error(400, "ValidationException", no_key);
    }

    for length in (1..genuine.len()).step_by(97) {
        generate(&fixture, &arn, &genuine[..length]).await.is_error(400, "ValidationException", malformed);
    }
    for position in (0..genuine.len()).step_by(61) {
        let mut altered = genuine.clone();
        altered[position] ^= 0x01;
        let reply = generate(&fixture, &arn, &altered).await;
        assert_eq!(
            (reply.status, reply.text("__type").as_str()),
            (400, "ValidationException"),
            "byte {position}"
        );
    }
    for nested in
        [vec![0x81; 10_000], vec![0xd2; 10_000], vec![0x9f; 200_000], [vec![0xbb], vec![0xff; 8]].concat()]
    {
        generate(&fixture, &arn, &nested).await.is_error(400, "ValidationException", malformed);
    }
}

/// A forger who cannot make an authority sign puts a key of its own into the enclave's certificate, and signs
/// the document with it.
#[tokio::test]
async fn a_leaf_that_no_authority_signed_is_refused() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let forger = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let rewritten = rewrite(&document(&fixture.nsm), |fields| {
        let position = position(fields, "certificate");
        let certificate = fields[position].1.as_bytes_mut().unwrap();
        let parsed = Certificate::from_der(certificate).unwrap();
        let key = parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes().to_vec();
        let at = certificate.windows(key.len()).position(|window| window == key).unwrap();
        certificate[at..at + key.len()].copy_from_slice(forger.public_key().as_ref());
    });
    let mut signed = CoseSign1::from_slice(&rewritten).unwrap();
    signed.signature = forger.sign(&SystemRandom::new(), &signed.tbs_data(b"")).unwrap().as_ref().to_vec();
    let reply = generate(&fixture, &arn, &signed.to_vec().unwrap()).await;
    reply.is_error(400, "ValidationException", "cannot verify");
    // The rewriting itself does no harm where the encoding stays: the map is definite here.
    let nsm =
        Nsm::boot(&fixture.authority, NsmConfig::new(image()).map_encoding(MapEncoding::Definite)).unwrap();
    let untouched = rewrite(&document(&nsm), |_| ());
    generate(&fixture, &arn, &untouched).await.ok();
}

#[tokio::test]
async fn the_recipients_algorithm_is_checked() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let mut to = recipient(&document(&fixture.nsm));
    to["KeyEncryptionAlgorithm"] = json!("RSAES_OAEP_SHA_1");
    let request = json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": to });
    fixture.client.call("GenerateDataKey", &request).await.is_error(
        400,
        "ValidationException",
        "Value 'RSAES_OAEP_SHA_1' at 'recipient.keyEncryptionAlgorithm' failed to satisfy \
         constraint: Member must satisfy enum value set: [RSAES_OAEP_SHA_256]",
    );
    let to = json!({ "AttestationDocument": STANDARD.encode(document(&fixture.nsm)) });
    let request = json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": to });
    fixture.client.call("GenerateDataKey", &request).await.is_error(
        400,
        "ValidationException",
        "RSAES_OAEP_SHA_256",
    );
}

#[tokio::test]
async fn larger_rsa_keys_are_served_too() {
    let fixture = Fixture::start().await;
    let arn = attested_key(&fixture);
    let key = PrivateDecryptingKey::generate(KeySize::Rsa3072).unwrap().public_key();
    let spki: PublicKeyX509Der<'_> = key.as_der().unwrap();
    let request = AttestationRequest { public_key: Some(spki.as_ref()), ..Default::default() };
    let reply = generate(&fixture, &arn, &fixture.nsm.attest(&request).unwrap()).await.ok();
    assert_eq!(reply.blob("CiphertextForRecipient").len(), 493 + 128);
}

#[tokio::test]
async fn the_server_may_have_a_clock_of_its_own() {
    let fixture = Fixture::start().await;
    let clock = Clock::fixed(fixture.clock.now_millis() + 301_000);
    let kms = pcrseal_emulator::kms::Kms::builder()
        .authority(&fixture.authority)
        .clock(&clock)
        .start()
        .await
        .unwrap();
    kms.add_principal(pcrseal_emulator::kms::Principal::new("AKIATEST", "secret", common::ROLE).unwrap());
    let arn = kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let client = common::Client::new(&kms, &clock, "AKIATEST", "secret");
    let request =
        json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": recipient(&document(&fixture.nsm)) });
    client.call("GenerateDataKey", &request).await.is_error(400, "ValidationException", "five-minute");
}
