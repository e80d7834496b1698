//! Calls that are dropped, as by a timeout or a host that shuts down: whenever that is, nothing goes on behind its
//! back, and a rotation leaves a blob that opens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../core/tests/common/cms/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod cms;
#[path = "../core/tests/common/kms.rs"]
#[allow(dead_code, unreachable_pub)]
mod kms;
#[path = "common/made_before.rs"]
#[allow(unreachable_pub)]
mod made_before;
#[path = "common/memory.rs"]
#[allow(dead_code, unreachable_pub)]
mod memory;

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Mutex;
use std::time::Duration;

use kms::{arn, policy_builder, quorum};
use memory::Memory;
use pcrseal::AutoUnseal;
use pcrseal::core::names::Wrapping::Attested;
use pcrseal::core::policy::{Quorum, TrustPolicy};
use tokio::time::{sleep, timeout};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A blob under 3 of the keys 0..5, and 2 of the keys 5..9 to take over. Every answer takes 10 ms, a connection too.
struct World {
    memory: Memory,
    policy: TrustPolicy,
    blob: Vec<u8>,
    secret: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        let memory = Memory::new();
        let old = quorum(3, 5, Attested);
        let before = policy_builder().seal_quorum(old.clone()).build().unwrap();
        let sealed = memory.enclave(&before).seal_generated(32, &[]).await.unwrap();
        let new = Quorum::new(2, (5..9).map(arn).collect(), Attested).unwrap();
        let policy = policy_builder().seal_quorum(new).unseal_quorum(old).build().unwrap();
        for number in 0..9 {
            memory.key(number, |key| (key.delay, key.warm_up) = (ms(10), Some(ms(10))));
        }
        memory.forget_log();
        Self { memory, policy, blob: sealed.blob, secret: sealed.opened.secret().expose().to_vec() }
    }

    fn enclave(&self) -> AutoUnseal<Memory> {
        self.memory.enclave(&self.policy).with_backend(made_before::BACKEND)
    }

    async fn opens(&self, blob: &[u8]) -> bool {
        let unsealed = self.enclave().unseal(blob).await;
        unsealed.is_ok_and(|unsealed| unsealed.opened.secret().ct_eq(&self.secret))
    }

    /// After a call was dropped: what it had asked of KMS last.
    async fn rests(&self) -> &'static str {
        let log = self.memory.log();
        sleep(ms(3_600_000)).await;
        assert_eq!(self.memory.log(), log);
        assert_eq!(self.memory.in_flight(), 0);
        let asked = ["DescribeKey", "GenerateDataKey", "Decrypt", "DisableKey"];
        log.iter().rfind(|event| asked.contains(&event.what)).map_or("nothing", |event| event.what)
    }
}

#[tokio::test(start_paused = true)]
async fn an_unseal_that_is_dropped_leaves_nothing_behind() {
    let mut steps = Vec::new();
    for end in [5, 15] {
        let world = World::new().await;
        let (enclave, blob) = (world.enclave(), &world.blob);
        timeout(ms(end), enclave.unseal(blob)).await.unwrap_err();
        steps.push(world.rests().await);
    }
    assert_eq!(steps, ["nothing", "Decrypt"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_may_end_at_any_step() {
    let mut steps = Vec::new();
    for end in (5_u64..).step_by(10) {
        let world = World::new().await;
        let stored = Mutex::new(Vec::new());
        let keep = async |blob| {
            sleep(ms(10)).await;
            assert!(world.memory.asked("DisableKey").is_empty());
            stored.lock().unwrap().push(blob);
            Ok::<_, Infallible>(())
        };
        let done = timeout(ms(end), world.enclave().rotate(&world.blob, &[], keep)).await.is_ok();
        let step = world.rests().await;
        let stored = stored.into_inner().unwrap();
        match stored.as_slice() {
            [] => assert!(world.memory.asked("DisableKey").is_empty() && world.opens(&world.blob).await),
            [blob] => assert!(world.opens(blob).await),
            _ => panic!("stored more than once"),
        }
        if done {
            break;
        }
        steps.push((step, stored.len()));
    }
    assert_eq!(
        steps,
        [
            ("nothing", 0),
            ("Decrypt", 0),
            // Connections to the new keys are being opened.
            ("Decrypt", 0),
            ("DescribeKey", 0),
            ("GenerateDataKey", 0),
            ("Decrypt", 0),
            // The host stores.
            ("Decrypt", 0),
            ("DisableKey", 1),
            ("Decrypt", 1),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_panics_while_it_stores_has_retired_nothing() {
    let world = World::new().await;
    let (enclave, blob) = (world.enclave(), world.blob.clone());
    let rotation = tokio::spawn(async move {
        let keep = |_| -> Ready<Result<(), Infallible>> { panic!("a host that panics") };
        enclave.rotate(&blob, &[], keep).await.map(drop)
    });
    assert!(rotation.await.unwrap_err().is_panic());
    world.rests().await;
    assert!(world.memory.asked("DisableKey").is_empty());
    assert!(world.opens(&world.blob).await);
}
