//! What AWS's crate writes we read alike, and what we accept it accepts, with the same values.

use std::collections::BTreeSet;

use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Response};
use pcrseal_core::error::Code;
use pcrseal_nsm_oracle::{OPERATIONS, Operation, ours, theirs};

/// Random bytes that are compared: fewer than any answer here holds, so that one answer is enough.
const RANDOM: usize = 1;

fn write(response: &Response) -> Vec<u8> {
    serde_cbor::to_vec(response).expect("serde_cbor writes every answer")
}

fn description(
    version: (u16, u16, u16),
    module_id: String,
    max_pcrs: u16,
    locked: BTreeSet<u16>,
) -> Response {
    Response::DescribeNSM {
        version_major: version.0,
        version_minor: version.1,
        version_patch: version.2,
        module_id,
        max_pcrs,
        locked_pcrs: locked,
        digest: Digest::SHA384,
    }
}

/// Answers of every operation, with values on both sides of each length of CBOR heads.
fn answers() -> Vec<(Operation, Vec<u8>)> {
    let mut answers = vec![
        (Operation::LockPcr, write(&Response::LockPCR)),
        (Operation::LockPcrs, write(&Response::LockPCRs)),
    ];
    for number in [0, 1, 23, 24, 255, 256, 65_535] {
        for locked in [0_u32, 1, 0xffff, 0x8000_0000, 0x0102_0304, u32::MAX] {
            let locked = (0..32).filter(|index| locked & 1 << index != 0).collect();
            let id = "i".repeat(usize::from(number) % 300);
            answers
                .push((Operation::DescribeNsm, write(&description((1, number, number), id, number, locked))));
        }
    }
    for lock in [false, true] {
        for byte in [0, 0x5a, 0xff] {
            answers
                .push((Operation::DescribePcr, write(&Response::DescribePCR { lock, data: vec![byte; 48] })));
            answers.push((Operation::ExtendPcr, write(&Response::ExtendPCR { data: vec![byte; 48] })));
        }
    }
    for length in [1, 2, 23, 24, 255, 256, 257, 4096, 12_000] {
        let bytes: Vec<u8> = (0..length).map(|position| (position % 251) as u8).collect();
        answers.push((Operation::GetRandom, write(&Response::GetRandom { random: bytes.clone() })));
        answers.push((Operation::Attestation, write(&Response::Attestation { document: bytes })));
    }
    answers
}

#[test]
fn what_the_oracle_writes_we_read_alike() {
    for (operation, answer) in answers() {
        for random in [1, 2, 100, 256, 300] {
            let ours = ours(operation, &answer, random).expect("an answer of the oracle's");
            assert_eq!(Some(ours), theirs(&answer, random), "{operation:?}");
        }
    }
}

#[test]
fn an_answer_to_another_request_is_refused_where_the_oracle_reads_it() {
    for (operation, answer) in answers() {
        for other in OPERATIONS.into_iter().filter(|other| *other != operation) {
            assert!(theirs(&answer, RANDOM).is_some());
            let error = ours(other, &answer, RANDOM).expect_err("another operation's answer");
            assert_eq!(error.code(), Code::NsmAnswerMalformed, "{operation:?} for {other:?}");
        }
    }
}

/// Whatever we accept, the oracle accepts too, with the same values. Returns whether we do.
#[track_caller]
fn no_more_than_the_oracle(operation: Operation, answer: &[u8]) -> bool {
    match ours(operation, answer, RANDOM) {
        Ok(ours) => {
            assert_eq!(Some(ours), theirs(answer, RANDOM), "{operation:?}: {answer:02x?}");
            true
        }
        Err(_) => false,
    }
}

/// The answers that are short enough to be tried in every alteration.
fn short() -> impl Iterator<Item = (Operation, Vec<u8>)> {
    answers().into_iter().filter(|(_, answer)| answer.len() < 400)
}

#[test]
fn alterations_of_one_byte() {
    let (mut accepted, mut tried) = (0, 0);
    for (operation, answer) in short() {
        for position in 0..answer.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x1f, 0xe0] {
                let mut altered = answer.clone();
                altered[position] ^= flip;
                accepted += usize::from(no_more_than_the_oracle(operation, &altered));
                tried += 1;
            }
        }
    }
    assert!(accepted > 1000 && tried > 50_000, "{accepted} of {tried}");
}

