//! The log callback: what happens in a session, in words. Off unless the configuration has a callback.
//!
//! Events are those that pcrseal's crates give to `tracing`. A session listens on its own threads, and on a caller's
//! thread for the time of a call, never in the whole process: sessions log apart, and a host that listens to `tracing`
//! by itself is not disturbed.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_void};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use pcrseal::Code;
use pcrseal::core::error::Error as Fault;
use tracing::dispatcher::{DefaultGuard, set_default};
use tracing::field::{Field, Visit};
use tracing::metadata::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use crate::config::Config;
use crate::error::{Error, Failure, Status, c_string};
use crate::pointer::{Callback, call};

/// A session does not do what it is for.
pub const PCRSEAL_LOG_ERROR: u32 = 1;
/// Somebody refused or failed; the call may succeed all the same.
pub const PCRSEAL_LOG_WARN: u32 = 2;
/// A call has ended, and how.
pub const PCRSEAL_LOG_INFO: u32 = 3;
/// Every step.
pub const PCRSEAL_LOG_DEBUG: u32 = 4;
/// Everything.
pub const PCRSEAL_LOG_TRACE: u32 = 5;

const LEVELS: [(u32, Level); 5] = [
    (PCRSEAL_LOG_ERROR, Level::ERROR),
    (PCRSEAL_LOG_WARN, Level::WARN),
    (PCRSEAL_LOG_INFO, Level::INFO),
    (PCRSEAL_LOG_DEBUG, Level::DEBUG),
    (PCRSEAL_LOG_TRACE, Level::TRACE),
];

/// What the targets of our crates begin with: `pcrseal`, `pcrseal_kms`, …
const OURS: &str = "pcrseal";

/// A function of the host's that is told what happens: the level is a `PCRSEAL_LOG_…` constant, the target the part that
/// speaks (`"pcrseal"`, `"pcrseal_kms"`), the message one line: `"key answered step=release position=2 …"`. No message
/// has a secret, a share or credentials in it; key ARNs, status names and what AWS answered are.
///
/// It is called from the thread that calls pcrseal and from the session's own, from several at once. The texts live until
/// it returns. It must return soon, must not throw, and must not call pcrseal, but for `pcrseal_cancel_trigger`: a call
/// that waits would answer `PCRSEAL_E_REENTRANT`. Once `pcrseal_session_free` has returned, it is not called any more for
/// that session.
pub type LogCallback = Option<
    unsafe extern "C" fn(user_data: *mut c_void, level: u32, target: *const c_char, message: *const c_char),
>;

/// Has every session that is made of this configuration from now on tell a function what happens. Without it nothing is
/// told, and NULL for `callback` goes back to that.
///
/// `user_data` is what the function gets as its first argument: never read, never freed. It must be good, in every thread,
/// for as long as a session of this configuration lives. `most_verbose` is the last level that is told,
/// `PCRSEAL_LOG_ERROR` to `PCRSEAL_LOG_TRACE`.
///
/// May be NULL: callback, `user_data`.
///
/// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another level beside a function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_log(
    config: *mut Config,
    callback: LogCallback,
    user_data: *mut c_void,
    most_verbose: u32,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let config = caller.handle(config, "config")?;
        config.set_log(Log::new(callback, user_data, most_verbose)?);
        Ok(())
    })
}

/// Who is told, and how much.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    callback: Callback,
    most_verbose: Level,
}

impl Log {
    fn new(
        callback: LogCallback,
        user_data: *mut c_void,
        most_verbose: u32,
    ) -> Result<Option<Self>, Failure> {
        let Some(callback) = Callback::new(callback, user_data) else { return Ok(None) };
        let level = LEVELS.iter().find(|(number, _)| *number == most_verbose);
        let unknown = || Fault::number(Code::UnknownConstant, "log level", "1..5", u64::from(most_verbose));
        let (_, most_verbose) = *level.ok_or_else(unknown)?;
        Ok(Some(Self { callback, most_verbose }))
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && *metadata.level() <= self.most_verbose
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target().starts_with(OURS)
}

/// A session's log.
#[derive(Clone, Default)]
pub(crate) struct SessionLog(Option<(Dispatch, Arc<Gate>)>);

/// Whether the callback may be called.
#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    /// Read for as long as the callback runs.
    callbacks: RwLock<()>,
}

thread_local! {
    /// What listens on a thread of a session's, until the thread ends.
    static OF_THREAD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    /// Whether a callback runs on this thread.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// That this is not said from within a callback.
///
/// # Errors
/// [`Code::Reentrant`].
pub(crate) fn outside_of_callbacks() -> Result<(), Failure> {
    if IN_CALLBACK.get() { Err(Code::Reentrant.into()) } else { Ok(()) }
}

impl SessionLog {
    pub(crate) fn new(log: Option<Log>) -> Self {
        LazyLock::force(&NOBODY);
        Self(log.map(|log| {
            let gate = Arc::new(Gate::default());
            (Dispatch::new(Listener { log: Some(log), gate: Arc::clone(&gate) }), gate)
        }))
    }

    /// Listens while this works.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let _listening = self.listen();
        work()
    }

    /// Listens on this thread for as long as it lives.
    pub(crate) fn on_this_thread(&self) {
        OF_THREAD.set(self.listen());
    }

    fn listen(&self) -> Option<DefaultGuard> {
        self.0.as_ref().map(|(dispatch, _)| set_default(dispatch))
    }

    /// Calls the callback no more. Waits until nobody does, unless this is said from within one.
    pub(crate) fn close(&self) {
        let Some((_, gate)) = &self.0 else { return };
        gate.closed.store(true, Ordering::Release);
        if outside_of_callbacks().is_ok() {
            drop(gate.callbacks.write().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Two listeners to nothing, from before the first event of ours, for ever. `tracing` asks once, when an event is first
/// met, who could ever want it, and remembers the answer for every thread. Where it knows of one listener alone, it asks the
/// thread that met the event, which may be one of a session without a log; and a listener that comes at that moment it may
/// miss. So there are always two who want to be asked again each time.
static NOBODY: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Listener { log: None, gate: Arc::default() })));

/// The subscriber behind a session's log.
struct Listener {
    log: Option<Log>,
    gate: Arc<Gate>,
}

impl Subscriber for Listener {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.log.is_some_and(|log| log.wants(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.log.map_or(LevelFilter::OFF, |log| log.most_verbose.into()))
    }

    fn event(&self, event: &Event<'_>) {
        let Some(log) = &self.log else { return };
        let _calling = self.gate.callbacks.read().unwrap_or_else(PoisonError::into_inner);
        if self.gate.closed.load(Ordering::Acquire) {
            return;
        }
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let level = LEVELS.iter().find(|(_, level)| level == metadata.level());
        let number = level.map_or(PCRSEAL_LOG_TRACE, |(number, _)| *number);
        let (target, message) = (c_string(metadata.target()), c_string(text));
        IN_CALLBACK.set(true);
        log.callback.tell(number, &target, &message);
        IN_CALLBACK.set(false);
    }

    // No span is enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message and its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl fmt::Display for Text {
    /// One line, whatever others sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.message.chars().chain(self.fields.chars());
        line.map(|c| if c.is_control() { ' ' } else { c }).try_for_each(|c| f.write_char(c))
    }
}

#[cfg(test)]
mod tests;
