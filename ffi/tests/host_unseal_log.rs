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

use common::calls::{Handle, Outcome, called, made};
use common::{World, generate, session_of};
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

#[test]
fn the_session_s_log_is_told() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let mut document = world.document();
    document["transport"] = json!("host");
    let members = document.as_object_mut().unwrap();
    members.remove("kms");
    members.remove("credentials");
    let config = common::config(&document).unwrap();
    called(|error| unsafe { pcrseal_config_set_log(config.get(), Some(tell), ptr::null_mut(), 5, error) })
        .unwrap();
    let session = session_of(&config).unwrap();
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
