//! Every fault that a certificate chain can have and still be signed correctly, and the faults of the signatures
//! themselves: what this crate says to it, and what OpenSSL does.

use pcrseal_core::error::Code;

use super::certificates::{
    AT, BASIC_CONSTRAINTS, CA_NOT_AFTER, EXTENDED_KEY_USAGE, EXTENSIONS, ISSUER, KEY_USAGE, NAME_CONSTRAINTS,
    SERIAL, SIGNATURE, SPKI, SUBJECT, UNKNOWN, VALIDITY, VERSION, authority, ecdsa_with_sha256, extension,
    name,
};
use super::der_tree::Node;
use super::issuer::{Alter, Chain, Key};

/// The certificates by the names that errors give them.
pub const NAMES: [&str; 5] = ["cabundle[0]", "cabundle[1]", "cabundle[2]", "cabundle[3]", "certificate"];
const LEAF: usize = 4;

/// What `openssl verify` says to the same chain, root and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpenSsl {
    /// The same as this crate.
    Agrees,
    /// The opposite, for this reason, which is by design.
    Differs(&'static str),
}

pub struct ChainCase {
    pub name: String,
    /// The code, and the certificate that the error names, if it names one.
    pub expected: Result<(), (Code, Option<&'static str>)>,
    pub alter: Alter,
    pub openssl: OpenSsl,
}

const NO_LEAF_PURPOSE: OpenSsl =
    OpenSsl::Differs("without a purpose, OpenSSL demands no usage or form of an end entity");
const ANY_ALGORITHM: OpenSsl = OpenSsl::Differs("OpenSSL takes every algorithm of sufficient strength");
const ANY_ORDER: OpenSsl = OpenSsl::Differs("OpenSSL looks for a path among the certificates, in any order");
const OLD_ROOTS: OpenSsl = OpenSsl::Differs("OpenSSL takes a self-signed root without these extensions");
const LEGACY_CA: OpenSsl =
    OpenSsl::Differs("without -x509_strict, OpenSSL takes an authority without keyUsage");
const LAX_DER: OpenSsl = OpenSsl::Differs("OpenSSL reads BER and does not ask for DER");
const ANCHOR_ALONE: OpenSsl =
    OpenSsl::Differs("OpenSSL finds its anchor in its own store, not in the bundle");
const EXCLUSIVE_END: OpenSsl =
    OpenSsl::Differs("OpenSSL's notAfter is exclusive; RFC 5280 section 4.1.2.5 says inclusive");

/// The table.
pub fn chain_cases() -> Vec<ChainCase> {
    let mut table = Table(Vec::new());
    table.validity();
    table.basic_constraints();
    table.key_usage();
    table.algorithms();
    table.form();
    table.order();
    table.signatures();
    table.accepted();
    table.0
}

struct Table(Vec<ChainCase>);

impl Table {
    fn push(&mut self, name: &str, code: Code, field: Option<usize>, openssl: OpenSsl, alter: Alter) {
        let name = field.map_or_else(|| name.into(), |position| format!("{name}, {}", NAMES[position]));
        let expected = Err((code, field.map(|position| NAMES[position])));
        self.0.push(ChainCase { name, expected, alter, openssl });
    }

    /// One certificate altered before it is signed.
    fn at(
        &mut self,
        name: &str,
        position: usize,
        code: Code,
        openssl: OpenSsl,
        alter: impl Fn(&mut Chain, usize) + 'static,
    ) {
        let alter = Alter::Chain(Box::new(move |chain| alter(chain, position)));
        self.push(name, code, Some(position), openssl, alter);
    }

    fn everywhere(
        &mut self,
        name: &str,
        code: Code,
        openssl: impl Fn(usize) -> OpenSsl,
        alter: impl Fn(&mut Chain, usize) + Copy + 'static,
    ) {
        for position in 0..=LEAF {
            self.at(name, position, code, openssl(position), alter);
        }
    }

    fn issued(
        &mut self,
        name: &str,
        code: Code,
        field: Option<usize>,
        openssl: OpenSsl,
        alter: impl Fn(&mut Vec<Vec<u8>>) + 'static,
    ) {
        self.push(name, code, field, openssl, Alter::Issued(Box::new(alter)));
    }

