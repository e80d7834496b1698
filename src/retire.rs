//! Taking a key out of service, and making sure that it is.

use std::fmt;
use std::time::Duration;

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::hint::{hint, management_hint};
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::report::{Failure, KeyReport, Outcome};
use pcrseal_core::unseal::Plan;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::auto_unseal::AutoUnseal;
use crate::kms_client::AuthenticatedKms;
use crate::observe;
use crate::rows::{answered, row};

/// The pause after the first answer that is no refusal; it doubles from there. Ours: a change of a key's state
/// reaches all of KMS within seconds, as a rule (AWS KMS developer guide, "Eventual consistency").
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause. Ours.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How the retirement of a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// What is known of the key.
    pub state: RetirementState,
    /// KMS's last word, and for [`RetirementState::Failed`] the reason. [`Outcome::Granted`] is a share that KMS
    /// still released, which nobody opened.
    pub row: KeyReport,
}

/// Whether a key refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetirementState {
    /// KMS refuses the share for the key's state (`DisabledException` or `KMSInvalidStateException`).
    Retired,
    /// KMS still released the share when the deadline came: confirm again later.
    NotYetEffective,
    /// The key could not be disabled, or what KMS answers says nothing about its state; the row says why. Where
    /// the role may not disable keys (`access_denied`), their administrators do, and
    /// [`AutoUnseal::confirm_retired`] confirms it.
    Failed,
}

impl RetirementState {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::NotYetEffective => "not_yet_effective",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for RetirementState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A share of a blob that is to open no more.
pub(crate) struct OldShare {
    position: u8,
    pub(crate) key: KeyArn,
    ciphertext_blob: Vec<u8>,
    context: EncryptionContext,
    /// For hints.
    measured: PcrSet,
}

impl OldShare {
    pub(crate) fn all(plan: &Plan, measured: &PcrSet) -> impl Iterator<Item = Self> {
        plan.requests().map(|request| Self {
            measured: measured.clone(),
            position: request.position,
            key: request.key.clone(),
            ciphertext_blob: request.ciphertext_blob.to_vec(),
            context: request.encryption_context,
        })
    }
}

impl<K: AuthenticatedKms> AutoUnseal<K> {
    /// All at the same time; in the order given.
    pub(crate) async fn retire_all(&self, shares: Vec<OldShare>) -> Vec<Retirement> {
        let deadline = Instant::now() + self.deadline;
        let mut retirements: Vec<Retirement> = shares.iter().map(unknown).collect();
        let mut tasks = JoinSet::new();
        for share in shares {
            let this = self.clone();
            tasks.spawn(async move { this.retire_one(share, deadline).await });
        }
        while let Some(joined) = tasks.join_next().await {
            // Of a client that panicked nothing is known; its key's entry says so from the start.
            let Ok(done) = joined else { continue };
            if let Some(slot) = retirements.iter_mut().find(|slot| slot.row.position == done.row.position) {
                *slot = done;
            }
        }
        retirements
    }

    pub(crate) async fn retire_one(&self, share: OldShare, deadline: Instant) -> Retirement {
        let start = Instant::now();
        let refused = match timeout_at(deadline, self.kms.disable_key(&share.key)).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.never_granted()),
            Err(_) => Some(Failure::new(Outcome::Timeout)),
        };
        match refused {
            None => observe::disabled(&share.key),
            // What is pending deletion cannot be disabled and need not be.
            Some(failure) if refuses(&failure) => {}
            Some(failure) => {
                let mut retirement = unknown(&share);
                let hint = failure.code.and_then(|code| management_hint(code, "kms:DisableKey"));
                answered(&mut retirement.row, failure, start.elapsed(), hint);
                return told(retirement);
            }
        }
        self.confirm_one(share, deadline).await
    }

    /// Asks for the share until it is refused, or the deadline passes.
    pub(crate) async fn confirm_one(&self, share: OldShare, deadline: Instant) -> Retirement {
        let mut retirement = unknown(&share);
        // Its private half opens nothing and is gone at once: a share that KMS still releases stays closed.
        let public_key = match self.recipient(deadline).await {
            Ok(recipient) => recipient.public_key_der().to_vec(),
            Err(error) => {
                retirement.row.code = Some(error.code());
                return told(retirement);
            }
        };
        let mut pause = FIRST_PAUSE;
        loop {
            // A document of its own for every try: KMS takes none that is five minutes old.
            let document = match self.attest(&public_key, deadline).await {
                Ok(document) => document,
                Err(error) => {
                    retirement.row.code = Some(error.code());
                    break;
                }
            };
            let start = Instant::now();
            let answer = self.kms.decrypt(&share.key, &share.ciphertext_blob, &share.context, &document);
            let failure = match timeout_at(deadline, answer).await {
                Ok(Ok(_released)) => None,
                Ok(Err(failure)) => Some(failure.never_granted()),
                Err(_) => break,
            };
            let (state, failure) = match failure {
                None => (RetirementState::NotYetEffective, Failure::new(Outcome::Granted)),
                Some(failure) if refuses(&failure) => (RetirementState::Retired, failure),
                Some(failure) => (RetirementState::Failed, failure),
            };
            let final_word = !may_change(failure.outcome);
            retirement.state = state;
            let hint = failure.code.and_then(|code| hint(code, &share.measured));
            answered(&mut retirement.row, failure, start.elapsed(), hint);
            if final_word || Instant::now() + pause >= deadline {
                break;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        told(retirement)
    }
}

fn unknown(share: &OldShare) -> Retirement {
    Retirement { state: RetirementState::Failed, row: row(share.position, share.key.clone()) }
}

fn told(retirement: Retirement) -> Retirement {
    observe::retirement(&retirement.row.key, retirement.state.name(), retirement.row.outcome);
    retirement
}

/// Whether KMS refuses for the key's own state.
fn refuses(failure: &Failure) -> bool {
    matches!(failure.outcome, Outcome::KeyDisabled | Outcome::KeyPendingDeletion)
}

/// Whether the same request may be answered otherwise a little later.
fn may_change(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Granted | Outcome::Throttled | Outcome::Timeout | Outcome::Unreachable)
}
