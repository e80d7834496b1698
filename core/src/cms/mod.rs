//! `CiphertextForRecipient`: the CMS `EnvelopedData` (RFC 5652) that AWS KMS answers with, and nothing wider.
//!
//! ```text
//! SEQUENCE { OID envelopedData, [0] SEQUENCE {                      ContentInfo, EnvelopedData
//!   INTEGER 2,
//!   SET { SEQUENCE {                                                one KeyTransRecipientInfo
//!     INTEGER 2, [0] subjectKeyIdentifier (32 bytes),
//!     SEQUENCE { OID RSAES-OAEP, { [0] { SHA-256 }, [1] { MGF1, { SHA-256 } } } },
//!     OCTET STRING encryptedKey } },
//!   SEQUENCE { OID data, SEQUENCE { OID aes256-CBC, OCTET STRING iv (16 bytes) },
//!     [0] encryptedContent } } }
//! ```
//!
//! What varies in it, and is accepted:
//! - `ContentInfo`, its `[0]`, `EnvelopedData` and `EncryptedContentInfo` have indefinite lengths (KMS) or
//!   definite ones; everything else has definite lengths. Definite lengths are in their shortest form.
//! - `encryptedContent` is primitive, or constructed of primitive OCTET STRINGs (with a definite or an
//!   indefinite length).
//! - The parameters of SHA-256 are NULL (KMS) or absent (RFC 5754 section 2 asks for both).
//!
//! Everything else is refused with a code of its own: other versions, recipient forms and algorithms, optional
//! fields, and any byte after the end. One other form can be asked for by name, for emulators:
//! [`Recipient::open_issuer_and_serial_number`](crate::recipient::Recipient::open_issuer_and_serial_number).
//!
//! The content is not authenticated. Whoever knows the attested public key can make such a message.

mod ber;
mod pkcs7;

use alloc::vec::Vec;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use subtle::Choice;
use zeroize::Zeroizing;

use crate::error::{Code, Error};
use crate::limits::{MAX_CIPHERTEXT_FOR_RECIPIENT_LEN, RSA_ENCRYPTED_KEY_LEN};
use crate::secret::Secret;
use ber::{
    CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, Reader,
    SEQUENCE, SET,
};

/// Length of the recipient's identifier: SHA-256 of its `SubjectPublicKeyInfo` (observed of KMS; RFC 7093
/// section 2 method 4).
pub const SUBJECT_KEY_IDENTIFIER_LEN: usize = 32;

/// Length of the content-encryption key, AES-256.
pub const CONTENT_ENCRYPTION_KEY_LEN: usize = 32;

/// Length of an AES block and of the IV.
const BLOCK_LEN: usize = 16;

/// 1.2.840.113549.1.7.3 (RFC 5652 section 6.1).
const ID_ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.7.1 (RFC 5652 section 4).
const ID_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.1.7 (RFC 8017 appendix A.2.1).
const ID_RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// 1.2.840.113549.1.1.8 (RFC 8017 appendix B.2.1).
const ID_MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 2.16.840.1.101.3.4.2.1 (RFC 5754 section 2.2).
const ID_SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.3.14.3.2.26 (RFC 8017 appendix B.1).
const ID_SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.1.42 (RFC 3565 section 4.1).
const ID_AES256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// A parsed `CiphertextForRecipient`: untrusted, borrowed, nothing decrypted.
#[derive(Clone, Debug)]
pub struct EnvelopedData<'a> {
    subject_key_identifier: &'a [u8; SUBJECT_KEY_IDENTIFIER_LEN],
    envelope: Envelope<'a>,
}

/// What there is to decrypt, whoever it is for.
#[derive(Clone, Debug)]
pub(crate) struct Envelope<'a> {
    encrypted_key: &'a [u8],
    iv: &'a [u8; BLOCK_LEN],
    encrypted_content: Chunks<'a>,
    encrypted_content_len: usize,
}

