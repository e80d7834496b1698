//! Rotation and retirement: whatever fails, and wherever a rotation ends, the host has a blob that opens, and no
//! key counts as retired that KMS does not refuse.

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
use std::future::{pending, ready};
use std::sync::Mutex;
use std::time::Duration;

use kms::{arn, policy_builder, quorum};
use memory::{Fault, Memory};
use pcrseal::core::blob::SealedBlob;
use pcrseal::core::names::{KeyArn, Wrapping};
use pcrseal::core::policy::{Quorum, QuorumOptIns, TrustPolicy};
use pcrseal::core::seal::HostVouchesForSecret;
use pcrseal::{AutoUnseal, Code, Error, Outcome, RetirementState, Rotated};
use tokio::time::{Instant, timeout};

const OLD: std::ops::Range<u8> = 0..5;
const NEW: std::ops::Range<u8> = 5..9;

/// 3 of the keys 0..5, sealed; then 2 of the keys 5..9 take over.
struct World {
    memory: Memory,
    policy: TrustPolicy,
    old_blob: Vec<u8>,
    secret: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        Self::with(Wrapping::Attested, NEW).await
    }

    async fn with(old: Wrapping, new_keys: std::ops::Range<u8>) -> Self {
        let memory = Memory::new();
        let old = quorum(3, 5, old);
        let before = policy_builder().seal_quorum(old.clone()).build().unwrap();
        let sealed = memory.enclave(&before).seal_generated(32, &[]).await.unwrap();
        let new = Quorum::new(2, new_keys.map(arn).collect(), Wrapping::Attested).unwrap();
        let policy = policy_builder().seal_quorum(new).unseal_quorum(old).build().unwrap();
        memory.forget_log();
        Self { memory, policy, old_blob: sealed.blob, secret: sealed.opened.secret().expose().to_vec() }
    }

    fn enclave(&self) -> AutoUnseal<Memory> {
        self.memory.enclave(&self.policy).with_backend(made_before::BACKEND)
    }

    async fn rotate(&self) -> Result<Rotated, Error> {
        self.enclave().rotate(&self.old_blob, &[], |_| ready(Ok::<_, Infallible>(()))).await
    }

    async fn opens(&self, blob: &[u8]) -> bool {
        let unsealed = self.enclave().unseal(blob).await;
        unsealed.is_ok_and(|unsealed| unsealed.opened.secret().ct_eq(&self.secret))
    }

    fn disables(&self) -> Vec<u8> {
        self.memory.asked("DisableKey")
    }
}

