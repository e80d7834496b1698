//! The certificate authorities: root, regional, zonal, instance; and the leaf that signs documents.
//!
//! Names, extensions and validity spans are those of the AWS Nitro Attestation PKI as genuine documents show
//! it. The revocation lists that the certificates point to do not exist (`.invalid`, RFC 2606).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_core::error::{Code, Error};

use super::certificate::{
    Attribute, Template, Usage, authority_constraints, authority_key_identifier, crl_distribution_point,
    end_entity_constraints, key_identifier, key_usage, name, subject_key_identifier,
};
use super::random;
use crate::Clock;
use crate::text::hex;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Thirty years with their leap days.
const ROOT_SPAN: u64 = 10_958 * DAY;
const REGIONAL_SPAN: u64 = 20 * DAY;
const ZONAL_SPAN: u64 = 6 * DAY;
const INSTANCE_SPAN: u64 = DAY;
const LEAF_SPAN: u64 = 3 * HOUR;
/// AWS's private CA service dates certificates back by an hour, the hypervisor's leaf by three seconds.
const BACKDATED: u64 = HOUR;
const LEAF_BACKDATED: u64 = 3;

/// An attestation PKI of its own: a self-signed P-384 root and what it issues. Clones share it.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    clock: Clock,
    root: CertificateAuthority,
    /// Regional and zonal authorities by region; replaced when they would not outlive what they issue.
    intermediates: Mutex<BTreeMap<String, Intermediates>>,
}

#[derive(Clone)]
struct Intermediates {
    regional: Arc<CertificateAuthority>,
    zonal: Arc<CertificateAuthority>,
}

impl Authority {
    /// A new root, valid for thirty years from an hour before the clock's time.
    ///
    /// # Errors
    /// [`Code::Attester`] when the key or the certificate cannot be made; [`Code::Random`].
    pub fn new(clock: &Clock) -> Result<Self, Error> {
        let key = generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?;
        let not_before = clock.now_seconds().saturating_sub(BACKDATED);
        let not_after = not_before + ROOT_SPAN;
        let subject = top_level_name("aws.nitro-enclaves");
        let key_id = key_identifier(key.public_key().as_ref());
        let certificate = Template {
            serial: &random::<16>()?,
            issuer: &subject,
            subject: &subject,
            not_before,
            not_after,
            public_key: key.public_key().as_ref(),
            extensions: &[
                authority_constraints(None),
                subject_key_identifier(&key_id),
                key_usage(Usage::CertificateAuthority),
            ],
        }
        .sign(&key)?;
        let root = CertificateAuthority { key, certificate, subject, key_id, not_before, not_after };
        Ok(Self(Arc::new(Inner { clock: clock.clone(), root, intermediates: Mutex::default() })))
    }

    /// The root certificate, DER: what a verifier pins instead of AWS's.
    pub fn root_der(&self) -> &[u8] {
        &self.0.root.certificate
    }

    /// The root certificate, PEM (RFC 7468).
    pub fn root_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (position, character) in STANDARD.encode(self.root_der()).chars().enumerate() {
            if position > 0 && position % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }

    /// The clock that certificates and documents go by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A fresh instance authority and leaf for one enclave, under the region's authorities.
    pub(super) fn issue(
        &self,
        region: &str,
        instance_id: &str,
        enclave_id: u64,
    ) -> Result<Credentials, Error> {
        let now = self.0.clock.now_seconds();
        let Intermediates { regional, zonal } = self.intermediates(region, now)?;
        let instance = instance_authority(&zonal, region, instance_id, now)?;
        let key = generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?;
        let not_before = now.saturating_sub(LEAF_BACKDATED);
        let not_after = now + LEAF_SPAN;
        let certificate = Template {
            // Genuine leaves: the enclave's id, then the time of issue.
            serial: &[enclave_id.to_be_bytes(), now.to_be_bytes()].concat(),
            issuer: &instance.subject,
            subject: &host_name(&format!("{instance_id}-enc{enclave_id:016x}.{region}.aws")),
            not_before,
            not_after,
            public_key: key.public_key().as_ref(),
            extensions: &[end_entity_constraints(), key_usage(Usage::Leaf)],
        }
        .sign(&instance.key)?;
        let cabundle = vec![
            self.0.root.certificate.clone(),
            regional.certificate.clone(),
            zonal.certificate.clone(),
            instance.certificate,
        ];
        Ok(Credentials { key, certificate, cabundle, not_before, not_after })
    }

    fn intermediates(&self, region: &str, now: u64) -> Result<Intermediates, Error> {
        let mut cache = self.0.intermediates.lock().unwrap_or_else(PoisonError::into_inner);
        let regional = match cache.get(region) {
            Some(known) if known.regional.outlives(now, ZONAL_SPAN) => known.regional.clone(),
            _ => Arc::new(self.regional_authority(region, now)?),
        };
        let zonal = match cache.get(region) {
            Some(known)
                if Arc::ptr_eq(&known.regional, &regional) && known.zonal.outlives(now, INSTANCE_SPAN) =>
            {
                known.zonal.clone()
            }
            _ => Arc::new(zonal_authority(&regional, region, now)?),
        };
        let current = Intermediates { regional, zonal };
        cache.insert(region.to_owned(), current.clone());
        Ok(current)
    }

