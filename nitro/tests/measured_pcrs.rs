//! Which registers are measured, and that only locked ones are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Mutex;

use common::cbor::{array, boolean, bytes, map, text, uint};
use common::{Wire, at, index};
use pcrseal_core::attester::Attester;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrSelection};
use pcrseal_nitro::Nsm;

/// A module whose registers below 4 are locked and hold their index; it says so when asked, and how often it was.
fn module(asked: &'static Mutex<Vec<Vec<u8>>>) -> Nsm {
    Nsm::over(Wire(move |request: &[u8], response: &mut [u8]| -> Result<usize, Error> {
        asked.lock().unwrap().push(request.to_vec());
        let answer = match request {
            b"\x6bDescribeNSM" => {
                let fields = map(&[
                    (text("version_major"), uint(1)),
                    (text("version_minor"), uint(0)),
                    (text("version_patch"), uint(0)),
                    (text("module_id"), text("i-1-enc2")),
                    (text("max_pcrs"), uint(32)),
                    (text("locked_pcrs"), array(&[uint(3), uint(0), uint(1), uint(2)])),
                    (text("digest"), text("SHA384")),
                ]);
                map(&[(text("DescribeNSM"), fields)])
            }
            [head @ .., register] if head.starts_with(b"\xa1\x6bDescribePCR\xa1\x65index") => {
                let fields =
                    [(text("lock"), boolean(*register < 4)), (text("data"), bytes(&[*register; 48]))];
                map(&[(text("DescribePCR"), map(&fields))])
            }
            _ => panic!("{request:x?}"),
        };
        response[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }))
}

fn selection(indices: &[u64]) -> PcrSelection {
    indices.iter().copied().map(index).collect()
}

#[test]
fn by_default_every_locked_register() {
    static ASKED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let measured = module(&ASKED).measured_pcrs().unwrap();
    assert_eq!(measured.selection(), selection(&[0, 1, 2, 3]));
    for (index, value) in measured.iter() {
        assert_eq!(value, &Pcr::new([index.get(); 48]));
    }
    assert_eq!(ASKED.lock().unwrap().len(), 5);
}

#[test]
fn else_those_that_are_selected_and_no_others_are_asked_for() {
    static ASKED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let nsm = module(&ASKED).measuring(selection(&[0, 2]));
    let measured = nsm.measured_pcrs().unwrap();
    assert_eq!(measured.selection(), selection(&[0, 2]));
    assert_eq!(measured.get(index(2)), Some(&Pcr::new([2; 48])));
    assert_eq!(ASKED.lock().unwrap().len(), 2);
    assert!(module(&ASKED).measuring(PcrSelection::EMPTY).measured_pcrs().unwrap().is_empty());
}

#[test]
fn a_selected_register_that_is_not_locked_is_an_error_that_names_it() {
    static ASKED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let error = module(&ASKED).measuring(selection(&[0, 16])).measured_pcrs().unwrap_err();
    assert_eq!(error.code(), Code::NsmPcrUnlocked);
    assert_eq!(at(&error), ("PCR16", "locked", "unlocked"));
}
