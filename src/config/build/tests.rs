//! Every member reaches what is made of it.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use serde_json::{Value, json};

use super::super::Config;
use crate::kms::wire::DescribeKeyRequest;
use crate::kms::{self, Client};
use crate::{AutoUnseal, FanOut};

const REGION: &str = "us-east-1";
const SECOND: Duration = Duration::from_secs(1);

/// An attester that says no to everything.
struct Silent;

impl Attester for Silent {
    fn measured_pcrs(&self) -> Result<PcrSet, Fault> {
        Err(Code::Attester.into())
    }

    fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Fault> {
        Err(Code::Attester.into())
    }
}

/// A small sound document, and these members.
fn config(members: Value) -> Config {
    let mut document = json!({
        "cluster": "test",
        "unseal_quorums": [{"threshold": 2, "keys": [
            "arn:aws:kms:us-east-1:111122223333:key/a",
            "arn:aws:kms:us-east-1:111122223333:key/b",
        ]}],
        "clock": "system",
        "credentials": {
            "source": "static", "access_key_id": "AKID", "secret_access_key": "hunter2", "session_token": "t0ken",
        },
    });
    let Value::Object(members) = members else { panic!("{members}") };
    document.as_object_mut().unwrap().extend(members);
    Config::from_json(document.to_string().as_bytes()).unwrap()
}

fn session(members: Value) -> Result<AutoUnseal<Client>, Fault> {
    config(members).auto_unseal(Arc::new(Silent))
}

async fn describe(kms: Value) -> kms::Error {
    let request =
        DescribeKeyRequest { key_id: "arn:aws:kms:us-east-1:111122223333:key/a", grant_tokens: &[] };
    let session = session(json!({"kms": kms})).unwrap();
    session.kms.describe_key(REGION, &request).await.unwrap_err()
}

/// What the client says of a region where nobody listens.
async fn unreachable(region: &str, kms: Value) -> String {
    let session = session(json!({"kms": kms})).unwrap();
    let warm_up = session.kms.warm_up([region]).await;
    warm_up.regions.into_iter().next().unwrap().1.unwrap_err().to_string()
}

/// A port where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that gives each connection in turn one of these answers, and the questions that it got.
fn answering(answers: &'static [&'static str]) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let questions =
        move || answers.iter().map(|answer| question(listener.accept().unwrap().0, answer)).collect();
    (port, thread::spawn(questions))
}

fn question(mut stream: TcpStream, answer: &str) -> String {
    let head = read_head(&mut stream);
    stream.write_all(answer.as_bytes()).unwrap();
    String::from_utf8(head).unwrap().to_lowercase()
}

fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.extend(byte);
    }
    head
}

#[test]
fn the_session_is_as_its_members_say() {
    let default = session(json!({})).unwrap();
    assert_eq!(default.deadline, 30 * SECOND);
    assert_eq!(default.fan_out, FanOut::All);
    assert!(default.vouched.is_none() && default.external_aad.is_empty());

    let session = session(json!({
        "deadline_ms": 3_600_000, "hedge_delay_ms": 1, "external_aad": "aGVsbG8=", "allow_vouched_reseal": true,
    }));
    let session = session.unwrap();
    assert_eq!(session.deadline, 3600 * SECOND);
    assert_eq!(session.fan_out, FanOut::Hedged { delay: Duration::from_millis(1) });
    assert!(session.vouched.is_some());
    assert_eq!(&*session.external_aad, b"hello");
    assert_eq!(session.policy.cluster().as_str(), "test");
}

#[test]
fn the_attesters_clock_is_read_unless_the_systems_is_named() {
    assert!(session(json!({"clock": "system"})).is_ok());
    for members in [json!({"clock": "attested"}), json!({})] {
        let mut config = config(members.clone());
        if members == json!({}) {
            config.clock = Config::default().clock;
        }
        assert_eq!(config.auto_unseal(Arc::new(Silent)).err().unwrap().code(), Code::Attester);
    }
}

