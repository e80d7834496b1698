//! Every operation on the wire: its request as AWS writes it, its bounds, and its answer, with and without
//! Recipient.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::Error;
use pcrseal_kms::wire::{
    DataKeyPairSpec, DataKeySpec, DecryptRequest, DeriveSharedSecretRequest, DescribeKeyRequest,
    DisableKeyRequest, EnableKeyRequest, EncryptRequest, EncryptionContext, GenerateDataKeyPairRequest,
    GenerateDataKeyRequest, GenerateRandomRequest, GetKeyPolicyRequest, HttpAnswer, Operation,
    PutKeyPolicyRequest, ReEncryptRequest, Released,
};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER: &str = "arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const EMPTY: &EncryptionContext = &EncryptionContext::new();

const PAIR: GenerateDataKeyPairRequest<'_> = GenerateDataKeyPairRequest {
    key_id: ARN,
    spec: DataKeyPairSpec::EccNistP256,
    encryption_context: EMPTY,
    grant_tokens: &[],
    recipient: None,
    dry_run: false,
};
const RANDOM: GenerateRandomRequest<'_> =
    GenerateRandomRequest { number_of_bytes: 4, custom_key_store_id: None, recipient: None };
const SHARED: DeriveSharedSecretRequest<'_> = DeriveSharedSecretRequest {
    key_id: ARN,
    public_key: b"spki",
    grant_tokens: &[],
    recipient: None,
    dry_run: false,
};
const RE_ENCRYPT: ReEncryptRequest<'_> = ReEncryptRequest {
    ciphertext_blob: b"blob",
    source_key_id: ARN,
    source_encryption_context: EMPTY,
    destination_key_id: OTHER,
    destination_encryption_context: EMPTY,
    grant_tokens: &[],
    dry_run: false,
};
const DECRYPT: DecryptRequest<'_> = DecryptRequest {
    key_id: ARN,
    ciphertext_blob: b"blob",
    encryption_context: EMPTY,
    grant_tokens: &[],
    recipient: None,
    dry_run: false,
};
const DATA_KEY: GenerateDataKeyRequest<'_> = GenerateDataKeyRequest {
    key_id: ARN,
    spec: DataKeySpec::Aes256,
    encryption_context: EMPTY,
    grant_tokens: &[],
    recipient: None,
    dry_run: false,
};