    fn regional_authority(&self, region: &str, now: u64) -> Result<CertificateAuthority, Error> {
        let id = hex(&random::<8>()?);
        let crl = format!("http://aws-nitro-enclaves-crl.s3.emulator.invalid/crl/{}.crl", uuid()?);
        self.0.root.issue(
            top_level_name(&format!("{id}.{region}.aws.nitro-enclaves")),
            (now.saturating_sub(BACKDATED), now + REGIONAL_SPAN),
            &random::<16>()?,
            |issuer, subject| {
                vec![
                    authority_constraints(Some(2)),
                    authority_key_identifier(issuer),
                    subject_key_identifier(subject),
                    key_usage(Usage::CertificateAuthority),
                    crl_distribution_point(&crl),
                ]
            },
        )
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// A leaf key, its certificate, and the `cabundle` (root first) that leads to it.
pub(super) struct Credentials {
    /// Signs raw `r || s`.
    pub(super) key: EcdsaKeyPair,
    pub(super) certificate: Vec<u8>,
    pub(super) cabundle: Vec<Vec<u8>>,
    not_before: u64,
    not_after: u64,
}

impl Credentials {
    pub(super) fn valid_at(&self, unix_seconds: u64) -> bool {
        (self.not_before..=self.not_after).contains(&unix_seconds)
    }
}

struct CertificateAuthority {
    /// Signs DER.
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    subject: Vec<u8>,
    key_id: Vec<u8>,
    not_before: u64,
    not_after: u64,
}

impl CertificateAuthority {
    fn outlives(&self, now: u64, span: u64) -> bool {
        self.not_before <= now && now + span <= self.not_after
    }

    /// Issues an authority below this one; `extensions` gets the issuer's and the subject's key identifiers.
    fn issue(
        &self,
        subject: Vec<u8>,
        (not_before, not_after): (u64, u64),
        serial: &[u8],
        extensions: impl FnOnce(&[u8], &[u8]) -> Vec<Vec<u8>>,
    ) -> Result<Self, Error> {
        let key = generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?;
        let key_id = key_identifier(key.public_key().as_ref());
        let certificate = Template {
            serial,
            issuer: &self.subject,
            subject: &subject,
            not_before,
            not_after,
            public_key: key.public_key().as_ref(),
            extensions: &extensions(&self.key_id, &key_id),
        }
        .sign(&self.key)?;
        Ok(Self { key, certificate, subject, key_id, not_before, not_after })
    }
}

fn zonal_authority(
    regional: &CertificateAuthority,
    region: &str,
    now: u64,
) -> Result<CertificateAuthority, Error> {
    let id = hex(&random::<8>()?);
    let crl = format!("http://crl-{region}-aws-nitro-enclaves.s3.emulator.invalid/crl/{}.crl", uuid()?);
    let common_name = format!("{id}.zonal.{region}.aws.nitro-enclaves");
    // The zonal name runs the other way round, and its state is abbreviated.
    let subject = name(&[
        (Attribute::CommonName, &common_name),
        (Attribute::OrganizationalUnit, "AWS"),
        (Attribute::Organization, "Amazon"),
        (Attribute::Country, "US"),
        (Attribute::State, "WA"),
        (Attribute::Locality, "Seattle"),
    ]);
    let validity = (now.saturating_sub(BACKDATED), now + ZONAL_SPAN - BACKDATED);
    regional.issue(subject, validity, &random::<16>()?, |issuer, subject| {
        vec![
            authority_constraints(Some(1)),
            authority_key_identifier(issuer),
            subject_key_identifier(subject),
            key_usage(Usage::CertificateAuthority),
            crl_distribution_point(&crl),
        ]
    })
}

fn instance_authority(
    zonal: &CertificateAuthority,
    region: &str,
    instance_id: &str,
    now: u64,
) -> Result<CertificateAuthority, Error> {
    let subject = host_name(&format!("{instance_id}.{region}.aws.nitro-enclaves"));
    let validity = (now.saturating_sub(LEAF_BACKDATED), now + INSTANCE_SPAN - LEAF_BACKDATED);
    zonal.issue(subject, validity, &random::<20>()?, |issuer, subject| {
        vec![
            authority_constraints(Some(0)),
            key_usage(Usage::Instance),
            subject_key_identifier(subject),
            authority_key_identifier(issuer),
        ]
    })
}

/// The form of the root's and the regional authorities' names.
fn top_level_name(common_name: &str) -> Vec<u8> {
    name(&[
        (Attribute::Country, "US"),
        (Attribute::Organization, "Amazon"),
        (Attribute::OrganizationalUnit, "AWS"),
        (Attribute::CommonName, common_name),
    ])
}

/// The form of instances' and enclaves' names.
fn host_name(common_name: &str) -> Vec<u8> {
    name(&[
        (Attribute::Country, "US"),
        (Attribute::State, "Washington"),
        (Attribute::Locality, "Seattle"),
        (Attribute::Organization, "Amazon"),
        (Attribute::OrganizationalUnit, "AWS"),
        (Attribute::CommonName, common_name),
    ])
}

fn generate(algorithm: &'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, Error> {
    EcdsaKeyPair::generate(algorithm).map_err(|_| Error::field(Code::Attester, "P-384 key"))
}

fn uuid() -> Result<String, Error> {
    Ok(crate::text::uuid(random()?))
}
