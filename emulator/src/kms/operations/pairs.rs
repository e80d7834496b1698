//! Pairs of keys: data key pairs, and keys for key agreement.

use std::ops::RangeInclusive;

use aws_lc_rs::agreement::PrivateKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pcrseal_policy::actions::Action;
use serde_json::{Map, Value, json};

use super::{ALGORITHM, Answer, Call, Recipient, dry_run, internal, invalid_usage, unsupported, usable};
use crate::kms::authorize::Facts;
use crate::kms::ciphertext;
use crate::kms::errors::ApiError;
use crate::kms::input::Input;
use crate::kms::keys::Key;
use crate::kms::material::{Material, PAIR_SPECS, Pair, public_key, shared_secret};
use crate::kms::operation::Operation;

/// Longest public key in bytes (AWS KMS API reference, `DeriveSharedSecret`).
const PUBLIC_KEY_LEN: RangeInclusive<usize> = 1..=8192;
const ECDH: &str = "ECDH";

impl Call<'_> {
    pub(super) fn generate_data_key_pair(&mut self, input: &Input) -> Answer {
        let spec = input.required_choice("KeyPairSpec", &PAIR_SPECS)?;
        let context = input.encryption_context("EncryptionContext")?;
        let without_plaintext = self.operation == Operation::GenerateDataKeyPairWithoutPlaintext;
        let key = self.named_key(input)?;
        let recipient = if without_plaintext { None } else { self.recipient(input)? };
        let action = if without_plaintext {
            Action::GenerateDataKeyPairWithoutPlaintext
        } else {
            Action::GenerateDataKeyPair
        };
        let facts = Facts {
            attestation: recipient.as_ref().map(Recipient::attestation),
            encryption_context: Some(&context),
            keys: &[ALGORITHM, ("kms:DataKeyPairSpec", spec)],
        };
        self.authorize(&key, action, &facts)?;
        usable(&key)?;
        let material = self.symmetric(&key)?;
        dry_run(input)?;
        let pair = Pair::generate(spec)
            .ok_or_else(|| unsupported(&format!("data key pairs of KeyPairSpec {spec}")))?
            .map_err(internal)?;
        let blob = ciphertext::seal(material, &key.id, &context, &pair.private).map_err(internal)?;
        let mut answer = if without_plaintext {
            Map::new()
        } else {
            self.release("PrivateKeyPlaintext", &pair.private, recipient.as_ref())?
        };
        answer.insert("KeyId".into(), self.answered_key_id(&key)?.into());
        answer.insert("KeyMaterialId".into(), key.material_id.as_str().into());
        answer.insert("KeyPairSpec".into(), spec.into());
        answer.insert("PrivateKeyCiphertextBlob".into(), STANDARD.encode(blob).into());
        answer.insert("PublicKey".into(), STANDARD.encode(pair.public).into());
        Ok(Value::Object(answer))
    }

    pub(super) fn derive_shared_secret(&mut self, input: &Input) -> Answer {
        input.required_choice("KeyAgreementAlgorithm", &[ECDH])?;
        let peer = input.required_blob("PublicKey", PUBLIC_KEY_LEN)?;
        let key = self.named_key(input)?;
        let recipient = self.recipient(input)?;
        let facts = Facts {
            attestation: recipient.as_ref().map(Recipient::attestation),
            keys: &[("kms:KeyAgreementAlgorithm", ECDH)],
            ..Facts::default()
        };
        self.authorize(&key, Action::DeriveSharedSecret, &facts)?;
        usable(&key)?;
        let private = self.agreement(&key)?;
        dry_run(input)?;
        let secret = shared_secret(private, &peer).map_err(|_| {
            ApiError::validation(format!("PublicKey is not a public key of {}.", key.material.key_spec()))
        })?;
        let mut answer = self.release("SharedSecret", &secret, recipient.as_ref())?;
        answer.insert("KeyAgreementAlgorithm".into(), ECDH.into());
        answer.insert("KeyId".into(), self.answered_key_id(&key)?.into());
        answer.insert("KeyOrigin".into(), "AWS_KMS".into());
        Ok(Value::Object(answer))
    }

    pub(super) fn get_public_key(&mut self, input: &Input) -> Answer {
        let key = self.named_key(input)?;
        self.authorize(&key, Action::GetPublicKey, &Facts::default())?;
        usable(&key)?;
        let Material::Agreement(_, private) = &key.material else {
            let text = format!("{} is a symmetric key: it has no public key.", key.arn);
            return Err(ApiError::new("UnsupportedOperationException", text));
        };
        Ok(json!({
            "CustomerMasterKeySpec": key.material.key_spec(),
            "KeyAgreementAlgorithms": [ECDH],
            "KeyId": self.answered_key_id(&key)?,
            "KeySpec": key.material.key_spec(),
            "KeyUsage": key.material.key_usage(),
            "PublicKey": STANDARD.encode(public_key(private).map_err(internal)?),
        }))
    }

    /// The private key of a key for key agreement.
    fn agreement<'k>(&self, key: &'k Key) -> Result<&'k PrivateKey, ApiError> {
        match &key.material {
            Material::Agreement(_, private) => Ok(private),
            Material::Symmetric(_) => Err(invalid_usage(key, self.operation)),
        }
    }
}
