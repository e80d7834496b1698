//! The CPU time of this process, step by step, with the AWS SDK.
//!
//! `steps ENDPOINT KEY_ARN CIPHERTEXT_FILE DOCUMENT_FILE WARM_REQUESTS`, with credentials in the environment. Prints
//! nanoseconds of user and system time of all threads: AWS-LC's seeding, a client's
//! construction (credentials are found on the first request), construction and first request, then one warm Decrypt with Recipient and one warm Encrypt.

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyEncryptionMechanism, RecipientInfo};
use nix::time::{ClockId, clock_gettime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, key_arn, ciphertext, document, warm] = arguments.as_slice() else {
        return Err("usage: steps ENDPOINT KEY_ARN CIPHERTEXT_FILE DOCUMENT_FILE WARM_REQUESTS".into());
    };
    let region = key_arn.split(':').nth(3).ok_or("KEY_ARN is not the ARN of a key")?;
    let (ciphertext, document) = (std::fs::read(ciphertext)?, std::fs::read(document)?);
    let warm: u32 = warm.parse()?;

    // Both clients' TLS draws its first random bytes here, which makes AWS-LC collect its seed from the CPU's jitter:
    // tens of milliseconds once per process, whatever client is above it.
    let start = cpu_time()?;
    aws_lc_rs::rand::fill(&mut [0; 32])?;
    let seeded = cpu_time()? - start;

    let start = cpu_time()?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .load()
        .await;
    let client = Client::new(&config);
    let constructed = cpu_time()? - start;
    decrypt(&client, key_arn, &ciphertext, &document).await?;
    let first = cpu_time()? - start;
    let peak_rss = peak_rss()?;

    for _ in 0..warm / 10 {
        decrypt(&client, key_arn, &ciphertext, &document).await?;
        encrypt(&client, key_arn).await?;
    }
    let start = cpu_time()?;
    for _ in 0..warm {
        decrypt(&client, key_arn, &ciphertext, &document).await?;
    }
    let decrypted = cpu_time()? - start;
    let start = cpu_time()?;
    for _ in 0..warm {
        encrypt(&client, key_arn).await?;
    }
    let encrypted = cpu_time()? - start;

    println!("seeding {}", seeded.as_nanos());
    println!("construction {}", constructed.as_nanos());
    println!("first {}", first.as_nanos());
    println!("peak-rss {peak_rss}");
    println!("decrypt {}", (decrypted / warm).as_nanos());
    println!("encrypt {}", (encrypted / warm).as_nanos());
    Ok(())
}

async fn decrypt(
    client: &Client,
    key: &str,
    ciphertext: &[u8],
    document: &[u8],
) -> Result<(), Box<dyn Error>> {
    let recipient = RecipientInfo::builder()
        .key_encryption_algorithm(KeyEncryptionMechanism::RsaesOaepSha256)
        .attestation_document(Blob::new(document))
        .build();
    let answer = client
        .decrypt()
        .key_id(key)
        .ciphertext_blob(Blob::new(ciphertext))
        .encryption_context("purpose", "measurement")
        .recipient(recipient)
        .send()
        .await?;
    answer.ciphertext_for_recipient().map(|_| ()).ok_or_else(|| "no CiphertextForRecipient".into())
}

async fn encrypt(client: &Client, key: &str) -> Result<(), Box<dyn Error>> {
    let answer = client
        .encrypt()
        .key_id(key)
        .plaintext(Blob::new([7; 32]))
        .encryption_context("purpose", "measurement")
        .send()
        .await?;
    answer.ciphertext_blob().map(|_| ()).ok_or_else(|| "no CiphertextBlob".into())
}

fn cpu_time() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from)
}

/// The largest resident set so far, in bytes (proc_pid_status(5): `VmHWM`, in kibibytes).
fn peak_rss() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
