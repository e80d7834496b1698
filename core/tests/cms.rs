//! `CiphertextForRecipient`: genuine answers of AWS KMS, every accepted shape, and a code for each other one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]
#![allow(unreachable_pub)] // the shared modules' items

mod cms_writer;
mod common;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cms_writer::{
    CEK, CONTENT, CONTENT_ALGORITHM, CONTENT_ALGORITHM_OID, CONTENT_TYPE, ENCRYPTED_CONTENT, ENCRYPTED_KEY,
    ENVELOPED_DATA, FixedKey, Form, HASH, INNER_TYPE, IV_FIELD, KEY_ALGORITHM, KEY_ALGORITHM_OID, KTRI,
    KTRI_VERSION, MGF, MGF_HASH, Node, OAEP, OID_AES128_CBC, OID_DATA, OID_ENVELOPED_DATA, OID_MGF1,
    OID_RSA_ENCRYPTION, OID_SHA1, OID_SHA384, OUTER_LEVELS, RECIPIENT_INFOS, SKI, VERSION, algorithm, branch,
    encrypt, encrypt_key, leaf, message, message_for_fixed_key, message_of, pad,
};
use pcrseal_core::cms::EnvelopedData;
use pcrseal_core::crypto::{Backend, aws_lc, rustcrypto};
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::recipient::Recipient;
use serde_json::Value;
use sha2::{Digest, Sha256};

const PLAINTEXT: &[u8; 32] = b"a data key of exactly 32 bytes..";

fn backends() -> [Backend; 2] {
    [aws_lc::BACKEND, rustcrypto::BACKEND]
}

fn rejected() -> Error {
    Error::new(Code::Rejected)
}

// ---- Genuine answers of AWS KMS ----

fn blobs(folder: &Path) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    index["blobs"].as_array().unwrap().clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

/// PKCS#8 DER from PEM; a PKCS#1 key is wrapped.
fn pkcs8(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).unwrap();
    if pem.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        let wrapped = vec![leaf(2, &[0]), algorithm(OID_RSA_ENCRYPTION), leaf(4, &der)];
        return branch(0x30, wrapped).encode();
    }
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    der
}

#[test]
fn genuine_answers_are_read() {
    let Some(folder) = common::vectors("cms") else { return };
    let mut read = 0;
    for blob in blobs(&folder) {
        let name = blob["name"].as_str().unwrap();
        let bytes = fs::read(folder.join(blob["file"].as_str().unwrap())).unwrap();
        if name == "brodyxchen-oaep-sha1-default-params" {
            assert_eq!(EnvelopedData::parse(&bytes).unwrap_err().code(), Code::CmsOaepSha1);
            continue;
        }
        let envelope = EnvelopedData::parse(&bytes).expect(name);
        assert_eq!(hex(envelope.subject_key_identifier()), blob["ski"].as_str().unwrap(), "{name}");
        assert_eq!(hex(envelope.iv()), blob["iv"].as_str().unwrap(), "{name}");
        assert_eq!(envelope.encrypted_key().len() as u64 * 8, blob["rsa_bits"].as_u64().unwrap(), "{name}");
        let len = blob["encrypted_content_len"].as_u64().unwrap();
        assert_eq!(envelope.encrypted_content_len() as u64, len, "{name}");
        let chunks: Vec<Value> = envelope.encrypted_content().map(|chunk| chunk.len().into()).collect();
        assert_eq!(&chunks, blob["chunks"].as_array().unwrap(), "{name}");
        for len in 1..bytes.len() {
            assert_eq!(EnvelopedData::parse(&bytes[..len]).unwrap_err().code(), Code::CmsTruncated, "{name}");
        }
        read += 1;
    }
    assert!(read >= 5, "{read} genuine answers");
}

