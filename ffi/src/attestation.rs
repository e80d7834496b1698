//! Attestation documents: what verified, and what it says.

use std::ffi::c_char;
use std::ops::Range;
use std::ptr;

use pcrseal::core::attestation::{AttestationKind, VerifiedAttestation};
use pcrseal::core::pcr::PcrSet;

use crate::pcr_set::{bits, index};
use crate::pointer::{free, get, get_bytes};

/// A Nitro Enclave's document.
pub const PCRSEAL_ATTESTATION_ENCLAVE: u32 = 1;
/// A document of an EC2 instance with NitroTPM, whose PCRs are TPM registers with other meanings.
pub const PCRSEAL_ATTESTATION_NITRO_TPM: u32 = 2;

/// What a verified document says. Immutable, threads may share it; it holds no secret, and lives longer than the document
/// that it was made of.
///
/// Verified means that the module of an instance of AWS signed this, and not that it is wanted: anyone can rent an enclave
/// and have any user data, nonce and public key attested. That is what a policy is for.
pub struct Attestation {
    kind: AttestationKind,
    timestamp_ms: u64,
    pcrs: PcrSet,
    /// Everything that has no fixed length, so that it is one allocation: `module_id` and a NUL at its start.
    content: Box<[u8]>,
    /// The instance id and its NUL.
    instance_id: Option<Range<usize>>,
    public_key: Option<Range<usize>>,
    user_data: Option<Range<usize>>,
    nonce: Option<Range<usize>>,
}

impl From<&VerifiedAttestation<'_>> for Attestation {
    fn from(verified: &VerifiedAttestation<'_>) -> Self {
        let instance_id = verified.instance_id();
        let fields = [verified.public_key(), verified.user_data(), verified.nonce()];
        let texts = [Some(verified.module_id()), instance_id];
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let texts_len: usize = texts.iter().flatten().map(|text| text.len() + 1).sum();
        let mut content = Vec::with_capacity(texts_len + fields.map(len).iter().sum::<usize>());
        let mut text = |text: &str| {
            let start = content.len();
            // A NUL within would end the text for C.
            content.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
            content.push(0);
            start..content.len()
        };
        text(verified.module_id());
        let instance_id = instance_id.map(text);
        let [public_key, user_data, nonce] = fields.map(|field| {
            let start = content.len();
            content.extend_from_slice(field?);
            Some(start..content.len())
        });
        Self {
            kind: verified.kind(),
            timestamp_ms: verified.timestamp_ms(),
            pcrs: verified.pcrs().clone(),
            content: content.into(),
            instance_id,
            public_key,
            user_data,
            nonce,
        }
    }
}

impl Attestation {
    fn content(&self, range: Option<&Range<usize>>) -> Option<&[u8]> {
        self.content.get(range?.clone())
    }
}

/// What the document attests: `PCRSEAL_ATTESTATION_ENCLAVE` or `PCRSEAL_ATTESTATION_NITRO_TPM`; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_kind(attestation: *const Attestation) -> u32 {
    get(attestation, 0, |attestation| match attestation.kind {
        AttestationKind::Enclave => PCRSEAL_ATTESTATION_ENCLAVE,
        AttestationKind::NitroTpm => PCRSEAL_ATTESTATION_NITRO_TPM,
        _ => 0,
    })
}

/// The module's identity, `i-…-enc…` or `i-…-tpm…`; never empty. Owned by the attestation; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_module_id(attestation: *const Attestation) -> *const c_char {
    get(attestation, ptr::null(), |attestation| attestation.content.as_ptr().cast())
}

/// The EC2 instance's id within the module's; NULL where that has not the usual form. Owned by the attestation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_instance_id(attestation: *const Attestation) -> *const c_char {
    get(attestation, ptr::null(), |attestation| {
        attestation.content(attestation.instance_id.as_ref()).map_or(ptr::null(), |text| text.as_ptr().cast())
    })
}

/// When the document was made, in milliseconds since 1970; 0 for NULL alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_timestamp_ms(attestation: *const Attestation) -> u64 {
    get(attestation, 0, |attestation| attestation.timestamp_ms)
}

/// Which PCRs the document holds: bit i stands for PCR i. 0 for NULL alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_pcr_selection(attestation: *const Attestation) -> u32 {
    get(attestation, 0, |attestation| bits(attestation.pcrs.selection()))
}

/// The value of the PCR at `pcr`, and its length, `PCRSEAL_PCR_LEN`, in `len`. Owned by the attestation; NULL and 0 where
/// the document holds no such PCR.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_pcr(
    attestation: *const Attestation,
    pcr: u32,
    len: *mut usize,
) -> *const u8 {
    get_bytes(attestation, len, |attestation| {
        attestation.pcrs.get(index(pcr).ok()?).map(|value| &value.as_bytes()[..])
    })
}

/// The attested public key, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document
/// has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_public_key(
    attestation: *const Attestation,
    len: *mut usize,
) -> *const u8 {
    get_bytes(attestation, len, |attestation| attestation.content(attestation.public_key.as_ref()))
}

/// The attested user data, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document
/// has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_user_data(
    attestation: *const Attestation,
    len: *mut usize,
) -> *const u8 {
    get_bytes(attestation, len, |attestation| attestation.content(attestation.user_data.as_ref()))
}

/// The attested nonce, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document has
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_nonce(
    attestation: *const Attestation,
    len: *mut usize,
) -> *const u8 {
    get_bytes(attestation, len, |attestation| attestation.content(attestation.nonce.as_ref()))
}

/// Frees an attestation. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_free(attestation: *mut Attestation) {
    free(attestation);
}
