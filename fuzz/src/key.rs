//! A backend without RSA: parsing and the checks behind it are fuzzed here, not a big-integer library.

use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use pcrseal_core::cms::EnvelopedData;
use pcrseal_core::crypto::{
    Backend, ES384_SIGNATURE_LEN, Es384, RsaKey, RsaKeys, SecureRandom, SignatureRejected,
};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use sha2::{Digest, Sha256};

use crate::envelope::envelope;

const PUBLIC_KEY: &[u8] = b"the fuzz targets' public key";
const IV: [u8; 16] = [0xa5; 16];
const ENCRYPTED_KEY_LEN: usize = 256;

/// The parts of a backend, all fixed.
pub static BACKEND: Backend = BACKEND_PARTS;

/// The same, but every signature is good: what is behind the signatures is fuzzed too.
pub static ANY_SIGNATURE: Backend = Backend { es384: &AnySignature, ..BACKEND_PARTS };

const BACKEND_PARTS: Backend = Backend { name: "fuzz", es384: &FixedKey, rsa: &FixedKey, random: &FixedKey };

/// A key whose "decryption" takes the length in the first byte and that many bytes after it; a length above
/// 64 is what OAEP would refuse.
#[derive(Clone, Copy)]
pub struct FixedKey;

impl FixedKey {
    fn content_key(encrypted_key: &[u8]) -> Option<&[u8]> {
        let (&length, rest) = encrypted_key.split_first()?;
        if length > 64 { None } else { rest.get(..length.into()) }
    }
}

impl RsaKey for FixedKey {
    fn public_key_der(&self) -> &[u8] {
        PUBLIC_KEY
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        Ok(Secret::copy_from(Self::content_key(ciphertext).ok_or(Code::Rejected)?))
    }
}

impl RsaKeys for FixedKey {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        Ok(Box::new(Self))
    }

    fn import_pkcs8(&self, _der: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        Err(Code::Rejected.into())
    }
}

impl Es384 for FixedKey {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        Err(SignatureRejected)
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureRejected> {
        Err(SignatureRejected)
    }
}

/// Takes every signature for good.
pub struct AnySignature;

impl Es384 for AnySignature {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        Ok(())
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureRejected> {
        Ok(())
    }
}

/// "Random" bytes that are all alike: what is sealed is public here.
impl SecureRandom for FixedKey {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(0x5a);
        Ok(())
    }
}

/// The recipient with the fixed key.
pub fn recipient() -> Recipient {
    Recipient::from_key(Box::new(FixedKey))
}

/// The `subjectKeyIdentifier` of the fixed key.
pub fn subject_key_identifier() -> [u8; 32] {
    Sha256::digest(PUBLIC_KEY).into()
}

/// A `CiphertextForRecipient` for the fixed key.
pub fn ciphertext_for_recipient(plaintext: &[u8]) -> Vec<u8> {
    let content_key = [0x33; 32];
    let mut encrypted_key = vec![0; ENCRYPTED_KEY_LEN];
    encrypted_key[0] = 32;
    encrypted_key[1..33].copy_from_slice(&content_key);
    let padding = 16 - plaintext.len() % 16;
    let mut content = [plaintext, &vec![padding as u8; padding]].concat();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut content);
    cbc::Encryptor::<aes::Aes256>::new(&content_key.into(), &IV.into()).encrypt_blocks(blocks);
    envelope(&subject_key_identifier(), &encrypted_key, &IV, &content)
}

/// What a message opens to, computed the plain way: the model that core's constant-time opening must equal.
pub fn model(message: &EnvelopedData<'_>) -> Option<Vec<u8>> {
    let key: [u8; 32] = FixedKey::content_key(message.encrypted_key())?.try_into().ok()?;
    let mut content = message.encrypted_content().collect::<Vec<_>>().concat();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut content);
    cbc::Decryptor::<aes::Aes256>::new(&key.into(), message.iv().into()).decrypt_blocks(blocks);
    let &padding = content.last()?;
    let body = content.len().checked_sub(padding.into())?;
    let good = (1..=16).contains(&padding) && content[body..].iter().all(|&byte| byte == padding);
    good.then(|| content[..body].to_vec())
}
