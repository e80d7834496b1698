//! Arbitrary bytes as an attestation document: no panic, one encoding alone of what an independent reader
//! sees, nothing verified without signatures, and a chain that is valid in its bounds and nowhere else.

#![no_main]

use ciborium::Value;
use libfuzzer_sys::fuzz_target;
use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, VerifiedAttestation};
use pcrseal_core::error::Code;
use pcrseal_fuzz::document::{ACCEPTING, encoded, indefinite_map};
use pcrseal_fuzz::key::BACKEND;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = AttestationDocument::parse(data) else { return };
    let payload = payload(data);
    let field =
        |name: &str| payload.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    let cabundle: Vec<&[u8]> =
        field("cabundle").and_then(Value::as_array).expect("an array").iter().map(bytes).collect();

    let at_ms = document.unverified_timestamp_ms();
    let genuine = [AWS_NITRO_ENCLAVES_ROOT_G1];
    assert!(document.verify(&genuine, at_ms, &BACKEND).is_err(), "verified without any good signature");
    assert!(document.verify(&[], at_ms, &ACCEPTING).is_err(), "verified without a root");

    let roots = [cabundle[0]];
    let Ok(verified) = document.verify(&roots, at_ms, &ACCEPTING) else { return };
    assert_eq!(field("module_id").and_then(Value::as_text), Some(verified.module_id()));
    assert_eq!(field("timestamp"), Some(&Value::from(verified.timestamp_ms())));
    assert_eq!(field("certificate").map(bytes), Some(verified.certificate()));
    assert_eq!(cabundle, verified.cabundle());
    for (name, seen) in [
        ("public_key", verified.public_key()),
        ("user_data", verified.user_data()),
        ("nonce", verified.nonce()),
    ] {
        assert_eq!(field(name).and_then(Value::as_bytes).map(Vec::as_slice), seen, "{name}");
    }
    check_pcrs(field("pcrs").or_else(|| field("nitrotpm_pcrs")).expect("one of them"), &verified);

    let (first, last) = (verified.chain_not_before(), verified.chain_not_after());
    let at = |second: u64| document.verify(&roots, second * 1000, &ACCEPTING).map(drop).map_err(|e| e.code());
    assert_eq!((at(first), at(last)), (Ok(()), Ok(())));
    assert_eq!(at(last + 1), Err(Code::CertificateExpired));
    if let Some(before) = first.checked_sub(1) {
        assert_eq!(at(before), Err(Code::CertificateNotYetValid));
    }
});

fn check_pcrs(expected: &Value, verified: &VerifiedAttestation<'_>) {
    let expected = expected.as_map().expect("a map");
    assert_eq!(expected.len(), verified.pcrs().len());
    for (index, value) in verified.pcrs().iter() {
        let index = Value::from(index.get());
        assert!(expected.iter().any(|(key, bits)| *key == index && bytes(bits) == value.as_bytes()));
    }
}

/// The payload's entries as an independent reader sees them. What it read, written again, are the very bytes.
fn payload(document: &[u8]) -> Vec<(Value, Value)> {
    let envelope: Value = ciborium::from_reader(document).expect("CBOR");
    assert!(encoded(&envelope) == document, "another encoding of the envelope");
    let message = match &envelope {
        Value::Tag(18, message) => message,
        untagged => untagged,
    };
    let payload = bytes(&message.as_array().expect("COSE_Sign1")[2]);
    let map: Value = ciborium::from_reader(payload).expect("CBOR");
    let definite = encoded(&map);
    assert!(payload == definite || payload == indefinite_map(&definite), "another encoding of the payload");
    map.into_map().expect("a map")
}

fn bytes(value: &Value) -> &[u8] {
    value.as_bytes().expect("a byte string")
}
