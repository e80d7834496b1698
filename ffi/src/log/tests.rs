#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::CStr;
use std::fmt::Display;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::thread;

use tracing::{debug, error, info, info_span, trace, warn};

use super::*;

/// What a callback was told: level, target, message.
type Told = Mutex<Vec<(u32, String, String)>>;

unsafe extern "C" fn note(told: *mut c_void, level: u32, target: *const c_char, message: *const c_char) {
    // SAFETY: every test hands over its `Told`, which outlives the log; the texts are C's.
    let (told, target, message) =
        unsafe { (&*told.cast::<Told>(), CStr::from_ptr(target), CStr::from_ptr(message)) };
    let text = |text: &CStr| text.to_str().unwrap().to_owned();
    told.lock().unwrap().push((level, text(target), text(message)));
}

fn log(told: &Told, most_verbose: u32) -> SessionLog {
    let told = (&raw const *told).cast_mut().cast();
    SessionLog::new(Log::new(Some(note), told, most_verbose).unwrap())
}

fn one_of_each() {
    error!(target: "pcrseal", "one");
    warn!(target: "pcrseal_kms", "two");
    info!(target: "pcrseal", "three");
    debug!(target: "pcrseal", "four");
    trace!(target: "pcrseal", "five");
}

fn levels(told: &Told) -> Vec<u32> {
    told.lock().unwrap().drain(..).map(|(level, ..)| level).collect()
}

#[test]
fn events_are_told_up_to_the_level() {
    let told = Told::default();
    for (most_verbose, expected) in
        (1..).zip([&[1][..], &[1, 2], &[1, 2, 3], &[1, 2, 3, 4], &[1, 2, 3, 4, 5]])
    {
        log(&told, most_verbose).during(one_of_each);
        assert_eq!(levels(&told), expected);
        one_of_each();
        assert!(levels(&told).is_empty(), "nothing is told once it is over");
    }
    SessionLog::default().during(one_of_each);
    for level in [0, 6] {
        assert!(Log::new(Some(note), null_mut(), level).is_err());
    }
}

#[test]
fn nothing_but_our_own_events_is_told() {
    let told = Told::default();
    log(&told, PCRSEAL_LOG_TRACE).during(|| {
        error!(target: "hyper", "not ours");
        error!(target: "my_pcrseal", "not ours");
        let _inside = info_span!(target: "pcrseal", "span").entered();
        info!(target: "pcrseal_kms", "ours");
    });
    assert_eq!(*told.lock().unwrap(), [(3, "pcrseal_kms".to_owned(), "ours".to_owned())]);
}

#[test]
fn a_message_is_one_line_with_its_fields() {
    let told = Told::default();
    let sent: &dyn Display = &"a\r\nb\0c\u{1b}[31m";
    log(&told, PCRSEAL_LOG_INFO).during(|| {
        info!(target: "pcrseal", number = 7, text = "x\ny", %sent, absent = None::<u32>, "an {}", "event");
        info!(target: "pcrseal", only = 1);
    });
    let messages: Vec<_> = told.lock().unwrap().drain(..).map(|(_, _, message)| message).collect();
    assert_eq!(messages, ["an event number=7 text=\"x\\ny\" sent=a  b c [31m", " only=1"]);
}

#[test]
fn a_closed_log_tells_nothing_more() {
    let told = Told::default();
    let log = log(&told, PCRSEAL_LOG_INFO);
    let later = log.clone();
    log.during(|| info!(target: "pcrseal", "before"));
    log.close();
    later.during(|| info!(target: "pcrseal", "after"));
    assert_eq!(levels(&told), [3]);
}

#[test]
fn closing_waits_for_a_callback_but_not_for_its_own() {
    /// Closes its own log from within; the other way round it would wait for itself for ever.
    unsafe extern "C" fn closes(log: *mut c_void, _: u32, _: *const c_char, _: *const c_char) {
        // SAFETY: the test hands over a place for its log, which it has filled.
        let log = unsafe { &*log.cast::<Mutex<Option<SessionLog>>>() };
        assert!(outside_of_callbacks().is_err());
        log.lock().unwrap().as_ref().unwrap().close();
    }
    let place = Mutex::new(None);
    let log = SessionLog::new(Log::new(Some(closes), (&raw const place).cast_mut().cast(), 3).unwrap());
    *place.lock().unwrap() = Some(log.clone());
    log.during(|| info!(target: "pcrseal", "closes"));
    assert!(outside_of_callbacks().is_ok());

    let told = Told::default();
    let log = self::log(&told, PCRSEAL_LOG_INFO);
    let (held, told_by) = (told.lock().unwrap(), log.clone());
    thread::scope(|scope| {
        let told_by = scope.spawn(move || told_by.during(|| info!(target: "pcrseal", "waits for the lock")));
        let Some((_, gate)) = &log.0 else { panic!("a log") };
        while gate.callbacks.try_write().is_ok() {
            thread::yield_now();
        }
        let closing = scope.spawn(|| log.close());
        while !gate.closed.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert!(!told_by.is_finished() && !closing.is_finished());
        drop(held);
    });
    assert_eq!(levels(&told), [3], "it was told before the log was closed");
}

#[test]
fn a_thread_of_a_sessions_listens_until_it_ends() {
    let told = Told::default();
    let log = log(&told, PCRSEAL_LOG_INFO);
    thread::scope(|scope| {
        scope.spawn(|| {
            log.on_this_thread();
            one_of_each();
        });
        scope.spawn(one_of_each);
    });
    assert_eq!(levels(&told), [1, 2, 3]);
}
