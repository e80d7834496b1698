//! What is not known: when it leaves the decision open, and when it does not.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Decision, Missing, PolicyType};

use super::setup::{FOREIGN_ROLE, ROLE, ROOT, World, decrypt, holds, iam_decrypt, many, one, request, sids};

use Decision::{Allow, ExplicitDeny, ImplicitDeny, Undecided};

/// A statement that may or may not match.
fn perhaps(sid: &str, effect: &str, principal: &str) -> String {
    decrypt(sid, effect, principal).replace(
        r#""Resource""#,
        r#""Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:Unknown}"}},"Resource""#,
    )
}

fn iam_perhaps(sid: &str, effect: &str) -> String {
    iam_decrypt(sid, effect).replace(
        r#""Resource""#,
        r#""Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:Unknown}"}},"Resource""#,
    )
}

#[test]
fn undecided_only_where_it_matters() {
    let direct = &decrypt("Direct", "Allow", ROLE);
    let no = &decrypt("No", "Deny", "*");
    let delegate = &decrypt("Delegate", "Allow", ROOT);
    let perhaps_direct = &perhaps("PerhapsDirect", "Allow", ROLE);
    let perhaps_no = &perhaps("PerhapsNo", "Deny", "*");
    let perhaps_delegate = &perhaps("PerhapsDelegate", "Allow", ROOT);
    for (statements, iam, expected) in [
        (vec![perhaps_direct], None, Undecided),
        (vec![perhaps_no], None, ImplicitDeny),
        (vec![perhaps_direct, no], None, ExplicitDeny),
        (vec![perhaps_direct, direct], None, Allow),
        (vec![perhaps_no, direct], None, Undecided),
        (vec![perhaps_no, perhaps_direct], None, Undecided),
        (vec![perhaps_no, no, direct], None, ExplicitDeny),
        (vec![perhaps_delegate], None, ImplicitDeny),
        (vec![perhaps_delegate], Some(iam_decrypt("Mine", "Allow")), Undecided),
        (vec![perhaps_delegate], Some(iam_perhaps("Mine", "Allow")), Undecided),
        (vec![delegate], Some(iam_perhaps("Mine", "Allow")), Undecided),
        (vec![direct], Some(iam_perhaps("Mine", "Allow")), Allow),
        (vec![direct], Some(iam_perhaps("Mine", "Deny")), Undecided),
        (vec![], Some(iam_perhaps("Mine", "Allow")), ImplicitDeny),
    ] {
        let statements: Vec<&str> = statements.into_iter().map(String::as_str).collect();
        let mut world = World::new(&statements.join(","));
        if let Some(iam) = &iam {
            world = world.iam(iam);
        }
        let evaluation = world.ask(&request(ROLE, Action::Decrypt));
        assert_eq!(evaluation.decision, expected, "{statements:?} {iam:?}");
        assert!(!evaluation.unresolved.is_empty());
        if matches!(expected, Undecided | ImplicitDeny) {
            assert!(evaluation.statements.is_empty());
        }
        assert_eq!(evaluation.denied_by.is_some(), matches!(expected, ExplicitDeny | ImplicitDeny));
    }
}

#[test]
fn whom_a_denial_is_laid_to_where_a_delegation_is_open() {
    let ask = |statement: &str| World::new(statement).ask(&request(ROLE, Action::Decrypt)).denied_by;
    // With the delegation or without it, an IAM policy is what is missing in any case.
    assert_eq!(ask(&perhaps("Perhaps", "Allow", ROOT)), Some(PolicyType::IdentityBased));
    assert_eq!(ask(&perhaps("Perhaps", "Deny", ROOT)), Some(PolicyType::ResourceBased));
}

#[test]
fn an_undecided_statement_does_not_decide() {
    let both = format!("{},{}", perhaps("Perhaps", "Allow", ROLE), decrypt("Direct", "Allow", ROLE));
    let evaluation = World::new(&both).ask(&request(ROLE, Action::Decrypt));
    assert_eq!(sids(&evaluation), ["Direct"]);
    let delegated = format!("{},{}", perhaps("Perhaps", "Allow", ROOT), decrypt("Direct", "Allow", ROLE));
    let evaluation =
        World::new(&delegated).iam(&iam_decrypt("Mine", "Allow")).ask(&request(ROLE, Action::Decrypt));
    assert_eq!(sids(&evaluation), ["Direct"]);
}

#[test]
fn across_accounts() {
    let partner = perhaps("Perhaps", "Allow", FOREIGN_ROLE);
    assert_eq!(World::new(&partner).decrypt(FOREIGN_ROLE), ImplicitDeny);
    assert_eq!(World::new(&partner).iam(&iam_decrypt("Mine", "Allow")).decrypt(FOREIGN_ROLE), Undecided);
}

