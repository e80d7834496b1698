//! Grants.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Decision, Grant, GrantConstraint, Missing, PolicyType, Source};

use super::setup::{
    FOREIGN_ROLE, FOREIGN_ROOT, ROLE, ROOT, SESSION, USER, World, caller, decrypt, iam_decrypt, request,
};

use Decision::{Allow, ExplicitDeny, ImplicitDeny};

fn grant(grantee: &str) -> Grant {
    let operations = vec![Action::Decrypt, Action::DescribeKey, Action::CreateGrant];
    Grant { grantee: caller(grantee), operations, constraint: None }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

#[test]
fn a_grant_allows_its_grantee_its_operations() {
    for (grantee, asking, action, expected) in [
        (ROLE, ROLE, Action::Decrypt, Allow),
        (ROLE, SESSION, Action::Decrypt, Allow),
        (ROLE, SESSION, Action::DescribeKey, Allow),
        (ROLE, SESSION, Action::Encrypt, ImplicitDeny),
        (ROLE, USER, Action::Decrypt, ImplicitDeny),
        (SESSION, SESSION, Action::Decrypt, Allow),
        (SESSION, ROLE, Action::Decrypt, ImplicitDeny),
        (USER, USER, Action::Decrypt, Allow),
        (ROOT, ROOT, Action::Decrypt, Allow),
        // The key's side is all that a grant in another account needs.
        (FOREIGN_ROLE, FOREIGN_ROLE, Action::Decrypt, Allow),
        (FOREIGN_ROLE, ROLE, Action::Decrypt, ImplicitDeny),
        (FOREIGN_ROOT, ROLE, Action::Decrypt, ImplicitDeny),
    ] {
        let world = World::new(&decrypt("Other", "Allow", "AIDAEXAMPLE"))
            .grant(grant(USER_OF_NO_MATTER))
            .grant(grant(grantee));
        let evaluation = world.ask(&request(asking, action));
        assert_eq!(evaluation.decision, expected, "{grantee} {asking} {action}");
        if expected == Allow {
            assert_eq!(evaluation.statements.len(), 1);
            assert_eq!(evaluation.statements[0].source, Source::Grant(1));
            assert_eq!(evaluation.statements[0].to_string(), "grant 1");
        } else {
            assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
        }
    }
}

const USER_OF_NO_MATTER: &str = "arn:aws:iam::111122223333:user/Auditor";

#[test]
fn a_deny_binds_a_grant() {
    let world = World::new(&decrypt("No", "Deny", "*")).grant(grant(ROLE));
    assert_eq!(world.decrypt(ROLE), ExplicitDeny);
    let world =
        World::new(&decrypt("Other", "Allow", USER)).iam(&iam_decrypt("No", "Deny")).grant(grant(ROLE));
    assert_eq!(world.decrypt(ROLE), ExplicitDeny);
}

/// Across accounts, a key policy that no IAM policy meets is not what allows.
#[test]
fn a_grant_decides_where_an_iam_policy_is_missing() {
    let world = World::new(&decrypt("Partner", "Allow", FOREIGN_ROLE)).grant(grant(FOREIGN_ROLE));
    let evaluation = world.ask(&request(FOREIGN_ROLE, Action::Decrypt));
    assert_eq!(evaluation.decision, Allow);
    let sources: Vec<_> = evaluation.statements.iter().map(|place| place.source).collect();
    assert_eq!(sources, [Source::Grant(0)]);
    let evaluation = world.iam(&iam_decrypt("Mine", "Allow")).ask(&request(FOREIGN_ROLE, Action::Decrypt));
    let sources: Vec<_> = evaluation.statements.iter().map(|place| place.source).collect();
    assert_eq!(sources, [Source::KeyPolicy, Source::Grant(0), Source::Identity(0)]);
}

#[test]
fn constraints() {
    let equals = GrantConstraint::EncryptionContextEquals(pairs(&[("Team", "Crypto"), ("v", "1")]));
    let subset = GrantConstraint::EncryptionContextSubset(pairs(&[("Team", "Crypto"), ("v", "1")]));
    for (context, of_equals, of_subset) in [
        (&[("Team", "Crypto"), ("v", "1")][..], true, true),
        (&[("v", "1"), ("Team", "Crypto")], true, true),
        (&[("team", "Crypto"), ("V", "1")], true, true),
        (&[("Team", "crypto"), ("v", "1")], false, false),
        (&[("Team", "Crypto"), ("v", "1"), ("more", "2")], false, true),
        (&[("Team", "Crypto")], false, false),
        (&[("Team", "1"), ("v", "Crypto")], false, false),
        (&[], false, false),
    ] {
        for (constraint, expected) in [(&equals, of_equals), (&subset, of_subset)] {
            let world = World::new("").grant(Grant { constraint: Some(constraint.clone()), ..grant(ROLE) });
            let ask = |action| {
                world.ask(&request(ROLE, action).encryption_context(context.iter().copied())).decision
            };
            let expected = if expected { Allow } else { ImplicitDeny };
            assert_eq!(ask(Action::Decrypt), expected, "{constraint:?} {context:?}");
            assert_eq!(ask(Action::CreateGrant), expected, "{constraint:?} {context:?}");
            // Operations that take no encryption context are free of it.
            assert_eq!(ask(Action::DescribeKey), Allow, "{constraint:?} {context:?}");
        }
    }
}

#[test]
fn empty_constraints() {
    let ask = |constraint, context: &[(&str, &str)]| {
        let world = World::new("").grant(Grant { constraint: Some(constraint), ..grant(ROLE) });
        world.ask(&request(ROLE, Action::Decrypt).encryption_context(context.iter().copied())).decision
    };
    assert_eq!(ask(GrantConstraint::EncryptionContextEquals(vec![]), &[]), Allow);
    assert_eq!(ask(GrantConstraint::EncryptionContextEquals(vec![]), &[("k", "v")]), ImplicitDeny);
    assert_eq!(ask(GrantConstraint::EncryptionContextSubset(vec![]), &[("k", "v")]), Allow);
}

#[test]
fn a_grant_to_an_account_is_not_guessed_at() {
    let evaluation = World::new("").grant(grant(ROOT)).ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.decision, Decision::Undecided);
    assert_eq!(evaluation.unresolved[0].missing, Missing::AccountGrantee);
    assert_eq!(evaluation.unresolved[0].statement.source, Source::Grant(0));
    assert_eq!(World::new("").grant(grant(ROOT)).ask(&request(ROLE, Action::Encrypt)).decision, ImplicitDeny);
}

#[test]
fn a_grant_is_no_matter_without_a_key() {
    let mut random = grant(ROLE);
    random.operations.push(Action::GenerateRandom);
    let world = World::new("").grant(random);
    assert_eq!(world.ask(&request(ROLE, Action::GenerateRandom)).decision, ImplicitDeny);
}

/// "A policy alone cannot allow" to retire a grant; to deny it, it can.
#[test]
fn only_a_grant_lets_retire_a_grant() {
    let retire = || Grant { operations: vec![Action::RetireGrant], ..grant(ROLE) };
    let everything = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let nothing = r#"{"Sid":"No","Effect":"Deny","Principal":"*","Action":"kms:RetireGrant","Resource":"*"}"#;
    let decision = |world: World| world.ask(&request(ROLE, Action::RetireGrant)).decision;
    assert_eq!(decision(World::new(everything)), ImplicitDeny);
    assert_eq!(decision(World::new(everything).grant(retire())), Allow);
    assert_eq!(decision(World::new(nothing).grant(retire())), ExplicitDeny);
}
