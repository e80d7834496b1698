//! The configuration as a JSON document: every member, everything that is refused, and what it says of secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use pcrseal::Code;
use pcrseal::config::{
    AttesterConfig, ClockConfig, Config, CredentialsConfig, KmsConfig, QuorumConfig, TransportConfig,
};
use pcrseal::core::error::{Detail, Error};
use pcrseal::core::names::Wrapping;
use pcrseal::core::pcr::PcrIndex;
use pcrseal::kms::{Address, VsockAddress};
use serde_json::{Value, json};

const REFERENCE: &str = include_str!("../docs/CONFIGURATION.md");
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

#[test]
fn every_member_is_read() {
    let config = read(&documents()[0]).unwrap();
    let arn = |number| format!("arn:aws:kms:eu-central-{number}:111122223333:key/mrk-{number}");
    assert_eq!(config.cluster, "test");
    assert_eq!(
        config.seal_quorum,
        Some(QuorumConfig {
            threshold: 1,
            keys: vec![arn(1), arn(2)],
            wrapping: Wrapping::Attested,
            allow_multi_region: true,
            allow_single_share: true,
        })
    );
    assert_eq!(
        config.unseal_quorums,
        [QuorumConfig {
            threshold: 2,
            keys: vec![arn(3), arn(4)],
            wrapping: Wrapping::Encrypt,
            allow_multi_region: true,
            allow_single_share: false,
        }]
    );
    assert_eq!((config.minimum_generation, config.required_pcrs.as_slice()), (12, [0, 4, 31].as_slice()));
    assert!(config.allow_debug_mode && config.vouched_reseal);
    assert_eq!(config.seal_id, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]));
    assert_eq!(config.external_aad, [0, 255, 128]);
    assert_eq!(config.attester, AttesterConfig::Nsm { device: "/dev/other".into() });
    assert_eq!((config.clock, config.transport), (ClockConfig::System, TransportConfig::Own));
    let milliseconds = |number| Some(Duration::from_millis(number));
    assert_eq!(
        config.kms,
        KmsConfig {
            endpoint: Some("https://kms.example".into()),
            region_endpoints: [("us-east-1".into(), "https://kms.example:8443".into())].into(),
            vsock: [("eu-west-1".into(), VsockAddress { cid: 3, port: 8001 })].into(),
            fips: true,
            dual_stack: true,
            root_certificates_pem: vec![b"one".into(), b"two".into()],
            connect_timeout: milliseconds(1),
            tls_timeout: milliseconds(2),
            answer_timeout: milliseconds(3),
            body_timeout: milliseconds(4),
            operation_timeout: milliseconds(5),
            attempts: Some(6),
        }
    );
    let Some(CredentialsConfig::Static { access_key_id, secret_access_key, session_token }) =
        &config.credentials
    else {
        panic!("{config:?}");
    };
    assert_eq!(access_key_id, "AKID");
    assert_eq!(secret_access_key.as_slice(), SECRET.as_bytes());
    assert_eq!(session_token.as_ref().unwrap().as_slice(), TOKEN.as_bytes());
    assert_eq!((Some(config.deadline), config.hedge_delay), (milliseconds(7), milliseconds(8)));

    let policy = config.trust_policy().unwrap();
    assert_eq!(policy.cluster().as_str(), "test");
    let quorums: Vec<_> = policy.unseal_quorums().collect();
    assert_eq!((quorums.len(), quorums[0]), (2, policy.seal_quorum().unwrap()));
    assert_eq!((quorums[0].threshold(), quorums[0].wrapping()), (1, Wrapping::Attested));
    assert_eq!((quorums[1].threshold(), quorums[1].wrapping()), (2, Wrapping::Encrypt));
    assert_eq!(quorums[1].keys()[1].as_str(), arn(4));
    assert_eq!(policy.minimum_generation(), 12);
    assert!(policy.required_pcrs().iter().map(PcrIndex::get).eq([0, 4, 31]));
    assert!(policy.debug_mode_allowed());
    assert_eq!(policy.seal_id().unwrap().as_bytes(), &config.seal_id.unwrap());
}

