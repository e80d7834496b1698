//! What a release of the sealed workload measures: the PCR values that a key policy lists.

use std::collections::{BTreeMap, BTreeSet};

use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};

/// Number of registers of a NitroTPM: PCR0 to PCR23 (TCG PC Client Platform TPM Profile).
const NITRO_TPM_PCR_COUNT: u8 = 24;
/// The firmware measures into PCR0 to PCR7 at every start, if only a separator (TCG PC Client Platform Firmware Profile):
/// of these zero is no value. What comes after measures into the others, or does not: a PCR12 of zeros is an instance whose
/// kernel was given no command line from outside, and what AWS has key policies demand beside PCR4 (EC2 User Guide,
/// "Prepare AWS KMS for attestation").
const NITRO_TPM_FIRMWARE_PCRS: u8 = 8;

/// A release, by the PCR values that its attestation documents show. Public data.
///
/// Every register that is listed is demanded; of a register's values any is accepted (PCR4 differs from one parent
/// instance to the next). No value is all zeros: that is a debug-mode enclave, or a register that nothing was
/// measured into, and identifies nobody. Of an instance PCR8 and those above may be zero, beside one that is not: that
/// nothing was measured there can matter, such as a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    platform: Platform,
    pcrs: BTreeMap<PcrIndex, Vec<Pcr>>,
}

/// Who signs the attestation document: the condition keys differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Enclave,
    NitroTpm,
}

impl Platform {
    const fn name(self) -> &'static str {
        match self {
            Self::Enclave => "a Nitro Enclave",
            Self::NitroTpm => "a NitroTPM",
        }
    }
}

impl Release {
    /// An enclave image, by its PCR0 (`ImageSha384` to KMS).
    ///
    /// # Errors
    /// [`Code::PcrZero`].
    pub fn enclave(image_sha384: Pcr) -> Result<Self, Error> {
        let release = Self { platform: Platform::Enclave, pcrs: BTreeMap::new() };
        release.accept(PcrIndex::try_from(0)?, image_sha384)
    }

    /// An enclave image, by the JSON that nitro-cli prints of it: its PCR0, and of PCR1, PCR2 and PCR8 those that
    /// are demanded. PCR0 covers all of the image but the certificate that signed it (PCR8).
    ///
    /// # Errors
    /// What [`PcrSet::from_measurements_json`] says; [`Code::PcrMissing`] for a demanded PCR that is not in the
    /// JSON; [`Code::PcrZero`].
    pub fn from_measurements_json(json: &[u8], demanded: PcrSelection) -> Result<Self, Error> {
        let image = PcrIndex::try_from(0)?;
        let measured = PcrSet::from_measurements_json(json)?.select(demanded.with(image))?;
        let release = Self { platform: Platform::Enclave, pcrs: BTreeMap::new() };
        measured.iter().try_fold(release, |release, (index, &value)| release.accept(index, value))
    }

    /// An instance with a NitroTPM, by the values that all of these registers must have.
    ///
    /// # Errors
    /// [`Code::ReleasePcrs`] for no register and for one beyond PCR23; [`Code::PcrZero`] for one of PCR0 to PCR7, and
    /// when all are zero.
    pub fn nitro_tpm(pcrs: &PcrSet) -> Result<Self, Error> {
        if pcrs.is_empty() {
            return Err(Error::number(Code::ReleasePcrs, "NitroTPM PCRs", "at least one", 0));
        }
        if pcrs.iter().all(|(_, value)| *value == Pcr::ZERO) {
            return Err(Error::number(Code::PcrZero, "NitroTPM PCRs of other digits", "at least one", 0));
        }
        let release = Self { platform: Platform::NitroTpm, pcrs: BTreeMap::new() };
        pcrs.iter().try_fold(release, |release, (index, &value)| release.accept(index, value))
    }

    /// Demands one PCR more, or accepts one value more of a demanded one.
    ///
    /// # Errors
    /// [`Code::PcrZero`], but for PCR8 and above of a NitroTPM; [`Code::ReleasePcrs`] beyond PCR23 of a NitroTPM.
    pub fn accept(mut self, index: PcrIndex, value: Pcr) -> Result<Self, Error> {
        let may_be_zero = self.platform == Platform::NitroTpm && index.get() >= NITRO_TPM_FIRMWARE_PCRS;
        if value == Pcr::ZERO && !may_be_zero {
            return Err(Error::number(
                Code::PcrZero,
                "PCR index",
                "a value of other digits",
                index.get().into(),
            ));
        }
        if self.platform == Platform::NitroTpm && index.get() >= NITRO_TPM_PCR_COUNT {
            let found = index.get().into();
            return Err(Error::number(Code::ReleasePcrs, "NitroTPM PCR index", "0..23", found));
        }
        let values = self.pcrs.entry(index).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
        Ok(self)
    }

