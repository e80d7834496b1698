//! A CMS writer of its own: a message is a tree of BER elements, so that a test can bend any of them.

#![allow(dead_code)] // each test binary uses what it needs of this module

use aes::Aes256;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use pcrseal_core::crypto::RsaKey;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::secret::Secret;
use sha2::{Digest, Sha256};

pub const OID_ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
pub const OID_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
pub const OID_RSAES_OAEP: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07";
pub const OID_RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
pub const OID_MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
pub const OID_SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
pub const OID_SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
pub const OID_SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
pub const OID_AES256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
pub const OID_AES128_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x02";

pub const CEK: [u8; 32] = *b"the content encryption key, AES!";
pub const IV: [u8; 16] = *b"initial vector 0";

// Paths of the profile's elements in the tree.
pub const CONTENT_INFO: &[usize] = &[];
pub const CONTENT_TYPE: &[usize] = &[0];
pub const EXPLICIT: &[usize] = &[1];
pub const ENVELOPED_DATA: &[usize] = &[1, 0];
pub const VERSION: &[usize] = &[1, 0, 0];
pub const RECIPIENT_INFOS: &[usize] = &[1, 0, 1];
pub const KTRI: &[usize] = &[1, 0, 1, 0];
pub const KTRI_VERSION: &[usize] = &[1, 0, 1, 0, 0];
pub const SKI: &[usize] = &[1, 0, 1, 0, 1];
pub const KEY_ALGORITHM: &[usize] = &[1, 0, 1, 0, 2];
pub const KEY_ALGORITHM_OID: &[usize] = &[1, 0, 1, 0, 2, 0];
pub const OAEP: &[usize] = &[1, 0, 1, 0, 2, 1];
pub const HASH: &[usize] = &[1, 0, 1, 0, 2, 1, 0, 0];
pub const MGF: &[usize] = &[1, 0, 1, 0, 2, 1, 1, 0];
pub const MGF_HASH: &[usize] = &[1, 0, 1, 0, 2, 1, 1, 0, 1];
pub const ENCRYPTED_KEY: &[usize] = &[1, 0, 1, 0, 3];
pub const CONTENT: &[usize] = &[1, 0, 2];
pub const INNER_TYPE: &[usize] = &[1, 0, 2, 0];
pub const CONTENT_ALGORITHM: &[usize] = &[1, 0, 2, 1];
pub const CONTENT_ALGORITHM_OID: &[usize] = &[1, 0, 2, 1, 0];
pub const IV_FIELD: &[usize] = &[1, 0, 2, 1, 1];
pub const ENCRYPTED_CONTENT: &[usize] = &[1, 0, 2, 2];

/// The levels that KMS writes with indefinite lengths, the encrypted content's own left out.
pub const OUTER_LEVELS: [&[usize]; 4] = [CONTENT_INFO, EXPLICIT, ENVELOPED_DATA, CONTENT];

#[derive(Clone, Debug)]
pub enum Node {
    Leaf { tag: u8, content: Vec<u8> },
    Branch { tag: u8, indefinite: bool, children: Vec<Node> },
}

pub fn leaf(tag: u8, content: &[u8]) -> Node {
    Node::Leaf { tag, content: content.to_vec() }
}

pub fn branch(tag: u8, children: Vec<Node>) -> Node {
    Node::Branch { tag, indefinite: false, children }
}

pub fn algorithm(oid: &[u8]) -> Node {
    branch(0x30, vec![leaf(6, oid), leaf(5, &[])])
}

impl Node {
    pub fn at(&mut self, path: &[usize]) -> &mut Node {
        match (path, self) {
            ([], node) => node,
            ([first, rest @ ..], Self::Branch { children, .. }) => children[*first].at(rest),
            (_, Self::Leaf { .. }) => panic!("a leaf has no children"),
        }
    }

    pub fn children(&mut self) -> &mut Vec<Node> {
        match self {
            Self::Branch { children, .. } => children,
            Self::Leaf { .. } => panic!("a leaf has no children"),
        }
    }