impl<'a> EnvelopedData<'a> {
    /// Reads the whole input, which is at most [`MAX_CIPHERTEXT_FOR_RECIPIENT_LEN`] bytes long. Allocates
    /// nothing.
    ///
    /// # Errors
    /// A code from 1401 to 1420 that names what departs from the profile, with the field's name.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        //= RFC 5652 section 6.1: the version is 2 where a recipient is named by its subjectKeyIdentifier;
        //= section 6.2.1: "If the RecipientIdentifier is the CHOICE subjectKeyIdentifier, then the version MUST
        //= be 2."
        let (subject_key_identifier, envelope) = parse(bytes, VERSION_2, subject_key_identifier)?;
        Ok(Self { subject_key_identifier, envelope })
    }

    /// The identifier of the key that the message is for: SHA-256 of its `SubjectPublicKeyInfo`.
    pub const fn subject_key_identifier(&self) -> &'a [u8; SUBJECT_KEY_IDENTIFIER_LEN] {
        self.subject_key_identifier
    }

    /// The content-encryption key under RSAES-OAEP, 256..512 bytes.
    pub const fn encrypted_key(&self) -> &'a [u8] {
        self.envelope.encrypted_key
    }

    /// The IV of AES-256-CBC.
    pub const fn iv(&self) -> &'a [u8; 16] {
        self.envelope.iv
    }

    /// The encrypted content's chunks in order; a primitive content is one chunk.
    pub fn encrypted_content(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.envelope.encrypted_content.clone()
    }

    /// The encrypted content's length in bytes: a multiple of 16, not 0.
    pub const fn encrypted_content_len(&self) -> usize {
        self.envelope.encrypted_content_len
    }

    pub(crate) const fn envelope(&self) -> &Envelope<'a> {
        &self.envelope
    }
}

impl<'a> Envelope<'a> {
    /// Reads the form whose versions are 0 and whose recipient is named by issuer and serial number, which are
    /// read for their form alone: no certificate was ever issued for the key.
    pub(crate) fn parse_issuer_and_serial_number(bytes: &'a [u8]) -> Result<Self, Error> {
        //= RFC 5652 section 6.2.1: "If the RecipientIdentifier is the CHOICE issuerAndSerialNumber, then the
        //= version MUST be 0."
        parse(bytes, VERSION_0, issuer_and_serial_number).map(|((), envelope)| envelope)
    }

    pub(crate) const fn encrypted_key(&self) -> &'a [u8] {
        self.encrypted_key
    }

    /// Decrypts the content and checks its padding. The time depends on the content's length alone.
    pub(crate) fn decrypt(&self, key: &[u8; CONTENT_ENCRYPTION_KEY_LEN]) -> Padded {
        let mut content = Zeroizing::new(Vec::with_capacity(self.encrypted_content_len));
        for chunk in self.encrypted_content.clone() {
            content.extend_from_slice(chunk);
        }
        let mut decryptor = cbc::Decryptor::<Aes256>::new(key.into(), self.iv.into());
        let (blocks, _) = content.as_chunks_mut::<BLOCK_LEN>();
        for block in &mut *blocks {
            decryptor.decrypt_block(block.into());
        }
        let (good, padding_len) = blocks.last().map_or((Choice::from(0), 0), pkcs7::check);
        Padded { content, good, padding_len }
    }
}

/// A decrypted content whose padding is still on it, with the verdict on the padding.
pub(crate) struct Padded {
    content: Zeroizing<Vec<u8>>,
    good: Choice,
    padding_len: u8,
}

impl Padded {
    /// Takes the padding off, if it is good and `key_is_good`: the only branch on either.
    ///
    /// # Errors
    /// [`Code::Rejected`], not saying which.
    pub(crate) fn unpad(mut self, key_is_good: Choice) -> Result<Secret, Error> {
        if !bool::from(self.good & key_is_good) {
            return Err(Code::Rejected.into());
        }
        // Within the one allocation; what is cut off is wiped with the rest of it.
        let len = self.content.len().saturating_sub(self.padding_len.into());
        self.content.truncate(len);
        Ok(Secret::new(core::mem::take(&mut *self.content)))
    }
}

/// The chunks of an encrypted content that was found well formed.
#[derive(Clone, Debug)]
enum Chunks<'a> {
    Primitive(&'a [u8]),
    Constructed(Reader<'a>),
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Primitive(content) => {
                let content = *content;
                *self = Self::Constructed(Reader::new(&[]));
                Some(content)
            }
            Self::Constructed(reader) => reader.value(OCTET_STRING, "encryptedContent").ok(),
        }
    }
}

