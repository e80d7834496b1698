//! Every answer that is read, in each form that modules write it in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::cbor::{array, boolean, bytes, map, map_indefinite, text, uint};
use common::{answering, description, index, operations, pcr_state, random, scripted};
use pcrseal_core::attester::{AttestationRequest, Attester, ModuleDescription, NitroSecureModule, PcrState};
use pcrseal_core::pcr::{Pcr, PcrSelection};

fn described() -> ModuleDescription {
    ModuleDescription {
        version: (1, 2, 300),
        module_id: "i-0123456789abcdef0-enc0123456789abcde".into(),
        max_pcrs: 32,
        locked_pcrs: [0, 1, 2, 31].map(index).into_iter().collect(),
    }
}

#[test]
fn every_answer_gives_its_values() {
    assert_eq!(answering(&description()).describe().unwrap(), described());
    for locked in [true, false] {
        assert_eq!(
            answering(&pcr_state(locked, 5)).describe_pcr(index(3)).unwrap(),
            PcrState { locked, value: Pcr::new([5; 48]) }
        );
    }
    let [.., (_, _, attestation)] = operations();
    assert_eq!(answering(&attestation).attest(&AttestationRequest::default()).unwrap(), [0xd2, 0x84]);
    let [_, _, (_, _, extended), ..] = operations();
    assert_eq!(answering(&extended).extend_pcr(index(16), b"x").unwrap(), Pcr::new([6; 48]));
    answering(b"\x67LockPCR").lock_pcr(index(16)).unwrap();
    answering(b"\x68LockPCRs").lock_pcrs(16).unwrap();
}

// Its order of fields, and no register locked: what a module of QEMU answers once it is reset.
#[test]
fn fields_come_in_any_order_and_sets_may_be_empty() {
    let answer = map(&[(
        text("DescribeNSM"),
        map(&[
            (text("digest"), text("SHA384")),
            (text("max_pcrs"), uint(32)),
            (text("module_id"), text("i-234-enc5678")),
            (text("locked_pcrs"), array(&[])),
            (text("version_major"), uint(1)),
            (text("version_minor"), uint(0)),
            (text("version_patch"), uint(0)),
        ]),
    )]);
    let description = answering(&answer).describe().unwrap();
    assert_eq!((description.version, description.locked_pcrs), ((1, 0, 0), PcrSelection::EMPTY));
    assert_eq!(description.module_id, "i-234-enc5678");

    let answer =
        map(&[(text("DescribePCR"), map(&[(text("data"), bytes(&[9; 48])), (text("lock"), boolean(true))]))]);
    assert_eq!(answering(&answer).describe_pcr(index(0)).unwrap().value, Pcr::new([9; 48]));
}

// The payload of genuine attestation documents is a map of indefinite length.
#[test]
fn maps_and_arrays_may_be_of_indefinite_length() {
    let fields = [(text("lock"), boolean(true)), (text("data"), bytes(&[5; 48]))];
    for answer in [
        map_indefinite(&[(text("DescribePCR"), map(&fields))]),
        map(&[(text("DescribePCR"), map_indefinite(&fields))]),
        map_indefinite(&[(text("DescribePCR"), map_indefinite(&fields))]),
    ] {
        assert_eq!(answering(&answer).describe_pcr(index(1)).unwrap().value, Pcr::new([5; 48]));
    }
    let indefinite = [vec![0x9f], uint(0), uint(31), vec![0xff]].concat();
    let mut answer = description();
    let definite = array(&[uint(0), uint(1), uint(2), uint(31)]);
    let start = answer.windows(definite.len()).position(|window| window == definite).unwrap();
    answer.splice(start..start + definite.len(), indefinite);
    let locked = answering(&answer).describe().unwrap().locked_pcrs;
    assert_eq!(locked, [0, 31].map(index).into_iter().collect());

    let error = answering(&map_indefinite(&[(text("Error"), text("InvalidIndex"))]));
    assert_eq!(error.lock_pcr(index(0)).unwrap_err().code().name(), "nsm_invalid_index");
}

#[test]
fn integers_and_lengths_may_be_longer_than_they_need_be() {
    let major: &[u8] = b"\x6dversion_major\x01";
    let mut answer = description();
    let start = answer.windows(major.len()).position(|window| window == major).unwrap();
    answer.splice(start..start + major.len(), *b"\x78\x0dversion_major\x1b\0\0\0\0\0\0\0\x01");
    assert_eq!(answering(&answer).describe().unwrap(), described());
    answering(b"\x79\0\x07LockPCR").lock_pcr(index(0)).unwrap();
}

// AWS, aws-nitro-enclaves-nsm-api, Response::DescribeNSM: "Minor versions should be backwards compatible."
#[test]
fn fields_that_are_not_known_are_stepped_over() {
    let deep = [vec![0x81; 500], vec![0]].concat();
    for unknown in [
        uint(7),
        vec![0x38, 0xff],
        bytes(b"b"),
        text("t"),
        vec![0x5f, 0x41, 1, 0x41, 2, 0xff],
        vec![0x7f, 0x61, b'a', 0xff],
        array(&[uint(1), array(&[]), map(&[(uint(1), text("x"))])]),
        map_indefinite(&[(text("data"), bytes(&[1; 3])), (text("lock"), vec![0x9f, 0xff])]),
        vec![0xc1, 0x00],
        vec![0xf6],
        vec![0xf7],
        boolean(false),
        vec![0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
        deep,
    ] {
        for position in 0..3 {
            let mut fields = vec![(text("lock"), boolean(true)), (text("data"), bytes(&[5; 48]))];
            fields.insert(position, (text("since"), unknown.clone()));
            for fields in [map(&fields), map_indefinite(&fields)] {
                let answer = map(&[(text("DescribePCR"), fields)]);
                let state = answering(&answer).describe_pcr(index(1)).unwrap();
                assert_eq!((state.locked, state.value), (true, Pcr::new([5; 48])), "{unknown:x?}");
            }
        }
    }
}

#[test]
fn random_bytes_are_asked_for_until_the_buffer_is_full() {
    let (nsm, requests) = scripted([random(&[1; 3]), random(&[2; 256]), random(&[3; 256])]);
    let mut buffer = [0; 300];
    nsm.random(&mut buffer).unwrap();
    assert_eq!(requests.lock().unwrap().as_slice(), [b"\x69GetRandom"; 3]);
    assert_eq!(buffer, [&[1; 3][..], &[2; 256], &[3; 41]].concat()[..]);
}

#[test]
fn a_failure_in_the_midst_of_random_bytes_leaves_none() {
    for second in [None, Some(random(&[])), Some(common::refusal("InternalError")), Some(vec![0])] {
        let (nsm, requests) = scripted([Some(random(&[1; 256])), second].into_iter().flatten());
        let mut buffer = [7; 300];
        nsm.random(&mut buffer).unwrap_err();
        assert_eq!(requests.lock().unwrap().len(), 2);
        assert_eq!(buffer, [0; 300]);
    }
}

#[test]
fn a_document_may_fill_the_answer() {
    let document = vec![0xab; 12_288 - 26];
    let answer = map(&[(text("Attestation"), map(&[(text("document"), bytes(&document))]))]);
    assert_eq!(answer.len(), 12_288);
    assert_eq!(answering(&answer).attest(&AttestationRequest::default()).unwrap(), document);
}
