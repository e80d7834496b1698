//! TLS towards KMS: TLS 1.2 and 1.3, the caller's clock, aws-lc-rs; never a process-wide default.
//!
//! `X25519MLKEM768` is offered first (rustls's feature `prefer-post-quantum`), and sessions are resumed.

use core::fmt;
use std::sync::{Arc, OnceLock};
use std::time::UNIX_EPOCH;

use pcrseal_core::error::{Code, Error as Fault};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio_rustls::TlsConnector;

use super::clock::TimeSource;
use super::roots::RootCertificates;
use crate::Error;

/// TLS for one client. A client that trusts Amazon's roots reads them when it first needs them: where it speaks to
/// loopback alone, never.
pub(super) struct Tls {
    roots: RootCertificates,
    time_source: TimeSource,
    connector: OnceLock<TlsConnector>,
}

impl Tls {
    /// Reads given roots at once, so that a mistake in them is found before anything is sent.
    pub(super) fn new(roots: RootCertificates, time_source: TimeSource) -> Result<Self, Error> {
        let this = Self { roots, time_source, connector: OnceLock::new() };
        if !this.roots.are_amazons() {
            this.connector()?;
        }
        Ok(this)
    }

    pub(super) fn connector(&self) -> Result<&TlsConnector, Error> {
        if let Some(made) = self.connector.get() {
            return Ok(made);
        }
        let made = connector(&self.roots, &self.time_source)?;
        Ok(self.connector.get_or_init(|| made))
    }
}

fn connector(roots: &RootCertificates, time_source: &TimeSource) -> Result<TlsConnector, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clock = Arc::new(Clock(Arc::clone(time_source)));
    let mut config = ClientConfig::builder_with_details(provider, clock)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| Error::Configuration(Fault::new(Code::KmsTlsVersions)))?
        .with_root_certificates(roots.store()?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

struct Clock(TimeSource);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        (self.0)().duration_since(UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
