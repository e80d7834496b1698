//! The parent instance: hands out the request, the credentials and ways to KMS, and asks for the proof.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener};
use tokio::task::JoinSet;

use crate::Failure;
use crate::aws::Aws;
use crate::vsock::Vsock;

/// Where the enclave asks for its request; measured into the image.
pub(crate) const REQUEST_PORT: u32 = 9100;
const CREDENTIALS_PORT: u32 = 8100;
const SERVE_PORT: u32 = 7000;
/// The port of the first region's KMS; the others follow.
const FIRST_KMS_PORT: u32 = 8001;
/// Longest answer in bytes. Ours: a blob in base64 and a report.
const MAX_ANSWER_LEN: u64 = 1024 * 1024;

/// What the enclave is asked to prove that it holds the key with.
pub(crate) type Challenge = [u8; 32];
/// What it answers.
pub(crate) type Proof = [u8; 32];

/// What the enclave is asked to do.
#[derive(Clone, Copy)]
pub(crate) enum Job<'a> {
    Generate,
    Unseal(&'a [u8]),
}

/// A parent of one guest. Dropping it closes every way.
pub(crate) struct Parent<'v> {
    vsock: &'v Vsock,
    requests: UnixListener,
    // Held for its drop, which aborts.
    _ways: JoinSet<()>,
    connections: Arc<AtomicUsize>,
}

impl<'v> Parent<'v> {
    /// Listens where the guest will connect to. Whatever goes to a region's KMS is forwarded to `kms`.
    pub(crate) fn listen(vsock: &'v Vsock, kms: SocketAddr) -> Result<Self, Failure> {
        let connections = Arc::new(AtomicUsize::new(0));
        let mut ways = JoinSet::new();
        for (port, _) in kms_ports() {
            ways.spawn(forward(vsock.listen(port)?, kms, connections.clone()));
        }
        ways.spawn(feed(vsock.listen(CREDENTIALS_PORT)?));
        Ok(Self { vsock, requests: vsock.listen(REQUEST_PORT)?, _ways: ways, connections })
    }

    /// How often the guest connected to a region's KMS.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Hands out the request, and gives the answer.
    pub(crate) async fn ask(&self, job: Job<'_>) -> Result<Value, Failure> {
        let (mut stream, _) = self.requests.accept().await?;
        stream.write_all(format!("{}\n", request(job)).as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(&mut stream).take(MAX_ANSWER_LEN).read_line(&mut answer).await?;
        Ok(serde_json::from_str(&answer)
            .map_err(|error| format!("the enclave answered {answer:?}: {error}"))?)
    }

    /// Asks for the proof.
    pub(crate) async fn challenge(&self, challenge: &Challenge) -> Result<Proof, Failure> {
        let mut stream = self.vsock.connect(SERVE_PORT).await?;
        stream.write_all(challenge).await?;
        let mut proof = Proof::default();
        stream.read_exact(&mut proof).await?;
        Ok(proof)
    }
}

fn request(job: Job<'_>) -> Value {
    let regions: Map<_, _> = kms_ports().map(|(port, region)| (region.to_owned(), json!(port))).collect();
    let (job, blob) = match job {
        Job::Generate => ("generate", None),
        Job::Unseal(blob) => ("unseal", Some(STANDARD.encode(blob))),
    };
    json!({ "job": job, "blob": blob, "regions": regions, "credentials": CREDENTIALS_PORT, "serve": SERVE_PORT })
}

fn kms_ports() -> impl Iterator<Item = (u32, &'static str)> {
    (FIRST_KMS_PORT..).zip(Aws::regions())
}

/// What AWS's vsock-proxy does: bytes in, bytes out. What they are is TLS's matter, between guest and KMS.
async fn forward(listener: UnixListener, kms: SocketAddr, connections: Arc<AtomicUsize>) {
    let mut streams = JoinSet::new();
    while let Ok((mut guest, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        streams.spawn(async move {
            // A connection that breaks is the guest's to notice.
            if let Ok(mut aws) = TcpStream::connect(kms).await {
                let _ = copy_bidirectional(&mut guest, &mut aws).await;
            }
        });
    }
}

/// The credential feed: one document for each connection.
async fn feed(listener: UnixListener) {
    while let Ok((mut guest, _)) = listener.accept().await {
        let document = Aws::credentials().to_string();
        // A guest that does not read it will say so in its answer.
        let _ = guest.write_all(document.as_bytes()).await;
    }
}
