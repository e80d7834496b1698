//! What the binary sets up for a program that seals and unseals with pcrseal: keys, and a configuration that names them.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{self, Path, PathBuf};

use pcrseal_core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Kms};
use serde_json::json;

/// How many keys a session can have: a single one is no quorum, and there are no more regions here.
pub(crate) const KEYS: RangeInclusive<usize> = 2..=REGIONS.len();

/// Where the keys are, one each: regions that every account has.
const REGIONS: [&str; 16] = [
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-2",
    "ap-northeast-1",
    "eu-north-1",
    "us-east-2",
    "eu-west-2",
    "ap-southeast-2",
    "ca-central-1",
    "eu-west-3",
    "us-west-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-northeast-2",
    "sa-east-1",
];

/// Creates the keys. Their policy is what sealing demands: data keys for the enclave of this image alone, and nothing for
/// a forger (Encrypt, `ReEncrypt`, data keys without attestation).
pub(crate) fn create_keys(
    kms: &Kms,
    account: &str,
    number: usize,
    image: &[Pcr; 3],
) -> Result<Vec<String>, Box<dyn Error>> {
    let policy = KeyPolicy::attested(PcrIndex::all().zip(image));
    let mut keys = Vec::new();
    for region in REGIONS.iter().take(number) {
        keys.push(kms.create_key(region, account, KeyOptions::new(policy.clone()))?);
    }
    Ok(keys)
}

/// The configuration of a session under these keys, of which more than half are needed.
pub(crate) fn document(
    endpoint: &str,
    (access_key_id, secret_access_key): (&str, &str),
    nsm_socket: &Path,
    keys: &[String],
) -> Result<String, Box<dyn Error>> {
    // Whoever reads it may be in another folder.
    let socket = path::absolute(nsm_socket)?;
    let socket = socket.to_str().ok_or("--nsm-socket is not UTF-8, and JSON is")?;
    let document = json!({
        "cluster": "emulator",
        "seal_quorum": { "threshold": keys.len() / 2 + 1, "keys": keys, "wrapping": "attested" },
        "attester": { "kind": "nsm_socket", "path": socket },
        "clock": "attested",
        "kms": { "endpoint": endpoint },
        "credentials": {
            "source": "static",
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
        },
    });
    Ok(format!("{document:#}\n"))
}

/// Removes what an earlier run left at the place of the document.
pub(crate) fn remove(file: &Path) -> Result<(), String> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file that appears whole or not at all, for this user alone.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), String> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut output| output.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&unfinished, file));
    written.map_err(|error| {
        // It may be that there is none.
        let _ = fs::remove_file(&unfinished);
        format!("cannot write {}: {error}", file.display())
    })
}
