//! DescribeKey.

use pcrseal_core::error::{Code, Error as Fault};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::request::{check_grant_tokens, check_key_id};
use super::{Operation, json};
use crate::Error;
use crate::limits::{MAX_KEY_ID_LEN, MAX_METADATA_TEXT_LEN};

/// `kms:DescribeKey`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// Grants too young to be known everywhere yet: at most 10 tokens, each of 1..8192 bytes.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub grant_tokens: &'a [&'a str],
}

/// What AWS says about a key (`KeyMetadata`): the fields that decide whether it may hold a share.
///
/// AWS adds values to its enumerations, so they are texts here: compare with the one value that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyMetadata {
    /// The full ARN.
    pub arn: String,
    /// Whether the key is enabled.
    pub enabled: bool,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub key_state: String,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, ...
    pub key_spec: String,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, ...
    pub key_usage: String,
    /// `AWS_KMS`, `EXTERNAL` (imported), `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`.
    pub origin: String,
    /// Whether the key is a multi-Region key: its replicas have policies of their own.
    pub multi_region: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(borrow)]
    key_metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    arn: Option<json::Text<'a>>,
    enabled: Option<bool>,
    #[serde(borrow)]
    key_state: Option<json::Text<'a>>,
    #[serde(borrow)]
    key_spec: Option<json::Text<'a>>,
    #[serde(borrow)]
    key_usage: Option<json::Text<'a>>,
    #[serde(borrow)]
    origin: Option<json::Text<'a>>,
    multi_region: Option<bool>,
}

impl Operation for DescribeKeyRequest<'_> {
    const TARGET: &'static str = "TrentService.DescribeKey";
    // It only reads.
    const REPEATABLE: bool = true;
    type Answer = KeyMetadata;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        check_grant_tokens(self.grant_tokens)?;
        json::write(self)
    }

    /// Every field must be there: a check on a field that is missing must not pass.
    fn parse(&self, body: &[u8]) -> Result<KeyMetadata, Fault> {
        let metadata = json::read::<Answer<'_>>(body)?.key_metadata;
        let missing = |field| Fault::field(Code::KmsAnswerField, field);
        let text = |value: &Option<_>, field| json::bounded(value.as_ref(), field, MAX_METADATA_TEXT_LEN);
        Ok(KeyMetadata {
            arn: json::bounded(metadata.arn.as_ref(), "Arn", MAX_KEY_ID_LEN)?,
            enabled: metadata.enabled.ok_or_else(|| missing("Enabled"))?,
            key_state: text(&metadata.key_state, "KeyState")?,
            key_spec: text(&metadata.key_spec, "KeySpec")?,
            key_usage: text(&metadata.key_usage, "KeyUsage")?,
            origin: text(&metadata.origin, "Origin")?,
            multi_region: metadata.multi_region.ok_or_else(|| missing("MultiRegion"))?,
        })
    }
}
