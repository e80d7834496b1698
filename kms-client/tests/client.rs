//! The client against a scripted server: good answers, and every way to give a bad one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::{DESCRIBE, METADATA, REGION, Reply, Server, answer, builder, client, credentials, ok, soon};
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{
    DataKeySpec, DecryptRequest, EncryptRequest, EncryptionContext, GenerateDataKeyRequest, Released, sign,
};
use pcrseal_kms::{Client, Error, ErrorClass, RetryPolicy, VsockAddress};

async fn failure(server: &Server) -> Error {
    client(server).describe_key(REGION, &DESCRIBE).await.unwrap_err()
}

#[tokio::test]
async fn a_request_is_the_signed_form_and_nothing_else() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let client = builder().endpoint_url(&server.url()).time_source(move || now).build().unwrap();
    let metadata = client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(metadata.arn, DESCRIBE.key_id);

    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST / HTTP/1.1"));
    let sent: BTreeMap<_, _> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    let host = server.address.to_string();
    let headers =
        sign(&credentials(), REGION, &host, "TrentService.DescribeKey", body.as_bytes(), 1_440_938_160)
            .unwrap();
    let length = body.len().to_string();
    let mut expected: BTreeMap<_, _> = headers.iter().collect();
    expected.insert("content-length", &length);
    assert_eq!(sent, expected);
    assert_eq!(body, r#"{"KeyId":"arn:aws:kms:eu-central-1:111122223333:key/1"}"#);
}

