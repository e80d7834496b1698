//! The operations (AWS KMS API reference, 2014-11-01).

mod keys;
mod pairs;
mod policies;
mod symmetric;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::evaluate::Attestation;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::attestation;
use super::authorize::{Facts, authorize, authorize_on_key};
use super::cms::RecipientKey;
use super::errors::ApiError;
use super::fault::{Fault, FaultPlan};
use super::input::Input;
use super::keys::{Key, KeyState, key_arn};
use super::operation::Operation;
use super::sigv4::Signer;
use super::world::World;

/// Bounds of the AWS KMS API reference.
const KEY_ID_LEN: RangeInclusive<usize> = 1..=2048;
const CIPHERTEXT_LEN: RangeInclusive<usize> = 1..=6144;
const ATTESTATION_DOCUMENT_LEN: RangeInclusive<usize> = 1..=262_144;
const MAX_GRANT_TOKENS: usize = 10;
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
const ALGORITHM: (&str, &str) = ("kms:EncryptionAlgorithm", SYMMETRIC);

/// One authentic request at work.
pub(crate) struct Call<'a> {
    world: &'a World,
    signer: &'a Signer,
    operation: Operation,
    /// The last key that the request named.
    key: Option<Arc<Key>>,
    /// How long the answer waits: as long as the slowest key that the request named.
    pub(crate) delay: Duration,
    /// What goes wrong: the server's fault, or that of the first key that has one.
    pub(crate) plan: Option<FaultPlan>,
}

/// The answer's JSON; `Value::Null` is an empty body.
pub(crate) type Answer = Result<Value, ApiError>;

/// A verified recipient.
struct Recipient {
    key: RecipientKey,
    attestation: Attestation,
}

