//! Decrypts one ciphertext with pcrseal's client: the program that a user would write.
//!
//! `decrypt-pcrseal ENDPOINT KEY_ARN CIPHERTEXT_FILE`, with credentials in the environment and, for an https
//! endpoint, the file of its root certificates in `SSL_CERT_FILE`; prints the plaintext's length. Beside it stands
//! the same program over the AWS SDK, which reads the same variables.

use std::error::Error;
use std::sync::Arc;

use pcrseal_kms::Client;
use pcrseal_kms::credentials::EnvironmentCredentials;
use pcrseal_kms::wire::{DecryptRequest, Released};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, key_arn, file] = arguments.as_slice() else {
        return Err("usage: decrypt-pcrseal ENDPOINT KEY_ARN CIPHERTEXT_FILE".into());
    };
    let region = key_arn.split(':').nth(3).ok_or("KEY_ARN is not the ARN of a key")?;
    let credentials = Arc::new(EnvironmentCredentials::new());
    let mut builder = Client::builder().credentials_provider(credentials).endpoint_url(endpoint);
    if let Some(roots) = std::env::var_os("SSL_CERT_FILE") {
        builder = builder.root_certificates_pem(&std::fs::read(roots)?);
    }
    let client = builder.build()?;
    let request = DecryptRequest {
        key_id: key_arn,
        ciphertext_blob: &std::fs::read(file)?,
        encryption_context: &[("purpose".into(), "measurement".into())].into(),
        recipient: None,
        grant_tokens: &[],
        dry_run: false,
    };
    let answer = client.decrypt(region, &request).await?;
    let Released::Plaintext(plaintext) = answer.released else {
        return Err("no Plaintext".into());
    };
    println!("{} bytes", plaintext.len());
    Ok(())
}
