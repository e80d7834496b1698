//! Renders a key policy, or reads one; lints it, and prints who can decrypt under it.
//!
//! `cargo run --example key_policy -- [hardened | five-statement | multi-pcr | FILE] [--encrypt] [--strict]`
//!
//! Exit status: 0 without errors in the policy, 1 with some, 2 usage or a policy that cannot be read.

mod command;

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = command::run(std::env::args().skip(1));
    // A reader that went away (`| head`) is no reason to fail.
    let _ = io::stdout().write_all(outcome.stdout.as_bytes());
    let _ = io::stderr().write_all(outcome.stderr.as_bytes());
    ExitCode::from(outcome.status)
}
