//! Who is asked when, and how long an unseal takes, on a clock that stands still while the enclave computes: times
//! are exact.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../core/tests/common/cms/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod cms;
#[path = "../core/tests/common/kms.rs"]
#[allow(dead_code, unreachable_pub)]
mod kms;
#[path = "common/memory.rs"]
#[allow(dead_code, unreachable_pub)]
mod memory;

use std::time::Duration;

use kms::policy;
use memory::{Fault, Memory};
use pcrseal::core::names::Wrapping;
use pcrseal::{Code, FanOut, Outcome, Unsealed};
use tokio::time::Instant;

/// By position; the third fastest takes 80 ms.
const DELAYS: [u64; 5] = [80, 5, 200, 20, 150];
/// Positions from the nearest to the farthest.
const NEAREST_FIRST: [u8; 5] = [1, 3, 0, 4, 2];

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Keys 4 and 2 take longer than this.
const HEDGED: FanOut = FanOut::Hedged { delay: ms(100) };
/// No key does.
const PATIENT: FanOut = FanOut::Hedged { delay: ms(1000) };

struct World {
    memory: Memory,
    blob: Vec<u8>,
    secret: Vec<u8>,
}

impl World {
    /// A sealed blob; from here on keys take their time, and it is known.
    async fn new() -> Self {
        let memory = Memory::new();
        let sealed = memory.enclave(&policy(Wrapping::Attested)).seal_generated(32, &[]).await.unwrap();
        for (number, delay) in (0..).zip(DELAYS) {
            memory.key(number, |key| (key.delay, key.distance) = (ms(delay), Some(ms(delay))));
        }
        memory.forget_log();
        Self { memory, blob: sealed.blob, secret: sealed.opened.secret().expose().to_vec() }
    }

    /// Unseals, and says how long it took from recipient and connections ready to the secret.
    async fn unseal(&self, fan_out: FanOut) -> (Unsealed, Duration) {
        let enclave = self.memory.enclave(&policy(Wrapping::Attested)).with_fan_out(fan_out);
        let prepared = enclave.prepare().await.unwrap();
        self.memory.forget_log();
        let start = Instant::now();
        let unsealed = enclave.unseal_prepared(prepared, &self.blob).await.unwrap();
        assert!(unsealed.opened.secret().ct_eq(&self.secret));
        (unsealed, start.elapsed())
    }
}

