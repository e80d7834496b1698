//! Documents that somebody made to do harm, and what becomes of every mutation of a good one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal_core::error::{Code, Detail};
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::json::{Json, MAX_POLICY_LEN};

const GOOD: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*",
"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{"StringNotEqualsIgnoreCase":
{"kms:RecipientAttestation:ImageSha384":["00","\u00e9\ud83d\ude00"]},"Bool":{"kms:MultiRegion":true}}}]}"#;

fn code(text: &str) -> Code {
    PolicyDocument::parse(text).unwrap_err().code()
}

/// Every error has a place, but for the one about the length of the whole.
fn assert_placed(text: &str) {
    if let Err(error) = PolicyDocument::parse(text) {
        match error.detail() {
            Detail::At { place, expected, found } => {
                assert!(error.code() != Code::PolicySyntax || place.starts_with("line "), "{error}");
                assert!(!expected.is_empty() && !found.is_empty(), "{error}");
            }
            Detail::Number { .. } => assert_eq!(error.code(), Code::PolicyTooLong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_truncation_is_refused_by_line_and_column() {
    PolicyDocument::parse(GOOD).unwrap();
    for end in (0..GOOD.len()).filter(|&end| GOOD.is_char_boundary(end)) {
        let error = PolicyDocument::parse(&GOOD[..end]).unwrap_err();
        assert_eq!(error.code(), Code::PolicySyntax, "{end}");
        let Detail::At { place, .. } = error.detail() else { panic!("{error}") };
        let line = GOOD[..end].matches('\n').count() + 1;
        // serde_json counts from the line that it was about to read.
        assert!(
            [line, line + 1].iter().any(|line| place.starts_with(&format!("line {line},"))),
            "{end}: {place}"
        );
    }
}

#[test]
fn every_mutation_is_read_or_refused_at_a_place() {
    let replacements =
        [b'"', b'{', b'}', b'[', b']', b':', b',', b'\\', b'0', b'-', b'*', b' ', b'\n', 0, b'e'];
    for at in 0..GOOD.len() {
        for with in replacements {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = with;
            if let Ok(text) = String::from_utf8(bytes.clone()) {
                assert_placed(&text);
            }
            bytes.remove(at);
            if let Ok(text) = String::from_utf8(bytes) {
                assert_placed(&text);
            }
        }
    }
}

#[test]
fn a_document_beyond_its_length_is_refused_unread() {
    let padded = |len: usize| format!("{}{}", GOOD, " ".repeat(len - GOOD.len()));
    PolicyDocument::parse(&padded(MAX_POLICY_LEN)).unwrap();
    assert_eq!(code(&padded(MAX_POLICY_LEN + 1)), Code::PolicyTooLong);
    assert_eq!(code(&"[".repeat(1 << 20)), Code::PolicyTooLong);
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(Json::parse(&nested(127)).is_ok());
        let error = Json::parse(&nested(128)).unwrap_err();
        assert_eq!(error.code(), Code::PolicySyntax);
        assert!(error.to_string().contains("recursion limit exceeded"), "{error}");
        // Without its end, as long as can be.
        let endless = open.repeat(MAX_POLICY_LEN / open.len());
        assert_eq!(Json::parse(&endless).unwrap_err().code(), Code::PolicySyntax);
    }
}

#[test]
fn many_names_and_long_pointers_take_no_more_than_their_length() {
    let names: Vec<_> = (0..9000).chain([0]).map(|n| format!(r#""n{n}":0"#)).collect();
    let error = PolicyDocument::parse(&format!("{{{}}}", names.join(","))).unwrap_err();
    assert_eq!(error.code(), Code::PolicyDuplicateKey);
    let long = "x".repeat(50_000);
    let items = "0,".repeat(35_000);
    assert_eq!(code(&format!(r#"{{"{long}":[{items}0]}}"#)), Code::PolicyMember);
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "{\"a\"}",
        "{a:1}",
        "{'a':1}",
        "[1,]",
        "01",
        "1e999",
        "\"\u{1}\"",
        r#""\ud800""#,
        "{}{}",
        "{} x",
        "/**/{}",
        "\u{feff}{}",
        "NaN",
        "+1",
        "\"\\x\"",
    ] {
        let error = Json::parse(text).unwrap_err();
        assert_eq!(error.code(), Code::PolicySyntax, "{text:?}");
        assert_placed(text);
    }
}
