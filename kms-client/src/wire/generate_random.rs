//! GenerateRandom.

use pcrseal_core::error::{Code, Error as Fault};
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::{KeyAnswer, Released};
use super::request::{Recipient, check_number_of_bytes, length};
use super::{Operation, json};
use crate::Error;
use crate::limits::MAX_CUSTOM_KEY_STORE_ID_LEN;

/// `kms:GenerateRandom`. It uses no key, so no key policy governs it, and there is no dry run of it.
#[derive(Clone, Copy, Debug)]
pub struct GenerateRandomRequest<'a> {
    /// How many bytes, 1..1024.
    pub number_of_bytes: u16,
    /// The `CloudHSM` key store whose generator is to be used, 1..64 bytes; `None` for KMS's own.
    pub custom_key_store_id: Option<&'a str>,
    /// The attestation document, 1..262144 bytes and less than five minutes old. With it, the answer is
    /// [`Released::ForRecipient`].
    pub recipient: Option<&'a [u8]>,
}

/// The answer to [`GenerateRandomRequest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct GenerateRandomAnswer {
    /// The bytes, exactly as many as asked for, or their form for the recipient.
    pub released: Released,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    number_of_bytes: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_key_store_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
}

impl Operation for GenerateRandomRequest<'_> {
    const TARGET: &'static str = "TrentService.GenerateRandom";
    // Nothing changes in KMS: the first bytes are only lost.
    const REPEATABLE: bool = true;
    type Answer = GenerateRandomAnswer;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_number_of_bytes(self.number_of_bytes.into())?;
        if let Some(id) = self.custom_key_store_id {
            let (code, max) = (Code::KmsCustomKeyStoreId, MAX_CUSTOM_KEY_STORE_ID_LEN);
            length(code, "CustomKeyStoreId", "1..64 bytes", id.len(), max)?;
        }
        json::write(&Body {
            number_of_bytes: self.number_of_bytes,
            custom_key_store_id: self.custom_key_store_id,
            recipient: self.recipient.map(Recipient::new).transpose()?,
        })
    }

    fn parse(&self, body: &[u8]) -> Result<GenerateRandomAnswer, Fault> {
        let answer: KeyAnswer<'_> = json::read(body)?;
        let released = answer.released_exactly(self.recipient.is_some(), self.number_of_bytes.into())?;
        Ok(GenerateRandomAnswer { released })
    }
}
