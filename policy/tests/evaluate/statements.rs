//! `Action`, `Resource` and their negations; statements without them.

use pcrseal_core::names::KeyArn;
use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Decision, Missing, Request};

use super::setup::{KEY, ROLE, ROOT, World, caller, decided, iam_decrypt, request, versioned};

fn with(element: &str) -> World {
    World::new(&format!(r#"{{"Sid":"S","Effect":"Allow","Principal":"*",{element}}}"#))
}

#[test]
fn actions() {
    for (element, action, expected) in [
        (r#""Action":"kms:Decrypt""#, Action::Decrypt, true),
        (r#""Action":"kms:Decrypt""#, Action::Encrypt, false),
        (r#""Action":"KMS:dECRYPT""#, Action::Decrypt, true),
        (r#""Action":"*""#, Action::Decrypt, true),
        (r#""Action":"**""#, Action::Decrypt, true),
        (r#""Action":"*:*""#, Action::Decrypt, true),
        (r#""Action":"*:Decrypt""#, Action::Encrypt, false),
        (r#""NotAction":"*:*""#, Action::Decrypt, false),
        (r#""Action":"kms:*""#, Action::Decrypt, true),
        (r#""Action":"kms:Re*""#, Action::ReEncryptFrom, true),
        (r#""Action":"kms:re*""#, Action::RevokeGrant, true),
        (r#""Action":"kms:Re*""#, Action::Decrypt, false),
        (r#""Action":"kms:?ecrypt""#, Action::Decrypt, true),
        (r#""Action":"kms:?crypt""#, Action::Decrypt, false),
        (r#""Action":"kms:*Plaintext""#, Action::GenerateDataKeyWithoutPlaintext, true),
        (r#""Action":"kms:GenerateDataKey""#, Action::GenerateDataKeyPair, false),
        (r#""Action":"kms:""#, Action::Decrypt, false),
        (r#""Action":"""#, Action::Decrypt, false),
        (r#""Action":"Decrypt""#, Action::Decrypt, false),
        (r#""Action":"k*:Decrypt""#, Action::Decrypt, false),
        (r#""Action":"s3:*""#, Action::Decrypt, false),
        (r#""Action":"kms:${*}""#, Action::Decrypt, false),
        (r#""Action":["s3:*","kms:Sign","kms:D*"]"#, Action::Decrypt, true),
        (r#""Action":[]"#, Action::Decrypt, false),
        (r#""NotAction":"kms:Decrypt""#, Action::Decrypt, false),
        (r#""NotAction":"kms:d*""#, Action::DescribeKey, false),
        (r#""NotAction":"kms:Decrypt""#, Action::Encrypt, true),
        (r#""NotAction":["s3:*","kms:Decrypt"]"#, Action::Decrypt, false),
        (r#""NotAction":["s3:*","iam:*"]"#, Action::Decrypt, true),
        (r#""NotAction":[]"#, Action::Decrypt, true),
    ] {
        let world = with(&format!(r#"{element},"Resource":"*""#));
        let found = decided(world.ask(&request(ROLE, action)).decision);
        assert_eq!(found, Some(expected), "{element} {action}");
    }
}

/// Patterns, and whether they match the key's ARN.
const RESOURCES: &[(&str, bool)] = &[
    ("*", true),
    ("**", true),
    (KEY, true),
    ("arn:aws:kms:eu-central-1:111122223333:key/*", true),
    ("arn:aws:kms:*:*:key/1234abcd-*-1234567890ab", true),
    ("arn:aws:kms:eu-central-?:111122223333:key/????abcd-12ab-34cd-56ef-1234567890ab", true),
    ("arn:aws:kms:eu-central-1:111122223333:*", true),
    // An asterisk at the end of a part reaches beyond the colon.
    ("arn:aws:kms:*", true),
    ("arn:aws:kms:eu*:key/1234abcd-12ab-34cd-56ef-1234567890ab", true),
    // Others do not, and no question mark does.
    ("arn:aws:kms:eu*3:key/1234abcd-12ab-34cd-56ef-1234567890ab", false),
    ("arn:aws:kms:eu-central-1?111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", false),
    ("arn:aws:kms:eu-central-1:11112222333?key/1234abcd-12ab-34cd-56ef-1234567890ab", false),
    ("arn:aws:kms:eu-central-1:111122223333:key/1234ABCD-12ab-34cd-56ef-1234567890ab", false),
    ("arn:aws:kms:eu-central-1:111122223333:key/9999abcd-12ab-34cd-56ef-1234567890ab", false),
    ("arn:aws:kms:us-east-1:111122223333:key/*", false),
    ("arn:aws:kms:eu-central-1:444455556666:key/*", false),
    ("arn:aws:kms:eu-central-1:111122223333:alias/*", false),
    ("arn:aws-cn:kms:*:*:*", false),
    ("arn:aws:s3:::*", false),
    ("arn:aws:kms", false),
    ("1234abcd-12ab-34cd-56ef-1234567890ab", false),
    ("", false),
];

#[test]
fn resources() {
    for &(pattern, expected) in RESOURCES {
        let world = with(&format!(r#""Action":"kms:Decrypt","Resource":{pattern:?}"#));
        assert_eq!(world.decrypt(ROLE) == Decision::Allow, expected, "{pattern}");
        let world = with(&format!(r#""Action":"kms:Decrypt","NotResource":{pattern:?}"#));
        assert_eq!(world.decrypt(ROLE) == Decision::Allow, !expected, "not {pattern}");
        // In IAM policies too.
        let delegation =
            format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROOT}"}},"Action":"*","Resource":"*"}}"#);
        let world = World::new(&delegation).iam(&format!(
            r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":["arn:aws:s3:::b",{pattern:?}]}}"#
        ));
        assert_eq!(world.decrypt(ROLE) == Decision::Allow, expected, "IAM {pattern}");
    }
    assert_eq!(with(r#""Action":"*","Resource":[]"#).decrypt(ROLE), Decision::ImplicitDeny);
    assert_eq!(with(r#""Action":"*","NotResource":[]"#).decrypt(ROLE), Decision::Allow);
}

#[test]
fn without_action_or_resource_a_statement_has_no_effect() {
    for element in [r#""Action":"*""#, r#""Resource":"*""#, r#""NotAction":"s3:*""#, r#""Sid2":"x""#] {
        for effect in ["Allow", "Deny"] {
            let world = World::new(&format!(r#"{{"Effect":"{effect}","Principal":"*",{element}}}"#));
            assert_eq!(world.decrypt(ROLE), Decision::ImplicitDeny, "{effect} {element}");
        }
    }
}

/// Whom an IAM policy applies to is where it is attached.
#[test]
fn a_principal_in_an_iam_policy_is_passed_over() {
    let delegation =
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROOT}"}},"Action":"*","Resource":"*"}}"#);
    let statement =
        iam_decrypt("Mine", "Allow").replace(r#""Action""#, r#""Principal":{"AWS":"444455556666"},"Action""#);
    assert_eq!(World::new(&delegation).iam(&statement).decrypt(ROLE), Decision::Allow);
}

/// A request for a key that is not named: statements about all keys decide, those about some keys cannot.
#[test]
fn requests_for_a_key_that_is_not_named() {
    let request = || Request::new(caller(ROLE), Action::Decrypt, None);
    let ask = |element: &str| with(&format!(r#""Action":"*",{element}"#)).ask(&request());
    assert_eq!(ask(r#""Resource":"*""#).decision, Decision::Allow);
    for element in ["Resource", "NotResource"] {
        let evaluation = ask(&format!(r#""{element}":{KEY:?}"#));
        assert_eq!(evaluation.decision, Decision::Undecided, "{element}");
        assert_eq!(evaluation.unresolved[0].missing, Missing::KeyArn);
        assert_eq!(evaluation.unresolved[0].to_string(), "key policy S: the ARN of the key is not known");
        let request = Request::new(caller(ROLE), Action::Decrypt, Some(&KeyArn::new(KEY).unwrap()));
        assert_ne!(
            with(&format!(r#""Action":"*","{element}":{KEY:?}"#)).ask(&request).decision,
            Decision::Undecided
        );
    }
    let either = ask(&format!(r#""Resource":[{KEY:?},"*"]"#));
    assert_eq!(either.decision, Decision::Allow);
    assert!(either.unresolved.is_empty());
}

#[test]
fn the_version_is_no_matter_without_variables() {
    for version in ["2008-10-17", "2012-10-17"] {
        let mut world = World::new("");
        world.key_policy =
            versioned(version, r#"{"Effect":"Allow","Principal":"*","Action":"kms:De*","Resource":"*"}"#);
        assert_eq!(world.decrypt(ROLE), Decision::Allow);
    }
}
