//! Where the system has no room for threads. One test: the limit is the whole process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs::read_to_string;
use std::panic::set_hook;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{World, config, session_of};
use pcrseal::Code;
use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Less than the stack of a thread, and enough for everything else.
const ROOM: u64 = 1 << 20;

static PRINTED: AtomicBool = AtomicBool::new(false);

/// Nor does anything say so on standard error, as Rust's panics do.
#[test]
fn a_session_without_threads_is_none() {
    set_hook(Box::new(|_| PRINTED.store(true, Ordering::Relaxed)));
    let world = World::new();
    let config = config(&world.document()).unwrap();
    let before = getrlimit(Resource::As);
    let pages = read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let limit = pages * u64::try_from(page_size()).unwrap() + ROOM;
    setrlimit(Resource::As, Rlimit { current: Some(limit), ..before }).unwrap();
    let outcome = session_of(&config);
    setrlimit(Resource::As, before).unwrap();
    let failed = outcome.unwrap_err();
    assert_eq!(failed.code, Code::Threads, "{}", failed.message);
    assert!(!PRINTED.load(Ordering::Relaxed));
    session_of(&config).unwrap();
}
