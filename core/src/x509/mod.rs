//! X.509 certificate chains of attestation documents (RFC 5280).
//!
//! rustls-webpki judges the chain: signatures, names, CA flags, path lengths, validity. It accepts the
//! certificates in any order, ignores keyUsage, takes the root's own extensions and dates for granted and
//! hands out no dates; so a small reader of ours demands those things first, for every certificate and the
//! root, and both must be content. Because our part has found that each certificate's issuer is the next
//! one's subject and that no name occurs twice, there is one path only that webpki can find: the given order.
//!
//! Where the caller knows that the signatures of all CA certificates were verified before, only their
//! arithmetic is left out: every other check is made anew for every certificate, by the same code.

mod certificate;
pub(crate) mod der;

use alloc::format;
use core::time::Duration;

use rustls_pki_types::alg_id::{ECDSA_P384, ECDSA_SHA384};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime,
};
use webpki::{EndEntityCert, KeyUsage as ExtendedKeyUsage, anchor_from_trusted_cert};

use crate::crypto::Backend;
use crate::error::{Code, Error};
use crate::limits::MAX_CABUNDLE;
use certificate::{Certificate, KeyUsage};
use der::{DerReader, Tag};

/// An EKU restricts a key to the purposes it names (RFC 5280 section 4.2.1.12). None is defined for
/// attestation and genuine certificates have no EKU; one that is there must name anyExtendedKeyUsage.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

const LEAF: &str = "certificate";
const CABUNDLE: [&str; MAX_CABUNDLE] =
    ["cabundle[0]", "cabundle[1]", "cabundle[2]", "cabundle[3]", "cabundle[4]", "cabundle[5]", "cabundle[6]"];

/// What a verified chain says.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedChain<'a> {
    /// The leaf's key, an uncompressed P-384 point.
    pub(crate) public_key: &'a [u8],
    /// The latest notBefore of all certificates, in seconds since the epoch.
    pub(crate) not_before: u64,
    /// The earliest notAfter of all certificates, in seconds since the epoch.
    pub(crate) not_after: u64,
    /// The latest notBefore of the certificates above the leaf.
    pub(crate) ca_not_before: u64,
    /// The earliest notAfter of the certificates above the leaf.
    pub(crate) ca_not_after: u64,
    /// Serial numbers (contents of the INTEGER), in the order of the cabundle.
    pub(crate) serials: [&'a [u8]; MAX_CABUNDLE],
    /// The leaf's serial number.
    pub(crate) leaf_serial: &'a [u8],
}

/// Whether the signatures in a cabundle have to be verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaSignatures {
    /// Nothing is known about them.
    Unverified,
    /// They were verified in the same cabundle, byte for byte, root included.
    Verified,
}

/// Verifies `leaf` -> last of `cabundle` -> … -> first of `cabundle`, which must be one of `roots`, at a
/// time in seconds since the epoch.
///
/// No signature is verified before everything else holds, and then one per certificate below the root, or the
/// leaf's alone where those of the CAs are [`CaSignatures::Verified`].
pub(crate) fn verify_chain<'a>(
    leaf: &'a [u8],
    cabundle: &[&'a [u8]],
    roots: &[&[u8]],
    at: u64,
    ca_signatures: CaSignatures,
    backend: &Backend,
) -> Result<VerifiedChain<'a>, Error> {
    let Some((root, intermediates)) = cabundle.split_first() else {
        return Err(Error::field(Code::CertificateRoot, "cabundle"));
    };
    if !roots.contains(root) {
        return Err(Error::field(Code::CertificateRoot, CABUNDLE[0]));
    }
    let chain = read_chain(leaf, cabundle, at)?;
    let verified = match ca_signatures {
        CaSignatures::Unverified => &[],
        CaSignatures::Verified => intermediates,
    };
    let algorithm = EcdsaP384Sha384 { backend: *backend, verified };
    verify_signatures(leaf, intermediates, root, at, &algorithm)?;
    Ok(chain)
}

