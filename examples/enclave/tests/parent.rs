//! The parent's program `parent.py`, and the enclave's life in front of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write, copy};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use common::{KEYS, World, image};
use pcrseal_enclave::error::Error;
use pcrseal_enclave::life::live;
use pcrseal_enclave::measure::uptime;
use pcrseal_enclave::trust::Trust;
use serde_json::Value;

const CHALLENGE: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The program while it runs; ended when dropped.
struct Parent {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
}

/// What it printed, what it logged, and whether it is content.
struct Ended {
    printed: Vec<Value>,
    log: String,
    success: bool,
}

impl Parent {
    /// Starts it; `None`, with a note, where there is no Python and nobody insists.
    fn start(world: &World, job: &str) -> Option<Self> {
        let port = world.kms.port().unwrap().address().port();
        let started = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("parent.py"))
            .args([job, "--challenge", CHALLENGE, "--credentials", &world.feed.to_string()])
            .args(KEYS.iter().flat_map(|(region, _)| ["--region".into(), format!("{region}={port}")]))
            .arg("--blob")
            .arg(world.folder.join("vault.blob"))
            .arg("--unix")
            .arg(world.folder.join("vsock"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Ok(mut child) => {
                let log = BufReader::new(child.stderr.take().unwrap());
                Some(Self { child, log })
            }
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: python3 cannot be started: {error}");
                None
            }
            Err(error) => panic!("python3 cannot be started: {error}"),
        }
    }

    fn waiting(&mut self) {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        assert_eq!(line, "waiting for the enclave\n");
    }

    fn end(mut self) -> Ended {
        let stdout: ChildStdout = self.child.stdout.take().unwrap();
        let printed =
            serde_json::Deserializer::from_reader(stdout).into_iter().collect::<Result<_, _>>().unwrap();
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        Ended { printed, log, success: self.child.wait().unwrap().success() }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a virtual machine monitor does for who connects to a port of its guest.
fn monitor(world: &World) {
    let listener = UnixListener::bind(world.folder.join("vsock")).unwrap();
    let folder = world.folder.clone();
    thread::spawn(move || {
        for host in listener.incoming() {
            let mut host = host.unwrap();
            let mut line = Vec::new();
            let mut byte = [0];
            while line.last() != Some(&b'\n') {
                host.read_exact(&mut byte).unwrap();
                line.push(byte[0]);
            }
            let line = String::from_utf8(line).unwrap();
            let port = line.strip_prefix("CONNECT ").unwrap().trim_end();
            let guest = UnixStream::connect(folder.join(format!("vsock_{port}"))).unwrap();
            host.write_all(b"OK 1024\n").unwrap();
            for (mut from, mut to) in [(&host, &guest), (&guest, &host)]
                .map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
            {
                thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

fn enclave(world: &World, last: u8, trust: &Trust) -> Result<(), Error> {
    live(trust, uptime(), &world.enclave(image(last)))
}

#[test]
fn a_key_is_made_and_kept_and_unsealed_and_proves_to_be_the_same() {
    let world = World::new();
    monitor(&world);
    let Some(mut parent) = Parent::start(&world, "generate") else { return };
    parent.waiting();
    enclave(&world, 0xa2, &world.founding_trust()).unwrap();
    let founded = parent.end();
    assert!(founded.success, "{}", founded.log);
    let [answer, proof] = founded.printed.as_slice() else { panic!("{:?}", founded.printed) };
    assert_eq!(answer["outcome"]["job"], "generate");
    // It is in its file, and not on the screen.
    assert_eq!(answer["outcome"]["blob"], Value::Null);
    let blob = fs::read(world.folder.join("vault.blob")).unwrap();
    assert!(founded.log.contains(&format!("stored {} bytes", blob.len())), "{}", founded.log);
    assert_eq!(proof["challenge"], CHALLENGE);
    assert_eq!(proof["proof"].as_str().unwrap().len(), 64);

    let mut parent = Parent::start(&world, "unseal").unwrap();
    parent.waiting();
    enclave(&world, 0xa2, &world.trust()).unwrap();
    let unsealed = parent.end();
    assert!(unsealed.success, "{}", unsealed.log);
    assert_eq!(unsealed.printed[0]["outcome"]["seal_id"], answer["outcome"]["seal_id"]);
    assert_eq!(unsealed.printed[1]["proof"], proof["proof"]);
    assert_eq!(fs::read(world.folder.join("vault.blob")).unwrap(), blob);
}

#[test]
fn a_blob_that_is_there_is_never_overwritten() {
    let world = World::new();
    monitor(&world);
    let blob = world.folder.join("vault.blob");
    fs::write(&blob, "kept").unwrap();
    let Some(parent) = Parent::start(&world, "generate") else { return };
    let ended = parent.end();
    assert!(!ended.success && ended.log.contains("is there already"), "{}", ended.log);

    // Nor one that comes while the enclave works.
    fs::remove_file(&blob).unwrap();
    let mut parent = Parent::start(&world, "generate").unwrap();
    parent.waiting();
    fs::write(&blob, "kept").unwrap();
    let ended = thread::scope(|scope| {
        let trust = world.founding_trust();
        // Nobody asks for a proof when the blob could not be kept: the enclave is not waited for.
        let inside = world.enclave(image(0xa2));
        thread::spawn(move || live(&trust, uptime(), &inside));
        scope.spawn(|| parent.end()).join().unwrap()
    });
    assert!(!ended.success && ended.log.contains("File exists"), "{}", ended.log);
    assert_eq!(fs::read(&blob).unwrap(), b"kept");
    let mut left = fs::read_dir(&world.folder).unwrap().map(|entry| entry.unwrap().path());
    assert!(left.all(|path| path.extension().is_none_or(|kind| kind != "new")));
}

#[test]
fn whatever_an_enclave_answers_ends_in_a_sentence_and_keeps_nothing() {
    let world = World::new();
    let nested = "[".repeat(500_000);
    let long = format!("{{\"outcome\":{{\"blob\":\"{}\"}}}}", "A".repeat(400_000));
    for (answer, found) in [
        ("", "closed after 0 bytes"),
        ("{", "failed: "),
        ("\u{0}", "failed: "),
        ("[]", "neither an outcome nor an error"),
        ("{}", "neither an outcome nor an error"),
        (r#"{"outcome":null}"#, "neither an outcome nor an error"),
        (r#"{"outcome":[]}"#, "neither an outcome nor an error"),
        (r#"{"outcome":true}"#, "neither an outcome nor an error"),
        (r#"{"error":"none"}"#, "neither an outcome nor an error"),
        (r#"{"outcome":{}}"#, "the answer lacks 'blob'"),
        (r#"{"outcome":{"blob":7}}"#, "blob is not a string"),
        (r#"{"outcome":{"blob":""}}"#, "1 to 262144 bytes"),
        (r#"{"outcome":{"blob":"A"}}"#, "failed: "),
        (&nested, "failed: "),
        (&long, "1 to 262144 bytes"),
        (&" ".repeat(1_100_000), "more than 1048576 bytes"),
    ] {
        let Some(mut parent) = Parent::start(&world, "generate") else { return };
        parent.waiting();
        let mut enclave = UnixStream::connect(world.socket(common::PARENT_PORT)).unwrap();
        BufReader::new(&enclave).read_line(&mut String::new()).unwrap();
        if !answer.is_empty() {
            // A parent that has heard enough does not listen on.
            let _ = enclave.write_all(format!("{answer}\n").as_bytes());
        }
        drop(enclave);
        let ended = parent.end();
        assert!(!ended.success && ended.log.contains(found), "{found:?} in {}", ended.log);
        assert!(ended.log.starts_with("failed: "), "{}", ended.log);
        assert!(!world.folder.join("vault.blob").exists());
    }
}

#[test]
fn a_refusal_is_printed_and_is_a_failure() {
    let world = World::new();
    monitor(&world);
    let Some(mut parent) = Parent::start(&world, "generate") else { return };
    parent.waiting();
    enclave(&world, 0xa2, &world.trust()).unwrap_err();
    let ended = parent.end();
    assert!(!ended.success);
    assert_eq!(ended.printed[0]["error"]["name"], "may_not_generate");
    assert!(!world.folder.join("vault.blob").exists());
}
