//! Faults in the envelope and the payload, one at a time, in a document that is otherwise genuine. They sit
//! before any signature, so the signatures of the altered documents are taken for good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use ciborium::Value;
use common::backends::accept_all;
use common::documents::{Parts, cbor, index, read, verify_at_ms};
use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal_core::error::Code;

/// A fault's name, the code it must meet, and how to make it.
type Case = (&'static str, Code, fn(&mut Parts));

/// A genuine document of the usual shape, in parts, and when it verifies.
fn genuine() -> Option<(Parts, u64)> {
    let (folder, index) = index()?;
    let facts = &index["documents"][2];
    assert_eq!(facts["kind"], "prod");
    Some((Parts::of(&read(&folder, facts)), verify_at_ms(facts)))
}

fn outcome(document: &[u8], at_ms: u64) -> Result<(), Code> {
    AttestationDocument::parse(document)
        .and_then(|parsed| parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, &accept_all()))
        .map(|_| ())
        .map_err(|error| error.code())
}

fn check(name: &str, expected: Result<(), Code>, alter: impl FnOnce(&mut Parts)) {
    let Some((mut parts, at_ms)) = genuine() else { return };
    assert_eq!(outcome(&parts.encode(), at_ms), Ok(()));
    alter(&mut parts);
    assert_eq!(outcome(&parts.encode(), at_ms), expected, "{name}");
}

fn bytes(len: usize) -> Value {
    Value::Bytes(vec![7; len])
}

fn pcr_map(entries: impl IntoIterator<Item = (u64, usize)>) -> Value {
    Value::Map(entries.into_iter().map(|(index, len)| (Value::from(index), bytes(len))).collect())
}

#[test]
fn envelope() {
    let cases: [Case; 22] = [
        ("tag_cose_sign", Code::CoseTag, |parts| parts.head = vec![0xd8, 98, 0x84]),
        ("tag_cwt", Code::CoseTag, |parts| parts.head = vec![0xd8, 61, 0x84]),
        ("tag_sign1_twice", Code::CborType, |parts| parts.head = vec![0xd2, 0xd2, 0x84]),
        ("tag_not_shortest", Code::CborNotShortest, |parts| parts.head = vec![0xd8, 18, 0x84]),
        ("array_of_3", Code::CoseArray, |parts| parts.head = vec![0x83]),
        ("array_of_5", Code::CoseArray, |parts| parts.head = vec![0x85]),
        ("array_indefinite", Code::CborIndefinite, |parts| {
            parts.head = vec![0x9f];
            parts.tail = vec![0xff];
        }),
        ("array_not_shortest", Code::CborNotShortest, |parts| parts.head = vec![0x98, 4]),
        ("map_instead_of_array", Code::CborType, |parts| parts.head = vec![0xa2]),
        ("protected_empty", Code::CborTruncated, |parts| parts.protected = vec![0x40]),
        ("protected_empty_map", Code::CoseProtected, |parts| parts.protected = vec![0x41, 0xa0]),
        ("protected_es256", Code::CoseProtected, |parts| parts.protected = vec![0x43, 0xa1, 1, 0x26]),
        ("protected_other_label", Code::CoseProtected, |parts| {
            parts.protected = vec![0x44, 0xa1, 2, 0x38, 34];
        }),
        ("protected_two_parameters", Code::CoseProtected, |parts| {
            parts.protected = vec![0x46, 0xa2, 1, 0x38, 34, 4, 0x40];
        }),
        ("protected_trailing", Code::CborTrailing, |parts| {
            parts.protected = vec![0x45, 0xa1, 1, 0x38, 34, 0];
        }),
        ("protected_not_shortest", Code::CborNotShortest, |parts| {
            parts.protected = vec![0x45, 0xa1, 1, 0x39, 0, 34];
        }),
        ("protected_not_wrapped", Code::CborType, |parts| parts.protected = vec![0xa1, 1, 0x38, 34]),
        ("unprotected_not_empty", Code::CoseUnprotected, |parts| {
            parts.unprotected = vec![0xa1, 1, 0x38, 34];
        }),
        ("unprotected_null", Code::CborType, |parts| parts.unprotected = vec![0xf6]),
        ("unprotected_indefinite", Code::CborIndefinite, |parts| parts.unprotected = vec![0xbf, 0xff]),
        ("signature_null", Code::CborType, |parts| parts.signature = vec![0xf6]),
        ("trailing_byte", Code::CborTrailing, |parts| parts.tail = vec![0]),
    ];
    for (name, code, alter) in cases {
        check(name, Err(code), alter);
    }
    check("tag_sign1", Ok(()), |parts| parts.head = vec![0xd2, 0x84]);
    for len in [0, 1, 64, 95, 97, 132] {
        check("signature_length", Err(Code::CoseSignatureLength), |parts| {
            parts.signature = cbor(&bytes(len));
        });
    }
}

