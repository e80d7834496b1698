//! The module behind a Unix socket: for a process that may not open the device itself, and for a software module.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{MAX_NSM_REQUEST_LEN, MAX_NSM_RESPONSE_LEN};
use rustix::io::{Errno, read, retry_on_intr};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};

use crate::device::Channel;

/// How long an exchange may take, connecting included. Ours: a module answers within tens of milliseconds, so that this
/// leaves room for others that are served first. It need not be the two minutes of Linux's driver: an answer that comes
/// too late for one exchange is nobody's here.
pub const DEFAULT_SOCKET_TIME: Duration = Duration::from_secs(30);

/// Bytes of the length before each request and each answer, big-endian.
const LENGTH_LEN: usize = 4;

/// A Nitro Secure Module that another process serves on a Unix stream socket.
///
/// For a process that may not open [`DEVICE`](crate::DEVICE) itself, where one that may passes requests on; and for tests
/// against the software module (`pcrseal-emulator --nsm-socket PATH`).
///
/// # What is spoken
/// A request, then its answer, each as four bytes of length, big-endian, and so many bytes of what the device takes and
/// gives: 1 to [`MAX_NSM_REQUEST_LEN`] there, 1 to [`MAX_NSM_RESPONSE_LEN`] here.
///
/// Each exchange has a connection of its own, which is closed after it. So an answer that comes too late can never be
/// taken for the next request's, where nothing in it would tell; threads do not wait for each other; and a server may be
/// restarted. A request that failed may have been carried out all the same, and is not repeated.
///
/// # Whom it trusts
/// Whoever serves the socket is believed as the device would be: the PCRs that it says were measured decide which binding
/// of a blob is used and whether the enclave counts as being in debug mode, its random bytes become keys where
/// [`Entropy`](crate::Entropy) mixes them in, and its time is that of a [`TrustedClock`](crate::TrustedClock). So the
/// server belongs to the same enclave, and the path to a folder where nobody else can put a socket: it is looked up
/// anew for every exchange. **Never lead it to the parent.** What the documents are worth does not rest on it: KMS
/// judges those by their signatures.
#[derive(Clone)]
pub struct NsmSocket {
    path: PathBuf,
    address: SocketAddrUnix,
    time: Duration,
}

impl NsmSocket {
    /// The module that is served at this path (at most 108 bytes), which is connected to once to see that it is.
    ///
    /// # Errors
    /// [`Code::NsmSocket`] with the path and what the kernel said, or that nobody took the connection in time.
    pub fn connect(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        // An empty one would be the abstract socket without a name, which anybody may have bound.
        let address = if path.as_os_str().is_empty() { Err(Errno::NOENT) } else { SocketAddrUnix::new(path) };
        let address = address.map_err(|errno| failed(path, "a path of a socket", io::Error::from(errno)))?;
        let socket = Self { path: path.to_owned(), address, time: DEFAULT_SOCKET_TIME };
        socket.begin()?;
        Ok(socket)
    }

    /// The same module, each exchange with which may take this long. [`DEFAULT_SOCKET_TIME`] without it.
    #[must_use]
    pub fn time_limit(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    fn begin(&self) -> Result<Exchange<'_>, Error> {
        let deadline = Instant::now().checked_add(self.time);
        let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|errno| failed(&self.path, "a connection", io::Error::from(errno)))?;
        let exchange = Exchange { socket: self, stream, deadline };
        // A server whose queue is full makes connect wait, as long as the socket may take to send.
        exchange.step(Timeout::Send, "a connection", || connect(&exchange.stream, &self.address))?;
        Ok(exchange)
    }
}

