//! The example `verify_document`: as a function here, and as the program that `cargo test` built beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../examples/verify_document/command/mod.rs"]
mod command;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use command::{Outcome, run};
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig, measure};
use serde_json::{Value, json};

/// 2026-03-01T12:34:56.789Z.
const NOW_MS: u64 = 1_772_368_496_789;
const ROLE: &str = "arn:aws:iam::111122223333:role/test-enclave";

/// Files for one test, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pcrseal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> OsString {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.into_os_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An emulated document with two of the three optional fields, and what vouches for it.
fn emulated(config: NsmConfig) -> (Authority, Nsm, Vec<u8>) {
    let authority = Authority::new(&Clock::fixed(NOW_MS)).unwrap();
    let nsm = Nsm::boot(&authority, config).unwrap();
    let user_data = [0xab; 64];
    let request = AttestationRequest { public_key: None, user_data: Some(&user_data), nonce: Some(&[]) };
    let document = nsm.attest(&request).unwrap();
    (authority, nsm, document)
}

fn image() -> NsmConfig {
    NsmConfig::new([Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])]).role_arn(ROLE)
}

fn call(arguments: &[&OsString]) -> Outcome {
    run(arguments.iter().map(|&argument| argument.clone()), NOW_MS)
}

fn os(text: &str) -> OsString {
    text.into()
}

fn json_of(outcome: &Outcome) -> Value {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn refused(outcome: &Outcome) -> &str {
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{}", outcome.stderr);
    outcome.stderr.strip_prefix("refused: ").unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The value of a row of the table.
fn row<'a>(table: &'a str, name: &str) -> &'a str {
    let line = table.lines().find(|line| line.starts_with(&format!("{name}  "))).expect(name);
    line[name.len()..].trim_start()
}

