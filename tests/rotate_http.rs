//! Rotation and retirement against a KMS that disables keys and enforces policies, over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use common::{IMAGE, World, attested_policy, own_key};
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::report::KeyReport;
use pcrseal::kms::Client;
use pcrseal::{AutoUnseal, Code, Outcome, RetirementState, Rotated};
use pcrseal_emulator::kms::KeyState::{Disabled, Enabled};
use pcrseal_emulator::kms::{Access, Action, KeyHandle, KeyState, Operation};

/// A blob under 3 of 5 keys, and the 2 of 3 that take over: the last of the old ones, and two more.
struct Rotation {
    world: World,
    new_keys: Vec<KeyHandle>,
    old_blob: Vec<u8>,
    secret: Vec<u8>,
}

impl Rotation {
    async fn new() -> Self {
        let world = World::of_one_account().await;
        let (old_blob, secret) = world.sealed().await;
        let more = |number| own_key(&world.aws, number, attested_policy());
        let new_keys = vec![world.keys[4].clone(), more(0), more(1)];
        Self { world, new_keys, old_blob, secret }
    }

    fn enclave(&self) -> AutoUnseal<Client> {
        let quorum = |threshold, keys: &[KeyHandle]| {
            let keys = keys.iter().map(arn).collect();
            Quorum::new(threshold, keys, Wrapping::Attested).unwrap()
        };
        let policy = TrustPolicy::builder(ClusterId::new("test-eu-central-1").unwrap())
            .seal_quorum(quorum(2, &self.new_keys))
            .unseal_quorum(quorum(3, &self.world.keys))
            .build()
            .unwrap();
        AutoUnseal::new(Arc::new(self.world.nsm(IMAGE)), self.world.client().build().unwrap(), policy)
    }

    async fn rotate(&self) -> Rotated {
        let keep = |_| ready(Ok::<_, Infallible>(()));
        self.enclave().rotate(&self.old_blob, &[], keep).await.unwrap()
    }

    async fn opens(&self, blob: &[u8]) -> bool {
        let unsealed = self.enclave().unseal(blob).await;
        unsealed.is_ok_and(|unsealed| unsealed.opened.secret().ct_eq(&self.secret))
    }

    fn states(&self) -> Vec<KeyState> {
        self.world.keys.iter().map(KeyHandle::state).collect()
    }
}

fn arn(key: &KeyHandle) -> KeyArn {
    KeyArn::new(key.arn()).unwrap()
}

fn aws_code(row: &KeyReport) -> &str {
    row.service.as_ref().map_or("", |service| &service.code)
}

#[tokio::test]
async fn old_keys_are_disabled_and_refuse_and_the_shared_one_is_untouched() {
    let rotation = Rotation::new().await;
    let rotated = rotation.rotate().await;
    assert_eq!(rotated.opened.header().generation, 2);
    for (retirement, key) in rotated.retirements.iter().zip(&rotation.world.keys) {
        assert_eq!(retirement.state, RetirementState::Retired);
        assert_eq!(retirement.row.key.as_str(), key.arn());
        assert_eq!(
            (retirement.row.outcome, aws_code(&retirement.row)),
            (Outcome::KeyDisabled, "DisabledException")
        );
    }
    assert_eq!(rotation.states(), [Disabled, Disabled, Disabled, Disabled, Enabled]);
    assert_eq!(rotated.retirements.len(), 4);
    assert!(rotated.old_blob_revoked);
    for key in &rotation.new_keys {
        assert_eq!((key.state(), key.requests(Operation::DisableKey)), (Enabled, 0));
    }

    assert!(rotation.opens(&rotated.blob).await);
    let error = rotation.enclave().unseal(&rotation.old_blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().count(Outcome::KeyDisabled), 4);
    // Disabling can be undone: that is what saves a host that has lost the new blob.
    rotation.world.keys.iter().for_each(KeyHandle::enable);
    assert!(rotation.opens(&rotation.old_blob).await);
}

#[tokio::test]
async fn where_the_role_may_not_disable_keys_administrators_do() {
    let rotation = Rotation::new().await;
    let denied = attested_policy().set(Action::DisableKey, Access::Deny);
    rotation.world.keys.iter().for_each(|key| key.set_policy(denied.clone()));
    let rotated = rotation.rotate().await;
    assert!(!rotated.old_blob_revoked);
    for retirement in &rotated.retirements {
        assert_eq!(
            (retirement.state, retirement.row.outcome),
            (RetirementState::Failed, Outcome::AccessDenied)
        );
        assert_eq!(aws_code(&retirement.row), "AccessDeniedException");
        let hint = retirement.row.hint.as_deref().unwrap();
        assert!(hint.contains("allows this role kms:DisableKey"), "{hint}");
    }
    assert_eq!(rotation.states(), [Enabled; 5]);
    assert!(rotation.opens(&rotated.blob).await && rotation.opens(&rotation.old_blob).await);

    rotation.world.keys[0].disable();
    rotation.world.keys[1].schedule_deletion(u64::MAX);
    for (key, outcome, code) in [
        (0, Outcome::KeyDisabled, "DisabledException"),
        (1, Outcome::KeyPendingDeletion, "KMSInvalidStateException"),
    ] {
        let key = arn(&rotation.world.keys[key]);
        let confirmed = rotation.enclave().confirm_retired(&rotation.old_blob, &key).await.unwrap();
        assert_eq!((confirmed.state, confirmed.row.outcome), (RetirementState::Retired, outcome));
        assert_eq!(aws_code(&confirmed.row), code);
    }
    assert!(rotation.opens(&rotation.old_blob).await, "three are left");

    // Denied a Decrypt, the document's PCRs do count; and nothing is known of the key's state.
    let key = &rotation.world.keys[2];
    key.set_policy(attested_policy().set(Action::Decrypt, Access::Deny));
    let denied = rotation.enclave().confirm_retired(&rotation.old_blob, &arn(key)).await.unwrap();
    assert_eq!((denied.state, denied.row.outcome), (RetirementState::Failed, Outcome::AccessDenied));
    assert!(denied.row.hint.unwrap().contains(&"a0".repeat(48)));
}

#[tokio::test]
async fn a_key_that_is_pending_deletion_cannot_be_disabled_and_counts() {
    let rotation = Rotation::new().await;
    let dying = &rotation.world.keys[2];
    dying.schedule_deletion(u64::MAX);
    let retirement = rotation.enclave().retire(&rotation.old_blob, &arn(dying)).await.unwrap();
    assert_eq!(dying.requests(Operation::DisableKey), 1);
    assert_eq!(aws_code(&retirement.row), "KMSInvalidStateException");
    assert_eq!(retirement.state, RetirementState::Retired);
}
