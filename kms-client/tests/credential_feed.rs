//! The parent's program `examples/parent/credential_feed.py`, a metadata service of ours behind it, and the
//! enclave's provider in front of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod credential_source;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use credential_source::{Imds, Source, answer, expiration, folder};
use pcrseal_core::error::Code;
use pcrseal_kms::Address;
use pcrseal_kms::credentials::{FeedCredentials, ProvideCredentials};

/// The program while it runs; ended when dropped.
struct Parent(Child);

impl Parent {
    /// Starts it; `None`, with a note, where there is no Python and nobody insists.
    fn start(imds: &Source, options: &[&str], path: &Path) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/parent/credential_feed.py");
        let started = Command::new("python3")
            .arg(program)
            .args(["--imds-endpoint", &format!("http://{}", imds.socket_address())])
            .args(options)
            .arg(path)
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Ok(child) => Some(Self(child)),
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: python3 cannot be started: {error}");
                None
            }
            Err(error) => panic!("python3 cannot be started: {error}"),
        }
    }

    /// Waits until it says that it serves.
    async fn serving(&mut self) {
        let stderr = self.0.stderr.take().unwrap();
        let read = move || {
            let mut lines = BufReader::new(stderr).lines();
            let first = lines.next().and_then(Result::ok);
            // Read on, so that the program never waits for its log to be read; no secret may be in it.
            std::thread::spawn(move || lines.for_each(|line| assert!(!line.unwrap().contains("hunter2"))));
            first
        };
        assert_eq!(tokio::task::spawn_blocking(read).await.unwrap().as_deref(), Some("serving"));
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Removes the folder when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The metadata service, and the switch that makes it fail.
async fn metadata_service() -> (Source, Arc<AtomicBool>) {
    let (imds, down) = (Imds::new(), Arc::new(AtomicBool::new(false)));
    let switch = Arc::clone(&down);
    let reply = move |head: &str| {
        if switch.load(Ordering::SeqCst) {
            return answer("503 Service Unavailable", "", "hunter2");
        }
        imds.reply(head)
    };
    (Source::http(reply).await, down)
}

async fn id(feed: &FeedCredentials) -> String {
    let credentials = feed.provide().await.unwrap();
    assert_eq!(credentials.expires_at(), Some(expiration()));
    credentials.access_key_id().to_owned()
}

#[tokio::test]
async fn the_parent_serves_its_role_and_refreshes_it() {
    let (imds, down) = metadata_service().await;
    let folder = Folder(folder());
    let socket = folder.0.join("feed.sock");
    let Some(mut parent) = Parent::start(&imds, &["--max-age", "0", "--unix"], &socket) else { return };
    parent.serving().await;
    let feed = FeedCredentials::from_address(Address::Unix(socket.clone()));
    // On a slow machine an attempt can be given up, for which the program has asked already.
    let number = async || id(&feed).await.strip_prefix("ASIA").unwrap().parse::<u32>().unwrap();
    let (first, second) = (number().await, number().await);
    assert!(first < second, "{first} {second}");
    // The old credentials are handed out while the metadata service fails and they last.
    down.store(true, Ordering::SeqCst);
    assert!(number().await >= second);

    // For its owner alone.
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // It speaks version 2 of the metadata service.
    assert!(imds.requests()[0].starts_with("PUT /latest/api/token HTTP/1.1\r\n"));
}

#[tokio::test]
async fn young_credentials_are_handed_out_without_asking_again() {
    let (imds, _) = metadata_service().await;
    let folder = Folder(folder());
    let socket = folder.0.join("feed.sock");
    let options = ["--max-age", "3600", "--role", "a-role", "--unix"];
    let Some(mut parent) = Parent::start(&imds, &options, &socket) else { return };
    parent.serving().await;
    let feed = FeedCredentials::from_address(Address::Unix(socket));
    for _ in 0..3 {
        assert_eq!(id(&feed).await, "ASIA1");
    }
    assert_eq!(imds.requests().len(), 2);
}

#[tokio::test]
async fn a_parent_without_credentials_says_nothing() {
    let (imds, down) = metadata_service().await;
    down.store(true, Ordering::SeqCst);
    let folder = Folder(folder());
    let socket = folder.0.join("feed.sock");
    let Some(mut parent) = Parent::start(&imds, &["--unix"], &socket) else { return };
    parent.serving().await;
    let feed = FeedCredentials::from_address(Address::Unix(socket));
    let error = feed.provide().await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::CredentialsUnavailable, true));
    down.store(false, Ordering::SeqCst);
    assert_eq!(id(&feed).await, "ASIA1");
}

#[tokio::test]
async fn the_parent_keeps_a_file() {
    let (imds, _) = metadata_service().await;
    let folder = Folder(folder());
    let path = folder.0.join("feed.json");
    let Some(_parent) = Parent::start(&imds, &["--max-age", "0", "--file"], &path) else { return };
    let feed = FeedCredentials::from_file(&path);
    for expected in ["ASIA1", "ASIA2"] {
        let mut pauses = 0;
        while !feed.provide().await.is_ok_and(|credentials| credentials.access_key_id() == expected) {
            pauses += 1;
            assert!(pauses < 3000, "{expected} did not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
