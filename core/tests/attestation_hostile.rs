//! Bytes that mean harm: truncated, flipped, blown up, nested. Always an error, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use ciborium::Value;
use common::backends::{accept_all, fast, recorder};
use common::documents::{Parts, each_genuine, index, read, verify_at_ms};
use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal_core::crypto::Backend;
use pcrseal_core::error::Code;

fn verifies(document: &[u8], at_ms: u64, backend: &Backend) -> Result<(), Code> {
    AttestationDocument::parse(document)
        .and_then(|parsed| parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, backend))
        .map(|_| ())
        .map_err(|error| error.code())
}

/// One document with each payload encoding, and one of NitroTPM.
fn samples() -> Vec<(Vec<u8>, u64)> {
    let Some((folder, index)) = index() else { return Vec::new() };
    let documents = index["documents"].as_array().unwrap();
    ["2021-08-18_prod_64b3882f.cbor", "2025-12-25_prod_5e983e0b.cbor", "2026-02-01_nitrotpm_799ae6d1.cbor"]
        .map(|file| {
            let facts = documents.iter().find(|facts| facts["file"] == file).unwrap();
            (read(&folder, facts), verify_at_ms(facts))
        })
        .into()
}

#[test]
fn truncated_at_every_byte() {
    each_genuine(|document, _| {
        for end in 0..document.len() {
            let error = AttestationDocument::parse(&document[..end]).unwrap_err();
            assert!(
                matches!(error.code(), Code::CborTruncated | Code::CoseSignatureLength),
                "{end}: {error}"
            );
        }
    });
}

/// The flipped document must not verify. The signatures of the genuine one are remembered, and nothing else
/// is good: what ECDSA would find, without its cost.
#[test]
fn every_byte_flipped() {
    for (document, at_ms) in samples() {
        let (replaying, recorder) = recorder(fast());
        assert_eq!(verifies(&document, at_ms, &replaying), Ok(()));
        recorder.replay();
        assert_eq!(verifies(&document, at_ms, &replaying), Ok(()));
        let mut flipped = document.clone();
        for position in 0..document.len() {
            for mask in [0x01, 0x02, 0x10, 0x20, 0x80, 0xff] {
                flipped[position] ^= mask;
                assert!(verifies(&flipped, at_ms, &replaying).is_err(), "{position} {mask:#x}");
                // Whatever got past the form must not panic behind the signatures either.
                let _ = verifies(&flipped, at_ms, &accept_all());
                flipped[position] ^= mask;
            }
        }
    }
}

#[test]
fn sampled_bytes_flipped_under_real_signatures() {
    each_genuine(|document, facts| {
        let mut flipped = document.to_vec();
        for position in (document.len() % 61..document.len()).step_by(61) {
            flipped[position] ^= 0x04;
            assert!(verifies(&flipped, verify_at_ms(facts), &fast()).is_err(), "{position}");
            flipped[position] ^= 0x04;
        }
    });
}

/// The largest length, and one just beyond the document, in place of every byte.
#[test]
fn lengths_blown_up_at_every_byte() {
    for (document, at_ms) in samples() {
        for position in 0..document.len() {
            for major in 0..=7_u8 {
                for length in [u64::MAX, i64::MAX as u64, u32::MAX.into(), document.len() as u64 + 1] {
                    let head = [&[major << 5 | 0x1b][..], &length.to_be_bytes()].concat();
                    let blown = [&document[..position], &head, &document[position + 1..]].concat();
                    assert!(AttestationDocument::parse(&blown).is_err(), "{position} {major}");
                }
            }
        }
        assert_eq!(verifies(&document, at_ms, &accept_all()), Ok(()));
    }
}

/// DER lengths and tags of every kind in place of every byte of every certificate.
#[test]
fn certificates_with_any_byte_altered_never_panic() {
    let Some((document, at_ms)) = samples().into_iter().next() else { return };
    let genuine = Parts::of(&document);
    let ders = {
        let mut parts = genuine.clone();
        let mut ders = parts.cabundle();
        ders.push(parts.certificate());
        ders
    };
    let mut refused = 0;
    for (which, der) in ders.iter().enumerate() {
        for position in 0..der.len() {
            for byte in [0x00, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff] {
                let mut ders = ders.clone();
                ders[which][position] = byte;
                let root = ders[0].clone();
                let mut parts = genuine.clone();
                parts.set_certificate(ders.pop().unwrap());
                parts.set_cabundle(ders);
                let altered = parts.encode();
                let parsed = AttestationDocument::parse(&altered).unwrap();
                refused += usize::from(parsed.verify(&[&root], at_ms, &accept_all()).is_err());
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// Only an error's text is ever allocated, and what it quotes of the document.
#[test]
fn reading_and_verifying_allocate_nothing() {
    for (document, at_ms) in samples() {
        let allocated = |document: &[u8], expected| {
            let mut outcome = Ok(());
            let info = allocation_counter::measure(|| outcome = verifies(document, at_ms, &accept_all()));
            assert_eq!(outcome, expected);
            info.bytes_max
        };
        assert_eq!(allocated(&document, Ok(())), 0);
        let mut parts = Parts::of(&document);
        parts.push(&"x".repeat(8192), Value::Null);
        let unknown = parts.encode();
        let most = allocated(&unknown, Err(Code::AttestationFieldUnknown));
        assert!((8192..3 * unknown.len() as u64).contains(&most), "{most} for {}", unknown.len());
    }
}

#[test]
fn nested_to_depth_10_000() {
    const DEPTH: usize = 10_000;
    let Some((document, at_ms)) = samples().into_iter().next() else { return };
    for (open, close) in
        [(0x81, None), (0x9f, Some(0xff)), (0xd2, None), (0xa1, None), (0xbf, Some(0xff)), (0x5f, None)]
    {
        let mut nested = vec![open; DEPTH];
        nested.push(0);
        nested.extend(close.map(|close| vec![close; DEPTH]).unwrap_or_default());
        assert!(verifies(&nested, at_ms, &accept_all()).is_err());

        let parts = Parts::of(&document);
        let faulty = |alter: fn(&mut Parts, Vec<u8>)| {
            let mut parts = parts.clone();
            alter(&mut parts, nested.clone());
            assert!(verifies(&parts.encode(), at_ms, &accept_all()).is_err(), "{open:#x}");
        };
        faulty(|parts, nested| parts.protected = nested);
        faulty(|parts, nested| parts.unprotected = nested);
        faulty(|parts, nested| parts.signature = nested);
        for field in ["module_id", "timestamp", "pcrs", "certificate", "cabundle", "nonce"] {
            let mut parts = parts.clone();
            *parts.field(field) = nested.clone();
            assert!(verifies(&parts.encode(), at_ms, &accept_all()).is_err(), "{field} {open:#x}");
        }
        assert!(verifies(&parts.encode_with_payload(&nested), at_ms, &accept_all()).is_err());
    }
    // DER: constructed elements within one another, as many as a certificate has room for.
    let mut parts = Parts::of(&document);
    let mut der = vec![0x30, 0];
    while der.len() < 1000 {
        let length = u16::try_from(der.len()).unwrap().to_be_bytes();
        let head = match der.len() {
            short @ 0..=0x7f => vec![0x30, u8::try_from(short).unwrap()],
            long @ 0x80..=0xff => vec![0x30, 0x81, u8::try_from(long).unwrap()],
            _ => vec![0x30, 0x82, length[0], length[1]],
        };
        der = [head, der].concat();
    }
    parts.set("certificate", Value::Bytes(der));
    assert_eq!(verifies(&parts.encode(), at_ms, &accept_all()), Err(Code::CertificateMalformed));
}
