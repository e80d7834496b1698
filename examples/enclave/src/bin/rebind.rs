//! Adds an image to those that may open a blob, or takes one off: for an upgrade, on any machine. It needs no key and
//! opens nothing; the key policies decide which image gets the shares.
//!
//! `rebind add|drop TRUST_JSON MEASUREMENTS_JSON BLOB NEW_BLOB`

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::process::ExitCode;

use pcrseal::core::blob::SealedBlob;
use pcrseal::core::blob::rebind::{add_binding, drop_binding};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::PcrSet;
use pcrseal_enclave::trust::Trust;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [action @ ("add" | "drop"), trust, measurements, blob, new] = arguments.as_slice() else {
        eprintln!("usage: rebind add|drop TRUST_JSON MEASUREMENTS_JSON BLOB NEW_BLOB");
        return ExitCode::from(2);
    };
    match run(action, trust, measurements, blob, new) {
        Ok(bindings) => {
            println!("{new}: {bindings} image(s) may open it");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("rebind: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    action: &str,
    trust: &str,
    measurements: &str,
    blob: &str,
    new: &str,
) -> Result<usize, Box<dyn Error>> {
    let trust = Trust::read(trust)?;
    // A binding covers what is required, no more: PCR8 is there only for signed images.
    let values =
        PcrSet::from_measurements_json(&read(measurements)?)?.select(trust.policy.required_pcrs())?;
    let blob = read(blob)?;
    let rebound = match action {
        "add" => add_binding(&blob, &values, &trust.policy, aws_lc::BACKEND.random)?,
        _ => drop_binding(&blob, &values)?,
    };
    write(new, &rebound).map_err(|error| format!("{new}: {error}"))?;
    Ok(SealedBlob::parse(&rebound)?.bindings().len())
}

/// Never over another blob, which may be the only one; and whole, or not at all.
fn write(path: &str, blob: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file.write_all(blob).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{path}: {error}"))
}
