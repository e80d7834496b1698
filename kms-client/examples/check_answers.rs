//! Holds a KMS server to what KMS answers: a share released to a recipient and opened, plaintexts beside
//! `Recipient` refused, and errors named. `scripts/interop-localstack.sh` runs it.
//!
//! `check_answers ENDPOINT REGION KEY_ARN OTHER_KEY_ARN PENDING_KEY_ARN`, the last of a key that is pending deletion.
//! Credentials are made up: the server checks no signatures.
#![allow(clippy::panic)] // a check that fails ends the program

use std::error::Error as StdError;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::Code;
use pcrseal_core::pcr::Pcr;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_kms::wire::{
    Credentials, DataKeyPairSpec, DataKeySpec, DecryptRequest, DescribeKeyRequest, DisableKeyRequest,
    EnableKeyRequest, EncryptRequest, EncryptionContext, GenerateDataKeyPairRequest, GenerateDataKeyRequest,
    GenerateRandomRequest, ReEncryptRequest, Released,
};
use pcrseal_kms::{Client, Error};

type Failure = Box<dyn StdError>;

/// The head of a tagged `COSE_Sign1` (RFC 9052 section 4.2); the documents of the NSM are untagged.
const TAG_COSE_SIGN1: u8 = 0xd2;

/// A server, a key of it, a ciphertext under that key, and what was encrypted.
struct Checked {
    client: Client,
    region: String,
    key_arn: String,
    context: EncryptionContext,
    share: Secret,
    ciphertext: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, region, key_arn, other_key_arn, pending_key_arn] = arguments.as_slice() else {
        return Err("usage: check_answers ENDPOINT REGION KEY_ARN OTHER_KEY_ARN PENDING_KEY_ARN".into());
    };
    let secret = Secret::copy_from(b"unchecked");
    let client = Client::builder()
        .credentials(Credentials::new("AKIAEXAMPLEEXAMPLE00", secret, None)?)
        .endpoint_url(endpoint)
        .build()?;
    let checked = Checked::new(client, region, key_arn).await?;
    checked.releases_to_a_recipient().await?;
    checked.plaintexts_beside_recipient_are_refused().await?;
    checked.moves_and_describes(other_key_arn).await?;
    checked.names_refusals(other_key_arn, pending_key_arn).await
}

impl Checked {
    async fn new(client: Client, region: &str, key_arn: &str) -> Result<Self, Failure> {
        let context = EncryptionContext::from([("pcrseal:share".into(), "1/5".into())]);
        let share = Secret::copy_from(b"thirty-two bytes of a share key.");
        let request = EncryptRequest {
            key_id: key_arn,
            plaintext: &share,
            encryption_context: &context,
            grant_tokens: &[],
            dry_run: false,
        };
        let encrypted = client.encrypt(region, &request).await?;
        assert_eq!(encrypted.key_id, key_arn, "KeyId of Encrypt");
        let (region, key_arn) = (region.to_owned(), key_arn.to_owned());
        Ok(Self { client, region, key_arn, context, share, ciphertext: encrypted.ciphertext_blob })
    }

    fn decrypt<'a>(&'a self, recipient: Option<&'a [u8]>) -> DecryptRequest<'a> {
        DecryptRequest {
            key_id: &self.key_arn,
            ciphertext_blob: &self.ciphertext,
            encryption_context: &self.context,
            grant_tokens: &[],
            recipient,
            dry_run: false,
        }
    }

    async fn releases_to_a_recipient(&self) -> Result<(), Failure> {
        let answer = self.client.decrypt(&self.region, &self.decrypt(None)).await?;
        assert_eq!(answer.key_id, self.key_arn, "KeyId of Decrypt");
        assert!(matches!(&answer.released, Released::Plaintext(share) if share.ct_eq(self.share.expose())));

        let recipient = Recipient::generate(&aws_lc::BACKEND)?;
        let document = document(&recipient)?;
        let answer = self.client.decrypt(&self.region, &self.decrypt(Some(&document))).await?;
        assert_eq!(answer.key_id, self.key_arn, "KeyId of Decrypt with Recipient");
        // The emulator's CMS is not KMS's: it is opened by its own name alone.
        expect("LocalStack's CMS, taken for KMS's", answer.released.open(&recipient), Code::CmsVersion)?;
        let opened = answer.released.open_issuer_and_serial_number(&recipient)?;
        assert!(opened.ct_eq(self.share.expose()), "Decrypt with Recipient released something else");
        let stranger = Recipient::generate(&aws_lc::BACKEND)?;
        let opened = answer.released.open_issuer_and_serial_number(&stranger);
        expect("the same, by another recipient", opened, Code::Rejected)?;
        println!("  released and opened: Encrypt, Decrypt, Decrypt with Recipient");
        Ok(())
    }