    fn accept(&mut self, name: &str, openssl: OpenSsl, alter: impl Fn(&mut Chain) + 'static) {
        let alter = Alter::Chain(Box::new(alter));
        self.0.push(ChainCase { name: name.into(), expected: Ok(()), alter, openssl });
    }

    fn validity(&mut self) {
        let agrees = |_| OpenSsl::Agrees;
        self.everywhere("expired", Code::CertificateExpired, agrees, |chain, at| {
            chain.set_not_before(at, b"200101000000Z");
            chain.set_not_after(at, b"210101000000Z");
        });
        self.everywhere("not yet valid", Code::CertificateNotYetValid, agrees, |chain, at| {
            chain.set_not_before(at, b"240101000000Z");
            chain.set_not_after(at, b"250101000000Z");
        });
        self.everywhere("expired a second ago", Code::CertificateExpired, agrees, |chain, at| {
            chain.set_not_after(at, b"231114221319Z");
        });
        self.everywhere("valid in a second", Code::CertificateNotYetValid, agrees, |chain, at| {
            chain.set_not_before(at, b"231114221321Z");
        });
        self.at("never valid", LEAF, Code::CertificateExpired, OpenSsl::Agrees, |chain, at| {
            chain.set_not_before(at, b"231114221320Z");
            chain.set_not_after(at, b"231114221319Z");
        });
        self.everywhere("no such day", Code::CertificateMalformed, agrees, |chain, at| {
            chain.set_not_after(at, b"490230000000Z");
        });
    }

    fn basic_constraints(&mut self) {
        for position in 0..LEAF {
            let below = u8::try_from(LEAF - 1 - position).unwrap();
            self.at(
                "CA false on an authority",
                position,
                Code::CertificateBasicConstraints,
                OpenSsl::Agrees,
                |chain, at| chain.set_extension(at, BASIC_CONSTRAINTS, &[0x30, 0]),
            );
            if let Some(too_short) = below.checked_sub(1) {
                self.at(
                    "pathLenConstraint exceeded",
                    position,
                    Code::CertificatePathLength,
                    OpenSsl::Agrees,
                    move |chain, at| chain.set_extension(at, BASIC_CONSTRAINTS, &authority(Some(too_short))),
                );
            }
        }
        let absent = |position| match position {
            0 => OLD_ROOTS,
            LEAF => NO_LEAF_PURPOSE,
            _ => OpenSsl::Agrees,
        };
        self.everywhere("no BasicConstraints", Code::CertificateBasicConstraints, absent, |chain, at| {
            chain.remove_extension(at, BASIC_CONSTRAINTS);
        });
        self.at(
            "CA true on the leaf",
            LEAF,
            Code::CertificateBasicConstraints,
            NO_LEAF_PURPOSE,
            |chain, at| chain.set_extension(at, BASIC_CONSTRAINTS, &authority(None)),
        );
        let twice = |_| OpenSsl::Agrees;
        self.everywhere("BasicConstraints twice", Code::CertificateMalformed, twice, |chain, at| {
            let again = chain.extension(at, BASIC_CONSTRAINTS).clone();
            chain.extensions(at).push(again);
        });
        self.at("TRUE as 01", 1, Code::CertificateMalformed, LAX_DER, |chain, at| {
            chain.set_extension(at, BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 1]);
        });
    }

    fn key_usage(&mut self) {
        let absent = |position| if position == LEAF { NO_LEAF_PURPOSE } else { LEGACY_CA };
        self.everywhere("no keyUsage", Code::CertificateKeyUsage, absent, |chain, at| {
            chain.remove_extension(at, KEY_USAGE);
        });
        let wrong = |position| if position == LEAF { NO_LEAF_PURPOSE } else { OpenSsl::Agrees };
        self.everywhere("keyUsage without the one needed", Code::CertificateKeyUsage, wrong, |chain, at| {
            let needed = if at == LEAF { 0x80 } else { 0x04 };
            chain.set_extension(at, KEY_USAGE, &[3, 3, 7, !needed, 0x80]);
        });
        self.everywhere(
            "keyUsage twice",
            Code::CertificateMalformed,
            |_| OpenSsl::Agrees,
            |chain, at| {
                let again = chain.extension(at, KEY_USAGE).clone();
                chain.extensions(at).push(again);
            },
        );
    }

