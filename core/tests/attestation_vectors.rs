//! Genuine documents verify and yield the facts of the index; the two that are not genuine fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::backends::{backends, fast, recorder};
use common::documents::{each_genuine, index, read, seconds, unhex, verify_at_ms};
use pcrseal_core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, VerifiedAttestation,
};
use pcrseal_core::crypto::Backend;
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

const ROOTS: &[&[u8]] = &[AWS_NITRO_ENCLAVES_ROOT_G1];

fn verify<'a>(document: &'a [u8], at_ms: u64, backend: &Backend) -> Result<VerifiedAttestation<'a>, Error> {
    AttestationDocument::parse(document)?.verify(ROOTS, at_ms, backend)
}

fn len(field: Option<&[u8]>) -> Json {
    field.map_or(Json::Null, |bytes| bytes.len().into())
}

#[test]
fn the_pinned_root_has_the_published_fingerprint() {
    let published = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
    assert_eq!(Sha256::digest(AWS_NITRO_ENCLAVES_ROOT_G1)[..], unhex(published));
    if let Some((_, index)) = index() {
        assert_eq!(index["root_sha256"], published);
    }
}

#[test]
fn every_genuine_document_verifies_and_yields_the_facts() {
    each_genuine(|document, facts| {
        let file = facts["file"].as_str().unwrap();
        assert_eq!(document.len() as u64, facts["size"].as_u64().unwrap(), "{file}");
        assert_eq!(Sha256::digest(document)[..], unhex(facts["sha256"].as_str().unwrap()), "{file}");
        for backend in backends() {
            let parsed = AttestationDocument::parse(document).unwrap();
            assert_eq!(parsed.unverified_timestamp_ms(), facts["timestamp_ms"].as_u64().unwrap());
            let verified = parsed
                .verify(ROOTS, verify_at_ms(facts), &backend)
                .unwrap_or_else(|error| panic!("{file}: {error}"));

            assert_eq!(verified.module_id(), facts["module_id"], "{file}");
            assert_eq!(verified.timestamp_ms(), facts["timestamp_ms"], "{file}");
            assert_eq!(verified.digest(), "SHA384", "{file}");
            assert_eq!(verified.certificate().len(), facts["certificate_len"], "{file}");
            assert_eq!(verified.cabundle().len(), facts["cabundle_count"], "{file}");
            assert_eq!(verified.cabundle()[0], AWS_NITRO_ENCLAVES_ROOT_G1, "{file}");
            assert_eq!(len(verified.public_key()), facts["public_key_len"], "{file}");
            assert_eq!(len(verified.user_data()), facts["user_data_len"], "{file}");
            assert_eq!(len(verified.nonce()), facts["nonce_len"], "{file}");
            assert_eq!(
                verified.chain_not_before(),
                seconds(facts["chain_valid_from"].as_str().unwrap()),
                "{file}"
            );
            assert_eq!(
                verified.chain_not_after(),
                seconds(facts["chain_valid_to"].as_str().unwrap()),
                "{file}"
            );
            let kind = match facts["pcr_field"].as_str().unwrap() {
                "pcrs" => AttestationKind::Enclave,
                "nitrotpm_pcrs" => AttestationKind::NitroTpm,
                other => panic!("{other}"),
            };
            assert_eq!(verified.kind(), kind, "{file}");
            assert_eq!(kind == AttestationKind::NitroTpm, facts["kind"] == "nitrotpm", "{file}");
            check_pcrs(&verified, facts);

            // The payload's first byte: after 84, 44 and the protected header, a0, 59 and its length.
            let map_head = document[10];
            assert_eq!(map_head == 0xbf, facts["payload_map"] == "indefinite", "{file}");
        }
    });
}

fn check_pcrs(verified: &VerifiedAttestation<'_>, facts: &Json) {
    let file = &facts["file"];
    let pcrs = verified.pcrs();
    let nonzero = facts["pcrs_nonzero_values"].as_object().unwrap();
    assert_eq!(pcrs.len(), facts["pcr_count"], "{file}");
    assert_eq!(pcrs.iter().filter(|(_, value)| **value != Pcr::ZERO).count(), nonzero.len(), "{file}");
    for (index, value) in nonzero {
        let index = PcrIndex::try_from(index.parse::<u64>().unwrap()).unwrap();
        assert_eq!(pcrs.get(index), Some(&Pcr::from_hex(value.as_str().unwrap()).unwrap()), "{file} {index}");
    }
    assert_eq!(pcrs.is_debug(), facts["debug_mode_pcr012_zero"].as_bool().unwrap(), "{file}");
}

#[test]
fn a_tagged_document_verifies_too() {
    each_genuine(|document, facts| {
        let tagged = [&[0xd2][..], document].concat();
        assert!(verify(&tagged, verify_at_ms(facts), &fast()).is_ok(), "{}", facts["file"]);
    });
}

