//! A session's threads: where its work runs, to its deadline or until somebody cancels it.

use std::time::Duration;

use pcrseal::Code;
use pcrseal::core::error::Error as Fault;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::cancel::Cancel;
use crate::error::Failure;
use crate::log::{Log, SessionLog, outside_of_callbacks};
use crate::panics;

/// How many threads move the bytes of all calls of a session. Ours: requests wait far more than they compute, and what
/// computes for long (keys are generated, the attester asked) has threads of its own.
const WORKERS: usize = 2;
/// What a session's threads are called.
const THREAD_NAME: &str = "pcrseal";
/// How long freeing a session waits for its threads. Ours: they end at once, but for one that an attester hangs on, which
/// is left behind.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// The threads, and who is told what they do.
pub(crate) struct Engine {
    /// Some until it is dropped.
    runtime: Option<Runtime>,
    log: SessionLog,
}

impl Engine {
    /// # Errors
    /// [`Code::Reentrant`], [`Code::Threads`].
    pub(crate) fn start(log: Option<Log>) -> Result<Self, Failure> {
        outside()?;
        let log = SessionLog::new(log);
        let listening = log.clone();
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name(THREAD_NAME).enable_all();
        builder.on_thread_start(move || {
            panics::within_this_thread();
            listening.on_this_thread();
        });
        // tokio panics where a thread cannot be started, and fails where the rest cannot.
        let built = panics::caught(|| builder.build().map_err(|error| error.to_string()));
        let built = built.unwrap_or_else(|_| Err("a thread that the system refused".to_owned()));
        let runtime = built.map_err(|found| Fault::text(Code::Threads, "threads", WORKERS, found))?;
        Ok(Self { runtime: Some(runtime), log })
    }

    /// Who is told what happens.
    pub(crate) const fn log(&self) -> &SessionLog {
        &self.log
    }

    /// Does the work, in this thread and the session's, until it is done or cancelled.
    ///
    /// # Errors
    /// The work's; [`Code::Cancelled`], before anything is done where it was cancelled before; [`Code::Reentrant`].
    pub(crate) fn run<T, E: Into<Failure>>(
        &self,
        cancel: Option<&Cancel>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        outside()?;
        let cancelled = || Err(Code::Cancelled.into());
        if cancel.is_some_and(Cancel::is_triggered) {
            return cancelled();
        }
        let runtime = self.runtime.as_ref().ok_or(Code::Threads)?;
        self.log.during(|| {
            runtime.block_on(async {
                let cancel = async {
                    match cancel {
                        Some(cancel) => cancel.wait().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    // What is done is given, if somebody cancels at the same moment.
                    biased;
                    done = work => done.map_err(Into::into),
                    () = cancel => cancelled(),
                }
            })
        })
    }

    /// Does what blocks, or hangs, on a thread of the session's; one that hangs is left behind.
    ///
    /// # Errors
    /// As [`Self::run`]; [`Code::DeadlineExceeded`], [`Code::Panic`].
    pub(crate) fn run_blocking<T: Send + 'static>(
        &self,
        cancel: Option<&Cancel>,
        deadline: Duration,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(cancel, async {
            match timeout(deadline, spawn_blocking(work)).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) => Err(Code::Panic.into()),
                Err(_) => Err(Code::DeadlineExceeded.into()),
            }
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Threads that are gone cannot be seen by a host that looks for leaks, nor run code that it unloads. From
            // within a callback nothing can be waited for.
            match outside() {
                Ok(()) => runtime.shutdown_timeout(SHUTDOWN_LIMIT),
                Err(_) => runtime.shutdown_background(),
            }
        }
        self.log.close();
    }
}

/// That this thread is not within a call of pcrseal already, as in a callback, nor in any other runtime of tokio.
///
/// # Errors
/// [`Code::Reentrant`].
pub(crate) fn outside() -> Result<(), Failure> {
    if Handle::try_current().is_ok() {
        return Err(Code::Reentrant.into());
    }
    outside_of_callbacks()
}
