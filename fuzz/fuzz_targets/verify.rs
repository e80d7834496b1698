//! Arbitrary bytes as an attestation document whose signatures are all taken for good, under the root that it
//! brings: what is behind the signatures neither panics nor lets anything pass that its own facts contradict.

#![no_main]

use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use pcrseal_core::attestation::{AttestationDocument, AttestationKind, VerifiedAttestation};
use pcrseal_core::crypto::{Backend, ES384_SIGNATURE_LEN, Es384, SignatureRejected};
use pcrseal_core::error::Code;
use pcrseal_fuzz::der_tree::Node;
use pcrseal_fuzz::documents::Certificates;
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

// Every other mutation alters a part of a certificate and writes all lengths above it anew: a length that is wrong
// is all that libFuzzer's own insertions would ever show a certificate's reader.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2)
        && let Some(mutant) = with_altered_certificate(&data[..size], seed as usize / 2)
        && mutant.len() <= max_size
    {
        data[..mutant.len()].copy_from_slice(&mutant);
        return mutant.len();
    }
    fuzzer_mutate(data, size, max_size)
});

fn with_altered_certificate(document: &[u8], choice: usize) -> Option<Vec<u8>> {
    let mut certificates = Certificates::of(document)?;
    let count = certificates.ders.len();
    let der = &mut certificates.ders[choice % count];
    let mut tree = Node::try_parse(der)?;
    let choice = choice / count;
    alter(&mut tree, choice);
    *der = tree.encode();
    certificates.put_back()
}

/// Walks down by the choice's digits, and alters what it ends at.
fn alter(node: &mut Node, choice: usize) {
    match node {
        Node::Primitive(_, contents) => {
            let size = contents.len();
            contents.resize(size + 8, 0);
            let size = fuzzer_mutate(contents, size, size + 8);
            contents.truncate(size);
        }
        Node::Constructed(_, children) if children.is_empty() => {
            children.push(Node::Primitive(5, Vec::new()))
        }
        Node::Constructed(_, children) => {
            let (position, rest) = (choice % children.len(), choice / children.len());
            match rest % 16 {
                0 => drop(children.remove(position)),
                1 => children.insert(position, children[position].clone()),
                2 => children.swap(position, 0),
                _ => alter(&mut children[position], rest / 16),
            }
        }
    }
}

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
