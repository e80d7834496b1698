//! Who is believed to be KMS: Amazon's root certificates, unless others are given by name.

use pcrseal_core::error::{Code, Error as Fault};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::Error;

/// The roots of Amazon Trust Services, which every AWS endpoint of the partitions `aws` and `aws-us-gov` chains to.
/// Source: <https://www.amazontrust.com/repository/>. A test compares each with the fingerprint published there.
const AMAZON: [&str; 5] = [
    include_str!("../../roots/amazon-root-ca-1.pem"),
    include_str!("../../roots/amazon-root-ca-2.pem"),
    include_str!("../../roots/amazon-root-ca-3.pem"),
    include_str!("../../roots/amazon-root-ca-4.pem"),
    include_str!("../../roots/starfield-services-root-g2.pem"),
];

/// Root certificates as the caller gave them; Amazon's if none are given.
#[derive(Default)]
pub(super) struct RootCertificates {
    pub(super) pem: Vec<Vec<u8>>,
    pub(super) der: Vec<Vec<u8>>,
    /// Mozilla's set.
    #[cfg(feature = "webpki-roots")]
    pub(super) webpki: bool,
}

impl RootCertificates {
    /// Whether none are given.
    pub(super) fn are_amazons(&self) -> bool {
        #[cfg(feature = "webpki-roots")]
        if self.webpki {
            return false;
        }
        self.pem.is_empty() && self.der.is_empty()
    }

    /// What is trusted. Never empty.
    pub(super) fn store(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        for der in &self.der {
            store.add(CertificateDer::from(der.as_slice())).map_err(|_| unreadable())?;
        }
        for pem in &self.pem {
            add_pem(&mut store, pem)?;
        }
        #[cfg(feature = "webpki-roots")]
        if self.webpki {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if self.are_amazons() {
            for pem in AMAZON {
                add_pem(&mut store, pem.as_bytes())?;
            }
        }
        Ok(store)
    }
}

fn add_pem(store: &mut RootCertStore, pem: &[u8]) -> Result<(), Error> {
    let before = store.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    // A text without any certificate was meant to hold one.
    if store.len() == before { Err(unreadable()) } else { Ok(()) }
}

fn unreadable() -> Error {
    Error::Configuration(Fault::new(Code::KmsRootCertificate))
}

#[cfg(test)]
mod tests {
    use super::{AMAZON, RootCertificates};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use sha2::{Digest, Sha256};

    /// SHA-256 of each certificate's DER, as Amazon Trust Services publishes them.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn the_pinned_roots_are_amazons() {
        for (pem, fingerprint) in AMAZON.iter().zip(FINGERPRINTS) {
            let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
            let der = certificates.next().unwrap().unwrap();
            assert!(certificates.next().is_none(), "one certificate in a file");
            let hex = |hex: String, byte: &u8| hex + &format!("{byte:02x}");
            assert_eq!(Sha256::digest(&der).iter().fold(String::new(), hex), fingerprint);
        }
    }

    #[test]
    fn given_roots_replace_amazons() {
        assert_eq!(RootCertificates::default().store().unwrap().len(), AMAZON.len());
        let one = RootCertificates { pem: vec![AMAZON[0].into()], ..RootCertificates::default() };
        assert_eq!(one.store().unwrap().len(), 1);
    }

    #[cfg(feature = "webpki-roots")]
    #[test]
    fn the_webpki_set_replaces_amazons_and_has_them_too() {
        let roots = RootCertificates { webpki: true, ..RootCertificates::default() };
        let store = roots.store().unwrap();
        assert_eq!(store.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        for own in &RootCertificates::default().store().unwrap().roots {
            // The Starfield root comes with no or other name constraints; the key is what is believed.
            assert!(
                store.roots.iter().any(|root| root.subject_public_key_info == own.subject_public_key_info)
            );
        }
    }
}
