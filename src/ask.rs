//! Asking many keys at once, inside one deadline.

use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use pcrseal_core::report::Failure;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Requests in flight, each for the share at one position. Dropping it aborts what has not answered.
pub(crate) struct Asked<T> {
    tasks: JoinSet<(u8, Result<T, Failure>, Duration)>,
}

impl<T: Send + 'static> Asked<T> {
    pub(crate) fn new() -> Self {
        Self { tasks: JoinSet::new() }
    }

    pub(crate) fn ask(
        &mut self,
        position: u8,
        request: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) {
        let start = Instant::now();
        self.tasks.spawn(async move { (position, request.await, start.elapsed()) });
    }

    /// Hands over answers as they come, until all are in, the deadline is reached, or the receiver has enough.
    pub(crate) async fn until(
        mut self,
        deadline: Instant,
        mut receive: impl FnMut(u8, Result<T, Failure>, Duration) -> ControlFlow<()>,
    ) {
        while let Ok(Some(joined)) = timeout_at(deadline, self.tasks.join_next()).await {
            // A client that panicked has given no answer; its key stays unanswered.
            let Ok((position, answer, elapsed)) = joined else { continue };
            if receive(position, answer, elapsed).is_break() {
                return;
            }
        }
    }
}
