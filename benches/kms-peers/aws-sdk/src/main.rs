//! Decrypts one ciphertext with the AWS SDK: the program that a user would write.
//!
//! `decrypt-aws-sdk ENDPOINT KEY_ARN CIPHERTEXT_FILE`, with credentials in the environment; prints the plaintext's
//! length. Beside it stands the same program over pcrseal's client.

use std::error::Error;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::primitives::Blob;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, key_arn, file] = arguments.as_slice() else {
        return Err("usage: decrypt-aws-sdk ENDPOINT KEY_ARN CIPHERTEXT_FILE".into());
    };
    let region = key_arn.split(':').nth(3).ok_or("KEY_ARN is not the ARN of a key")?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .load()
        .await;
    let client = aws_sdk_kms::Client::new(&config);
    let answer = client
        .decrypt()
        .key_id(key_arn)
        .ciphertext_blob(Blob::new(std::fs::read(file)?))
        .encryption_context("purpose", "measurement")
        .send()
        .await?;
    println!("{} bytes", answer.plaintext().ok_or("no Plaintext")?.as_ref().len());
    Ok(())
}
