//! The module's device: opened by us, with an error for each thing that can be wrong with it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use pcrseal_core::error::{Code, Error};
use rustix::fs::{FileType, Mode, OFlags, fstat, open, stat};
use rustix::io::{Errno, retry_on_intr};

use crate::ioctl;

/// Where Linux puts the device of the Nitro Secure Module.
pub const DEVICE: &str = "/dev/nsm";

/// The way to a Nitro Secure Module: one request in, one answer out.
///
/// [`Device`] is the one that an enclave has. Another may lead to a module elsewhere, or play back a script. Whatever
/// it answers is judged as the module's answer; nothing that it claims is relied on for memory safety.
pub trait Channel: Send + Sync {
    /// Sends the request (1 to [`MAX_NSM_REQUEST_LEN`](pcrseal_core::limits::MAX_NSM_REQUEST_LEN) bytes), writes the
    /// answer to the start of `response` ([`MAX_NSM_RESPONSE_LEN`](pcrseal_core::limits::MAX_NSM_RESPONSE_LEN) bytes),
    /// and returns the answer's length. Blocks until it is there.
    ///
    /// # Errors
    /// Whatever kept the request from being carried, or the answer from coming back; an answer that is an error of the
    /// module is an answer.
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error>;
}

/// A device of the Nitro Secure Module. Shared among threads freely: one request is carried at a time, as by the driver.
///
/// A request takes as long as the module does. Linux's driver gives up after two minutes (`drivers/misc/nsm.c`,
/// `NSM_DEFAULT_TIMEOUT_MSECS`), and until then the calling thread cannot be interrupted, not even by SIGKILL.
///
/// What the driver gave up on stays in its queue, and the module's late answer would be taken for the next request's, and
/// so on for good: nothing in an answer says which register or which document it is about. A `Device` whose driver gave
/// up once therefore refuses every later request. The queue is the driver's, so that opening the device anew does not
/// help: the enclave has to be restarted.
pub struct Device {
    file: OwnedFd,
    /// Whether the driver gave up on a request. Locked while one is carried, so that none comes in between.
    gave_up: Mutex<bool>,
}

impl Device {
    /// Opens the device, [`DEVICE`] in an enclave. The descriptor is not passed on to other programs.
    ///
    /// Opening never waits, whatever the path leads to, and the open file is what is examined, not the path: a path
    /// that changes meanwhile changes nothing. A character device of another kind than the module's is found out by
    /// the first request ([`Code::NsmIoctl`], ENOTTY).
    ///
    /// # Errors
    /// [`Code::NsmDeviceMissing`] where there is nothing, or a node without a driver behind it;
    /// [`Code::NsmDevicePermission`]; [`Code::NsmDeviceKind`] for anything but a character device;
    /// [`Code::NsmDeviceOpen`] for every other failure. Each names the path and what the kernel said.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = character_device(path, OFlags::RDWR).map_err(|refusal| refusal.of_nsm(path))?;
        Ok(Self { file, gave_up: Mutex::new(false) })
    }
}

impl Channel for Device {
    /// # Errors
    /// [`Code::NsmInvalidArgument`] for an empty request, of which QEMU's device says that the driver is broken;
    /// [`Code::NsmInputTooLarge`] when the driver finds the request too long (EMSGSIZE); [`Code::NsmIoctl`] with the
    /// error's name and number for everything else, and for every request after one that the driver gave up on;
    /// [`Code::NsmAnswerMalformed`] when the driver claims to have written more than there is room for.
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        if request.is_empty() {
            return Err(Error::number(Code::NsmInvalidArgument, "request bytes", "1..4096", 0));
        }
        let room = response.len();
        let attempt = || ioctl::nsm_raw(self.file.as_fd(), request, response);
        carried(&self.gave_up, attempt, request.len(), room)
    }
}

