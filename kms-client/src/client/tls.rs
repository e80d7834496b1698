//! TLS towards KMS: the roots that the caller gave, the caller's clock, aws-lc-rs; never a process-wide default.

use core::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use pcrseal_core::error::{Code, Error as Fault};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::TimeSource;
use crate::Error;

/// Root certificates as the caller gave them. (Pinned defaults would be added here.)
#[derive(Default)]
pub(super) struct RootCertificates {
    pub(super) pem: Vec<Vec<u8>>,
    pub(super) der: Vec<Vec<u8>>,
}

/// The connector, or `None` if no roots were given: then there is nobody to trust.
pub(super) fn connector(
    roots: &RootCertificates,
    time_source: &TimeSource,
) -> Result<Option<TlsConnector>, Error> {
    let unreadable = || Error::Configuration(Fault::new(Code::KmsRootCertificate));
    let mut store = RootCertStore::empty();
    for der in &roots.der {
        store.add(CertificateDer::from(der.as_slice())).map_err(|_| unreadable())?;
    }
    for pem in &roots.pem {
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            store.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
        }
        if store.len() == before {
            return Err(unreadable());
        }
    }
    if store.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clock = Arc::new(Clock(Arc::clone(time_source)));
    let mut config = ClientConfig::builder_with_details(provider, clock)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Configuration(Fault::new(Code::KmsTlsVersions)))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsConnector::from(Arc::new(config))))
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
