//! Data key pairs, key agreement, random bytes: with and without recipients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use aws_lc_rs::agreement::{ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::recipient::{document, open, recipient};
use common::{ACCOUNT, Fixture, REGION, TempDir, image, index, openssl};
use pcrseal_emulator::kms::{Access, Action, Curve, Fault, KeyOptions, KeyPolicy, KmsError};
use serde_json::{Value, json};

const CURVES: [(Curve, &aws_lc_rs::agreement::Algorithm); 3] =
    [(Curve::P256, &ECDH_P256), (Curve::P384, &ECDH_P384), (Curve::P521, &ECDH_P521)];

fn key(fixture: &Fixture) -> String {
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap()
}

fn agreement_key(fixture: &Fixture, curve: Curve) -> String {
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default().key_agreement(curve)).unwrap()
}

fn spki(key: &PrivateKey) -> Vec<u8> {
    let der: PublicKeyX509Der<'_> = key.compute_public_key().unwrap().as_der().unwrap();
    der.as_ref().to_vec()
}

async fn decrypt(fixture: &Fixture, arn: &str, blob: &str, context: &Value) -> Vec<u8> {
    let request = json!({ "KeyId": arn, "CiphertextBlob": blob, "EncryptionContext": context });
    fixture.client.call("Decrypt", &request).await.ok().blob("Plaintext")
}

/// The public key that belongs to a private one, both in DER.
fn public_of(spec: &str, private: &[u8]) -> Vec<u8> {
    if spec.starts_with("RSA") {
        let pair = RsaKeyPair::from_pkcs8(private).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        return public.as_ref().to_vec();
    }
    let (_, algorithm) = CURVES.into_iter().find(|(curve, _)| curve.key_spec() == spec).unwrap();
    spki(&PrivateKey::from_private_key_der(algorithm, private).unwrap())
}

#[tokio::test]
async fn data_key_pairs_of_every_specification() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let context = json!({ "purpose": "pairs" });
    for spec in ["RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
        let mut request = json!({ "KeyId": arn, "KeyPairSpec": spec, "EncryptionContext": context });
        let reply = fixture.client.call("GenerateDataKeyPair", &request).await.ok();
        let private = reply.blob("PrivateKeyPlaintext");
        assert_eq!(public_of(spec, &private), reply.blob("PublicKey"), "{spec}");
        assert_eq!(
            decrypt(&fixture, &arn, &reply.text("PrivateKeyCiphertextBlob"), &context).await,
            private,
            "{spec}"
        );
        assert_eq!((reply.text("KeyId"), reply.text("KeyPairSpec")), (arn.clone(), spec.to_owned()));
        assert_eq!(reply.text("KeyMaterialId").len(), 64);
        assert_eq!(reply.json().as_object().unwrap().len(), 6);

        let reply = fixture.client.call("GenerateDataKeyPairWithoutPlaintext", &request).await.ok();
        assert_eq!(reply.json().as_object().unwrap().len(), 5);
        let private = decrypt(&fixture, &arn, &reply.text("PrivateKeyCiphertextBlob"), &context).await;
        assert_eq!(public_of(spec, &private), reply.blob("PublicKey"), "{spec}");

        request["Recipient"] = recipient(&document(&fixture.nsm));
        let reply = fixture.client.call("GenerateDataKeyPair", &request).await.ok();
        assert_eq!(reply.json().get("PrivateKeyPlaintext"), None);
        let private = open(&reply.blob("CiphertextForRecipient"));
        assert_eq!(public_of(spec, &private), reply.blob("PublicKey"), "{spec}");
    }
}

