//! Providers against sources that behave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod credential_source;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credential_source::{Imds, Reply, Source, answer, document, expiration, folder, ok, write};
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::Error;
use pcrseal_kms::credentials::{ContainerCredentials, FeedCredentials, ImdsCredentials, ProvideCredentials};

/// The id of what a provider hands out; what else it says is checked.
async fn id(provider: &impl ProvideCredentials) -> String {
    let credentials = provider.provide().await.unwrap();
    assert_eq!(credentials.expires_at(), Some(expiration()));
    assert!(!format!("{credentials:?}").contains("hunter2"));
    credentials.access_key_id().to_owned()
}

async fn failure(provider: &impl ProvideCredentials) -> Error {
    let error = provider.provide().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(error.to_string().contains(&format!("({})", provider.name())), "{error}");
    error
}

fn container(source: &Source) -> ContainerCredentials {
    ContainerCredentials::new(&format!("http://{}/v2/credentials/x?y=z", source.socket_address())).unwrap()
}

fn lines(head: &str) -> BTreeSet<String> {
    head.trim_end().lines().map(str::to_owned).collect()
}

fn set<const N: usize>(lines: [String; N]) -> BTreeSet<String> {
    lines.into()
}

#[tokio::test]
async fn a_feed_is_asked_anew_each_time() {
    let number = AtomicUsize::new(0);
    let source = Source::feed(move || {
        Reply::Send(document(&format!("ASIA{}", number.fetch_add(1, Ordering::SeqCst))).into())
    });
    let feed = FeedCredentials::from_address(source.address.clone());
    assert_eq!(id(&feed).await, "ASIA0");
    assert_eq!(id(&feed).await, "ASIA1");
    assert_eq!(source.requests().len(), 2);
}

#[tokio::test]
async fn a_feed_that_had_nothing_for_a_moment_is_asked_again() {
    let number = AtomicUsize::new(0);
    let source = Source::feed(move || match number.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Send(Vec::new()),
        _ => Reply::Send(document("ASIA").into()),
    });
    assert_eq!(id(&FeedCredentials::from_address(source.address.clone())).await, "ASIA");
    assert_eq!(source.requests().len(), 2);
}