fn outcomes(unsealed: &Unsealed) -> Vec<&'static str> {
    unsealed.report.keys.iter().map(|row| row.outcome.name()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_third_fastest_answer_is_the_secret() {
    let world = World::new().await;
    let (unsealed, elapsed) = world.unseal(FanOut::All).await;
    assert_eq!(elapsed, ms(80));
    assert_eq!(outcomes(&unsealed), ["granted", "granted", "not_needed", "granted", "not_needed"]);
    assert_eq!(world.memory.count("Decrypt"), 5);
}

#[tokio::test(start_paused = true)]
async fn one_key_hanging_and_one_refusing_cost_nothing_but_their_shares() {
    for hanging in 0..5 {
        for refusing in (0..5).filter(|key| *key != hanging) {
            let world = World::new().await;
            world.memory.key(hanging, |key| key.fault = Fault::Hang);
            world.memory.key(refusing, |key| key.refusal = Some(Outcome::AccessDenied));
            let (_, elapsed) = world.unseal(FanOut::All).await;
            let sound = (0..5).zip(DELAYS).filter(|(key, _)| ![hanging, refusing].contains(key));
            let slowest = sound.map(|(_, delay)| delay).max().unwrap();
            assert_eq!(elapsed, ms(slowest), "{hanging} hangs, {refusing} refuses");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hedged_asks_the_nearest_and_nobody_else() {
    let world = World::new().await;
    let (unsealed, elapsed) = world.unseal(HEDGED).await;
    assert_eq!(world.memory.asked("Decrypt"), NEAREST_FIRST[..3]);
    assert_eq!(elapsed, ms(80));
    assert_eq!(outcomes(&unsealed), ["granted", "granted", "not_needed", "granted", "not_needed"]);
    assert!(unsealed.report.keys[2].elapsed.is_none());
}

#[tokio::test(start_paused = true)]
async fn hedged_asks_one_more_as_soon_as_one_fails() {
    for (change, outcome) in [
        (Fault::None, Outcome::AccessDenied),
        (Fault::None, Outcome::Timeout),
        (Fault::Lie, Outcome::BadResponse),
        // Nothing is known of a client that panicked.
        (Fault::Panic, Outcome::NotNeeded),
    ] {
        let world = World::new().await;
        world.memory.key(3, |key| {
            key.fault = change;
            key.refusal = (change == Fault::None).then_some(outcome);
        });
        let (unsealed, elapsed) = world.unseal(PATIENT).await;
        assert_eq!(world.memory.asked("Decrypt"), NEAREST_FIRST[..4], "{change:?}");
        // Key 3 failed after 20 ms, key 4 takes 150.
        assert_eq!(elapsed, ms(170));
        assert_eq!(unsealed.report.keys[3].outcome, outcome);
        assert_eq!(unsealed.report.keys[2].outcome, Outcome::NotNeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn hedged_asks_one_more_with_every_delay_that_passes() {
    let world = World::new().await;
    world.memory.key(1, |key| key.fault = Fault::Hang);
    let (unsealed, elapsed) = world.unseal(HEDGED).await;
    // Key 4 is asked after 100 ms and takes 150; key 2, asked after 200, would take longer.
    assert_eq!(elapsed, ms(250));
    assert_eq!(world.memory.asked("Decrypt"), NEAREST_FIRST);
    let at: Vec<_> = world.memory.log().into_iter().filter(|event| event.what == "Decrypt").collect();
    let after = |index: usize| at[index].at.saturating_sub(at[0].at);
    assert_eq!([after(2), after(3), after(4)], [ms(0), ms(100), ms(200)]);
    assert_eq!(outcomes(&unsealed), ["granted", "not_needed", "not_needed", "granted", "granted"]);
}

#[tokio::test(start_paused = true)]
async fn hedged_with_one_key_hanging_and_one_refusing() {
    let world = World::new().await;
    world.memory.key(1, |key| key.fault = Fault::Hang);
    world.memory.key(3, |key| key.refusal = Some(Outcome::KeyDisabled));
    let (unsealed, elapsed) = world.unseal(HEDGED).await;
    // Key 3 fails at 20 ms, key 4 stands in; key 2 stands in for the hanging one at 120 ms and takes 200.
    assert_eq!(elapsed, ms(320));
    assert_eq!(outcomes(&unsealed), ["granted", "not_needed", "granted", "key_disabled", "granted"]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_would_leave_keys_unasked_is_shortened() {
    let world = World::new().await;
    for number in [1, 3] {
        world.memory.key(number, |key| key.fault = Fault::Hang);
    }
    let enclave = world.memory.enclave(&policy(Wrapping::Attested)).with_deadline(ms(3000));
    let enclave = enclave.with_fan_out(FanOut::Hedged { delay: Duration::MAX });
    let start = Instant::now();
    enclave.unseal(&world.blob).await.unwrap();
    // Two keys to ask later, so three turns of a second.
    assert_eq!(start.elapsed(), ms(2200));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_that_is_not_reached_says_who_was_asked() {
    let world = World::new().await;
    for number in 0..5 {
        world.memory.key(number, |key| key.fault = Fault::Hang);
    }
    for fan_out in [FanOut::All, HEDGED] {
        let enclave = world.memory.enclave(&policy(Wrapping::Attested)).with_fan_out(fan_out);
        let start = Instant::now();
        let error = enclave.with_deadline(ms(900)).unseal(&world.blob).await.unwrap_err();
        assert_eq!(start.elapsed(), ms(900));
        assert_eq!(error.code(), Code::QuorumNotReached);
        assert_eq!(error.report().count(Outcome::Timeout), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn no_deadline_is_longer_than_an_hour() {
    let world = World::new().await;
    for number in 0..3 {
        world.memory.key(number, |key| key.fault = Fault::Hang);
    }
    let enclave = world.memory.enclave(&policy(Wrapping::Attested)).with_deadline(Duration::MAX);
    let start = Instant::now();
    assert_eq!(enclave.unseal(&world.blob).await.unwrap_err().code(), Code::QuorumNotReached);
    assert_eq!(start.elapsed(), Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_calls_a_failure_a_grant_has_granted_nothing() {
    let world = World::new().await;
    for number in [1, 3, 0] {
        world.memory.key(number, |key| key.refusal = Some(Outcome::Granted));
    }
    let enclave = world.memory.enclave(&policy(Wrapping::Attested)).with_fan_out(HEDGED);
    let error = enclave.unseal(&world.blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!((error.report().count(Outcome::Granted), error.report().count(Outcome::BadResponse)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn unknown_distances_come_last_in_the_quorums_order() {
    let world = World::new().await;
    for number in [0, 1, 3] {
        world.memory.key(number, |key| key.distance = None);
    }
    world.unseal(PATIENT).await;
    assert_eq!(world.memory.asked("Decrypt"), [4, 2, 0]);
    for number in 0..5 {
        world.memory.key(number, |key| key.distance = None);
    }
    world.memory.forget_log();
    world.unseal(PATIENT).await;
    assert_eq!(world.memory.asked("Decrypt"), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_seal_asks_all_keys_however_unseals_are_spread() {
    let memory = Memory::new();
    let enclave = memory.enclave(&policy(Wrapping::Attested)).with_fan_out(HEDGED);
    let sealed = enclave.seal_generated(32, &[]).await.unwrap();
    for operation in ["DescribeKey", "GenerateDataKey", "Decrypt"] {
        assert_eq!(memory.count(operation), 5, "{operation}");
    }
    assert_eq!(sealed.report.count(Outcome::Granted), 5);
}
