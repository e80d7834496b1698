//! How a trust policy takes the PCRs of a `NitroTPM`: a document shows the same registers as the kernel.

#![allow(clippy::unwrap_used)]

use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy, TrustPolicyBuilder};
use pcrseal_core::seal::{Plan, SealParameters};

fn index(index: u64) -> PcrIndex {
    PcrIndex::try_from(index).unwrap()
}

/// An instance's registers: firmware, boot loader and secure boot measured, the others as the TPM starts them. PCR12 too:
/// nobody passes a command line.
fn measured() -> PcrSet {
    (0..24)
        .map(|register| (index(register), if register < 8 { Pcr::new([7; 48]) } else { Pcr::ZERO }))
        .collect()
}

/// The registers that the documentation names.
fn named() -> PcrSelection {
    [4, 7, 12].into_iter().map(index).collect()
}

/// The policy that requires them.
fn boot_and_secure_boot() -> TrustPolicyBuilder {
    let keys = ["us-east-1", "eu-central-1", "ap-southeast-2"].iter().enumerate().map(|(number, region)| {
        let id = format!("arn:aws:kms:{region}:111122223333:key/00000000-0000-4000-8000-00000000000{number}");
        KeyArn::new(&id).unwrap()
    });
    TrustPolicy::builder(ClusterId::new("instances").unwrap())
        .seal_quorum(Quorum::new(2, keys.collect(), Wrapping::Attested).unwrap())
        .required_pcrs(named())
}

fn seal(policy: &TrustPolicy, measured: &PcrSet) -> Result<(), Error> {
    Plan::generate(
        &SealParameters { policy, measured, further_bindings: &[], external_aad: b"" },
        32,
        &aws_lc::BACKEND,
    )
    .map(drop)
}

#[test]
fn a_blob_can_be_bound_to_the_registers_of_measured_boot() {
    seal(&boot_and_secure_boot().build().unwrap(), &measured()).unwrap();
}

#[test]
fn without_the_firmware_s_registers_debug_mode_has_to_be_allowed() {
    let some = measured().select(named()).unwrap();
    assert_eq!(seal(&boot_and_secure_boot().build().unwrap(), &some).unwrap_err().code(), Code::PcrMissing);
    seal(&boot_and_secure_boot().allow_debug_mode().build().unwrap(), &some).unwrap();
}

#[test]
fn a_tpm_that_nothing_was_measured_into_is_refused_as_debug_mode() {
    let mut blank = measured();
    for register in 0..3 {
        blank.insert(index(register), Pcr::ZERO);
    }
    assert_eq!(seal(&boot_and_secure_boot().build().unwrap(), &blank).unwrap_err().code(), Code::DebugMode);
}
