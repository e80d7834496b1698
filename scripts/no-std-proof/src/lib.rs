//! Proof that core works without std: a static library with an allocator and a panic handler of its own.
//!
//! A std anywhere in the graph brings a second panic handler, and the build fails with E0152. The functions
//! below are called from `main.c`, so that the library is not only linked but runs.

#![no_std]

extern crate alloc;

#[path = "../../../core/tests/common/cms/envelope.rs"]
mod envelope;
mod kms;
mod runtime;
mod sessions;

use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal_core::crypto::rustcrypto::BACKEND;
use pcrseal_core::error::Error;

/// Seals a generated secret under a 3-of-5 quorum, adds a binding, drops the first one, and unseals as the
/// image of the new one.
///
/// Returns 0, or the stable code of the error.
#[unsafe(no_mangle)]
pub extern "C" fn proof_seal_rebind_unseal() -> u32 {
    code(sessions::seal_rebind_unseal())
}

/// Verifies a genuine attestation document at its own time.
///
/// Returns 0, or the stable code of the error.
///
/// # Safety
/// `document` points to `length` readable bytes that nobody writes meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn proof_verify(document: *const u8, length: usize) -> u32 {
    // SAFETY: what the caller promises.
    code(verify(unsafe { core::slice::from_raw_parts(document, length) }))
}

fn verify(document: &[u8]) -> Result<(), Error> {
    let document = AttestationDocument::parse(document)?;
    document.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], document.unverified_timestamp_ms(), &BACKEND).map(|_| ())
}

fn code(result: Result<(), Error>) -> u32 {
    result.map_or_else(|error| error.code().number(), |()| 0)
}
