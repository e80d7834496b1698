//! The CPU time of this process, step by step, with pcrseal's client.
//!
//! `steps ENDPOINT KEY_ARN CIPHERTEXT_FILE DOCUMENT_FILE WARM_REQUESTS`, with credentials in the environment. Prints
//! nanoseconds of user and system time of all threads: AWS-LC's seeding, a client's
//! construction, construction and first request, then one warm Decrypt with Recipient and one warm Encrypt.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use pcrseal_core::secret::Secret;
use pcrseal_kms::Client;
use pcrseal_kms::credentials::EnvironmentCredentials;
use pcrseal_kms::wire::{DecryptRequest, EncryptRequest, EncryptionContext, Released};

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
    let credentials = Arc::new(EnvironmentCredentials::new());
    let mut builder = Client::builder().credentials_provider(credentials).endpoint_url(endpoint);
    if let Some(roots) = std::env::var_os("SSL_CERT_FILE") {
        builder = builder.root_certificates_pem(&std::fs::read(roots)?);
    }
    let client = builder.build()?;
    let constructed = cpu_time()? - start;
    decrypt(&client, region, key_arn, &ciphertext, &document).await?;
    let first = cpu_time()? - start;
    let peak_rss = peak_rss()?;

    for _ in 0..warm / 10 {
        decrypt(&client, region, key_arn, &ciphertext, &document).await?;
        encrypt(&client, region, key_arn).await?;
    }
    let start = cpu_time()?;
    for _ in 0..warm {
        decrypt(&client, region, key_arn, &ciphertext, &document).await?;
    }
    let decrypted = cpu_time()? - start;
    let start = cpu_time()?;
    for _ in 0..warm {
        encrypt(&client, region, key_arn).await?;
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
    region: &str,
    key_id: &str,
    ciphertext_blob: &[u8],
    document: &[u8],
) -> Result<(), Box<dyn Error>> {
    let request = DecryptRequest {
        key_id,
        ciphertext_blob,
        encryption_context: &context(),
        recipient: Some(document),
        grant_tokens: &[],
        dry_run: false,
    };
    match client.decrypt(region, &request).await?.released {
        Released::ForRecipient(_) => Ok(()),
        _ => Err("no CiphertextForRecipient".into()),
    }
}

async fn encrypt(client: &Client, region: &str, key_id: &str) -> Result<(), Box<dyn Error>> {
    let plaintext = Secret::copy_from(&[7; 32]);
    let request = EncryptRequest {
        key_id,
        plaintext: &plaintext,
        encryption_context: &context(),
        grant_tokens: &[],
        dry_run: false,
    };
    client.encrypt(region, &request).await?;
    Ok(())
}

fn context() -> EncryptionContext {
    [("purpose".into(), "measurement".into())].into()
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
