//! The answers that hold keys and ciphertexts: their fields as they came, and what is released of them.

use core::mem;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use serde::Deserialize;

use super::json;
use crate::limits::{MAX_CIPHERTEXT_LEN, MAX_KEY_ID_LEN, MAX_PLAINTEXT_LEN};
use crate::{BadAnswer, Error};

/// What an operation with a `Recipient` field releases: which of the two depends on the request alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Released {
    /// Without `Recipient`: the `Plaintext` (`PrivateKeyPlaintext`, `SharedSecret`).
    Plaintext(Secret),
    /// With `Recipient`: the `CiphertextForRecipient`, an untrusted CMS `EnvelopedData` of 1..6144 bytes.
    ForRecipient(Vec<u8>),
}

impl Released {
    /// Opens what came for the recipient: 1..4096 bytes, as long as AWS's `PlaintextType`. Whether it is of the
    /// length that was asked for is the caller's to check.
    ///
    /// It is as trustworthy as the connection that it came through: see
    /// [`Recipient::open`](pcrseal_core::recipient::Recipient::open).
    ///
    /// # Errors
    /// [`Error::BadAnswer`]: [`Code::AnswerMissing`] for a plaintext, which was not meant for a recipient; the
    /// code of [`Recipient::open`](pcrseal_core::recipient::Recipient::open); [`Code::KmsAnswerField`] for what
    /// opens to nothing, or to more than KMS can have encrypted.
    pub fn open(&self, recipient: &Recipient) -> Result<Secret, Error> {
        self.open_with(|cms| recipient.open(cms))
    }

    /// The same for an emulator that names its recipient by issuer and serial number; never for AWS. See
    /// [`Recipient::open_issuer_and_serial_number`](pcrseal_core::recipient::Recipient::open_issuer_and_serial_number).
    ///
    /// # Errors
    /// As [`Released::open`].
    pub fn open_issuer_and_serial_number(&self, recipient: &Recipient) -> Result<Secret, Error> {
        self.open_with(|cms| recipient.open_issuer_and_serial_number(cms))
    }

    fn open_with(&self, open: impl FnOnce(&[u8]) -> Result<Secret, Fault>) -> Result<Secret, Error> {
        let opened = match self {
            Self::Plaintext(_) => Err(Fault::new(Code::AnswerMissing)),
            Self::ForRecipient(cms) => open(cms),
        };
        let opened = opened.and_then(|secret| match secret.len() {
            1..=MAX_PLAINTEXT_LEN => Ok(secret),
            _ => Err(Fault::field(Code::KmsAnswerField, "CiphertextForRecipient")),
        });
        opened.map_err(|fault| Error::BadAnswer(BadAnswer { fault, request_id: String::new() }))
    }
}

/// The fields that these answers are made of, all of them optional here. One type for every operation, not
/// `serde(flatten)`ed into one each: that would copy the plaintext into memory that nobody wipes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyAnswer<'a> {
    #[serde(borrow)]
    key_id: Option<json::Text<'a>>,
    #[serde(borrow)]
    source_key_id: Option<json::Text<'a>>,
    #[serde(borrow)]
    key_pair_spec: Option<json::Text<'a>>,
    #[serde(borrow)]
    ciphertext_blob: Option<json::Text<'a>>,
    #[serde(borrow)]
    private_key_ciphertext_blob: Option<json::Text<'a>>,
    #[serde(borrow)]
    public_key: Option<json::Text<'a>>,
    #[serde(borrow)]
    plaintext: Option<json::Text<'a>>,
    #[serde(borrow)]
    private_key_plaintext: Option<json::Text<'a>>,
    #[serde(borrow)]
    shared_secret: Option<json::Text<'a>>,
    #[serde(borrow)]
    ciphertext_for_recipient: Option<json::Text<'a>>,
}

