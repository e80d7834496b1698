//! Genuine documents, and altered ones that every verifier must refuse.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A genuine document and the second in which it verifies.
pub struct Genuine {
    pub name: String,
    pub nitro_tpm: bool,
    pub bytes: Vec<u8>,
    pub at: u64,
}

/// Reads all documents that a folder's `index.json` names.
pub fn genuine(folder: &Path) -> Option<Vec<Genuine>> {
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).ok()?).ok()?;
    index["documents"]
        .as_array()?
        .iter()
        .map(|facts| {
            let name = facts["file"].as_str()?;
            let bytes = fs::read(folder.join(name)).ok()?;
            let nitro_tpm = facts["kind"] == "nitrotpm";
            Some(Genuine { name: name.to_owned(), nitro_tpm, bytes, at: facts["verify_at_unix"].as_u64()? })
        })
        .collect()
}

/// The folder of genuine documents beside the checkout.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/attestation")
}

/// A document with one fault.
pub struct Faulty {
    pub name: &'static str,
    pub fault: Fault,
    pub bytes: Vec<u8>,
    /// The second to verify it at.
    pub at: u64,
}

/// What a fault breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What is signed, the signature, or the time: who accepts it accepts what nobody vouches for.
    Forged,
    /// The form: AWS issues no such document, though what is signed is unchanged.
    Malformed,
}

/// None of them needs a key: anyone on the way can make them.
pub fn faulty(genuine: &Genuine) -> Vec<Faulty> {
    let (whole, at) = (genuine.bytes.as_slice(), genuine.at);
    // Genuine documents: an array of 4, the protected header, an empty map, and two lengths of known width.
    let head = &[0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x59];
    assert!(whole.starts_with(head), "{} is not laid out as AWS does", genuine.name);
    let protected = &whole[1..6];
    let (payload_len, rest) = (&whole[8..10], &whole[10..]);
    let (payload, signature) = rest.split_at(rest.len() - 98);
    let join = |parts: &[&[u8]]| parts.concat();
    let flipped = |position: usize| {
        let mut altered = whole.to_vec();
        altered[position] ^= 1;
        altered
    };
    let pcrs = 10 + payload.windows(4).position(|window| window == b"pcrs").expect("an enclave's document");
    let forged = [
        ("signature altered", flipped(whole.len() - 1), at),
        ("payload altered (a PCR)", flipped(pcrs + 20), at),
        ("certificates expired", whole.to_vec(), at + 7 * 86_400),
        ("certificates not yet valid", whole.to_vec(), at - 7 * 86_400),
        ("signature one byte short", join(&[&whole[..whole.len() - 98], &[0x58, 95], &signature[2..97]]), at),
        ("signature empty", join(&[&whole[..whole.len() - 98], &[0x40]]), at),
    ];
    let malformed = [
        ("byte after the end", join(&[whole, &[0]]), at),
        ("tag 17 (COSE_Mac0)", join(&[&[0xd1], whole]), at),
        ("tag 18 twice", join(&[&[0xd2, 0xd2], whole]), at),
        ("unprotected header not empty", join(&[&[0x84], protected, &[0xa1, 0x04, 0x40], &whole[7..]]), at),
        ("array of five", join(&[&[0x85], &whole[1..], &[0xf6]]), at),
        ("array of indefinite length", join(&[&[0x9f], &whole[1..], &[0xff]]), at),
        ("array head not shortest", join(&[&[0x98, 4], &whole[1..]]), at),
        ("payload length not shortest", join(&[&whole[..7], &[0x5a, 0, 0], payload_len, rest]), at),
        ("payload null", join(&[&whole[..7], &[0xf6], signature]), at),
        ("empty array", vec![0x80], at),
        ("an integer", vec![0x01], at),
    ];
    let named = |fault| move |(name, bytes, at)| Faulty { name, fault, bytes, at };
    forged
        .into_iter()
        .map(named(Fault::Forged))
        .chain(malformed.into_iter().map(named(Fault::Malformed)))
        .collect()
}
