//! An enclave's side of a recipient, of the tests' own.

use std::sync::OnceLock;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_emulator::nsm::Nsm;
use serde_json::{Value, json};

/// One RSA key for all tests: making one takes a while.
pub fn rsa() -> &'static (PrivateDecryptingKey, Vec<u8>) {
    static KEY: OnceLock<(PrivateDecryptingKey, Vec<u8>)> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public = key.public_key();
        let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
        let spki = spki.as_ref().to_vec();
        (key, spki)
    })
}

pub fn document(nsm: &Nsm) -> Vec<u8> {
    nsm.attest(&AttestationRequest { public_key: Some(&rsa().1), ..Default::default() }).unwrap()
}

pub fn recipient(document: &[u8]) -> Value {
    json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": STANDARD.encode(document) })
}

/// Where the fields lie in a message to an RSA-2048 key (see the genuine messages).
pub const SKI: std::ops::Range<usize> = 0x21..0x41;
pub const ENCRYPTED_KEY: std::ops::Range<usize> = 0x83..0x183;
pub const IV: std::ops::Range<usize> = 0x19f..0x1af;
pub const CONTENT: usize = 0x1af;

pub fn content(message: &[u8]) -> (Vec<usize>, Vec<u8>) {
    let length = |at: usize| match message[at] {
        short @ ..=0x7f => (usize::from(short), at + 1),
        0x81 => (usize::from(message[at + 1]), at + 2),
        _ => (usize::from(message[at + 1]) << 8 | usize::from(message[at + 2]), at + 3),
    };
    let (mut chunks, mut bytes) = (Vec::new(), Vec::new());
    let mut at = if message[CONTENT] == 0xa0 { CONTENT + 2 } else { CONTENT };
    while message[at] != 0 {
        let (len, start) = length(at + 1);
        chunks.push(len);
        bytes.extend_from_slice(&message[start..start + len]);
        at = start + len;
    }
    (chunks, bytes)
}

pub fn open(message: &[u8]) -> Vec<u8> {
    assert_eq!(message[SKI], *digest(&SHA256, &rsa().1).as_ref());
    let key = OaepPrivateDecryptingKey::new(rsa().0.clone()).unwrap();
    let mut content_key = vec![0; key.min_output_size()];
    let content_key =
        key.decrypt(&OAEP_SHA256_MGF1SHA256, &message[ENCRYPTED_KEY], &mut content_key, None).unwrap();
    let cipher =
        PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, content_key).unwrap()).unwrap();
    let iv: [u8; 16] = message[IV].try_into().unwrap();
    let mut bytes = content(message).1;
    cipher.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap().to_vec()
}
