//! The configuration as a JSON document: every member, everything that is refused, and what it says of secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod members;
mod reference;
mod refusals;
mod syntax;

use pcrseal::Code;
use pcrseal::config::Config;
use pcrseal::core::error::{Detail, Error};
use serde_json::{Value, json};

const REFERENCE: &str = include_str!("../../docs/CONFIGURATION.md");
const SECRET: &str = "hunter2+K7MDENG/bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "t0ken//EXAMPLE==";

/// Documents that have every member between them, each with as many as can stand together.
fn documents() -> Vec<Value> {
    let arn = |number| format!("arn:aws:kms:eu-central-{number}:111122223333:key/mrk-{number}");
    let address = json!({"vsock": {"cid": 3, "port": 8100}});
    let document = json!({
        "cluster": "test",
        "seal_quorum": {
            "threshold": 1, "keys": [arn(1), arn(2)], "wrapping": "attested",
            "allow_multi_region": true, "allow_single_share": true,
        },
        "unseal_quorums": [
            {"threshold": 2, "keys": [arn(3), arn(4)], "wrapping": "encrypt", "allow_multi_region": true,
             "allow_single_share": false},
        ],
        "minimum_generation": 12,
        "required_pcrs": [0, 4, 31],
        "allow_debug_mode": true,
        "seal_id": "000102030405060708090a0b0c0d0eFF",
        "external_aad": "AP+A",
        "allow_vouched_reseal": true,
        "attester": {"kind": "nsm", "device": "/dev/other"},
        "clock": "system",
        "transport": "own",
        "kms": {
            "endpoint": "https://kms.example",
            "region_endpoints": {"us-east-1": "https://kms.example:8443"},
            "vsock": {"eu-west-1": {"cid": 3, "port": 8001}},
            "fips": true,
            "dual_stack": true,
            "root_certificates_pem": ["one", "two"],
            "connect_timeout_ms": 1,
            "tls_timeout_ms": 2,
            "answer_timeout_ms": 3,
            "body_timeout_ms": 4,
            "operation_timeout_ms": 5,
            "attempts": 6,
        },
        "credentials": {
            "source": "static", "access_key_id": "AKID", "secret_access_key": SECRET, "session_token": TOKEN,
        },
        "deadline_ms": 7,
        "hedge_delay_ms": 8,
    });
    let tpm = json!({
        "kind": "nitro_tpm", "tool": "/a", "device": "/b", "pcrs": "/c", "measured_pcrs": [7], "scratch": "/d",
        "time_limit_ms": 9,
    });
    let container = json!({
        "source": "container", "url": "http://127.0.0.1/x", "authorization_token_file": "/e", "through": address,
    });
    let tcp = json!({"tcp": {"host": "localhost", "port": 80}});
    let mut documents = vec![document.clone()];
    for (member, value) in [
        ("attester", json!({"kind": "nsm_socket", "path": "/f"})),
        ("attester", tpm),
        ("credentials", json!({"source": "environment"})),
        ("credentials", json!({"source": "feed", "address": address})),
        ("credentials", json!({"source": "feed", "address": tcp})),
        ("credentials", json!({"source": "feed", "address": {"unix": "/g"}})),
        ("credentials", json!({"source": "feed_file", "path": "/h"})),
        ("credentials", json!({"source": "imds", "through": tcp, "role": "enclave"})),
        ("credentials", container),
    ] {
        let mut other = document.clone();
        other[member] = value;
        documents.push(other);
    }
    documents
}

fn read(document: &Value) -> Result<Config, Error> {
    Config::from_json(document.to_string().as_bytes())
}

/// What is refused, with the place. No secret is ever in it.
fn refused(json: &str) -> (Code, String) {
    let error = Config::from_json(json.as_bytes()).err().unwrap_or_else(|| panic!("taken: {json}"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("t0ken"), "{shown}");
    placed(&error)
}

fn placed(error: &Error) -> (Code, String) {
    match error.detail() {
        Detail::At { place, .. } => (error.code(), place.to_string()),
        other => panic!("{other:?}"),
    }
}

fn at(code: Code, place: &str) -> (Code, String) {
    (code, place.to_owned())
}

/// The pointers of every value below the whole.
fn places(value: &Value) -> Vec<String> {
    let below = |step: &str, value: &Value| {
        let mut found = vec![format!("/{step}")];
        found.extend(places(value).iter().map(|place| format!("/{step}{place}")));
        found
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, value)| below(&index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The document with another value at a place.
fn with(document: &Value, place: &str, value: Value) -> String {
    let mut document = document.clone();
    *document.pointer_mut(place).unwrap() = value;
    document.to_string()
}

fn parent_of(place: &str) -> (&str, &str) {
    place.rsplit_once('/').unwrap()
}

/// Objects whose members are named after regions.
const REGIONS: [&str; 2] = ["/kms/region_endpoints", "/kms/vsock"];
