//! A scripted server on loopback: each request is recorded, and answered as the script says.
#![allow(dead_code, unreachable_pub)] // each test binary uses what it needs of this module

pub mod authority;
pub mod memory;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{Credentials, DescribeKeyRequest};
use pcrseal_kms::{Client, ClientBuilder, RetryPolicy};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const REGION: &str = "eu-central-1";
pub const DESCRIBE: DescribeKeyRequest<'static> =
    DescribeKeyRequest { key_id: "arn:aws:kms:eu-central-1:111122223333:key/1", grant_tokens: &[] };
pub const METADATA: &str = r#"{"KeyMetadata":{"Arn":"arn:aws:kms:eu-central-1:111122223333:key/1","Enabled":true,"KeyState":"Enabled","KeySpec":"SYMMETRIC_DEFAULT","KeyUsage":"ENCRYPT_DECRYPT","Origin":"AWS_KMS","MultiRegion":false}}"#;

/// What the server does with a request that it has read.
pub enum Reply {
    /// Answers and keeps the connection.
    Keep(Vec<u8>),
    /// Answers and closes the connection.
    Close(Vec<u8>),
    /// Begins an answer with the first part and repeats the second without end.
    Forever(&'static [u8], &'static [u8]),
    /// As `Forever`, with a pause of 20 ms before each repetition.
    Trickle(&'static [u8], &'static [u8]),
    /// Answers byte by byte, each after this pause.
    Drip(Vec<u8>, Duration),
    /// Begins an answer and never ends it; waits for the client to hang up.
    Stall(Vec<u8>),
    /// Never answers; waits for the client to hang up.
    Hang,
}

type Script = dyn Fn(usize, usize) -> Reply + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    script: Box<Script>,
    connections: AtomicUsize,
    ended: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Server {
    /// The script is given the number of the connection and of the request on it, both from 0.
    pub async fn start(script: impl Fn(usize, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, script).await
    }

    pub async fn start_with(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            connections: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                let number = state.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, number, &state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(tcp).await {
                                serve(stream, number, &state).await;
                            }
                        }
                    }
                    state.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Connections that are over, whoever closed them.
    pub fn ended(&self) -> usize {
        self.state.ended.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, connection: usize, state: &State) {
    let mut request_number = 0;
    while let Some(request) = read_request(&mut stream).await {
        state.requests.lock().unwrap().push(request);
        let reply = (state.script)(connection, request_number);
        request_number += 1;
        match reply {
            Reply::Keep(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Forever(head, again) => {
                let _ = stream.write_all(head).await;
                while stream.write_all(again).await.is_ok() {}
                return;
            }
            Reply::Trickle(head, again) => {
                let _ = stream.write_all(head).await;
                while stream.write_all(again).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Reply::Drip(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(pause).await;
                    if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                let _ = stream.read(&mut [0]).await;
                return;
            }
            Reply::Hang => {
                let _ = stream.read(&mut [0]).await;
                return;
            }
        }
    }
}

/// Reads one request, answers it and closes.
pub async fn serve_once(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) {
    if read_request(stream).await.is_some() {
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text.into_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(len) if len > 0 => bytes.extend_from_slice(&chunk[..len]),
            _ => return None,
        }
    }
}

pub fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "x-amzn-RequestId: req-1\r\n", body)
}

pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", Secret::copy_from(b"secret"), Some(Secret::copy_from(b"token"))).unwrap()
}

/// With limits that a slow machine does not meet, and one attempt; tests of limits and retries set their own.
pub fn builder() -> ClientBuilder {
    let limit = Duration::from_secs(60);
    Client::builder()
        .credentials(credentials())
        .connect_timeout(limit)
        .tls_timeout(limit)
        .answer_timeout(limit)
        .body_timeout(limit)
        .operation_timeout(limit)
        .retry_policy(RetryPolicy::never())
}

pub fn client(server: &Server) -> Client {
    builder().endpoint_url(&server.url()).build().unwrap()
}

/// Waits for what happens soon on the server's side.
pub async fn soon(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(60), "did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
