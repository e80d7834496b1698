//! Hashes, key derivation and symmetric encryption: one implementation for every backend.
//!
//! Nothing here is public: the sealed blob's format fixes every parameter.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use aes_kw::KwAes256;
use alloc::vec::Vec;
use hkdf::Hkdf;
use sha2::{Digest, Sha384};
use zeroize::{Zeroize, Zeroizing};

use super::SecureRandom;
use crate::error::{Code, Error};
use crate::secret::{Key32, Secret};

/// Length of a GCM initialization vector (NIST SP 800-38D section 5.2.1.1).
pub(crate) const GCM_IV_LEN: usize = 12;
/// Length of a GCM tag.
pub(crate) const GCM_TAG_LEN: usize = 16;
/// What `seal` adds to a plaintext: the IV before it, the tag behind it.
pub(crate) const SEALED_OVERHEAD: usize = GCM_IV_LEN + GCM_TAG_LEN;
/// Length of a wrapped 32-byte key (RFC 3394 section 2.2.1).
pub(crate) const WRAPPED_KEY_LEN: usize = 40;

/// SHA-384 of the parts, one after another.
pub(crate) fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HKDF-SHA-384 (RFC 5869), extract and expand, to 32 bytes for each of the infos.
pub(crate) fn hkdf_sha384<const N: usize>(
    salt: &[u8],
    ikm: &[u8],
    infos: [&[u8]; N],
) -> Result<[Key32; N], Error> {
    let hkdf = Hkdf::<Sha384>::new(Some(salt), ikm);
    let mut keys = core::array::from_fn(|_| Zeroizing::new([0; 32]));
    for (key, info) in keys.iter_mut().zip(infos) {
        // Refused only above 255 hash lengths (RFC 5869 section 2.3).
        hkdf.expand(info, key.as_mut_slice()).map_err(|_| Error::new(Code::TooLong))?;
    }
    Ok(keys)
}

/// A random 32-byte key.
pub(crate) fn random_key(random: &dyn SecureRandom) -> Result<Key32, Error> {
    let mut key = Zeroizing::new([0; 32]);
    random.fill(key.as_mut_slice())?;
    Ok(key)
}

/// Random public bytes: salts, IVs, seal ids.
pub(crate) fn random_bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// AES-256-GCM under a given IV: ciphertext, then tag.
pub(crate) fn gcm_encrypt(
    key: &Key32,
    iv: &[u8; GCM_IV_LEN],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut sealed = Vec::with_capacity(plaintext.len() + SEALED_OVERHEAD);
    append_gcm(&mut sealed, key, iv, aad, plaintext)?;
    Ok(sealed)
}

/// The inverse of [`gcm_encrypt`]: `None` whatever the reason, and nothing of the plaintext is left.
pub(crate) fn gcm_decrypt(
    key: &Key32,
    iv: &[u8; GCM_IV_LEN],
    aad: &[u8],
    ciphertext: &[u8],
) -> Option<Secret> {
    let (ciphertext, tag) = ciphertext.split_last_chunk::<GCM_TAG_LEN>()?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    Aes256Gcm::new((&**key).into())
        .decrypt_inout_detached(iv.into(), aad, InOutBuf::from(plaintext.as_mut_slice()), tag.into())
        .ok()?;
    Some(Secret::from(plaintext))
}

/// AES-256-GCM under a random IV: IV, ciphertext, tag. The shape of a sealed share and of the sealed secret.
pub(crate) fn seal(
    key: &Key32,
    aad: &[u8],
    plaintext: &[u8],
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let iv = random_bytes::<GCM_IV_LEN>(random)?;
    let mut sealed = Vec::with_capacity(plaintext.len() + SEALED_OVERHEAD);
    sealed.extend_from_slice(&iv);
    append_gcm(&mut sealed, key, &iv, aad, plaintext)?;
    Ok(sealed)
}

/// The inverse of [`seal`]: `None` whatever the reason.
pub(crate) fn open(key: &Key32, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
    let (iv, ciphertext) = sealed.split_first_chunk::<GCM_IV_LEN>()?;
    gcm_decrypt(key, iv, aad, ciphertext)
}

