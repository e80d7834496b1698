//! Lines on the console. In production nobody reads it: only `nitro-cli run-enclave --debug-mode` shows it, and QEMU.

use std::fmt::Arguments;
use std::io::{Write, stderr};

use crate::measure::uptime;

/// Writes a line, with the seconds since the machine started. A console that takes nothing is no reason to stop.
pub fn say(what: Arguments<'_>) {
    let _ = writeln!(stderr().lock(), "[{:9.3}] pcrseal-enclave: {what}", uptime().as_secs_f64());
}