fn context(key: &str, value: &str) -> EncryptionContext {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn body<O: Operation>(operation: &O) -> Value {
    serde_json::from_slice(&operation.body().unwrap()).unwrap()
}

fn refused<O: Operation>(operation: &O) -> Code {
    match operation.body().unwrap_err() {
        Error::InvalidRequest(fault) => fault.code(),
        other => panic!("{other}"),
    }
}

fn read<O: Operation>(operation: &O, body: &[u8]) -> Result<O::Answer, Error> {
    HttpAnswer::new(200, [], body).read(operation)
}

fn bad<O: Operation>(operation: &O, body: &Value) -> Code {
    match read(operation, body.to_string().as_bytes()) {
        Err(Error::BadAnswer(bad)) => bad.fault.code(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted: {body}"),
    }
}

fn plaintext(released: Released) -> Secret {
    let Released::Plaintext(secret) = released else { panic!("for the recipient") };
    secret
}

fn for_recipient(released: Released) -> Vec<u8> {
    let Released::ForRecipient(cms) = released else { panic!("a plaintext") };
    cms
}

#[test]
fn targets_name_the_operations_and_all_may_be_repeated() {
    fn target<O: Operation>(_: &O) -> &'static str {
        assert!(O::REPEATABLE);
        O::TARGET
    }
    let secret = Secret::copy_from(b"x");
    let encrypt = EncryptRequest {
        key_id: ARN,
        plaintext: &secret,
        encryption_context: EMPTY,
        grant_tokens: &[],
        dry_run: false,
    };
    let policy = PutKeyPolicyRequest { key_id: ARN, policy: "{}", bypass_policy_lockout_safety_check: false };
    for (target, name) in [
        (target(&DECRYPT), "Decrypt"),
        (target(&encrypt), "Encrypt"),
        (target(&RE_ENCRYPT), "ReEncrypt"),
        (target(&DATA_KEY), "GenerateDataKey"),
        (target(&PAIR), "GenerateDataKeyPair"),
        (target(&RANDOM), "GenerateRandom"),
        (target(&SHARED), "DeriveSharedSecret"),
        (target(&DescribeKeyRequest { key_id: ARN, grant_tokens: &[] }), "DescribeKey"),
        (target(&DisableKeyRequest { key_id: ARN }), "DisableKey"),
        (target(&EnableKeyRequest { key_id: ARN }), "EnableKey"),
        (target(&GetKeyPolicyRequest { key_id: ARN }), "GetKeyPolicy"),
        (target(&policy), "PutKeyPolicy"),
    ] {
        assert_eq!(target.strip_prefix("TrentService."), Some(name));
    }
}

#[test]
fn requests_are_written_as_the_api_has_them() {
    let (one, two) = (context("a", "1"), context("ä", "\u{1f511}"));
    let recipient = json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "ZG9j" });
    let tokens = &["token-1", "token-2"][..];

    assert_eq!(body(&PAIR), json!({ "KeyId": ARN, "KeyPairSpec": "ECC_NIST_P256" }));
    assert_eq!(
        body(&GenerateDataKeyPairRequest {
            encryption_context: &one,
            grant_tokens: tokens,
            recipient: Some(b"doc"),
            dry_run: true,
            ..PAIR
        }),
        json!({ "KeyId": ARN, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": { "a": "1" },
                "GrantTokens": tokens, "Recipient": recipient, "DryRun": true })
    );
    assert_eq!(body(&RANDOM), json!({ "NumberOfBytes": 4 }));
    assert_eq!(
        body(&GenerateRandomRequest {
            custom_key_store_id: Some("cks-1234"),
            recipient: Some(b"doc"),
            ..RANDOM
        }),
        json!({ "NumberOfBytes": 4, "CustomKeyStoreId": "cks-1234", "Recipient": recipient })
    );
    assert_eq!(
        body(&SHARED),
        json!({ "KeyId": ARN, "KeyAgreementAlgorithm": "ECDH", "PublicKey": "c3BraQ==" })
    );
    assert_eq!(
        body(&DeriveSharedSecretRequest {
            grant_tokens: tokens,
            recipient: Some(b"doc"),
            dry_run: true,
            ..SHARED
        }),
        json!({ "KeyId": ARN, "KeyAgreementAlgorithm": "ECDH", "PublicKey": "c3BraQ==",
                "GrantTokens": tokens, "Recipient": recipient, "DryRun": true })
    );
    assert_eq!(
        body(&RE_ENCRYPT),
        json!({ "CiphertextBlob": "YmxvYg==", "SourceKeyId": ARN, "DestinationKeyId": OTHER })
    );
    assert_eq!(
        body(&ReEncryptRequest {
            source_encryption_context: &one,
            destination_encryption_context: &two,
            grant_tokens: tokens,
            dry_run: true,
            ..RE_ENCRYPT
        }),
        json!({ "CiphertextBlob": "YmxvYg==", "SourceKeyId": ARN, "DestinationKeyId": OTHER,
                "SourceEncryptionContext": { "a": "1" }, "DestinationEncryptionContext": { "ä": "\u{1f511}" },
                "GrantTokens": tokens, "DryRun": true })
    );
    for written in [
        body(&DecryptRequest { grant_tokens: tokens, ..DECRYPT }),
        body(&GenerateDataKeyRequest { grant_tokens: tokens, ..DATA_KEY }),
        body(&DescribeKeyRequest { key_id: ARN, grant_tokens: tokens }),
    ] {
        assert_eq!(written["GrantTokens"], json!(tokens), "{written}");
    }
    assert_eq!(body(&DisableKeyRequest { key_id: ARN }), json!({ "KeyId": ARN }));
    assert_eq!(body(&EnableKeyRequest { key_id: ARN }), json!({ "KeyId": ARN }));
    assert_eq!(body(&GetKeyPolicyRequest { key_id: ARN }), json!({ "KeyId": ARN }));
    let put = PutKeyPolicyRequest { key_id: ARN, policy: "{\n}", bypass_policy_lockout_safety_check: false };
    assert_eq!(body(&put), json!({ "KeyId": ARN, "Policy": "{\n}" }));
    assert_eq!(
        body(&PutKeyPolicyRequest { bypass_policy_lockout_safety_check: true, ..put }),
        json!({ "KeyId": ARN, "Policy": "{\n}", "BypassPolicyLockoutSafetyCheck": true })
    );
}

