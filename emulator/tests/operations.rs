//! The operations without recipients: results and AWS's errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{ACCOUNT, Fixture, NOON, REGION, image, index};
use pcrseal_emulator::kms::{Access, Action, KeyOptions, KeyPolicy, KeyState, KmsError, Operation};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3600;

fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn key(fixture: &Fixture) -> String {
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap()
}

#[tokio::test]
async fn a_created_key_is_described_as_aws_does() {
    let fixture = Fixture::start().await;
    let created = fixture.client.call("CreateKey", &json!({ "Description": "share 1" })).await.ok().json();
    let arn = created["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let described = fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok().json();
    assert_eq!(described, created);
    let mut metadata = described["KeyMetadata"].as_object().unwrap().clone();
    let id = metadata.remove("KeyId").unwrap();
    assert_eq!(arn, format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", id.as_str().unwrap()));
    assert_eq!(metadata.remove("CurrentKeyMaterialId").unwrap().as_str().unwrap().len(), 64);
    let expected = json!({
        "AWSAccountId": ACCOUNT, "Arn": arn, "CreationDate": 1_768_478_400.0,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Description": "share 1", "Enabled": true,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false, "Origin": "AWS_KMS",
    });
    assert_eq!(Value::Object(metadata), expected);

    let options = KeyOptions::default().imported().multi_region();
    let arn = fixture.kms.create_key(REGION, ACCOUNT, options).unwrap();
    let described = fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok().json();
    assert_eq!(described["KeyMetadata"]["Origin"], "EXTERNAL");
    assert_eq!(described["KeyMetadata"]["MultiRegion"], true);
    assert!(described["KeyMetadata"]["KeyId"].as_str().unwrap().starts_with("mrk-"));
}

#[tokio::test]
async fn create_key_refuses_what_it_cannot_honour() {
    let fixture = Fixture::start().await;
    for request in [
        json!({ "KeySpec": "RSA_2048" }),
        json!({ "KeyUsage": "SIGN_VERIFY" }),
        json!({ "Origin": "EXTERNAL" }),
    ] {
        let reply = fixture.client.call("CreateKey", &request).await;
        reply.is_error(400, "UnsupportedOperationException", "does not support");
    }
}

#[tokio::test]
async fn keys_are_limited_in_number() {
    let fixture = Fixture::start().await;
    for _ in 0..10_000 {
        key(&fixture);
    }
    assert!(matches!(
        fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()),
        Err(KmsError::TooManyKeys)
    ));
    fixture.client.call("CreateKey", &json!({})).await.is_error(400, "LimitExceededException", "10000 keys");
}

#[tokio::test]
async fn what_encrypt_makes_decrypt_opens_under_the_same_context_only() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let context = json!({ "b": "2", "a": "1" });
    let request = json!({ "KeyId": arn, "Plaintext": b64(b"secret"), "EncryptionContext": context });
    let encrypted = client.call("Encrypt", &request).await.ok();
    assert_eq!(encrypted.text("KeyId"), arn);
    assert_eq!(encrypted.text("EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
    let blob = encrypted.blob("CiphertextBlob");

    let decrypt = |blob: &[u8], context: Value| json!({ "CiphertextBlob": b64(blob), "EncryptionContext": context, "KeyId": arn });
    let reply = client.call("Decrypt", &decrypt(&blob, json!({ "a": "1", "b": "2" }))).await.ok();
    assert_eq!(reply.blob("Plaintext"), b"secret");
    assert_eq!(reply.text("KeyId"), arn);
    assert_eq!(reply.json().get("CiphertextForRecipient"), None);
    let without_key = json!({ "CiphertextBlob": b64(&blob), "EncryptionContext": context });
    assert_eq!(client.call("Decrypt", &without_key).await.ok().blob("Plaintext"), b"secret");

    for other in [json!({}), json!({ "a": "1" }), json!({ "a": "1b2" }), json!({ "A": "1", "b": "2" })] {
        let reply = client.call("Decrypt", &decrypt(&blob, other)).await;
        reply.is_error(400, "InvalidCiphertextException", "");
        assert_eq!(reply.json(), json!({ "__type": "InvalidCiphertextException" }));
    }
    for position in 0..blob.len() {
        let mut altered = blob.clone();
        altered[position] ^= 1;
        let reply = client.call("Decrypt", &decrypt(&altered, context.clone())).await;
        assert_eq!(reply.status, 400, "byte {position}");
        let code = reply.text("__type");
        assert!(
            matches!(code.as_str(), "InvalidCiphertextException" | "IncorrectKeyException"),
            "{position}: {code}"
        );
        let shorter = decrypt(&blob[..position.max(1)], context.clone());
        client.call("Decrypt", &shorter).await.is_error(400, "InvalidCiphertextException", "");
    }
    let reply =
        client.call("Decrypt", &json!({ "CiphertextBlob": b64(&blob), "KeyId": key(&fixture) })).await;
    reply.is_error(400, "IncorrectKeyException", "does not identify a CMK");
    let reply = client.clone().region("us-east-1").call("Decrypt", &without_key).await;
    reply.is_error(400, "AccessDeniedException", "does not exist in this region");
}

#[tokio::test]
async fn data_keys_come_in_the_length_asked_for() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    for (member, value, length) in [
        ("KeySpec", json!("AES_256"), 32),
        ("KeySpec", json!("AES_128"), 16),
        ("NumberOfBytes", json!(1), 1),
        ("NumberOfBytes", json!(1024), 1024),
    ] {
        let reply =
            fixture.client.call("GenerateDataKey", &json!({ "KeyId": arn, member: value })).await.ok();
        assert_eq!(reply.blob("Plaintext").len(), length);
        let opened =
            fixture.client.call("Decrypt", &json!({ "CiphertextBlob": reply.text("CiphertextBlob") })).await;
        assert_eq!(opened.ok().blob("Plaintext"), reply.blob("Plaintext"));
    }
    let reply = fixture.client.call("GenerateDataKeyWithoutPlaintext", &json!({ "KeyId": arn })).await.ok();
    assert_eq!(reply.json().get("Plaintext"), None);
    for request in
        [json!({ "KeyId": arn }), json!({ "KeyId": arn, "KeySpec": "AES_256", "NumberOfBytes": 32 })]
    {
        let reply = fixture.client.call("GenerateDataKey", &request).await;
        reply.is_error(400, "ValidationException", "Please specify either number of bytes or key spec.");
    }
}

#[tokio::test]
async fn limits_answer_in_awss_words() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let rule = |value: &str, member: &str, rule: &str| {
        format!(
            "1 validation error detected: Value{value} at '{member}' failed to satisfy constraint: \
             Member must {rule}"
        )
    };
    let bytes = |length: usize| b64(&vec![0; length]);
    for (operation, request, text) in [
        ("DescribeKey", json!({}), rule(" null", "keyId", "not be null")),
        (
            "DescribeKey",
            json!({ "KeyId": "" }),
            rule(" ''", "keyId", "have length greater than or equal to 1"),
        ),
        (
            "DescribeKey",
            json!({ "KeyId": "k".repeat(2049) }),
            rule(&format!(" '{}'", "k".repeat(2049)), "keyId", "have length less than or equal to 2048"),
        ),
        (
            "DescribeKey",
            json!({ "KeyId": arn, "GrantTokens": vec!["t"; 11] }),
            rule("", "grantTokens", "have length less than or equal to 10"),
        ),
        (
            "Encrypt",
            json!({ "KeyId": arn, "Plaintext": bytes(4097) }),
            rule("", "plaintext", "have length less than or equal to 4096"),
        ),
        (
            "Encrypt",
            json!({ "KeyId": arn, "Plaintext": "" }),
            rule("", "plaintext", "have length greater than or equal to 1"),
        ),
        (
            "Decrypt",
            json!({ "CiphertextBlob": bytes(6145) }),
            rule("", "ciphertextBlob", "have length less than or equal to 6144"),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": arn, "NumberOfBytes": 1025 }),
            rule(" '1025'", "numberOfBytes", "have value less than or equal to 1024"),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": arn, "NumberOfBytes": 0 }),
            rule(" '0'", "numberOfBytes", "have value greater than or equal to 1"),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": arn, "NumberOfBytes": -1 }),
            rule(" '-1'", "numberOfBytes", "have value greater than or equal to 1"),
        ),
        (
            "GenerateDataKey",
            json!({ "KeyId": arn, "KeySpec": "AES_512" }),
            rule(" 'AES_512'", "keySpec", "satisfy enum value set: [AES_256, AES_128]"),
        ),
        (
            "ScheduleKeyDeletion",
            json!({ "KeyId": arn, "PendingWindowInDays": 6 }),
            rule(" '6'", "pendingWindowInDays", "have value greater than or equal to 7"),
        ),
    ] {
        fixture.client.call(operation, &request).await.is_error(400, "ValidationException", &text);
    }
    let full = json!({ "KeyId": arn, "Plaintext": b64(&[7; 4096]) });
    let blob = fixture.client.call("Encrypt", &full).await.ok().text("CiphertextBlob");
    fixture.client.call("Decrypt", &json!({ "CiphertextBlob": blob })).await.ok();
}

