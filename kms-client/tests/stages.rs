//! Nothing hangs: each stage of an attempt against a server that stops right there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{DESCRIBE, METADATA, REGION, Reply, Server, builder, ok};
use pcrseal_core::error::Code;
use pcrseal_kms::{ClientBuilder, Error, RetryPolicy};
use tokio::net::{TcpSocket, TcpStream};

/// Long enough for a slow machine to come to the stage, short beside the 60 seconds of every other limit.
const LIMIT: Duration = Duration::from_millis(300);
/// Long enough for a slow machine to give a whole answer.
const PATIENT: Duration = Duration::from_secs(2);

async fn timed_out(builder: ClientBuilder, stage: Code) {
    let start = Instant::now();
    let error = builder.build().unwrap().describe_key(REGION, &DESCRIBE).await.unwrap_err();
    match &error {
        Error::Timeout { code, limit, .. } => assert_eq!((*code, *limit), (stage, LIMIT)),
        other => panic!("{other}"),
    }
    assert!(error.is_retryable());
    assert!(start.elapsed() < Duration::from_secs(30), "the stage's limit, not another, ended it");
}

#[tokio::test]
async fn nobody_accepts() {
    // The queue of a listener that never accepts is full after two; what comes then gets no answer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(LIMIT, TcpStream::connect(address)).await {
        queue.push(stream);
    }
    let client = builder().endpoint_url(&format!("http://{address}")).connect_timeout(LIMIT);
    timed_out(client, Code::KmsConnectTimeout).await;
}

#[tokio::test]
async fn nobody_shakes_hands() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    timed_out(builder().endpoint_url(&url).tls_timeout(LIMIT), Code::KmsTlsTimeout).await;
}

#[tokio::test]
async fn nobody_answers() {
    let unfinished = b"HTTP/1.1 200 OK\r\ncontent-le".as_slice();
    for beginning in [b"".as_slice(), unfinished] {
        let server = Server::start(move |_, _| Reply::Stall(beginning.to_vec())).await;
        timed_out(builder().endpoint_url(&server.url()).answer_timeout(LIMIT), Code::KmsAnswerTimeout).await;
    }
}

#[tokio::test]
async fn the_body_does_not_end() {
    let mut cut = ok(METADATA);
    cut.truncate(cut.len() - 1);
    let server = Server::start(move |_, _| Reply::Stall(cut.clone())).await;
    timed_out(builder().endpoint_url(&server.url()).body_timeout(LIMIT), Code::KmsBodyTimeout).await;
}

#[tokio::test]
async fn the_body_trickles() {
    // Each byte comes well within the limit; all of them do not.
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
    let server = Server::start(move |_, _| Reply::Trickle(head, b"1\r\n \r\n")).await;
    timed_out(builder().endpoint_url(&server.url()).body_timeout(LIMIT), Code::KmsBodyTimeout).await;
}

#[tokio::test]
async fn a_stage_that_was_too_slow_is_tried_again() {
    let server = Server::start(|connection, _| match connection {
        0 => Reply::Hang,
        1 => Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{".to_vec()),
        _ => Reply::Keep(ok(METADATA)),
    })
    .await;
    let client = builder().endpoint_url(&server.url()).retry_policy(RetryPolicy::default());
    let client = client.answer_timeout(PATIENT).body_timeout(PATIENT).build().unwrap();
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn silence_on_one_kept_connection_makes_the_others_suspect() {
    let server = Server::start(|connection, _| match connection {
        0..3 => Reply::Hang,
        _ => Reply::Keep(ok(METADATA)),
    })
    .await;
    let policy = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let client = builder().endpoint_url(&server.url()).retry_policy(policy);
    let client = client.answer_timeout(PATIENT).build().unwrap();
    client.warm_up([REGION; 3]).await;
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (4, 2));
}
