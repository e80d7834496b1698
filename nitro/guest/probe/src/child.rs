//! The same program as a user who may do nothing: what the first process, which may do everything, cannot see.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use pcrseal_core::error::Error;
use pcrseal_nitro::{DEVICE, Nsm};

/// `nobody` and its group, by the number that every Linux has for them. The guest has no list of users.
const NOBODY: u32 = 65_534;

/// Tries what the argument says, and prints the number of the error's code, or 0.
pub(crate) fn main() -> ExitCode {
    let attempt = std::env::args().nth(1);
    let result = match attempt.as_deref() {
        Some("open") => Nsm::open_at(DEVICE).map(|_| ()),
        Some("seed") => Nsm::open_at(DEVICE).and_then(|nsm| nsm.seed_kernel()),
        _ => return ExitCode::from(2),
    };
    println!("{}", result.map_or_else(|error: Error| error.code().number(), |()| 0));
    ExitCode::SUCCESS
}

/// Has nobody try something: the number of the code that it fails with, or 0.
pub(crate) fn as_nobody(attempt: &str) -> Result<u32, String> {
    let mut command = Command::new("/proc/self/exe");
    let output = command.arg(attempt).uid(NOBODY).gid(NOBODY).output();
    let output = output.map_err(|error| format!("another process: expected to start, found {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("another process: expected a number, found {output:?}"))
}
