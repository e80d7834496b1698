//! Conditions: what is missing, what has several values, set operators, `…IfExists`, `Null`, and several of them.

use super::setup::{ROLE, World, conditional, holds, many, one, request};
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::Comparison;
use pcrseal_policy::evaluate::{ContextValue, Decision};

const KEY: &str = "aws:Example";

/// Operator, a value of the policy, a value of the request that holds, one that does not.
const OPERATORS: &[(&str, &str, &str, &str)] = &[
    ("StringEquals", "a", "a", "b"),
    ("StringNotEquals", "a", "b", "a"),
    ("StringEqualsIgnoreCase", "a", "A", "b"),
    ("StringNotEqualsIgnoreCase", "a", "b", "A"),
    ("StringLike", "a*", "ab", "b"),
    ("StringNotLike", "a*", "b", "ab"),
    ("NumericEquals", "5", "5", "6"),
    ("NumericNotEquals", "5", "6", "5"),
    ("NumericLessThan", "5", "4", "5"),
    ("NumericLessThanEquals", "5", "5", "6"),
    ("NumericGreaterThan", "5", "6", "5"),
    ("NumericGreaterThanEquals", "5", "5", "4"),
    ("DateEquals", "2026-01-01", "2026-01-01", "2026-01-02"),
    ("DateNotEquals", "2026-01-01", "2026-01-02", "2026-01-01"),
    ("DateLessThan", "2026-01-01", "2025-12-31", "2026-01-01"),
    ("DateLessThanEquals", "2026-01-01", "2026-01-01", "2026-01-02"),
    ("DateGreaterThan", "2026-01-01", "2026-01-02", "2026-01-01"),
    ("DateGreaterThanEquals", "2026-01-01", "2026-01-01", "2025-12-31"),
    ("Bool", "true", "true", "false"),
    ("BinaryEquals", "QQ==", "QQ==", "QUE="),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", "11.0.0.0"),
    ("NotIpAddress", "10.0.0.0/8", "11.0.0.0", "10.1.2.3"),
    ("ArnEquals", "arn:a:b:c:d:*", "arn:a:b:c:d:e", "arn:a:b:c:x:e"),
    ("ArnLike", "arn:a:b:c:d:*", "arn:a:b:c:d:e", "arn:a:b:c:x:e"),
    ("ArnNotEquals", "arn:a:b:c:d:*", "arn:a:b:c:x:e", "arn:a:b:c:d:e"),
    ("ArnNotLike", "arn:a:b:c:d:*", "arn:a:b:c:x:e", "arn:a:b:c:d:e"),
];

#[test]
fn the_table_has_every_operator() {
    let mut names: Vec<&str> = OPERATORS.iter().map(|row| row.0).collect();
    names.push("Null");
    assert_eq!(names, Comparison::ALL.iter().map(|comparison| comparison.as_str()).collect::<Vec<_>>());
}

/// Every operator, with every prefix and suffix, for a key that is missing, has one value or has several.
#[test]
fn missing_one_and_many() {
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    for &(operator, policy, yes, no) in OPERATORS {
        let negated = operator.contains("Not");
        let when_missing = if negated { YES } else { NO };
        //  prefix, suffix, missing, [], yes, no, [yes], [yes, no], [no, no], [yes, yes], "", [yes, ""]
        let rows = [
            ("", "", when_missing, YES, NO, None, None, None, None),
            ("", "IfExists", YES, YES, NO, None, None, None, None),
            ("ForAnyValue:", "", NO, YES, NO, YES, YES, NO, YES),
            ("ForAnyValue:", "IfExists", NO, YES, NO, YES, YES, NO, YES),
            ("ForAllValues:", "", YES, YES, NO, YES, NO, NO, YES),
            ("ForAllValues:", "IfExists", YES, YES, NO, YES, NO, NO, YES),
        ];
        for (prefix, suffix, missing, when_yes, when_no, of_yes, of_both, of_no, of_two) in rows {
            let name = format!("{prefix}{operator}{suffix}");
            let values = format!("[{policy:?}]");
            let check = |value: Option<ContextValue>, expected: Option<bool>| {
                let context: Vec<_> = value.into_iter().map(|value| (KEY, value)).collect();
                assert_eq!(holds(&name, KEY, &values, &context), expected, "{name} {context:?}");
            };
            check(None, missing);
            check(Some(many(&[])), missing);
            check(Some(one(yes)), when_yes);
            check(Some(one(no)), when_no);
            check(Some(many(&[yes])), of_yes);
            check(Some(many(&[yes, no])), of_both);
            check(Some(many(&[no, yes])), of_both);
            check(Some(many(&[no, no])), of_no);
            check(Some(many(&[yes, yes])), of_two);
            if !prefix.is_empty() {
                // An empty string is no value.
                check(Some(one("")), missing);
                check(Some(many(&["", ""])), missing);
                check(Some(many(&["", yes])), of_yes);
                check(Some(many(&["", no])), of_no);
            }
        }
    }
}

