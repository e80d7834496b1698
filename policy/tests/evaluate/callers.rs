//! Who is meant, which policies must agree, and whom a denial is laid to.

use super::setup::{
    ACCOUNT, FEDERATED, FOREIGN_ROLE, FOREIGN_ROOT, ROLE, ROOT, SESSION, USER, World, decrypt, iam_decrypt,
    request, sids,
};
use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Decision, Missing, PolicyType, Source};

use Decision::{Allow, ExplicitDeny, ImplicitDeny};

const OTHER_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/data-processing/i-1";
const FOREIGN_USER: &str = "arn:aws:iam::444455556666:user/Guest";

/// Within the account, an Allow for the caller itself is enough; one for somebody else is none.
#[test]
fn who_is_named() {
    for (principal, caller, expected) in [
        ("*", ROLE, Allow),
        ("*", SESSION, Allow),
        ("*", USER, Allow),
        ("*", FEDERATED, Allow),
        ("*", ROOT, Allow),
        (ROLE, ROLE, Allow),
        (ROLE, SESSION, Allow),
        (ROLE, USER, ImplicitDeny),
        (SESSION, SESSION, Allow),
        (SESSION, OTHER_SESSION, ImplicitDeny),
        (SESSION, ROLE, ImplicitDeny),
        (USER, USER, Allow),
        (USER, FEDERATED, ImplicitDeny),
        (FEDERATED, FEDERATED, Allow),
        (FEDERATED, USER, ImplicitDeny),
        (ROOT, ROOT, Allow),
        (ACCOUNT, ROOT, Allow),
        // The session's ARN does not hold the path of the role, the role's does.
        ("arn:aws:iam::111122223333:role/service/data-processing", SESSION, Allow),
        ("arn:aws:iam::111122223333:role/service/data-processing", ROLE, ImplicitDeny),
        // Names are case-sensitive in policies.
        ("arn:aws:iam::111122223333:role/Data-Processing", SESSION, ImplicitDeny),
        ("arn:aws:iam::111122223333:role/Data-Processing", ROLE, ImplicitDeny),
        ("arn:aws:iam::111122223333:user/bob", USER, ImplicitDeny),
        // Another account, another partition.
        ("arn:aws:iam::444455556666:role/data-processing", SESSION, ImplicitDeny),
        ("arn:aws-cn:iam::111122223333:role/data-processing", SESSION, ImplicitDeny),
        ("arn:aws-cn:iam::111122223333:root", ROOT, ImplicitDeny),
        ("444455556666", ROOT, ImplicitDeny),
        // No wildcards inside an ARN, and no unique ids.
        ("arn:aws:iam::111122223333:role/*", ROLE, ImplicitDeny),
        ("arn:aws:iam::111122223333:*", ROLE, ImplicitDeny),
        ("arn:aws:sts::111122223333:assumed-role/data-processing/*", SESSION, ImplicitDeny),
        ("AROAEXAMPLEROLEID1234", ROLE, ImplicitDeny),
        ("", ROLE, ImplicitDeny),
    ] {
        let world = World::new(&decrypt("A", "Allow", principal));
        assert_eq!(world.decrypt(caller), expected, "{principal} {caller}");
    }
}

