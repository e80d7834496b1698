//! Documents of the emulator's NSM, which coset and ciborium encode, under core's verification: an
//! independent writer against the reader, in every shape that the writer has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use ciborium::Value;
use common::{IMAGE, ROLE};
use coset::{CborSerializable, CoseSign1};
use pcrseal::Code;
use pcrseal::core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, VerifiedAttestation,
};
use pcrseal::core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal::core::crypto::{Backend, aws_lc, rustcrypto};
use pcrseal::core::error::Error;
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig};

const BACKENDS: [&Backend; 2] = [&aws_lc::BACKEND, &rustcrypto::BACKEND];
/// 2026-11-20 12:00:00.250 UTC: not a whole second, which certificates are bounded by.
const NOW_MS: u64 = 1_795_176_000_250;
const INSTANCE: &str = "i-0e7a38c68f4acde83";

struct Enclave {
    clock: Clock,
    authority: Authority,
    nsm: Nsm,
}

impl Enclave {
    fn boot(config: NsmConfig) -> Self {
        let clock = Clock::fixed(NOW_MS);
        let authority = Authority::new(&clock).unwrap();
        let nsm = Nsm::boot(&authority, config.instance_id(INSTANCE)).unwrap();
        Self { clock, authority, nsm }
    }

    fn usual() -> Self {
        Self::boot(NsmConfig::new(IMAGE))
    }

    fn attest(&self) -> Vec<u8> {
        self.nsm.attest(&AttestationRequest { nonce: Some(b"challenge"), ..Default::default() }).unwrap()
    }
}

fn verify<'d>(
    document: &'d [u8],
    roots: &[&[u8]],
    at_ms: u64,
    backend: &Backend,
) -> Result<VerifiedAttestation<'d>, Error> {
    AttestationDocument::parse(document)?.verify(roots, at_ms, backend)
}

/// What both backends must refuse the document with.
fn refusal(document: &[u8], root: &[u8], at_ms: u64) -> Code {
    let [one, other] = BACKENDS.map(|backend| verify(document, &[root], at_ms, backend).unwrap_err().code());
    assert_eq!(one, other);
    one
}

fn index(number: u64) -> PcrIndex {
    PcrIndex::try_from(number).unwrap()
}

#[test]
fn every_shape_of_document_verifies_and_says_what_the_enclave_said() {
    let signer = Pcr::from_signing_certificate(AWS_NITRO_ENCLAVES_ROOT_G1).unwrap();
    let longest = [0xa5; 1024];
    let requests = [
        AttestationRequest::default(),
        AttestationRequest { public_key: Some(b""), user_data: Some(b""), nonce: Some(b"") },
        AttestationRequest { public_key: Some(&longest), user_data: Some(&longest), nonce: Some(&longest) },
    ];
    let mut verified = 0;
    for encoding in [MapEncoding::Definite, MapEncoding::Indefinite] {
        for (debug, signed, registers) in
            [(false, false, 16), (false, true, 17), (true, false, 16), (true, true, 32), (false, false, 32)]
        {
            let mut config = NsmConfig::new(IMAGE).map_encoding(encoding).role_arn(ROLE);
            config = if debug { config.debug_mode() } else { config };
            config = if signed { config.pcr8(signer) } else { config };
            let enclave = Enclave::boot(config);
            enclave.nsm.extend_pcr(index(16), b"application").unwrap();
            enclave.nsm.lock_pcrs(registers).unwrap();
            for request in &requests {
                let document = enclave.nsm.attest(request).unwrap();
                let tagged = [&[0xd2], &document[..]].concat();
                for backend in BACKENDS {
                    for document in [&document, &tagged] {
                        let root = enclave.authority.root_der();
                        let seen = verify(document, &[root], NOW_MS, backend).unwrap();
                        assert_eq!(seen.kind(), AttestationKind::Enclave);
                        assert_eq!(seen.module_id(), enclave.nsm.module_id());
                        assert_eq!(seen.instance_id(), Some(INSTANCE));
                        assert_eq!(seen.timestamp_ms(), NOW_MS);
                        assert_eq!(seen.pcrs(), &enclave.nsm.measured_pcrs().unwrap());
                        assert_eq!(seen.pcrs().len(), usize::from(registers));
                        assert_eq!(seen.pcrs().is_debug(), debug);
                        let image = if debug { [Pcr::ZERO; 3] } else { IMAGE };
                        for (number, value) in (0..).zip(&image) {
                            assert_eq!(seen.pcrs().get(index(number)), Some(value));
                        }
                        let expected = [
                            (3, Pcr::from_role_arn(ROLE).unwrap()),
                            (4, Pcr::from_instance_id(INSTANCE).unwrap()),
                            (8, if signed { signer } else { Pcr::ZERO }),
                        ];
                        for (number, value) in expected {
                            assert_eq!(seen.pcrs().get(index(number)), Some(&value), "PCR{number}");
                        }
                        let fields = (seen.public_key(), seen.user_data(), seen.nonce());
                        assert_eq!(fields, (request.public_key, request.user_data, request.nonce));
                        assert_eq!(seen.cabundle()[0], root);
                        assert_eq!(seen.cabundle().len(), 4);
                        assert!(seen.zonal_serial().is_some_and(|serial| !serial.is_empty()));
                        verified += 1;
                    }
                }
            }
        }
    }
    assert_eq!(verified, 2 * 5 * 3 * 2 * 2);
}

