//! The operations (AWS KMS API reference, 2014-11-01).

use std::ops::RangeInclusive;
use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::KmsError;
use super::attestation;
use super::authorize::{Decision, KeyPolicy, Operation, authorize};
use super::ciphertext::{self, Ciphertext};
use super::cms::RecipientKey;
use super::errors::ApiError;
use super::input::Input;
use super::keys::{Fault, Key, KeyOptions, KeyState, key_arn};
use super::principal::Principal;
use super::world::World;

/// Bounds of the AWS KMS API reference.
const KEY_ID_LEN: RangeInclusive<usize> = 1..=2048;
const PLAINTEXT_LEN: RangeInclusive<usize> = 1..=4096;
const CIPHERTEXT_LEN: RangeInclusive<usize> = 1..=6144;
const ATTESTATION_DOCUMENT_LEN: RangeInclusive<usize> = 1..=262_144;
const MAX_GRANT_TOKENS: usize = 10;
const MAX_NUMBER_OF_BYTES: u64 = 1024;
const MAX_TAGS: usize = 50;
const DESCRIPTION_LEN: RangeInclusive<usize> = 0..=8192;
const PENDING_WINDOW_DAYS: (u64, u64) = (7, 30);
const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
/// A tag `pcrseal:pcr0` … `pcrseal:pcr31` at `CreateKey` holds the PCR value that the key demands.
const PCR_TAG: &str = "pcrseal:pcr";

/// One authentic request at work.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) principal: &'a Principal,
    pub(crate) region: &'a str,
    pub(crate) operation: Operation,
    /// The key that the request named, once it is known: its delay and its faults apply even to errors.
    pub(crate) key: Option<Arc<Key>>,
}

type Answer = Result<Value, ApiError>;

/// A verified recipient.
struct Recipient {
    key: RecipientKey,
    pcrs: PcrSet,
}

