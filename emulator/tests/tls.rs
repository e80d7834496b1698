//! The server over TLS, under a root that the test makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::ErrorKind;
use std::sync::Arc;

use common::{ACCOUNT, Client, NOON, REGION, ROLE};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{Fault, KeyOptions, Kms, PortFault, Principal};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;

const HOST: &str = "kms.eu-west-1.amazonaws.com";

struct World {
    kms: Kms,
    client: Client,
    connector: TlsConnector,
}

async fn world() -> World {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let clock = Clock::fixed(NOON);
    let kms = Kms::builder().clock(&clock).tls(Arc::new(server)).start().await.unwrap();
    kms.add_principal(Principal::new("AKIATEST", "secret", ROLE).unwrap());
    let mut signer = Client::new_at(HOST, &clock, "AKIATEST", "secret");
    signer.region = REGION.into();
    World { kms, client: signer, connector: TlsConnector::from(Arc::new(client)) }
}

/// Sends one request; what came, and how it ended.
async fn describe(world: &World, arn: &str) -> (Vec<u8>, Result<usize, ErrorKind>) {
    let stream = TcpStream::connect(world.kms.port().unwrap().address()).await.unwrap();
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = world.connector.connect(name, stream).await.unwrap();
    stream.write_all(&world.client.request("DescribeKey", &json!({ "KeyId": arn }))).await.unwrap();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await.map_err(|error| error.kind());
    (answer, end)
}

#[tokio::test]
async fn requests_and_faults_go_through_tls() {
    let world = world().await;
    assert!(world.kms.endpoint().starts_with("https://127.0.0.1:"));
    let arn = world.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let key = world.kms.key(&arn).unwrap();
    let (answer, end) = describe(&world, &arn).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    // The end is TLS's own: close_notify, no truncation.
    assert_eq!(end, Ok(answer.len()));
    key.set_fault(Fault::LongContentLength);
    let (cut, end) = describe(&world, &arn).await;
    assert_eq!(end, Ok(cut.len()));
    key.set_fault(Fault::ResetInBody);
    let (cut, end) = describe(&world, &arn).await;
    assert!(cut.starts_with(b"HTTP/1.1 200 OK\r\n") && cut.len() < answer.len());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_silent_port_does_not_shake_hands() {
    let world = world().await;
    let port = world.kms.open_port().await.unwrap();
    assert!(port.endpoint().starts_with("https://"));
    port.set_fault(PortFault::Silence);
    let stream = TcpStream::connect(port.address()).await.unwrap();
    let name = ServerName::try_from(HOST).unwrap();
    assert!(timeout(Duration::from_millis(300), world.connector.connect(name, stream)).await.is_err());
    // One that speaks plain HTTP to it gets no answer in plain HTTP.
    port.set_fault(None);
    let mut stream = TcpStream::connect(port.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
}
