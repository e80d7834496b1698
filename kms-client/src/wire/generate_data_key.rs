//! GenerateDataKey.

use pcrseal_core::error::Error as Fault;
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer, Released};
use super::request::{
    EncryptionContext, Recipient, check_encryption_context, check_grant_tokens, check_key_id,
    check_number_of_bytes,
};
use super::{Operation, json};
use crate::Error;
use crate::limits::MAX_CIPHERTEXT_LEN;

/// `kms:GenerateDataKey`, under a symmetric key.
#[derive(Clone, Copy, Debug)]
pub struct GenerateDataKeyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// How long the data key is.
    pub spec: DataKeySpec,
    /// Authenticated with the ciphertext; Decrypt demands the same.
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

/// How long a data key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKeySpec {
    /// `KeySpec` `AES_256`: 32 bytes.
    Aes256,
    /// `KeySpec` `AES_128`: 16 bytes.
    Aes128,
    /// `NumberOfBytes`: 1..1024.
    NumberOfBytes(u16),
}

/// The answer to [`GenerateDataKeyRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct GenerateDataKeyAnswer {
    /// The ARN of the key that wrapped. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The data key under the KMS key, for Decrypt: 1..6144 bytes.
    pub ciphertext_blob: Vec<u8>,
    /// The data key, of exactly the length asked for, or its form for the recipient.
    pub released: Released,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_of_bytes: Option<u16>,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    encryption_context: &'a EncryptionContext,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl DataKeySpec {
    /// The length in bytes.
    pub fn len_bytes(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes128 => 16,
            Self::NumberOfBytes(number) => number.into(),
        }
    }
}

impl Operation for GenerateDataKeyRequest<'_> {
    const TARGET: &'static str = "TrentService.GenerateDataKey";
    // Nothing changes in KMS: the first data key is only lost.
    const REPEATABLE: bool = true;
    type Answer = GenerateDataKeyAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        check_encryption_context(self.encryption_context)?;
        check_grant_tokens(self.grant_tokens)?;
        check_number_of_bytes(self.spec.len_bytes())?;
        let (key_spec, number_of_bytes) = match self.spec {
            DataKeySpec::Aes256 => (Some("AES_256"), None),
            DataKeySpec::Aes128 => (Some("AES_128"), None),
            DataKeySpec::NumberOfBytes(number) => (None, Some(number)),
        };
        json::write(&Body {
            key_id: self.key_id,
            key_spec,
            number_of_bytes,
            encryption_context: self.encryption_context,
            grant_tokens: self.grant_tokens,
            recipient: self.recipient.map(Recipient::new).transpose()?,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<GenerateDataKeyAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        let released = answer.released_exactly(self.recipient.is_some(), self.spec.len_bytes())?;
        let ciphertext_blob = answer.blob(Field::CiphertextBlob, MAX_CIPHERTEXT_LEN)?;
        Ok(GenerateDataKeyAnswer { key_id: answer.key_id()?, ciphertext_blob, released })
    }
}
