//! The first process of a guest: tries everything that its Nitro Secure Module and Linux's driver of it do, and tells the
//! console, line by line, for the harness to judge:
//!
//! ```text
//! pcrseal-probe pcr 0 locked 9f2c…
//! pcrseal-probe document plain 8443a1…     (several lines, one document)
//! pcrseal-probe cost init_ms 3100.5
//! pcrseal-probe ok NAME
//! pcrseal-probe FAILED NAME: what was expected, what was found
//! pcrseal-probe end CHECKS
//! ```
//!
//! It expects registers that nobody has extended yet; and QEMU's module, which does not sign, unless the ramdisk says
//! otherwise (`told.rs`).

mod check;
mod child;
mod module;
mod opening;
mod raw;
mod told;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::Error;
use pcrseal_core::pcr::PcrIndex;
use pcrseal_enclave::init;
use pcrseal_enclave::measure::{peak_memory_kib, uptime};
use pcrseal_nitro::{DEVICE, Nsm};
use pcrseal_nsm_conformance::run;

use check::Check;
use told::Told;

/// How long the driver may take to make its device after its module was loaded. Ours.
const DEVICE_LIMIT: Duration = Duration::from_secs(20);
/// Bytes of a document that go into one line: a console's line is short enough for whoever reads the log.
const PIECE: usize = 256;

fn main() -> ExitCode {
    let began = uptime();
    if !init::is_first_process() {
        return child::main();
    }
    if let Err(error) = init::start(&|line| println!("pcrseal-probe init {line}")) {
        println!("pcrseal-probe FAILED start: {error}");
    }
    if !init::wait_for(DEVICE, DEVICE_LIMIT) {
        println!("pcrseal-probe FAILED device: {DEVICE} did not come");
    }
    let mut checks = 0;
    for group in [opening::CHECKS, raw::CHECKS_BEFORE] {
        checks += tell(group);
    }
    let opened = Nsm::open().and_then(|nsm| show(&nsm).map(|()| nsm)).map_err(|error| error.to_string());
    match opened.and_then(|nsm| Ok((nsm, Told::read()?))) {
        Ok((nsm, told)) => {
            for outcome in run(&nsm, &told.expectations) {
                println!("pcrseal-probe {outcome}");
                checks += 1;
            }
            checks += module::tell(&Arc::new(nsm), told.signs);
        }
        Err(error) => println!("pcrseal-probe FAILED module: {error}"),
    }
    checks += tell(raw::CHECKS_AFTER);

    cost("init_ms", began.as_secs_f64() * 1e3);
    cost("probe_ms", (uptime().saturating_sub(began)).as_secs_f64() * 1e3);
    cost("peak_memory_kib", peak_memory_kib().unwrap_or_default());
    println!("pcrseal-probe end {checks}");
    init::end();
    ExitCode::SUCCESS
}

/// Runs the checks, and returns how many there were.
fn tell(checks: &[Check]) -> usize {
    for (name, check) in checks {
        check::tell(name, &check());
    }
    checks.len()
}

/// What the host judges: registers as they are from boot, and documents.
fn show(nsm: &Nsm) -> Result<(), Error> {
    for index in PcrIndex::all() {
        let state = nsm.describe_pcr(index)?;
        let lock = if state.locked { "locked" } else { "unlocked" };
        println!("pcrseal-probe pcr {} {lock} {}", index.get(), state.value);
    }
    println!("pcrseal-probe module_id {}", nsm.describe()?.module_id);
    let full = AttestationRequest {
        public_key: Some(&[0x30; 294]),
        user_data: Some(b"user data"),
        nonce: Some(&[0x5a; 32]),
    };
    for (name, request) in [("plain", AttestationRequest::default()), ("full", full)] {
        for piece in nsm.attest(&request)?.chunks(PIECE) {
            println!("pcrseal-probe document {name} {}", hex(piece));
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

fn cost(name: &str, value: impl std::fmt::Display) {
    println!("pcrseal-probe cost {name} {value}");
}
