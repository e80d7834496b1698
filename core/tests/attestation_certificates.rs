//! Faults in the certificate chain, one at a time, in a document that is otherwise genuine. All but the last
//! test take every signature for good: what is refused is refused by form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::backends::{accept_all, backends};
use common::der_tree::Node;
use common::documents::{Parts, index, read, verify_at_ms};
use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal_core::crypto::Backend;
use pcrseal_core::error::{Code, Detail, Error};

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const UNKNOWN: &[u8] = &[0x55, 0x1d, 0x63];

/// Positions in a `TBSCertificate` of version 3.
const VERSION: usize = 0;
const SERIAL: usize = 1;
const SIGNATURE: usize = 2;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const SPKI: usize = 6;
const EXTENSIONS: usize = 7;

/// A chain in trees: root, regional, zonal, instance, leaf.
struct Chain {
    certificates: Vec<Node>,
    parts: Parts,
    at_ms: u64,
}

impl Chain {
    fn genuine() -> Option<Self> {
        let (folder, index) = index()?;
        let facts = &index["documents"][2];
        let mut parts = Parts::of(&read(&folder, facts));
        let mut ders = parts.cabundle();
        ders.push(parts.certificate());
        assert_eq!(ders.len(), 5);
        let certificates = ders.iter().map(|der| Node::parse(der)).collect();
        Some(Self { certificates, parts, at_ms: verify_at_ms(facts) })
    }

    fn document(&self) -> Vec<u8> {
        let mut ders: Vec<Vec<u8>> = self.certificates.iter().map(Node::encode).collect();
        let mut parts = self.parts.clone();
        parts.set_certificate(ders.pop().unwrap());
        parts.set_cabundle(ders);
        parts.encode()
    }

    /// Verifies with whatever the chain's first certificate is as the root.
    fn verify(&self, backend: &Backend) -> Result<(), Error> {
        let root = self.certificates[0].encode();
        let document = self.document();
        AttestationDocument::parse(&document)?.verify(&[&root], self.at_ms, backend).map(|_| ())
    }

    fn tbs(&mut self, position: usize) -> &mut Vec<Node> {
        self.certificates[position].children()[0].children()
    }

    fn extensions(&mut self, position: usize) -> &mut Vec<Node> {
        self.tbs(position)[EXTENSIONS].children()[0].children()
    }

    fn extension(&mut self, position: usize, id: &[u8]) -> &mut Node {
        let id = Node::Primitive(0x06, id.to_vec());
        let extensions = self.extensions(position);
        let found = extensions.iter_mut().position(|extension| extension.children()[0] == id).unwrap();
        &mut extensions[found]
    }

    fn set_extension(&mut self, position: usize, id: &[u8], value: &[u8]) {
        *self.extension(position, id).children().last_mut().unwrap() = Node::Primitive(4, value.to_vec());
    }

    fn remove_extension(&mut self, position: usize, id: &[u8]) {
        let wanted = Node::Primitive(0x06, id.to_vec());
        self.extensions(position).retain_mut(|extension| extension.children()[0] != wanted);
    }

    fn add_extension(&mut self, position: usize, id: &[u8], critical: bool, value: &[u8]) {
        let mut children = vec![Node::Primitive(0x06, id.to_vec())];
        if critical {
            children.push(Node::Primitive(1, vec![0xff]));
        }
        children.push(Node::Primitive(4, value.to_vec()));
        self.extensions(position).push(Node::Constructed(0x30, children));
    }

    fn move_name(&mut self, from: (usize, usize), to: (usize, usize)) {
        let name = self.tbs(from.0)[from.1].clone();
        self.tbs(to.0)[to.1] = name;
    }
}

const NAMES: [&str; 5] = ["cabundle[0]", "cabundle[1]", "cabundle[2]", "cabundle[3]", "certificate"];

/// Alters one certificate and expects this code, naming that certificate.
fn refused_at(position: usize, code: Code, alter: impl Fn(&mut Chain, usize)) {
    let Some(mut chain) = Chain::genuine() else { return };
    assert_eq!(chain.verify(&accept_all()), Ok(()));
    alter(&mut chain, position);
    let error = chain.verify(&accept_all()).unwrap_err();
    let (Detail::Field(field) | Detail::Number { what: field, .. }) = *error.detail() else {
        panic!("{error}");
    };
    assert_eq!((error.code(), field), (code, NAMES[position]), "{error}");
}

fn refused(code: Code, alter: impl Fn(&mut Chain)) {
    let Some(mut chain) = Chain::genuine() else { return };
    alter(&mut chain);
    assert_eq!(chain.verify(&accept_all()).unwrap_err().code(), code);
}

