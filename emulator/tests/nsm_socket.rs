//! The software module behind a Unix socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use common::{TempDir, image, index};
use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::Code;
use pcrseal_core::pcr::PcrSet;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MAX_REQUEST_LEN, Nsm, NsmConfig, NsmSocket};
use pcrseal_nsm_conformance::{Expectations, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

fn boot() -> (Arc<Nsm>, Authority) {
    let authority = Authority::new(&Clock::system()).unwrap();
    (Arc::new(Nsm::boot(&authority, NsmConfig::new(image())).unwrap()), authority)
}

async fn ask(stream: &mut UnixStream, request: &[u8]) -> Vec<u8> {
    stream.write_u32(u32::try_from(request.len()).unwrap()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = vec![0; usize::try_from(stream.read_u32().await.unwrap()).unwrap()];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

/// Two readings of the framing and of the protocol meet.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_socket_conforms() {
    let folder = TempDir::new("socket-conforms");
    let path = folder.0.join("nsm");
    let (nsm, authority) = boot();
    let socket = NsmSocket::serve(&path, Arc::clone(&nsm)).unwrap();
    assert_eq!(socket.path(), path);
    let outcomes = tokio::task::spawn_blocking(move || {
        let client = pcrseal_nitro::Nsm::over(pcrseal_nitro::NsmSocket::connect(&path).unwrap());
        let pcrs: PcrSet = (0..3).zip(image()).map(|(number, value)| (index(number), value)).collect();
        run(&client, &Expectations::signed_under(authority.root_der()).pcrs(pcrs))
    });
    let outcomes = outcomes.await.unwrap();
    assert!(outcomes.len() > 20);
    for outcome in outcomes {
        assert!(outcome.passed(), "{outcome}");
    }
    // They were the module's registers.
    assert!(nsm.describe_pcr(index(31)).unwrap().locked);
}

#[tokio::test]
async fn a_connection_takes_many_requests_and_several_are_open_at_once() {
    let folder = TempDir::new("socket-many");
    let path = folder.0.join("nsm");
    let (nsm, _) = boot();
    let _socket = NsmSocket::serve(&path, Arc::clone(&nsm)).unwrap();
    let mut first = UnixStream::connect(&path).await.unwrap();
    let mut second = UnixStream::connect(&path).await.unwrap();
    for _ in 0..3 {
        for stream in [&mut first, &mut second] {
            assert_eq!(ask(stream, b"\x6bDescribeNSM").await, nsm.answer(b"\x6bDescribeNSM"));
            assert_eq!(ask(stream, b"nonsense").await, b"\xa1\x65Error\x70InvalidOperation");
        }
    }
    // The longest request that is one.
    assert_eq!(ask(&mut first, &[0x60; MAX_REQUEST_LEN]).await, b"\xa1\x65Error\x70InvalidOperation");
}

#[tokio::test]
async fn a_length_that_no_request_has_ends_the_connection_and_no_other() {
    let folder = TempDir::new("socket-lengths");
    let path = folder.0.join("nsm");
    let (nsm, _) = boot();
    let _socket = NsmSocket::serve(&path, nsm).unwrap();
    let mut other = UnixStream::connect(&path).await.unwrap();
    for length in [0, u32::try_from(MAX_REQUEST_LEN + 1).unwrap(), 0x8000_0000, u32::MAX] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_u32(length).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "{length}");
        assert_eq!(ask(&mut other, b"\x69GetRandom").await.len(), 1 + 10 + 1 + 7 + 3 + 256);
    }
}

#[tokio::test]
async fn the_socket_is_its_owners_and_goes_with_the_server() {
    let folder = TempDir::new("socket-mode");
    let path = folder.0.join("nsm");
    let (nsm, _) = boot();
    let socket = NsmSocket::serve(&path, Arc::clone(&nsm)).unwrap();
    assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let mut open = UnixStream::connect(&path).await.unwrap();
    ask(&mut open, b"\x6bDescribeNSM").await;
    drop(socket);
    assert!(!path.exists());
    assert_eq!(open.read(&mut [0]).await.unwrap_or(0), 0, "connections end with it");

    // What another has put there meanwhile stays.
    let socket = NsmSocket::serve(&path, nsm).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(socket);
    assert!(path.exists());
}

#[tokio::test]
async fn only_a_socket_that_nobody_serves_is_replaced() {
    let folder = TempDir::new("socket-replaced");
    let path = |name: &str| folder.0.join(name);
    let (nsm, _) = boot();
    let refused = |path: &Path, kind| {
        let error = NsmSocket::serve(path, Arc::clone(&nsm)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&format!("cannot listen on {}", path.display())), "{error}");
    };
    drop(UnixListener::bind(path("stale")).unwrap());
    let socket = NsmSocket::serve(path("stale"), Arc::clone(&nsm)).unwrap();
    refused(&path("stale"), ErrorKind::AddrInUse);
    ask(&mut UnixStream::connect(socket.path()).await.unwrap(), b"\x6bDescribeNSM").await;

    fs::write(path("file"), "precious").unwrap();
    drop(UnixListener::bind(path("stale-too")).unwrap());
    symlink("stale-too", path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    for name in ["file", "link", "dangling", "folder"] {
        refused(&path(name), ErrorKind::AlreadyExists);
    }
    assert_eq!(fs::read(path("file")).unwrap(), b"precious");
    assert!(path("stale-too").exists());
    refused(&path("no/such/folder"), ErrorKind::NotFound);
}

/// A module that has been restarted is found at the same path; the one before is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_outlives_its_server() {
    let folder = TempDir::new("socket-restart");
    let path = folder.0.join("nsm");
    let socket = NsmSocket::serve(&path, boot().0).unwrap();
    let client = pcrseal_nitro::Nsm::over(pcrseal_nitro::NsmSocket::connect(&path).unwrap());
    let id = |client: &pcrseal_nitro::Nsm| {
        tokio::task::block_in_place(|| client.describe()).map(|description| description.module_id)
    };
    let first = id(&client).unwrap();
    drop(socket);
    assert_eq!(id(&client).unwrap_err().code(), Code::NsmSocket);
    let (nsm, _) = boot();
    let _socket = NsmSocket::serve(&path, Arc::clone(&nsm)).unwrap();
    let second = id(&client).unwrap();
    assert_eq!(second, nsm.module_id());
    assert_ne!(first, second);
}
