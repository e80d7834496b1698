//! docs/FORMAT.md says what the code does: its bounds, names and labels are those of the code, and the other way
//! round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::kms::{measured, parameters, policy};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::Code;
use pcrseal_core::limits;
use pcrseal_core::names::Wrapping;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::seal::Plan;

fn document() -> String {
    fs::read_to_string(crate_root().join("../docs/FORMAT.md")).unwrap()
}

fn crate_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of the table rows below a heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let document = document();
    let (_, section) = document.split_once(&format!("\n### {heading}\n")).unwrap();
    let section = section.split("\n#").next().unwrap();
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    section.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

/// What stands between backticks, outside code blocks.
fn quoted() -> BTreeSet<String> {
    let document = document();
    let prose = document.split("\n```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_bounds_are_the_constants() {
    let constants = [
        ("MAX_BLOB_LEN", limits::MAX_BLOB_LEN),
        ("MAX_BINDINGS", limits::MAX_BINDINGS),
        ("PCR_COUNT", limits::PCR_COUNT),
        ("PCR_LEN", limits::PCR_LEN),
        ("MAX_CLUSTER_ID_LEN", limits::MAX_CLUSTER_ID_LEN),
        ("MAX_SHARES", limits::MAX_SHARES),
        ("MAX_KEY_ARN_LEN", limits::MAX_KEY_ARN_LEN),
        ("MAX_KMS_CIPHERTEXT_LEN", limits::MAX_KMS_CIPHERTEXT_LEN),
        ("SHARE_KEY_LEN", limits::SHARE_KEY_LEN),
        ("SEALED_SHARE_LEN", limits::SEALED_SHARE_LEN),
        ("MAX_SECRET_LEN", limits::MAX_SECRET_LEN),
        ("FORMAT_VERSION", usize::try_from(limits::FORMAT_VERSION).unwrap()),
    ];
    let documented: Vec<_> =
        rows("Bounds").into_iter().map(|row| (row[0].clone(), row[1].parse::<usize>().unwrap())).collect();
    assert_eq!(documented, constants.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn every_error_that_is_named_exists() {
    // Names of the vectors' fields and of values, which look like error names.
    const OTHER: [&str; 12] = [
        "ciphertext_blob",
        "encryption_context",
        "external_aad",
        "key_encryption_key",
        "measured_pcrs",
        "minimum_generation",
        "pcrs_encoded",
        "pinned_seal_id",
        "protected_header",
        "secret_aad",
        "secret_key",
        "share_key",
    ];
    let is_name = |text: &String| {
        text.contains('_') && text.bytes().all(|c| c == b'_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    for name in quoted().iter().filter(|text| is_name(text)) {
        let exists = Code::ALL.iter().any(|code| code.name() == name);
        assert!(exists || OTHER.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn every_error_of_blob_and_unseal_is_named() {
    // What only a seal answers, and misuse of a session.
    let elsewhere = [
        Code::SecretLength,
        Code::NoSealQuorum,
        Code::GenerationExhausted,
        Code::ResealUnvouched,
        Code::UnknownShare,
        Code::AlreadyAnswered,
        Code::SealIncomplete,
        Code::Unproven,
        Code::AnswerLength,
    ];
    let quoted = quoted();
    for code in Code::ALL {
        let blob = (1601..1700).contains(&code.number());
        let trust = (1708..1800).contains(&code.number());
        let session = (1801..1900).contains(&code.number());
        if (blob || trust || session) && !elsewhere.contains(code) {
            assert!(quoted.contains(code.name()), "{code}");
        }
    }
}

#[test]
fn labels_and_infos_are_the_codes() {
    let mut sources = String::new();
    append_sources(&crate_root().join("src"), &mut sources);
    let labels = |text: &str| -> BTreeSet<String> {
        let after = text.split("\"pcrseal v1 ").skip(1);
        after.map(|after| after.split('"').next().unwrap().to_owned()).collect()
    };
    let documented = labels(&document());
    assert_eq!(documented.len(), 6);
    assert_eq!(documented, labels(&sources));
}

fn append_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            append_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_encryption_context_is_the_documented_one() {
    let (policy, measured) = (policy(Wrapping::Attested), measured(1));
    let plan = Plan::generate(&parameters(&policy, &measured), 32, &aws_lc::BACKEND).unwrap();
    let session = plan.begin(Recipient::generate(&aws_lc::BACKEND).unwrap()).unwrap();
    let request = session.requests().nth(1).unwrap();
    let documented: BTreeSet<String> =
        rows("Encryption context").into_iter().map(|row| row[0].clone()).collect();
    let sent: Vec<(&str, &str)> = request.encryption_context.iter().collect();
    assert_eq!(documented.iter().collect::<Vec<_>>(), sent.iter().map(|(key, _)| key).collect::<Vec<_>>());
    let value = |name: &str| sent.iter().find(|(key, _)| *key == name).unwrap().1;
    assert_eq!(value("pcrseal:v"), "1");
    assert_eq!(value("pcrseal:share"), "2/5");
    assert_eq!(value("pcrseal:generation"), "1");
    assert_eq!(value("pcrseal:wrapping"), "attested");
    assert_eq!(value("pcrseal:cluster"), "test-eu-central-1-unit");
    assert_eq!(value("pcrseal:seal-id").len(), 32);
}