#[tokio::test]
async fn pairs_are_what_openssl_reads() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let folder = TempDir::new("pairs");
    for spec in ["RSA_2048", "ECC_NIST_P384"] {
        let request = json!({ "KeyId": arn, "KeyPairSpec": spec });
        let reply = fixture.client.call("GenerateDataKeyPair", &request).await.ok();
        let private = folder.write("private.der", &reply.blob("PrivateKeyPlaintext"));
        let out = folder.0.join("public.der");
        let out = out.to_str().unwrap();
        let convert = ["pkey", "-inform", "DER", "-in", &private, "-pubout", "-outform", "DER", "-out", out];
        let Some((ok, text)) = openssl(&convert) else { return };
        assert!(ok, "{text}");
        assert_eq!(std::fs::read(out).unwrap(), reply.blob("PublicKey"), "{spec}");
    }
}

#[tokio::test]
async fn pairs_that_cannot_be_made() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    for spec in ["ECC_SECG_P256K1", "SM2", "ECC_NIST_EDWARDS25519"] {
        let reply = client.call("GenerateDataKeyPair", &json!({ "KeyId": arn, "KeyPairSpec": spec })).await;
        reply.is_error(
            400,
            "UnsupportedOperationException",
            &format!("data key pairs of KeyPairSpec {spec}"),
        );
    }
    let reply = client.call("GenerateDataKeyPair", &json!({ "KeyId": arn, "KeyPairSpec": "RSA_1024" })).await;
    reply.is_error(
        400,
        "ValidationException",
        "'keyPairSpec' failed to satisfy constraint: Member must satisfy",
    );
    let reply = client.call("GenerateDataKeyPair", &json!({ "KeyId": arn })).await;
    reply.is_error(400, "ValidationException", "Value null at 'keyPairSpec'");
    let request = json!({ "KeyId": arn, "KeyPairSpec": "RSA_2048", "DryRun": true });
    client.call("GenerateDataKeyPair", &request).await.is_error(412, "DryRunOperationException", "");
    let agreement = agreement_key(&fixture, Curve::P256);
    let request = json!({ "KeyId": agreement, "KeyPairSpec": "RSA_2048" });
    let usage = format!("{agreement} key usage is KEY_AGREEMENT which is not valid for GenerateDataKeyPair.");
    client.call("GenerateDataKeyPair", &request).await.is_error(400, "InvalidKeyUsageException", &usage);
    fixture.kms.key(&arn).unwrap().disable();
    let request = json!({ "KeyId": arn, "KeyPairSpec": "RSA_2048" });
    client.call("GenerateDataKeyPair", &request).await.is_error(400, "DisabledException", "");
}

#[tokio::test]
async fn both_sides_derive_the_same_secret() {
    let fixture = Fixture::start().await;
    for (curve, algorithm) in CURVES {
        let arn = agreement_key(&fixture, curve);
        let shown = fixture.client.call("GetPublicKey", &json!({ "KeyId": arn })).await.ok();
        assert_eq!(shown.text("KeySpec"), curve.key_spec());
        assert_eq!(shown.text("KeyUsage"), "KEY_AGREEMENT");
        assert_eq!(shown.json()["KeyAgreementAlgorithms"], json!(["ECDH"]));
        let mine = PrivateKey::generate(algorithm).unwrap();
        let theirs = UnparsedPublicKey::new(algorithm, shown.blob("PublicKey"));
        let secret = agree(&mine, &theirs, (), |secret| Ok(secret.to_vec())).unwrap();

        let mut request = json!({
            "KeyId": arn, "KeyAgreementAlgorithm": "ECDH", "PublicKey": STANDARD.encode(spki(&mine)),
        });
        let reply = fixture.client.call("DeriveSharedSecret", &request).await.ok();
        assert_eq!(reply.blob("SharedSecret"), secret);
        let mut rest = reply.json();
        rest.as_object_mut().unwrap().remove("SharedSecret");
        assert_eq!(rest, json!({ "KeyAgreementAlgorithm": "ECDH", "KeyId": arn, "KeyOrigin": "AWS_KMS" }));

        request["Recipient"] = recipient(&document(&fixture.nsm));
        let reply = fixture.client.call("DeriveSharedSecret", &request).await.ok();
        assert_eq!(reply.json().get("SharedSecret"), None);
        assert_eq!(open(&reply.blob("CiphertextForRecipient")), secret);
        fixture.kms.key(&arn).unwrap().set_fault(Fault::PlaintextBeside);
        let reply = fixture.client.call("DeriveSharedSecret", &request).await.ok();
        assert_eq!(reply.blob("SharedSecret"), secret);
    }
}

