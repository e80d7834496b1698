//! The software NSM as a device: what it answers, byte for byte, and what it refuses.
//!
//! Requests are written out here as `aws-nitro-enclaves-nsm-api` encodes them, so that nothing of ours stands between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use ciborium::{Value, cbor};
use common::{NOON, image, index};
use pcrseal_core::attester::{Attester, NitroSecureModule};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MAX_REQUEST_LEN, MAX_RESPONSE_LEN, Nsm, NsmConfig, measure};

fn boot() -> Nsm {
    let authority = Authority::new(&Clock::fixed(NOON)).unwrap();
    Nsm::boot(&authority, NsmConfig::new(image())).unwrap()
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn ask(nsm: &Nsm, request: &Value) -> Value {
    ciborium::from_reader(nsm.answer(&encode(request)).as_slice()).unwrap()
}

fn bytes(data: &[u8]) -> Value {
    Value::Bytes(data.to_vec())
}

/// `{"Error": name}` as bytes.
fn error(name: &str) -> Vec<u8> {
    encode(&cbor!({ "Error" => name }).unwrap())
}

fn extend(number: u64, data: &Value) -> Value {
    cbor!({ "ExtendPCR" => { "index" => number, "data" => data } }).unwrap()
}

fn attestation(name: &str, data: &Value) -> Value {
    cbor!({ "Attestation" => { name => data } }).unwrap()
}

#[test]
fn answers_have_the_bytes_of_the_crates_types() {
    let nsm = boot();
    let module_id = [&[0x78, 39], nsm.module_id().as_bytes()].concat();
    let description = [
        b"\xa1\x6bDescribeNSM\xa7\x6dversion_major\x01\x6dversion_minor\x00\x6dversion_patch\x00\x69module_id".as_slice(),
        &module_id,
        b"\x68max_pcrs\x18\x20\x6blocked_pcrs\x90\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
        b"\x66digest\x66SHA384",
    ];
    assert_eq!(nsm.answer(b"\x6bDescribeNSM"), description.concat());

    let extended = measure(b"x");
    let described = |lock: u8, value: &[u8]| {
        [b"\xa1\x6bDescribePCR\xa2\x64lock".as_slice(), &[lock], b"\x64data\x58\x30", value].concat()
    };
    let pcr16 = b"\xa1\x6bDescribePCR\xa1\x65index\x10";
    assert_eq!(nsm.answer(pcr16), described(0xf4, &[0; 48]));
    assert_eq!(
        nsm.answer(b"\xa1\x69ExtendPCR\xa2\x65index\x10\x64data\x41x"),
        [b"\xa1\x69ExtendPCR\xa1\x64data\x58\x30".as_slice(), extended.as_bytes()].concat()
    );
    assert_eq!(nsm.answer(pcr16), described(0xf4, extended.as_bytes()));
    assert_eq!(nsm.answer(b"\xa1\x67LockPCR\xa1\x65index\x10"), b"\x67LockPCR");
    assert_eq!(nsm.answer(pcr16), described(0xf5, extended.as_bytes()));
    assert_eq!(nsm.answer(b"\xa1\x68LockPCRs\xa1\x65range\x12"), b"\x68LockPCRs");
    assert!(nsm.describe().unwrap().locked_pcrs.contains(index(17)));

    // The driver compares these first bytes (Linux, drivers/misc/nsm.c, parse_resp_get_random).
    let (one, two) = (nsm.answer(b"\x69GetRandom"), nsm.answer(b"\x69GetRandom"));
    let head = b"\xa1\x69GetRandom\xa1\x66random\x59\x01\x00";
    assert_eq!((&one[..head.len()], one.len()), (head.as_slice(), head.len() + 256));
    assert_ne!(one, two);

    let document = nsm.answer(b"\xa1\x6bAttestation\xa3\x69user_data\xf6\x65nonce\x42ab\x6apublic_key\xf6");
    let head = b"\xa1\x6bAttestation\xa1\x68document\x59";
    assert_eq!(document[..head.len()], *head);
    assert_eq!(document[head.len() + 2..][..4], [0x84, 0x44, 0xa1, 0x01]);
}

#[test]
fn every_error_of_the_interface_has_its_request() {
    let nsm = boot();
    let index = |name: &str, number: u64| cbor!({ name => { "index" => number } }).unwrap();
    let range = |number: u64| cbor!({ "LockPCRs" => { "range" => number } }).unwrap();
    for (request, name) in [
        (extend(0, &bytes(b"x")), "ReadOnlyIndex"),
        (extend(15, &bytes(b"x")), "ReadOnlyIndex"),
        (extend(32, &bytes(b"x")), "InvalidIndex"),
        (extend(16, &bytes(b"")), "InvalidArgument"),
        (index("LockPCR", 15), "ReadOnlyIndex"),
        (index("LockPCR", 32), "InvalidIndex"),
        (index("LockPCR", 65_535), "InvalidIndex"),
        (index("LockPCR", 65_536), "InvalidOperation"),
        (index("DescribePCR", 32), "InvalidIndex"),
        (range(33), "InvalidIndex"),
        (attestation("nonce", &bytes(&[7; 1025])), "InputTooLarge"),
        (attestation("user_data", &bytes(&[7; 1025])), "InputTooLarge"),
        (attestation("public_key", &bytes(&[7; 1025])), "InputTooLarge"),
    ] {
        assert_eq!(nsm.answer(&encode(&request)), error(name), "{request:?}");
    }
    assert_eq!(nsm.answer(&[0xf6; MAX_REQUEST_LEN]), error("InvalidOperation"));
    assert_eq!(nsm.answer(&[0xf6; MAX_REQUEST_LEN + 1]), error("InputTooLarge"));
    // Nothing of this changed a register.
    let untouched = boot();
    assert_eq!(nsm.measured_pcrs().unwrap(), untouched.measured_pcrs().unwrap());
    assert_eq!(nsm.describe().unwrap().locked_pcrs, untouched.describe().unwrap().locked_pcrs);
}

#[test]
fn the_longest_request_extends() {
    let nsm = boot();
    // Around the data of PCR16 stand 27 bytes, of PCR31 28.
    for (number, around) in [(16, 27), (31, 28)] {
        let data = vec![7; MAX_REQUEST_LEN - around];
        let request = encode(&extend(number, &bytes(&data)));
        assert_eq!(request.len(), MAX_REQUEST_LEN);
        let answer = cbor!({ "ExtendPCR" => { "data" => bytes(measure(&data).as_bytes()) } }).unwrap();
        assert_eq!(nsm.answer(&request), encode(&answer));
    }
}

#[test]
fn what_both_readings_of_the_protocol_take_is_taken() {
    let nsm = boot();
    let extended = |data: &[u8]| cbor!({ "ExtendPCR" => { "data" => bytes(data) } }).unwrap();
    // Fields in the other order, one that nobody knows, bytes as text.
    let request =
        cbor!({ "ExtendPCR" => { "data" => "one", "more" => [1, { 2 => 3 }], "index" => 16 } }).unwrap();
    assert_eq!(ask(&nsm, &request), extended(measure(b"one").as_bytes()));
    // Maps of indefinite length.
    assert_eq!(
        nsm.answer(b"\xbf\x69ExtendPCR\xbf\x65index\x11\x64data\x41x\xff\xff"),
        encode(&extended(measure(b"x").as_bytes()))
    );
    // Optional fields that are not there.
    assert!(ask(&nsm, &cbor!({ "Attestation" => {} }).unwrap()).is_map());
    // AWS's types take these, QEMU's device does not: longer heads, bytes in chunks.
    assert_eq!(
        nsm.answer(b"\xa1\x69ExtendPCR\xa2\x65index\x19\x00\x12\x64data\x5f\x41a\x41b\xff"),
        encode(&extended(measure(b"ab").as_bytes()))
    );
}

#[test]
fn what_is_not_understood_is_an_invalid_operation_and_changes_nothing() {
    let nsm = boot();
    let text = |text: &str| encode(&Value::from(text));
    let of = |value: Result<Value, _>| encode(&value.unwrap_or_else(|_: ciborium::value::Error| panic!()));
    let good = text("GetRandom");
    let requests = [
        vec![],
        vec![0xff],
        vec![0xff, 0x00],
        text("Unknown"),
        text("LockPCR"),
        text("getrandom"),
        [&good[..], &[0]].concat(),
        good[..9].to_vec(),
        b"\xc1\x69GetRandom".to_vec(),
        of(cbor!({ "GetRandom" => null })),
        of(cbor!({})),
        of(cbor!({ "LockPCR" => { "index" => 16 }, "LockPCRs" => { "range" => 17 } })),
        of(cbor!({ 1 => { "index" => 16 } })),
        of(cbor!({ "LockPCR" => 16 })),
        of(cbor!({ "LockPCR" => [16] })),
        of(cbor!({ "LockPCR" => {} })),
        of(cbor!({ "LockPCR" => { "range" => 16 } })),
        of(cbor!({ "LockPCR" => { "index" => (-1) } })),
        of(cbor!({ "LockPCR" => { "index" => 16.0 } })),
        of(cbor!({ "LockPCR" => { "index" => "16" } })),
        of(cbor!({ "LockPCRs" => { "index" => 17 } })),
        b"\xa1\x67LockPCR\xa2\x65index\x10\x65index\x10".to_vec(),
        [&encode(&cbor!({ "LockPCR" => { "index" => 16 } }).unwrap())[..], &[0]].concat(),
        of(cbor!({ "ExtendPCR" => { "index" => 16 } })),
        of(cbor!({ "ExtendPCR" => { "data" => "x" } })),
        of(cbor!({ "ExtendPCR" => { "index" => 32 } })),
        encode(&extend(16, &Value::Null)),
        encode(&extend(16, &cbor!([1, 2, 3]).unwrap())),
        encode(&attestation("nonce", &Value::from(1))),
        // Depth, and lengths that promise what is not there.
        vec![0x81; 4096],
        vec![0xa1; 4096],
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\xbb\x00\xff\xff\xff\xff\xff\xff\xff".to_vec(),
    ];
    for request in requests {
        assert_eq!(nsm.answer(&request), error("InvalidOperation"), "{request:02x?}");
    }
    assert_eq!(nsm.describe().unwrap().locked_pcrs, boot().describe().unwrap().locked_pcrs);
    assert!(!nsm.describe_pcr(index(16)).unwrap().locked);
    assert_eq!(nsm.describe_pcr(index(16)).unwrap().value.as_bytes(), &[0; 48]);
}

/// Every way to damage one byte of a request, and every way to cut it short.
#[test]
fn damaged_requests_get_an_answer_that_fits() {
    let nsm = boot();
    let requests = [
        encode(&Value::from("DescribeNSM")),
        encode(&cbor!({ "LockPCRs" => { "range" => 16 } }).unwrap()),
        encode(&extend(16, &bytes(b"data"))),
        encode(&attestation("nonce", &bytes(&[7; 2]))),
    ];
    let mut asked = 0_usize;
    for request in &requests {
        for cut in 0..request.len() {
            check(&nsm, &request[..cut]);
            for byte in 0..=255 {
                let mut damaged = request.clone();
                damaged[cut] = byte;
                check(&nsm, &damaged);
                asked += 1;
            }
        }
    }
    assert!(asked > 20_000, "{asked}");
}

fn check(nsm: &Nsm, request: &[u8]) {
    let answer = nsm.answer(request);
    assert!((1..=MAX_RESPONSE_LEN).contains(&answer.len()), "{request:02x?}");
    let mut rest = answer.as_slice();
    let item: Value = ciborium::from_reader(&mut rest).unwrap();
    assert!(rest.is_empty() && (item.is_map() || item.is_text()), "{request:02x?}: {item:?}");
}

#[test]
fn the_largest_document_fits_an_answer() {
    let authority = Authority::new(&Clock::fixed(NOON)).unwrap();
    let config = NsmConfig::new(image()).region("region-of-twenty-let").instance_id("i-0123456789abcdef0");
    let nsm = Nsm::boot(&authority, config).unwrap();
    nsm.lock_pcrs(32).unwrap();
    let full = bytes(&[7; 1024]);
    let request =
        cbor!({ "Attestation" => { "public_key" => full, "user_data" => full, "nonce" => full } }).unwrap();
    let answer = nsm.answer(&encode(&request));
    let document = ciborium::from_reader::<Value, _>(answer.as_slice()).unwrap();
    assert_eq!(document.as_map().unwrap()[0].0.as_text(), Some("Attestation"));
    assert!(answer.len() <= MAX_RESPONSE_LEN, "{}", answer.len());
}
