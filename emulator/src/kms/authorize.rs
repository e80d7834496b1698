//! Who may do what with a key: the one place where that is decided.

use std::collections::{BTreeMap, BTreeSet};

use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

use super::principal::Principal;

macro_rules! operations {
    ($($name:ident)*) => {
        /// The operations that the server knows, and the two permissions that `ReEncrypt` needs: `ReEncryptFrom`
        /// of the source key and `ReEncryptTo` of the destination key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is the operation of that name in the AWS KMS API reference
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name as it stands in `X-Amz-Target` and in `kms:…` actions.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

operations! {
    CreateKey DescribeKey Encrypt Decrypt GenerateDataKey GenerateDataKeyWithoutPlaintext
    EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion
    GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateRandom DeriveSharedSecret GetPublicKey
    ReEncrypt ReEncryptFrom ReEncryptTo GetKeyPolicy PutKeyPolicy ListKeyPolicies
}

impl Operation {
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    pub(crate) fn action(self) -> String {
        format!("kms:{}", self.name())
    }
}

/// Operations on a key that can have a recipient.
const WITH_RECIPIENT: [Operation; 4] = [
    Operation::Decrypt,
    Operation::GenerateDataKey,
    Operation::GenerateDataKeyPair,
    Operation::DeriveSharedSecret,
];
/// Operations whose ciphertexts no attested enclave asked for, or that carry them to another key.
const UNATTESTED_ONLY: [Operation; 5] = [
    Operation::Encrypt,
    Operation::GenerateDataKeyWithoutPlaintext,
    Operation::GenerateDataKeyPairWithoutPlaintext,
    Operation::ReEncryptFrom,
    Operation::ReEncryptTo,
];

/// What a key permits for one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Permitted.
    Allow,
    /// Permitted with an attestation document whose PCRs satisfy the policy.
    Attested,
    /// Refused by an explicit deny.
    Deny,
}

/// The rules of one key.
///
/// Nothing set: every principal of the key's own account may do everything. With PCR values, the operations that
/// can have a recipient (Decrypt, GenerateDataKey, `GenerateDataKeyPair`, `DeriveSharedSecret`) need an
/// attestation document that shows them; everything else stays as it was.
///
/// A document that `PutKeyPolicy` stores changes nothing here.
#[derive(Clone, Debug, Default)]
pub struct KeyPolicy {
    principals: BTreeSet<String>,
    access: BTreeMap<Operation, Access>,
    pcrs: BTreeMap<PcrIndex, BTreeSet<[u8; 48]>>,
}

impl KeyPolicy {
    /// Everything, for every principal of the key's account, without attestation.
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

    /// Sets what is permitted for one operation.
    #[must_use]
    pub fn set(mut self, operation: Operation, access: Access) -> Self {
        self.access.insert(operation, access);
        self
    }

    fn set_all(self, operations: &[Operation], access: Access) -> Self {
        operations.iter().fold(self, |policy, &operation| policy.set(operation, access))
    }

    /// Permits one value more for a PCR. A document must show a permitted value for every index that has any.
    #[must_use]
    pub fn pcr(mut self, index: PcrIndex, value: &Pcr) -> Self {
        self.pcrs.entry(index).or_default().insert(*value.as_bytes());
        self
    }

    /// Permits a role or user by its ARN, of any account. Once one is named, no other may use the key.
    #[must_use]
    pub fn principal(mut self, arn: impl Into<String>) -> Self {
        self.principals.insert(arn.into());
        self
    }

    fn access(&self, operation: Operation) -> Access {
        let default = if WITH_RECIPIENT.contains(&operation) && !self.pcrs.is_empty() {
            Access::Attested
        } else {
            Access::Allow
        };
        self.access.get(&operation).copied().unwrap_or(default)
    }

    fn accepts(&self, shown: &PcrSet) -> bool {
        self.pcrs
            .iter()
            .all(|(&index, values)| shown.get(index).is_some_and(|value| values.contains(value.as_bytes())))
    }
}

/// How a request is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    ImplicitlyDenied,
    ExplicitlyDenied,
}

/// Judges a request: `account` is the key's, `attested` the PCRs of a verified attestation document.
pub(crate) fn authorize(
    policy: &KeyPolicy,
    account: &str,
    principal: &Principal,
    operation: Operation,
    attested: Option<&PcrSet>,
) -> Decision {
    let access = policy.access(operation);
    if access == Access::Deny {
        return Decision::ExplicitlyDenied;
    }
    let named = if policy.principals.is_empty() {
        principal.account() == account
    } else {
        policy.principals.contains(principal.arn())
    };
    let satisfied = match access {
        Access::Allow => true,
        Access::Attested => attested.is_some_and(|shown| policy.accepts(shown)),
        Access::Deny => false,
    };
    if named && satisfied { Decision::Allowed } else { Decision::ImplicitlyDenied }
}
