//! The sealed blob: one `COSE_Encrypt` message (RFC 9052 section 5.1), normatively described in
//! `docs/FORMAT.md`.
//!
//! The outer layer is bound to PCR values and detects drift. It authenticates nothing and keeps nothing
//! secret: PCR values are public, so anyone can open it, or add, strip and replace bindings. PCRs are
//! *enforced* by the KMS key policies and by [`TrustPolicy`](crate::policy::TrustPolicy).

mod binding;
pub(crate) mod bundle;
mod contents;
pub(crate) mod context;
mod longest;
pub mod rebind;

use alloc::vec::Vec;

pub use binding::Binding;
pub use contents::UnverifiedContents;
pub use context::EncryptionContext;
pub(crate) use longest::longest;

use crate::cbor::{Reader, Writer};
use crate::crypto::symmetric::{GCM_IV_LEN, GCM_TAG_LEN, gcm_decrypt, gcm_encrypt};
use crate::error::{Code, Error};
use crate::limits::{FORMAT_VERSION, MAX_BINDINGS, MAX_BLOB_LEN};
use crate::names::{ClusterId, SealId, Wrapping};
use crate::pcr::{PcrSelection, PcrSet};
use crate::secret::Key32;
use bundle::Bundle;

/// `COSE_Encrypt` (RFC 9052 section 2, table 1).
const TAG_COSE_ENCRYPT: u64 = 96;
/// The `alg` header parameter (RFC 9052 section 3.1).
const LABEL_ALG: i64 = 1;
/// The `IV` header parameter (RFC 9052 section 3.1).
const LABEL_IV: i64 = 5;
/// AES-GCM with a 256-bit key and a 128-bit tag (RFC 9053 section 4.1).
const ALG_A256GCM: i64 = 3;
/// The one text label of ours.
const LABEL_PCRSEAL: &str = "pcrseal";

/// What the protected header says about a blob. Untrusted until compared with a
/// [`TrustPolicy`](crate::policy::TrustPolicy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name of this seal.
    pub seal_id: SealId,
    /// The cluster it was made for.
    pub cluster: ClusterId,
    /// The generation of the secret's wrapping; a reseal raises it by one.
    pub generation: u64,
    /// How KMS protects the share keys.
    pub wrapping: Wrapping,
}

impl Header {
    /// `{1: 3, "pcrseal": {"v", "cluster", "seal-id", "wrapping", "generation"}}`; keys in the bytewise order
    /// of their encodings.
    fn encode(&self) -> Vec<u8> {
        Writer::with_capacity(192)
            .map(2)
            .int(LABEL_ALG)
            .int(ALG_A256GCM)
            .text(LABEL_PCRSEAL)
            .map(5)
            .text("v")
            .uint(FORMAT_VERSION)
            .text("cluster")
            .text(self.cluster.as_str())
            .text("seal-id")
            .bytes(self.seal_id.as_bytes())
            .text("wrapping")
            .text(self.wrapping.name())
            .text("generation")
            .uint(self.generation)
            .finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        reader.map_of(2, "protected header")?;
        reader.expect_int(LABEL_ALG, "alg label")?;
        let alg = reader.int("alg")?;
        reader.expect_key(LABEL_PCRSEAL)?;
        let fields = reader.map(LABEL_PCRSEAL)?;
        // The version is judged first, so that a later format, whose algorithm may be another, is named for
        // what it is.
        reader.expect_key("v")?;
        let version = reader.uint("v")?;
        if version != FORMAT_VERSION {
            return Err(Error::number(Code::BlobVersion, "version", "1", version));
        }
        if alg != ALG_A256GCM {
            return Err(Error::field(Code::BlobMalformed, "alg"));
        }
        if fields != 5 {
            return Err(Error::field(Code::BlobMalformed, LABEL_PCRSEAL));
        }
        reader.expect_key("cluster")?;
        let cluster = ClusterId::new(reader.text("cluster")?)?;
        reader.expect_key("seal-id")?;
        let seal_id = SealId::new(reader.fixed_bytes("seal-id")?);
        reader.expect_key("wrapping")?;
        let wrapping = Wrapping::from_name(reader.text("wrapping")?)
            .ok_or(Error::field(Code::BlobMalformed, "wrapping"))?;
        reader.expect_key("generation")?;
        let generation = reader.uint("generation")?;
        reader.end("protected header")?;
        Ok(Self { seal_id, cluster, generation, wrapping })
    }
}

/// A parsed blob that borrows from its bytes. Well-formed, and untrusted: nothing in it has been compared
/// with what the enclave trusts, and nothing was decrypted.
#[derive(Clone, Debug)]
pub struct SealedBlob<'a> {
    header: Header,
    protected: &'a [u8],
    iv: [u8; GCM_IV_LEN],
    ciphertext: &'a [u8],
    bindings: Vec<Binding>,
}

