//! The main job, end to end: a master key is sealed under a 3-of-5 quorum of KMS keys and unsealed again
//! after a restart. Everything is real but the hardware and AWS: HTTP, signatures, attestation documents, CMS.
//!
//! `cargo run --release --example seal_unseal`

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pcrseal::core::error::Detail;
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::secret::Secret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::Credentials;
use pcrseal::{AutoUnseal, Code, Outcome, Report};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{KeyHandle, KeyOptions, KeyPolicy, Kms, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};

const ROLE: &str = "arn:aws:iam::111122223333:role/vault-enclave-prod-eu-central-1";
const ACCESS_KEY_ID: &str = "ASIAEXAMPLEEXAMPLE00";
const SECRET_ACCESS_KEY: &str = "an/example/secret/access/key/of/40/chars";
const SESSION_TOKEN: &str = "example-session-token";

/// Five regions, five accounts, and how many milliseconds each takes to answer.
const KEYS: [(&str, &str, u64); 5] = [
    ("eu-central-1", "111122223333", 5),
    ("eu-west-1", "222233334444", 15),
    ("us-east-1", "333344445555", 40),
    ("us-west-2", "444455556666", 80),
    ("ap-southeast-2", "555566667777", 120),
];

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let start = Instant::now();
    let authority = Authority::new(&Clock::system())?;
    let image = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
    let (aws, keys) = aws(&authority, &image).await?;

    println!("Sealing a new 32-byte master key, 3 of 5");
    let sealed = enclave(&authority, &aws, &keys, image)?.seal_generated(32, &[]).await?;
    let master_key = sealed.opened.into_secret();
    println!("  a blob of {} bytes, proven by unsealing it once:", sealed.blob.len());
    print(&sealed.report);
    let blob = sealed.blob;

    println!("\nUnsealing after a restart: a new enclave of the same image");
    let unsealed = enclave(&authority, &aws, &keys, image)?.unseal(&blob).await?;
    print(&unsealed.report);
    check(unsealed.opened.secret().ct_eq(master_key.expose()), "the same master key came back")?;
    check(unsealed.report.count(Outcome::Granted) == 3, "three shares were enough")?;

    println!("\nUnsealing in an enclave of another image, whose PCR2 differs");
    let before = requests(&keys);
    let drifted = [image[0], image[1], Pcr::new([0xee; 48])];
    let refusal = enclave(&authority, &aws, &keys, drifted)?.unseal(&blob).await;
    let refusal = refusal.err().ok_or("a drifted enclave unsealed the blob")?;
    println!("  {refusal}");
    check(refusal.code() == Code::PcrDrift && drifted_pcrs(&refusal) == [2], "refused, naming PCR2")?;
    check(requests(&keys) == before, "no request was made")?;

    println!("\nUnsealing with two of the five keys disabled");
    keys.iter().take(2).for_each(KeyHandle::disable);
    let unsealed = enclave(&authority, &aws, &keys, image)?.unseal(&blob).await?;
    print(&unsealed.report);
    check(unsealed.opened.secret().ct_eq(master_key.expose()), "the other three still finish the job")?;
    check(unsealed.report.count(Outcome::KeyDisabled) == 2, "the report names the disabled keys")?;

    println!("\nAll of it held, in {} ms.", start.elapsed().as_millis());
    Ok(())
}

/// The emulated AWS: five keys that release shares to this role and this image alone.
async fn aws(authority: &Authority, image: &[Pcr; 3]) -> Result<(Kms, Vec<KeyHandle>), Failure> {
    let aws = Kms::builder().authority(authority).clock(authority.clock()).start().await?;
    aws.add_principal(Principal::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, ROLE)?.session_token(SESSION_TOKEN));
    let mut keys = Vec::new();
    for (region, account, delay) in KEYS {
        let policy = KeyPolicy::attested(PcrIndex::all().zip(image)).principal(ROLE);
        let arn = aws.create_key(region, account, KeyOptions::new(policy))?;
        let key = aws.key(&arn).ok_or("a key that was just made")?;
        key.set_delay(Duration::from_millis(delay));
        keys.push(key);
    }
    Ok((aws, keys))
}

/// A freshly booted enclave. What it trusts is built into its image; the blob alone comes from outside.
fn enclave(
    authority: &Authority,
    aws: &Kms,
    keys: &[KeyHandle],
    image: [Pcr; 3],
) -> Result<AutoUnseal<Client>, Failure> {
    let nsm = Nsm::boot(authority, NsmConfig::new(image).role_arn(ROLE))?;
    let secret = |text: &str| Secret::copy_from(text.as_bytes());
    let (key, token) = (secret(SECRET_ACCESS_KEY), secret(SESSION_TOKEN));
    let kms = Client::builder()
        .credentials(Credentials::new(ACCESS_KEY_ID, key, Some(token))?)
        .endpoint_url(&aws.endpoint())
        .build()?;
    let keys = keys.iter().map(|key| KeyArn::new(key.arn())).collect::<Result<_, _>>()?;
    let policy = TrustPolicy::builder(ClusterId::new("prod-eu-central-1-vault")?)
        .seal_quorum(Quorum::new(3, keys, Wrapping::Attested)?)
        .build()?;
    Ok(AutoUnseal::new(Arc::new(nsm), kms, policy))
}

fn requests(keys: &[KeyHandle]) -> u64 {
    keys.iter().map(KeyHandle::total_requests).sum()
}

fn drifted_pcrs(refusal: &pcrseal::Error) -> Vec<u8> {
    match refusal.fault().detail() {
        Detail::Pcrs(pcrs) => pcrs.iter().map(|pcr| pcr.index.get()).collect(),
        _ => Vec::new(),
    }
}

fn print(report: &Report) {
    for row in &report.keys {
        let elapsed = row.elapsed.map_or("-".into(), |elapsed| format!("{} ms", elapsed.as_millis()));
        println!("  {:<16} {:<14} {elapsed:>8}", row.key.region(), row.outcome);
    }
}

fn check(held: bool, what: &str) -> Result<(), Failure> {
    println!("  {} {what}", if held { "ok:" } else { "NOT SO:" });
    if held { Ok(()) } else { Err(what.into()) }
}
