//! The ephemeral RSA key whose public half is attested; opens `CiphertextForRecipient`.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::{self, Write};

use sha2::{Digest, Sha256};
use subtle::Choice;

use crate::cms::{CONTENT_ENCRYPTION_KEY_LEN, Envelope, EnvelopedData, SUBJECT_KEY_IDENTIFIER_LEN};
use crate::crypto::{Backend, RsaKey};
use crate::error::{Code, Error};
use crate::secret::Secret;

/// An ephemeral RSA-2048 key. Its public half goes into the attestation document; KMS encrypts its answers to
/// it. One recipient serves one session: sessions take it over and it dies with them.
pub struct Recipient {
    key: Box<dyn RsaKey>,
    identifier: [u8; SUBJECT_KEY_IDENTIFIER_LEN],
}

impl Recipient {
    /// Generates a fresh key (tens of milliseconds).
    ///
    /// # Errors
    /// [`Code::Random`].
    pub fn generate(backend: &Backend) -> Result<Self, Error> {
        backend.rsa.generate().map(Self::from_key)
    }

    /// Wraps a key that exists already: for known-answer tests. An enclave calls [`Recipient::generate`].
    pub fn from_key(key: Box<dyn RsaKey>) -> Self {
        let identifier = Sha256::digest(key.public_key_der()).into();
        Self { key, identifier }
    }

    /// The public key, `SubjectPublicKeyInfo` DER: the attestation request's `public_key`.
    pub fn public_key_der(&self) -> &[u8] {
        self.key.public_key_der()
    }

    /// Opens a `CiphertextForRecipient`. The plaintext may be empty; its length is the caller's to check.
    ///
    /// The content is not authenticated: anyone who knows the public key can make a message that opens, and
    /// altered bytes can open to altered plaintext. What comes out is as trustworthy as the TLS connection it
    /// came through.
    ///
    /// # Errors
    /// A CMS code (1401 to 1420) when the structure is not KMS's, [`Code::CmsForeignRecipient`] when it names
    /// another recipient; [`Code::Rejected`], without detail, for everything after that. Failures of OAEP, of
    /// the key's length and of the padding do the same work, so that neither error nor time tells them apart.
    pub fn open(&self, ciphertext_for_recipient: &[u8]) -> Result<Secret, Error> {
        let envelope = EnvelopedData::parse(ciphertext_for_recipient)?;
        if *envelope.subject_key_identifier() != self.identifier {
            return Err(Error::text(
                Code::CmsForeignRecipient,
                "subjectKeyIdentifier",
                hex(&self.identifier),
                hex(envelope.subject_key_identifier()),
            ));
        }
        self.decrypt(envelope.envelope())
    }

    /// Opens the form of an emulator that names its recipient by issuer and serial number (`LocalStack`: DER,
    /// versions 0), which [`Recipient::open`] refuses.
    ///
    /// For tests against emulators alone; sessions never call it. AWS KMS does not answer so, and here nothing
    /// in the message says whose key it is for: a message for another recipient is refused only because it
    /// does not open.
    ///
    /// # Errors
    /// As [`Recipient::open`], but for [`Code::CmsForeignRecipient`].
    pub fn open_issuer_and_serial_number(&self, ciphertext_for_recipient: &[u8]) -> Result<Secret, Error> {
        self.decrypt(&Envelope::parse_issuer_and_serial_number(ciphertext_for_recipient)?)
    }

    /// The one path on which key material is used, whatever named the recipient.
    fn decrypt(&self, envelope: &Envelope<'_>) -> Result<Secret, Error> {
        let decrypted = self.key.decrypt_oaep_sha256(envelope.encrypted_key()).ok();
        let key: Option<&[u8; CONTENT_ENCRYPTION_KEY_LEN]> =
            decrypted.as_ref().and_then(|key| key.expose().try_into().ok());
        // Without a key the content is decrypted all the same, under one that opens nothing.
        let key_is_good = Choice::from(u8::from(key.is_some()));
        envelope.decrypt(key.unwrap_or(&[0; CONTENT_ENCRYPTION_KEY_LEN])).unpad(key_is_good)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
