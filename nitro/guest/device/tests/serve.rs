//! A device starts, ends with its guest, is stopped, and starts again in one process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_guest_device::serve;

fn nsm() -> Arc<Nsm> {
    let authority = Authority::new(&Clock::system()).unwrap();
    Arc::new(Nsm::boot(&authority, NsmConfig::new([Pcr::ZERO; 3])).unwrap())
}

fn socket(name: &str) -> PathBuf {
    let socket = std::env::temp_dir().join(format!("pcrseal-{}-{name}", std::process::id()));
    assert!(!socket.exists());
    socket
}

/// A message of vhost-user: request, flags (version 1), length; QEMU's "Vhost-user Protocol", "Message Specification".
fn message(request: u32) -> Vec<u8> {
    [request, 1, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
}

const GET_FEATURES: u32 = 1;
const SET_OWNER: u32 = 3;

#[test]
fn a_device_is_stopped_before_anyone_came_and_started_again() {
    let (socket, nsm) = (socket("again"), nsm());
    for _ in 0..3 {
        let device = serve(&socket, nsm.clone()).unwrap();
        assert!(socket.exists());
        device.stop().unwrap();
        assert!(!socket.exists());
    }
    drop(serve(&socket, nsm).unwrap());
    assert!(!socket.exists());
}

#[test]
fn a_device_ends_when_its_guest_does() {
    let (socket, nsm) = (socket("end"), nsm());
    for _ in 0..2 {
        let device = serve(&socket, nsm.clone()).unwrap();
        let mut qemu = UnixStream::connect(&socket).unwrap();
        qemu.write_all(&message(GET_FEATURES)).unwrap();
        let mut answer = [0; 20];
        qemu.read_exact(&mut answer).unwrap();
        let features = u64::from_le_bytes(answer[12..].try_into().unwrap());
        // Version 1, indirect descriptors, vhost-user's protocol features, and no more.
        assert_eq!(features, 1 << 32 | 1 << 28 | 1 << 30);
        drop(qemu);
        device.wait().unwrap();
    }
}

#[test]
fn a_device_is_stopped_under_a_guest() {
    let socket = socket("under");
    let device = serve(&socket, nsm()).unwrap();
    let mut qemu = UnixStream::connect(&socket).unwrap();
    // Once it has answered, the connection is the guest's.
    qemu.write_all(&[message(SET_OWNER), message(GET_FEATURES)].concat()).unwrap();
    qemu.read_exact(&mut [0; 20]).unwrap();
    // And nobody else's: the socket goes as soon as the device has its guest.
    while socket.exists() {
        std::thread::yield_now();
    }
    device.stop().unwrap();
    assert_eq!(qemu.read(&mut [0]).unwrap(), 0);
}

#[test]
fn what_is_not_the_protocol_ends_the_connection() {
    let socket = socket("junk");
    let device = serve(&socket, nsm()).unwrap();
    let mut qemu = UnixStream::connect(&socket).unwrap();
    qemu.write_all(&[0xff; 64]).unwrap();
    assert_eq!(qemu.read(&mut [0; 64]).unwrap_or(0), 0);
    device.wait().unwrap_err();
}

#[test]
fn a_file_in_the_way_is_left_alone() {
    let socket = socket("file");
    std::fs::write(&socket, b"mine").unwrap();
    assert!(serve(&socket, nsm()).is_err());
    assert_eq!(std::fs::read(&socket).unwrap(), b"mine");
    std::fs::remove_file(&socket).unwrap();
}
