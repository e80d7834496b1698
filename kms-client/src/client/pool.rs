//! Idle connections, kept for the next request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::connection::Sender;
use crate::limits::{MAX_IDLE, MAX_IDLE_PER_ENDPOINT};

/// Idle connections by origin. A connection is in here only between requests.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<String, Vec<Idle>>>);

struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    /// Takes the connection used last that is neither closed nor too old.
    pub(super) fn take(&self, origin: &str) -> Option<Sender> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(origin)?;
        connections.retain(Idle::is_fresh);
        connections.pop().map(|idle| idle.sender)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn put(&self, origin: &str, sender: Sender) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(origin.to_owned()).or_default();
        connections.retain(Idle::is_fresh);
        if connections.len() < MAX_IDLE_PER_ENDPOINT {
            connections.push(Idle { sender, since: Instant::now() });
        }
    }
}

impl Idle {
    fn is_fresh(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < MAX_IDLE
    }
}
