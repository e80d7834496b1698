//! `NitroTPM`, the attester of EC2 instances that are no enclaves.
//!
//! Documents come from AWS's own program `nitro-tpm-attest` (on Amazon Linux 2023: `yum install aws-nitro-tpm-tools`,
//! `/usr/bin/nitro-tpm-attest`; EC2 User Guide, "Get the NitroTPM Attestation Document"). It is also a crate, which is not
//! linked: it brings in the C libraries of tpm2-tss, and `serde_cbor`, which is unmaintained (RUSTSEC-2021-0127).
//!
//! # How a trust policy fits
//! - Required PCRs are those of UEFI's measured boot. AWS (EC2 User Guide, "Prepare AWS KMS for attestation"): PCR4 and
//!   PCR12 for standard boot, PCR7 for Secure Boot. PCR4 is the boot loader, kernel and own command line in one unified
//!   kernel image; PCR12 is what the kernel is given from outside of it, a command line above all: zero when there is
//!   nothing. **PCR4 without PCR12 lets whoever sets the boot variables choose the command line**, and so what runs: it is
//!   required most of all where none is passed. The three together are what `nitro-tpm-pcr-compute` prints.
//! - The default, PCR0 to PCR2, is the firmware's: Amazon keeps PCR0 and PCR1 constant whatever it changes there, and none
//!   of the three says anything of the software.
//! - There is no debug mode. The policy still looks at PCR0, PCR1 and PCR2, and refuses when they are all zero or not
//!   measured: a [`NitroTpm::measuring`] that leaves them out needs a policy that allows debug mode.
//! - In key policies KMS has condition keys of their own for `NitroTPM` (`kms:RecipientAttestation:NitroTPMPCR4`), and the
//!   ones for enclaves never match. Enclaves and instances therefore do not share a quorum's keys by accident.
//! - Root of the instance is inside what it attests: whoever becomes root reads the secret in memory, and asks for
//!   documents about keys of his own. An Attestable AMI has no way in; another AMI proves only how the machine was started.

mod handover;
mod pcr;
mod tool;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pcrseal_core::attestation::{AttestationDocument, AttestationKind};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::MAX_OPTIONAL_FIELD_LEN;
use pcrseal_core::pcr::{PcrIndex, PcrSelection, PcrSet};

use handover::Handover;
use tool::Tool;

/// Where Amazon Linux 2023 installs the program (EC2 User Guide, "Get the NitroTPM Attestation Document").
pub const NITRO_TPM_ATTEST: &str = "/usr/bin/nitro-tpm-attest";
/// The TPM (the default of `nitro-tpm-attest`).
pub const TPM_DEVICE: &str = "/dev/tpm0";
/// Where the kernel shows the SHA-384 PCRs of the TPM (Linux 5.12, `Documentation/ABI/stable/sysfs-class-tpm`).
pub const TPM_PCRS: &str = "/sys/class/tpm/tpm0/pcr-sha384";
/// How long the program may take. Ours: it has the TPM derive an RSA key, which takes seconds on a slow one; and what it
/// is killed over stays in the TPM, so that this is generous.
pub const DEFAULT_TOOL_TIME: Duration = Duration::from_secs(60);
/// Number of PCRs that a TPM of a PC has, and a `NitroTPM` document shows (TCG PC Client Platform TPM Profile, section 4.6).
pub const TPM_PCR_COUNT: u64 = 24;

/// `NitroTPM` through AWS's program `nitro-tpm-attest` and the kernel's view of the PCRs.
///
/// A call takes as long as the program, about a second, and blocks. The device takes one opener at a time, so calls of one
/// `NitroTpm` wait for each other; those of other processes fail with what the program says. Usually only root may open it.
///
/// The program runs in a process group of its own, with no input, with nothing in its environment but `TPM_DEVICE`, and
/// with `/` as its directory. Its end is waited for: where the host ignores SIGCHLD, or waits for children that are not its
/// own, the exit status is lost and every call fails.
///
/// It is killed when it has not ended in time. Then the endorsement key's handle and the NV index that it had made stay in
/// the TPM, which has room for few: `tpm2_getcap handles-persistent` and `tpm2_getcap handles-nv-index` list them,
/// `tpm2_evictcontrol` and `tpm2_nvundefine` remove them.
#[derive(Debug)]
pub struct NitroTpm {
    program: PathBuf,
    device: PathBuf,
    pcrs: PathBuf,
    selection: PcrSelection,
    scratch: Option<PathBuf>,
    time: Duration,
    turn: Mutex<()>,
}

