//! Providers against sources that mean harm: an error with a name, in time, in bounded memory, without a secret.
//!
//! Where nothing ever answers, tokio's clock is paused: limits pass as soon as there is nothing left to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod credential_source;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use credential_source::{Imds, Reply, Source, document, folder, write};
use pcrseal_core::error::Code;
use pcrseal_kms::Address;
use pcrseal_kms::credentials::{ContainerCredentials, FeedCredentials, ImdsCredentials, ProvideCredentials};

/// Numbers that look random and are the same in each run.
struct Xorshift(AtomicU64);

impl Xorshift {
    fn below(&self, bound: usize) -> usize {
        let next = |x: u64| {
            let x = x ^ (x << 13);
            let x = x ^ (x >> 7);
            x ^ (x << 17)
        };
        let x = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |x| Some(next(x))).unwrap();
        usize::try_from(x % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Cut, flipped, doubled, filled or replaced altogether.
    fn mutant(&self, sound: &[u8]) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        let position = self.below(bytes.len());
        match self.below(6) {
            0 => bytes.truncate(position),
            1 => bytes[position] ^= 1 << self.below(8),
            2 => bytes[position] = self.byte(),
            3 => bytes.extend_from_within(position..),
            4 => drop(bytes.splice(position..position, vec![self.byte(); self.below(20_000)])),
            _ => bytes = (0..self.below(300)).map(|_| self.byte()).collect(),
        }
        bytes
    }

