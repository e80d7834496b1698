//! The binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::recipient::{open, recipient, rsa};
use common::{Client, TempDir, index};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_nitro::{Nsm, NsmSocket};
use serde_json::{Value, json};

fn emulator(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pcrseal-emulator"));
    command.args(arguments);
    command
}

/// Runs a command that ends by itself; one that serves instead is stopped, and the test fails.
fn run(arguments: &[&str]) -> Output {
    let mut child = emulator(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..3000 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("{arguments:?} did not end: {:?}", child.wait_with_output().unwrap());
}

/// A started server; stopped when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts a server and reads what it prints until it is ready.
    fn start(arguments: &[&str]) -> (Self, Vec<String>) {
        let mut child = emulator(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let printed = lines.take_while(|line| line != "ready").collect();
        (Self(child), printed)
    }
}

#[test]
fn help_goes_to_stdout_and_mistakes_to_stderr() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("--principal ID,SECRET,ARN"));
    let session = ["--keys", "3", "--session-out", "file", "--nsm-socket", "nsm"];
    for mistake in [
        &["--nonsense"][..],
        &["--listen"],
        &["--listen", "somewhere"],
        &["--principal", "AKIA,secret"],
        &["--attest", "key"],
        &["--quota", "-1"],
        &["--iam-policy", "arn:aws:iam::111122223333:user/x"],
        &["--role"],
        &["--region-delay", "eu-west-1"],
        &["--region-delay", ",5"],
        &["--region-delay", "eu-west-1,5000000000"],
        &["--principal", "AKIA,secret,arn:aws:iam::1:user/x"],
        &["--pcr", "0"],
        &["--pcr", "0,a0"],
        &["--pcr", &format!("3,{}", "a0".repeat(48))],
        &["--keys", "3"],
        &["--session-out", "file"],
        &["--keys", "3", "--session-out", "file"],
        &["--keys", "1", "--session-out", "file", "--nsm-socket", "nsm"],
        &["--keys", "17", "--session-out", "file", "--nsm-socket", "nsm"],
        &[&session[..], &["--principal", "AKIA,secret,arn:aws:iam::000000000000:user/x"]].concat(),
    ] {
        let output = run(mistake);
        assert_eq!(output.status.code(), Some(2), "{mistake:?}");
        assert!(output.stdout.is_empty(), "{mistake:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("pcrseal-emulator: ") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn other_addresses_than_loopback_are_refused() {
    let output = run(&["--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not a loopback address"));
}

#[test]
fn the_default_world_is_printed() {
    let (_server, printed) = Server::start(&["--listen", "127.0.0.1:0"]);
    assert!(printed[0].starts_with("endpoint           http://127.0.0.1:"), "{printed:?}");
    assert!(printed[1].starts_with("access key id      AKIA"), "{printed:?}");
    assert!(printed[2].starts_with("secret access key  "), "{printed:?}");
    assert_eq!(printed[3], "principal          arn:aws:iam::000000000000:user/emulator");
    assert_eq!(printed[4], "-----BEGIN CERTIFICATE-----");
    assert_eq!(printed.last().unwrap(), "-----END CERTIFICATE-----");
}

#[test]
fn the_root_goes_to_a_file_and_secrets_of_named_principals_are_not_printed() {
    let folder = TempDir::new("cli");
    let root = folder.0.join("root.pem");
    let (_server, printed) = Server::start(&[
        "--listen",
        "127.0.0.1:0",
        "--root-out",
        root.to_str().unwrap(),
        "--principal",
        "AKIAONE,hidden,arn:aws:iam::000000000001:user/one",
    ]);
    assert!(printed[0].starts_with("endpoint           http://127.0.0.1:"), "{printed:?}");
    assert!(printed.iter().all(|line| !line.contains("hidden")), "{printed:?}");
    assert!(std::fs::read_to_string(root).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
}

#[tokio::test]
async fn quotas_and_delays_of_regions_are_set() {
    const SLOW: &str = "eu-west-1,400";
    let (_server, printed) =
        Server::start(&["--listen", "127.0.0.1:0", "--quota", "0", "--region-delay", SLOW]);
    let value = |line: usize| printed[line].rsplit(' ').next().unwrap().to_owned();
    let client = Client {
        address: value(0).strip_prefix("http://").unwrap().to_owned(),
        clock: Clock::system(),
        access_key_id: value(1),
        secret: value(2),
        token: None,
        region: "eu-west-1".into(),
    };
    let start = Instant::now();
    client.call("CreateKey", &json!({})).await.ok();
    assert!(start.elapsed() >= Duration::from_millis(400));
    let throttled = client.call("GenerateRandom", &json!({ "NumberOfBytes": 1 })).await;
    throttled.is_error(400, "ThrottlingException", "exceeded the rate");
}

#[tokio::test]
async fn iam_policies_come_from_files_and_roles_exist() {
    let folder = TempDir::new("iam");
    let allow = |action: &str| json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" } });
    let (create, random) = (allow("kms:CreateKey").to_string(), allow("kms:GenerateRandom").to_string());
    let (create, random) =
        (folder.write("create", create.as_bytes()), folder.write("random", random.as_bytes()));
    let role = "arn:aws:iam::111122223333:role/r";
    let other = "arn:aws:iam::111122223333:role/other";
    let (one, two) = (format!("AKIAONE,secret,{role}"), format!("AKIATWO,secret,{other}"));
    let policies = [format!("{role},{create}"), format!("{role},{random}")];
    let listen = ["--listen", "127.0.0.1:0"];
    let iam = ["--iam-policy", &policies[0], "--iam-policy", &policies[1]];
    let rest = ["--principal", &one, "--principal", &two, "--role", "arn:aws:iam::111122223333:role/third"];
    let (_server, printed) = Server::start(&[&listen[..], &iam[..], &rest[..]].concat());
    let address = printed[0].rsplit('/').next().unwrap();
    let client = |id: &str| Client::new_at(address, &Clock::system(), id, "secret");
    let (one, two) = (client("AKIAONE"), client("AKIATWO"));
    let created = one.call("CreateKey", &json!({})).await.ok().json();
    one.call("GenerateRandom", &json!({ "NumberOfBytes": 1 })).await.ok();
    let describe = json!({ "KeyId": created["KeyMetadata"]["Arn"] });
    let reason = "because no identity-based policy allows the kms:DescribeKey action";
    one.call("DescribeKey", &describe).await.is_error(400, "AccessDeniedException", reason);
    two.call("DescribeKey", &describe).await.ok();
    let policy = |role: &str| {
        let principal = json!({ "AWS": format!("arn:aws:iam::111122223333:role/{role}") });
        let own =
            json!({ "Effect": "Allow", "Principal": { "AWS": other }, "Action": "kms:*", "Resource": "*" });
        let statement =
            json!({ "Effect": "Deny", "Principal": principal, "Action": "kms:*", "Resource": "*" });
        json!({ "Policy": json!({ "Statement": [own, statement] }).to_string() })
    };
    two.call("CreateKey", &policy("third")).await.ok();
    let reason = "invalid principals";
    two.call("CreateKey", &policy("fourth")).await.is_error(400, "MalformedPolicyDocumentException", reason);

    let garbage = folder.write("garbage", b"{");
    for (policy, text) in [
        (format!("{role},{garbage}"), "JSON"),
        (format!("{role},/nonexistent/policy"), "cannot read /nonexistent/policy"),
        (format!("{role},{create}"), "there is no --principal"),
    ] {
        let output = run(&["--listen", "127.0.0.1:0", "--iam-policy", &policy]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(run(&["--listen", "127.0.0.1:0", "--role", "somebody"]).status.code(), Some(1));
}

#[test]
fn a_document_is_written_for_a_public_key() {
    let folder = TempDir::new("attest");
    let key = folder.write("key", &rsa().1);
    let document = folder.0.join("document");
    let files = format!("{key},{}", document.display());
    let (_server, printed) = Server::start(&["--listen", "127.0.0.1:0", "--attest", &files]);
    assert_eq!(*printed.last().unwrap(), format!("document           {}", document.display()));
    let document = std::fs::read(document).unwrap();
    let holds = |bytes: &[u8]| document.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&rsa().1) && holds(&[0xa0; 48]) && holds(&[0xa2; 48]));
    let output = run(&["--listen", "127.0.0.1:0", "--attest", "/nonexistent/key,/nonexistent/document"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot read /nonexistent/key"));
}

/// Ends a server as a script does.
fn terminate(mut server: Server) {
    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
}

#[tokio::test]
async fn a_session_has_keys_for_the_enclave_that_is_served() {
    let folder = TempDir::new("session");
    let (path, file) = (folder.0.join("nsm"), folder.write("session.json", b"an old one"));
    let pcr2 = format!("2,{}", "5c".repeat(48));
    let (server, printed) = Server::start(&[
        "--listen",
        "127.0.0.1:0",
        "--nsm-socket",
        path.to_str().unwrap(),
        "--pcr",
        &pcr2,
        "--keys",
        "4",
        "--session-out",
        &file,
    ]);
    let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let value = |name: &str| {
        let lines = printed.iter().filter_map(|line| line.strip_prefix(name)).map(str::trim_start);
        lines.map(String::from).collect::<Vec<_>>()
    };
    let (endpoint, secret) = (&value("endpoint ")[0], &value("secret access key ")[0]);
    let keys = value("key ");
    assert_eq!(keys.len(), 4);
    assert_eq!(value("session "), [file]);
    assert_eq!(value("nsm socket "), [path.to_str().unwrap()]);
    assert_eq!(
        document,
        json!({
            "cluster": "emulator",
            "seal_quorum": { "threshold": 3, "keys": keys, "wrapping": "attested" },
            "attester": { "kind": "nsm_socket", "path": path },
            "clock": "attested",
            "kms": { "endpoint": endpoint },
            "credentials": {
                "source": "static", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": secret,
            },
        })
    );

    let nsm = Nsm::over(NsmSocket::connect(&path).unwrap());
    let measured = nsm.measured_pcrs().unwrap();
    for (number, byte) in [(0, 0xa0), (1, 0xa1), (2, 0x5c), (8, 0)] {
        assert_eq!(measured.get(index(number)), Some(&Pcr::new([byte; 48])), "{number}");
    }
    let attested = nsm.attest(&AttestationRequest { public_key: Some(&rsa().1), ..Default::default() });
    let attested = recipient(&attested.unwrap());
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut regions = Vec::new();
    for key in &keys {
        let region = key.split(':').nth(3).unwrap();
        regions.push(region);
        let client = Client::new_at(address, &Clock::system(), "AKIAIOSFODNN7EXAMPLE", secret).region(region);
        let request = json!({ "KeyId": key, "KeySpec": "AES_256", "Recipient": attested });
        let generated = client.call("GenerateDataKey", &request).await.ok();
        let blob = STANDARD.encode(generated.blob("CiphertextBlob"));
        let request = json!({ "KeyId": key, "CiphertextBlob": blob, "Recipient": attested });
        let decrypted = client.call("Decrypt", &request).await.ok();
        let opened = open(&decrypted.blob("CiphertextForRecipient"));
        assert_eq!(opened, open(&generated.blob("CiphertextForRecipient")));
        client.call("DescribeKey", &json!({ "KeyId": key })).await.ok();

        // What the check before a seal asks, and what a forger would.
        let denied = "AccessDeniedException";
        for (operation, request) in [
            ("Encrypt", json!({ "KeyId": key, "Plaintext": "AA==" })),
            ("GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_256" })),
            ("GenerateDataKeyWithoutPlaintext", json!({ "KeyId": key, "KeySpec": "AES_256" })),
            ("Decrypt", json!({ "KeyId": key, "CiphertextBlob": blob })),
            ("ReEncrypt", json!({ "DestinationKeyId": key, "CiphertextBlob": blob })),
        ] {
            client.call(operation, &request).await.is_error(400, denied, "");
        }
        client.call("DisableKey", &json!({ "KeyId": key })).await.ok();
    }
    regions.sort_unstable();
    regions.dedup();
    assert_eq!(regions.len(), 4);

    terminate(server);
    assert!(!path.exists());
}

#[test]
fn the_default_enclave_is_the_one_that_attest_shows() {
    let folder = TempDir::new("served");
    let (key, path) = (folder.write("key", &rsa().1), folder.0.join("nsm"));
    let files = format!("{key},{}", folder.0.join("document").display());
    let pcr8 = format!("8,{}", "c8".repeat(48));
    let arguments = ["--listen", "127.0.0.1:0", "--attest", &files, "--pcr", &pcr8, "--nsm-socket"];
    let (server, _) = Server::start(&[&arguments[..], &[path.to_str().unwrap()]].concat());
    let document = std::fs::read(folder.0.join("document")).unwrap();
    let measured = Nsm::over(NsmSocket::connect(&path).unwrap()).measured_pcrs().unwrap();
    for (number, byte) in [(0, 0xa0), (1, 0xa1), (2, 0xa2), (8, 0xc8)] {
        assert_eq!(measured.get(index(number)), Some(&Pcr::new([byte; 48])), "{number}");
        assert!(document.windows(48).any(|window| window == [byte; 48]), "{number}");
    }
    terminate(server);
}

#[test]
fn what_is_in_the_way_of_the_socket_or_the_session_is_an_error_and_stays() {
    let folder = TempDir::new("in-the-way");
    let file = folder.write("file", b"precious");
    let output = run(&["--listen", "127.0.0.1:0", "--nsm-socket", &file]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("cannot listen on {file}: something else than a socket")), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");

    let path = folder.0.join("nsm");
    let session = ["--keys", "2", "--listen", "127.0.0.1:0", "--nsm-socket", path.to_str().unwrap()];
    let output = run(&[&session[..], &["--session-out", "/nonexistent/session"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write /nonexistent/session"));
    assert!(!path.exists(), "the socket is removed at every end");
}
