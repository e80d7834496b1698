//! `ReEncrypt` with its two permissions, and key policy documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{ACCOUNT, Fixture, REGION, image, index};
use pcrseal_emulator::kms::{Access, Curve, KeyOptions, KeyPolicy, Operation};
use serde_json::{Value, json};

fn key(fixture: &Fixture) -> String {
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap()
}

struct Blob {
    fixture: Fixture,
    source: String,
    destination: String,
    request: Value,
}

/// A ciphertext under one key, and the request that brings it under another.
async fn blob() -> Blob {
    let fixture = Fixture::start().await;
    let (source, destination) = (key(&fixture), key(&fixture));
    let request = json!({
        "KeyId": source, "Plaintext": STANDARD.encode(b"secret"), "EncryptionContext": { "a": "1" },
    });
    let blob = fixture.client.call("Encrypt", &request).await.ok().text("CiphertextBlob");
    let request = json!({
        "CiphertextBlob": blob, "SourceEncryptionContext": { "a": "1" },
        "DestinationKeyId": destination, "DestinationEncryptionContext": { "b": "2" },
    });
    Blob { fixture, source, destination, request }
}

#[tokio::test]
async fn a_ciphertext_moves_to_another_key_and_context() {
    let Blob { fixture, source, destination, mut request } = blob().await;
    for named in [false, true] {
        if named {
            request["SourceKeyId"] = source.clone().into();
        }
        let reply = fixture.client.call("ReEncrypt", &request).await.ok();
        assert_eq!(reply.text("KeyId"), destination);
        assert_eq!(reply.text("SourceKeyId"), source);
        for algorithm in ["SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"] {
            assert_eq!(reply.text(algorithm), "SYMMETRIC_DEFAULT");
        }
        assert_ne!(reply.text("SourceKeyMaterialId"), reply.text("DestinationKeyMaterialId"));
        assert_eq!(reply.json().get("Plaintext"), None);
        let blob = reply.text("CiphertextBlob");
        let open = json!({
            "CiphertextBlob": blob, "KeyId": destination, "EncryptionContext": { "b": "2" },
        });
        assert_eq!(fixture.client.call("Decrypt", &open).await.ok().blob("Plaintext"), b"secret");
        let old = json!({ "CiphertextBlob": blob, "EncryptionContext": { "a": "1" } });
        fixture.client.call("Decrypt", &old).await.is_error(400, "InvalidCiphertextException", "");
    }
    for arn in [&source, &destination] {
        assert_eq!(fixture.kms.key(arn).unwrap().requests(Operation::ReEncrypt), 2);
    }
    // Within one key it is one request of that key.
    request["DestinationKeyId"] = source.clone().into();
    fixture.client.call("ReEncrypt", &request).await.ok();
    assert_eq!(fixture.kms.key(&source).unwrap().requests(Operation::ReEncrypt), 3);
}

#[tokio::test]
async fn what_cannot_be_re_encrypted() {
    let Blob { fixture, source, destination, request } = blob().await;
    let client = &fixture.client;
    let changed = |member: &str, value: Value| {
        let mut changed = request.clone();
        changed[member] = value;
        changed
    };
    let curve =
        fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default().key_agreement(Curve::P256)).unwrap();
    for (changed, status, code) in [
        (changed("SourceEncryptionContext", Value::Null), 400, "InvalidCiphertextException"),
        (changed("SourceKeyId", json!(destination)), 400, "IncorrectKeyException"),
        (changed("CiphertextBlob", json!("eA==")), 400, "InvalidCiphertextException"),
        (changed("DestinationKeyId", Value::Null), 400, "ValidationException"),
        (changed("DestinationKeyId", json!("0".repeat(36))), 400, "NotFoundException"),
        (changed("DestinationKeyId", json!(curve)), 400, "InvalidKeyUsageException"),
        (changed("SourceEncryptionAlgorithm", json!("RSAES_OAEP_SHA_1")), 400, "ValidationException"),
        (changed("DryRun", json!(true)), 412, "DryRunOperationException"),
    ] {
        client.call("ReEncrypt", &changed).await.is_error(status, code, "");
    }
    for (arn, permission) in [(&source, Operation::ReEncryptFrom), (&destination, Operation::ReEncryptTo)] {
        let handle = fixture.kms.key(arn).unwrap();
        handle.set_policy(KeyPolicy::allow_all().set(permission, Access::Deny));
        let text = format!("kms:{} on resource: {arn} with an explicit deny", permission.name());
        client.call("ReEncrypt", &request).await.is_error(400, "AccessDeniedException", &text);
        let values = image();
        handle.set_policy(KeyPolicy::attested([(index(0), &values[0])]));
        client.call("ReEncrypt", &request).await.is_error(400, "AccessDeniedException", &text);
        handle.set_policy(KeyPolicy::allow_all());
        handle.disable();
        client.call("ReEncrypt", &request).await.is_error(400, "DisabledException", arn);
        handle.enable();
    }
    client.call("ReEncrypt", &request).await.ok();
    // The permissions are no operations.
    for name in ["ReEncryptFrom", "ReEncryptTo"] {
        client.call(name, &request).await.is_error(400, "UnknownOperationException", "");
    }
}

