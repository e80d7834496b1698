//! Byte streams out of the enclave: TCP, vsock and Unix sockets.

mod dial;
mod vsock;

pub(crate) use self::dial::connect_first;

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::path::PathBuf;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};

/// No SIGPIPE from this send (Linux, `include/linux/socket.h`).
const MSG_NOSIGNAL: i32 = 0x4000;
/// Most pieces that one send takes (Linux, `include/uapi/linux/uio.h`, `UIO_MAXIOV`).
const MAX_SLICES: usize = 1024;

/// A vsock address: the parent instance has cid 3 as its enclaves see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VsockAddress {
    /// The context id.
    pub cid: u32,
    /// The port.
    pub port: u32,
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A host name (looked up by the system) or an IP address, and a port.
    Tcp(String, u16),
    /// A vsock port, where the parent instance forwards to a host.
    Vsock(VsockAddress),
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// A connected stream of any kind.
pub(crate) enum Stream {
    Tcp(TcpStream),
    /// Vsock too: see [`vsock`].
    Unix(UnixStream),
}

impl Address {
    /// Connects. The caller bounds the time.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(host, port) => {
                let addresses: Vec<_> = lookup_host((host.as_str(), *port)).await?.collect();
                connect_first(&addresses).await.map(Stream::Tcp)
            }
            Self::Vsock(address) => vsock::connect(*address).await.map(Stream::Unix),
            Self::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
        }
    }
}

impl fmt::Display for VsockAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vsock:{}:{}", self.cid, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Vsock(address) => fmt::Display::fmt(address, f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Stream {
    /// Sends without a signal. tokio's and std's own vectored writes (and, in older std, those to Unix sockets) raise SIGPIPE
    /// when the other end is gone. A Rust program ignores it; one in C that this is linked into would be ended.
    fn poll_send(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(match self {
                Self::Tcp(stream) => stream.poll_write_ready(cx),
                Self::Unix(stream) => stream.poll_write_ready(cx),
            })?;
            let sent = match self {
                Self::Tcp(stream) => {
                    stream.try_io(Interest::WRITABLE, || send(&SockRef::from(stream), slices))
                }
                Self::Unix(stream) => {
                    stream.try_io(Interest::WRITABLE, || send(&SockRef::from(stream), slices))
                }
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

fn send(socket: &SockRef<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored_with_flags(slices.get(..MAX_SLICES).unwrap_or(slices), MSG_NOSIGNAL)
}

#[cfg(test)]
mod tests {
    use super::Stream;
    use std::io::{ErrorKind, IoSlice};
    use std::process::Command;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream, UnixStream};

    #[tokio::test]
    async fn more_than_the_socket_holds_goes_whole_and_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (unix, far_unix) = UnixStream::pair().unwrap();
        let far_tcp = listener.accept().await.unwrap().0;
        let sent: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
        for (mut near, mut far) in [
            (Stream::Tcp(tcp), Box::new(far_tcp) as Box<dyn tokio::io::AsyncRead + Send + Unpin>),
            (Stream::Unix(unix), Box::new(far_unix)),
        ] {
            let reader = tokio::spawn(async move {
                let mut received = Vec::new();
                far.read_to_end(&mut received).await.unwrap();
                received
            });
            let (first, rest) = sent.split_at(1_000_000);
            near.write_all(first).await.unwrap();
            let mut left = rest;
            while !left.is_empty() {
                let (one, two) = left.split_at(left.len() / 2);
                let written = near.write_vectored(&[IoSlice::new(one), IoSlice::new(two)]).await.unwrap();
                left = &left[written..];
            }
            near.shutdown().await.unwrap();
            assert!(reader.await.unwrap() == sent);
        }
    }

    #[tokio::test]
    async fn more_pieces_than_the_kernel_takes_are_no_error() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let written = Stream::Unix(near).write_vectored(&vec![IoSlice::new(b"x"); 3000]).await.unwrap();
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        assert!(written > 0 && received == vec![b'x'; written]);
    }

    #[tokio::test]
    async fn an_end_that_is_gone_is_an_error() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let mut near = Stream::Unix(near);
        assert_eq!(near.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(
            near.write_vectored(&[IoSlice::new(b"x")]).await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    }

    // It runs the one above again, under strace: a program of Rust's ignores the signal, its tracer sees it.
    #[test]
    fn an_end_that_is_gone_raises_no_signal() {
        let strace = |arguments: &[&str]| Command::new("strace").args(arguments).output();
        if !strace(&["-o", "/dev/null", "true"]).is_ok_and(|output| output.status.success()) {
            println!("skipped: strace is missing, or may not trace here");
            return;
        }
        let test = std::env::current_exe().unwrap();
        let run = ["-f", "-e", "trace=write,writev,sendto,sendmsg", test.to_str().unwrap(), "--exact"];
        let output = strace(&[&run[..], &["net::tests::an_end_that_is_gone_is_an_error"]].concat()).unwrap();
        let trace = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{trace}");
        assert_eq!(trace.matches("= -1 EPIPE").count(), 2, "{trace}");
        assert!(!trace.contains("--- SIGPIPE"), "{trace}");
    }
}
