//! Faults, delays, hostile requests, many connections, the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{ACCOUNT, Fixture, REGION, send, send_raw};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_emulator::kms::{Fault, KeyHandle, KeyOptions, Kms, KmsError, OVERSIZE_BODY_LEN, Operation};
use serde_json::{Value, json};
use tokio::time::timeout;

struct Faulty {
    fixture: Fixture,
    key: KeyHandle,
    /// A Decrypt of 32 times `p`, with a recipient.
    request: Value,
    spki: Vec<u8>,
}

async fn faulty() -> Faulty {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let plaintext = STANDARD.encode([b'p'; 32]);
    let encrypted =
        fixture.client.call("Encrypt", &json!({ "KeyId": arn, "Plaintext": plaintext })).await.ok();
    let public = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap().public_key();
    let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
    let spki = spki.as_ref().to_vec();
    let document =
        fixture.nsm.attest(&AttestationRequest { public_key: Some(&spki), ..Default::default() }).unwrap();
    let request = json!({
        "KeyId": arn,
        "CiphertextBlob": encrypted.text("CiphertextBlob"),
        "Recipient": {
            "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "AttestationDocument": STANDARD.encode(document),
        },
    });
    let key = fixture.kms.key(&arn).unwrap();
    Faulty { fixture, key, request, spki }
}

#[tokio::test]
async fn lying_answers() {
    let Faulty { fixture, key, request, spki } = faulty().await;
    let client = &fixture.client;
    let mut plain = request.clone();
    plain.as_object_mut().unwrap().remove("Recipient");
    let names_recipient =
        |message: &[u8]| message.windows(32).any(|window| window == digest(&SHA256, &spki).as_ref());

    let honest = client.call("Decrypt", &request).await.ok();
    assert!(names_recipient(&honest.blob("CiphertextForRecipient")));
    assert_eq!(client.call("Decrypt", &plain).await.ok().blob("Plaintext"), [b'p'; 32]);

    key.set_fault(Fault::WrongPlaintext);
    let wrong = client.call("Decrypt", &plain).await.ok().blob("Plaintext");
    assert_eq!(wrong.len(), 32);
    assert_ne!(wrong, [b'p'; 32]);
    key.set_fault(Fault::OtherRecipient);
    let reply = client.call("Decrypt", &request).await.ok();
    assert!(!names_recipient(&reply.blob("CiphertextForRecipient")));
    key.set_fault(Fault::PlaintextBeside);
    let reply = client.call("Decrypt", &request).await.ok();
    assert_eq!(reply.blob("Plaintext"), [b'p'; 32]);
    assert!(names_recipient(&reply.blob("CiphertextForRecipient")));
    key.set_fault(Fault::PlaintextOnly);
    let reply = client.call("Decrypt", &request).await.ok();
    assert_eq!(reply.blob("Plaintext"), [b'p'; 32]);
    assert_eq!(reply.json().get("CiphertextForRecipient"), None);
    key.set_fault(Fault::WrongKeyId);
    let reply = client.call("Decrypt", &request).await.ok();
    assert_ne!(reply.text("KeyId"), key.arn());
    assert_eq!(reply.text("KeyId").len(), key.arn().len());
    let described = client.call("DescribeKey", &json!({ "KeyId": key.arn() })).await.ok().json();
    assert_ne!(described["KeyMetadata"]["Arn"], key.arn());
    key.set_fault(None);
    assert_eq!(client.call("Decrypt", &request).await.ok().text("KeyId"), key.arn());
    assert_eq!(key.requests(Operation::Decrypt), 8);
}

#[tokio::test]
async fn broken_answers() {
    let Faulty { fixture, key, request, .. } = faulty().await;
    let client = &fixture.client;
    key.set_fault(Fault::GarbageBody);
    let reply = client.call("Decrypt", &request).await;
    assert_eq!((reply.status, serde_json::from_slice::<Value>(&reply.body).is_err()), (200, true));
    key.set_fault(Fault::EmptyBody);
    let reply = client.call("Decrypt", &request).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    key.set_fault(Fault::OversizeBody);
    let reply = client.call("Decrypt", &request).await;
    assert_eq!((reply.status, reply.body.len()), (200, OVERSIZE_BODY_LEN));
    key.set_fault(Fault::CloseConnection);
    assert!(client.try_call("Decrypt", &request).await.is_none());
    key.set_fault(Fault::InternalError);
    client.call("Decrypt", &request).await.is_error(500, "KMSInternalException", "");
    key.set_fault(Fault::Throttling);
    client.call("Decrypt", &request).await.is_error(400, "ThrottlingException", "exceeded the rate");
    key.set_fault(Fault::Hang);
    assert!(timeout(Duration::from_millis(300), client.try_call("Decrypt", &request)).await.is_err());
    // Other keys do not suffer.
    let other = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    client.call("DescribeKey", &json!({ "KeyId": other })).await.ok();
}

#[tokio::test]
async fn a_delayed_key_answers_late_and_others_do_not() {
    let Faulty { fixture, key, request, .. } = faulty().await;
    let delay = Duration::from_millis(1500);
    key.set_delay(delay);
    let start = Instant::now();
    let other = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let describe = json!({ "KeyId": other });
    let (slow, quick) = tokio::join!(
        async {
            fixture.client.call("Decrypt", &request).await.ok();
            start.elapsed()
        },
        async {
            fixture.client.call("DescribeKey", &describe).await.ok();
            start.elapsed()
        }
    );
    assert!(slow >= delay, "{slow:?}");
    assert!(quick < slow, "{quick:?} {slow:?}");
}

