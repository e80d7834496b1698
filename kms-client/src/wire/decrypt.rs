//! Decrypt.

use pcrseal_core::error::Error as Fault;
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer, Released};
use super::request::{
    EncryptionContext, Recipient, check_ciphertext_blob, check_encryption_context, check_grant_tokens,
    check_key_id,
};
use super::{Operation, json};
use crate::Error;
use crate::limits::MAX_PLAINTEXT_LEN;

/// `kms:Decrypt`.
#[derive(Clone, Copy, Debug)]
pub struct DecryptRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN. AWS lets it be left out; then the ciphertext would choose the key.
    pub key_id: &'a str,
    /// What Encrypt or GenerateDataKey returned, 1..6144 bytes.
    pub ciphertext_blob: &'a [u8],
    /// The context that was given then.
    pub encryption_context: &'a EncryptionContext,
    /// Grants too young to be known everywhere yet: at most 10 tokens, each of 1..8192 bytes.
    pub grant_tokens: &'a [&'a str],
    /// The attestation document, 1..262144 bytes and less than five minutes old. With it, the answer is
    /// [`Released::ForRecipient`].
    pub recipient: Option<&'a [u8]>,
    /// Ask only whether it would be permitted: the answer is then an error of class
    /// [`DryRunOperation`](crate::ErrorClass::DryRunOperation) for yes, and any other for no.
    pub dry_run: bool,
}

/// The answer to [`DecryptRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct DecryptAnswer {
    /// The ARN of the key that decrypted. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The plaintext, 1..4096 bytes, or its form for the recipient.
    pub released: Released,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    ciphertext_blob: String,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    encryption_context: &'a EncryptionContext,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl Operation for DecryptRequest<'_> {
    const TARGET: &'static str = "TrentService.Decrypt";
    // Nothing changes in KMS.
    const REPEATABLE: bool = true;
    type Answer = DecryptAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        check_ciphertext_blob(self.ciphertext_blob)?;
        check_encryption_context(self.encryption_context)?;
        check_grant_tokens(self.grant_tokens)?;
        json::write(&Body {
            key_id: self.key_id,
            ciphertext_blob: json::encode(self.ciphertext_blob),
            encryption_context: self.encryption_context,
            grant_tokens: self.grant_tokens,
            recipient: self.recipient.map(Recipient::new).transpose()?,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<DecryptAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        let released = answer.released(Field::Plaintext, self.recipient.is_some(), MAX_PLAINTEXT_LEN)?;
        Ok(DecryptAnswer { key_id: answer.key_id()?, released })
    }
}