#[tokio::test]
async fn each_stage_has_its_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
    for (scheme, member, code, answer) in [
        ("https", "tls_timeout_ms", Code::KmsTlsTimeout, None),
        ("http", "answer_timeout_ms", Code::KmsAnswerTimeout, None),
        ("http", "body_timeout_ms", Code::KmsBodyTimeout, Some(head)),
        ("http", "operation_timeout_ms", Code::KmsTimeout, None),
    ] {
        let listener = listener.try_clone().unwrap();
        let holding = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            if let Some(answer) = answer {
                // An answer before its question is none.
                read_head(&mut stream);
                stream.write_all(answer.as_bytes()).unwrap();
            }
            stream
        });
        let mut kms = json!({
            "endpoint": format!("{scheme}://127.0.0.1:{port}"), "attempts": 1,
            "connect_timeout_ms": 60_000, "tls_timeout_ms": 60_000, "answer_timeout_ms": 60_000,
            "body_timeout_ms": 60_000, "operation_timeout_ms": 60_000,
        });
        kms[member] = json!(300);
        match describe(kms).await {
            kms::Error::Timeout { code: found, limit, .. } => {
                assert_eq!((found, limit), (code, Duration::from_millis(300)));
            }
            other => panic!("{member}: {other}"),
        }
        holding.join().unwrap();
    }
}

