//! Answers that are not of the form that their request demands: each is refused, and the error says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::cbor::{array, boolean, bytes, map, map_indefinite, text, uint};
use common::{Ask, answering, at, description, operations};
use pcrseal_core::error::Code;

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Asks for the operation; the error's place must be this one.
#[track_caller]
fn refused(operation: &str, answer: &[u8], place: &str, what: &str) {
    let ask: Ask = operations().into_iter().find(|(name, ..)| *name == operation).unwrap().1;
    let error = ask(&answering(answer)).expect_err(what);
    assert_eq!(error.code(), Code::NsmAnswerMalformed, "{what}: {error}");
    assert_eq!(at(&error).0, place, "{what}: {error}");
}

fn pcr(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    map(&[(text("DescribePCR"), map(fields))])
}

fn lock() -> (Vec<u8>, Vec<u8>) {
    (text("lock"), boolean(true))
}

fn data() -> (Vec<u8>, Vec<u8>) {
    (text("data"), bytes(&[5; 48]))
}

#[test]
fn anything_but_the_operations_own_shape() {
    let results = || (text("DescribePCR"), map(&[lock(), data()]));
    let cases: [(&str, Vec<u8>); 18] = [
        ("nothing", vec![]),
        ("a number", uint(1)),
        ("null", vec![0xf6]),
        ("a break", vec![0xff]),
        ("a reserved head", vec![0x1c]),
        ("an array", array(&[text("DescribePCR"), map(&[lock(), data()])])),
        ("the bare name", text("DescribePCR")),
        ("an empty map", map(&[])),
        ("an empty map of indefinite length", map_indefinite(&[])),
        ("a number as name", map(&[(uint(1), map(&[lock(), data()]))])),
        ("a byte string as name", map(&[(bytes(b"DescribePCR"), map(&[lock(), data()]))])),
        ("a name in pieces", [b"\xa1\x7f\x6bDescribePCR\xff".to_vec(), map(&[lock(), data()])].concat()),
        ("a map of two", map(&[results(), results()])),
        ("results and an error", map(&[results(), (text("Error"), text("InvalidIndex"))])),
        ("a map of two, indefinite", map_indefinite(&[results(), results()])),
        ("results that are a number", map(&[(text("DescribePCR"), uint(1))])),
        ("an error that is a number", map(&[(text("Error"), uint(2))])),
        ("an error in pieces", b"\xa1\x65Error\x7f\x6cInvalidIndex\xff".to_vec()),
    ];
    for (what, answer) in cases {
        refused("DescribePCR", &answer, "DescribePCR", what);
    }
    // One byte after the end, and a second answer.
    for (operation, ask, answer) in operations() {
        ask(&answering(&answer)).unwrap();
        for after in [&[0][..], &answer] {
            refused(operation, &[&answer, after].concat(), operation, "bytes after the end");
        }
    }
    refused(
        "LockPCR",
        &[common::refusal("InvalidIndex"), vec![0]].concat(),
        "LockPCR",
        "a byte after an error",
    );
    // A map that announces more than there is.
    refused(
        "DescribePCR",
        &[vec![0xa2], pcr(&[lock(), data()])[1..].to_vec()].concat(),
        "DescribePCR",
        "too few",
    );
    refused("LockPCR", &map(&[(text("LockPCR"), map(&[]))]), "LockPCR", "results where there are none");
    refused("LockPCR", &map(&[(text("LockPCR"), vec![0xf6])]), "LockPCR", "null for results");
}

#[test]
fn an_answer_to_another_request() {
    for (operation, _, _) in operations() {
        for (other, _, answer) in operations() {
            if operation != other {
                // The bare name where results are due is no map at all.
                let bare = answer[0] >> 5 == 3 && !operation.starts_with("LockPCR");
                refused(operation, &answer, if bare { operation } else { "answer" }, other);
            }
        }
    }
}

