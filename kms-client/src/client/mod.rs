//! The async client: authenticated connections, a few kept alive per endpoint; every step bounded in time and size.
//!
//! The request's and the answer's bodies are wiped here. The HTTP and TLS implementations keep buffers of their
//! own, which they free without wiping; with `Recipient` no plaintext passes through them.

mod builder;
mod connection;
mod endpoint;
mod io;
mod operations;
mod pool;
mod tls;

pub use builder::ClientBuilder;

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use pcrseal_core::error::{Code, Error as Fault};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use self::connection::{Answer, Exchange};
use self::endpoint::Endpoint;
use self::pool::Pool;
use crate::Error;
use crate::credentials::CredentialsCache;
use crate::wire::{HttpAnswer, HttpRequest, Operation};

/// A client of AWS KMS. Cheap to clone; clones share their connections.
///
/// Every call runs on the caller's tokio runtime, which needs its I/O and time drivers, and may be dropped at any
/// time. Nothing is retried, but for one case: a kept connection that turns out to be dead is replaced once.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    credentials: CredentialsCache,
    /// Overrides by region; the empty name stands for every region that has none.
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    tls: Option<TlsConnector>,
    connect_timeout: Duration,
    operation_timeout: Duration,
    time_source: TimeSource,
    pool: Pool,
}

/// The clock of signatures and certificate checks.
type TimeSource = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Client {
    /// Begins to configure a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) async fn call<O: Operation + Sync>(
        &self,
        region: &str,
        operation: &O,
    ) -> Result<O::Answer, Error> {
        let endpoint = self.endpoint(region)?;
        let now = (self.0.time_source)();
        let credentials = self.0.credentials.get(now).await?;
        let now =
            now.duration_since(UNIX_EPOCH).map_err(|_| Error::Configuration(Fault::new(Code::KmsClock)))?;
        let request = HttpRequest::new(operation, &credentials, region, endpoint.authority(), now.as_secs())?;
        let limit = self.0.operation_timeout;
        let answer = timeout(limit, self.exchange(&endpoint, request)).await.map_err(|_| {
            Error::Timeout { endpoint: endpoint.to_string(), code: Code::KmsTimeout, limit }
        })??;
        let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        HttpAnswer::new(answer.status, headers, &answer.body).read(operation)
    }

    /// Where a region's requests go. The region's name is checked in either case.
    fn endpoint(&self, region: &str) -> Result<Arc<Endpoint>, Error> {
        let of_aws = Endpoint::of_aws(region)?;
        let configured = self.0.endpoints.get(region).or_else(|| self.0.endpoints.get(""));
        Ok(configured.map_or_else(|| Arc::new(of_aws), Arc::clone))
    }

    async fn exchange(&self, endpoint: &Endpoint, request: HttpRequest) -> Result<Answer, Error> {
        let mut headers = hyper::HeaderMap::new();
        for (name, value) in request.headers.iter() {
            let mut value = hyper::header::HeaderValue::from_str(value)
                .map_err(|_| Error::InvalidRequest(Fault::field(Code::KmsRequest, name)))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        // The owner is wiped when the last handle is gone.
        let exchange = Exchange { endpoint, headers, body: Bytes::from_owner(request.body) };

        if let Some(mut sender) = self.0.pool.take(endpoint.origin()) {
            match exchange.send(&mut sender).await {
                // All four operations may be repeated: none changes a key or a policy.
                Err(failure) if failure.is_stale() => {}
                Err(failure) => return Err(failure.into_error(endpoint)),
                Ok(head) => {
                    let answer = exchange.receive(head).await?;
                    self.0.pool.put(endpoint.origin(), sender);
                    return Ok(answer);
                }
            }
        }
        let mut sender = self.connect(endpoint).await?;
        let head = exchange.send(&mut sender).await.map_err(|failure| failure.into_error(endpoint))?;
        let answer = exchange.receive(head).await?;
        self.0.pool.put(endpoint.origin(), sender);
        Ok(answer)
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<connection::Sender, Error> {
        let limit = self.0.connect_timeout;
        timeout(limit, connection::connect(endpoint, self.0.tls.as_ref())).await.map_err(|_| {
            Error::Timeout { endpoint: endpoint.to_string(), code: Code::KmsConnectTimeout, limit }
        })?
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