#[tokio::test]
async fn secrets_that_cannot_be_derived() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = agreement_key(&fixture, Curve::P256);
    let point = PrivateKey::generate(&ECDH_P256).unwrap().compute_public_key().unwrap();
    let other_curve = spki(&PrivateKey::generate(&ECDH_P384).unwrap());
    let mut off_curve = spki(&PrivateKey::generate(&ECDH_P256).unwrap());
    *off_curve.last_mut().unwrap() ^= 1;
    for peer in [point.as_ref(), &other_curve, &off_curve, b"x"] {
        let request =
            json!({ "KeyId": arn, "KeyAgreementAlgorithm": "ECDH", "PublicKey": STANDARD.encode(peer) });
        let text = "PublicKey is not a public key of ECC_NIST_P256.";
        client.call("DeriveSharedSecret", &request).await.is_error(400, "ValidationException", text);
    }
    let peer = STANDARD.encode(spki(&PrivateKey::generate(&ECDH_P256).unwrap()));
    let mut request = json!({ "KeyId": arn, "KeyAgreementAlgorithm": "X25519", "PublicKey": peer });
    client.call("DeriveSharedSecret", &request).await.is_error(
        400,
        "ValidationException",
        "Member must satisfy enum value set: [ECDH]",
    );
    request["KeyAgreementAlgorithm"] = Value::Null;
    let text = "Value null at 'keyAgreementAlgorithm'";
    client.call("DeriveSharedSecret", &request).await.is_error(400, "ValidationException", text);
    let symmetric = key(&fixture);
    let request = json!({ "KeyId": symmetric, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer });
    let text = format!("{symmetric} key usage is ENCRYPT_DECRYPT which is not valid for DeriveSharedSecret.");
    client.call("DeriveSharedSecret", &request).await.is_error(400, "InvalidKeyUsageException", &text);
    let reply = client.call("GetPublicKey", &json!({ "KeyId": symmetric })).await;
    reply.is_error(400, "UnsupportedOperationException", "no public key");
    for (operation, request) in [
        ("Encrypt", json!({ "KeyId": arn, "Plaintext": "eA==" })),
        ("Decrypt", json!({ "KeyId": arn, "CiphertextBlob": "eA==" })),
        ("GenerateDataKey", json!({ "KeyId": arn, "KeySpec": "AES_256" })),
    ] {
        let text = format!("key usage is KEY_AGREEMENT which is not valid for {operation}.");
        client.call(operation, &request).await.is_error(400, "InvalidKeyUsageException", &text);
    }
}

