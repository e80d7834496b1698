//! Events that a session without a log meets first. One test: `tracing` remembers for the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

use common::{World, called, config, import, session_of, unseal};
use pcrseal_ffi::{PCRSEAL_LOG_DEBUG, pcrseal_config_set_log};

unsafe extern "C" fn count(counter: *mut c_void, _: u32, _: *const c_char, _: *const c_char) {
    unsafe { &*counter.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn what_a_silent_session_met_first_is_told_all_the_same() {
    let world = World::new();
    let counter = AtomicU32::new(0);
    let user_data = (&raw const counter).cast_mut().cast();
    let config = config(&world.document()).unwrap();
    let set = |error| unsafe {
        pcrseal_config_set_log(config.get(), Some(count), user_data, PCRSEAL_LOG_DEBUG, error)
    };
    called(set).unwrap();
    let told = session_of(&config).unwrap();
    let silent = world.session();
    let blob = import(&silent, b"secret").unwrap();
    unseal(&silent, &blob, None).unwrap();
    assert_eq!(counter.load(Ordering::SeqCst), 0);
    unseal(&told, &blob, None).unwrap();
    // Measured, accepted, a recipient, attested, three keys asked and two answers, ready, unsealed: at least.
    assert!(counter.load(Ordering::SeqCst) >= 11, "{counter:?}");
}
