//! The device's side of the protocol that `/dev/nsm` carries: one CBOR item in, one out.
//!
//! The form is that of the types of `aws-nitro-enclaves-nsm-api` 0.5 (`api::Request`, `api::Response`) under serde: a
//! variant without fields is a text string (`"GetRandom"`), one with fields a map of one entry (`{"LockPCR": {"index":
//! 16}}`). Two readings of it are public: that crate, which AWS's own device agrees with, and QEMU's device
//! (`hw/virtio/virtio-nsm.c`). Where they agree, so does this one:
//!
//! - fields come in any order, further ones are ignored, and an optional one that is absent is null;
//! - bytes may be written as text.
//!
//! Where they differ, this device takes what the documented types hold and nothing that only one decoder happens to let
//! pass:
//!
//! | request | the crate's types | QEMU | here |
//! |---|---|---|---|
//! | index or range of 256..65535 | a `u16` | InvalidOperation | InvalidIndex |
//! | a number that is not in its shortest form | the number | InvalidOperation | the number |
//! | bytes in chunks (RFC 8949 section 3.2.3) | the bytes | no bytes | the bytes |
//! | bytes as an array of numbers; fields as an array; `{"GetRandom": null}`; a tag | taken | InvalidOperation | InvalidOperation |
//! | a field twice; bytes after the item | not decoded | taken | InvalidOperation |
//! | a field of an attestation over 1024 bytes | no rule; `attestation_process.md` says 1024 | taken | InputTooLarge |
//! | ExtendPCR without data | no rule | taken | InvalidArgument |
//! | no request at all | not decoded | the device breaks | InvalidOperation |

use ciborium::Value;
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex};

use super::{Nsm, pcr_index, random};

/// Longest request in bytes (`aws-nitro-enclaves-nsm-api`, `NSM_REQUEST_MAX_SIZE`).
pub const MAX_REQUEST_LEN: usize = 0x1000;
/// Longest answer in bytes (`aws-nitro-enclaves-nsm-api`, `NSM_RESPONSE_MAX_SIZE`).
pub const MAX_RESPONSE_LEN: usize = 0x3000;
/// Bytes of one `GetRandom` (QEMU, `NSM_RND_BUF_SIZE`).
const RANDOM_LEN: usize = 256;
/// How deep a request may nest: a map in a map, and some room for fields that are ignored.
const MAX_DEPTH: usize = 8;
/// `{"Error": "InternalError"}`.
const INTERNAL_ERROR: &[u8] = b"\xa1\x65Error\x6dInternalError";

impl Nsm {
    /// Answers a driver's request, as the device does. Both are CBOR; the answer has 1 to [`MAX_RESPONSE_LEN`] bytes.
    ///
    /// It does not fail: what goes wrong is answered `{"Error": name}`, where the names are those of
    /// `aws-nitro-enclaves-nsm-api`, `ErrorCode`. A request over [`MAX_REQUEST_LEN`] bytes is `InputTooLarge`, one that is
    /// not understood `InvalidOperation`.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let answer = Request::read(request).and_then(|request| self.carry_out(request));
        encode(&answer.unwrap_or_else(|error| refusal(error.code())))
    }

    fn carry_out(&self, request: Request) -> Result<Value, Error> {
        Ok(match request {
            Request::DescribeNsm => self.description()?,
            Request::DescribePcr { index } => {
                let state = self.describe_pcr(index)?;
                answer(
                    "DescribePCR",
                    vec![("lock", Value::Bool(state.locked)), ("data", register(&state.value))],
                )
            }
            Request::ExtendPcr { index, data } => {
                // Not through the trait, whose bound is for every index: a request to PCR16 has room for one byte more.
                let value = self.state().registers.extend(index, &data)?;
                answer("ExtendPCR", vec![("data", register(&value))])
            }
            Request::LockPcr { index } => {
                self.lock_pcr(index)?;
                Value::from("LockPCR")
            }
            Request::LockPcrs { range } => {
                self.lock_pcrs(range)?;
                Value::from("LockPCRs")
            }
            Request::GetRandom => {
                answer("GetRandom", vec![("random", Value::Bytes(random::<RANDOM_LEN>()?.to_vec()))])
            }
            Request::Attestation { public_key, user_data, nonce } => {
                let document = self.attest(&AttestationRequest {
                    public_key: public_key.as_deref(),
                    user_data: user_data.as_deref(),
                    nonce: nonce.as_deref(),
                })?;
                answer("Attestation", vec![("document", Value::Bytes(document))])
            }
        })
    }

    fn description(&self) -> Result<Value, Error> {
        let description = self.describe()?;
        let (major, minor, patch) = description.version;
        let locked = description.locked_pcrs.iter().map(|index| Value::from(index.get())).collect();
        Ok(answer(
            "DescribeNSM",
            vec![
                ("version_major", Value::from(major)),
                ("version_minor", Value::from(minor)),
                ("version_patch", Value::from(patch)),
                ("module_id", Value::from(description.module_id)),
                ("max_pcrs", Value::from(description.max_pcrs)),
                ("locked_pcrs", Value::Array(locked)),
                ("digest", Value::from("SHA384")),
            ],
        ))
    }
}

