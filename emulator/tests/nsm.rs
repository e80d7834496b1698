//! The software NSM: registers, documents, certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use ciborium::Value;
use common::{NOON, ROLE, TempDir, image, index, openssl, vectors};
use coset::{CborSerializable, CoseSign1};
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule, PcrState};
use pcrseal_core::error::Code;
use pcrseal_core::limits::MAX_EXTEND_LEN;
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig, measure};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode, Tagged};

fn boot(config: NsmConfig) -> (Clock, Authority, Nsm) {
    let clock = Clock::fixed(NOON);
    let authority = Authority::new(&clock).unwrap();
    let nsm = Nsm::boot(&authority, config).unwrap();
    (clock, authority, nsm)
}

fn payload(document: &[u8]) -> Vec<(String, Value)> {
    let bytes = CoseSign1::from_slice(document).unwrap().payload.unwrap();
    let Value::Map(fields) = ciborium::from_reader(bytes.as_slice()).unwrap() else { panic!("not a map") };
    fields.into_iter().map(|(name, value)| (name.into_text().unwrap(), value)).collect()
}

fn field<'a>(payload: &'a [(String, Value)], name: &str) -> &'a Value {
    &payload.iter().find(|(field, _)| field == name).unwrap().1
}

/// Root first, leaf last.
fn chain(document: &[u8]) -> Vec<Vec<u8>> {
    let payload = payload(document);
    let bundle = field(&payload, "cabundle").as_array().unwrap();
    bundle.iter().chain([field(&payload, "certificate")]).map(|der| der.as_bytes().unwrap().clone()).collect()
}

#[test]
fn boot_measures_what_aws_measures() {
    let signer = Pcr::new([8; 48]);
    let (_, _, nsm) =
        boot(NsmConfig::new(image()).role_arn(ROLE).pcr8(signer).instance_id("i-0e7a38c68f4acde83"));
    let pcrs = nsm.measured_pcrs().unwrap();
    assert_eq!(pcrs.len(), 16);
    for (number, value) in image().iter().enumerate() {
        assert_eq!(pcrs.get(index(number as u64)), Some(value));
    }
    assert_eq!(pcrs.get(index(3)), Some(&measure(ROLE.as_bytes())));
    assert_eq!(pcrs.get(index(8)), Some(&signer));
    assert_eq!(pcrs.get(index(5)), Some(&Pcr::ZERO));
    assert!(nsm.module_id().starts_with("i-0e7a38c68f4acde83-enc019bc1"), "{}", nsm.module_id());
    // PCR4 of a genuine document from that instance.
    if let Some(folder) = vectors("attestation") {
        let genuine = payload(&std::fs::read(folder.join("2026-04-21_prod_f1f05745.cbor")).unwrap());
        let instance = &field(&genuine, "pcrs").as_map().unwrap()[4].1;
        assert_eq!(pcrs.get(index(4)).unwrap().as_bytes().as_slice(), instance.as_bytes().unwrap());
    }
}

#[test]
fn debug_mode_zeroes_the_image_registers_alone() {
    let (_, _, nsm) = boot(NsmConfig::new(image()).role_arn(ROLE).debug_mode());
    let pcrs = nsm.measured_pcrs().unwrap();
    assert!(pcrs.is_debug());
    assert_ne!(pcrs.get(index(3)), Some(&Pcr::ZERO));
    assert_ne!(pcrs.get(index(4)), Some(&Pcr::ZERO));
}

#[test]
fn registers_extend_until_locked_and_documents_show_the_locked_ones() {
    let (_, _, nsm) = boot(NsmConfig::new(image()));
    let code = |result: Result<Pcr, pcrseal_core::error::Error>| result.unwrap_err().code();
    assert_eq!(code(nsm.extend_pcr(index(0), b"x")), Code::NsmReadOnlyIndex);
    assert_eq!(code(nsm.extend_pcr(index(15), b"x")), Code::NsmReadOnlyIndex);
    assert_eq!(code(nsm.extend_pcr(index(16), b"")), Code::NsmInvalidArgument);
    assert_eq!(code(nsm.extend_pcr(index(16), &[0; MAX_EXTEND_LEN + 1])), Code::NsmInputTooLarge);

    assert_eq!(nsm.extend_pcr(index(16), b"one").unwrap(), measure(b"one"));
    let twice = nsm.extend_pcr(index(16), b"two").unwrap();
    let input = [measure(b"one").as_bytes().as_slice(), b"two"].concat();
    assert_eq!(
        twice.as_bytes().as_slice(),
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA384, &input).as_ref()
    );
    assert_eq!(nsm.describe_pcr(index(16)).unwrap(), PcrState { locked: false, value: twice });
    assert_eq!(nsm.measured_pcrs().unwrap().get(index(16)), None);

    nsm.lock_pcr(index(16)).unwrap();
    assert_eq!(nsm.lock_pcr(index(16)).unwrap_err().code(), Code::NsmReadOnlyIndex);
    assert_eq!(code(nsm.extend_pcr(index(16), b"x")), Code::NsmReadOnlyIndex);
    assert_eq!(nsm.describe_pcr(index(16)).unwrap(), PcrState { locked: true, value: twice });
    assert_eq!(nsm.measured_pcrs().unwrap().get(index(16)), Some(&twice));
    let document = nsm.attest(&AttestationRequest::default()).unwrap();
    assert_eq!(field(&payload(&document), "pcrs").as_map().unwrap().len(), 17);

    assert_eq!(nsm.lock_pcrs(33).unwrap_err().code(), Code::NsmInvalidIndex);
    nsm.lock_pcrs(32).unwrap();
    let document = nsm.attest(&AttestationRequest::default()).unwrap();
    assert_eq!(field(&payload(&document), "pcrs").as_map().unwrap().len(), 32);
}