fn accepted(alter: impl Fn(&mut Chain)) {
    let Some(mut chain) = Chain::genuine() else { return };
    alter(&mut chain);
    assert_eq!(chain.verify(&accept_all()), Ok(()));
}

#[test]
fn version_algorithm_and_key() {
    for position in 0..5 {
        refused_at(position, Code::CertificateVersion, |chain, at| {
            chain.tbs(at).remove(VERSION);
        });
        refused_at(position, Code::CertificateVersion, |chain, at| {
            *chain.tbs(at)[VERSION].children()[0].contents() = vec![1];
        });
        // ecdsa-with-SHA256 within, without, and both.
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            *chain.tbs(at)[SIGNATURE].children()[0].contents().last_mut().unwrap() = 2;
        });
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            let algorithm = &mut chain.certificates[at].children()[1];
            *algorithm.children()[0].contents().last_mut().unwrap() = 2;
        });
        // secp521r1.
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            *chain.tbs(at)[SPKI].children()[0].children()[1].contents().last_mut().unwrap() = 0x23;
        });
        // A compressed point; a hybrid one; one cut short; unused bits.
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            let point = chain.tbs(at)[SPKI].children()[1].contents();
            point.truncate(1 + 49);
            point[1] = 2;
        });
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            chain.tbs(at)[SPKI].children()[1].contents()[1] = 6;
        });
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            chain.tbs(at)[SPKI].children()[1].contents().pop();
        });
        refused_at(position, Code::CertificateAlgorithm, |chain, at| {
            chain.tbs(at)[SPKI].children()[1].contents()[0] = 1;
        });
    }
}

#[test]
fn structure() {
    for position in 0..5 {
        for child in [0, 1, 2] {
            refused_at(position, Code::CertificateMalformed, |chain, at| {
                chain.certificates[at].children().remove(child);
            });
        }
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            chain.certificates[at].children().push(Node::Primitive(5, vec![]));
        });
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            chain.tbs(at).push(Node::Primitive(5, vec![]));
        });
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            chain.tbs(at)[VALIDITY].children().pop();
        });
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            *chain.tbs(at)[VALIDITY].children()[1].contents() = b"490230000000Z".to_vec();
        });
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            chain.tbs(at).remove(EXTENSIONS);
        });
    }
}

#[test]
fn serial_numbers() {
    for position in 0..5 {
        let malformed: [&[u8]; 5] = [&[], &[0, 0], &[0, 0x7f], &[0xff, 0x80], &[0xff, 0xff, 1]];
        for serial in malformed {
            refused_at(position, Code::CertificateMalformed, |chain, at| {
                *chain.tbs(at)[SERIAL].contents() = serial.to_vec();
            });
        }
        // RFC 5280 section 4.1.2.2: zero and negative ones exist, and users should put up with them.
        let odd: [&[u8]; 5] = [&[0], &[1], &[0, 0x80], &[0xff], &[0x80; 30]];
        for serial in odd {
            accepted(|chain| *chain.tbs(position)[SERIAL].contents() = serial.to_vec());
        }
    }
}

#[test]
fn basic_constraints() {
    for position in 0..5 {
        refused_at(position, Code::CertificateBasicConstraints, |chain, at| {
            chain.remove_extension(at, BASIC_CONSTRAINTS);
        });
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            let again = chain.extension(at, BASIC_CONSTRAINTS).clone();
            chain.extensions(at).push(again);
        });
        // FALSE written out, TRUE as 01, a path length without CA, a negative one, one of two octets.
        let malformed: [&[u8]; 6] = [
            &[0x30, 3, 1, 1, 0],
            &[0x30, 3, 1, 1, 1],
            &[0x30, 3, 2, 1, 0],
            &[0x30, 6, 1, 1, 0xff, 2, 1, 0x80],
            &[0x30, 7, 1, 1, 0xff, 2, 2, 0, 0x80],
            &[0x30, 0, 0],
        ];
        for value in malformed {
            refused_at(position, Code::CertificateMalformed, |chain, at| {
                chain.set_extension(at, BASIC_CONSTRAINTS, value);
            });
        }
    }
    for position in 0..4 {
        refused_at(position, Code::CertificateBasicConstraints, |chain, at| {
            chain.set_extension(at, BASIC_CONSTRAINTS, &[0x30, 0]);
        });
        accepted(|chain| chain.set_extension(position, BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 0xff]));
        // The CA certificates below: 3 below the root, none below the instance.
        let below = 3 - u8::try_from(position).unwrap();
        accepted(|chain| {
            chain.set_extension(position, BASIC_CONSTRAINTS, &[0x30, 6, 1, 1, 0xff, 2, 1, below]);
        });
        if let Some(too_short) = below.checked_sub(1) {
            refused_at(position, Code::CertificatePathLength, |chain, at| {
                chain.set_extension(at, BASIC_CONSTRAINTS, &[0x30, 6, 1, 1, 0xff, 2, 1, too_short]);
            });
        }
    }
    refused_at(4, Code::CertificateBasicConstraints, |chain, at| {
        chain.set_extension(at, BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 0xff]);
    });
}

