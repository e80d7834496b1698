//! Key policies as documents: taken, refused, shown, enforced; and IAM policies beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::recipient::{document as attestation_document, recipient};
use common::{ACCOUNT, Client, Fixture, REGION, ROLE, image};
use pcrseal_emulator::kms::{
    Access, Action, Curve, KeyOptions, KeyPolicy, KmsError, Operation, PolicyDocument, Principal,
};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};
use serde_json::{Value, json};

const ROOT: &str = "arn:aws:iam::111122223333:root";
const OTHER: &str = "arn:aws:iam::111122223333:role/other";

fn key(fixture: &Fixture) -> String {
    fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap()
}

fn document(statements: &Value) -> PolicyDocument {
    PolicyDocument::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string()).unwrap()
}

/// `Allow`, of these principals.
fn allow(principal: &Value, action: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*" })
}

fn policy(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// Another principal of the fixture's server, with a client.
fn join(fixture: &Fixture, access_key_id: &str, principal: Principal) -> Client {
    fixture.kms.add_principal(principal);
    Client::new(&fixture.kms, &fixture.clock, access_key_id, "secret")
}

fn principal(access_key_id: &str, arn: &str) -> Principal {
    Principal::new(access_key_id, "secret", arn).unwrap()
}

#[tokio::test]
async fn a_key_has_the_default_policy_until_another_is_put() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let get = json!({ "KeyId": arn, "PolicyName": "default" });
    let first = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok();
    assert_eq!(first.text("PolicyName"), "default");
    let shown: Value = serde_json::from_str(&first.text("Policy")).unwrap();
    let statement = json!({
        "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": { "AWS": ROOT },
        "Action": "kms:*", "Resource": "*",
    });
    assert_eq!(shown, json!({ "Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement] }));

    // Kept as it came, spaces and all; and enforced.
    let deny = format!(
        r#"{{ "Version": "2012-10-17", "Statement": [ {}, {{ "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" }} ] }}"#,
        allow(&json!({ "AWS": ROOT }), "kms:*"),
    );
    let put = json!({ "KeyId": arn, "PolicyName": "default", "Policy": deny });
    assert_eq!(client.call("PutKeyPolicy", &put).await.ok().body, b"");
    assert_eq!(client.call("GetKeyPolicy", &get).await.ok().text("Policy"), deny);
    let encrypt = json!({ "KeyId": arn, "Plaintext": "eA==" });
    let text = format!("kms:Encrypt on resource: {arn} with an explicit deny in a resource-based policy");
    client.call("Encrypt", &encrypt).await.is_error(400, "AccessDeniedException", &text);

    let listed = client.call("ListKeyPolicies", &json!({ "KeyId": arn, "Limit": 1 })).await.ok().json();
    assert_eq!(listed, json!({ "PolicyNames": ["default"], "Truncated": false }));
}

#[tokio::test]
async fn documents_that_are_no_policies_are_refused() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let arn = key(&fixture);
    let before = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok().text("Policy");
    let sized = |length: usize| {
        let mut statement = allow(&json!({ "AWS": ROOT }), "kms:*");
        statement["Sid"] = "".into();
        let rest = length - policy(&[statement.clone()]).len();
        statement["Sid"] = "x".repeat(rest).into();
        policy(&[statement])
    };
    for (document, code, text) in [
        ("{".to_owned(), "MalformedPolicyDocumentException", "line 1, column 1"),
        ("{}".to_owned(), "MalformedPolicyDocumentException", "expected Statement"),
        ("[]".to_owned(), "MalformedPolicyDocumentException", "expected an object"),
        (policy(&[]), "MalformedPolicyDocumentException", "no statement"),
        (policy(&[json!({ "Effect": "Maybe" })]), "MalformedPolicyDocumentException", "/Statement/0/Effect"),
        (policy(&["Allow".into()]), "MalformedPolicyDocumentException", "/Statement/0"),
        (
            policy(&[
                allow(&json!("*"), "kms:*"),
                json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
            ]),
            "MalformedPolicyDocumentException",
            "without a principal",
        ),
        (String::new(), "ValidationException", "greater than or equal to 1"),
        (sized(32_769), "LimitExceededException", "32768"),
        (sized(131_073), "ValidationException", "less than or equal to 131072"),
        (sized(300).replace('x', "\u{100}"), "ValidationException", "regular expression pattern"),
        (sized(300).replace('x', "\u{7}"), "ValidationException", "regular expression pattern"),
    ] {
        let reply = client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": document })).await;
        reply.is_error(400, code, text);
        if code != "ValidationException" {
            client.call("CreateKey", &json!({ "Policy": document })).await.is_error(400, code, text);
        }
    }
    client.call("PutKeyPolicy", &json!({ "KeyId": arn })).await.is_error(
        400,
        "ValidationException",
        "'policy'",
    );
    let after = client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok().text("Policy");
    assert_eq!(after, before);
    client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": sized(32_768) })).await.ok();

    let other = json!({ "KeyId": arn, "PolicyName": "other", "Policy": sized(300) });
    for operation in ["GetKeyPolicy", "PutKeyPolicy"] {
        client.call(operation, &other).await.is_error(400, "NotFoundException", "No such policy exists");
    }
    let marker = json!({ "KeyId": arn, "Marker": "x" });
    client.call("ListKeyPolicies", &marker).await.is_error(400, "InvalidMarkerException", "");
    fixture.kms.key(&arn).unwrap().set_policy(
        KeyPolicy::allow_all()
            .set(Action::GetKeyPolicy, Access::Deny)
            .set(Action::PutKeyPolicy, Access::Deny)
            .set(Action::ListKeyPolicies, Access::Deny),
    );
    for operation in ["GetKeyPolicy", "PutKeyPolicy", "ListKeyPolicies"] {
        let request = json!({ "KeyId": arn, "Policy": sized(300) });
        let text = format!("kms:{operation} on resource");
        client.call(operation, &request).await.is_error(400, "AccessDeniedException", &text);
    }
}

#[tokio::test]
async fn principals_of_a_policy_must_exist() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let put = async |principal: Value| {
        let policy = policy(&[allow(&json!({ "AWS": ROOT }), "kms:*"), allow(&principal, "kms:DescribeKey")]);
        fixture.client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": policy })).await
    };
    for existing in [
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": ["444455556666", "arn:aws:iam::444455556666:root", ROLE] }),
        json!({ "AWS": "arn:aws:sts::111122223333:assumed-role/enclave/any" }),
        json!({ "AWS": "arn:aws:sts::111122223333:federated-user/any" }),
        json!({ "Service": "ec2.amazonaws.com" }),
    ] {
        put(existing).await.ok();
    }
    let text = "Policy contains a statement with one or more invalid principals.";
    for missing in [
        json!({ "AWS": OTHER }),
        json!({ "AWS": [ROLE, OTHER] }),
        json!({ "AWS": [] }),
        json!({ "AWS": "arn:aws:iam::111122223333:user/enclave" }),
        json!({ "AWS": "arn:aws:iam::444455556666:role/enclave" }),
        json!({ "AWS": "arn:aws-cn:iam::111122223333:root" }),
        json!({ "AWS": "arn:aws:iam::111122223333:role/*" }),
        json!({ "AWS": "arn:aws:sts::111122223333:assumed-role/other/any" }),
        json!({ "AWS": "AROA4X7QAAAAAAAAAAAAA" }),
        json!({ "AWS": "11112222333" }),
        json!({ "CanonicalUser": "79a59df900b949e5" }),
        json!({ "Service": "" }),
    ] {
        put(missing).await.is_error(400, "MalformedPolicyDocumentException", text);
    }
    let spared = json!({
        "Effect": "Deny", "NotPrincipal": { "AWS": OTHER }, "Action": "kms:Encrypt", "Resource": "*",
    });
    let spared = policy(&[allow(&json!({ "AWS": ROOT }), "kms:*"), spared]);
    let request = json!({ "KeyId": arn, "Policy": spared });
    let reply = fixture.client.call("PutKeyPolicy", &request).await;
    reply.is_error(400, "MalformedPolicyDocumentException", text);

    fixture.kms.add_role(OTHER).unwrap();
    put(json!({ "AWS": OTHER })).await.ok();
    assert!(matches!(fixture.kms.add_role("role/other"), Err(KmsError::Arn(_))));
    let session = "arn:aws:sts::111122223333:assumed-role/other/any";
    assert!(matches!(fixture.kms.add_role(session), Err(KmsError::Arn(_))));
}

#[tokio::test]
async fn a_policy_that_locks_its_author_out_is_refused() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let mine = json!({ "AWS": ROLE });
    let own = |action: &str| policy(&[allow(&mine, action)]);
    let conditional = |key: &str, value: &str| {
        let mut statement = allow(&mine, "kms:*");
        statement["Condition"] = json!({ "StringEquals": { key: value } });
        policy(&[statement])
    };
    let denied = policy(&[
        allow(&mine, "kms:*"),
        json!({ "Effect": "Deny", "Principal": mine, "Action": "kms:PutKeyPolicy", "Resource": "*" }),
    ]);
    let lockout = "The new key policy will not allow you to update the key policy in the future.";
    for text in [
        own("kms:Get*"),
        denied,
        policy(&[allow(&json!({ "AWS": "444455556666" }), "kms:*")]),
        conditional("kms:KeySpec", "RSA_2048"),
        conditional("kms:BypassPolicyLockoutSafetyCheck", "true"),
    ] {
        let arn = key(&fixture);
        let mut put = json!({ "KeyId": arn, "Policy": text });
        client.call("PutKeyPolicy", &put).await.is_error(400, "MalformedPolicyDocumentException", lockout);
        let mut create = json!({ "Policy": text });
        client.call("CreateKey", &create).await.is_error(400, "MalformedPolicyDocumentException", lockout);
        for request in [&mut put, &mut create] {
            request["BypassPolicyLockoutSafetyCheck"] = true.into();
        }
        client.call("PutKeyPolicy", &put).await.ok();
        client.call("CreateKey", &create).await.ok();
    }
    for text in [own("kms:PutKeyPolicy"), conditional("kms:KeySpec", "SYMMETRIC_DEFAULT")] {
        client.call("PutKeyPolicy", &json!({ "KeyId": key(&fixture), "Policy": text })).await.ok();
    }

    // A created key has the policy that it was created with.
    let text = own("kms:*");
    let created = client.call("CreateKey", &json!({ "Policy": text })).await.ok().json();
    let arn = &created["KeyMetadata"]["Arn"];
    assert_eq!(client.call("GetKeyPolicy", &json!({ "KeyId": arn })).await.ok().text("Policy"), text);
    let other = join(&fixture, "AKIAOTHER", principal("AKIAOTHER", OTHER));
    let described = other.call("DescribeKey", &json!({ "KeyId": arn })).await;
    described.is_error(400, "AccessDeniedException", "because no resource-based policy allows");
    // The account alone is named: what counts is the author's IAM policies.
    let put = json!({ "KeyId": arn, "Policy": policy(&[allow(&json!({ "AWS": ROOT }), "kms:*")]) });
    client.call("PutKeyPolicy", &put).await.ok();
    let statements = json!([{ "Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*" }]);
    let maker = principal("AKIAMAKER", OTHER).iam_policy(document(&statements));
    let maker = join(&fixture, "AKIAMAKER", maker);
    maker.call("CreateKey", &json!({})).await.ok();
    let create = json!({ "Policy": put["Policy"] });
    maker.call("CreateKey", &create).await.is_error(400, "MalformedPolicyDocumentException", lockout);
}