#[test]
fn names_outside_the_bounds_are_refused_everywhere() {
    for key_id in ["", &"k".repeat(2049)] {
        for code in [
            refused(&GenerateDataKeyPairRequest { key_id, ..PAIR }),
            refused(&DeriveSharedSecretRequest { key_id, ..SHARED }),
            refused(&ReEncryptRequest { source_key_id: key_id, ..RE_ENCRYPT }),
            refused(&ReEncryptRequest { destination_key_id: key_id, ..RE_ENCRYPT }),
            refused(&DisableKeyRequest { key_id }),
            refused(&EnableKeyRequest { key_id }),
            refused(&GetKeyPolicyRequest { key_id }),
            refused(&PutKeyPolicyRequest { key_id, policy: "{}", bypass_policy_lockout_safety_check: false }),
        ] {
            assert_eq!(code, Code::KmsKeyId);
        }
    }
}

#[test]
fn grant_tokens_are_at_most_ten_of_at_most_8192_bytes() {
    let (longest, too_long) = ("t".repeat(8192), "t".repeat(8193));
    let secret = Secret::copy_from(b"x");
    let encrypt = EncryptRequest {
        key_id: ARN,
        plaintext: &secret,
        encryption_context: EMPTY,
        grant_tokens: &[],
        dry_run: false,
    };
    for (tokens, fits) in [
        (vec![longest.as_str(); 10], true),
        (vec!["t"; 11], false),
        (vec!["t", ""], false),
        (vec!["t", too_long.as_str()], false),
    ] {
        let grant_tokens = tokens.as_slice();
        for result in [
            EncryptRequest { grant_tokens, ..encrypt }.body(),
            DecryptRequest { grant_tokens, ..DECRYPT }.body(),
            GenerateDataKeyRequest { grant_tokens, ..DATA_KEY }.body(),
            GenerateDataKeyPairRequest { grant_tokens, ..PAIR }.body(),
            DeriveSharedSecretRequest { grant_tokens, ..SHARED }.body(),
            ReEncryptRequest { grant_tokens, ..RE_ENCRYPT }.body(),
            DescribeKeyRequest { key_id: ARN, grant_tokens }.body(),
        ] {
            match result {
                Ok(_) => assert!(fits, "{}", tokens.len()),
                Err(error) => assert_eq!((error.code(), fits), (Code::KmsGrantTokens, false)),
            }
        }
    }
}

#[test]
fn the_rest_of_the_bounds() {
    for (number_of_bytes, fits) in [(0, false), (1, true), (1024, true), (1025, false)] {
        let request = GenerateRandomRequest { number_of_bytes, ..RANDOM };
        assert_eq!(request.body().is_ok(), fits, "NumberOfBytes {number_of_bytes}");
        assert!(fits || refused(&request) == Code::KmsNumberOfBytes);
    }
    for (len, fits) in [(0, false), (1, true), (64, true), (65, false)] {
        let id = "c".repeat(len);
        let request = GenerateRandomRequest { custom_key_store_id: Some(&id), ..RANDOM };
        assert_eq!(request.body().is_ok(), fits, "CustomKeyStoreId {len}");
        assert!(fits || refused(&request) == Code::KmsCustomKeyStoreId);
    }
    for (len, fits) in [(0, false), (1, true), (8192, true), (8193, false)] {
        let request = DeriveSharedSecretRequest { public_key: &vec![0; len], ..SHARED };
        assert_eq!(request.body().is_ok(), fits, "PublicKey {len}");
        assert!(fits || refused(&request) == Code::KmsPublicKey);
    }
    for (len, fits) in [(0, false), (1, true), (6144, true), (6145, false)] {
        let request = ReEncryptRequest { ciphertext_blob: &vec![0; len], ..RE_ENCRYPT };
        assert_eq!(request.body().is_ok(), fits, "CiphertextBlob {len}");
        assert!(fits || refused(&request) == Code::KmsCiphertextBlob);
    }
    for (policy, fits) in [
        (String::new(), false),
        ("\t\n\r \u{20}\u{7f}\u{ff}".to_owned(), true),
        ("ÿ".repeat(131_072), true),
        ("x".repeat(131_073), false),
        ("\u{0}".to_owned(), false),
        ("\u{b}".to_owned(), false),
        ("\u{100}".to_owned(), false),
    ] {
        let request =
            PutKeyPolicyRequest { key_id: ARN, policy: &policy, bypass_policy_lockout_safety_check: false };
        assert_eq!(request.body().is_ok(), fits, "Policy {}", policy.len());
        assert!(fits || refused(&request) == Code::KmsPolicy);
    }
    let too_long = context("k", &"v".repeat(8192));
    for code in [
        refused(&GenerateDataKeyPairRequest { encryption_context: &too_long, ..PAIR }),
        refused(&ReEncryptRequest { source_encryption_context: &too_long, ..RE_ENCRYPT }),
        refused(&ReEncryptRequest { destination_encryption_context: &too_long, ..RE_ENCRYPT }),
    ] {
        assert_eq!(code, Code::KmsEncryptionContext);
    }
    let document = vec![0; 262_145];
    for recipient in [Some(&b""[..]), Some(&document)] {
        for code in [
            refused(&GenerateDataKeyPairRequest { recipient, ..PAIR }),
            refused(&GenerateRandomRequest { recipient, ..RANDOM }),
            refused(&DeriveSharedSecretRequest { recipient, ..SHARED }),
        ] {
            assert_eq!(code, Code::KmsAttestationDocument);
        }
    }
}

