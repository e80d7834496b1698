//! HTTP answers: a typed answer, an error of the service, or an answer that cannot be used.

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use serde::Deserialize;

use super::{Operation, json};
use crate::limits::{
    MAX_ANSWER_LEN, MAX_CIPHERTEXT_LEN, MAX_ERROR_CODE_LEN, MAX_ERROR_MESSAGE_LEN, MAX_KEY_ID_LEN,
};
use crate::service_error::printable;
use crate::{BadAnswer, Error, ServiceError};

/// An answer as it came: the status, the two header fields that matter, and the body.
///
/// The body may hold a plaintext: wiping it is the duty of who owns it.
pub struct HttpAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-amzn-errortype`.
    pub error_type: Option<&'a str>,
    /// The header `x-amzn-requestid`.
    pub request_id: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
}

/// What Decrypt and GenerateDataKey release: which of the two depends on the request alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Released {
    /// Without `Recipient`: the `Plaintext`.
    Plaintext(Secret),
    /// With `Recipient`: the `CiphertextForRecipient`, an untrusted CMS `EnvelopedData` of 1..6144 bytes.
    ForRecipient(Vec<u8>),
}

impl<'a> HttpAnswer<'a> {
    /// Takes an answer with its header fields as pairs of name (any case) and value; a field whose value is not
    /// UTF-8 counts as absent.
    pub fn new(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>, body: &'a [u8]) -> Self {
        let mut answer = Self { status, error_type: None, request_id: None, body };
        for (name, value) in headers {
            let value = str::from_utf8(value).ok();
            if name.eq_ignore_ascii_case("x-amzn-errortype") {
                answer.error_type = value;
            } else if name.eq_ignore_ascii_case("x-amzn-requestid") {
                answer.request_id = value;
            }
        }
        answer
    }

    /// Reads the answer to `operation`.
    ///
    /// # Errors
    /// [`Error::Service`] for every status but 200; [`Error::BadAnswer`] if the answer cannot be used.
    pub fn read<O: Operation>(&self, operation: &O) -> Result<O::Answer, Error> {
        let bad = |fault| {
            let request_id = printable(self.request_id.unwrap_or_default(), MAX_ERROR_CODE_LEN);
            Error::BadAnswer(BadAnswer { fault, request_id })
        };
        if self.body.len() > MAX_ANSWER_LEN {
            return Err(bad(Fault::new(Code::KmsAnswerTooLong)));
        }
        if self.status == 200 {
            operation.parse(self.body).map_err(bad)
        } else {
            Err(Error::Service(self.service_error()))
        }
    }

    fn service_error(&self) -> ServiceError {
        let error_type = self.error_type.unwrap_or_default();
        let request_id = self.request_id.unwrap_or_default();
        let Ok(body) = json::read::<ErrorBody<'_>>(self.body) else {
            // Not from KMS itself, but from something on the way: its words are all there is to go by. Under a
            // status that says success they could be a key.
            let quoted = if (200..300).contains(&self.status) { &[] } else { self.body };
            let head = quoted.get(..MAX_ERROR_MESSAGE_LEN).unwrap_or(quoted);
            return ServiceError::new(self.status, error_type, &String::from_utf8_lossy(head), request_id);
        };
        let kind = body.kind.as_ref().map(json::Text::as_str).unwrap_or_default();
        let message = body.message.as_ref().or(body.message_capital.as_ref()).map(json::Text::as_str);
        let code = if error_type.is_empty() { kind } else { error_type };
        ServiceError::new(self.status, code, message.unwrap_or_default(), request_id)
    }
}

/// What Encrypt, Decrypt and GenerateDataKey answer with, as it came. Not `serde(flatten)`ed into a type per
/// operation: that would copy the plaintext into memory that nobody wipes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyAnswer<'a> {
    #[serde(borrow)]
    key_id: Option<json::Text<'a>>,
    #[serde(borrow)]
    ciphertext_blob: Option<json::Text<'a>>,
    #[serde(borrow)]
    plaintext: Option<json::Text<'a>>,
    #[serde(borrow)]
    ciphertext_for_recipient: Option<json::Text<'a>>,
}

impl KeyAnswer<'_> {
    pub(super) fn key_id(&self) -> Result<String, Fault> {
        json::bounded(self.key_id.as_ref(), "KeyId", MAX_KEY_ID_LEN)
    }

    pub(super) fn ciphertext_blob(&self) -> Result<Vec<u8>, Fault> {
        let mut blob = json::decode(self.ciphertext_blob.as_ref(), "CiphertextBlob", MAX_CIPHERTEXT_LEN)?;
        Ok(core::mem::take(&mut *blob))
    }

    /// With `Recipient`, AWS answers with a `Plaintext` that is null or empty. An endpoint that answers with
    /// more has sent the key in the clear: fail closed.
    pub(super) fn released(&self, with_recipient: bool, max_plaintext_len: usize) -> Result<Released, Fault> {
        if with_recipient {
            if self.plaintext.as_ref().is_some_and(|text| !text.as_str().is_empty()) {
                return Err(Fault::new(Code::KmsPlaintextBesideRecipient));
            }
            let field = "CiphertextForRecipient";
            let mut cms = json::decode(self.ciphertext_for_recipient.as_ref(), field, MAX_CIPHERTEXT_LEN)?;
            return Ok(Released::ForRecipient(core::mem::take(&mut *cms)));
        }
        let mut plaintext = json::decode(self.plaintext.as_ref(), "Plaintext", max_plaintext_len)?;
        Ok(Released::Plaintext(Secret::new(core::mem::take(&mut *plaintext))))
    }
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type", borrow)]
    kind: Option<json::Text<'a>>,
    #[serde(borrow)]
    message: Option<json::Text<'a>>,
    #[serde(rename = "Message", borrow)]
    message_capital: Option<json::Text<'a>>,
}
