//! The caller's clock, put right by what AWS says of the time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pcrseal_core::error::{Code, Error as Fault};

use crate::Error;
use crate::limits::{MAX_CLOCK_SKEW, MAX_UNIX_SECONDS};

/// The clock that the caller gave.
pub(super) type TimeSource = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The clock of signatures. Certificates are checked at the time source's own time: only an answer from a server
/// that is proven already moves this one, and for its region alone. One key's region must not take the other keys
/// along.
pub(super) struct Clock {
    source: TimeSource,
    /// Seconds that AWS is ahead, by region.
    offsets: Mutex<BTreeMap<String, i64>>,
}

impl Clock {
    pub(super) fn new(source: TimeSource) -> Self {
        Self { source, offsets: Mutex::default() }
    }

    /// Seconds since 1970, corrected. Whatever a correction says, it is a time that can be signed: only a request
    /// that is sent can be told that the correction was wrong.
    pub(super) fn now(&self, region: &str) -> Result<u64, Error> {
        let offset = self.offsets().get(region).copied().unwrap_or_default();
        Ok(self.uncorrected()?.saturating_add_signed(offset).min(MAX_UNIX_SECONDS))
    }

    /// The time source's own time.
    pub(super) fn uncorrected(&self) -> Result<u64, Error> {
        let since_1970 = (self.source)().duration_since(UNIX_EPOCH).map_err(|_| out_of_range())?;
        Ok(since_1970.as_secs())
    }

    /// Whether AWS's time differs from ours by so much that a denial may be due to it.
    pub(super) fn is_skewed(&self, region: &str, server_time: u64) -> bool {
        self.now(region).is_ok_and(|now| now.abs_diff(server_time) > MAX_CLOCK_SKEW)
    }

    /// Takes AWS's time for true in a region from now on. Returns the seconds that AWS is ahead of the time source.
    pub(super) fn correct(&self, region: &str, server_time: u64) -> Option<i64> {
        let ours = i64::try_from(self.uncorrected().ok()?).ok()?;
        let offset = i64::try_from(server_time).ok()?.checked_sub(ours)?;
        self.offsets().insert(region.to_owned(), offset);
        Some(offset)
    }

    fn offsets(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number of seconds since 1970 as a point in time.
pub(super) fn system_time(unix_seconds: u64) -> Result<SystemTime, Error> {
    UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds)).ok_or_else(out_of_range)
}

fn out_of_range() -> Error {
    Error::Configuration(Fault::new(Code::KmsClock))
}
