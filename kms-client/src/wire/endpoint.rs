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

    /// The domain of the partition's dual-stack endpoints.
    pub fn dual_stack_dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "api.aws",
            Self::AwsCn => "api.amazonwebservices.com.cn",
            Self::AwsEusc => "api.amazonwebservices.eu",
            Self::AwsIso => "api.aws.ic.gov",
            Self::AwsIsoB => "api.aws.scloud",
            Self::AwsIsoE => "api.cloud-aws.adc-e.uk",
            Self::AwsIsoF => "api.aws.hci.ic.gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Which of KMS's endpoints in a region; by default the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostOptions {
    /// The endpoint whose cryptography is validated to FIPS 140. Not every region has one; where there is none its
    /// name does not resolve.
    pub fips: bool,
    /// The endpoint that has IPv6 addresses besides IPv4. Every partition has a domain for them.
    pub dual_stack: bool,
}

/// The host name of KMS in a region: `kms[-fips].REGION.SUFFIX`.
/// Source: the endpoint rule set of KMS in the AWS SDKs.
///
/// # Errors
/// [`Error::Configuration`] if the region is not of the shape of a region's name.
pub fn host_name(region: &str, options: HostOptions) -> Result<String, Error> {
    check_region(region)?;
    let service = if options.fips { "kms-fips" } else { "kms" };
    let partition = Partition::of_region(region);
    let suffix = if options.dual_stack { partition.dual_stack_dns_suffix() } else { partition.dns_suffix() };
    Ok(format!("{service}.{region}.{suffix}"))
}

/// Lower-case letters, digits and single dashes, and a number at the end, such as `us-gov-west-1`: nothing that
/// could lead a host name elsewhere, or break a signature's scope, and no global name such as `aws-global`.
pub(crate) fn check_region(region: &str) -> Result<(), Error> {
    let labels_fit = region.split('-').count() >= 3
        && region.ends_with(|last: char| last.is_ascii_digit())
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
    use super::{HostOptions, Partition, host_name};

    /// Generated names are compared with botocore's, for every region, by `scripts/interop-botocore.sh`.
    #[test]
    fn one_region_of_each_partition() {
        for (region, partition, suffix, dual_stack) in [
            ("eu-central-1", "aws", "amazonaws.com", "api.aws"),
            ("il-central-1", "aws", "amazonaws.com", "api.aws"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ] {
            assert_eq!(Partition::of_region(region).to_string(), partition);
            let host = |fips, dual_stack| host_name(region, HostOptions { fips, dual_stack }).unwrap();
            assert_eq!(host_name(region, HostOptions::default()).unwrap(), host(false, false));
            assert_eq!(host(false, false), format!("kms.{region}.{suffix}"));
            assert_eq!(host(true, false), format!("kms-fips.{region}.{suffix}"));
            assert_eq!(host(false, true), format!("kms.{region}.{dual_stack}"));
            assert_eq!(host(true, true), format!("kms-fips.{region}.{dual_stack}"));
        }
    }

    #[test]
    fn what_is_no_region_names_no_host() {
        for region in [
            "",
            "us",
            "us-east",
            "us1",
            "us-east1",
            "-us-east-1",
            "us--east-1",
            "us-east-1-",
            "US-EAST-1",
            "us-east-1.evil.example",
            "us-east-1/",
            "us-east-one",
            "aws-cn-global",
            "us-east-1@evil",
            "us-east-1:1",
            "us east-1",
            "us-east-ä",
            "us-east-1\r\n",
            "us-east-1111111111111111111111111",
        ] {
            assert!(host_name(region, HostOptions::default()).is_err(), "{region:?}");
        }
    }
}
