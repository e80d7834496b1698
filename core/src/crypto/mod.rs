//! What differs by backend: ES384 verification, RSA key generation and OAEP decryption, random bytes.
//!
//! A [`Backend`] is a value, a plain struct of parts, so that a caller may replace one part (the random
//! source by the enclave's NSM, say). Everything else (SHA-2, HKDF, AES-GCM, AES-KW, AES-CBC) has one
//! implementation, the `RustCrypto` crates, and is not chosen by backend.
//!
//! Two backends ship: `aws_lc` (feature `aws-lc`; fast and constant time) and `rustcrypto` (feature
//! `rustcrypto`; pure Rust and `no_std`, with the caveat of RUSTSEC-2023-0071 written in its docs).
//! Features are additive: enabling one never changes what another does.

#[cfg(feature = "aws-lc")]
pub mod aws_lc;
#[cfg(feature = "rustcrypto")]
pub mod rustcrypto;
pub(crate) mod symmetric;

use alloc::boxed::Box;
use core::fmt;

use crate::error::Error;
use crate::secret::Secret;

/// Length of an ES384 signature as COSE carries it: r and s, 48 bytes each (RFC 9053 section 2.1).
pub const ES384_SIGNATURE_LEN: usize = 96;

/// Length of an uncompressed point on P-384: the byte 4, then x and y (SEC 1 section 2.3.3).
pub const P384_POINT_LEN: usize = 97;

/// The parts of a cryptographic backend.
#[derive(Clone, Copy)]
pub struct Backend {
    /// The backend's name, for reports and benchmarks.
    pub name: &'static str,
    /// ECDSA on P-384 with SHA-384.
    pub es384: &'static dyn Es384,
    /// RSA key generation and decryption.
    pub rsa: &'static dyn RsaKeys,
    /// Random bytes.
    pub random: &'static dyn SecureRandom,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({})", self.name)
    }
}

/// ECDSA verification on P-384 with SHA-384 (FIPS 186-5).
pub trait Es384: Send + Sync {
    /// Verifies a raw `r || s` signature, as in COSE (RFC 9053 section 2.1).
    ///
    /// `public_key` is the uncompressed SEC 1 point ([`P384_POINT_LEN`] bytes); no other form is taken.
    ///
    /// # Errors
    /// [`SignatureRejected`] whatever the reason.
    fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8; ES384_SIGNATURE_LEN],
    ) -> Result<(), SignatureRejected>;

    /// Verifies a DER `ECDSA-Sig-Value`, as in X.509 (RFC 3279 section 2.2.3).
    ///
    /// `public_key` is as in [`Es384::verify`].
    ///
    /// # Errors
    /// [`SignatureRejected`] whatever the reason.
    fn verify_der(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRejected>;
}

/// The signature does not verify under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureRejected;

/// Makes RSA keys for [`Recipient`](crate::recipient::Recipient).
pub trait RsaKeys: Send + Sync {
    /// Generates a 2048-bit key with public exponent 65537.
    ///
    /// # Errors
    /// [`Code::Random`](crate::error::Code::Random) when key generation fails.
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error>;

    /// Imports a private key from PKCS#8 DER (for vectors and tests; an enclave generates its key).
    ///
    /// # Errors
    /// [`Code::Rejected`](crate::error::Code::Rejected) when it is not an RSA key of 2048..4096 bits.
    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn RsaKey>, Error>;
}

/// An RSA private key that stays where it was made.
pub trait RsaKey: Send + Sync {
    /// The public key as `SubjectPublicKeyInfo` DER (294 bytes for 2048 bits).
    fn public_key_der(&self) -> &[u8];

    /// RSAES-OAEP with SHA-256, MGF1-SHA-256 and an empty label (RFC 8017 section 7.1.2).
    ///
    /// # Errors
    /// [`Code::Rejected`](crate::error::Code::Rejected) whatever the reason.
    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error>;
}

/// A cryptographically secure random source.
pub trait SecureRandom: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`Code::Random`](crate::error::Code::Random), or the code of the source that failed; the buffer's content is
    /// then undefined.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error>;
}

/// Whether this has the form of an uncompressed point on P-384; the backend checks that it is on the curve.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
fn is_p384_point(public_key: &[u8]) -> bool {
    public_key.len() == P384_POINT_LEN && public_key.first() == Some(&4)
}
