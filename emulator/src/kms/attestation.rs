//! The server's own reader of attestation documents (AWS `attestation_process.md`, RFC 9052, RFC 5280).

use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey, VerificationAlgorithm,
};
use ciborium::Value;
use coset::{CborSerializable, CoseSign1, RegisteredLabelWithPrivate, TaggedCborSerializable, iana};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_policy::evaluate::Attestation;
use x509_cert::Certificate;
use x509_cert::der::asn1::BitStringRef;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use super::errors::ApiError;

/// Age at which a document is refused, in milliseconds (AWS KMS: five minutes).
const MAX_AGE_MILLIS: u64 = 5 * 60 * 1000;
/// Most certificates in a `cabundle`. Ours: AWS sends four.
const MAX_CABUNDLE: usize = 16;
/// Longest certificate in bytes (AWS `attestation_process.md`, section 3.2.2.2).
const MAX_CERTIFICATE_LEN: usize = 1024;
/// Tag 18 in its one-byte form: `COSE_Sign1` (RFC 9052 section 4.2).
const COSE_SIGN1_TAG: u8 = 0xd2;

/// What a verified document says.
#[derive(Debug)]
pub(crate) struct Attested {
    /// Its PCRs, as policies see them.
    pub(crate) attestation: Attestation,
    pub(crate) public_key: Option<Vec<u8>>,
}

/// Why a document is refused. KMS tells the caller no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    Untrusted,
    Stale,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::validation(match refusal {
            Refusal::Malformed => "AWS KMS cannot parse the attestation document.",
            Refusal::Untrusted => "AWS KMS cannot verify the attestation document.",
            Refusal::Stale => "The attestation document has exceeded the five-minute age limit.",
        })
    }
}

/// Reads and verifies a document at the given time.
pub(crate) fn verify(document: &[u8], root: &[u8], now_millis: u64) -> Result<Attested, Refusal> {
    let sign1 = if document.first() == Some(&COSE_SIGN1_TAG) {
        CoseSign1::from_tagged_slice(document)
    } else {
        CoseSign1::from_slice(document)
    }
    .map_err(|_| Refusal::Malformed)?;
    let es384 = Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES384));
    if sign1.protected.header.alg != es384 || !sign1.unprotected.is_empty() {
        return Err(Refusal::Malformed);
    }
    let payload = Payload::read(sign1.payload.as_deref().ok_or(Refusal::Malformed)?)?;
    let leaf = payload.verify_chain(root, now_millis)?;
    sign1
        .verify_signature(b"", |signature, data| {
            verify_signature(&ECDSA_P384_SHA384_FIXED, &leaf, data, signature)
        })
        .map_err(|_| Refusal::Untrusted)?;
    if now_millis.abs_diff(payload.timestamp) > MAX_AGE_MILLIS {
        return Err(Refusal::Stale);
    }
    Ok(Attested { attestation: payload.attestation, public_key: payload.public_key })
}

struct Payload {
    timestamp: u64,
    attestation: Attestation,
    certificate: Vec<u8>,
    cabundle: Vec<Vec<u8>>,
    public_key: Option<Vec<u8>>,
}

