//! What a session's log is told of an unseal whose bytes the program moves. A process of its own: who else works meanwhile
//! could be the first at an event, when nobody listens.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use common::calls::{Handle, Outcome, called, made};
use common::{World, generate, session_of};
use pcrseal::Code;
use pcrseal_ffi::*;
use serde_json::json;

fn begin(session: &Handle<Session>, blob: &[u8]) -> Outcome<Handle<HostUnseal>> {
    made(pcrseal_host_unseal_free, |unseal, error| unsafe {
        pcrseal_host_unseal_begin(session.get(), blob.as_ptr(), blob.len(), unseal, error)
    })
}

fn fail(unseal: &Handle<HostUnseal>, position: u32) {
    let outcome = PCRSEAL_OUTCOME_UNREACHABLE;
    called(|error| unsafe { pcrseal_host_unseal_failed(unseal.get(), position, outcome, 22, error) })
        .unwrap();
}

fn finish(unseal: &Handle<HostUnseal>) -> Outcome<Handle<Secret>> {
    made(pcrseal_secret_free, |secret, error| unsafe {
        pcrseal_host_unseal_finish(unseal.get(), secret, ptr::null_mut(), error)
    })
}

/// What the callback was told.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

unsafe extern "C" fn tell(_: *mut c_void, _: u32, _: *const c_char, message: *const c_char) {
    let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap().to_owned();
    LINES.lock().unwrap().push(message);
}

/// What the second callback asks about, and what it was answered.
static ASKED: AtomicPtr<HostUnseal> = AtomicPtr::new(ptr::null_mut());
static ANSWERS: Mutex<Vec<(usize, bool, Status)>> = Mutex::new(Vec::new());

unsafe extern "C" fn ask(_: *mut c_void, _: u32, _: *const c_char, _: *const c_char) {
    let (unseal, mut secret) = (ASKED.load(Ordering::SeqCst), ptr::null_mut());
    if unseal.is_null() {
        return;
    }
    let answers = unsafe {
        let status = pcrseal_host_unseal_finish(unseal, &raw mut secret, ptr::null_mut(), ptr::null_mut());
        (pcrseal_host_unseal_needed(unseal), pcrseal_host_unseal_is_ready(unseal), status)
    };
    ANSWERS.lock().unwrap().push(answers);
}

fn session(world: &World, callback: LogCallback) -> Handle<Session> {
    let mut document = world.document();
    document["transport"] = json!("host");
    let members = document.as_object_mut().unwrap();
    members.remove("kms");
    members.remove("credentials");
    let config = common::config(&document).unwrap();
    called(|error| unsafe { pcrseal_config_set_log(config.get(), callback, ptr::null_mut(), 5, error) })
        .unwrap();
    session_of(&config).unwrap()
}

/// Without the refusal it would wait for itself.
#[test]
fn a_callback_does_nothing_with_the_unseal_that_it_is_told_of() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let session = session(&world, Some(ask));
    let unseal = begin(&session, &blob).unwrap();
    ASKED.store(unseal.get(), Ordering::SeqCst);
    fail(&unseal, 2);
    ASKED.store(ptr::null_mut(), Ordering::SeqCst);
    assert_eq!(*ANSWERS.lock().unwrap(), [(0, false, Code::Reentrant.number())]);
    assert_eq!(unsafe { pcrseal_host_unseal_needed(unseal.get()) }, 2);
}

#[test]
fn the_session_s_log_is_told() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let session = session(&world, Some(tell));
    let told = || std::mem::take(&mut *LINES.lock().unwrap());
    let unseal = begin(&session, &blob).unwrap();
    assert!(!told().is_empty());
    fail(&unseal, 2);
    assert!(told().iter().any(|line| line.contains("position=2")));
    assert!(finish(&unseal).is_err());
    assert!(told().iter().any(|line| line.contains("quorum_not_reached")));
    // Whoever freed the session is told no more.
    let unseal = begin(&session, &blob).unwrap();
    drop(session);
    told();
    fail(&unseal, 2);
    assert!(finish(&unseal).is_err());
    assert_eq!(told(), Vec::<String>::new());
}
