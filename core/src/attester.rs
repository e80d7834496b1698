//! Who vouches for the code that runs: the Nitro Secure Module, or the emulator's software one.

use alloc::vec::Vec;

use crate::error::Error;
use crate::pcr::PcrSet;

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