#[tokio::test]
async fn the_connection_has_its_limit() {
    // The queue of a listener that never accepts is full after two; what comes then gets no answer.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SECOND / 3, tokio::net::TcpStream::connect(address)).await
    {
        queue.push(stream);
    }
    let endpoint = format!("http://{address}");
    match describe(json!({"endpoint": endpoint, "attempts": 1, "connect_timeout_ms": 301})).await {
        kms::Error::Timeout { code, limit, .. } => {
            assert_eq!((code, limit), (Code::KmsConnectTimeout, Duration::from_millis(301)));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn attempts_are_counted() {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    for attempts in [1, 2] {
        let error = describe(json!({"endpoint": endpoint, "attempts": attempts})).await;
        assert_eq!((error.code(), error.attempts()), (Code::KmsConnect, Some(attempts)));
    }
}

#[tokio::test]
async fn each_region_has_its_way() {
    let (all, one) = (closed_port(), closed_port());
    let kms = json!({
        "endpoint": format!("http://127.0.0.1:{all}"),
        "region_endpoints": {"us-east-2": format!("http://127.0.0.1:{one}")},
    });
    assert!(unreachable("us-east-1", kms.clone()).await.contains(&format!("http://127.0.0.1:{all}")));
    assert!(unreachable("us-east-2", kms).await.contains(&format!("http://127.0.0.1:{one}")));

    for (fips, dual_stack, host) in [
        (false, false, "kms.us-east-1.amazonaws.com"),
        (true, false, "kms-fips.us-east-1.amazonaws.com"),
        (false, true, "kms.us-east-1.api.aws"),
        (true, true, "kms-fips.us-east-1.api.aws"),
    ] {
        // Nobody listens at this port of the machine itself (cid 1), if there is vsock at all.
        let kms = json!({
            "vsock": {"us-east-1": {"cid": 1, "port": 4_294_967_290_u32}}, "fips": fips, "dual_stack": dual_stack,
            "connect_timeout_ms": 100,
        });
        let error = unreachable("us-east-1", kms).await;
        assert!(error.contains(&format!("https://{host} by vsock:1:4294967290")), "{error}");
    }
}

#[test]
fn roots_are_read() {
    let amazon = include_str!("../../../kms-client/roots/amazon-root-ca-1.pem");
    assert!(session(json!({"kms": {"root_certificates_pem": [amazon, amazon]}})).is_ok());
    let error = session(json!({"kms": {"root_certificates_pem": [amazon, "no certificate"]}})).err().unwrap();
    assert_eq!(error.code(), Code::KmsRootCertificate);
}

/// Why there are no credentials.
async fn no_credentials(credentials: Value) -> String {
    let session = session(json!({"credentials": credentials})).unwrap();
    session.kms.warm_up([]).await.credentials.unwrap_err().to_string()
}

#[tokio::test]
async fn each_source_of_credentials_is_asked_where_it_is() {
    let tcp = |port: u16| json!({"tcp": {"host": "127.0.0.1", "port": port}});
    let port = closed_port();
    for (credentials, provider, place) in [
        (json!({"source": "feed", "address": tcp(port)}), "feed", format!("127.0.0.1:{port}")),
        (
            json!({"source": "feed", "address": {"unix": "/nowhere/feed"}}),
            "feed",
            "unix:/nowhere/feed".into(),
        ),
        (json!({"source": "feed_file", "path": "/nowhere/file"}), "feed", "/nowhere/file".into()),
        (json!({"source": "imds", "through": tcp(port)}), "imds", format!("127.0.0.1:{port}")),
        (
            json!({"source": "container", "url": format!("http://127.0.0.1:{port}/x")}),
            "container",
            format!("127.0.0.1:{port}"),
        ),
        (
            json!({"source": "container", "url": "http://169.254.170.2/x", "through": tcp(port)}),
            "container",
            format!("127.0.0.1:{port}"),
        ),
    ] {
        let error = no_credentials(credentials).await;
        assert!(error.contains(&format!("({provider})")) && error.contains(&place), "{error}");
    }
    // Whatever the variables of this process are, they are looked at by no other source.
    let environment = session(json!({"credentials": {"source": "environment"}})).unwrap();
    match (environment.kms.warm_up([]).await.credentials, std::env::var_os("AWS_ACCESS_KEY_ID")) {
        (Ok(()), Some(_)) => {}
        (Err(error), _) => assert!(error.to_string().contains("(environment)"), "{error}"),
        (Ok(()), None) => panic!("credentials from nowhere"),
    }
}

#[tokio::test]
async fn the_role_and_the_authorization_token_are_sent() {
    let refused = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    let token =
        "HTTP/1.1 200 OK\r\nx-aws-ec2-metadata-token-ttl-seconds: 60\r\ncontent-length: 5\r\n\r\ntoken";
    let (port, imds) = answering(Vec::leak(vec![token, refused]));
    let through = json!({"tcp": {"host": "127.0.0.1", "port": port}});
    no_credentials(json!({"source": "imds", "role": "enclave-role", "through": through})).await;
    let questions = imds.join().unwrap();
    assert!(
        questions[1].starts_with("get /latest/meta-data/iam/security-credentials/enclave-role "),
        "{questions:?}"
    );

    let folder = Folder::new();
    let file = folder.0.join("token");
    fs::write(&file, "authorization-of-this-test").unwrap();
    let (port, container) = answering(Vec::leak(vec![refused]));
    let url = format!("http://127.0.0.1:{port}/credentials");
    no_credentials(json!({"source": "container", "url": url, "authorization_token_file": file})).await;
    let questions = container.join().unwrap();
    assert!(questions[0].contains("authorization: authorization-of-this-test"), "{questions:?}");
}

/// A folder of this test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("pcrseal-config-{}-{:?}", std::process::id(), thread::current().id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn attesters_are_opened_where_they_are() {
    for (attester, code, place) in [
        (json!({"kind": "nsm", "device": "/nowhere/nsm"}), Code::NsmDeviceMissing, "/nowhere/nsm"),
        (json!({"kind": "nsm_socket", "path": "/nowhere/sock"}), Code::NsmSocket, "/nowhere/sock"),
    ] {
        let error = config(json!({"attester": attester})).open_attester().err().unwrap();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[test]
fn the_tpm_is_as_its_members_say() {
    let folder = Folder::new();
    let tool = folder.0.join("attest");
    // Says what it was asked, or nothing for long.
    fs::write(
        &tool,
        "#!/bin/sh\n[ $TPM_DEVICE = /dev/slow ] && exec sleep 600\necho $TPM_DEVICE $* >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.0.join("4"), "ab".repeat(48) + "\n").unwrap();
    let scratch = folder.0.join("scratch");
    fs::create_dir(&scratch).unwrap();
    let attester = |device, milliseconds| {
        let attester = json!({
            "kind": "nitro_tpm", "tool": tool, "device": device, "pcrs": folder.0, "measured_pcrs": [4],
            "scratch": scratch, "time_limit_ms": milliseconds,
        });
        config(json!({"attester": attester})).open_attester().unwrap()
    };
    let tpm = attester("/dev/quick", 600_000);
    let measured: PcrSet = [(PcrIndex::try_from(4).unwrap(), Pcr::new([0xab; 48]))].into_iter().collect();
    assert_eq!(tpm.measured_pcrs().unwrap(), measured);
    let request = AttestationRequest { nonce: Some(b"x"), ..AttestationRequest::default() };
    let error = tpm.attest(&request).unwrap_err().to_string();
    assert!(error.contains(&format!("/dev/quick --nonce {}", scratch.display())), "{error}");
    let error = attester("/dev/slow", 50).attest(&request).unwrap_err().to_string();
    assert!(error.contains("not ended after 50ms"), "{error}");

    let default = config(json!({"attester": {"kind": "nitro_tpm"}})).open_attester().unwrap();
    assert!(default.attest(&request).unwrap_err().to_string().contains("/usr/bin/nitro-tpm-attest"));
}