impl Channel for NsmSocket {
    /// # Errors
    /// [`Code::NsmInvalidArgument`] for an empty request; [`Code::NsmInputTooLarge`] for one that is too long;
    /// [`Code::NsmAnswerMalformed`] for an answer that says it is empty, or longer than there is room for;
    /// [`Code::NsmSocket`] with the path when there is no connection, when it breaks or ends before the whole answer is
    /// there, and when the time is up.
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        let found = request.len() as u64;
        let length = match u32::try_from(request.len()) {
            Ok(length @ 1..) if request.len() <= MAX_NSM_REQUEST_LEN => length.to_be_bytes(),
            Ok(0) => return Err(Error::number(Code::NsmInvalidArgument, "request bytes", "1..4096", found)),
            _ => return Err(Error::number(Code::NsmInputTooLarge, "request bytes", "1..4096", found)),
        };
        let exchange = self.begin()?;
        exchange.write(&[&length, request].concat())?;
        let mut length = [0; LENGTH_LEN];
        exchange.read(&mut length)?;
        let length = u32::from_be_bytes(length);
        let room = response.len().min(MAX_NSM_RESPONSE_LEN);
        let answer = match usize::try_from(length) {
            Ok(length @ 1..) if length <= room => response.get_mut(..length),
            _ => None,
        };
        let answer = answer.ok_or_else(|| {
            Error::number(Code::NsmAnswerMalformed, "answer bytes", "1..12288", u64::from(length))
        })?;
        exchange.read(answer)?;
        Ok(answer.len())
    }
}

impl fmt::Debug for NsmSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NsmSocket")
            .field("path", &self.path)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// One exchange's connection, closed with it whatever becomes of it.
struct Exchange<'a> {
    socket: &'a NsmSocket,
    stream: OwnedFd,
    /// None where the clock cannot hold it.
    deadline: Option<Instant>,
}

impl Exchange<'_> {
    fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        in_pieces(bytes, |left| {
            // A server that is gone is an error here, not a SIGPIPE, which ends a host that does not ignore it.
            self.step(Timeout::Send, "a server that takes the request", || {
                send(&self.stream, left, SendFlags::NOSIGNAL)
            })
        })
    }

    fn read(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let expected = buffer.len();
        let mut left = buffer;
        while !left.is_empty() {
            let length = self.step(Timeout::Recv, "an answer", || read(&self.stream, &mut *left))?;
            if length == 0 {
                let found =
                    format!("its end after {} of {expected} bytes", expected.saturating_sub(left.len()));
                return Err(failed(&self.socket.path, "a whole answer", found));
            }
            left = left.get_mut(length..).unwrap_or_default();
        }
        Ok(())
    }

    /// One call that may wait, for as long as is left; again if a signal comes between.
    fn step<T>(
        &self,
        direction: Timeout,
        expected: &'static str,
        mut call: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Error> {
        let outcome = retry_on_intr(|| {
            let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Errno::AGAIN);
            }
            set_socket_timeout(self.stream.as_fd(), direction, left)?;
            call()
        });
        outcome.map_err(|errno| match errno {
            Errno::AGAIN => {
                failed(&self.socket.path, expected, format_args!("none within {:?}", self.socket.time))
            }
            errno => failed(&self.socket.path, expected, io::Error::from(errno)),
        })
    }
}

/// Writes all of it, however little of it goes at once.
fn in_pieces(bytes: &[u8], mut write: impl FnMut(&[u8]) -> Result<usize, Error>) -> Result<(), Error> {
    let mut left = bytes;
    while !left.is_empty() {
        let written = write(left)?;
        left = left.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn failed(path: &Path, expected: &'static str, found: impl fmt::Display) -> Error {
    Error::at(Code::NsmSocket, path.display().to_string(), expected, found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixListener;

    use super::{NsmSocket, in_pieces};
    use pcrseal_core::error::{Code, Error};
    use rustix::io::{FdFlags, fcntl_getfd};

    // A signal ends a send early.
    #[test]
    fn what_goes_in_pieces_goes_whole_and_in_order() {
        let mut taken = Vec::new();
        let mut room = [3, 1, 2, 100].into_iter();
        let written = in_pieces(b"0123456789", |left| {
            let length = room.next().unwrap().min(left.len());
            taken.extend(&left[..length]);
            Ok(length)
        });
        assert_eq!((written, taken.as_slice(), room.len()), (Ok(()), &b"0123456789"[..], 0));
        let broken = in_pieces(b"0123", |left| match left {
            b"0123" => Ok(2),
            _ => Err(Error::new(Code::NsmSocket)),
        });
        assert_eq!(broken.unwrap_err().code(), Code::NsmSocket);
    }

    #[test]
    fn the_descriptor_is_not_passed_on() {
        let path = std::env::temp_dir().join(format!("pcrseal-socket-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let flags = NsmSocket::connect(&path).map(|socket| fcntl_getfd(&socket.begin().unwrap().stream));
        fs::remove_file(&path).unwrap();
        drop(listener);
        assert!(flags.unwrap().unwrap().contains(FdFlags::CLOEXEC));
    }
}
