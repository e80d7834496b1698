//! Sources of credentials that follow a script: HTTP on loopback or a Unix socket, and feeds.
#![allow(dead_code, unreachable_pub)] // each test binary uses what it needs of this module

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcrseal_kms::Address;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

/// What a source does with a connection.
pub enum Reply {
    /// Writes this and closes.
    Send(Vec<u8>),
    /// Writes the first part once and the second without end.
    Forever(Vec<u8>, Vec<u8>),
    /// Writes byte by byte with this pause after each, and closes.
    Drip(Vec<u8>, Duration),
    /// Writes this, and then nothing; the connection stays open.
    Hang(Vec<u8>),
}

type Script = dyn Fn(&str) -> Reply + Send + Sync;

/// A source on a Unix socket or on loopback.
pub struct Source {
    pub address: Address,
    state: Arc<State>,
    /// Removed when the source goes.
    folder: Option<PathBuf>,
}

struct State {
    script: Box<Script>,
    reads: bool,
    requests: Mutex<Vec<String>>,
}

impl Source {
    /// HTTP on loopback. The script is given the head of the request.
    pub async fn http(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State::new(true, script);
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address: Address::Tcp(address.ip().to_string(), address.port()), state, folder: None }
    }

    /// HTTP on a Unix socket.
    pub fn http_on_unix(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::unix(State::new(true, script))
    }

    /// A feed on a Unix socket: the other side says nothing.
    pub fn feed(script: impl Fn() -> Reply + Send + Sync + 'static) -> Self {
        Self::unix(State::new(false, move |_| script()))
    }

    fn unix(state: Arc<State>) -> Self {
        let folder = folder();
        let path = folder.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address: Address::Unix(path), state, folder: Some(folder) }
    }

    /// The heads of the requests so far; of a feed, one empty text for each connection.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    pub fn socket_address(&self) -> SocketAddr {
        self.address.to_string().parse().unwrap()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl State {
    fn new(reads: bool, script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), reads, requests: Mutex::default() })
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<State>) {
    let mut head = Vec::new();
    while state.reads && !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let reply = (state.script)(&head);
    state.requests.lock().unwrap().push(head);
    match reply {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Forever(first, again) => {
            let _ = stream.write_all(&first).await;
            while stream.write_all(&again).await.is_ok() {}
        }
        Reply::Drip(bytes, pause) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        }
        Reply::Hang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0]).await;
        }
    }
}

pub fn answer(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Send(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes(),
    )
}

pub fn ok(body: &str) -> Reply {
    answer("200 OK", "", body)
}

/// The document as IMDS writes it; its secrets begin with `hunter2`.
pub fn document(id: &str) -> String {
    let lines = [
        "{",
        r#"  "Code" : "Success","#,
        r#"  "LastUpdated" : "2026-11-22T13:43:21Z","#,
        r#"  "Type" : "AWS-HMAC","#,
        &format!(r#"  "AccessKeyId" : "{id}","#),
        r#"  "SecretAccessKey" : "hunter2/SECRET","#,
        r#"  "Token" : "hunter2//TOKEN==","#,
        r#"  "Expiration" : "2099-01-01T00:00:00Z""#,
        "}",
    ];
    lines.join("\n")
}

/// What [`document`] says.
pub fn expiration() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(4_070_908_800)
}

/// The instance metadata service, version 2: tokens are `token-1`, `token-2`, and so on, and only the last is good.
pub struct Imds {
    pub tokens: AtomicUsize,
    pub documents: AtomicUsize,
    /// What it says to be the life of a token, in seconds.
    pub ttl: Option<u64>,
    /// Documents that a token is good for.
    pub uses: usize,
}

impl Imds {
    pub fn new() -> Self {
        Self {
            tokens: AtomicUsize::new(0),
            documents: AtomicUsize::new(0),
            ttl: Some(21_600),
            uses: usize::MAX,
        }
    }

    /// Credentials number n have the id `ASIAn`.
    pub fn reply(&self, head: &str) -> Reply {
        let token = format!("x-aws-ec2-metadata-token: token-{}\r\n", self.tokens.load(Ordering::SeqCst));
        let (line, headers) = head.split_once("\r\n").unwrap();
        let headers = headers.to_ascii_lowercase();
        match line {
            "PUT /latest/api/token HTTP/1.1"
                if headers.contains("x-aws-ec2-metadata-token-ttl-seconds: ") =>
            {
                let number = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
                let ttl = self.ttl.map(|ttl| format!("X-Aws-Ec2-Metadata-Token-Ttl-Seconds: {ttl}\r\n"));
                answer("200 OK", &ttl.unwrap_or_default(), &format!("token-{number}"))
            }
            _ if !headers.contains(&token) => answer("401 Unauthorized", "", "<html>hunter2</html>"),
            "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1" => ok("a-role"),
            "GET /latest/meta-data/iam/security-credentials/a-role HTTP/1.1" => {
                let number = self.documents.fetch_add(1, Ordering::SeqCst) + 1;
                if number.is_multiple_of(self.uses) {
                    self.tokens.fetch_add(1, Ordering::SeqCst);
                }
                ok(&document(&format!("ASIA{number}")))
            }
            _ => answer("404 Not Found", "", ""),
        }
    }
}

/// A new folder for sockets and files.
pub fn folder() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("pcrseal-credentials-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}
