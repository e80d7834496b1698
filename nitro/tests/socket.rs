//! The module behind a Unix socket: servers that do well, and servers that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::{at, description};
use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{MAX_NSM_REQUEST_LEN, MAX_NSM_RESPONSE_LEN};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, NsmConfig};
use pcrseal_nitro::{Channel, Nsm, NsmSocket};
use pcrseal_nsm_conformance::{Expectations, run};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};

/// Long enough for a server that is there, short enough to wait for one that is not.
const SHORT: Duration = Duration::from_millis(100);

/// A folder of its own, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pcrseal-nsm-socket-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads one request: its length and its bytes. None where the connection ends without one, as the first does.
fn request(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut request = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut request).unwrap();
    Some(request)
}

fn framed(answer: &[u8]) -> Vec<u8> {
    [&u32::try_from(answer.len()).unwrap().to_be_bytes(), answer].concat()
}

/// Serves so many requests, one connection each, and ends; `serve` gets the request and where its answer goes.
fn server(
    path: &Path,
    requests: usize,
    mut serve: impl FnMut(&[u8], &mut UnixStream) + Send + 'static,
) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        let mut served = 0;
        while served < requests {
            let mut stream = listener.accept().unwrap().0;
            if let Some(request) = request(&mut stream) {
                serve(&request, &mut stream);
                served += 1;
            }
        }
    })
}

/// One exchange with a server that sends these bytes and closes.
fn exchange_with(folder: &Folder, sent: Vec<u8>, room: usize) -> (Result<usize, Error>, Vec<u8>) {
    let path = folder.join("nsm");
    let _ = fs::remove_file(&path);
    let server = server(&path, 1, move |_, stream| stream.write_all(&sent).unwrap());
    let mut response = vec![0; room];
    let outcome = NsmSocket::connect(&path).unwrap().exchange(&[1], &mut response);
    server.join().unwrap();
    (outcome, response)
}

#[test]
fn the_software_module_conforms_over_a_socket() {
    let folder = Folder::new("conforms");
    let authority = Authority::new(&Clock::system()).unwrap();
    let config = NsmConfig::new([0xa0, 0xa1, 0xa2].map(|byte| Pcr::new([byte; 48])));
    let module = Arc::new(pcrseal_emulator::nsm::Nsm::boot(&authority, config).unwrap());
    let path = folder.join("nsm");
    let listener = UnixListener::bind(&path).unwrap();
    // It serves until the test's process ends: how many requests the suite makes is its own business.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let module = Arc::clone(&module);
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                if let Some(request) = request(&mut stream) {
                    stream.write_all(&framed(&module.answer(&request))).unwrap();
                }
            });
        }
    });
    let nsm = Nsm::over(NsmSocket::connect(&path).unwrap());
    let outcomes = run(&nsm, &Expectations::signed_under(authority.root_der()));
    assert!(outcomes.len() > 20);
    for outcome in outcomes {
        assert!(outcome.passed(), "{outcome}");
    }
}

#[test]
fn requests_and_answers_are_framed_by_their_length_and_may_come_in_pieces() {
    let folder = Folder::new("framed");
    let path = folder.join("nsm");
    let (seen, requests) = mpsc::channel();
    let server = server(&path, 2, move |request, stream| {
        seen.send(request.to_vec()).unwrap();
        for byte in framed(&description()) {
            stream.write_all(&[byte]).unwrap();
        }
    });
    let socket = NsmSocket::connect(&path).unwrap();
    let longest: Vec<u8> = (0..=255).cycle().take(MAX_NSM_REQUEST_LEN).collect();
    let mut response = [0; MAX_NSM_RESPONSE_LEN];
    let length = socket.exchange(&longest, &mut response).unwrap();
    assert_eq!(response[..length], description());
    assert!(response[length..].iter().all(|byte| *byte == 0));
    Nsm::over(socket).describe().unwrap();
    server.join().unwrap();
    assert_eq!(requests.iter().collect::<Vec<_>>(), [longest, b"\x6bDescribeNSM".to_vec()]);
}

#[test]
fn requests_outside_their_bounds_are_not_sent() {
    let folder = Folder::new("bounds");
    let path = folder.join("nsm");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = NsmSocket::connect(&path).unwrap();
    drop(listener.accept().unwrap());
    let exchange = |request: &[u8]| socket.exchange(request, &mut [0; 8]).unwrap_err().code();
    assert_eq!(exchange(&[]), Code::NsmInvalidArgument);
    assert_eq!(exchange(&[0; MAX_NSM_REQUEST_LEN + 1]), Code::NsmInputTooLarge);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody connected");
}

