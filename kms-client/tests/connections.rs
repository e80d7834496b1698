//! Connections that are kept: which request uses which, and which are closed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{DESCRIBE, METADATA, REGION, Reply, Server, answer, client, ok, soon};
use pcrseal_core::error::Code;
use pcrseal_kms::limits::MAX_IDLE_PER_ENDPOINT;

#[tokio::test]
async fn what_follows_an_answer_is_not_the_next_answer() {
    let poison = ok(&METADATA.replace("key/1", "key/2"));
    let server = Server::start(move |_, _| Reply::Keep([ok(METADATA), poison.clone()].concat())).await;
    let client = client(&server);
    for number in 1..=5 {
        let metadata = client.describe_key(REGION, &DESCRIBE).await.unwrap();
        assert_eq!(metadata.arn, DESCRIBE.key_id);
        assert_eq!(server.connections(), number);
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_used_again() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = client(&server);
    for _ in 0..3 {
        client.clone().describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_connection_idle_for_too_long_is_not_used_again() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = client(&server);
    for (idle, connections) in [(0, 1), (15, 1), (31, 2)] {
        pass(idle).await;
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
        assert_eq!(server.connections(), connections, "{idle} s");
    }
}

#[tokio::test]
async fn an_error_answer_keeps_the_connection_too() {
    let server = Server::start(|_, _| Reply::Keep(answer("400 Bad Request", "", "{}"))).await;
    let client = client(&server);
    for _ in 0..2 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_once() {
    // The server reads the second request and closes without a byte, as one that timed the connection out.
    let server = Server::start(|connection, request| match (connection, request) {
        (0, 1) => Reply::Close(Vec::new()),
        _ => Reply::Keep(ok(METADATA)),
    })
    .await;
    let client = client(&server);
    for _ in 0..3 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (2, 4));
}

#[tokio::test]
async fn the_replacement_is_not_replaced() {
    let server = Server::start(|_, request| match request {
        0 => Reply::Close(Vec::new()),
        _ => Reply::Keep(ok(METADATA)),
    })
    .await;
    // Connection 0 dies at once: a first connection has no second chance.
    let client = client(&server);
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsHttp);
    assert_eq!(server.connections(), 1);

    let server = Server::start(|connection, request| match (connection, request) {
        (0, 0) => Reply::Keep(ok(METADATA)),
        _ => Reply::Close(Vec::new()),
    })
    .await;
    let client = common::client(&server);
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsHttp);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn garbage_on_a_kept_connection_is_not_retried() {
    let server = Server::start(|_, request| match request {
        0 => Reply::Keep(ok(METADATA)),
        _ => Reply::Close(b"garbage\r\n\r\n".to_vec()),
    })
    .await;
    let client = client(&server);
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(client.describe_key(REGION, &DESCRIBE).await.unwrap_err().code(), Code::KmsHttp);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_is_served_by_new_connections() {
    let server = Server::start(|_, _| Reply::Close(ok(METADATA))).await;
    let client = client(&server);
    for _ in 0..3 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[test]
fn a_client_outlives_the_runtime_of_its_connections() {
    let server_runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = server_runtime.block_on(Server::start(|_, _| Reply::Keep(ok(METADATA))));
    let client = client(&server);
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.describe_key(REGION, &DESCRIBE)).unwrap();
    }
    assert_eq!(server.connections(), 2);
}

async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn more_connections_than_a_quorum_has_keys_are_not_kept() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = client(&server);
    client.warm_up([REGION; MAX_IDLE_PER_ENDPOINT + 2]).await;
    soon(|| (server.connections(), server.ended()) == (MAX_IDLE_PER_ENDPOINT + 2, 2)).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_does_not_stand_before_one_that_was_not() {
    let closing = answer("200 OK", "connection: close\r\n", METADATA);
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, _| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Close(closing.clone()),
        _ => Reply::Keep(ok(METADATA)),
    })
    .await;
    let client = client(&server);
    client.warm_up([REGION; 2]).await;
    for _ in 0..3 {
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
}

#[tokio::test]
async fn what_one_connection_can_do_does_not_keep_two() {
    let server = Server::start(|_, _| Reply::Keep(ok(METADATA))).await;
    let client = client(&server);
    client.warm_up([REGION; 2]).await;
    for _ in 0..5 {
        pass(10).await;
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
    }
    soon(|| (server.connections(), server.ended()) == (2, 1)).await;
}
