//! Refusals on purpose: any status and code, so many times, by one key or the whole server; clocks and
//! credentials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{ACCOUNT, Fixture, NOON, REGION, ROLE, amz_date};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_emulator::kms::{Fault, KeyOptions, Operation, Principal};
use serde_json::{Value, json};

fn key(fixture: &Fixture) -> (String, Value) {
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let request = json!({ "KeyId": arn });
    (arn, request)
}

#[tokio::test]
async fn any_error_by_name() {
    let fixture = Fixture::start().await;
    let (arn, request) = key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    for (status, code) in [
        (400, "AccessDeniedException"),
        (400, "DependencyTimeoutException"),
        (403, "RequestExpired"),
        (429, "TooManyRequestsException"),
        (500, "KeyUnavailableException"),
        (503, "ServiceUnavailableException"),
    ] {
        handle.set_fault(Fault::Error { status, code, message: "on purpose" });
        fixture.client.call("DescribeKey", &request).await.is_error(status, code, "on purpose");
    }
    handle.set_fault(Fault::Error { status: 7, code: "X", message: "" });
    fixture.client.call("DescribeKey", &request).await.is_error(500, "X", "");
    handle.set_fault(Fault::Html { status: 503 });
    let reply = fixture.client.call("DescribeKey", &request).await;
    assert_eq!((reply.status, reply.header("content-type")), (503, Some("text/html")));
    assert_eq!(reply.body, b"<html><h1>503</h1></html>");
    assert_eq!(handle.requests(Operation::DescribeKey), 8);
}

#[tokio::test]
async fn faults_come_so_many_times() {
    let fixture = Fixture::start().await;
    let (arn, request) = key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    for (fault, failures) in [
        (Fault::Throttling.times(2), 2),
        (Fault::InternalError.times(3).retry_after("2"), 3),
        (Fault::Html { status: 502 }.retry_after("soon").times(1), 1),
        (Fault::Throttling.times(0), 0),
    ] {
        handle.set_fault(fault);
        for _ in 0..failures {
            assert_ne!(fixture.client.call("DescribeKey", &request).await.status, 200, "{fault:?}");
        }
        for _ in 0..2 {
            fixture.client.call("DescribeKey", &request).await.ok();
        }
    }
    handle.set_fault(Fault::Throttling.retry_after("120").times(1));
    let reply = fixture.client.call("DescribeKey", &request).await;
    assert_eq!(reply.header("retry-after"), Some("120"));
    let reply = fixture.client.call("DescribeKey", &request).await.ok();
    assert_eq!(reply.header("retry-after"), None);
    // Closed connections count as well, and so do wrong answers.
    handle.set_fault(Fault::CloseConnection.times(1));
    assert!(fixture.client.try_call("DescribeKey", &request).await.is_none());
    handle.set_fault(Fault::WrongKeyId.times(1));
    let wrong = fixture.client.call("DescribeKey", &request).await.ok().json();
    assert_ne!(wrong["KeyMetadata"]["Arn"], arn);
    let right = fixture.client.call("DescribeKey", &request).await.ok().json();
    assert_eq!(right["KeyMetadata"]["Arn"], arn);
}

