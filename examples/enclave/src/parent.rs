//! The connection to the parent: one line in, one line out, each within its time and its length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind};

/// How long the parent may take to listen. Ours: it may be started after its enclave.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// The pause before connecting again. Ours.
const CONNECT_PAUSE: Duration = Duration::from_millis(100);
/// How long a line may take from its first byte to its last, either way. Ours: a quarter of a MiB by vsock takes
/// milliseconds.
const LINE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for the other side to close. Ours: it has nothing left to do.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A stream on which every read and write ends before a deadline.
pub struct Timed<'s> {
    stream: &'s UnixStream,
    deadline: Instant,
}

impl<'s> Timed<'s> {
    /// So much time from now.
    pub fn new(stream: &'s UnixStream, limit: Duration) -> Self {
        Self { stream, deadline: Instant::now() + limit }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        in_time(self.stream.read(buffer))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        in_time(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket whose time is up says that it would block.
fn in_time(result: io::Result<usize>) -> io::Result<usize> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    })
}

/// Connects, again and again until the parent listens.
///
/// # Errors
/// [`Kind::Parent`] when it does not within 30 seconds.
pub fn connect(attempt: impl Fn() -> io::Result<UnixStream>) -> Result<UnixStream, Error> {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(stream) => return Ok(stream),
            Err(error) if start.elapsed() >= CONNECT_LIMIT => {
                return Err(Error::io(Kind::Parent, "no connection to the parent", &error));
            }
            Err(_) => sleep(CONNECT_PAUSE),
        }
    }
}

/// Reads one line, without its end. What follows it is not read.
///
/// # Errors
/// [`Kind::Parent`] when it is longer than `max_len` bytes, does not end, or does not come in time.
pub fn read_line(stream: &UnixStream, max_len: u64) -> Result<Vec<u8>, Error> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(Timed::new(stream, LINE_LIMIT).take(max_len + 1));
    let read = reader.read_until(b'\n', &mut line);
    read.map_err(|error| Error::io(Kind::Parent, "the parent's line did not come", &error))?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(line);
    }
    let expected = "expected one line";
    if line.len() as u64 > max_len {
        return Err(Error::new(
            Kind::Parent,
            format_args!("{expected} of at most {max_len} bytes, found more"),
        ));
    }
    Err(Error::new(Kind::Parent, format_args!("{expected}, found {} bytes and no end of line", line.len())))
}

/// Writes one line.
///
/// # Errors
/// [`Kind::Parent`] when the parent does not take it in time.
pub fn write_line(stream: &UnixStream, line: &[u8]) -> Result<(), Error> {
    let mut timed = Timed::new(stream, LINE_LIMIT);
    let written = timed.write_all(line).and_then(|()| timed.write_all(b"\n"));
    written.map_err(|error| Error::io(Kind::Parent, "the parent did not take the answer", &error))
}

/// Waits until the other side has closed: when the machine ends, whatever it has not taken is lost.
pub fn wait_for_close(stream: &UnixStream) {
    let mut timed = Timed::new(stream, CLOSE_LIMIT);
    let mut ignored = [0; 512];
    // Whether it closes, breaks or is late makes no difference any more.
    while matches!(timed.read(&mut ignored), Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread;

    use super::*;

    #[test]
    fn a_line_without_end_is_given_up_at_its_length() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let endless = thread::spawn(move || while far.write_all(&[b'a'; 4096]).is_ok() {});
        let error = read_line(&near, 1000).unwrap_err();
        assert_eq!(error.message(), "expected one line of at most 1000 bytes, found more");
        drop(near);
        endless.join().unwrap();
    }

    #[test]
    fn the_longest_line_is_taken_and_what_follows_is_left() {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(&[vec![b'a'; 1000], b"\nmore".to_vec()].concat()).unwrap();
        assert_eq!(read_line(&near, 1000).unwrap(), [b'a'; 1000]);
    }

    #[test]
    fn a_byte_now_and_then_does_not_put_the_deadline_off() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let dripping = thread::spawn(move || {
            while far.write_all(b"a").is_ok() {
                sleep(Duration::from_millis(1));
            }
        });
        let mut timed = Timed::new(&near, Duration::from_millis(50));
        let error = timed.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(near);
        dripping.join().unwrap();
    }

    #[test]
    fn who_takes_nothing_and_who_says_nothing_is_given_up() {
        let (near, far) = UnixStream::pair().unwrap();
        let limit = Duration::from_millis(20);
        let error = Timed::new(&near, limit).write_all(&vec![0; 10_000_000]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let error = Timed::new(&near, limit).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    #[test]
    fn a_parent_that_listens_later_is_found() {
        let left = Cell::new(2);
        let attempt = || match left.replace(left.get() - 1) {
            0 => UnixStream::pair().map(|(near, _)| near),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        assert!(connect(attempt).is_ok());
    }
}
