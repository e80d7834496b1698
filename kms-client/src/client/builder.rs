//! Configuration of a client. Everything is checked once, in `build`.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use pcrseal_core::error::{Code, Error as Fault};

use super::clock::{Clock, TimeSource};
use super::direct::Direct;
use super::endpoint::Endpoints;
use super::retry::{self, RetryPolicy};
use super::roots::RootCertificates;
use super::tls::Tls;
use super::warm_up::Distances;
use super::{AuthenticatedTransport, Client, Inner, Random, StageLimits, Transport};
use crate::credentials::{CredentialsCache, ProvideCredentials};
use crate::limits::{
    DEFAULT_ANSWER_TIMEOUT, DEFAULT_BODY_TIMEOUT, DEFAULT_CONNECT_TIMEOUT, DEFAULT_OPERATION_TIMEOUT,
    DEFAULT_TLS_TIMEOUT,
};
use crate::wire::Credentials;
use crate::wire::endpoint::HostOptions;
use crate::{Error, VsockAddress};

/// Configures a [`Client`]. Nothing is read from the environment.
pub struct ClientBuilder {
    credentials: Option<CredentialsCache>,
    urls: BTreeMap<String, String>,
    vsock: BTreeMap<String, VsockAddress>,
    hosts: HostOptions,
    roots: RootCertificates,
    transport: Option<Arc<dyn AuthenticatedTransport>>,
    stages: StageLimits,
    operation_timeout: Duration,
    retry: RetryPolicy,
    random: Random,
    time_source: TimeSource,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            credentials: None,
            urls: BTreeMap::new(),
            vsock: BTreeMap::new(),
            hosts: HostOptions::default(),
            roots: RootCertificates::default(),
            transport: None,
            stages: StageLimits {
                connect: DEFAULT_CONNECT_TIMEOUT,
                tls: DEFAULT_TLS_TIMEOUT,
                answer: DEFAULT_ANSWER_TIMEOUT,
                body: DEFAULT_BODY_TIMEOUT,
            },
            operation_timeout: DEFAULT_OPERATION_TIMEOUT,
            retry: RetryPolicy::default(),
            random: Arc::new(retry::random),
            time_source: Arc::new(SystemTime::now),
        }
    }
}

