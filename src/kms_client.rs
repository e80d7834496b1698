//! What sealing and unsealing need of a KMS client, and how [`pcrseal_kms::Client`] gives it.

use std::future::{Future, ready};
use std::time::Duration;

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::names::KeyArn;
use pcrseal_core::report::{Failure, Outcome, ServiceAnswer};
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{
    DataKeySpec, DecryptRequest, DescribeKeyRequest, DisableKeyRequest, EncryptRequest,
    GenerateDataKeyRequest, Released as WireReleased,
};
use pcrseal_kms::{Client, Error, ErrorClass};

/// A client of AWS KMS whose answers are authentic.
///
/// Implementing it is a promise: every answer came over TLS that ends in this enclave, for the host name of
/// the region in the key's ARN, under pinned roots. KMS's answers are not authenticated in themselves, and
/// anyone on the way who can make them chooses what is unsealed. Every call must end: it carries its own
/// deadline.
pub trait AuthenticatedKms: Send + Sync + 'static {
    /// How far a key's region is: the last time that a connection or an answer took, if there was one. Hedged
    /// unseals ask the nearest keys first; nothing else depends on it.
    fn distance(&self, key: &KeyArn) -> Option<Duration> {
        let _ = key;
        None
    }

    /// Fetches credentials and opens connections to the keys' regions, so that requests find them there. A
    /// failure is nobody's: the requests themselves will report it.
    fn warm_up(&self, keys: &[KeyArn]) -> impl Future<Output = ()> + Send {
        let _ = keys;
        ready(())
    }

    /// DescribeKey.
    fn describe_key(&self, key: &KeyArn) -> impl Future<Output = Result<KeyFacts, Failure>> + Send;

    /// Encrypt with `DryRun`: whether these credentials may encrypt under the key.
    fn may_encrypt(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// GenerateDataKey, `AES_256`, with `DryRun` and without Recipient: whether these credentials may have a data
    /// key in plaintext, outside of any enclave.
    fn may_generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Encrypt.
    fn encrypt(
        &self,
        key: &KeyArn,
        plaintext: &Secret,
        context: &EncryptionContext,
    ) -> impl Future<Output = Result<DataKey, Failure>> + Send;

    /// GenerateDataKey, `AES_256`, with Recipient.
    fn generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
        attestation_document: &[u8],
    ) -> impl Future<Output = Result<DataKey, Failure>> + Send;

    /// Decrypt with Recipient.
    fn decrypt(
        &self,
        key: &KeyArn,
        ciphertext_blob: &[u8],
        context: &EncryptionContext,
        attestation_document: &[u8],
    ) -> impl Future<Output = Result<Released, Failure>> + Send;

    /// `DisableKey`. The key goes on to release shares for a while: the change has to reach all of KMS.
    fn disable_key(&self, key: &KeyArn) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What decides whether a key may hold a share (`KeyMetadata` of DescribeKey).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// `Arn`.
    pub arn: String,
    /// `KeyState`: must be `Enabled`.
    pub key_state: String,
    /// `KeySpec`: must be `SYMMETRIC_DEFAULT`.
    pub key_spec: String,
    /// `KeyUsage`: must be `ENCRYPT_DECRYPT`.
    pub key_usage: String,
    /// `Origin`: must be `AWS_KMS`.
    pub origin: String,
    /// `MultiRegion`: must be false without the opt-in.
    pub multi_region: bool,
}

/// What Encrypt and GenerateDataKey answer.
#[derive(Clone, Debug)]
pub struct DataKey {
    /// `KeyId`.
    pub key_id: String,
    /// `CiphertextBlob`.
    pub ciphertext_blob: Vec<u8>,
    /// `CiphertextForRecipient` (GenerateDataKey alone).
    pub ciphertext_for_recipient: Option<Vec<u8>>,
    /// Whether a `Plaintext` came with it.
    pub plaintext_present: bool,
}

/// What Decrypt answers.
#[derive(Clone, Debug)]
pub struct Released {
    /// `KeyId`.
    pub key_id: String,
    /// `CiphertextForRecipient`.
    pub ciphertext_for_recipient: Option<Vec<u8>>,
    /// Whether a `Plaintext` came with it.
    pub plaintext_present: bool,
}

