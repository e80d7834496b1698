//! Answers that break off, and ports that do not get as far as an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::ErrorKind;

use common::{ACCOUNT, Client, Fixture, NOON, REGION, ROLE, Reply};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{
    Bytes, ConnectionFault, Fault, KeyHandle, KeyOptions, Kms, Port, PortFault, Principal, Request, Response,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

/// What a client reads before the connection ends.
struct Read {
    bytes: Vec<u8>,
    /// `None`: it went on, in silence.
    end: Option<Result<(), ErrorKind>>,
}

impl Read {
    fn reply(&self) -> Reply {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(self.bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: self.bytes[end + 4..].to_vec() }
    }

    fn content_length(&self) -> usize {
        self.reply().header("content-length").unwrap().parse().unwrap()
    }
}

/// Instead of a number of reads: the connection ends.
const NEVER: usize = usize::MAX;
/// How long silence is listened to.
const SILENCE: Duration = Duration::from_millis(300);
/// For everything else: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a whole DescribeKey and reads until the connection ends, or falls silent after so many reads.
async fn describe(address: &str, client: &Client, arn: &str, silent_after: usize) -> Read {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&client.request("DescribeKey", &json!({ "KeyId": arn }))).await.unwrap();
    let mut read = Read { bytes: Vec::new(), end: None };
    let mut buffer = [0; 4096];
    for reads in 0.. {
        let patience = if reads < silent_after { PATIENCE } else { SILENCE };
        match timeout(patience, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => read.end = Some(Ok(())),
            Ok(Ok(n)) => {
                read.bytes.extend_from_slice(&buffer[..n]);
                continue;
            }
            Ok(Err(error)) => read.end = Some(Err(error.kind())),
            Err(_) => assert!(reads >= silent_after, "silence after {reads} reads"),
        }
        break;
    }
    read
}

async fn broken(fault: Fault, silent_after: usize) -> (Read, Vec<u8>) {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let whole = fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok().body;
    fixture.kms.key(&arn).unwrap().set_fault(fault);
    let read = describe(&fixture.client.address, &fixture.client, &arn, silent_after).await;
    (read, whole)
}

#[tokio::test]
async fn an_answer_that_never_comes() {
    let (read, _) = broken(Fault::Hang, 0).await;
    assert_eq!((read.bytes.len(), read.end), (0, None));
    let (read, _) = broken(Fault::CloseConnection, NEVER).await;
    assert_eq!((read.bytes.len(), read.end), (0, Some(Ok(()))));
}

#[tokio::test]
async fn an_answer_that_stops_in_its_head() {
    let (read, _) = broken(Fault::HangInHead, 1).await;
    let text = String::from_utf8(read.bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && !text.contains("\r\n\r\n"), "{text}");
    assert_eq!(read.end, None);
}

#[tokio::test]
async fn an_answer_that_stops_in_its_body() {
    for (fault, silent_after, end) in
        [(Fault::HangInBody, 1, None), (Fault::ResetInBody, NEVER, Some(Err(ErrorKind::ConnectionReset)))]
    {
        let (read, whole) = broken(fault, silent_after).await;
        assert_eq!(read.content_length(), whole.len(), "{fault:?}");
        assert_eq!(read.reply().body, whole[..whole.len() / 2], "{fault:?}");
        assert_eq!(read.end, end, "{fault:?}");
    }
}

#[tokio::test]
async fn content_lengths_that_lie() {
    let (read, whole) = broken(Fault::LongContentLength, NEVER).await;
    assert_eq!((read.content_length(), read.reply().body), (whole.len() + 64, whole));
    assert_eq!(read.end, Some(Ok(())));
    let (read, whole) = broken(Fault::ShortContentLength, NEVER).await;
    assert_eq!((read.content_length(), read.reply().body), (whole.len() / 2, whole));
    assert_eq!(read.end, Some(Ok(())));
}

