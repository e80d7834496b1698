//! Calls that are ended from outside, attesters that hang, and calls from where none may come.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::ptr::null_mut;
use std::thread::{self, sleep};
use std::time::Duration;

use common::{World, cancel, generate, import, session, unseal};
use pcrseal::Code;
use pcrseal_emulator::kms::{Fault, Operation};
use pcrseal_ffi::{pcrseal_cancel_free, pcrseal_cancel_trigger};
use serde_json::json;
use tokio::runtime::Runtime;

/// Waits for something that happens at the latest when the session's deadline has passed.
fn until(happened: impl Fn() -> bool) {
    while !happened() {
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_cancelled_call_asks_nothing() {
    let world = World::new();
    let session = world.session();
    let blob = import(&session, b"secret").unwrap();
    let requests = world.aws.requests();
    let cancel = cancel();
    cancel.trigger();
    cancel.trigger();
    for code in [
        unseal(&session, &blob, Some(&cancel)).unwrap_err().code,
        generate(&session, 32, Some(&cancel)).err().unwrap().code,
        // It stays triggered.
        unseal(&session, &blob, Some(&cancel)).unwrap_err().code,
    ] {
        assert_eq!(code, Code::Cancelled);
    }
    assert_eq!(world.aws.requests(), requests);

    // Nor is the attester: nobody comes after the connection that looks whether somebody is there.
    let module = UnixListener::bind(world.path("nobody")).unwrap();
    let mut document = world.document_of(&world.path("nobody"));
    document["clock"] = json!("system");
    let session = common::session(&document).unwrap();
    for _ in 0..16 {
        assert_eq!(unseal(&session, &blob, Some(&cancel)).unwrap_err().code, Code::Cancelled);
    }
    drop(session);
    module.set_nonblocking(true).unwrap();
    module.accept().unwrap();
    assert_eq!(module.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    unsafe {
        pcrseal_cancel_trigger(null_mut());
        pcrseal_cancel_free(null_mut());
    }
}

#[test]
fn one_cancel_ends_every_call_that_waits() {
    let world = World::new();
    let session = world.session();
    let blob = import(&session, b"secret").unwrap();
    let proofs = world.requests(Operation::Decrypt);
    let (cancel, unused) = (cancel(), cancel());
    world.keys.iter().for_each(|key| key.set_fault(Fault::Hang));
    thread::scope(|scope| {
        let unseals: Vec<_> =
            (0..3).map(|_| scope.spawn(|| unseal(&session, &blob, Some(&cancel)))).collect();
        let seal = scope.spawn(|| generate(&session, 32, Some(&cancel)));
        let asked = |operation, before| world.requests(operation) > before;
        until(|| asked(Operation::Decrypt, proofs + 8) && asked(Operation::DescribeKey, 3));
        assert!(unseals.iter().all(|unseal| !unseal.is_finished()) && !seal.is_finished());
        cancel.trigger();
        for unseal in unseals {
            let failed = unseal.join().unwrap().unwrap_err();
            assert_eq!((failed.code, failed.rows.len()), (Code::Cancelled, 0));
        }
        assert_eq!(seal.join().unwrap().err().unwrap().code, Code::Cancelled);
    });
    // The session is none the worse.
    world.keys.iter().for_each(|key| key.set_fault(None));
    assert_eq!(unseal(&session, &blob, Some(&unused)).unwrap().0.bytes(), b"secret");
}

/// A module that takes requests and answers none: so many of them, whose connections it gives back.
fn hangs(world: &World, requests: usize) -> thread::JoinHandle<Vec<std::os::unix::net::UnixStream>> {
    let listener = UnixListener::bind(world.path("hangs")).unwrap();
    // The first connection is the one that looks whether anybody is there.
    thread::spawn(move || listener.incoming().skip(1).take(requests).map(Result::unwrap).collect())
}

#[test]
fn an_attester_that_hangs_holds_up_neither_cancel_nor_free() {
    let world = World::new();
    let blob = import(&world.session(), b"secret").unwrap();
    let module = hangs(&world, 1);
    let mut document = world.document_of(&world.path("hangs"));
    document["clock"] = json!("system");
    let session = session(&document).unwrap();
    let cancel = &cancel();
    thread::scope(|scope| {
        let call = scope.spawn(move || {
            let code = unseal(&session, &blob, Some(cancel)).unwrap_err().code;
            drop(session);
            code
        });
        // Held open until the session has been freed: the attester waits all the time.
        let connections = module.join().unwrap();
        cancel.trigger();
        assert_eq!(call.join().unwrap(), Code::Cancelled);
        assert_eq!(connections.len(), 1);
    });
}

#[test]
fn an_attester_that_hangs_makes_no_session() {
    let world = World::new();
    let module = hangs(&world, 1);
    let mut document = world.document_of(&world.path("hangs"));
    document["deadline_ms"] = json!(300);
    assert_eq!(session(&document).unwrap_err().code, Code::DeadlineExceeded);
    assert_eq!(module.join().unwrap().len(), 1);
}

#[test]
fn no_call_waits_within_a_runtime() {
    let world = World::new();
    let session = world.session();
    let blob = import(&session, b"secret").unwrap();
    let requests = world.aws.requests();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        assert_eq!(unseal(&session, &blob, None).unwrap_err().code, Code::Reentrant);
        assert_eq!(common::session(&world.document()).unwrap_err().code, Code::Reentrant);
        assert_eq!(world.aws.requests(), requests);
        // Freed here it does not wait, and does not fail either.
        drop(session);
    });
}
