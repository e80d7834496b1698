//! Policy variables.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{ContextValue, Decision, Missing};

use super::setup::{ROLE, USER, World, conditional, decided, holds, key, many, one, request, versioned};

fn with(operator: &str, policy: &str, value: &str, other: ContextValue) -> Option<bool> {
    holds(operator, "aws:Example", policy, &[("aws:Example", one(value)), ("aws:Other", other)])
}

#[test]
fn a_variable_stands_for_the_value_in_the_request() {
    for (operator, policy, value, expected) in [
        ("StringEquals", r#""${aws:Other}""#, "x", true),
        ("StringEquals", r#""${AWS:oTHER}""#, "x", true),
        ("StringEquals", r#""${aws:Other}""#, "y", false),
        ("StringEquals", r#""a${aws:Other}b${aws:Other}c""#, "axbxc", true),
        ("StringEquals", r#""${aws:Other""#, "${aws:Other", true),
        ("StringEquals", r#""$aws:Other}""#, "$aws:Other}", true),
        ("StringEquals", r#"["${aws:Other}","y"]"#, "y", true),
        ("StringNotEquals", r#""${aws:Other}""#, "x", false),
        ("StringNotEquals", r#""${aws:Other}""#, "y", true),
        ("StringEqualsIgnoreCase", r#""A${aws:Other}""#, "aX", true),
        ("StringLike", r#""*/${aws:Other}/*""#, "a/x/b", true),
        ("StringLike", r#""*/${aws:Other}/*""#, "a/y/b", false),
        ("ArnLike", r#""arn:aws:${aws:Other}:*:*:${aws:Other}/*""#, "arn:aws:x:r:a:x/y", true),
        ("ArnLike", r#""arn:aws:${aws:Other}:*:*:${aws:Other}/*""#, "arn:aws:x:r:a:y/y", false),
        ("ArnNotEquals", r#""arn:aws:${aws:Other}:*:*:*""#, "arn:aws:y:r:a:b", true),
    ] {
        assert_eq!(with(operator, policy, value, one("x")), Some(expected), "{operator} {policy} {value}");
    }
}

/// An ARN is taken apart after its variables are replaced.
#[test]
fn a_variable_may_bring_in_parts_of_an_arn() {
    for (policy, other, expected) in [
        (r#""${aws:Other}""#, "arn:aws:x:r:a:y", true),
        (r#""${aws:Other}""#, "arn:aws:x:r:a:z", false),
        (r#""${aws:Other}""#, "arn:aws:x:r:*:y", false),
        (r#""${aws:Other}*""#, "arn:aws:x:r:a:", true),
        (r#""arn:aws:${aws:Other}:a:*""#, "x:r", true),
        (r#""arn:aws:${aws:Other}:r:a:*""#, "x", true),
        (r#""${aws:Other}""#, "x", false),
    ] {
        assert_eq!(
            with("ArnEquals", policy, "arn:aws:x:r:a:y", one(other)),
            Some(expected),
            "{policy} {other}"
        );
    }
    assert_eq!(with("ArnNotEquals", r#""${aws:Other}""#, "arn:aws:x:r:a:y", one("x")), Some(false));
    // The request's own text is taken as it is.
    assert_eq!(with("ArnLike", r#""arn:aws:x:*:*:*""#, "arn:aws:x:${r:a}:y:z", one("x")), Some(true));
    assert_eq!(with("ArnLike", r#""arn:aws:x:*:a}:*""#, "arn:aws:x:${r:a}:y:z", one("x")), Some(true));
}

#[test]
fn what_a_variable_brings_in_is_no_wildcard() {
    for operator in ["StringEquals", "StringLike"] {
        assert_eq!(with(operator, r#""a${aws:Other}""#, "a*", one("*")), Some(true), "{operator}");
        assert_eq!(with(operator, r#""a${aws:Other}""#, "ab", one("*")), Some(false), "{operator}");
        assert_eq!(with(operator, r#""a${aws:Other}""#, "ab", one("?")), Some(false), "{operator}");
        assert_eq!(
            with(operator, r#""${aws:Other}""#, "${aws:Other}", one("${aws:Other}")),
            Some(true),
            "{operator}"
        );
    }
    assert_eq!(with("ArnLike", r#""arn:a:b:c:d:${aws:Other}""#, "arn:a:b:c:d:e", one("*")), Some(false));
}

#[test]
fn escapes() {
    for (operator, policy, value, expected) in [
        ("StringLike", r#""a${*}c""#, "a*c", true),
        ("StringLike", r#""a${*}c""#, "abc", false),
        ("StringLike", r#""a${?}c*""#, "a?cd", true),
        ("StringLike", r#""a${?}c""#, "abc", false),
        ("StringEquals", r#""${$}{aws:Other}""#, "${aws:Other}", true),
        ("StringEquals", r#""${*}""#, "*", true),
        ("ArnLike", r#""arn:a:b:c:d:${*}""#, "arn:a:b:c:d:*", true),
        ("ArnLike", r#""arn:a:b:c:d:${*}""#, "arn:a:b:c:d:e", false),
    ] {
        assert_eq!(with(operator, policy, value, one("x")), Some(expected), "{operator} {policy} {value}");
    }
}

#[test]
fn defaults() {
    for (policy, value, expected) in [
        (r#""${aws:Gone, 'none'}""#, "none", Some(true)),
        (r#""${aws:Gone,'none'}""#, "none", Some(true)),
        (r#""${aws:Gone, 'none'}""#, "some", Some(false)),
        (r#""${aws:Gone, ''}""#, "", Some(true)),
        (r#""${aws:Gone, '*'}""#, "some", Some(false)),
        (r#""${aws:Gone, '*'}""#, "*", Some(true)),
        (r#""a${aws:Gone, 'b'}c""#, "abc", Some(true)),
        (r#""${aws:Other, 'none'}""#, "x", Some(true)),
        (r#""${aws:Other, 'none'}""#, "none", Some(false)),
        (r#""${aws:Gone, none}""#, "none", None),
        (r#""${aws:Gone, '}""#, "", None),
    ] {
        assert_eq!(with("StringLike", policy, value, one("x")), expected, "{policy} {value}");
    }
}

#[test]
fn a_key_with_several_values_is_no_variable() {
    for operator in ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"] {
        assert_eq!(with(operator, r#""${aws:Other}""#, "x", many(&["x"])), Some(false), "{operator}");
    }
    assert_eq!(with("StringEquals", r#"["${aws:Other}","x"]"#, "x", many(&["x"])), Some(true));
    assert_eq!(with("StringNotEquals", r#"["${aws:Other}","y"]"#, "x", many(&["x"])), Some(false));
    assert_eq!(
        with("ArnNotLike", r#""arn:a:b:c:d:${aws:Other}""#, "arn:a:b:c:d:e", many(&["x"])),
        Some(false)
    );
}

#[test]
fn the_request_s_own_keys_are_known() {
    let world =
        World::new(&conditional("StringEquals", "kms:EncryptionContext:owner", r#""${aws:username}""#));
    let ask =
        |owner| world.ask(&request(USER, Action::Decrypt).encryption_context([("owner", owner)])).decision;
    assert_eq!(ask("Bob"), Decision::Allow);
    assert_eq!(ask("Alice"), Decision::ImplicitDeny);

    let world = World::new(&conditional("StringEquals", "aws:Example", r#""${kms:EncryptionContext:a,b}""#));
    let request =
        request(ROLE, Action::Decrypt).encryption_context([("A,B", "v")]).context("aws:Example", one("v"));
    assert_eq!(world.ask(&request).decision, Decision::Allow);
}

#[test]
fn before_2012_variables_are_text() {
    for (version, value, expected) in [
        ("2008-10-17", "${aws:Other}", true),
        ("2008-10-17", "x", false),
        ("2012-10-17", "x", true),
        ("2012-10-17", "${aws:Other}", false),
    ] {
        let mut world = World::new("");
        world.key_policy =
            versioned(version, &conditional("StringEquals", "aws:Example", r#""${aws:Other}""#));
        let request =
            request(ROLE, Action::Decrypt).context("aws:Example", one(value)).context("aws:Other", one("x"));
        assert_eq!(decided(world.ask(&request).decision), Some(expected), "{version} {value}");
    }
    let mut world = World::new("");
    world.key_policy = versioned("2008-10-17", &conditional("StringLike", "aws:Example", r#""${*}""#));
    let ask = |value| world.ask(&request(ROLE, Action::Decrypt).context("aws:Example", one(value))).decision;
    assert_eq!(ask("${any}"), Decision::Allow);
    assert_eq!(ask("*"), Decision::ImplicitDeny);
}

#[test]
fn variables_in_resources() {
    let ask = |resource: &str, id: &str| {
        let statement =
            format!(r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"{resource}"}}"#);
        let request = request(ROLE, Action::Decrypt).context("aws:Id", one(id));
        World::new(&statement).ask(&request).decision
    };
    let id = key().key_id().to_owned();
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Id}", &id), Decision::Allow);
    assert_eq!(ask("arn:aws:kms:*:*:${aws:Id}", &format!("key/{id}")), Decision::Allow);
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Id}*", "1234"), Decision::Allow);
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Id}", "1234*"), Decision::ImplicitDeny);
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Id}", "other"), Decision::ImplicitDeny);
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Gone, '1'}*", ""), Decision::Allow);
    assert_eq!(ask("arn:aws:kms:*:*:key/${aws:Gone}", ""), Decision::Undecided);
    // Only what is behind the fifth colon may hold variables.
    assert_eq!(ask("arn:aws:kms:*:${aws:PrincipalAccount}:key/*", ""), Decision::ImplicitDeny);
    assert_eq!(ask("arn:aws:kms:${aws:Gone}:*:key/*", ""), Decision::ImplicitDeny);
    let statement =
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:kms:*:*:key/${aws:Ids}*"}"#;
    let request = request(ROLE, Action::Decrypt).context("aws:Ids", many(&["1"]));
    assert_eq!(World::new(statement).ask(&request).decision, Decision::ImplicitDeny);
}

#[test]
fn elsewhere_there_are_no_variables() {
    for (operator, value) in [
        ("NumericNotEquals", "5"),
        ("DateNotEquals", "2026-01-01"),
        ("NotIpAddress", "10.0.0.1"),
        ("Bool", "true"),
    ] {
        assert_eq!(with(operator, r#""${aws:Other}""#, value, one(value)), Some(false), "{operator}");
        let missing = holds(operator, "aws:Example", r#""${aws:Gone}""#, &[]);
        assert_eq!(missing, Some(operator != "Bool"), "{operator}");
    }
}

#[test]
fn an_unknown_variable_is_named() {
    let world = World::new(&conditional(
        "StringLike",
        "aws:Example",
        r#"["${aws:One}-${aws:Two}","${aws:Three}","x${aws:One}"]"#,
    ));
    let evaluation = world.ask(&request(ROLE, Action::Decrypt).context("aws:Example", one("x")));
    assert_eq!(evaluation.decision, Decision::Undecided);
    let missing: Vec<_> = evaluation.unresolved.iter().map(|what| what.missing.clone()).collect();
    assert_eq!(missing, [Missing::Variable("aws:One".into()), Missing::Variable("aws:Three".into())]);
    assert_eq!(
        evaluation.unresolved[0].to_string(),
        "key policy statement 0: the value of ${aws:One} is not known"
    );
}
