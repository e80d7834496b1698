//! What the members of a configuration demand of each other, and the bounds that no other part of pcrseal has.

use std::time::Duration;

use pcrseal_core::error::{Code, Error};

use super::place::Place;
use super::{AttesterConfig, Config, KmsConfig, TransportConfig};
use crate::auto_unseal::MAX_DEADLINE;
use crate::kms::limits::MAX_ATTEMPTS;
use crate::kms::wire::endpoint::{HostOptions, host_name};

/// The shortest time limit: what the document can say.
const MIN_LIMIT: Duration = Duration::from_millis(1);

impl Config {
    /// Judges what can be judged before anything is made: that members go together, the bounds of times, the names of
    /// regions. [`Config::from_json`] and [`Config::auto_unseal`] have done so; a host that fills in a configuration by itself
    /// and moves the bytes by itself ([`TransportConfig::Host`]) calls it.
    ///
    /// # Errors
    /// Each with the JSON pointer of the member: [`Code::ConfigMember`] for credentials that are missing or, beside
    /// [`TransportConfig::Host`], for credentials and `kms`; [`Code::ConfigValue`] for a time outside 1 ms to an hour, and for
    /// attempts outside 1 to 10;
    /// [`Code::KmsRegion`].
    pub fn check(&self) -> Result<(), Error> {
        self.check_members()?;
        self.check_limits()?;
        for (map, regions) in [
            ("/kms/region_endpoints", self.kms.region_endpoints.keys().collect::<Vec<_>>()),
            ("/kms/vsock", self.kms.vsock.keys().collect()),
        ] {
            // The client takes the empty name for every region.
            for region in regions {
                if host_name(region, HostOptions::default()).is_err() {
                    let place = Place::public(map).member(region);
                    return Err(place.fault(Code::KmsRegion, "the name of an AWS region", "another name"));
                }
            }
        }
        Ok(())
    }

    fn check_members(&self) -> Result<(), Error> {
        let fault = |place: &str, expected, found| Err(Error::at(Code::ConfigMember, place, expected, found));
        match self.transport {
            TransportConfig::Own if self.credentials.is_none() => fault("/credentials", "a member", "none"),
            TransportConfig::Host if self.credentials.is_some() => fault("/credentials", BESIDE_HOST, "one"),
            TransportConfig::Host if self.kms != KmsConfig::default() => fault("/kms", BESIDE_HOST, "one"),
            TransportConfig::Own | TransportConfig::Host => Ok(()),
        }
    }

    fn check_limits(&self) -> Result<(), Error> {
        let Self { kms, .. } = self;
        let tool = match &self.attester {
            AttesterConfig::NitroTpm { time_limit, .. } => *time_limit,
            AttesterConfig::Nsm { .. } | AttesterConfig::NsmSocket { .. } => None,
        };
        for (place, limit) in [
            ("/deadline_ms", Some(self.deadline)),
            ("/hedge_delay_ms", self.hedge_delay),
            ("/attester/time_limit_ms", tool),
            ("/kms/connect_timeout_ms", kms.connect_timeout),
            ("/kms/tls_timeout_ms", kms.tls_timeout),
            ("/kms/answer_timeout_ms", kms.answer_timeout),
            ("/kms/body_timeout_ms", kms.body_timeout),
            ("/kms/operation_timeout_ms", kms.operation_timeout),
        ] {
            if let Some(limit) = limit.filter(|limit| !(MIN_LIMIT..=MAX_DEADLINE).contains(limit)) {
                return Err(Error::at(Code::ConfigValue, place, LIMIT, limit.as_millis()));
            }
        }
        if let Some(attempts) = kms.attempts.filter(|attempts| !(1..=MAX_ATTEMPTS).contains(attempts)) {
            return Err(Error::at(Code::ConfigValue, "/kms/attempts", ATTEMPTS, attempts));
        }
        Ok(())
    }
}

/// The bounds of times, in milliseconds.
pub(super) const LIMIT: &str = "1..3600000";
/// The bounds of attempts.
pub(super) const ATTEMPTS: &str = "1..10";
/// What `kms` and `credentials` are told.
pub(super) const BESIDE_HOST: &str = "no such member beside \"transport\": \"host\"";