fn pair_answer() -> Value {
    json!({ "KeyId": ARN, "KeyPairSpec": "ECC_NIST_P256", "PublicKey": "c3BraQ==", "KeyMaterialId": "x",
            "PrivateKeyCiphertextBlob": "YmxvYg==", "PrivateKeyPlaintext": "cGtjczg=" })
}

#[test]
fn a_data_key_pair_is_read() {
    let answer = read(&PAIR, pair_answer().to_string().as_bytes()).unwrap();
    assert_eq!((answer.key_id.as_str(), answer.public_key.as_slice()), (ARN, b"spki".as_slice()));
    assert_eq!(answer.private_key_ciphertext_blob, b"blob");
    assert_eq!(plaintext(answer.released).expose(), b"pkcs8");

    for field in ["KeyId", "KeyPairSpec", "PublicKey", "PrivateKeyCiphertextBlob", "PrivateKeyPlaintext"] {
        let mut answer = pair_answer();
        answer.as_object_mut().unwrap().remove(field);
        assert_eq!(bad(&PAIR, &answer), Code::KmsAnswerField, "{field}");
    }
    let long = |len: usize| Base64::encode_string(&vec![0; len]);
    for (field, value) in [
        ("KeyPairSpec", "RSA_2048".to_owned()),
        ("PublicKey", long(8193)),
        ("PrivateKeyCiphertextBlob", long(6145)),
        ("PrivateKeyPlaintext", long(4097)),
    ] {
        let mut answer = pair_answer();
        answer[field] = value.into();
        assert_eq!(bad(&PAIR, &answer), Code::KmsAnswerField, "{field}");
    }
}

#[test]
fn key_pair_specs_have_names_of_their_own() {
    for spec in DataKeyPairSpec::ALL {
        let request = GenerateDataKeyPairRequest { spec: *spec, ..PAIR };
        assert_eq!(body(&request)["KeyPairSpec"], spec.name());
        let mut answer = pair_answer();
        answer["KeyPairSpec"] = spec.name().into();
        assert!(read(&request, answer.to_string().as_bytes()).is_ok(), "{spec:?}");
        assert_eq!(DataKeyPairSpec::ALL.iter().filter(|other| other.name() == spec.name()).count(), 1);
    }
}