#[test]
fn key_usage() {
    for position in 0..5 {
        refused_at(position, Code::CertificateKeyUsage, |chain, at| chain.remove_extension(at, KEY_USAGE));
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            let again = chain.extension(at, KEY_USAGE).clone();
            chain.extensions(at).push(again);
        });
        let malformed: [&[u8]; 5] =
            [&[3, 1, 0], &[3, 2, 8, 0], &[3, 4, 0, 0xff, 0xff, 0xff], &[4, 2, 0, 0xff], &[3, 3, 1, 0xff, 1]];
        for value in malformed {
            refused_at(position, Code::CertificateMalformed, |chain, at| {
                chain.set_extension(at, KEY_USAGE, value);
            });
        }
        // Every usage but the one that is needed, and that one alone.
        let (needed, unused) = if position == 4 { (0x80, 7) } else { (0x04, 2) };
        refused_at(position, Code::CertificateKeyUsage, |chain, at| {
            chain.set_extension(at, KEY_USAGE, &[3, 3, 7, !needed, 0x80]);
        });
        accepted(|chain| chain.set_extension(position, KEY_USAGE, &[3, 2, 0, needed]));
        accepted(|chain| chain.set_extension(position, KEY_USAGE, &[3, 2, unused, needed]));
        // Bits that are declared unused give no usage, and DER has zeros there.
        for set in [needed | 1, needed | 1 << (unused - 1)] {
            refused_at(position, Code::CertificateMalformed, |chain, at| {
                chain.set_extension(at, KEY_USAGE, &[3, 2, unused, set]);
            });
        }
    }
    for position in 0..4 {
        refused_at(position, Code::CertificateMalformed, |chain, at| {
            chain.set_extension(at, KEY_USAGE, &[3, 2, 7, 0x84]);
        });
    }
}

#[test]
fn other_extensions() {
    for position in 0..5 {
        refused_at(position, Code::CertificateCriticalExtension, |chain, at| {
            chain.add_extension(at, UNKNOWN, true, &[5, 0]);
        });
        accepted(|chain| chain.add_extension(position, &[0x2a, 3, 4], false, &[5, 0]));
    }
    for position in 1..5 {
        let server_auth = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
        refused(Code::CertificateChain, |chain| {
            chain.add_extension(position, EXTENDED_KEY_USAGE, false, &server_auth);
        });
        let any = [0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0];
        accepted(|chain| chain.add_extension(position, EXTENDED_KEY_USAGE, false, &any));
    }
}

#[test]
fn validity() {
    for position in 0..5 {
        refused_at(position, Code::CertificateExpired, |chain, at| {
            *chain.tbs(at)[VALIDITY].children()[1].contents() = b"200101000000Z".to_vec();
        });
        refused_at(position, Code::CertificateNotYetValid, |chain, at| {
            *chain.tbs(at)[VALIDITY].children()[0].contents() = b"490101000000Z".to_vec();
        });
        accepted(|chain| {
            let time = Node::Primitive(0x18, b"20500101000000Z".to_vec());
            chain.tbs(position)[VALIDITY].children()[1] = time;
        });
    }
}

#[test]
fn the_chain_is_valid_while_every_certificate_is() {
    for position in 0..5 {
        let Some(mut chain) = Chain::genuine() else { return };
        let at = chain.at_ms / 1000;
        // 2021-08-18T02:59:44Z, the second of the genuine leaf's notBefore, and the one after it.
        assert_eq!(at, 1_629_255_584);
        *chain.tbs(position)[VALIDITY].children()[0].contents() = b"210818025944Z".to_vec();
        *chain.tbs(position)[VALIDITY].children()[1].contents() = b"210818025945Z".to_vec();
        let root = chain.certificates[0].encode();
        let document = chain.document();
        let parsed = AttestationDocument::parse(&document).unwrap();
        let verified = parsed.verify(&[&root], chain.at_ms, &accept_all()).unwrap();
        assert_eq!((verified.chain_not_before(), verified.chain_not_after()), (at, at + 1), "{position}");
    }
    // The leaf valid longer than a CA: notBefore is the CA's.
    for position in 0..4 {
        let Some(mut chain) = Chain::genuine() else { return };
        *chain.tbs(4)[VALIDITY].children()[0].contents() = b"190101000000Z".to_vec();
        *chain.tbs(position)[VALIDITY].children()[0].contents() = b"210818025943Z".to_vec();
        let root = chain.certificates[0].encode();
        let document = chain.document();
        let parsed = AttestationDocument::parse(&document).unwrap();
        let verified = parsed.verify(&[&root], chain.at_ms, &accept_all()).unwrap();
        assert_eq!(verified.chain_not_before(), chain.at_ms / 1000 - 1, "{position}");
    }
}

