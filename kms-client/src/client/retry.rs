//! When to try again, and how long to wait before.

use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use std::collections::hash_map::RandomState;

use pcrseal_core::error::{Code, Error as Fault};

use crate::limits::{
    DEFAULT_FAULT_BASE, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_WAIT, DEFAULT_THROTTLE_BASE, MAX_ATTEMPTS,
};
use crate::{Error, ErrorClass};

/// How failures that may pass are tried again, always within the time of the whole operation.
///
/// The wait before attempt n + 1 is drawn evenly from 0 up to `base * 2^(n - 1)`, at most `max_wait` ("full
/// jitter"), so that a fleet that failed together does not return together. A `Retry-After` of the service is
/// waited out first. A wait that would end after the operation's time ends the operation at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included: 1..=[`MAX_ATTEMPTS`].
    pub max_attempts: u32,
    /// The base after a passing fault of the service, of the connection or of a stage's time.
    pub fault_base: Duration,
    /// The base after the service asked for fewer requests.
    pub throttle_base: Duration,
    /// The longest wait drawn.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            fault_base: DEFAULT_FAULT_BASE,
            throttle_base: DEFAULT_THROTTLE_BASE,
            max_wait: DEFAULT_MAX_WAIT,
        }
    }
}

impl RetryPolicy {
    /// One attempt. (A kept connection that died idle is replaced still, and clock and credentials are put right.)
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if (1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return Ok(());
        }
        let found = u64::from(self.max_attempts);
        Err(Error::Configuration(Fault::number(Code::KmsRetryPolicy, "max_attempts", "1..10", found)))
    }

    /// The wait after `attempts` attempts, the last of which ended with `error`; `None` if it is final.
    pub(super) fn wait(&self, error: &Error, attempts: u32, random: u64) -> Option<Duration> {
        if !error.is_retryable() || attempts >= self.max_attempts {
            return None;
        }
        let (base, at_least) = match error {
            Error::Service(service) => {
                let throttled = service.class() == ErrorClass::Throttled;
                let base = if throttled { self.throttle_base } else { self.fault_base };
                (base, service.retry_after().unwrap_or_default())
            }
            _ => (self.fault_base, Duration::ZERO),
        };
        let ceiling = base.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        Some(at_least.saturating_add(fraction(ceiling.min(self.max_wait), random)))
    }
}

/// 64 random bits. The keys of `RandomState` come from the operating system's generator, drawing cannot fail,
/// and spreading waits needs no more: nothing secret depends on them.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// `whole * random / 2^64`.
fn fraction(whole: Duration, random: u64) -> Duration {
    let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
    let drawn = (u128::from(nanos) * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(drawn).unwrap_or(nanos))
}

#[cfg(test)]
mod tests {
    use super::{RetryPolicy, fraction, random};
    use crate::{Error, ServiceError};
    use core::time::Duration;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn service(status: u16, code: &str) -> Error {
        Error::Service(ServiceError::new(status, code, "", ""))
    }

    #[test]
    fn ceilings_double_up_to_the_longest_wait() {
        let policy = RetryPolicy {
            max_attempts: 10,
            fault_base: MS(100),
            throttle_base: MS(1000),
            max_wait: MS(5000),
        };
        let ceilings = |error: &Error| -> Vec<u128> {
            // Just below 2^64: the next millisecond up is the ceiling.
            (1..=5).map(|n| policy.wait(error, n, u64::MAX).unwrap().as_millis() + 1).collect()
        };
        assert_eq!(ceilings(&service(500, "KMSInternalException")), [100, 200, 400, 800, 1600]);
        assert_eq!(ceilings(&service(400, "ThrottlingException")), [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let whole = MS(1000);
        assert_eq!(fraction(whole, 0), Duration::ZERO);
        assert_eq!(fraction(whole, 1 << 63), MS(500));
        assert!(fraction(whole, u64::MAX) < whole);
        assert_eq!(fraction(Duration::MAX, 1 << 63), Duration::from_nanos(u64::MAX / 2));

        let mut quarters = [0; 4];
        for _ in 0..4000 {
            quarters[usize::try_from(fraction(whole, random()).as_millis() / 250).unwrap()] += 1;
        }
        // 750 of an expected 1000 is nine standard deviations away.
        assert!(quarters.iter().all(|count| *count > 750), "{quarters:?}");
    }

    #[test]
    fn what_is_final_has_no_wait() {
        let policy = RetryPolicy::default();
        for code in ["AccessDeniedException", "DisabledException", "NotFoundException", "ValidationException"]
        {
            assert_eq!(policy.wait(&service(400, code), 1, 0), None, "{code}");
        }
        let passing = service(503, "");
        assert!(policy.wait(&passing, policy.max_attempts - 1, 0).is_some());
        assert_eq!(policy.wait(&passing, policy.max_attempts, 0), None);
        assert_eq!(RetryPolicy::never().wait(&passing, 1, 0), None);
    }

    #[test]
    fn attempts_are_bounded() {
        for (attempts, fits) in [(0, false), (1, true), (10, true), (11, false)] {
            let policy = RetryPolicy { max_attempts: attempts, ..RetryPolicy::default() };
            assert_eq!(policy.check().is_ok(), fits, "{attempts}");
        }
    }
}
