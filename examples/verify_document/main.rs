//! Verifies an attestation document of a Nitro Enclave or of NitroTPM, and prints what it attests.
//!
//! `cargo run --example verify_document -- FILE [--at SECONDS | --at-timestamp] [--root FILE]... [--json]`
//!
//! Exit status: 0 verified, 1 refused (standard error says which check failed), 2 usage.

mod command;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    // A clock before 1970 verifies nothing: no certificate is valid at the epoch.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let outcome = command::run(std::env::args_os().skip(1), now_ms);
    // A reader that went away (`| head`) is no reason to fail.
    let _ = io::stdout().write_all(outcome.stdout.as_bytes());
    let _ = io::stderr().write_all(outcome.stderr.as_bytes());
    ExitCode::from(outcome.status)
}
