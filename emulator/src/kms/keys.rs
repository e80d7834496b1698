//! Keys, and what a test may do to them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pcrseal_core::names::KeyArn;
use pcrseal_policy::names::{AccountId, PrincipalArn};

use super::cms::ContentForm;
use super::fault::{FaultPlan, FaultSlot};
use super::identities::forget;
use super::material::{Curve, Material};
use super::operation::Operation;
use super::policy::{PolicySource, StoredPolicy};
use super::{KmsError, random};
use crate::text::hex;

/// What a key is created with.
#[derive(Clone, Debug, Default)]
pub struct KeyOptions {
    pub(crate) policy: PolicySource,
    pub(crate) description: String,
    pub(crate) imported: bool,
    pub(crate) multi_region: bool,
    /// `None`: symmetric.
    pub(crate) curve: Option<Curve>,
}

impl KeyOptions {
    /// A symmetric key made by KMS, for one region, under this policy: a [`KeyPolicy`](super::KeyPolicy), or a
    /// [`PolicyDocument`](super::PolicyDocument) as it is.
    pub fn new(policy: impl Into<PolicySource>) -> Self {
        Self { policy: policy.into(), ..Self::default() }
    }

    /// The description that DescribeKey shows.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// DescribeKey says that the material was imported (`Origin` EXTERNAL).
    #[must_use]
    pub fn imported(mut self) -> Self {
        self.imported = true;
        self
    }

    /// A key for key agreement (`DeriveSharedSecret`) instead of a symmetric one.
    #[must_use]
    pub fn key_agreement(mut self, curve: Curve) -> Self {
        self.curve = Some(curve);
        self
    }

    /// A multi-Region primary key (`mrk-…`); replicas are not emulated.
    #[must_use]
    pub fn multi_region(mut self) -> Self {
        self.multi_region = true;
        self
    }
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Usable.
    Enabled,
    /// Answers `DisabledException`.
    Disabled,
    /// Answers `KMSInvalidStateException`, and `NotFoundException` once the time has come.
    PendingDeletion {
        /// Milliseconds since the Unix epoch.
        deletes_at_millis: u64,
    },
}

impl KeyState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion { .. } => "PendingDeletion",
        }
    }
}

pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) arn: KeyArn,
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) created_millis: u64,
    pub(crate) description: String,
    pub(crate) imported: bool,
    pub(crate) multi_region: bool,
    pub(crate) material: Material,
    /// 64 hex digits: names the material, not the key.
    pub(crate) material_id: String,
    pub(crate) fault: FaultSlot,
    controls: Mutex<Controls>,
    requests: Mutex<BTreeMap<Operation, u64>>,
}

pub(crate) struct Controls {
    pub(crate) state: KeyState,
    pub(crate) policy: Arc<StoredPolicy>,
    pub(crate) delay: Duration,
    pub(crate) content_form: ContentForm,
}

impl Key {
    pub(crate) fn create(
        region: &str,
        account: AccountId,
        options: KeyOptions,
        created_millis: u64,
        content_form: ContentForm,
    ) -> Result<Self, KmsError> {
        let uuid = crate::text::uuid(random()?);
        let id = if options.multi_region { format!("mrk-{}", uuid.replace('-', "")) } else { uuid };
        let arn = KeyArn::new(&key_arn(region, account.as_str(), &id))
            .map_err(|_| KmsError::Region(region.to_owned()))?;
        let policy = StoredPolicy::new(options.policy, arn.partition(), &account);
        Ok(Self {
            arn,
            id,
            account,
            region: region.to_owned(),
            created_millis,
            description: options.description,
            imported: options.imported,
            multi_region: options.multi_region,
            material: Material::generate(options.curve).map_err(|_| KmsError::Random)?,
            material_id: hex(&random::<32>()?),
            fault: FaultSlot::default(),
            controls: Mutex::new(Controls {
                state: KeyState::Enabled,
                policy,
                delay: Duration::ZERO,
                content_form,
            }),
            requests: Mutex::default(),
        })
    }

    /// `Origin` of `DescribeKey`.
    pub(crate) const fn origin(&self) -> &'static str {
        if self.imported { "EXTERNAL" } else { "AWS_KMS" }
    }

    pub(crate) fn controls(&self) -> MutexGuard<'_, Controls> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, operation: Operation) {
        *self.counts().entry(operation).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Operation, u64>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controls {
    /// Puts a removed role's or user's unique id into the policy.
    pub(crate) fn forget(&mut self, removed: &PrincipalArn, unique_id: &str) {
        let mut document = self.policy.document.clone();
        if forget(&mut document, removed, unique_id) {
            self.policy = StoredPolicy::of(document);
        }
    }
}

/// Controls of one key, for tests; usable while the server runs.
#[derive(Clone)]
pub struct KeyHandle(pub(crate) Arc<Key>);

impl KeyHandle {
    /// The key's full ARN.
    pub fn arn(&self) -> &str {
        self.0.arn.as_str()
    }

    /// Where the key stands.
    pub fn state(&self) -> KeyState {
        self.0.controls().state
    }

    /// Enables the key, whatever its state.
    pub fn enable(&self) {
        self.0.controls().state = KeyState::Enabled;
    }

    /// Disables the key, whatever its state.
    pub fn disable(&self) {
        self.0.controls().state = KeyState::Disabled;
    }

    /// Schedules the key's deletion.
    pub fn schedule_deletion(&self, deletes_at_millis: u64) {
        self.0.controls().state = KeyState::PendingDeletion { deletes_at_millis };
    }

    /// Replaces the key's policy, without the checks of `PutKeyPolicy`: it may name principals that do not exist,
    /// and lock everyone out.
    pub fn set_policy(&self, policy: impl Into<PolicySource>) {
        let key = &self.0;
        let policy = StoredPolicy::new(policy.into(), key.arn.partition(), &key.account);
        key.controls().policy = policy;
    }

    /// How long every answer waits.
    pub fn set_delay(&self, delay: Duration) {
        self.0.controls().delay = delay;
    }

    /// What goes wrong with requests that name this key, from now on: a [`Fault`](super::Fault), a [`FaultPlan`], or `None`.
    pub fn set_fault(&self, fault: impl Into<Option<FaultPlan>>) {
        self.0.fault.set(fault.into());
    }

    /// How `CiphertextForRecipient` is written from now on.
    pub fn set_content_form(&self, form: ContentForm) {
        self.0.controls().content_form = form;
    }

    /// Authentic requests that named this key, refused ones included; not those beyond a quota, and not those
    /// that a fault of the whole server refused.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.0.counts().get(&operation).copied().unwrap_or_default()
    }

    /// The same for all operations together.
    pub fn total_requests(&self) -> u64 {
        self.0.counts().values().sum()
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle({})", self.arn())
    }
}

/// The full ARN of the key with this id.
pub(crate) fn key_arn(region: &str, account: &str, id: &str) -> String {
    format!("arn:{}:kms:{region}:{account}:key/{id}", partition(region))
}

/// The partition of a region (AWS, "Amazon Resource Names").
fn partition(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 8] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isof-", "aws-iso-f"),
    ];
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |&(_, partition)| partition)
}
