//! Each request's bytes, and what is refused before the module is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{index, scripted};
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::limits::{MAX_EXTEND_LEN, MAX_NSM_REQUEST_LEN, MAX_OPTIONAL_FIELD_LEN};
use pcrseal_nitro::Nsm;

/// The one request that this makes.
fn request<T>(ask: impl FnOnce(&Nsm) -> Result<T, Error>) -> Vec<u8> {
    let (nsm, requests) = scripted([]);
    assert_eq!(ask(&nsm).err().expect("the script is empty").code(), Code::Attester);
    let mut requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// The error, which comes without a request.
fn refused<T>(ask: impl FnOnce(&Nsm) -> Result<T, Error>) -> Error {
    let (nsm, requests) = scripted([]);
    let error = ask(&nsm).err().expect("a refusal");
    assert!(requests.lock().unwrap().is_empty(), "the module was asked: {error}");
    error
}

fn found(error: &Error) -> u64 {
    match error.detail() {
        Detail::Number { found, .. } => *found,
        detail => panic!("not a number: {detail:?}"),
    }
}

#[test]
fn operations_without_arguments_are_texts() {
    assert_eq!(request(Nsm::describe), b"\x6bDescribeNSM");
    assert_eq!(request(|nsm| nsm.random(&mut [0; 1])), b"\x69GetRandom");
}

#[test]
fn operations_with_arguments_are_maps_of_one() {
    assert_eq!(request(|nsm| nsm.describe_pcr(index(7))), b"\xa1\x6bDescribePCR\xa1\x65index\x07");
    assert_eq!(request(|nsm| nsm.describe_pcr(index(31))), b"\xa1\x6bDescribePCR\xa1\x65index\x18\x1f");
    assert_eq!(request(|nsm| nsm.lock_pcr(index(16))), b"\xa1\x67LockPCR\xa1\x65index\x10");
    assert_eq!(request(|nsm| nsm.lock_pcrs(0)), b"\xa1\x68LockPCRs\xa1\x65range\x00");
    assert_eq!(request(|nsm| nsm.lock_pcrs(32)), b"\xa1\x68LockPCRs\xa1\x65range\x18\x20");
    assert_eq!(
        request(|nsm| nsm.extend_pcr(index(16), b"abc")),
        b"\xa1\x69ExtendPCR\xa2\x65index\x10\x64data\x43abc"
    );
}

#[test]
fn an_attestation_names_every_field_and_leaves_none_out() {
    assert_eq!(
        request(|nsm| nsm.attest(&AttestationRequest::default())),
        b"\xa1\x6bAttestation\xa3\x69user_data\xf6\x65nonce\xf6\x6apublic_key\xf6"
    );
    let full = AttestationRequest { public_key: Some(b"pk"), user_data: Some(b""), nonce: Some(b"n") };
    assert_eq!(
        request(|nsm| nsm.attest(&full)),
        b"\xa1\x6bAttestation\xa3\x69user_data\x40\x65nonce\x41n\x6apublic_key\x42pk"
    );
}

#[test]
fn the_longest_requests_are_within_what_a_module_takes() {
    let extend = request(|nsm| nsm.extend_pcr(index(31), &[0xee; MAX_EXTEND_LEN]));
    assert_eq!(extend.len(), MAX_NSM_REQUEST_LEN);
    assert_eq!(&extend[..28], b"\xa1\x69ExtendPCR\xa2\x65index\x18\x1f\x64data\x59\x0f\xe4");
    assert!(extend[28..].iter().all(|&byte| byte == 0xee));

    let field = [0xdd; MAX_OPTIONAL_FIELD_LEN];
    let full = AttestationRequest { public_key: Some(&field), user_data: Some(&field), nonce: Some(&field) };
    assert!(request(|nsm| nsm.attest(&full)).len() <= MAX_NSM_REQUEST_LEN);
}

#[test]
fn an_extension_has_data_and_not_too_much() {
    let error = refused(|nsm| nsm.extend_pcr(index(16), b""));
    assert_eq!((error.code(), found(&error)), (Code::NsmInvalidArgument, 0));
    for length in [MAX_EXTEND_LEN + 1, MAX_NSM_REQUEST_LEN, 1 << 20] {
        let error = refused(|nsm| nsm.extend_pcr(index(16), &vec![0; length]));
        assert_eq!((error.code(), found(&error)), (Code::NsmInputTooLarge, length as u64));
    }
}

#[test]
fn a_range_ends_with_the_registers() {
    for range in [33, 255, 256, u16::MAX] {
        let error = refused(|nsm| nsm.lock_pcrs(range));
        assert_eq!((error.code(), found(&error)), (Code::NsmInvalidIndex, u64::from(range)));
    }
}

#[test]
fn each_field_of_an_attestation_has_its_bound() {
    let long = [0; MAX_OPTIONAL_FIELD_LEN + 1];
    let none = AttestationRequest::default();
    for (field, request) in [
        ("public_key", AttestationRequest { public_key: Some(&long), ..none }),
        ("user_data", AttestationRequest { user_data: Some(&long), ..none }),
        ("nonce", AttestationRequest { nonce: Some(&long), ..none }),
    ] {
        let error = refused(|nsm| nsm.attest(&request));
        assert_eq!((error.code(), found(&error)), (Code::NsmInputTooLarge, 1025));
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn no_random_bytes_are_had_without_a_request() {
    let (nsm, requests) = scripted([]);
    nsm.random(&mut []).unwrap();
    assert!(requests.lock().unwrap().is_empty());
}
