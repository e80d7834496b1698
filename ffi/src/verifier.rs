//! Verification of attestation documents.

use std::sync::Mutex;

use pcrseal::Code;
use pcrseal::core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, CabundleCache, VerifiedAttestation,
};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;

use crate::attestation::Attestation;
use crate::attestation_policy::AttestationPolicy;
use crate::error::{Error, Failure, Status};
use crate::pointer::{Caller, call, free};

/// Threads of one verifier that find a cache at the same time; the others verify without one, and wait for nobody.
const CACHES: usize = 16;
/// Cabundles that each cache remembers.
const CABUNDLES: usize = 16;

/// The roots that are trusted, and the certificates that verified under them before: the next document under the same ones
/// takes two signature verifications instead of five. Immutable; threads may share it, and do not wait for each other.
pub struct Verifier {
    roots: Vec<Vec<u8>>,
    caches: [Mutex<CabundleCache<CABUNDLES>>; CACHES],
}

impl Verifier {
    fn verify<'d>(&self, document: &'d [u8], at_ms: u64) -> Result<VerifiedAttestation<'d>, Fault> {
        let document = AttestationDocument::parse(document)?;
        let roots: Vec<&[u8]> = self.roots.iter().map(Vec::as_slice).collect();
        // One in which a call panicked counts as taken for good.
        match self.caches.iter().find_map(|cache| cache.try_lock().ok()) {
            Some(mut cache) => document.verify_cached(&roots, at_ms, &aws_lc::BACKEND, &mut cache),
            None => document.verify(&roots, at_ms, &aws_lc::BACKEND),
        }
    }
}

/// Certificates one after the other. Each is a SEQUENCE of 256..65535 bytes: a P-384 key and signature alone are near that.
fn certificates(mut der: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    let mut certificates = Vec::new();
    while !der.is_empty() {
        let malformed = || Fault::field(Code::CertificateMalformed, "roots_der");
        let [0x30, 0x82, high, low, ..] = *der else { return Err(malformed()) };
        let len = usize::from(u16::from_be_bytes([high, low])).saturating_add(4);
        let (certificate, rest) = der.split_at_checked(len).ok_or_else(malformed)?;
        certificates.push(certificate.to_vec());
        der = rest;
    }
    Ok(certificates)
}

/// A new verifier, in `verifier`, that trusts the root certificates in `roots_der`: DER, one after the other. With
/// `(NULL, 0)` it trusts AWS's root of all genuine documents, AWS Nitro Enclaves Root-G1; others are for tests and for
/// roots to come. Whoever gets it frees it.
///
/// Fails with `PCRSEAL_E_CERTIFICATE_MALFORMED` for something else than whole certificates. Roots are compared byte by byte,
/// and nothing else about them is judged before a document claims to come from them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_verifier_new(
    roots_der: *const u8,
    roots_der_len: usize,
    verifier: *mut *mut Verifier,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let verifier = caller.out(verifier, "verifier");
        let roots = match caller.bytes(roots_der, roots_der_len, "roots_der")? {
            [] => vec![AWS_NITRO_ENCLAVES_ROOT_G1.to_vec()],
            der => certificates(der)?,
        };
        let caches = [const { Mutex::new(CabundleCache::new()) }; CACHES];
        verifier.give(Verifier { roots, caches });
        Ok(())
    })
}

/// Frees a verifier. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_verifier_free(verifier: *mut Verifier) {
    free(verifier);
}

/// Verifies an attestation document and judges it: its certificates and its signature at the time `at_ms`, in milliseconds
/// since 1970, under the verifier's roots, and what it says under `policy`. What it says is in `attestation`, which whoever
/// gets it frees.
///
/// A document must not choose the time at which it is verified: `at_ms` is the relying party's own clock.
///
/// Fails with `PCRSEAL_E_ATTESTATION_REFUSED` when the document is genuine and not wanted; the error's message then lists
/// every demand that it does not meet. Before that with the `PCRSEAL_E_CBOR_…`, `PCRSEAL_E_COSE_…`,
/// `PCRSEAL_E_ATTESTATION_…` and `PCRSEAL_E_CERTIFICATE_…` codes, of which each names the check that the document failed,
/// and with `PCRSEAL_E_ATTESTATION_POLICY_EMPTY` or `PCRSEAL_E_ATTESTATION_POLICY_FIELD` for a policy that cannot be meant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_verify(
    verifier: *const Verifier,
    document: *const u8,
    document_len: usize,
    at_ms: u64,
    policy: *const AttestationPolicy,
    attestation: *mut *mut Attestation,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let attestation = caller.out(attestation, "attestation");
        let policy = caller.handle(policy, "policy")?.built()?;
        let genuine = genuine(caller, verifier, document, document_len, at_ms)?;
        policy.appraise(&genuine, at_ms)?;
        attestation.give(Attestation::from(&genuine));
        Ok(())
    })
}

/// Verifies an attestation document as `pcrseal_verify` does, and does not judge it: what is in `attestation` is what some
/// module of AWS signed, of whichever enclave of whichever customer, in debug mode or not. For programs that judge by
/// themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_verify_without_appraisal(
    verifier: *const Verifier,
    document: *const u8,
    document_len: usize,
    at_ms: u64,
    attestation: *mut *mut Attestation,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let attestation = caller.out(attestation, "attestation");
        let genuine = genuine(caller, verifier, document, document_len, at_ms)?;
        attestation.give(Attestation::from(&genuine));
        Ok(())
    })
}

fn genuine(
    caller: &Caller,
    verifier: *const Verifier,
    document: *const u8,
    document_len: usize,
    at_ms: u64,
) -> Result<VerifiedAttestation<'_>, Failure> {
    let verifier = caller.handle(verifier, "verifier")?;
    let document = caller.bytes(document, document_len, "document")?;
    Ok(verifier.verify(document, at_ms)?)
}