#[test]
fn bad_configurations_are_refused() {
    let authority = Authority::new(&Clock::system()).unwrap();
    let code = |config| Nsm::boot(&authority, config).unwrap_err().code();
    for id in ["", "i-", "i-0123456789abcdefg", "i-0123456789ABCDEF0", "0123456789abcdef0"] {
        assert_eq!(code(NsmConfig::new(image()).instance_id(id)), Code::NsmInvalidArgument, "{id}");
    }
    for region in ["", "EU", "a-region-name-that-is-too-long"] {
        assert_eq!(code(NsmConfig::new(image()).region(region)), Code::NsmInvalidArgument, "{region}");
    }
    assert_eq!(code(NsmConfig::new(image()).role_arn("a".repeat(2049))), Code::NsmInvalidArgument);
}

#[test]
fn documents_have_the_bytes_and_fields_of_genuine_ones() {
    for (encoding, head, last) in [(MapEncoding::Definite, 0xa9, 0xf6), (MapEncoding::Indefinite, 0xbf, 0xff)]
    {
        let (_, authority, nsm) = boot(NsmConfig::new(image()).map_encoding(encoding));
        let request = AttestationRequest { public_key: Some(b"key"), user_data: Some(b""), nonce: None };
        let document = nsm.attest(&request).unwrap();
        assert_eq!(document[..8], [0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x59]);
        assert_eq!(document[document.len() - 98..][..2], [0x58, 0x60]);
        let sign1 = CoseSign1::from_slice(&document).unwrap();
        let bytes = sign1.payload.as_ref().unwrap();
        assert_eq!((bytes[0], *bytes.last().unwrap()), (head, last));

        let fields = payload(&document);
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let in_order = [
            "module_id",
            "digest",
            "timestamp",
            "pcrs",
            "certificate",
            "cabundle",
            "public_key",
            "user_data",
            "nonce",
        ];
        assert_eq!(names, in_order);
        assert_eq!(field(&fields, "module_id").as_text(), Some(nsm.module_id()));
        assert_eq!(field(&fields, "digest").as_text(), Some("SHA384"));
        assert_eq!(field(&fields, "timestamp"), &Value::from(NOON));
        assert_eq!(field(&fields, "public_key").as_bytes().unwrap(), b"key");
        assert_eq!(field(&fields, "user_data").as_bytes().unwrap(), b"");
        assert_eq!(field(&fields, "nonce"), &Value::Null);
        assert_eq!(chain(&document)[0], authority.root_der());

        let leaf = Certificate::from_der(&chain(&document)[4]).unwrap();
        let key = leaf.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes().to_vec();
        sign1
            .verify_signature(b"", |signature, data| {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &key).verify(data, signature)
            })
            .unwrap();
    }
}

#[test]
fn fields_take_1024_bytes_and_no_more() {
    let (_, _, nsm) = boot(NsmConfig::new(image()));
    let full = [7; 1024];
    let request = AttestationRequest { public_key: Some(&full), user_data: Some(&full), nonce: Some(&full) };
    let fields = payload(&nsm.attest(&request).unwrap());
    assert_eq!(field(&fields, "nonce").as_bytes().unwrap(), &full);
    let over = [7; 1025];
    for request in [
        AttestationRequest { public_key: Some(&over), ..Default::default() },
        AttestationRequest { user_data: Some(&over), ..Default::default() },
        AttestationRequest { nonce: Some(&over), ..Default::default() },
    ] {
        assert_eq!(nsm.attest(&request).unwrap_err().code(), Code::NsmInputTooLarge);
    }
}

/// What a certificate looks like, values aside.
struct Shape {
    /// Object identifier and criticality.
    extensions: Vec<(String, bool)>,
    /// Attribute types and string types of issuer and subject.
    names: Vec<(String, String)>,
    seconds: u64,
}

