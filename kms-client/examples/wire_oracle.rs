//! Our side of `scripts/interop-botocore.sh`: reads one question a line from standard input, as JSON, and prints
//! one answer a line.
//!
//! - `{"Ask": "Host", "Region", "Fips", "DualStack"}`: `{"Host"}`
//! - `{"Ask": "Request", "Operation", "Fields", "Region", "Host", "UnixSeconds", "AccessKeyId", "SecretAccessKey",
//!   "SessionToken"?}`: `{"Headers", "Body"}`
//! - `{"Ask": "KeyPairSpecs"}`: `{"Names"}`
//!
//! What is refused answers with `{"Refused": CODE}`. Blobs are base64; `Recipient` is the document alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test tool: its input is the script's

use std::io;

use base64ct::{Base64, Encoding};
use pcrseal_core::secret::Secret;
use pcrseal_kms::Error;
use pcrseal_kms::wire::endpoint::{HostOptions, host_name};
use pcrseal_kms::wire::{
    Credentials, DataKeyPairSpec, DataKeySpec, DecryptRequest, DeriveSharedSecretRequest, DescribeKeyRequest,
    DisableKeyRequest, EnableKeyRequest, EncryptRequest, EncryptionContext, GenerateDataKeyPairRequest,
    GenerateDataKeyRequest, GenerateRandomRequest, GetKeyPolicyRequest, HttpRequest, Operation,
    PutKeyPolicyRequest, ReEncryptRequest,
};
use serde_json::{Value, json};

fn main() {
    for line in io::stdin().lines() {
        let question: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let question = Object(&question);
        let answer = match question.text("Ask") {
            "Host" => {
                let options =
                    HostOptions { fips: question.flag("Fips"), dual_stack: question.flag("DualStack") };
                host_name(question.text("Region"), options).map(|host| json!({ "Host": host }))
            }
            "Request" => request(&question),
            "KeyPairSpecs" => {
                let names: Vec<_> = DataKeyPairSpec::ALL.iter().map(|spec| spec.name()).collect();
                Ok(json!({ "Names": names }))
            }
            other => panic!("no such question: {other}"),
        };
        println!("{}", answer.unwrap_or_else(|error| json!({ "Refused": error.code().name() })));
    }
}

/// A JSON object; a field that is missing reads as empty.
struct Object<'a>(&'a Value);

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    fn text(&self, name: &str) -> &'a str {
        self.get(name).map_or("", |value| value.as_str().unwrap())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|value| value.as_u64().unwrap())
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.as_bool().unwrap())
    }

    fn blob(&self, name: &str) -> Vec<u8> {
        Base64::decode_vec(self.text(name)).unwrap()
    }

    fn context(&self, name: &str) -> EncryptionContext {
        self.get(name)
            .map_or_else(EncryptionContext::new, |value| serde_json::from_value(value.clone()).unwrap())
    }

    fn texts(&self, name: &str) -> Vec<&'a str> {
        let texts = self.get(name).map(|value| value.as_array().unwrap().iter());
        texts.into_iter().flatten().map(|value| value.as_str().unwrap()).collect()
    }
}

fn request(question: &Object<'_>) -> Result<Value, Error> {
    let fields = Object(question.get("Fields").unwrap());
    let (key_id, dry_run) = (fields.text("KeyId"), fields.flag("DryRun"));
    let (ciphertext_blob, context) = (fields.blob("CiphertextBlob"), fields.context("EncryptionContext"));
    let (encryption_context, tokens) = (&context, fields.texts("GrantTokens"));
    let grant_tokens = tokens.as_slice();
    let document = fields.get("Recipient").map(|_| fields.blob("Recipient"));
    let recipient = document.as_deref();
    let number_of_bytes = fields.number("NumberOfBytes").map(|number| u16::try_from(number).unwrap());

    match question.text("Operation") {
        "Encrypt" => {
            let plaintext = &Secret::new(fields.blob("Plaintext"));
            sign(question, &EncryptRequest { key_id, plaintext, encryption_context, grant_tokens, dry_run })
        }
        "Decrypt" => {
            let ciphertext_blob = &ciphertext_blob;
            let request = DecryptRequest {
                key_id,
                ciphertext_blob,
                encryption_context,
                grant_tokens,
                recipient,
                dry_run,
            };
            sign(question, &request)
        }
        "ReEncrypt" => sign(
            question,
            &ReEncryptRequest {
                ciphertext_blob: &ciphertext_blob,
                source_key_id: fields.text("SourceKeyId"),
                source_encryption_context: &fields.context("SourceEncryptionContext"),
                destination_key_id: fields.text("DestinationKeyId"),
                destination_encryption_context: &fields.context("DestinationEncryptionContext"),
                grant_tokens,
                dry_run,
            },
        ),
        "GenerateDataKey" => {
            let spec = match (fields.text("KeySpec"), number_of_bytes) {
                ("AES_256", None) => DataKeySpec::Aes256,
                ("AES_128", None) => DataKeySpec::Aes128,
                ("", Some(number)) => DataKeySpec::NumberOfBytes(number),
                other => panic!("no such data key: {other:?}"),
            };
            let request =
                GenerateDataKeyRequest { key_id, spec, encryption_context, grant_tokens, recipient, dry_run };
            sign(question, &request)
        }
        "GenerateDataKeyPair" => {
            let name = fields.text("KeyPairSpec");
            let spec = *DataKeyPairSpec::ALL.iter().find(|spec| spec.name() == name).unwrap();
            let request = GenerateDataKeyPairRequest {
                key_id,
                spec,
                encryption_context,
                grant_tokens,
                recipient,
                dry_run,
            };
            sign(question, &request)
        }
        "GenerateRandom" => {
            let custom_key_store_id = fields.get("CustomKeyStoreId").map(|_| fields.text("CustomKeyStoreId"));
            let number_of_bytes = number_of_bytes.unwrap();
            sign(question, &GenerateRandomRequest { number_of_bytes, custom_key_store_id, recipient })
        }
        "DeriveSharedSecret" => {
            let public_key = &fields.blob("PublicKey");
            sign(
                question,
                &DeriveSharedSecretRequest { key_id, public_key, grant_tokens, recipient, dry_run },
            )
        }
        "DescribeKey" => sign(question, &DescribeKeyRequest { key_id, grant_tokens }),
        "DisableKey" => sign(question, &DisableKeyRequest { key_id }),
        "EnableKey" => sign(question, &EnableKeyRequest { key_id }),
        "GetKeyPolicy" => sign(question, &GetKeyPolicyRequest { key_id }),
        "PutKeyPolicy" => {
            let policy = fields.text("Policy");
            let bypass_policy_lockout_safety_check = fields.flag("BypassPolicyLockoutSafetyCheck");
            sign(question, &PutKeyPolicyRequest { key_id, policy, bypass_policy_lockout_safety_check })
        }
        other => panic!("no such operation: {other}"),
    }
}

fn sign<O: Operation>(question: &Object<'_>, operation: &O) -> Result<Value, Error> {
    let secret = |name| Secret::copy_from(question.text(name).as_bytes());
    let token = question.get("SessionToken").map(|_| secret("SessionToken"));
    let credentials = Credentials::new(question.text("AccessKeyId"), secret("SecretAccessKey"), token)?;
    let (region, host) = (question.text("Region"), question.text("Host"));
    let time = question.number("UnixSeconds").unwrap();
    let request = HttpRequest::new(operation, &credentials, region, host, time)?;
    let headers: Value =
        request.headers.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Ok(json!({ "Headers": headers, "Body": Base64::encode_string(&request.body) }))
}