impl Call<'_> {
    /// Answers the request. `Value::Null` is an empty body.
    pub(crate) fn answer(&mut self, body: &[u8]) -> Answer {
        let input = Input::read(body)?;
        input.array("GrantTokens", MAX_GRANT_TOKENS)?;
        match self.operation {
            Operation::CreateKey => self.create_key(&input),
            Operation::DescribeKey => self.describe_key(&input),
            Operation::Encrypt => self.encrypt(&input),
            Operation::Decrypt => self.decrypt(&input),
            Operation::GenerateDataKey | Operation::GenerateDataKeyWithoutPlaintext => {
                self.generate_data_key(&input)
            }
            Operation::EnableKey => self.set_state(&input, KeyState::Enabled),
            Operation::DisableKey => self.set_state(&input, KeyState::Disabled),
            Operation::ScheduleKeyDeletion => self.schedule_key_deletion(&input),
            Operation::CancelKeyDeletion => self.cancel_key_deletion(&input),
        }
    }

    fn create_key(&self, input: &Input) -> Answer {
        for (member, allowed) in [
            ("KeyUsage", "ENCRYPT_DECRYPT"),
            ("KeySpec", SYMMETRIC),
            ("CustomerMasterKeySpec", SYMMETRIC),
            ("Origin", "AWS_KMS"),
        ] {
            if input.text(member, KEY_ID_LEN)?.is_some_and(|text| text != allowed) {
                return Err(unsupported(&format!("{member} other than {allowed}")));
            }
        }
        if input.has("Policy") {
            // Accepting a policy without enforcing it would be worse than refusing it.
            return Err(unsupported("Policy (use the tags pcrseal:pcr0 … pcrseal:pcr31)"));
        }
        let mut options = KeyOptions::new(policy_from_tags(input.array("Tags", MAX_TAGS)?)?);
        options.multi_region = input.flag("MultiRegion")?;
        if let Some(text) = input.text("Description", DESCRIPTION_LEN)? {
            options = options.description(text);
        }
        let key =
            self.world.create_key(self.region, self.principal.account(), options).map_err(
                |error| match error {
                    KmsError::TooManyKeys => ApiError::new("LimitExceededException", error.to_string()),
                    _ => ApiError::internal(),
                },
            )?;
        Ok(json!({ "KeyMetadata": metadata(&key) }))
    }

    fn describe_key(&mut self, input: &Input) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, None)?;
        let mut metadata = metadata(&key);
        if key.fault() == Some(Fault::WrongKeyId) {
            metadata.insert("Arn".into(), answered_key_id(&key)?.into());
        }
        Ok(json!({ "KeyMetadata": metadata }))
    }

    fn encrypt(&mut self, input: &Input) -> Answer {
        let plaintext = Zeroizing::new(input.required_blob("Plaintext", PLAINTEXT_LEN)?);
        let context = input.encryption_context()?;
        input.choice("EncryptionAlgorithm", &[SYMMETRIC])?;
        let key = self.named_key(input)?;
        self.authorize(&key, None)?;
        usable(&key)?;
        dry_run(input)?;
        let blob = ciphertext::seal(&key.material, &key.id, &context, &plaintext).map_err(internal)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "EncryptionAlgorithm": SYMMETRIC,
            "KeyId": answered_key_id(&key)?,
        }))
    }

    fn decrypt(&mut self, input: &Input) -> Answer {
        let blob = input.required_blob("CiphertextBlob", CIPHERTEXT_LEN)?;
        let context = input.encryption_context()?;
        input.choice("EncryptionAlgorithm", &[SYMMETRIC])?;
        let named = match input.text("KeyId", KEY_ID_LEN)? {
            Some(key_id) => Some(self.resolve(key_id)?),
            None => None,
        };
        let ciphertext = Ciphertext::read(&blob).ok_or_else(invalid_ciphertext)?;
        let key = match named {
            Some(key) if key.id == ciphertext.key_id => key,
            Some(_) => {
                return Err(ApiError::new(
                    "IncorrectKeyException",
                    "The key ID in the request does not identify a CMK that can perform this operation.",
                ));
            }
            None => self.key_of_ciphertext(ciphertext.key_id)?,
        };
        let recipient = self.recipient(input)?;
        self.authorize(&key, recipient.as_ref())?;
        usable(&key)?;
        dry_run(input)?;
        let plaintext = ciphertext.open(&key.material, &context).ok_or_else(invalid_ciphertext)?;
        let mut answer = self.release(&key, &plaintext, recipient.as_ref())?;
        answer.insert("EncryptionAlgorithm".into(), SYMMETRIC.into());
        answer.insert("KeyId".into(), answered_key_id(&key)?.into());
        answer.insert("KeyMaterialId".into(), key.material_id.as_str().into());
        Ok(Value::Object(answer))
    }

    fn generate_data_key(&mut self, input: &Input) -> Answer {
        let spec = input.choice("KeySpec", &["AES_256", "AES_128"])?;
        let bytes = input.number("NumberOfBytes", 1, MAX_NUMBER_OF_BYTES)?;
        let without_plaintext = self.operation == Operation::GenerateDataKeyWithoutPlaintext;
        let length = match (spec, bytes) {
            (Some("AES_128"), None) => 16,
            (Some(_), None) => 32,
            (None, Some(bytes)) => usize::try_from(bytes).map_err(|_| ApiError::internal())?,
            (None, None) if without_plaintext => 32,
            _ => return Err(ApiError::validation("Please specify either number of bytes or key spec.")),
        };
        let context = input.encryption_context()?;
        let key = self.named_key(input)?;
        let recipient = if without_plaintext { None } else { self.recipient(input)? };
        self.authorize(&key, recipient.as_ref())?;
        usable(&key)?;
        dry_run(input)?;
        let mut data_key = Zeroizing::new(vec![0; length]);
        aws_lc_rs::rand::fill(&mut data_key).map_err(internal)?;
        let blob = ciphertext::seal(&key.material, &key.id, &context, &data_key).map_err(internal)?;
        let mut answer =
            if without_plaintext { Map::new() } else { self.release(&key, &data_key, recipient.as_ref())? };
        answer.insert("CiphertextBlob".into(), STANDARD.encode(blob).into());
        answer.insert("KeyId".into(), answered_key_id(&key)?.into());
        answer.insert("KeyMaterialId".into(), key.material_id.as_str().into());
        Ok(Value::Object(answer))
    }

    fn set_state(&mut self, input: &Input, state: KeyState) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, None)?;
        let mut controls = key.controls();
        if matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is pending deletion."));
        }
        controls.state = state;
        Ok(Value::Null)
    }

    fn schedule_key_deletion(&mut self, input: &Input) -> Answer {
        let (min, max) = PENDING_WINDOW_DAYS;
        let days = input.number("PendingWindowInDays", min, max)?.unwrap_or(max);
        let key = self.named_key(input)?;
        self.authorize(&key, None)?;
        let mut controls = key.controls();
        if matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is pending deletion."));
        }
        let deletes_at_millis = self.world.clock().now_millis().saturating_add(days * DAY_MILLIS);
        controls.state = KeyState::PendingDeletion { deletes_at_millis };
        Ok(json!({
            "DeletionDate": seconds(deletes_at_millis),
            "KeyId": key.arn,
            "KeyState": controls.state.name(),
            "PendingWindowInDays": days,
        }))
    }

    fn cancel_key_deletion(&mut self, input: &Input) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, None)?;
        let mut controls = key.controls();
        if !matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is not pending deletion."));
        }
        // AWS leaves the key disabled.
        controls.state = KeyState::Disabled;
        Ok(json!({ "KeyId": key.arn }))
    }

    fn named_key(&mut self, input: &Input) -> Result<Arc<Key>, ApiError> {
        self.resolve(input.required_text("KeyId", KEY_ID_LEN)?)
    }

    /// Finds a key by id (of the caller's account) or by ARN, in the request's region.
    fn resolve(&mut self, key_id: &str) -> Result<Arc<Key>, ApiError> {
        let own = |id: &str| key_arn(self.region, self.principal.account(), id);
        let arn = match key_id.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "kms", region, _, resource] if resource.starts_with("key/") => {
                if *region != self.region {
                    return Err(ApiError::new("NotFoundException", format!("Invalid arn {}", self.region)));
                }
                key_id.to_owned()
            }
            [id] if !id.contains('/') => own(id),
            _ => return Err(ApiError::new("NotFoundException", format!("Invalid keyId '{key_id}'"))),
        };
        let id = arn.rsplit('/').next().unwrap_or_default();
        match self.world.find_key(id) {
            Some(key) if key.arn == arn => self.take(key),
            _ => Err(ApiError::not_found(&arn)),
        }
    }

    fn key_of_ciphertext(&mut self, id: &str) -> Result<Arc<Key>, ApiError> {
        match self.world.find_key(id) {
            Some(key) if key.region == self.region => self.take(key),
            _ => Err(ApiError::new(
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this \
                 region, or you are not allowed to access.",
            )),
        }
    }

    /// From here on the request is this key's: it is counted, and the key may refuse on purpose.
    fn take(&mut self, key: Arc<Key>) -> Result<Arc<Key>, ApiError> {
        key.count(self.operation);
        self.key = Some(key.clone());
        match key.fault() {
            Some(Fault::InternalError) => Err(ApiError::internal()),
            Some(Fault::Throttling) => Err(ApiError::new(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            )),
            _ => Ok(key),
        }
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
        Ok(Some(Recipient { key, pcrs: attested.pcrs }))
    }

    fn authorize(&self, key: &Key, recipient: Option<&Recipient>) -> Result<(), ApiError> {
        let policy = key.controls().policy.clone();
        let pcrs = recipient.map(|recipient| &recipient.pcrs);
        let explicit = match authorize(&policy, &key.account, self.principal, self.operation, pcrs) {
            Decision::Allowed => return Ok(()),
            Decision::ImplicitlyDenied => false,
            Decision::ExplicitlyDenied => true,
        };
        Err(ApiError::denied(&self.principal.caller_arn(), &self.operation.action(), &key.arn, explicit))
    }

    /// The members that carry the plaintext: in the clear, or encrypted to the recipient.
    fn release(
        &self,
        key: &Key,
        plaintext: &[u8],
        recipient: Option<&Recipient>,
    ) -> Result<Map<String, Value>, ApiError> {
        let (fault, form) = {
            let controls = key.controls();
            (controls.fault, controls.content_form)
        };
        let mut other = Zeroizing::new([0; 32]);
        let plaintext = if fault == Some(Fault::WrongPlaintext) {
            aws_lc_rs::rand::fill(other.as_mut_slice()).map_err(internal)?;
            other.as_slice()
        } else {
            plaintext
        };
        let mut members = Map::new();
        let Some(recipient) = recipient else {
            members.insert("Plaintext".into(), STANDARD.encode(plaintext).into());
            return Ok(members);
        };
        if matches!(fault, Some(Fault::PlaintextBeside | Fault::PlaintextOnly)) {
            members.insert("Plaintext".into(), STANDARD.encode(plaintext).into());
        }
        if fault != Some(Fault::PlaintextOnly) {
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

fn metadata(key: &Key) -> Map<String, Value> {
    let state = key.controls().state;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.into(), value);
    put("AWSAccountId", key.account.as_str().into());
    put("Arn", key.arn.as_str().into());
    put("CreationDate", seconds(key.created_millis));
    put("CurrentKeyMaterialId", key.material_id.as_str().into());
    put("CustomerMasterKeySpec", SYMMETRIC.into());
    put("Description", key.description.as_str().into());
    put("Enabled", (state == KeyState::Enabled).into());
    put("EncryptionAlgorithms", json!([SYMMETRIC]));
    put("KeyId", key.id.as_str().into());
    put("KeyManager", "CUSTOMER".into());
    put("KeySpec", SYMMETRIC.into());
    put("KeyState", state.name().into());
    put("KeyUsage", "ENCRYPT_DECRYPT".into());
    put("MultiRegion", key.multi_region.into());
    put("Origin", if key.imported { "EXTERNAL" } else { "AWS_KMS" }.into());
    if let KeyState::PendingDeletion { deletes_at_millis } = state {
        put("DeletionDate", seconds(deletes_at_millis));
    }
    if key.imported {
        put("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE".into());
    }
    if key.multi_region {
        put(
            "MultiRegionConfiguration",
            json!({
                "MultiRegionKeyType": "PRIMARY",
                "PrimaryKey": { "Arn": key.arn, "Region": key.region },
                "ReplicaKeys": [],
            }),
        );
    }
    members
}

/// The `KeyId` of an answer: the key's ARN, or that of a key that does not exist.
fn answered_key_id(key: &Key) -> Result<String, ApiError> {
    if key.fault() != Some(Fault::WrongKeyId) {
        return Ok(key.arn.clone());
    }
    let other = crate::text::uuid(super::random().map_err(|_| ApiError::internal())?);
    Ok(key.arn.replace(&key.id, &other))
}

fn policy_from_tags(tags: &[Value]) -> Result<KeyPolicy, ApiError> {
    let mut pcrs = PcrSet::new();
    for tag in tags {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).ok_or_else(ApiError::serialization);
        let (name, value) = (text("TagKey")?, text("TagValue")?);
        if let Some(index) = name.strip_prefix(PCR_TAG) {
            let index = index.parse::<u64>().ok().and_then(|index| PcrIndex::try_from(index).ok());
            let (Some(index), Ok(value)) = (index, Pcr::from_hex(value)) else {
                return Err(ApiError::new("TagException", format!("{name} needs 96 hex digits")));
            };
            pcrs.insert(index, value);
        }
    }
    Ok(if pcrs.is_empty() { KeyPolicy::allow_all() } else { KeyPolicy::attested(pcrs.iter()) })
}

/// JSON timestamps are seconds with a fraction.
fn seconds(millis: u64) -> Value {
    let fraction = u16::try_from(millis % 1000).unwrap_or_default();
    u32::try_from(millis / 1000)
        .map_or(Value::Null, |whole| (f64::from(whole) + f64::from(fraction) / 1000.0).into())
}

fn invalid_ciphertext() -> ApiError {
    ApiError::bare("InvalidCiphertextException")
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