impl AuthenticatedKms for Client {
    fn distance(&self, key: &KeyArn) -> Option<Duration> {
        Self::distance(self, key.region())
    }

    async fn warm_up(&self, keys: &[KeyArn]) {
        Self::warm_up(self, keys.iter().map(KeyArn::region)).await;
    }

    async fn describe_key(&self, key: &KeyArn) -> Result<KeyFacts, Failure> {
        let request = DescribeKeyRequest { key_id: key.as_str(), grant_tokens: &[] };
        let metadata = Self::describe_key(self, key.region(), &request).await.map_err(failure)?;
        Ok(KeyFacts {
            arn: metadata.arn,
            key_state: metadata.key_state,
            key_spec: metadata.key_spec,
            key_usage: metadata.key_usage,
            origin: metadata.origin,
            multi_region: metadata.multi_region,
        })
    }

    async fn may_encrypt(&self, key: &KeyArn, context: &EncryptionContext) -> Result<bool, Failure> {
        let plaintext = Secret::new(vec![0]);
        let request = EncryptRequest {
            key_id: key.as_str(),
            plaintext: &plaintext,
            encryption_context: &owned(context),
            grant_tokens: &[],
            dry_run: true,
        };
        permitted(Self::encrypt(self, key.region(), &request).await)
    }

    async fn may_generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
    ) -> Result<bool, Failure> {
        let request = GenerateDataKeyRequest {
            key_id: key.as_str(),
            spec: DataKeySpec::Aes256,
            encryption_context: &owned(context),
            grant_tokens: &[],
            recipient: None,
            dry_run: true,
        };
        permitted(Self::generate_data_key(self, key.region(), &request).await)
    }

    async fn encrypt(
        &self,
        key: &KeyArn,
        plaintext: &Secret,
        context: &EncryptionContext,
    ) -> Result<DataKey, Failure> {
        let request = EncryptRequest {
            key_id: key.as_str(),
            plaintext,
            encryption_context: &owned(context),
            grant_tokens: &[],
            dry_run: false,
        };
        let answer = Self::encrypt(self, key.region(), &request).await.map_err(failure)?;
        Ok(DataKey {
            key_id: answer.key_id,
            ciphertext_blob: answer.ciphertext_blob,
            ciphertext_for_recipient: None,
            plaintext_present: false,
        })
    }

    async fn generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
        attestation_document: &[u8],
    ) -> Result<DataKey, Failure> {
        let request = GenerateDataKeyRequest {
            key_id: key.as_str(),
            spec: DataKeySpec::Aes256,
            encryption_context: &owned(context),
            grant_tokens: &[],
            recipient: Some(attestation_document),
            dry_run: false,
        };
        let answer = Self::generate_data_key(self, key.region(), &request).await.map_err(failure)?;
        let (ciphertext_for_recipient, plaintext_present) = for_recipient(answer.released);
        Ok(DataKey {
            key_id: answer.key_id,
            ciphertext_blob: answer.ciphertext_blob,
            ciphertext_for_recipient,
            plaintext_present,
        })
    }

    async fn decrypt(
        &self,
        key: &KeyArn,
        ciphertext_blob: &[u8],
        context: &EncryptionContext,
        attestation_document: &[u8],
    ) -> Result<Released, Failure> {
        let request = DecryptRequest {
            key_id: key.as_str(),
            ciphertext_blob,
            encryption_context: &owned(context),
            grant_tokens: &[],
            recipient: Some(attestation_document),
            dry_run: false,
        };
        let answer = Self::decrypt(self, key.region(), &request).await.map_err(failure)?;
        let (ciphertext_for_recipient, plaintext_present) = for_recipient(answer.released);
        Ok(Released { key_id: answer.key_id, ciphertext_for_recipient, plaintext_present })
    }

    async fn disable_key(&self, key: &KeyArn) -> Result<(), Failure> {
        let request = DisableKeyRequest { key_id: key.as_str() };
        Self::disable_key(self, key.region(), &request).await.map_err(failure)
    }
}

