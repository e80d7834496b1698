//! Stream sockets of the family `AF_VSOCK` under tokio. socket2 makes them; no crate and no unsafe code besides.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixStream;

use super::VsockAddress;

/// Connects. The stream has tokio's type for Unix stream sockets, which reads, writes and polls a connected socket
/// of any family; only its addresses would mean nothing.
pub(super) async fn connect(address: VsockAddress) -> io::Result<UnixStream> {
    connect_socket(Domain::VSOCK, &SockAddr::vsock(address.cid, address.port)).await
}

/// Of any family, so that a machine without vsock can test it.
async fn connect_socket(domain: Domain, address: &SockAddr) -> io::Result<UnixStream> {
    let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
    let pending = match socket.connect(address) {
        Ok(()) => false,
        Err(error) if in_progress(&error) => true,
        Err(error) => return Err(error),
    };
    let stream = UnixStream::from_std(net::UnixStream::from(OwnedFd::from(socket)))?;
    if pending {
        stream.writable().await?;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
    }
    Ok(stream)
}

fn in_progress(error: &io::Error) -> bool {
    // EINPROGRESS, on every architecture that Nitro Enclaves run on.
    error.raw_os_error() == Some(115) || error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use super::{Domain, SockAddr, VsockAddress, connect, connect_socket};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UnixStream};

    async fn pair() -> (UnixStream, tokio::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = SockAddr::from(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(connect_socket(Domain::IPV4, &address), listener.accept());
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
        let refused = connect_socket(Domain::IPV4, &address).await;
        assert_eq!(refused.err().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_an_error_or_never_answers() {
        // What the kernel says differs with its modules; that there is no stream does not.
        let address = VsockAddress { cid: u32::MAX - 1, port: 9 };
        let attempt = tokio::time::timeout(core::time::Duration::from_millis(200), connect(address));
        assert!(!matches!(attempt.await, Ok(Ok(_))));
    }
}