#[tokio::test]
async fn a_file_is_read_anew_each_time() {
    let folder = folder();
    let path = folder.join("feed.json");
    let feed = FeedCredentials::from_file(&path);
    assert_eq!(failure(&feed).await.code(), Code::CredentialsFile);
    write(&path, &document("ASIA0"));
    assert_eq!(id(&feed).await, "ASIA0");
    write(&path, &document("ASIA1"));
    assert_eq!(id(&feed).await, "ASIA1");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_container_request_is_this_and_nothing_else() {
    let source = Source::http(|_| ok(&document("ASIA"))).await;
    let plain = container(&source);
    assert_eq!(id(&plain).await, "ASIA");
    let token = Secret::copy_from(b"Basic hunter2");
    let provider = container(&source).authorization_token(&token).unwrap();
    assert!(!format!("{provider:?}").contains("hunter2"));
    assert_eq!(id(&provider).await, "ASIA");

    let line = "GET /v2/credentials/x?y=z HTTP/1.1".to_owned();
    let host = format!("host: {}", source.socket_address());
    let close = "connection: close".to_owned();
    let authorization = "authorization: Basic hunter2".to_owned();
    let requests = source.requests();
    assert_eq!(lines(&requests[0]), set([line.clone(), host.clone(), close.clone()]));
    assert_eq!(lines(&requests[1]), set([line, host, close, authorization]));
}

#[tokio::test]
async fn a_token_file_is_read_anew_each_time() {
    let folder = folder();
    let path = folder.join("token");
    let source = Source::http(|_| ok(&document("ASIA"))).await;
    let provider = container(&source).authorization_token_file(&path);
    assert_eq!(failure(&provider).await.code(), Code::CredentialsFile);
    for token in ["one", "two"] {
        write(&path, &format!("{token}\n"));
        assert_eq!(id(&provider).await, "ASIA");
        let request = source.requests().pop().unwrap();
        assert!(request.contains(&format!("authorization: {token}\r\n")), "{request}");
    }
    for bad in ["", "hunter2\nx-evil: 1", &"hunter2".repeat(1171)] {
        write(&path, bad);
        let code = failure(&provider).await.code();
        let expected =
            if bad.len() > 8192 { Code::CredentialsTooLong } else { Code::CredentialsConfiguration };
        assert_eq!(code, expected, "{bad}");
    }
    assert_eq!(source.requests().len(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_container_endpoint_behind_a_forwarder() {
    let source = Source::http_on_unix(|_| ok(&document("ASIA")));
    let provider = ContainerCredentials::new("http://169.254.170.23/v1/credentials")
        .unwrap()
        .through(source.address.clone());
    assert_eq!(id(&provider).await, "ASIA");
    assert!(source.requests()[0].contains("host: 169.254.170.23\r\n"));
}

#[tokio::test]
async fn what_passes_is_tried_three_times_and_what_does_not_once() {
    for (status, attempts, code, retryable) in [
        ("500 Internal Server Error", 3, Code::CredentialsUnavailable, true),
        ("503 Service Unavailable", 3, Code::CredentialsUnavailable, true),
        ("429 Too Many Requests", 3, Code::CredentialsUnavailable, true),
        ("400 Bad Request", 1, Code::CredentialsRefused, false),
        ("401 Unauthorized", 1, Code::CredentialsRefused, false),
        ("404 Not Found", 1, Code::CredentialsRefused, false),
        ("302 Found", 1, Code::CredentialsRefused, false),
        ("204 No Content", 1, Code::CredentialsRefused, false),
    ] {
        let body = r#"{"code":"AccessDenied","message":"hunter2"}"#;
        let body = if status.starts_with("204") { "" } else { body };
        let source = Source::http(move |_| answer(status, "location: http://127.0.0.1:1/\r\n", body)).await;
        let error = failure(&container(&source)).await;
        assert_eq!((error.code(), error.is_retryable()), (code, retryable), "{error}");
        assert_eq!(source.requests().len(), attempts, "{status}");
        assert!(error.to_string().contains(&status[..3]), "{error}");
        assert!(body.is_empty() || error.to_string().contains("AccessDenied"), "{error}");
    }
    let number = AtomicUsize::new(0);
    let source = Source::http(move |_| match number.fetch_add(1, Ordering::SeqCst) {
        0 => answer("503 Service Unavailable", "", ""),
        1 => Reply::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        _ => ok(&document("ASIA")),
    })
    .await;
    assert_eq!(id(&container(&source)).await, "ASIA");
}

async fn imds(imds: Imds) -> (Source, ImdsCredentials) {
    let source = Source::http(move |head| imds.reply(head)).await;
    let provider = ImdsCredentials::new().through(source.address.clone());
    (source, provider)
}

fn puts(source: &Source) -> usize {
    source.requests().iter().filter(|head| head.starts_with("PUT ")).count()
}

#[tokio::test]
async fn imds_is_asked_for_a_token_a_role_and_its_credentials() {
    let (source, provider) = imds(Imds::new()).await;
    assert_eq!(id(&provider).await, "ASIA1");
    let text = str::to_owned;
    let host = || text("host: 169.254.169.254");
    let (close, token) = (|| text("connection: close"), || text("x-aws-ec2-metadata-token: token-1"));
    let path = "/latest/meta-data/iam/security-credentials/";
    let requests = source.requests();
    let ttl = text("x-aws-ec2-metadata-token-ttl-seconds: 21600");
    let mut put = lines(&requests[0]);
    put.remove("content-length: 0");
    assert_eq!(put, set([text("PUT /latest/api/token HTTP/1.1"), host(), close(), ttl]));
    assert_eq!(lines(&requests[1]), set([format!("GET {path} HTTP/1.1"), host(), close(), token()]));
    assert_eq!(lines(&requests[2]), set([format!("GET {path}a-role HTTP/1.1"), host(), close(), token()]));
    assert_eq!(requests.len(), 3);
    assert!(!format!("{provider:?}").contains("token-1"));
}

#[tokio::test]
async fn an_imds_token_is_kept_for_its_life() {
    let (source, provider) = imds(Imds::new()).await;
    assert_eq!(id(&provider).await, "ASIA1");
    assert_eq!(id(&provider).await, "ASIA2");
    assert_eq!(puts(&source), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21_600)).await;
    tokio::time::resume();
    assert_eq!(id(&provider).await, "ASIA3");
    assert_eq!(puts(&source), 2);
}

#[tokio::test]
async fn an_imds_token_lives_no_longer_than_was_asked_for() {
    let (source, provider) = imds(Imds { ttl: Some(u64::MAX), ..Imds::new() }).await;
    assert_eq!(id(&provider).await, "ASIA1");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21_600)).await;
    tokio::time::resume();
    assert_eq!(id(&provider).await, "ASIA2");
    assert_eq!(puts(&source), 2);
}

#[tokio::test]
async fn an_imds_token_of_unknown_life_is_not_kept() {
    let (source, provider) = imds(Imds { ttl: None, ..Imds::new() }).await;
    assert_eq!(id(&provider.role("a-role").unwrap()).await, "ASIA1");
    assert_eq!(source.requests().len(), 2);
    let (source, provider) = imds(Imds { ttl: None, ..Imds::new() }).await;
    assert_eq!(id(&provider).await, "ASIA1");
    assert_eq!(puts(&source), 2);
}

#[tokio::test]
async fn an_imds_token_that_ended_early_is_replaced() {
    let (source, provider) = imds(Imds { uses: 1, ..Imds::new() }).await;
    assert_eq!(id(&provider).await, "ASIA1");
    assert_eq!(id(&provider).await, "ASIA2");
    assert_eq!(puts(&source), 2);
}

#[tokio::test]
async fn imds_that_refuses_every_token_is_asked_no_further() {
    let source = Source::http(|head| match head {
        put if put.starts_with("PUT ") => {
            answer("200 OK", "x-aws-ec2-metadata-token-ttl-seconds: 60\r\n", "hunter2")
        }
        _ => answer("401 Unauthorized", "", ""),
    })
    .await;
    let provider = ImdsCredentials::new().through(source.address.clone());
    let error = failure(&provider).await;
    assert_eq!(error.code(), Code::CredentialsRefused);
    assert_eq!(source.requests().len(), 2);
    // The token is kept now; it is replaced once.
    failure(&provider).await;
    assert_eq!((puts(&source), source.requests().len()), (2, 5));
}

#[tokio::test]
async fn imds_version_1_is_never_fallen_back_to() {
    for status in ["400 Bad Request", "403 Forbidden", "404 Not Found", "405 Method Not Allowed"] {
        let source = Source::http(move |head| match head {
            put if put.starts_with("PUT ") => answer(status, "", ""),
            get if get.contains("a-role") => ok(&document("ASIA")),
            _ => ok("a-role"),
        })
        .await;
        let provider = ImdsCredentials::new().through(source.address.clone());
        assert_eq!(failure(&provider).await.code(), Code::CredentialsRefused);
        assert_eq!(source.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_instance_without_a_role_is_told() {
    let source = Source::http(|head| match head {
        put if put.starts_with("PUT ") => ok("token"),
        _ => answer("404 Not Found", "", ""),
    })
    .await;
    let error = failure(&ImdsCredentials::new().through(source.address.clone())).await;
    assert_eq!(error.code(), Code::CredentialsRefused);
    assert!(error.to_string().contains("an instance with a role"), "{error}");
}

#[tokio::test]
async fn names_of_roles_are_checked() {
    for bad in ["", "a/b", "../x", "a b", "a\r\nb", "ä", "hunter2?", &"r".repeat(65)] {
        let error = ImdsCredentials::new().role(bad).unwrap_err();
        assert_eq!(error.code(), Code::CredentialsConfiguration, "{bad:?}");
        let role = bad.split('\r').next().unwrap().to_owned() + "/";
        let source = Source::http(move |head| match head {
            put if put.starts_with("PUT ") => ok("token"),
            _ => ok(&role),
        })
        .await;
        let error = failure(&ImdsCredentials::new().through(source.address.clone())).await;
        assert_eq!(error.code(), Code::CredentialsRefused, "{bad:?}");
        assert_eq!(source.requests().len(), 2);
    }
    assert!(ImdsCredentials::new().role("A-role_1+=,.@").is_ok());
}
