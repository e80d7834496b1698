//! A binding: one set of PCR values under which the content key is wrapped.

use super::{LABEL_ALG, LABEL_PCRSEAL};
use crate::cbor::{Reader, Writer};
use crate::crypto::SecureRandom;
use crate::crypto::symmetric::{WRAPPED_KEY_LEN, hkdf_sha384, random_bytes, unwrap_key, wrap_key};
use crate::error::{Code, Error};
use crate::limits::PCR_COUNT;
use crate::pcr::{Pcr, PcrIndex, PcrSet};
use crate::secret::Key32;

/// AES key wrap with a 256-bit key (RFC 9053 section 6.2.1).
const ALG_A256KW: i64 = -5;
/// Domain separation of the key-encryption key.
const INFO: &[u8] = b"pcrseal v1 binding";

/// One accepted PCR set of a blob: a COSE recipient that wraps the content key under a key derived from the
/// *measured* values. The expected values beside it are public; they make drift reports exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    expected: PcrSet,
    salt: [u8; 32],
    wrapped_key: [u8; WRAPPED_KEY_LEN],
}

impl Binding {
    /// Binds a content key to PCR values.
    pub(crate) fn new(
        values: &PcrSet,
        content_key: &Key32,
        random: &dyn SecureRandom,
    ) -> Result<Self, Error> {
        let salt = random_bytes(random)?;
        let wrapped_key = wrap_key(&key_encryption_key(&salt, values)?, content_key)?;
        Ok(Self { expected: values.clone(), salt, wrapped_key })
    }

    /// A binding that unwraps nothing, as long as one of these values that does.
    pub(super) const fn of_zeros(expected: PcrSet) -> Self {
        Self { expected, salt: [0; 32], wrapped_key: [0; WRAPPED_KEY_LEN] }
    }

    /// The PCR values that this binding accepts.
    pub const fn expected(&self) -> &PcrSet {
        &self.expected
    }

    /// Whether the measured values are the expected ones.
    pub fn matches(&self, measured: &PcrSet) -> bool {
        self.expected.mismatches(measured).next().is_none()
    }

    /// Unwraps the content key from the measured values.
    pub(crate) fn content_key(&self, measured: &PcrSet) -> Result<Key32, Error> {
        let selected = measured.select(self.expected.selection())?;
        let kek = key_encryption_key(&self.salt, &selected)?;
        unwrap_key(&kek, &self.wrapped_key).ok_or(Code::BindingRejected.into())
    }

    //= RFC 9052 section 8.5.2: "The 'protected' field MUST be a zero-length byte string if the key wrap
    //= algorithm is an AE algorithm."
    /// `[h'', {1: -5, "pcrseal": {"pcrs": {index: value}, "salt": salt}}, wrapped key]`
    pub(super) fn write(&self, writer: Writer) -> Writer {
        let writer = writer
            .array(3)
            .bytes(&[])
            .map(2)
            .int(LABEL_ALG)
            .int(ALG_A256KW)
            .text(LABEL_PCRSEAL)
            .map(2)
            .text("pcrs");
        write_pcrs(writer, &self.expected).text("salt").bytes(&self.salt).bytes(&self.wrapped_key)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.array_of(3, "recipient")?;
        reader.fixed_bytes::<0>("recipient protected header")?;
        reader.map_of(2, "recipient unprotected header")?;
        reader.expect_int(LABEL_ALG, "alg label")?;
        reader.expect_int(ALG_A256KW, "recipient alg")?;
        reader.expect_key(LABEL_PCRSEAL)?;
        reader.map_of(2, LABEL_PCRSEAL)?;
        reader.expect_key("pcrs")?;
        let expected = read_pcrs(reader)?;
        reader.expect_key("salt")?;
        let salt = reader.fixed_bytes("salt")?;
        let wrapped_key = reader.fixed_bytes("wrapped content key")?;
        Ok(Self { expected, salt, wrapped_key })
    }
}

/// `HKDF-SHA-384(salt, IKM = {index: measured value}, info = "pcrseal v1 binding")`
fn key_encryption_key(salt: &[u8; 32], values: &PcrSet) -> Result<Key32, Error> {
    let ikm = write_pcrs(Writer::with_capacity(64 * values.len()), values).finish();
    let [kek] = hkdf_sha384(salt, &ikm, [INFO])?;
    Ok(kek)
}

/// A map of index to value, ascending: for indices below 32 that is the bytewise order of the encodings.
fn write_pcrs(writer: Writer, values: &PcrSet) -> Writer {
    values.iter().fold(writer.map(values.len()), |writer, (index, value)| {
        writer.uint(index.get().into()).bytes(value.as_bytes())
    })
}

fn read_pcrs(reader: &mut Reader<'_>) -> Result<PcrSet, Error> {
    let count = reader.map("pcrs")?;
    if count == 0 || count > PCR_COUNT as u64 {
        return Err(Error::number(Code::BlobBounds, "PCRs of a binding", "1..32", count));
    }
    let mut values = PcrSet::new();
    let mut previous = None;
    for _ in 0..count {
        let index = PcrIndex::try_from(reader.uint("PCR index")?)?;
        if previous.is_some_and(|previous| previous >= index) {
            return Err(Error::field(Code::BlobNotDeterministic, "pcrs"));
        }
        previous = Some(index);
        values.insert(index, Pcr::new(reader.fixed_bytes("PCR value")?));
    }
    Ok(values)
}
