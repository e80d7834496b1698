//! The module's own errors: each has its code, and says what was asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{answering, at, operations, refusal};
use pcrseal_core::error::Code;

// aws-nitro-enclaves-nsm-api, `ErrorCode`; QEMU, hw/virtio/virtio-nsm.c, writes the same names.
const ERRORS: [(&str, Code); 8] = [
    ("InvalidArgument", Code::NsmInvalidArgument),
    ("InvalidIndex", Code::NsmInvalidIndex),
    ("InvalidResponse", Code::NsmInvalidResponse),
    ("ReadOnlyIndex", Code::NsmReadOnlyIndex),
    ("InvalidOperation", Code::NsmInvalidOperation),
    ("BufferTooSmall", Code::NsmBufferTooSmall),
    ("InputTooLarge", Code::NsmInputTooLarge),
    ("InternalError", Code::NsmInternalError),
];

#[test]
fn every_error_of_every_operation_has_its_code_and_names_the_operation() {
    for (operation, ask, _) in operations() {
        for (name, code) in ERRORS {
            let error = ask(&answering(&refusal(name))).unwrap_err();
            assert_eq!(error.code(), code, "{operation}: {name}");
            let (place, _, found) = at(&error);
            assert!(place.starts_with(operation) && found.contains(name), "{error}");
        }
    }
}

#[test]
fn the_error_says_which_register() {
    let [_, (_, describe, _), (_, extend, _), (_, lock, _), (_, lock_all, _), ..] = operations();
    for (ask, place) in [
        (describe, "DescribePCR of PCR16"),
        (extend, "ExtendPCR of PCR16"),
        (lock, "LockPCR of PCR16"),
        (lock_all, "LockPCRs below 16"),
    ] {
        let error = ask(&answering(&refusal("ReadOnlyIndex"))).unwrap_err();
        assert_eq!(at(&error), (place, "success", "ReadOnlyIndex"));
    }
}

#[test]
fn an_error_without_a_name_in_the_interface_is_told_apart() {
    for name in ["", "Busy", "invalidindex", "InvalidIndex "] {
        for (operation, ask, _) in operations() {
            let error = ask(&answering(&refusal(name))).unwrap_err();
            assert_eq!(error.code(), Code::NsmErrorUnknown, "{operation}: {name}");
            assert_eq!(at(&error).2, name);
        }
    }
}

#[test]
fn a_hostile_name_is_shown_short_and_printable() {
    let [(_, ask, _), ..] = operations();
    let error = ask(&answering(&refusal(&"\n\u{1b}[31mé".repeat(1000)))).unwrap_err();
    assert_eq!(error.code(), Code::NsmErrorUnknown);
    let text = error.to_string();
    assert!(text.len() < 400 && !text.contains(char::is_control), "{text:?}");
}

#[test]
fn success_is_no_error() {
    for (operation, ask, _) in operations() {
        let error = ask(&answering(&refusal("Success"))).unwrap_err();
        assert_eq!(error.code(), Code::NsmAnswerMalformed, "{operation}");
        assert_eq!(at(&error).2, "the error Success");
    }
}
