//! A request to AWS KMS, as policies see it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;

use crate::actions::Action;
use crate::names::{Identity, PrincipalArn};

/// What stands in front of the name of an encryption context's key.
const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:";
/// `aws:PrincipalArn`, as the entries have it.
const PRINCIPAL_ARN: &str = "aws:principalarn";
/// The names of an encryption context's keys.
const ENCRYPTION_CONTEXT_KEYS: &str = "kms:EncryptionContextKeys";

/// The condition keys that every signed request has, besides those that the caller's ARN tells (IAM user guide, "AWS
/// global condition context keys", of each its availability).
const ALWAYS: [&str; 6] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:useragent",
    "aws:userid",
];

/// Whether every signed request has this condition key.
pub(crate) fn is_in_every_request(key: &str) -> bool {
    ALWAYS.contains(&key.to_lowercase().as_str())
}

/// Those that every request on a key has: facts of the key (AWS KMS developer guide, "AWS KMS condition keys").
const ALWAYS_ON_KEYS: [&str; 4] = ["kms:keyorigin", "kms:keyspec", "kms:keyusage", "kms:multiregion"];

/// A request to AWS KMS: who asks for what, and the condition keys that policies may ask about.
///
/// A key that the request does not hold is missing, as it is for AWS. So whoever judges policies that ask about
/// `aws:SourceIp`, tags and the like gives those with [`context`](Self::context). Only the keys that AWS puts into every
/// request are never missing: what asks for the value of `aws:userid`, `aws:CurrentTime`, `aws:EpochTime`,
/// `aws:RequestedRegion`, `aws:SecureTransport` or `aws:UserAgent`, or of a request on a key for `kms:KeyOrigin`,
/// `kms:KeySpec`, `kms:KeyUsage` or `kms:MultiRegion`, cannot be decided without it.
#[derive(Clone, Debug)]
pub struct Request {
    caller: PrincipalArn,
    action: Action,
    key: Option<KeyArn>,
    encryption_context: Vec<(String, String)>,
    /// By condition key in lower case: condition keys are not case-sensitive.
    context: BTreeMap<String, ContextEntry>,
    /// The entries that follow from the caller: nothing replaces them.
    own: BTreeMap<String, ContextEntry>,
}

/// The value of a condition key in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// Of a single-valued key.
    One(String),
    /// Of a multivalued key, even if it has just one. None at all: the key is missing.
    Many(Vec<String>),
}

/// What the attestation document in `Recipient` says, once KMS has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// Of a Nitro enclave: `kms:RecipientAttestation:ImageSha384` (its PCR0) and `…:PCRn`.
    Enclave(PcrSet),
    /// Of an instance with a NitroTPM: `kms:RecipientAttestation:NitroTPMPCRn`.
    NitroTpm(PcrSet),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContextEntry {
    Known(ContextValue),
    /// Several values that differ in the case of the key's name.
    Ambiguous,
    /// There is a value, which nobody gave.
    Untold,
}

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resource<'a> {
    /// No key: policies see the resource `*`.
    None,
    /// This key.
    Key(&'a KeyArn),
    /// A key that is not named.
    UnknownKey,
}

impl Request {
    /// A request by `caller` for `action` on `key`.
    ///
    /// The caller is a role session, a role (a session of it whose name no policy has), a user, a federated user or
    /// the root user of an account. A federated user is itself alone: what the user who asked for its session may do
    /// is not looked at. The key is ignored for actions that use none; without it, a statement that names
    /// keys cannot be decided.
    pub fn new(caller: PrincipalArn, action: Action, key: Option<&KeyArn>) -> Self {
        let one = |value: String| ContextEntry::Known(ContextValue::One(value));
        let account = caller.account().to_string();
        let kind = principal_type(caller.identity());
        let mut own = BTreeMap::from([
            (PRINCIPAL_ARN.to_owned(), one(principal_arn(&caller, "/"))),
            ("aws:principalaccount".to_owned(), one(account.clone())),
            ("aws:principaltype".to_owned(), one(kind.to_owned())),
            ("kms:calleraccount".to_owned(), one(account.clone())),
        ]);
        // The ids of users and roles are not in their ARNs (IAM user guide, "AWS global condition context keys").
        match caller.identity() {
            Identity::User { name, .. } => drop(own.insert("aws:username".into(), one(name.to_string()))),
            Identity::Root => drop(own.insert("aws:userid".into(), one(account))),
            Identity::FederatedUser { name } => {
                own.insert("aws:userid".into(), one(format!("{account}:{name}")));
            }
            Identity::Role { .. } | Identity::AssumedRole { .. } => {}
        }
        let key = if action.is_on_key() { key.cloned() } else { None };
        Self { caller, action, key, encryption_context: Vec::new(), context: BTreeMap::new(), own }
    }