#[tokio::test]
async fn keys_for_agreement_are_created_and_described() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    for (curve, _) in CURVES {
        let request = json!({ "KeySpec": curve.key_spec(), "KeyUsage": "KEY_AGREEMENT" });
        let created = client.call("CreateKey", &request).await.ok().json();
        let metadata = &created["KeyMetadata"];
        assert_eq!(metadata["KeySpec"], curve.key_spec());
        assert_eq!(metadata["CustomerMasterKeySpec"], curve.key_spec());
        assert_eq!(metadata["KeyUsage"], "KEY_AGREEMENT");
        assert_eq!(metadata["KeyAgreementAlgorithms"], json!(["ECDH"]));
        assert_eq!(metadata.get("EncryptionAlgorithms"), None);
        assert_eq!(metadata.get("CurrentKeyMaterialId"), None);
        let described = client.call("DescribeKey", &json!({ "KeyId": metadata["Arn"] })).await.ok().json();
        assert_eq!(described, created);
    }
    let reply = client.call("CreateKey", &json!({ "KeySpec": "ECC_NIST_P256" })).await;
    reply.is_error(400, "ValidationException", "KeyUsage");
    for request in [
        json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" }),
        json!({ "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "KEY_AGREEMENT" }),
        json!({ "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT" }),
    ] {
        let reply = client.call("CreateKey", &request).await;
        reply.is_error(400, "UnsupportedOperationException", "does not support keys of KeySpec");
    }
    let refused = fixture.kms.create_key("", ACCOUNT, KeyOptions::default().key_agreement(Curve::P256));
    assert!(matches!(refused, Err(KmsError::Region(_))));
}

#[tokio::test]
async fn attested_keys_serve_attested_recipients_alone() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let values = image();
    let policy = KeyPolicy::attested([(index(0), &values[0])]);
    let symmetric = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::new(policy.clone())).unwrap();
    let options = KeyOptions::new(policy).key_agreement(Curve::P384);
    let agreement = fixture.kms.create_key(REGION, ACCOUNT, options).unwrap();
    let peer = STANDARD.encode(spki(&PrivateKey::generate(&ECDH_P384).unwrap()));
    let pair = json!({ "KeyId": symmetric, "KeyPairSpec": "ECC_NIST_P256" });
    let secret = json!({ "KeyId": agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer });
    for (operation, mut request) in [("GenerateDataKeyPair", pair.clone()), ("DeriveSharedSecret", secret)] {
        let text = format!("because no resource-based policy allows the kms:{operation} action");
        client.call(operation, &request).await.is_error(400, "AccessDeniedException", &text);
        request["Recipient"] = recipient(&document(&fixture.nsm));
        client.call(operation, &request).await.ok();
    }
    client.call("GenerateDataKeyPairWithoutPlaintext", &pair).await.is_error(
        400,
        "AccessDeniedException",
        "with an explicit deny",
    );
    // Values alone, without `attested`, protect what can have a recipient.
    let policy = KeyPolicy::allow_all().pcr(index(0), &values[0]);
    fixture.kms.key(&symmetric).unwrap().set_policy(policy.clone());
    client.call("GenerateDataKeyPair", &pair).await.is_error(
        400,
        "AccessDeniedException",
        "no resource-based",
    );
    fixture.kms.key(&symmetric).unwrap().set_policy(policy.set(Action::GenerateDataKeyPair, Access::Allow));
    client.call("GenerateDataKeyPair", &pair).await.ok();
}

#[tokio::test]
async fn random_bytes() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    for length in [1, 32, 1024] {
        let mut request = json!({ "NumberOfBytes": length });
        let reply = client.call("GenerateRandom", &request).await.ok();
        assert_eq!(reply.blob("Plaintext").len(), length);
        assert_eq!(reply.json().as_object().unwrap().len(), 1);
        request["Recipient"] = recipient(&document(&fixture.nsm));
        let reply = client.call("GenerateRandom", &request).await.ok();
        assert_eq!(open(&reply.blob("CiphertextForRecipient")).len(), length);
        assert_eq!(reply.json().as_object().unwrap().len(), 1);
    }
    let bytes = client.call("GenerateRandom", &json!({ "NumberOfBytes": 32 })).await.blob("Plaintext");
    assert_ne!(bytes, [0; 32]);
    for (request, code, text) in [
        (json!({}), "ValidationException", "NumberOfBytes"),
        (json!({ "NumberOfBytes": 0 }), "ValidationException", "greater than or equal to 1"),
        (json!({ "NumberOfBytes": 1025 }), "ValidationException", "less than or equal to 1024"),
        (
            json!({ "NumberOfBytes": 1, "CustomKeyStoreId": "cks-1" }),
            "CustomKeyStoreNotFoundException",
            "cks-1",
        ),
    ] {
        client.call("GenerateRandom", &request).await.is_error(400, code, text);
    }
}
