//! The caller's clock, put right by what each region says of the time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pcrseal_core::error::{Code, Error as Fault};

use crate::Error;
use crate::limits::{MAX_CLOCK_SKEW, MAX_UNIX_SECONDS};

/// The clock that the caller gave.
pub(super) type TimeSource = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The clock of signatures and of credentials' expiry, for each region by its own word: one whose clock is wrong
/// does not spoil the others' signatures. Certificates are checked at the time source's own time: only an answer
/// from a server that is proven already moves this one.
pub(super) struct Clock {
    source: TimeSource,
    /// Seconds that a region is ahead.
    offsets: Mutex<BTreeMap<String, i64>>,
}

impl Clock {
    pub(super) fn new(source: TimeSource) -> Self {
        Self { source, offsets: Mutex::default() }
    }

    /// Seconds since 1970, by the time source.
    pub(super) fn now(&self) -> Result<u64, Error> {
        u64::try_from(self.uncorrected()?).map_err(|_| out_of_range())
    }

    /// Seconds since 1970, as a region says.
    pub(super) fn now_in(&self, region: &str) -> Result<u64, Error> {
        let offset = self.offsets().get(region).copied().unwrap_or_default();
        u64::try_from(self.uncorrected()?.saturating_add(offset)).map_err(|_| out_of_range())
    }

    /// Whether a region's time differs from what is taken for it by so much that a denial may be due to it.
    pub(super) fn is_skewed(&self, region: &str, server_time: u64) -> bool {
        self.now_in(region).is_ok_and(|now| now.abs_diff(server_time) > MAX_CLOCK_SKEW)
    }

    /// Takes a region's word for its time from now on. Returns the seconds that it is ahead of the time source.
    pub(super) fn correct(&self, region: &str, server_time: u64) -> Option<i64> {
        let server_time = i64::try_from(server_time.min(MAX_UNIX_SECONDS)).ok()?;
        let offset = server_time.checked_sub(self.uncorrected().ok()?)?;
        self.offsets().insert(region.to_owned(), offset);
        Some(offset)
    }

    fn offsets(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
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
