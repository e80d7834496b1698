//! GenerateDataKeyPair.

use pcrseal_core::error::{Code, Error as Fault};
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{Field, KeyAnswer, Released};
use super::request::{
    EncryptionContext, Recipient, check_encryption_context, check_grant_tokens, check_key_id,
};
use super::{Operation, json};
use crate::Error;
use crate::limits::{MAX_CIPHERTEXT_LEN, MAX_METADATA_TEXT_LEN, MAX_PLAINTEXT_LEN, MAX_PUBLIC_KEY_LEN};

/// `kms:GenerateDataKeyPair`, under a symmetric key.
#[derive(Clone, Copy, Debug)]
pub struct GenerateDataKeyPairRequest<'a> {
    /// The key that wraps the private key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// The kind of the pair.
    pub spec: DataKeyPairSpec,
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

/// The kind of a data key pair (`DataKeyPairSpec`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKeyPairSpec {
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
    /// NIST P-256.
    EccNistP256,
    /// NIST P-384.
    EccNistP384,
    /// NIST P-521.
    EccNistP521,
    /// secp256k1.
    EccSecgP256K1,
    /// Ed25519.
    EccNistEdwards25519,
    /// SM2, in China's regions alone.
    Sm2,
    /// ML-KEM-512.
    MlKem512,
    /// ML-KEM-768.
    MlKem768,
    /// ML-KEM-1024.
    MlKem1024,
}

/// The answer to [`GenerateDataKeyPairRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct GenerateDataKeyPairAnswer {
    /// The ARN of the key that wrapped. The caller compares it with the key that it asked.
    pub key_id: String,
    /// The private key under the KMS key, for Decrypt: 1..6144 bytes.
    pub private_key_ciphertext_blob: Vec<u8>,
    /// The public key, `SubjectPublicKeyInfo` DER: 1..8192 bytes.
    pub public_key: Vec<u8>,
    /// The private key, PKCS#8 DER of 1..4096 bytes, or its form for the recipient.
    pub released: Released,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    key_pair_spec: &'static str,
    #[serde(skip_serializing_if = "EncryptionContext::is_empty")]
    encryption_context: &'a EncryptionContext,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grant_tokens: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    dry_run: bool,
}

impl DataKeyPairSpec {
    /// Every kind, in AWS's order.
    pub const ALL: &'static [Self] = &[
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::EccNistP256,
        Self::EccNistP384,
        Self::EccNistP521,
        Self::EccSecgP256K1,
        Self::Sm2,
        Self::EccNistEdwards25519,
        Self::MlKem512,
        Self::MlKem768,
        Self::MlKem1024,
    ];

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
            Self::EccNistP256 => "ECC_NIST_P256",
            Self::EccNistP384 => "ECC_NIST_P384",
            Self::EccNistP521 => "ECC_NIST_P521",
            Self::EccSecgP256K1 => "ECC_SECG_P256K1",
            Self::EccNistEdwards25519 => "ECC_NIST_EDWARDS25519",
            Self::Sm2 => "SM2",
            Self::MlKem512 => "ML_KEM_512",
            Self::MlKem768 => "ML_KEM_768",
            Self::MlKem1024 => "ML_KEM_1024",
        }
    }
}

impl Operation for GenerateDataKeyPairRequest<'_> {
    const TARGET: &'static str = "TrentService.GenerateDataKeyPair";
    // Nothing changes in KMS: the first pair is only lost.
    const REPEATABLE: bool = true;
    type Answer = GenerateDataKeyPairAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        check_encryption_context(self.encryption_context)?;
        check_grant_tokens(self.grant_tokens)?;
        json::write(&Body {
            key_id: self.key_id,
            key_pair_spec: self.spec.name(),
            encryption_context: self.encryption_context,
            grant_tokens: self.grant_tokens,
            recipient: self.recipient.map(Recipient::new).transpose()?,
            dry_run: self.dry_run,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<GenerateDataKeyPairAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        let with_recipient = self.recipient.is_some();
        let released = answer.released(Field::PrivateKeyPlaintext, with_recipient, MAX_PLAINTEXT_LEN)?;
        if answer.text(Field::KeyPairSpec, MAX_METADATA_TEXT_LEN)? != self.spec.name() {
            return Err(Fault::field(Code::KmsAnswerField, "KeyPairSpec"));
        }
        Ok(GenerateDataKeyPairAnswer {
            key_id: answer.key_id()?,
            private_key_ciphertext_blob: answer.blob(Field::PrivateKeyCiphertextBlob, MAX_CIPHERTEXT_LEN)?,
            public_key: answer.blob(Field::PublicKey, MAX_PUBLIC_KEY_LEN)?,
            released,
        })
    }
}
