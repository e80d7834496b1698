//! The memory of one client with a warm connection to each of several endpoints.
//!
//! `memory-pcrseal ENDPOINT=KEY_ARN...`, the endpoints of keys in regions of their own, with credentials in the
//! environment and the endpoints' root certificates in `SSL_CERT_FILE`. Prints the process's anonymous memory in bytes
//! (the heaps of Rust and of AWS-LC, and stacks; proc_pid_status(5): `RssAnon`). That is more than the client's: the
//! runtime's and what AWS-LC needed to seed itself is in it.

use std::error::Error;
use std::sync::Arc;

use pcrseal_kms::Client;
use pcrseal_kms::credentials::EnvironmentCredentials;
use pcrseal_kms::wire::DescribeKeyRequest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Arc::new(EnvironmentCredentials::new());
    let roots = std::fs::read(std::env::var("SSL_CERT_FILE")?)?;
    let mut builder = Client::builder().credentials_provider(credentials).root_certificates_pem(&roots);
    let mut keys = Vec::new();
    for argument in std::env::args().skip(1) {
        let (endpoint, key_arn) = argument.split_once('=').ok_or("an argument is ENDPOINT=KEY_ARN")?;
        let region = key_arn.split(':').nth(3).ok_or("KEY_ARN is not the ARN of a key")?;
        builder = builder.region_endpoint_url(region, endpoint);
        keys.push((region.to_owned(), key_arn.to_owned()));
    }
    let client = builder.build()?;
    for (region, key_id) in &keys {
        client.describe_key(region, &DescribeKeyRequest { key_id, grant_tokens: &[] }).await?;
    }
    println!("memory {}", anonymous_memory()?);
    drop(client);
    Ok(())
}

fn anonymous_memory() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