#[test]
fn genuine_answers_open_to_the_published_plaintext() {
    let Some(folder) = common::vectors("cms") else { return };
    let mut opened = 0;
    for blob in blobs(&folder) {
        let (Some(key), name) = (blob["key"].as_str(), blob["name"].as_str().unwrap()) else { continue };
        let key = pkcs8(&fs::read_to_string(folder.join(key)).unwrap());
        let bytes = fs::read(folder.join(blob["file"].as_str().unwrap())).unwrap();
        let plaintext = fs::read(folder.join(format!("{name}.plaintext.bin"))).unwrap();
        for backend in backends() {
            let recipient = Recipient::from_key(backend.rsa.import_pkcs8(&key).unwrap());
            assert_eq!(recipient.open(&bytes).unwrap().expose(), plaintext, "{name}, {backend:?}");
        }
        opened += 1;
    }
    assert!(opened >= 2, "{opened} genuine answers with their key");
}

#[test]
fn a_genuine_answer_for_another_key_is_refused_by_name() {
    let Some(folder) = common::vectors("cms") else { return };
    let bytes = fs::read(folder.join("enclaver-decrypt-hello-world.ber")).unwrap();
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let error = recipient.open(&bytes).unwrap_err();
    let expected = hex(&Sha256::digest(recipient.public_key_der()));
    let found = "fb09e9af2940ddcf0d2bbf6358c983af46fc5fdcedbca251d54ceab4d069cd89";
    assert_eq!(error, Error::text(Code::CmsForeignRecipient, "subjectKeyIdentifier", &expected, found));
}

// ---- Accepted shapes ----

#[test]
fn every_accepted_shape_opens_under_both_backends() {
    for backend in backends() {
        let recipient = Recipient::generate(&backend).unwrap();
        let spki = recipient.public_key_der();
        let encrypted_key = encrypt_key(spki, &CEK);
        let ciphertext = encrypt(&pad(PLAINTEXT));
        let forms = [
            Form::Primitive,
            Form::Constructed { chunk: 48, indefinite: true },
            Form::Constructed { chunk: 48, indefinite: false },
            Form::Constructed { chunk: 5, indefinite: true },
            Form::Constructed { chunk: 1, indefinite: false },
        ];
        for form in forms {
            for levels in 0..1 << OUTER_LEVELS.len() {
                let mut message = message_of(&Sha256::digest(spki), &encrypted_key, &ciphertext, form);
                for (position, level) in OUTER_LEVELS.iter().enumerate() {
                    message.at(level).set_indefinite(levels >> position & 1 == 1);
                }
                // Opening costs an RSA operation, reading none: open a few of the shapes.
                let bytes = message.encode();
                let envelope = EnvelopedData::parse(&bytes).expect("an accepted shape");
                let joined: Vec<u8> = envelope.encrypted_content().flatten().copied().collect();
                assert_eq!(joined, ciphertext, "{form:?}, levels {levels:b}");
                if levels == 0 || levels == 15 {
                    assert_eq!(recipient.open(&bytes).unwrap().expose(), PLAINTEXT, "{form:?}");
                }
            }
        }
    }
}

#[test]
fn absent_parameters_of_sha256_are_accepted() {
    for absent in [&[HASH][..], &[MGF_HASH], &[HASH, MGF_HASH]] {
        let mut message = message_for_fixed_key(&pad(PLAINTEXT));
        for path in absent {
            message.at(path).children().pop();
        }
        assert!(EnvelopedData::parse(&message.encode()).is_ok(), "{absent:?}");
    }
}

#[test]
fn empty_chunks_are_accepted() {
    let mut message = message_for_fixed_key(&pad(PLAINTEXT));
    message.at(ENCRYPTED_CONTENT).children().insert(0, leaf(4, &[]));
    message.at(ENCRYPTED_CONTENT).children().push(leaf(4, &[]));
    let recipient = Recipient::from_key(Box::new(FixedKey(Some(CEK.to_vec()))));
    assert_eq!(recipient.open(&message.encode()).unwrap().expose(), PLAINTEXT);
}

#[test]
fn plaintexts_of_every_length_up_to_the_bound() {
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let plaintext: Vec<u8> = (0..=255).cycle().take(5500).collect();
    for len in (0..=64).chain([4095, 4096, 5500]) {
        let bytes = message(recipient.public_key_der(), &pad(&plaintext[..len])).encode();
        assert_eq!(recipient.open(&bytes).unwrap().expose(), &plaintext[..len], "{len}");
    }
}

