//! Stream sockets of the family `AF_VSOCK` under tokio. socket2 makes them; no crate and no unsafe code besides.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use super::VsockAddress;

/// A connected socket.
pub(crate) struct VsockStream(AsyncFd<Socket>);

impl VsockStream {
    pub(super) async fn connect(address: VsockAddress) -> io::Result<Self> {
        Self::connect_socket(Domain::VSOCK, &SockAddr::vsock(address.cid, address.port)).await
    }

    /// Of any family, so that a machine without vsock can test it.
    async fn connect_socket(domain: Domain, address: &SockAddr) -> io::Result<Self> {
        let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
        let pending = match socket.connect(address) {
            Ok(()) => false,
            Err(error) if in_progress(&error) => true,
            Err(error) => return Err(error),
        };
        let stream = Self(AsyncFd::with_interest(socket, Interest::READABLE | Interest::WRITABLE)?);
        if pending {
            let _ready = stream.0.writable().await?;
            if let Some(error) = stream.0.get_ref().take_error()? {
                return Err(error);
            }
        }
        Ok(stream)
    }

    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.0.poll_write_ready(cx))?;
            match ready.try_io(|socket| write(socket.get_ref())) {
                Ok(written) => return Poll::Ready(written),
                Err(_would_block) => {}
            }
        }
    }
}

fn in_progress(error: &io::Error) -> bool {
    // EINPROGRESS, on every architecture that Nitro Enclaves run on.
    error.raw_os_error() == Some(115) || error.kind() == io::ErrorKind::WouldBlock
}

impl AsyncRead for VsockStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let unfilled = buffer.initialize_unfilled();
            match ready.try_io(|socket| (&*socket.get_ref()).read(unfilled)) {
                Ok(Ok(read)) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for VsockStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut socket| socket.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().shutdown(Shutdown::Write))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut socket| socket.write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Domain, SockAddr, VsockAddress, VsockStream};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (VsockStream, tokio::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = SockAddr::from(listener.local_addr().unwrap());
        let (near, far) =
            tokio::join!(VsockStream::connect_socket(Domain::IPV4, &address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn bytes_go_both_ways_until_the_end() {
        let (mut near, mut far) = pair().await;
        let sent: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
        let echoed = sent.clone();
        let echo = tokio::spawn(async move {
            let mut received = Vec::new();
            far.read_to_end(&mut received).await.unwrap();
            far.write_all(&received).await.unwrap();
            received
        });
        near.write_all(&sent).await.unwrap();
        near.shutdown().await.unwrap();
        let mut back = Vec::new();
        near.read_to_end(&mut back).await.unwrap();
        assert!(echo.await.unwrap() == echoed && back == echoed);
    }

    #[tokio::test]
    async fn a_refused_connection_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = SockAddr::from(listener.local_addr().unwrap());
        drop(listener);
        let refused = VsockStream::connect_socket(Domain::IPV4, &address).await;
        assert_eq!(refused.err().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_an_error_or_never_answers() {
        // What the kernel says differs with its modules; that there is no stream does not.
        let address = VsockAddress { cid: u32::MAX - 1, port: 9 };
        let attempt =
            tokio::time::timeout(core::time::Duration::from_millis(200), VsockStream::connect(address));
        assert!(!matches!(attempt.await, Ok(Ok(_))));
    }
}
