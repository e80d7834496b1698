//! Idle connections, kept for the next request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::connection::Sender;
use crate::limits::{MAX_IDLE, MAX_IDLE_PER_ENDPOINT};

/// Idle connections by endpoint. A connection is in here only between requests.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<String, Vec<Idle>>>);

struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    /// Takes the connection used last that is neither closed nor too old.
    pub(super) fn take(&self, endpoint: &str) -> Option<Sender> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(endpoint)?;
        connections.retain(Idle::is_fresh);
        connections.pop().map(|idle| idle.sender)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn put(&self, endpoint: &str, sender: Sender) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(endpoint.to_owned()).or_default();
        connections.retain(Idle::is_fresh);
        if connections.len() < MAX_IDLE_PER_ENDPOINT {
            connections.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Closes an endpoint's idle connections: they may be as dead as the one that just gave no answer.
    pub(super) fn clear(&self, endpoint: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(endpoint);
    }
}

impl Idle {
    fn is_fresh(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < MAX_IDLE
    }
}