fn shape(der: &[u8]) -> Shape {
    let certificate = Certificate::from_der(der).unwrap();
    let tbs = certificate.tbs_certificate();
    let extensions = tbs.extensions().unwrap().iter().map(|e| (e.extn_id.to_string(), e.critical)).collect();
    let names = [tbs.issuer(), tbs.subject()]
        .iter()
        .flat_map(|name| {
            name.iter_rdn().flat_map(|rdn| rdn.iter().cloned().collect::<Vec<_>>()).collect::<Vec<_>>()
        })
        .map(|attribute| (attribute.oid.to_string(), attribute.value.tag().to_string()))
        .collect();
    let validity = tbs.validity();
    let seconds =
        validity.not_after.to_unix_duration().as_secs() - validity.not_before.to_unix_duration().as_secs();
    Shape { extensions, names, seconds }
}

#[test]
fn certificates_have_the_shape_of_genuine_ones() {
    let Some(folder) = vectors("attestation") else { return };
    let genuine = chain(&std::fs::read(folder.join("2026-04-21_prod_f1f05745.cbor")).unwrap());
    let (_, _, nsm) = boot(NsmConfig::new(image()).instance_id("i-0e7a38c68f4acde83"));
    let ours = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    assert_eq!(ours.len(), genuine.len());
    for (level, (ours, genuine)) in ours.iter().zip(&genuine).enumerate() {
        assert!(ours.len() <= 1024, "level {level}: {} bytes", ours.len());
        let (found, expected) = (shape(ours), shape(genuine));
        assert_eq!(found.extensions, expected.extensions, "level {level}");
        assert_eq!(found.names, expected.names, "level {level}");
        assert!(found.seconds.abs_diff(expected.seconds) <= 3600, "level {level}: {} seconds", found.seconds);
        // BasicConstraints and keyUsage: the very bytes.
        let of = |der: &[u8], oid: &str| {
            let certificate = Certificate::from_der(der).unwrap();
            let extensions = certificate.tbs_certificate().extensions().unwrap().clone();
            extensions.iter().find(|e| e.extn_id.to_string() == oid).unwrap().extn_value.to_der().unwrap()
        };
        for oid in ["2.5.29.19", "2.5.29.15"] {
            assert_eq!(of(ours, oid), of(genuine, oid), "level {level}, {oid}");
        }
    }
}

#[test]
fn openssl_accepts_the_chain_within_its_validity_only() {
    let (_, authority, nsm) = boot(NsmConfig::new(image()));
    let folder = TempDir::new("chain");
    let chain = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    let pem = |position: usize| {
        let der = folder.write("certificate.der", &chain[position]);
        openssl(&["x509", "-inform", "der", "-in", &der]).map(|(ok, text)| {
            assert!(ok, "{text}");
            text
        })
    };
    let Some(root) = pem(0) else { return };
    assert_eq!(root, authority.root_pem());
    let root = folder.write("root.pem", root.as_bytes());
    let between: String = (1..4).filter_map(pem).collect();
    let between = folder.write("between.pem", between.as_bytes());
    let leaf = folder.write("leaf.pem", pem(4).unwrap().as_bytes());
    let noon = NOON / 1000;
    // OpenSSL counts the second of notAfter as expired; RFC 5280 does not.
    let end = noon + 3 * 3600;
    for (at, expected) in
        [(noon - 4, false), (noon - 3, true), (noon, true), (end - 1, true), (end + 1, false)]
    {
        let at = at.to_string();
        let (ok, text) =
            openssl(&["verify", "-attime", &at, "-CAfile", &root, "-untrusted", &between, &leaf]).unwrap();
        assert_eq!(ok, expected, "at {at}: {text}");
    }
}

#[test]
fn leaves_are_renewed_and_authorities_kept_while_they_last() {
    let (clock, authority, nsm) = boot(NsmConfig::new(image()));
    let first = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    clock.advance(Duration::from_secs(3 * 3600));
    assert_eq!(chain(&nsm.attest(&AttestationRequest::default()).unwrap()), first);
    clock.advance(Duration::from_secs(1));
    let second = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    assert_eq!(second[..3], first[..3]);
    assert_ne!(second[3..], first[3..]);
    clock.advance(Duration::from_secs(6 * 24 * 3600));
    let third = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    assert_eq!(third[..2], first[..2]);
    assert_ne!(third[2], first[2]);
    clock.advance(Duration::from_secs(12 * 24 * 3600));
    let fourth = chain(&nsm.attest(&AttestationRequest::default()).unwrap());
    assert_eq!(fourth[0], authority.root_der());
    assert_ne!(fourth[1], first[1]);
    // One region's authorities serve all its enclaves; another region has others.
    let neighbour = Nsm::boot(&authority, NsmConfig::new(image())).unwrap();
    assert_eq!(chain(&neighbour.attest(&AttestationRequest::default()).unwrap())[..3], fourth[..3]);
    let abroad = Nsm::boot(&authority, NsmConfig::new(image()).region("ap-southeast-2")).unwrap();
    assert_ne!(chain(&abroad.attest(&AttestationRequest::default()).unwrap())[1], fourth[1]);
}