#[tokio::test]
async fn iam_policies_count_where_the_key_policy_names_the_account() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let encrypt = json!({ "KeyId": arn, "Plaintext": "eA==" });
    let describe = json!({ "KeyId": arn });
    let none = join(&fixture, "AKIANONE", principal("AKIANONE", OTHER).without_iam_policies());
    let text = |action: &str, reason: &str| {
        let caller = "arn:aws:sts::111122223333:assumed-role/other/emulated-session";
        format!("User: {caller} is not authorized to perform: {action} on resource: {arn} {reason}")
    };
    let reason = "because no identity-based policy allows the kms:Encrypt action";
    none.call("Encrypt", &encrypt).await.is_error(400, "AccessDeniedException", &text("kms:Encrypt", reason));

    let statements = json!([
        { "Effect": "Allow", "Action": "kms:Describe*", "Resource": arn },
        { "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*" },
    ]);
    let further = json!([{ "Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/x*" }]);
    let some = principal("AKIASOME", OTHER).iam_policy(document(&statements)).iam_policy(document(&further));
    let some = join(&fixture, "AKIASOME", some);
    some.call("DescribeKey", &describe).await.ok();
    let reason = "with an explicit deny in an identity-based policy";
    some.call("Encrypt", &encrypt).await.is_error(400, "AccessDeniedException", &text("kms:Encrypt", reason));
    let reason = "because no identity-based policy allows the kms:DisableKey action";
    some.call("DisableKey", &describe).await.is_error(
        400,
        "AccessDeniedException",
        &text("kms:DisableKey", reason),
    );

    // Named itself, a role of the key's account needs no IAM policy; one of another account does.
    let foreign = "arn:aws:iam::444455556666:role/foreign";
    let principals = json!({ "AWS": [OTHER, foreign] });
    fixture.kms.key(&arn).unwrap().set_policy(document(&json!([allow(&principals, "kms:*")])));
    none.call("Encrypt", &encrypt).await.ok();
    let without = join(&fixture, "AKIAFOREIGN", principal("AKIAFOREIGN", foreign).without_iam_policies());
    let reason = "because no identity-based policy allows the kms:Encrypt action";
    without.call("Encrypt", &encrypt).await.is_error(400, "AccessDeniedException", reason);
    let with = join(&fixture, "AKIAFOREIGN", principal("AKIAFOREIGN", foreign));
    with.call("Encrypt", &encrypt).await.ok();
    // "Cross-account use: No."
    let reason = "because no resource-based policy allows the kms:DisableKey action";
    with.call("DisableKey", &describe).await.is_error(400, "AccessDeniedException", reason);
}

