//! What an answer tells about time and memory.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long the machine has been up (`CLOCK_BOOTTIME`).
pub fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // Neither is ever negative on this clock.
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// The most memory that this process has ever had in use, in KiB (`VmHWM`, proc(5)).
pub fn peak_memory_kib() -> Option<u64> {
    peak(&fs::read_to_string("/proc/self/status").ok()?)
}

fn peak(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{peak, peak_memory_kib, uptime};

    #[test]
    fn the_clock_goes_on() {
        let before = uptime();
        assert!(!before.is_zero());
        assert!(uptime() >= before);
    }

    #[test]
    fn the_peak_is_found_among_the_other_lines() {
        assert_eq!(peak("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    5040 kB\nVmRSS:\t 1 kB\n"), Some(5040));
        assert_eq!(peak("VmPeak:\t  9 kB\n"), None);
        assert_eq!(peak("VmHWM:\t many kB\n"), None);
        assert!(peak_memory_kib().unwrap() > 0);
    }
}
