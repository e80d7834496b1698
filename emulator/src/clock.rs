//! The time as the emulator sees it, which tests may move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that can be moved. Clones share one clock: give the same one to the NSM and to KMS to age a
/// document, and different ones to let them disagree.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed: Option<u64>,
    shift: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self { fixed: None, shift: Arc::default() }
    }

    /// A clock that stands still, in milliseconds since the Unix epoch, until it is moved.
    pub fn fixed(unix_millis: u64) -> Self {
        Self { fixed: Some(unix_millis), shift: Arc::default() }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_millis(&self) -> u64 {
        self.fixed.unwrap_or_else(system_millis).saturating_add_signed(self.shift.load(Ordering::SeqCst))
    }

    /// Seconds since the Unix epoch.
    pub fn now_seconds(&self) -> u64 {
        self.now_millis() / 1000
    }

    /// Moves the clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        self.shift.fetch_add(signed_millis(by), Ordering::SeqCst);
    }

    /// Moves the clock and all its clones back.
    pub fn rewind(&self, by: Duration) {
        self.shift.fetch_sub(signed_millis(by), Ordering::SeqCst);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

fn system_millis() -> u64 {
    // A system clock before 1970 is as good as one at 1970: every certificate is out of date either way.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn signed_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