    /// A server that ignores `Recipient` answers with the plaintext: nobody may take that for an attested answer.
    async fn plaintexts_beside_recipient_are_refused(&self) -> Result<(), Failure> {
        let code = Code::KmsPlaintextBesideRecipient;
        let document = document(&Recipient::generate(&aws_lc::BACKEND)?)?;
        let tagged = [&[TAG_COSE_SIGN1], document.as_slice()].concat();
        for (what, recipient) in [("a tagged document", tagged.as_slice()), ("no document", b"no document")] {
            let answer = self.client.decrypt(&self.region, &self.decrypt(Some(recipient))).await;
            expect(&format!("Decrypt with {what}"), answer, code)?;
        }
        let request = GenerateDataKeyRequest {
            key_id: &self.key_arn,
            spec: DataKeySpec::Aes256,
            encryption_context: &self.context,
            grant_tokens: &[],
            recipient: Some(&document),
            dry_run: false,
        };
        let answer = self.client.generate_data_key(&self.region, &request).await;
        expect("GenerateDataKey with Recipient", answer, code)?;
        let request = GenerateDataKeyPairRequest {
            key_id: &self.key_arn,
            spec: DataKeyPairSpec::EccNistP256,
            encryption_context: &self.context,
            grant_tokens: &[],
            recipient: Some(&document),
            dry_run: false,
        };
        let answer = self.client.generate_data_key_pair(&self.region, &request).await;
        expect("GenerateDataKeyPair with Recipient", answer, code)?;
        let request = GenerateRandomRequest {
            number_of_bytes: 32,
            custom_key_store_id: None,
            recipient: Some(&document),
        };
        expect(
            "GenerateRandom with Recipient",
            self.client.generate_random(&self.region, &request).await,
            code,
        )
    }

    async fn moves_and_describes(&self, other_key_arn: &str) -> Result<(), Failure> {
        let request = ReEncryptRequest {
            ciphertext_blob: &self.ciphertext,
            source_key_id: &self.key_arn,
            source_encryption_context: &self.context,
            destination_key_id: other_key_arn,
            destination_encryption_context: &self.context,
            grant_tokens: &[],
            dry_run: false,
        };
        let moved = self.client.re_encrypt(&self.region, &request).await?;
        let request = DecryptRequest {
            key_id: other_key_arn,
            ciphertext_blob: &moved.ciphertext_blob,
            ..self.decrypt(None)
        };
        let answer = self.client.decrypt(&self.region, &request).await?;
        assert!(matches!(&answer.released, Released::Plaintext(share) if share.ct_eq(self.share.expose())));

        let request = DescribeKeyRequest { key_id: &self.key_arn, grant_tokens: &[] };
        let metadata = self.client.describe_key(&self.region, &request).await?;
        assert_eq!((metadata.arn.as_str(), metadata.enabled), (self.key_arn.as_str(), true));
        println!("  answered: ReEncrypt, DescribeKey");
        Ok(())
    }

    async fn names_refusals(&self, other_key_arn: &str, pending_key_arn: &str) -> Result<(), Failure> {
        let (client, region) = (&self.client, self.region.as_str());
        let other_context = EncryptionContext::from([("pcrseal:share".into(), "2/5".into())]);
        let request = DecryptRequest { encryption_context: &other_context, ..self.decrypt(None) };
        let answer = client.decrypt(region, &request).await;
        expect("Decrypt in another context", answer, Code::KmsInvalidCiphertext)?;
        let request = DecryptRequest { key_id: other_key_arn, ..self.decrypt(None) };
        expect("Decrypt under another key", client.decrypt(region, &request).await, Code::KmsIncorrectKey)?;
        let unknown = self.key_arn.replace("key/", "key/00000000-");
        let request = DescribeKeyRequest { key_id: &unknown, grant_tokens: &[] };
        let answer = client.describe_key(region, &request).await;
        expect("DescribeKey of a key that is not there", answer, Code::KmsNotFound)?;
        let request = GenerateDataKeyRequest {
            key_id: pending_key_arn,
            spec: DataKeySpec::Aes256,
            encryption_context: &self.context,
            grant_tokens: &[],
            recipient: None,
            dry_run: false,
        };
        let answer = client.generate_data_key(region, &request).await;
        expect("a key pending deletion", answer, Code::KmsKeyPendingDeletion)?;

        client.disable_key(region, &DisableKeyRequest { key_id: &self.key_arn }).await?;
        let answer = client.decrypt(region, &self.decrypt(None)).await;
        expect("a disabled key", answer, Code::KmsKeyDisabled)?;
        client.enable_key(region, &EnableKeyRequest { key_id: &self.key_arn }).await?;
        client.decrypt(region, &self.decrypt(None)).await?;
        println!("  enabled again: EnableKey, Decrypt");
        Ok(())
    }
}

/// An attestation document for the recipient's key, as an enclave would ask for it.
fn document(recipient: &Recipient) -> Result<Vec<u8>, Failure> {
    let image = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
    let enclave = Nsm::boot(&Authority::new(&Clock::system())?, NsmConfig::new(image))?;
    let request = AttestationRequest { public_key: Some(recipient.public_key_der()), ..Default::default() };
    Ok(enclave.attest(&request)?)
}

fn expect<T>(what: &str, answer: Result<T, Error>, code: Code) -> Result<(), Failure> {
    match answer {
        Err(error) if error.code() == code => {
            println!("  refused: {what}: {}", code.name());
            Ok(())
        }
        Err(error) => Err(format!("{what}: expected {}, found: {error}", code.name()).into()),
        Ok(_) => Err(format!("{what}: expected {}, found an answer", code.name()).into()),
    }
}
