//! What a `trust.json` may say, and how what it must not say is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal::core::names::Wrapping;
use pcrseal::core::pcr::{PcrIndex, PcrSelection};
use pcrseal_enclave::trust::Trust;
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../trust.json");

/// The example, changed.
fn with(pointer: &str, value: impl Into<Value>) -> String {
    let mut written: Value = serde_json::from_str(EXAMPLE).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = written.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.into(),
        _ => parent[name] = value.into(),
    }
    written.to_string()
}

fn refused(text: &str) -> String {
    let error = Trust::parse(text.as_bytes()).expect_err(text);
    assert_eq!((error.name(), error.number()), ("trust", 2));
    error.message().to_owned()
}

#[test]
fn the_example_says_what_it_seems_to() {
    let trust = Trust::parse(EXAMPLE.as_bytes()).unwrap();
    assert!(trust.policy.seal_quorum().is_none(), "it may not seal");
    let quorum = trust.policy.unseal_quorums().next().unwrap();
    assert_eq!((quorum.threshold(), quorum.keys().len(), quorum.wrapping()), (2, 3, Wrapping::Attested));
    assert_eq!(trust.regions.iter().collect::<Vec<_>>(), ["eu-central-1", "eu-north-1", "eu-west-1"]);
    assert_eq!(trust.policy.cluster().as_str(), "prod-eu-central-1-vault");
    assert_eq!(trust.policy.minimum_generation(), 1);
    assert_eq!(trust.policy.required_pcrs(), PcrSelection::IMAGE);
    assert_eq!(trust.policy.seal_id(), None);
    assert!(!trust.policy.debug_mode_allowed() && !trust.may_generate && trust.tls_root_pem.is_none());
    assert_eq!((trust.parent_cid, trust.parent_port), (3, 9100));
}

#[test]
fn each_optional_field_does_what_it_is_for() {
    let trust = |text: String| Trust::parse(text.as_bytes()).unwrap();
    assert!(trust(with("/may_generate", true)).policy.seal_quorum().is_some());
    assert!(trust(with("/may_generate", true)).may_generate);
    assert!(trust(with("/debug_mode_allowed", true)).policy.debug_mode_allowed());
    let root = rcgen::generate_simple_self_signed(["kms.example".to_owned()]).unwrap().cert.pem();
    assert_eq!(trust(with("/tls_root_pem", root.as_str())).tls_root_pem, Some(root));
    let id = "000102030405060708090a0b0c0d0e0f";
    assert_eq!(trust(with("/seal_id", id)).policy.seal_id().unwrap().to_string(), id);
    assert_eq!(trust(with("/minimum_generation", 7)).policy.minimum_generation(), 7);
    let pcr8 = PcrSelection::EMPTY.with(PcrIndex::try_from(8).unwrap());
    assert_eq!(trust(with("/required_pcrs", json!([8]))).policy.required_pcrs(), pcr8);
    assert_eq!(
        trust(with("/quorum/wrapping", "encrypt")).policy.unseal_quorums().next().unwrap().wrapping(),
        Wrapping::Encrypt
    );
}