#[tokio::test]
async fn what_uses_no_key_is_for_iam_policies_alone() {
    let fixture = Fixture::start().await;
    let random = json!({ "NumberOfBytes": 8 });
    let none = join(&fixture, "AKIANONE", principal("AKIANONE", OTHER).without_iam_policies());
    for (operation, request) in [("GenerateRandom", &random), ("CreateKey", &json!({}))] {
        let text = format!(
            "User: arn:aws:sts::111122223333:assumed-role/other/emulated-session is not authorized to perform: \
             kms:{operation} on resource: * because no identity-based policy allows the kms:{operation} action"
        );
        none.call(operation, request).await.is_error(400, "AccessDeniedException", &text);
    }
    let user = join(&fixture, "AKIAROOT", principal("AKIAROOT", ROOT).without_iam_policies());
    user.call("GenerateRandom", &random).await.ok();

    let conditions =
        json!({ "StringEquals": { "kms:KeySpec": "ECC_NIST_P384", "kms:MultiRegion": "false" } });
    let statements = json!([
        { "Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": conditions },
        { "Effect": "Deny", "Action": "kms:CreateKey", "Resource": "*",
          "Condition": { "Bool": { "kms:BypassPolicyLockoutSafetyCheck": "true" } } },
    ]);
    let maker = principal("AKIAMAKER", OTHER).iam_policy(document(&statements));
    let maker = join(&fixture, "AKIAMAKER", maker);
    let mut request = json!({ "KeySpec": "ECC_NIST_P384", "KeyUsage": "KEY_AGREEMENT" });
    maker.call("CreateKey", &request).await.ok();
    for (member, text) in
        [("MultiRegion", "no identity-based policy"), ("BypassPolicyLockoutSafetyCheck", "an identity-based")]
    {
        request[member] = true.into();
        maker.call("CreateKey", &request).await.is_error(400, "AccessDeniedException", text);
        request[member] = false.into();
    }
    maker.call("CreateKey", &json!({})).await.is_error(
        400,
        "AccessDeniedException",
        "no identity-based policy",
    );
}

