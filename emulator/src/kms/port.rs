//! Ports: listening, connections, and the faults that show before there is a request to answer.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::KmsError;
use super::answer::{self, MAX_BODY_LEN, too_large};
use super::errors::ApiError;
use super::wire::{TakeOver, Transport, silence};
use super::world::World;

/// Longest request head in bytes. Ours: session tokens reach a few KiB.
const MAX_HEAD_LEN: usize = 64 * 1024;
/// Most connections at a time; others wait to be accepted. Ours.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take for its TLS handshake, for a head, and for a body. Ours.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after a failed accept (out of file descriptors, as a rule). Ours.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What goes wrong on a port before a request is read, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortFault {
    /// Accepts connections and says nothing: no TLS either.
    Silence,
    /// Reads a request's head and says nothing.
    SilenceAfterHead,
}

/// A port of a server. Every port leads to the same keys; a client that reaches each of its keys through another
/// port sees connections fail one key at a time. Dropping it closes the port and its connections.
pub struct Port {
    address: SocketAddr,
    shared: Shared,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone)]
struct Shared {
    world: Arc<World>,
    tls: Option<TlsAcceptor>,
    fault: Arc<Mutex<Option<PortFault>>>,
}

impl Port {
    /// Listens. Only loopback is accepted.
    pub(crate) async fn listen(
        address: SocketAddr,
        world: Arc<World>,
        tls: Option<TlsAcceptor>,
    ) -> Result<Self, KmsError> {
        if !address.ip().is_loopback() {
            return Err(KmsError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared { world, tls, fault: Arc::default() };
        let task = Mutex::new(Some(tokio::spawn(serve(listener, shared.clone()))));
        Ok(Self { address, shared, task })
    }

    /// `http://127.0.0.1:PORT`, or `https://…` where the server speaks TLS.
    pub fn endpoint(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What goes wrong from now on; `None` for nothing.
    pub fn set_fault(&self, fault: impl Into<Option<PortFault>>) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault.into();
    }

    /// Closes the port and its connections: from now on connections are refused.
    pub async fn close(&self) {
        if let Some(task) = self.take_task() {
            task.abort();
            // It ends by its abortion, which is no news.
            drop(task.await);
        }
    }

    /// Listens again after [`Self::close`].
    ///
    /// # Errors
    /// [`KmsError::Io`] when somebody else has taken the port meanwhile.
    pub async fn reopen(&self) -> Result<(), KmsError> {
        self.close().await;
        let listener = TcpListener::bind(self.address).await?;
        let task = tokio::spawn(serve(listener, self.shared.clone()));
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({})", self.endpoint())
    }
}

impl Shared {
    fn fault(&self) -> Option<PortFault> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until the task is aborted, which ends all of them.
async fn serve(listener: TcpListener, shared: Shared) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Ok(permit) = permits.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                connections.spawn(async move {
                    accepted(stream, shared).await;
                    drop(permit);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn accepted(stream: TcpStream, shared: Shared) {
    if shared.fault() == Some(PortFault::Silence) {
        return silence(stream).await;
    }
    match shared.tls.clone() {
        None => connection(stream, shared).await,
        Some(acceptor) => {
            // A client that does not like the certificate is its own affair.
            if let Ok(Ok(stream)) = timeout(READ_TIMEOUT, acceptor.accept(stream)).await {
                connection(stream, shared).await;
            }
        }
    }
}

async fn connection<T: Transport + 'static>(stream: T, shared: Shared) {
    let service = service_fn(move |request| Box::pin(respond(shared.clone(), request)));
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .max_buf_size(MAX_HEAD_LEN)
        .serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|context| http.poll_without_shutdown(context)).await;
    let mut stream = http.into_parts().io.into_inner();
    // Any other error is a client that breaks off, or talks something else than HTTP: its own affair.
    let take_over = served.as_ref().err().and_then(|error| error.source()?.downcast_ref::<TakeOver>());
    match take_over {
        Some(take_over) => take_over.run(stream).await,
        None => drop(stream.shutdown().await),
    }
}

async fn respond(shared: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, TakeOver> {
    if shared.fault() == Some(PortFault::SilenceAfterHead) {
        return Err(TakeOver::SILENCE);
    }
    let (parts, body) = request.into_parts();
    let body = read_body(body).await;
    let reply = answer::answer(&shared.world, &parts, body).await;
    TakeOver::of(reply).map(|response| response.map(Full::new))
}

async fn read_body(body: Incoming) -> Result<Bytes, ApiError> {
    match timeout(READ_TIMEOUT, Limited::new(body, MAX_BODY_LEN).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::serialization()),
        Err(_) => Err(ApiError::bare("RequestTimeoutException").with_status(408)),
    }
}