#[test]
fn lengths_outside_their_bounds_are_refused() {
    let folder = Folder::new("lengths");
    let all = MAX_NSM_RESPONSE_LEN;
    for (claimed, sent, room) in [
        (0, 0, all),
        (0, 20, all),
        (all + 1, all + 1, all),
        (all + 1, all + 1, all + 1),
        (0x7fff_ffff, 100, all),
        (0x8000_0000, 100, all),
        (0xffff_ffff, 100, all),
        (9, 9, 8),
    ] {
        let bytes = [&u32::try_from(claimed).unwrap().to_be_bytes()[..], &vec![7; sent]].concat();
        let (outcome, response) = exchange_with(&folder, bytes, room);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::NsmAnswerMalformed, "{claimed}");
        assert!(error.to_string().contains(&format!("found {claimed}]")), "{error}");
        assert!(response.iter().all(|byte| *byte == 0), "{claimed}");
    }
    for length in [1, all] {
        let (outcome, response) = exchange_with(&folder, framed(&vec![7; length]), all);
        assert_eq!((outcome, response[length - 1]), (Ok(length), 7));
    }
    // What follows an answer is nobody's.
    let (outcome, response) = exchange_with(&folder, [framed(&[7; 5]), framed(&[8; 5])].concat(), all);
    assert_eq!((outcome, &response[..6]), (Ok(5), &[7, 7, 7, 7, 7, 0][..]));
}

#[test]
fn an_answer_that_ends_early_is_an_error_wherever_it_ends() {
    let folder = Folder::new("cut");
    let whole = framed(&description());
    for length in 0..whole.len() {
        let (outcome, _) = exchange_with(&folder, whole[..length].to_vec(), MAX_NSM_RESPONSE_LEN);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::NsmSocket, "{length}");
        let (place, expected, found) = at(&error);
        assert_eq!((place, expected), (folder.join("nsm").to_str().unwrap(), "a whole answer"));
        let (read, of) = if length < 4 { (length, 4) } else { (length - 4, whole.len() - 4) };
        assert_eq!(found, format!("its end after {read} of {of} bytes"));
    }
}

#[test]
fn a_server_that_hangs_up_is_an_error_and_the_next_exchange_is_another() {
    let folder = Folder::new("hangs-up");
    let path = folder.join("nsm");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = NsmSocket::connect(&path).unwrap();
    drop(listener.accept().unwrap());
    // It dies with the request unread, so that the kernel resets the connection, and comes back.
    let server = thread::spawn(move || {
        drop(listener.accept().unwrap());
        let mut stream = listener.accept().unwrap().0;
        request(&mut stream).unwrap();
        stream.write_all(&framed(&[5])).unwrap();
    });
    let mut response = [0; MAX_NSM_RESPONSE_LEN];
    let error = socket.exchange(&[1; 4000], &mut response).unwrap_err();
    assert_eq!(error.code(), Code::NsmSocket, "{error}");
    assert_eq!(socket.exchange(&[2], &mut response), Ok(1));
    assert_eq!(response[0], 5);
    server.join().unwrap();
}

// The answer to what was given up on must not be taken for another register's, another document's.
#[test]
fn a_late_answer_is_nobodys() {
    let folder = Folder::new("late");
    let path = folder.join("nsm");
    let (gave_up, wait) = mpsc::channel::<()>();
    let mut number = 0;
    let server = server(&path, 2, move |_, stream| {
        number += 1;
        if number == 1 {
            wait.recv().unwrap();
        }
        // Nobody reads the first.
        let _ = stream.write_all(&framed(&[number; 3]));
    });
    let socket = NsmSocket::connect(&path).unwrap().time_limit(SHORT);
    let mut response = [0; MAX_NSM_RESPONSE_LEN];
    let error = socket.exchange(&[1], &mut response).unwrap_err();
    assert_eq!(error.code(), Code::NsmSocket);
    assert_eq!(at(&error).2, "none within 100ms");
    gave_up.send(()).unwrap();
    assert_eq!(socket.time_limit(Duration::MAX).exchange(&[2], &mut response), Ok(3));
    assert_eq!(response[..4], [2, 2, 2, 0]);
    server.join().unwrap();
}