#[test]
fn larger_recipient_keys_open_too() {
    let key = aws_lc_rs::rsa::PrivateDecryptingKey::generate(aws_lc_rs::rsa::KeySize::Rsa3072).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = aws_lc_rs::encoding::AsDer::as_der(&key).unwrap();
    for backend in backends() {
        let recipient = Recipient::from_key(backend.rsa.import_pkcs8(der.as_ref()).unwrap());
        let bytes = message(recipient.public_key_der(), &pad(PLAINTEXT)).encode();
        assert_eq!(recipient.open(&bytes).unwrap().expose(), PLAINTEXT, "{backend:?}");
    }
}

// ---- One code per departure from the profile ----

/// Bends one thing in a good message and gives the code it is refused with.
fn refusal(bend: impl FnOnce(&mut Node)) -> Error {
    let mut message = message_for_fixed_key(&pad(PLAINTEXT));
    assert!(EnvelopedData::parse(&message.encode()).is_ok());
    bend(&mut message);
    EnvelopedData::parse(&message.encode()).unwrap_err()
}

fn code(bend: impl FnOnce(&mut Node)) -> Code {
    refusal(bend).code()
}

#[test]
fn cms_size() {
    assert_eq!(EnvelopedData::parse(&[]).unwrap_err().code(), Code::CmsSize);
    let padding = 6144 - message_for_fixed_key(&[16; 5600]).encode().len();
    // One byte below the bound, at it, and above it; only the last is refused for its size.
    for (len, too_long) in [(padding - 1, false), (padding, false), (padding + 1, true)] {
        let bytes = [message_for_fixed_key(&[16; 5600]).encode(), vec![0; len]].concat();
        let code = EnvelopedData::parse(&bytes).unwrap_err().code();
        assert_eq!(code == Code::CmsSize, too_long, "{code}");
    }
}

#[test]
fn cms_trailing_and_left_over() {
    for trailing in [&[0][..], &[0, 0], &[0x30, 0x80]] {
        let bytes = [message_for_fixed_key(&pad(PLAINTEXT)).encode(), trailing.to_vec()].concat();
        assert_eq!(EnvelopedData::parse(&bytes).unwrap_err().code(), Code::CmsTrailing);
    }
    // Unprotected attributes, further parameters, and whatever else may follow a last field.
    let levels = [
        ENVELOPED_DATA,
        KTRI,
        KEY_ALGORITHM,
        OAEP,
        HASH,
        MGF,
        MGF_HASH,
        CONTENT,
        CONTENT_ALGORITHM,
        ENCRYPTED_CONTENT,
        &[],
        &[1],
        &[1, 0, 1, 0, 2, 1, 0],
        &[1, 0, 1, 0, 2, 1, 1],
    ];
    for level in levels {
        for indefinite in [true, false] {
            let error = refusal(|message| {
                for outer in OUTER_LEVELS {
                    message.at(outer).set_indefinite(indefinite);
                }
                message.at(level).children().push(leaf(0x81, &[]));
            });
            assert_eq!(error.code(), Code::CmsLeftOver, "{level:?}: {error}");
        }
    }
}

#[test]
fn cms_not_enveloped_data() {
    assert_eq!(code(|m| *m.at(CONTENT_TYPE).content() = OID_DATA.to_vec()), Code::CmsNotEnvelopedData);
    assert_eq!(code(|m| m.at(CONTENT_TYPE).content().truncate(8)), Code::CmsNotEnvelopedData);
}

#[test]
fn cms_versions() {
    for (path, field) in [(VERSION, "EnvelopedData.version"), (KTRI_VERSION, "KeyTransRecipientInfo.version")]
    {
        for version in [0, 1, 3, 4, 127] {
            let error = refusal(|m| *m.at(path).content() = vec![version]);
            assert_eq!(error, Error::number(Code::CmsVersion, field, "2", version.into()));
        }
        for version in [&[][..], &[0, 2], &[2, 0], &[0xfe], &[0x82]] {
            let error = refusal(|m| *m.at(path).content() = version.to_vec());
            assert_eq!(error, Error::field(Code::CmsVersion, field), "{version:?}");
        }
    }
}