/// `ForAnyValue` with a negated operator: some value is none of those listed. `ForAllValues`: no value is.
#[test]
fn negated_operators_over_sets() {
    let keys = "[\"a\",\"b\"]";
    for (values, any, all) in
        [(&["a", "b"][..], false, false), (&["a", "c"], true, false), (&["c", "d"], true, true)]
    {
        let context = [(KEY, many(values))];
        assert_eq!(holds("ForAnyValue:StringNotEquals", KEY, keys, &context), Some(any), "{values:?}");
        assert_eq!(holds("ForAllValues:StringNotEquals", KEY, keys, &context), Some(all), "{values:?}");
        assert_eq!(holds("ForAnyValue:StringEquals", KEY, keys, &context), Some(!all), "{values:?}");
        assert_eq!(holds("ForAllValues:StringEquals", KEY, keys, &context), Some(!any), "{values:?}");
    }
}

#[test]
fn null() {
    for operator in ["Null", "ForAnyValue:Null", "ForAllValues:Null"] {
        for (policy, missing, present) in [
            ("\"true\"", true, false),
            ("true", true, false),
            ("\"TRUE\"", true, false),
            ("\"false\"", false, true),
            ("false", false, true),
            ("[\"true\",\"false\"]", true, true),
            ("\"yes\"", false, false),
            ("[]", false, false),
        ] {
            assert_eq!(holds(operator, KEY, policy, &[]), Some(missing), "{operator} {policy}");
            assert_eq!(
                holds(operator, KEY, policy, &[(KEY, many(&[]))]),
                Some(missing),
                "{operator} {policy}"
            );
            for value in [one("true"), one(""), many(&["a"]), many(&["a", "b"])] {
                let found = holds(operator, KEY, policy, &[(KEY, value)]);
                assert_eq!(found, Some(present), "{operator} {policy}");
            }
        }
    }
}

#[test]
fn keys_are_not_case_sensitive() {
    assert_eq!(holds("StringEquals", "AWS:EXAMPLE", "\"a\"", &[("aws:example", one("a"))]), Some(true));
    assert_eq!(holds("StringEquals", "aws:example", "\"a\"", &[("AWS:Example", one("a"))]), Some(true));
    assert_eq!(holds("StringEquals", "aws:example2", "\"a\"", &[("aws:example", one("a"))]), Some(false));
}

#[test]
fn all_conditions_must_hold() {
    let world = World::new(
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{
            "StringEquals":{"aws:A":"1","aws:B":["2","3"]},"Bool":{"aws:C":"true"}}}"#,
    );
    for (a, b, c, expected) in [
        ("1", "3", "true", Decision::Allow),
        ("0", "3", "true", Decision::ImplicitDeny),
        ("1", "1", "true", Decision::ImplicitDeny),
        ("1", "3", "false", Decision::ImplicitDeny),
    ] {
        let request = request(ROLE, Action::Decrypt)
            .context("aws:A", one(a))
            .context("aws:B", one(b))
            .context("aws:C", one(c));
        assert_eq!(world.ask(&request).decision, expected, "{a} {b} {c}");
    }
}

/// The mistakes that key policies for enclaves are prone to: what lets a missing attestation through.
#[test]
fn conditions_that_a_missing_attestation_meets() {
    let hash = format!("{:?}", "c1".repeat(48));
    for (operator, expected) in [
        ("StringEqualsIgnoreCase", false),
        ("StringEqualsIgnoreCaseIfExists", true),
        ("ForAnyValue:StringEqualsIgnoreCase", false),
        ("ForAllValues:StringEqualsIgnoreCase", true),
        ("StringNotEqualsIgnoreCase", true),
        ("ForAnyValue:StringNotEqualsIgnoreCase", false),
        ("ForAllValues:StringNotEqualsIgnoreCase", true),
        ("StringNotEqualsIgnoreCaseIfExists", true),
    ] {
        let world = World::new(&conditional(operator, "kms:RecipientAttestation:ImageSha384", &hash));
        let decision = world.decrypt(ROLE);
        assert_eq!(decision == Decision::Allow, expected, "{operator}");
    }
}
