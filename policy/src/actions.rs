//! KMS's permissions (Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management
//! Service", with the permission that `ReEncrypt` splits into two).

use std::fmt;

use pcrseal_core::error::{Code, Error};

use crate::names::excerpt;

macro_rules! actions {
    ($($name:ident)*) => {
        /// A permission of AWS KMS, without its prefix `kms:`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is the permission of that name
        #[non_exhaustive]
        pub enum Action {
            $($name,)*
        }

        impl Action {
            /// Every permission, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As policies write it: `kms:Decrypt`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => concat!("kms:", stringify!($name)),)* }
            }
        }
    };
}

actions! {
    CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateGrant CreateKey Decrypt
    DeleteAlias DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret DescribeCustomKeyStores
    DescribeKey DisableKey DisableKeyRotation DisconnectCustomKeyStore EnableKey EnableKeyRotation Encrypt
    GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext
    GenerateMac GenerateRandom GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus GetParametersForImport
    GetPublicKey ImportKeyMaterial ListAliases ListGrants ListKeyPolicies ListKeyRotations ListKeys
    ListResourceTags ListRetirableGrants PutKeyPolicy ReEncryptFrom ReEncryptTo ReplicateKey RetireGrant
    RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign SynchronizeMultiRegionKey TagResource UntagResource
    UpdateAlias UpdateCustomKeyStore UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac
}

impl Action {
    /// The permission of this name, `kms:` included. Names of actions are not case-sensitive (IAM user guide, "IAM
    /// JSON policy elements: Action").
    ///
    /// # Errors
    /// [`Code::ActionName`].
    pub fn new(name: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|action| action.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::text(Code::ActionName, "action", "a permission such as kms:Decrypt", excerpt(name))
        })
    }

    /// Whether a request for it can carry an attestation document (AWS KMS developer guide, "Condition keys for AWS
    /// Nitro Enclaves").
    pub const fn carries_attestation(self) -> bool {
        matches!(
            self,
            Self::Decrypt
                | Self::DeriveSharedSecret
                | Self::GenerateDataKey
                | Self::GenerateDataKeyPair
                | Self::GenerateRandom
        )
    }

    /// Whether a request for it can carry an encryption context (for `CreateGrant`: the one that the grant demands), so
    /// that `kms:EncryptionContext:…` can stand in a condition (AWS KMS developer guide, "kms:EncryptionContext").
    pub const fn carries_encryption_context(self) -> bool {
        matches!(
            self,
            Self::CreateGrant
                | Self::Decrypt
                | Self::Encrypt
                | Self::GenerateDataKey
                | Self::GenerateDataKeyPair
                | Self::GenerateDataKeyPairWithoutPlaintext
                | Self::GenerateDataKeyWithoutPlaintext
                | Self::ReEncryptFrom
                | Self::ReEncryptTo
        )
    }

    /// Whether it may be permitted to callers of another account than the key's; elsewhere "those permissions have no
    /// effect" (AWS KMS developer guide, "Allowing users in other accounts to use a KMS key").
    pub const fn works_across_accounts(self) -> bool {
        self.is_cryptographic()
            || matches!(
                self,
                Self::CreateGrant
                    | Self::DescribeKey
                    | Self::GetKeyRotationStatus
                    | Self::GetPublicKey
                    | Self::ListGrants
                    | Self::RetireGrant
                    | Self::RevokeGrant
            )
    }

    /// Whether it uses a key's material on data (AWS KMS developer guide, "Cryptographic operations"). `GenerateRandom`
    /// is none: it uses no key.
    pub const fn is_cryptographic(self) -> bool {
        matches!(
            self,
            Self::Decrypt
                | Self::DeriveSharedSecret
                | Self::Encrypt
                | Self::GenerateDataKey
                | Self::GenerateDataKeyPair
                | Self::GenerateDataKeyPairWithoutPlaintext
                | Self::GenerateDataKeyWithoutPlaintext
                | Self::GenerateMac
                | Self::ReEncryptFrom
                | Self::ReEncryptTo
                | Self::Sign
                | Self::Verify
                | Self::VerifyMac
        )
    }

    /// Whether the resource of a request is a key, so that a key policy judges it.
    pub const fn is_on_key(self) -> bool {
        !matches!(
            self,
            Self::ConnectCustomKeyStore
                | Self::CreateCustomKeyStore
                | Self::CreateKey
                | Self::DeleteCustomKeyStore
                | Self::DescribeCustomKeyStores
                | Self::DisconnectCustomKeyStore
                | Self::GenerateRandom
                | Self::ListAliases
                | Self::ListKeys
                | Self::ListRetirableGrants
                | Self::UpdateCustomKeyStore
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
