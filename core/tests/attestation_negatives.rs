//! Documents with one fault each, signed anew above the fault: every signature that the fault leaves whole is
//! good, so the check that is meant for the fault is what refuses the document. And the other way round:
//! documents of every genuine shape, which must pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::HashSet;

use ciborium::Value;
use common::backends::backends;
use common::certificates::{AT, BASIC_CONSTRAINTS, authority};
use common::chain_faults::chain_cases;
use common::documents::{Parts, cbor};
use common::issuer::{Alter, Chain, Made, make, make_with, pcrs};
use pcrseal_core::attestation::{AttestationDocument, AttestationKind};
use pcrseal_core::crypto::Backend;
use pcrseal_core::error::{Code, Detail, Error};

fn verdict(made: &Made, backend: &Backend) -> Result<(), Error> {
    AttestationDocument::parse(&made.document)?.verify(&[&made.root], AT * 1000, backend).map(|_| ())
}

fn payload(alter: impl Fn(&mut Parts) + 'static) -> Alter {
    Alter::Payload(Box::new(alter))
}

fn envelope(alter: impl Fn(&mut Parts) + 'static) -> Alter {
    Alter::Envelope(Box::new(alter))
}

fn set(field: &'static str, value: Value) -> Alter {
    payload(move |parts| parts.set(field, value.clone()))
}

fn raw(field: &'static str, item: &[u8]) -> Alter {
    let item = item.to_vec();
    payload(move |parts| parts.field(field).clone_from(&item))
}

fn bytes(len: usize) -> Value {
    Value::Bytes(vec![7; len])
}

#[test]
fn nothing_altered() {
    for backend in backends() {
        assert_eq!(verdict(&make(&Alter::Nothing), &backend), Ok(()), "{}", backend.name);
    }
}

#[test]
fn faults_in_the_certificates() {
    let cases = chain_cases();
    let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "a name twice");
    println!("{} chains over {} backends", cases.len(), backends().len());
    for case in &cases {
        let made = make(&case.alter);
        for backend in backends() {
            let found = verdict(&made, &backend).map_err(|error| {
                let field = match *error.detail() {
                    Detail::Field(field) | Detail::Number { what: field, .. } => Some(field),
                    _ => None,
                };
                (error.code(), field)
            });
            match (found, case.expected) {
                // The table names the certificate where there is one that is at fault, and leaves it open for
                // an order that is wrong as a whole.
                (Err((found, _)), Err((expected, None))) => {
                    assert_eq!(found, expected, "{}: {}", backend.name, case.name);
                }
                (found, expected) => assert_eq!(found, expected, "{}: {}", backend.name, case.name),
            }
        }
    }
}

