//! Asking many keys, all at once or hedged, inside one deadline.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use pcrseal_core::names::KeyArn;
use pcrseal_core::report::Failure;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::observe::{self, Step};

/// How the keys of an unseal are asked. A seal asks all of its keys at once: it needs them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanOut {
    /// All keys at once: the fastest, at the price of one request per key.
    #[default]
    All,
    /// As many of the nearest keys as shares are needed
    /// ([`AuthenticatedKms::distance`](crate::AuthenticatedKms::distance); keys of unknown distance last, in the
    /// quorum's order), then one more as soon as one fails, and one more each time that `delay` passes without
    /// enough shares: as many requests as shares, as a rule, at the price of the delay when a key hangs.
    Hedged {
        /// Twice the usual time of the farthest of the nearest keys is a good value. It is shortened where it
        /// would leave a key unasked at the deadline.
        delay: Duration,
    },
}

impl FanOut {
    /// How many keys are asked at once, and what passes until the next is, for a session that needs `needed` of
    /// `count` shares and has `left` until its deadline.
    pub(crate) fn pace(self, needed: usize, count: usize, left: Duration) -> Pace {
        match self {
            Self::All => Pace::AT_ONCE,
            Self::Hedged { delay } => {
                let later = count.saturating_sub(needed);
                // The key that is asked last has as long for its answer as each of those before it.
                let turns = u32::try_from(later).unwrap_or(u32::MAX).saturating_add(1);
                Pace { at_once: needed, delay: delay.min(left / turns) }
            }
        }
    }
}

/// How fast requests are let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    at_once: usize,
    delay: Duration,
}

impl Pace {
    pub(crate) const AT_ONCE: Self = Self { at_once: usize::MAX, delay: Duration::ZERO };
}

/// What an answer means for the requests that are still to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Enough answers are in.
    Enough,
    /// This one serves; more are needed.
    Good,
    /// Another key has to stand in for this one.
    Bad,
}

/// Requests, each for the share at one position, in the order in which they shall be made.
pub(crate) struct Requests<T> {
    step: Step,
    waiting: VecDeque<Request<T>>,
}

struct Request<T> {
    position: u8,
    key: KeyArn,
    answer: Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>,
}

impl<T: Send + 'static> Requests<T> {
    pub(crate) const fn new(step: Step) -> Self {
        Self { step, waiting: VecDeque::new() }
    }

    pub(crate) fn add(
        &mut self,
        position: u8,
        key: KeyArn,
        answer: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) {
        self.waiting.push_back(Request { position, key, answer: Box::pin(answer) });
    }

    /// Makes the requests and hands over answers as they come, until all are in, the deadline is reached, or the
    /// receiver has enough; what has not answered by then is aborted.
    pub(crate) async fn make(
        self,
        pace: Pace,
        deadline: Instant,
        mut receive: impl FnMut(u8, Result<T, Failure>, Duration) -> Verdict,
    ) {
        let mut flight = Flight { requests: self, tasks: JoinSet::new() };
        for _ in 0..pace.at_once.min(flight.requests.waiting.len()) {
            flight.ask_next();
        }
        let mut hedge_at = Instant::now() + pace.delay;
        loop {
            let wake_at = if flight.requests.waiting.is_empty() { deadline } else { deadline.min(hedge_at) };
            let verdict = match timeout_at(wake_at, flight.tasks.join_next()).await {
                Ok(Some(Ok((position, answer, elapsed)))) => receive(position, answer, elapsed),
                Ok(None) => break,
                Err(_) if wake_at == deadline => break,
                // The delay has passed; or a client has panicked and given no answer: its key stays unanswered.
                Ok(Some(Err(_))) | Err(_) => Verdict::Bad,
            };
            match verdict {
                Verdict::Enough => break,
                Verdict::Good => {}
                Verdict::Bad => {
                    flight.ask_next();
                    hedge_at = Instant::now() + pace.delay;
                }
            }
        }
    }
}

type Answered<T> = (u8, Result<T, Failure>, Duration);

/// Dropping it aborts what has not answered.
struct Flight<T> {
    requests: Requests<T>,
    tasks: JoinSet<Answered<T>>,
}

impl<T: Send + 'static> Flight<T> {
    fn ask_next(&mut self) {
        let Some(Request { position, key, answer }) = self.requests.waiting.pop_front() else { return };
        observe::key_asked(self.requests.step, position, &key);
        let start = Instant::now();
        self.tasks.spawn(async move { (position, answer.await, start.elapsed()) });
    }
}