/// `LocalStack`'s form: DER, versions 0, the recipient named by issuer and serial number.
fn local_stack(m: &mut Node) {
    for level in OUTER_LEVELS {
        m.at(level).set_indefinite(false);
    }
    *m.at(ENCRYPTED_CONTENT) = leaf(0x80, &encrypt(&pad(PLAINTEXT)));
    *m.at(SKI) = issuer_and_serial_number();
    *m.at(KTRI_VERSION).content() = vec![0];
    *m.at(VERSION).content() = vec![0];
}

fn issuer_and_serial_number() -> Node {
    branch(0x30, vec![branch(0x30, Vec::new()), leaf(2, &[1])])
}

#[test]
fn cms_ktri_v0_issuer_serial() {
    assert_eq!(refusal(local_stack), Error::number(Code::CmsVersion, "EnvelopedData.version", "2", 0));
    let with_version_2 = |m: &mut Node| {
        local_stack(m);
        *m.at(VERSION).content() = vec![2];
    };
    assert_eq!(
        refusal(with_version_2),
        Error::number(Code::CmsVersion, "KeyTransRecipientInfo.version", "2", 0)
    );
    assert_eq!(code(|m| *m.at(SKI) = issuer_and_serial_number()), Code::CmsIssuerAndSerialNumber);
}

#[test]
fn cms_ktri_v0_issuer_serial_opens_when_asked_for_by_name() {
    let made = |recipient: &Recipient| {
        let mut message = message(recipient.public_key_der(), &pad(PLAINTEXT));
        local_stack(&mut message);
        message.encode()
    };
    for backend in backends() {
        let recipient = Recipient::generate(&backend).unwrap();
        let bytes = made(&recipient);
        assert_eq!(
            recipient.open_issuer_and_serial_number(&bytes).unwrap().expose(),
            PLAINTEXT,
            "{backend:?}"
        );
        assert_eq!(recipient.open(&bytes).unwrap_err().code(), Code::CmsVersion);
        // Nothing names whose it is: it only fails to open.
        let other = Recipient::generate(&backend).unwrap();
        assert_eq!(other.open_issuer_and_serial_number(&bytes).unwrap_err(), rejected());
    }
}

#[test]
fn cms_issuer_and_serial_number_lets_nothing_else_through() {
    let recipient = Recipient::from_key(Box::new(FixedKey(Some(CEK.to_vec()))));
    let open = |bend: &dyn Fn(&mut Node)| {
        let mut message = message_for_fixed_key(&pad(PLAINTEXT));
        local_stack(&mut message);
        bend(&mut message);
        recipient.open_issuer_and_serial_number(&message.encode())
    };
    assert_eq!(open(&|_| {}).unwrap().expose(), PLAINTEXT);
    let kms = message_for_fixed_key(&pad(PLAINTEXT)).encode();
    let error = Error::number(Code::CmsVersion, "EnvelopedData.version", "0", 2);
    assert_eq!(recipient.open_issuer_and_serial_number(&kms).unwrap_err(), error);

    let code = |bend: &dyn Fn(&mut Node)| open(bend).unwrap_err().code();
    assert_eq!(code(&|m| *m.at(KTRI_VERSION).content() = vec![2]), Code::CmsVersion);
    assert_eq!(code(&|m| *m.at(SKI) = leaf(0x80, &[0; 32])), Code::CmsElement);
    assert_eq!(code(&|m| m.at(SKI).children().clear()), Code::CmsTruncated);
    assert_eq!(code(&|m| m.at(SKI).children()[0] = leaf(2, &[1])), Code::CmsElement);
    assert_eq!(code(&|m| drop(m.at(SKI).children().pop())), Code::CmsTruncated);
    assert_eq!(code(&|m| m.at(SKI).children().push(leaf(5, &[]))), Code::CmsLeftOver);
    assert_eq!(code(&|m| m.at(OAEP).children().clear()), Code::CmsOaepSha1);
    assert_eq!(code(&|m| m.children().push(leaf(5, &[]))), Code::CmsLeftOver);

    let failing = Recipient::from_key(Box::new(FixedKey(None)));
    let mut message = message_for_fixed_key(&pad(PLAINTEXT));
    local_stack(&mut message);
    assert_eq!(failing.open_issuer_and_serial_number(&message.encode()).unwrap_err(), rejected());
}