#[tokio::test]
async fn members_of_the_wrong_type_and_bad_json_are_serialization_errors() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    for (operation, request) in [
        ("DescribeKey", json!([])),
        ("DescribeKey", json!({ "KeyId": 7 })),
        ("Encrypt", json!({ "KeyId": arn, "Plaintext": "not base64!" })),
        ("Encrypt", json!({ "KeyId": arn, "Plaintext": b64(b"x"), "EncryptionContext": { "a": 1 } })),
        ("Encrypt", json!({ "KeyId": arn, "Plaintext": b64(b"x"), "DryRun": "true" })),
        ("GenerateDataKey", json!({ "KeyId": arn, "NumberOfBytes": "32" })),
        ("Decrypt", json!({ "CiphertextBlob": b64(b"x"), "GrantTokens": {} })),
    ] {
        fixture.client.call(operation, &request).await.is_error(400, "SerializationException", "");
    }
}

#[tokio::test]
async fn a_key_goes_through_its_states() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    let id = json!({ "KeyId": arn });
    let encrypt = json!({ "KeyId": arn, "Plaintext": b64(b"x") });

    let reply = client.call("DisableKey", &id).await.ok();
    assert_eq!(reply.body, b"");
    client.call("Encrypt", &encrypt).await.is_error(400, "DisabledException", &format!("{arn} is disabled."));
    let described = client.call("DescribeKey", &id).await.ok().json();
    assert_eq!(
        (&described["KeyMetadata"]["Enabled"], &described["KeyMetadata"]["KeyState"]),
        (&json!(false), &json!("Disabled"))
    );
    client.call("CancelKeyDeletion", &id).await.is_error(
        400,
        "KMSInvalidStateException",
        "is not pending deletion.",
    );
    client.call("EnableKey", &id).await.ok();
    client.call("Encrypt", &encrypt).await.ok();

    let reply =
        client.call("ScheduleKeyDeletion", &json!({ "KeyId": arn, "PendingWindowInDays": 7 })).await.ok();
    let deleted_at = NOON / 1000 + 7 * DAY;
    assert_eq!(reply.json()["DeletionDate"].to_string(), format!("{deleted_at}.0"));
    assert_eq!(reply.text("KeyState"), "PendingDeletion");
    assert_eq!(handle.state(), KeyState::PendingDeletion { deletes_at_millis: deleted_at * 1000 });
    let pending = format!("{arn} is pending deletion.");
    for (operation, request) in
        [("Encrypt", &encrypt), ("EnableKey", &id), ("DisableKey", &id), ("ScheduleKeyDeletion", &id)]
    {
        client.call(operation, request).await.is_error(400, "KMSInvalidStateException", &pending);
    }
    client.call("CancelKeyDeletion", &id).await.ok();
    assert_eq!(handle.state(), KeyState::Disabled);
    handle.schedule_deletion(fixture.clock.now_millis() + 1000);
    client.call("Encrypt", &encrypt).await.is_error(400, "KMSInvalidStateException", &pending);
    fixture.clock.advance(Duration::from_secs(1));
    client.call("Encrypt", &encrypt).await.is_error(
        400,
        "NotFoundException",
        &format!("Key '{arn}' does not exist"),
    );
    assert!(fixture.kms.key(&arn).is_none());
}

