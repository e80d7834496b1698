//! What happens at the same time, and what must not happen before what, on a paused clock.

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

use kms::{measured, policy, policy_builder, quorum};
use memory::{Fault, Memory};
use pcrseal::core::names::Wrapping::Attested;
use pcrseal::{Code, Outcome};
use tokio::time::{Instant, sleep};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A blob, and keys that answer after 10 ms from here on and take 50 to be reached.
async fn world() -> (Memory, Vec<u8>) {
    let memory = Memory::new();
    let blob = memory.enclave(&policy(Attested)).seal_generated(32, &[]).await.unwrap().blob;
    for number in 0..5 {
        memory.key(number, |key| (key.delay, key.warm_up) = (ms(10), Some(ms(50))));
    }
    memory.forget_log();
    (memory, blob)
}

/// The steps, each once, in the order in which they were first taken.
fn steps(memory: &Memory) -> Vec<&'static str> {
    let mut steps = Vec::new();
    for event in memory.log() {
        if !steps.contains(&event.what) {
            steps.push(event.what);
        }
    }
    steps
}

#[tokio::test(start_paused = true)]
async fn connections_open_while_the_key_is_made_and_are_used() {
    let (memory, blob) = world().await;
    let start = Instant::now();
    memory.enclave(&policy(Attested)).unseal(&blob).await.unwrap();
    assert_eq!(start.elapsed(), ms(60));
    // The document is made as soon as the key is, not when the connections are open.
    assert_eq!(steps(&memory), ["measured", "warm up", "attested", "warm", "Decrypt"]);
    assert_eq!(memory.asked("warm up"), [0, 1, 2, 3, 4]);
    assert_eq!((memory.count("measured"), memory.count("attested")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_the_enclave_for_a_blob_that_is_refused() {
    let (memory, blob) = world().await;
    let drifted = memory.enclave_measuring(&policy(Attested), measured(2));
    assert_eq!(drifted.unseal(&blob).await.unwrap_err().code(), Code::PcrDrift);
    let raised = policy_builder().seal_quorum(quorum(3, 5, Attested)).minimum_generation(2).build().unwrap();
    let error = memory.enclave(&raised).unseal(&blob).await.unwrap_err();
    assert_eq!(error.code(), Code::GenerationTooOld);
    // A key would have been generated for nothing, too.
    sleep(ms(1000)).await;
    assert_eq!(steps(&memory), ["measured"]);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_cannot_be_reached_holds_up_its_own_key_alone() {
    let (memory, blob) = world().await;
    for number in [0, 1] {
        memory.key(number, |key| key.warm_up = None);
    }
    let start = Instant::now();
    let unsealed = memory.enclave(&policy(Attested)).unseal(&blob).await.unwrap();
    assert_eq!(start.elapsed(), ms(60));
    assert_eq!(unsealed.report.count(Outcome::NotNeeded), 2);
    assert_eq!(memory.asked("Decrypt"), [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_that_never_ends_is_no_failure() {
    let (memory, blob) = world().await;
    for number in 0..5 {
        memory.key(number, |key| key.warm_up = None);
    }
    let start = Instant::now();
    memory.enclave(&policy(Attested)).unseal(&blob).await.unwrap();
    assert_eq!(start.elapsed(), ms(3010));
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_that_panics_is_no_failure() {
    let (memory, blob) = world().await;
    for number in 0..5 {
        memory.key(number, |key| key.warm_up_fault = Fault::Panic);
    }
    let start = Instant::now();
    memory.enclave(&policy(Attested)).unseal(&blob).await.unwrap();
    assert_eq!(start.elapsed(), ms(10));
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_waits_for_the_blob_alone() {
    let (memory, blob) = world().await;
    let enclave = memory.enclave(&policy(Attested));
    let start = Instant::now();
    let reading = async {
        sleep(ms(40)).await;
        blob
    };
    let (prepared, blob) = tokio::join!(enclave.prepare(), reading);
    assert_eq!((start.elapsed(), memory.count("attested"), memory.count("Decrypt")), (ms(40), 0, 0));
    enclave.unseal_prepared(prepared.unwrap(), &blob).await.unwrap();
    // Connections, 50 ms from the start, and an answer, 10.
    assert_eq!(start.elapsed(), ms(60));
    assert_eq!((memory.count("measured"), memory.count("attested")), (1, 1));
    assert_eq!(memory.count("warm up"), 5);
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_every_trusted_quorum_are_prepared_once() {
    let (memory, _) = world().await;
    let policy = policy_builder()
        .seal_quorum(quorum(2, 3, Attested))
        .unseal_quorum(quorum(3, 5, Attested))
        .build()
        .unwrap();
    let _prepared = memory.enclave(&policy).prepare().await.unwrap();
    assert_eq!(memory.asked("warm up"), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_and_is_dropped_opens_no_connection_any_more() {
    let (memory, _) = world().await;
    drop(memory.enclave(&policy(Attested)).prepare().await.unwrap());
    sleep(ms(1000)).await;
    assert_eq!((memory.count("warm up"), memory.count("warm")), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_is_judged_as_anything_else() {
    let (memory, blob) = world().await;
    let drifted = memory.enclave_measuring(&policy(Attested), measured(2));
    let prepared = drifted.prepare().await.unwrap();
    assert_eq!(drifted.unseal_prepared(prepared, &blob).await.unwrap_err().code(), Code::PcrDrift);
    assert_eq!((memory.count("attested"), memory.count("Decrypt")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_seal_measures_once_and_attests_a_key_for_itself_and_one_for_its_proof() {
    let (memory, _) = world().await;
    memory.enclave(&policy(Attested)).seal_generated(32, &[]).await.unwrap();
    assert_eq!((memory.count("measured"), memory.count("attested")), (1, 2));
    assert_eq!(memory.count("warm up"), 5);
    let steps = steps(&memory);
    assert_eq!(steps[..3], ["measured", "warm up", "warm"]);
    // KMS takes no document that is five minutes old: it is made when the keys are known to be fit.
    assert_eq!(steps[3..], ["DescribeKey", "attested", "GenerateDataKey", "Decrypt"]);
}