#[tokio::test]
async fn hostile_requests_do_no_harm() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let nested = format!("{{\"EncryptionContext\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for body in [&b"\xff\xfe"[..], b"{", b"null", &deep, nested.as_bytes(), b"{\"KeyId\":\"\\ud800\"}"] {
        let reply =
            send(&client.address, "POST / HTTP/1.1", &client.sign("DescribeKey", body), body).await.unwrap();
        reply.is_error(400, "SerializationException", "");
    }
    let big = vec![b' '; 800 * 1024];
    let reply =
        send(&client.address, "POST / HTTP/1.1", &client.sign("DescribeKey", &big), &big).await.unwrap();
    reply.is_error(413, "RequestEntityTooLargeException", "");
    for line in ["GET / HTTP/1.1", "POST /other HTTP/1.1", "PUT / HTTP/1.1"] {
        let reply = send(&client.address, line, &client.sign("DescribeKey", b""), b"").await.unwrap();
        reply.is_error(404, "UnknownOperationException", "");
    }
    let long = "x".repeat(1_000_000);
    for raw in [
        "nonsense\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "POST / HTTP/9.9\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {long}\r\n\r\n"),
    ] {
        let reply = send_raw(&client.address, raw.as_bytes()).await;
        assert!(reply.is_none_or(|reply| (400..500).contains(&reply.status)), "{raw:.40}");
    }
    let scope = "AWS4-HMAC-SHA256 Credential=AKIATEST/20260115/eu-west-1/kms/aws4_request";
    // The answer may be lost, as the server closes without reading on.
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {}\r\n\r\n", &long[..200_000]);
    let reply = send_raw(&client.address, head.as_bytes()).await;
    assert!(reply.is_none_or(|reply| reply.status == 431));
    for authorization in [
        String::new(),
        "AWS4-HMAC-SHA256".into(),
        "AWS4-HMAC-SHA256 ".into(),
        "AWS4-HMAC-SHA256é Credential=".into(),
        "AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=é".into(),
        format!("{scope},SignedHeaders=host;x-amz-date;x-amz-target;\u{1}b,Signature=zz"),
        format!("{scope},SignedHeaders=host;x-amz-date;x-amz-target,Signature=0"),
    ] {
        let mut headers = client.sign("DescribeKey", b"{}");
        headers.last_mut().unwrap().1.clone_from(&authorization);
        let reply = send(&client.address, "POST / HTTP/1.1", &headers, b"{}").await;
        assert!(reply.is_none_or(|reply| reply.status == 400), "{authorization}");
    }
    for date in ["", "x", "20260115T1200Z", "20261315T120000Z", "99999999T999999Z"] {
        let mut headers = client.sign("DescribeKey", b"{}");
        headers.iter_mut().find(|(name, _)| name == "x-amz-date").unwrap().1 = date.into();
        let reply = send(&client.address, "POST / HTTP/1.1", &headers, b"{}").await.unwrap();
        assert_eq!(reply.text("__type"), "IncompleteSignatureException", "{date}");
    }
    client.call("CreateKey", &json!({})).await.ok();
}

/// More clients than the server takes connections give up on a key that hangs: it must notice, or it would
/// accept nobody any more.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_give_up_free_their_connections() {
    let Faulty { fixture, key, .. } = faulty().await;
    key.set_fault(Fault::Hang);
    for _ in 0..11 {
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let (client, request) = (fixture.client.clone(), json!({ "KeyId": key.arn() }));
                tokio::spawn(async move {
                    let call = client.try_call("DescribeKey", &request);
                    assert!(timeout(Duration::from_millis(100), call).await.is_err());
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    }
    key.set_fault(None);
    let request = json!({ "KeyId": key.arn() });
    let call = fixture.client.call("DescribeKey", &request);
    timeout(Duration::from_secs(60), call).await.unwrap().ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_are_served() {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (client, request) = (fixture.client.clone(), json!({ "KeyId": arn }));
            tokio::spawn(async move { client.call("DescribeKey", &request).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(fixture.kms.key(&arn).unwrap().total_requests(), 200);
}

#[tokio::test]
async fn dropping_the_handle_ends_the_server_and_its_connections() {
    let Faulty { fixture, key, request, .. } = faulty().await;
    key.set_fault(Fault::Hang);
    let client = fixture.client.clone();
    let hanging = tokio::spawn(async move { client.try_call("Decrypt", &request).await.is_none() });
    while key.requests(Operation::Decrypt) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let address = fixture.client.address.clone();
    drop(fixture);
    assert!(timeout(Duration::from_secs(60), hanging).await.unwrap().unwrap());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn only_loopback_is_served() {
    let refused = Kms::builder().listen("0.0.0.0:0".parse().unwrap()).start().await;
    assert!(matches!(refused, Err(KmsError::NotLoopback(_))));
    let taken = Kms::builder().start().await.unwrap();
    let address = taken.endpoint().strip_prefix("http://").unwrap().parse().unwrap();
    assert!(matches!(Kms::builder().listen(address).start().await, Err(KmsError::Io(_))));
}
