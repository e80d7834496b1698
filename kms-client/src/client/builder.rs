//! Configuration of a client. Everything is checked once, in `build`.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use pcrseal_core::error::{Code, Error as Fault};

use super::endpoint::Endpoint;
use super::pool::Pool;
use super::tls::{self, RootCertificates};
use super::{Client, Inner, TimeSource};
use crate::Error;
use crate::credentials::{CredentialsCache, ProvideCredentials};
use crate::limits::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_OPERATION_TIMEOUT};
use crate::wire::{Credentials, endpoint::check_region};

/// Configures a [`Client`].
pub struct ClientBuilder {
    credentials: Option<CredentialsCache>,
    endpoint_urls: BTreeMap<String, String>,
    roots: RootCertificates,
    connect_timeout: Duration,
    operation_timeout: Duration,
    time_source: TimeSource,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            credentials: None,
            endpoint_urls: BTreeMap::new(),
            roots: RootCertificates::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            operation_timeout: DEFAULT_OPERATION_TIMEOUT,
            time_source: Arc::new(SystemTime::now),
        }
    }
}

impl ClientBuilder {
    /// The credentials that sign every request. Required.
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
        self.endpoint_urls.insert(String::new(), url.to_owned());
        self
    }

    /// As [`endpoint_url`](Self::endpoint_url), for one region; it goes before the one for every region.
    #[must_use]
    pub fn region_endpoint_url(mut self, region: &str, url: &str) -> Self {
        self.endpoint_urls.insert(region.to_owned(), url.to_owned());
        self
    }

    /// Trusts the certificates of a PEM text as roots of https endpoints; may be called several times. No root
    /// is trusted unless it is given.
    #[must_use]
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Self {
        self.roots.pem.push(pem.to_vec());
        self
    }

    /// Trusts a certificate in DER as a root of https endpoints; may be called several times.
    #[must_use]
    pub fn root_certificate_der(mut self, der: &[u8]) -> Self {
        self.roots.der.push(der.to_vec());
        self
    }

    /// The time for establishing a connection, TLS included. Default: 3 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// The time for a whole operation, connection included. Default: 10 seconds.
    #[must_use]
    pub fn operation_timeout(mut self, limit: Duration) -> Self {
        self.operation_timeout = limit;
        self
    }

    /// The clock of signatures and certificate checks. In an enclave the system's clock is the parent's word:
    /// give the time of the Nitro Secure Module. Default: the system's clock.
    #[must_use]
    pub fn time_source(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.time_source = Arc::new(now);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`]: no credentials; an endpoint that is no URL of the two forms, or `http://`
    /// beyond loopback; a region that is none; a root certificate that cannot be read; https without roots.
    pub fn build(self) -> Result<Client, Error> {
        let credentials =
            self.credentials.ok_or_else(|| Error::Configuration(Fault::new(Code::KmsCredentials)))?;
        let mut endpoints = BTreeMap::new();
        for (region, url) in self.endpoint_urls {
            if !region.is_empty() {
                check_region(&region)?;
            }
            endpoints.insert(region, Arc::new(Endpoint::parse(&url)?));
        }
        let tls = tls::connector(&self.roots, &self.time_source)?;
        // Without any endpoint configured, all are AWS's, and those are https.
        let needs_tls = endpoints.is_empty() || endpoints.values().any(|endpoint| endpoint.is_https());
        if needs_tls && tls.is_none() {
            return Err(Error::Configuration(Fault::new(Code::KmsNoRoots)));
        }
        Ok(Client(Arc::new(Inner {
            credentials,
            endpoints,
            tls,
            connect_timeout: self.connect_timeout,
            operation_timeout: self.operation_timeout,
            time_source: self.time_source,
            pool: Pool::default(),
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("endpoint_urls", &self.endpoint_urls).finish_non_exhaustive()
    }
}
