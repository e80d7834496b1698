//! The time inside an enclave: the attester's own.
//!
//! The system's clock there starts with the hypervisor's time, and nothing keeps it right afterwards: it was seen to drift
//! by seconds in a week. Who corrects it by what the parent says, or boots elsewhere than on AWS, has the parent's word.
//!
//! A module puts the time into every attestation document, and it is the hypervisor's time, which the parent cannot set.
//! The documents that the clock reads come straight from the module, so their signatures are not verified: whoever could
//! forge the module's answers could as well answer every other request of this enclave, and its certificates cannot be
//! judged before the time is known. The clock is therefore as trustworthy as the way to the module, which is a device of
//! this kernel, and no more: a document that came over a network must never be the source of a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcrseal_core::attestation::AttestationDocument;
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::error::{Code, Error};
use rustix::time::{ClockId, clock_gettime};

/// How old a reading becomes before the attester is read again. Ours: a quartz that is 200 ppm off is 60 ms off by then,
/// and AWS tolerates five minutes; but a virtual processor that was stopped knows nothing of it until the next reading.
pub const MAX_READING_AGE: Duration = Duration::from_secs(300);
/// How long a reading may take, by `CLOCK_BOOTTIME`: the attester said the time somewhen within, so that the clock may be
/// wrong by as much. Ours: a fifth of the five minutes that AWS tolerates. One that took longer, because the machine slept or the attester
/// was held up, has failed.
pub const MAX_READING_TIME: Duration = Duration::from_secs(60);
/// How long after a reading that failed the next is tried. Ours: soon enough to be over before a time that drifts matters,
/// seldom enough not to burden a module that is in trouble.
pub const READING_RETRY: Duration = Duration::from_secs(10);

/// The time now, read from the attester: one document, which takes some milliseconds.
///
/// # Errors
/// What the attester answers, and codes 1201..1309 when its document cannot be read; [`Code::Attester`] for a time that
/// the system cannot hold.
pub fn trusted_time(attester: &dyn Attester) -> Result<SystemTime, Error> {
    let document = attester.attest(&AttestationRequest::default())?;
    let milliseconds = AttestationDocument::parse(&document)?.unverified_timestamp_ms();
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).ok_or_else(|| {
        Error::number(Code::Attester, "timestamp in ms", "a time that the system can hold", milliseconds)
    })
}

/// A clock that is set by the attester and not by the system: for signatures and for the validity of certificates.
///
/// Between two readings it goes on by `CLOCK_BOOTTIME`, which nobody can set, and which counts the time that a suspended
/// machine sleeps (the `CLOCK_MONOTONIC` of [`std::time::Instant`] does not).
///
/// [`Self::now`] never waits. When the reading is older than [`MAX_READING_AGE`], a thread reads the attester again, one
/// at a time, while everybody goes on with the old reading; so an async caller loses nothing, and an attester that hangs
/// holds up that thread alone. When a reading fails, the old one goes on, however old, and the next is tried after
/// [`READING_RETRY`]: a clock that drifts by some seconds a day serves better than none.
///
/// It can step, either way, where a new reading differs from what the old one came to: by milliseconds as a rule, by
/// more after the processor was stopped. It is made to be right rather than monotonic: a clock that never goes back is
/// pushed ahead by one wrong reading, and never recovers. Spans are measured with [`std::time::Instant`].
///
/// Clones are the same clock.
///
/// ```
/// use std::sync::Arc;
/// use pcrseal_core::attester::Attester;
/// use pcrseal_nitro::TrustedClock;
///
/// /// The clock as the KMS client wants it: `kms::Client::builder().time_source(time_source(nsm)?)`.
/// fn time_source(
///     attester: Arc<dyn Attester>,
/// ) -> Result<impl Fn() -> std::time::SystemTime + Send + Sync + 'static, pcrseal_core::error::Error> {
///     let clock = TrustedClock::new(attester)?;
///     Ok(move || clock.now())
/// }
/// ```
#[derive(Clone)]
pub struct TrustedClock(Arc<Shared>);

struct Shared {
    attester: Arc<dyn Attester>,
    boottime: Box<dyn Fn() -> Duration + Send + Sync>,
    // Held for a few instructions, never while the attester is asked.
    reading: Mutex<Reading>,
}

struct Reading {
    /// What the attester said.
    time: SystemTime,
    /// When it had said so.
    at: Duration,
    /// When to read again; `None` while a thread does.
    due: Option<Duration>,
}

impl TrustedClock {
    /// Reads the attester once, in this thread.
    ///
    /// # Errors
    /// Those of [`trusted_time`]; [`Code::Attester`] when the reading took longer than [`MAX_READING_TIME`].
    pub fn new(attester: Arc<dyn Attester>) -> Result<Self, Error> {
        Self::with_boottime(attester, boottime)
    }

    fn with_boottime(
        attester: Arc<dyn Attester>,
        boottime: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let reading = Reading::take(&*attester, &boottime)?;
        Ok(Self(Arc::new(Shared { attester, boottime: Box::new(boottime), reading: Mutex::new(reading) })))
    }

    /// The time now. Never waits and never fails.
    pub fn now(&self) -> SystemTime {
        let elapsed = (self.0.boottime)();
        let (now, is_due) = {
            let mut reading = self.0.reading();
            (reading.time_at(elapsed), reading.claim(elapsed))
        };
        if is_due {
            let turn = Turn(Arc::clone(&self.0));
            // A thread that cannot be started gives its turn back: dropped with the closure, it is tried again later.
            let _ = thread::Builder::new().name("trusted-clock".into()).spawn(move || turn.0.read());
        }
        now
    }
}

impl Shared {
    fn read(&self) {
        // What is wrong with the attester, its next request of another kind will tell; the clock goes on.
        if let Ok(reading) = Reading::take(&*self.attester, &*self.boottime) {
            *self.reading() = reading;
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn take(attester: &dyn Attester, boottime: &dyn Fn() -> Duration) -> Result<Self, Error> {
        let asked = boottime();
        let time = trusted_time(attester)?;
        let at = boottime();
        let took = at.saturating_sub(asked);
        if took > MAX_READING_TIME {
            let what = "seconds that reading the attester's time took";
            return Err(Error::number(Code::Attester, what, "0..60", took.as_secs()));
        }
        Ok(Self { time, at, due: Some(at.saturating_add(MAX_READING_AGE)) })
    }

    fn time_at(&self, elapsed: Duration) -> SystemTime {
        // Another thread may have stored a reading since this one looked at the clock: then no time has passed.
        self.time.checked_add(elapsed.saturating_sub(self.at)).unwrap_or(self.time)
    }

    /// Whether it is time to read again, and nobody else does.
    fn claim(&mut self, elapsed: Duration) -> bool {
        let is_due = self.due.is_some_and(|due| elapsed >= due);
        if is_due {
            self.due = None;
        }
        is_due
    }
}

/// The one thread's turn to read. Whatever becomes of it, a panic of the attester included, there is a next one.
struct Turn(Arc<Shared>);

impl Drop for Turn {
    fn drop(&mut self) {
        let retry = (self.0.boottime)().saturating_add(READING_RETRY);
        self.0.reading().due.get_or_insert(retry);
    }
}

/// `CLOCK_BOOTTIME`: the time since the machine started, its sleep included.
fn boottime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // The kernel's seconds are never negative, and its nanoseconds never a second.
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests;
