//! One operation: attempts, what is put right between them, and the one deadline over all.

use core::time::Duration;
use std::sync::Arc;

use pcrseal_core::error::Code;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::clock::system_time;
use super::endpoint::Endpoint;
use super::transport::{TransportAnswer, TransportError, TransportRequest};
use super::{Client, Transport, millis};
use crate::limits::MAX_ERROR_CODE_LEN;
use crate::service_error::printable;
use crate::trace::TARGET;
use crate::wire::{Credentials, HttpAnswer, HttpRequest, Operation};
use crate::{Error, ErrorClass};

/// An operation under way.
struct Call<'a, O> {
    client: &'a Client,
    region: &'a str,
    endpoint: &'a Endpoint,
    operation: &'a O,
    deadline: Option<Instant>,
    /// Attempts begun.
    attempts: u32,
    /// What the caller is told if no attempt does better.
    failure: Option<Error>,
    clock_corrected: bool,
    /// What AWS said has expired.
    rejected: Option<Arc<Credentials>>,
}

/// How an attempt failed, with what is needed to put it right.
struct Failure {
    error: Error,
    /// The answer's `Date`.
    server_time: Option<u64>,
    /// What the request was signed with.
    credentials: Option<Arc<Credentials>>,
}

impl Client {
    pub(super) async fn call<O: Operation + Sync>(
        &self,
        region: &str,
        operation: &O,
    ) -> Result<O::Answer, Error> {
        const { assert!(O::REPEATABLE, "attempts are repeated whatever became of the one before") };
        let endpoint = self.0.endpoints.of(region)?;
        let limit = self.0.operation_timeout;
        let mut call = Call {
            client: self,
            region,
            endpoint: &endpoint,
            operation,
            // Beyond what the clock can count there is none.
            deadline: Instant::now().checked_add(limit),
            attempts: 0,
            failure: None,
            clock_corrected: false,
            rejected: None,
        };
        let error = match timeout(limit, call.run()).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) | Err(_) => call.failure.take(),
        };
        let attempts = call.attempts;
        // Nothing was heard at all: the time is the only thing to tell.
        let error = error.unwrap_or_else(|| Error::Timeout {
            endpoint: endpoint.to_string(),
            code: Code::KmsTimeout,
            limit,
            attempts,
        });
        Err(error.after(attempts))
    }
}

impl<O: Operation + Sync> Call<'_, O> {
    /// The answer, or `None` and what went wrong in `failure`.
    async fn run(&mut self) -> Option<O::Answer> {
        loop {
            self.attempts += 1;
            let failure = match self.attempt().await {
                Ok(answer) => return Some(answer),
                Err(failure) => failure,
            };
            let wait =
                if self.put_right(&failure) { Some(Duration::ZERO) } else { self.wait(&failure.error) };
            self.remember(failure.error);
            sleep(wait?).await;
        }
    }

    async fn attempt(&self) -> Result<O::Answer, Failure> {
        let client = &self.client.0;
        let now = client.clock.now(self.region)?;
        // Of the two clocks the one by which they last longer: AWS is the judge of their expiry, and it has to be
        // asked to be heard.
        let earlier = system_time(now.min(client.clock.uncorrected()?))?;
        let credentials = match &self.rejected {
            None => client.credentials.get(earlier).await?,
            Some(rejected) => client.credentials.other_than(rejected, earlier).await?,
        };
        let host = self.endpoint.authority();
        let request = HttpRequest::new(self.operation, &credentials, self.region, host, now)?;
        debug!(
            target: TARGET,
            region = self.region,
            operation = name::<O>(),
            attempt = self.attempts,
            "request"
        );

        let start = Instant::now();
        let request =
            TransportRequest::new(self.region, self.endpoint.origin(), &request.headers, &request.body);
        let answer =
            self.client.exchange(self.endpoint, request).await.map_err(|error| error.at(self.endpoint))?;
        let took = start.elapsed();
        client.distances.note(self.region, took);

        let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let read = HttpAnswer::new(answer.status, headers, &answer.body);
        let server_time = read.server_time();
        let request_id = read.request_id.map(|id| printable(id, MAX_ERROR_CODE_LEN));
        let outcome = read.read(self.operation);
        debug!(
            target: TARGET,
            region = self.region,
            operation = name::<O>(),
            attempt = self.attempts,
            status = answer.status,
            code = outcome.as_ref().err().map(|error| error.code().name()),
            request_id,
            ms = millis(took),
            "answer"
        );
        outcome.map_err(|error| Failure { error, server_time, credentials: Some(credentials) })
    }

    /// Puts right what can be put right, each once: then the request is signed again and sent at once.
    fn put_right(&mut self, failure: &Failure) -> bool {
        let Error::Service(service) = &failure.error else {
            return false;
        };
        let clock = &self.client.0.clock;
        match (service.class(), failure.server_time, &failure.credentials) {
            (class, Some(server_time), _)
                if !self.clock_corrected
                    && (class == ErrorClass::ClockSkew
                        || class.is_access_denied() && clock.is_skewed(self.region, server_time)) =>
            {
                let Some(seconds) = clock.correct(self.region, server_time) else {
                    return false;
                };
                warn!(target: TARGET, region = self.region, seconds, "AWS's clock differs from ours: corrected");
                self.clock_corrected = true;
                true
            }
            (ErrorClass::CredentialsExpired, _, Some(credentials)) if self.rejected.is_none() => {
                warn!(target: TARGET, region = self.region, "AWS says that the credentials have expired");
                self.rejected = Some(Arc::clone(credentials));
                true
            }
            _ => false,
        }
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn wait(&self, error: &Error) -> Option<Duration> {
        let client = &self.client.0;
        let wait = client.retry.wait(error, self.attempts, (client.random)());
        // A wait beyond the deadline would only delay the bad news.
        let left = self.deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let wait = wait.filter(|wait| *wait < left);
        let (code, wait_ms) = (error.code().name(), wait.map(millis));
        debug!(
            target: TARGET,
            region = self.region,
            operation = name::<O>(),
            attempt = self.attempts,
            code,
            wait_ms,
            "failed"
        );
        wait
    }

    /// Keeps the last failure that says something. That the time was up says less than what was heard before, and
    /// so does that there are no other credentials where AWS did not take these.
    fn remember(&mut self, error: Error) {
        let says_less = match &self.failure {
            None | Some(Error::Timeout { .. }) => false,
            Some(_) => matches!(error, Error::Timeout { .. }) || self.is_in_want(&error),
        };
        if !says_less {
            self.failure = Some(error);
        }
    }

    fn is_in_want(&self, error: &Error) -> bool {
        self.rejected.is_some() && matches!(error, Error::Credentials(_))
    }
}

impl Client {
    /// One exchange, over whichever transport this client has, within the time of one attempt.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: TransportRequest<'_>,
    ) -> Result<TransportAnswer, TransportError> {
        let limit = self.0.attempt_timeout;
        let exchange = async {
            match &self.0.transport {
                Transport::Direct(direct) => direct.exchange(endpoint, request).await,
                Transport::OfHost(transport) => transport.exchange(request).await,
            }
        };
        timeout(limit, exchange)
            .await
            .map_err(|_| TransportError::Timeout { stage: Code::KmsAttemptTimeout, limit })?
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, server_time: None, credentials: None }
    }
}

fn name<O: Operation>() -> &'static str {
    O::TARGET.rsplit('.').next().unwrap_or(O::TARGET)
}