#[test]
fn pcr4_is_the_measurement_of_the_instance_id_in_module_id() {
    each_genuine(|document, facts| {
        let verified = verify(document, verify_at_ms(facts), &fast()).unwrap();
        let instance_id = verified.instance_id().unwrap();
        assert!(facts["module_id"].as_str().unwrap().starts_with(instance_id));
        let measured = *verified.pcrs().get(PcrIndex::try_from(4).unwrap()).unwrap();
        let computed = Pcr::from_instance_id(instance_id).unwrap();
        assert_eq!(measured == computed, verified.kind() == AttestationKind::Enclave, "{}", facts["file"]);
    });
}

#[test]
fn the_chain_is_valid_in_its_bounds_and_not_a_second_beyond() {
    each_genuine(|document, facts| {
        let from = seconds(facts["chain_valid_from"].as_str().unwrap()) * 1000;
        let to = seconds(facts["chain_valid_to"].as_str().unwrap()) * 1000;
        let (replaying, recorder) = recorder(fast());
        let outcome = |at_ms| verify(document, at_ms, &replaying).map(|_| ()).map_err(|error| error.code());
        assert_eq!(outcome(from), Ok(()));
        recorder.replay();
        assert_eq!(outcome(to), Ok(()));
        assert_eq!(outcome(to + 999), Ok(()), "the last second counts whole");
        assert_eq!(outcome(from - 1), Err(Code::CertificateNotYetValid));
        assert_eq!(outcome(to + 1000), Err(Code::CertificateExpired));
        assert_eq!(outcome(0), Err(Code::CertificateNotYetValid));
        assert_eq!(outcome(u64::MAX), Err(Code::CertificateExpired));
    });
}

#[test]
fn verification_costs_five_signatures() {
    each_genuine(|document, facts| {
        let (recording, recorder) = recorder(fast());
        verify(document, verify_at_ms(facts), &recording).unwrap();
        assert_eq!(recorder.remembered(), 5, "{}", facts["file"]);
    });
}

#[test]
fn serial_numbers_are_those_of_the_certificates() {
    let Some((folder, index)) = index() else { return };
    // Read off with `openssl x509 -serial`.
    let facts =
        index["documents"].as_array().unwrap().iter().find(|facts| facts["kind"] == "nitrotpm").unwrap();
    let document = read(&folder, facts);
    let verified = verify(&document, verify_at_ms(facts), &fast()).unwrap();
    let root = unhex("00f93175681b90afe11d46ccb4e4e7f856");
    let regional = unhex("578aa8f46a2b9e82304ad9173550c111");
    let zonal = unhex("0d3d3e6da2d9da68bf96ed11663a0f35");
    let instance = unhex("008567cee73e22cb55f083d4d4f881ff3313c7e2b1");
    assert_eq!(verified.cabundle_serials(), [&root[..], &regional, &zonal, &instance]);
    assert_eq!(verified.regional_serial(), Some(&regional[..]));
    assert_eq!(verified.zonal_serial(), Some(&zonal[..]));
}

#[test]
fn only_the_given_roots_are_trusted() {
    each_genuine(|document, facts| {
        let parsed = AttestationDocument::parse(document).unwrap();
        let at_ms = verify_at_ms(facts);
        let mut other = AWS_NITRO_ENCLAVES_ROOT_G1.to_vec();
        *other.last_mut().unwrap() ^= 1;
        let regional = parsed.verify(ROOTS, at_ms, &fast()).unwrap().cabundle()[1];
        for roots in [&[][..], &[&other[..]], &[regional], &[&[]]] {
            let error = parsed.verify(roots, at_ms, &fast()).unwrap_err();
            assert_eq!(error.code(), Code::CertificateRoot);
        }
        assert!(parsed.verify(&[&other, AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, &fast()).is_ok());
    });
}

/// Self-signed, with CBOR null for the unprotected header.
#[test]
fn negative_blocky_selfsigned_null_unprotected() {
    let Some((folder, index)) = index() else { return };
    let document = read(&folder, &index["negative"][0]);
    let error = AttestationDocument::parse(&document).unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::CborType, &Detail::Field("unprotected")));

    // With the header mended, it is its fields that are not those of the specification.
    let mut mended = document;
    assert_eq!(mended[6], 0xf6);
    mended[6] = 0xa0;
    let error = AttestationDocument::parse(&mended).unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::CborType, &Detail::Field("cabundle")));
}

/// A genuine document whose COSE signature was altered: the chain holds, the signature does not.
#[test]
fn negative_veracruz_bad_sig() {
    let Some((folder, index)) = index() else { return };
    let document = read(&folder, &index["negative"][1]);
    let parsed = AttestationDocument::parse(&document).unwrap();
    for backend in backends() {
        let error = parsed.verify(ROOTS, parsed.unverified_timestamp_ms(), &backend).unwrap_err();
        assert_eq!(error.code(), Code::CoseSignatureRejected);
    }
}
