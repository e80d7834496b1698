//! Request quotas and what else is said of a whole region.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::operation::Operation;

/// What a bucket holds when it is full: the requests of one second. AWS states quotas per second and says nothing
/// of bursts.
const CAPACITY: Duration = Duration::from_secs(1);
/// Most regions that are counted and limited; ours, seven times as many as AWS has. Any signer can name more.
const MAX_REGIONS: usize = 256;

/// How many cryptographic operations a second KMS answers: a token bucket that holds one second's requests and
/// fills continuously, on tokio's clock. Beyond it, `ThrottlingException`.
///
/// It is AWS's shared quota "Cryptographic operations (symmetric) request rate" (AWS KMS developer guide, "Request
/// quotas"): Decrypt, Encrypt, GenerateDataKey, `GenerateDataKeyWithoutPlaintext`, `GenerateRandom` and `ReEncrypt`.
/// The quotas of other operations are not emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    per_second: u32,
    scope: QuotaScope,
}

impl Quota {
    /// So many a second for each account in each region; 0 throttles everything.
    pub const fn per_second(requests: u32) -> Self {
        Self { per_second: requests, scope: QuotaScope::AccountAndRegion }
    }

    /// Who shares the quota.
    #[must_use]
    pub const fn scope(self, scope: QuotaScope) -> Self {
        Self { scope, ..self }
    }
}

/// Who shares a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// As at AWS: all requests that one account makes in one region, whosever the keys are. The account is the
    /// caller's, not the key's.
    AccountAndRegion,
    /// All requests in one region.
    Region,
}

/// The authentic requests of one region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// All of them.
    pub requests: u64,
    /// Those that count against the quota, throttled ones included.
    pub cryptographic: u64,
    /// Those beyond the quota.
    pub throttled: u64,
}

/// All regions that anything was said or asked of.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    quota: Option<Quota>,
    regions: HashMap<String, Region>,
}

#[derive(Debug, Default)]
struct Region {
    delay: Duration,
    /// Seconds that the region's clock is ahead of the server's.
    clock_error: i64,
    traffic: Traffic,
    /// When the bucket of each account will be full again; the name is empty where the region shares one.
    full_at: HashMap<String, Instant>,
}

/// How a region takes a request.
pub(crate) struct Admission {
    pub(crate) delay: Duration,
    pub(crate) throttled: bool,
}

impl Regions {
    /// A new quota starts with full buckets.
    pub(crate) fn set_quota(&self, quota: Option<Quota>) {
        let mut known = self.lock();
        known.quota = quota;
        known.regions.values_mut().for_each(|region| region.full_at.clear());
    }

    pub(crate) fn set_delay(&self, region: &str, delay: Duration) {
        if let Some(region) = self.lock().region(region) {
            region.delay = delay;
        }
    }

    pub(crate) fn set_clock_error(&self, region: &str, seconds: i64) {
        if let Some(region) = self.lock().region(region) {
            region.clock_error = seconds;
        }
    }

    /// The time of a region, in milliseconds, at this time of the server's clock.
    pub(crate) fn local_millis(&self, region: &str, millis: u64) -> u64 {
        let error = self.lock().regions.get(region).map_or(0, |region| region.clock_error);
        millis.saturating_add_signed(error.saturating_mul(1000))
    }

    pub(crate) fn traffic(&self, region: &str) -> Traffic {
        self.lock().regions.get(region).map(|region| region.traffic).unwrap_or_default()
    }

    /// Counts a request of an account, and takes a token for it where the quota wants one.
    pub(crate) fn admit(&self, region: &str, account: &str, operation: Operation) -> Admission {
        let mut known = self.lock();
        let quota = known.quota;
        let Some(region) = known.region(region) else {
            return Admission { delay: Duration::ZERO, throttled: false };
        };
        region.traffic.requests += 1;
        let cryptographic = counts(operation);
        region.traffic.cryptographic += u64::from(cryptographic);
        let throttled = cryptographic && quota.is_some_and(|quota| !region.take_token(quota, account));
        region.traffic.throttled += u64::from(throttled);
        Admission { delay: region.delay, throttled }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn region(&mut self, name: &str) -> Option<&mut Region> {
        if self.regions.len() >= MAX_REGIONS && !self.regions.contains_key(name) {
            return None;
        }
        Some(self.regions.entry(name.to_owned()).or_default())
    }
}

impl Region {
    /// One token is the time that it takes to fill in; a bucket is empty when it will be full in [`CAPACITY`].
    fn take_token(&mut self, quota: Quota, account: &str) -> bool {
        let Some(token) = CAPACITY.checked_div(quota.per_second) else { return false };
        let account = match quota.scope {
            QuotaScope::AccountAndRegion => account,
            QuotaScope::Region => "",
        };
        let now = Instant::now();
        let full_at = self.full_at.entry(account.to_owned()).or_insert(now);
        let next = (*full_at).max(now) + token;
        let enough = next.duration_since(now) <= CAPACITY;
        if enough {
            *full_at = next;
        }
        enough
    }
}

/// Whether the operation is one of the shared quota's.
const fn counts(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Decrypt
            | Operation::Encrypt
            | Operation::GenerateDataKey
            | Operation::GenerateDataKeyWithoutPlaintext
            | Operation::GenerateRandom
            | Operation::ReEncrypt
    )
}