/// A version, as it is encoded and as errors show it.
type Version = (u8, &'static str);
const VERSION_0: Version = (0, "0");
const VERSION_2: Version = (2, "2");

/// Reads the whole input: both versions are `version`, and `identifier` reads who the one recipient is.
fn parse<'a, T>(
    bytes: &'a [u8],
    version: Version,
    identifier: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<(T, Envelope<'a>), Error> {
    if bytes.is_empty() || bytes.len() > MAX_CIPHERTEXT_FOR_RECIPIENT_LEN {
        return Err(length(Code::CmsSize, "CiphertextForRecipient", "1..6144 bytes", bytes.len()));
    }
    let mut reader = Reader::new(bytes);
    let content_info = reader.open(SEQUENCE, "ContentInfo")?;
    if reader.value(OBJECT_IDENTIFIER, "contentType")? != ID_ENVELOPED_DATA {
        return Err(Code::CmsNotEnvelopedData.into());
    }
    let content = reader.open(CONTEXT_0, "content")?;
    let enveloped_data = reader.open(SEQUENCE, "EnvelopedData")?;
    check_version(&mut reader, version, "EnvelopedData.version")?;
    let (recipient, encrypted_key) = recipient_infos(&mut reader, version, identifier)?;
    let (iv, encrypted_content, encrypted_content_len) = encrypted_content_info(&mut reader)?;
    reader.close(enveloped_data, "EnvelopedData")?;
    reader.close(content, "content")?;
    reader.close(content_info, "ContentInfo")?;
    if !reader.is_empty() {
        return Err(Code::CmsTrailing.into());
    }
    Ok((recipient, Envelope { encrypted_key, iv, encrypted_content, encrypted_content_len }))
}

fn check_version(
    reader: &mut Reader<'_>,
    (expected, shown): Version,
    field: &'static str,
) -> Result<(), Error> {
    match reader.value(INTEGER, field)? {
        [version] if *version == expected => Ok(()),
        [version @ 0..0x80] => Err(Error::number(Code::CmsVersion, field, shown, (*version).into())),
        _ => Err(Error::field(Code::CmsVersion, field)),
    }
}

/// `RecipientInfos`: exactly one recipient, a `KeyTransRecipientInfo`.
fn recipient_infos<'a, T>(
    reader: &mut Reader<'a>,
    version: Version,
    identifier: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<(T, &'a [u8]), Error> {
    let mut set = reader.inner(SET, "recipientInfos")?;
    match set.peek() {
        Some(SEQUENCE) => {}
        Some(_) => return Err(Code::CmsRecipientType.into()),
        None => return Err(Code::CmsRecipientCount.into()),
    }
    let mut recipient = set.inner(SEQUENCE, "KeyTransRecipientInfo")?;
    if !set.is_empty() {
        return Err(Code::CmsRecipientCount.into());
    }
    check_version(&mut recipient, version, "KeyTransRecipientInfo.version")?;
    let identifier = identifier(&mut recipient)?;
    key_encryption_algorithm(recipient.inner(SEQUENCE, "keyEncryptionAlgorithm")?)?;
    let encrypted_key = recipient.value(OCTET_STRING, "encryptedKey")?;
    if !RSA_ENCRYPTED_KEY_LEN.contains(&encrypted_key.len()) {
        return Err(length(Code::CmsEncryptedKey, "encryptedKey", "256..512 bytes", encrypted_key.len()));
    }
    recipient.finish("KeyTransRecipientInfo")?;
    Ok((identifier, encrypted_key))
}

fn subject_key_identifier<'a>(
    recipient: &mut Reader<'a>,
) -> Result<&'a [u8; SUBJECT_KEY_IDENTIFIER_LEN], Error> {
    if recipient.peek() == Some(SEQUENCE) {
        return Err(Code::CmsIssuerAndSerialNumber.into());
    }
    let identifier = recipient.value(CONTEXT_0_PRIMITIVE, "subjectKeyIdentifier")?;
    identifier
        .try_into()
        .map_err(|_| length(Code::CmsKeyIdentifier, "subjectKeyIdentifier", "32 bytes", identifier.len()))
}

/// `IssuerAndSerialNumber` (RFC 5652 section 10.2.4): a Name and an INTEGER.
fn issuer_and_serial_number(recipient: &mut Reader<'_>) -> Result<(), Error> {
    let mut identifier = recipient.inner(SEQUENCE, "issuerAndSerialNumber")?;
    identifier.value(SEQUENCE, "issuer")?;
    identifier.value(INTEGER, "serialNumber")?;
    identifier.finish("issuerAndSerialNumber")
}