/// A fault's name, how to make it, and the code it must meet.
type Case = (&'static str, Alter, Code);

fn refused(cases: &[Case]) {
    let names: HashSet<_> = cases.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), cases.len(), "a name twice");
    println!("{} documents over {} backends", cases.len(), backends().len());
    for (name, alter, code) in cases {
        let made = make(alter);
        for backend in backends() {
            let found = verdict(&made, &backend).map_err(|error| error.code());
            assert_eq!(found, Err(*code), "{}: {name}", backend.name);
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn faults_in_the_envelope() {
    let item = |item: &[u8]| {
        let item = item.to_vec();
        payload(move |parts| parts.payload_item = Some(item.clone()))
    };
    let head = |head: &[u8]| {
        let head = head.to_vec();
        envelope(move |parts| parts.head = head.clone())
    };
    let protected = |item: &[u8]| {
        let item = item.to_vec();
        payload(move |parts| parts.protected = item.clone())
    };
    let unprotected = |item: &[u8]| {
        let item = item.to_vec();
        envelope(move |parts| parts.unprotected = item.clone())
    };
    let signature = |len: usize| {
        envelope(move |parts| {
            let signature: Value = ciborium::from_reader(&parts.signature[..]).unwrap();
            let mut signature = signature.into_bytes().unwrap();
            signature.resize(len, 0);
            parts.signature = cbor(&Value::Bytes(signature));
        })
    };
    let altered = |position: usize| {
        envelope(move |parts| parts.signature[2 + position] ^= 1) // behind the head, 58 60
    };
    refused(&[
        ("tag COSE_Sign", head(&[0xd8, 98, 0x84]), Code::CoseTag),
        ("tag COSE_Mac0", head(&[0xd1, 0x84]), Code::CoseTag),
        ("tag CWT", head(&[0xd8, 61, 0xd2, 0x84]), Code::CoseTag),
        ("tag self-described CBOR", head(&[0xd9, 0xd9, 0xf7, 0x84]), Code::CoseTag),
        ("tag COSE_Sign1 twice", head(&[0xd2, 0xd2, 0x84]), Code::CborType),
        ("tag in two bytes", head(&[0xd8, 18, 0x84]), Code::CborNotShortest),
        ("array of three", head(&[0x83]), Code::CoseArray),
        ("array of five", head(&[0x85]), Code::CoseArray),
        (
            "array of five with five",
            envelope(|parts| {
                parts.head = vec![0x85];
                parts.tail = vec![0xf6];
            }),
            Code::CoseArray,
        ),
        (
            "array indefinite",
            envelope(|parts| {
                parts.head = vec![0x9f];
                parts.tail = vec![0xff];
            }),
            Code::CborIndefinite,
        ),
        ("array's length in two bytes", head(&[0x98, 4]), Code::CborNotShortest),
        (
            "byte string around the message",
            envelope(|parts| {
                let message = parts.encode();
                *parts = Parts { head: cbor(&Value::Bytes(message)), ..Parts::empty() };
            }),
            Code::CborType,
        ),
        ("protected ES256", protected(&[0x43, 0xa1, 1, 0x26]), Code::CoseProtected),
        ("protected ES512", protected(&[0x44, 0xa1, 1, 0x38, 35]), Code::CoseProtected),
        ("protected EdDSA", protected(&[0x43, 0xa1, 1, 0x27]), Code::CoseProtected),
        ("protected alg as text", protected(b"\x48\xa1\x01\x65ES384"), Code::CborType),
        ("protected empty", protected(&[0x40]), Code::CborTruncated),
        ("protected empty map", protected(&[0x41, 0xa0]), Code::CoseProtected),
        ("protected with kid", protected(&[0x46, 0xa2, 1, 0x38, 34, 4, 0x40]), Code::CoseProtected),
        ("protected with crit", protected(&[0x47, 0xa2, 1, 0x38, 34, 2, 0x81, 1]), Code::CoseProtected),
        ("protected alg twice", protected(&[0x47, 0xa2, 1, 0x38, 34, 1, 0x38, 34]), Code::CoseProtected),
        ("protected alg long", protected(&[0x45, 0xa1, 1, 0x39, 0, 34]), Code::CborNotShortest),
        ("protected label long", protected(&[0x45, 0xa1, 0x18, 1, 0x38, 34]), Code::CborNotShortest),
        ("protected indefinite", protected(&[0x45, 0xbf, 1, 0x38, 34, 0xff]), Code::CborIndefinite),
        ("protected trailing", protected(&[0x45, 0xa1, 1, 0x38, 34, 0]), Code::CborTrailing),
        ("protected a map", protected(&[0xa1, 1, 0x38, 34]), Code::CborType),
        ("protected in chunks", protected(&[0x5f, 0x44, 0xa1, 1, 0x38, 34, 0xff]), Code::CborIndefinite),
        ("protected's length in two bytes", protected(&[0x58, 4, 0xa1, 1, 0x38, 34]), Code::CborNotShortest),
        ("unprotected alg", unprotected(&[0xa1, 1, 0x38, 34]), Code::CoseUnprotected),
        ("unprotected kid", unprotected(&[0xa1, 4, 0x40]), Code::CoseUnprotected),
        ("unprotected null", unprotected(&[0xf6]), Code::CborType),
        ("unprotected array", unprotected(&[0x80]), Code::CborType),
        ("unprotected wrapped", unprotected(&[0x41, 0xa0]), Code::CborType),
        ("unprotected indefinite", unprotected(&[0xbf, 0xff]), Code::CborIndefinite),
        ("payload detached", item(&[0xf6]), Code::CborType),
        ("payload empty", item(&[0x40]), Code::CosePayload),
        ("payload of 16385 bytes", item(&cbor(&bytes(16_385))), Code::CosePayload),
        ("payload as text", item(b"\x61a"), Code::CborType),
        ("payload in chunks", item(&[0x5f, 0x41, 0xa0, 0xff]), Code::CborIndefinite),
        ("payload not wrapped", payload(|parts| parts.payload_item = Some(parts.payload())), Code::CborType),
        (
            "payload's length in five bytes",
            payload(|parts| {
                let payload = parts.payload();
                let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
                parts.payload_item = Some([&[0x5a][..], &length, &payload].concat());
            }),
            Code::CborNotShortest,
        ),
        ("signature of 0 bytes", signature(0), Code::CoseSignatureLength),
        ("signature of 64 bytes", signature(64), Code::CoseSignatureLength),
        ("signature of 95 bytes", signature(95), Code::CoseSignatureLength),
        ("signature of 97 bytes", signature(97), Code::CoseSignatureLength),
        ("signature of 132 bytes", signature(132), Code::CoseSignatureLength),
        ("signature null", envelope(|parts| parts.signature = vec![0xf6]), Code::CborType),
        ("signature's r altered", altered(5), Code::CoseSignatureRejected),
        ("signature's s altered", altered(95), Code::CoseSignatureRejected),
        (
            "signature zero",
            envelope(|parts| parts.signature = cbor(&Value::Bytes(vec![0; 96]))),
            Code::CoseSignatureRejected,
        ),
        (
            "r and s exchanged",
            envelope(|parts| parts.signature[2..].rotate_left(48)),
            Code::CoseSignatureRejected,
        ),
        (
            "payload altered after signing",
            envelope(|parts| parts.set("nonce", bytes(9))),
            Code::CoseSignatureRejected,
        ),
        (
            "a PCR altered after signing",
            envelope(|parts| parts.set("pcrs", pcrs([(0, 48)]))),
            Code::CoseSignatureRejected,
        ),
        (
            "map encoding altered after signing",
            envelope(|parts| {
                parts.payload_head = Some(0xbf);
                parts.payload_tail = vec![0xff];
            }),
            Code::CoseSignatureRejected,
        ),
        ("a byte after the end", envelope(|parts| parts.tail = vec![0]), Code::CborTrailing),
        ("the document twice", envelope(|parts| parts.tail = parts.encode()), Code::CborTrailing),
        ("the last byte missing", envelope(|parts| parts.signature.truncate(97)), Code::CborTruncated),
        ("nothing at all", envelope(|parts| *parts = Parts::empty()), Code::CborTruncated),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn faults_in_the_payload() {
    let without = |field: &'static str| payload(move |parts| parts.remove(field));
    let twice = |position: usize| {
        payload(move |parts| {
            let again = parts.fields[position].clone();
            parts.fields.push(again);
        })
    };
    let unknown = |name: &'static str| payload(move |parts| parts.push(name, Value::Null));
    let (missing, duplicate) = (Code::AttestationFieldMissing, Code::CborDuplicateKey);
    let kind = Code::CborType;
    let tpm = |parts: &mut Parts| parts.push("nitrotpm_pcrs", pcrs([(0, 48)]));
    refused(&[
        ("no module_id", without("module_id"), missing),
        ("no digest", without("digest"), missing),
        ("no timestamp", without("timestamp"), missing),
        ("neither pcrs nor nitrotpm_pcrs", without("pcrs"), missing),
        ("no certificate", without("certificate"), missing),
        ("no cabundle", without("cabundle"), missing),
        ("empty map", payload(|parts| parts.fields.clear()), missing),
        ("module_id twice", twice(0), duplicate),
        ("digest twice", twice(1), duplicate),
        ("timestamp twice", twice(2), duplicate),
        ("pcrs twice", twice(3), duplicate),
        ("certificate twice", twice(4), duplicate),
        ("cabundle twice", twice(5), duplicate),
        ("public_key twice", twice(6), duplicate),
        ("user_data null twice", twice(7), duplicate),
        ("nonce twice", twice(8), duplicate),
        ("pcrs and nitrotpm_pcrs", payload(tpm), Code::AttestationPcrFields),
        (
            "nitrotpm_pcrs and pcrs",
            payload(move |parts| {
                tpm(parts);
                parts.fields.reverse();
            }),
            Code::AttestationPcrFields,
        ),
        (
            "nitrotpm_pcrs twice",
            payload(move |parts| {
                parts.remove("pcrs");
                tpm(parts);
                tpm(parts);
            }),
            duplicate,
        ),
        ("unknown field", unknown("extra"), Code::AttestationFieldUnknown),
        ("unknown field without a name", unknown(""), Code::AttestationFieldUnknown),
        ("field in other case", unknown("Nonce"), Code::AttestationFieldUnknown),
        ("field named by a number", payload(|parts| parts.fields.push((vec![1], vec![0xf6]))), kind),
        ("field named by bytes", payload(|parts| parts.fields[0].0[0] = 0x49), kind),
        (
            "field name in chunks",
            payload(|parts| {
                parts.fields[8].0 = [&[0x7f][..], &parts.fields[8].0, &[0xff]].concat();
            }),
            Code::CborIndefinite,
        ),
        (
            "field name's length in two bytes",
            payload(|parts| {
                parts.fields[8].0 = b"\x78\x05nonce".to_vec();
            }),
            Code::CborNotShortest,
        ),
        (
            "field name not UTF-8",
            payload(|parts| parts.fields[8].0 = b"\x62\xc3\x28".to_vec()),
            Code::CborText,
        ),
        ("module_id empty", set("module_id", "".into()), Code::AttestationModuleId),
        ("module_id bytes", set("module_id", bytes(4)), kind),
        ("module_id null", set("module_id", Value::Null), kind),
        ("module_id not UTF-8", raw("module_id", b"\x62\xff\xfe"), Code::CborText),
        ("module_id in chunks", raw("module_id", b"\x7f\x61a\xff"), Code::CborIndefinite),
        ("module_id's length in two bytes", raw("module_id", b"\x78\x01a"), Code::CborNotShortest),
        ("digest SHA256", set("digest", "SHA256".into()), Code::AttestationDigest),
        ("digest SHA512", set("digest", "SHA512".into()), Code::AttestationDigest),
        ("digest sha384", set("digest", "sha384".into()), Code::AttestationDigest),
        ("digest empty", set("digest", "".into()), Code::AttestationDigest),
        ("digest a number", set("digest", 384.into()), kind),
        ("timestamp 0", set("timestamp", 0.into()), Code::AttestationTimestamp),
        ("timestamp negative", set("timestamp", (-1).into()), kind),
        ("timestamp text", set("timestamp", "1700000000000".into()), kind),
        ("timestamp a float", set("timestamp", 1.7e12.into()), kind),
        ("timestamp a bignum", raw("timestamp", &[0xc2, 0x41, 1]), kind),
        ("timestamp tagged as a time", raw("timestamp", &[0xc1, 1]), kind),
        ("timestamp in nine bytes", raw("timestamp", &[0x1b, 0, 0, 0, 0, 1, 2, 3, 4]), Code::CborNotShortest),
        ("no PCR", set("pcrs", pcrs([])), Code::AttestationPcrCount),
        ("33 PCRs", set("pcrs", pcrs((0..33).map(|index| (index, 48)))), Code::AttestationPcrCount),
        ("PCR 32", set("pcrs", pcrs([(0, 48), (32, 48)])), Code::PcrIndex),
        ("PCR 256", set("pcrs", pcrs([(256, 48)])), Code::PcrIndex),
        ("PCR 2^64 - 1", set("pcrs", pcrs([(u64::MAX, 48)])), Code::PcrIndex),
        ("PCR twice", set("pcrs", pcrs([(3, 48), (4, 48), (3, 48)])), duplicate),
        ("PCR of 0 bytes", set("pcrs", pcrs([(0, 0)])), Code::PcrLength),
        ("PCR of 32 bytes", set("pcrs", pcrs([(0, 48), (1, 32)])), Code::PcrLength),
        ("PCR of 47 bytes", set("pcrs", pcrs([(0, 48), (1, 47)])), Code::PcrLength),
        ("PCR of 49 bytes", set("pcrs", pcrs([(0, 48), (1, 49)])), Code::PcrLength),
        ("PCR of 64 bytes", set("pcrs", pcrs([(0, 48), (1, 64)])), Code::PcrLength),
        ("PCR null", set("pcrs", Value::Map(vec![(0.into(), Value::Null)])), kind),
        ("PCR an array", set("pcrs", Value::Map(vec![(0.into(), Value::Array(vec![bytes(48)]))])), kind),
        ("PCR index negative", set("pcrs", Value::Map(vec![((-1).into(), bytes(48))])), kind),
        ("PCR index text", set("pcrs", Value::Map(vec![("0".into(), bytes(48))])), kind),
        (
            "PCR index in two bytes",
            raw("pcrs", &[&[0xa1, 0x18, 0][..], &cbor(&bytes(48))].concat()),
            Code::CborNotShortest,
        ),
        (
            "PCR in chunks",
            raw("pcrs", &[&[0xa1, 0, 0x5f][..], &cbor(&bytes(48)), &[0xff]].concat()),
            Code::CborIndefinite,
        ),
        ("pcrs an array", set("pcrs", Value::Array(vec![bytes(48)])), kind),
        ("pcrs null", set("pcrs", Value::Null), kind),
        ("pcrs in a map in a map", set("pcrs", Value::Map(vec![(0.into(), pcrs([(0, 48)]))])), kind),
        (
            "pcrs indefinite",
            raw("pcrs", &[&[0xbf, 0][..], &cbor(&bytes(48)), &[0xff]].concat()),
            Code::CborIndefinite,
        ),
        (
            "pcrs' count in two bytes",
            raw("pcrs", &[&[0xb8, 1, 0][..], &cbor(&bytes(48))].concat()),
            Code::CborNotShortest,
        ),
        ("pcrs' count 2^64 - 1", raw("pcrs", &[&[0xbb][..], &[0xff; 8]].concat()), Code::CborTruncated),
        ("certificate empty", set("certificate", bytes(0)), Code::AttestationFieldLength),
        ("certificate of 1025 bytes", set("certificate", bytes(1025)), Code::AttestationFieldLength),
        (
            "certificate of 1024 bytes of something",
            set("certificate", bytes(1024)),
            Code::CertificateMalformed,
        ),
        ("certificate null", set("certificate", Value::Null), kind),
        ("certificate text", set("certificate", "MII".into()), kind),
        ("certificate in an array", set("certificate", Value::Array(vec![bytes(9)])), kind),
        ("certificate in chunks", raw("certificate", &[0x5f, 0x41, 0x30, 0xff]), Code::CborIndefinite),
        ("cabundle empty", set("cabundle", Value::Array(vec![])), Code::AttestationCabundle),
        ("cabundle of eight", set("cabundle", Value::Array(vec![bytes(9); 8])), Code::AttestationCabundle),
        (
            "cabundle with an empty one",
            payload(|parts| {
                let mut cabundle = parts.cabundle();
                cabundle[2].clear();
                parts.set_cabundle(cabundle);
            }),
            Code::AttestationFieldLength,
        ),
        (
            "cabundle with one of 1025 bytes",
            payload(|parts| {
                let mut cabundle = parts.cabundle();
                cabundle[2].resize(1025, 0);
                parts.set_cabundle(cabundle);
            }),
            Code::AttestationFieldLength,
        ),
        ("cabundle of text", set("cabundle", Value::Array(vec!["MII".into()])), kind),
        ("cabundle of arrays", set("cabundle", Value::Array(vec![Value::Array(vec![bytes(9)])])), kind),
        ("cabundle a byte string", set("cabundle", bytes(9)), kind),
        ("cabundle null", set("cabundle", Value::Null), kind),
        ("cabundle indefinite", raw("cabundle", &[0x9f, 0x41, 0x30, 0xff]), Code::CborIndefinite),
        ("cabundle's count in two bytes", raw("cabundle", &[0x98, 1, 0x41, 0x30]), Code::CborNotShortest),
        ("public_key of 1025 bytes", set("public_key", bytes(1025)), Code::AttestationFieldLength),
        ("user_data of 1025 bytes", set("user_data", bytes(1025)), Code::AttestationFieldLength),
        ("nonce of 1025 bytes", set("nonce", bytes(1025)), Code::AttestationFieldLength),
        ("public_key text", set("public_key", "key".into()), kind),
        ("user_data a map", set("user_data", Value::Map(vec![])), kind),
        ("nonce a number", set("nonce", 7.into()), kind),
        ("nonce undefined", raw("nonce", &[0xf7]), kind),
        ("nonce false", raw("nonce", &[0xf4]), kind),
        ("nonce null in two bytes", raw("nonce", &[0xf8, 22]), kind),
        ("nonce tagged", raw("nonce", &[0xc2, 0x41, 1]), kind),
        ("nonce in chunks", raw("nonce", &[0x5f, 0x41, 1, 0xff]), Code::CborIndefinite),
        ("nonce's length in two bytes", raw("nonce", &[0x58, 1, 1]), Code::CborNotShortest),
        ("nested 5000 deep", raw("nonce", &[&[0x81; 5000][..], &[0]].concat()), kind),
        ("an array instead of the map", payload(|parts| parts.payload_head = Some(0x92)), kind),
        ("the map tagged", payload(|parts| parts.payload_head = Some(0xd2)), kind),
        (
            "the map's count in two bytes",
            payload(|parts| {
                parts.payload_head = Some(0xb8);
                parts.fields[0].0.insert(0, 9);
            }),
            Code::CborNotShortest,
        ),
        ("one field announced too few", payload(|parts| parts.payload_head = Some(0xa8)), Code::CborTrailing),
        (
            "one field announced too many",
            payload(|parts| parts.payload_head = Some(0xaa)),
            Code::CborTruncated,
        ),
        ("a byte after the map", payload(|parts| parts.payload_tail = vec![0]), Code::CborTrailing),
        (
            "a break after a definite map",
            payload(|parts| parts.payload_tail = vec![0xff]),
            Code::CborTrailing,
        ),
        (
            "an indefinite map without a break",
            payload(|parts| parts.payload_head = Some(0xbf)),
            Code::CborTruncated,
        ),
        (
            "a break between name and value",
            payload(|parts| {
                parts.payload_head = Some(0xbf);
                parts.fields[8].1 = vec![0xff];
            }),
            kind,
        ),
    ]);
}

fn indefinite(parts: &mut Parts) {
    parts.payload_head = Some(0xbf);
    parts.payload_tail = vec![0xff];
}

const OPTIONAL: [&str; 3] = ["public_key", "user_data", "nonce"];

/// Strict, and not narrow: what AWS issues or its specification allows.
#[test]
fn genuine_shapes_pass() {
    fn fill(parts: &mut Parts, value: &Value) {
        for field in OPTIONAL {
            parts.set(field, value.clone());
        }
    }

    let optional = |value: &Value| {
        let value = value.clone();
        payload(move |parts| fill(parts, &value))
    };
    let cases: Vec<(&str, Alter)> = vec![
        ("definite map", Alter::Nothing),
        ("indefinite map", payload(indefinite)),
        ("tag 18", envelope(|parts| parts.head = vec![0xd2, 0x84])),
        (
            "tag 18 and indefinite map",
            payload(|parts| {
                indefinite(parts);
                parts.head = vec![0xd2, 0x84];
            }),
        ),
        ("one PCR", set("pcrs", pcrs([(31, 48)]))),
        ("17 PCRs", set("pcrs", pcrs((0..17).map(|index| (index, 48))))),
        ("32 PCRs", set("pcrs", pcrs((0..32).map(|index| (index, 48))))),
        ("PCRs in any order", set("pcrs", pcrs((0..32).rev().map(|index| (index, 48))))),
        ("PCRs with gaps", set("pcrs", pcrs([(0, 48), (4, 48), (16, 48)]))),
        ("fields of 1024 bytes", optional(&bytes(1024))),
        ("fields of 513 bytes", optional(&bytes(513))),
        ("empty fields", optional(&bytes(0))),
        ("null fields", optional(&Value::Null)),
        ("absent fields", payload(|parts| OPTIONAL.iter().for_each(|field| parts.remove(field)))),
        ("fields reversed", payload(|parts| parts.fields.reverse())),
        ("fields in CBOR's order", payload(|parts| parts.fields.sort())),
        (
            "fields reversed in an indefinite map",
            payload(|parts| {
                parts.fields.reverse();
                indefinite(parts);
            }),
        ),
        ("module_id of another form", set("module_id", "x".into())),
        ("timestamp 1", set("timestamp", 1.into())),
        ("timestamp 2^64 - 1", set("timestamp", u64::MAX.into())),
        (
            "the largest of everything",
            payload(|parts| {
                fill(parts, &bytes(1024));
                parts.set("pcrs", pcrs((0..32).map(|index| (index, 48))));
                parts.set("timestamp", u64::MAX);
            }),
        ),
    ];
    for (name, alter) in &cases {
        let made = make(alter);
        for backend in backends() {
            assert_eq!(verdict(&made, &backend), Ok(()), "{}: {name}", backend.name);
        }
    }
}

#[test]
fn every_order_of_the_fields_passes() {
    for rotation in 0..9 {
        for swapped in 0..8 {
            let made = make(&payload(move |parts| {
                parts.fields.rotate_left(rotation);
                parts.fields.swap(swapped, swapped + 1);
            }));
            assert_eq!(verdict(&made, &common::backends::fast()), Ok(()), "{rotation} {swapped}");
        }
    }
}

#[test]
fn every_length_of_the_cabundle_passes() {
    for authorities in 1..=7 {
        let made = make_with(&Chain::with_authorities(authorities), &Alter::Nothing);
        for backend in backends() {
            let document = AttestationDocument::parse(&made.document).unwrap();
            let verified = document.verify(&[&made.root], AT * 1000, &backend).unwrap();
            assert_eq!(verified.cabundle().len(), authorities, "{}", backend.name);
        }
    }
}

#[test]
fn a_nitrotpm_document_passes_as_what_it_is() {
    let made = make(&payload(|parts| {
        parts.remove("pcrs");
        parts.push("nitrotpm_pcrs", pcrs((0..24).map(|index| (index, 48))));
        parts.set("module_id", "i-0123456789abcdef0-tpm0000000000000000");
    }));
    for backend in backends() {
        let document = AttestationDocument::parse(&made.document).unwrap();
        let verified = document.verify(&[&made.root], AT * 1000, &backend).unwrap();
        assert_eq!(verified.kind(), AttestationKind::NitroTpm);
        assert_eq!(verified.pcrs().iter().count(), 24);
    }
}

/// The same document under several roots, and under one that did not issue it.
#[test]
fn one_of_several_roots_suffices_and_no_other_does() {
    let made = make(&Alter::Nothing);
    let mut other = Chain::usual();
    other.set_extension(0, BASIC_CONSTRAINTS, &authority(Some(9)));
    let other = other.issue().remove(0);
    let document = AttestationDocument::parse(&made.document).unwrap();
    for backend in backends() {
        let verify = |roots: &[&[u8]]| {
            document.verify(roots, AT * 1000, &backend).map(|_| ()).map_err(|error| error.code())
        };
        assert_eq!(verify(&[&other, &made.root]), Ok(()));
        // The same name and the same key, but other bytes.
        assert_eq!(verify(&[&other]), Err(Code::CertificateRoot));
        assert_eq!(verify(&[]), Err(Code::CertificateRoot));
        assert_eq!(verify(&[&made.root[1..]]), Err(Code::CertificateRoot));
    }
}
