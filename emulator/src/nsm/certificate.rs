//! Certificates in the shape of the AWS Nitro Attestation PKI (RFC 5280), assembled field by field: the order
//! of extensions and the string types are those of genuine certificates.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::EcdsaKeyPair;
use pcrseal_core::error::{Code, Error};
use x509_cert::der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::der::{DateTime, Encode};

use crate::asn1::{
    BIT_STRING, BOOLEAN_TRUE, OCTET_STRING, PRINTABLE_STRING, SEQUENCE, SET, UTF8_STRING, context,
    context_primitive, positive_integer, tlv,
};

/// `ecdsa-with-SHA384` (RFC 5758 section 3.2).
const ECDSA_WITH_SHA384: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// `id-ecPublicKey` on `secp384r1` (RFC 5480 section 2.1).
const EC_P384: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22,
];
const VERSION_3: &[u8] = &[0xa0, 0x03, 0x02, 0x01, 0x02];

/// The attribute types of AWS's names, `id-at` plus this (RFC 5280 appendix A.1).
#[derive(Clone, Copy)]
pub(super) enum Attribute {
    CommonName = 3,
    Country = 6,
    Locality = 7,
    State = 8,
    Organization = 10,
    OrganizationalUnit = 11,
}

/// A distinguished name, DER.
pub(super) fn name(attributes: &[(Attribute, &str)]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = attributes
        .iter()
        .map(|&(attribute, text)| {
            let string = if matches!(attribute, Attribute::Country) { PRINTABLE_STRING } else { UTF8_STRING };
            let oid = [0x06, 0x03, 0x55, 0x04, attribute as u8];
            tlv(SET, &[&tlv(SEQUENCE, &[&oid, &tlv(string, &[text.as_bytes()])])])
        })
        .collect();
    tlv(SEQUENCE, &[&rdns.concat()])
}

/// `keyUsage` bits (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy)]
pub(super) enum Usage {
    /// digitalSignature, keyCertSign, cRLSign: root, regional and zonal.
    CertificateAuthority,
    /// keyCertSign alone: instance.
    Instance,
    /// digitalSignature, nonRepudiation: leaf.
    Leaf,
}

/// Non-critical, critical: the extension's BOOLEAN, which DER leaves out when it is false.
const NOT_CRITICAL: &[u8] = &[];

pub(super) fn authority_constraints(path_len: Option<u8>) -> Vec<u8> {
    let limit = path_len.map(|limit| positive_integer(&[limit])).unwrap_or_default();
    extension(19, BOOLEAN_TRUE, &tlv(SEQUENCE, &[BOOLEAN_TRUE, &limit]))
}

pub(super) fn end_entity_constraints() -> Vec<u8> {
    extension(19, BOOLEAN_TRUE, &tlv(SEQUENCE, &[]))
}

pub(super) fn key_usage(usage: Usage) -> Vec<u8> {
    let (critical, unused_bits, bits) = match usage {
        Usage::CertificateAuthority => (BOOLEAN_TRUE, 1, 0b1000_0110),
        Usage::Instance => (BOOLEAN_TRUE, 2, 0b0000_0100),
        Usage::Leaf => (NOT_CRITICAL, 6, 0b1100_0000),
    };
    extension(15, critical, &tlv(BIT_STRING, &[&[unused_bits, bits]]))
}

pub(super) fn subject_key_identifier(id: &[u8]) -> Vec<u8> {
    extension(14, NOT_CRITICAL, &tlv(OCTET_STRING, &[id]))
}

pub(super) fn authority_key_identifier(id: &[u8]) -> Vec<u8> {
    extension(35, NOT_CRITICAL, &tlv(SEQUENCE, &[&tlv(context_primitive(0), &[id])]))
}

pub(super) fn crl_distribution_point(url: &str) -> Vec<u8> {
    let full_name = tlv(context(0), &[&tlv(context_primitive(6), &[url.as_bytes()])]);
    let point = tlv(SEQUENCE, &[&tlv(context(0), &[&full_name])]);
    extension(31, NOT_CRITICAL, &tlv(SEQUENCE, &[&point]))
}

/// The key identifier: the leftmost 160 bits of SHA-256 over the key (RFC 7093 section 2, method 1).
pub(super) fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    digest(&SHA256, public_key).as_ref().iter().take(20).copied().collect()
}

/// What goes into a certificate; times are seconds since the Unix epoch.
pub(super) struct Template<'a> {
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    /// The uncompressed point, 97 bytes.
    pub(super) public_key: &'a [u8],
    pub(super) extensions: &'a [Vec<u8>],
}

impl Template<'_> {
    /// Signs the certificate; `signer` makes DER signatures.
    pub(super) fn sign(&self, signer: &EcdsaKeyPair) -> Result<Vec<u8>, Error> {
        let validity = tlv(SEQUENCE, &[&time(self.not_before)?, &time(self.not_after)?]);
        let spki = tlv(SEQUENCE, &[EC_P384, &tlv(BIT_STRING, &[&[0], self.public_key])]);
        let extensions = tlv(context(3), &[&tlv(SEQUENCE, &[&self.extensions.concat()])]);
        let tbs = tlv(
            SEQUENCE,
            &[
                VERSION_3,
                &positive_integer(self.serial),
                ECDSA_WITH_SHA384,
                self.issuer,
                &validity,
                self.subject,
                &spki,
                &extensions,
            ],
        );
        let signature = signer
            .sign(&SystemRandom::new(), &tbs)
            .map_err(|_| Error::field(Code::Attester, "certificate signature"))?;
        let signature = tlv(BIT_STRING, &[&[0], signature.as_ref()]);
        Ok(tlv(SEQUENCE, &[&tbs, ECDSA_WITH_SHA384, &signature]))
    }
}

/// `id-ce` plus a number, criticality and content (RFC 5280 section 4.2).
fn extension(id: u8, critical: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&[0x06, 0x03, 0x55, 0x1d, id], critical, &tlv(OCTET_STRING, &[value])])
}

/// `UTCTime` through 2049, `GeneralizedTime` from 2050 on (RFC 5280 section 4.1.2.5).
fn time(unix_seconds: u64) -> Result<Vec<u8>, Error> {
    let refused = |_| Error::field(Code::Attester, "certificate validity");
    let date = DateTime::from_unix_duration(Duration::from_secs(unix_seconds)).map_err(refused)?;
    if date.year() < 2050 {
        UtcTime::from_date_time(date).and_then(|utc| utc.to_der()).map_err(refused)
    } else {
        GeneralizedTime::from_date_time(date).to_der().map_err(refused)
    }
}
