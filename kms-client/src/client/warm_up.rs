//! Connections opened ahead, and how far away each region is.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use pcrseal_core::error::Code;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::clock::system_time;
use super::transport::TransportError;
use super::{Client, Transport, millis};
use crate::Error;
use crate::trace::TARGET;

/// What [`Client::warm_up`] could do ahead.
#[derive(Debug)]
#[non_exhaustive]
pub struct WarmUp {
    /// Whether there are credentials.
    pub credentials: Result<(), Error>,
    /// Each region as it was named, in that order, with the time that the connection took.
    pub regions: Vec<(String, Result<Duration, Error>)>,
}

/// The last known time of each region.
#[derive(Default)]
pub(super) struct Distances(Mutex<BTreeMap<String, Duration>>);

impl Client {
    /// Fetches credentials and opens a connection to each region, all at once, so that this time overlaps other
    /// work (the making of a key). Later calls use the connections; a region named twice gets two. One attempt
    /// each: whatever fails here is tried again by the call that needs it.
    ///
    /// Takes no longer than an operation may.
    pub async fn warm_up<'a>(&self, regions: impl IntoIterator<Item = &'a str>) -> WarmUp {
        let names: Vec<String> = regions.into_iter().map(str::to_owned).collect();
        let mut tasks = JoinSet::new();
        for (position, region) in names.iter().cloned().enumerate() {
            let client = self.clone();
            tasks.spawn(async move { (position, client.open(&region).await) });
        }
        let credentials = self.fetch_credentials().await;
        let mut results: BTreeMap<_, _> = BTreeMap::new();
        while let Some(joined) = tasks.join_next().await {
            // A task that panicked (a host's transport may) has no result, and is reported below.
            results.extend(joined.ok());
        }
        let regions = names.into_iter().enumerate().map(|(position, region)| {
            let lost = || Err(self.late(&region));
            let result = results.remove(&position).unwrap_or_else(lost);
            (region, result)
        });
        WarmUp { credentials, regions: regions.collect() }
    }

    /// The last known time of a region: of an answer, or of the connection if none came yet. `None` if nothing
    /// was heard from it. To ask the nearest keys first.
    pub fn distance(&self, region: &str) -> Option<Duration> {
        self.0.distances.of(region)
    }

    async fn fetch_credentials(&self) -> Result<(), Error> {
        let start = Instant::now();
        let now = system_time(self.0.clock.uncorrected()?)?;
        let limit = self.0.operation_timeout;
        let fetched = timeout(limit, self.0.credentials.get(now)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(self.late("credentials"))).map(drop);
        let code = fetched.as_ref().err().map(|error| error.code().name());
        debug!(target: TARGET, ms = millis(start.elapsed()), code, "credentials");
        fetched
    }

    async fn open(&self, region: &str) -> Result<Duration, Error> {
        let endpoint = self.0.endpoints.of(region)?;
        let start = Instant::now();
        let opening = async {
            match &self.0.transport {
                Transport::Direct(direct) => direct.warm_up(&endpoint).await,
                Transport::OfHost(transport) => transport.warm_up(region, endpoint.origin()).await,
            }
        };
        let limit = self.0.attempt_timeout.min(self.0.operation_timeout);
        let late = |_| TransportError::Timeout { stage: Code::KmsAttemptTimeout, limit };
        let opened = timeout(limit, opening).await.map_err(late).and_then(|opened| opened);
        opened.map_err(|error| error.at(&endpoint))?;
        let took = start.elapsed();
        self.0.distances.note_first(region, took);
        Ok(took)
    }

    fn late(&self, endpoint: &str) -> Error {
        let (endpoint, limit) = (endpoint.to_owned(), self.0.operation_timeout);
        Error::Timeout { endpoint, code: Code::KmsTimeout, limit, attempts: 1 }
    }
}

impl Distances {
    pub(super) fn note(&self, region: &str, took: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = known.get_mut(region) {
            *time = took;
        } else {
            known.insert(region.to_owned(), took);
        }
    }

    /// A connection's time, where no answer's is known.
    fn note_first(&self, region: &str, took: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(region.to_owned()).or_insert(took);
    }

    fn of(&self, region: &str) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(region).copied()
    }
}
