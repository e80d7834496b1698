//! pcrseal's client over what a host with the AWS SDK has already: the SDK's HTTP connector and its credentials.
//! `scripts/interop-aws-sdk.sh` runs it against the emulator.
//!
//! `lent-by-aws-sdk ENDPOINT`, with credentials in the environment.

use std::error::Error;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::Client;
use pcrseal_kms::aws_sdk::{AwsSdkCredentials, AwsSdkTransport};
use pcrseal_kms::wire::{DecryptRequest, EncryptRequest, EncryptionContext, Released};

const REGION: &str = "eu-central-1";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = std::env::args().nth(1).ok_or("usage: lent-by-aws-sdk ENDPOINT")?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(&endpoint)
        .load()
        .await;
    let created = aws_sdk_kms::Client::new(&config).create_key().send().await?;
    let key_id = created.key_metadata().and_then(|key| key.arn()).ok_or("CreateKey: no Arn")?;

    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
    let credentials = config.credentials_provider().ok_or("the SDK found no credentials")?;
    let client = Client::builder()
        .authenticated_transport(Arc::new(AwsSdkTransport::new(connector)))
        .credentials_provider(Arc::new(AwsSdkCredentials::new(credentials)))
        .endpoint_url(&endpoint)
        .build()?;

    let plaintext = Secret::copy_from(b"thirty-two bytes of a share key.");
    let context = EncryptionContext::from([("pcrseal:share".into(), "1/5".into())]);
    let request = EncryptRequest {
        key_id,
        plaintext: &plaintext,
        encryption_context: &context,
        grant_tokens: &[],
        dry_run: false,
    };
    let encrypted = client.encrypt(REGION, &request).await?;
    let request = DecryptRequest {
        key_id,
        ciphertext_blob: &encrypted.ciphertext_blob,
        encryption_context: &context,
        grant_tokens: &[],
        recipient: None,
        dry_run: false,
    };
    let decrypted = client.decrypt(REGION, &request).await?;
    assert!(matches!(&decrypted.released, Released::Plaintext(opened) if opened.ct_eq(plaintext.expose())));

    let other = EncryptionContext::new();
    let refused = client.decrypt(REGION, &DecryptRequest { encryption_context: &other, ..request }).await;
    let code = refused.err().ok_or("Decrypt in another context was answered")?.code();
    assert_eq!(code, Code::KmsInvalidCiphertext);
    println!("  pcrseal over the SDK's connector and credentials: Encrypt, Decrypt, a refusal");
    Ok(())
}