#[tokio::test]
async fn unknown_keys_and_operations() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000");
    for key_id in [arn.as_str(), "00000000-0000-4000-8000-000000000000"] {
        let reply = client.call("DescribeKey", &json!({ "KeyId": key_id })).await;
        reply.is_error(400, "NotFoundException", &format!("Key '{arn}' does not exist"));
    }
    for key_id in ["alias/x", "arn:aws:s3:eu-west-1:111122223333:key/x", "a:b", "x/y"] {
        client.call("DescribeKey", &json!({ "KeyId": key_id })).await.is_error(
            400,
            "NotFoundException",
            "Invalid keyId",
        );
    }
    client.call("Sign", &json!({})).await.is_error(400, "UnknownOperationException", "");
}

#[tokio::test]
async fn dry_runs_tell_permission_and_do_nothing() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    let blob = client
        .call("Encrypt", &json!({ "KeyId": arn, "Plaintext": b64(b"x") }))
        .await
        .ok()
        .text("CiphertextBlob");
    let requests = [
        ("Encrypt", json!({ "KeyId": arn, "Plaintext": b64(b"x"), "DryRun": true })),
        ("Decrypt", json!({ "KeyId": arn, "CiphertextBlob": blob, "DryRun": true })),
        ("GenerateDataKey", json!({ "KeyId": arn, "KeySpec": "AES_256", "DryRun": true })),
    ];
    for (operation, request) in &requests {
        let reply = client.call(operation, request).await;
        reply.is_error(
            412,
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        );
    }
    let deny = KeyPolicy::allow_all()
        .set(Action::Encrypt, Access::Deny)
        .set(Action::Decrypt, Access::Attested)
        .pcr(index(0), &image()[0]);
    handle.set_policy(deny);
    for (operation, request) in &requests {
        client.call(operation, request).await.is_error(
            400,
            "AccessDeniedException",
            &format!("kms:{operation}"),
        );
    }
    assert_eq!(handle.requests(Operation::Encrypt), 3);
    assert_eq!(handle.total_requests(), 7);
}
