//! What this crate reads out of a certificate beside what rustls-webpki checks.

use rustls_pki_types::alg_id::{ECDSA_P384, ECDSA_SHA384};

use super::der::{DerReader, Malformed, Tag, time};
use crate::crypto::P384_POINT_LEN;
use crate::error::{Code, Error};

const ID_CE_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ID_CE_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// A version 3 certificate of a P-384 key, signed with ecdsa-with-SHA384 (RFC 5280 section 4.1). Its
/// signature is not verified here.
pub(super) struct Certificate<'a> {
    /// Contents of the serialNumber INTEGER.
    pub(super) serial: &'a [u8],
    /// Contents of the issuer's Name.
    pub(super) issuer: &'a [u8],
    /// Contents of the subject's Name.
    pub(super) subject: &'a [u8],
    /// Seconds since the epoch, inclusive.
    pub(super) not_before: u64,
    /// Seconds since the epoch, inclusive.
    pub(super) not_after: u64,
    /// The uncompressed point.
    pub(super) public_key: &'a [u8],
    pub(super) basic_constraints: BasicConstraints,
    pub(super) key_usage: KeyUsage,
}

/// RFC 5280 section 4.2.1.9.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct BasicConstraints {
    pub(super) ca: bool,
    /// How many CA certificates may lie between this one and the end entity; `None` is any number.
    pub(super) path_len: Option<u8>,
}

/// The first octet of RFC 5280 section 4.2.1.3's bit string; the ninth bit (decipherOnly) is not needed.
#[derive(Clone, Copy)]
pub(super) struct KeyUsage(u8);

impl KeyUsage {
    pub(super) const DIGITAL_SIGNATURE: Self = Self(0x80);
    pub(super) const KEY_CERT_SIGN: Self = Self(0x04);

    pub(super) const fn permits(self, usage: Self) -> bool {
        self.0 & usage.0 != 0
    }
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; `field` names it in errors.
    pub(super) fn parse(der: &'a [u8], field: &'static str) -> Result<Self, Error> {
        Self::read(der).map_err(|fault| Error::field(fault.into(), field))
    }

    fn read(der: &'a [u8]) -> Result<Self, Fault> {
        let mut outer = DerReader::new(der);
        let mut certificate = DerReader::new(outer.value(Tag::SEQUENCE)?);
        outer.end()?;
        let mut tbs = DerReader::new(certificate.value(Tag::SEQUENCE)?);
        let signature_algorithm = certificate.value(Tag::SEQUENCE)?;
        certificate.value(Tag::BIT_STRING)?;
        certificate.end()?;

        // Extensions exist in version 3 alone, which is written as 2.
        if tbs.optional(Tag::CONTEXT_0)? != Some(&[0x02, 0x01, 0x02]) {
            return Err(Fault(Code::CertificateVersion));
        }
        let serial = integer(tbs.value(Tag::INTEGER)?)?;
        // RFC 5280 section 4.1.1.2: the algorithm inside and outside of the signed part MUST be the same.
        for algorithm in [tbs.value(Tag::SEQUENCE)?, signature_algorithm] {
            if algorithm != ECDSA_SHA384.as_ref() {
                return Err(Fault(Code::CertificateAlgorithm));
            }
        }
        let issuer = tbs.value(Tag::SEQUENCE)?;
        let (not_before, not_after) = validity(tbs.value(Tag::SEQUENCE)?)?;
        let subject = tbs.value(Tag::SEQUENCE)?;
        let public_key = public_key(tbs.value(Tag::SEQUENCE)?)?;
        let (basic_constraints, key_usage) = extensions(tbs.value(Tag::CONTEXT_3)?)?;
        tbs.end()?;
        Ok(Self { serial, issuer, subject, not_before, not_after, public_key, basic_constraints, key_usage })
    }
}

struct Fault(Code);

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self(Code::CertificateMalformed)
    }
}

