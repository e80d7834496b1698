//! DeriveSharedSecret.

use pcrseal_core::error::{Code, Error as Fault};
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer, Released};
use super::request::{Recipient, check_grant_tokens, check_key_id, length};
use super::{Operation, json};
use crate::Error;
use crate::limits::{MAX_PLAINTEXT_LEN, MAX_PUBLIC_KEY_LEN};

/// `kms:DeriveSharedSecret`, under an elliptic-curve key of usage `KEY_AGREEMENT`. The algorithm is `ECDH`, the
/// only one that AWS has.
#[derive(Clone, Copy, Debug)]
pub struct DeriveSharedSecretRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// The peer's public key on the same curve, `SubjectPublicKeyInfo` DER: 1..8192 bytes.
    pub public_key: &'a [u8],
    /// Grants too young to be known everywhere yet: at most 10 tokens, each of 1..8192 bytes.
    pub grant_tokens: &'a [&'a str],
    /// The attestation document, 1..262144 bytes and less than five minutes old. With it, the answer is
    /// [`Released::ForRecipient`].
    pub recipient: Option<&'a [u8]>,
    /// Ask only whether it would be permitted: the answer is then an error of class
    /// [`DryRunOperation`](crate::ErrorClass::DryRunOperation) for yes, and any other for no.
    pub dry_run: bool,
}

/// The answer to [`DeriveSharedSecretRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct DeriveSharedSecretAnswer {
    /// The ARN of the key that was used. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The raw shared secret (the x coordinate: not yet a key), 1..4096 bytes, or its form for the recipient.
    pub released: Released,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    key_agreement_algorithm: &'static str,
    public_key: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl Operation for DeriveSharedSecretRequest<'_> {
    const TARGET: &'static str = "TrentService.DeriveSharedSecret";
    // The secret depends on the two keys alone: it is the same again.
    const REPEATABLE: bool = true;
    type Answer = DeriveSharedSecretAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        let len = self.public_key.len();
        length(Code::KmsPublicKey, "PublicKey", "1..8192 bytes", len, MAX_PUBLIC_KEY_LEN)?;
        check_grant_tokens(self.grant_tokens)?;
        json::write(&Body {
            key_id: self.key_id,
            key_agreement_algorithm: "ECDH",
            public_key: json::encode(self.public_key),
            grant_tokens: self.grant_tokens,
            recipient: self.recipient.map(Recipient::new).transpose()?,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<DeriveSharedSecretAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        let released = answer.released(Field::SharedSecret, self.recipient.is_some(), MAX_PLAINTEXT_LEN)?;
        Ok(DeriveSharedSecretAnswer { key_id: answer.key_id()?, released })
    }
}
