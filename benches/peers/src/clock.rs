//! The clocks of this process: the wall clock as the verifiers see it, and the CPU time of this thread.
//!
//! Some verifiers ask the wall clock and take no time. So that they too can be given the time of an archived
//! document, this program defines `clock_gettime` itself: the linker prefers it to the C library's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Milliseconds since the epoch that the wall clock shows; 0 leaves it alone.
static WALL_CLOCK_MS: AtomicU64 = AtomicU64::new(0);

/// Runs a closure while the wall clock shows the given time.
pub fn at<T>(ms: u64, run: impl FnOnce() -> T) -> T {
    WALL_CLOCK_MS.store(ms, Ordering::Relaxed);
    let result = run();
    WALL_CLOCK_MS.store(0, Ordering::Relaxed);
    result
}

/// CPU time that this thread has used.
pub fn cpu_time() -> Duration {
    let time = system(libc::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock");
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The C library's function, for everybody in this process.
///
/// # Safety
/// `time` points to a `timespec` that may be written, as POSIX says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    let ms = WALL_CLOCK_MS.load(Ordering::Relaxed);
    let answer = if clock == libc::CLOCK_REALTIME && ms != 0 {
        Some(libc::timespec { tv_sec: (ms / 1000) as _, tv_nsec: (ms % 1000 * 1_000_000) as _ })
    } else {
        system(clock)
    };
    match answer {
        Some(answer) => {
            // SAFETY: the caller's promise.
            unsafe { time.write(answer) };
            0
        }
        None => -1,
    }
}

fn system(clock: libc::clockid_t) -> Option<libc::timespec> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the system call writes one `timespec`, which lives until it returns.
    let status = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, &raw mut time) };
    (status == 0).then_some(time)
}
