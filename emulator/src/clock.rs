//! The time as the emulator sees it, which tests may move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A clock that can be moved. Clones share one clock: give the same one to the NSM and to KMS to age a
/// document, and different ones to let them disagree.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    shift: Arc<AtomicI64>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    System,
    Fixed(u64),
    Tokio { start: Instant, unix_millis: u64 },
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self { source: Source::System, shift: Arc::default() }
    }

    /// A clock that stands still, in milliseconds since the Unix epoch, until it is moved.
    pub fn fixed(unix_millis: u64) -> Self {
        Self { source: Source::Fixed(unix_millis), shift: Arc::default() }
    }

    /// A clock that shows this time now, in milliseconds since the Unix epoch, and goes on with
    /// [`tokio::time::Instant`]: where tokio's time is paused, it jumps along with the timers.
    pub fn tokio(unix_millis: u64) -> Self {
        Self { source: Source::Tokio { start: Instant::now(), unix_millis }, shift: Arc::default() }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_millis(&self) -> u64 {
        let unmoved = match self.source {
            Source::System => system_millis(),
            Source::Fixed(unix_millis) => unix_millis,
            Source::Tokio { start, unix_millis } => {
                let passed = start.elapsed().as_millis();
                unix_millis.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
            }
        };
        unmoved.saturating_add_signed(self.shift.load(Ordering::SeqCst))
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
