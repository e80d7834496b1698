//! `ReEncrypt` with its two permissions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{ACCOUNT, Fixture, REGION, image, index};
use pcrseal_emulator::kms::{Access, Action, Curve, KeyOptions, KeyPolicy, Operation, PolicyDocument};
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
    for (arn, permission) in [(&source, Action::ReEncryptFrom), (&destination, Action::ReEncryptTo)] {
        let handle = fixture.kms.key(arn).unwrap();
        handle.set_policy(KeyPolicy::allow_all().set(permission, Access::Deny));
        let text = format!("{permission} on resource: {arn} with an explicit deny");
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
    // Each key sees its own context, and whether both are the same.
    let allowed = |action: &str, contexts: &[&str], same: &str| {
        let conditions = json!({
            "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "kms:EncryptionContextKeys": contexts,
            "kms:ReEncryptOnSameKey": same,
        });
        let statement = json!({
            "Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*",
            "Condition": { "ForAnyValue:StringEquals": conditions },
        });
        PolicyDocument::parse(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string())
            .unwrap()
    };
    let (from, to) = (fixture.kms.key(&source).unwrap(), fixture.kms.key(&destination).unwrap());
    from.set_policy(allowed("kms:ReEncryptFrom", &["a"], "false"));
    to.set_policy(allowed("kms:ReEncryptTo", &["b"], "false"));
    client.call("ReEncrypt", &request).await.ok();
    for (from_policy, to_policy, refused) in [
        (("a", "true"), ("b", "false"), "kms:ReEncryptFrom"),
        (("b", "false"), ("b", "false"), "kms:ReEncryptFrom"),
        (("a", "false"), ("b", "true"), "kms:ReEncryptTo"),
        (("a", "false"), ("a", "false"), "kms:ReEncryptTo"),
    ] {
        from.set_policy(allowed("kms:ReEncryptFrom", &[from_policy.0], from_policy.1));
        to.set_policy(allowed("kms:ReEncryptTo", &[to_policy.0], to_policy.1));
        let text = format!("because no resource-based policy allows the {refused} action");
        client.call("ReEncrypt", &request).await.is_error(400, "AccessDeniedException", &text);
    }
    let within = changed("DestinationKeyId", json!(source));
    from.set_policy(allowed("kms:ReEncrypt*", &["a", "b"], "true"));
    client.call("ReEncrypt", &within).await.ok();
    from.set_policy(allowed("kms:ReEncrypt*", &["b"], "true"));
    client.call("ReEncrypt", &within).await.is_error(400, "AccessDeniedException", "kms:ReEncryptFrom");
    from.set_policy(KeyPolicy::allow_all().set(Action::ReEncryptTo, Access::Deny));
    client.call("ReEncrypt", &within).await.is_error(400, "AccessDeniedException", "kms:ReEncryptTo");
    from.set_policy(KeyPolicy::allow_all());
    to.set_policy(KeyPolicy::allow_all());
    // The permissions are no operations.
    for name in ["ReEncryptFrom", "ReEncryptTo"] {
        client.call(name, &request).await.is_error(400, "UnknownOperationException", "");
    }
}
