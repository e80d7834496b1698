//! Rotation: a secret moves from one quorum to the next, and the keys that it left are retired.
//!
//! At no point is the host without a blob that opens. Nothing is retired before the new blob was proven under
//! every one of its keys and the host has said that it stores it; until then the old blob opens as before, and
//! from then on the new one does. A key of the sealing quorum is never touched.

use std::fmt;
use std::future::Future;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::Quorum;
use pcrseal_core::report::Report;
use pcrseal_core::unseal::Opened;
use tokio::time::Instant;

use crate::auto_unseal::AutoUnseal;
use crate::error::Error;
use crate::kms_client::AuthenticatedKms;
use crate::observe;
use crate::retire::{OldShare, Retirement, RetirementState};

/// What a rotation gives.
#[derive(Debug)]
pub struct Rotated {
    /// The new blob, which `keep` has stored.
    pub blob: Vec<u8>,
    /// The secret, as the new blob opened to it.
    pub opened: Opened,
    /// One row per key of the old blob, of the unseal that began the rotation.
    pub unsealed: Report,
    /// One row per key of the new blob, of the unseal that proved it.
    pub proved: Report,
    /// One entry per key of the old blob that the sealing quorum does not name.
    pub retirements: Vec<Retirement>,
    /// Whether the old blob opens no more: so many of its keys refuse that fewer than its threshold are left.
    /// While it does, whoever can unseal can go back to it; minimum generations help, see
    /// [`TrustPolicy`](pcrseal_core::policy::TrustPolicy). It holds as long as nobody enables the keys again:
    /// `kms:EnableKey` undoes it, and only their deletion cannot be undone.
    pub old_blob_revoked: bool,
}

impl<K: AuthenticatedKms> AutoUnseal<K> {
    /// Moves the secret of a blob to the sealing quorum, one generation on: unseals the blob, reseals, proves the
    /// new blob, has the host keep it, and only then retires the old keys that the sealing quorum does not name.
    ///
    /// `keep` is given the new blob and must store it durably, *beside* the old one; it answers when it has.
    /// If it fails, panics, or is never done, nothing is retired and the old blob is what it was. The old blob is
    /// to be kept until [`Rotated::old_blob_revoked`]: [`AutoUnseal::retire`] and
    /// [`AutoUnseal::confirm_retired`] need it to go on where a rotation ended or was broken off. For that the
    /// trust policy must still accept it: raise the minimum generation afterwards.
    ///
    /// A key that is retired closes every blob under it, not this one alone. Where there are more of them,
    /// [`AutoUnseal::reseal`] each, and [`AutoUnseal::retire`] the keys after the last.
    ///
    /// The policy names the new quorum as the sealing one and the old one as a further unsealing one. Where the
    /// quorums overlap in so many keys that the old blob still opens, `old_blob_revoked` is false and stays so.
    /// Unseal, reseal and retirement may each take as long as the deadline; `keep` takes what it takes, and the
    /// rotation waits for it: a host that may hang puts a limit of its own on it. The rotation may be dropped at
    /// any time; what is on its way is given up, and a key that was being disabled may be disabled or not.
    ///
    /// # Errors
    /// Before `keep`: those of [`AutoUnseal::unseal`] and [`AutoUnseal::reseal`]. [`Code::BlobNotKept`] when
    /// `keep` fails. After it there is none: what did not succeed is in [`Rotated::retirements`].
    pub async fn rotate<F, E>(
        &self,
        blob: &[u8],
        further_bindings: &[PcrSet],
        keep: impl FnOnce(Vec<u8>) -> F,
    ) -> Result<Rotated, Error>
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        self.policy.seal_quorum().ok_or(Code::NoSealQuorum)?;
        // Boxed: a rotation is rare, and its future would be as large as both of these.
        let unsealed = Box::pin(self.unseal(blob)).await?;
        let (old_quorum, leaving) = self.leaving(blob, Instant::now() + self.deadline).await?;
        let sealed = Box::pin(self.reseal(&unsealed.opened, further_bindings)).await?;

