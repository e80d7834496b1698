//! Requests below our own API, byte by byte through the real driver: what it and the module do with those that the API
//! never sends.
//!
//! An empty request is not among them. QEMU marks its device broken over one ("zero sized buffers are not allowed"), and
//! the driver then waits out its two minutes at every request that follows.

use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{MAX_NSM_REQUEST_LEN, MAX_NSM_RESPONSE_LEN};
use pcrseal_nitro::{Channel, DEVICE, Device, Nsm};

use crate::check::{Check, Outcome, done, equal, refused};

/// Those that change nothing.
pub(crate) const CHECKS_BEFORE: &[Check] = &[
    ("what_is_not_understood_is_an_invalid_operation", not_understood),
    ("registers_from_32_up_are_an_invalid_index", no_such_register),
    ("ranges_from_33_up_are_an_invalid_index", no_such_range),
    ("locked_registers_are_read_only", locked_registers),
    ("the_driver_takes_requests_of_4096_bytes_and_no_more", too_long),
    ("the_driver_cuts_answers_to_the_buffer", cut_answers),
    ("a_cut_answer_is_malformed", a_cut_answer_is_malformed),
];

/// Those that extend a register.
pub(crate) const CHECKS_AFTER: &[Check] =
    &[("the_driver_carries_an_extension_of_4096_bytes_in_one_request", longest_extension)];

/// `{"Error": name}`: every name here has fewer than 24 characters, so that its length is in the head.
fn error_answer(name: &str) -> Vec<u8> {
    let head = 0x60 + u8::try_from(name.len()).unwrap_or(0);
    [b"\xa1\x65Error".as_slice(), &[head], name.as_bytes()].concat()
}

/// `{operation: {field: number}}`, with a number of 24..255.
fn numbered(operation: &str, field: &str, number: u8) -> Vec<u8> {
    let head = |text: &str| 0x60 + u8::try_from(text.len()).unwrap_or(0);
    let start =
        [&[0xa1, head(operation)], operation.as_bytes(), &[0xa1, head(field)], field.as_bytes()].concat();
    [start, vec![0x18, number]].concat()
}

fn answer(request: &[u8]) -> Result<Vec<u8>, String> {
    let mut response = vec![0; MAX_NSM_RESPONSE_LEN];
    let length = done("the request", device()?.exchange(request, &mut response))?;
    response.truncate(length);
    Ok(response)
}

fn device() -> Result<Device, String> {
    done("opening", Device::open(DEVICE))
}

fn expect(what: &str, request: &[u8], error: &str) -> Outcome {
    equal(what, &error_answer(error), &answer(request)?)
}

fn not_understood() -> Outcome {
    let cases: [(&str, &[u8]); 6] = [
        ("an unknown request", b"\x67Unknown"),
        ("an unknown request with fields", b"\xa1\x67Unknown\xa0"),
        ("junk", &[0xff, 0x00]),
        ("a request cut short", b"\x6bDescribe"),
        ("an index that is no number", b"\xa1\x6bDescribePCR\xa1\x65index\x61x"),
        ("a field that is missing", b"\xa1\x6bDescribePCR\xa0"),
    ];
    cases.into_iter().try_for_each(|(what, request)| expect(what, request, "InvalidOperation"))
}

fn no_such_register() -> Outcome {
    for index in [32, 255] {
        for operation in ["DescribePCR", "LockPCR"] {
            expect(&format!("{operation} {index}"), &numbered(operation, "index", index), "InvalidIndex")?;
        }
        let extend = [b"\xa1\x69ExtendPCR\xa2\x65index\x18".as_slice(), &[index], b"\x64data\x41x"].concat();
        expect(&format!("ExtendPCR {index}"), &extend, "InvalidIndex")?;
    }
    Ok(())
}

fn no_such_range() -> Outcome {
    [33, 255].into_iter().try_for_each(|range| {
        expect(&format!("LockPCRs {range}"), &numbered("LockPCRs", "range", range), "InvalidIndex")
    })
}

fn locked_registers() -> Outcome {
    for index in 0..16 {
        let extend = [b"\xa1\x69ExtendPCR\xa2\x65index".as_slice(), &[index], b"\x64data\x41x"].concat();
        expect(&format!("ExtendPCR {index}"), &extend, "ReadOnlyIndex")?;
        let lock = [b"\xa1\x67LockPCR\xa1\x65index".as_slice(), &[index]].concat();
        expect(&format!("LockPCR {index}"), &lock, "ReadOnlyIndex")?;
    }
    Ok(())
}

fn too_long() -> Outcome {
    // The module reads as far as it understands, which is the first byte: 0xff is no item.
    let longest = vec![0xff; MAX_NSM_REQUEST_LEN];
    expect("4096 bytes", &longest, "InvalidOperation")?;
    let mut response = [0; 64];
    let longer = device()?.exchange(&[0xff; MAX_NSM_REQUEST_LEN + 1], &mut response);
    refused("4097 bytes", Code::NsmInputTooLarge, longer)?;
    equal("the buffer afterwards", &[0; 64], &response)
}

const DESCRIBE_NSM: &[u8] = b"\x6bDescribeNSM";

fn cut_answers() -> Outcome {
    let whole = answer(DESCRIBE_NSM)?;
    for length in [0, 1, whole.len() - 1, whole.len()] {
        let mut response = vec![0xee; whole.len()];
        let room = response.get_mut(..length).ok_or("no room")?;
        let told = done("the request", device()?.exchange(DESCRIBE_NSM, room))?;
        equal("the length told", &length, &told)?;
        equal("what came", &whole.get(..length), &response.get(..length))?;
        let beyond = response.iter().skip(length).all(|byte| *byte == 0xee);
        equal("nothing beyond the buffer", &true, &beyond)?;
    }
    Ok(())
}

/// A channel with less room than answers need.
struct Narrow(Device, usize);

impl Channel for Narrow {
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        let room = self.1.min(response.len());
        self.0.exchange(request, response.get_mut(..room).unwrap_or_default())
    }
}

fn a_cut_answer_is_malformed() -> Outcome {
    for room in [0, 1, 16, 64] {
        let nsm = Nsm::over(Narrow(device()?, room));
        refused(&format!("{room} bytes"), Code::NsmAnswerMalformed, nsm.describe())?;
        let mut random = [7; 32];
        refused(&format!("{room} bytes"), Code::NsmAnswerMalformed, nsm.random(&mut random))?;
        equal("the buffer afterwards", &[0; 32], &random)?;
    }
    Ok(())
}

fn longest_extension() -> Outcome {
    // PCR23 needs a byte less for its index than those from 24 up: the longest data is one byte longer than the
    // API's bound, which holds for all.
    let head = b"\xa1\x69ExtendPCR\xa2\x65index\x17\x64data\x59";
    let data = vec![0x5a; MAX_NSM_REQUEST_LEN - head.len() - 2];
    let length = u16::try_from(data.len()).unwrap_or(0).to_be_bytes();
    let request = [head.as_slice(), &length, &data].concat();
    equal("bytes of the request", &MAX_NSM_REQUEST_LEN, &request.len())?;
    let extended = answer(&request)?;
    equal(
        "the answer's start",
        &Some(b"\xa1\x69ExtendPCR\xa1\x64data\x58\x30".as_slice()),
        &extended.get(..19),
    )
}
