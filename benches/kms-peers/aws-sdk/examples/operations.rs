//! What the AWS SDK for Rust must be able to do with the emulator, in every operation that it serves.
//! `scripts/interop-aws-sdk.sh` starts both.
//!
//! `operations ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY`

use std::error::Error;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Credentials;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    DataKeyPairSpec, DataKeySpec, KeyAgreementAlgorithmSpec, KeyEncryptionMechanism, KeySpec, KeyState,
    KeyUsageType, RecipientInfo,
};

type Failure = Box<dyn Error>;

const CONTEXT: (&str, &str) = ("purpose", "naïve \"context\"");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, access_key_id, secret_access_key] = arguments.as_slice() else {
        return Err("usage: operations ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY".into());
    };
    let kms = client(endpoint, access_key_id, secret_access_key).await;
    let key = symmetric_keys(&kms).await?;
    data_keys(&kms, &key).await?;
    re_encryption(&kms, &key).await?;
    key_agreement(&kms).await?;
    policies(&kms, &key).await?;
    life_of_a_key(&kms, &key).await?;
    documents_that_are_none(&kms, &key).await?;

    let wrong_secret = client(endpoint, access_key_id, "guess").await;
    refused("InvalidSignatureException", wrong_secret.describe_key().key_id(&key).send().await)?;
    let stranger = client(endpoint, "AKIAEXAMPLENOBODY000", secret_access_key).await;
    refused("UnrecognizedClientException", stranger.describe_key().key_id(&key).send().await)
}

