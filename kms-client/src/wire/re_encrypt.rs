//! ReEncrypt.

use pcrseal_core::error::Error as Fault;
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer};
use super::request::{
    EncryptionContext, check_ciphertext_blob, check_encryption_context, check_grant_tokens, check_key_id,
};
use super::{Operation, json};
use crate::Error;
use crate::limits::{MAX_CIPHERTEXT_LEN, MAX_KEY_ID_LEN};

/// `kms:ReEncrypt`, from one symmetric key to another. It never carries an attestation, so a key that releases to
/// attested enclaves alone denies it.
#[derive(Clone, Copy, Debug)]
pub struct ReEncryptRequest<'a> {
    /// What Encrypt or GenerateDataKey returned, 1..6144 bytes.
    pub ciphertext_blob: &'a [u8],
    /// The key that it is under, 1..2048 bytes: its full ARN. AWS lets it be left out; then the ciphertext would
    /// choose the key.
    pub source_key_id: &'a str,
    /// The context that was given when it was made.
    pub source_encryption_context: &'a EncryptionContext,
    /// The key that it is to be under, 1..2048 bytes: its full ARN.
    pub destination_key_id: &'a str,
    /// The context that Decrypt is to demand.
    pub destination_encryption_context: &'a EncryptionContext,
    /// Grants too young to be known everywhere yet: at most 10 tokens, each of 1..8192 bytes.
    pub grant_tokens: &'a [&'a str],
    /// Ask only whether it would be permitted: the answer is then an error of class
    /// [`DryRunOperation`](crate::ErrorClass::DryRunOperation) for yes, and any other for no.
    pub dry_run: bool,
}

/// The answer to [`ReEncryptRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReEncryptAnswer {
    /// The ARN of the key that decrypted. The caller compares it with the key that it asked.
    pub source_key_id: String,
    /// The ARN of the key that encrypted. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The new ciphertext, 1..6144 bytes.
    pub ciphertext_blob: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    ciphertext_blob: String,
    source_key_id: &'a str,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    source_encryption_context: &'a EncryptionContext,
    destination_key_id: &'a str,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    destination_encryption_context: &'a EncryptionContext,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl Operation for ReEncryptRequest<'_> {
    const TARGET: &'static str = "TrentService.ReEncrypt";
    // Nothing changes in KMS, nor in the old ciphertext: the first new one is only lost.
    const REPEATABLE: bool = true;
    type Answer = ReEncryptAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_ciphertext_blob(self.ciphertext_blob)?;
        check_key_id(self.source_key_id)?;
        check_encryption_context(self.source_encryption_context)?;
        check_key_id(self.destination_key_id)?;
        check_encryption_context(self.destination_encryption_context)?;
        check_grant_tokens(self.grant_tokens)?;
        json::write(&Body {
            ciphertext_blob: json::encode(self.ciphertext_blob),
            source_key_id: self.source_key_id,
            source_encryption_context: self.source_encryption_context,
            destination_key_id: self.destination_key_id,
            destination_encryption_context: self.destination_encryption_context,
            grant_tokens: self.grant_tokens,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<ReEncryptAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        Ok(ReEncryptAnswer {
            source_key_id: answer.text(Field::SourceKeyId, MAX_KEY_ID_LEN)?,
            key_id: answer.key_id()?,
            ciphertext_blob: answer.blob(Field::CiphertextBlob, MAX_CIPHERTEXT_LEN)?,
        })
    }
}
