//! Every member is read, and what is not said is the default.

use std::path::PathBuf;
use std::time::Duration;

use pcrseal::config::{
    AttesterConfig, ClockConfig, Config, CredentialsConfig, KmsConfig, QuorumConfig, TransportConfig,
};
use pcrseal::core::names::Wrapping;
use pcrseal::core::pcr::PcrIndex;
use pcrseal::kms::VsockAddress;
use serde_json::json;

use super::{SECRET, TOKEN, documents, read};

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