/// AES-256 key wrap (RFC 3394) of a 32-byte key.
pub(crate) fn wrap_key(kek: &Key32, key: &Key32) -> Result<[u8; WRAPPED_KEY_LEN], Error> {
    let mut wrapped = [0; WRAPPED_KEY_LEN];
    // Refused only for lengths that are no multiple of 8 (RFC 3394 section 2).
    KwAes256::new((&**kek).into())
        .wrap_key(key.as_slice(), &mut wrapped)
        .map_err(|_| Error::new(Code::TooLong))?;
    Ok(wrapped)
}

/// The inverse of [`wrap_key`]: `None` when the integrity check fails.
pub(crate) fn unwrap_key(kek: &Key32, wrapped: &[u8; WRAPPED_KEY_LEN]) -> Option<Key32> {
    let mut key = Zeroizing::new([0; 32]);
    KwAes256::new((&**kek).into()).unwrap_key(wrapped, key.as_mut_slice()).ok()?;
    Some(key)
}

/// Appends ciphertext and tag. Room for both must be there already, so that no copy of the plaintext is left
/// behind by reallocation.
fn append_gcm(
    output: &mut Vec<u8>,
    key: &Key32,
    iv: &[u8; GCM_IV_LEN],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(), Error> {
    let start = output.len();
    output.extend_from_slice(plaintext);
    let (_, buffer) = output.split_at_mut(start);
    let result =
        Aes256Gcm::new((&**key).into()).encrypt_inout_detached(iv.into(), aad, InOutBuf::from(&mut *buffer));
    let Ok(tag) = result else {
        // Refused only above 2^36 bytes (NIST SP 800-38D section 5.2.1.1).
        buffer.zeroize();
        return Err(Code::TooLong.into());
    };
    output.extend_from_slice(&tag);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl SecureRandom for Zeros {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
            buffer.fill(0);
            Ok(())
        }
    }

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let mut bytes = [0; N];
        assert_eq!(hex.len(), 2 * N);
        for (position, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * position..2 * position + 2], 16).unwrap();
        }
        bytes
    }

    //= RFC 3394 section 4.6: wrap 256 bits of key data with a 256-bit KEK
    #[test]
    fn key_wrap_known_answer() {
        let kek = Zeroizing::new(bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
        let key = Zeroizing::new(bytes("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"));
        let wrapped =
            bytes("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
        assert_eq!(wrap_key(&kek, &key), Ok(wrapped));
        assert_eq!(unwrap_key(&kek, &wrapped).as_ref(), Some(&key));
        for position in 0..wrapped.len() {
            let mut altered = wrapped;
            altered[position] ^= 1;
            assert!(unwrap_key(&kek, &altered).is_none());
        }
    }

    // The GCM specification's test case 16 (AES-256, 60-byte plaintext, 20-byte AAD).
    #[test]
    fn gcm_known_answer() {
        let key = Zeroizing::new(bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
        let iv = bytes("cafebabefacedbaddecaf888");
        let aad: [u8; 20] = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext: [u8; 60] = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let expected: [u8; 76] = bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        );
        assert_eq!(gcm_encrypt(&key, &iv, &aad, &plaintext).unwrap(), expected);
        assert!(gcm_decrypt(&key, &iv, &aad, &expected).unwrap().ct_eq(&plaintext));
        assert!(gcm_decrypt(&key, &iv, b"", &expected).is_none());
    }

    #[test]
    fn sealed_opens_under_its_key_and_aad_alone() {
        let key = Zeroizing::new([7; 32]);
        let sealed = seal(&key, b"aad", b"secret", &Zeros).unwrap();
        assert_eq!(sealed.len(), 6 + SEALED_OVERHEAD);
        assert!(open(&key, b"aad", &sealed).unwrap().ct_eq(b"secret"));
        assert!(open(&key, b"other", &sealed).is_none());
        assert!(open(&Zeroizing::new([8; 32]), b"aad", &sealed).is_none());
        for length in 0..sealed.len() {
            assert!(open(&key, b"aad", &sealed[..length]).is_none());
        }
    }

    #[test]
    fn infos_derive_different_keys() {
        let [one, two] = hkdf_sha384(b"salt", b"ikm", [b"one", b"two"]).unwrap();
        assert_ne!(one, two);
        assert_eq!(hkdf_sha384(b"salt", b"ikm", [b"two"]).unwrap(), [two]);
    }
}
