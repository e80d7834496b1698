//! TLS: who is believed to be KMS, and who is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use base64ct::{Base64, Encoding};
use common::authority::Authority;
use common::{DESCRIBE, METADATA, REGION, Server, builder, ok};
use pcrseal_core::error::Code;
use pcrseal_kms::{ClientBuilder, Error, RetryPolicy};
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion};
use tokio_rustls::TlsAcceptor;

/// What a server saw of each handshake.
#[derive(Clone, Debug, PartialEq)]
struct Handshake {
    version: ProtocolVersion,
    group: Option<NamedGroup>,
    kind: HandshakeKind,
}

/// Answers one request per connection, and tells of the handshakes.
async fn observed(acceptor: TlsAcceptor) -> (std::net::SocketAddr, Arc<Mutex<Vec<Handshake>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            let connection = stream.get_ref().1;
            shared.lock().unwrap().push(Handshake {
                version: connection.protocol_version().unwrap(),
                group: connection.negotiated_key_exchange_group().map(|group| group.name()),
                kind: connection.handshake_kind().unwrap(),
            });
            common::serve_once(&mut stream, &ok(METADATA)).await;
        }
    });
    (address, seen)
}

fn https(server: &Server) -> ClientBuilder {
    builder().endpoint_url(&format!("https://{}", server.address))
}

async fn refused(builder: ClientBuilder, server: &Server) -> String {
    let error = builder.build().unwrap().describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsTls, "{error}");
    assert!(!error.is_retryable());
    assert_eq!(server.requests().len(), 0, "a request went to somebody unproven");
    error.to_string()
}

#[tokio::test]
async fn a_root_in_der_is_believed_and_the_connection_kept() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let client = https(&server).root_certificate_der(authority.der()).build().unwrap();
    for _ in 0..3 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_bundle_of_roots_in_pem_is_believed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut pem = "# a comment\n".to_owned();
    for der in [other.der(), authority.der()] {
        pem += "-----BEGIN CERTIFICATE-----\n";
        for line in Base64::encode_string(der).as_bytes().chunks(64) {
            pem += &String::from_utf8_lossy(line);
            pem += "\n";
        }
        pem += "-----END CERTIFICATE-----\n";
    }
    let server = authority.server("localhost").await;
    let client = builder()
        .endpoint_url(&format!("https://localhost:{}", server.address.port()))
        .root_certificates_pem(pem.as_bytes())
        .build()
        .unwrap();
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert!(server.requests()[0].contains(&format!("host: localhost:{}", server.address.port())));
}

#[tokio::test]
async fn a_server_under_another_root_is_refused() {
    let server = Authority::new().server("127.0.0.1").await;
    for (root, reason) in [("another root", "UnknownIssuer"), ("a root", "BadSignature")] {
        let root = Authority::named(root);
        let text = refused(https(&server).root_certificate_der(root.der()), &server).await;
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn a_server_with_another_name_is_refused() {
    let authority = Authority::new();
    let server = authority.server("kms.eu-central-1.amazonaws.com").await;
    let text = refused(https(&server).root_certificate_der(authority.der()), &server).await;
    assert!(text.contains("not valid for name"), "{text}");
}

#[tokio::test]
async fn certificates_are_checked_at_the_time_of_the_given_clock() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let years = |years: u64| move || UNIX_EPOCH + Duration::from_secs(years * 31_556_952);
    let at = |year: u64| https(&server).root_certificate_der(authority.der()).time_source(years(year - 1970));
    assert!(refused(at(1972), &server).await.contains("not valid yet"));
    assert!(refused(at(4200), &server).await.contains("expired"));
    at(2500).build().unwrap().describe_key(REGION, &DESCRIBE).await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let authority = Authority::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut tcp, &ok(METADATA)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    });
    let client = builder()
        .endpoint_url(&format!("https://{address}"))
        .root_certificate_der(authority.der())
        .build()
        .unwrap();
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsTls);
}

#[tokio::test]
async fn a_handshake_that_hangs_ends_with_its_own_timeout() {
    let authority = Authority::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limit = Duration::from_millis(100);
    let client = builder()
        .endpoint_url(&format!("https://{}", listener.local_addr().unwrap()))
        .root_certificate_der(authority.der())
        .tls_timeout(limit)
        .build()
        .unwrap();
    let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { code: Code::KmsTlsTimeout, limit: l, .. } if l == limit));
}

#[tokio::test]
async fn a_handshake_that_is_cut_off_may_be_retried() {
    let authority = Authority::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { drop(listener.accept().await) });
    let client = builder()
        .endpoint_url(&format!("https://{address}"))
        .root_certificate_der(authority.der())
        .build()
        .unwrap();
    let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsConnect, "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn key_exchange_is_hybrid_and_sessions_are_resumed() {
    let authority = Authority::new();
    let (address, seen) = observed(authority.acceptor("127.0.0.1")).await;
    let client = builder()
        .endpoint_url(&format!("https://{address}"))
        .root_certificate_der(authority.der())
        .build()
        .unwrap();
    for _ in 0..2 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    let hybrid =
        |kind| Handshake { version: ProtocolVersion::TLSv1_3, group: Some(NamedGroup::X25519MLKEM768), kind };
    assert_eq!(*seen.lock().unwrap(), [hybrid(HandshakeKind::Full), hybrid(HandshakeKind::Resumed)]);
}

#[tokio::test]
async fn a_server_of_tls_1_2_is_served() {
    let authority = Authority::new();
    let (address, seen) = observed(authority.acceptor_of("127.0.0.1", &[&rustls::version::TLS12])).await;
    let client = builder()
        .endpoint_url(&format!("https://{address}"))
        .root_certificate_der(authority.der())
        .build()
        .unwrap();
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(seen.lock().unwrap()[0].version, ProtocolVersion::TLSv1_2);
}

#[tokio::test]
async fn without_roots_given_only_amazons_are_believed() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let text = refused(https(&server), &server).await;
    assert!(text.contains("UnknownIssuer"), "{text}");
}

#[tokio::test]
async fn a_refused_server_is_not_asked_again() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let client = https(&server).retry_policy(RetryPolicy::default());
    refused(client, &server).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn connections_opened_ahead_are_the_ones_that_are_used() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let client = https(&server).root_certificate_der(authority.der()).build().unwrap();
    assert_eq!(client.distance(REGION), None);
    let warm = client.warm_up([REGION, REGION, "us-east-1"]).await;
    warm.credentials.unwrap();
    assert!(warm.regions.iter().all(|(_, took)| took.is_ok()), "{:?}", warm.regions);
    assert!(client.distance(REGION).is_some());
    let (first, second) =
        tokio::join!(client.describe_key(REGION, &DESCRIBE), client.describe_key(REGION, &DESCRIBE));
    assert!(first.is_ok() && second.is_ok());
    client.describe_key("us-east-1", &DESCRIBE).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}
