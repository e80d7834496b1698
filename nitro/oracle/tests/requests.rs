//! The same requests, byte for byte.

use aws_nitro_enclaves_nsm_api::api::Request;
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::limits::{MAX_EXTEND_LEN, MAX_NSM_REQUEST_LEN, MAX_OPTIONAL_FIELD_LEN};
use pcrseal_core::pcr::PcrIndex;
use pcrseal_nsm_oracle::request;
use serde_bytes::ByteBuf;

fn oracle(request: &Request) -> Vec<u8> {
    serde_cbor::to_vec(request).expect("serde_cbor writes every request")
}

/// Lengths on both sides of each length of CBOR heads, and of the bound.
fn lengths(bound: usize) -> impl Iterator<Item = usize> {
    [0, 1, 2, 22, 23, 24, 25, 47, 48, 49, 254, 255, 256, 257, 1023, 1024, 4067, 4068]
        .into_iter()
        .filter(move |&length| length <= bound)
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|position| (position * 7 % 251) as u8).collect()
}

#[test]
fn without_arguments() {
    assert_eq!(request(|nsm| nsm.describe()), oracle(&Request::DescribeNSM));
    assert_eq!(request(|nsm| nsm.random(&mut [0; 1])), oracle(&Request::GetRandom));
}

#[test]
fn of_every_register_and_range() {
    for index in PcrIndex::all() {
        let raw = u16::from(index.get());
        assert_eq!(request(|nsm| nsm.describe_pcr(index)), oracle(&Request::DescribePCR { index: raw }));
        assert_eq!(request(|nsm| nsm.lock_pcr(index)), oracle(&Request::LockPCR { index: raw }));
    }
    for range in 0..=32 {
        assert_eq!(request(|nsm| nsm.lock_pcrs(range)), oracle(&Request::LockPCRs { range }));
    }
}

#[test]
fn extensions_of_every_register_by_every_kind_of_length() {
    for index in PcrIndex::all() {
        for length in lengths(MAX_EXTEND_LEN).filter(|&length| length > 0) {
            let data = content(length);
            let theirs = oracle(&Request::ExtendPCR { index: index.get().into(), data: data.clone() });
            assert!(theirs.len() <= MAX_NSM_REQUEST_LEN);
            assert_eq!(request(|nsm| nsm.extend_pcr(index, &data)), theirs, "{index}, {length} bytes");
        }
    }
}

// The bound is the request's: one byte more, and AWS's crate refuses to send it too.
#[test]
fn the_longest_extension_is_the_longest_request() {
    let index = PcrIndex::all().next_back().expect("there are registers");
    for (length, request_len) in
        [(MAX_EXTEND_LEN, MAX_NSM_REQUEST_LEN), (MAX_EXTEND_LEN + 1, MAX_NSM_REQUEST_LEN + 1)]
    {
        let theirs = oracle(&Request::ExtendPCR { index: index.get().into(), data: content(length) });
        assert_eq!(theirs.len(), request_len);
    }
    assert!(request(|nsm| nsm.extend_pcr(index, &content(MAX_EXTEND_LEN + 1))).is_empty());
}

#[test]
fn attestations_with_every_choice_of_fields() {
    let choices = || [None].into_iter().chain(lengths(MAX_OPTIONAL_FIELD_LEN).map(Some));
    let field = |length: Option<usize>| length.map(content);
    for public_key in choices() {
        for user_data in choices() {
            for nonce in choices() {
                let [public_key, user_data, nonce] = [public_key, user_data, nonce].map(field);
                let theirs = oracle(&Request::Attestation {
                    user_data: user_data.clone().map(ByteBuf::from),
                    nonce: nonce.clone().map(ByteBuf::from),
                    public_key: public_key.clone().map(ByteBuf::from),
                });
                let ours = AttestationRequest {
                    public_key: public_key.as_deref(),
                    user_data: user_data.as_deref(),
                    nonce: nonce.as_deref(),
                };
                assert_eq!(request(|nsm| nsm.attest(&ours)), theirs);
            }
        }
    }
}