#[test]
fn every_kind_is_read() {
    let configs: Vec<_> = documents().iter().map(|document| read(document).unwrap()).collect();
    assert_eq!(configs[1].attester, AttesterConfig::NsmSocket { path: "/f".into() });
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(
        configs[2].attester,
        AttesterConfig::NitroTpm {
            tool: path("/a"),
            device: path("/b"),
            pcrs: path("/c"),
            measured_pcrs: Some(vec![7]),
            scratch: path("/d"),
            time_limit: Some(Duration::from_millis(9)),
        }
    );
    let address = "Vsock(VsockAddress { cid: 3, port: 8100 })";
    let shown: Vec<_> =
        configs[3..].iter().map(|config| format!("{:?}", config.credentials.as_ref().unwrap())).collect();
    assert_eq!(
        shown,
        [
            "Environment".to_owned(),
            format!("Feed({address})"),
            "Feed(Tcp(\"localhost\", 80))".to_owned(),
            "Feed(Unix(\"/g\"))".to_owned(),
            "FeedFile(\"/h\")".to_owned(),
            "Imds { through: Some(Tcp(\"localhost\", 80)), role: Some(\"enclave\") }".to_owned(),
            format!(
                "Container {{ url: Some(\"http://127.0.0.1/x\"), authorization_token_file: Some(\"/e\"), \
                 through: Some({address}) }}"
            ),
        ]
    );
}

#[test]
fn what_is_not_said_is_the_default() {
    let config = read(&json!({"cluster": "test", "credentials": {"source": "environment"}})).unwrap();
    let expected = Config {
        cluster: "test".into(),
        credentials: Some(CredentialsConfig::Environment),
        ..Config::default()
    };
    assert_eq!(format!("{config:?}"), format!("{expected:?}"));
    assert_eq!(config.attester, AttesterConfig::Nsm { device: "/dev/nsm".into() });
    assert_eq!((config.clock, config.transport), (ClockConfig::Attested, TransportConfig::Own));
    assert_eq!((config.deadline, config.hedge_delay), (Duration::from_secs(30), None));
    assert_eq!((config.minimum_generation, config.required_pcrs.as_slice()), (1, [0, 1, 2].as_slice()));
    let minimal = json!({"cluster": "a", "transport": "host", "attester": {"kind": "nsm"}, "seal_quorum": {
        "threshold": 2, "keys": [],
    }});
    let config = read(&minimal).unwrap();
    assert_eq!(config.seal_quorum, Some(QuorumConfig { threshold: 2, ..QuorumConfig::default() }));
    assert_eq!((config.transport, config.attester), (TransportConfig::Host, AttesterConfig::default()));
}

#[test]
fn null_and_other_types_are_refused_everywhere() {
    for document in documents() {
        for place in places(&document) {
            let value = document.pointer(&place).unwrap();
            let others =
                [json!(true), json!(1), json!(1.5), json!(SECRET), json!([SECRET]), json!({SECRET: 1})];
            let of_another_type = |other: &Value| {
                std::mem::discriminant(other) != std::mem::discriminant(value) || other.is_f64()
            };
            let mut tried = 0;
            for other in others.into_iter().filter(of_another_type).chain([Value::Null]) {
                assert_eq!(refused(&with(&document, &place, other)), at(Code::ConfigType, &place));
                tried += 1;
            }
            assert!(tried >= 6, "{place}");
        }
    }
    for whole in ["null", "true", "0", "\"\"", "[]"] {
        assert_eq!(refused(whole), at(Code::ConfigType, ""), "{whole}");
    }
}

/// The document with a member that stands twice.
fn with_twin(value: &Value, twin: &str) -> String {
    match (value, twin.strip_prefix('/')) {
        (Value::Object(members), Some(rest)) => {
            let (name, below) =
                rest.split_once('/').map_or((rest, ""), |(name, _)| (name, &rest[name.len()..]));
            let mut written: Vec<_> = members
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{key:?}:{}",
                        if key == name { with_twin(value, below) } else { value.to_string() }
                    )
                })
                .collect();
            if below.is_empty() {
                written.push(format!("{name:?}:{}", members[name]));
            }
            format!("{{{}}}", written.join(","))
        }
        (Value::Array(items), Some(rest)) => {
            let (index, below) = rest.split_once('/').unwrap();
            let written: Vec<_> = items
                .iter()
                .enumerate()
                .map(|(position, value)| {
                    let is_meant = position.to_string() == index;
                    if is_meant { with_twin(value, &format!("/{below}")) } else { value.to_string() }
                })
                .collect();
            format!("[{}]", written.join(","))
        }
        _ => value.to_string(),
    }
}