impl Payload {
    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut rest = bytes;
        let value: Value = ciborium::from_reader(&mut rest).map_err(|_| Refusal::Malformed)?;
        let Value::Map(mut fields) = value else { return Err(Refusal::Malformed) };
        if !rest.is_empty() {
            return Err(Refusal::Malformed);
        }
        // Each field is taken out once; a repeated or unknown one is left over.
        let mut take = |name: &str| {
            let position = fields.iter().position(|(key, _)| key.as_text() == Some(name))?;
            Some(fields.swap_remove(position).1)
        };
        let module_id = take("module_id").and_then(|value| value.into_text().ok());
        let digest = take("digest").and_then(|value| value.into_text().ok());
        let timestamp = take("timestamp")
            .and_then(|value| value.into_integer().ok())
            .and_then(|number| u64::try_from(number).ok());
        let mut pcrs = |name| take(name).and_then(|value| value.into_map().ok()).and_then(read_pcrs);
        // One of them: the other would be left over.
        let attestation = match pcrs("pcrs") {
            Some(pcrs) => Some(Attestation::Enclave(pcrs)),
            None => pcrs("nitrotpm_pcrs").map(Attestation::NitroTpm),
        };
        let certificate = take("certificate").and_then(|value| value.into_bytes().ok());
        let cabundle = take("cabundle")
            .and_then(|value| value.into_array().ok())
            .and_then(|array| array.into_iter().map(|der| der.into_bytes().ok()).collect::<Option<Vec<_>>>());
        let mut take_optional = |name: &str| match take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bytes(bytes)) if bytes.len() <= crate::nsm::MAX_FIELD_LEN => Ok(Some(bytes)),
            Some(_) => Err(Refusal::Malformed),
        };
        let public_key = take_optional("public_key")?;
        take_optional("user_data")?;
        take_optional("nonce")?;
        if !fields.is_empty()
            || digest.as_deref() != Some("SHA384")
            || module_id.is_none_or(|id| id.is_empty())
        {
            return Err(Refusal::Malformed);
        }
        match (timestamp, attestation, certificate, cabundle) {
            (Some(timestamp), Some(attestation), Some(certificate), Some(cabundle))
                if (1..=MAX_CABUNDLE).contains(&cabundle.len()) =>
            {
                Ok(Self { timestamp, attestation, certificate, cabundle, public_key })
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// Verifies root, authorities and leaf; gives the leaf's public key.
    fn verify_chain(&self, root: &[u8], now_millis: u64) -> Result<Vec<u8>, Refusal> {
        if self.cabundle.first().map(Vec::as_slice) != Some(root) {
            return Err(Refusal::Untrusted);
        }
        let at = Duration::from_millis(now_millis);
        let mut issuer = Link::read(root)?;
        issuer.check_authority(at, self.cabundle.len() - 1)?;
        for (position, der) in self.cabundle.iter().enumerate().skip(1) {
            let authority = Link::read(der)?;
            authority.check_signed_by(&issuer)?;
            authority.check_authority(at, self.cabundle.len() - 1 - position)?;
            issuer = authority;
        }
        let leaf = Link::read(&self.certificate)?;
        leaf.check_signed_by(&issuer)?;
        leaf.check_leaf(at)?;
        Ok(leaf.public_key)
    }
}

fn read_pcrs(map: Vec<(Value, Value)>) -> Option<PcrSet> {
    let mut pcrs = PcrSet::new();
    for (index, value) in map {
        let index = u64::try_from(index.into_integer().ok()?).ok()?;
        let value = Pcr::try_from(value.as_bytes()?.as_slice()).ok()?;
        if pcrs.insert(PcrIndex::try_from(index).ok()?, value).is_some() {
            return None;
        }
    }
    (!pcrs.is_empty()).then_some(pcrs)
}

/// One certificate of the chain.
struct Link {
    certificate: Certificate,
    /// `TBSCertificate` as received: what the signature covers.
    signed: Vec<u8>,
    signature: Vec<u8>,
    public_key: Vec<u8>,
}

impl Link {
    fn read(der: &[u8]) -> Result<Self, Refusal> {
        let malformed = |_| Refusal::Malformed;
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(Refusal::Malformed);
        }
        let certificate = Certificate::from_der(der).map_err(malformed)?;
        let (signed, signature) = SliceReader::new(der)
            .and_then(|mut reader| {
                reader.sequence(|certificate| {
                    let signed = certificate.tlv_bytes()?.to_vec();
                    certificate.tlv_bytes()?;
                    let signature = BitStringRef::decode(certificate)?.raw_bytes().to_vec();
                    Ok::<_, x509_cert::der::Error>((signed, signature))
                })
            })
            .map_err(malformed)?;
        let spki = certificate.tbs_certificate().subject_public_key_info();
        let public_key = spki.subject_public_key.raw_bytes().to_vec();
        Ok(Self { certificate, signed, signature, public_key })
    }

    fn check_signed_by(&self, issuer: &Self) -> Result<(), Refusal> {
        let named =
            self.certificate.tbs_certificate().issuer() == issuer.certificate.tbs_certificate().subject();
        if !named {
            return Err(Refusal::Untrusted);
        }
        verify_signature(&ECDSA_P384_SHA384_ASN1, &issuer.public_key, &self.signed, &self.signature)
    }

    /// `below` is the number of authorities between this one and the leaf.
    fn check_authority(&self, at: Duration, below: usize) -> Result<(), Refusal> {
        let (constraints, usage) = self.extensions()?;
        let deep_enough = constraints.path_len_constraint.is_none_or(|limit| usize::from(limit) >= below);
        if constraints.ca && deep_enough && usage.key_cert_sign() && self.valid(at) {
            return Ok(());
        }
        Err(Refusal::Untrusted)
    }

    fn check_leaf(&self, at: Duration) -> Result<(), Refusal> {
        let (constraints, usage) = self.extensions()?;
        if !constraints.ca && usage.digital_signature() && self.valid(at) {
            return Ok(());
        }
        Err(Refusal::Untrusted)
    }

    fn extensions(&self) -> Result<(BasicConstraints, KeyUsage), Refusal> {
        let tbs = self.certificate.tbs_certificate();
        let constraints = tbs.get_extension::<BasicConstraints>().map_err(|_| Refusal::Malformed)?;
        let usage = tbs.get_extension::<KeyUsage>().map_err(|_| Refusal::Malformed)?;
        match (constraints, usage) {
            (Some((_, constraints)), Some((_, usage))) => Ok((constraints, usage)),
            _ => Err(Refusal::Untrusted),
        }
    }

    fn valid(&self, at: Duration) -> bool {
        let validity = self.certificate.tbs_certificate().validity();
        // Whole seconds: notAfter is inclusive (RFC 5280 section 4.1.2.5).
        let at = Duration::from_secs(at.as_secs());
        (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&at)
    }
}

fn verify_signature(
    algorithm: &'static dyn VerificationAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    UnparsedPublicKey::new(algorithm, public_key).verify(message, signature).map_err(|_| Refusal::Untrusted)
}

#[cfg(test)]
mod tests;
