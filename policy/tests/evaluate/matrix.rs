//! Who gets in, as a table and as JSON.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Candidate, Decision, Grant, GrantConstraint, Image, Question, who_can};
use pcrseal_policy::json::Json;
use pcrseal_policy::names::AccountId;

use super::setup::{ACCOUNT, ROLE, ROOT, USER, caller, enclave, iam_decrypt, key, one, policy};

const POLICY: &str = r#"
    {"Sid":"Root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
    {"Effect":"Deny","Principal":"*","Action":"kms:Decrypt",
     "Resource":"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
     "Condition":{"Null":{"kms:RecipientAttestation:ImageSha384":"true"}}},
    {"Sid":"NoPartner","Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*",
     "Condition":{"StringEquals":{"aws:PrincipalArn":"${aws:PrincipalTag/partner}"}}}"#;

#[test]
fn rows_columns_and_notes() {
    let (account, key, key_policy) = (AccountId::new(ACCOUNT).unwrap(), key(), policy(POLICY));
    let grant = Grant {
        grantee: caller(ROLE),
        operations: vec![Action::Decrypt],
        constraint: Some(GrantConstraint::EncryptionContextEquals(vec![("team".into(), "crypto".into())])),
    };
    let context = [("team".to_owned(), "crypto".to_owned())];
    let tags = [("aws:PrincipalTag/partner".to_owned(), one("none"))];
    let question = Question {
        key_account: &account,
        key: Some(&key),
        key_policy: &key_policy,
        grants: std::slice::from_ref(&grant),
        action: Action::Decrypt,
        encryption_context: &context,
        context: &tags,
    };
    let candidates = [
        Candidate { principal: caller(ROLE), identity: vec![] },
        Candidate { principal: caller(USER), identity: vec![policy(&iam_decrypt("Müller", "Allow"))] },
        Candidate { principal: caller(ROOT), identity: vec![] },
        Candidate { principal: caller("arn:aws:iam::111122223333:user/Al"), identity: vec![] },
    ];
    let images = [
        Image { name: "no document (früher)".into(), attestation: None },
        Image { name: "release 7".into(), attestation: Some(enclave(0xc1)) },
    ];
    let matrix = who_can(&question, &candidates, &images);
    assert_eq!(
        matrix.to_string(),
        "\
kms:Decrypt                                     no document (früher)  release 7
arn:aws:iam::111122223333:role/data-processing  explicit deny [1]     allow [2]
arn:aws:iam::111122223333:user/Bob              explicit deny [1]     allow [3]
arn:aws:iam::111122223333:root                  explicit deny [1]     allow [4]
arn:aws:iam::111122223333:user/Al               explicit deny [1]     implicit deny

[1] key policy statement 1
[2] grant 0
[3] key policy Root; identity policy 0 Müller
[4] key policy Root
"
    );
    assert_eq!(matrix.rows[1].cells[1].image, "release 7");
    assert_eq!(matrix.rows[1].cells[1].evaluation.decision, Decision::Allow);

    // Without the tag, the last Deny cannot be decided; without the key, the first one.
    let open = who_can(&Question { key: None, context: &[], ..question }, &candidates[2..3], &images[..1]);
    assert_eq!(
        open.to_string(),
        "\
kms:Decrypt                     no document (früher)
arn:aws:iam::111122223333:root  undecided [1]

[1] key policy statement 1: the ARN of the key is not known; key policy NoPartner: the value of ${aws:PrincipalTag/partner} is not known
"
    );
    let without_context =
        who_can(&Question { encryption_context: &[], ..question }, &candidates[..1], &images[1..]);
    assert_eq!(without_context.rows[0].cells[0].evaluation.decision, Decision::ImplicitDeny);
}

#[test]
fn json() {
    let (account, key_policy) = (AccountId::new(ACCOUNT).unwrap(), policy(POLICY));
    let question = Question {
        key_account: &account,
        key: None,
        key_policy: &key_policy,
        grants: &[],
        action: Action::Decrypt,
        encryption_context: &[],
        context: &[("aws:PrincipalTag/partner".to_owned(), one("none"))],
    };
    let candidates = [Candidate {
        principal: caller(USER),
        identity: vec![policy(""), policy(&iam_decrypt("Mine", "Allow"))],
    }];
    let images = [
        Image { name: "a".into(), attestation: Some(enclave(0xc1)) },
        Image { name: "none".into(), attestation: None },
    ];
    let expected = r#"{"action":"kms:Decrypt","rows":[{"principal":"arn:aws:iam::111122223333:user/Bob","cells":[
        {"image":"a","decision":"allow","statements":[{"source":"key policy","index":0,"sid":"Root"},
            {"source":"identity policy","position":1,"index":0,"sid":"Mine"}],"unresolved":[]},
        {"image":"none","decision":"undecided","statements":[],
            "unresolved":["key policy statement 1: the ARN of the key is not known"]}]}]}"#;
    assert_eq!(who_can(&question, &candidates, &images).to_json(), Json::parse(expected).unwrap());
}

#[test]
fn nobody_and_no_image() {
    let (account, key_policy) = (AccountId::new(ACCOUNT).unwrap(), policy(POLICY));
    let question = Question {
        key_account: &account,
        key: None,
        key_policy: &key_policy,
        grants: &[],
        action: Action::Decrypt,
        encryption_context: &[],
        context: &[],
    };
    assert_eq!(who_can(&question, &[], &[]).to_string(), "kms:Decrypt\n");
    let candidate = Candidate { principal: caller(ROOT), identity: vec![] };
    assert_eq!(who_can(&question, &[candidate], &[]).to_string(), format!("kms:Decrypt\n{ROOT}\n"));
}