#[test]
fn payload_as_a_whole() {
    let Some((parts, at_ms)) = genuine() else { return };
    let with = |payload: &[u8]| outcome(&parts.encode_with_payload(payload), at_ms);
    assert_eq!(with(&[0x40]), Err(Code::CosePayload));
    assert_eq!(with(&cbor(&bytes(16_385))), Err(Code::CosePayload));
    assert_eq!(with(&cbor(&bytes(16_384))), Err(Code::CborType), "within bounds, and no map");
    assert_eq!(with(&[0xf6]), Err(Code::CborType), "detached");
    assert_eq!(with(&[0x5f, 0x41, 0xa0, 0xff]), Err(Code::CborIndefinite));
    let payload = parts.payload();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    assert_eq!(with(&[&[0x5a][..], &length, &payload].concat()), Err(Code::CborNotShortest));
    assert_eq!(with(&payload), Err(Code::CborType), "the map itself, not wrapped");

    check("definite", Ok(()), |_| {});
    check("indefinite", Ok(()), |parts| {
        parts.payload_head = Some(0xbf);
        parts.payload_tail = vec![0xff];
    });
    check("indefinite_without_break", Err(Code::CborTruncated), |parts| parts.payload_head = Some(0xbf));
    check("definite_with_break", Err(Code::CborTrailing), |parts| parts.payload_tail = vec![0xff]);
    check("indefinite_trailing", Err(Code::CborTrailing), |parts| {
        parts.payload_head = Some(0xbf);
        parts.payload_tail = vec![0xff, 0];
    });
    check("one_entry_too_few", Err(Code::CborTrailing), |parts| parts.payload_head = Some(0xa8));
    check("one_entry_too_many", Err(Code::CborTruncated), |parts| parts.payload_head = Some(0xaa));
    check("array", Err(Code::CborType), |parts| parts.payload_head = Some(0x92));
    check("tagged", Err(Code::CborType), |parts| parts.payload_head = Some(0xd2));
    check("fields_in_another_order", Ok(()), |parts| parts.fields.reverse());
}

