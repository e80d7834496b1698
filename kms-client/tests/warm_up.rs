//! Work done ahead: credentials and connections at once, and what is learnt of distances. The clock is paused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::memory::{Memory, answer};
use common::{DESCRIBE, METADATA, credentials};
use pcrseal_core::error::Code;
use pcrseal_kms::credentials::{ProvideCredentials, ProvidedCredentials};
use pcrseal_kms::{Client, ClientBuilder, Error};
use tokio::time::Instant;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Takes this long to hand out credentials.
struct Slow(Duration);

impl ProvideCredentials for Slow {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async {
            tokio::time::sleep(self.0).await;
            Ok(Arc::new(credentials()))
        })
    }
}

fn builder(transport: &Arc<Memory>, credentials: Duration) -> ClientBuilder {
    Client::builder()
        .credentials_provider(Arc::new(Slow(credentials)))
        .authenticated_transport(transport.clone())
}

fn transport(warm_up: Duration, exchange: Duration) -> Arc<Memory> {
    Memory::with_warm_up(warm_up, move |_| (exchange, Ok(answer(200, &[], METADATA))))
}

#[tokio::test(start_paused = true)]
async fn everything_is_done_at_once_and_reported_region_by_region() {
    let transport = transport(MS(80), MS(5));
    let client = builder(&transport, MS(100)).build().unwrap();
    let start = Instant::now();
    let warm = client.warm_up(["us-east-1", "us-gov-west-1", "eu-central-1", "nowhere"]).await;
    assert_eq!(start.elapsed(), MS(100));

    warm.credentials.unwrap();
    let names: Vec<_> = warm.regions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["us-east-1", "us-gov-west-1", "eu-central-1", "nowhere"]);
    let outcomes: Vec<_> =
        warm.regions.iter().map(|(_, outcome)| outcome.as_ref().map_err(Error::code)).collect();
    assert_eq!(outcomes, [Ok(&MS(80)), Err(Code::KmsConnect), Ok(&MS(80)), Err(Code::KmsRegion)]);
    assert_eq!(transport.log().len(), 0, "nothing is asked of KMS");
}

#[tokio::test(start_paused = true)]
async fn a_distance_is_the_time_of_the_last_answer_and_until_there_is_one_of_the_connection() {
    let transport = transport(MS(80), MS(5));
    let client = builder(&transport, MS(100)).build().unwrap();
    client.warm_up(["us-east-1", "us-gov-west-1"]).await;
    assert_eq!(client.distance("us-east-1"), Some(MS(80)));
    assert_eq!(client.distance("us-gov-west-1"), None, "it was not reached");
    client.clone().describe_key("us-east-1", &DESCRIBE).await.unwrap();
    assert_eq!(client.distance("us-east-1"), Some(MS(5)));
    // An answer says more than a handshake, whichever came last.
    client.warm_up(["us-east-1"]).await;
    assert_eq!(client.distance("us-east-1"), Some(MS(5)));
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_reported_when_an_operation_would_be_given_up() {
    for (warm_up, credentials) in [(Duration::MAX, MS(1)), (MS(1), Duration::MAX)] {
        let transport = transport(warm_up, MS(5));
        let client = builder(&transport, credentials).operation_timeout(MS(3000)).build().unwrap();
        let start = Instant::now();
        let warm = client.warm_up(["us-east-1"]).await;
        assert_eq!(start.elapsed(), MS(3000));
        assert_eq!(warm.credentials.is_ok(), warm_up == Duration::MAX);
        assert_eq!(warm.regions[0].1.is_ok(), credentials == Duration::MAX);
    }
}