impl From<Fault> for Code {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

/// X.690 section 8.3: an INTEGER has contents, and they are as short as can be. One serial number thus has one
/// form, whoever looks it up; its sign and length are the issuer's affair (RFC 5280 section 4.1.2.2).
fn integer(contents: &[u8]) -> Result<&[u8], Malformed> {
    match contents {
        [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(Malformed),
        shortest => Ok(shortest),
    }
}

fn validity(contents: &[u8]) -> Result<(u64, u64), Malformed> {
    let mut reader = DerReader::new(contents);
    let span = (time(&mut reader)?, time(&mut reader)?);
    reader.end()?;
    Ok(span)
}

/// Reads a `SubjectPublicKeyInfo` (RFC 5480 section 2), which must hold an uncompressed P-384 point.
fn public_key(contents: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = DerReader::new(contents);
    let algorithm = reader.value(Tag::SEQUENCE)?;
    let bits = reader.value(Tag::BIT_STRING)?;
    reader.end()?;
    match bits {
        [0, point @ ..]
            if algorithm == ECDSA_P384.as_ref()
                && point.len() == P384_POINT_LEN
                && point.first() == Some(&4) =>
        {
            Ok(point)
        }
        _ => Err(Fault(Code::CertificateAlgorithm)),
    }
}

/// Reads `BasicConstraints` and keyUsage, which must both be there; refuses any other critical extension.
fn extensions(contents: &[u8]) -> Result<(BasicConstraints, KeyUsage), Fault> {
    let mut outer = DerReader::new(contents);
    let mut extensions = DerReader::new(outer.value(Tag::SEQUENCE)?);
    outer.end()?;
    let (mut constraints, mut usage) = (None, None);
    while !extensions.is_empty() {
        let mut extension = DerReader::new(extensions.value(Tag::SEQUENCE)?);
        let id = extension.value(Tag::OBJECT_IDENTIFIER)?;
        let critical = extension.flag()?;
        let value = extension.value(Tag::OCTET_STRING)?;
        extension.end()?;
        // RFC 5280 section 4.2: a certificate MUST NOT include more than one instance of an extension.
        let repeated = match id {
            ID_CE_BASIC_CONSTRAINTS => constraints.replace(basic_constraints(value)?).is_some(),
            ID_CE_KEY_USAGE => usage.replace(key_usage(value)?).is_some(),
            _ if critical => return Err(Fault(Code::CertificateCriticalExtension)),
            _ => false,
        };
        if repeated {
            return Err(Malformed.into());
        }
    }
    Ok((
        constraints.ok_or(Fault(Code::CertificateBasicConstraints))?,
        usage.ok_or(Fault(Code::CertificateKeyUsage))?,
    ))
}

fn basic_constraints(contents: &[u8]) -> Result<BasicConstraints, Malformed> {
    let mut outer = DerReader::new(contents);
    let mut reader = DerReader::new(outer.value(Tag::SEQUENCE)?);
    outer.end()?;
    let ca = reader.flag()?;
    let path_len = match reader.optional(Tag::INTEGER)? {
        None => None,
        Some(&[length @ ..=0x7f]) if ca => Some(length),
        Some(_) => return Err(Malformed),
    };
    reader.end()?;
    Ok(BasicConstraints { ca, path_len })
}

fn key_usage(contents: &[u8]) -> Result<KeyUsage, Malformed> {
    let mut reader = DerReader::new(contents);
    let bits = reader.value(Tag::BIT_STRING)?;
    reader.end()?;
    let (first, last, unused) = match *bits {
        [unused @ 0..=7, only] => (only, only, unused),
        [unused @ 0..=7, first, last] => (first, last, unused),
        _ => return Err(Malformed),
    };
    // X.690 section 11.2.1: unused bits are zero. A usage must not be read out of them.
    if last.trailing_zeros() < u32::from(unused) {
        return Err(Malformed);
    }
    Ok(KeyUsage(first))
}
