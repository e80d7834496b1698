//! What the server does wrong on purpose.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::errors::{ApiError, THROTTLED};

/// Bytes that [`Fault::OversizeBody`] sends. Ours: far beyond any KMS answer, bearable in a test.
pub const OVERSIZE_BODY_LEN: usize = 8 * 1024 * 1024;

/// What goes wrong with an authentic request: with every one until the fault is taken back, or with as many
/// as [`Fault::times`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Releases 32 other bytes instead of the plaintext.
    WrongPlaintext,
    /// Encrypts the answer to a key that nobody attested.
    OtherRecipient,
    /// Sends the plaintext beside `CiphertextForRecipient`.
    PlaintextBeside,
    /// Sends the plaintext instead of `CiphertextForRecipient`.
    PlaintextOnly,
    /// Names another key in `KeyId`.
    WrongKeyId,
    /// Answers HTTP 200 with something that is not JSON.
    GarbageBody,
    /// Answers HTTP 200 with nothing.
    EmptyBody,
    /// Answers HTTP 200 with [`OVERSIZE_BODY_LEN`] bytes.
    OversizeBody,
    /// HTTP 500, `KMSInternalException`.
    InternalError,
    /// HTTP 400, `ThrottlingException`.
    Throttling,
    /// Refuses with any HTTP status, AWS error code and text.
    Error {
        /// The HTTP status; one that HTTP does not know becomes 500.
        status: u16,
        /// The code: `__type` in the body.
        code: &'static str,
        /// The text.
        message: &'static str,
    },
    /// Answers with a page of HTML, as proxies and load balancers do.
    Html {
        /// The HTTP status; one that HTTP does not know becomes 500.
        status: u16,
    },
    /// Never answers.
    Hang,
    /// Sends half of the answer's head and nothing more.
    HangInHead,
    /// Sends the answer's head, half of its body, and nothing more.
    HangInBody,
    /// Closes the connection instead of answering.
    CloseConnection,
    /// Sends the answer's head and half of its body, and resets the connection.
    ResetInBody,
    /// Promises more bytes of body than it sends before it closes the connection.
    LongContentLength,
    /// Promises half of the bytes of body that it sends before it closes the connection.
    ShortContentLength,
}

impl Fault {
    /// The next `n` requests only.
    #[must_use]
    pub const fn times(self, n: u32) -> FaultPlan {
        self.plan().times(n)
    }

    /// With a `Retry-After` header: seconds, an HTTP date, or nonsense.
    #[must_use]
    pub const fn retry_after(self, value: &'static str) -> FaultPlan {
        self.plan().retry_after(value)
    }

    const fn plan(self) -> FaultPlan {
        FaultPlan { fault: self, times: None, retry_after: None }
    }

    /// The error that is answered before anything else is looked at.
    pub(crate) fn refusal(self) -> Option<ApiError> {
        match self {
            Self::InternalError => Some(ApiError::internal()),
            Self::Throttling => Some(ApiError::new("ThrottlingException", THROTTLED)),
            Self::Error { status, code, message } => Some(ApiError::new(code, message).with_status(status)),
            _ => None,
        }
    }
}

/// A fault with its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    pub(crate) fault: Fault,
    times: Option<u32>,
    pub(crate) retry_after: Option<&'static str>,
}

impl FaultPlan {
    /// The next `n` requests only.
    #[must_use]
    pub const fn times(self, n: u32) -> Self {
        Self { times: Some(n), ..self }
    }

    /// With a `Retry-After` header: seconds, an HTTP date, or nonsense.
    #[must_use]
    pub const fn retry_after(self, value: &'static str) -> Self {
        Self { retry_after: Some(value), ..self }
    }
}

/// Lets `set_fault` take a fault, a plan, or `None`.
impl From<Fault> for Option<FaultPlan> {
    fn from(fault: Fault) -> Self {
        Some(fault.plan())
    }
}

/// Where a fault waits for its requests.
#[derive(Debug, Default)]
pub(crate) struct FaultSlot(Mutex<Option<FaultPlan>>);

impl FaultSlot {
    pub(crate) fn set(&self, plan: Option<FaultPlan>) {
        *self.lock() = plan;
    }

    /// What the request at hand meets.
    pub(crate) fn meet(&self) -> Option<FaultPlan> {
        let mut slot = self.lock();
        let plan = slot.as_mut()?;
        if let Some(times) = &mut plan.times {
            *times = times.checked_sub(1)?;
        }
        Some(*plan)
    }

    fn lock(&self) -> MutexGuard<'_, Option<FaultPlan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