/// A field of [`KeyAnswer`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    KeyId,
    SourceKeyId,
    KeyPairSpec,
    CiphertextBlob,
    PrivateKeyCiphertextBlob,
    PublicKey,
    Plaintext,
    PrivateKeyPlaintext,
    SharedSecret,
    CiphertextForRecipient,
}

impl KeyAnswer<'_> {
    /// `KeyId`: of Encrypt and ReEncrypt the key that encrypted, else the one that was used.
    pub(super) fn key_id(&self) -> Result<String, Fault> {
        self.text(Field::KeyId, MAX_KEY_ID_LEN)
    }

    /// A text of `1..=max` bytes of printable ASCII.
    pub(super) fn text(&self, field: Field, max: usize) -> Result<String, Fault> {
        let (value, name) = self.field(field);
        json::bounded(value, name, max)
    }

    /// A public blob of `1..=max` bytes.
    pub(super) fn blob(&self, field: Field, max: usize) -> Result<Vec<u8>, Fault> {
        let (value, name) = self.field(field);
        json::decode(value, name, max).map(|mut bytes| mem::take(&mut *bytes))
    }

    /// What the operation releases in the field `plaintext`, of `1..=max` bytes, or for the recipient.
    ///
    /// With `Recipient`, AWS answers with a plaintext that is null or empty. An endpoint that answers with more
    /// has sent the key in the clear: fail closed, in whichever field it stands.
    pub(super) fn released(
        &self,
        plaintext: Field,
        with_recipient: bool,
        max: usize,
    ) -> Result<Released, Fault> {
        if with_recipient {
            let plaintexts = [&self.plaintext, &self.private_key_plaintext, &self.shared_secret];
            if plaintexts.into_iter().flatten().any(|text| !text.as_str().is_empty()) {
                return Err(Fault::new(Code::KmsPlaintextBesideRecipient));
            }
            return self.blob(Field::CiphertextForRecipient, MAX_CIPHERTEXT_LEN).map(Released::ForRecipient);
        }
        let (value, name) = self.field(plaintext);
        let mut bytes = json::decode(value, name, max)?;
        Ok(Released::Plaintext(Secret::new(mem::take(&mut *bytes))))
    }

    /// The same of `Plaintext`, which has the length that was asked for.
    pub(super) fn released_exactly(&self, with_recipient: bool, len: usize) -> Result<Released, Fault> {
        match self.released(Field::Plaintext, with_recipient, len)? {
            Released::Plaintext(secret) if secret.len() != len => {
                Err(Fault::field(Code::KmsAnswerField, "Plaintext"))
            }
            released => Ok(released),
        }
    }

    fn field(&self, field: Field) -> (Option<&json::Text<'_>>, &'static str) {
        let (value, name) = match field {
            Field::KeyId => (&self.key_id, "KeyId"),
            Field::SourceKeyId => (&self.source_key_id, "SourceKeyId"),
            Field::KeyPairSpec => (&self.key_pair_spec, "KeyPairSpec"),
            Field::CiphertextBlob => (&self.ciphertext_blob, "CiphertextBlob"),
            Field::PrivateKeyCiphertextBlob => {
                (&self.private_key_ciphertext_blob, "PrivateKeyCiphertextBlob")
            }
            Field::PublicKey => (&self.public_key, "PublicKey"),
            Field::Plaintext => (&self.plaintext, "Plaintext"),
            Field::PrivateKeyPlaintext => (&self.private_key_plaintext, "PrivateKeyPlaintext"),
            Field::SharedSecret => (&self.shared_secret, "SharedSecret"),
            Field::CiphertextForRecipient => (&self.ciphertext_for_recipient, "CiphertextForRecipient"),
        };
        (value.as_ref(), name)
    }
}

/// Reads the answer of an operation that answers with nothing: an empty body, or an object whatever is in it.
pub(super) fn nothing(body: &[u8]) -> Result<(), Fault> {
    if body.is_empty() { Ok(()) } else { json::read::<KeyAnswer<'_>>(body).map(drop) }
}
