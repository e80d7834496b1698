//! A reader of documents that trusts and checks nothing, so that it reads unsigned ones too.
//!
//! It is written from AWS's `attestation_process.md` and not with core's parser: what core makes of a signed document is
//! compared with what this one reads.

use ciborium::Value;
use pcrseal_core::attester::{AttestationRequest, NitroSecureModule};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

use crate::check::{Result, done};

/// What a document says.
pub(crate) struct Document {
    /// As received.
    pub(crate) bytes: Vec<u8>,
    pub(crate) module_id: String,
    pub(crate) digest: String,
    pub(crate) timestamp_ms: u64,
    pub(crate) pcrs: PcrSet,
    /// The certificates above the leaf, DER, root first.
    pub(crate) cabundle: Vec<Vec<u8>>,
    pub(crate) public_key: Option<Vec<u8>>,
    pub(crate) user_data: Option<Vec<u8>>,
    pub(crate) nonce: Option<Vec<u8>>,
}

impl Document {
    /// Asks the module for a document, and reads it.
    pub(crate) fn of(module: &dyn NitroSecureModule, request: &AttestationRequest<'_>) -> Result<Self> {
        let bytes = done("Attestation", module.attest(request))?;
        let mut fields = payload(&bytes)?;
        Ok(Self {
            module_id: text(fields.take("module_id")?)?,
            digest: text(fields.take("digest")?)?,
            timestamp_ms: number(fields.take("timestamp")?)?,
            pcrs: pcrs(fields.take("pcrs")?)?,
            cabundle: cabundle(fields.take("cabundle")?)?,
            public_key: optional(fields.take("public_key")?)?,
            user_data: optional(fields.take("user_data")?)?,
            nonce: optional(fields.take("nonce")?)?,
            bytes,
        })
    }
}

/// The payload of the `COSE_Sign1`: its third item (RFC 9052 section 4.2).
fn payload(document: &[u8]) -> Result<Fields> {
    let Value::Array(items) = decode("COSE_Sign1", document)? else {
        return Err("COSE_Sign1: expected an array, found something else".into());
    };
    let Ok([_protected, _unprotected, Value::Bytes(payload), _signature]) = <[Value; 4]>::try_from(items)
    else {
        return Err("COSE_Sign1: expected four items, the third a byte string, found something else".into());
    };
    match decode("payload", &payload)? {
        Value::Map(fields) => Ok(Fields(fields)),
        _ => Err("payload: expected a map, found something else".into()),
    }
}

fn decode(what: &str, mut bytes: &[u8]) -> Result<Value> {
    let item = ciborium::from_reader(&mut bytes);
    let item = item.map_err(|error| format!("{what}: expected CBOR, found {error}"))?;
    if bytes.is_empty() {
        Ok(item)
    } else {
        Err(format!("{what}: expected nothing after it, found {} bytes", bytes.len()))
    }
}

struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn take(&mut self, name: &str) -> Result<(String, Value)> {
        let at = self.0.iter().position(|(key, _)| key.as_text() == Some(name));
        let at = at.ok_or_else(|| format!("document: expected a field {name}, found none"))?;
        Ok((name.into(), self.0.swap_remove(at).1))
    }
}

fn text((name, value): (String, Value)) -> Result<String> {
    value.into_text().map_err(|found| format!("{name}: expected a text, found {found:?}"))
}

fn number((name, value): (String, Value)) -> Result<u64> {
    let number = value.as_integer().and_then(|number| number.try_into().ok());
    number.ok_or_else(|| format!("{name}: expected a number, found {value:?}"))
}

fn optional((name, value): (String, Value)) -> Result<Option<Vec<u8>>> {
    match value {
        Value::Null => Ok(None),
        Value::Bytes(bytes) => Ok(Some(bytes)),
        other => Err(format!("{name}: expected bytes or null, found {other:?}")),
    }
}

fn cabundle((name, value): (String, Value)) -> Result<Vec<Vec<u8>>> {
    let entries =
        value.into_array().map_err(|found| format!("{name}: expected an array, found {found:?}"))?;
    let ders = entries.into_iter().map(Value::into_bytes).collect::<core::result::Result<_, _>>();
    ders.map_err(|found| format!("{name}: expected bytes, found {found:?}"))
}

fn pcrs((name, value): (String, Value)) -> Result<PcrSet> {
    let entries = value.into_map().map_err(|found| format!("{name}: expected a map, found {found:?}"))?;
    let mut pcrs = PcrSet::new();
    for (key, value) in entries {
        let index = number((name.clone(), key))?;
        let index = PcrIndex::try_from(index).map_err(|error| error.to_string())?;
        let Value::Bytes(bytes) = value else {
            return Err(format!("{index}: expected bytes, found {value:?}"));
        };
        let value = Pcr::try_from(bytes.as_slice()).map_err(|error| error.to_string())?;
        if pcrs.insert(index, value).is_some() {
            return Err(format!("{name}: expected {index} once, found it twice"));
        }
    }
    Ok(pcrs)
}
