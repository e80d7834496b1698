//! What becomes of a panic. The library prints nothing: a panic within a call, or in a session's thread, ends in a status.
//! The call's error has its place in the sources, and not its words, which may quote anything.
//!
//! The C library has a hook of its own; a Rust program that links this crate shares it, and everything else that panics
//! there goes on to the hook that was there before.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread;

thread_local! {
    /// Whether this thread is within the library.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where it panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// What the work comes to; where it panics, the place.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    // A thread that unwinds may not set a hook.
    if !thread::panicking() {
        HOOK.call_once(set);
    }
    let outer = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outer);
    done.map_err(|panicked| {
        // Its destructor could panic again.
        mem::forget(panicked);
        PLACE.take().unwrap_or_else(|| "another thread".to_owned())
    })
}

/// Makes this thread one of the library's.
pub(crate) fn within_this_thread() {
    INSIDE.set(true);
}

fn set() {
    let before = take_hook();
    set_hook(Box::new(move |panicked| {
        if INSIDE.try_with(Cell::get) != Ok(true) {
            return before(panicked);
        }
        let place = panicked.location().map(ToString::to_string);
        // A thread that ends has no place to keep it.
        let _ = PLACE.try_with(|kept| kept.replace(place));
    }));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_panic_tells_its_place() {
        assert!(caught(|| 7) == Ok(7));
        let place = caught(|| panic!("words")).unwrap_err();
        assert!(place.contains("panics.rs:") && !place.contains("words"), "{place}");
    }

    #[test]
    fn only_what_runs_inside_is_inside() {
        let inside = || INSIDE.get();
        let within = caught(|| (inside(), caught(|| ()), inside()));
        assert_eq!((inside(), within), (false, Ok((true, Ok(()), true))));
        let panicked: Result<(), _> = caught(|| panic!("a defect"));
        assert!(panicked.is_err() && !inside());
        let other = thread::spawn(move || (inside(), within_this_thread(), inside()));
        assert_eq!(other.join().unwrap(), (false, (), true));
    }
}