    fn byte(&self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

async fn failure(provider: &impl ProvideCredentials) -> Code {
    let error = provider.provide().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2") && shown.len() < 1000, "{shown}");
    error.code()
}

/// The source's connections are counted: each is one attempt.
async fn feed_failure(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Code, usize) {
    let source = Source::feed(reply);
    let code = failure(&FeedCredentials::from_address(source.address.clone())).await;
    (code, source.requests().len())
}

async fn http_failure(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Code, usize) {
    let source = Source::http(move |_| reply()).await;
    let url = format!("http://{}/", source.socket_address());
    let code = failure(&ContainerCredentials::new(&url).unwrap()).await;
    (code, source.requests().len())
}

#[tokio::test(start_paused = true)]
async fn feeds_that_never_end() {
    assert_eq!(feed_failure(|| Reply::Hang(Vec::new())).await, (Code::CredentialsTimeout, 3));
    // A whole document; but only the end of the connection ends it.
    assert_eq!(feed_failure(|| Reply::Hang(document("ASIA").into())).await, (Code::CredentialsTimeout, 3));
    let pause = Duration::from_millis(100);
    let drip = move || Reply::Drip(document("ASIA").into(), pause);
    assert_eq!(feed_failure(drip).await, (Code::CredentialsTimeout, 3));
}

#[tokio::test]
async fn feeds_without_bound() {
    let huge = || Reply::Forever(document("ASIA").into(), vec![b' '; 4096]);
    assert_eq!(feed_failure(huge).await, (Code::CredentialsTooLong, 1));
    let full = |len: usize| document("ASIA") + &" ".repeat(len - document("ASIA").len());
    assert_eq!(feed_failure(move || Reply::Send(full(16_385).into())).await, (Code::CredentialsTooLong, 1));
    let source = Source::feed(move || Reply::Send(full(16_384).into()));
    assert!(FeedCredentials::from_address(source.address.clone()).provide().await.is_ok());
}

#[tokio::test]
async fn feeds_that_are_nothing_of_the_kind() {
    for (sent, code, attempts) in [
        ("", Code::CredentialsUnavailable, 3),
        ("hunter2", Code::CredentialsMalformed, 1),
        (&document("ASIA")[1..], Code::CredentialsMalformed, 1),
        (&(document("ASIA") + &document("ASIA")), Code::CredentialsMalformed, 1),
        (r#"{"SecretAccessKey":"hunter2"}"#, Code::CredentialsField, 1),
        (r#"{"SecretAccessKey":["hunter2"]}"#, Code::CredentialsMalformed, 1),
        (r#"{"hunter2":"hunter2"}"#, Code::CredentialsField, 1),
        (r#"{"Code":"hunter2"}"#, Code::CredentialsRefused, 1),
    ] {
        let reply = sent.to_owned();
        let found = feed_failure(move || Reply::Send(reply.clone().into())).await;
        assert_eq!(found, (code, attempts), "{sent:?}");
    }
    let nobody = Address::Unix(folder().join("nobody"));
    assert_eq!(failure(&FeedCredentials::from_address(nobody)).await, Code::CredentialsUnreachable);
}

#[tokio::test]
async fn files_that_are_none() {
    let folder = folder();
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let large = folder.join("large");
    write(&large, &"hunter2".repeat(100_000));
    for (path, code) in [
        (pipe.as_path(), Code::CredentialsFile),
        (folder.as_path(), Code::CredentialsFile),
        ("/dev/zero".as_ref(), Code::CredentialsFile),
        ("".as_ref(), Code::CredentialsFile),
        (large.as_path(), Code::CredentialsTooLong),
    ] {
        assert_eq!(failure(&FeedCredentials::from_file(path)).await, code, "{}", path.display());
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn http_that_never_ends() {
    for begun in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhunt",
        "HTTP/1.1 200 OK\r\n\r\nhunter2",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let found = http_failure(move || Reply::Hang(begun.into())).await;
        assert_eq!(found, (Code::CredentialsTimeout, 3), "{begun:?}");
    }
    let pause = Duration::from_millis(100);
    let answer = || format!("HTTP/1.1 200 OK\r\n\r\n{}", document("ASIA")).into_bytes();
    let found = http_failure(move || Reply::Drip(answer(), pause)).await;
    assert_eq!(found, (Code::CredentialsTimeout, 3));
}

#[tokio::test]
async fn http_without_bound() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (first, again, code) in [
        ("HTTP/1.1 200 OK\r\n", "x-hunter2: hunter2\r\n", Code::CredentialsBroken),
        ("HTTP/1.1 200 OK\r\nx: ", "hunter2", Code::CredentialsBroken),
        ("HTTP/1.1 200 OK\r\n\r\n", "hunter2", Code::CredentialsTooLong),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1844674407370955161\r\n\r\n",
            "hunter2",
            Code::CredentialsTooLong,
        ),
        (chunked, "7\r\nhunter2\r\n", Code::CredentialsTooLong),
    ] {
        let reply = move || Reply::Forever(first.into(), again.repeat(100).into());
        assert_eq!(http_failure(reply).await.0, code, "{first:?} {again:?}");
    }
    // Interim answers without end: the time ends them, if nothing else does.
    let interim = || Reply::Forever(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
    let code = http_failure(interim).await.0;
    assert!(matches!(code, Code::CredentialsTimeout | Code::CredentialsBroken), "{code}");
}

#[tokio::test]
async fn heads_of_http_are_bounded() {
    for (fields, fits) in [
        ("x: y\r\n".repeat(60), true),
        ("x: y\r\n".repeat(65), false),
        (format!("x: {}\r\n", "y".repeat(10_000)), true),
        (format!("x: {}\r\n", "y".repeat(17_000)), false),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n{}", document("ASIA"));
        let source = Source::http(move |_| Reply::Send(answer.clone().into())).await;
        let url = format!("http://{}/", source.socket_address());
        let code = ContainerCredentials::new(&url).unwrap().provide().await.map(drop).map_err(|e| e.code());
        assert_eq!(code, if fits { Ok(()) } else { Err(Code::CredentialsBroken) }, "{}", fields.len());
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_made_after_growing_pauses() {
    let start = tokio::time::Instant::now();
    let nobody = FeedCredentials::from_address(Address::Unix(folder().join("nobody")));
    assert_eq!(failure(&nobody).await, Code::CredentialsUnreachable);
    assert_eq!(start.elapsed(), Duration::from_millis(100 + 200));
}

#[tokio::test]
async fn http_that_is_none() {
    for sent in [
        "",
        "hunter2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhunter2",
        "HTTP/1.1 200 OK\r\ncontent-length: hunter2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhunter2\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
    ] {
        let found = http_failure(move || Reply::Send(sent.into())).await;
        assert_eq!(found, (Code::CredentialsBroken, 3), "{sent:?}");
    }
    let gone = Source::http(|_| Reply::Send(Vec::new())).await.socket_address().port();
    let url = format!("http://127.9.8.7:{gone}/");
    assert_eq!(failure(&ContainerCredentials::new(&url).unwrap()).await, Code::CredentialsUnreachable);
}

#[tokio::test]
async fn imds_tokens_that_are_none() {
    for token in ["", "\n", "hunter2\r\nx-evil: 1", "hunter2\0", &"hunter2".repeat(200)] {
        let body = format!("HTTP/1.1 200 OK\r\n\r\n{token}");
        let source = Source::http(move |_| Reply::Send(body.clone().into())).await;
        let provider = ImdsCredentials::new().through(source.address.clone());
        assert_eq!(failure(&provider).await, Code::CredentialsMalformed, "{token:?}");
        assert_eq!(source.requests().len(), 1);
    }
}

/// Documents of a feed, whatever happens to them: sound, or an error with one of these codes.
#[tokio::test]
async fn mutants_of_a_feed() {
    let random = Xorshift(AtomicU64::new(0x9e37_79b9_7f4a_7c15));
    let source = Source::feed(move || Reply::Send(random.mutant(document("ASIA").as_bytes())));
    let feed = FeedCredentials::from_address(source.address.clone());
    let mut refused = 0;
    for _ in 0..1000 {
        let Err(error) = feed.provide().await else { continue };
        refused += 1;
        let expected = [
            Code::CredentialsUnavailable,
            Code::CredentialsRefused,
            Code::CredentialsTooLong,
            Code::CredentialsMalformed,
            Code::CredentialsField,
            Code::KmsCredentials,
        ];
        assert!(expected.contains(&error.code()), "{error}");
    }
    assert!(refused > 500, "{refused}");
}

/// Answers of IMDS, each with one fault somewhere in its head or body. What is waited for in vain is cut short by
/// the paused clock.
#[tokio::test(start_paused = true)]
async fn mutants_of_imds() {
    let random = Arc::new(Xorshift(AtomicU64::new(0x2545_f491_4f6c_dd1d)));
    let faults = Arc::new(AtomicUsize::new(0));
    let (mut refused, mut provided) = (0, 0);
    for _ in 0..500 {
        let (random, faults, imds) = (Arc::clone(&random), Arc::clone(&faults), Imds::new());
        let source = Source::http(move |head| match imds.reply(head) {
            Reply::Send(sound) if random.below(3) == 0 => {
                faults.fetch_add(1, Ordering::SeqCst);
                Reply::Send(random.mutant(&sound))
            }
            reply => reply,
        })
        .await;
        match ImdsCredentials::new().through(source.address.clone()).provide().await {
            Ok(_) => provided += 1,
            Err(error) => {
                let code = error.code();
                assert!((3101..=3119).contains(&code.number()) || code == Code::KmsCredentials, "{error}");
                refused += 1;
            }
        }
        // Three questions and a token more, each asked three times at most.
        assert!(source.requests().len() <= 18);
    }
    assert!(refused > 50 && provided > 50 && faults.load(Ordering::SeqCst) > 200, "{refused} {provided}");
}
