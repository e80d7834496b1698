//! The server's `CiphertextBlob`: opaque to clients.
//!
//! `01 || length of key id || key id || 12-byte IV || AES-256-GCM ciphertext || 16-byte tag`, authenticated
//! together with the key id and the encryption context.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// Names and values of an encryption context, in canonical (sorted) order.
pub(crate) type EncryptionContext = BTreeMap<String, String>;

/// Encrypts under a key's material.
pub(crate) fn seal(
    material: &[u8; 32],
    key_id: &str,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let mut iv = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut iv)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, material)?);
    // Room for the tag: a buffer that grew would leave the plaintext behind.
    let mut sealed = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(plaintext);
    let aad = Aad::from(associated_data(key_id, context));
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), aad, &mut sealed)?;
    let id_len = u8::try_from(key_id.len()).map_err(|_| Unspecified)?;
    Ok([&[VERSION, id_len], key_id.as_bytes(), &iv, &sealed].concat())
}

/// A blob taken apart.
pub(crate) struct Ciphertext<'a> {
    pub(crate) key_id: &'a str,
    iv: [u8; NONCE_LEN],
    sealed: &'a [u8],
}

impl<'a> Ciphertext<'a> {
    /// `None` when this server cannot have made it.
    pub(crate) fn read(blob: &'a [u8]) -> Option<Self> {
        let (&[VERSION, id_len], rest) = blob.split_first_chunk::<2>()? else { return None };
        let (key_id, rest) = rest.split_at_checked(usize::from(id_len))?;
        let (&iv, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        Some(Self { key_id: str::from_utf8(key_id).ok()?, iv, sealed })
    }

    /// `None` when material or context are others, or the blob was altered.
    pub(crate) fn open(
        &self,
        material: &[u8; 32],
        context: &EncryptionContext,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, material).ok()?);
        let aad = Aad::from(associated_data(self.key_id, context));
        let mut opened = Zeroizing::new(self.sealed.to_vec());
        let length =
            key.open_in_place(Nonce::assume_unique_for_key(self.iv), aad, opened.as_mut_slice()).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// Every text with its length, so that no two contexts look alike.
fn associated_data(key_id: &str, context: &EncryptionContext) -> Vec<u8> {
    let mut data = Vec::new();
    let texts = context.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for text in std::iter::once(key_id).chain(texts) {
        data.extend_from_slice(&text.len().to_be_bytes());
        data.extend_from_slice(text.as_bytes());
    }
    data
}
