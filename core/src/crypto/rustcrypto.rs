//! The pure Rust backend: `no_std`, for targets where AWS-LC does not build.
//!
//! **RUSTSEC-2023-0071**: the `rsa` crate's private key operation is not constant time (the Marvin attack),
//! and no version has a fix. Decryption here is blinded, which makes the leak harder to use but is no proof
//! against it, and the crate does not wipe every big-integer intermediate. Prefer the `aws-lc` backend
//! wherever somebody else can time the decryption. A pcrseal recipient key lives for one session and
//! decrypts a handful of messages, which limits what such timing could gather.
//!
//! Random bytes come from the `getrandom` crate; on targets without an operating system it needs a custom
//! backend, or a caller puts its own source into [`Rsa::new`] and [`Backend::random`](super::Backend).

use alloc::boxed::Box;
use core::convert::Infallible;

use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{DerSignature, Signature, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::{PaddingScheme, PublicKeyParts};
use rsa::{Oaep, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::{
    Backend, ES384_SIGNATURE_LEN, Es384, RsaKey, RsaKeys, SecureRandom, SignatureRejected, is_p384_point,
};
use crate::error::{Code, Error};
use crate::limits::{RSA_GENERATE_BITS, RSA_IMPORT_BITS};
use crate::secret::Secret;

/// The `RustCrypto` crates in all parts, random bytes from `getrandom`.
pub static BACKEND: Backend =
    Backend { name: "rustcrypto", es384: &P384, rsa: &Rsa { random: &SystemRandom }, random: &SystemRandom };

/// ECDSA on P-384 with SHA-384.
#[derive(Clone, Copy, Debug)]
pub struct P384;

/// RSA keys; the module's documentation names the crate's timing leak.
#[derive(Clone, Copy)]
pub struct Rsa {
    random: &'static dyn SecureRandom,
}

impl Rsa {
    /// RSA keys that draw on this random source: for key generation, and for blinding at each decryption.
    pub const fn new(random: &'static dyn SecureRandom) -> Self {
        Self { random }
    }
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Es384 for P384 {
    fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8; ES384_SIGNATURE_LEN],
    ) -> Result<(), SignatureRejected> {
        let signature = Signature::from_slice(signature).map_err(|_| SignatureRejected)?;
        verifying_key(public_key)?.verify(message, &signature).map_err(|_| SignatureRejected)
    }

    fn verify_der(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRejected> {
        let signature = DerSignature::from_bytes(signature).map_err(|_| SignatureRejected)?;
        verifying_key(public_key)?.verify(message, &signature).map_err(|_| SignatureRejected)
    }
}

fn verifying_key(public_key: &[u8]) -> Result<VerifyingKey, SignatureRejected> {
    if !is_p384_point(public_key) {
        return Err(SignatureRejected);
    }
    VerifyingKey::from_sec1_bytes(public_key).map_err(|_| SignatureRejected)
}

impl RsaKeys for Rsa {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        let mut rng = Latched { source: Source(self.random), failed: false, filler: 0 };
        let key = RsaPrivateKey::new(&mut rng, RSA_GENERATE_BITS);
        if rng.failed {
            return Err(Code::Random.into());
        }
        wrap(key.map_err(|_| Code::Random)?, self.random, Code::Random)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| Code::Rejected)?;
        let bits = usize::try_from(key.n().bits_vartime()).map_err(|_| Code::Rejected)?;
        if !RSA_IMPORT_BITS.contains(&bits) {
            return Err(Code::Rejected.into());
        }
        wrap(key, self.random, Code::Rejected)
    }
}

fn wrap(
    key: RsaPrivateKey,
    random: &'static dyn SecureRandom,
    failure: Code,
) -> Result<Box<dyn RsaKey>, Error> {
    let public_key = key.as_public_key().to_public_key_der().map_err(|_| failure)?;
    Ok(Box::new(PrivateKey { key, public_key_der: public_key.as_bytes().into(), random }))
}

struct PrivateKey {
    key: RsaPrivateKey,
    public_key_der: Box<[u8]>,
    random: &'static dyn SecureRandom,
}

impl RsaKey for PrivateKey {
    fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        let mut blinding = Source(self.random);
        let plaintext = Oaep::<Sha256>::new()
            .decrypt(Some(&mut blinding), &self.key, ciphertext)
            .map_err(|_| Code::Rejected)?;
        Ok(Secret::new(plaintext))
    }
}

impl SecureRandom for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(buffer).map_err(|_| Code::Random.into())
    }
}

/// A [`SecureRandom`] as `rand_core` wants it where failure is allowed.
struct Source(&'static dyn SecureRandom);

impl TryRng for Source {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Source {}

/// A [`SecureRandom`] as `rand_core` wants it where failure is *not* allowed, as in the search for primes.
///
/// The first failure is remembered, and whoever uses this must discard the result then. From that moment on
/// the bytes are a hashed counter: predictable, but varied enough that the search ends.
struct Latched {
    source: Source,
    failed: bool,
    filler: u64,
}

impl Latched {
    fn fill(&mut self, buffer: &mut [u8]) {
        if !self.failed && self.source.try_fill_bytes(buffer).is_err() {
            self.failed = true;
        }
        if self.failed {
            for chunk in buffer.chunks_mut(32) {
                let block = Sha256::digest(self.filler.to_le_bytes());
                self.filler = self.filler.wrapping_add(1);
                for (to, from) in chunk.iter_mut().zip(block) {
                    *to = from;
                }
            }
        }
    }
}

impl TryRng for Latched {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Latched {}
