//! The server without a socket, on tokio's clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{ACCOUNT, Client, NOON, REGION, ROLE, Reply};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{Bytes, ConnectionFault, Fault, KeyOptions, Kms, Principal, Request};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A runtime with timers alone: no I/O driver, so that a socket would panic. Its clock is paused.
fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test);
}

struct World {
    kms: Kms,
    client: Client,
    clock: Clock,
    authority: Authority,
}

impl World {
    fn new() -> Self {
        let clock = Clock::tokio(NOON);
        let authority = Authority::new(&clock).unwrap();
        let kms = Kms::builder().authority(&authority).in_process().unwrap();
        kms.add_principal(Principal::new("AKIATEST", "secret", ROLE).unwrap());
        let client = Client::new(&kms, &clock, "AKIATEST", "secret");
        Self { kms, client, clock, authority }
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Reply, ConnectionFault> {
        let body = body.to_string().into_bytes();
        let headers = self.client.sign(operation, &body);
        self.send(&headers, body).await
    }

    async fn send(&self, headers: &[(String, String)], body: Vec<u8>) -> Result<Reply, ConnectionFault> {
        let mut request = Request::builder().method("POST").uri("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.kms.exchange(request.body(Bytes::from(body)).unwrap()).await?;
        Ok(Reply::from_response(response))
    }
}

#[test]
fn an_exchange_is_what_http_would_carry() {
    run(async {
        let world = World::new();
        assert_eq!(world.kms.endpoint(), "http://in-process");
        let created = world.call("CreateKey", &json!({})).await.unwrap().ok().json();
        let arn = &created["KeyMetadata"]["Arn"];
        let described = world.call("DescribeKey", &json!({ "KeyId": arn })).await.unwrap().ok();
        assert_eq!(described.json(), created);
        assert_eq!(described.header("date"), Some("Thu, 15 Jan 2026 12:00:00 GMT"));
        let mut headers = world.client.sign("DescribeKey", b"{}");
        headers.last_mut().unwrap().1.pop();
        let refused = world.send(&headers, b"{}".to_vec()).await.unwrap();
        refused.is_error(400, "InvalidSignatureException", "does not match");
        let big = vec![b' '; 800 * 1024];
        let refused = world.send(&world.client.sign("DescribeKey", &big), big).await.unwrap();
        refused.is_error(413, "RequestEntityTooLargeException", "");
        assert_eq!(world.kms.requests(), 4);
    });
}

#[test]
fn delays_and_documents_follow_the_paused_clock() {
    run(async {
        let world = World::new();
        let arn = world.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
        world.kms.key(&arn).unwrap().set_delay(Duration::from_secs(3600));
        let start = Instant::now();
        world.call("DescribeKey", &json!({ "KeyId": arn })).await.unwrap().ok();
        assert_eq!(start.elapsed().as_secs(), 3600);
        // The signature of the next request is of an hour later, and so is the enclave's document.
        assert_eq!(world.clock.now_millis(), NOON + 3_600_000);
        world.kms.key(&arn).unwrap().set_delay(Duration::ZERO);
        let late = world.call("DescribeKey", &json!({ "KeyId": arn })).await.unwrap().ok();
        assert_eq!(late.header("date"), Some("Thu, 15 Jan 2026 13:00:00 GMT"));
        let nsm = Nsm::boot(&world.authority, NsmConfig::new(common::image())).unwrap();
        let document = nsm.attest(&AttestationRequest::default()).unwrap();
        tokio::time::advance(Duration::from_secs(301)).await;
        let recipient = json!({
            "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "AttestationDocument": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, document),
        });
        let request = json!({ "KeyId": arn, "KeySpec": "AES_256", "Recipient": recipient });
        let stale = world.call("GenerateDataKey", &request).await.unwrap();
        stale.is_error(400, "ValidationException", "five-minute age limit");
    });
}

#[test]
fn a_closed_connection_is_an_error() {
    run(async {
        let world = World::new();
        let arn = world.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
        let key = world.kms.key(&arn).unwrap();
        key.set_fault(Fault::CloseConnection);
        let refused = world.call("DescribeKey", &json!({ "KeyId": arn })).await;
        assert_eq!(refused.unwrap_err(), ConnectionFault::Closed);
        key.set_fault(Fault::Hang);
        let request = json!({ "KeyId": arn });
        let hanging = tokio::time::timeout(Duration::from_secs(86_400), world.call("DescribeKey", &request));
        assert!(hanging.await.is_err());
    });
}