#[test]
fn a_statement_that_does_not_match_anyway_leaves_nothing_open() {
    for element in [
        r#""Action":"kms:Encrypt","Resource":"*""#,
        r#""Action":"*","Resource":"arn:aws:kms:us-east-1:111122223333:key/*""#,
        r#""Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringEquals":{"aws:PrincipalAccount":"${aws:Unknown}"}}"#,
    ] {
        let condition = r#""Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:Unknown}"}}"#;
        let tail = if element.contains("Condition") { String::new() } else { format!(",{condition}") };
        let world = World::new(&format!(r#"{{"Effect":"Allow","Principal":"*",{element}{tail}}}"#));
        let evaluation = world.ask(&request(ROLE, Action::Decrypt));
        assert_eq!(evaluation.decision, ImplicitDeny, "{element}");
        assert_eq!(evaluation.unresolved, [], "{element}");
    }
}

#[test]
fn a_condition_that_is_met_otherwise_leaves_nothing_open() {
    for (operator, values, value, expected) in [
        ("StringEquals", r#"["${aws:Unknown}","x"]"#, "x", Some(true)),
        ("StringEquals", r#"["${aws:Unknown}","x"]"#, "y", None),
        ("StringNotEquals", r#"["${aws:Unknown}","x"]"#, "x", Some(false)),
        ("StringNotEquals", r#"["${aws:Unknown}","x"]"#, "y", None),
        // A variable may bring in more than one part.
        ("ArnLike", r#""arn:a:${aws:Unknown}:c:d:e""#, "arn:a:b:c:d:f", None),
        ("ArnLike", r#""arn:a:${aws:Unknown}:c:d:e""#, "arn:a:b:c:d:e", None),
        ("ArnNotLike", r#""arn:a:${aws:Unknown}:c:d:e""#, "arn:a:b:c:d:e", None),
        ("ForAnyValue:StringEquals", r#"["${aws:Unknown}","x"]"#, "x", Some(true)),
        ("ForAllValues:StringEquals", r#""${aws:Unknown}""#, "", Some(true)),
    ] {
        let found = holds(operator, "aws:Example", values, &[("aws:Example", one(value))]);
        assert_eq!(found, expected, "{operator} {values} {value}");
    }
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{
        "StringEquals":{"aws:A":["${aws:Unknown}","x"],"aws:B":"${aws:Other}"}}}"#;
    let request = request(ROLE, Action::Decrypt).context("aws:A", one("x")).context("aws:B", one("y"));
    let evaluation = World::new(statement).ask(&request);
    assert_eq!(evaluation.unresolved.len(), 1);
    assert_eq!(evaluation.unresolved[0].missing, Missing::Variable("aws:Other".into()));
}

#[test]
fn a_resource_that_matches_otherwise_leaves_nothing_open() {
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"*",
        "Resource":["arn:aws:kms:*:*:key/${aws:Unknown}","*"],
        "Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:Other}"}}}"#;
    let evaluation = World::new(statement).ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.unresolved.len(), 1);
    assert_eq!(evaluation.unresolved[0].missing, Missing::Variable("aws:Other".into()));
}

/// A missing key decides by itself, but for the negated operators: an unresolved variable makes a statement invalid.
#[test]
fn an_unknown_variable_for_a_missing_key() {
    for (operator, expected) in [
        ("StringEquals", Some(false)),
        ("StringNotEquals", None),
        ("StringNotEqualsIgnoreCase", None),
        ("StringNotLike", None),
        ("ArnNotEquals", None),
        ("ArnNotLike", None),
        ("StringNotEqualsIfExists", Some(true)),
        ("ForAllValues:StringNotEquals", Some(true)),
        ("ForAnyValue:StringNotEquals", Some(false)),
    ] {
        let found = holds(operator, "aws:Example", r#"["arn:a:b:c:d:${aws:Unknown}","x"]"#, &[]);
        assert_eq!(found, expected, "{operator}");
    }
}

#[test]
fn an_operator_for_one_value_and_a_key_with_several() {
    let statement = r#"{"Sid":"S","Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{
        "StringEquals":{"kms:EncryptionContextKeys":"team"}}}"#;
    let world = World::new(statement);
    let evaluation = world.ask(&request(ROLE, Action::Decrypt).encryption_context([("team", "crypto")]));
    assert_eq!(evaluation.decision, Undecided);
    assert_eq!(evaluation.unresolved[0].missing, Missing::SetOperator("kms:EncryptionContextKeys".into()));
    assert_eq!(
        evaluation.unresolved[0].to_string(),
        "key policy S: what StringEquals and the like do with the several values of kms:EncryptionContextKeys is not known"
    );
    assert_eq!(world.decrypt(ROLE), ImplicitDeny);
}

#[test]
fn encryption_contexts_that_differ_in_case_alone() {
    let ask = |operator: &str, value: &str, pairs: &[(&str, &str)]| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{
            "{operator}":{{"kms:EncryptionContext:team":"{value}"}}}}}}"#
        );
        World::new(&statement).ask(&request(ROLE, Action::Decrypt).encryption_context(pairs.iter().copied()))
    };
    let two = &[("team", "a"), ("Team", "b")];
    for operator in ["StringEquals", "StringNotEquals", "ForAnyValue:StringEquals"] {
        let evaluation = ask(operator, "a", two);
        assert_eq!(evaluation.decision, Undecided, "{operator}");
        let missing = &evaluation.unresolved[0].missing;
        assert_eq!(*missing, Missing::AmbiguousKey("kms:EncryptionContext:team".into()));
    }
    // Three of them are no clearer.
    assert_eq!(ask("StringEquals", "a", &[("team", "a"), ("Team", "b"), ("TEAM", "b")]).decision, Undecided);
    // That there is a value, and which one if it is the same, is clear.
    assert_eq!(ask("Null", "false", two).decision, Allow);
    assert_eq!(ask("StringEquals", "a", &[("team", "a"), ("TEAM", "a")]).decision, Allow);
    // As a variable.
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{
        "StringEquals":{"aws:PrincipalAccount":"${kms:EncryptionContext:TEAM}"}}}"#;
    let evaluation =
        World::new(statement).ask(&request(ROLE, Action::Decrypt).encryption_context(two.iter().copied()));
    assert_eq!(evaluation.unresolved[0].missing, Missing::AmbiguousKey("kms:EncryptionContext:TEAM".into()));
}