/// Reads every certificate from the root down and checks all that needs no signature.
fn read_chain<'a>(leaf: &'a [u8], cabundle: &[&'a [u8]], at: u64) -> Result<VerifiedChain<'a>, Error> {
    let (mut not_before, mut not_after) = (0, u64::MAX);
    let mut serials: [&[u8]; MAX_CABUNDLE] = [&[]; MAX_CABUNDLE];
    let mut subjects: [Option<&[u8]>; MAX_CABUNDLE] = [None; MAX_CABUNDLE];
    let mut issuer = None;

    let slots = serials.iter_mut().zip(&mut subjects);
    let mut below = cabundle.len();
    for ((&der, field), (serial, subject)) in cabundle.iter().zip(CABUNDLE).zip(slots) {
        // CA certificates between this one and the leaf.
        below = below.saturating_sub(1);
        let ca = Certificate::parse(der, field)?;
        follows(&ca, issuer.unwrap_or(ca.subject), field)?;
        is_ca(&ca, below, field)?;
        covers(&ca, at, field)?;
        not_before = ca.not_before.max(not_before);
        not_after = ca.not_after.min(not_after);
        *serial = ca.serial;
        *subject = Some(ca.subject);
        issuer = Some(ca.subject);
    }

    let end_entity = Certificate::parse(leaf, LEAF)?;
    follows(&end_entity, issuer.unwrap_or_default(), LEAF)?;
    if end_entity.basic_constraints.ca {
        return Err(Error::field(Code::CertificateBasicConstraints, LEAF));
    }
    if !end_entity.key_usage.permits(KeyUsage::DIGITAL_SIGNATURE) {
        return Err(Error::field(Code::CertificateKeyUsage, LEAF));
    }
    covers(&end_entity, at, LEAF)?;
    distinct(subjects.iter().flatten().copied().chain([end_entity.subject]))?;
    Ok(VerifiedChain {
        public_key: end_entity.public_key,
        not_before: end_entity.not_before.max(not_before),
        not_after: end_entity.not_after.min(not_after),
        ca_not_before: not_before,
        ca_not_after: not_after,
        serials,
        leaf_serial: end_entity.serial,
    })
}

/// RFC 5280 section 6.1: the subject of certificate x is the issuer of certificate x+1.
fn follows(certificate: &Certificate<'_>, issuer: &[u8], field: &'static str) -> Result<(), Error> {
    if certificate.issuer != issuer {
        return Err(Error::field(Code::CertificateOrder, field));
    }
    Ok(())
}

/// RFC 5280 section 6.1.4 (k) to (n): the CA flag, pathLenConstraint and keyCertSign.
fn is_ca(certificate: &Certificate<'_>, below: usize, field: &'static str) -> Result<(), Error> {
    if !certificate.basic_constraints.ca {
        return Err(Error::field(Code::CertificateBasicConstraints, field));
    }
    if certificate.basic_constraints.path_len.is_some_and(|most| below > usize::from(most)) {
        return Err(Error::number(
            Code::CertificatePathLength,
            field,
            "at most pathLenConstraint CAs below",
            below as u64,
        ));
    }
    if !certificate.key_usage.permits(KeyUsage::KEY_CERT_SIGN) {
        return Err(Error::field(Code::CertificateKeyUsage, field));
    }
    Ok(())
}

/// RFC 5280 section 4.1.2.5: valid from notBefore through notAfter, inclusive.
fn covers(certificate: &Certificate<'_>, at: u64, field: &'static str) -> Result<(), Error> {
    if at < certificate.not_before {
        return Err(Error::number(
            Code::CertificateNotYetValid,
            field,
            "notBefore or later, seconds since the epoch",
            at,
        ));
    }
    if at > certificate.not_after {
        return Err(Error::number(
            Code::CertificateExpired,
            field,
            "notAfter or earlier, seconds since the epoch",
            at,
        ));
    }
    Ok(())
}

/// Refuses a name that occurs twice: it could give webpki a second path to try.
fn distinct<'n>(mut names: impl Iterator<Item = &'n [u8]> + Clone) -> Result<(), Error> {
    while let Some(name) = names.next() {
        if names.clone().any(|other| other == name) {
            return Err(Code::CertificateRepeated.into());
        }
    }
    Ok(())
}

fn verify_signatures(
    leaf: &[u8],
    intermediates: &[&[u8]],
    root: &[u8],
    at: u64,
    algorithm: &EcdsaP384Sha384<'_>,
) -> Result<(), Error> {
    let (leaf, root) = (CertificateDer::from_slice(leaf), CertificateDer::from_slice(root));
    let ders: [_; MAX_CABUNDLE] = core::array::from_fn(|position| {
        CertificateDer::from_slice(intermediates.get(position).copied().unwrap_or_default())
    });
    let ders = ders.get(..intermediates.len()).unwrap_or_default();
    let anchor = anchor_from_trusted_cert(&root).map_err(|error| refused(&error))?;
    EndEntityCert::try_from(&leaf)
        .and_then(|end_entity| {
            let usage = ExtendedKeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE);
            let time = UnixTime::since_unix_epoch(Duration::from_secs(at));
            end_entity.verify_for_usage(&[algorithm], &[anchor], ders, time, usage, None, None).map(drop)
        })
        .map_err(|error| refused(&error))
}

fn refused(error: &webpki::Error) -> Error {
    match error {
        webpki::Error::InvalidSignatureForPublicKey => Code::CertificateSignature.into(),
        other => Error::text(Code::CertificateChain, "path validation", "a valid path", format!("{other:?}")),
    }
}

/// The one signature algorithm of attestation chains, for webpki.
#[derive(Debug)]
struct EcdsaP384Sha384<'a> {
    backend: Backend,
    /// CA certificates whose signatures were verified, each under the certificate above it.
    verified: &'a [&'a [u8]],
}

impl EcdsaP384Sha384<'_> {
    /// Whether this is the signed part of a certificate whose signature was verified. It comes first in a
    /// certificate's contents, and its own length says where it ends.
    fn was_verified(&self, tbs_certificate: &[u8]) -> bool {
        self.verified.iter().any(|der| {
            DerReader::new(der)
                .value(Tag::SEQUENCE)
                .is_ok_and(|contents| contents.starts_with(tbs_certificate))
        })
    }
}

impl SignatureVerificationAlgorithm for EcdsaP384Sha384<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if self.was_verified(message) {
            return Ok(());
        }
        self.backend.es384.verify_der(public_key, message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        ECDSA_SHA384
    }
}
