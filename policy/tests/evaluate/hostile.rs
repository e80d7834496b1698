//! Texts that are meant to hurt: they take a bounded amount of work, and nothing panics.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::Decision;

use super::setup::{ROLE, World, conditional, holds, one, request};

/// Backtracking would not come to an end here.
#[test]
fn many_asterisks() {
    let text = "a".repeat(2000);
    for operator in ["StringLike", "StringNotLike"] {
        let pattern = format!("{:?}", "*a".repeat(500) + "b");
        let found = holds(operator, "k", &pattern, &[("k", one(&text))]);
        assert_eq!(found, Some(operator == "StringNotLike"));
    }
    let pattern = format!("{:?}", "?*".repeat(1000));
    assert_eq!(holds("StringLike", "k", &pattern, &[("k", one(&text))]), Some(true));
    let pattern = format!("{:?}", "?*".repeat(2001));
    assert_eq!(holds("StringLike", "k", &pattern, &[("k", one(&text))]), Some(false));
    let pattern = format!("arn:aws:kms:{}:*", "*".repeat(500));
    let world = World::new(&format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"kms:{}t","Resource":"{pattern}"}}"#,
        "*".repeat(2000)
    ));
    assert_eq!(world.decrypt(ROLE), Decision::Allow);
}

/// As much of them as a policy holds, against as much as an encryption context holds.
#[test]
fn asterisks_in_a_row_are_as_one() {
    let text = "a".repeat(8000);
    for (pattern, expected) in
        [("*".repeat(120_000) + "b", false), ("*".repeat(120_000), true), ("*a".repeat(60_000), false)]
    {
        let found = holds("StringLike", "k", &format!("{pattern:?}"), &[("k", one(&text))]);
        assert_eq!(found, Some(expected));
    }
    let joined = format!("{:?}", "${k, ''}*".repeat(12_000) + "b");
    assert_eq!(holds("StringLike", "other", &joined, &[("other", one(&text))]), Some(false));
}

#[test]
fn what_is_unresolved_does_not_repeat_a_long_sid() {
    let variables: Vec<String> = (0..2000).map(|n| format!("${{aws:{n}}}")).collect();
    let statement = format!(
        r#"{{"Sid":"{}","Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
            "Condition":{{"StringEquals":{{"aws:PrincipalAccount":{variables:?}}}}}}}"#,
        "s".repeat(50_000)
    );
    let evaluation = World::new(&statement).ask(&request(ROLE, Action::Decrypt));
    assert_eq!(evaluation.unresolved.len(), 2000);
    let longest = evaluation.unresolved.iter().map(|what| what.to_string().len()).max();
    assert!(longest < Some(200), "{longest:?}");
}

#[test]
fn many_braces() {
    for text in
        ["${", "$", "${${", "}", "${}", "${:", "${${*}}", "${*", "é${", "${é", "${,}", "${,'}", "${a,''}"]
    {
        let text = text.repeat(2000);
        for operator in
            ["StringLike", "StringNotEquals", "ArnLike", "ArnNotEquals", "IpAddress", "DateEquals"]
        {
            let statement =
                conditional(operator, "k", &format!("[{text:?},{:?}]", format!("arn:aws:a:b:c:{text}")));
            let world = World::new(&statement);
            for value in [text.as_str(), "", "arn:aws:a:b:c:d"] {
                let decision = world.ask(&request(ROLE, Action::Decrypt).context("k", one(value))).decision;
                assert_ne!(decision, Decision::ExplicitDeny);
            }
        }
        let statement = format!(
            r#"{{"Effect":"Deny","Principal":{{"AWS":[{text:?}]}},"Action":[{text:?},"kms:{text}"],"Resource":[{text:?}]}}"#
        );
        assert_eq!(World::new(&statement).decrypt(ROLE), Decision::ImplicitDeny);
    }
}

#[test]
fn values_of_any_kind_under_any_operator() {
    let values = [
        "",
        "-",
        "0",
        "5",
        "true",
        "2026-01-01",
        "T",
        "10.0.0.1/8",
        "::/0",
        "arn:::::",
        "ÿ",
        "\u{1F511}",
        "/",
        "9999-12-31T23:59:59-23:59",
    ];
    for comparison in pcrseal_policy::document::Comparison::ALL {
        for policy in values {
            for request in values {
                let found = holds(comparison.as_str(), "k", &format!("{policy:?}"), &[("k", one(request))]);
                assert!(found.is_some(), "{comparison:?} {policy} {request}");
            }
        }
    }
}