impl<'a> SealedBlob<'a> {
    /// Reads a blob (at most 256 KiB). Any encoding but the deterministic one is refused, and nothing may
    /// follow.
    ///
    /// # Errors
    /// [`Code::BlobSize`], [`Code::BlobMalformed`], [`Code::BlobNotDeterministic`], [`Code::BlobTrailing`],
    /// [`Code::BlobVersion`], [`Code::BindingCount`], [`Code::BindingDuplicate`], [`Code::ClusterId`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.is_empty() || bytes.len() > MAX_BLOB_LEN {
            return Err(Error::number(Code::BlobSize, "bytes", "1..262144", bytes.len() as u64));
        }
        Self::read(Reader::new(bytes)).map_err(malformed)
    }

    /// `96([protected, {5: IV}, ciphertext, [1*8 recipient]])`
    fn read(mut reader: Reader<'a>) -> Result<Self, Error> {
        reader.expect_tag(TAG_COSE_ENCRYPT, "COSE_Encrypt")?;
        reader.array_of(4, "COSE_Encrypt")?;
        let protected = reader.bytes("protected")?;
        let header = Header::decode(protected)?;
        reader.map_of(1, "unprotected header")?;
        reader.expect_int(LABEL_IV, "IV label")?;
        let iv = reader.fixed_bytes("IV")?;
        let ciphertext = reader.bytes("ciphertext")?;
        if ciphertext.len() <= GCM_TAG_LEN {
            return Err(Error::field(Code::BlobMalformed, "ciphertext"));
        }
        let count = reader.array("recipients")?;
        if count == 0 || count > MAX_BINDINGS as u64 {
            return Err(Error::number(Code::BindingCount, "bindings", "1..8", count));
        }
        let mut bindings = Vec::with_capacity(MAX_BINDINGS);
        for _ in 0..count {
            let binding = Binding::read(&mut reader)?;
            if bindings.iter().any(|earlier: &Binding| earlier.expected() == binding.expected()) {
                return Err(Code::BindingDuplicate.into());
            }
            bindings.push(binding);
        }
        reader.end("COSE_Encrypt")?;
        Ok(Self { header, protected, iv, ciphertext, bindings })
    }

    /// The protected header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The accepted PCR sets, in order.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Unwraps the content key with the first binding that covers the required PCRs and matches the measured
    /// values.
    ///
    /// # Errors
    /// [`Code::PcrDrift`] with the differences to the closest binding, [`Code::BindingTooWeak`] when no
    /// binding covers the required PCRs at all, [`Code::BindingRejected`].
    pub(crate) fn content_key(&self, measured: &PcrSet, required: PcrSelection) -> Result<Key32, Error> {
        let strong =
            || self.bindings.iter().filter(|binding| binding.expected().selection().covers(required));
        if let Some(binding) = strong().find(|binding| binding.matches(measured)) {
            return binding.content_key(measured);
        }
        let closest = strong()
            .map(|binding| binding.expected().mismatches(measured).collect::<Vec<_>>())
            .min_by_key(Vec::len);
        Err(closest.map_or(Code::BindingTooWeak.into(), |drift| Error::pcrs(Code::PcrDrift, drift)))
    }

    /// Unwraps the content key without any measurement: every binding's expected values are public and do.
    ///
    /// # Errors
    /// [`Code::BindingRejected`] when no binding unwraps it.
    fn public_content_key(&self) -> Result<Key32, Error> {
        let keys = self.bindings.iter().map(|binding| binding.content_key(binding.expected()));
        keys.flatten().next().ok_or(Code::BindingRejected.into())
    }

    /// Opens the outer layer.
    ///
    /// # Errors
    /// [`Code::ContentRejected`], and what [`Bundle::decode`] answers.
    pub(crate) fn open(&self, content_key: &Key32, external_aad: &[u8]) -> Result<Bundle, Error> {
        let aad = enc_structure(self.protected, external_aad);
        let bundle =
            gcm_decrypt(content_key, &self.iv, &aad, self.ciphertext).ok_or(Code::ContentRejected)?;
        Bundle::decode(bundle.expose())
    }
}

/// Makes a blob.
pub(crate) fn encode(
    header: &Header,
    iv: &[u8; GCM_IV_LEN],
    content_key: &Key32,
    bundle: &Bundle,
    bindings: &[Binding],
    external_aad: &[u8],
) -> Result<Vec<u8>, Error> {
    let protected = header.encode();
    let aad = enc_structure(&protected, external_aad);
    let ciphertext = gcm_encrypt(content_key, iv, &aad, &bundle.encode())?;
    Ok(assemble(&protected, iv, &ciphertext, bindings))
}

/// Puts the parts of a blob together.
fn assemble(protected: &[u8], iv: &[u8; GCM_IV_LEN], ciphertext: &[u8], bindings: &[Binding]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(ciphertext.len() + protected.len() + 2048 * bindings.len())
        .tag(TAG_COSE_ENCRYPT)
        .array(4)
        .bytes(protected)
        .map(1)
        .int(LABEL_IV)
        .bytes(iv)
        .bytes(ciphertext)
        .array(bindings.len());
    for binding in bindings {
        writer = binding.write(writer);
    }
    writer.finish()
}

//= RFC 9052 section 5.3: Enc_structure = [context : "Encrypt", protected : empty_or_serialized_map,
//= external_aad : bstr]
fn enc_structure(protected: &[u8], external_aad: &[u8]) -> Vec<u8> {
    Writer::with_capacity(protected.len() + external_aad.len() + 32)
        .array(3)
        .text("Encrypt")
        .bytes(protected)
        .bytes(external_aad)
        .finish()
}

/// Says of a CBOR fault what it means for a blob; the field stays named.
fn malformed(error: Error) -> Error {
    let code = match error.code() {
        Code::CborNotShortest | Code::CborIndefinite => Code::BlobNotDeterministic,
        Code::CborTrailing => Code::BlobTrailing,
        Code::CborTruncated | Code::CborType | Code::CborText | Code::CborRange | Code::CborValue => {
            Code::BlobMalformed
        }
        code => code,
    };
    error.recode(code)
}
