//! Encrypt.

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer};
use super::request::{EncryptionContext, check_encryption_context, check_grant_tokens, check_key_id, length};
use super::{Operation, json};
use crate::Error;
use crate::limits::{MAX_CIPHERTEXT_LEN, MAX_PLAINTEXT_LEN};

/// `kms:Encrypt`, under a symmetric key.
#[derive(Clone, Copy, Debug)]
pub struct EncryptRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// What to encrypt, 1..4096 bytes.
    pub plaintext: &'a Secret,
    /// Authenticated with the ciphertext; Decrypt demands the same.
    pub encryption_context: &'a EncryptionContext,
    /// Grants too young to be known everywhere yet: at most 10 tokens, each of 1..8192 bytes.
    pub grant_tokens: &'a [&'a str],
    /// Ask only whether it would be permitted: the answer is then an error of class
    /// [`DryRunOperation`](crate::ErrorClass::DryRunOperation) for yes, and any other for no. An endpoint that
    /// does not know dry runs answers with a ciphertext: a yes, too.
    pub dry_run: bool,
}

/// The answer to [`EncryptRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptAnswer {
    /// The ARN of the key that encrypted. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The ciphertext, 1..6144 bytes.
    pub ciphertext_blob: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    plaintext: &'a str,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    encryption_context: &'a EncryptionContext,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl Operation for EncryptRequest<'_> {
    const TARGET: &'static str = "TrentService.Encrypt";
    // Nothing changes in KMS: the first ciphertext is only lost.
    const REPEATABLE: bool = true;
    type Answer = EncryptAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        length(Code::KmsPlaintext, "Plaintext", "1..4096 bytes", self.plaintext.len(), MAX_PLAINTEXT_LEN)?;
        check_encryption_context(self.encryption_context)?;
        check_grant_tokens(self.grant_tokens)?;
        let plaintext = Zeroizing::new(json::encode(self.plaintext.expose()));
        json::write(&Body {
            key_id: self.key_id,
            plaintext: &plaintext,
            encryption_context: self.encryption_context,
            grant_tokens: self.grant_tokens,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<EncryptAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        Ok(EncryptAnswer {
            key_id: answer.key_id()?,
            ciphertext_blob: answer.blob(Field::CiphertextBlob, MAX_CIPHERTEXT_LEN)?,
        })
    }
}
