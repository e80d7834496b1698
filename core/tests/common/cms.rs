//! Writes `CiphertextForRecipient` as AWS KMS does: an independent writer for core's reader.

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
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

fn envelope(ski: &[u8], encrypted_key: &[u8], iv: &[u8], content: &[u8]) -> Vec<u8> {
    const OAEP: &[u8] = &[
        0x30, 0x3c, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07, 0x30, 0x2f, 0xa0, 0x0f,
        0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c,
        0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09,
        0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    ];
    const ENVELOPED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
    const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    const AES256_CBC: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
    let version = [0x02, 0x01, 0x02];
    let key_trans = [&version[..], &tlv(0x80, ski), OAEP, &tlv(0x04, encrypted_key)].concat();
    let content = [&[0xa0, 0x80][..], &tlv(0x04, content), &[0, 0]].concat();
    let algorithm = tlv(0x30, &[AES256_CBC, &tlv(0x04, iv)].concat());
    [
        &[0x30, 0x80][..],
        ENVELOPED_DATA,
        &[0xa0, 0x80, 0x30, 0x80],
        &version,
        &tlv(0x31, &tlv(0x30, &key_trans)),
        &[0x30, 0x80],
        DATA,
        &algorithm,
        &content,
        &[0; 8],
    ]
    .concat()
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), value].concat()
}