fn states(rotated: &Rotated) -> Vec<&'static str> {
    rotated.retirements.iter().map(|retirement| retirement.state.name()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_secret_moves_and_the_old_keys_go() {
    let world = World::new().await;
    let kept = Mutex::new(Vec::new());
    let keep = |blob: Vec<u8>| {
        // By now the blob is proven, and no key is touched.
        assert_eq!(world.memory.asked("Decrypt").iter().filter(|key| NEW.contains(key)).count(), 4);
        assert!(world.disables().is_empty());
        kept.lock().unwrap().push(blob);
        ready(Ok::<_, Infallible>(()))
    };
    let rotated = world.enclave().rotate(&world.old_blob, &[], keep).await.unwrap();
    assert_eq!(*kept.lock().unwrap(), std::slice::from_ref(&rotated.blob));
    assert_eq!(rotated.opened.header().generation, 2);
    assert!(rotated.opened.secret().ct_eq(&world.secret));
    assert_eq!((rotated.unsealed.keys.len(), rotated.proved.count(Outcome::Granted)), (5, 4));
    assert_eq!(states(&rotated), ["retired"; 5]);
    assert!(rotated.retirements.iter().all(|key| key.row.outcome == Outcome::KeyDisabled));
    assert!(rotated.retirements.iter().zip(OLD).all(|(key, number)| key.row.key == arn(number)));
    assert!(rotated.old_blob_revoked);
    assert!(world.opens(&rotated.blob).await);
    assert!(!world.opens(&world.old_blob).await);
}

#[tokio::test(start_paused = true)]
async fn where_the_seal_fails_the_old_blob_stays_what_it_was() {
    for number in NEW {
        let world = World::new().await;
        world.memory.key(number, |key| key.refusal = Some(Outcome::AccessDenied));
        let keep = |_| -> std::future::Ready<Result<(), Infallible>> { panic!("nothing is there to keep") };
        let error = world.enclave().rotate(&world.old_blob, &[], keep).await.unwrap_err();
        assert_eq!(error.code(), Code::SealIncomplete);
        assert!(world.disables().is_empty());
        assert!(world.opens(&world.old_blob).await);
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_host_does_not_keep_the_new_blob_nothing_is_retired() {
    let world = World::new().await;
    let new_blob = Mutex::new(Vec::new());
    let keep = |blob| {
        *new_blob.lock().unwrap() = blob;
        ready(Err("no space left on device"))
    };
    let error = world.enclave().rotate(&world.old_blob, &[], keep).await.unwrap_err();
    assert_eq!(error.code(), Code::BlobNotKept);
    assert!(error.to_string().contains("no space left on device"));
    assert!(world.disables().is_empty());
    // The host may have stored it all the same.
    let new_blob = new_blob.into_inner().unwrap();
    assert!(world.opens(&world.old_blob).await && world.opens(&new_blob).await);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_broken_off_while_the_host_stores_goes_on_later() {
    let world = World::new().await;
    let new_blob = Mutex::new(Vec::new());
    let keep = |blob| {
        *new_blob.lock().unwrap() = blob;
        pending::<Result<(), Infallible>>()
    };
    let enclave = world.enclave();
    let rotation = enclave.rotate(&world.old_blob, &[], keep);
    timeout(Duration::from_secs(3600), rotation).await.unwrap_err();
    assert!(world.disables().is_empty());
    let new_blob = new_blob.into_inner().unwrap();
    assert!(world.opens(&world.old_blob).await && world.opens(&new_blob).await);

    // It had been stored: what is left is to retire the old keys, one by one.
    for number in OLD {
        let retirement = world.enclave().retire(&world.old_blob, &arn(number)).await.unwrap();
        assert_eq!(retirement.state, RetirementState::Retired);
        assert!(world.opens(&new_blob).await);
        assert_eq!(world.opens(&world.old_blob).await, number < 2, "after key {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_broken_off_among_the_disables_goes_on_later() {
    let world = World::new().await;
    // As far as it had come; the new blob is lost, say.
    for number in [0, 1] {
        world.memory.disable(number);
    }
    let retirement = world.enclave().retire(&world.old_blob, &arn(0)).await.unwrap();
    assert_eq!(retirement.state, RetirementState::Retired, "disabled already");
    let rotated = world.rotate().await.unwrap();
    assert_eq!(states(&rotated), ["retired"; 5]);
    assert!(world.opens(&rotated.blob).await);
}

#[tokio::test(start_paused = true)]
async fn keys_that_the_role_may_not_disable_are_confirmed_when_somebody_did() {
    let world = World::new().await;
    for number in [1, 2, 4] {
        world.memory.key(number, |key| key.disable_refusal = Some(Outcome::AccessDenied));
    }
    let rotated = world.rotate().await.unwrap();
    assert_eq!(states(&rotated), ["retired", "failed", "failed", "retired", "failed"]);
    assert_eq!(rotated.retirements[1].row.outcome, Outcome::AccessDenied);
    // Three of five still open it.
    assert!(!rotated.old_blob_revoked);
    assert!(world.opens(&rotated.blob).await && world.opens(&world.old_blob).await);

    let confirm = || async { world.enclave().confirm_retired(&world.old_blob, &arn(2)).await.unwrap().state };
    assert_eq!(confirm().await, RetirementState::NotYetEffective);
    world.memory.disable(2);
    let disables = world.disables();
    assert_eq!(confirm().await, RetirementState::Retired);
    assert_eq!(world.disables(), disables, "confirming disables nothing");
    assert!(!world.opens(&world.old_blob).await);
}

#[tokio::test(start_paused = true)]
async fn one_key_more_than_n_minus_t_revokes() {
    for (denied, revoked) in [(&[0_u8, 1][..], true), (&[0, 1, 2], false)] {
        let world = World::new().await;
        for number in denied {
            world.memory.key(*number, |key| key.disable_refusal = Some(Outcome::AccessDenied));
        }
        let rotated = world.rotate().await.unwrap();
        assert_eq!(rotated.old_blob_revoked, revoked);
        assert_eq!(world.opens(&world.old_blob).await, !revoked);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_of_the_new_quorum_are_never_touched() {
    let world = World::with(Wrapping::Attested, 2..6).await;
    let rotated = world.rotate().await.unwrap();
    assert_eq!(world.disables(), [0, 1]);
    assert_eq!(states(&rotated), ["retired"; 2]);
    // Keys 2, 3 and 4 still open the old blob, and must go on to open the new one.
    assert!(!rotated.old_blob_revoked);
    assert!(world.opens(&rotated.blob).await && world.opens(&world.old_blob).await);

    for key in [2, 5] {
        for confirm in [false, true] {
            let enclave = world.enclave();
            let refused = if confirm {
                enclave.confirm_retired(&world.old_blob, &arn(key)).await
            } else {
                enclave.retire(&world.old_blob, &arn(key)).await
            };
            assert_eq!(refused.unwrap_err().code(), Code::KeyInUse);
        }
    }
    assert_eq!(world.disables(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_within_one_quorum_retires_nothing() {
    let world = World::with(Wrapping::Attested, OLD).await;
    let rotated = world.rotate().await.unwrap();
    assert!(rotated.retirements.is_empty() && world.disables().is_empty());
    assert!(!rotated.old_blob_revoked);
    assert_eq!(rotated.opened.header().generation, 2);
}

#[tokio::test(start_paused = true)]
async fn the_replica_of_a_key_in_use_is_in_use() {
    let replica = |region| {
        let id = "mrk-0123456789abcdef0123456789abcdef";
        KeyArn::new(&format!("arn:aws:kms:{region}:111122223333:key/{id}")).unwrap()
    };
    let opt_ins = QuorumOptIns { multi_region: true, single_share: false };
    let quorum = |keys| Quorum::with_opt_ins(2, keys, Wrapping::Attested, opt_ins).unwrap();
    let policy = policy_builder()
        .seal_quorum(quorum(vec![replica("eu-west-1"), arn(1)]))
        .unseal_quorum(quorum(vec![replica("us-east-1"), arn(2)]))
        .build()
        .unwrap();
    let memory = Memory::new();
    let error = memory.enclave(&policy).retire(b"", &replica("us-east-1")).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyInUse);
    assert!(memory.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_keys_of_the_old_blob_are_retired_and_only_where_something_is_in_use() {
    let world = World::new().await;
    let error = world.enclave().retire(&world.old_blob, &arn(11)).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyHoldsNoShare);
    let old = policy_builder().unseal_quorum(quorum(3, 5, Wrapping::Attested)).build().unwrap();
    let enclave = world.memory.enclave(&old);
    let keep = |_| ready(Ok::<_, Infallible>(()));
    assert_eq!(enclave.retire(&world.old_blob, &arn(0)).await.unwrap_err().code(), Code::NoSealQuorum);
    assert_eq!(enclave.rotate(&world.old_blob, &[], keep).await.unwrap_err().code(), Code::NoSealQuorum);
    assert!(world.disables().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_key_is_asked_until_it_refuses() {
    let world = World::new().await;
    world.memory.key(0, |key| key.propagation = Duration::from_secs(7));
    let start = Instant::now();
    let retirement = world.enclave().retire(&world.old_blob, &arn(0)).await.unwrap();
    assert_eq!(retirement.state, RetirementState::Retired);
    // At 0, 0.25, 0.75, 1.75, 3.75 and 7.75 s; with a document of its own each time.
    assert_eq!(start.elapsed(), Duration::from_millis(7750));
    assert_eq!((world.memory.count("Decrypt"), world.memory.count("attested")), (6, 6));
}

#[tokio::test(start_paused = true)]
async fn what_still_releases_at_the_deadline_is_not_retired_yet() {
    let world = World::new().await;
    world.memory.key(0, |key| key.propagation = Duration::from_secs(60));
    let start = Instant::now();
    let retirement = world.enclave().retire(&world.old_blob, &arn(0)).await.unwrap();
    assert_eq!(retirement.state, RetirementState::NotYetEffective);
    assert_eq!(retirement.row.outcome, Outcome::Granted);
    assert!(start.elapsed() <= Duration::from_secs(30));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let retirement = world.enclave().confirm_retired(&world.old_blob, &arn(0)).await.unwrap();
    assert_eq!(retirement.state, RetirementState::Retired);
}

#[tokio::test(start_paused = true)]
async fn only_a_refusal_for_the_keys_state_retires_it() {
    for (outcome, state, tries) in [
        (Outcome::KeyDisabled, RetirementState::Retired, 1),
        (Outcome::KeyPendingDeletion, RetirementState::Retired, 1),
        (Outcome::AccessDenied, RetirementState::Failed, 1),
        (Outcome::AttestationRejected, RetirementState::Failed, 1),
        (Outcome::BadResponse, RetirementState::Failed, 1),
        // A client that is confused.
        (Outcome::Granted, RetirementState::Failed, 1),
        // At 0, 0.25, 0.75, 1.75, 3.75, 7.75, then every 5 s, for 30 s.
        (Outcome::Throttled, RetirementState::Failed, 10),
        (Outcome::Timeout, RetirementState::Failed, 10),
        (Outcome::Unreachable, RetirementState::Failed, 10),
    ] {
        let world = World::new().await;
        world.memory.key(0, |key| key.refusal = Some(outcome));
        let retirement = world.enclave().confirm_retired(&world.old_blob, &arn(0)).await.unwrap();
        assert_eq!(retirement.state, state, "{outcome}");
        let told = if outcome == Outcome::Granted { Outcome::BadResponse } else { outcome };
        assert_eq!(retirement.row.outcome, told);
        assert_eq!(world.memory.count("Decrypt"), tries, "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_calls_a_failed_disable_a_grant_has_disabled_nothing() {
    let world = World::new().await;
    world.memory.key(0, |key| key.disable_refusal = Some(Outcome::Granted));
    let retirement = world.enclave().retire(&world.old_blob, &arn(0)).await.unwrap();
    assert_eq!(retirement.state, RetirementState::Failed);
    assert_eq!(retirement.row.outcome, Outcome::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_pending_deletion_cannot_be_disabled_and_is_retired() {
    let world = World::new().await;
    world.memory.key(3, |key| {
        key.disable_refusal = Some(Outcome::KeyPendingDeletion);
        key.refusal = Some(Outcome::KeyPendingDeletion);
    });
    let retirement = world.enclave().retire(&world.old_blob, &arn(3)).await.unwrap();
    assert_eq!(
        (retirement.state, retirement.row.outcome),
        (RetirementState::Retired, Outcome::KeyPendingDeletion)
    );
}

#[tokio::test(start_paused = true)]
async fn keys_that_hang_or_a_client_that_panics_cost_no_more_than_themselves() {
    let world = World::new().await;
    world.memory.key(0, |key| key.fault = Fault::Hang);
    world.memory.key(1, |key| key.disable_fault = Fault::Hang);
    world.memory.key(2, |key| key.disable_fault = Fault::Panic);
    let start = Instant::now();
    let rotated = world.rotate().await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert_eq!(states(&rotated), ["failed", "failed", "failed", "retired", "retired"]);
    assert!(rotated.retirements[..3].iter().all(|key| key.row.outcome == Outcome::Timeout));
    assert!(!rotated.old_blob_revoked);
    assert!(world.opens(&rotated.blob).await);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_nobody_vouches_for_does_not_become_attested_by_a_rotation() {
    let world = World::with(Wrapping::Encrypt, NEW).await;
    assert_eq!(world.rotate().await.unwrap_err().code(), Code::ResealUnvouched);
    assert!(world.memory.asked("GenerateDataKey").is_empty() && world.disables().is_empty());

    // Whoever vouched has vouched for the clones.
    let enclave = world.enclave().with_vouched_reseal(HostVouchesForSecret).clone();
    let keep = |_| ready(Ok::<_, Infallible>(()));
    let rotated = enclave.rotate(&world.old_blob, &[], keep).await.unwrap();
    let header = SealedBlob::parse(&rotated.blob).unwrap().header().clone();
    assert_eq!((header.wrapping, header.generation), (Wrapping::Attested, 2));
    assert!(rotated.old_blob_revoked);
}
