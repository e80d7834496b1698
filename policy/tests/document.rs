//! Reading and writing policy documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_policy::document::{
    Comparison, Condition, Effect, Matching, Operator, PolicyDocument, PrincipalKind, Principals,
    SetOperator, Statement, Values, Version,
};

const EVERYTHING: &str = r#"{
  "Version": "2012-10-17",
  "Id": "an-id",
  "Statement": [
    {
      "Sid": "A sid with spaces",
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:aws:iam::111122223333:root",
          "444455556666"
        ],
        "Service": "ec2.amazonaws.com"
      },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Deny",
      "NotPrincipal": {
        "AWS": "arn:aws:iam::111122223333:role/one"
      },
      "NotAction": [
        "kms:DescribeKey"
      ],
      "NotResource": [],
      "Condition": {
        "ForAnyValue:StringEqualsIfExists": {
          "kms:EncryptionContextKeys": [
            "a",
            "b"
          ]
        },
        "Null": {
          "kms:RecipientAttestation:ImageSha384": "true",
          "kms:ViaService": "false"
        }
      },
      "Remark": {
        "kept": [
          1,
          -1,
          2.5,
          null,
          true
        ]
      }
    },
    {
      "Effect": "Deny",
      "Principal": "*"
    }
  ],
  "Comment": "kept"
}
"#;

/// Code, place and what was found.
fn refusal(text: &str) -> (Code, String, String) {
    let error = PolicyDocument::parse(text).unwrap_err();
    match error.detail() {
        Detail::At { place, found, .. } => (error.code(), place.to_string(), found.to_string()),
        other => panic!("{other:?}"),
    }
}

fn statement(members: &str) -> String {
    format!(r#"{{"Statement": [{{"Effect": "Allow"}}, {{{members}}}]}}"#)
}

#[test]
fn what_is_read_is_written_byte_for_byte() {
    let document = PolicyDocument::parse(EVERYTHING).unwrap();
    assert_eq!(document.to_json().to_pretty(), EVERYTHING);
    assert_eq!(PolicyDocument::parse(&document.to_json().to_compact()).unwrap(), document);
}

#[test]
fn every_member_is_in_its_place() {
    let document = PolicyDocument::parse(EVERYTHING).unwrap();
    assert_eq!((document.version, document.id.as_deref()), (Some(Version::V2012), Some("an-id")));
    let [first, second, third] = document.statements.as_slice() else { panic!("{document:?}") };

    assert_eq!(first.sid.as_deref(), Some("A sid with spaces"));
    assert_eq!(first.effect, Effect::Allow);
    let listed = vec![
        (PrincipalKind::Aws, Values::many(["arn:aws:iam::111122223333:root", "444455556666"])),
        (PrincipalKind::Service, Values::from("ec2.amazonaws.com")),
    ];
    assert_eq!(first.principals, Some(Matching::Is(Principals::Listed(listed))));
    assert_eq!(first.actions, Some(Matching::Is("kms:*".into())));
    assert_eq!(first.resources, Some(Matching::Is("*".into())));
    assert!(first.conditions.is_empty());

    assert_eq!((second.sid.as_deref(), second.effect), (None, Effect::Deny));
    assert_eq!(
        second.principals,
        Some(Matching::IsNot(Principals::aws("arn:aws:iam::111122223333:role/one")))
    );
    assert_eq!(second.actions, Some(Matching::IsNot(Values::many(["kms:DescribeKey"]))));
    assert_eq!(second.resources, Some(Matching::IsNot(Values::Many(Vec::new()))));
    let any = Operator {
        set: Some(SetOperator::ForAnyValue),
        comparison: Comparison::StringEquals,
        if_exists: true,
    };
    let keys = "kms:EncryptionContextKeys".into();
    assert_eq!(
        second.conditions,
        [
            Condition { operator: any, key: keys, values: Values::many(["a", "b"]) },
            Condition::new(Comparison::Null, "kms:RecipientAttestation:ImageSha384", "true"),
            Condition::new(Comparison::Null, "kms:ViaService", "false"),
        ]
    );
    assert!(matches!(third.principals, Some(Matching::Is(Principals::Everyone))));
    assert_eq!((&third.actions, &third.resources), (&None, &None));
    assert_eq!(document.unknown_members(), ["/Comment", "/Statement/1/Remark"]);
}

#[test]
fn a_single_statement_may_stand_without_its_list() {
    let document = PolicyDocument::parse(r#"{"Statement": {"Effect": "Deny", "Sid": "x"}}"#).unwrap();
    assert_eq!(document.statements, [Statement::new("x", Effect::Deny)]);
    assert_eq!((document.version, document.effective_version()), (None, Version::V2008));
}

#[test]
fn numbers_and_booleans_of_conditions_are_their_text() {
    let text = statement(
        r#""Effect": "Deny", "Condition": {"Bool": {"kms:MultiRegion": true},
           "NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": [7, 30.5, -1]}}"#,
    );
    let document = PolicyDocument::parse(&text).unwrap();
    let [multi_region, window] = document.statements[1].conditions.as_slice() else { panic!("{document:?}") };
    assert_eq!(multi_region.values, Values::One("true".into()));
    assert_eq!(window.values, Values::many(["7", "30.5", "-1"]));
}

