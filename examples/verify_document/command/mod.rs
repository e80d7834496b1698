//! The command without its process: arguments and the time in; text and an exit status out.

mod facts;
mod input;
mod options;

use std::ffi::OsString;

use pcrseal::core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error;

use facts::Facts;
use options::{Options, Time};

const USAGE: &str = "\
usage: verify_document FILE [--at SECONDS | --at-timestamp] [--root FILE]... [--json]

  FILE            an attestation document: raw, base64 or hex; `-` is standard input
  --at SECONDS    verify at this time, in seconds since 1970; by default now
  --at-timestamp  verify at the time that the document itself names: for archives alone
  --root FILE     trust this root certificate (DER or PEM) instead of AWS's; may be repeated
  --json          print JSON instead of a table

Exit status: 0 verified, 1 refused, 2 usage.
";

/// What the process prints and how it ends.
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command with the arguments after its name, at a time in milliseconds since the epoch.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>, now_ms: u64) -> Outcome {
    let options = match Options::parse(arguments) {
        Ok(Some(options)) => options,
        Ok(None) => return Outcome { status: 0, stdout: USAGE.to_owned(), stderr: String::new() },
        Err(fault) => return usage(&format!("{fault}\n\n{USAGE}")),
    };
    let document = match input::document(&options.file) {
        Ok(document) => document,
        Err(fault) => return usage(&format!("{fault}\n")),
    };
    let mut roots = Vec::new();
    for file in &options.roots {
        match input::certificates(file) {
            Ok(certificates) => roots.extend(certificates),
            Err(fault) => return usage(&format!("{fault}\n")),
        }
    }
    match verify(&document, &roots, options.time, now_ms) {
        Ok(facts) => {
            let stdout = if options.json { facts.json() } else { facts.table() };
            Outcome { status: 0, stdout, stderr: String::new() }
        }
        Err(error) => {
            let stderr = format!("refused: {} ({}): {error}\n", error.code(), error.code().number());
            Outcome { status: 1, stdout: String::new(), stderr }
        }
    }
}

fn verify(document: &[u8], roots: &[Vec<u8>], time: Time, now_ms: u64) -> Result<Facts, Error> {
    let parsed = AttestationDocument::parse(document)?;
    let at_ms = match time {
        Time::Now => now_ms,
        Time::At(ms) => ms,
        Time::Timestamp => parsed.unverified_timestamp_ms(),
    };
    let mut trusted: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    if trusted.is_empty() {
        trusted.push(AWS_NITRO_ENCLAVES_ROOT_G1);
    }
    let verified = parsed.verify(&trusted, at_ms, &aws_lc::BACKEND)?;
    Ok(Facts::new(&verified, at_ms))
}

fn usage(text: &str) -> Outcome {
    Outcome { status: 2, stdout: String::new(), stderr: format!("verify_document: {text}") }
}
