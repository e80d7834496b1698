//! A second reading of attestation documents, written over ciborium's values: what an independent decoder makes
//! of the bytes, and whether the rules of AWS's specification, read anew, let them pass.

use std::collections::BTreeMap;

use ciborium::Value;

/// What a document says, and its parts as received.
#[derive(Debug, PartialEq)]
pub struct Document {
    pub protected: Vec<u8>,
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
    pub is_nitrotpm: bool,
    pub module_id: String,
    pub timestamp: u64,
    pub pcrs: BTreeMap<u64, Vec<u8>>,
    pub certificate: Vec<u8>,
    pub cabundle: Vec<Vec<u8>>,
    pub public_key: Option<Vec<u8>>,
    pub user_data: Option<Vec<u8>>,
    pub nonce: Option<Vec<u8>>,
}

/// Reads a document; `None` is a refusal.
///
/// ciborium takes long heads, indefinite lengths and trailing bytes. It never writes them: bytes that differ
/// from its own encoding of what it read had one of these. The payload's outer map alone may be indefinite.
pub fn read(document: &[u8]) -> Option<Document> {
    let envelope: Value = ciborium::from_reader(document).ok()?;
    if encoded(&envelope) != document {
        return None;
    }
    let envelope = match envelope {
        Value::Tag(18, inner) => *inner,
        untagged => untagged,
    };
    let [protected, unprotected, payload, signature]: [Value; 4] =
        envelope.into_array().ok()?.try_into().ok()?;
    let (protected, payload, signature) =
        (protected.into_bytes().ok()?, payload.into_bytes().ok()?, signature.into_bytes().ok()?);
    let es384 = Value::Map(vec![(Value::from(1), Value::from(-35))]);
    if protected != encoded(&es384) || unprotected != Value::Map(Vec::new()) {
        return None;
    }
    if !(1..=16_384).contains(&payload.len()) || signature.len() != 96 {
        return None;
    }

    let entries = ciborium::from_reader::<Value, _>(&payload[..]).ok()?.into_map().ok()?;
    let definite = encoded(&Value::Map(entries.clone()));
    let body: Vec<u8> =
        entries.iter().flat_map(|(name, value)| [encoded(name), encoded(value)]).flatten().collect();
    let indefinite = [&[0xbf][..], &body, &[0xff]].concat();
    if payload != definite && payload != indefinite {
        return None;
    }
    let mut fields = BTreeMap::new();
    for (name, value) in entries {
        if fields.insert(name.into_text().ok()?, value).is_some() {
            return None;
        }
    }
    let mut take = |name: &str| fields.remove(name);
    let enclave = take("pcrs");
    let is_nitrotpm = enclave.is_none();
    let document = Document {
        protected,
        signature,
        is_nitrotpm,
        pcrs: pcrs(match (enclave, take("nitrotpm_pcrs")) {
            (Some(pcrs), None) | (None, Some(pcrs)) => pcrs,
            _ => return None,
        })?,
        module_id: take("module_id")?.into_text().ok()?,
        timestamp: unsigned(&take("timestamp")?)?,
        certificate: within(1, take("certificate")?)?,
        cabundle: take("cabundle")?
            .into_array()
            .ok()?
            .into_iter()
            .map(|der| within(1, der))
            .collect::<Option<_>>()?,
        public_key: optional(take("public_key")).ok()?,
        user_data: optional(take("user_data")).ok()?,
        nonce: optional(take("nonce")).ok()?,
        payload,
    };
    let digest = take("digest")?;
    let good = digest == Value::from("SHA384")
        && fields.is_empty()
        && !document.module_id.is_empty()
        && document.timestamp > 0
        && (1..=7).contains(&document.cabundle.len());
    good.then_some(document)
}

fn pcrs(value: Value) -> Option<BTreeMap<u64, Vec<u8>>> {
    let entries = value.into_map().ok()?;
    let count = entries.len();
    let mut pcrs = BTreeMap::new();
    for (index, value) in entries {
        let (index, value) = (unsigned(&index)?, value.into_bytes().ok()?);
        if index > 31 || value.len() != 48 {
            return None;
        }
        pcrs.insert(index, value);
    }
    (count > 0 && pcrs.len() == count).then_some(pcrs)
}

fn unsigned(value: &Value) -> Option<u64> {
    u64::try_from(value.as_integer()?).ok()
}

/// A byte string of so many to 1024 bytes.
fn within(least: usize, value: Value) -> Option<Vec<u8>> {
    value.into_bytes().ok().filter(|bytes| (least..=1024).contains(&bytes.len()))
}

/// Absent, null, or a byte string of up to 1024 bytes.
fn optional(value: Option<Value>) -> Result<Option<Vec<u8>>, ()> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(bytes) => within(0, bytes).map(Some).ok_or(()),
    }
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