/// `RSAES-OAEP-params` (RFC 8017 appendix A.2.1) with SHA-256 twice; every default in it is SHA-1.
fn key_encryption_algorithm(mut algorithm: Reader<'_>) -> Result<(), Error> {
    if algorithm.value(OBJECT_IDENTIFIER, "keyEncryptionAlgorithm")? != ID_RSAES_OAEP {
        return Err(Code::CmsKeyEncryptionAlgorithm.into());
    }
    let parameters = "RSAES-OAEP-params";
    if algorithm.is_empty() {
        return Err(Code::CmsOaepSha1.into());
    }
    let mut params = algorithm.inner(SEQUENCE, parameters)?;
    algorithm.finish("keyEncryptionAlgorithm")?;

    if params.peek() != Some(CONTEXT_0) {
        return Err(absent(&params));
    }
    let mut hash = params.inner(CONTEXT_0, "hashAlgorithm")?;
    sha256(hash.inner(SEQUENCE, "hashAlgorithm")?, "hashAlgorithm")?;
    hash.finish("hashAlgorithm")?;

    if params.peek() != Some(CONTEXT_1) {
        return Err(absent(&params));
    }
    let mut mask = params.inner(CONTEXT_1, "maskGenAlgorithm")?;
    let mut mgf1 = mask.inner(SEQUENCE, "maskGenAlgorithm")?;
    mask.finish("maskGenAlgorithm")?;
    if mgf1.value(OBJECT_IDENTIFIER, "maskGenAlgorithm")? != ID_MGF1 {
        return Err(Error::field(Code::CmsOaepParameters, "maskGenAlgorithm"));
    }
    sha256(mgf1.inner(SEQUENCE, "maskGenAlgorithm")?, "maskGenAlgorithm")?;
    mgf1.finish("maskGenAlgorithm")?;
    params.finish(parameters)
}

/// What it means that the expected parameter does not come next: the default, unless it is something unknown.
fn absent(params: &Reader<'_>) -> Error {
    match params.peek() {
        None | Some(CONTEXT_1) => Code::CmsOaepSha1.into(),
        Some(_) => Error::field(Code::CmsElement, "RSAES-OAEP-params"),
    }
}

//= RFC 5754 section 2: "Implementations MUST accept SHA2 AlgorithmIdentifiers with absent parameters.
//= Implementations MUST accept SHA2 AlgorithmIdentifiers with NULL parameters."
fn sha256(mut algorithm: Reader<'_>, field: &'static str) -> Result<(), Error> {
    let oid = algorithm.value(OBJECT_IDENTIFIER, field)?;
    if oid == ID_SHA1 {
        return Err(Error::field(Code::CmsOaepSha1, field));
    }
    if oid != ID_SHA256 {
        return Err(Error::field(Code::CmsOaepParameters, field));
    }
    if !algorithm.is_empty() && !algorithm.value(NULL, field)?.is_empty() {
        return Err(Error::field(Code::CmsOaepParameters, field));
    }
    algorithm.finish(field)
}

/// `EncryptedContentInfo`: data under AES-256-CBC.
fn encrypted_content_info<'a>(
    reader: &mut Reader<'a>,
) -> Result<(&'a [u8; BLOCK_LEN], Chunks<'a>, usize), Error> {
    let info = reader.open(SEQUENCE, "EncryptedContentInfo")?;
    if reader.value(OBJECT_IDENTIFIER, "EncryptedContentInfo.contentType")? != ID_DATA {
        return Err(Code::CmsNotData.into());
    }
    let mut algorithm = reader.inner(SEQUENCE, "contentEncryptionAlgorithm")?;
    if algorithm.value(OBJECT_IDENTIFIER, "contentEncryptionAlgorithm")? != ID_AES256_CBC {
        return Err(Code::CmsContentEncryptionAlgorithm.into());
    }
    let iv = algorithm.value(OCTET_STRING, "iv")?;
    let iv = iv.try_into().map_err(|_| length(Code::CmsIv, "iv", "16 bytes", iv.len()))?;
    algorithm.finish("contentEncryptionAlgorithm")?;

    let (content, content_len) = encrypted_content(reader)?;
    //= RFC 5652 section 6.3: the input of a block cipher is padded to a multiple of its block's length.
    if content_len == 0 || content_len % BLOCK_LEN != 0 {
        let expected = "a multiple of 16 bytes, not 0";
        return Err(length(Code::CmsContentLength, "encryptedContent", expected, content_len));
    }
    reader.close(info, "EncryptedContentInfo")?;
    Ok((iv, content, content_len))
}

fn encrypted_content<'a>(reader: &mut Reader<'a>) -> Result<(Chunks<'a>, usize), Error> {
    let field = "encryptedContent";
    if reader.peek() == Some(CONTEXT_0_PRIMITIVE) {
        let content = reader.value(CONTEXT_0_PRIMITIVE, field)?;
        return Ok((Chunks::Primitive(content), content.len()));
    }
    let level = reader.open(CONTEXT_0, field)?;
    let start = reader.clone();
    let mut content_len: usize = 0;
    while reader.peek() == Some(OCTET_STRING) {
        content_len = content_len.saturating_add(reader.value(OCTET_STRING, field)?.len());
    }
    let chunks = Chunks::Constructed(Reader::new(reader.since(&start)));
    reader.close(level, field)?;
    Ok((chunks, content_len))
}

fn length(code: Code, what: &'static str, expected: &'static str, found: usize) -> Error {
    Error::number(code, what, expected, u64::try_from(found).unwrap_or(u64::MAX))
}
