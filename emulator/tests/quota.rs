//! Request quotas and delays of regions, on tokio's paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{Client, NOON, Reply};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{
    Bytes, KeyHandle, KeyOptions, Kms, Principal, Quota, QuotaScope, Request, Traffic,
};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

const WEST: &str = "eu-west-1";
const NORTH: &str = "eu-north-1";

struct World {
    kms: Kms,
    clock: Clock,
}

impl World {
    /// Two accounts with a principal each, whose access key id is the account.
    fn new() -> Self {
        let clock = Clock::tokio(NOON);
        let kms = Kms::builder().clock(&clock).in_process().unwrap();
        for account in ["000000000001", "000000000002"] {
            let arn = format!("arn:aws:iam::{account}:user/x");
            kms.add_principal(Principal::new(account, "secret", arn).unwrap());
        }
        Self { kms, clock }
    }

    async fn call(&self, account: &str, region: &str, operation: &str, body: &Value) -> Reply {
        let body = body.to_string();
        let client = Client::new(&self.kms, &self.clock, account, "secret").region(region);
        let mut request = Request::builder().method("POST").uri("/");
        for (name, value) in client.sign(operation, body.as_bytes()) {
            request = request.header(name, value);
        }
        let response = self.kms.exchange(request.body(Bytes::from(body)).unwrap()).await.unwrap();
        Reply::from_response(response)
    }

    /// How many of so many requests at once are answered.
    async fn answered(&self, account: &str, region: &str, requests: u32) -> u32 {
        let mut answered = 0;
        for _ in 0..requests {
            let reply = self.call(account, region, "GenerateRandom", &json!({ "NumberOfBytes": 1 })).await;
            if reply.status == 200 {
                answered += 1;
            } else {
                reply.is_error(
                    400,
                    "ThrottlingException",
                    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
                );
            }
        }
        answered
    }

    fn key(&self, account: &str, region: &str) -> KeyHandle {
        let arn = self.kms.create_key(region, account, KeyOptions::default()).unwrap();
        self.kms.key(&arn).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_holds_one_second_and_fills_continuously() {
    let world = World::new();
    let ask = |requests| world.answered("000000000001", WEST, requests);
    assert_eq!(ask(20).await, 20);
    for rate in [10, 7, 500] {
        world.kms.set_quota(Quota::per_second(rate));
        assert_eq!(ask(rate + 5).await, rate);
        advance(Duration::from_secs(1) / rate).await;
        assert_eq!(ask(5).await, 1);
        advance(Duration::from_millis(500)).await;
        assert_eq!(ask(rate).await, rate / 2);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(ask(rate + 5).await, rate);
    }
    world.kms.set_quota(Quota::per_second(0));
    assert_eq!(ask(3).await, 0);
    world.kms.set_quota(None);
    assert_eq!(ask(3).await, 3);
}

#[tokio::test(start_paused = true)]
async fn accounts_and_regions_share_or_do_not() {
    let world = World::new();
    world.kms.set_quota(Quota::per_second(10));
    assert_eq!(world.answered("000000000001", WEST, 12).await, 10);
    assert_eq!(world.answered("000000000002", WEST, 12).await, 10);
    assert_eq!(world.answered("000000000001", NORTH, 12).await, 10);
    world.kms.set_quota(Quota::per_second(10).scope(QuotaScope::Region));
    assert_eq!(world.answered("000000000001", WEST, 6).await, 6);
    assert_eq!(world.answered("000000000002", WEST, 6).await, 4);
    assert_eq!(world.answered("000000000002", NORTH, 12).await, 10);
}

#[tokio::test(start_paused = true)]
async fn cryptographic_operations_of_symmetric_keys_count() {
    let world = World::new();
    let key = world.key("000000000001", WEST);
    world.kms.set_quota(Quota::per_second(0));
    let body = json!({ "KeyId": key.arn() });
    for operation in [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateRandom",
        "ReEncrypt",
    ] {
        let reply = world.call("000000000001", WEST, operation, &body).await;
        reply.is_error(400, "ThrottlingException", "");
    }
    for operation in ["DescribeKey", "GetKeyPolicy", "DisableKey", "EnableKey"] {
        world.call("000000000001", WEST, operation, &body).await.ok();
    }
    // What is throttled reaches no key.
    assert_eq!(key.total_requests(), 4);
    let traffic = world.kms.traffic(WEST);
    assert_eq!((traffic.requests, traffic.cryptographic, traffic.throttled), (10, 6, 6));
    assert_eq!(world.kms.traffic(NORTH), Traffic::default());
    // Nor does an unauthentic request take a token or count.
    let stranger = world.call("000000000003", WEST, "GenerateRandom", &json!({})).await;
    stranger.is_error(400, "UnrecognizedClientException", "");
    assert_eq!(world.kms.traffic(WEST).requests, 10);
}

#[tokio::test(start_paused = true)]
async fn a_regions_delay_comes_before_its_keys() {
    let world = World::new();
    world.kms.set_region_delay(WEST, Duration::from_millis(80));
    let (slow, quick) = (world.key("000000000001", WEST), world.key("000000000001", NORTH));
    slow.set_delay(Duration::from_millis(20));
    for (key, region, expected) in [(&slow, WEST, 100), (&quick, NORTH, 0)] {
        let start = Instant::now();
        world.call("000000000001", region, "DescribeKey", &json!({ "KeyId": key.arn() })).await.ok();
        assert_eq!(start.elapsed().as_millis(), expected);
    }
    world.kms.set_quota(Quota::per_second(0));
    let start = Instant::now();
    assert_eq!(world.answered("000000000001", WEST, 1).await, 0);
    assert_eq!(start.elapsed().as_millis(), 80);
}

#[tokio::test(start_paused = true)]
async fn more_regions_than_aws_has_are_not_remembered() {
    let world = World::new();
    world.kms.set_quota(Quota::per_second(1));
    for number in 0..256 {
        assert_eq!(world.answered("000000000001", &format!("region-{number}"), 2).await, 1);
    }
    assert_eq!(world.answered("000000000001", "one-more", 2).await, 2);
    assert_eq!(world.kms.traffic("one-more"), Traffic::default());
    assert_eq!(world.kms.traffic("region-255").requests, 2);
}
