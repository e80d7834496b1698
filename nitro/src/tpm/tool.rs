//! One run of `nitro-tpm-attest`: what it prints, in bounded size and time.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::MAX_NSM_RESPONSE_LEN;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

/// The program's options for `public_key`, `user_data` and `nonce` (`nitro-tpm-attest` 1.0.3, `src/main.rs`).
pub(super) const OPTIONS: [&str; 3] = ["--public-key", "--user-data", "--nonce"];
/// Longest document. The program's own buffer for the module's answer has 8192 bytes (1.0.3, `src/tss/message_buffer.rs`);
/// the module's answers have at most these.
const MAX_DOCUMENT_LEN: usize = MAX_NSM_RESPONSE_LEN;
/// How much of the program's complaint an error quotes, in bytes. Ours: a chain of causes is a few hundred.
const MAX_COMPLAINT_LEN: usize = 1024;
/// How long to wait before looking again whether a program that closed its output has ended.
const EXIT_PAUSE: Duration = Duration::from_millis(2);

/// What to run, and for how long.
pub(super) struct Tool<'a> {
    pub(super) program: &'a Path,
    pub(super) device: &'a Path,
    pub(super) time: Duration,
}

impl Tool<'_> {
    /// What the program printed, if it ended well and in time. It is dead or ended when this returns, or is being killed.
    pub(super) fn run(&self, arguments: &[OsString]) -> Result<Vec<u8>, Error> {
        if !self.program.is_absolute() {
            return Err(self.failed("an absolute path", "a relative one"));
        }
        let mut child = Command::new(self.program)
            .args(arguments)
            .env_clear()
            .env("TPM_DEVICE", self.device)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| self.failed("a program that can be run", error))?;
        let result = self.watch(&mut child);
        if result.is_err() {
            kill(child);
        }
        let (status, printed, complaint) = result?;
        if status.success() {
            return Ok(printed);
        }
        let complaint = String::from_utf8_lossy(&complaint);
        Err(self.failed("exit status 0", format_args!("{status}, {:?}", complaint.trim_end())))
    }

    /// Reads both outputs to their ends, and waits for the program's end.
    fn watch(&self, child: &mut Child) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Error> {
        let deadline = Instant::now().checked_add(self.time);
        let broken = |error: io::Error| self.failed("a program that can be watched", error);
        let mut document = Output::new(child.stdout.take(), MAX_DOCUMENT_LEN);
        let mut complaint = Output::new(child.stderr.take(), MAX_COMPLAINT_LEN);
        while document.is_open() || complaint.is_open() {
            let left = self.left(deadline, &complaint)?;
            wait_for_either(&mut document, &mut complaint, left).map_err(broken)?;
            if document.overflowed {
                return Err(self.failed("at most 12288 bytes of document", "more"));
            }
        }
        loop {
            if let Some(status) = child.try_wait().map_err(broken)? {
                return Ok((status, document.bytes, complaint.bytes));
            }
            self.left(deadline, &complaint)?;
            thread::sleep(EXIT_PAUSE);
        }
    }

    /// How much time is left; none at all is an error. No deadline is one beyond what the clock can hold.
    fn left(&self, deadline: Option<Instant>, complaint: &Output<impl Read>) -> Result<Duration, Error> {
        let left =
            deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            let complaint = String::from_utf8_lossy(&complaint.bytes);
            let found = format!("not ended after {:?}, {:?}", self.time, complaint.trim_end());
            return Err(self.failed("its end in time", found));
        }
        Ok(left)
    }

    fn failed(&self, expected: &'static str, found: impl std::fmt::Display) -> Error {
        Error::at(Code::NitroTpmTool, self.program.display().to_string(), expected, found)
    }
}

/// One of the program's outputs: its beginning, up to a bound. What follows is read and dropped, so that a program that
/// says much is not held up.
struct Output<R> {
    pipe: Option<R>,
    bytes: Vec<u8>,
    bound: usize,
    overflowed: bool,
}

impl<R: Read> Output<R> {
    const fn new(pipe: Option<R>, bound: usize) -> Self {
        Self { pipe, bytes: Vec::new(), bound, overflowed: false }
    }

    const fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads once; there is something, or the end.
    fn read(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut buffer = [0; 4096];
        let length = match pipe.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            read => read?,
        };
        if length == 0 {
            self.pipe = None;
        }
        let room = self.bound.saturating_sub(self.bytes.len());
        self.overflowed |= length > room;
        self.bytes.extend(buffer.iter().take(length.min(room)));
        Ok(())
    }
}

/// Waits until one of the open outputs has something, and reads it.
fn wait_for_either(
    first: &mut Output<impl Read + AsFd>,
    second: &mut Output<impl Read + AsFd>,
    limit: Duration,
) -> io::Result<()> {
    let ready = {
        let pipes = [first.pipe.as_ref().map(AsFd::as_fd), second.pipe.as_ref().map(AsFd::as_fd)];
        let mut polled: Vec<_> =
            pipes.iter().flatten().map(|pipe| PollFd::from_borrowed_fd(*pipe, PollFlags::IN)).collect();
        // A limit that the kernel cannot hold is none.
        match poll(&mut polled, Timespec::try_from(limit).ok().as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            result => result?,
        };
        let mut answers = polled.iter().map(|pipe| !pipe.revents().is_empty());
        pipes.map(|pipe| pipe.is_some() && answers.next().unwrap_or(false))
    };
    let [first_ready, second_ready] = ready;
    if first_ready {
        first.read()?;
    }
    if second_ready {
        second.read()?;
    }
    Ok(())
}

/// Kills the program and all that it started in its group. One that sits in the kernel, waiting for the TPM, dies when the
/// TPM answers; a thread of its own waits for that.
fn kill(mut child: Child) {
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let _ = thread::Builder::new().name("nitro-tpm-attest".into()).spawn(move || child.wait());
}