impl Recipient {
    fn attestation(&self) -> &Attestation {
        &self.attestation
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(world: &'a World, signer: &'a Signer, operation: Operation) -> Self {
        Self { world, signer, operation, key: None, delay: Duration::ZERO, plan: None }
    }

    /// Answers the request.
    pub(crate) fn answer(&mut self, body: &[u8]) -> Answer {
        self.meet(self.world.fault().meet())?;
        let input = Input::read(body)?;
        input.array("GrantTokens", MAX_GRANT_TOKENS)?;
        match self.operation {
            Operation::CreateKey => self.create_key(&input),
            Operation::DescribeKey => self.describe_key(&input),
            Operation::Encrypt => self.encrypt(&input),
            Operation::Decrypt => self.decrypt(&input),
            Operation::ReEncrypt => self.re_encrypt(&input),
            Operation::GenerateDataKey | Operation::GenerateDataKeyWithoutPlaintext => {
                self.generate_data_key(&input)
            }
            Operation::GenerateDataKeyPair | Operation::GenerateDataKeyPairWithoutPlaintext => {
                self.generate_data_key_pair(&input)
            }
            Operation::GenerateRandom => self.generate_random(&input),
            Operation::DeriveSharedSecret => self.derive_shared_secret(&input),
            Operation::GetPublicKey => self.get_public_key(&input),
            Operation::EnableKey => self.enable_key(&input),
            Operation::DisableKey => self.disable_key(&input),
            Operation::ScheduleKeyDeletion => self.schedule_key_deletion(&input),
            Operation::CancelKeyDeletion => self.cancel_key_deletion(&input),
            Operation::GetKeyPolicy => self.get_key_policy(&input),
            Operation::PutKeyPolicy => self.put_key_policy(&input),
            Operation::ListKeyPolicies => self.list_key_policies(&input),
        }
    }

    fn named_key(&mut self, input: &Input) -> Result<Arc<Key>, ApiError> {
        self.resolve(input.required_text("KeyId", KEY_ID_LEN)?)
    }

    /// Finds a key by id (of the caller's account) or by ARN, in the request's region.
    fn resolve(&mut self, key_id: &str) -> Result<Arc<Key>, ApiError> {
        let own = |id: &str| key_arn(&self.signer.region, self.signer.principal.account(), id);
        let arn = match key_id.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "kms", region, _, resource] if resource.starts_with("key/") => {
                if *region != self.signer.region {
                    return Err(ApiError::new(
                        "NotFoundException",
                        format!("Invalid arn {}", self.signer.region),
                    ));
                }
                key_id.to_owned()
            }
            [id] if !id.contains('/') => own(id),
            _ => return Err(ApiError::new("NotFoundException", format!("Invalid keyId '{key_id}'"))),
        };
        let id = arn.rsplit('/').next().unwrap_or_default();
        match self.world.find_key(id) {
            Some(key) if key.arn.as_str() == arn => self.take(key),
            _ => Err(ApiError::not_found(&arn)),
        }
    }

    fn key_of_ciphertext(&mut self, id: &str) -> Result<Arc<Key>, ApiError> {
        match self.world.find_key(id) {
            Some(key) if key.region == self.signer.region => self.take(key),
            _ => Err(ApiError::new(
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this \
                 region, or you are not allowed to access.",
            )),
        }
    }

    /// From here on the request is this key's: it is counted, and the key may refuse on purpose.
    fn take(&mut self, key: Arc<Key>) -> Result<Arc<Key>, ApiError> {
        if self.key.as_ref().is_some_and(|known| Arc::ptr_eq(known, &key)) {
            return Ok(key);
        }
        key.count(self.operation);
        self.key = Some(key.clone());
        self.delay = self.delay.max(key.controls().delay);
        if self.plan.is_none() {
            self.meet(key.fault.meet())?;
        }
        Ok(key)
    }

    /// Meets a fault, and refuses where that is what it does.
    fn meet(&mut self, plan: Option<FaultPlan>) -> Result<(), ApiError> {
        self.plan = plan;
        self.fault().and_then(Fault::refusal).map_or(Ok(()), Err)
    }

    fn fault(&self) -> Option<Fault> {
        self.plan.map(|plan| plan.fault)
    }

    fn recipient(&self, input: &Input) -> Result<Option<Recipient>, ApiError> {
        let Some(recipient) = input.object("Recipient", "recipient.")? else { return Ok(None) };
        let document = recipient.required_blob("AttestationDocument", ATTESTATION_DOCUMENT_LEN)?;
        if recipient.choice("KeyEncryptionAlgorithm", &["RSAES_OAEP_SHA_256"])?.is_none() {
            return Err(ApiError::validation("Recipient.KeyEncryptionAlgorithm must be RSAES_OAEP_SHA_256."));
        }
        let now = self.world.clock().now_millis();
        let attested = attestation::verify(&document, self.world.root_der(), now)?;
        let key = attested
            .public_key
            .and_then(|spki| RecipientKey::from_spki(&spki).ok())
            .ok_or_else(|| ApiError::validation("The attestation document holds no valid RSA public key."))?;
        Ok(Some(Recipient { key, attestation: attested.attestation }))
    }

    /// Judges whether the signer may do this with the key.
    fn authorize(&self, key: &Key, action: Action, facts: &Facts<'_>) -> Result<(), ApiError> {
        let policy = Arc::clone(&key.controls().policy);
        self.judge(key, &policy.document, action, facts)
    }

    /// The same as if this were the key's policy.
    fn judge(
        &self,
        key: &Key,
        policy: &PolicyDocument,
        action: Action,
        facts: &Facts<'_>,
    ) -> Result<(), ApiError> {
        authorize_on_key(self.signer, action, key, policy, facts)
    }

    /// Judges what no key is needed for.
    fn authorize_without_key(&self, action: Action, facts: &Facts<'_>) -> Result<(), ApiError> {
        authorize(self.signer, action, facts)
    }

    /// The members that carry the plaintext: `member` in the clear, or encrypted to the recipient.
    fn release(
        &self,
        member: &str,
        plaintext: &[u8],
        recipient: Option<&Recipient>,
    ) -> Result<Map<String, Value>, ApiError> {
        let fault = self.fault();
        let mut other = Zeroizing::new([0; 32]);
        let plaintext = if fault == Some(Fault::WrongPlaintext) {
            aws_lc_rs::rand::fill(other.as_mut_slice()).map_err(internal)?;
            other.as_slice()
        } else {
            plaintext
        };
        let mut members = Map::new();
        let Some(recipient) = recipient else {
            members.insert(member.into(), STANDARD.encode(plaintext).into());
            return Ok(members);
        };
        if matches!(fault, Some(Fault::PlaintextBeside | Fault::PlaintextOnly)) {
            members.insert(member.into(), STANDARD.encode(plaintext).into());
        }
        if fault != Some(Fault::PlaintextOnly) {
            let form = self.key.as_ref().map_or(self.world.content_form(), |key| key.controls().content_form);
            let sealed = if fault == Some(Fault::OtherRecipient) {
                self.world.stranger().map_err(internal)?.seal(plaintext, form)
            } else {
                recipient.key.seal(plaintext, form)
            };
            let sealed = STANDARD.encode(sealed.map_err(internal)?);
            members.insert("CiphertextForRecipient".into(), sealed.into());
        }
        Ok(members)
    }

    /// The `KeyId` of an answer: the key's ARN, or that of a key that does not exist.
    fn answered_key_id(&self, key: &Key) -> Result<String, ApiError> {
        if self.fault() != Some(Fault::WrongKeyId) {
            return Ok(key.arn.as_str().to_owned());
        }
        let other = crate::text::uuid(crate::kms::random().map_err(|_| ApiError::internal())?);
        Ok(key.arn.as_str().replace(&key.id, &other))
    }
}

fn usable(key: &Key) -> Result<(), ApiError> {
    match key.controls().state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(ApiError::new("DisabledException", format!("{} is disabled.", key.arn))),
        KeyState::PendingDeletion { .. } => Err(invalid_state(key, "is pending deletion.")),
    }
}

fn dry_run(input: &Input) -> Result<(), ApiError> {
    if input.flag("DryRun")? {
        let message = "The request would have succeeded, but the DryRun option is set.";
        return Err(ApiError::new("DryRunOperationException", message).with_status(412));
    }
    Ok(())
}

fn invalid_usage(key: &Key, operation: Operation) -> ApiError {
    let (arn, usage, operation) = (&key.arn, key.material.key_usage(), operation.name());
    let text = format!("{arn} key usage is {usage} which is not valid for {operation}.");
    ApiError::new("InvalidKeyUsageException", text)
}

fn invalid_state(key: &Key, what: &str) -> ApiError {
    ApiError::new("KMSInvalidStateException", format!("{} {what}", key.arn))
}

fn unsupported(what: &str) -> ApiError {
    ApiError::new("UnsupportedOperationException", format!("This emulator does not support {what}."))
}

fn internal(_: Unspecified) -> ApiError {
    ApiError::internal()
}
