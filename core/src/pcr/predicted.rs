//! PCR values that are known before an enclave runs (AWS Nitro Enclaves User Guide, "Where to get an
//! enclave's measurements"): a register starts as zeros and is extended once, SHA-384(48 zero bytes || data).

use sha2::{Digest, Sha384};

use super::Pcr;
use crate::error::{Code, Error};
use crate::limits::MAX_ROLE_ARN_LEN;
use crate::x509::der::{DerReader, Tag};

impl Pcr {
    /// PCR3 of an enclave whose parent instance has this IAM role.
    ///
    /// # Errors
    /// [`Code::RoleArn`] when it is not a role's ARN (an instance profile's, or an assumed role's, gives a
    /// value that no enclave has).
    pub fn from_role_arn(arn: &str) -> Result<Self, Error> {
        if is_role_arn(arn) { Ok(extended(arn.as_bytes())) } else { Err(Code::RoleArn.into()) }
    }

    /// PCR4 of an enclave on this parent instance.
    ///
    /// # Errors
    /// [`Code::InstanceId`] when it is not an instance id.
    pub fn from_instance_id(instance_id: &str) -> Result<Self, Error> {
        if is_instance_id(instance_id) {
            Ok(extended(instance_id.as_bytes()))
        } else {
            Err(Code::InstanceId.into())
        }
    }

    /// PCR8 of an enclave image signed under this certificate (DER): the data is the SHA-384 fingerprint.
    ///
    /// # Errors
    /// [`Code::SigningCertificate`] when it is not one DER SEQUENCE.
    pub fn from_signing_certificate(der: &[u8]) -> Result<Self, Error> {
        let mut reader = DerReader::new(der);
        reader
            .value(Tag::SEQUENCE)
            .and_then(|_| reader.end())
            .map_err(|_| Error::new(Code::SigningCertificate))?;
        Ok(extended(&Sha384::digest(der)))
    }
}

fn extended(data: &[u8]) -> Pcr {
    Pcr::new(Sha384::new().chain_update(Pcr::ZERO.as_bytes()).chain_update(data).finalize().into())
}

/// Whether this is an EC2 instance id: `i-` and 17 lower-case hex digits (8 before 2018).
pub(crate) fn is_instance_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Whether this is `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME` (AWS IAM User Guide, "IAM ARNs").
fn is_role_arn(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (prefix, partition, service, region) = (part(), part(), part(), part());
    let (account, resource) = (part(), part());
    // The path's last slash, if it has a path, stands before the name (IAM API reference, `roleNameType`, `pathType`).
    let (path, name) = resource.rsplit_once('/').unwrap_or_default();
    let is_name = |c: u8| c.is_ascii_alphanumeric() || b"+=,.@_-".contains(&c);
    arn.len() <= MAX_ROLE_ARN_LEN
        && prefix == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|digit| digit.is_ascii_digit())
        && (path == "role" || path.starts_with("role/"))
        && path.bytes().all(|c| c.is_ascii_graphic())
        && !name.is_empty()
        && name.bytes().all(is_name)
}