#[tokio::test]
async fn random_bytes_may_be_for_an_image_alone() {
    let fixture = Fixture::start().await;
    let [pcr0, ..] = image();
    let condition =
        json!({ "StringEqualsIgnoreCase": { "kms:RecipientAttestation:ImageSha384": pcr0.to_string() } });
    let statements = json!([
        { "Effect": "Allow", "Action": "kms:GenerateRandom", "Resource": "*", "Condition": condition },
    ]);
    let client = principal("AKIAOTHER", OTHER).iam_policy(document(&statements));
    let client = join(&fixture, "AKIAOTHER", client);
    let mut request = json!({ "NumberOfBytes": 8 });
    let reason = "because no identity-based policy allows the kms:GenerateRandom action";
    client.call("GenerateRandom", &request).await.is_error(400, "AccessDeniedException", reason);
    request["Recipient"] = recipient(&attestation_document(&fixture.nsm));
    client.call("GenerateRandom", &request).await.ok();
    let debug = Nsm::boot(&fixture.authority, NsmConfig::new(image()).debug_mode()).unwrap();
    request["Recipient"] = recipient(&attestation_document(&debug));
    client.call("GenerateRandom", &request).await.is_error(400, "AccessDeniedException", reason);
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_named() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let mut denied = allow(&json!("*"), "kms:Encrypt");
    denied["Effect"] = "Deny".into();
    denied["Sid"] = "Unknown".into();
    denied["Condition"] = json!({ "StringEquals": { "kms:EncryptionContext:who": "${aws:SourceIdentity}" } });
    let statements = json!([allow(&json!({ "AWS": ROLE }), "kms:*"), denied]);
    fixture.kms.key(&arn).unwrap().set_policy(document(&statements));
    let mut request = json!({ "KeyId": arn, "Plaintext": "eA==" });
    fixture.client.call("Encrypt", &request).await.ok();
    request["EncryptionContext"] = json!({ "who": "me" });
    let text = format!(
        "is not authorized to perform: kms:Encrypt on resource: {arn} because this emulator cannot decide: \
         key policy Unknown: the value of ${{aws:SourceIdentity}} is not known"
    );
    fixture.client.call("Encrypt", &request).await.is_error(400, "AccessDeniedException", &text);
}

