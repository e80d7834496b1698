//! From a JSON document to a sealed and opened secret, against the emulated AWS and its module's socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{IMAGE, OTHER_IMAGE, World, attested_policy};
use pcrseal::config::Config;
use pcrseal::core::names::Wrapping;
use pcrseal::kms::Client;
use pcrseal::{AutoUnseal, Code};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::rustls::ServerConfig;
use pcrseal_emulator::kms::{Kms, Operation, Principal};
use pcrseal_emulator::nsm::{Authority, NsmSocket};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// An enclave's module on a socket, removed with it.
struct Module {
    _served: NsmSocket,
    folder: PathBuf,
}

impl Module {
    fn serve(world: &World, image: [pcrseal::core::pcr::Pcr; 3]) -> Self {
        let id = std::thread::current().id();
        let name = format!("pcrseal-session-{}-{id:?}-{}", std::process::id(), image[0].as_bytes()[0]);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let served = NsmSocket::serve(folder.join("nsm"), Arc::new(world.nsm(image))).unwrap();
        Self { _served: served, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("nsm")
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A sound document for this world and an enclave in it; limits that a slow machine does not meet.
fn document(world: &World, endpoint: &str, module: &Module) -> Value {
    let keys: Vec<_> = world.keys.iter().map(|key| key.arn().to_owned()).collect();
    json!({
        "cluster": "test-eu-central-1",
        "seal_quorum": {"threshold": 3, "keys": keys, "wrapping": world.wrapping.name()},
        "attester": {"kind": "nsm_socket", "path": module.path()},
        "kms": {
            "endpoint": endpoint,
            "connect_timeout_ms": 60_000, "tls_timeout_ms": 60_000, "answer_timeout_ms": 60_000,
            "operation_timeout_ms": 60_000,
        },
        "credentials": {
            "source": "static",
            "access_key_id": "ASIATEST", "secret_access_key": "test-secret", "session_token": "test-token",
        },
        "deadline_ms": 60_000,
    })
}

fn session(document: &Value) -> AutoUnseal<Client> {
    let config = Config::from_json(document.to_string().as_bytes()).unwrap();
    config.auto_unseal(config.open_attester().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_seals_and_unseals() {
    let world = World::new().await;
    let module = Module::serve(&world, IMAGE);
    let mut document = document(&world, &world.aws.endpoint(), &module);
    document["external_aad"] = json!("aGVsbG8=");
    let sealed = session(&document).seal_generated(32, &[]).await.unwrap();
    let unsealed = session(&document).unseal(&sealed.blob).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(sealed.opened.secret().expose()));

    let refused = |document: Value| {
        let blob = sealed.blob.clone();
        async move { session(&document).unseal(&blob).await.unwrap_err().code() }
    };
    let with = |member: &str, value: Value| {
        let mut document = document.clone();
        document[member] = value;
        document
    };
    assert_eq!(refused(with("external_aad", json!(""))).await, Code::ContentRejected);
    assert_eq!(refused(with("minimum_generation", json!(2))).await, Code::GenerationTooOld);
    assert_eq!(refused(with("seal_id", json!("00".repeat(16)))).await, Code::SealIdMismatch);
    assert_eq!(refused(with("cluster", json!("other"))).await, Code::ClusterMismatch);
    let other = Module::serve(&world, OTHER_IMAGE);
    let attester = json!({"kind": "nsm_socket", "path": other.path()});
    assert_eq!(refused(with("attester", attester)).await, Code::PcrDrift);
}

/// The system's clock is years away from the emulated AWS's, which the module's follows.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_by_the_attesters_time() {
    let clock = Clock::tokio(2_000_000_000_000);
    let world = World::with_clocks(Wrapping::Attested, attested_policy(), &clock, &clock).await;
    let module = Module::serve(&world, IMAGE);
    let document = document(&world, &world.aws.endpoint(), &module);
    session(&document).seal_generated(32, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedged_unseal_asks_as_few_keys_as_it_needs() {
    let world = World::new().await;
    let module = Module::serve(&world, IMAGE);
    let mut document = document(&world, &world.aws.endpoint(), &module);
    let sealed = session(&document).seal_generated(32, &[]).await.unwrap();
    document["hedge_delay_ms"] = json!(3_600_000);
    let before = world.requests(Operation::Decrypt);
    // The delay is cut to a third of the deadline, an hour here.
    document["deadline_ms"] = json!(3_600_000);
    session(&document).unseal(&sealed.blob).await.unwrap();
    assert_eq!(world.requests(Operation::Decrypt) - before, 3);
}

/// A KMS whose certificate is trusted because the document names it, and not otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn roots_are_those_of_the_document() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let tls = ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(tls.with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let clock = Clock::system();
    let authority = Authority::new(&clock).unwrap();
    let aws = Kms::builder().authority(&authority).tls(tls).start().await.unwrap();
    aws.add_principal(
        Principal::new("ASIATEST", "test-secret", common::ROLE).unwrap().session_token("test-token"),
    );
    let keys = (0..5).map(|number| common::own_key(&aws, number, attested_policy())).collect();
    let world = World { authority, clock, aws: Arc::new(aws), keys, wrapping: Wrapping::Attested };
    let module = Module::serve(&world, IMAGE);
    let endpoint = format!("https://{}", world.aws.port().unwrap().address());
    let mut document = document(&world, &endpoint, &module);
    document["kms"]["attempts"] = json!(1);
    let error = session(&document).seal_generated(32, &[]).await.unwrap_err();
    assert!(error.report().keys.iter().all(|row| row.code == Some(Code::KmsTls)), "{error}");
    document["kms"]["root_certificates_pem"] = json!([pem(made.cert.der())]);
    session(&document).seal_generated(32, &[]).await.unwrap();
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

#[tokio::test]
async fn a_session_of_the_hosts_has_no_client() {
    let world = World::new().await;
    let keys: Vec<_> = world.keys.iter().map(|key| key.arn().to_owned()).collect();
    let document = json!({
        "cluster": "a", "transport": "host", "seal_quorum": {"threshold": 2, "keys": keys},
    });
    let mut config = Config::from_json(document.to_string().as_bytes()).unwrap();
    let fault = |config: &Config| config.auto_unseal(Arc::new(world.nsm(IMAGE))).err().unwrap();
    assert_eq!(fault(&config).code(), Code::ConfigTransport);

    config.transport = pcrseal::config::TransportConfig::Own;
    assert_eq!(fault(&config).code(), Code::ConfigMember);
    let credentials = pcrseal::config::CredentialsConfig::Environment;
    config.credentials = Some(credentials.clone());
    assert!(config.auto_unseal(Arc::new(world.nsm(IMAGE))).is_ok());
    config.deadline = Duration::ZERO;
    assert_eq!(fault(&config).code(), Code::ConfigValue);
    config.deadline = Duration::from_secs(1);
    config.cluster = "a b".into();
    assert_eq!(fault(&config).code(), Code::ClusterId);
}

/// What the client says of what it cannot use comes through as it is, and names no secret.
#[tokio::test]
async fn what_the_client_refuses_has_its_code() {
    let world = World::new().await;
    let module = Module::serve(&world, IMAGE);
    let sound = document(&world, &world.aws.endpoint(), &module);
    for (member, value, code) in [
        ("/kms", json!({"endpoint": "ftp://kms.example"}), Code::KmsEndpoint),
        ("/kms", json!({"endpoint": "http://kms.example"}), Code::KmsEndpointNotLoopback),
        ("/kms", json!({"region_endpoints": {"us-east-1": "kms.example"}}), Code::KmsEndpoint),
        ("/kms", json!({"root_certificates_pem": ["hunter2"]}), Code::KmsRootCertificate),
        ("/credentials/access_key_id", json!("hunter2!"), Code::KmsCredentials),
        ("/credentials/secret_access_key", json!("hunter2 "), Code::KmsCredentials),
        ("/credentials/session_token", json!("hunter2\n"), Code::KmsCredentials),
        ("/credentials", json!({"source": "imds", "role": "hunter 2"}), Code::CredentialsConfiguration),
        (
            "/credentials",
            json!({"source": "container", "url": "http://10.0.0.1/hunter2"}),
            Code::CredentialsEndpoint,
        ),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(member).unwrap() = value;
        let config = Config::from_json(document.to_string().as_bytes()).unwrap();
        let error = config.auto_unseal(Arc::new(world.nsm(IMAGE))).err().unwrap();
        assert_eq!(error.code(), code, "{document}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        if code == Code::KmsCredentials {
            assert!(shown.contains(member.rsplit('/').next().unwrap()), "{shown}");
        }
    }
}