#[test]
fn order() {
    for position in 0..5 {
        refused_at(position, Code::CertificateOrder, |chain, at| {
            chain.tbs(at)[ISSUER].children().pop();
        });
    }
    for (a, b) in [(1, 2), (2, 3), (1, 3)] {
        refused(Code::CertificateOrder, |chain| chain.certificates.swap(a, b));
    }
    for position in 1..4 {
        refused(Code::CertificateOrder, |chain| drop(chain.certificates.remove(position)));
        refused(Code::CertificateOrder, |chain| {
            // Without path lengths, which one certificate more would exceed first.
            for ca in 1..4 {
                chain.set_extension(ca, BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 0xff]);
            }
            let again = chain.certificates[position].clone();
            chain.certificates.insert(position, again);
        });
    }
    // The root once more: it follows itself, but its name has been used.
    refused(Code::CertificateRepeated, |chain| {
        let root = chain.certificates[0].clone();
        chain.certificates.insert(0, root);
    });
    // A CA that bears the name of the CA above its own, or of the leaf.
    refused(Code::CertificateRepeated, |chain| {
        chain.move_name((1, SUBJECT), (3, SUBJECT));
        chain.move_name((1, SUBJECT), (4, ISSUER));
    });
    refused(Code::CertificateRepeated, |chain| chain.move_name((3, SUBJECT), (4, SUBJECT)));
}

#[test]
fn chains_of_every_length() {
    let Some(genuine) = Chain::genuine() else { return };
    for cas in 1..=7 {
        let mut chain = Chain::genuine().unwrap();
        // CA certificates between root and leaf: the instance's, each under a name of its own.
        chain.certificates.drain(1..4);
        for below_root in 1..cas {
            let mut ca = genuine.certificates[3].clone();
            let name = format!("CA {below_root}").into_bytes();
            let tbs = ca.children()[0].children();
            *tbs[SUBJECT].children()[0].children()[0].children()[1].contents() = name;
            chain.certificates.insert(below_root, ca);
            chain.set_extension(below_root, BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 0xff]);
        }
        for position in 1..=cas {
            chain.move_name((position - 1, SUBJECT), (position, ISSUER));
        }
        assert_eq!(chain.verify(&accept_all()), Ok(()), "{cas} certificates above the leaf");
        let root = chain.certificates[0].encode();
        let document = chain.document();
        let parsed = AttestationDocument::parse(&document).unwrap();
        let verified = parsed.verify(&[&root], chain.at_ms, &accept_all()).unwrap();
        assert_eq!(verified.cabundle_serials().len(), cas);
        assert_eq!(verified.regional_serial().is_some(), cas == 4);
        assert_eq!(verified.zonal_serial().is_some(), cas == 4);
    }
}

#[test]
fn a_root_that_is_not_given_is_refused_whoever_signed_it() {
    let Some(mut chain) = Chain::genuine() else { return };
    let root = chain.certificates[0].children();
    *root[2].contents().last_mut().unwrap() ^= 1;
    let document = chain.document();
    let parsed = AttestationDocument::parse(&document).unwrap();
    let error = parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], chain.at_ms, &accept_all()).unwrap_err();
    assert_eq!(error.code(), Code::CertificateRoot);
}

#[test]
fn a_bad_signature_anywhere_in_the_chain_is_refused() {
    for backend in backends() {
        for position in 1..5 {
            let Some(mut chain) = Chain::genuine() else { return };
            assert_eq!(chain.verify(&backend), Ok(()));
            *chain.certificates[position].children()[2].contents().last_mut().unwrap() ^= 1;
            let error = chain.verify(&backend).unwrap_err();
            assert_eq!(error.code(), Code::CertificateSignature, "{position}");

            // The signed part altered where no check of form sees it: the serial number.
            let mut chain = Chain::genuine().unwrap();
            *chain.tbs(position)[1].contents().last_mut().unwrap() ^= 1;
            let error = chain.verify(&backend).unwrap_err();
            assert_eq!(error.code(), Code::CertificateSignature, "{position}");
        }
    }
}