    /// Demands an image signed under this certificate, in DER (PCR8 of an enclave).
    ///
    /// # Errors
    /// What [`Pcr::from_signing_certificate`] says; [`Code::ReleasePcrs`] for a NitroTPM.
    pub fn signing_certificate(self, der: &[u8]) -> Result<Self, Error> {
        self.of_enclave(8, Pcr::from_signing_certificate(der)?)
    }

    /// Demands a parent instance with this IAM role, or accepts one role more (PCR3 of an enclave).
    ///
    /// # Errors
    /// What [`Pcr::from_role_arn`] says; [`Code::ReleasePcrs`] for a NitroTPM.
    pub fn parent_role(self, arn: &str) -> Result<Self, Error> {
        self.of_enclave(3, Pcr::from_role_arn(arn)?)
    }

    /// Demands this parent instance, or accepts one instance more (PCR4 of an enclave).
    ///
    /// # Errors
    /// What [`Pcr::from_instance_id`] says; [`Code::ReleasePcrs`] for a NitroTPM.
    pub fn parent_instance(self, instance_id: &str) -> Result<Self, Error> {
        self.of_enclave(4, Pcr::from_instance_id(instance_id)?)
    }

    fn of_enclave(self, index: u64, value: Pcr) -> Result<Self, Error> {
        if self.platform != Platform::Enclave {
            let found = self.platform.name();
            return Err(Error::text(Code::ReleasePcrs, "release", Platform::Enclave.name(), found));
        }
        self.accept(PcrIndex::try_from(index)?, value)
    }

    /// That this is an enclave of which exactly these PCRs are demanded.
    pub(super) fn demands_exactly(&self, indices: PcrSelection) -> Result<(), Error> {
        let demanded: PcrSelection = self.pcrs.keys().copied().collect();
        if self.platform == Platform::Enclave && demanded == indices {
            return Ok(());
        }
        let expected = registers(Platform::Enclave, indices.iter());
        Err(Error::text(Code::ReleasePcrs, "release", expected, self.registers()))
    }

    /// That this release can stand beside the current one: the same registers, since a Deny holds for both.
    pub(super) fn precedes(&self, current: &Self) -> Result<(), Error> {
        if self.platform != current.platform || !self.pcrs.keys().eq(current.pcrs.keys()) {
            let (expected, found) = (current.registers(), self.registers());
            return Err(Error::text(Code::ReleaseMismatch, "previous release", expected, found));
        }
        if self == current {
            let expected = "another one than the current release";
            return Err(Error::text(Code::ReleaseMismatch, "previous release", expected, "the same"));
        }
        Ok(())
    }

    fn registers(&self) -> String {
        registers(self.platform, self.pcrs.keys().copied())
    }
}

/// The registers that these releases demand, in ascending order, with the values of all of them.
pub(super) fn demands(releases: &[&Release]) -> Vec<Demand> {
    let keys =
        releases.iter().flat_map(|release| release.pcrs.keys().map(|&index| (release.platform, index)));
    let mut seen = BTreeSet::new();
    keys.filter(|&(_, index)| seen.insert(index))
        .map(|(platform, index)| {
            let mut values: Vec<String> = Vec::new();
            for value in releases.iter().filter_map(|release| release.pcrs.get(&index)).flatten() {
                let digits = value.to_string();
                if !values.contains(&digits) {
                    values.push(digits);
                }
            }
            Demand { name: name(platform, index), values }
        })
        .collect()
}

/// One register, and the values that are accepted of it.
pub(super) struct Demand {
    /// `ImageSha384`, `PCR8`, `NitroTPMPCR4`, …
    pub(super) name: String,
    /// Lower-case hex digits, as KMS compares them.
    pub(super) values: Vec<String>,
}

impl Demand {
    /// The condition key (AWS KMS developer guide, "Condition keys for AWS Nitro Enclaves").
    pub(super) fn key(&self) -> String {
        format!("kms:RecipientAttestation:{}", self.name)
    }
}

fn name(platform: Platform, index: PcrIndex) -> String {
    match platform {
        Platform::Enclave if index.get() == 0 => "ImageSha384".into(),
        Platform::Enclave => index.to_string(),
        Platform::NitroTpm => format!("NitroTPM{index}"),
    }
}

fn registers(platform: Platform, indices: impl Iterator<Item = PcrIndex>) -> String {
    let names: Vec<String> = indices.map(|index| index.to_string()).collect();
    format!("{} by {}", platform.name(), names.join(", "))
}
