//! Attestation documents of the Nitro Secure Module and of `NitroTPM` (AWS `attestation_process.md`).
//!
//! A relying party takes three steps, and the types keep their order:
//!
//! 1. [`AttestationDocument::parse`] reads a document that nobody vouches for.
//! 2. [`AttestationDocument::verify`] makes a [`VerifiedAttestation`] of it, and nothing else does: its content
//!    is what the hypervisor signed.
//! 3. [`AttestationPolicy::appraise`] judges it. Verified does not mean wanted: anyone can rent an enclave and
//!    get genuine documents of it, with any nonce, user data and public key. PCRs say which code runs, the
//!    nonce or the age that the document is fresh.
//!
//! ```
//! use pcrseal_core::attestation::{
//!     AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, AttestationPolicy, CabundleCache,
//! };
//! use pcrseal_core::crypto::aws_lc;
//! use pcrseal_core::pcr::PcrIndex;
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/sample.rs"));
//! # fn main() -> Result<(), pcrseal_core::error::Error> {
//! # let Sample { document: received, root, at_ms: now_ms, pcr0, nonce: challenge } = Sample::new();
//! # assert!(Sample::genuine().is_none() || root == AWS_NITRO_ENCLAVES_ROOT_G1);
//! // The cache is kept from one document to the next; it saves three of five signature verifications.
//! let mut cache = CabundleCache::<16>::new();
//! let roots = &[AWS_NITRO_ENCLAVES_ROOT_G1];
//! # let roots = &[&root[..]];
//!
//! // What nitro-cli printed when the image was built, and the challenge that this enclave was sent.
//! let policy = AttestationPolicy::builder(AttestationKind::Enclave)
//!     .pcr(PcrIndex::try_from(0)?, pcr0)
//!     .nonce(&challenge)
//!     .fresh_within_ms(5 * 60_000, 5_000)
//!     .build()?;
//!
//! let document = AttestationDocument::parse(&received)?;
//! let attestation = document.verify_cached(roots, now_ms, &aws_lc::BACKEND, &mut cache)?;
//! policy.appraise(&attestation, now_ms)?;
//!
//! // Now, and only now, this key is that of the image behind PCR0.
//! let public_key = attestation.public_key().expect("this image always attests its key");
//! # assert!(!public_key.is_empty());
//! # assert!(policy.appraise(&attestation, now_ms + 6 * 60_000).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! A document that is refused comes with an [`Error`] whose code names the check that failed; the one of a
//! policy lists everything that does not match, with what was expected and found.
//!
//! The roots are pinned by their bytes: [`AWS_NITRO_ENCLAVES_ROOT_G1`] for genuine documents, others for tests
//! and for roots to come; several at once are fine. [`Fingerprint`] compares one with what AWS publishes. CRLs
//! are not fetched, as AWS specifies; who follows them passes their serial numbers to the policy.
//!
//! Everything borrows from the document. Accepting one allocates nothing, and takes at most
//! [`ATTESTATION_STACK_LEN`](crate::limits::ATTESTATION_STACK_LEN) bytes of stack; errors may allocate.

mod cache;
mod payload;
mod policy;

pub use cache::CabundleCache;
pub use policy::{AttestationPolicy, AttestationPolicyBuilder};

use core::fmt;

use sha2::{Digest, Sha256};

use crate::attester::AttestationRequest;
use crate::cose::CoseSign1;
use crate::crypto::Backend;
use crate::error::Error;
use crate::pcr::{PcrSet, is_instance_id};
use crate::x509::{CaSignatures, VerifiedChain, verify_chain};
use cache::PrefixHash;
use payload::Payload;

/// The root of all genuine documents, AWS Nitro Enclaves Root-G1, as DER; valid until 2049-10-28.
///
/// SHA-256 `641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b` (AWS Nitro Enclaves User
/// Guide, "Verifying the root of trust").
pub const AWS_NITRO_ENCLAVES_ROOT_G1: &[u8] = include_bytes!("../aws_root/nitro-enclaves-root-g1.der");

/// What a document attests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttestationKind {
    /// A Nitro Enclave: the field `pcrs`, whose meanings [`crate::pcr`] names.
    Enclave,
    /// An EC2 instance with NitroTPM: the field `nitrotpm_pcrs`, TPM registers with other meanings.
    NitroTpm,
}

