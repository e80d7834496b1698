//! Project Wycheproof's vectors for ECDSA on P-384 with SHA-384, over both backends: the raw form (IEEE P1363)
//! that COSE carries, and the DER form that certificates carry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::backends::backends;
use pcrseal_core::crypto::{ES384_SIGNATURE_LEN, P384_POINT_LEN};
use wycheproof::ecdsa::{Test, TestName, TestSet};
use wycheproof::{EllipticCurve, HashFunction, TestResult};

/// Calls `each` with the public key and every vector, and returns how many are valid and how many not.
fn vectors(name: TestName, each: impl Fn(&[u8], &Test, bool)) -> (usize, usize) {
    let set = TestSet::load(name).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        assert!(group.key.curve == EllipticCurve::Secp384r1 && group.hash == HashFunction::Sha2_384);
        assert_eq!(group.key.key.len(), P384_POINT_LEN);
        for vector in &group.tests {
            // "Acceptable" is what a lax verifier may take; whoever verifies attestation is strict. The sets
            // hold none today, which the counts below pin.
            let good = match vector.result {
                TestResult::Valid => true,
                TestResult::Invalid | TestResult::Acceptable => false,
            };
            each(&group.key.key, vector, good);
            *(if good { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert_eq!(valid + invalid, set.number_of_tests);
    (valid, invalid)
}

#[test]
fn raw_signatures() {
    let counts = vectors(TestName::EcdsaSecp384r1Sha384P1363, |key, vector, good| {
        // Any other length has no way into the interface; the COSE reader refuses it (CoseSignatureLength).
        let Ok(signature) = <&[u8; ES384_SIGNATURE_LEN]>::try_from(&vector.sig[..]) else {
            assert!(!good, "{}: {}", vector.tc_id, vector.comment);
            return;
        };
        for backend in backends() {
            let verdict = backend.es384.verify(key, &vector.msg, signature);
            assert_eq!(verdict.is_ok(), good, "{}, {}: {}", backend.name, vector.tc_id, vector.comment);
        }
    });
    println!("{} valid and {} invalid raw signatures over two backends", counts.0, counts.1);
    assert_eq!(counts, (193, 87));
}

#[test]
fn der_signatures() {
    let counts = vectors(TestName::EcdsaSecp384r1Sha384, |key, vector, good| {
        for backend in backends() {
            let verdict = backend.es384.verify_der(key, &vector.msg, &vector.sig);
            assert_eq!(verdict.is_ok(), good, "{}, {}: {}", backend.name, vector.tc_id, vector.comment);
        }
    });
    println!("{} valid and {} invalid DER signatures over two backends", counts.0, counts.1);
    assert_eq!(counts, (194, 310));
}