    /// The path of the role whose session the caller is: `/` or `/service/`. The session's ARN does not hold it, and
    /// `aws:PrincipalArn` does. Without this it is `/`. It has no effect for other callers.
    #[must_use]
    pub fn role_path(mut self, path: &str) -> Self {
        let value = ContextValue::One(principal_arn(&self.caller, path));
        self.own.insert(PRINCIPAL_ARN.into(), ContextEntry::Known(value));
        self
    }

    /// A verified attestation document came with the request. It has no effect for actions that cannot carry one.
    ///
    /// PCRs are lower-case hex there.
    #[must_use]
    pub fn attestation(mut self, attestation: &Attestation) -> Self {
        if !self.action.carries_attestation() {
            return self;
        }
        let (pcrs, prefix) = match attestation {
            Attestation::Enclave(pcrs) => (pcrs, "PCR"),
            Attestation::NitroTpm(pcrs) => (pcrs, "NitroTPMPCR"),
        };
        for (index, value) in pcrs.iter() {
            let value = ContextValue::One(value.to_string());
            if index.get() == 0 && matches!(attestation, Attestation::Enclave(_)) {
                self = self.context("kms:RecipientAttestation:ImageSha384", value.clone());
            }
            self = self.context(&format!("kms:RecipientAttestation:{prefix}{}", index.get()), value);
        }
        self
    }

    /// The encryption context of the request. It has no effect for actions that take none.
    #[must_use]
    pub fn encryption_context<K, V>(mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        if !self.action.carries_encryption_context() {
            return self;
        }
        for (key, value) in pairs {
            let (key, value) = (key.into(), value.into());
            let entry = ContextEntry::Known(ContextValue::One(value.clone()));
            match self.context.entry(format!("{ENCRYPTION_CONTEXT}{key}").to_lowercase()) {
                Entry::Vacant(vacant) => drop(vacant.insert(entry)),
                Entry::Occupied(occupied) if *occupied.get() == entry => {}
                Entry::Occupied(mut occupied) => drop(occupied.insert(ContextEntry::Ambiguous)),
            }
            self.encryption_context.push((key, value));
        }
        let keys = self.encryption_context.iter().map(|(key, _)| key.clone()).collect();
        self.context(ENCRYPTION_CONTEXT_KEYS, ContextValue::Many(keys))
    }

    /// Any other condition key. Those that follow from the caller (`aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `kms:CallerAccount`, and `aws:username` or `aws:userid` where the ARN tells it) stay as
    /// they are.
    #[must_use]
    pub fn context(mut self, key: &str, value: ContextValue) -> Self {
        let key = key.to_lowercase();
        if value == ContextValue::Many(Vec::new()) {
            self.context.remove(&key);
        } else {
            self.context.insert(key, ContextEntry::Known(value));
        }
        self
    }

    /// Who asks.
    pub const fn caller(&self) -> &PrincipalArn {
        &self.caller
    }

    /// What for.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The condition key's entry.
    pub(super) fn entry(&self, key: &str) -> Option<&ContextEntry> {
        let key = key.to_lowercase();
        let given = self.own.get(&key).or_else(|| self.context.get(&key));
        let on_key = self.action.is_on_key() && ALWAYS_ON_KEYS.contains(&key.as_str());
        given.or_else(|| (on_key || ALWAYS.contains(&key.as_str())).then_some(&ContextEntry::Untold))
    }

    /// The encryption context as given.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.encryption_context
    }

    pub(super) const fn resource(&self) -> Resource<'_> {
        match &self.key {
            Some(key) => Resource::Key(key),
            None if self.action.is_on_key() => Resource::UnknownKey,
            None => Resource::None,
        }
    }
}

/// `aws:PrincipalArn` of a role session is the role's ARN (IAM user guide, "AWS global condition context keys").
fn principal_arn(caller: &PrincipalArn, path: &str) -> String {
    match caller.identity() {
        Identity::AssumedRole { name, .. } => {
            format!("arn:{}:iam::{}:role{path}{name}", caller.partition(), caller.account())
        }
        _ => caller.to_string(),
    }
}

/// `aws:PrincipalType` (the same page).
const fn principal_type(identity: &Identity) -> &'static str {
    match identity {
        Identity::Root => "Account",
        Identity::User { .. } => "User",
        Identity::FederatedUser { .. } => "FederatedUser",
        Identity::Role { .. } | Identity::AssumedRole { .. } => "AssumedRole",
    }
}