#[test]
fn cms_recipients() {
    assert_eq!(code(|m| m.at(RECIPIENT_INFOS).children().clear()), Code::CmsRecipientCount);
    let twice = |m: &mut Node| {
        let recipient = m.at(KTRI).clone();
        m.at(RECIPIENT_INFOS).children().push(recipient);
    };
    assert_eq!(code(twice), Code::CmsRecipientCount);
    // KeyAgree-, KEK-, Password- and OtherRecipientInfo (RFC 5652 section 6.2).
    for tag in 0xa1..=0xa4 {
        assert_eq!(code(|m| *m.at(KTRI) = branch(tag, Vec::new())), Code::CmsRecipientType);
    }
    // originatorInfo before the recipients.
    let originator = |m: &mut Node| m.at(ENVELOPED_DATA).children().insert(1, branch(0xa0, Vec::new()));
    assert_eq!(refusal(originator), Error::field(Code::CmsElement, "recipientInfos"));
}

#[test]
fn cms_key_identifier() {
    for len in [0, 20, 31, 33, 48] {
        let error = refusal(|m| *m.at(SKI).content() = vec![7; len]);
        let expected = Error::number(Code::CmsKeyIdentifier, "subjectKeyIdentifier", "32 bytes", len as u64);
        assert_eq!(error, expected);
    }
}

#[test]
fn cms_key_encryption() {
    let v15 = |m: &mut Node| *m.at(KEY_ALGORITHM) = algorithm(OID_RSA_ENCRYPTION);
    assert_eq!(code(v15), Code::CmsKeyEncryptionAlgorithm);
    let mgf1 = |m: &mut Node| *m.at(KEY_ALGORITHM_OID).content() = OID_MGF1.to_vec();
    assert_eq!(code(mgf1), Code::CmsKeyEncryptionAlgorithm);
    for len in [0, 128, 255, 513] {
        let error = refusal(|m| *m.at(ENCRYPTED_KEY).content() = vec![7; len]);
        let expected = Error::number(Code::CmsEncryptedKey, "encryptedKey", "256..512 bytes", len as u64);
        assert_eq!(error, expected);
    }
}

#[test]
fn cms_oaep_sha1_default_and_explicit() {
    // Every form of RFC 8017 appendix A.2.1 that means SHA-1 somewhere.
    assert_eq!(code(|m| drop(m.at(KEY_ALGORITHM).children().pop())), Code::CmsOaepSha1, "no parameters");
    assert_eq!(code(|m| m.at(OAEP).children().clear()), Code::CmsOaepSha1, "30 00");
    assert_eq!(code(|m| drop(m.at(OAEP).children().pop())), Code::CmsOaepSha1, "default mask");
    assert_eq!(code(|m| drop(m.at(OAEP).children().remove(0))), Code::CmsOaepSha1, "default hash");
    assert_eq!(code(|m| *m.at(HASH) = algorithm(OID_SHA1)), Code::CmsOaepSha1, "explicit hash");
    assert_eq!(code(|m| *m.at(MGF_HASH) = algorithm(OID_SHA1)), Code::CmsOaepSha1, "explicit mask hash");
}

#[test]
fn cms_oaep_parameters() {
    assert_eq!(code(|m| *m.at(HASH) = algorithm(OID_SHA384)), Code::CmsOaepParameters);
    assert_eq!(code(|m| *m.at(MGF_HASH) = algorithm(OID_SHA384)), Code::CmsOaepParameters);
    assert_eq!(code(|m| *m.at(&[MGF, &[0]].concat()).content() = OID_SHA1.to_vec()), Code::CmsOaepParameters);
    for hash in [HASH, MGF_HASH] {
        let long_null = |m: &mut Node| *m.at(hash).children().last_mut().unwrap() = leaf(5, &[0]);
        assert_eq!(code(long_null), Code::CmsOaepParameters);
    }
    // A label, even the empty one that is the default.
    let label = branch(0xa2, vec![branch(0x30, vec![leaf(6, OID_DATA), leaf(4, &[])])]);
    assert_eq!(code(|m| m.at(OAEP).children().push(label.clone())), Code::CmsLeftOver);
    assert_eq!(code(|m| m.at(OAEP).children().insert(0, label.clone())), Code::CmsElement);
}