impl ClientBuilder {
    /// The credentials that sign every request. These, or a provider, are required.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(CredentialsCache::of(credentials));
        self
    }

    /// A source of credentials, asked again before they expire; in place of
    /// [`credentials`](Self::credentials).
    #[must_use]
    pub fn credentials_provider(mut self, provider: Arc<dyn ProvideCredentials>) -> Self {
        self.credentials = Some(CredentialsCache::new(provider));
        self
    }

    /// Sends the requests of every region to `http://HOST[:PORT]` or `https://HOST[:PORT]` instead of AWS's
    /// endpoints. `http://` is for loopback addresses (and `localhost`, which is never looked up) alone.
    #[must_use]
    pub fn endpoint_url(mut self, url: &str) -> Self {
        self.urls.insert(String::new(), url.to_owned());
        self
    }

    /// As [`endpoint_url`](Self::endpoint_url), for one region; it goes before the one for every region.
    #[must_use]
    pub fn region_endpoint_url(mut self, region: &str, url: &str) -> Self {
        self.urls.insert(region.to_owned(), url.to_owned());
        self
    }

    /// Uses AWS's endpoints with cryptography validated to FIPS 140, where no URL is configured. Not every region has
    /// one.
    #[must_use]
    pub fn fips(mut self, fips: bool) -> Self {
        self.hosts.fips = fips;
        self
    }

    /// Uses AWS's endpoints that have IPv6 addresses besides IPv4, where no URL is configured.
    #[must_use]
    pub fn dual_stack(mut self, dual_stack: bool) -> Self {
        self.hosts.dual_stack = dual_stack;
        self
    }

    /// Reaches a region's endpoint through a vsock port, behind which the parent instance's `vsock-proxy` forwards
    /// to that region's host (one port forwards to one host). The host name to be proven by TLS stays that of the
    /// region, or of the URL given for it: where the bytes really go is the parent's to choose, who answers is not.
    #[must_use]
    pub fn region_vsock(mut self, region: &str, address: VsockAddress) -> Self {
        self.vsock.insert(region.to_owned(), address);
        self
    }

    /// Trusts the certificates of a PEM text as roots of https endpoints; may be called several times. Roots that
    /// are given *replace* Amazon's, which are trusted otherwise: Amazon Root CA 1 to 4 and Starfield Services
    /// Root Certificate Authority - G2. Endpoints of the partitions `aws-cn`, `aws-iso*` and `aws-eusc` may chain
    /// to other roots; those have to be given.
    #[must_use]
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Self {
        self.roots.pem.push(pem.to_vec());
        self
    }

    /// Trusts a certificate in DER as a root of https endpoints, as
    /// [`root_certificates_pem`](Self::root_certificates_pem) does.
    #[must_use]
    pub fn root_certificate_der(mut self, der: &[u8]) -> Self {
        self.roots.der.push(der.to_vec());
        self
    }

    /// Trusts Mozilla's roots (the crate webpki-roots) for https endpoints in place of Amazon's: some 140
    /// authorities, any of which can then speak for KMS.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub fn webpki_roots(mut self) -> Self {
        self.roots.webpki = true;
        self
    }

    /// Exchanges requests through a transport of the host's own, in place of this crate's HTTP, TLS, routes and
    /// their limits; read what [`AuthenticatedTransport`] promises. Operation timeout, retries, clock and
    /// credentials stay the client's.
    #[must_use]
    pub fn authenticated_transport(mut self, transport: Arc<dyn AuthenticatedTransport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The time for establishing a connection (TCP or vsock), the look-up of its name included. Default: 3
    /// seconds. The system's look-up runs on a thread that tokio keeps for blocking calls; it cannot be broken off,
    /// and goes on there for as long as the system lets it. By vsock nothing is looked up.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.stages.connect = limit;
        self
    }

    /// The time for the TLS handshake. Default: 3 seconds.
    #[must_use]
    pub fn tls_timeout(mut self, limit: Duration) -> Self {
        self.stages.tls = limit;
        self
    }

    /// The time for sending a request and receiving the head of its answer. Default: 5 seconds.
    #[must_use]
    pub fn answer_timeout(mut self, limit: Duration) -> Self {
        self.stages.answer = limit;
        self
    }

    /// The time for reading the whole body of an answer. Default: 3 seconds.
    #[must_use]
    pub fn body_timeout(mut self, limit: Duration) -> Self {
        self.stages.body = limit;
        self
    }

    /// The time for a whole operation: all attempts, the waits between them, the fetching of credentials. Default:
    /// 20 seconds.
    #[must_use]
    pub fn operation_timeout(mut self, limit: Duration) -> Self {
        self.operation_timeout = limit;
        self
    }

    /// When failures are tried again. Default: [`RetryPolicy::default`].
    #[must_use]
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Where the waits between attempts get 64 random bits from, for tests and simulations that must repeat. Waits
    /// need to differ between clients, not to be secret. Default: the operating system's generator.
    #[must_use]
    pub fn random_source(mut self, random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The clock of signatures, of credentials' expiry and of certificate checks. In an enclave nobody
    /// keeps the system's clock right: give it the time of the Nitro Secure Module, `pcrseal_nitro::TrustedClock`.
    /// Default: the system's clock.
    #[must_use]
    pub fn time_source(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.time_source = Arc::new(now);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`]: no credentials; an endpoint that is no URL of the two forms, or `http://` beyond
    /// loopback or by vsock; a region that is none; a root certificate that cannot be read; a retry policy outside
    /// its bounds.
    pub fn build(self) -> Result<Client, Error> {
        let credentials =
            self.credentials.ok_or_else(|| Error::Configuration(Fault::new(Code::KmsCredentials)))?;
        self.retry.check()?;
        let mut endpoints = Endpoints::new(self.hosts);
        for (region, url) in &self.urls {
            endpoints.add_url(region, url)?;
        }
        for (region, address) in &self.vsock {
            endpoints.add_vsock(region, *address)?;
        }
        let stages = self.stages;
        let transport = if let Some(transport) = self.transport {
            Transport::OfHost(transport)
        } else {
            let tls = Tls::new(self.roots, Arc::clone(&self.time_source))?;
            Transport::Direct(Direct::new(tls, stages))
        };
        // The sum of the stages; a kept connection that turns out to be dead adds next to nothing.
        let attempt_timeout = [stages.connect, stages.tls, stages.answer, stages.body]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add);
        Ok(Client(Arc::new(Inner {
            credentials,
            endpoints,
            transport,
            retry: self.retry,
            random: self.random,
            attempt_timeout,
            operation_timeout: self.operation_timeout,
            clock: Clock::new(self.time_source),
            distances: Distances::default(),
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("urls", &self.urls).finish_non_exhaustive()
    }
}