impl Default for NitroTpm {
    fn default() -> Self {
        Self::new()
    }
}

impl NitroTpm {
    /// The instance's `NitroTPM`, with everything where Amazon Linux 2023 has it. Nothing is opened or run yet.
    pub fn new() -> Self {
        Self {
            program: NITRO_TPM_ATTEST.into(),
            device: TPM_DEVICE.into(),
            pcrs: TPM_PCRS.into(),
            selection: (0..TPM_PCR_COUNT).flat_map(PcrIndex::try_from).collect(),
            scratch: None,
            time: DEFAULT_TOOL_TIME,
            turn: Mutex::new(()),
        }
    }

    /// The program, by its absolute path: what is found on a search path is not what was meant. Default:
    /// [`NITRO_TPM_ATTEST`].
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = path.into();
        self
    }

    /// The TPM's device, which the program opens. Default: [`TPM_DEVICE`].
    #[must_use]
    pub fn device(mut self, path: impl Into<PathBuf>) -> Self {
        self.device = path.into();
        self
    }

    /// The folder of the SHA-384 PCRs: one file per register, named by its number. Default: [`TPM_PCRS`].
    #[must_use]
    pub fn pcrs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.pcrs = folder.into();
        self
    }

    /// Which registers [`Attester::measured_pcrs`] reads. Default: PCR0 to PCR23.
    #[must_use]
    pub const fn measuring(mut self, selection: PcrSelection) -> Self {
        self.selection = selection;
        self
    }

    /// The folder below which the request is handed to the program. Default: [`std::env::temp_dir`]. Others who may write
    /// to it must not be able to rename what is ours there: it is this user's own, or sticky as `/tmp` is.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// How long the program may take. Default: [`DEFAULT_TOOL_TIME`].
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time = limit;
        self
    }
}

impl Attester for NitroTpm {
    /// # Errors
    /// [`Code::NitroTpmPcr`], naming the file.
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        pcr::read(&self.pcrs, self.selection)
    }

    /// # Errors
    /// [`Code::NsmInputTooLarge`] for a field above 1024 bytes; [`Code::NitroTpmTool`] when the program cannot be run,
    /// fails, or does not end in time; [`Code::NitroTpmDocument`] when what it printed is not a `NitroTPM` document with
    /// exactly the fields asked for.
    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        for (field, bytes) in fields(request) {
            let length = bytes.map_or(0, <[u8]>::len);
            if length > MAX_OPTIONAL_FIELD_LEN {
                return Err(Error::number(Code::NsmInputTooLarge, field, "0..1024 bytes", length as u64));
            }
        }
        let tool = Tool { program: &self.program, device: &self.device, time: self.time };
        let document = {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let handover = Handover::new(self.scratch.as_deref())?;
            let mut arguments = Vec::new();
            for ((field, bytes), option) in fields(request).into_iter().zip(tool::OPTIONS) {
                if let Some(bytes) = bytes {
                    arguments.extend([option.into(), handover.write(field, bytes)?.into_os_string()]);
                }
            }
            tool.run(&arguments)?
        };
        check(&document, request)?;
        Ok(document)
    }
}

/// The request's fields in the order of [`tool::OPTIONS`].
const fn fields<'a>(request: &AttestationRequest<'a>) -> [(&'static str, Option<&'a [u8]>); 3] {
    [("public_key", request.public_key), ("user_data", request.user_data), ("nonce", request.nonce)]
}

/// That the document is the answer to this request. Its signature is for those who rely on it: here it would prove nothing,
/// for the program that was trusted to ask the TPM would be the one to verify against.
fn check(document: &[u8], request: &AttestationRequest<'_>) -> Result<(), Error> {
    let document =
        AttestationDocument::parse(document).map_err(|error| Error::all(Code::NitroTpmDocument, [error]))?;
    let kind = document.unverified_kind();
    if kind != AttestationKind::NitroTpm {
        let expected = AttestationKind::NitroTpm.name();
        return Err(Error::text(Code::NitroTpmDocument, "kind", expected, kind.name()));
    }
    for ((field, expected), (_, found)) in
        fields(request).into_iter().zip(fields(&document.unverified_request()))
    {
        if expected != found {
            return Err(Error::text(Code::NitroTpmDocument, field, shown(expected), shown(found)));
        }
    }
    Ok(())
}

/// Lower-case hex: all fields of a request are public.
fn shown(field: Option<&[u8]>) -> String {
    let Some(bytes) = field else { return "none".to_owned() };
    bytes.iter().fold(format!("{} bytes ", bytes.len()), |text, byte| text + &format!("{byte:02x}"))
}