// Each byte comes in time; the answer does not.
#[test]
fn the_time_is_that_of_the_whole_exchange() {
    let folder = Folder::new("trickle");
    let path = folder.join("nsm");
    let server = server(&path, 1, |_, stream| {
        for byte in framed(&[9; 40]) {
            thread::sleep(SHORT / 5);
            if stream.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    let socket = NsmSocket::connect(&path).unwrap().time_limit(SHORT);
    let error = socket.exchange(&[1], &mut [0; MAX_NSM_RESPONSE_LEN]).unwrap_err();
    assert_eq!(at(&error).2, "none within 100ms");
    server.join().unwrap();
    let none = NsmSocket::connect(&path).err().map(|error| error.code());
    assert_eq!(none, Some(Code::NsmSocket), "the server is gone");
}

#[test]
fn no_time_at_all_is_too_little() {
    let folder = Folder::new("no-time");
    let path = folder.join("nsm");
    let _listener = UnixListener::bind(&path).unwrap();
    let socket = NsmSocket::connect(&path).unwrap().time_limit(Duration::ZERO);
    assert_eq!(at(&socket.exchange(&[1], &mut [0; 8]).unwrap_err()).2, "none within 0ns");
}

// A server that has stopped taking connections: connect waits in the kernel.
#[test]
fn a_full_queue_is_not_waited_for_for_ever() {
    let folder = Folder::new("queue");
    let path = folder.join("nsm");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    // The first stays in the queue, which has room for one.
    let socket = NsmSocket::connect(&path).unwrap().time_limit(SHORT);
    let error = socket.exchange(&[1], &mut [0; 8]).unwrap_err();
    assert_eq!(at(&error), (path.to_str().unwrap(), "a connection", "none within 100ms"));
}

#[test]
fn what_is_no_served_socket_is_refused_with_what_the_kernel_says() {
    let folder = Folder::new("refused");
    fs::write(folder.join("file"), "not a socket").unwrap();
    drop(UnixListener::bind(folder.join("stale")).unwrap());
    for (path, errno) in [
        (folder.join("missing"), 2),
        (folder.join("file"), 111),
        (folder.join("stale"), 111),
        (folder.join(&"n".repeat(120)), 36),
        (folder.join("a\0b"), 22),
        (PathBuf::new(), 2),
    ] {
        let error = NsmSocket::connect(&path).expect_err("a refusal");
        assert_eq!(error.code(), Code::NsmSocket);
        let (place, _, found) = at(&error);
        assert_eq!(place, path.display().to_string());
        assert!(found.contains(&format!("(os error {errno})")), "{error}");
    }
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"not a socket");
}

#[test]
fn threads_do_not_wait_for_each_other() {
    let folder = Folder::new("threads");
    let path = folder.join("nsm");
    let listener = UnixListener::bind(&path).unwrap();
    let nsm = NsmSocket::connect(&path).unwrap();
    drop(listener.accept().unwrap());
    let exchange = |asked: u8| {
        let mut response = [0; MAX_NSM_RESPONSE_LEN];
        assert_eq!(nsm.exchange(&[asked], &mut response), Ok(1));
        assert_eq!(response[0], asked);
    };
    thread::scope(|scope| {
        for asked in [1, 2] {
            scope.spawn(move || exchange(asked));
        }
        // Both ask before either is answered; the later one first.
        let mut both = [1, 2].map(|_| listener.accept().unwrap().0);
        let requests = both.each_mut().map(|stream| request(stream).unwrap());
        for (stream, request) in both.iter_mut().zip(requests).rev() {
            stream.write_all(&framed(&request)).unwrap();
        }
    });
}

/// The next test runs this one again, under strace.
#[test]
fn one_exchange() {
    let folder = Folder::new("one");
    let (outcome, response) = exchange_with(&folder, framed(&[3]), MAX_NSM_RESPONSE_LEN);
    assert_eq!((outcome, response[0]), (Ok(1), 3));
}

// A host that links this may have left SIGPIPE as it is, which ends it: Rust's own programs ignore it.
#[test]
fn an_interrupted_send_is_repeated_and_none_may_raise_sigpipe() {
    let strace = |arguments: &[&str]| Command::new("strace").args(arguments).output();
    if !strace(&["-o", "/dev/null", "true"]).is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is missing, or may not trace here");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let inject = "inject=sendto:error=EINTR:when=1..3";
    let run = ["-f", "-e", "trace=sendto", "-e", inject, test.to_str().unwrap()];
    let output = strace(&[&run[..], &["--exact", "one_exchange"]].concat()).unwrap();
    let trace = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trace}");
    // The server's sends are the standard library's.
    let sends: Vec<_> = trace.lines().filter(|line| line.contains(r#", "\0\0\0\1\1", 5"#)).collect();
    assert_eq!(sends.len(), 4, "{trace}");
    assert!(sends.iter().all(|line| line.contains("MSG_NOSIGNAL")), "{trace}");
    assert!(sends[..3].iter().all(|line| line.contains("EINTR")), "{trace}");
}
