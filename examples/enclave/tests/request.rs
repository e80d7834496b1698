//! What a parent may ask for, and how anything else is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use base64ct::{Base64, Encoding};
use pcrseal::core::limits::MAX_BLOB_LEN;
use pcrseal_enclave::request::{MAX_LINE_LEN, Request, Work};
use pcrseal_enclave::trust::Trust;
use serde_json::{Value, json};

fn trust() -> Trust {
    Trust::parse(include_bytes!("../trust.json")).unwrap()
}

fn founding() -> Trust {
    Trust { may_generate: true, ..trust() }
}

fn unseal() -> Value {
    json!({
        "job": "unseal",
        "regions": { "eu-central-1": 8001, "eu-west-1": 8002, "eu-north-1": 8003 },
        "credentials": 8100,
        "serve": 7000,
        "blob": "AAEC",
    })
}

fn with(pointer: &str, value: impl Into<Value>) -> Value {
    let mut line = unseal();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap()[name] = value.into();
    line
}

#[test]
fn the_two_jobs() {
    let request = Request::read(unseal().to_string().as_bytes(), &trust()).unwrap();
    assert_eq!(request.work, Work::Unseal(vec![0, 1, 2]));
    assert_eq!((request.credentials, request.serve), (8100, 7000));
    assert_eq!(request.regions["eu-north-1"], 8003);
    let mut line = with("/job", "generate");
    line.as_object_mut().unwrap().remove("blob");
    assert_eq!(Request::read(line.to_string().as_bytes(), &founding()).unwrap().work, Work::Generate);
}

#[test]
fn the_longest_blob_fits_the_longest_line_and_a_longer_one_is_refused() {
    let of = |len: usize| with("/blob", Base64::encode_string(&vec![0; len])).to_string();
    let longest = of(MAX_BLOB_LEN);
    assert!(longest.len() as u64 <= MAX_LINE_LEN);
    assert!(Request::read(longest.as_bytes(), &trust()).is_ok());
    let error = Request::read(of(MAX_BLOB_LEN + 1).as_bytes(), &trust()).unwrap_err();
    assert_eq!(error.message(), "blob: expected at most 262144 bytes, found 262145");
}

#[test]
fn every_fault_names_the_field_and_what_was_expected_and_found() {
    let text = unseal().to_string();
    for (line, found) in [
        (with("/job", "seal").to_string(), "job: expected \"unseal\" or \"generate\", found \"seal\""),
        (with("/job", json!({ "unseal": null })).to_string(), "job: invalid type: map, expected a string"),
        (with("/regions/eu-west-1", 0).to_string(), "expected a port 1..4294967294, found 0"),
        (with("/regions/eu-west-1", -1).to_string(), "integer `-1`, expected u32"),
        (with("/regions/eu-west-1", "8001").to_string(), "string \"8001\", expected u32"),
        (
            with("/regions/us-east-1", 1).to_string(),
            "regions: expected those of the quorum's keys, found \"us-east-1\" too",
        ),
        (
            with("/regions", json!({ "eu-west-1": 1 })).to_string(),
            "regions: expected a port for eu-central-1, found none",
        ),
        (
            with("/regions", json!([8001])).to_string(),
            "regions: invalid type: sequence, expected an object of ports",
        ),
        (
            text.replacen("\"eu-west-1\"", "\"eu-west-1\":1,\"eu-west-1\"", 1),
            "expected each name once, found eu-west-1 twice",
        ),
        (
            with("/credentials", u32::MAX).to_string(),
            "credentials: expected a port 1..4294967294, found 4294967295",
        ),
        (
            with("/serve", 4_294_967_296_u64).to_string(),
            "serve: invalid value: integer `4294967296`, expected u32",
        ),
        (with("/serve", 7000.5).to_string(), "serve: invalid type: floating point `7000.5`, expected u32"),
        (with("/blob", Value::Null).to_string(), "blob: expected one with \"unseal\", found none"),
        (with("/blob", "AAE").to_string(), "blob: expected base64 (RFC 4648 section 4), found 3 characters"),
        (with("/blob", "AA-_").to_string(), "blob: expected base64 (RFC 4648 section 4), found 4 characters"),
        (with("/quorum", json!([])).to_string(), "unknown field `quorum`"),
        (with("/cluster", "mine").to_string(), "unknown field `cluster`"),
        (text.replacen('{', "{\"serve\":7001,", 1), "duplicate field `serve`"),
        (format!("{text} {{}}"), "trailing characters"),
        (json!(["unseal", {}, 8100, 7000, "AAEC"]).to_string(), "invalid type: sequence, expected an object"),
    ] {
        let error = Request::read(line.as_bytes(), &trust()).expect_err(&line);
        assert_eq!((error.name(), error.number()), ("request", 4));
        assert!(error.message().contains(found), "{found:?} in {:?}", error.message());
    }
}

#[test]
fn a_key_is_made_only_where_the_image_permits_it_and_never_beside_a_blob() {
    let line = with("/job", "generate").to_string();
    let refused = |trust: &Trust| Request::read(line.as_bytes(), trust).unwrap_err();
    assert_eq!((refused(&trust()).name(), refused(&trust()).number()), ("may_not_generate", 5));
    assert_eq!(refused(&founding()).message(), "blob: expected none with \"generate\", found one");
}

#[test]
fn what_a_message_quotes_is_short_and_printable() {
    let line = with("/job", "\u{1b}[2J\n".repeat(10_000)).to_string();
    let error = Request::read(line.as_bytes(), &trust()).unwrap_err();
    assert!(error.message().chars().count() <= 600);
    let line = with("/\u{1b}[2J", 1).to_string();
    let error = Request::read(line.as_bytes(), &trust()).unwrap_err();
    assert!(error.message().contains("unknown field") && !error.message().contains('\u{1b}'), "{error:?}");
}
