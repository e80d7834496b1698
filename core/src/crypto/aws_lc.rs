//! The AWS-LC backend: fast and constant time. The default; what an enclave runs.
//!
//! Private keys live in AWS-LC's own memory, which it wipes when it frees it.

use alloc::boxed::Box;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{
    Backend, ES384_SIGNATURE_LEN, Es384, RsaKey, RsaKeys, SecureRandom, SignatureRejected, is_p384_point,
};
use crate::error::{Code, Error};
use crate::limits::RSA_IMPORT_BITS;
use crate::secret::Secret;

/// AWS-LC in all parts.
pub static BACKEND: Backend = Backend { name: "aws-lc", es384: &P384, rsa: &Rsa, random: &Random };

/// ECDSA on P-384 with SHA-384.
#[derive(Clone, Copy, Debug)]
pub struct P384;

/// RSA keys.
#[derive(Clone, Copy, Debug)]
pub struct Rsa;

/// AWS-LC's random generator, seeded by the operating system.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Es384 for P384 {
    fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8; ES384_SIGNATURE_LEN],
    ) -> Result<(), SignatureRejected> {
        verify(&ECDSA_P384_SHA384_FIXED, public_key, message, signature)
    }

    fn verify_der(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRejected> {
        verify(&ECDSA_P384_SHA384_ASN1, public_key, message, signature)
    }
}

fn verify(
    algorithm: &'static EcdsaVerificationAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureRejected> {
    // AWS-LC would take compressed points and SubjectPublicKeyInfo too.
    if !is_p384_point(public_key) {
        return Err(SignatureRejected);
    }
    UnparsedPublicKey::new(algorithm, public_key).verify(message, signature).map_err(|_| SignatureRejected)
}

impl RsaKeys for Rsa {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| Code::Random)?;
        wrap(key, Code::Random)
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        if !is_one_long_sequence(der) {
            return Err(Code::Rejected.into());
        }
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Code::Rejected)?;
        if !RSA_IMPORT_BITS.contains(&key.key_size_bits()) {
            return Err(Code::Rejected.into());
        }
        wrap(key, Code::Rejected)
    }
}

/// Whether this is one DER SEQUENCE of 256..65535 bytes and nothing after it: AWS-LC ignores what follows a
/// PKCS#8 key, and every RSA key in the accepted range is that long.
fn is_one_long_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, 0x82, high, low, content @ ..] => {
            content.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => false,
    }
}

fn wrap(key: PrivateDecryptingKey, failure: Code) -> Result<Box<dyn RsaKey>, Error> {
    let public_key: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| failure)?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| failure)?;
    Ok(Box::new(PrivateKey { key, public_key_der: public_key.as_ref().into() }))
}

struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    public_key_der: Box<[u8]>,
}

impl RsaKey for PrivateKey {
    fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        let mut buffer = Zeroizing::new(alloc::vec![0; self.key.min_output_size()]);
        let plaintext = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut buffer, None)
            .map_err(|_| Code::Rejected)?;
        Ok(Secret::copy_from(plaintext))
    }
}

impl SecureRandom for Random {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        rand::fill(buffer).map_err(|_| Code::Random.into())
    }
}