#[test]
fn kinds_of_principals() {
    for (principal, expected) in [
        (r#""*""#, Allow),
        (r#"{"AWS":"*"}"#, Allow),
        (r#"{"AWS":["AIDAEXAMPLE","arn:aws:iam::111122223333:role/data-processing"]}"#, Allow),
        (r#"{"Service":"ec2.amazonaws.com","AWS":"arn:aws:iam::111122223333:role/data-processing"}"#, Allow),
        (r#"{"AWS":[]}"#, ImplicitDeny),
        (r#"{"Service":"*"}"#, ImplicitDeny),
        (r#"{"Service":"arn:aws:iam::111122223333:role/data-processing"}"#, ImplicitDeny),
        (r#"{"Federated":"*"}"#, ImplicitDeny),
        (r#"{"CanonicalUser":"*"}"#, ImplicitDeny),
    ] {
        let world = World::new(&format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:Decrypt","Resource":"*"}}"#
        ));
        assert_eq!(world.decrypt(ROLE), expected, "{principal}");
    }
    let nobody = World::new(r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#);
    assert_eq!(nobody.decrypt(ROLE), ImplicitDeny);
}

/// An Allow that names the account lets IAM policies count, and does nothing else.
#[test]
fn delegation_to_iam() {
    for account in [ROOT, ACCOUNT] {
        for caller in [ROLE, SESSION, USER, FEDERATED] {
            let world = World::new(&decrypt("Delegate", "Allow", account));
            let evaluation = world.ask(&request(caller, Action::Decrypt));
            assert_eq!(evaluation.decision, ImplicitDeny);
            assert_eq!(evaluation.denied_by, Some(PolicyType::IdentityBased));

            let world = world.iam(&iam_decrypt("Mine", "Allow"));
            let evaluation = world.ask(&request(caller, Action::Decrypt));
            assert_eq!(evaluation.decision, Allow, "{caller}");
            assert_eq!(sids(&evaluation), ["Delegate", "Mine"]);
            assert_eq!(evaluation.denied_by, None);
        }
    }
}

#[test]
fn delegation_covers_what_its_statement_covers() {
    let world = World::new(
        r#"{"Sid":"Delegate","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["kms:Decrypt","kms:Sign"],
            "Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:team":"crypto"}}}"#,
    )
    .iam(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    let with_context = |action| request(ROLE, action).encryption_context([("team", "crypto")]);
    assert_eq!(world.ask(&with_context(Action::Decrypt)).decision, Allow);
    assert_eq!(world.ask(&with_context(Action::Encrypt)).decision, ImplicitDeny);
    assert_eq!(world.ask(&request(ROLE, Action::Decrypt)).decision, ImplicitDeny);
    let evaluation = world.ask(&with_context(Action::Encrypt));
    assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
}

#[test]
fn without_delegation_iam_allows_nothing_and_still_denies() {
    let world = World::new(&decrypt("Partner", "Allow", FOREIGN_ROOT)).iam(&iam_decrypt("Mine", "Allow"));
    let evaluation = world.ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.decision, ImplicitDeny);
    assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
    assert!(evaluation.statements.is_empty());

    let world = World::new(&decrypt("Direct", "Allow", ROLE)).iam(&iam_decrypt("No", "Deny"));
    let evaluation = world.ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.decision, ExplicitDeny);
    assert_eq!(evaluation.denied_by, Some(PolicyType::IdentityBased));
    assert_eq!(evaluation.statements[0].source, Source::Identity(0));
}

/// With a direct Allow, IAM statements decide nothing, and a delegation decides only with one of them.
#[test]
fn the_statements_that_decided() {
    let direct = decrypt("Direct", "Allow", ROLE);
    let everyone = decrypt("Everyone", "Allow", "*");
    let delegation = decrypt("Delegate", "Allow", ROOT);
    let other = decrypt("Other", "Allow", USER);
    let statements = |world: &World| {
        let evaluation = world.ask(&request(SESSION, Action::Decrypt));
        sids(&evaluation).join(" ")
    };
    let iam = iam_decrypt("Mine", "Allow");
    assert_eq!(statements(&World::new(&format!("{other},{direct},{everyone}"))), "Direct Everyone");
    assert_eq!(statements(&World::new(&format!("{direct},{other}")).iam(&iam)), "Direct");
    assert_eq!(statements(&World::new(&format!("{delegation},{direct}"))), "Direct");
    assert_eq!(statements(&World::new(&format!("{delegation},{direct}")).iam(&iam)), "Delegate Direct Mine");

    let two = World::new(&delegation).iam(&iam).iam(&format!("{iam},{}", iam_decrypt("Again", "Allow")));
    let evaluation = two.ask(&request(ROLE, Action::Decrypt));
    let places: Vec<_> = evaluation.statements.iter().map(|place| (place.source, place.index)).collect();
    assert_eq!(
        places,
        [
            (Source::KeyPolicy, 0),
            (Source::Identity(0), 0),
            (Source::Identity(1), 0),
            (Source::Identity(1), 1)
        ]
    );
    assert_eq!(evaluation.statements[3].to_string(), "identity policy 1 Again");
}

#[test]
fn an_explicit_deny_wins() {
    let allow = decrypt("Direct", "Allow", ROLE);
    for deny in ["*", ROLE, ROOT, ACCOUNT] {
        let world = World::new(&format!("{allow},{}", decrypt("No", "Deny", deny)));
        let evaluation = world.ask(&request(SESSION, Action::Decrypt));
        assert_eq!(evaluation.decision, ExplicitDeny, "{deny}");
        assert_eq!(sids(&evaluation), ["No"]);
        assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
    }
    for deny in [USER, FOREIGN_ROOT, "444455556666", "arn:aws:iam::111122223333:role/*"] {
        let world = World::new(&format!("{allow},{}", decrypt("No", "Deny", deny)));
        assert_eq!(world.decrypt(SESSION), Allow, "{deny}");
    }
    let both =
        World::new(&format!("{allow},{}", decrypt("No", "Deny", "*"))).iam(&iam_decrypt("Never", "Deny"));
    let evaluation = both.ask(&request(ROLE, Action::Decrypt));
    assert_eq!(sids(&evaluation), ["No", "Never"]);
    assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
}

#[test]
fn the_root_user() {
    // The account's principal is the root user's own.
    let evaluation = World::new(&decrypt("Delegate", "Allow", ROOT)).ask(&request(ROOT, Action::Decrypt));
    assert_eq!(evaluation.decision, Allow);
    assert_eq!(sids(&evaluation), ["Delegate"]);
    // It has no rights without the key policy, and a Deny binds it.
    let evaluation = World::new(&decrypt("Direct", "Allow", ROLE)).ask(&request(ROOT, Action::Decrypt));
    assert_eq!(evaluation.decision, ImplicitDeny);
    assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
    let both = format!("{},{}", decrypt("Delegate", "Allow", ROOT), decrypt("No", "Deny", ROOT));
    assert_eq!(World::new(&both).decrypt(ROOT), ExplicitDeny);
    // Of another account: no IAM policy is needed there either.
    let partner = World::new(&decrypt("Partner", "Allow", FOREIGN_ROOT));
    let evaluation = partner.ask(&request(FOREIGN_ROOT, Action::Decrypt));
    assert_eq!(evaluation.decision, Allow);
    assert_eq!(sids(&evaluation), ["Partner"]);
    assert_eq!(World::new(&decrypt("Delegate", "Allow", ROOT)).decrypt(FOREIGN_ROOT), ImplicitDeny);
}

#[test]
fn callers_of_another_account() {
    for principal in [FOREIGN_ROLE, FOREIGN_ROOT, "444455556666", "*"] {
        let world = World::new(&decrypt("Partner", "Allow", principal));
        let evaluation = world.ask(&request(FOREIGN_ROLE, Action::Decrypt));
        assert_eq!(evaluation.decision, ImplicitDeny, "{principal}");
        assert_eq!(evaluation.denied_by, Some(PolicyType::IdentityBased));
        let evaluation =
            world.iam(&iam_decrypt("Mine", "Allow")).ask(&request(FOREIGN_ROLE, Action::Decrypt));
        assert_eq!(evaluation.decision, Allow, "{principal}");
        assert_eq!(sids(&evaluation), ["Partner", "Mine"]);
    }
    // Neither the own account's delegation nor an IAM policy alone.
    for principal in [ROOT, ROLE, FOREIGN_USER, "arn:aws-cn:iam::444455556666:root"] {
        let world = World::new(&decrypt("Other", "Allow", principal)).iam(&iam_decrypt("Mine", "Allow"));
        let evaluation = world.ask(&request(FOREIGN_ROLE, Action::Decrypt));
        assert_eq!(evaluation.decision, ImplicitDeny, "{principal}");
        assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased));
    }
    let world = World::new(&decrypt("Partner", "Allow", FOREIGN_ROLE)).iam(&iam_decrypt("No", "Deny"));
    assert_eq!(world.decrypt(FOREIGN_ROLE), ExplicitDeny);
}

/// Cross-account permission "is effective only for" some operations.
#[test]
fn what_does_not_work_across_accounts() {
    let world = World::new(r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#)
        .iam(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    // Of RetireGrant see the grants.
    for &action in Action::ALL.iter().filter(|&&action| action != Action::RetireGrant) {
        let key_less = !action.is_on_key();
        let expected = if key_less || action.works_across_accounts() { Allow } else { ImplicitDeny };
        let evaluation = world.ask(&request(FOREIGN_ROLE, action));
        assert_eq!(evaluation.decision, expected, "{action}");
        assert_eq!(world.ask(&request(ROLE, action)).decision, Allow, "{action}");
        if expected == ImplicitDeny {
            assert_eq!(evaluation.denied_by, Some(PolicyType::ResourceBased), "{action}");
        }
    }
    let beside_cryptography: Vec<&str> = Action::ALL
        .iter()
        .filter(|action| action.works_across_accounts() && !action.is_cryptographic())
        .map(|action| action.name())
        .collect();
    assert_eq!(
        beside_cryptography,
        [
            "kms:CreateGrant",
            "kms:DescribeKey",
            "kms:GetKeyRotationStatus",
            "kms:GetPublicKey",
            "kms:ListGrants",
            "kms:RetireGrant",
            "kms:RevokeGrant"
        ]
    );
    assert!(Action::Decrypt.works_across_accounts() && Action::VerifyMac.works_across_accounts());
}

/// Requests that use no key: IAM policies alone.
#[test]
fn requests_without_a_key() {
    let everything = r#"{"Sid":"All","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let nothing = r#"{"Sid":"None","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    for action in [Action::GenerateRandom, Action::CreateKey, Action::ListKeys, Action::ListAliases] {
        let evaluation = World::new(everything).ask(&request(ROLE, action));
        assert_eq!(evaluation.decision, ImplicitDeny, "{action}");
        assert_eq!(evaluation.denied_by, Some(PolicyType::IdentityBased), "{action}");
        let allowed =
            World::new(nothing).iam(r#"{"Sid":"Mine","Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
        for caller in [ROLE, FOREIGN_ROLE] {
            let evaluation = allowed.ask(&request(caller, action));
            assert_eq!(evaluation.decision, Allow, "{action}");
            assert_eq!(sids(&evaluation), ["Mine"]);
        }
        assert_eq!(World::new(nothing).ask(&request(ROOT, action)).decision, Allow, "{action}");
        let denied = allowed.iam(r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#);
        assert_eq!(denied.ask(&request(ROLE, action)).decision, ExplicitDeny, "{action}");
        // Their resource is "*": a key's ARN does not match it.
        let of_keys =
            World::new(nothing).iam(r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:*:*:*"}"#);
        assert_eq!(of_keys.ask(&request(ROLE, action)).decision, ImplicitDeny, "{action}");
        let but_keys =
            World::new(nothing).iam(r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:kms:*:*:*"}"#);
        assert_eq!(but_keys.ask(&request(ROLE, action)).decision, Allow, "{action}");
    }
}

/// `NotPrincipal`: who is listed with the account, and of a role the session too, is spared, who is not named at all is meant, and between them AWS
/// leaves it open.
#[test]
fn not_principal() {
    let world = |listed: &str| {
        World::new(&format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}},
               {{"Sid":"No","Effect":"Deny","NotPrincipal":{{"AWS":{listed}}},"Action":"*","Resource":"*"}}"#
        ))
    };
    let role_and_account = format!("[{ROLE:?},{ROOT:?}]");
    let user_and_account = format!("[{USER:?},{ACCOUNT:?}]");
    for (listed, caller, expected) in [
        (role_and_account.as_str(), ROLE, None),
        (&role_and_account, SESSION, None),
        (&role_and_account, FOREIGN_ROLE, Some(ExplicitDeny)),
        (&role_and_account, ROOT, Some(Allow)),
        (&role_and_account, USER, None),
        (&user_and_account, USER, Some(Allow)),
        (&user_and_account, ROLE, None),
        (&format!("{ROLE:?}"), ROLE, None),
        (&format!("{ROLE:?}"), SESSION, None),
        (&format!("{ROLE:?}"), USER, Some(ExplicitDeny)),
        (&format!("[{SESSION:?},{ROOT:?}]"), SESSION, None),
        (&format!("[{SESSION:?},{ROLE:?},{ROOT:?}]"), SESSION, Some(Allow)),
        (&format!("[{SESSION:?},{ROLE:?},{ROOT:?}]"), ROLE, None),
        (&format!("[{SESSION:?},{ROLE:?}]"), SESSION, None),
        (&format!("{FOREIGN_ROOT:?}"), ROLE, Some(ExplicitDeny)),
        ("\"*\"", ROLE, Some(Allow)),
        ("[]", ROLE, Some(ExplicitDeny)),
    ] {
        let evaluation = world(listed).ask(&request(caller, Action::Decrypt));
        assert_eq!(evaluation.decision, expected.unwrap_or(Decision::Undecided), "{listed} {caller}");
        if expected.is_none() {
            assert_eq!(evaluation.unresolved.len(), 1);
            assert_eq!(evaluation.unresolved[0].missing, Missing::NotPrincipal);
            assert_eq!(evaluation.unresolved[0].statement.sid.as_deref(), Some("No"));
        }
    }
    // In an Allow, everybody who is not listed is meant, without IAM policies.
    let allow = World::new(
        r#"{"Sid":"All","Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"*","Resource":"*"}"#,
    );
    assert_eq!(allow.decrypt(ROLE), Allow);
    assert_eq!(allow.decrypt(FOREIGN_ROOT), ImplicitDeny);
}
