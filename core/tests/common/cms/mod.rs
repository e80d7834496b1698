//! Writes `CiphertextForRecipient` as AWS KMS does: an independent writer for core's reader.

mod envelope;

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use envelope::envelope;
use sha2::{Digest, Sha256};

/// The `EnvelopedData` for a 2048-bit recipient, in BER, with the content in one chunk.
pub fn ciphertext_for_recipient(public_key_der: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let content_key = [0x5a; 32];
    let iv = [0xa5; 16];
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key_der).unwrap()).unwrap();
    let mut encrypted_key = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut encrypted_key, None).unwrap();
    let padding = 16 - plaintext.len() % 16;
    let mut content = [plaintext, &vec![u8::try_from(padding).unwrap(); padding]].concat();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut content);
    cbc::Encryptor::<aes::Aes256>::new(&content_key.into(), &iv.into()).encrypt_blocks(blocks);
    envelope(&Sha256::digest(public_key_der), &encrypted_key, &iv, &content)
}