#[test]
fn parts_and_more_than_the_whole() {
    for (operation, answer) in short() {
        for end in 0..answer.len() {
            assert!(!no_more_than_the_oracle(operation, &answer[..end]));
            assert!(!no_more_than_the_oracle(operation, &answer[end + 1..]));
        }
        for after in 0..=255 {
            assert!(!no_more_than_the_oracle(operation, &[&answer[..], &[after]].concat()));
        }
    }
}

#[test]
fn alterations_of_one_item() {
    // Items of every type, among them a longer head, an indefinite length, a duplicate of a field, a break.
    let items: [&[u8]; 20] = [
        b"",
        b"\x00",
        b"\x18\x01",
        b"\x20",
        b"\x40",
        b"\x41x",
        b"\x5f\x41x\xff",
        b"\x60",
        b"\x61x",
        b"\x7f\x61x\xff",
        b"\x80",
        b"\x81\x00",
        b"\x9f\xff",
        b"\xa0",
        b"\xbf\xff",
        b"\xc1\x00",
        b"\xf4",
        b"\xf6",
        b"\xff",
        b"\x64data\x40",
    ];
    let mut accepted = 0;
    for operation in OPERATIONS {
        let (_, answer) = short().find(|(of, _)| *of == operation).expect("there is one of each");
        for position in 0..=answer.len() {
            for removed in [0, 1, 2, 5].into_iter().filter(|removed| position + removed <= answer.len()) {
                for item in items {
                    let altered = [&answer[..position], item, &answer[position + removed..]].concat();
                    if altered != answer {
                        accepted += usize::from(no_more_than_the_oracle(operation, &altered));
                    }
                }
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn fields_that_neither_knows() {
    for value in [
        &b"\x00"[..],
        b"\x20",
        b"\x42ab",
        b"\x62ab",
        b"\x82\x01\x02",
        b"\xa1\x01\x02",
        b"\x9f\xff",
        b"\xbf\xff",
        b"\xf6",
        b"\xf5",
    ] {
        let answer =
            [&b"\xa1\x6bDescribePCR\xa3\x65since"[..], value, b"\x64lock\xf5\x64data\x58\x30", &[9; 48]]
                .concat();
        assert!(no_more_than_the_oracle(Operation::DescribePcr, &answer), "{value:02x?}");
    }
}

#[test]
fn every_error_of_the_oracle_has_its_code() {
    for (error, code) in [
        (ErrorCode::Success, Code::NsmAnswerMalformed),
        (ErrorCode::InvalidArgument, Code::NsmInvalidArgument),
        (ErrorCode::InvalidIndex, Code::NsmInvalidIndex),
        (ErrorCode::InvalidResponse, Code::NsmInvalidResponse),
        (ErrorCode::ReadOnlyIndex, Code::NsmReadOnlyIndex),
        (ErrorCode::InvalidOperation, Code::NsmInvalidOperation),
        (ErrorCode::BufferTooSmall, Code::NsmBufferTooSmall),
        (ErrorCode::InputTooLarge, Code::NsmInputTooLarge),
        (ErrorCode::InternalError, Code::NsmInternalError),
    ] {
        let answer = write(&Response::Error(error));
        for operation in OPERATIONS {
            let error = ours(operation, &answer, RANDOM).expect_err("an error");
            assert_eq!(error.code(), code, "{operation:?}");
        }
    }
}

// AWS's crate takes them; there is no register to find their values in.
#[test]
fn we_are_stricter_where_the_values_have_no_meaning_here() {
    let refused = [
        (Operation::DescribePcr, Response::DescribePCR { lock: true, data: vec![0; 32] }),
        (Operation::ExtendPcr, Response::ExtendPCR { data: vec![0; 64] }),
        (Operation::GetRandom, Response::GetRandom { random: vec![] }),
        (Operation::Attestation, Response::Attestation { document: vec![] }),
        (Operation::DescribeNsm, description((2, 0, 0), "i".into(), 32, BTreeSet::new())),
        (Operation::DescribeNsm, description((1, 0, 0), "i".into(), 64, BTreeSet::from([32]))),
    ];
    for (operation, response) in refused {
        let answer = write(&response);
        assert!(theirs(&answer, RANDOM).is_some() || operation == Operation::GetRandom);
        assert_eq!(
            ours(operation, &answer, RANDOM).unwrap_err().code(),
            Code::NsmAnswerMalformed,
            "{operation:?}"
        );
    }
}
