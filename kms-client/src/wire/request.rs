//! What the requests share: bounds, `Recipient`, and the signed HTTP request.

use std::collections::BTreeMap;

use pcrseal_core::error::{Code, Error as Fault};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Credentials, Operation, SignedHeaders, json, sign};
use crate::Error;
use crate::limits::{
    MAX_ATTESTATION_DOCUMENT_LEN, MAX_CIPHERTEXT_LEN, MAX_ENCRYPTION_CONTEXT_LEN, MAX_GRANT_TOKEN_LEN,
    MAX_GRANT_TOKENS, MAX_KEY_ID_LEN, MAX_NUMBER_OF_BYTES,
};

/// The `EncryptionContext`: not secret, logged by CloudTrail, and demanded again at Decrypt.
pub type EncryptionContext = BTreeMap<String, String>;

/// A signed request: `POST /` with these headers and this body, to the host that was signed.
pub struct HttpRequest {
    /// Every header but `content-length`.
    pub headers: SignedHeaders,
    /// The body; it holds the plaintext of an Encrypt.
    pub body: Zeroizing<Vec<u8>>,
}

impl HttpRequest {
    /// Writes and signs the request. `host` is the value of the `host` header (the port included, unless it is
    /// the scheme's own), `unix_seconds` the time now.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if a field is outside AWS's bounds; [`Error::Configuration`] if the region or
    /// the clock cannot be.
    pub fn new<O: Operation>(
        operation: &O,
        credentials: &Credentials,
        region: &str,
        host: &str,
        unix_seconds: u64,
    ) -> Result<Self, Error> {
        let body = operation.body()?;
        let headers = sign(credentials, region, host, O::TARGET, &body, unix_seconds)?;
        Ok(Self { headers, body })
    }
}

/// `RecipientInfo` of the KMS API.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Recipient {
    key_encryption_algorithm: &'static str,
    attestation_document: String,
}

impl Recipient {
    pub(super) fn new(attestation_document: &[u8]) -> Result<Self, Error> {
        length(
            Code::KmsAttestationDocument,
            "AttestationDocument",
            "1..262144 bytes",
            attestation_document.len(),
            MAX_ATTESTATION_DOCUMENT_LEN,
        )?;
        Ok(Self {
            key_encryption_algorithm: "RSAES_OAEP_SHA_256",
            attestation_document: json::encode(attestation_document),
        })
    }
}

pub(super) fn check_key_id(key_id: &str) -> Result<(), Error> {
    length(Code::KmsKeyId, "KeyId", "1..2048 bytes", key_id.len(), MAX_KEY_ID_LEN)
}

pub(super) fn check_ciphertext_blob(blob: &[u8]) -> Result<(), Error> {
    length(Code::KmsCiphertextBlob, "CiphertextBlob", "1..6144 bytes", blob.len(), MAX_CIPHERTEXT_LEN)
}

pub(super) fn check_number_of_bytes(number: usize) -> Result<(), Error> {
    length(Code::KmsNumberOfBytes, "NumberOfBytes", "1..1024", number, MAX_NUMBER_OF_BYTES.into())
}

pub(super) fn check_grant_tokens(tokens: &[&str]) -> Result<(), Error> {
    if tokens.len() > MAX_GRANT_TOKENS {
        let found = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
        let fault = Fault::number(Code::KmsGrantTokens, "GrantTokens", "at most 10", found);
        return Err(Error::InvalidRequest(fault));
    }
    tokens.iter().try_for_each(|token| {
        length(Code::KmsGrantTokens, "GrantToken", "1..8192 bytes", token.len(), MAX_GRANT_TOKEN_LEN)
    })
}

pub(super) fn check_encryption_context(context: &EncryptionContext) -> Result<(), Error> {
    let len = context.iter().fold(0_usize, |sum, (key, value)| sum.saturating_add(key.len() + value.len()));
    if context.keys().any(String::is_empty) {
        return Err(Error::InvalidRequest(Fault::field(Code::KmsEncryptionContext, "key")));
    }
    if len > MAX_ENCRYPTION_CONTEXT_LEN {
        let found = u64::try_from(len).unwrap_or(u64::MAX);
        let fault = Fault::number(Code::KmsEncryptionContext, "keys and values", "0..8192 bytes", found);
        return Err(Error::InvalidRequest(fault));
    }
    Ok(())
}

/// AWS's bounds on blobs and names all begin at 1.
pub(super) fn length(
    code: Code,
    what: &'static str,
    expected: &'static str,
    found: usize,
    max: usize,
) -> Result<(), Error> {
    if (1..=max).contains(&found) {
        return Ok(());
    }
    let found = u64::try_from(found).unwrap_or(u64::MAX);
    Err(Error::InvalidRequest(Fault::number(code, what, expected, found)))
}
