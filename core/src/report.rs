//! What each KMS key answered: the report of a seal or an unseal.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::error::Code;
use crate::names::KeyArn;

/// How one key's request ended. The names are stable and meant for metrics labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The share was released, and it authenticates.
    Granted,
    /// KMS refused the attestation document itself: stale or malformed. (A document whose PCRs the key policy
    /// does not accept is refused as plain [`Outcome::AccessDenied`]: AWS does not say more.)
    AttestationRejected,
    /// The key policy or the credentials do not allow the request.
    AccessDenied,
    /// The key is disabled.
    KeyDisabled,
    /// The key is waiting for its deletion, or in another state that refuses.
    KeyPendingDeletion,
    /// KMS throttled the request.
    Throttled,
    /// No answer in time.
    Timeout,
    /// No connection, or the service said that it is unavailable.
    Unreachable,
    /// An answer that holds no usable share: another key's, malformed, not for this recipient, not
    /// authentic, or an error that says the request does not fit the key.
    BadResponse,
    /// Enough other keys had answered before this one did, or before it was asked.
    NotNeeded,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Granted,
        Self::AttestationRejected,
        Self::AccessDenied,
        Self::KeyDisabled,
        Self::KeyPendingDeletion,
        Self::Throttled,
        Self::Timeout,
        Self::Unreachable,
        Self::BadResponse,
        Self::NotNeeded,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::AttestationRejected => "attestation_rejected",
            Self::AccessDenied => "access_denied",
            Self::KeyDisabled => "key_disabled",
            Self::KeyPendingDeletion => "key_pending_deletion",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::BadResponse => "bad_response",
            Self::NotNeeded => "not_needed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A request that gave no share, as its driver saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it ended. [`Outcome::Granted`] would count as [`Outcome::BadResponse`].
    pub outcome: Outcome,
    /// The stable code of the error, if it was one of pcrseal's.
    pub code: Option<Code>,
    /// What KMS itself said, if it answered.
    pub service: Option<ServiceAnswer>,
}

impl Failure {
    /// A failure that its outcome describes fully.
    pub const fn new(outcome: Outcome) -> Self {
        Self { outcome, code: None, service: None }
    }

    /// The failure, as a bad response if its driver calls it a grant: only a share that was opened is one.
    #[must_use]
    pub fn never_granted(self) -> Self {
        match self.outcome {
            Outcome::Granted => Self { outcome: Outcome::BadResponse, ..self },
            _ => self,
        }
    }
}

/// An error answer of KMS, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAnswer {
    /// AWS's error code, such as `AccessDeniedException`.
    pub code: Box<str>,
    /// AWS's text.
    pub message: Box<str>,
    /// The request id: what AWS support asks for.
    pub request_id: Box<str>,
}

/// One key's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key.
    pub key: KeyArn,
    /// Its share's position x = 1..n.
    pub position: u8,
    /// How its request ended.
    pub outcome: Outcome,
    /// The stable code behind a refusal, if there is one.
    pub code: Option<Code>,
    /// What KMS itself said, if it refused.
    pub service: Option<ServiceAnswer>,
    /// From request to answer, if the driver measured it.
    pub elapsed: Option<Duration>,
    /// What to check next, if the code tells: public data, for people.
    pub hint: Option<Box<str>>,
}

/// One row per key, in the quorum's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The rows.
    pub keys: Vec<KeyReport>,
}

impl Report {
    /// How many keys ended this way.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.keys.iter().filter(|row| row.outcome == outcome).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, row) in self.keys.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{} {}", row.key, row.outcome)?;
            if let Some(elapsed) = row.elapsed {
                write!(f, " {} ms", elapsed.as_millis())?;
            }
            if let Some(code) = row.code {
                write!(f, " ({code}: {})", code.text())?;
            }
            if let Some(service) = &row.service {
                write!(f, " [{}: {}, request {}]", service.code, service.message, service.request_id)?;
            }
            if let Some(hint) = &row.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}