/// The SDK as it comes, but for the number of attempts: an error that would be retried counts as one, too.
async fn client(endpoint: &str, access_key_id: &str, secret_access_key: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(access_key_id, secret_access_key, None, None, "arguments"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    Client::new(&config)
}

async fn symmetric_keys(kms: &Client) -> Result<String, Failure> {
    let created = kms.create_key().description("of the SDK").send().await?;
    let created = created.key_metadata().ok_or("CreateKey: no KeyMetadata")?;
    let key = created.arn().ok_or("CreateKey: no Arn")?.to_owned();
    let described = kms.describe_key().key_id(&key).send().await?;
    let described = described.key_metadata().ok_or("DescribeKey: no KeyMetadata")?;
    assert_eq!(described, created);
    assert_eq!(described.key_state(), Some(&KeyState::Enabled));
    assert_eq!(described.key_spec(), Some(&KeySpec::SymmetricDefault));
    assert_eq!(described.description(), Some("of the SDK"));
    assert_eq!(described.multi_region(), Some(false));
    let age = SystemTime::now().duration_since((*described.creation_date().ok_or("no date")?).try_into()?)?;
    assert!(age < Duration::from_secs(60), "CreationDate: {age:?} ago");

    let sealed = encrypt(kms, &key, b"a share").await?;
    assert_eq!(decrypt(kms, &key, &sealed).await?, b"a share");
    refused(
        "InvalidCiphertextException",
        kms.decrypt().ciphertext_blob(Blob::new(&*sealed)).key_id(&key).send().await,
    )?;
    let other = kms.create_key().send().await?;
    let other = other.key_metadata().and_then(|key| key.arn()).ok_or("CreateKey: no Arn")?;
    let under_other =
        kms.decrypt().ciphertext_blob(Blob::new(&*sealed)).encryption_context(CONTEXT.0, CONTEXT.1);
    refused("IncorrectKeyException", under_other.key_id(other).send().await)?;
    refused("NotFoundException", kms.describe_key().key_id(key.replace("key/", "key/0")).send().await)?;
    let dry_run = kms.encrypt().key_id(&key).plaintext(Blob::new("x")).dry_run(true);
    refused("DryRunOperationException", dry_run.send().await)?;
    println!("  CreateKey, DescribeKey, Encrypt, Decrypt");
    Ok(key)
}

async fn data_keys(kms: &Client, key: &str) -> Result<(), Failure> {
    let generated = kms.generate_data_key().key_id(key).key_spec(DataKeySpec::Aes256);
    let generated = generated.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert_eq!(generated.key_id(), Some(key));
    let plaintext = bytes(generated.plaintext())?;
    assert_eq!(plaintext.len(), 32);
    assert_eq!(decrypt(kms, key, bytes(generated.ciphertext_blob())?).await?, plaintext);

    let hidden = kms.generate_data_key_without_plaintext().key_id(key).number_of_bytes(24);
    let hidden = hidden.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert_eq!(decrypt(kms, key, bytes(hidden.ciphertext_blob())?).await?.len(), 24);

    let spec = DataKeyPairSpec::EccNistP256;
    let pair = kms.generate_data_key_pair().key_id(key).key_pair_spec(spec.clone());
    let pair = pair.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert_eq!((pair.key_id(), pair.key_pair_spec()), (Some(key), Some(&spec)));
    let private = bytes(pair.private_key_plaintext())?;
    assert_eq!(decrypt(kms, key, bytes(pair.private_key_ciphertext_blob())?).await?, private);
    assert!(!bytes(pair.public_key())?.is_empty());

    let pair = kms.generate_data_key_pair_without_plaintext().key_id(key).key_pair_spec(spec);
    let pair = pair.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert!(!decrypt(kms, key, bytes(pair.private_key_ciphertext_blob())?).await?.is_empty());

    let random = kms.generate_random().number_of_bytes(1024).send().await?;
    assert_eq!(bytes(random.plaintext())?.len(), 1024);
    println!("  GenerateDataKey, GenerateDataKeyPair, both WithoutPlaintext, GenerateRandom");
    Ok(())
}

async fn re_encryption(kms: &Client, key: &str) -> Result<(), Failure> {
    let other = kms.create_key().send().await?;
    let other = other.key_metadata().and_then(|key| key.arn()).ok_or("CreateKey: no Arn")?;
    let sealed = encrypt(kms, key, b"moved").await?;
    let moved = kms
        .re_encrypt()
        .ciphertext_blob(Blob::new(sealed))
        .source_key_id(key)
        .source_encryption_context(CONTEXT.0, CONTEXT.1)
        .destination_key_id(other)
        .destination_encryption_context(CONTEXT.0, CONTEXT.1)
        .send()
        .await?;
    assert_eq!((moved.source_key_id(), moved.key_id()), (Some(key), Some(other)));
    assert_eq!(decrypt(kms, other, bytes(moved.ciphertext_blob())?).await?, b"moved");
    println!("  ReEncrypt");
    Ok(())
}

/// Two keys, each given the other's public half, agree.
async fn key_agreement(kms: &Client) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let created = kms.create_key().key_spec(KeySpec::EccNistP384).key_usage(KeyUsageType::KeyAgreement);
        let created = created.send().await?;
        let arn = created.key_metadata().and_then(|key| key.arn()).ok_or("CreateKey: no Arn")?.to_owned();
        let public = kms.get_public_key().key_id(&arn).send().await?;
        assert_eq!((public.key_id(), public.key_spec()), (Some(arn.as_str()), Some(&KeySpec::EccNistP384)));
        keys.push((arn, bytes(public.public_key())?.to_vec()));
    }
    let mut secrets = Vec::new();
    for ((own, _), (_, public)) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let derived = kms
            .derive_shared_secret()
            .key_id(own)
            .key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh)
            .public_key(Blob::new(&**public))
            .send()
            .await?;
        assert_eq!(derived.key_id(), Some(own.as_str()));
        secrets.push(bytes(derived.shared_secret())?.to_vec());
    }
    assert_eq!(secrets[0].len(), 48);
    assert_eq!(secrets[0], secrets[1]);
    let encrypting = kms.encrypt().key_id(&keys[0].0).plaintext(Blob::new("x")).send().await;
    refused("InvalidKeyUsageException", encrypting)?;
    println!("  GetPublicKey, DeriveSharedSecret");
    Ok(())
}

async fn policies(kms: &Client, key: &str) -> Result<(), Failure> {
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;
    kms.put_key_policy().key_id(key).policy_name("default").policy(document).send().await?;
    let stored = kms.get_key_policy().key_id(key).policy_name("default").send().await?;
    assert_eq!(stored.policy(), Some(document));
    let names = kms.list_key_policies().key_id(key).send().await?;
    assert_eq!(names.policy_names(), ["default"]);
    let malformed = kms.put_key_policy().key_id(key).policy("{").send().await;
    refused("MalformedPolicyDocumentException", malformed)?;
    println!("  PutKeyPolicy, GetKeyPolicy, ListKeyPolicies");
    Ok(())
}

