//! The caller's clock, put right by what AWS says of the time.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pcrseal_core::error::{Code, Error as Fault};

use crate::Error;
use crate::limits::{MAX_CLOCK_SKEW, MAX_UNIX_SECONDS};

/// The clock that the caller gave.
pub(super) type TimeSource = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The clock of signatures and of credentials' expiry. Certificates are checked at the time source's own time:
/// only an answer from a server that is proven already moves this one.
pub(super) struct Clock {
    source: TimeSource,
    /// Seconds that AWS is ahead.
    offset: AtomicI64,
}

impl Clock {
    pub(super) fn new(source: TimeSource) -> Self {
        Self { source, offset: AtomicI64::new(0) }
    }

    /// Seconds since 1970, corrected.
    pub(super) fn now(&self) -> Result<u64, Error> {
        let seconds = self.uncorrected()?.saturating_add(self.offset.load(Ordering::Relaxed));
        u64::try_from(seconds).map_err(|_| out_of_range())
    }

    /// Whether AWS's time differs from ours by so much that a denial may be due to it.
    pub(super) fn is_skewed(&self, server_time: u64) -> bool {
        self.now().is_ok_and(|now| now.abs_diff(server_time) > MAX_CLOCK_SKEW)
    }

    /// Takes AWS's time for true from now on. Returns the seconds that AWS is ahead of the time source.
    pub(super) fn correct(&self, server_time: u64) -> Option<i64> {
        let server_time = i64::try_from(server_time.min(MAX_UNIX_SECONDS)).ok()?;
        let offset = server_time.checked_sub(self.uncorrected().ok()?)?;
        self.offset.store(offset, Ordering::Relaxed);
        Some(offset)
    }

    fn uncorrected(&self) -> Result<i64, Error> {
        let since_1970 = (self.source)().duration_since(UNIX_EPOCH).map_err(|_| out_of_range())?;
        i64::try_from(since_1970.as_secs()).map_err(|_| out_of_range())
    }
}

/// A number of seconds since 1970 as a point in time.
pub(super) fn system_time(unix_seconds: u64) -> Result<SystemTime, Error> {
    UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds)).ok_or_else(out_of_range)
}

fn out_of_range() -> Error {
    Error::Configuration(Fault::new(Code::KmsClock))
}