/// A request as understood.
enum Request {
    DescribePcr { index: PcrIndex },
    ExtendPcr { index: PcrIndex, data: Vec<u8> },
    LockPcr { index: PcrIndex },
    LockPcrs { range: u16 },
    DescribeNsm,
    Attestation { public_key: Option<Vec<u8>>, user_data: Option<Vec<u8>>, nonce: Option<Vec<u8>> },
    GetRandom,
}

impl Request {
    /// # Errors
    /// [`Code::NsmInputTooLarge`], [`Code::NsmInvalidOperation`]; [`Code::NsmInvalidIndex`].
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(Error::new(Code::NsmInputTooLarge));
        }
        let mut rest = bytes;
        let item = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH);
        match item {
            Ok(Value::Text(name)) if rest.is_empty() => match name.as_str() {
                "DescribeNSM" => Ok(Self::DescribeNsm),
                "GetRandom" => Ok(Self::GetRandom),
                _ => Err(not_understood()),
            },
            Ok(Value::Map(entries)) if rest.is_empty() => {
                let [(Value::Text(name), Value::Map(fields))]: [_; 1] =
                    entries.try_into().map_err(|_| not_understood())?
                else {
                    return Err(not_understood());
                };
                Self::with_fields(&name, Fields(fields))
            }
            _ => Err(not_understood()),
        }
    }

    fn with_fields(name: &str, mut fields: Fields) -> Result<Self, Error> {
        Ok(match name {
            "DescribePCR" => Self::DescribePcr { index: pcr_index(fields.number("index")?)? },
            "ExtendPCR" => {
                // Both fields are read before the index is judged: half a request has no index that is wrong.
                let (index, data) =
                    (fields.number("index")?, fields.bytes("data")?.ok_or_else(not_understood)?);
                Self::ExtendPcr { index: pcr_index(index)?, data }
            }
            "LockPCR" => Self::LockPcr { index: pcr_index(fields.number("index")?)? },
            "LockPCRs" => Self::LockPcrs { range: fields.number("range")? },
            "Attestation" => Self::Attestation {
                public_key: fields.bytes("public_key")?,
                user_data: fields.bytes("user_data")?,
                nonce: fields.bytes("nonce")?,
            },
            _ => return Err(not_understood()),
        })
    }
}

/// The fields of a request, taken by name; what is left is ignored.
struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn take(&mut self, name: &str) -> Result<Option<Value>, Error> {
        let mut found = self.0.extract_if(.., |(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
        let (first, second) = (found.next(), found.next());
        if second.is_some() { Err(not_understood()) } else { Ok(first) }
    }

    fn number(&mut self, name: &str) -> Result<u16, Error> {
        let value = self.take(name)?.and_then(|value| value.as_integer());
        value.and_then(|number| number.try_into().ok()).ok_or_else(not_understood)
    }

    /// `None` for null, and where there is no such field.
    fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.take(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Text(text)) => Ok(Some(text.into_bytes())),
            Some(_) => Err(not_understood()),
        }
    }
}

const fn not_understood() -> Error {
    Error::new(Code::NsmInvalidOperation)
}

/// `{name: {field: value, …}}`.
fn answer(name: &str, fields: Vec<(&str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(field, value)| (Value::from(field), value)).collect();
    Value::Map(vec![(Value::from(name), Value::Map(fields))])
}

fn register(value: &Pcr) -> Value {
    Value::Bytes(value.as_bytes().to_vec())
}

/// `{"Error": name}`.
fn refusal(code: Code) -> Value {
    let name = match code {
        Code::NsmInvalidArgument => "InvalidArgument",
        Code::NsmInvalidIndex => "InvalidIndex",
        Code::NsmReadOnlyIndex => "ReadOnlyIndex",
        Code::NsmInvalidOperation => "InvalidOperation",
        Code::NsmBufferTooSmall => "BufferTooSmall",
        Code::NsmInputTooLarge => "InputTooLarge",
        _ => "InternalError",
    };
    Value::Map(vec![(Value::from("Error"), Value::from(name))])
}

fn encode(answer: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    match ciborium::into_writer(answer, &mut bytes) {
        Ok(()) if bytes.len() <= MAX_RESPONSE_LEN => bytes,
        _ => INTERNAL_ERROR.to_vec(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ciborium::Value;

    use super::{INTERNAL_ERROR, MAX_RESPONSE_LEN, encode, refusal};
    use pcrseal_core::error::Code;

    #[test]
    fn an_answer_that_no_driver_has_room_for_is_an_internal_error() {
        // A byte string of this length has a head of three bytes.
        let fits = MAX_RESPONSE_LEN - 3;
        assert_eq!(encode(&Value::Bytes(vec![7; fits])).len(), MAX_RESPONSE_LEN);
        assert_eq!(encode(&Value::Bytes(vec![7; fits + 1])), INTERNAL_ERROR);
        assert_eq!(encode(&refusal(Code::Random)), INTERNAL_ERROR);
    }
}
