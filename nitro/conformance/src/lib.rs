//! What every Nitro Secure Module does, as checks that run against any implementation.
//!
//! Any [`NitroSecureModule`] takes them: a software module in process, a driver's client over a channel, the real device
//! in a guest. They need no test harness, so that a program which is a guest's first process can run and print them:
//!
//! ```no_run
//! # fn main_of(module: &dyn pcrseal_core::attester::NitroSecureModule) {
//! use pcrseal_nsm_conformance::{Expectations, run};
//!
//! for outcome in run(module, &Expectations::unsigned()) {
//!     println!("{outcome}"); // "ok describe_tells_32_registers", or "FAILED …: what was expected, what was found"
//! }
//! # }
//! ```
//!
//! Sources: AWS, `aws-nitro-enclaves-nsm-api` (its types, `docs/attestation_process.md`, and `nsm-check.rs` in its
//! repository, AWS's own test of the real device), and the traits' documentation in `pcrseal_core::attester`.
//!
//! Where these leave something open, the checks demand what QEMU's device does, and the software module with it. Nobody ran
//! them on Nitro hardware: a check that fails there tells of the hardware, not of a fault. AWS's own test wants an error,
//! whichever, for a locked register, where `ReadOnlyIndex` is demanded here. Nor does it say how much one extension takes
//! (4068 bytes here), in what form the module's id is written, or that threads may ask at once. Bounds that the traits set
//! (an empty extension, a field over 1024 bytes, a range above 32) are found out by the device's client before the module
//! is asked: those checks say nothing of the hardware.
//!
//! # What they demand of the module, and what they leave behind
//! The module has just been booted (nobody has extended or locked a register), and its
//! [`measured_pcrs`](pcrseal_core::attester::Attester::measured_pcrs) reads all locked registers. Afterwards:
//!
//! | register | state |
//! |---|---|
//! | 0..15 | unchanged: locked from boot |
//! | 16 | extended once, locked (by `LockPCRs`) |
//! | 17..29 | unchanged: zero, not locked |
//! | 30 | extended several times, not locked |
//! | 31 | extended once, locked (by `LockPCR`) |
//!
//! Locks last until the next boot, so that a second run on one boot fails.
#![forbid(unsafe_code)]

mod check;
mod document;
mod documents;
mod random;
mod registers;

use std::fmt;
use std::ops::RangeInclusive;

use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::pcr::PcrSet;

/// What is known of the module beforehand: where implementations may differ, and only there.
#[derive(Clone, Debug)]
pub struct Expectations {
    root: Option<Vec<u8>>,
    pcrs: PcrSet,
    time_ms: Option<RangeInclusive<u64>>,
}

impl Expectations {
    /// The module signs its documents, and they chain to this root certificate (DER).
    pub fn signed_under(root_der: &[u8]) -> Self {
        Self { root: Some(root_der.to_vec()), pcrs: PcrSet::new(), time_ms: None }
    }

    /// The module does not sign: verification must refuse its documents.
    ///
    /// This is QEMU's device. Its documents name the algorithm -1, and carry 64 zero bytes each for the signature, the
    /// certificate and the only entry of the `cabundle` (`hw/virtio/virtio-nsm.c`); everything else is like AWS's.
    pub fn unsigned() -> Self {
        Self { root: None, pcrs: PcrSet::new(), time_ms: None }
    }

    /// Values that registers have from boot: those of the image, the parent's role, its instance id.
    #[must_use]
    pub fn pcrs(mut self, pcrs: PcrSet) -> Self {
        self.pcrs = pcrs;
        self
    }

    /// When documents are made, in milliseconds since the epoch: their timestamps must lie within.
    ///
    /// Without it timestamps must be in order, no more: a guest without a clock cannot judge them.
    #[must_use]
    pub fn issued_within_ms(mut self, first_to_last: RangeInclusive<u64>) -> Self {
        self.time_ms = Some(first_to_last);
        self
    }
}

/// What became of one check. Prints as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it proves.
    pub check: &'static str,
    /// What was expected and what was found, where they differ. Public data only.
    pub result: Result<(), String>,
}

impl Outcome {
    /// Whether the module did what the check's name says.
    pub const fn passed(&self) -> bool {
        self.result.is_ok()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(()) => write!(f, "ok {}", self.check),
            Err(reason) => write!(f, "FAILED {}: {reason}", self.check),
        }
    }
}

/// A check's name, and what it asks of the module.
type Check = (&'static str, fn(&dyn NitroSecureModule, &Expectations) -> check::Result);

/// Runs all checks that apply, in order; each is tried whatever became of those before it.
///
/// Nothing of it panics or depends on the time of day. Which checks there are depends on the expectations alone.
pub fn run(module: &dyn NitroSecureModule, expect: &Expectations) -> Vec<Outcome> {
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(registers::CHECKS_FROM_BOOT);
    checks.extend(random::CHECKS);
    checks.extend(documents::CHECKS);
    checks.extend(if expect.root.is_some() { documents::CHECKS_SIGNED } else { documents::CHECKS_UNSIGNED });
    if expect.time_ms.is_some() {
        checks.extend(documents::CHECKS_OF_TIME);
    }
    checks.extend(registers::CHECKS_THAT_CHANGE);
    checks.into_iter().map(|(name, check)| Outcome { check: name, result: check(module, expect) }).collect()
}
