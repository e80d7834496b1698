//! What lint has to know beside the policy.

use pcrseal_core::names::{KeyArn, Wrapping};
use pcrseal_core::pcr::Pcr;

use crate::names::{AccountId, PrincipalArn};

/// What lint has to know beside the policy.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account that the key belongs to.
    pub account: AccountId,
    /// The key. Without it, a statement that allows something with a key by its ARN is taken for one about this key, and
    /// one that denies is not.
    pub key: Option<KeyArn>,
    /// How the key is used.
    pub wrapping: Wrapping,
    /// Who may have the last word on the policy.
    pub profile: Profile,
    /// The key's `KeySpec`.
    pub key_spec: KeySpec,
    /// The key's `Origin`.
    pub origin: Origin,
    /// The key's `MultiRegion`, if known.
    pub multi_region: Option<bool>,
    /// The names of the key's policies, as `ListKeyPolicies` lists them; empty if not known.
    pub policy_names: Vec<String>,
    /// Whether the policy is put with `BypassPolicyLockoutSafetyCheck`.
    pub bypass_policy_lockout_safety_check: bool,
    /// The enclaves' roles. Empty: those that the policy lets in with attestation.
    pub enclave_roles: Vec<PrincipalArn>,
    /// The images (PCR0) that should get in, the current one first. Empty: those that the policy lists.
    pub images: Vec<Pcr>,
}

impl Options {
    /// A dedicated key (`SYMMETRIC_DEFAULT`, `AWS_KMS`, `MultiRegion` not known) of an `attested` quorum, under the
    /// profile `break-glass`; roles and images are taken from the policy.
    pub const fn new(account: AccountId) -> Self {
        Self {
            account,
            key: None,
            wrapping: Wrapping::Attested,
            profile: Profile::BreakGlass,
            key_spec: KeySpec::SymmetricDefault,
            origin: Origin::AwsKms,
            multi_region: None,
            policy_names: Vec::new(),
            bypass_policy_lockout_safety_check: false,
            enclave_roles: Vec::new(),
            images: Vec::new(),
        }
    }
}

/// Who may have the last word on the policy. Data operations are judged alike under both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// There must be a way back when the administrators are gone: the account's root user may call `PutKeyPolicy`.
    /// That IAM may give it to others of the account is accepted, and noted.
    #[default]
    BreakGlass,
    /// No IAM policy may open the key: handing `PutKeyPolicy`, `CreateGrant`, `ReplicateKey` or `ScheduleKeyDeletion`
    /// to IAM is an error. The root user may still have them (a condition on `aws:PrincipalArn`); without it, the lack
    /// of a way back is only noted.
    Strict,
}

impl Profile {
    /// `break-glass` or `strict`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BreakGlass => "break-glass",
            Self::Strict => "strict",
        }
    }

    /// The profile of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::BreakGlass, Self::Strict].into_iter().find(|profile| profile.name() == name)
    }
}

/// What a key is made for, as far as its policy is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// `SYMMETRIC_DEFAULT`: the spec of keys that hold shares.
    #[default]
    SymmetricDefault,
    /// A spec of elliptic curves with `KeyUsage` `KEY_AGREEMENT`: `DeriveSharedSecret` works on it.
    KeyAgreement,
}

impl KeySpec {
    /// As the API writes it; of the specs for key agreement the usual one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SymmetricDefault => "SYMMETRIC_DEFAULT",
            Self::KeyAgreement => "ECC_NIST_P256",
        }
    }

    /// `KeyUsage`, as the API writes it.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::SymmetricDefault => "ENCRYPT_DECRYPT",
            Self::KeyAgreement => "KEY_AGREEMENT",
        }
    }
}

/// Where key material comes from (AWS KMS API reference, `CreateKey`, `Origin`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// `AWS_KMS`.
    #[default]
    AwsKms,
    /// `EXTERNAL`: imported.
    External,
    /// `AWS_CLOUDHSM`: in a cluster of `AWS CloudHSM`.
    AwsCloudHsm,
    /// `EXTERNAL_KEY_STORE`: outside of AWS.
    ExternalKeyStore,
}

impl Origin {
    /// As the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsKms => "AWS_KMS",
            Self::External => "EXTERNAL",
            Self::AwsCloudHsm => "AWS_CLOUDHSM",
            Self::ExternalKeyStore => "EXTERNAL_KEY_STORE",
        }
    }
}