    fn algorithms(&mut self) {
        let any = |_| ANY_ALGORITHM;
        let code = Code::CertificateAlgorithm;
        self.everywhere("P-256 key", code, any, |chain, at| chain.set_key(at, &Key::p256()));
        self.everywhere("RSA key", code, any, |chain, at| chain.set_key(at, &Key::rsa()));
        for position in 1..=LEAF {
            // The issuer's key is P-384 as it has to be, and known to be so: only the digest differs.
            self.at("ecdsa-with-SHA256", position, code, ANY_ALGORITHM, |chain, at| {
                let key = Key::p384_with_sha256();
                chain.tbs(at - 1)[SPKI] = key.spki();
                if at == 1 {
                    chain.0[0].signer = chain.0[0].key.clone();
                }
                chain.set_signer(at, &key);
            });
        }
        self.everywhere(
            "another algorithm inside",
            code,
            |position| {
                if position == 0 { UNCHECKED_ROOT } else { OpenSsl::Agrees }
            },
            |chain, at| {
                chain.tbs(at)[SIGNATURE] = ecdsa_with_sha256();
            },
        );
        self.everywhere(
            "another algorithm outside",
            code,
            |position| {
                if position == 0 { UNCHECKED_ROOT } else { OpenSsl::Agrees }
            },
            |chain, at| {
                chain.0[at].algorithm = ecdsa_with_sha256();
            },
        );
        self.everywhere("compressed point", code, any, |chain, at| {
            let point = chain.tbs(at)[SPKI].children()[1].contents();
            let last = point.pop().unwrap();
            point.truncate(1 + 49);
            point[1] = 2 + (last & 1);
        });
    }

    fn form(&mut self) {
        let code = Code::CertificateVersion;
        let version_1 = |position| match position {
            0 => OLD_ROOTS,
            LEAF => NO_LEAF_PURPOSE,
            _ => OpenSsl::Agrees,
        };
        self.everywhere("version 1", code, version_1, |chain, at| {
            chain.tbs(at).remove(EXTENSIONS);
            chain.tbs(at).remove(VERSION);
        });
        self.at("version 2", LEAF, code, NO_LEAF_PURPOSE, |chain, at| {
            *chain.tbs(at)[VERSION].children()[0].contents() = vec![1];
        });
        let critical = |_| OpenSsl::Agrees;
        let code = Code::CertificateCriticalExtension;
        self.everywhere("unknown critical extension", code, critical, |chain, at| {
            chain.extensions(at).push(extension(UNKNOWN, true, &[5, 0]));
        });
        // permittedSubtrees: directoryName, the empty name.
        let names = [0x30, 8, 0xa0, 6, 0x30, 4, 0xa4, 2, 0x30, 0];
        let understood = OpenSsl::Differs("OpenSSL implements NameConstraints, which no genuine chain has");
        self.at("critical NameConstraints", 1, code, understood, move |chain, at| {
            chain.extensions(at).push(extension(NAME_CONSTRAINTS, true, &names));
        });
        let server_auth = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
        let no_purpose = OpenSsl::Differs("OpenSSL is asked for no purpose, and then ignores extKeyUsage");
        for (position, name) in NAMES.into_iter().enumerate().skip(1) {
            self.push(
                &format!("extKeyUsage serverAuth, {name}"),
                Code::CertificateChain,
                None,
                no_purpose,
                Alter::Chain(Box::new(move |chain| {
                    chain.extensions(position).push(extension(EXTENDED_KEY_USAGE, false, &server_auth));
                })),
            );
        }
        let code = Code::CertificateMalformed;
        self.at("issuerUniqueID", LEAF, code, LAX_FORM, |chain, at| {
            chain.tbs(at).insert(EXTENSIONS, Node::Primitive(0x81, vec![0, 1]));
        });
        self.at("one time in the validity", LEAF, code, OpenSsl::Agrees, |chain, at| {
            chain.tbs(at)[VALIDITY].children().pop();
        });
        self.issued("a byte after the certificate", code, Some(LEAF), LAX_TRAILING, |certificates| {
            certificates[LEAF].push(0);
        });
        self.issued("cut short", code, Some(2), OpenSsl::Agrees, |certificates| {
            certificates[2].pop();
        });
    }

