//! The names that a seal is bound to: KMS key ARNs, the cluster id, the seal id.

use alloc::boxed::Box;
use core::fmt;

use crate::error::{Code, Error};
use crate::limits::{MAX_CLUSTER_ID_LEN, MAX_KEY_ARN_LEN};

/// The full ARN of a KMS key: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`, at most 256 bytes.
///
/// Aliases and bare key ids are refused: they do not say which region and account is meant, and an alias can
/// be pointed elsewhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyArn(Box<str>);

impl KeyArn {
    /// Reads an ARN.
    ///
    /// # Errors
    /// [`Code::KeyArn`], with what was found.
    pub fn new(text: &str) -> Result<Self, Error> {
        if is_key_arn(text) { Ok(Self(text.into())) } else { Err(not_an_arn(text)) }
    }

    /// The ARN as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition: `aws`, `aws-us-gov`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The region: `eu-central-1`, …
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account, twelve digits.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// The key id: a UUID, or `mrk-` and 32 hex digits for a multi-Region key.
    pub fn key_id(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, id)| id)
    }

    /// Whether this is a multi-Region key: its replicas hold the same key material under policies of their
    /// own.
    pub fn is_multi_region(&self) -> bool {
        self.key_id().starts_with("mrk-")
    }

    fn part(&self, position: usize) -> &str {
        self.0.split(':').nth(position).unwrap_or_default()
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_key_arn(text: &str) -> bool {
    let name = |part: &str| {
        !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    let mut parts = text.split(':');
    let mut next = || parts.next().unwrap_or_default();
    let key_id = |resource: &str| resource.strip_prefix("key/").is_some_and(name);
    text.len() <= MAX_KEY_ARN_LEN
        && next() == "arn"
        && name(next())
        && next() == "kms"
        && name(next())
        && is_account(next())
        && key_id(next())
        && parts.next().is_none()
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

fn not_an_arn(text: &str) -> Error {
    let shown =
        text.char_indices().nth(MAX_KEY_ARN_LEN).map_or(text, |(end, _)| text.get(..end).unwrap_or(""));
    Error::text(Code::KeyArn, "key", "arn:PARTITION:kms:REGION:ACCOUNT:key/ID", shown)
}

/// Which cluster a blob belongs to: 1..64 characters of `A-Z a-z 0-9 . _ -`. It is part of every KMS call's
/// encryption context, so that key policies can demand it. Convention: `ENVIRONMENT-REGION-PURPOSE`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClusterId(Box<str>);

impl ClusterId {
    /// Reads a cluster id.
    ///
    /// # Errors
    /// [`Code::ClusterId`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > MAX_CLUSTER_ID_LEN {
            return Err(Error::number(Code::ClusterId, "characters", "1..64", text.len() as u64));
        }
        if !text.bytes().all(allowed) {
            return Err(Code::ClusterId.into());
        }
        Ok(Self(text.into()))
    }

    /// The id as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of one seal: 16 random bytes, fresh for every blob. Written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealId([u8; 16]);

impl SealId {
    /// Takes the 16 bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How KMS protects the share keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Wrapping {
    /// The share keys come from `kms:GenerateDataKey` with Recipient: only an attested enclave can obtain
    /// one, so on dedicated keys that deny Encrypt a blob that opens was made by such an enclave.
    #[default]
    Attested,
    /// The share keys are made by the sealer and sent to `kms:Encrypt`. Confidentiality only: whoever may
    /// call `kms:Encrypt` on the keys can forge a blob that opens.
    Encrypt,
}

impl Wrapping {
    /// The name in the blob and in the encryption context.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Encrypt => "encrypt",
        }
    }

    /// The wrapping of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Attested, Self::Encrypt].into_iter().find(|wrapping| wrapping.name() == name)
    }
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn arn_parts() {
        let arn = KeyArn::new(ARN).unwrap();
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.region(), "eu-central-1");
        assert_eq!(arn.account(), "111122223333");
        assert_eq!(arn.key_id(), "1234abcd-12ab-34cd-56ef-1234567890ab");
        assert!(!arn.is_multi_region());
        assert_eq!(arn.to_string(), ARN);
        let replica = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef";
        assert!(KeyArn::new(replica).unwrap().is_multi_region());
    }

    #[test]
    fn not_full_arns() {
        let long = format!("arn:aws:kms:eu-central-1:111122223333:key/{}", "a".repeat(256));
        for text in [
            "",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/a",
            "arn:aws:kms:eu-central-1:111122223333:alias/a",
            "arn:aws:kms:eu-central-1:111122223333:key/",
            "arn:aws:kms:eu-central-1:111122223333:key/a/b",
            "arn:aws:kms:eu-central-1:111122223333:key/a:b",
            "arn:aws:kms:eu-central-1:11112222333:key/a",
            "arn:aws:kms::111122223333:key/a",
            "arn:aws:s3:eu-central-1:111122223333:key/a",
            "arn::kms:eu-central-1:111122223333:key/a",
            "arn:aws:kms:eu.central:111122223333:key/a",
            "arn:aws:kms:EU-CENTRAL-1:111122223333:key/a",
            "arn:aws:kms:eu-central-1:111122223333:key/a\0",
            long.as_str(),
        ] {
            assert_eq!(KeyArn::new(text).unwrap_err().code(), Code::KeyArn, "{text:?}");
        }
    }

    #[test]
    fn cluster_id_alphabet_and_length() {
        for text in ["a", "prod-us-east-1-mainnet", "A.b_c-9", &"x".repeat(64)] {
            assert_eq!(ClusterId::new(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(ClusterId::new(text).unwrap_err().code(), Code::ClusterId, "{text:?}");
        }
    }

    #[test]
    fn wrapping_names_round_trip() {
        for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
            assert_eq!(Wrapping::from_name(wrapping.name()), Some(wrapping));
        }
        assert_eq!(Wrapping::from_name("Attested"), None);
    }
}
