//! Sets of PCR values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod calls;

use std::ptr;
use std::thread;

use calls::{Handle, Outcome, called, made, refused, written};
use pcrseal::Code;
use pcrseal_ffi::{
    PCRSEAL_PCR_LEN, PcrSet, pcrseal_pcr_set_free, pcrseal_pcr_set_from_measurements_json,
    pcrseal_pcr_set_insert, pcrseal_pcr_set_new, pcrseal_pcr_set_selection, pcrseal_pcr_set_value,
};

fn new() -> Handle<PcrSet> {
    made(pcrseal_pcr_set_free, |pcrs, error| unsafe { pcrseal_pcr_set_new(pcrs, error) }).unwrap()
}

fn insert(pcrs: &Handle<PcrSet>, index: u32, value: &[u8]) -> Outcome<()> {
    called(|error| unsafe { pcrseal_pcr_set_insert(pcrs.get(), index, value.as_ptr(), value.len(), error) })
}

fn value(pcrs: &Handle<PcrSet>, index: u32) -> Outcome<Vec<u8>> {
    written(|value, capacity, len, error| unsafe {
        pcrseal_pcr_set_value(pcrs.get(), index, value, capacity, len, error)
    })
}

fn selection(pcrs: &Handle<PcrSet>) -> u32 {
    unsafe { pcrseal_pcr_set_selection(pcrs.get()) }
}

fn from_json(json: &[u8]) -> Outcome<Handle<PcrSet>> {
    made(pcrseal_pcr_set_free, |pcrs, error| unsafe {
        pcrseal_pcr_set_from_measurements_json(json.as_ptr(), json.len(), pcrs, error)
    })
}

#[test]
fn values_go_in_and_come_out() {
    let pcrs = new();
    assert_eq!(selection(&pcrs), 0);
    assert_eq!(refused(value(&pcrs, 0)), Code::PcrMissing);
    for (index, byte) in [(0, 7), (31, 8), (4, 9), (0, 10)] {
        insert(&pcrs, index, &[byte; 48]).unwrap();
    }
    assert_eq!(selection(&pcrs), 1 | 1 << 4 | 1 << 31);
    for (index, byte) in [(0, 10), (4, 9), (31, 8)] {
        assert_eq!(value(&pcrs, index).unwrap(), [byte; PCRSEAL_PCR_LEN as usize]);
    }
    assert_eq!(refused(value(&pcrs, 1)), Code::PcrMissing);
}

#[test]
fn what_is_no_pcr_changes_nothing() {
    let pcrs = new();
    insert(&pcrs, 3, &[1; 48]).unwrap();
    for (index, len, code) in [
        (32, 48, Code::PcrIndex),
        (u32::MAX, 48, Code::PcrIndex),
        (3, 0, Code::PcrLength),
        (3, 47, Code::PcrLength),
        (3, 49, Code::PcrLength),
    ] {
        assert_eq!(refused(insert(&pcrs, index, &vec![2; len])), code, "{index} {len}");
    }
    assert_eq!(refused(value(&pcrs, 32)), Code::PcrIndex);
    assert_eq!((selection(&pcrs), value(&pcrs, 3).unwrap()), (1 << 3, vec![1; 48]));
}

#[test]
fn measurements_of_nitro_cli() {
    let pcr = |byte: &str| byte.repeat(48);
    let json = format!(
        r#"{{"Measurements": {{"HashAlgorithm": "Sha384 {{ ... }}", "PCR0": "{}", "PCR1": "{}", "PCR2": "{}", "PCR8": "{}"}}}}"#,
        pcr("a0"),
        pcr("a1"),
        pcr("a2"),
        pcr("a8")
    );
    let pcrs = from_json(json.as_bytes()).unwrap();
    assert_eq!(selection(&pcrs), 0b1_0000_0111);
    for (index, byte) in [(0, 0xa0), (1, 0xa1), (2, 0xa2), (8, 0xa8)] {
        assert_eq!(value(&pcrs, index).unwrap(), [byte; 48]);
    }
    for (json, code) in [
        (String::new(), Code::MeasurementsJson),
        (json.replace("Sha384", "Sha512"), Code::MeasurementsAlgorithm),
        (json.replace("PCR1", "PCR9"), Code::MeasurementsUnknown),
        (json.replace("PCR8", "PCR7"), Code::MeasurementsUnknown),
        (json.replace("a0a0", "a0"), Code::PcrLength),
        (json.replace("a0", "x0"), Code::PcrHex),
        (r#"{"Measurements": {"HashAlgorithm": "Sha384"}}"#.into(), Code::MeasurementsMissing),
        (format!("{json}{}", " ".repeat(65_536)), Code::TooLong),
    ] {
        assert_eq!(refused(from_json(json.as_bytes())), code, "{json:.120}");
    }
}

#[test]
fn threads_that_share_a_set_lose_nothing() {
    let pcrs = &new();
    thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                for round in 0..200 {
                    for index in u32::from(thread) * 4..u32::from(thread) * 4 + 4 {
                        insert(pcrs, index, &[round; 48]).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(selection(pcrs), u32::MAX);
    assert!((0..32).all(|index| value(pcrs, index).unwrap() == [199; 48]));
}

#[test]
fn null_is_no_set() {
    unsafe {
        assert_eq!(pcrseal_pcr_set_selection(ptr::null()), 0);
        pcrseal_pcr_set_free(ptr::null_mut());
    }
    let call = |error| unsafe { pcrseal_pcr_set_insert(ptr::null_mut(), 0, [0; 48].as_ptr(), 48, error) };
    assert_eq!(refused(called(call)), Code::NullPointer);
}