#[test]
fn fields_of_a_register() {
    let many = |fields: &[(Vec<u8>, Vec<u8>)]| pcr(fields);
    let (lock_place, data_place) = ("DescribePCR.lock", "DescribePCR.data");
    let cases: [(&str, Entries, &str); 15] = [
        ("no fields", vec![], lock_place),
        ("no lock", vec![data()], lock_place),
        ("no data", vec![lock()], data_place),
        ("lock twice", vec![lock(), lock(), data()], lock_place),
        ("data twice", vec![lock(), data(), data()], data_place),
        ("lock a number", vec![(text("lock"), uint(1)), data()], lock_place),
        ("lock null", vec![(text("lock"), vec![0xf6]), data()], lock_place),
        ("lock another simple value", vec![(text("lock"), vec![0xe0]), data()], lock_place),
        ("data a text", vec![lock(), (text("data"), text(&"x".repeat(48)))], data_place),
        ("data an array", vec![lock(), (text("data"), array(&[uint(1)]))], data_place),
        ("data empty", vec![lock(), (text("data"), bytes(&[]))], data_place),
        ("data of SHA-256", vec![lock(), (text("data"), bytes(&[5; 32]))], data_place),
        ("data a byte too short", vec![lock(), (text("data"), bytes(&[5; 47]))], data_place),
        ("data a byte too long", vec![lock(), (text("data"), bytes(&[5; 49]))], data_place),
        (
            "data in pieces",
            vec![lock(), (text("data"), [vec![0x5f], bytes(&[5; 48]), vec![0xff]].concat())],
            data_place,
        ),
    ];
    for (what, fields, place) in cases {
        refused("DescribePCR", &many(&fields), place, what);
    }
    for (what, key) in [("a number", uint(0)), ("a byte string", bytes(b"lock")), ("null", vec![0xf6])] {
        refused("DescribePCR", &pcr(&[(key, boolean(true)), lock(), data()]), "DescribePCR", what);
    }
    // A break where the value of a field is due that is not known.
    let unfinished = [&b"\xa1\x6bDescribePCR\xbf"[..], &text("since"), &[0xff, 0xff]].concat();
    refused("DescribePCR", &unfinished, "DescribePCR.since", "a break for a value");
}

#[test]
fn fields_of_the_other_answers() {
    let answer = |operation: &str, field: &str, value: Vec<u8>| {
        map(&[(text(operation), map(&[(text(field), value)]))])
    };
    for (operation, field, place) in [
        ("ExtendPCR", "data", "ExtendPCR.data"),
        ("GetRandom", "random", "GetRandom.random"),
        ("Attestation", "document", "Attestation.document"),
    ] {
        refused(operation, &answer(operation, "other", bytes(&[1; 48])), place, "missing");
        refused(operation, &answer(operation, field, bytes(&[])), place, "empty");
        refused(operation, &answer(operation, field, text("x")), place, "a text");
        refused(operation, &answer(operation, field, array(&[uint(1)])), place, "an array");
        let twice = (text(field), bytes(&[1; 48]));
        let twice = map(&[(text(operation), map(&[twice.clone(), twice]))]);
        refused(operation, &twice, place, "twice");
    }
}

#[test]
fn fields_of_a_description() {
    let field = |name: &str| format!("DescribeNSM.{name}");
    for (name, value, others) in [
        (
            "version_major",
            uint(1),
            vec![uint(0), uint(2), uint(65_535), vec![0x1a, 0, 1, 0, 0], text("1"), vec![0x20]],
        ),
        ("version_minor", uint(2), vec![vec![0x1a, 0, 1, 0, 0], text("2"), vec![0x20]]),
        ("version_patch", uint(300), vec![vec![0x1a, 0, 1, 0, 0], bytes(b"")]),
        (
            "module_id",
            text("i-0123456789abcdef0-enc0123456789abcde"),
            vec![bytes(b"i-"), uint(1), vec![0x61, 0xff]],
        ),
        ("max_pcrs", uint(32), vec![vec![0x1a, 0, 1, 0, 0], vec![0xf6]]),
        (
            "digest",
            text("SHA384"),
            vec![text("SHA256"), text("SHA512"), text("sha384"), text(""), bytes(b"SHA384")],
        ),
        (
            "locked_pcrs",
            array(&[uint(0), uint(1), uint(2), uint(31)]),
            vec![
                array(&[uint(32)]),
                array(&[uint(65_535)]),
                array(&[vec![0x1b, 0, 0, 0, 1, 0, 0, 0, 0]]),
                array(&[uint(3), uint(3)]),
                array(&[text("3")]),
                array(&[vec![0x20]]),
                map(&[]),
                bytes(&[0, 1, 2]),
            ],
        ),
    ] {
        let entry = [text(name), value].concat();
        let good = description();
        let start = good.windows(entry.len()).position(|window| window == entry).unwrap();
        let with = |replacement: &[u8]| {
            let mut answer = good.clone();
            answer.splice(start..start + entry.len(), replacement.iter().copied());
            answer
        };
        for other in others {
            let answer = with(&[text(name), other.clone()].concat());
            refused("DescribeNSM", &answer, &field(name), &format!("{name} {other:x?}"));
        }
        refused("DescribeNSM", &with(&[text("renamed"), uint(0)].concat()), &field(name), "missing");
        // The map's head says one field more: 8 for 7.
        let mut twice = with(&entry.repeat(2));
        let head = b"\xa1\x6bDescribeNSM".len();
        assert_eq!(twice[head], 0xa7);
        twice[head] = 0xa8;
        refused("DescribeNSM", &twice, &field(name), "twice");
    }
}

// The interface of another major version may have other fields: the version is what the error is about.
#[test]
fn another_major_version_is_named_before_anything_else() {
    let answer = map(&[(
        text("DescribeNSM"),
        map(&[
            (text("digest"), uint(3)),
            (text("version_major"), uint(2)),
            (text("locked_pcrs"), text("all")),
        ]),
    )]);
    refused("DescribeNSM", &answer, "DescribeNSM.version_major", "version 2");
}
