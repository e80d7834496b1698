//! The five-statement template, as its page has it, against the claims that are made for it, and its hole.

use pcrseal_policy::actions::Action;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::evaluate::{
    Candidate, ContextValue, Decision, Evaluation, Grant, Image, Policies, PolicyType, Question, Request,
    Source, evaluate, who_can,
};
use pcrseal_policy::names::AccountId;

use super::setup::{ACCOUNT, caller, enclave, request, sids};

const ENCLAVE: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin";
const OTHER: &str = "arn:aws:iam::111122223333:role/data-processing";

const CURRENT: u8 = 0xc1;
const PREVIOUS: u8 = 0xa2;
const UNKNOWN_IMAGE: u8 = 0xee;

fn hash(byte: u8) -> String {
    format!("{byte:02x}").repeat(48)
}

fn template(current: &str, previous: &str) -> PolicyDocument {
    let text = r#"{ "Version": "2012-10-17", "Statement": [
      { "Sid": "EnableIAMRootPermissionsBreakGlass", "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
      { "Sid": "AllowKeyAdministrators", "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin" },
        "Action": [ "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*",
                    "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource",
                    "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion" ],
        "Resource": "*" },
      { "Sid": "AllowChamberEnclaveDecryptWithAttestation", "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet" },
        "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "StringEqualsIgnoreCase": {
          "kms:RecipientAttestation:ImageSha384": [ "CURRENT", "PREVIOUS" ] } } },
      { "Sid": "AllowChamberEnclaveEncryptForWrapping", "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet" },
        "Action": "kms:Encrypt", "Resource": "*" },
      { "Sid": "DenyDataOpsWithoutAttestation", "Effect": "Deny", "Principal": "*",
        "Action": [ "kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
                    "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
                    "kms:ReEncryptFrom", "kms:ReEncryptTo" ],
        "Resource": "*", "Condition": { "Null": { "kms:RecipientAttestation:ImageSha384": "true" } } } ] }"#;
    PolicyDocument::parse(&text.replace("CURRENT", current).replace("PREVIOUS", previous)).unwrap()
}

fn iam(action: &str) -> PolicyDocument {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ACTION","Resource":"*"}}"#;
    PolicyDocument::parse(&text.replace("ACTION", action)).unwrap()
}

fn ask(
    arn: &str,
    action: Action,
    attestation: Option<u8>,
    identity: &[PolicyDocument],
    grants: &[Grant],
) -> Evaluation {
    let account = AccountId::new(ACCOUNT).unwrap();
    let policy = template(&hash(CURRENT), &hash(PREVIOUS));
    let policies = Policies { key_account: &account, key_policy: &policy, identity, grants };
    let mut request = request(arn, action);
    if let Some(byte) = attestation {
        request = request.attestation(&enclave(byte));
    }
    evaluate(&policies, &request)
}

#[test]
fn the_enclave_role_with_a_listed_image_is_allowed() {
    for byte in [CURRENT, PREVIOUS] {
        let evaluation = ask(ENCLAVE, Action::Decrypt, Some(byte), &[], &[]);
        assert_eq!(evaluation.decision, Decision::Allow);
        assert_eq!(sids(&evaluation), ["AllowChamberEnclaveDecryptWithAttestation"]);
        assert!(evaluation.unresolved.is_empty());
    }
}

#[test]
fn upper_case_in_the_policy_is_no_matter() {
    let account = AccountId::new(ACCOUNT).unwrap();
    let policy = template(&hash(CURRENT).to_uppercase(), &hash(PREVIOUS));
    let policies = Policies { key_account: &account, key_policy: &policy, identity: &[], grants: &[] };
    let request = Request::new(caller(ENCLAVE), Action::Decrypt, None);
    let evaluation = evaluate(&policies, &request.attestation(&enclave(CURRENT)));
    assert_eq!(evaluation.decision, Decision::Allow);
}

#[test]
fn a_session_of_the_enclave_role_is_the_role() {
    let session = "arn:aws:sts::111122223333:assumed-role/ChamberEnclaveRole-prod-us-east-1-mainnet/i-0123456789abcdef0";
    let evaluation = ask(session, Action::Decrypt, Some(CURRENT), &[], &[]);
    assert_eq!(evaluation.decision, Decision::Allow);
}

#[test]
fn without_attestation_the_deny_statement_decides() {
    for caller in [ENCLAVE, ADMINISTRATOR, OTHER, "arn:aws:iam::111122223333:root"] {
        let evaluation = ask(caller, Action::Decrypt, None, &[iam("kms:*")], &[]);
        assert_eq!(evaluation.decision, Decision::ExplicitDeny, "{caller}");
        assert_eq!(sids(&evaluation), ["DenyDataOpsWithoutAttestation"]);
        assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
    }
}

#[test]
fn another_image_is_denied_implicitly() {
    let evaluation = ask(ENCLAVE, Action::Decrypt, Some(UNKNOWN_IMAGE), &[], &[]);
    assert_eq!(evaluation.decision, Decision::ImplicitDeny);
    assert_eq!(evaluation.statements, []);
    // The root statement lets IAM policies count, and there is none.
    assert_eq!(evaluation.denied_by, Some(PolicyType::IdentityBased));
}