#[tokio::test]
async fn the_other_three_operations() {
    let context = EncryptionContext::new();
    let encrypted = ok(r#"{"KeyId":"arn","CiphertextBlob":"YmxvYg=="}"#);
    let decrypted = ok(r#"{"KeyId":"arn","CiphertextForRecipient":"Y21z","Plaintext":""}"#);
    let generated =
        ok(r#"{"KeyId":"arn","CiphertextBlob":"YmxvYg==","Plaintext":"AAAAAAAAAAAAAAAAAAAAAA=="}"#);
    let script = [encrypted, decrypted, generated];
    let server = Server::start(move |_, request| Reply::Keep(script[request].clone())).await;
    let client = client(&server);

    let plaintext = Secret::copy_from(b"hello");
    let request = EncryptRequest {
        key_id: "arn",
        plaintext: &plaintext,
        encryption_context: &context,
        grant_tokens: &[],
        dry_run: false,
    };
    assert_eq!(client.encrypt(REGION, &request).await.unwrap().ciphertext_blob, b"blob");

    let request = DecryptRequest {
        key_id: "arn",
        ciphertext_blob: b"blob",
        encryption_context: &context,
        grant_tokens: &[],
        recipient: Some(b"doc"),
        dry_run: false,
    };
    let released = client.decrypt(REGION, &request).await.unwrap().released;
    assert!(matches!(released, Released::ForRecipient(cms) if cms == b"cms"));

    let request = GenerateDataKeyRequest {
        key_id: "arn",
        spec: DataKeySpec::Aes128,
        encryption_context: &context,
        grant_tokens: &[],
        recipient: None,
        dry_run: false,
    };
    let released = client.generate_data_key(REGION, &request).await.unwrap().released;
    assert!(matches!(released, Released::Plaintext(key) if key.expose() == [0; 16]));

    let targets: Vec<_> =
        server.requests().iter().map(|r| r.split("TrentService.").nth(1).unwrap()[..7].to_owned()).collect();
    assert_eq!(targets, ["Encrypt", "Decrypt", "Generat"]);
}

#[tokio::test]
async fn an_error_keeps_code_text_and_request_id() {
    let server = Server::start(|_, _| {
        let headers = "x-amzn-RequestId: 1111-2222\r\ncontent-type: application/x-amz-json-1.1\r\n";
        let body = r#"{"__type":"DisabledException","message":"arn:aws:kms:x is disabled."}"#;
        Reply::Keep(answer("400 Bad Request", headers, body))
    })
    .await;
    let error = failure(&server).await;
    assert_eq!(error.code(), Code::KmsKeyDisabled);
    assert!(!error.is_retryable());
    let text = error.to_string();
    for part in ["DisabledException", "arn:aws:kms:x is disabled.", "1111-2222", "400"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(matches!(error, Error::Service(error) if error.class() == ErrorClass::KeyDisabled));
}

#[tokio::test]
async fn a_hanging_server_is_given_up_and_the_connection_closed() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let limit = Duration::from_millis(100);
    let client = builder().endpoint_url(&server.url()).operation_timeout(limit).build().unwrap();
    let start = Instant::now();
    let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsTimeout);
    assert!(error.is_retryable());
    assert!(start.elapsed() >= limit && start.elapsed() < Duration::from_secs(30));
    soon(|| server.ended() == server.connections()).await;
}

#[tokio::test]
async fn a_dripping_server_does_not_stretch_the_limit() {
    let server = Server::start(|_, _| Reply::Drip(ok(METADATA), Duration::from_millis(200))).await;
    let limit = Duration::from_millis(200);
    let client = builder().endpoint_url(&server.url()).operation_timeout(limit).build().unwrap();
    let start = Instant::now();
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsTimeout);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn answers_without_end_are_given_up() {
    let head = b"HTTP/1.1 200 OK\r\n".as_slice();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
    let trailers = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n".as_slice();
    for (name, head, again, code) in [
        ("interim", b"".as_slice(), b"HTTP/1.1 103 Early Hints\r\n\r\n".as_slice(), Code::KmsTimeout),
        ("fields", head, b"a: b\r\n", Code::KmsHttp),
        ("one field", head, b"a", Code::KmsHttp),
        ("body", b"HTTP/1.1 200 OK\r\n\r\n", b"{", Code::KmsAnswerTooLong),
        ("chunks", chunked, b"1\r\n \r\n", Code::KmsAnswerTooLong),
        ("leading zeros", chunked, b"0", Code::KmsTimeout),
        ("chunk size", chunked, b"1", Code::KmsHttp),
        ("extension", chunked, b"1;a=b\r\n \r\n", Code::KmsHttp),
        ("trailers", trailers, b"a: b\r\n", Code::KmsHttp),
    ] {
        let server = Server::start(move |_, _| Reply::Forever(head, again)).await;
        // What costs no memory may go on until the time is up.
        let limit = Duration::from_secs(if code == Code::KmsTimeout { 1 } else { 60 });
        let client = builder().endpoint_url(&server.url()).operation_timeout(limit).build().unwrap();
        let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        soon(|| server.ended() == server.connections()).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: {}/\r\n", elsewhere.url());
        let server = Server::start(move |_, _| Reply::Keep(answer(status, &location, ""))).await;
        assert_eq!(failure(&server).await.code(), Code::KmsOther);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_an_error_and_not_retried() {
    for partial in [b"".as_slice(), b"HTTP/1.1 200 OK\r\ncontent-le"] {
        let server = Server::start(move |_, _| Reply::Close(partial.to_vec())).await;
        let error = failure(&server).await;
        assert_eq!(error.code(), Code::KmsHttp);
        assert!(error.to_string().contains(&server.url()), "{error}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    // Bound and not listening: nobody else can have the port.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr().unwrap();
    let client = builder().endpoint_url(&format!("http://{address}")).build().unwrap();
    let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsConnect);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_body_cut_short_is_an_error() {
    let mut cut = ok(METADATA);
    cut.truncate(cut.len() - 1);
    let server = Server::start(move |_, _| Reply::Close(cut.clone())).await;
    assert_eq!(failure(&server).await.code(), Code::KmsHttp);
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    for garbage in [
        b"\x00\xff\x00\xff garbage\r\n\r\n".as_slice(),
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let server = Server::start(move |_, _| Reply::Close(garbage.to_vec())).await;
        let shown = String::from_utf8_lossy(garbage);
        assert_eq!(failure(&server).await.code(), Code::KmsHttp, "{shown}");
        assert_eq!(server.connections(), 1, "{shown}");
    }
}

#[tokio::test]
async fn an_answer_of_http_that_is_not_json_is_a_bad_answer() {
    let server = Server::start(|_, _| Reply::Keep(ok("<html>"))).await;
    let error = failure(&server).await;
    assert_eq!(error.code(), Code::KmsAnswerMalformed);
    assert!(error.to_string().contains("req-1") && !error.to_string().contains("html"), "{error}");
}

#[tokio::test]
async fn oversize_bodies_are_refused() {
    let declared =
        b"HTTP/1.1 200 OK\r\nx-amzn-requestid: req-1\r\ncontent-length: 1099511627776\r\n\r\n".to_vec();
    let mut sent = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 256 * 1024 + 1).into_bytes();
    sent.extend(vec![b' '; 256 * 1024 + 1]);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend(b"4000\r\n");
        chunked.extend(vec![b' '; 0x4000]);
        chunked.extend(b"\r\n");
    }
    let until_close = {
        let mut bytes = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        bytes.extend(vec![b' '; 300_000]);
        bytes
    };
    for (name, bytes) in
        [("declared", declared), ("sent", sent), ("chunked", chunked), ("close", until_close)]
    {
        let server = Server::start(move |_, _| Reply::Close(bytes.clone())).await;
        let error = failure(&server).await;
        assert_eq!(error.code(), Code::KmsAnswerTooLong, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_long_chunked_body_within_the_bound_is_read() {
    let padded = METADATA.to_owned() + &" ".repeat(200_000);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in padded.as_bytes().chunks(1000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let server = Server::start(move |_, _| Reply::Keep(chunked.clone())).await;
    let client = client(&server);
    for _ in 0..2 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn oversize_heads_are_refused() {
    let one_long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100));
    let endless = "HTTP/1.1 200 OK\r\n".to_owned()
        + &"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(20_000);
    for head in [one_long, many, endless] {
        let server = Server::start(move |_, _| Reply::Close(head.clone().into_bytes())).await;
        assert_eq!(failure(&server).await.code(), Code::KmsHttp);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_run_side_by_side() {
    let server = Server::start(|_, _| Reply::Drip(ok(METADATA), Duration::from_millis(1))).await;
    let client = client(&server);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.describe_key(REGION, &DESCRIBE).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.requests().len(), 8);
}

#[tokio::test]
async fn the_endpoint_of_a_region_goes_before_the_general_one() {
    let general = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let special = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = builder()
        .endpoint_url(&general.url())
        .region_endpoint_url("us-east-1", &special.url())
        .build()
        .unwrap();
    client.describe_key("us-east-1", &DESCRIBE).await.unwrap();
    client.describe_key("us-east-2", &DESCRIBE).await.unwrap();
    let scopes = |server: &Server| -> Vec<bool> {
        server.requests().iter().map(|request| request.contains("/us-east-1/kms/")).collect()
    };
    assert_eq!((scopes(&special), scopes(&general)), (vec![true], vec![false]));
}

#[tokio::test]
async fn nothing_is_sent_for_a_request_that_cannot_be() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = client(&server);
    let request = pcrseal_kms::wire::DescribeKeyRequest { key_id: "", grant_tokens: &[] };
    assert_eq!(client.describe_key(REGION, &request).await.unwrap_err().code(), Code::KmsKeyId);
    assert_eq!(client.describe_key("nowhere", &DESCRIBE).await.unwrap_err().code(), Code::KmsRegion);
    let before_1970 = || SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let client = builder().endpoint_url(&server.url()).time_source(before_1970).build().unwrap();
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsClock);
    assert_eq!(server.connections(), 0);
}

#[test]
fn configurations_that_cannot_be() {
    let code = |builder: pcrseal_kms::ClientBuilder| match builder.build() {
        Err(Error::Configuration(fault)) => fault.code(),
        other => panic!("{other:?}"),
    };
    let local = "http://127.0.0.1:1";
    assert_eq!(code(Client::builder().endpoint_url(local)), Code::KmsCredentials);
    for max_attempts in [0, 11] {
        let policy = RetryPolicy { max_attempts, ..RetryPolicy::default() };
        assert_eq!(code(builder().retry_policy(policy)), Code::KmsRetryPolicy);
    }
    assert_eq!(code(builder().endpoint_url("http://10.0.0.1")), Code::KmsEndpointNotLoopback);
    assert_eq!(
        code(builder().region_endpoint_url("us-east-1", "http://kms.example")),
        Code::KmsEndpointNotLoopback
    );
    assert_eq!(code(builder().endpoint_url("127.0.0.1:1")), Code::KmsEndpoint);
    assert_eq!(code(builder().region_endpoint_url("nowhere", local)), Code::KmsRegion);
    for junk in [b"".as_slice(), b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(code(builder().endpoint_url(local).root_certificates_pem(junk)), Code::KmsRootCertificate);
        assert_eq!(code(builder().endpoint_url(local).root_certificate_der(junk)), Code::KmsRootCertificate);
    }
    let parent = VsockAddress { cid: 3, port: 8000 };
    assert_eq!(code(builder().region_vsock("nowhere", parent)), Code::KmsRegion);
    assert_eq!(
        code(builder().endpoint_url(local).region_vsock("us-east-1", parent)),
        Code::KmsEndpointNotLoopback
    );
    assert!(builder().endpoint_url(local).build().is_ok());
    assert!(builder().region_vsock("us-east-1", parent).build().is_ok());
}

#[test]
fn debug_of_a_client_holds_no_secret() {
    let builder = builder().endpoint_url("http://127.0.0.1:1");
    let shown = format!("{builder:?}");
    let shown = shown + &format!("{:?}", builder.build().unwrap());
    assert!(!shown.contains("secret") && !shown.contains("token"), "{shown}");
}