#[test]
fn every_operator_is_read_by_its_name_and_no_other_is() {
    for &comparison in Comparison::ALL {
        for set in [None, Some(SetOperator::ForAnyValue), Some(SetOperator::ForAllValues)] {
            for if_exists in [false, true] {
                let operator = Operator { set, comparison, if_exists };
                let known = comparison != Comparison::Null || !if_exists;
                assert_eq!(
                    Operator::from_name(&operator.to_string()),
                    known.then_some(operator),
                    "{operator}"
                );
            }
        }
    }
    for name in [
        "",
        "IfExists",
        "stringEquals",
        "StringEqual",
        "StringEqualsIfExistsIfExists",
        "ForAnyValue:",
        "ForSomeValues:StringEquals",
        "ForAnyValue:ForAllValues:StringEquals",
        " StringEquals",
        "Null:Null",
    ] {
        assert_eq!(Operator::from_name(name), None, "{name}");
        let text = statement(&format!(r#""Effect": "Allow", "Condition": {{"{name}": {{"k": "v"}}}}"#));
        let place = format!("/Statement/1/Condition/{name}");
        assert_eq!(refusal(&text), (Code::PolicyOperator, place, format!("{name:?}")));
    }
}

#[test]
fn negated_comparisons_are_those_with_not() {
    for comparison in Comparison::ALL {
        assert_eq!(comparison.is_negated(), comparison.as_str().contains("Not"), "{comparison:?}");
    }
}

#[test]
fn wrong_types_are_refused_at_their_place() {
    let cases = [
        ("[]", "", "an array"),
        ("7", "", "a number"),
        (r#"{"Statement": "x"}"#, "/Statement", "a string"),
        (r#"{"Statement": ["x"]}"#, "/Statement/0", "a string"),
        (r#"{"Statement": [], "Version": 2012}"#, "/Version", "a number"),
        (r#"{"Statement": [], "Id": null}"#, "/Id", "null"),
    ];
    for (text, place, found) in cases {
        assert_eq!(refusal(text), (Code::PolicyType, place.into(), found.into()), "{text}");
    }
    let members = [
        (r#""Sid": 1"#, "Sid", "a number"),
        (r#""Effect": ["Allow"]"#, "Effect", "an array"),
        (r#""Principal": ["*"]"#, "Principal", "an array"),
        (r#""Principal": {"AWS": 111122223333}"#, "Principal/AWS", "a number"),
        (r#""Principal": {"AWS": ["*", 1]}"#, "Principal/AWS/1", "a number"),
        (r#""Action": {}"#, "Action", "an object"),
        (r#""NotAction": [[]]"#, "NotAction/0", "an array"),
        (r#""Resource": true"#, "Resource", "a boolean"),
        (r#""NotResource": null"#, "NotResource", "null"),
        (r#""Condition": []"#, "Condition", "an array"),
        (r#""Condition": {"Null": "k"}"#, "Condition/Null", "a string"),
        (r#""Condition": {"Null": {"a/b~c": null}}"#, "Condition/Null/a~1b~0c", "null"),
        (r#""Condition": {"Null": {"k": ["true", {}]}}"#, "Condition/Null/k/1", "an object"),
    ];
    for (members, place, found) in members {
        let expected = (Code::PolicyType, format!("/Statement/1/{place}"), found.into());
        assert_eq!(refusal(&statement(members)), expected, "{members}");
    }
}

#[test]
fn what_the_language_does_not_have_is_refused() {
    let cases = [
        ("{}", Code::PolicyMember, "", "none"),
        (r#"{"Statement": [{}]}"#, Code::PolicyMember, "/Statement/0", "none"),
        (r#"{"Statement": {"Sid": "x"}}"#, Code::PolicyMember, "/Statement", "none"),
        (r#"{"Statement": [], "Version": "2012-10-18"}"#, Code::PolicyVersion, "/Version", "\"2012-10-18\""),
        (r#"{"Statement": {"Effect": "allow"}}"#, Code::PolicyEffect, "/Statement/Effect", "\"allow\""),
    ];
    for (text, code, place, found) in cases {
        assert_eq!(refusal(text), (code, place.into(), found.into()), "{text}");
    }
    let members = [
        (r#""Principal": "111122223333""#, Code::PolicyPrincipal, "Principal", "\"111122223333\""),
        (r#""Principal": {}"#, Code::PolicyPrincipal, "Principal", "none"),
        (r#""Principal": {"aws": "*"}"#, Code::PolicyPrincipal, "Principal/aws", "\"aws\""),
        (r#""Principal": "*", "NotPrincipal": "*""#, Code::PolicyMember, "NotPrincipal", "both"),
        (r#""NotAction": [], "Action": []"#, Code::PolicyMember, "Action", "both"),
        (r#""Resource": "*", "NotResource": "*""#, Code::PolicyMember, "NotResource", "both"),
    ];
    for (members, code, place, found) in members {
        let text = statement(&format!(r#""Effect": "Deny", {members}"#));
        assert_eq!(refusal(&text), (code, format!("/Statement/1/{place}"), found.into()), "{members}");
    }
}

#[test]
fn a_name_stands_once_in_an_object() {
    let cases = [
        (r#"{"Id": "a", "Id": "b"}"#, "/Id"),
        (r#"{"Id": "a", "\u0049d": "b"}"#, "/Id"),
        (r#"{"Statement": [{}, {"Effect": "Allow", "Sid": "", "Effect": "Deny"}]}"#, "/Statement/1/Effect"),
        (r#"{"x": [{"a/b": {"c": 1, "c": 1}}]}"#, "/x/0/a~1b/c"),
        (r#"{"x": {"a": [[]], "b": {}}, "x": 0}"#, "/x"),
    ];
    for (text, place) in cases {
        assert_eq!(refusal(text), (Code::PolicyDuplicateKey, place.into(), "twice".into()), "{text}");
    }
}

#[test]
fn errors_say_what_was_expected_and_where() {
    let said = |text: &str| PolicyDocument::parse(text).unwrap_err().to_string();
    assert_eq!(
        said("{\"Statement\":\n [}"),
        "the policy document is not JSON [line 2, column 3: expected JSON, found expected value]"
    );
    assert_eq!(
        said(r#"{"Statement": {"Effect": "Maybe"}}"#),
        "a statement's Effect is neither Allow nor Deny \
         [/Statement/Effect: expected \"Allow\" or \"Deny\", found \"Maybe\"]"
    );
    assert_eq!(
        said("[]"),
        "a member of the policy document has another type than its place demands \
         [the whole: expected an object, found an array]"
    );
    let error: Error =
        PolicyDocument::parse(&format!(r#"{{"Statement": {{"Effect": "{}"}}}}"#, "é".repeat(5000)))
            .unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}
