//! A module that plays back a script, and a writer of CBOR that is not the product's.
#![allow(dead_code, unreachable_pub)]

pub mod cbor;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::pcr::PcrIndex;
use pcrseal_nitro::{Channel, Nsm};

use cbor::{boolean, bytes, map, text, uint};

/// A channel that is a function.
pub struct Wire<F>(pub F);

impl<F: Fn(&[u8], &mut [u8]) -> Result<usize, Error> + Send + Sync> Channel for Wire<F> {
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        (self.0)(request, response)
    }
}

/// What the module was asked, in order.
pub type Requests = Arc<Mutex<Vec<Vec<u8>>>>;

/// A module that gives these answers, one after the other, and then fails with [`Code::Attester`].
pub fn scripted(answers: impl IntoIterator<Item = Vec<u8>>) -> (Nsm, Requests) {
    let requests = Requests::default();
    let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
    let asked = Arc::clone(&requests);
    let nsm = Nsm::over(Wire(move |request: &[u8], response: &mut [u8]| {
        asked.lock().unwrap().push(request.to_vec());
        let answer = answers.lock().unwrap().pop_front().ok_or(Code::Attester)?;
        response[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }));
    (nsm, requests)
}

/// A module that gives one answer.
pub fn answering(answer: &[u8]) -> Nsm {
    scripted([answer.to_vec()]).0
}

pub fn index(raw: u64) -> PcrIndex {
    PcrIndex::try_from(raw).unwrap()
}

/// Asks, and gives what was read as text.
pub type Ask = fn(&Nsm) -> Result<String, Error>;

/// Every operation: its name, how it is asked for, and an answer to it.
pub fn operations() -> [(&'static str, Ask, Vec<u8>); 7] {
    [
        ("DescribeNSM", |nsm| nsm.describe().map(|value| format!("{value:?}")), description()),
        (
            "DescribePCR",
            |nsm| nsm.describe_pcr(index(16)).map(|value| format!("{value:?}")),
            pcr_state(true, 5),
        ),
        (
            "ExtendPCR",
            |nsm| nsm.extend_pcr(index(16), b"data").map(|value| format!("{value:?}")),
            map(&[(text("ExtendPCR"), map(&[(text("data"), bytes(&[6; 48]))]))]),
        ),
        ("LockPCR", |nsm| nsm.lock_pcr(index(16)).map(|()| String::new()), text("LockPCR")),
        ("LockPCRs", |nsm| nsm.lock_pcrs(16).map(|()| String::new()), text("LockPCRs")),
        (
            "GetRandom",
            |nsm| {
                let mut buffer = [0; 4];
                nsm.random(&mut buffer).map(|()| format!("{buffer:?}"))
            },
            random(&[1, 2, 3, 4]),
        ),
        (
            "Attestation",
            |nsm| nsm.attest(&AttestationRequest::default()).map(|value| format!("{value:?}")),
            map(&[(text("Attestation"), map(&[(text("document"), bytes(&[0xd2, 0x84]))]))]),
        ),
    ]
}

/// An answer to `DescribeNSM`, its fields in the order of `aws-nitro-enclaves-nsm-api`.
pub fn description() -> Vec<u8> {
    let fields = map(&[
        (text("version_major"), uint(1)),
        (text("version_minor"), uint(2)),
        (text("version_patch"), uint(300)),
        (text("module_id"), text("i-0123456789abcdef0-enc0123456789abcde")),
        (text("max_pcrs"), uint(32)),
        (text("locked_pcrs"), cbor::array(&[uint(0), uint(1), uint(2), uint(31)])),
        (text("digest"), text("SHA384")),
    ]);
    map(&[(text("DescribeNSM"), fields)])
}

pub fn pcr_state(locked: bool, value: u8) -> Vec<u8> {
    let fields = map(&[(text("lock"), boolean(locked)), (text("data"), bytes(&[value; 48]))]);
    map(&[(text("DescribePCR"), fields)])
}

pub fn random(content: &[u8]) -> Vec<u8> {
    map(&[(text("GetRandom"), map(&[(text("random"), bytes(content))]))])
}

pub fn refusal(name: &str) -> Vec<u8> {
    map(&[(text("Error"), text(name))])
}

/// The place, the expectation and the finding of an error's detail.
pub fn at(error: &Error) -> (&str, &str, &str) {
    match error.detail() {
        Detail::At { place, expected, found } => (place, expected, found),
        detail => panic!("not a place: {detail:?}"),
    }
}