    fn order(&mut self) {
        let code = Code::CertificateOrder;
        self.everywhere(
            "another issuer's name",
            code,
            |_| OpenSsl::Agrees,
            |chain, at| {
                chain.tbs(at)[ISSUER] = name("stranger");
            },
        );
        for (a, b) in [(1, 2), (2, 3), (1, 3)] {
            self.issued(&format!("{a} and {b} swapped"), code, None, ANY_ORDER, move |certificates| {
                certificates.swap(a, b);
            });
        }
        for position in 1..LEAF {
            self.issued(&format!("without {position}"), code, None, OpenSsl::Agrees, move |certificates| {
                certificates.remove(position);
            });
        }
        self.push(
            "an authority twice",
            code,
            Some(2),
            ANY_ORDER,
            Alter::Chain(Box::new(|chain| {
                // Without a path length, which one authority more would exceed first.
                chain.set_extension(1, BASIC_CONSTRAINTS, &authority(None));
                let again = chain.0[1].clone();
                chain.0.insert(1, again);
            })),
        );
        self.issued("the root last", Code::CertificateRoot, Some(0), ANY_ORDER, |certificates| {
            certificates[..LEAF].rotate_left(1);
        });
        self.issued("without the root", Code::CertificateRoot, Some(0), ANCHOR_ALONE, |certificates| {
            certificates.remove(0);
        });
        self.issued(
            "another root of that name",
            Code::CertificateRoot,
            Some(0),
            ANCHOR_ALONE,
            |certificates| {
                let mut impostor = Chain::usual();
                impostor.set_key(0, &Key::p384());
                certificates[0] = impostor.issue().remove(0);
            },
        );
        self.issued("another chain whole", Code::CertificateRoot, Some(0), OpenSsl::Agrees, |certificates| {
            let mut impostor = Chain::usual();
            (0..=LEAF).for_each(|position| impostor.set_key(position, &Key::p384()));
            *certificates = impostor.issue();
        });
        self.at("self-signed leaf", LEAF, code, OpenSsl::Agrees, |chain, at| {
            let (subject, key) = (chain.tbs(at)[SUBJECT].clone(), chain.0[at].key.clone());
            chain.tbs(at)[ISSUER] = subject;
            chain.0[at].signer = key;
        });
        self.at("leaf of the zonal authority", LEAF, code, ANY_ORDER, |chain, at| {
            let (zonal, key) = (chain.tbs(2)[SUBJECT].clone(), chain.0[2].key.clone());
            chain.tbs(at)[ISSUER] = zonal;
            chain.0[at].signer = key;
        });
        self.push(
            "two authorities of one name",
            Code::CertificateRepeated,
            None,
            OpenSsl::Agrees,
            Alter::Chain(Box::new(|chain| {
                // OpenSSL takes the wrong one of the two for the leaf's issuer.
                let regional = chain.tbs(1)[SUBJECT].clone();
                chain.rename(3, &regional);
            })),
        );
        self.push(
            "leaf with an authority's name",
            Code::CertificateRepeated,
            None,
            OpenSsl::Differs("OpenSSL has no rule against a name that occurs twice"),
            Alter::Chain(Box::new(|chain| {
                let regional = chain.tbs(1)[SUBJECT].clone();
                chain.rename(LEAF, &regional);
            })),
        );
    }

