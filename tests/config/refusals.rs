//! What is refused, where, and that no error shows credentials.

use std::time::Duration;

use pcrseal::Code;
use pcrseal::config::{AttesterConfig, Config, CredentialsConfig, TransportConfig};
use pcrseal::kms::VsockAddress;
use serde_json::{Value, json};

use super::{REGIONS, SECRET, TOKEN, at, documents, parent_of, placed, places, read, refused, with};

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
    for attempts in [0, 11, u32::MAX] {
        let mut config = sound();
        config.kms.attempts = Some(attempts);
        assert_eq!(fault(&config), at(Code::ConfigValue, "/kms/attempts"));
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
