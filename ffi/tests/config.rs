//! The configuration, set piece by piece: the same as its JSON document says.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod calls;

use std::collections::BTreeSet;
use std::ptr;

use calls::{Handle, Outcome, c, called, made, refused};
use pcrseal::Code;
use pcrseal::config::{Config as Settings, CredentialsConfig};
use pcrseal_ffi::*;

const ARNS: [&str; 3] = [
    "arn:aws:kms:eu-central-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-050403020100",
    "arn:aws:kms:eu-west-1:222233334444:key/1f1e1d1c-1b1a-1918-1716-151413121110",
    "arn:aws:kms:us-east-1:333344445555:key/mrk-2f1e1d1c1b1a19181716151413121110",
];

/// What every configuration here begins with.
const CLUSTER: &str = r#""cluster": "prod""#;
/// What a configuration must have to be read.
const CREDENTIALS: &str = r#""credentials": {"source": "environment"}"#;

/// A member of the document, and the setter that says the same.
type Case = (String, Box<dyn Fn(*mut Config, *mut *mut Error) -> Status>);
type Setter<'a> = &'a dyn Fn(*mut Config, *mut *mut Error) -> Status;

fn new() -> Handle<Config> {
    made(pcrseal_config_free, |config, error| unsafe {
        pcrseal_config_new(c("prod").as_ptr(), config, error)
    })
    .unwrap()
}

fn from_json(json: &str) -> Outcome<Handle<Config>> {
    made(pcrseal_config_free, |config, error| unsafe {
        pcrseal_config_from_json(json.as_ptr(), json.len(), config, error)
    })
}

fn set(config: &Handle<Config>, setter: Setter<'_>) -> Outcome<()> {
    called(|error| setter(config.get(), error))
}

/// Everything in a configuration, secrets included.
fn content(config: &Handle<Config>) -> String {
    let settings: Settings = unsafe { &*config.get() }.settings();
    let secrets = match &settings.credentials {
        Some(CredentialsConfig::Static { secret_access_key, session_token, .. }) => {
            format!(
                "{:?} {:?}",
                secret_access_key.as_slice(),
                session_token.as_ref().map(|token| token.as_slice())
            )
        }
        _ => String::new(),
    };
    format!("{settings:?} {secrets}")
}

fn quorum(threshold: u32, wrapping: u32, keys: &[&str]) -> Handle<Quorum> {
    let quorum = made(pcrseal_quorum_free, |quorum, error| unsafe {
        pcrseal_quorum_new(threshold, wrapping, quorum, error)
    })
    .unwrap();
    for key in keys {
        called(|error| unsafe { pcrseal_quorum_add_key(quorum.get(), c(key).as_ptr(), error) }).unwrap();
    }
    quorum
}