#[test]
fn fields_missing_unknown_and_repeated() {
    for name in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
        check(name, Err(Code::AttestationFieldMissing), |parts| parts.remove(name));
        check(name, Err(Code::CborType), |parts| parts.set(name, Value::Null));
        check(name, Err(Code::CborType), |parts| parts.set(name, Value::Float(1.0)));
    }
    for name in ["public_key", "user_data", "nonce"] {
        check(name, Ok(()), |parts| parts.remove(name));
        check(name, Ok(()), |parts| parts.set(name, Value::Null));
        check(name, Err(Code::CborType), |parts| parts.set(name, Value::from("text")));
        check(name, Err(Code::CborType), |parts| *parts.field(name) = vec![0xf7]);
    }
    check("empty_map", Err(Code::AttestationFieldMissing), |parts| parts.fields.clear());
    let names: Vec<Vec<u8>> = match genuine() {
        Some((parts, _)) => parts.fields.iter().map(|(name, _)| name.clone()).collect(),
        None => return,
    };
    assert_eq!(names.len(), 9);
    for (position, name) in names.iter().enumerate() {
        check(&format!("{position} repeated"), Err(Code::CborDuplicateKey), |parts| {
            let again = parts.fields[position].clone();
            assert_eq!(again.0, *name);
            parts.fields.push(again);
        });
    }
    check("null_repeated", Err(Code::CborDuplicateKey), |parts| {
        parts.set("nonce", Value::Null);
        parts.push("nonce", Value::Null);
    });
    for name in ["extra", "", "Module_id", "timestamp_ms", "pcr"] {
        check(name, Err(Code::AttestationFieldUnknown), |parts| parts.push(name, Value::Null));
    }
    check("integer_name", Err(Code::CborType), |parts| parts.fields.push((vec![1], vec![0xf6])));
    check("bytes_name", Err(Code::CborType), |parts| {
        parts.fields[0].0[0] ^= 0x60 ^ 0x40;
    });
    check("name_not_utf8", Err(Code::CborText), |parts| parts.fields.push((vec![0x61, 0xff], vec![0])));
    check("name_indefinite", Err(Code::CborIndefinite), |parts| {
        parts.fields.push((vec![0x7f, 0x61, b'a', 0xff], vec![0]));
    });
}

#[test]
fn module_id_digest_and_timestamp() {
    check("module_id_empty", Err(Code::AttestationModuleId), |parts| parts.set("module_id", Value::from("")));
    check("module_id_bytes", Err(Code::CborType), |parts| parts.set("module_id", bytes(4)));
    for digest in ["", "SHA256", "SHA512", "sha384", "SHA384 "] {
        check(digest, Err(Code::AttestationDigest), |parts| parts.set("digest", Value::from(digest)));
    }
    check("timestamp_zero", Err(Code::AttestationTimestamp), |parts| parts.set("timestamp", Value::from(0)));
    check("timestamp_negative", Err(Code::CborType), |parts| parts.set("timestamp", Value::from(-1)));
    check("timestamp_text", Err(Code::CborType), |parts| parts.set("timestamp", Value::from("1")));
    check("timestamp_not_shortest", Err(Code::CborNotShortest), |parts| {
        *parts.field("timestamp") = vec![0x1b, 0, 0, 0, 0, 1, 2, 3, 4];
    });
    check("timestamp_largest", Ok(()), |parts| parts.set("timestamp", Value::from(u64::MAX)));
}

#[test]
fn pcrs() {
    let set = |value: Value| move |parts: &mut Parts| parts.set("pcrs", value);
    check("none", Err(Code::AttestationPcrCount), set(pcr_map([])));
    check("one", Ok(()), set(pcr_map([(31, 48)])));
    check("all", Ok(()), set(pcr_map((0..32).map(|index| (index, 48)))));
    check("any_order", Ok(()), set(pcr_map((0..32).rev().map(|index| (index, 48)))));
    check("33", Err(Code::AttestationPcrCount), set(pcr_map((0..33).map(|index| (index, 48)))));
    check("index_32", Err(Code::PcrIndex), set(pcr_map([(32, 48)])));
    check("index_256", Err(Code::PcrIndex), set(pcr_map([(256, 48)])));
    check("index_largest", Err(Code::PcrIndex), set(pcr_map([(u64::MAX, 48)])));
    check("index_twice", Err(Code::CborDuplicateKey), set(pcr_map([(3, 48), (4, 48), (3, 48)])));
    for len in [0, 32, 47, 49, 64] {
        check("length", Err(Code::PcrLength), set(pcr_map([(0, 48), (1, len)])));
    }
    let negative = Value::Map(vec![(Value::from(-1), bytes(48))]);
    check("index_negative", Err(Code::CborType), set(negative));
    check("index_text", Err(Code::CborType), set(Value::Map(vec![(Value::from("0"), bytes(48))])));
    check("value_text", Err(Code::CborType), set(Value::Map(vec![(Value::from(0), Value::from("0"))])));
    check("array", Err(Code::CborType), set(Value::Array(vec![bytes(48)])));
    check("index_not_shortest", Err(Code::CborNotShortest), |parts| {
        let raw = [&[0xa1, 0x18, 0][..], &cbor(&bytes(48))].concat();
        *parts.field("pcrs") = raw;
    });
    check("indefinite", Err(Code::CborIndefinite), |parts| {
        let raw = [&[0xbf, 0][..], &cbor(&bytes(48)), &[0xff]].concat();
        *parts.field("pcrs") = raw;
    });
    check("both_kinds", Err(Code::AttestationPcrFields), |parts| {
        parts.push("nitrotpm_pcrs", pcr_map([(0, 48)]));
    });
    check("tpm_kind_alone", Ok(()), |parts| {
        parts.remove("pcrs");
        parts.push("nitrotpm_pcrs", pcr_map([(0, 48)]));
    });
    check("tpm_kind_twice", Err(Code::CborDuplicateKey), |parts| {
        parts.remove("pcrs");
        parts.push("nitrotpm_pcrs", pcr_map([(0, 48)]));
        parts.push("nitrotpm_pcrs", pcr_map([(0, 48)]));
    });
}