#[tokio::test]
async fn the_whole_server_fails_before_its_keys() {
    let fixture = Fixture::start().await;
    let (arn, request) = key(&fixture);
    let handle = fixture.kms.key(&arn).unwrap();
    handle.set_fault(Fault::Throttling.times(1));
    fixture.kms.set_fault(Fault::InternalError.times(2));
    for (operation, request) in
        [("GenerateRandom", json!({ "NumberOfBytes": 1 })), ("DescribeKey", request.clone())]
    {
        fixture.client.call(operation, &request).await.is_error(500, "KMSInternalException", "");
    }
    assert_eq!(handle.total_requests(), 0);
    fixture.client.call("DescribeKey", &request).await.is_error(400, "ThrottlingException", "");
    fixture.client.call("DescribeKey", &request).await.ok();
    // A lie of the server is one of every key, and of what has no key.
    fixture.kms.set_fault(Fault::WrongPlaintext.times(1));
    let reply = fixture.client.call("GenerateRandom", &json!({ "NumberOfBytes": 1 })).await.ok();
    assert_eq!(reply.blob("Plaintext").len(), 32);
    fixture.kms.set_fault(Fault::InternalError);
    fixture.kms.set_fault(None);
    fixture.client.call("DescribeKey", &request).await.ok();
    // What is not authentic meets no fault.
    fixture.kms.set_fault(Fault::InternalError.times(1));
    let mut stranger = fixture.client.clone();
    stranger.secret = "guess".into();
    stranger.call("DescribeKey", &request).await.is_error(400, "InvalidSignatureException", "");
    fixture.client.call("DescribeKey", &request).await.is_error(500, "KMSInternalException", "");
}

#[tokio::test]
async fn a_regions_clock_may_be_wrong() {
    const HOUR: i64 = 3600;
    let fixture = Fixture::start().await;
    let (_, request) = key(&fixture);
    let (now, later, earlier) = (amz_date(NOON / 1000), "20260115T130000Z", "20260115T110000Z");
    for (error, text, date) in [
        (
            HOUR,
            format!("Signature expired: {now} is now earlier than 20260115T124500Z ({later} - 15 min.)"),
            "Thu, 15 Jan 2026 13:00:00 GMT",
        ),
        (
            -HOUR,
            format!(
                "Signature not yet current: {now} is still later than 20260115T111500Z ({earlier} + 15 min.)"
            ),
            "Thu, 15 Jan 2026 11:00:00 GMT",
        ),
    ] {
        fixture.kms.set_region_clock_error(REGION, error);
        let reply = fixture.client.call("DescribeKey", &request).await;
        reply.is_error(400, "InvalidSignatureException", &text);
        assert_eq!(reply.header("date"), Some(date));
        // Who believes that date is served, and attestation documents are still fresh.
        let mut corrected = fixture.client.clone();
        corrected.clock = pcrseal_emulator::Clock::fixed(NOON.saturating_add_signed(error * 1000));
        let document = fixture.nsm.attest(&AttestationRequest::default()).unwrap();
        let recipient = json!({
            "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "AttestationDocument": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, document),
        });
        let reply =
            corrected.call("GenerateRandom", &json!({ "NumberOfBytes": 1, "Recipient": recipient })).await;
        reply.is_error(400, "ValidationException", "no valid RSA public key");
        // Other regions go right.
        fixture.client.clone().region("us-east-1").call("CreateKey", &json!({})).await.ok();
    }
    fixture.kms.set_region_clock_error(REGION, 14 * 60);
    let reply = fixture.client.call("DescribeKey", &request).await.ok();
    assert_eq!(reply.header("date"), Some("Thu, 15 Jan 2026 12:14:00 GMT"));
    fixture.kms.set_region_clock_error(REGION, i64::MIN);
    fixture.client.call("DescribeKey", &request).await.is_error(400, "InvalidSignatureException", "not yet");
}

#[tokio::test]
async fn credentials_expire_until_they_are_replaced() {
    let fixture = Fixture::start().await;
    let (_, request) = key(&fixture);
    assert!(!fixture.kms.expire_credentials("AKIANOBODY"));
    assert!(fixture.kms.expire_credentials("AKIATEST"));
    let reply = fixture.client.call("DescribeKey", &request).await;
    reply.is_error(400, "ExpiredTokenException", "The security token included in the request is expired");
    fixture.kms.add_principal(Principal::new("AKIATEST", "other", ROLE).unwrap());
    fixture.client.call("DescribeKey", &request).await.is_error(400, "InvalidSignatureException", "");
    let mut renewed = fixture.client.clone();
    renewed.secret = "other".into();
    renewed.call("DescribeKey", &request).await.ok();
}
