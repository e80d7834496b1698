//! The client's own transport: HTTP/1.1 over rustls over TCP or vsock, each stage within its limit.

use core::future::Future;
use core::time::Duration;
use std::io;
use std::time::Instant;

use pcrseal_core::error::Code;
use tokio::time::timeout;
use tracing::debug;

use super::connection::{self, Exchange, SendFailure, Sender};
use super::endpoint::Endpoint;
use super::pool::Pool;
use super::tls::Tls;
use super::transport::{TransportAnswer, TransportError, TransportRequest};
use super::{StageLimits, millis};
use crate::Error;
use crate::trace::TARGET;

pub(super) struct Direct {
    tls: Tls,
    limits: StageLimits,
    pool: Pool,
}

/// How an exchange over one connection ended.
enum Failure {
    /// Before the head of an answer: a kept connection may have been dead.
    Send(SendFailure),
    Final(TransportError),
}

impl Direct {
    pub(super) fn new(tls: Tls, limits: StageLimits) -> Self {
        Self { tls, limits, pool: Pool::default() }
    }

    /// One exchange, over a kept connection if there is one.
    pub(super) async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: TransportRequest<'_>,
    ) -> Result<TransportAnswer, TransportError> {
        let exchange = Exchange::new(&request)?;
        let key = endpoint.to_string();
        if let Some(sender) = self.pool.take(&key) {
            match self.over(sender, &exchange, &key).await {
                Ok(answer) => return Ok(answer),
                // Every operation may be repeated: AWS gives the same end state.
                Err(Failure::Send(failure)) if failure.is_stale() => {
                    debug!(target: TARGET, endpoint = %key, "a kept connection was dead");
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        let sender = self.connect(endpoint).await?;
        Ok(self.over(sender, &exchange, &key).await?)
    }

    /// Opens a connection and keeps it.
    pub(super) async fn warm_up(&self, endpoint: &Endpoint) -> Result<(), TransportError> {
        let sender = self.connect(endpoint).await?;
        self.pool.put(&endpoint.to_string(), sender);
        Ok(())
    }

    async fn over(
        &self,
        mut sender: Sender,
        exchange: &Exchange,
        key: &str,
    ) -> Result<TransportAnswer, Failure> {
        let head = within(self.limits.answer, Code::KmsAnswerTimeout, exchange.send(&mut sender));
        let head = match head.await {
            Ok(head) => head.map_err(Failure::Send)?,
            Err(late) => {
                self.pool.clear(key);
                return Err(Failure::Final(late));
            }
        };
        let answer = within(self.limits.body, Code::KmsBodyTimeout, Exchange::receive(head));
        let answer = answer.await.and_then(|answer| answer).map_err(Failure::Final)?;
        self.pool.put(key, sender);
        Ok(answer)
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Sender, TransportError> {
        let start = Instant::now();
        let stream = within(self.limits.connect, Code::KmsConnectTimeout, endpoint.connect())
            .await?
            .map_err(TransportError::Connect)?;
        let connect_ms = millis(start.elapsed());
        let sender = match endpoint.server_name() {
            None => connection::begin(stream).await?,
            Some(name) => {
                let secured = connection::secure(self.tls.connector().map_err(refused)?, name, stream);
                let stream = within(self.limits.tls, Code::KmsTlsTimeout, secured).await??;
                connection::begin(stream).await?
            }
        };
        debug!(target: TARGET, %endpoint, connect_ms, ms = millis(start.elapsed()), "connected");
        Ok(sender)
    }
}

impl From<Failure> for TransportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Send(failure) => failure.into_error(),
            Failure::Final(error) => error,
        }
    }
}

/// Of roots that are built in: it does not happen.
fn refused(error: Error) -> TransportError {
    TransportError::Refused(io::Error::other(error))
}

async fn within<T>(limit: Duration, stage: Code, what: impl Future<Output = T>) -> Result<T, TransportError> {
    timeout(limit, what).await.map_err(|_| TransportError::Timeout { stage, limit })
}