#[test]
fn the_hole_any_role_with_an_iam_policy_and_any_image() {
    for byte in [UNKNOWN_IMAGE, 0] {
        let evaluation = ask(OTHER, Action::Decrypt, Some(byte), &[iam("kms:Decrypt")], &[]);
        assert_eq!(evaluation.decision, Decision::Allow);
        assert_eq!(evaluation.statements[0].source, Source::KeyPolicy);
        assert_eq!(evaluation.statements[0].sid.as_deref(), Some("EnableIAMRootPermissionsBreakGlass"));
        assert_eq!(evaluation.statements[1].source, Source::Identity(0));
        assert_eq!(evaluation.statements.len(), 2);
    }
    assert_eq!(ask(OTHER, Action::Decrypt, Some(CURRENT), &[], &[]).decision, Decision::ImplicitDeny);
}

#[test]
fn administrators_manage_and_do_not_decrypt() {
    for action in [Action::PutKeyPolicy, Action::CreateGrant, Action::ScheduleKeyDeletion] {
        assert_eq!(ask(ADMINISTRATOR, action, None, &[], &[]).decision, Decision::Allow, "{action}");
    }
    for action in [Action::Encrypt, Action::DeriveSharedSecret, Action::RotateKeyOnDemand] {
        assert_eq!(ask(ADMINISTRATOR, action, None, &[], &[]).decision, Decision::ImplicitDeny, "{action}");
    }
}

#[test]
fn a_grant_gets_past_the_allow_statements_but_not_past_the_deny() {
    let grant = Grant { grantee: caller(OTHER), operations: vec![Action::Decrypt], constraint: None };
    let with_image = ask(OTHER, Action::Decrypt, Some(UNKNOWN_IMAGE), &[], std::slice::from_ref(&grant));
    assert_eq!(with_image.decision, Decision::Allow);
    assert_eq!(with_image.statements[0].source, Source::Grant(0));
    let without = ask(OTHER, Action::Decrypt, None, &[], &[grant]);
    assert_eq!(without.decision, Decision::ExplicitDeny);
}

#[test]
fn what_never_carries_attestation_is_denied_to_everyone() {
    for action in [
        Action::GenerateDataKeyWithoutPlaintext,
        Action::GenerateDataKeyPairWithoutPlaintext,
        Action::ReEncryptFrom,
        Action::ReEncryptTo,
    ] {
        let evaluation = ask(ENCLAVE, action, Some(CURRENT), &[iam("*")], &[]);
        assert_eq!(evaluation.decision, Decision::ExplicitDeny, "{action}");
    }
}

#[test]
fn derive_shared_secret_is_missing_from_the_deny() {
    let evaluation = ask(OTHER, Action::DeriveSharedSecret, None, &[iam("kms:DeriveSharedSecret")], &[]);
    assert_eq!(evaluation.decision, Decision::Allow);
}

#[test]
fn generate_random_is_no_matter_of_the_key_policy() {
    let evaluation = ask(OTHER, Action::GenerateRandom, None, &[iam("kms:GenerateRandom")], &[]);
    assert_eq!(evaluation.decision, Decision::Allow);
    assert_eq!(evaluation.statements[0].source, Source::Identity(0));
    assert_eq!(
        ask(ENCLAVE, Action::GenerateRandom, Some(CURRENT), &[], &[]).decision,
        Decision::ImplicitDeny
    );
}

#[test]
fn who_can_decrypt() {
    let account = AccountId::new(ACCOUNT).unwrap();
    let policy = template(&hash(CURRENT), &hash(PREVIOUS));
    let question = Question {
        key_account: &account,
        key: None,
        key_policy: &policy,
        grants: &[],
        action: Action::Decrypt,
        encryption_context: &[],
        context: &[("aws:SourceIp".into(), ContextValue::One("192.0.2.1".into()))],
    };
    let candidate = |arn: &str, identity| Candidate { principal: caller(arn), identity };
    let images = [("none", None), ("current", Some(CURRENT)), ("any other", Some(UNKNOWN_IMAGE))]
        .map(|(name, byte)| Image { name: name.into(), attestation: byte.map(enclave) });
    let matrix = who_can(
        &question,
        &[candidate(ENCLAVE, vec![]), candidate(OTHER, vec![iam("kms:Decrypt")])],
        &images,
    );
    assert_eq!(
        matrix.to_string(),
        "\
kms:Decrypt                                                               none               current    any other
arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet  explicit deny [1]  allow [2]  implicit deny
arn:aws:iam::111122223333:role/data-processing                            explicit deny [1]  allow [3]  allow [3]

[1] key policy DenyDataOpsWithoutAttestation
[2] key policy AllowChamberEnclaveDecryptWithAttestation
[3] key policy EnableIAMRootPermissionsBreakGlass; identity policy 0 statement 0
"
    );
}