#[test]
fn lengths() {
    for name in ["public_key", "user_data", "nonce"] {
        for len in [0, 1, 512, 513, 1024] {
            check(name, Ok(()), |parts| parts.set(name, bytes(len)));
        }
        check(name, Err(Code::AttestationFieldLength), |parts| parts.set(name, bytes(1025)));
    }
    for len in [0, 1025] {
        check("certificate", Err(Code::AttestationFieldLength), |parts| parts.set("certificate", bytes(len)));
        check("cabundle", Err(Code::AttestationFieldLength), |parts| {
            let mut cabundle = parts.cabundle();
            cabundle[2] = vec![0x30; len];
            parts.set_cabundle(cabundle);
        });
    }
    check("certificate_1024", Err(Code::CertificateMalformed), |parts| parts.set("certificate", bytes(1024)));
    check("cabundle_empty", Err(Code::AttestationCabundle), |parts| parts.set_cabundle(Vec::new()));
    check("cabundle_8", Err(Code::AttestationCabundle), |parts| {
        let root = parts.cabundle()[0].clone();
        parts.set_cabundle(vec![root; 8]);
    });
    check("cabundle_of_text", Err(Code::CborType), |parts| {
        parts.set("cabundle", Value::Array(vec![Value::from("a")]));
    });
    check("cabundle_indefinite", Err(Code::CborIndefinite), |parts| {
        let raw = [&[0x9f][..], &cbor(&bytes(9)), &[0xff]].concat();
        *parts.field("cabundle") = raw;
    });
}

#[test]
fn the_instance_id_is_read_only_where_module_id_has_the_usual_form() {
    let Some((parts, at_ms)) = genuine() else { return };
    let cases = [
        ("i-0123456789abcdef0-enc0123456789abcdef", Some("i-0123456789abcdef0")),
        ("i-01234567-enc0", Some("i-01234567")),
        ("i-0123456789abcdef0-tpm0000000000000000", None),
        ("i-0123456789abcdef0", None),
        ("i-0123456789ABCDEF0-enc0", None),
        ("i-0123456789abcdef-enc0", None),
        ("-enc0", None),
        ("x", None),
    ];
    for (module_id, expected) in cases {
        let mut parts = parts.clone();
        parts.set("module_id", Value::from(module_id));
        let document = parts.encode();
        let parsed = AttestationDocument::parse(&document).unwrap();
        let verified = parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, &accept_all()).unwrap();
        assert_eq!(verified.module_id(), module_id);
        assert_eq!(verified.instance_id(), expected, "{module_id}");
    }
}
