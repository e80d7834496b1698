//! A host that leaves SIGPIPE as it is, which ends it: programs of C do. One test: the signal is the whole process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::os::unix::net::UnixListener;
use std::thread;

use common::{World, generate, session};
use pcrseal::Code;
use serde_json::json;

const SIGPIPE: i32 = 13;
const SIG_DFL: usize = 0;

unsafe extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}

#[test]
fn a_peer_that_closes_its_sockets_does_not_end_the_process() {
    let world = World::new();
    let path = world.path("closing");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || listener.incoming().for_each(drop));
    let mut document = world.document();
    document["credentials"] = json!({ "source": "imds", "through": { "unix": path } });
    let session = session(&document).unwrap();
    unsafe { signal(SIGPIPE, SIG_DFL) };
    // Often enough that the socket is closed before something is written to it.
    for _ in 0..4 {
        assert_eq!(generate(&session, 32, None).err().unwrap().code, Code::KeyNotChecked);
    }
}
