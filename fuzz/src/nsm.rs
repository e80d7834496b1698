//! Answers of a Nitro Secure Module: read by every operation, and written again by another library.

use ciborium::Value;
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::PcrIndex;
use pcrseal_nitro::{Channel, Nsm};

/// A module that has one answer, over and over.
struct Module(Vec<u8>);

impl Channel for Module {
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        assert!(!request.is_empty() && request.len() <= 4096);
        response.get_mut(..self.0.len()).ok_or(Code::Attester)?.copy_from_slice(&self.0);
        Ok(self.0.len())
    }
}

/// What was read, as the fields of the answer: each a name and a value. Of random bytes the first counts.
pub type Fields = Vec<(&'static str, Value)>;

type Ask = fn(&Nsm) -> Result<Fields, Error>;

/// Every operation, by its name.
pub const OPERATIONS: [(&str, Ask); 7] = [
    ("DescribeNSM", |nsm| {
        let description = nsm.describe()?;
        let (major, minor, patch) = description.version;
        let locked = description.locked_pcrs.iter().map(|index| index.get().into()).collect();
        Ok(vec![
            ("version_major", major.into()),
            ("version_minor", minor.into()),
            ("version_patch", patch.into()),
            ("module_id", description.module_id.into()),
            ("max_pcrs", description.max_pcrs.into()),
            ("locked_pcrs", Value::Array(locked)),
            ("digest", "SHA384".into()),
        ])
    }),
    ("DescribePCR", |nsm| {
        let state = nsm.describe_pcr(index()?)?;
        Ok(vec![("lock", state.locked.into()), ("data", Value::Bytes(state.value.as_bytes().to_vec()))])
    }),
    ("ExtendPCR", |nsm| {
        let value = nsm.extend_pcr(index()?, b"data")?;
        Ok(vec![("data", Value::Bytes(value.as_bytes().to_vec()))])
    }),
    ("LockPCR", |nsm| nsm.lock_pcr(index()?).map(|()| vec![])),
    ("LockPCRs", |nsm| nsm.lock_pcrs(16).map(|()| vec![])),
    ("GetRandom", |nsm| {
        let mut first = [0];
        nsm.random(&mut first)?;
        Ok(vec![("random", Value::Bytes(first.to_vec()))])
    }),
    ("Attestation", |nsm| Ok(vec![("document", Value::Bytes(nsm.attest(&AttestationRequest::default())?))])),
];

/// What an operation reads in an answer.
pub fn read(ask: Ask, answer: &[u8]) -> Result<Fields, Error> {
    ask(&Nsm::over(Module(answer.to_vec())))
}

/// The answer with these fields, and with one more that nobody knows.
pub fn write(operation: &str, fields: &Fields) -> Vec<u8> {
    let value = if fields.is_empty() {
        Value::from(operation)
    } else {
        let unknown = ("since", Value::Array(vec![Value::Null, 1.into()]));
        let fields = fields.iter().cloned().chain([unknown]).map(|(name, value)| (name.into(), value));
        Value::Map(vec![(operation.into(), Value::Map(fields.collect()))])
    };
    encode(&value)
}

/// The answer that is an error.
pub fn refusal(name: &str) -> Vec<u8> {
    encode(&Value::Map(vec![("Error".into(), name.into())]))
}

/// The fields of an answer as ciborium reads it, all of it: `None` where it cannot.
pub fn model(operation: &str, answer: &[u8]) -> Option<Vec<(Value, Value)>> {
    let mut rest = answer;
    match ciborium::from_reader(&mut rest).ok()? {
        Value::Text(name) if name == operation && rest.is_empty() => Some(vec![]),
        Value::Map(outer) if rest.is_empty() => match outer.as_slice() {
            [(Value::Text(name), Value::Map(fields))] if name == operation => Some(fields.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// An answer to every operation.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |length| Value::Bytes(vec![7; length]);
    let described = vec![
        ("version_major", 1.into()),
        ("version_minor", 0.into()),
        ("version_patch", 0.into()),
        ("module_id", "i-0123456789abcdef0-enc0123456789abcde".into()),
        ("max_pcrs", 32.into()),
        ("locked_pcrs", Value::Array((0..16).map(Value::from).collect())),
        ("digest", "SHA384".into()),
    ];
    let fields: [Fields; 7] = [
        described,
        vec![("lock", true.into()), ("data", bytes(48))],
        vec![("data", bytes(48))],
        vec![],
        vec![],
        vec![("random", bytes(256))],
        vec![("document", bytes(100))],
    ];
    OPERATIONS.iter().zip(&fields).map(|((name, _), fields)| (*name, write(name, fields))).collect()
}

fn index() -> Result<PcrIndex, Error> {
    PcrIndex::try_from(16)
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a vector takes everything");
    bytes
}
