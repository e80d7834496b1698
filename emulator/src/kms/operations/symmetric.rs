//! Symmetric keys: encryption, data keys; and random bytes.

use std::ops::RangeInclusive;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_policy::actions::Action;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    ALGORITHM, Answer, CIPHERTEXT_LEN, Call, KEY_ID_LEN, Recipient, SYMMETRIC, dry_run, internal,
    invalid_usage, usable,
};
use crate::kms::authorize::Facts;
use crate::kms::ciphertext::{self, Ciphertext};
use crate::kms::errors::ApiError;
use crate::kms::input::Input;
use crate::kms::keys::Key;
use crate::kms::material::Material;
use crate::kms::operation::Operation;

/// Bounds of the AWS KMS API reference.
const PLAINTEXT_LEN: RangeInclusive<usize> = 1..=4096;
const MAX_NUMBER_OF_BYTES: u64 = 1024;
const CUSTOM_KEY_STORE_ID_LEN: RangeInclusive<usize> = 1..=64;

impl Call<'_> {
    pub(super) fn encrypt(&mut self, input: &Input) -> Answer {
        let plaintext = Zeroizing::new(input.required_blob("Plaintext", PLAINTEXT_LEN)?);
        let context = input.encryption_context("EncryptionContext")?;
        input.choice("EncryptionAlgorithm", &[SYMMETRIC])?;
        let key = self.named_key(input)?;
        let facts = Facts { encryption_context: Some(&context), keys: &[ALGORITHM], ..Facts::default() };
        self.authorize(&key, Action::Encrypt, &facts)?;
        usable(&key)?;
        let material = self.symmetric(&key)?;
        dry_run(input)?;
        let blob = ciphertext::seal(material, &key.id, &context, &plaintext).map_err(internal)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "EncryptionAlgorithm": SYMMETRIC,
            "KeyId": self.answered_key_id(&key)?,
        }))
    }

    pub(super) fn decrypt(&mut self, input: &Input) -> Answer {
        let blob = input.required_blob("CiphertextBlob", CIPHERTEXT_LEN)?;
        let context = input.encryption_context("EncryptionContext")?;
        input.choice("EncryptionAlgorithm", &[SYMMETRIC])?;
        let (key, ciphertext) = self.source(input, "KeyId", &blob)?;
        let recipient = self.recipient(input)?;
        let facts = Facts {
            attestation: recipient.as_ref().map(Recipient::attestation),
            encryption_context: Some(&context),
            keys: &[ALGORITHM],
        };
        self.authorize(&key, Action::Decrypt, &facts)?;
        usable(&key)?;
        let material = self.symmetric(&key)?;
        dry_run(input)?;
        let plaintext = ciphertext.open(material, &context).ok_or_else(invalid_ciphertext)?;
        let mut answer = self.release("Plaintext", &plaintext, recipient.as_ref())?;
        answer.insert("EncryptionAlgorithm".into(), SYMMETRIC.into());
        answer.insert("KeyId".into(), self.answered_key_id(&key)?.into());
        answer.insert("KeyMaterialId".into(), key.material_id.as_str().into());
        Ok(Value::Object(answer))
    }

    pub(super) fn generate_data_key(&mut self, input: &Input) -> Answer {
        let spec = input.choice("KeySpec", &["AES_256", "AES_128"])?;
        let bytes = input.number("NumberOfBytes", 1, MAX_NUMBER_OF_BYTES)?;
        let without_plaintext = self.operation == Operation::GenerateDataKeyWithoutPlaintext;
        let length = match (spec, bytes) {
            (Some("AES_128"), None) => 16,
            (Some(_), None) => 32,
            (None, Some(bytes)) => usize::try_from(bytes).map_err(|_| ApiError::internal())?,
            (None, None) if without_plaintext => 32,
            _ => return Err(ApiError::validation("Please specify either number of bytes or key spec.")),
        };
        let context = input.encryption_context("EncryptionContext")?;
        let key = self.named_key(input)?;
        let recipient = if without_plaintext { None } else { self.recipient(input)? };
        let action =
            if without_plaintext { Action::GenerateDataKeyWithoutPlaintext } else { Action::GenerateDataKey };
        let facts = Facts {
            attestation: recipient.as_ref().map(Recipient::attestation),
            encryption_context: Some(&context),
            keys: &[ALGORITHM],
        };
        self.authorize(&key, action, &facts)?;
        usable(&key)?;
        let material = self.symmetric(&key)?;
        dry_run(input)?;
        let mut data_key = Zeroizing::new(vec![0; length]);
        aws_lc_rs::rand::fill(&mut data_key).map_err(internal)?;
        let blob = ciphertext::seal(material, &key.id, &context, &data_key).map_err(internal)?;
        let mut answer = if without_plaintext {
            Map::new()
        } else {
            self.release("Plaintext", &data_key, recipient.as_ref())?
        };
        answer.insert("CiphertextBlob".into(), STANDARD.encode(blob).into());
        answer.insert("KeyId".into(), self.answered_key_id(&key)?.into());
        answer.insert("KeyMaterialId".into(), key.material_id.as_str().into());
        Ok(Value::Object(answer))
    }

    pub(super) fn re_encrypt(&mut self, input: &Input) -> Answer {
        let blob = input.required_blob("CiphertextBlob", CIPHERTEXT_LEN)?;
        let source_context = input.encryption_context("SourceEncryptionContext")?;
        let destination_context = input.encryption_context("DestinationEncryptionContext")?;
        input.choice("SourceEncryptionAlgorithm", &[SYMMETRIC])?;
        input.choice("DestinationEncryptionAlgorithm", &[SYMMETRIC])?;
        let destination = input.required_text("DestinationKeyId", KEY_ID_LEN)?;
        let (source, ciphertext) = self.source(input, "SourceKeyId", &blob)?;
        let destination = self.resolve(destination)?;
        let same = if Arc::ptr_eq(&source, &destination) { "true" } else { "false" };
        let keys = [ALGORITHM, ("kms:ReEncryptOnSameKey", same)];
        let facts = |context| Facts { encryption_context: Some(context), keys: &keys, ..Facts::default() };
        self.authorize(&source, Action::ReEncryptFrom, &facts(&source_context))?;
        self.authorize(&destination, Action::ReEncryptTo, &facts(&destination_context))?;
        usable(&source)?;
        usable(&destination)?;
        let (from, to) = (self.symmetric(&source)?, self.symmetric(&destination)?);
        dry_run(input)?;
        let plaintext = ciphertext.open(from, &source_context).ok_or_else(invalid_ciphertext)?;
        let blob =
            ciphertext::seal(to, &destination.id, &destination_context, &plaintext).map_err(internal)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "DestinationEncryptionAlgorithm": SYMMETRIC,
            "DestinationKeyMaterialId": destination.material_id,
            "KeyId": self.answered_key_id(&destination)?,
            "SourceEncryptionAlgorithm": SYMMETRIC,
            "SourceKeyId": source.arn.as_str(),
            "SourceKeyMaterialId": source.material_id,
        }))
    }

    /// No key is named, so that IAM policies alone judge it.
    pub(super) fn generate_random(&mut self, input: &Input) -> Answer {
        if let Some(store) = input.text("CustomKeyStoreId", CUSTOM_KEY_STORE_ID_LEN)? {
            let text = format!("Custom key store {store} does not exist.");
            return Err(ApiError::new("CustomKeyStoreNotFoundException", text));
        }
        let Some(bytes) = input.number("NumberOfBytes", 1, MAX_NUMBER_OF_BYTES)? else {
            return Err(ApiError::validation("NumberOfBytes is required."));
        };
        let recipient = self.recipient(input)?;
        let attestation = recipient.as_ref().map(Recipient::attestation);
        self.authorize_without_key(Action::GenerateRandom, &Facts { attestation, ..Facts::default() })?;
        let length = usize::try_from(bytes).map_err(|_| ApiError::internal())?;
        let mut random = Zeroizing::new(vec![0; length]);
        aws_lc_rs::rand::fill(&mut random).map_err(internal)?;
        self.release("Plaintext", &random, recipient.as_ref()).map(Value::Object)
    }

    /// Takes a ciphertext apart and finds its key, which must be the named one where one is named.
    fn source<'b>(
        &mut self,
        input: &Input,
        member: &str,
        blob: &'b [u8],
    ) -> Result<(Arc<Key>, Ciphertext<'b>), ApiError> {
        let named = match input.text(member, KEY_ID_LEN)? {
            Some(key_id) => Some(self.resolve(key_id)?),
            None => None,
        };
        if let Some(key) = &named {
            self.symmetric(key)?;
        }
        let ciphertext = Ciphertext::read(blob).ok_or_else(invalid_ciphertext)?;
        let key = match named {
            Some(key) if key.id == ciphertext.key_id => key,
            Some(_) => {
                return Err(ApiError::new(
                    "IncorrectKeyException",
                    "The key ID in the request does not identify a CMK that can perform this operation.",
                ));
            }
            None => self.key_of_ciphertext(ciphertext.key_id)?,
        };
        Ok((key, ciphertext))
    }

    /// The material of a key that encrypts.
    pub(super) fn symmetric<'k>(&self, key: &'k Key) -> Result<&'k [u8; 32], ApiError> {
        match &key.material {
            Material::Symmetric(bytes) => Ok(bytes),
            Material::Agreement(..) => Err(invalid_usage(key, self.operation)),
        }
    }
}

fn invalid_ciphertext() -> ApiError {
    ApiError::bare("InvalidCiphertextException")
}