        let kept = keep(sealed.blob.clone()).await;
        kept.map_err(|error| Fault::text(Code::BlobNotKept, "keep", "stored", error))?;
        observe::kept(sealed.opened.header());

        let retirements = self.retire_all(leaving).await;
        let old_blob_revoked = is_revoked(&old_quorum, &retirements);
        observe::rotated(sealed.opened.header(), old_blob_revoked);
        Ok(Rotated {
            blob: sealed.blob,
            opened: sealed.opened,
            unsealed: unsealed.report,
            proved: sealed.report,
            retirements,
            old_blob_revoked,
        })
    }

    /// Disables one key of an old blob and confirms with a Decrypt of the blob's share that KMS refuses it, which
    /// it does once the change has reached all of KMS: asked again, ever less often, until it refuses or the
    /// deadline passes. The role needs `kms:DisableKey`. May be repeated: a key that is disabled already is
    /// confirmed.
    ///
    /// For what a rotation could not finish, or a host that retires keys one by one. That a new blob is stored is
    /// then the host's to know.
    ///
    /// # Errors
    /// [`Code::NoSealQuorum`]: without one nothing says which keys are in use. [`Code::KeyInUse`] for a key of
    /// the sealing quorum, [`Code::KeyHoldsNoShare`]. What [`Plan::new`](pcrseal_core::unseal::Plan::new) answers
    /// to the old blob, and the attester's codes. What KMS answers is no error, but a [`RetirementState`].
    pub async fn retire(&self, old_blob: &[u8], key: &KeyArn) -> Result<Retirement, Error> {
        let deadline = Instant::now() + self.deadline;
        Ok(self.retire_one(self.leaving_share(old_blob, key, deadline).await?, deadline).await)
    }

    /// The second half of [`AutoUnseal::retire`]: confirms that KMS refuses a key that somebody else has
    /// disabled, where the role may not.
    ///
    /// # Errors
    /// As [`AutoUnseal::retire`].
    pub async fn confirm_retired(&self, old_blob: &[u8], key: &KeyArn) -> Result<Retirement, Error> {
        let deadline = Instant::now() + self.deadline;
        Ok(self.confirm_one(self.leaving_share(old_blob, key, deadline).await?, deadline).await)
    }

    async fn leaving_share(
        &self,
        old_blob: &[u8],
        key: &KeyArn,
        deadline: Instant,
    ) -> Result<OldShare, Error> {
        let new_quorum = self.policy.seal_quorum().ok_or(Code::NoSealQuorum)?;
        if names(new_quorum, key) {
            return Err(Fault::text(Code::KeyInUse, "key", "a key that the sealing quorum left", key).into());
        }
        let (_, leaving) = self.leaving(old_blob, deadline).await?;
        let share = leaving.into_iter().find(|share| share.key == *key);
        share.ok_or_else(|| Fault::text(Code::KeyHoldsNoShare, "key", "a key of the old blob", key).into())
    }

    /// The old blob's quorum, and its shares under keys that the sealing quorum does not name.
    async fn leaving(&self, old_blob: &[u8], deadline: Instant) -> Result<(Quorum, Vec<OldShare>), Error> {
        let new_quorum = self.policy.seal_quorum().ok_or(Code::NoSealQuorum)?;
        let measured = self.measured(deadline).await?;
        let plan = self.plan(old_blob, &measured)?;
        let leaving = OldShare::all(&plan, &measured).filter(|share| !names(new_quorum, &share.key));
        Ok((plan.quorum().clone(), leaving.collect()))
    }
}

/// By key id, which all replicas of a multi-Region key share.
fn names(quorum: &Quorum, key: &KeyArn) -> bool {
    quorum.keys().iter().any(|named| named.key_id() == key.key_id())
}

/// Whether fewer than t of the n keys are left: at least n - t + 1 refuse.
fn is_revoked(quorum: &Quorum, retirements: &[Retirement]) -> bool {
    let retired = retirements.iter().filter(|retired| retired.state == RetirementState::Retired).count();
    quorum.keys().len().saturating_sub(retired) < usize::from(quorum.threshold())
}
