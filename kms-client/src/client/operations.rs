//! The operations, typed. Each is made in a region: that of the key's ARN.

use super::Client;
use crate::Error;
use crate::wire::{
    DecryptAnswer, DecryptRequest, DeriveSharedSecretAnswer, DeriveSharedSecretRequest, DescribeKeyRequest,
    DisableKeyRequest, EnableKeyRequest, EncryptAnswer, EncryptRequest, GenerateDataKeyAnswer,
    GenerateDataKeyPairAnswer, GenerateDataKeyPairRequest, GenerateDataKeyRequest, GenerateRandomAnswer,
    GenerateRandomRequest, GetKeyPolicyRequest, KeyMetadata, PutKeyPolicyRequest, ReEncryptAnswer,
    ReEncryptRequest,
};

macro_rules! operations {
    ($( $name:literal $method:ident($request:ident) -> $answer:ty; )*) => {
        impl Client {
            $(
                #[doc = concat!("`kms:", $name, "` in a region: that of the key's ARN.")]
                ///
                /// # Errors
                /// See [`Error`].
                pub async fn $method(&self, region: &str, request: &$request<'_>) -> Result<$answer, Error> {
                    self.call(region, request).await
                }
            )*
        }
    };
}

operations! {
    "Encrypt" encrypt(EncryptRequest) -> EncryptAnswer;
    "Decrypt" decrypt(DecryptRequest) -> DecryptAnswer;
    "ReEncrypt" re_encrypt(ReEncryptRequest) -> ReEncryptAnswer;
    "GenerateDataKey" generate_data_key(GenerateDataKeyRequest) -> GenerateDataKeyAnswer;
    "GenerateDataKeyPair" generate_data_key_pair(GenerateDataKeyPairRequest) -> GenerateDataKeyPairAnswer;
    "GenerateRandom" generate_random(GenerateRandomRequest) -> GenerateRandomAnswer;
    "DeriveSharedSecret" derive_shared_secret(DeriveSharedSecretRequest) -> DeriveSharedSecretAnswer;
    "DescribeKey" describe_key(DescribeKeyRequest) -> KeyMetadata;
    "DisableKey" disable_key(DisableKeyRequest) -> ();
    "EnableKey" enable_key(EnableKeyRequest) -> ();
    "GetKeyPolicy" get_key_policy(GetKeyPolicyRequest) -> String;
    "PutKeyPolicy" put_key_policy(PutKeyPolicyRequest) -> ();
}