#[tokio::test]
async fn a_removed_role_is_nobody_for_good() {
    let fixture = Fixture::start().await;
    let arn = key(&fixture);
    let other = join(&fixture, "AKIAOTHER", principal("AKIAOTHER", OTHER).without_iam_policies());
    let session = "arn:aws:sts::111122223333:assumed-role/other/any";
    let mut denied = allow(&json!({ "AWS": [session, ROLE] }), "kms:Encrypt");
    denied["Effect"] = "Deny".into();
    // A condition compares texts: a role of the same name has the same ARN.
    denied["Condition"] = json!({ "ArnEquals": { "aws:PrincipalArn": OTHER } });
    let text =
        policy(&[allow(&json!({ "AWS": ROOT }), "kms:*"), allow(&json!({ "AWS": OTHER }), "kms:*"), denied]);
    fixture.client.call("PutKeyPolicy", &json!({ "KeyId": arn, "Policy": text })).await.ok();
    let untouched = key(&fixture);
    let get = json!({ "KeyId": untouched });
    let before = fixture.client.call("GetKeyPolicy", &get).await.ok().text("Policy");
    let describe = json!({ "KeyId": arn });
    other.call("DescribeKey", &describe).await.ok();

    assert!(fixture.kms.remove_principal(OTHER).unwrap());
    assert!(!fixture.kms.remove_principal(OTHER).unwrap());
    assert!(matches!(fixture.kms.remove_principal("other"), Err(KmsError::Arn(_))));
    let text = "The security token included in the request is invalid.";
    other.call("DescribeKey", &describe).await.is_error(400, "UnrecognizedClientException", text);

    let other = join(&fixture, "AKIAOTHER", principal("AKIAOTHER", OTHER).without_iam_policies());
    let reason = "because no identity-based policy allows";
    other.call("DescribeKey", &describe).await.is_error(400, "AccessDeniedException", reason);
    let shown = fixture.client.call("GetKeyPolicy", &describe).await.ok().text("Policy");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let unique_id = shown["Statement"][1]["Principal"]["AWS"].as_str().unwrap();
    assert!(unique_id.starts_with("AROA") && unique_id.len() == 21, "{unique_id}");
    assert_eq!(shown["Statement"][0]["Principal"]["AWS"], ROOT);
    assert_eq!(shown["Statement"][2]["Principal"]["AWS"], json!([format!("{unique_id}:any"), ROLE]));
    assert_eq!(shown["Statement"][2]["Condition"]["ArnEquals"]["aws:PrincipalArn"], OTHER);
    assert_eq!(fixture.client.call("GetKeyPolicy", &get).await.ok().text("Policy"), before);
    // "Remove orphaned unique IDs from the key policy."
    let put = json!({ "KeyId": arn, "Policy": shown.to_string() });
    let text = "one or more invalid principals";
    fixture.client.call("PutKeyPolicy", &put).await.is_error(400, "MalformedPolicyDocumentException", text);

    // An account is always there, and so is its root user: only credentials go.
    let root = join(&fixture, "AKIAROOT", principal("AKIAROOT", ROOT));
    root.call("DescribeKey", &describe).await.ok();
    fixture.kms.remove_principal(ROOT).unwrap();
    root.call("DescribeKey", &describe).await.is_error(400, "UnrecognizedClientException", "");
    fixture.client.call("DescribeKey", &describe).await.ok();
    let user = "arn:aws:iam::111122223333:user/u";
    fixture.kms.key(&arn).unwrap().set_policy(KeyPolicy::allow_all().principal(user).principal(ROLE));
    fixture.kms.add_role(user).unwrap();
    fixture.kms.remove_principal(user).unwrap();
    let shown = fixture.client.call("GetKeyPolicy", &describe).await.ok().text("Policy");
    assert!(shown.contains("\"AIDA") && !shown.contains(user), "{shown}");
}