async fn life_of_a_key(kms: &Client, key: &str) -> Result<(), Failure> {
    let sealed = encrypt(kms, key, b"kept").await?;
    let open =
        || kms.decrypt().ciphertext_blob(Blob::new(&*sealed)).encryption_context(CONTEXT.0, CONTEXT.1).send();
    kms.disable_key().key_id(key).send().await?;
    refused("DisabledException", open().await)?;
    kms.enable_key().key_id(key).send().await?;
    assert_eq!(bytes(open().await?.plaintext())?, b"kept");
    let scheduled = kms.schedule_key_deletion().key_id(key).pending_window_in_days(7).send().await?;
    let deletion: SystemTime = (*scheduled.deletion_date().ok_or("no DeletionDate")?).try_into()?;
    let days = deletion.duration_since(SystemTime::now())?.as_secs_f64() / 86_400.0;
    assert!((6.9..7.1).contains(&days), "DeletionDate in {days} days");
    refused("KMSInvalidStateException", open().await)?;
    kms.cancel_key_deletion().key_id(key).send().await?;
    let state = kms.describe_key().key_id(key).send().await?;
    assert_eq!(state.key_metadata().and_then(|key| key.key_state()), Some(&KeyState::Disabled));
    kms.enable_key().key_id(key).send().await?;
    println!("  DisableKey, EnableKey, ScheduleKeyDeletion, CancelKeyDeletion");
    Ok(())
}

/// `Recipient` reaches the server: every operation that takes one refuses garbage in it.
async fn documents_that_are_none(kms: &Client, key: &str) -> Result<(), Failure> {
    let recipient = RecipientInfo::builder()
        .key_encryption_algorithm(KeyEncryptionMechanism::RsaesOaepSha256)
        .attestation_document(Blob::new("no document"))
        .build();
    let code = "ValidationException";
    let sealed = encrypt(kms, key, b"x").await?;
    let decrypt = kms.decrypt().ciphertext_blob(Blob::new(sealed)).encryption_context(CONTEXT.0, CONTEXT.1);
    refused(code, decrypt.recipient(recipient.clone()).send().await)?;
    let data_key = kms.generate_data_key().key_id(key).key_spec(DataKeySpec::Aes256);
    refused(code, data_key.recipient(recipient.clone()).send().await)?;
    let pair = kms.generate_data_key_pair().key_id(key).key_pair_spec(DataKeyPairSpec::EccNistP256);
    refused(code, pair.recipient(recipient.clone()).send().await)?;
    refused(code, kms.generate_random().number_of_bytes(32).recipient(recipient).send().await)
}

async fn encrypt(kms: &Client, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = kms.encrypt().key_id(key).plaintext(Blob::new(plaintext));
    let answer = request.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert_eq!(answer.key_id(), Some(key));
    Ok(bytes(answer.ciphertext_blob())?.to_vec())
}

async fn decrypt(kms: &Client, key: &str, ciphertext: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = kms.decrypt().key_id(key).ciphertext_blob(Blob::new(ciphertext));
    let answer = request.encryption_context(CONTEXT.0, CONTEXT.1).send().await?;
    assert_eq!(answer.key_id(), Some(key));
    Ok(bytes(answer.plaintext())?.to_vec())
}

fn bytes(field: Option<&Blob>) -> Result<&[u8], Failure> {
    field.map(Blob::as_ref).ok_or_else(|| "a field of the answer is missing".into())
}

/// The call fails with this code, which the SDK knows, and names a request id.
fn refused<T, E>(code: &str, answer: Result<T, SdkError<E>>) -> Result<(), Failure>
where
    T: Debug,
    E: ProvideErrorMetadata + Error + 'static,
{
    match answer {
        Err(SdkError::ServiceError(error)) if error.err().code() == Some(code) => {
            let id = error.err().meta().request_id().ok_or_else(|| format!("{code} without a request id"))?;
            assert_eq!(id.len(), 36, "request id {id}");
            println!("  refused as expected: {code}");
            Ok(())
        }
        Err(error) => Err(format!("expected {code}, found {error:?}").into()),
        Ok(answer) => Err(format!("expected {code}, found {answer:?}").into()),
    }
}