impl AttestationKind {
    /// `enclave` or `nitrotpm`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enclave => "enclave",
            Self::NitroTpm => "nitrotpm",
        }
    }
}

/// The SHA-256 of a certificate's DER, which is how AWS publishes its root's; prints as lower-case hex.
///
/// ```
/// use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, Fingerprint};
///
/// // AWS Nitro Enclaves User Guide, "Verifying the root of trust".
/// let published = "64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:93:F3:C6:8F:79:BB:5B";
/// let fingerprint = Fingerprint::of(AWS_NITRO_ENCLAVES_ROOT_G1);
/// assert_eq!(fingerprint.to_string(), published.replace(':', "").to_lowercase());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate, DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A document as received: well-formed, and otherwise untrusted.
#[derive(Clone, Debug)]
pub struct AttestationDocument<'a> {
    envelope: CoseSign1<'a>,
    payload: Payload<'a>,
}

/// A document that chains to a trusted root and whose signature holds.
///
/// Its bytes are not unique (whoever carries a document can negate the signature's s, and add or drop the
/// tag), so a document's hash identifies nothing.
#[derive(Clone, Debug)]
pub struct VerifiedAttestation<'a> {
    payload: Payload<'a>,
    chain: VerifiedChain<'a>,
}

impl<'a> AttestationDocument<'a> {
    /// Reads a document, tagged (18) or not, and checks everything that needs neither key nor clock.
    ///
    /// # Errors
    /// Codes 1201..1226 for the CBOR and the COSE envelope, 1301..1309 for the fields.
    pub fn parse(document: &'a [u8]) -> Result<Self, Error> {
        let envelope = CoseSign1::parse(document)?;
        let payload = Payload::parse(envelope.payload())?;
        Ok(Self { envelope, payload })
    }

    /// Verifies the certificate chain and the signature at a time in milliseconds since the epoch.
    ///
    /// `roots` are the trusted root certificates as DER: for genuine documents
    /// [`AWS_NITRO_ENCLAVES_ROOT_G1`] alone. The chain is valid if every certificate, the root included, is
    /// valid in the second of `at_ms`, bounds inclusive.
    ///
    /// # Errors
    /// Codes 1351..1364 for the certificates, [`Code::CoseSignatureRejected`] for the signature.
    ///
    /// [`Code::CoseSignatureRejected`]: crate::error::Code::CoseSignatureRejected
    pub fn verify(
        &self,
        roots: &[&[u8]],
        at_ms: u64,
        backend: &Backend,
    ) -> Result<VerifiedAttestation<'a>, Error> {
        self.verify_with(roots, at_ms, CaSignatures::Unverified, backend)
    }

    /// The same as [`Self::verify`], and remembers the certificates above the leaf once all is verified: the
    /// next document under the same ones costs two signature verifications instead of five.
    ///
    /// # Errors
    /// Those of [`Self::verify`], in the same cases; a document that is refused leaves no trace in the cache.
    pub fn verify_cached<const CAPACITY: usize>(
        &self,
        roots: &[&[u8]],
        at_ms: u64,
        backend: &Backend,
        cache: &mut CabundleCache<CAPACITY>,
    ) -> Result<VerifiedAttestation<'a>, Error> {
        let prefix = PrefixHash::of(self.payload.cabundle());
        if cache.contains(&prefix, at_ms / 1000) {
            return self.verify_with(roots, at_ms, CaSignatures::Verified, backend);
        }
        let verified = self.verify_with(roots, at_ms, CaSignatures::Unverified, backend)?;
        cache.insert(prefix, verified.chain.ca_not_before, verified.chain.ca_not_after);
        Ok(verified)
    }

    fn verify_with(
        &self,
        roots: &[&[u8]],
        at_ms: u64,
        ca_signatures: CaSignatures,
        backend: &Backend,
    ) -> Result<VerifiedAttestation<'a>, Error> {
        let (leaf, cabundle) = (self.payload.certificate, self.payload.cabundle());
        let chain = verify_chain(leaf, cabundle, roots, at_ms / 1000, ca_signatures, backend)?;
        self.envelope.verify(chain.public_key, backend.es384)?;
        Ok(VerifiedAttestation { payload: self.payload.clone(), chain })
    }

    /// The timestamp that the document claims, in milliseconds since the epoch.
    ///
    /// It is the time to verify at where the document comes straight from the enclave's own attester, or
    /// where an archive is verified as of its making. Anywhere else a document must not choose its own time.
    pub const fn unverified_timestamp_ms(&self) -> u64 {
        self.payload.timestamp_ms
    }

    /// The kind that the document claims. For an attester that looks whether its module answered what it was asked;
    /// who judges a document that others made takes [`VerifiedAttestation::kind`].
    pub const fn unverified_kind(&self) -> AttestationKind {
        self.payload.kind
    }

    /// `public_key`, `user_data` and `nonce` as the document claims them. For an attester that looks whether its module
    /// answered what it was asked; who judges a document that others made takes those of [`VerifiedAttestation`].
    pub const fn unverified_request(&self) -> AttestationRequest<'a> {
        let Payload { public_key, user_data, nonce, .. } = self.payload;
        AttestationRequest { public_key, user_data, nonce }
    }
}