#[tokio::test]
async fn an_empty_body_hangs_too() {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    fixture.kms.set_fault(Fault::HangInBody);
    let mut stream = TcpStream::connect(&fixture.client.address).await.unwrap();
    stream.write_all(&fixture.client.request("DisableKey", &json!({ "KeyId": arn }))).await.unwrap();
    let mut head = [0; 4096];
    let length = stream.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..length]);
    // A byte is promised that does not come.
    assert!(head.contains("\r\ncontent-length: 1\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(timeout(SILENCE, stream.read(&mut [0])).await.is_err());
}

#[tokio::test]
async fn a_port_that_says_nothing() {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let port = fixture.kms.open_port().await.unwrap();
    let address = port.address().to_string();
    for fault in [PortFault::Silence, PortFault::SilenceAfterHead] {
        port.set_fault(fault);
        let before = fixture.kms.requests();
        let read = describe(&address, &fixture.client, &arn, 0).await;
        assert_eq!((read.bytes.len(), read.end), (0, None), "{fault:?}");
        assert_eq!(fixture.kms.requests(), before, "{fault:?}");
        // Other ports do not suffer.
        fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok();
    }
    // The head is read: one that is none is refused.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    port.set_fault(None);
    assert_eq!(describe(&address, &fixture.client, &arn, NEVER).await.reply().status, 200);
}

#[tokio::test]
async fn a_closed_port_refuses_until_it_is_reopened() {
    let fixture = Fixture::start().await;
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let other = fixture.kms.open_port().await.unwrap();
    let port: &Port = fixture.kms.port().unwrap();
    assert_eq!(port.endpoint(), fixture.kms.endpoint());
    let address = port.address();
    let mut kept = TcpStream::connect(address).await.unwrap();
    port.close().await;
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    // Its connections are gone as well.
    assert!(matches!(kept.read(&mut [0]).await, Ok(0) | Err(_)));
    let read = describe(&other.address().to_string(), &fixture.client, &arn, NEVER).await;
    assert_eq!(read.reply().status, 200);
    port.reopen().await.unwrap();
    fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok();
    // A port that is open already is opened anew.
    port.reopen().await.unwrap();
    fixture.client.call("DescribeKey", &json!({ "KeyId": arn })).await.ok();
    let address = other.address();
    drop(other);
    // The task ends soon after.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

struct InProcess {
    kms: Kms,
    client: Client,
    key: KeyHandle,
}

impl InProcess {
    fn new() -> Self {
        let clock = Clock::tokio(NOON);
        let kms = Kms::builder().clock(&clock).in_process().unwrap();
        kms.add_principal(Principal::new("AKIATEST", "secret", ROLE).unwrap());
        let arn = kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
        let client = Client::new(&kms, &clock, "AKIATEST", "secret");
        let key = kms.key(&arn).unwrap();
        Self { kms, client, key }
    }

    async fn describe(&self) -> Result<Response<Bytes>, ConnectionFault> {
        let body = json!({ "KeyId": self.key.arn() }).to_string();
        let mut request = Request::builder().method("POST").uri("/");
        for (name, value) in self.client.sign("DescribeKey", body.as_bytes()) {
            request = request.header(name, value);
        }
        self.kms.exchange(request.body(Bytes::from(body)).unwrap()).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_without_a_socket() {
    let world = InProcess::new();
    let whole = world.describe().await.unwrap().into_body();
    for fault in [Fault::Hang, Fault::HangInHead, Fault::HangInBody] {
        world.key.set_fault(fault);
        assert!(timeout(Duration::from_secs(86_400), world.describe()).await.is_err(), "{fault:?}");
    }
    // A day has passed for client and server alike.
    for (fault, end) in [
        (Fault::CloseConnection, ConnectionFault::Closed),
        (Fault::LongContentLength, ConnectionFault::Closed),
        (Fault::ResetInBody, ConnectionFault::Reset),
    ] {
        world.key.set_fault(fault);
        assert_eq!(world.describe().await.unwrap_err(), end, "{fault:?}");
    }
    world.key.set_fault(Fault::ShortContentLength);
    assert_eq!(world.describe().await.unwrap().into_body(), whole[..whole.len() / 2]);
    world.key.set_fault(None);
    assert_eq!(world.describe().await.unwrap().into_body(), whole);
}
