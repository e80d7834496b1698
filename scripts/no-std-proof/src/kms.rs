//! AWS KMS's side: `CiphertextForRecipient` for a public key.

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use alloc::vec::Vec;
use rsa::pkcs8::DecodePublicKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use pcrseal_core::crypto::SecureRandom;
use pcrseal_core::error::{Code, Error};

use crate::envelope::envelope;

/// Encrypts 32 bytes to the recipient.
pub(crate) fn ciphertext_for_recipient(
    public_key_der: &[u8],
    plaintext: &[u8; 32],
    random: &'static dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let (mut content_key, mut iv) = ([0; 32], [0; 16]);
    random.fill(&mut content_key)?;
    random.fill(&mut iv)?;
    let key = rsa::RsaPublicKey::from_public_key_der(public_key_der).map_err(|_| Code::Rejected)?;
    let encrypted_key =
        key.encrypt(&mut Rng(random), rsa::Oaep::<Sha256>::new(), &content_key).map_err(|_| Code::Random)?;
    // Two blocks of plaintext and one of PKCS#7 padding.
    let mut content = [plaintext.as_slice(), &[16; 16]].concat();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut content);
    cbc::Encryptor::<aes::Aes256>::new(&content_key.into(), &iv.into()).encrypt_blocks(blocks);
    Ok(envelope(&Sha256::digest(public_key_der), &encrypted_key, &iv, &content))
}

/// core's random source as the `rsa` crate wants it.
struct Rng(&'static dyn SecureRandom);

impl TryRng for Rng {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        rsa::rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        rsa::rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Self::Error> {
        assert!(self.0.fill(buffer).is_ok(), "no random bytes");
        Ok(())
    }
}

impl TryCryptoRng for Rng {}