#[tokio::test]
async fn conditions_see_the_request() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let own = fixture.kms.key(&key(&fixture)).unwrap();
    let options = KeyOptions::default().key_agreement(Curve::P256).multi_region().imported();
    let agreement = fixture.kms.key(&fixture.kms.create_key(REGION, ACCOUNT, options).unwrap()).unwrap();
    let peer =
        json!(client.call("GetPublicKey", &json!({ "KeyId": agreement.arn() })).await.ok().text("PublicKey"));
    let (one, two) = (own.arn(), agreement.arn());
    let context = json!({ "Cluster": "c", "generation": "7" });
    let encrypt = json!({ "KeyId": one, "Plaintext": "eA==", "EncryptionContext": context });
    let pair = json!({ "KeyId": one, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": context });
    let data_key = json!({ "KeyId": one, "KeySpec": "AES_256", "EncryptionContext": context });
    let blob = client.call("Encrypt", &encrypt).await.ok().text("CiphertextBlob");
    let decrypt = json!({ "KeyId": one, "CiphertextBlob": blob, "EncryptionContext": context });
    let secret = json!({ "KeyId": two, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer });
    let (first, second) = (json!({ "KeyId": one }), json!({ "KeyId": two }));
    let put = json!({ "KeyId": one, "Policy": policy(&[allow(&json!("*"), "kms:*")]) });
    let bypass = json!({ "KeyId": one, "Policy": put["Policy"], "BypassPolicyLockoutSafetyCheck": true });
    let algorithm = ("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    let generation = ("kms:EncryptionContext:generation", "7");
    for (operation, request, conditions) in [
        ("Encrypt", &encrypt, vec![algorithm, generation, ("kms:EncryptionContext:cluster", "c")]),
        ("Decrypt", &decrypt, vec![algorithm, generation, ("kms:EncryptionContextKeys", "Cluster")]),
        ("GenerateDataKey", &data_key, vec![algorithm, generation]),
        ("GenerateDataKeyWithoutPlaintext", &data_key, vec![algorithm, generation]),
        ("GenerateDataKeyPair", &pair, vec![algorithm, generation, ("kms:DataKeyPairSpec", "ECC_NIST_P256")]),
        ("GenerateDataKeyPairWithoutPlaintext", &pair, vec![("kms:DataKeyPairSpec", "ECC_NIST_P256")]),
        ("DeriveSharedSecret", &secret, vec![("kms:KeyAgreementAlgorithm", "ECDH")]),
        ("GetPublicKey", &second, vec![("kms:KeySpec", "ECC_NIST_P256"), ("kms:KeyUsage", "KEY_AGREEMENT")]),
        ("DescribeKey", &second, vec![("kms:MultiRegion", "true"), ("kms:MultiRegionKeyType", "PRIMARY")]),
        ("EnableKey", &second, vec![("kms:KeyOrigin", "EXTERNAL")]),
        ("DescribeKey", &first, vec![("kms:MultiRegion", "false"), ("kms:KeyOrigin", "AWS_KMS")]),
        ("EnableKey", &first, vec![("kms:CallerAccount", ACCOUNT), ("aws:PrincipalArn", ROLE)]),
        ("DisableKey", &first, vec![("aws:ResourceAccount", ACCOUNT), ("aws:RequestedRegion", REGION)]),
        ("EnableKey", &first, vec![("aws:SecureTransport", "true"), ("aws:ViaAWSService", "false")]),
        ("GetKeyPolicy", &first, vec![("kms:KeySpec", "SYMMETRIC_DEFAULT")]),
        ("ListKeyPolicies", &first, vec![("aws:PrincipalIsAWSService", "false")]),
        ("PutKeyPolicy", &put, vec![("kms:BypassPolicyLockoutSafetyCheck", "false")]),
        ("PutKeyPolicy", &bypass, vec![("kms:BypassPolicyLockoutSafetyCheck", "true")]),
    ] {
        assert_conditions(&fixture, operation, request, &conditions).await;
    }
    let schedule = json!({ "KeyId": one, "PendingWindowInDays": 12 });
    let days = ("kms:ScheduleKeyDeletionPendingWindowInDays", "12");
    assert_conditions(&fixture, "ScheduleKeyDeletion", &schedule, &[days]).await;
    assert_conditions(&fixture, "CancelKeyDeletion", &first, &[("kms:KeyUsage", "ENCRYPT_DECRYPT")]).await;

    // What an operation does not have is missing.
    let test = json!({ "Null": { "kms:EncryptionContextKeys": "true", "kms:MultiRegionKeyType": "true" } });
    let mut statement = allow(&json!({ "AWS": ROLE }), "kms:*");
    statement["Condition"] = test;
    own.set_policy(document(&json!([statement])));
    own.enable();
    client.call("Encrypt", &json!({ "KeyId": one, "Plaintext": "eA==" })).await.ok();
    client.call("Encrypt", &encrypt).await.is_error(400, "AccessDeniedException", "");
    assert_eq!(own.requests(Operation::CancelKeyDeletion), 2);
}

/// The request is allowed where the conditions hold, and not where they say something else.
async fn assert_conditions(fixture: &Fixture, operation: &str, request: &Value, conditions: &[(&str, &str)]) {
    let key = fixture.kms.key(request["KeyId"].as_str().unwrap()).unwrap();
    let mut cases = vec![(conditions.to_vec(), true)];
    for position in 0..conditions.len() {
        let mut wrong = conditions.to_vec();
        wrong[position].1 = "wrong";
        cases.push((wrong, false));
    }
    for (conditions, allowed) in cases {
        let tests: serde_json::Map<String, Value> =
            conditions.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        let mut statement = allow(&json!({ "AWS": ROLE }), &format!("kms:{operation}"));
        let operator = if tests.contains_key("kms:EncryptionContextKeys") {
            "ForAnyValue:StringEquals"
        } else {
            "StringEquals"
        };
        statement["Condition"] = json!({ operator: tests });
        key.set_policy(document(&json!([statement])));
        let reply = fixture.client.call(operation, request).await;
        if allowed {
            reply.ok();
        } else {
            reply.is_error(400, "AccessDeniedException", "because no resource-based policy allows");
        }
    }
    key.set_policy(KeyPolicy::allow_all());
}
