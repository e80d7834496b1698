//! Attestation documents: what verified, and what it says.

use std::ffi::c_char;
use std::ops::Range;
use std::ptr;

use pcrseal::core::attestation::{AttestationKind, VerifiedAttestation};
use pcrseal::core::limits::PCR_LEN;

use crate::pcr_set::bits;
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
    /// Which PCRs there are: bit i stands for PCR i.
    selection: u32,
    /// Everything else, in one allocation: the values of the PCRs, ascending, are its start.
    content: Vec<u8>,
    /// Texts, with their NULs.
    module_id: Range<usize>,
    instance_id: Option<Range<usize>>,
    public_key: Option<Range<usize>>,
    user_data: Option<Range<usize>>,
    nonce: Option<Range<usize>>,
}

impl From<&VerifiedAttestation<'_>> for Attestation {
    fn from(verified: &VerifiedAttestation<'_>) -> Self {
        let (module_id, instance_id) = (verified.module_id(), verified.instance_id());
        let fields = [verified.public_key(), verified.user_data(), verified.nonce()];
        let texts_len = module_id.len() + 1 + instance_id.map_or(0, |id| id.len() + 1);
        let fields_len = fields.iter().flatten().map(|field| field.len()).sum::<usize>();
        let pcrs_len = verified.pcrs().len() * PCR_LEN;
        let mut content = Vec::with_capacity(pcrs_len + texts_len + fields_len);
        for (_, value) in verified.pcrs().iter() {
            content.extend_from_slice(value.as_bytes());
        }
        let mut text = |text: &str| {
            let start = content.len();
            // A NUL within would end the text for C.
            content.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
            content.push(0);
            start..content.len()
        };
        let (module_id, instance_id) = (text(module_id), instance_id.map(text));
        let [public_key, user_data, nonce] = fields.map(|field| {
            let start = content.len();
            content.extend_from_slice(field?);
            Some(start..content.len())
        });
        Self {
            kind: verified.kind(),
            timestamp_ms: verified.timestamp_ms(),
            selection: bits(verified.pcrs().selection()),
            content,
            module_id,
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

    fn text(&self, range: Option<&Range<usize>>) -> *const c_char {
        self.content(range).map_or(ptr::null(), |text| text.as_ptr().cast())
    }

    fn pcr(&self, pcr: u32) -> Option<&[u8]> {
        let bit = 1_u32.checked_shl(pcr).filter(|bit| self.selection & bit != 0)?;
        let before = (self.selection & (bit - 1)).count_ones() as usize;
        self.content.chunks_exact(PCR_LEN).nth(before)
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
    get(attestation, ptr::null(), |attestation| attestation.text(Some(&attestation.module_id)))
}

/// The EC2 instance's id within the module's; NULL where that has not the usual form. Owned by the attestation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_instance_id(attestation: *const Attestation) -> *const c_char {
    get(attestation, ptr::null(), |attestation| attestation.text(attestation.instance_id.as_ref()))
}

/// When the document was made, in milliseconds since 1970; 0 for NULL alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_timestamp_ms(attestation: *const Attestation) -> u64 {
    get(attestation, 0, |attestation| attestation.timestamp_ms)
}

/// Which PCRs the document holds: bit i stands for PCR i. 0 for NULL alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_pcr_selection(attestation: *const Attestation) -> u32 {
    get(attestation, 0, |attestation| attestation.selection)
}

/// The value of the PCR at `pcr`, and its length, `PCRSEAL_PCR_LEN`, in `len`. Owned by the attestation; NULL and 0 where
/// the document holds no such PCR.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_pcr(
    attestation: *const Attestation,
    pcr: u32,
    len: *mut usize,
) -> *const u8 {
    get_bytes(attestation, len, |attestation| attestation.pcr(pcr))
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
