//! An attestation document to start from, and signatures that are all good: what is fuzzed are the readers and
//! the rules of certificates, not ECDSA.

use ciborium::Value;
use pcrseal_core::attestation::AWS_NITRO_ENCLAVES_ROOT_G1;
use pcrseal_core::crypto::{Backend, ES384_SIGNATURE_LEN, Es384, SignatureRejected};

use crate::key::BACKEND;

/// A backend under which every signature is good.
pub static ACCEPTING: Backend = Backend { name: "accepting", es384: &AcceptAll, ..BACKEND };

/// 2026-11-20 12:00 UTC, when the document's leaf is valid.
const TIMESTAMP_MS: u64 = 1_795_176_000_000;

struct AcceptAll;

impl Es384 for AcceptAll {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        Ok(())
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureRejected> {
        Ok(())
    }
}

/// A document that verifies under [`ACCEPTING`] and AWS's root, at the time of its timestamp.
pub fn document(indefinite: bool) -> Vec<u8> {
    let text = |text: &str| Value::from(text);
    let pcrs = (0..3_u8).map(|index| (index.into(), Value::Bytes(vec![index; 48])));
    let map = Value::Map(vec![
        (text("module_id"), text("i-0123456789abcdef0-enc0123456789abcdef")),
        (text("digest"), text("SHA384")),
        (text("timestamp"), TIMESTAMP_MS.into()),
        (text("pcrs"), Value::Map(pcrs.collect())),
        (text("certificate"), Value::Bytes(leaf())),
        (text("cabundle"), Value::Array(vec![Value::Bytes(AWS_NITRO_ENCLAVES_ROOT_G1.to_vec())])),
        (text("public_key"), Value::Bytes(b"key".to_vec())),
        (text("user_data"), Value::Null),
        (text("nonce"), Value::Bytes(Vec::new())),
    ]);
    let mut payload = encoded(&map);
    if indefinite {
        payload = indefinite_map(&payload);
    }
    encoded(&Value::Array(vec![
        Value::Bytes(vec![0xa1, 1, 0x38, 34]),
        Value::Map(Vec::new()),
        Value::Bytes(payload),
        Value::Bytes(vec![1; ES384_SIGNATURE_LEN]),
    ]))
}

/// A map of less than 24 entries, written with a break code at its end.
pub fn indefinite_map(definite: &[u8]) -> Vec<u8> {
    [&[0xbf], &definite[1..], &[0xff]].concat()
}

/// The deterministic CBOR of a value.
pub fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a Vec takes everything");
    bytes
}

/// A leaf issued by the name of AWS's root. Its key is the root's own, for want of another.
fn leaf() -> Vec<u8> {
    let root = AWS_NITRO_ENCLAVES_ROOT_G1;
    let (algorithm, name, public_key) = (&root[32..44], &root[44..119], &root[226..346]);
    let time = |text: &[u8]| der(0x17, &[text]);
    let extension = |id, value: &[u8]| der(0x30, &[&der(0x06, &[&[0x55, 0x1d, id]]), &der(0x04, &[value])]);
    let constraints = extension(0x13, &der(0x30, &[]));
    let usage = extension(0x0f, &der(0x03, &[&[7, 0x80]]));
    let to_be_signed = der(
        0x30,
        &[
            &der(0xa0, &[&der(0x02, &[&[2]])]),
            &der(0x02, &[&[1]]),
            algorithm,
            name,
            &der(0x30, &[&time(b"261120110000Z"), &time(b"261120140000Z")]),
            &der(0x30, &[]),
            public_key,
            &der(0xa3, &[&der(0x30, &[&constraints, &usage])]),
        ],
    );
    der(0x30, &[&to_be_signed, algorithm, &der(0x03, &[&[0; 9]])])
}

fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = u16::try_from(contents.len()).expect("a short element").to_be_bytes();
    let head = match length {
        [0, short @ 0..=0x7f] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head, contents].concat()
}
