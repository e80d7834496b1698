//! The binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Client, TempDir};
use pcrseal_emulator::Clock;
use serde_json::json;

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
    let key = folder.write("key", &common::recipient::rsa().1);
    let document = folder.0.join("document");
    let files = format!("{key},{}", document.display());
    let (_server, printed) = Server::start(&["--listen", "127.0.0.1:0", "--attest", &files]);
    assert_eq!(*printed.last().unwrap(), format!("document           {}", document.display()));
    let document = std::fs::read(document).unwrap();
    let holds = |bytes: &[u8]| document.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&common::recipient::rsa().1) && holds(&[0xa0; 48]) && holds(&[0xa2; 48]));
    let output = run(&["--listen", "127.0.0.1:0", "--attest", "/nonexistent/key,/nonexistent/document"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot read /nonexistent/key"));
}
