//! Arbitrary bytes as an attestation document: no panic, the same documents accepted as by a second reader over
//! ciborium, and nothing before or after them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pcrseal_core::attestation::AttestationDocument;
use pcrseal_fuzz::model;

fuzz_target!(|data: &[u8]| {
    let ours = AttestationDocument::parse(data);
    let theirs = model::read(data);
    assert_eq!(ours.is_ok(), theirs.is_some(), "{ours:?}");
    let (Ok(ours), Some(theirs)) = (ours, theirs) else { return };
    assert_eq!(ours.unverified_timestamp_ms(), theirs.timestamp);

    let (_, shorter) = data.split_last().expect("a document is not empty");
    assert!(AttestationDocument::parse(shorter).is_err(), "a document cut short");
    assert!(AttestationDocument::parse(&[data, &[0]].concat()).is_err(), "a byte after the end");
});