    pub fn content(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Leaf { content, .. } => content,
            Self::Branch { .. } => panic!("a branch has children"),
        }
    }

    pub fn set_indefinite(&mut self, value: bool) {
        match self {
            Self::Branch { indefinite, .. } => *indefinite = value,
            Self::Leaf { .. } => panic!("a leaf has a definite length"),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(&mut |_, length| length)
    }

    /// Encodes; `tamper` sees each element's number (in the order of their ends) and its length octets, and
    /// returns those to write.
    pub fn encode_with(&self, tamper: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        self.write(&mut 0, tamper)
    }

    fn write(&self, number: &mut usize, tamper: &mut dyn FnMut(usize, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let (tag, content, length) = match self {
            Self::Leaf { tag, content } => (*tag, content.clone(), length_octets(content.len())),
            Self::Branch { tag, indefinite, children } => {
                let mut content: Vec<u8> =
                    children.iter().flat_map(|child| child.write(number, tamper)).collect();
                let length = if *indefinite { vec![0x80] } else { length_octets(content.len()) };
                if *indefinite {
                    content.extend([0, 0]);
                }
                (*tag, content, length)
            }
        };
        let length = tamper(*number, length);
        *number += 1;
        [&[tag], length.as_slice(), &content].concat()
    }
}

pub fn length_octets(length: usize) -> Vec<u8> {
    match length {
        0..0x80 => vec![u8::try_from(length).unwrap()],
        0x80..0x100 => vec![0x81, u8::try_from(length).unwrap()],
        _ => [&[0x82], u16::try_from(length).unwrap().to_be_bytes().as_slice()].concat(),
    }
}

/// The content's form.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Primitive,
    Constructed { chunk: usize, indefinite: bool },
}

/// What KMS would answer, with one chunk: `padded` is the content before encryption, its padding included.
pub fn message(spki: &[u8], padded: &[u8]) -> Node {
    let form = Form::Constructed { chunk: 1000, indefinite: true };
    message_of(&Sha256::digest(spki), &encrypt_key(spki, &CEK), &encrypt(padded), form)
}

pub fn message_of(ski: &[u8], encrypted_key: &[u8], ciphertext: &[u8], form: Form) -> Node {
    let oaep = branch(
        0x30,
        vec![
            branch(0xa0, vec![algorithm(OID_SHA256)]),
            branch(0xa1, vec![branch(0x30, vec![leaf(6, OID_MGF1), algorithm(OID_SHA256)])]),
        ],
    );
    let recipient = branch(
        0x30,
        vec![
            leaf(2, &[2]),
            leaf(0x80, ski),
            branch(0x30, vec![leaf(6, OID_RSAES_OAEP), oaep]),
            leaf(4, encrypted_key),
        ],
    );
    let content = match form {
        Form::Primitive => leaf(0x80, ciphertext),
        Form::Constructed { chunk, indefinite } => Node::Branch {
            tag: 0xa0,
            indefinite,
            children: ciphertext.chunks(chunk).map(|chunk| leaf(4, chunk)).collect(),
        },
    };
    let content_info = branch(
        0x30,
        vec![leaf(6, OID_DATA), branch(0x30, vec![leaf(6, OID_AES256_CBC), leaf(4, &IV)]), content],
    );
    let enveloped = branch(0x30, vec![leaf(2, &[2]), branch(0x31, vec![recipient]), content_info]);
    let mut message = branch(0x30, vec![leaf(6, OID_ENVELOPED_DATA), branch(0xa0, vec![enveloped])]);
    for level in OUTER_LEVELS {
        message.at(level).set_indefinite(true);
    }
    message
}

/// RFC 5652 section 6.3.
pub fn pad(plaintext: &[u8]) -> Vec<u8> {
    let padding = 16 - plaintext.len() % 16;
    [plaintext, &vec![u8::try_from(padding).unwrap(); padding]].concat()
}

/// AES-256-CBC under [`CEK`] and [`IV`], without padding.
pub fn encrypt(padded: &[u8]) -> Vec<u8> {
    let mut blocks = padded.to_vec();
    let mut encryptor = cbc::Encryptor::<Aes256>::new(&CEK.into(), &IV.into());
    let (whole, rest) = blocks.as_chunks_mut::<16>();
    assert!(rest.is_empty());
    for block in whole {
        encryptor.encrypt_block(block.into());
    }
    blocks
}

pub fn encrypt_key(spki: &[u8], key: &[u8]) -> Vec<u8> {
    let public = PublicEncryptingKey::from_der(spki).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut out = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut out, None).unwrap();
    out
}

/// Stands in for an RSA key where a test has thousands of messages: "decrypts" to a given content-encryption
/// key, or fails.
pub struct FixedKey(pub Option<Vec<u8>>);

impl FixedKey {
    pub const SPKI: &[u8] = b"not a real public key";
}

impl RsaKey for FixedKey {
    fn public_key_der(&self) -> &[u8] {
        Self::SPKI
    }

    fn decrypt_oaep_sha256(&self, _: &[u8]) -> Result<Secret, Error> {
        self.0.as_deref().map(Secret::copy_from).ok_or_else(|| Code::Rejected.into())
    }
}

/// A message for [`FixedKey`].
pub fn message_for_fixed_key(padded: &[u8]) -> Node {
    let form = Form::Constructed { chunk: 1000, indefinite: true };
    message_of(&Sha256::digest(FixedKey::SPKI), &[0; 256], &encrypt(padded), form)
}
