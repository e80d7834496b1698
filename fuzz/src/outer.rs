//! The outer layer of a blob, taken off and put back: what anyone who knows the public PCR values can do.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use aes_kw::KwAes256;
use hkdf::Hkdf;
use minicbor::{Decoder, Encoder};
use sha2::Sha384;

/// A blob in pieces.
pub struct Outer {
    protected: Vec<u8>,
    iv: [u8; 12],
    ciphertext: Vec<u8>,
    /// The array of recipients, encoded.
    recipients: Vec<u8>,
    content_key: [u8; 32],
}

impl Outer {
    /// Takes a good blob apart.
    pub fn open(blob: &[u8]) -> Result<Self, minicbor::decode::Error> {
        let mut decoder = Decoder::new(blob);
        decoder.tag()?;
        decoder.array()?;
        let protected = decoder.bytes()?.to_vec();
        decoder.map()?;
        decoder.i64()?;
        let iv = decoder.bytes()?.try_into().expect("12 bytes");
        let ciphertext = decoder.bytes()?.to_vec();
        let recipients = blob[decoder.position()..].to_vec();

        decoder.array()?;
        decoder.array()?;
        decoder.bytes()?;
        decoder.map()?;
        decoder.i64()?;
        decoder.i64()?;
        decoder.str()?;
        decoder.map()?;
        decoder.str()?;
        let pcrs = decoder.position();
        decoder.skip()?;
        let pcrs = &blob[pcrs..decoder.position()];
        decoder.str()?;
        let salt = decoder.bytes()?;
        let wrapped = decoder.bytes()?;

        let (mut kek, mut content_key) = ([0; 32], [0; 32]);
        Hkdf::<Sha384>::new(Some(salt), pcrs).expand(b"pcrseal v1 binding", &mut kek).expect("short");
        KwAes256::new(&kek.into()).unwrap_key(wrapped, &mut content_key).expect("a good blob");
        Ok(Self { protected, iv, ciphertext, recipients, content_key })
    }

    /// The bundle inside.
    pub fn bundle(&self) -> Vec<u8> {
        let payload = Payload { msg: &self.ciphertext, aad: &self.aad() };
        Aes256Gcm::new(&self.content_key.into()).decrypt(&self.iv.into(), payload).expect("a good blob")
    }

    /// The blob with another bundle inside.
    pub fn with_bundle(&self, bundle: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: bundle, aad: &self.aad() };
        let ciphertext =
            Aes256Gcm::new(&self.content_key.into()).encrypt(&self.iv.into(), payload).expect("short");
        let mut encoder = Encoder::new(Vec::with_capacity(ciphertext.len() + 2048));
        encoder
            .tag(minicbor::data::Tag::new(96))
            .and_then(|e| {
                e.array(4)?.bytes(&self.protected)?.map(1)?.i8(5)?.bytes(&self.iv)?.bytes(&ciphertext)
            })
            .expect("a Vec takes everything");
        [encoder.into_writer(), self.recipients.clone()].concat()
    }

    fn aad(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        encoder
            .array(3)
            .and_then(|e| e.str("Encrypt")?.bytes(&self.protected)?.bytes(b""))
            .expect("a Vec takes everything");
        encoder.into_writer()
    }
}