/// What a dry run says. Only a refusal of KMS is a no.
fn permitted<T>(answer: Result<T, Error>) -> Result<bool, Failure> {
    match answer {
        Ok(_) => Ok(true),
        Err(Error::Service(error)) if error.class() == ErrorClass::DryRunOperation => Ok(true),
        Err(Error::Service(error)) if error.class().is_access_denied() => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

pub(crate) fn owned(context: &EncryptionContext) -> pcrseal_kms::wire::EncryptionContext {
    context.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub(crate) fn for_recipient(released: WireReleased) -> (Option<Vec<u8>>, bool) {
    match released {
        WireReleased::ForRecipient(ciphertext) => (Some(ciphertext), false),
        _ => (None, true),
    }
}

/// The outcome that a client's error means for a key.
pub(crate) fn failure(error: Error) -> Failure {
    let code = Some(error.code());
    let outcome = match &error {
        Error::Timeout { .. } => Outcome::Timeout,
        Error::Service(error) => outcome_of(error.class()),
        Error::BadAnswer(_) => Outcome::BadResponse,
        // Nothing was heard from KMS, whoever is to blame.
        _ => Outcome::Unreachable,
    };
    let service = match error {
        Error::Service(error) => Some(ServiceAnswer {
            code: error.code().into(),
            message: error.message().into(),
            request_id: error.request_id().into(),
        }),
        _ => None,
    };
    Failure { outcome, code, service }
}

fn outcome_of(class: ErrorClass) -> Outcome {
    match class {
        class if class.is_attestation() => Outcome::AttestationRejected,
        class if class.is_access_denied() => Outcome::AccessDenied,
        ErrorClass::CredentialsRejected | ErrorClass::CredentialsExpired | ErrorClass::ClockSkew => {
            Outcome::AccessDenied
        }
        ErrorClass::KeyDisabled => Outcome::KeyDisabled,
        ErrorClass::KeyPendingDeletion | ErrorClass::KeyInvalidState => Outcome::KeyPendingDeletion,
        ErrorClass::Throttled => Outcome::Throttled,
        ErrorClass::Unavailable => Outcome::Unreachable,
        // KMS answered, but the request does not fit the key: no share will come of it.
        _ => Outcome::BadResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_class_has_its_outcome() {
        for (class, name) in [
            (ErrorClass::AccessDenied, "access_denied"),
            (ErrorClass::ExplicitDeny, "access_denied"),
            (ErrorClass::NoAllow, "access_denied"),
            (ErrorClass::AttestationRejected, "attestation_rejected"),
            (ErrorClass::AttestationStale, "attestation_rejected"),
            (ErrorClass::AttestationMalformed, "attestation_rejected"),
            (ErrorClass::KeyDisabled, "key_disabled"),
            (ErrorClass::KeyPendingDeletion, "key_pending_deletion"),
            (ErrorClass::KeyInvalidState, "key_pending_deletion"),
            (ErrorClass::NotFound, "bad_response"),
            (ErrorClass::IncorrectKey, "bad_response"),
            (ErrorClass::InvalidCiphertext, "bad_response"),
            (ErrorClass::DryRunOperation, "bad_response"),
            (ErrorClass::Throttled, "throttled"),
            (ErrorClass::Unavailable, "unreachable"),
            (ErrorClass::CredentialsRejected, "access_denied"),
            (ErrorClass::CredentialsExpired, "access_denied"),
            (ErrorClass::ClockSkew, "access_denied"),
            (ErrorClass::Validation, "bad_response"),
            (ErrorClass::Other, "bad_response"),
        ] {
            assert_eq!(outcome_of(class).name(), name);
        }
    }

    #[test]
    fn what_a_dry_run_carries_out_is_permitted() {
        assert_eq!(permitted(Ok(())), Ok(true));
    }

    #[test]
    fn a_plaintext_is_never_taken_for_an_answer_to_a_recipient() {
        let plaintext = WireReleased::Plaintext(Secret::new(vec![0; 32]));
        assert_eq!(for_recipient(plaintext), (None, true));
        assert_eq!(for_recipient(WireReleased::ForRecipient(vec![1])), (Some(vec![1]), false));
    }
}