#[test]
fn no_member_stands_twice() {
    for document in documents() {
        let mut tried = 0;
        for place in places(&document) {
            let (parent, _) = parent_of(&place);
            if document.pointer(parent).unwrap().is_object() {
                let twice = with_twin(&document, &place);
                assert_eq!(refused(&twice), at(Code::ConfigMember, &place), "{twice}");
                tried += 1;
            }
        }
        assert!(tried > 40);
    }
    assert_eq!(refused(r#"{"cluster":"a","cl\u0075ster":"b"}"#), at(Code::ConfigMember, "/cluster"));
}

/// Objects whose members are named after regions.
const REGIONS: [&str; 2] = ["/kms/region_endpoints", "/kms/vsock"];

#[test]
fn unknown_members_are_refused_everywhere() {
    for document in documents() {
        let objects = places(&document).into_iter().chain([String::new()]);
        let objects: Vec<_> = objects.filter(|place| document.pointer(place).unwrap().is_object()).collect();
        assert!(objects.len() >= 8);
        for place in objects {
            for (name, shown) in
                [("surplus", "/surplus"), ("", "/"), ("Cluster", "/Cluster"), ("a~/b", "/a~0~1b")]
            {
                let mut object = document.pointer(&place).unwrap().clone();
                let value = if place == REGIONS[1] { json!({"cid": 3, "port": 1}) } else { json!(SECRET) };
                object.as_object_mut().unwrap().insert(name.to_owned(), value);
                let code = if REGIONS.contains(&&*place) { Code::KmsRegion } else { Code::ConfigMember };
                // Of what could be a secret, not even the name.
                let is_quoted = !place.starts_with("/credentials") || ["surplus", ""].contains(&name);
                let expected = if is_quoted { format!("{place}{shown}") } else { place.clone() };
                assert_eq!(refused(&with(&document, &place, object)), at(code, &expected));
            }
        }
    }
    // A name that is a secret, or spoils a log.
    for (json, place) in [
        (
            format!(
                r#"{{"cluster":"a","credentials":{{"source":"static","{SECRET}":"secret_access_key"}}}}"#
            ),
            "/credentials",
        ),
        ("{\"cluster\":\"a\",\"\\n\":1}".to_owned(), ""),
        (format!(r#"{{"cluster":"a","{}":1}}"#, "x".repeat(65)), ""),
        ("{\"cluster\":\"a\",\"ä\":1}".to_owned(), ""),
    ] {
        assert_eq!(refused(&json), at(Code::ConfigMember, place));
    }
}

/// Members, and whether one has to be there, by the section of the reference that has their table.
fn referenced() -> BTreeMap<(String, String), BTreeSet<bool>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut section = "";
    for line in REFERENCE.lines() {
        if let Some(title) = line.strip_prefix('#') {
            section = title.trim_start_matches('#').trim();
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let Some(name) = cells.get(1).and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`')) else {
            continue;
        };
        if cells.len() < 6 {
            continue;
        }
        let required = cells[cells.len() - 3].starts_with("required");
        found.entry((section.to_owned(), name.to_owned())).or_default().insert(required);
    }
    found
}

#[test]
fn the_reference_names_every_member_and_which_are_required() {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for document in documents() {
        for place in places(&document) {
            let (parent, name) = parent_of(&place);
            let section = match parent {
                "" => "The document",
                "/seal_quorum" | "/unseal_quorums/0" => "Quorum",
                "/attester" => "Attester",
                "/kms" => "KMS",
                "/credentials" => "Credentials",
                _ => continue,
            };
            let mut without = document.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            let required = read(&without).is_err();
            if required {
                assert_eq!(refused(&without.to_string()), at(Code::ConfigMember, &place));
            }
            found.entry((section.to_owned(), name.to_owned())).or_default().insert(required);
        }
    }
    assert_eq!(found, referenced());
}

#[test]
fn addresses_have_one_member() {
    let with_address =
        |address: &str| format!(r#"{{"cluster":"a","credentials":{{"source":"feed","address":{address}}}}}"#);
    for (address, place) in [
        ("{}", ""),
        (r#"{"unix":"/a","tcp":{"host":"a","port":1}}"#, ""),
        (r#"{"vsock":{"cid":1}}"#, "/vsock/port"),
        (r#"{"vsock":{"port":1}}"#, "/vsock/cid"),
        (r#"{"tcp":{"host":"a"}}"#, "/tcp/port"),
        (r#"{"tcp":{"port":1}}"#, "/tcp/host"),
    ] {
        let place = format!("/credentials/address{place}");
        assert_eq!(refused(&with_address(address)), at(Code::ConfigMember, &place), "{address}");
    }
}

#[test]
fn members_of_another_kind_are_refused() {
    for (member, object, place) in [
        ("attester", json!({"kind": "nsm", "path": "/x"}), "/attester/path"),
        ("attester", json!({"kind": "nsm_socket", "path": "/x", "device": "/x"}), "/attester/device"),
        ("attester", json!({"kind": "nitro_tpm", "path": "/x"}), "/attester/path"),
        ("credentials", json!({"source": "environment", "role": "x"}), "/credentials/role"),
        ("credentials", json!({"source": "feed_file", "path": "/x", "url": "x"}), "/credentials/url"),
        ("credentials", json!({"source": "imds", "session_token": TOKEN}), "/credentials/session_token"),
    ] {
        let mut document = documents().remove(0);
        document[member] = object;
        assert_eq!(refused(&document.to_string()), at(Code::ConfigMember, place));
    }
}

#[test]
fn a_host_that_moves_the_bytes_needs_no_client() {
    let mut document = documents().remove(0);
    document["transport"] = json!("host");
    assert_eq!(refused(&document.to_string()), at(Code::ConfigMember, "/kms"));
    document["kms"] = json!({});
    assert_eq!(refused(&document.to_string()), at(Code::ConfigMember, "/kms"));
    document.as_object_mut().unwrap().remove("kms");
    assert_eq!(refused(&document.to_string()), at(Code::ConfigMember, "/credentials"));
    document.as_object_mut().unwrap().remove("credentials");
    let mut config = read(&document).unwrap();
    assert_eq!(config.transport, TransportConfig::Host);
    assert!(config.trust_policy().is_ok() && config.check().is_ok());

    config.kms.fips = true;
    assert_eq!(fault(&config), at(Code::ConfigMember, "/kms"));
    config.kms.fips = false;
    config.credentials = Some(CredentialsConfig::Environment);
    assert_eq!(fault(&config), at(Code::ConfigMember, "/credentials"));
}

fn fault(config: &Config) -> (Code, String) {
    placed(&config.check().unwrap_err())
}

#[test]
fn what_a_host_fills_in_is_judged_as_the_document_is() {
    let sound = || read(&documents()[2]).unwrap();
    sound().check().unwrap();
    let hour = Duration::from_secs(3600);
    for limit in [Duration::ZERO, Duration::from_micros(999), hour + Duration::from_nanos(1), Duration::MAX] {
        type Set = fn(&mut Config, Duration);
        let members: [(&str, Set); 8] = [
            ("/deadline_ms", |config, limit| config.deadline = limit),
            ("/hedge_delay_ms", |config, limit| config.hedge_delay = Some(limit)),
            ("/attester/time_limit_ms", |config, limit| {
                if let AttesterConfig::NitroTpm { time_limit, .. } = &mut config.attester {
                    *time_limit = Some(limit);
                }
            }),
            ("/kms/connect_timeout_ms", |config, limit| config.kms.connect_timeout = Some(limit)),
            ("/kms/tls_timeout_ms", |config, limit| config.kms.tls_timeout = Some(limit)),
            ("/kms/answer_timeout_ms", |config, limit| config.kms.answer_timeout = Some(limit)),
            ("/kms/body_timeout_ms", |config, limit| config.kms.body_timeout = Some(limit)),
            ("/kms/operation_timeout_ms", |config, limit| config.kms.operation_timeout = Some(limit)),
        ];
        for (place, set) in members {
            let mut config = sound();
            set(&mut config, limit);
            assert_eq!(fault(&config), at(Code::ConfigValue, place));
        }
    }
    let mut config = sound();
    config.credentials = None;
    assert_eq!(fault(&config), at(Code::ConfigMember, "/credentials"));
    let mut config = sound();
    config.kms.vsock.insert(String::new(), VsockAddress { cid: 3, port: 1 });
    assert_eq!(fault(&config), at(Code::KmsRegion, "/kms/vsock/"));
    let mut config = sound();
    config.required_pcrs.push(32);
    assert_eq!(config.trust_policy().unwrap_err().code(), Code::PcrIndex);
}

#[test]
fn integers_have_ranges() {
    let mut tried = 0;
    for document in documents() {
        for place in places(&document) {
            if !document.pointer(&place).unwrap().is_number() {
                continue;
            }
            let (low, high) = match parent_of(&place) {
                (_, "minimum_generation") => (0, u64::MAX),
                (_, "threshold") => (1, 16),
                ("/required_pcrs" | "/attester/measured_pcrs", _) => (0, 31),
                (_, "attempts") => (1, 10),
                (parent, "port") if parent.ends_with("/tcp") => (1, 65535),
                (_, "cid" | "port") => (0, u64::from(u32::MAX)),
                (_, name) => {
                    assert!(name.ends_with("_ms"), "{place}");
                    (1, 3_600_000)
                }
            };
            for sound in [low, high] {
                Config::from_json(with(&document, &place, json!(sound)).as_bytes()).unwrap();
            }
            let mark = "a mark";
            let marked = with(&document, &place, json!(mark));
            let with_number = |number: &str| marked.replace(&format!("{mark:?}"), number);
            for number in [low.checked_sub(1), high.checked_add(1)].into_iter().flatten() {
                assert_eq!(refused(&with_number(&number.to_string())), at(Code::ConfigValue, &place));
            }
            for number in ["-1", "-0", "18446744073709551616", "99999999999999999999999"] {
                assert_eq!(refused(&with_number(number)), at(Code::ConfigValue, &place));
            }
            for number in ["1.0", "1e0", "1E+1", "-1.5", "1e999"] {
                assert_eq!(refused(&with_number(number)), at(Code::ConfigType, &place));
            }
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn words_and_encodings_are_exact() {
    let document = &documents()[0];
    for (place, values) in [
        ("/seal_quorum/wrapping", &["", "Attested", "attested ", SECRET][..]),
        ("/clock", &["", "SYSTEM", "nsm"]),
        ("/transport", &["", "OWN", "vsock"]),
        ("/attester/kind", &["", "NSM", "nsm-socket", "tpm"]),
        ("/credentials/source", &["", "Static", "chain", SECRET]),
        (
            "/seal_id",
            &[
                "",
                "0",
                "000102030405060708090a0b0c0d0e0",
                "000102030405060708090a0b0c0d0e0f0",
                "+00102030405060708090a0b0c0d0e0f",
                "g00102030405060708090a0b0c0d0e0f",
            ],
        ),
        ("/external_aad", &["A", "AA", "AA=", "AA==A", "AB==", "A A=", "AA==\n", "_-8=", "====", "ä"]),
    ] {
        for value in values.iter().filter(|value| **value != SECRET || place.starts_with("/credentials")) {
            assert_eq!(
                refused(&with(document, place, json!(value))),
                at(Code::ConfigValue, place),
                "{value:?}"
            );
        }
    }
    for (text, bytes) in [("", &b""[..]), ("AA==", &[0]), ("AAE=", &[0, 1]), ("+/+/", &[0xfb, 0xff, 0xbf])] {
        let json = with(document, "/external_aad", json!(text));
        assert_eq!(Config::from_json(json.as_bytes()).unwrap().external_aad, bytes);
    }
    let error = read(&json!({"cluster": "a", "clock": "x".repeat(1000)})).unwrap_err();
    assert!(error.to_string().contains(&format!("found \"{}\"", "x".repeat(64))), "{error}");
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
fn what_members_mean_is_judged_by_what_is_made_of_them() {
    let document = &documents()[0];
    for (place, value, code) in [
        ("/cluster", json!("a b"), Code::ClusterId),
        ("/seal_quorum/keys/0", json!("alias/a"), Code::KeyArn),
        ("/seal_quorum/keys", json!([]), Code::QuorumSize),
        ("/seal_quorum/threshold", json!(3), Code::QuorumSize),
        ("/seal_quorum/allow_single_share", json!(false), Code::QuorumSingleShare),
        ("/seal_quorum/allow_multi_region", json!(false), Code::QuorumMultiRegion),
        ("/unseal_quorums/0/allow_multi_region", json!(false), Code::QuorumMultiRegion),
        ("/unseal_quorums/0/keys", document["seal_quorum"]["keys"].clone(), Code::QuorumWrappings),
        ("/required_pcrs", json!([]), Code::PolicyEmpty),
    ] {
        let config = Config::from_json(with(document, place, value).as_bytes()).unwrap();
        assert_eq!(config.trust_policy().unwrap_err().code(), code, "{place}");
    }
    let none = json!({"cluster": "a", "transport": "host", "unseal_quorums": []});
    assert_eq!(read(&none).unwrap().trust_policy().unwrap_err().code(), Code::PolicyEmpty);
}

#[test]
fn credentials_are_never_shown() {
    let config = read(&documents()[0]).unwrap();
    for shown in [format!("{config:?}"), format!("{config:#?}")] {
        assert!(shown.contains("AKID"));
        for secret in [SECRET, TOKEN] {
            let bytes = format!("{:?}", secret.as_bytes());
            assert!(!shown.contains(secret) && !shown.contains(&bytes), "{shown}");
        }
        assert!(!shown.contains("104, 117, 110") && !shown.contains("116, 48, 107"), "{shown}");
    }
}

/// With every form of escape, and white space of every kind.
const SOUND: &str = " \t\r\n{\"cluster\":\"te\\u0073t \\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00ä\\u00E4\",\n\
    \"credentials\" : {\"source\":\"static\",\"access_key_id\":\"A\",\"secret_access_key\":\"hunter2\"} , \
    \"required_pcrs\":[ 0,1 ,10 ],\"unseal_quorums\":[ ],\"kms\":{ },\"allow_debug_mode\":false,\n\
    \"allow_vouched_reseal\":true,\"minimum_generation\":120} \n";

/// Of texts that are JSON to another reader, and of no other, more is said than that they are none.
fn compare(json: &[u8]) -> bool {
    let ours = Config::from_json(json);
    let theirs = serde_json::from_slice::<Value>(json);
    let shown = String::from_utf8_lossy(json);
    match (&ours, &theirs) {
        (Ok(config), Ok(value)) => assert_eq!(config.cluster, value["cluster"], "{shown}"),
        (Err(error), Ok(_)) => assert_ne!(error.code(), Code::ConfigSyntax, "{shown}: {error}"),
        (Err(error), Err(_)) => assert_eq!(error.code(), Code::ConfigSyntax, "{shown}: {error}"),
        (Ok(_), Err(theirs)) => panic!("{shown}: {theirs}"),
    }
    if let Err(error) = &ours {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter"), "{told}");
    }
    theirs.is_ok()
}

#[test]
fn what_is_json_is_what_another_reader_says() {
    assert!(compare(SOUND.as_bytes()));
    let mut read = 0;
    for position in 0..SOUND.len() {
        assert_eq!(compare(&SOUND.as_bytes()[..position]), position >= SOUND.trim_end().len());
        for byte in *b" \0\t\n\x0b\x1f\x7f\"\\/{}[]:,.-+eEu019adtnx\xc3\xff" {
            let mut mutant = SOUND.as_bytes().to_vec();
            mutant[position] = byte;
            read += usize::from(compare(&mutant));
            mutant.insert(position, SOUND.as_bytes()[position]);
            read += usize::from(compare(&mutant));
        }
        let mut mutant = SOUND.as_bytes().to_vec();
        mutant.remove(position);
        read += usize::from(compare(&mutant));
    }
    assert!(read > 1000, "{read}");

    for value in [
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\udc00\"",
        "\"\\udbff\\udfff\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\u+123\"",
        "\"\\U0041\"",
        "\"\\x41\"",
        "\"\\'\"",
        "'a'",
        "\"\u{7f}\u{2028}\u{feff}\"",
        "\"\\u0000\"",
        "\"",
        "\"\\",
        "\"\\u",
        "01",
        "-01",
        "00",
        "-",
        "+1",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "1e5",
        "-0",
        "0x1",
        "1_000",
        "NaN",
        "Infinity",
        "tru",
        "True",
        "nul",
        "nulll",
        "truefalse",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "// a\n1",
        "1 /* a */",
        "\u{feff}1",
        "",
        "1 1",
        "\u{a0}1",
        "[[[[]]]]",
        "{\"a\":[{\"b\":[]}]}",
    ] {
        compare(format!("{{\"transport\":\"host\",\"cluster\":{value}}}").as_bytes());
        compare(value.as_bytes());
    }
}

#[test]
fn faults_of_syntax_have_a_line_and_a_column() {
    for (json, place) in [
        ("", "line 1, column 1"),
        ("\u{feff}{}", "line 1, column 1"),
        ("{\n  \"cluster\": x}", "line 2, column 14"),
        ("{\"ä\": x}", "line 1, column 7"),
        ("{}\n\n {}", "line 3, column 2"),
        ("{\"a\": \"x\ny\"}", "line 1, column 9"),
        ("[01]", "line 1, column 2"),
    ] {
        assert_eq!(refused(json), at(Code::ConfigSyntax, place), "{json:?}");
    }
    let error = Config::from_json(b"{\"a\":\n \"\xc3\xa4\xff\"}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration is not JSON [line 2, column 4: expected UTF-8, found another byte]"
    );
}

#[test]
fn length_and_depth_are_bounded() {
    let document = documents().remove(0).to_string();
    let padded = |len: usize| document.clone() + &" ".repeat(len - document.len());
    assert!(Config::from_json(padded(262_144).as_bytes()).is_ok());
    let error = Config::from_json(padded(262_145).as_bytes()).unwrap_err();
    assert_eq!(error.code(), Code::ConfigTooLong);
    assert!(error.to_string().contains("expected at most 262144, found 262145"), "{error}");

    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert_ne!(refused(&nested(open, close, 8)).0, Code::ConfigSyntax);
        for depth in [9, 10_000] {
            let column = 8 * open.len() + 1;
            let place = format!("line 1, column {column}");
            assert_eq!(refused(&nested(open, close, depth)), at(Code::ConfigSyntax, &place));
        }
    }
    let many = (0..25_000).map(|number| format!("\"{number}\":1,")).collect::<Vec<_>>().concat();
    assert_eq!(refused(&format!("{{{many}\"cluster\":\"a\"}}")).0, Code::ConfigMember);
}

#[test]
fn the_examples_of_the_reference_are_configurations() {
    let mut examples: Vec<_> =
        REFERENCE.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    examples.push(
        include_str!("../src/config/mod.rs").split("br#\"").nth(1).unwrap().split("\"#").next().unwrap(),
    );
    let configs: Vec<_> = examples
        .iter()
        .map(|example| Config::from_json(example.replace("//!", "").as_bytes()).unwrap())
        .collect();
    for config in &configs {
        config.trust_policy().unwrap();
    }
    assert_eq!(configs[0].kms.vsock["us-east-1"], VsockAddress { cid: 3, port: 8003 });
    assert!(matches!(
        configs[0].credentials,
        Some(CredentialsConfig::Feed(Address::Vsock(VsockAddress { cid: 3, port: 8100 })))
    ));
    assert_eq!(configs[1].attester, AttesterConfig::NsmSocket { path: "/tmp/pcrseal/nsm.sock".into() });
}

#[test]
fn the_reference_has_the_codes() {
    let registered = |number: u32| Code::ALL.iter().find(|code| code.number() == number);
    let section = REFERENCE.split("## What is refused").nth(1).unwrap();
    let mut numbers = BTreeSet::new();
    for line in section.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let Some(number) = cells.get(1).and_then(|cell| cell.parse().ok()) {
            assert_eq!(cells[2], format!("`{}`", registered(number).unwrap()));
            numbers.insert(number);
        } else if cells.len() == 4 {
            let names = cells[2].split('`').skip(1).step_by(2);
            assert!(names.into_iter().all(|name| Code::ALL.iter().any(|code| code.name() == name)), "{line}");
        }
    }
    assert_eq!(numbers, [3006, 6021, 6022, 6023, 6024, 6025].into());
    assert_eq!(Code::ConfigTransport.number(), 6026);
}
