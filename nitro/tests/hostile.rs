//! A channel or a module that lies: never a panic, never a value out of what was not written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::cbor::{bytes, map, text};
use common::{Wire, answering, operations, scripted};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{MAX_NSM_REQUEST_LEN, MAX_NSM_RESPONSE_LEN};
use pcrseal_nitro::{Device, Entropy, Nsm};

#[test]
fn a_length_beyond_the_buffer_is_refused() {
    for (operation, ask, answer) in operations() {
        for claimed in [MAX_NSM_RESPONSE_LEN + 1, usize::MAX] {
            let answer = answer.clone();
            let nsm = Nsm::over(Wire(move |_: &[u8], response: &mut [u8]| {
                response[..answer.len()].copy_from_slice(&answer);
                Ok(claimed)
            }));
            assert_eq!(ask(&nsm).unwrap_err().code(), Code::NsmAnswerMalformed, "{operation}");
        }
    }
}

// Cut to the buffer's end, this would be a whole answer.
#[test]
fn a_length_beyond_the_buffer_is_not_cut_to_it() {
    let document = vec![0xab; MAX_NSM_RESPONSE_LEN - 26];
    let answer = map(&[(text("Attestation"), map(&[(text("document"), bytes(&document))]))]);
    for (claimed, accepted) in [(MAX_NSM_RESPONSE_LEN, true), (MAX_NSM_RESPONSE_LEN + 1, false)] {
        let answer = answer.clone();
        let nsm = Nsm::over(Wire(move |_: &[u8], response: &mut [u8]| {
            response.copy_from_slice(&answer);
            Ok(claimed)
        }));
        assert_eq!(nsm.attest(&AttestationRequest::default()).is_ok(), accepted, "{claimed}");
    }
}

#[test]
fn a_length_other_than_the_answers_is_refused() {
    for (operation, ask, answer) in operations() {
        // From nothing to all of the buffer, the unwritten rest of which is zero.
        for claimed in (0..answer.len() + 3).chain([MAX_NSM_RESPONSE_LEN]) {
            let written = answer.clone();
            let nsm = Nsm::over(Wire(move |_: &[u8], response: &mut [u8]| {
                response[..written.len()].copy_from_slice(&written);
                Ok(claimed)
            }));
            let outcome = ask(&nsm);
            if claimed == answer.len() {
                outcome.unwrap();
            } else {
                let error = outcome.expect_err("another length");
                assert_eq!(error.code(), Code::NsmAnswerMalformed, "{operation}: {claimed}");
            }
        }
    }
}

#[test]
fn the_channel_gets_room_for_the_longest_answer_and_never_an_empty_request() {
    for (_, ask, _) in operations() {
        let nsm = Nsm::over(Wire(|request: &[u8], response: &mut [u8]| -> Result<usize, Error> {
            assert!((1..=MAX_NSM_REQUEST_LEN).contains(&request.len()));
            assert_eq!(response, [0; MAX_NSM_RESPONSE_LEN]);
            Err(Code::Attester.into())
        }));
        assert_eq!(ask(&nsm).unwrap_err().code(), Code::Attester, "the channel's own error");
    }
}

#[test]
fn an_answer_altered_anywhere_never_panics_and_gives_its_value_or_an_error() {
    for (operation, ask, answer) in operations() {
        let mut accepted = 0;
        for position in 0..answer.len() {
            for byte in 0..=255 {
                let mut altered = answer.clone();
                altered[position] = byte;
                match ask(&answering(&altered)) {
                    Ok(_) => accepted += 1,
                    Err(error) => assert!((2001..2021).contains(&error.code().number()), "{error}"),
                }
            }
        }
        // What an alteration may leave is a value of the same form: at least the original, never all of them.
        assert!(accepted >= answer.len() && accepted < answer.len() * 256, "{operation}: {accepted}");
    }
}

#[test]
fn junk_of_every_first_byte_is_an_error() {
    for (operation, ask, _) in operations() {
        for first in 0..=255_u8 {
            for rest in [&[][..], &[0; 64], &[0xff; 64], &[0x9f; 12_000], &[0xbf; 12_000], &[0x81; 12_000]] {
                let junk = [&[first], rest].concat();
                let error = ask(&answering(&junk)).expect_err("junk");
                assert_eq!(error.code(), Code::NsmAnswerMalformed, "{operation}: {first:02x}");
            }
        }
    }
}

#[test]
fn counts_blown_up_cost_nothing() {
    let [(_, describe, _), (_, describe_pcr, _), ..] = operations();
    let huge = |head: u8| [&[head][..], &[0xff; 8]].concat();
    let cases = [
        huge(0xbb),
        [&b"\xa1\x6bDescribePCR"[..], &huge(0xbb)].concat(),
        [&b"\xa1\x6bDescribePCR\xa1\x65since"[..], &huge(0x9b)].concat(),
        [&b"\xa1\x6bDescribePCR\xa1\x65since"[..], &huge(0xbb)].concat(),
        [&b"\xa1\x6bDescribePCR\xa1\x64data"[..], &huge(0x5b)].concat(),
        [&b"\xa1\x6bDescribePCR\xa1"[..], &huge(0x7b)].concat(),
    ];
    for answer in cases {
        assert_eq!(describe_pcr(&answering(&answer)).unwrap_err().code(), Code::NsmAnswerMalformed);
    }
    let locked = [&b"\xa1\x6bDescribeNSM\xa2\x6dversion_major\x01\x6blocked_pcrs"[..], &huge(0x9b)].concat();
    assert_eq!(describe(&answering(&locked)).unwrap_err().code(), Code::NsmAnswerMalformed);
}

#[test]
fn random_bytes_do_not_show_in_errors_or_in_debug() {
    // The secret as a text where a byte string is due, and as the name of a field.
    for answer in
        [&b"\xa1\x69GetRandom\xa1\x66random\x66SECRET"[..], b"\xa1\x69GetRandom\xa1\x66SECRET\x66SECRET"]
    {
        let [.., (_, ask, _), _] = operations();
        let error = ask(&answering(answer)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
    }
    let (nsm, _) = scripted([]);
    assert_eq!(format!("{nsm:?}"), "Nsm { measuring: None, .. }");
}

#[test]
fn everything_is_shared_among_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Nsm>();
    shared::<Device>();
    shared::<Entropy>();
}