#[tokio::test]
async fn policy_documents_are_stored_and_not_enforced() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let get = json!({ "KeyId": arn, "PolicyName": "default" });
    let first = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok();
    assert_eq!(first.text("PolicyName"), "default");
    let document: Value = serde_json::from_str(&first.text("Policy")).unwrap();
    assert_eq!(document["Statement"][0]["Principal"]["AWS"], format!("arn:aws:iam::{ACCOUNT}:root"));

    // Kept as it came, spaces and all.
    let deny = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" } }"#;
    let put = json!({ "KeyId": arn, "PolicyName": "default", "Policy": deny, "BypassPolicyLockoutSafetyCheck": true });
    assert_eq!(client.call("PutKeyPolicy", &put).await.ok().body, b"");
    assert_eq!(client.call("GetKeyPolicy", &get).await.ok().text("Policy"), deny);
    client.call("Encrypt", &json!({ "KeyId": arn, "Plaintext": "eA==" })).await.ok();

    let listed = client.call("ListKeyPolicies", &json!({ "KeyId": arn, "Limit": 1 })).await.ok().json();
    assert_eq!(listed, json!({ "PolicyNames": ["default"], "Truncated": false }));
}

#[tokio::test]
async fn policy_documents_that_are_refused() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let before = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok().text("Policy");
    let sized = |length: usize| {
        let document = r#"{"Statement":[{"Effect":"Allow","Sid":""}]}"#;
        document.replace("\"\"", &format!("\"{}\"", "x".repeat(length - document.len())))
    };
    for (document, code) in [
        ("{".to_owned(), "MalformedPolicyDocumentException"),
        ("{}".to_owned(), "MalformedPolicyDocumentException"),
        ("[]".to_owned(), "MalformedPolicyDocumentException"),
        (r#"{"Statement":[]}"#.to_owned(), "MalformedPolicyDocumentException"),
        (r#"{"Statement":[{"Effect":"Maybe"}]}"#.to_owned(), "MalformedPolicyDocumentException"),
        (r#"{"Statement":["Allow"]}"#.to_owned(), "MalformedPolicyDocumentException"),
        (String::new(), "ValidationException"),
        (sized(32_769), "LimitExceededException"),
        (sized(131_073), "ValidationException"),
    ] {
        let reply = client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": document })).await;
        reply.is_error(400, code, "");
    }
    let after = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok().text("Policy");
    assert_eq!(after, before);
    client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": sized(32_768) })).await.ok();

    let other = json!({ "KeyId": arn, "PolicyName": "other", "Policy": sized(100) });
    for operation in ["GetKeyPolicy", "PutKeyPolicy"] {
        client.call(operation, &other).await.is_error(400, "NotFoundException", "No such policy exists");
    }
    let marker = json!({ "KeyId": arn, "Marker": "x" });
    client.call("ListKeyPolicies", &marker).await.is_error(400, "InvalidMarkerException", "");
    fixture.kms.key(&arn).unwrap().set_policy(
        KeyPolicy::allow_all()
            .set(Operation::GetKeyPolicy, Access::Deny)
            .set(Operation::PutKeyPolicy, Access::Deny)
            .set(Operation::ListKeyPolicies, Access::Deny),
    );
    for operation in ["GetKeyPolicy", "PutKeyPolicy", "ListKeyPolicies"] {
        let request = json!({ "KeyId": arn, "Policy": sized(100) });
        let text = format!("kms:{operation} on resource");
        client.call(operation, &request).await.is_error(400, "AccessDeniedException", &text);
    }
}
