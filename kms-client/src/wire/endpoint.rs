//! Host names of KMS, from a region's name.

use core::fmt;

use pcrseal_core::error::{Code, Error as Fault};

use crate::Error;
use crate::limits::MAX_REGION_LEN;

/// A partition: a group of AWS regions with accounts and host names of its own.
/// Source: `partitions.json` of the AWS SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Partition {
    /// `aws`: the commercial regions.
    Aws,
    /// `aws-cn`: China.
    AwsCn,
    /// `aws-us-gov`: `GovCloud` (US).
    AwsUsGov,
    /// `aws-eusc`: the European Sovereign Cloud.
    AwsEusc,
    /// `aws-iso`: ISO (US).
    AwsIso,
    /// `aws-iso-b`: ISOB (US).
    AwsIsoB,
    /// `aws-iso-e`: ISOE (Europe).
    AwsIsoE,
    /// `aws-iso-f`: ISOF.
    AwsIsoF,
}

impl Partition {
    /// The partition of a region, by the beginning of its name; `aws` if no other claims it.
    pub fn of_region(region: &str) -> Self {
        // Names end their prefix with a dash, so that no prefix is the beginning of another.
        let prefixes = [
            ("cn-", Self::AwsCn),
            ("us-gov-", Self::AwsUsGov),
            ("eusc-", Self::AwsEusc),
            ("us-iso-", Self::AwsIso),
            ("us-isob-", Self::AwsIsoB),
            ("eu-isoe-", Self::AwsIsoE),
            ("us-isof-", Self::AwsIsoF),
        ];
        prefixes
            .into_iter()
            .find(|(prefix, _)| region.starts_with(prefix))
            .map_or(Self::Aws, |(_, found)| found)
    }

    /// The partition as ARNs name it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsEusc => "aws-eusc",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
        }
    }

    /// The domain of the partition's endpoints.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsEusc => "amazonaws.eu",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The host name of KMS in a region: `kms.REGION.SUFFIX`.
///
/// # Errors
/// [`Error::Configuration`] if the region is not of the shape of a region's name.
pub fn host_name(region: &str) -> Result<String, Error> {
    check_region(region)?;
    Ok(format!("kms.{region}.{}", Partition::of_region(region).dns_suffix()))
}

/// Lower-case letters, digits and single dashes, such as `us-gov-west-1`: nothing that could lead a host name
/// elsewhere, or break a signature's scope.
pub(crate) fn check_region(region: &str) -> Result<(), Error> {
    let labels_fit = region.split('-').count() >= 3
        && region.split('-').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if labels_fit && region.len() <= MAX_REGION_LEN {
        return Ok(());
    }
    Err(Error::Configuration(Fault::new(Code::KmsRegion)))
}

#[cfg(test)]
mod tests {
    use super::{Partition, host_name};

    #[test]
    fn one_region_of_each_partition() {
        for (region, partition, host) in [
            ("eu-central-1", "aws", "kms.eu-central-1.amazonaws.com"),
            ("il-central-1", "aws", "kms.il-central-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "kms.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "kms.us-gov-west-1.amazonaws.com"),
            ("eusc-de-east-1", "aws-eusc", "kms.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "kms.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "kms.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "kms.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "kms.us-isof-south-1.csp.hci.ic.gov"),
        ] {
            assert_eq!(Partition::of_region(region).to_string(), partition);
            assert_eq!(host_name(region).unwrap(), host);
        }
    }

    #[test]
    fn what_is_no_region_names_no_host() {
        for region in [
            "",
            "us",
            "us-east",
            "-us-east-1",
            "us--east-1",
            "us-east-1-",
            "US-EAST-1",
            "us-east-1.evil.example",
            "us-east-1/",
            "us-east-1@evil",
            "us-east-1:1",
            "us east-1",
            "us-east-ä",
            "us-east-1\r\n",
            "us-east-1111111111111111111111111",
        ] {
            assert!(host_name(region).is_err(), "{region:?}");
        }
    }
}
