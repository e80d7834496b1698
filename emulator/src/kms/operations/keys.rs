//! Keys themselves: made, described, switched off and on, deleted.

use std::ops::RangeInclusive;

use pcrseal_policy::actions::Action;
use serde_json::{Map, Value, json};

use super::policies::policy_text;
use super::{Answer, Call, KEY_ID_LEN, SYMMETRIC, invalid_state, unsupported};
use crate::kms::authorize::{Facts, boolean, key_conditions};
use crate::kms::errors::ApiError;
use crate::kms::input::Input;
use crate::kms::keys::{Key, KeyOptions, KeyState};
use crate::kms::material::{Curve, Material};

/// Bounds of the AWS KMS API reference.
const MAX_TAGS: usize = 50;
const DESCRIPTION_LEN: RangeInclusive<usize> = 0..=8192;
const PENDING_WINDOW_DAYS: (u64, u64) = (7, 30);
const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

impl Call<'_> {
    pub(super) fn create_key(&self, input: &Input) -> Answer {
        let curve = key_agreement(input)?;
        if input.text("Origin", KEY_ID_LEN)?.is_some_and(|text| text != "AWS_KMS") {
            return Err(unsupported("Origin other than AWS_KMS"));
        }
        input.array("Tags", MAX_TAGS)?;
        let bypass = input.flag("BypassPolicyLockoutSafetyCheck")?;
        let mut options =
            KeyOptions { curve, multi_region: input.flag("MultiRegion")?, ..KeyOptions::default() };
        if let Some(text) = input.text("Description", DESCRIPTION_LEN)? {
            options = options.description(text);
        }
        let (region, account) = (&self.signer.region, self.signer.principal.account());
        let key = self.world.new_key(region, account, options).map_err(|_| ApiError::internal())?;
        let mut keys = key_conditions(&key);
        keys.push(("kms:BypassPolicyLockoutSafetyCheck", boolean(bypass)));
        self.authorize_without_key(Action::CreateKey, &Facts { keys: &keys, ..Facts::default() })?;
        if let Some(text) = policy_text(input)? {
            key.controls().policy = self.checked_policy(&key, text, bypass)?;
        }
        let metadata = metadata(&key);
        self.world
            .insert_key(key)
            .map_err(|error| ApiError::new("LimitExceededException", error.to_string()))?;
        Ok(json!({ "KeyMetadata": metadata }))
    }

    pub(super) fn describe_key(&mut self, input: &Input) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, Action::DescribeKey, &Facts::default())?;
        let mut metadata = metadata(&key);
        metadata.insert("Arn".into(), self.answered_key_id(&key)?.into());
        Ok(json!({ "KeyMetadata": metadata }))
    }

    pub(super) fn enable_key(&mut self, input: &Input) -> Answer {
        self.set_state(input, Action::EnableKey, KeyState::Enabled)
    }

    pub(super) fn disable_key(&mut self, input: &Input) -> Answer {
        self.set_state(input, Action::DisableKey, KeyState::Disabled)
    }

    fn set_state(&mut self, input: &Input, action: Action, state: KeyState) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, action, &Facts::default())?;
        let mut controls = key.controls();
        if matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is pending deletion."));
        }
        controls.state = state;
        Ok(Value::Null)
    }

    pub(super) fn schedule_key_deletion(&mut self, input: &Input) -> Answer {
        let (min, max) = PENDING_WINDOW_DAYS;
        let days = input.number("PendingWindowInDays", min, max)?.unwrap_or(max);
        let key = self.named_key(input)?;
        let keys = [("kms:ScheduleKeyDeletionPendingWindowInDays", &*days.to_string())];
        self.authorize(&key, Action::ScheduleKeyDeletion, &Facts { keys: &keys, ..Facts::default() })?;
        let mut controls = key.controls();
        if matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is pending deletion."));
        }
        let deletes_at_millis = self.world.clock().now_millis().saturating_add(days * DAY_MILLIS);
        controls.state = KeyState::PendingDeletion { deletes_at_millis };
        Ok(json!({
            "DeletionDate": seconds(deletes_at_millis),
            "KeyId": key.arn.as_str(),
            "KeyState": controls.state.name(),
            "PendingWindowInDays": days,
        }))
    }

    pub(super) fn cancel_key_deletion(&mut self, input: &Input) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, Action::CancelKeyDeletion, &Facts::default())?;
        let mut controls = key.controls();
        if !matches!(controls.state, KeyState::PendingDeletion { .. }) {
            return Err(invalid_state(&key, "is not pending deletion."));
        }
        // AWS leaves the key disabled.
        controls.state = KeyState::Disabled;
        Ok(json!({ "KeyId": key.arn.as_str() }))
    }
}

/// The curve of a key for key agreement, `None` for a symmetric key for encryption: from `KeySpec`, by its old
/// name too, and `KeyUsage`.
fn key_agreement(input: &Input) -> Result<Option<Curve>, ApiError> {
    let spec = match input.text("KeySpec", KEY_ID_LEN)? {
        Some(spec) => spec,
        None => input.text("CustomerMasterKeySpec", KEY_ID_LEN)?.unwrap_or(SYMMETRIC),
    };
    match (Curve::by_key_spec(spec), input.text("KeyUsage", KEY_ID_LEN)?) {
        (None, None | Some("ENCRYPT_DECRYPT")) if spec == SYMMETRIC => Ok(None),
        (Some(curve), Some("KEY_AGREEMENT")) => Ok(Some(curve)),
        (Some(_), None) => {
            Err(ApiError::validation("You must specify a KeyUsage value for an asymmetric CMK."))
        }
        (_, usage) => Err(unsupported(&format!(
            "keys of KeySpec {spec} with KeyUsage {}, but SYMMETRIC_DEFAULT with ENCRYPT_DECRYPT, and \
             ECC_NIST_P256, ECC_NIST_P384 and ECC_NIST_P521 with KEY_AGREEMENT",
            usage.unwrap_or("ENCRYPT_DECRYPT")
        ))),
    }
}

fn metadata(key: &Key) -> Map<String, Value> {
    let state = key.controls().state;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.into(), value));
    put("AWSAccountId", key.account.as_str().into());
    put("Arn", key.arn.as_str().into());
    put("CreationDate", seconds(key.created_millis));
    put("CustomerMasterKeySpec", key.material.key_spec().into());
    put("Description", key.description.as_str().into());
    put("Enabled", (state == KeyState::Enabled).into());
    match key.material {
        Material::Symmetric(_) => {
            put("CurrentKeyMaterialId", key.material_id.as_str().into());
            put("EncryptionAlgorithms", json!([SYMMETRIC]));
        }
        Material::Agreement(..) => put("KeyAgreementAlgorithms", json!(["ECDH"])),
    }
    put("KeyId", key.id.as_str().into());
    put("KeyManager", "CUSTOMER".into());
    put("KeySpec", key.material.key_spec().into());
    put("KeyState", state.name().into());
    put("KeyUsage", key.material.key_usage().into());
    put("MultiRegion", key.multi_region.into());
    put("Origin", key.origin().into());
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
                "PrimaryKey": { "Arn": key.arn.as_str(), "Region": key.region },
                "ReplicaKeys": [],
            }),
        );
    }
    members
}

/// JSON timestamps are seconds with a fraction.
fn seconds(millis: u64) -> Value {
    let fraction = u16::try_from(millis % 1000).unwrap_or_default();
    u32::try_from(millis / 1000)
        .map_or(Value::Null, |whole| (f64::from(whole) + f64::from(fraction) / 1000.0).into())
}