    fn signatures(&mut self) {
        let code = Code::CertificateSignature;
        for (position, name) in NAMES.into_iter().enumerate().skip(1) {
            self.issued(&format!("signature altered, {name}"), code, None, OpenSsl::Agrees, move |ders| {
                *ders[position].last_mut().unwrap() ^= 1;
            });
            self.issued(&format!("serial altered, {name}"), code, None, OpenSsl::Agrees, move |ders| {
                let mut node = Node::parse(&ders[position]);
                *node.children()[0].children()[SERIAL].contents() = vec![0x5b];
                ders[position] = node.encode();
            });
            self.push(
                &format!("signed by a stranger, {name}"),
                code,
                None,
                OpenSsl::Agrees,
                Alter::Chain(Box::new(move |chain| chain.0[position].signer = Key::p384())),
            );
        }
        self.push(
            "leaf signed by the zonal authority in the instance's name",
            code,
            None,
            OpenSsl::Agrees,
            Alter::Chain(Box::new(|chain| chain.0[LEAF].signer = chain.0[2].key.clone())),
        );
        self.push(
            "point off the curve, cabundle[2]",
            code,
            None,
            OpenSsl::Agrees,
            Alter::Chain(Box::new(|chain| {
                *chain.tbs(2)[SPKI].children()[1].contents().last_mut().unwrap() ^= 1;
            })),
        );
        self.push(
            "point off the curve, certificate",
            Code::CoseSignatureRejected,
            None,
            OpenSsl::Agrees,
            Alter::Chain(Box::new(|chain| {
                *chain.tbs(LEAF)[SPKI].children()[1].contents().last_mut().unwrap() ^= 1;
            })),
        );
        self.issued("root's signature altered", Code::CertificateRoot, Some(0), ANCHOR_ALONE, |ders| {
            *ders[0].last_mut().unwrap() ^= 1;
        });
    }

    fn accepted(&mut self) {
        self.accept("no fault", OpenSsl::Agrees, |_| {});
        self.accept("leaf from this very second on", OpenSsl::Agrees, |chain| {
            chain.set_not_before(LEAF, b"231114221320Z");
        });
        self.accept("leaf until this very second", EXCLUSIVE_END, |chain| {
            chain.set_not_after(LEAF, b"231114221320Z");
        });
        self.accept("valid into 2050", OpenSsl::Agrees, |chain| {
            chain.tbs(0)[VALIDITY].children()[1] = Node::Primitive(0x18, b"20500101000000Z".to_vec());
        });
        self.accept("no pathLenConstraint", OpenSsl::Agrees, |chain| {
            (0..LEAF).for_each(|at| chain.set_extension(at, BASIC_CONSTRAINTS, &authority(None)));
        });
        self.accept("pathLenConstraint as short as can be", OpenSsl::Agrees, |chain| {
            chain.set_extension(0, BASIC_CONSTRAINTS, &authority(Some(3)));
        });
        self.accept("keyUsage with the one needed alone", OpenSsl::Agrees, |chain| {
            (0..LEAF).for_each(|at| chain.set_extension(at, KEY_USAGE, &[3, 2, 2, 4]));
            chain.set_extension(LEAF, KEY_USAGE, &[3, 2, 7, 0x80]);
        });
        self.accept("unknown extension that is not critical", OpenSsl::Agrees, |chain| {
            (0..=LEAF).for_each(|at| chain.extensions(at).push(extension(UNKNOWN, false, &[5, 0])));
        });
        self.accept("anyExtendedKeyUsage", OpenSsl::Agrees, |chain| {
            let any = [0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0];
            (1..=LEAF).for_each(|at| chain.extensions(at).push(extension(EXTENDED_KEY_USAGE, false, &any)));
        });
        self.accept("leaf valid for longer than its issuer", OpenSsl::Agrees, |chain| {
            chain.set_not_after(LEAF, b"240101000000Z");
            assert!(CA_NOT_AFTER < &b"240101000000Z"[..] && AT < 1_704_067_200);
        });
        self.accept("leaf of the zonal authority, without the instance's", OpenSsl::Agrees, |chain| {
            let (zonal, key) = (chain.tbs(2)[SUBJECT].clone(), chain.0[2].key.clone());
            chain.tbs(LEAF)[ISSUER] = zonal;
            chain.0[LEAF].signer = key;
            chain.0.remove(3);
        });
        // Pinned by its bytes; nobody vouches for a root, itself included.
        self.accept("root with a stranger's signature", OpenSsl::Agrees, |chain| {
            chain.0[0].signer = Key::p384();
        });
    }
}

const UNCHECKED_ROOT: OpenSsl = OpenSsl::Differs("OpenSSL does not look at its anchor's signature");
const LAX_FORM: OpenSsl =
    OpenSsl::Differs("OpenSSL takes the unique identifiers, which RFC 5280 says not to use");
const LAX_TRAILING: OpenSsl = OpenSsl::Differs("OpenSSL ignores what follows a certificate");
