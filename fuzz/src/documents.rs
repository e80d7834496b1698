//! Attestation documents in every shape that AWS issues, with signatures that are none: for a backend that takes
//! them all.

use ciborium::Value;

use crate::certificates::{AT, certificate, ecdsa_with_sha384, p384_key, tbs};

/// Names and documents; each verifies at its own timestamp under its first certificate.
pub fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let untagged: &[u8] = &[0x84];
    let tagged: &[u8] = &[0xd2, 0x84];
    vec![
        ("definite", document(untagged, payload(4, "pcrs", 16, Some(9)))),
        ("indefinite", document(untagged, indefinite(payload(4, "pcrs", 16, None)))),
        ("tagged", document(tagged, payload(4, "pcrs", 1, Some(1024)))),
        ("nitrotpm", document(untagged, payload(4, "nitrotpm_pcrs", 24, Some(0)))),
        ("root_and_leaf", document(untagged, payload(1, "pcrs", 32, None))),
        ("seven_authorities", document(untagged, payload(7, "pcrs", 3, None))),
    ]
}

/// The certificates of a document, the leaf last, and the document with others instead.
pub struct Certificates {
    envelope: Vec<Value>,
    fields: Vec<(Value, Value)>,
    /// DER.
    pub ders: Vec<Vec<u8>>,
}

impl Certificates {
    /// Takes a document apart that [`crate::model::read`] accepts.
    pub fn of(document: &[u8]) -> Option<Self> {
        let model = crate::model::read(document)?;
        let envelope: Value = ciborium::from_reader(document).ok()?;
        let envelope = match envelope {
            Value::Tag(_, inner) => inner.into_array().ok()?,
            untagged => untagged.into_array().ok()?,
        };
        let fields = ciborium::from_reader::<Value, _>(&model.payload[..]).ok()?.into_map().ok()?;
        Some(Self { envelope, fields, ders: [model.cabundle, vec![model.certificate]].concat() })
    }

    /// The document, untagged and with a definite map.
    pub fn put_back(mut self) -> Option<Vec<u8>> {
        let leaf = Value::Bytes(self.ders.pop()?);
        let cabundle = Value::Array(self.ders.into_iter().map(Value::Bytes).collect());
        for (name, value) in [("certificate", leaf), ("cabundle", cabundle)] {
            self.fields.iter_mut().find(|(other, _)| other.as_text() == Some(name))?.1 = value;
        }
        self.envelope[2] = Value::Bytes(cbor(&Value::Map(self.fields)));
        Some(cbor(&Value::Array(self.envelope)))
    }
}

fn document(head: &[u8], payload: Vec<u8>) -> Vec<u8> {
    let protected = cbor(&Value::Bytes(vec![0xa1, 1, 0x38, 34]));
    [head, &protected, &[0xa0], &cbor(&Value::Bytes(payload)), &cbor(&Value::Bytes(vec![1; 96]))].concat()
}

/// Fields in AWS's order; the optional ones of this length, or null.
fn payload(authorities: usize, pcrs: &str, count: u8, optional: Option<usize>) -> Vec<u8> {
    let optional = optional.map_or(Value::Null, |len| Value::Bytes(vec![7; len]));
    let mut cabundle: Vec<Value> = (0..=authorities)
        .map(|position| {
            let point = [&[4][..], &[position as u8; 96]].concat();
            let tbs = tbs(position, authorities, p384_key(&point));
            // ECDSA-Sig-Value (1, 1).
            Value::Bytes(certificate(tbs, ecdsa_with_sha384(), &[0x30, 6, 2, 1, 1, 2, 1, 1]))
        })
        .collect();
    let leaf = cabundle.pop().expect("a leaf");
    let values = (0..count).map(|index| (index.into(), Value::Bytes(vec![index; 48]))).collect();
    let fields = [
        ("module_id", "i-0123456789abcdef0-enc0123456789abcdef".into()),
        ("digest", "SHA384".into()),
        ("timestamp", (AT * 1000).into()),
        (pcrs, Value::Map(values)),
        ("certificate", leaf),
        ("cabundle", Value::Array(cabundle)),
        ("public_key", optional.clone()),
        ("user_data", optional.clone()),
        ("nonce", optional),
    ];
    cbor(&Value::Map(fields.map(|(name, value)| (name.into(), value)).into()))
}

/// The same map, ended by a break.
fn indefinite(mut map: Vec<u8>) -> Vec<u8> {
    map[0] = 0xbf;
    map.push(0xff);
    map
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a Vec takes everything");
    bytes
}