/// Has a request carried, again if a signal comes between, and judges what comes of it.
///
/// Linux's driver waits uninterruptibly and never says EINTR. One that does must say it before the module has seen the
/// request: else an extension would be made twice, by every program that repeats interrupted calls.
fn carried(
    gave_up: &Mutex<bool>,
    attempt: impl FnMut() -> Result<u64, Errno>,
    request_len: usize,
    room: usize,
) -> Result<usize, Error> {
    let mut gave_up = gave_up.lock().unwrap_or_else(PoisonError::into_inner);
    if *gave_up {
        let found =
            "one that gave up on a request, and would take its answer for this one's: restart the enclave";
        return Err(Error::text(Code::NsmIoctl, "ioctl", "a driver that is in step with the module", found));
    }
    match retry_on_intr(attempt) {
        Ok(claimed) => match usize::try_from(claimed) {
            Ok(length) if length <= room => Ok(length),
            _ => {
                Err(Error::number(Code::NsmAnswerMalformed, "answer bytes", "at most the buffer's", claimed))
            }
        },
        Err(Errno::MSGSIZE) => {
            let found = request_len as u64;
            Err(Error::number(Code::NsmInputTooLarge, "request bytes", "as many as the driver takes", found))
        }
        Err(errno) => {
            // What `nsm_sendrecv_msg_locked` fails with once the request is in the queue, where it leaves it.
            *gave_up = matches!(errno, Errno::TIMEDOUT | Errno::IO | Errno::NODATA);
            Err(Error::text(Code::NsmIoctl, "ioctl", "success", io::Error::from(errno)))
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(&self.file).finish()
    }
}

/// Why a path was not opened as a character device.
pub(crate) enum Refusal {
    /// It is something else.
    Kind(&'static str),
    /// The kernel refused.
    Errno(Errno),
}

impl Refusal {
    fn of_nsm(self, path: &Path) -> Error {
        let code = match self {
            Self::Kind(_) => Code::NsmDeviceKind,
            Self::Errno(Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO) => Code::NsmDeviceMissing,
            Self::Errno(Errno::ACCESS | Errno::PERM) => Code::NsmDevicePermission,
            Self::Errno(_) => Code::NsmDeviceOpen,
        };
        self.error(code, path)
    }

    /// The error: the path, and what is there instead of a character device that can be opened.
    pub(crate) fn error(self, code: Code, path: &Path) -> Error {
        let place = format!("{}", path.display());
        match self {
            Self::Kind(kind) => Error::at(code, place, "a character device", kind),
            Self::Errno(errno) => Error::at(code, place, "a device that opens", io::Error::from(errno)),
        }
    }
}

/// Opens a character device, without ever waiting for anything.
pub(crate) fn character_device(path: &Path, access: OFlags) -> Result<OwnedFd, Refusal> {
    // NONBLOCK: a FIFO without a peer, or a terminal without a carrier, would make open wait. NOCTTY: a terminal would
    // become ours.
    let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = retry_on_intr(|| open(path, flags, Mode::empty())).map_err(|errno| not_opened(path, errno))?;
    let kind = FileType::from_raw_mode(fstat(&file).map_err(Refusal::Errno)?.st_mode);
    if kind == FileType::CharacterDevice { Ok(file) } else { Err(Refusal::Kind(name(kind))) }
}

/// Some kinds do not open at all. Only the error depends on what the path shows here.
fn not_opened(path: &Path, errno: Errno) -> Refusal {
    match errno {
        Errno::ISDIR => Refusal::Kind(name(FileType::Directory)),
        // A socket, or a FIFO that is opened for writing and has no reader; or a device without its driver.
        Errno::NXIO => match stat(path).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(kind) if kind != FileType::CharacterDevice => Refusal::Kind(name(kind)),
            _ => Refusal::Errno(errno),
        },
        _ => Refusal::Errno(errno),
    }
}

fn name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Unknown => "a file of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{Device, carried};
    use pcrseal_core::error::{Code, Detail, Error};
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::io::{Errno, FdFlags, fcntl_getfd};

    /// Plays back what a driver says, one outcome an attempt.
    fn play(outcomes: &[Result<u64, Errno>]) -> (Result<usize, Error>, usize) {
        let mut attempts = 0;
        let attempt = || {
            attempts += 1;
            outcomes[attempts - 1]
        };
        let outcome = carried(&Mutex::new(false), attempt, 4097, 100);
        (outcome, attempts)
    }

    #[test]
    fn an_interrupted_call_is_repeated_until_it_is_not() {
        let interrupted = Err(Errno::INTR);
        assert_eq!(play(&[interrupted, interrupted, interrupted, Ok(7)]), (Ok(7), 4));
        let (outcome, attempts) = play(&[interrupted, Err(Errno::IO), Ok(7)]);
        assert_eq!((outcome.unwrap_err().code(), attempts), (Code::NsmIoctl, 2));
    }

    #[test]
    fn no_other_failure_is_repeated_and_each_is_named() {
        for (errno, code) in [
            (Errno::MSGSIZE, Code::NsmInputTooLarge),
            (Errno::AGAIN, Code::NsmIoctl),
            (Errno::TIMEDOUT, Code::NsmIoctl),
            (Errno::FAULT, Code::NsmIoctl),
            (Errno::NOTTY, Code::NsmIoctl),
            (Errno::INVAL, Code::NsmIoctl),
        ] {
            let (outcome, attempts) = play(&[Err(errno), Ok(7)]);
            let error = outcome.unwrap_err();
            assert_eq!((error.code(), attempts), (code, 1), "{errno:?}");
            match error.detail() {
                Detail::Text { found, .. } => {
                    assert!(found.contains(&format!("os error {}", errno.raw_os_error())), "{error}");
                }
                detail => {
                    assert!(matches!(detail, Detail::Number { what: "request bytes", found: 4097, .. }));
                }
            }
        }
    }

    // The module's answer to what the driver gave up on comes as the answer to the next request: another register's
    // value, another key's document.
    #[test]
    fn after_the_driver_gave_up_on_a_request_nothing_more_is_sent() {
        for errno in [Errno::TIMEDOUT, Errno::IO, Errno::NODATA] {
            let gave_up = Mutex::new(false);
            let error = carried(&gave_up, || Err(errno), 10, 100).unwrap_err();
            assert!(error.to_string().contains(&format!("os error {}", errno.raw_os_error())), "{error}");
            let mut attempts = 0;
            let late = || {
                attempts += 1;
                Ok(7)
            };
            let error = carried(&gave_up, late, 10, 100).unwrap_err();
            assert_eq!((error.code(), attempts), (Code::NsmIoctl, 0), "{errno:?}");
            assert!(error.to_string().contains("restart the enclave"), "{error}");
        }
    }

    #[test]
    fn a_request_that_was_never_sent_holds_up_no_other() {
        for errno in [Errno::MSGSIZE, Errno::FAULT, Errno::NOTTY, Errno::INVAL] {
            let gave_up = Mutex::new(false);
            carried(&gave_up, || Err(errno), 10, 100).unwrap_err();
            assert_eq!(carried(&gave_up, || Ok(7), 10, 100), Ok(7), "{errno:?}");
        }
    }

    #[test]
    fn a_claim_beyond_the_buffer_is_no_length() {
        assert_eq!(play(&[Ok(0)]).0, Ok(0));
        assert_eq!(play(&[Ok(100)]).0, Ok(100));
        for claimed in [101, 1 << 32, u64::MAX] {
            assert_eq!(play(&[Ok(claimed)]).0.unwrap_err().code(), Code::NsmAnswerMalformed);
        }
    }

    #[test]
    fn the_descriptor_is_not_passed_on_and_is_open_for_both() {
        let device = Device::open("/dev/null").unwrap();
        assert!(fcntl_getfd(&device.file).unwrap().contains(FdFlags::CLOEXEC));
        assert!(fcntl_getfl(&device.file).unwrap().contains(OFlags::RDWR | OFlags::NONBLOCK));
    }
}