#[test]
fn another_root_is_refused_even_of_the_same_name() {
    let (enclave, stranger) = (Enclave::usual(), Enclave::usual());
    let document = enclave.attest();
    for root in [stranger.authority.root_der(), AWS_NITRO_ENCLAVES_ROOT_G1] {
        assert_eq!(refusal(&document, root, NOW_MS), Code::CertificateRoot);
    }
    assert_eq!(verify(&document, &[], NOW_MS, BACKENDS[0]).unwrap_err().code(), Code::CertificateRoot);
    let both = [stranger.authority.root_der(), enclave.authority.root_der()];
    assert!(verify(&document, &both, NOW_MS, BACKENDS[0]).is_ok());

    // A document that claims the trusted root, whose name is the same, over a chain of its own.
    let trusted = stranger.authority.root_der().to_vec();
    let grafted = altered(&document, |name, value| {
        if name == "cabundle" {
            value.as_array_mut().unwrap()[0] = Value::Bytes(trusted.clone());
        }
    });
    assert_eq!(refusal(&grafted, &trusted, NOW_MS), Code::CertificateSignature);
}

#[test]
fn a_document_is_as_old_as_its_chain_allows() {
    let enclave = Enclave::usual();
    let document = enclave.attest();
    let root = enclave.authority.root_der();
    let verified = verify(&document, &[root], NOW_MS, BACKENDS[0]).unwrap();
    let (first, last) = (verified.chain_not_before(), verified.chain_not_after());
    // The leaf's three hours, which began three seconds ago.
    assert_eq!((first, last), (NOW_MS / 1000 - 3, NOW_MS / 1000 + 3 * 3600));
    for at_ms in [first * 1000, last * 1000 + 999] {
        for backend in BACKENDS {
            assert!(verify(&document, &[root], at_ms, backend).is_ok(), "{at_ms}");
        }
    }
    for at_ms in [0, first * 1000 - 1] {
        assert_eq!(refusal(&document, root, at_ms), Code::CertificateNotYetValid);
    }
    for at_ms in [(last + 1) * 1000, NOW_MS + 30 * 24 * 3_600_000, u64::MAX] {
        assert_eq!(refusal(&document, root, at_ms), Code::CertificateExpired);
    }

    enclave.clock.advance(Duration::from_secs(4 * 3600));
    let later_ms = NOW_MS + 4 * 3_600_000;
    assert_eq!(refusal(&document, root, later_ms), Code::CertificateExpired);
    let renewed = enclave.attest();
    assert!(verify(&renewed, &[root], later_ms, BACKENDS[0]).is_ok(), "a new leaf");
    assert_eq!(refusal(&renewed, root, NOW_MS), Code::CertificateNotYetValid);
}

#[test]
fn what_the_enclave_did_not_sign_is_refused() {
    let enclave = Enclave::usual();
    let document = enclave.attest();
    let root = enclave.authority.root_der();
    for field in ["module_id", "timestamp", "pcrs", "public_key", "user_data", "nonce"] {
        let forged = altered(&document, |name, value| {
            if name == field {
                *value = match value {
                    Value::Text(text) => Value::Text(format!("{text}0")),
                    Value::Integer(_) => Value::from(NOW_MS + 1),
                    Value::Map(pcrs) => Value::Map(pcrs[1..].to_vec()),
                    _ => Value::Bytes(b"forged".to_vec()),
                };
            }
        });
        assert_eq!(refusal(&forged, root, NOW_MS), Code::CoseSignatureRejected, "{field}");
    }

    // The leaf of a neighbour: of another instance authority, though of the same name.
    let neighbour =
        Nsm::boot(&enclave.authority, NsmConfig::new(IMAGE).instance_id("i-0123456789abcdef0")).unwrap();
    let theirs = neighbour.attest(&AttestationRequest::default()).unwrap();
    let leaf = AttestationDocument::parse(&theirs).unwrap().verify(&[root], NOW_MS, BACKENDS[0]).unwrap();
    let leaf = leaf.certificate().to_vec();
    let mixed = altered(&document, |name, value| {
        if name == "certificate" {
            *value = Value::Bytes(leaf.clone());
        }
    });
    assert_eq!(refusal(&mixed, root, NOW_MS), Code::CertificateOrder);
}

/// The document with fields of its payload altered, under the signature that it had.
fn altered(document: &[u8], alter: impl Fn(&str, &mut Value)) -> Vec<u8> {
    let mut message = CoseSign1::from_slice(document).unwrap();
    let mut payload: Value = ciborium::from_reader(message.payload.unwrap().as_slice()).unwrap();
    for (name, value) in payload.as_map_mut().unwrap() {
        alter(name.as_text().unwrap(), value);
    }
    let mut bytes = Vec::new();
    ciborium::into_writer(&payload, &mut bytes).unwrap();
    message.payload = Some(bytes);
    message.to_vec().unwrap()
}
