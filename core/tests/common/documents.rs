//! Genuine attestation documents, whole and taken apart for altering.

use std::fs;
use std::path::Path;

use ciborium::Value;
use serde_json::Value as Json;

use super::vectors;

/// The folder's `index.json`, or `None` where the vectors are absent.
pub fn index() -> Option<(std::path::PathBuf, Json)> {
    let folder = vectors("attestation")?;
    let index = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    Some((folder, index))
}

/// Calls `f` with every genuine document: its bytes, its entry in the index.
pub fn each_genuine(f: impl Fn(&[u8], &Json)) {
    let Some((folder, index)) = index() else { return };
    let documents = index["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 23);
    for facts in documents {
        f(&read(&folder, facts), facts);
    }
}

pub fn read(folder: &Path, facts: &Json) -> Vec<u8> {
    fs::read(folder.join(facts["file"].as_str().unwrap())).unwrap()
}

pub fn verify_at_ms(facts: &Json) -> u64 {
    facts["verify_at_unix"].as_u64().unwrap() * 1000
}

/// Seconds since the epoch of `YYYY-MM-DDTHH:MM:SS+00:00`.
pub fn seconds(text: &str) -> u64 {
    assert!(text.ends_with("+00:00"), "{text}");
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    // Days from civil, with the year starting in March.
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60 + number(17, 19)
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A document in parts. Every part is raw CBOR, so that any fault can be written.
#[derive(Clone)]
pub struct Parts {
    pub head: Vec<u8>,
    pub protected: Vec<u8>,
    pub unprotected: Vec<u8>,
    pub payload_head: Option<u8>,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub payload_tail: Vec<u8>,
    /// What stands in the payload's place, if it is not the byte string of the fields.
    pub payload_item: Option<Vec<u8>>,
    pub signature: Vec<u8>,
    pub tail: Vec<u8>,
}

impl Parts {
    pub fn of(document: &[u8]) -> Self {
        let envelope: Value = ciborium::from_reader(document).unwrap();
        let envelope = envelope.into_array().unwrap();
        let payload: Value = ciborium::from_reader(&envelope[2].as_bytes().unwrap()[..]).unwrap();
        Self {
            head: vec![0x84],
            protected: cbor(&envelope[0]),
            unprotected: cbor(&envelope[1]),
            payload_head: None,
            fields: payload
                .into_map()
                .unwrap()
                .iter()
                .map(|(name, value)| (cbor(name), cbor(value)))
                .collect(),
            payload_tail: Vec::new(),
            payload_item: None,
            signature: cbor(&envelope[3]),
            tail: Vec::new(),
        }
    }

    /// No bytes at all.
    pub fn empty() -> Self {
        Self {
            head: Vec::new(),
            protected: Vec::new(),
            unprotected: Vec::new(),
            payload_head: None,
            fields: Vec::new(),
            payload_tail: Vec::new(),
            payload_item: Some(Vec::new()),
            signature: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub fn payload(&self) -> Vec<u8> {
        let definite = 0xa0 + u8::try_from(self.fields.len()).unwrap();
        let mut payload = vec![self.payload_head.unwrap_or(definite)];
        for (name, value) in &self.fields {
            payload.extend_from_slice(name);
            payload.extend_from_slice(value);
        }
        payload.extend_from_slice(&self.payload_tail);
        payload
    }

    pub fn encode(&self) -> Vec<u8> {
        match &self.payload_item {
            Some(item) => self.encode_with_payload(item),
            None => self.encode_with_payload(&cbor(&Value::Bytes(self.payload()))),
        }
    }

    /// The document with this raw item in the payload's place.
    pub fn encode_with_payload(&self, payload: &[u8]) -> Vec<u8> {
        [&self.head[..], &self.protected, &self.unprotected, payload, &self.signature, &self.tail].concat()
    }

    /// The raw value of a field.
    pub fn field(&mut self, name: &str) -> &mut Vec<u8> {
        let name = cbor(&Value::from(name));
        &mut self.fields.iter_mut().find(|(other, _)| *other == name).unwrap().1
    }

    pub fn remove(&mut self, name: &str) {
        let name = cbor(&Value::from(name));
        let before = self.fields.len();
        self.fields.retain(|(other, _)| *other != name);
        assert_eq!(self.fields.len(), before - 1);
    }

    pub fn push(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.push((cbor(&Value::from(name)), cbor(&value.into())));
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        *self.field(name) = cbor(&value.into());
    }

    pub fn certificate(&mut self) -> Vec<u8> {
        let value: Value = ciborium::from_reader(&self.field("certificate")[..]).unwrap();
        value.into_bytes().unwrap()
    }

    pub fn cabundle(&mut self) -> Vec<Vec<u8>> {
        let value: Value = ciborium::from_reader(&self.field("cabundle")[..]).unwrap();
        value.into_array().unwrap().into_iter().map(|item| item.into_bytes().unwrap()).collect()
    }

    pub fn set_certificate(&mut self, der: Vec<u8>) {
        self.set("certificate", Value::Bytes(der));
    }

    pub fn set_cabundle(&mut self, ders: Vec<Vec<u8>>) {
        self.set("cabundle", Value::Array(ders.into_iter().map(Value::Bytes).collect()));
    }
}

pub fn cbor(value: &Value) -> Vec<u8> {
    let mut encoded = Vec::new();
    ciborium::into_writer(value, &mut encoded).unwrap();
    encoded
}
