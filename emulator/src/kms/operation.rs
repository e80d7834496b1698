//! The operations by name.

macro_rules! operations {
    ($($name:ident)*) => {
        /// The operations that the server knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is the operation of that name in the AWS KMS API reference
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name as it stands in `X-Amz-Target`.
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
    ReEncrypt GetKeyPolicy PutKeyPolicy ListKeyPolicies
}

impl Operation {
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }
}