#[test]
fn random_bytes_are_as_many_as_asked_for() {
    let answer = read(&RANDOM, br#"{"Plaintext":"AAECAw=="}"#).unwrap();
    assert_eq!(plaintext(answer.released).expose(), [0, 1, 2, 3]);
    for bytes in ["AAEC", "AAECAwQ=", ""] {
        assert_eq!(bad(&RANDOM, &json!({ "Plaintext": bytes })), Code::KmsAnswerField, "{bytes}");
    }
}

#[test]
fn a_shared_secret_is_read() {
    let answer = json!({ "KeyId": ARN, "SharedSecret": "c2VjcmV0", "KeyAgreementAlgorithm": "ECDH" });
    let read = read(&SHARED, answer.to_string().as_bytes()).unwrap();
    assert_eq!((read.key_id.as_str(), plaintext(read.released).expose()), (ARN, b"secret".as_slice()));
    assert_eq!(bad(&SHARED, &json!({ "KeyId": ARN, "Plaintext": "c2VjcmV0" })), Code::KmsAnswerField);
    assert_eq!(bad(&SHARED, &json!({ "SharedSecret": "c2VjcmV0" })), Code::KmsAnswerField);
}

#[test]
fn a_re_encryption_is_read() {
    let answer = json!({ "CiphertextBlob": "bmV3", "SourceKeyId": ARN, "KeyId": OTHER });
    let read = read(&RE_ENCRYPT, answer.to_string().as_bytes()).unwrap();
    assert_eq!((read.source_key_id.as_str(), read.key_id.as_str()), (ARN, OTHER));
    assert_eq!(read.ciphertext_blob, b"new");
    for field in ["CiphertextBlob", "SourceKeyId", "KeyId"] {
        let mut answer = answer.clone();
        answer.as_object_mut().unwrap().remove(field);
        assert_eq!(bad(&RE_ENCRYPT, &answer), Code::KmsAnswerField, "{field}");
    }
}

#[test]
fn with_recipient_every_plaintext_field_fails_closed() {
    let recipient = Some(&b"doc"[..]);
    let pair = GenerateDataKeyPairRequest { recipient, ..PAIR };
    let random = GenerateRandomRequest { recipient, ..RANDOM };
    let shared = DeriveSharedSecretRequest { recipient, ..SHARED };
    let decrypt = DecryptRequest { recipient, ..DECRYPT };
    let data_key = GenerateDataKeyRequest { recipient, ..DATA_KEY };

    let answer = |field: &str, value: Value| {
        let mut answer = json!({
            "KeyId": ARN, "KeyPairSpec": "ECC_NIST_P256", "PublicKey": "c3BraQ==", "CiphertextBlob": "YmxvYg==",
            "PrivateKeyCiphertextBlob": "YmxvYg==", "CiphertextForRecipient": "Y21z",
        });
        answer[field] = value;
        answer
    };
    for field in ["Plaintext", "PrivateKeyPlaintext", "SharedSecret"] {
        for value in [Value::Null, json!("")] {
            let answer = answer(field, value).to_string();
            let answer = answer.as_bytes();
            for released in [
                read(&pair, answer).unwrap().released,
                read(&random, answer).unwrap().released,
                read(&shared, answer).unwrap().released,
                read(&decrypt, answer).unwrap().released,
                read(&data_key, answer).unwrap().released,
            ] {
                assert_eq!(for_recipient(released), b"cms");
            }
        }
        for value in ["AAECAw==", " ", "not base64"] {
            let answer = answer(field, json!(value));
            for code in [
                bad(&pair, &answer),
                bad(&random, &answer),
                bad(&shared, &answer),
                bad(&decrypt, &answer),
                bad(&data_key, &answer),
            ] {
                assert_eq!(code, Code::KmsPlaintextBesideRecipient, "{field} {value:?}");
            }
        }
    }
    let without = answer("CiphertextForRecipient", Value::Null);
    for code in [bad(&pair, &without), bad(&random, &without), bad(&shared, &without)] {
        assert_eq!(code, Code::KmsAnswerField);
    }
    // The CMS does not stand in for a plaintext that was asked for.
    let cms = answer("CiphertextForRecipient", json!("Y21z"));
    for code in [bad(&PAIR, &cms), bad(&RANDOM, &cms), bad(&SHARED, &cms)] {
        assert_eq!(code, Code::KmsAnswerField);
    }
}

#[test]
fn an_answer_of_nothing_is_empty_or_an_object() {
    let (disable, enable) = (DisableKeyRequest { key_id: ARN }, EnableKeyRequest { key_id: ARN });
    let put = PutKeyPolicyRequest { key_id: ARN, policy: "{}", bypass_policy_lockout_safety_check: false };
    for body in [&b""[..], b"{}", b" {} ", br#"{"New":[1]}"#] {
        read(&disable, body).unwrap();
        read(&enable, body).unwrap();
        read(&put, body).unwrap();
    }
    for body in ["null", "[]", "\"\"", "{", "{}{}", "<html>", " "] {
        for result in
            [read(&disable, body.as_bytes()), read(&enable, body.as_bytes()), read(&put, body.as_bytes())]
        {
            assert_eq!(result.unwrap_err().code(), Code::KmsAnswerMalformed, "{body:?}");
        }
    }
}

#[test]
fn a_key_policy_is_read_as_it_was_written() {
    let request = GetKeyPolicyRequest { key_id: ARN };
    let policy = "{\n\t\"Version\" : \"2012-10-17\", \"Id\": \"ÿ\" }";
    let answer = json!({ "Policy": policy, "PolicyName": "default" }).to_string();
    assert_eq!(read(&request, answer.as_bytes()).unwrap(), policy);
    for policy in [json!(""), json!(null), json!("\u{0}"), json!("\u{2028}"), json!("x".repeat(131_073))] {
        assert_eq!(bad(&request, &json!({ "Policy": policy })), Code::KmsAnswerField);
    }
    assert_eq!(bad(&request, &json!({})), Code::KmsAnswerField);
}
