//! Credentials at hand, fetched again in time.
//!
//! Two clocks: the caller's (`now`) judges expiry, because in an enclave only the caller has a trusted one;
//! tokio's measures pauses and limits.

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pcrseal_core::error::{Code, Error as Fault};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{CredentialsError, ProvideCredentials, StaticCredentials};
use crate::Error;
use crate::limits::{
    CREDENTIALS_FETCH_TIMEOUT, CREDENTIALS_REFRESH_PAUSE, CREDENTIALS_REFRESH_SHARE,
    CREDENTIALS_REFRESH_WINDOW, CREDENTIALS_RETRY_PAUSE,
};
use crate::wire::Credentials;

/// One provider and the credentials that it gave last.
pub(crate) struct CredentialsCache(Arc<Inner>);

struct Inner {
    provider: Arc<dyn ProvideCredentials>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The fetch that is under way.
    flight: Option<Flight>,
    /// When the last fetch ended, and whether it failed.
    last: Option<(Instant, bool)>,
}

struct Held {
    credentials: Arc<Credentials>,
    /// From when on they are fetched anew.
    refresh_at: Option<SystemTime>,
}

type Outcome = Result<Arc<Credentials>, CredentialsError>;
type Flight = watch::Receiver<Option<Outcome>>;

/// What a caller finds.
enum Found {
    AtHand(Arc<Credentials>),
    Awaited(Flight),
}

impl CredentialsCache {
    pub(crate) fn new(provider: Arc<dyn ProvideCredentials>) -> Self {
        Self(Arc::new(Inner { provider, state: Mutex::default() }))
    }

    pub(crate) fn of(credentials: Credentials) -> Self {
        Self::new(Arc::new(StaticCredentials::new(credentials)))
    }

    /// Credentials that have not expired at `now`. Waits for a fetch only where none are at hand; that wait ends
    /// with the fetch's own limit, and a caller that is dropped takes nothing from the others.
    pub(crate) async fn get(&self, now: SystemTime) -> Result<Arc<Credentials>, Error> {
        self.find(None, now).await.map_err(Error::Credentials)
    }

    /// The same where AWS said of these that they have expired: others, fetched unless they are at hand already.
    ///
    /// That word binds the caller that heard it. For everyone else they are good while they last: one region
    /// whose clock is wrong must not take the credentials from all the others.
    pub(crate) async fn other_than(
        &self,
        rejected: &Arc<Credentials>,
        now: SystemTime,
    ) -> Result<Arc<Credentials>, Error> {
        match self.find(Some(rejected), now).await {
            Ok(credentials) if Arc::ptr_eq(&credentials, rejected) => {
                Err(Error::Credentials(self.0.error(Fault::new(Code::CredentialsRejected))))
            }
            found => found.map_err(Error::Credentials),
        }
    }

    async fn find(&self, rejected: Option<&Arc<Credentials>>, now: SystemTime) -> Outcome {
        let mut flight = match self.0.find(rejected, now) {
            Found::AtHand(credentials) => return Ok(credentials),
            Found::Awaited(flight) => flight,
        };
        let outcome = match flight.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        outcome
            .unwrap_or_else(|| Err(self.0.error(Fault::new(Code::CredentialsInterrupted))))
            .and_then(|credentials| self.0.unexpired(credentials, now))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(self: &Arc<Self>, rejected: Option<&Arc<Credentials>>, now: SystemTime) -> Found {
        let mut state = self.lock();
        // A flight lands before it lets go of its channel: one that only let go died with its runtime or panicked.
        state.flight.take_if(|flight| flight.has_changed().is_err());
        let since_last = state.last.map(|(ended, failed)| (ended.elapsed(), failed));

        if let Some(held) = &state.held
            && lasts(&held.credentials, now)
            && rejected.is_none_or(|rejected| !Arc::ptr_eq(&held.credentials, rejected))
        {
            let credentials = Arc::clone(&held.credentials);
            let due = held.refresh_at.is_some_and(|refresh_at| now >= refresh_at);
            let rested = since_last.is_none_or(|(elapsed, _)| elapsed >= CREDENTIALS_REFRESH_PAUSE);
            if due && rested && state.flight.is_none() {
                self.start(&mut state, now, Duration::ZERO);
            }
            return Found::AtHand(credentials);
        }
        if let Some(flight) = &state.flight {
            return Found::Awaited(flight.clone());
        }
        let delay = match since_last {
            Some((elapsed, true)) => CREDENTIALS_RETRY_PAUSE.saturating_sub(elapsed),
            _ => Duration::ZERO,
        };
        Found::Awaited(self.start(&mut state, now, delay))
    }

    /// Starts a fetch as a task of its own: it is nobody's to cancel.
    fn start(self: &Arc<Self>, state: &mut State, now: SystemTime, delay: Duration) -> Flight {
        let (sender, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            let began = Instant::now();
            // Even a sleep of no time takes a millisecond.
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let fetched = timeout(CREDENTIALS_FETCH_TIMEOUT, inner.provider.provide()).await;
            let outcome = inner.land(fetched.ok(), now.checked_add(began.elapsed()).unwrap_or(now));
            sender.send_replace(Some(outcome));
        });
        flight
    }

    /// Takes in what a fetch brought; `None` if its time was up.
    fn land(&self, fetched: Option<Result<Arc<Credentials>, Error>>, now: SystemTime) -> Outcome {
        let mut state = self.lock();
        let outcome = match fetched {
            None => Err(self.error(Fault::text(
                Code::CredentialsTimeout,
                "fetch",
                format_args!("at most {} ms", CREDENTIALS_FETCH_TIMEOUT.as_millis()),
                "no end",
            ))),
            Some(Err(error)) => Err(CredentialsError::of(self.provider.name(), error)),
            Some(Ok(credentials)) => self.unexpired(credentials, now),
        };
        match &outcome {
            Ok(credentials) => {
                tracing::debug!(provider = self.provider.name(), "credentials fetched");
                let refresh_at = credentials.expires_at().map(|expires_at| refresh_at(now, expires_at));
                state.held = Some(Held { credentials: Arc::clone(credentials), refresh_at });
            }
            Err(error) => tracing::warn!(
                provider = error.provider(),
                code = error.code().name(),
                others_at_hand = state.held.is_some(),
                "credentials not fetched: {error}"
            ),
        }
        state.last = Some((Instant::now(), outcome.is_err()));
        state.flight = None;
        outcome
    }

    fn unexpired(&self, credentials: Arc<Credentials>, now: SystemTime) -> Outcome {
        if lasts(&credentials, now) {
            return Ok(credentials);
        }
        Err(self.error(Fault::new(Code::CredentialsExpired)))
    }

    fn error(&self, fault: Fault) -> CredentialsError {
        CredentialsError::new(self.provider.name(), fault)
    }
}

fn lasts(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expires_at().is_none_or(|expires_at| now < expires_at)
}

fn refresh_at(now: SystemTime, expires_at: SystemTime) -> SystemTime {
    let life = expires_at.duration_since(now).unwrap_or_default();
    expires_at - CREDENTIALS_REFRESH_WINDOW.min(life / CREDENTIALS_REFRESH_SHARE)
}