/// Every setter, with the member of the document that says the same.
#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    macro_rules! case {
        ($json:expr, $function:ident($($argument:expr),*)) => {
            cases.push((
                $json.to_string(),
                Box::new(move |config, error| unsafe { $function(config, $($argument,)* error) }),
            ));
        };
    }
    let keys = |keys: &[&str]| format!("{keys:?}");
    let pair = quorum(2, PCRSEAL_WRAPPING_ATTESTED, &ARNS[..2]);
    case!(
        format!(r#""seal_quorum": {{"threshold": 2, "keys": {}, "wrapping": "attested"}}"#, keys(&ARNS[..2])),
        pcrseal_config_set_seal_quorum(pair.get())
    );
    let encrypt = quorum(3, PCRSEAL_WRAPPING_ENCRYPT, &ARNS);
    called(|error| unsafe { pcrseal_quorum_allow_multi_region(encrypt.get(), error) }).unwrap();
    case!(
        format!(
            r#""unseal_quorums": [{{"threshold": 3, "keys": {}, "wrapping": "encrypt", "allow_multi_region": true}}]"#,
            keys(&ARNS)
        ),
        pcrseal_config_add_unseal_quorum(encrypt.get())
    );
    let single = quorum(1, PCRSEAL_WRAPPING_ATTESTED, &[ARNS[1], ARNS[0]]);
    called(|error| unsafe { pcrseal_quorum_allow_single_share(single.get(), error) }).unwrap();
    case!(
        format!(
            r#""unseal_quorums": [{{"threshold": 1, "keys": {}, "wrapping": "attested", "allow_single_share": true}}]"#,
            keys(&[ARNS[1], ARNS[0]])
        ),
        pcrseal_config_add_unseal_quorum(single.get())
    );
    case!(r#""minimum_generation": 18446744073709551615"#, pcrseal_config_set_minimum_generation(u64::MAX));
    case!(r#""required_pcrs": [0, 4, 31]"#, pcrseal_config_set_required_pcrs(1 | 1 << 4 | 1 << 31));
    case!(r#""allow_debug_mode": true"#, pcrseal_config_allow_debug_mode());
    case!(
        r#""seal_id": "000102030405060708090a0b0c0d0e0f""#,
        pcrseal_config_pin_seal_id(
            std::array::from_fn::<u8, 16, _>(|at| u8::try_from(at).unwrap()).as_ptr(),
            16
        )
    );
    case!(r#""external_aad": "YWFk""#, pcrseal_config_set_external_aad(b"aad".as_ptr(), 3));
    case!(r#""allow_vouched_reseal": true"#, pcrseal_config_allow_vouched_reseal());
    case!(
        r#""attester": {"kind": "nsm", "device": "/dev/other"}"#,
        pcrseal_config_set_nsm_device(c("/dev/other").as_ptr())
    );
    case!(
        r#""attester": {"kind": "nsm_socket", "path": "/run/nsm"}"#,
        pcrseal_config_set_nsm_socket(c("/run/nsm").as_ptr())
    );
    case!(r#""attester": {"kind": "nitro_tpm"}"#, pcrseal_config_set_nitro_tpm(ptr::null()));
    case!(
        r#""attester": {"kind": "nitro_tpm", "tool": "/opt/attest"}"#,
        pcrseal_config_set_nitro_tpm(c("/opt/attest").as_ptr())
    );
    case!(r#""clock": "system""#, pcrseal_config_set_clock(PCRSEAL_CLOCK_SYSTEM));
    case!(
        r#""kms": {"endpoint": "http://127.0.0.1:4599"}"#,
        pcrseal_config_set_endpoint(ptr::null(), c("http://127.0.0.1:4599").as_ptr())
    );
    case!(
        r#""kms": {"region_endpoints": {"eu-west-1": "https://kms.example"}}"#,
        pcrseal_config_set_endpoint(c("eu-west-1").as_ptr(), c("https://kms.example").as_ptr())
    );
    case!(
        r#""kms": {"vsock": {"eu-west-1": {"cid": 3, "port": 8001}}}"#,
        pcrseal_config_set_vsock(c("eu-west-1").as_ptr(), 3, 8001)
    );
    case!(r#""kms": {"fips": true}"#, pcrseal_config_use_fips_endpoints());
    case!(r#""kms": {"dual_stack": true}"#, pcrseal_config_use_dual_stack_endpoints());
    case!(
        r#""kms": {"root_certificates_pem": ["PEM"]}"#,
        pcrseal_config_add_root_certificates(b"PEM".as_ptr(), 3)
    );
    for (name, stage) in [
        ("connect", PCRSEAL_STAGE_CONNECT),
        ("tls", PCRSEAL_STAGE_TLS),
        ("answer", PCRSEAL_STAGE_ANSWER),
        ("body", PCRSEAL_STAGE_BODY),
        ("operation", PCRSEAL_STAGE_OPERATION),
    ] {
        case!(format!(r#""kms": {{"{name}_timeout_ms": 1234}}"#), pcrseal_config_set_timeout(stage, 1234));
    }
    case!(r#""kms": {"attempts": 7}"#, pcrseal_config_set_attempts(7));
    case!(r#""deadline_ms": 777"#, pcrseal_config_set_deadline(777));
    case!(r#""hedge_delay_ms": 55"#, pcrseal_config_set_hedge_delay(55));
    case!(
        r#""credentials": {"source": "static", "access_key_id": "ID", "secret_access_key": "secret"}"#,
        pcrseal_config_set_static_credentials(c("ID").as_ptr(), b"secret".as_ptr(), 6, ptr::null(), 0)
    );
    case!(
        r#""credentials": {"source": "static", "access_key_id": "ID", "secret_access_key": "secret", "session_token": "token"}"#,
        pcrseal_config_set_static_credentials(c("ID").as_ptr(), b"secret".as_ptr(), 6, b"token".as_ptr(), 5)
    );
    case!(
        r#""credentials": {"source": "feed", "address": {"vsock": {"cid": 3, "port": 8100}}}"#,
        pcrseal_config_set_feed_credentials_vsock(3, 8100)
    );
    case!(
        r#""credentials": {"source": "feed", "address": {"unix": "/run/feed"}}"#,
        pcrseal_config_set_feed_credentials_unix(c("/run/feed").as_ptr())
    );
    case!(
        r#""credentials": {"source": "feed_file", "path": "/run/feed.json"}"#,
        pcrseal_config_set_feed_credentials_file(c("/run/feed.json").as_ptr())
    );
    case!(r#""credentials": {"source": "imds"}"#, pcrseal_config_set_imds_credentials(ptr::null(), 0, 0));
    case!(
        r#""credentials": {"source": "imds", "role": "enclave", "through": {"vsock": {"cid": 3, "port": 8200}}}"#,
        pcrseal_config_set_imds_credentials(c("enclave").as_ptr(), 3, 8200)
    );
    case!(
        r#""credentials": {"source": "container"}"#,
        pcrseal_config_set_container_credentials(ptr::null(), ptr::null())
    );
    case!(
        r#""credentials": {"source": "container", "url": "http://169.254.170.23/v1", "authorization_token_file": "/run/token"}"#,
        pcrseal_config_set_container_credentials(
            c("http://169.254.170.23/v1").as_ptr(),
            c("/run/token").as_ptr()
        )
    );
    cases
}

#[test]
fn every_setter_says_what_its_member_of_the_document_says() {
    let mut seen = BTreeSet::new();
    let plain = new();
    set(&plain, &|config, error| unsafe { pcrseal_config_set_environment_credentials(config, error) })
        .unwrap();
    assert_eq!(content(&plain), content(&from_json(&format!("{{{CLUSTER}, {CREDENTIALS}}}")).unwrap()));
    assert!(seen.insert(content(&plain)));
    for (json, setter) in cases() {
        let config = new();
        set(&config, &|config, error| unsafe { pcrseal_config_set_environment_credentials(config, error) })
            .unwrap();
        set(&config, &setter).unwrap();
        let rest = if json.contains("credentials") { String::new() } else { format!(", {CREDENTIALS}") };
        let document = from_json(&format!("{{{CLUSTER}, {json}{rest}}}"))
            .unwrap_or_else(|error| panic!("{json}: {}", error.message));
        assert_eq!(content(&config), content(&document), "{json}");
        // Each sets something, and no two the same.
        assert!(seen.insert(content(&config)), "{json}");
        // A document that was read is changed as any other configuration.
        let document = from_json(&format!("{{{CLUSTER}, {CREDENTIALS}}}")).unwrap();
        set(&document, &setter).unwrap();
        assert_eq!(content(&config), content(&document), "{json}");
    }
    assert_eq!(seen.len(), 38);
}

#[test]
fn a_host_that_moves_the_bytes() {
    let config = new();
    set(&config, &|config, error| unsafe { pcrseal_config_set_host_transport(config, error) }).unwrap();
    let document = from_json(&format!(r#"{{{CLUSTER}, "transport": "host"}}"#)).unwrap();
    assert_eq!(content(&config), content(&document));
}

#[test]
fn what_is_set_twice_and_what_adds_up() {
    let config = new();
    let pair = quorum(2, PCRSEAL_WRAPPING_ATTESTED, &ARNS[..2]);
    for _ in 0..2 {
        set(&config, &|config, error| unsafe { pcrseal_config_add_unseal_quorum(config, pair.get(), error) })
            .unwrap();
        set(&config, &|config, error| unsafe {
            pcrseal_config_add_root_certificates(config, b"PEM".as_ptr(), 3, error)
        })
        .unwrap();
    }
    for deadline in [1, 2] {
        set(&config, &|config, error| unsafe { pcrseal_config_set_deadline(config, deadline, error) })
            .unwrap();
    }
    // What a quorum becomes later is nothing to a configuration that has a copy of it.
    called(|error| unsafe { pcrseal_quorum_add_key(pair.get(), c(ARNS[2]).as_ptr(), error) }).unwrap();
    let settings = unsafe { &*config.get() }.settings();
    assert_eq!(settings.unseal_quorums.iter().map(|quorum| quorum.keys.len()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(settings.kms.root_certificates_pem.len(), 2);
    assert_eq!(settings.deadline.as_millis(), 2);
    set(&config, &|config, error| unsafe { pcrseal_config_set_clock(config, PCRSEAL_CLOCK_SYSTEM, error) })
        .unwrap();
    set(&config, &|config, error| unsafe { pcrseal_config_set_clock(config, PCRSEAL_CLOCK_ATTESTED, error) })
        .unwrap();
    assert_eq!(unsafe { &*config.get() }.settings().clock, pcrseal::config::ClockConfig::Attested);
}

#[test]
fn what_is_refused_changes_nothing() {
    let config = new();
    let before = content(&config);
    let long = c(&"x".repeat(4097));
    let setters: [(Code, Setter<'_>); 9] = [
        (Code::UnknownConstant, &|config, error| unsafe { pcrseal_config_set_clock(config, 0, error) }),
        (Code::UnknownConstant, &|config, error| unsafe { pcrseal_config_set_clock(config, 3, error) }),
        (Code::UnknownConstant, &|config, error| unsafe { pcrseal_config_set_timeout(config, 0, 1, error) }),
        (Code::UnknownConstant, &|config, error| unsafe { pcrseal_config_set_timeout(config, 6, 1, error) }),
        (Code::ConfigValue, &|config, error| unsafe {
            pcrseal_config_pin_seal_id(config, [0; 15].as_ptr(), 15, error)
        }),
        (Code::ConfigValue, &|config, error| unsafe {
            pcrseal_config_pin_seal_id(config, ptr::null(), 0, error)
        }),
        (Code::TextEncoding, &|config, error| unsafe {
            pcrseal_config_set_nsm_device(config, c"\xff".as_ptr(), error)
        }),
        (Code::InputLength, &|config, error| unsafe {
            pcrseal_config_set_feed_credentials_file(config, long.as_ptr(), error)
        }),
        (Code::NullPointer, &|config, error| unsafe {
            pcrseal_config_set_endpoint(config, c("eu-west-1").as_ptr(), ptr::null(), error)
        }),
    ];
    for (code, setter) in setters {
        assert_eq!(refused(set(&config, setter)), code);
        assert_eq!(content(&config), before);
    }
    for (threshold, wrapping, code) in
        [(2, 0, Code::UnknownConstant), (2, 3, Code::UnknownConstant), (256, 1, Code::QuorumSize)]
    {
        let quorum = made(pcrseal_quorum_free, |quorum, error| unsafe {
            pcrseal_quorum_new(threshold, wrapping, quorum, error)
        });
        assert_eq!(refused(quorum), code);
    }
}

#[test]
fn documents_that_are_refused() {
    let long = format!("{{{CLUSTER}, {CREDENTIALS}}}{}", " ".repeat(262_144));
    for (json, code) in [
        ("", Code::ConfigSyntax),
        ("{", Code::ConfigSyntax),
        ("{}", Code::ConfigMember),
        (r#"{"cluster": 1}"#, Code::ConfigType),
        (r#"{"cluster": "prod"}"#, Code::ConfigMember),
        (
            r#"{"cluster": "prod", "credentials": {"source": "environment"}, "deadline_ms": 0}"#,
            Code::ConfigValue,
        ),
        (&*long, Code::ConfigTooLong),
    ] {
        assert_eq!(refused(from_json(json)), code, "{json:.100}");
    }
}
