//! Who vouches for the code that runs: the Nitro Secure Module, NitroTPM, or the emulator's software module.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Error;
use crate::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};

/// What goes into an attestation document beside the measurements. Each field is at most 1024 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttestationRequest<'a> {
    /// The recipient's public key, `SubjectPublicKeyInfo` DER: KMS encrypts its answers to it.
    pub public_key: Option<&'a [u8]>,
    /// Anything the relying party expects.
    pub user_data: Option<&'a [u8]>,
    /// The relying party's challenge.
    pub nonce: Option<&'a [u8]>,
}

/// An Attester in the sense of RFC 9334: it measures, and produces signed Evidence.
///
/// Calls block (the device is one ioctl); an async caller runs them where blocking is allowed.
pub trait Attester: Send + Sync {
    /// The PCR values measured now.
    ///
    /// # Errors
    /// A code of the 2000 range.
    fn measured_pcrs(&self) -> Result<PcrSet, Error>;

    /// An attestation document (`COSE_Sign1`) that carries the request's fields.
    ///
    /// # Errors
    /// A code of the 2000 range.
    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error>;
}

/// A Nitro Secure Module: the Attester of an enclave. Beside attesting, it keeps the PCRs, and has a random source.
///
/// Each method is one operation of the module (AWS, `aws-nitro-enclaves-nsm-api`, `docs/attestation_process.md`). All
/// implementations behave alike: `pcrseal-nsm-conformance` is the proof, and runs against each.
pub trait NitroSecureModule: Attester {
    /// `DescribeNSM`: what the module says of itself.
    ///
    /// # Errors
    /// A code of the 2000 range.
    fn describe(&self) -> Result<ModuleDescription, Error>;

    /// `DescribePCR`: a register's value, and whether it is locked. Unlocked registers have values too, and documents
    /// do not show them.
    ///
    /// # Errors
    /// A code of the 2000 range.
    fn describe_pcr(&self, index: PcrIndex) -> Result<PcrState, Error>;

    /// `ExtendPCR`: the register becomes SHA-384(old value || data), which is returned. `data` has 1 to
    /// [`MAX_EXTEND_LEN`](crate::limits::MAX_EXTEND_LEN) bytes.
    ///
    /// # Errors
    /// [`Code::NsmReadOnlyIndex`](crate::error::Code::NsmReadOnlyIndex) for a locked register,
    /// [`Code::NsmInvalidArgument`](crate::error::Code::NsmInvalidArgument) for no data,
    /// [`Code::NsmInputTooLarge`](crate::error::Code::NsmInputTooLarge) for too much; others of the 2000 range.
    fn extend_pcr(&self, index: PcrIndex, data: &[u8]) -> Result<Pcr, Error>;

    /// `LockPCR`: the register cannot be extended any more, and documents show it from now on. There is no way back
    /// but a restart.
    ///
    /// # Errors
    /// [`Code::NsmReadOnlyIndex`](crate::error::Code::NsmReadOnlyIndex) when it is locked already; others of the 2000
    /// range.
    fn lock_pcr(&self, index: PcrIndex) -> Result<(), Error>;

    /// `LockPCRs`: locks every register below `range`, which is 0 to 32. Those that are locked stay so.
    ///
    /// # Errors
    /// [`Code::NsmInvalidIndex`](crate::error::Code::NsmInvalidIndex) for a range above 32; others of the 2000 range.
    fn lock_pcrs(&self, range: u16) -> Result<(), Error>;

    /// `GetRandom`, as often as it takes to fill the buffer.
    ///
    /// # Errors
    /// A code of the 2000 range; the buffer is zero then.
    fn random(&self, buffer: &mut [u8]) -> Result<(), Error>;
}

/// What a Nitro Secure Module says of itself (`DescribeNSM`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleDescription {
    /// Major, minor and patch: a change of the first breaks its interface.
    pub version: (u16, u16, u16),
    /// `i-…-enc…`: the parent instance's id and the enclave's.
    pub module_id: String,
    /// How many registers there are: 32.
    pub max_pcrs: u16,
    /// The registers that are locked.
    pub locked_pcrs: PcrSelection,
}

/// A register (`DescribePCR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcrState {
    /// Whether it is locked: not to be extended, and shown by documents.
    pub locked: bool,
    /// Its value.
    pub value: Pcr,
}
