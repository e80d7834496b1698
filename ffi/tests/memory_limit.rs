//! Where no memory may be locked. One test: the limit is the whole process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{World, generate, import, reseal, unseal, unseal_into};
use pcrseal::Code;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Leaves this thread, whoever runs the test, without the right to lock a byte.
fn forbid_locking() {
    setrlimit(Resource::Memlock, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let mut sets = capabilities(None).unwrap();
    // A root user may lock all the same, unless its capability is taken away.
    sets.effective.remove(CapabilitySet::IPC_LOCK);
    set_capabilities(None, sets).unwrap();
}

#[test]
fn a_secret_that_cannot_be_locked_is_not_asked_for() {
    let world = World::new();
    let session = world.session();
    let blob = import(&session, b"secret").unwrap();
    forbid_locking();
    let requests = world.aws.requests();
    for failed in [
        unseal(&session, &blob, None).unwrap_err(),
        generate(&session, 32, None).err().unwrap(),
        reseal(&session, &blob).err().unwrap(),
    ] {
        assert_eq!(failed.code, Code::MemoryNotLocked);
        assert!(
            failed.message.contains("RLIMIT_MEMLOCK") && failed.message.contains("mlock"),
            "{}",
            failed.message
        );
    }
    assert_eq!(world.aws.requests(), requests, "KMS was asked nothing");
    assert_eq!(
        unseal_into(&session, &blob, 6).unwrap(),
        b"secret",
        "the caller's own memory is the caller's"
    );
}
