//! `CiphertextForRecipient`: RFC 5652 `EnvelopedData` in the BER that AWS KMS writes.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use crate::asn1::{
    OCTET_STRING, SEQUENCE, SET, context, context_primitive, indefinite, positive_integer, tlv,
};

/// Bytes per OCTET STRING of a constructed content, as seen in genuine messages.
const CHUNK_LEN: usize = 1000;

const ENVELOPED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const RSAES_OAEP: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
const MGF1: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
const SHA_256: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
const AES_256_CBC: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// How the encrypted content is written; AWS KMS uses both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentForm {
    /// `A0 80`, OCTET STRINGs of at most 1000 bytes, end-of-contents.
    #[default]
    Constructed,
    /// `80` and a definite length.
    Primitive,
}

/// An RSA public key that answers can be encrypted to.
pub(crate) struct RecipientKey {
    key: OaepPublicEncryptingKey,
    subject_key_identifier: Vec<u8>,
}

impl RecipientKey {
    /// Reads a `SubjectPublicKeyInfo` of 2048..8192 bits.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Unspecified> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| Unspecified)?;
        Ok(Self {
            key: OaepPublicEncryptingKey::new(key)?,
            subject_key_identifier: digest(&SHA256, der).as_ref().to_vec(),
        })
    }

    /// Encrypts to the recipient: a fresh AES-256 key under RSAES-OAEP, the content under AES-256-CBC.
    pub(crate) fn seal(&self, plaintext: &[u8], form: ContentForm) -> Result<Vec<u8>, Unspecified> {
        let mut content_key = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(content_key.as_mut_slice())?;
        let mut encrypted_key = vec![0; self.key.ciphertext_size()];
        let encrypted_key =
            self.key.encrypt(&OAEP_SHA256_MGF1SHA256, content_key.as_slice(), &mut encrypted_key, None)?;

        let cipher =
            PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, content_key.as_slice())?)?;
        // Room for the padding: a buffer that grew would leave the plaintext behind.
        let mut content = Zeroizing::new(Vec::with_capacity(plaintext.len() + 16));
        content.extend_from_slice(plaintext);
        let DecryptionContext::Iv128(iv) = cipher.encrypt(&mut *content)? else { return Err(Unspecified) };

        Ok(self.message(encrypted_key, iv.as_ref(), &content, form))
    }

    fn message(&self, encrypted_key: &[u8], iv: &[u8; 16], content: &[u8], form: ContentForm) -> Vec<u8> {
        let version = positive_integer(&[2]);
        let mask_generation = tlv(SEQUENCE, &[MGF1, SHA_256]);
        let parameters =
            tlv(SEQUENCE, &[&tlv(context(0), &[SHA_256]), &tlv(context(1), &[&mask_generation])]);
        let recipient = tlv(
            SEQUENCE,
            &[
                &version,
                &tlv(context_primitive(0), &[&self.subject_key_identifier]),
                &tlv(SEQUENCE, &[RSAES_OAEP, &parameters]),
                &tlv(OCTET_STRING, &[encrypted_key]),
            ],
        );
        let algorithm = tlv(SEQUENCE, &[AES_256_CBC, &tlv(OCTET_STRING, &[iv])]);
        let encrypted_content = match form {
            ContentForm::Primitive => tlv(context_primitive(0), &[content]),
            ContentForm::Constructed => {
                let chunks: Vec<Vec<u8>> =
                    content.chunks(CHUNK_LEN).map(|chunk| tlv(OCTET_STRING, &[chunk])).collect();
                indefinite(context(0), &[&chunks.concat()])
            }
        };
        let content_info = indefinite(SEQUENCE, &[DATA, &algorithm, &encrypted_content]);
        let enveloped = indefinite(SEQUENCE, &[&version, &tlv(SET, &[&recipient]), &content_info]);
        indefinite(SEQUENCE, &[ENVELOPED_DATA, &indefinite(context(0), &[&enveloped])])
    }
}