#[test]
fn every_fault_names_the_field_and_what_was_expected_and_found() {
    let repeated = "arn:aws:kms:eu-west-1:222233334444:key/0f0e0d0c-0b0a-0908-0706-050403020100";
    let replica = "arn:aws:kms:eu-west-1:222233334444:key/mrk-0123456789abcdef0123456789abcdef";
    for (text, parts) in [
        (with("/cluster", ""), ["cluster: ", "1..64", ""].as_slice()),
        (with("/cluster", 7), &["cluster: ", "integer `7`", "expected a string"]),
        (with("/quorum/threshold", 1), &["quorum: ", "1"]),
        (with("/quorum/threshold", 4), &["quorum: ", "threshold", "expected 1..number of keys, found 4"]),
        (with("/quorum/threshold", 256), &["quorum.threshold: ", "`256`", "expected u8"]),
        (with("/quorum/keys", json!([])), &["quorum: ", "expected 1..16, found 0"]),
        (with("/quorum/keys/1", "alias/key"), &["quorum.keys[1]: ", "alias/key"]),
        (with("/quorum/keys/1", repeated), &["quorum: ", "expected \"distinct key ids\"", repeated]),
        (with("/quorum/keys/1", replica), &["quorum: ", "expected \"a single-Region key\"", replica]),
        (with("/quorum/keys/1", true), &["quorum.keys[1]: ", "boolean `true`", "expected a string"]),
        (
            with("/quorum/wrapping", "Attested"),
            &["quorum.wrapping: expected \"attested\"", "found \"Attested\""],
        ),
        (with("/quorum", json!([2, [], "attested"])), &["quorum: ", "sequence, expected an object"]),
        (with("/minimum_generation", -1), &["minimum_generation: ", "`-1`", "expected u64"]),
        (with("/required_pcrs", json!([])), &["required_pcrs: "]),
        (with("/required_pcrs/2", 32), &["required_pcrs[2]: ", "expected 0..31, found 32"]),
        (with("/required_pcrs/2", 1), &["required_pcrs: expected each PCR once, found PCR1 twice"]),
        (with("/parent/cid", 4_294_967_296_u64), &["parent.cid: ", "expected u32"]),
        (with("/parent/port", 0), &["parent.port: expected a port 1..4294967294, found 0"]),
        (with("/parent/port", u32::MAX), &["parent.port: expected a port 1..4294967294, found 4294967295"]),
        (with("/parent", json!([3, 9100])), &["parent: ", "sequence, expected an object"]),
        (
            with("/seal_id", "0F0102030405060708090a0b0c0d0e0f"),
            &["seal_id: expected 32 lower-case hex digits"],
        ),
        (with("/seal_id", "+00102030405060708090a0b0c0d0e0f"), &["seal_id: ", "found \"+0010"]),
        (with("/seal_id", "00"), &["seal_id: ", "found \"00\""]),
        (with("/may_generate", "yes"), &["may_generate: ", "string \"yes\"", "expected a boolean"]),
        (with("/may_genarate", true), &["unknown field `may_genarate`", "expected one of", "`may_generate`"]),
        (with("/quorum/opt_in", true), &["quorum", "unknown field `opt_in`"]),
        (with("/parent/host", "x"), &["parent", "unknown field `host`"]),
        (with("/tls_root_pem", ""), &["tls_root_pem: "]),
        (with("/tls_root_pem", "a root"), &["tls_root_pem: "]),
        ("[]".into(), &["sequence, expected an object"]),
        ("{}".into(), &["missing field `cluster`"]),
        (String::new(), &["EOF while parsing"]),
        (format!("{EXAMPLE}{{}}"), &["trailing characters"]),
        (EXAMPLE.replacen('{', "{\"cluster\": \"another\",", 1), &["duplicate field `cluster`"]),
        (
            EXAMPLE.replacen("\"threshold\"", "\"threshold\": 2, \"threshold\"", 1),
            &["duplicate field `threshold`"],
        ),
        (" ".repeat(70_000), &["expected at most 65536 bytes, found more"]),
    ] {
        let message = refused(&text);
        for part in parts {
            assert!(message.contains(part), "{part:?} in {message:?}");
        }
    }
}

#[test]
fn what_production_needs_a_reason_for_is_warned_of_and_the_example_needs_none() {
    let warnings = |text: &str| Trust::parse(text.as_bytes()).unwrap().warnings().collect::<Vec<_>>();
    assert!(warnings(EXAMPLE).is_empty());
    let root = rcgen::generate_simple_self_signed(["kms.example".to_owned()]).unwrap().cert.pem();
    for (pointer, value) in [
        ("/may_generate", Value::from(true)),
        ("/debug_mode_allowed", true.into()),
        ("/tls_root_pem", root.into()),
        ("/quorum/wrapping", "encrypt".into()),
    ] {
        let found = warnings(&with(pointer, value));
        let [warning] = found.as_slice() else { panic!("{pointer}: {found:?}") };
        assert!(warning.starts_with(&pointer[1..].replace('/', ".")), "{warning}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Trust::read("/no such folder/trust.json").unwrap_err();
    assert!(error.message().starts_with("/no such folder/trust.json: "), "{error}");
}

#[test]
fn no_field_can_be_left_out_but_the_optional_ones() {
    let written: Value = serde_json::from_str(EXAMPLE).unwrap();
    for name in ["cluster", "quorum", "minimum_generation", "required_pcrs", "parent"] {
        let mut without = written.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(refused(&without.to_string()).contains(&format!("missing field `{name}`")));
    }
    for (object, name) in
        [("quorum", "threshold"), ("quorum", "keys"), ("quorum", "wrapping"), ("parent", "cid")]
    {
        let mut without = written.clone();
        without[object].as_object_mut().unwrap().remove(name);
        let message = refused(&without.to_string());
        assert!(
            message.contains(object) && message.contains(&format!("missing field `{name}`")),
            "{message}"
        );
    }
}