#[test]
fn set_operators_over_what_is_not_known() {
    let values = r#"["${aws:Unknown}","x"]"#;
    for (operator, request, expected) in [
        ("ForAnyValue:StringEquals", &["x", "y"][..], Some(true)),
        ("ForAnyValue:StringEquals", &["y"], None),
        ("ForAllValues:StringEquals", &["x"], Some(true)),
        ("ForAllValues:StringEquals", &["x", "y"], None),
        ("ForAllValues:StringNotEquals", &["x", "y"], Some(false)),
        ("ForAnyValue:StringNotEquals", &["x", "y"], None),
        ("ForAnyValue:StringNotEquals", &["x"], Some(false)),
    ] {
        let found = holds(operator, "aws:Example", values, &[("aws:Example", many(request))]);
        assert_eq!(found, expected, "{operator} {request:?}");
    }
}

/// AWS puts these into every request: to take one for missing would be a guess, and a wrong one.
#[test]
fn a_key_that_every_request_has() {
    for (operator, key, values, value, told) in [
        ("StringLike", "aws:userid", r#""AROAEXAMPLE:*""#, "AROAEXAMPLE:i-1", true),
        ("StringNotLike", "aws:userId", r#""AROAEXAMPLE:*""#, "AROAEXAMPLE:i-1", false),
        ("DateLessThan", "aws:CurrentTime", r#""2027-01-01T00:00:00Z""#, "2026-06-30T12:00:00Z", true),
        ("DateLessThan", "aws:EpochTime", r#""2027-01-01T00:00:00Z""#, "1782820800", true),
        ("Bool", "aws:SecureTransport", r#""true""#, "true", true),
        ("StringNotEqualsIfExists", "aws:RequestedRegion", r#""eu-central-1""#, "eu-central-1", false),
        ("ForAllValues:StringEquals", "AWS:USERAGENT", r#""enclave""#, "browser", false),
    ] {
        assert_eq!(holds(operator, key, values, &[]), None, "{operator} {key}");
        assert_eq!(holds(operator, key, values, &[(key, one(value))]), Some(told), "{operator} {key}");
        assert_eq!(holds("Null", key, r#""false""#, &[]), Some(true), "{key}");
        assert_eq!(holds("Null", key, r#""true""#, &[]), Some(false), "{key}");
    }
    let statement = r#"{"Sid":"S","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{
        "StringNotLike":{"aws:userid":"AROAEXAMPLE:*"}}}"#;
    let evaluation = World::new(&format!("{statement},{}", decrypt("Direct", "Allow", ROLE)))
        .ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.decision, Undecided);
    assert_eq!(evaluation.unresolved[0].missing, Missing::Key("aws:userid".into()));
    assert_eq!(evaluation.unresolved[0].to_string(), "key policy S: the value of aws:userid is not known");
    // It is there, so that a default does not stand for it.
    let default = r#""${aws:userid, 'x'}""#;
    assert_eq!(holds("StringEquals", "aws:Example", default, &[("aws:Example", one("x"))]), None);
}