#[test]
fn cms_content_encryption() {
    assert_eq!(code(|m| *m.at(INNER_TYPE).content() = OID_ENVELOPED_DATA.to_vec()), Code::CmsNotData);
    let aes128 = |m: &mut Node| *m.at(CONTENT_ALGORITHM_OID).content() = OID_AES128_CBC.to_vec();
    assert_eq!(code(aes128), Code::CmsContentEncryptionAlgorithm);
    for len in [0, 8, 12, 15, 17, 32] {
        let error = refusal(|m| *m.at(IV_FIELD).content() = vec![7; len]);
        assert_eq!(error, Error::number(Code::CmsIv, "iv", "16 bytes", len as u64));
    }
}

#[test]
fn cms_content_length() {
    for len in [0, 1, 15, 17, 31, 33] {
        let expected = Error::number(
            Code::CmsContentLength,
            "encryptedContent",
            "a multiple of 16 bytes, not 0",
            len as u64,
        );
        let chunk = |m: &mut Node| *m.at(ENCRYPTED_CONTENT).children() = vec![leaf(4, &vec![7; len])];
        assert_eq!(refusal(chunk), expected);
        assert_eq!(refusal(|m| *m.at(ENCRYPTED_CONTENT) = leaf(0x80, &vec![7; len])), expected);
    }
    assert_eq!(code(|m| m.at(ENCRYPTED_CONTENT).children().clear()), Code::CmsContentLength);
    // Absent altogether, as in a detached content.
    assert_eq!(code(|m| drop(m.at(CONTENT).children().pop())), Code::CmsElement);
}

#[test]
fn cms_indefinite_lengths_where_kms_has_none() {
    let paths = [RECIPIENT_INFOS, KTRI, KEY_ALGORITHM, OAEP, HASH, MGF, MGF_HASH, CONTENT_ALGORITHM];
    for path in paths {
        assert_eq!(code(|m| m.at(path).set_indefinite(true)), Code::CmsLength, "{path:?}");
    }
    // A chunk that is itself constructed.
    let nested =
        |m: &mut Node| *m.at(ENCRYPTED_CONTENT).children() = vec![branch(0x24, vec![leaf(4, &[7; 16])])];
    assert_eq!(code(nested), Code::CmsLeftOver);
}

#[test]
fn cms_another_tag_at_every_field() {
    // Every element in turn gets a tag that is not in the profile; the root's children first.
    fn paths(node: &Node, path: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        all.push(path.clone());
        if let Node::Branch { children, .. } = node {
            for (position, child) in children.iter().enumerate() {
                path.push(position);
                paths(child, path, all);
                path.pop();
            }
        }
    }
    let mut all = Vec::new();
    paths(&message_for_fixed_key(&pad(PLAINTEXT)), &mut Vec::new(), &mut all);
    assert_eq!(all.len(), 30, "every element of the profile");
    for path in all {
        let error = refusal(|m| match m.at(&path) {
            Node::Leaf { tag, .. } | Node::Branch { tag, .. } => *tag = 0x5f,
        });
        let expected = match path.as_slice() {
            // What is told apart by its tag.
            [1, 0, 1, 0] => Code::CmsRecipientType,
            // Chunks go on until something else comes.
            [1, 0, 2, 2, _] => Code::CmsLeftOver,
            _ => Code::CmsElement,
        };
        assert_eq!(error.code(), expected, "{path:?}: {error}");
    }
}

// ---- Mute failures ----

