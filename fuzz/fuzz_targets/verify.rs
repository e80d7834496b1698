//! Arbitrary bytes as an attestation document whose signatures are all taken for good, under the root that it
//! brings: what is behind the signatures neither panics nor lets anything pass that its own facts contradict.

#![no_main]

use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::fuzz_target;
use pcrseal_core::attestation::{AttestationDocument, AttestationKind, VerifiedAttestation};
use pcrseal_core::crypto::{Backend, ES384_SIGNATURE_LEN, Es384, SignatureRejected};
use pcrseal_core::error::Code;
use pcrseal_fuzz::key::{ANY_SIGNATURE, BACKEND};
use pcrseal_fuzz::model;

/// Takes every signature for good, and counts what it was asked.
struct Counting {
    messages: AtomicUsize,
    certificates: AtomicUsize,
}

static COUNTING: Counting = Counting { messages: AtomicUsize::new(0), certificates: AtomicUsize::new(0) };

impl Es384 for Counting {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        self.messages.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureRejected> {
        self.certificates.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(document) = AttestationDocument::parse(data) else { return };
    let model = model::read(data).expect("the second reader takes it too");
    let roots = [model.cabundle[0].as_slice()];
    // The document's own time, so that the input decides it.
    let at_ms = document.unverified_timestamp_ms();

    COUNTING.messages.store(0, Ordering::Relaxed);
    COUNTING.certificates.store(0, Ordering::Relaxed);
    let counting = Backend { es384: &COUNTING, ..ANY_SIGNATURE };
    let Ok(verified) = document.verify(&roots, at_ms, &counting) else { return };
    // One signature of the message, and one of each certificate below the root: none skipped, none twice.
    assert_eq!(COUNTING.messages.load(Ordering::Relaxed), 1);
    assert_eq!(COUNTING.certificates.load(Ordering::Relaxed), model.cabundle.len());
    facts(&verified, &model);

    let (first, last) = (verified.chain_not_before(), verified.chain_not_after());
    assert!((first..=last).contains(&(at_ms / 1000)));
    let outcome = |roots: &[&[u8]], seconds: u64, backend: &Backend| {
        document.verify(roots, seconds * 1000, backend).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(outcome(&roots, first, &ANY_SIGNATURE), Ok(()));
    assert_eq!(outcome(&roots, last, &ANY_SIGNATURE), Ok(()));
    assert_eq!(outcome(&roots, last + 1, &ANY_SIGNATURE), Err(Code::CertificateExpired));
    if let Some(before) = first.checked_sub(1) {
        assert_eq!(outcome(&roots, before, &ANY_SIGNATURE), Err(Code::CertificateNotYetValid));
    }
    // The same form, and no signature that holds.
    assert_eq!(outcome(&roots, first, &BACKEND), Err(Code::CertificateSignature));
    assert_eq!(outcome(&[], first, &ANY_SIGNATURE), Err(Code::CertificateRoot));
    assert_eq!(outcome(&[&model.certificate], first, &ANY_SIGNATURE), Err(Code::CertificateRoot));
});

fn facts(verified: &VerifiedAttestation<'_>, model: &model::Document) {
    assert_eq!(verified.kind() == AttestationKind::NitroTpm, model.is_nitrotpm);
    assert!(!verified.module_id().is_empty() && verified.module_id() == model.module_id);
    assert!(verified.timestamp_ms() > 0 && verified.timestamp_ms() == model.timestamp);
    assert_eq!(verified.digest(), "SHA384");
    assert!((1..=32).contains(&model.pcrs.len()));
    let pcrs = verified.pcrs().iter().map(|(index, value)| (index.get().into(), value.as_bytes().to_vec()));
    assert!(pcrs.eq(model.pcrs.clone()));
    for (found, expected) in [
        (verified.public_key(), &model.public_key),
        (verified.user_data(), &model.user_data),
        (verified.nonce(), &model.nonce),
    ] {
        assert!(found == expected.as_deref() && found.is_none_or(|bytes| bytes.len() <= 1024));
    }
    assert_eq!(verified.certificate(), model.certificate);
    assert_eq!(verified.cabundle(), model.cabundle);
    assert_eq!(verified.cabundle_serials().len(), model.cabundle.len());
    assert!(verified.cabundle_serials().iter().all(|serial| !serial.is_empty()));
    assert_eq!(verified.regional_serial().is_some(), model.cabundle.len() == 4);
    assert_eq!(verified.zonal_serial().is_some(), model.cabundle.len() == 4);
    if let Some(instance_id) = verified.instance_id() {
        assert!(model.module_id.starts_with(instance_id));
    }
}
