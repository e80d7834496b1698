//! The verdict on certificate chains, against OpenSSL's: the same faults, the same root, the same time. Where the
//! two differ by design, the table says why; a difference that it does not list fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::backends::fast;
use common::certificates::AT;
use common::chain_faults::{OpenSsl, chain_cases};
use common::documents::{Parts, each_genuine, verify_at_ms};
use common::issuer::{Alter, Chain, make, make_with};
use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};

/// The version that is installed, if it is one that the table knows.
fn openssl() -> Option<String> {
    let output = Command::new("openssl").arg("version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match version {
        Ok(version) if version.starts_with("OpenSSL 3.") => Some(version),
        Ok(version) => {
            println!("skipped: OpenSSL 3 is wanted, and this is {version:?}");
            None
        }
        Err(error) => {
            println!("skipped: no openssl here ({error})");
            None
        }
    }
}

fn pem(ders: &[Vec<u8>]) -> String {
    let mut pem = String::new();
    for der in ders {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in STANDARD.encode(der).as_bytes().chunks(64) {
            pem.push_str(std::str::from_utf8(line).unwrap());
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}

/// Whether OpenSSL accepts the chain (root first, leaf last) under this root, and what it printed.
fn openssl_accepts(folder: &Path, root: &[u8], certificates: &[Vec<u8>], at: u64) -> (bool, String) {
    let write = |name: &str, ders: &[Vec<u8>]| {
        let path = folder.join(name);
        fs::write(&path, pem(ders)).unwrap();
        path
    };
    let (leaf, cabundle) = certificates.split_last().unwrap();
    let output = Command::new("openssl")
        .env("OPENSSL_CONF", "/dev/null")
        .args(["verify", "-no-CApath", "-no-CAstore", "-attime", &at.to_string()])
        .arg("-CAfile")
        .arg(write("root.pem", &[root.to_vec()]))
        .arg("-untrusted")
        .arg(write("cabundle.pem", cabundle))
        .arg(write("leaf.pem", std::slice::from_ref(leaf)))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn chains_with_every_fault() {
    let Some(version) = openssl() else { return };
    let folder = folder("openssl-faults");
    let cases = chain_cases();
    let mut wrong = Vec::new();
    let mut differences: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let made = make(&case.alter);
        let ours = AttestationDocument::parse(&made.document)
            .and_then(|document| document.verify(&[&made.root], AT * 1000, &fast()).map(|_| ()));
        assert_eq!(ours.is_ok(), case.expected.is_ok(), "{}", case.name);
        let (accepts, printed) = openssl_accepts(&folder, &made.root, &made.certificates, AT);
        let agrees = accepts == ours.is_ok();
        if let OpenSsl::Differs(reason) = case.openssl {
            *differences.entry(reason).or_default() += 1;
        }
        if agrees != (case.openssl == OpenSsl::Agrees) {
            wrong.push(format!("{}: ours {ours:?}, OpenSSL's: {printed}", case.name));
        }
    }
    println!("{} chains, {version}; differences by design:", cases.len());
    for (reason, count) in differences {
        println!("  {count}: {reason}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn chains_of_every_length() {
    if openssl().is_none() {
        return;
    }
    let folder = folder("openssl-lengths");
    for authorities in 1..=7 {
        let made = make_with(&Chain::with_authorities(authorities), &Alter::Nothing);
        let document = AttestationDocument::parse(&made.document).unwrap();
        document.verify(&[&made.root], AT * 1000, &fast()).unwrap();
        let (accepts, printed) = openssl_accepts(&folder, &made.root, &made.certificates, AT);
        assert!(accepts, "{authorities}: {printed}");
    }
}

/// Genuine chains, at the time of their document and in the seconds around the ends of their validity.
#[test]
fn genuine_chains() {
    if openssl().is_none() {
        return;
    }
    let folder = folder("openssl-genuine");
    each_genuine(|document, facts| {
        let mut parts = Parts::of(document);
        let mut certificates = parts.cabundle();
        certificates.push(parts.certificate());
        let parsed = AttestationDocument::parse(document).unwrap();
        let verify = |at: u64| parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at * 1000, &fast());
        let at = verify_at_ms(facts) / 1000;
        let verified = verify(at).unwrap();
        let (first, last) = (verified.chain_not_before(), verified.chain_not_after());
        for (at, ours, theirs) in [
            (at, true, true),
            (first, true, true),
            (first - 1, false, false),
            (last - 1, true, true),
            // RFC 5280 section 4.1.2.5: "inclusive". OpenSSL's end is exclusive.
            (last, true, false),
            (last + 1, false, false),
        ] {
            assert_eq!(verify(at).is_ok(), ours, "{at}");
            let (accepts, printed) = openssl_accepts(&folder, AWS_NITRO_ENCLAVES_ROOT_G1, &certificates, at);
            assert_eq!(accepts, theirs, "{at}: {printed}");
        }
    });
}
