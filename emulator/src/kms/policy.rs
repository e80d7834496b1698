//! The policy of a key: a document, and rules that write one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pcrseal_core::pcr::{Pcr, PcrIndex};
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::{
    Comparison, Condition, Effect, Matching, PolicyDocument, Principals, Statement, Values,
};
use pcrseal_policy::names::{AccountId, PrincipalArn};

/// Actions on a key that can have a recipient.
const WITH_RECIPIENT: [Action; 4] =
    [Action::Decrypt, Action::GenerateDataKey, Action::GenerateDataKeyPair, Action::DeriveSharedSecret];
/// Actions whose ciphertexts no attested enclave asked for, or that carry them to another key.
const UNATTESTED_ONLY: [Action; 5] = [
    Action::Encrypt,
    Action::GenerateDataKeyWithoutPlaintext,
    Action::GenerateDataKeyPairWithoutPlaintext,
    Action::ReEncryptFrom,
    Action::ReEncryptTo,
];

/// What a key permits for one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Permitted.
    Allow,
    /// Permitted with an attestation document whose PCRs satisfy the policy.
    Attested,
    /// Denied to everyone.
    Deny,
}

/// Rules that a key policy is written from, short enough for a test.
///
/// Nothing set: the default key policy, by which the IAM policies of the key's account decide. With PCR values, the
/// actions that can have a recipient (Decrypt, GenerateDataKey, `GenerateDataKeyPair`, `DeriveSharedSecret`) need an
/// attestation document that shows them; everything else stays as it was. `GetKeyPolicy` shows the document.
#[derive(Clone, Debug, Default)]
pub struct KeyPolicy {
    principals: BTreeSet<String>,
    access: BTreeMap<Action, Access>,
    pcrs: BTreeMap<PcrIndex, BTreeSet<String>>,
}

impl KeyPolicy {
    /// The default key policy (AWS KMS developer guide, "Default key policy"): whatever IAM policies allow to
    /// principals of the key's account.
    pub fn allow_all() -> Self {
        Self::default()
    }

    /// The rules of a key that only attested enclaves use: what can have a recipient needs a document with these
    /// PCR values; Encrypt, `ReEncrypt` in either role, and data keys and pairs without plaintext are denied to
    /// everyone.
    pub fn attested<'a>(pcrs: impl IntoIterator<Item = (PcrIndex, &'a Pcr)>) -> Self {
        pcrs.into_iter()
            .fold(Self::default(), |policy, (index, value)| policy.pcr(index, value))
            .set_all(&WITH_RECIPIENT, Access::Attested)
            .set_all(&UNATTESTED_ONLY, Access::Deny)
    }

    /// Sets what is permitted for one action.
    #[must_use]
    pub fn set(mut self, action: Action, access: Access) -> Self {
        self.access.insert(action, access);
        self
    }

    fn set_all(self, actions: &[Action], access: Access) -> Self {
        actions.iter().fold(self, |policy, &action| policy.set(action, access))
    }

    /// Permits one value more for a PCR. A document must show a permitted value for every index that has any.
    #[must_use]
    pub fn pcr(mut self, index: PcrIndex, value: &Pcr) -> Self {
        self.pcrs.entry(index).or_default().insert(value.to_string());
        self
    }

    /// Permits a role or user by its ARN, of any account. Once one is named, no other may use the key.
    #[must_use]
    pub fn principal(mut self, arn: impl Into<String>) -> Self {
        self.principals.insert(arn.into());
        self
    }

    fn access(&self, action: Action) -> Access {
        let default = if WITH_RECIPIENT.contains(&action) && !self.pcrs.is_empty() {
            Access::Attested
        } else {
            Access::Allow
        };
        self.access.get(&action).copied().unwrap_or(default)
    }

    /// The document for a key of this account.
    fn render(&self, root: &PrincipalArn) -> PolicyDocument {
        let (sid, principals) = if self.principals.is_empty() {
            ("Enable IAM User Permissions", Values::One(root.to_string()))
        } else {
            ("Allowed", Values::many(&self.principals))
        };
        let principals = Principals::aws(principals);
        let statements = [
            self.statement(sid, Access::Allow, &principals, Vec::new()),
            self.statement("Attested", Access::Attested, &principals, self.conditions()),
            self.statement("Denied", Access::Deny, &Principals::Everyone, Vec::new()),
        ];
        let mut document = PolicyDocument::new(statements.into_iter().flatten().collect());
        document.id = Some("key-default-1".into());
        document
    }

    /// The statement about every action with this access; none if no action has it.
    fn statement(
        &self,
        sid: &str,
        access: Access,
        principals: &Principals,
        conditions: Vec<Condition>,
    ) -> Option<Statement> {
        let on_key = || Action::ALL.iter().copied().filter(|action| action.is_on_key());
        let listed = || on_key().filter(|&action| self.access(action) == access);
        let actions = match listed().count() {
            0 => return None,
            all if all == on_key().count() => Values::from("kms:*"),
            _ => Values::many(listed().map(Action::name)),
        };
        let effect = if access == Access::Deny { Effect::Deny } else { Effect::Allow };
        Some(Statement {
            principals: Some(Matching::Is(principals.clone())),
            actions: Some(Matching::Is(actions)),
            resources: Some(Matching::Is("*".into())),
            conditions,
            ..Statement::new(sid, effect)
        })
    }

    /// That a document shows the PCRs; without any, that there is a document.
    fn conditions(&self) -> Vec<Condition> {
        let condition = |comparison, key: String, values: Values| {
            Condition::new(comparison, format!("kms:RecipientAttestation:{key}"), values)
        };
        if self.pcrs.is_empty() {
            return vec![condition(Comparison::Null, "ImageSha384".into(), "false".into())];
        }
        let equals = |(index, values): (&PcrIndex, &BTreeSet<String>)| {
            condition(Comparison::StringEqualsIgnoreCase, index.to_string(), Values::many(values))
        };
        self.pcrs.iter().map(equals).collect()
    }
}

/// A key policy in either form: rules, or a document that is enforced as it is.
#[derive(Clone, Debug)]
pub enum PolicySource {
    /// Rules.
    Rules(KeyPolicy),
    /// A document.
    Document(PolicyDocument),
}

impl Default for PolicySource {
    fn default() -> Self {
        Self::Rules(KeyPolicy::default())
    }
}

impl From<KeyPolicy> for PolicySource {
    fn from(rules: KeyPolicy) -> Self {
        Self::Rules(rules)
    }
}

impl From<PolicyDocument> for PolicySource {
    fn from(document: PolicyDocument) -> Self {
        Self::Document(document)
    }
}

/// The policy that a key has: read once, when it is set.
#[derive(Debug)]
pub(crate) struct StoredPolicy {
    /// What `GetKeyPolicy` answers.
    pub(crate) text: String,
    pub(crate) document: PolicyDocument,
}

impl StoredPolicy {
    /// The policy of a key of this account.
    pub(crate) fn new(source: PolicySource, partition: &str, account: &AccountId) -> Arc<Self> {
        Self::of(match source {
            PolicySource::Rules(rules) => rules.render(&account.root(partition)),
            PolicySource::Document(document) => document,
        })
    }

    /// A document, written out.
    pub(crate) fn of(document: PolicyDocument) -> Arc<Self> {
        Arc::new(Self { text: document.to_json().to_pretty(), document })
    }
}