impl<'a> VerifiedAttestation<'a> {
    /// What the document attests. Who expects an enclave has to check it: PCRs of the two kinds differ in
    /// meaning.
    pub const fn kind(&self) -> AttestationKind {
        self.payload.kind
    }

    /// The module's identity, `i-…-enc…` or `i-…-tpm…`; never empty.
    pub const fn module_id(&self) -> &'a str {
        self.payload.module_id
    }

    /// The EC2 instance id in `module_id`, if it has the usual form.
    pub fn instance_id(&self) -> Option<&'a str> {
        let separator = match self.payload.kind {
            AttestationKind::Enclave => "-enc",
            AttestationKind::NitroTpm => "-tpm",
        };
        let (instance_id, _) = self.payload.module_id.split_once(separator)?;
        is_instance_id(instance_id).then_some(instance_id)
    }

    /// When the document was made, in milliseconds since the epoch; never zero.
    pub const fn timestamp_ms(&self) -> u64 {
        self.payload.timestamp_ms
    }

    /// The digest of the PCRs: always `SHA384`.
    pub const fn digest(&self) -> &'a str {
        self.payload.digest
    }

    /// The PCR values, 1..32 of them.
    pub const fn pcrs(&self) -> &PcrSet {
        &self.payload.pcrs
    }

    /// The attested public key, 0..1024 bytes; `None` where the document has null or no such field.
    pub const fn public_key(&self) -> Option<&'a [u8]> {
        self.payload.public_key
    }

    /// The attested user data, 0..1024 bytes; `None` where the document has null or no such field.
    pub const fn user_data(&self) -> Option<&'a [u8]> {
        self.payload.user_data
    }

    /// The attested nonce, 0..1024 bytes; `None` where the document has null or no such field.
    pub const fn nonce(&self) -> Option<&'a [u8]> {
        self.payload.nonce
    }

    /// The leaf certificate, DER.
    pub const fn certificate(&self) -> &'a [u8] {
        self.payload.certificate
    }

    /// The certificates above the leaf, DER, root first.
    pub fn cabundle(&self) -> &[&'a [u8]] {
        self.payload.cabundle()
    }

    /// Serial numbers of [`Self::cabundle`], in its order: contents of the DER INTEGER, big-endian.
    pub fn cabundle_serials(&self) -> &[&'a [u8]] {
        self.chain.serials.get(..self.payload.cabundle().len()).unwrap_or_default()
    }

    /// Serial number of [`Self::certificate`]: contents of the DER INTEGER, big-endian.
    pub const fn leaf_serial(&self) -> &'a [u8] {
        self.chain.leaf_serial
    }

    /// Serial number of the regional certificate, if the chain is AWS's root, regional, zonal, instance, leaf.
    pub fn regional_serial(&self) -> Option<&'a [u8]> {
        match *self.cabundle_serials() {
            [_root, regional, _zonal, _instance] => Some(regional),
            _ => None,
        }
    }

    /// Serial number of the zonal certificate, if the chain is AWS's root, regional, zonal, instance, leaf.
    pub fn zonal_serial(&self) -> Option<&'a [u8]> {
        match *self.cabundle_serials() {
            [_root, _regional, zonal, _instance] => Some(zonal),
            _ => None,
        }
    }

    /// The first second at which the whole chain is valid, since the epoch.
    pub const fn chain_not_before(&self) -> u64 {
        self.chain.not_before
    }

    /// The last second at which the whole chain is valid, since the epoch.
    pub const fn chain_not_after(&self) -> u64 {
        self.chain.not_after
    }
}

/// Bytes that print as lower-case hex.
#[derive(PartialEq)]
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