#[test]
fn table() {
    let folder = Folder::new("table");
    let (authority, nsm, document) = emulated(image());
    let file = folder.file("document", &document);
    let root = folder.file("root.der", authority.root_der());
    let outcome = call(&[&file, &os("--root"), &root]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let table = outcome.stdout;
    assert_eq!(row(&table, "module id"), nsm.module_id());
    assert_eq!(row(&table, "kind"), "enclave");
    assert_eq!(row(&table, "debug mode"), "no");
    assert_eq!(row(&table, "timestamp"), "2026-03-01T12:34:56.789Z (1772368496789 ms)");
    assert_eq!(row(&table, "verified at"), "2026-03-01T12:34:56.789Z (1772368496789 ms)");
    assert_eq!(row(&table, "PCR0"), "a0".repeat(48));
    assert_eq!(row(&table, "PCR3"), measure(ROLE.as_bytes()).to_string());
    assert_eq!(row(&table, "PCR15"), "00".repeat(48));
    assert_eq!(row(&table, "public key"), "-");
    assert_eq!(row(&table, "user data"), format!("64 bytes {}…", "ab".repeat(48)));
    assert_eq!(row(&table, "nonce"), "0 bytes");
    assert!(row(&table, "CA 0 serial") != row(&table, "CA 3 serial"));
    assert!(!row(&table, "leaf serial").is_empty());
    let columns =
        |line: &str| line.find("  ").map(|at| at + line[at..].len() - line[at..].trim_start().len());
    assert!(table.lines().all(|line| columns(line) == columns(table.lines().next().unwrap())), "{table}");
}

#[test]
fn json() {
    let folder = Folder::new("json");
    let (authority, nsm, document) = emulated(image().debug_mode());
    let file = folder.file("document", &document);
    let root = folder.file("root.pem", authority.root_pem());
    let facts = json_of(&call(&[&os("--json"), &file, &os("--root"), &root]));
    assert_eq!(facts["kind"], "enclave");
    assert_eq!(facts["module_id"], nsm.module_id());
    assert_eq!(facts["instance_id"], nsm.module_id().split_once("-enc").unwrap().0);
    assert_eq!(facts["digest"], "SHA384");
    assert_eq!(facts["debug_mode"], true);
    assert_eq!(facts["timestamp_ms"], NOW_MS);
    assert_eq!(facts["timestamp"], "2026-03-01T12:34:56.789Z");
    assert_eq!(facts["verified_at_ms"], NOW_MS);
    assert_eq!(facts["verified_at"], "2026-03-01T12:34:56.789Z");
    assert!(facts["chain_valid_from"].as_str().unwrap() <= "2026-03-01T12:34:56Z");
    assert!(facts["chain_valid_to"].as_str().unwrap() >= "2026-03-01T12:34:56Z");
    assert_eq!(facts["pcrs"]["0"], "00".repeat(48));
    assert_eq!(facts["pcrs"]["3"], measure(ROLE.as_bytes()).to_string());
    assert_eq!(facts["public_key"], Value::Null);
    assert_eq!(facts["user_data"], json!({ "length": 64, "hex": "ab".repeat(64) }));
    assert_eq!(facts["nonce"], json!({ "length": 0, "hex": "" }));
    assert_eq!(facts["cabundle_serials"].as_array().unwrap().len(), 4);
    // The enclave's id, then the second of issue: how leaves are numbered.
    let enclave_id = nsm.module_id().split_once("-enc").unwrap().1;
    assert!(facts["certificate_serial"].as_str().unwrap().contains(enclave_id), "{facts}");
}

#[test]
fn text_encodings() {
    let folder = Folder::new("encodings");
    let (authority, _, document) = emulated(image());
    let root = folder.file("root.der", authority.root_der());
    let raw = json_of(&call(&[&folder.file("raw", &document), &os("--root"), &root, &os("--json")]));
    let tagged = [&[0xd2], document.as_slice()].concat();
    let hex = hex(&document);
    let base64 = STANDARD.encode(&document);
    let wrapped: Vec<&str> = base64.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for (name, text) in [
        ("hex", hex.clone()),
        ("hex_upper_case_and_spaces", format!(" {}\n{}\n", hex[..100].to_uppercase(), &hex[100..])),
        ("base64", base64.clone()),
        ("base64_lines", wrapped.join("\r\n") + "\n"),
        ("base64_without_padding", STANDARD_NO_PAD.encode(&document)),
        ("base64_tagged", STANDARD.encode(&tagged)),
    ] {
        let facts = json_of(&call(&[&folder.file(name, text), &os("--root"), &root, &os("--json")]));
        assert_eq!(facts, raw, "{name}");
    }
}

#[test]
fn several_roots() {
    let folder = Folder::new("roots");
    let (authority, _, document) = emulated(image());
    let (other, _, _) = emulated(image());
    let file = folder.file("document", &document);
    let (right, wrong) = (folder.file("right", authority.root_der()), folder.file("wrong", other.root_der()));
    let both = folder.file("both.pem", other.root_pem() + &authority.root_pem());
    assert_eq!(call(&[&file, &os("--root"), &wrong, &os("--root"), &right]).status, 0);
    assert_eq!(call(&[&file, &os("--root"), &both]).status, 0);
    assert!(refused(&call(&[&file, &os("--root"), &wrong])).starts_with("certificate_root (1360): "));
    // Without --root it is AWS's alone.
    assert!(refused(&call(&[&file])).starts_with("certificate_root (1360): "));
}

#[test]
fn times() {
    let folder = Folder::new("times");
    let (authority, _, document) = emulated(image());
    let file = folder.file("document", &document);
    let root = folder.file("root", authority.root_der());
    let at = |arguments: &[&str]| {
        let mut all = vec![file.clone(), os("--json"), os("--root"), root.clone()];
        all.extend(arguments.iter().map(|&argument| os(argument)));
        run(all, NOW_MS + 86_400_000)
    };
    assert!(refused(&at(&[])).starts_with("certificate_expired (1359): "), "a day later");
    assert_eq!(json_of(&at(&["--at", "1772368496"]))["verified_at"], "2026-03-01T12:34:56Z");
    assert_eq!(json_of(&at(&["--at-timestamp"]))["verified_at_ms"], NOW_MS);
    assert!(refused(&at(&["--at", "0"])).starts_with("certificate_not_yet_valid (1358): "));
    assert!(refused(&at(&["--at", "253402300799"])).starts_with("certificate_expired (1359): "));
}

#[test]
fn refusals_name_the_check() {
    let folder = Folder::new("refusals");
    let (authority, _, document) = emulated(image());
    let root = folder.file("root", authority.root_der());
    let mut signature = document.clone();
    *signature.last_mut().unwrap() ^= 1;
    let trailing = [document.as_slice(), &[0]].concat();
    for (name, content, expected) in [
        ("signature", signature, "cose_signature_rejected"),
        ("trailing", trailing, "cbor_trailing"),
        ("truncated", document[..1000].to_vec(), "cbor_truncated"),
        ("text", b"neither hex nor base64!".to_vec(), "cbor_type"),
        ("long", vec![0x84; 65_536], "cbor_type"),
    ] {
        let outcome = call(&[&folder.file(name, content), &os("--root"), &root]);
        let refusal = refused(&outcome);
        assert!(refusal.starts_with(&format!("{expected} (")), "{name}: {refusal}");
        let code = pcrseal::Code::ALL.iter().find(|code| code.name() == expected).unwrap();
        assert!(refusal.contains(code.text()) && refusal.contains(&code.number().to_string()), "{refusal}");
    }
}

#[test]
fn usage_errors() {
    let folder = Folder::new("usage");
    let file = folder.file("document", [0x84]);
    let empty = folder.file("empty", []);
    let long = folder.file("long", vec![0x84; 65_537]);
    let pem = folder.file("pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    let absent = folder.0.join("absent").into_os_string();
    let directory = folder.0.clone().into_os_string();
    let strings = |text: &str| text.split_whitespace().map(os).collect::<Vec<_>>();
    for (expected, arguments) in [
        ("no FILE given", vec![]),
        ("no FILE given", strings("--json")),
        ("more than one FILE", strings("a b")),
        ("more than one time", strings("a --at 1 --at-timestamp")),
        ("more than one time", strings("a --at 1 --at 1")),
        ("--at needs a value", strings("a --at")),
        ("--root needs a value", strings("a --root")),
        ("not '-1'", strings("a --at -1")),
        ("not '+1'", strings("a --at +1")),
        ("not ''", vec![os("a"), os("--at"), os("")]),
        ("not '253402300800'", strings("a --at 253402300800")),
        ("not '99999999999999999999'", strings("a --at 99999999999999999999")),
        ("no such option: --At", strings("a --At 1")),
        ("no such option: -j", strings("a -j")),
        ("No such file", vec![absent.clone()]),
        ("directory", vec![directory]),
        ("the file is empty", vec![empty]),
        ("longer than 65536 bytes", vec![long.clone()]),
        ("No such file", vec![file.clone(), os("--root"), absent]),
        ("longer than 65536 bytes", vec![file.clone(), os("--root"), long]),
        ("no certificate", vec![file, os("--root"), pem]),
    ] {
        let outcome = run(arguments.clone(), NOW_MS);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(outcome.stderr.starts_with("verify_document: "), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {}", outcome.stderr);
    }
    let help = run([os("--help")], NOW_MS);
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.starts_with("usage: verify_document FILE"));
}

/// Every genuine document of the shared folder against the facts in its index.
#[test]
fn genuine_documents() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/attestation");
    if !vectors.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/vectors/attestation");
        println!("skipped: no ../shared/vectors/attestation beside this checkout");
        return;
    }
    let index: Value = serde_json::from_slice(&std::fs::read(vectors.join("index.json")).unwrap()).unwrap();
    let documents = index["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 23);
    for facts in documents {
        let file = vectors.join(facts["file"].as_str().unwrap()).into_os_string();
        // The last of them is younger than this clock, all others are long expired.
        let now = refused(&call(&[&file])).to_owned();
        assert!(
            now.starts_with("certificate_expired (") || now.starts_with("certificate_not_yet_valid ("),
            "{now}"
        );

        let found = json_of(&call(&[&file, &os("--at-timestamp"), &os("--json")]));
        assert_eq!(found, {
            let seconds = facts["verify_at_unix"].to_string().into();
            let mut at = json_of(&call(&[&file, &os("--json"), &os("--at"), &seconds]));
            at["verified_at"] = found["verified_at"].clone();
            at["verified_at_ms"] = found["verified_at_ms"].clone();
            at
        });
        for name in ["module_id", "timestamp_ms"] {
            assert_eq!(found[name], facts[name]);
        }
        assert_eq!(found["root_sha256"], index["root_sha256"]);
        for name in ["chain_valid_from", "chain_valid_to"] {
            assert_eq!(found[name].as_str().unwrap().replace('Z', "+00:00"), facts[name].as_str().unwrap());
        }
        for name in ["public_key", "user_data", "nonce"] {
            assert_eq!(found[name]["length"], facts[format!("{name}_len")]);
        }
        let pcrs = found["pcrs"].as_object().unwrap();
        assert_eq!(pcrs.len() as u64, facts["pcr_count"]);
        let nonzero = facts["pcrs_nonzero_values"].as_object().unwrap();
        for (index, value) in pcrs {
            assert_eq!(*value, nonzero.get(index).cloned().unwrap_or_else(|| "00".repeat(48).into()));
        }
        assert_eq!(found["cabundle_serials"].as_array().unwrap().len() as u64, facts["cabundle_count"]);
        assert!(!found["certificate_serial"].as_str().unwrap().is_empty());
        if facts["kind"] == "nitrotpm" {
            assert_eq!((&found["kind"], &found["debug_mode"]), (&json!("nitrotpm"), &Value::Null));
        } else {
            assert_eq!(found["kind"], "enclave");
            assert_eq!(found["debug_mode"], facts["debug_mode_pcr012_zero"]);
        }
    }
}

/// The program itself: its exit status, its two streams, and standard input.
#[test]
fn program() {
    let program = std::env::current_exe().unwrap().with_file_name("../examples/verify_document");
    if !program.is_file() {
        println!("skipped: {} was not built (cargo test without --test builds it)", program.display());
        return;
    }
    let folder = Folder::new("program");
    let (authority, _, document) = emulated(image());
    let root = folder.file("root.pem", authority.root_pem());
    let start = |arguments: &[&OsString]| {
        let mut process = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A process that reads no input may have ended before it is written.
        let _ = process.stdin.take().unwrap().write_all(&document);
        let output = process.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, stdout, stderr) = start(&[&os("-"), &os("--at-timestamp"), &os("--root"), &root]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains(&"a1".repeat(48)));
    let (status, stdout, stderr) = start(&[&os("-")]);
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("refused: certificate_root (1360): "), "{stderr}");
    let (status, stdout, stderr) = start(&[]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("usage: verify_document FILE"));
}