#[test]
fn everything_after_the_identifier_is_one_mute_error() {
    for backend in backends() {
        let recipient = Recipient::generate(&backend).unwrap();
        let spki = recipient.public_key_der().to_vec();
        let with = |encrypted_key: &[u8], padded: &[u8]| {
            message_of(&Sha256::digest(&spki), encrypted_key, &encrypt(padded), Form::Primitive).encode()
        };
        let good = encrypt_key(&spki, &CEK);
        assert_eq!(recipient.open(&with(&good, &pad(PLAINTEXT))).unwrap().expose(), PLAINTEXT);

        let mut altered = good.clone();
        altered[100] ^= 1;
        let mut uneven = pad(PLAINTEXT);
        uneven[40] ^= 1;
        let cases = [
            ("OAEP altered", with(&altered, &pad(PLAINTEXT))),
            ("OAEP zero", with(&[0; 256], &pad(PLAINTEXT))),
            ("above the modulus", with(&[0xff; 256], &pad(PLAINTEXT))),
            ("of another key's length", with(&[1; 384], &pad(PLAINTEXT))),
            ("key of no bytes", with(&encrypt_key(&spki, &[]), &pad(PLAINTEXT))),
            ("key of 16 bytes", with(&encrypt_key(&spki, &CEK[..16]), &pad(PLAINTEXT))),
            ("key of 31 bytes", with(&encrypt_key(&spki, &CEK[..31]), &pad(PLAINTEXT))),
            ("key of 33 bytes", with(&encrypt_key(&spki, &[CEK.as_slice(), &[0]].concat()), &pad(PLAINTEXT))),
            ("another key", with(&encrypt_key(&spki, b"another content encryption key!!"), &pad(PLAINTEXT))),
            ("padding 0", with(&good, &[0; 16])),
            ("padding 17", with(&good, &[17; 32])),
            ("padding uneven", with(&good, &uneven)),
        ];
        for (name, bytes) in cases {
            assert_eq!(recipient.open(&bytes).unwrap_err(), rejected(), "{name}, {backend:?}");
        }
    }
}

#[test]
fn a_key_that_failed_opens_nothing_even_if_the_stand_in_key_would() {
    // Content that is well padded under the all-zero key, which stands in for a key that could not be had.
    use aes::Aes256;
    use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
    let mut block = [16_u8; 16];
    let iv = cms_writer::IV;
    cbc::Encryptor::<Aes256>::new(&[0; 32].into(), &iv.into()).encrypt_block((&mut block).into());
    let identifier = Sha256::digest(FixedKey::SPKI);
    let bytes = message_of(&identifier, &[0; 256], &block, Form::Primitive).encode();
    let open = |cek: Option<Vec<u8>>| Recipient::from_key(Box::new(FixedKey(cek))).open(&bytes);
    assert_eq!(open(None).unwrap_err(), rejected());
    assert_eq!(open(Some(vec![0; 31])).unwrap_err(), rejected());
    assert_eq!(open(Some(vec![0; 33])).unwrap_err(), rejected());
    // The content as such is good: under that very key it opens.
    assert!(open(Some(vec![0; 32])).unwrap().is_empty());
}

#[test]
fn padding_of_every_kind() {
    let recipient = Recipient::from_key(Box::new(FixedKey(Some(CEK.to_vec()))));
    let open = |padded: &[u8]| recipient.open(&message_for_fixed_key(padded).encode());
    // Two blocks, so that a length beyond 16 would find bytes to cut off.
    for last in 0..=255_u8 {
        for previous in 0..=255_u8 {
            let mut padded = [0xee; 32];
            padded[30] = previous;
            padded[31] = last;
            let expected = match (previous, last) {
                (_, 1) => Some(31),
                (2, 2) => Some(30),
                _ => None,
            };
            match (open(&padded), expected) {
                (Ok(plaintext), Some(len)) => assert_eq!(plaintext.expose(), &padded[..len]),
                (Err(error), None) => assert_eq!(error, rejected()),
                (outcome, _) => panic!("{previous} {last}: {outcome:?}"),
            }
        }
    }
    for length in 1..=16_u8 {
        let start = 32 - usize::from(length);
        let mut padded = [0xee; 32];
        padded[start..].fill(length);
        assert_eq!(open(&padded).unwrap().expose(), &padded[..start]);
        for wrong in start..31 {
            padded[wrong] ^= 0x10;
            assert_eq!(open(&padded).unwrap_err(), rejected(), "length {length}, byte {wrong}");
            padded[wrong] ^= 0x10;
        }
    }
}

#[test]
fn nothing_secret_is_printed() {
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    assert_eq!(format!("{recipient:?}"), "Recipient");
    let bytes = message(recipient.public_key_der(), &pad(PLAINTEXT)).encode();
    assert_eq!(format!("{:?}", recipient.open(&bytes).unwrap()), "Secret(32 bytes)");
    assert_eq!(rejected().detail(), &Detail::None);
}
