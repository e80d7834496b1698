//! Stream sockets of the family `AF_VSOCK`: an enclave's only way out, and in.
//!
//! socket2 makes them, without unsafe code. The standard library's Unix stream reads and writes a connected socket of
//! any family; only its addresses would mean nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// Any context id (Linux, `include/uapi/linux/vm_sockets.h`, `VMADDR_CID_ANY`).
const ANY_CID: u32 = u32::MAX;

/// Connects. The kernel gives up after two seconds (`VSOCK_DEFAULT_CONNECT_TIMEOUT`).
///
/// # Errors
/// What the kernel answers.
pub fn connect(cid: u32, port: u32) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::VSOCK, Type::STREAM.cloexec(), None)?;
    socket.connect(&SockAddr::vsock(cid, port))?;
    Ok(stream(socket))
}

/// Listens, for one connection at a time.
///
/// # Errors
/// What the kernel answers.
pub fn listen(port: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::VSOCK, Type::STREAM.cloexec(), None)?;
    socket.bind(&SockAddr::vsock(ANY_CID, port))?;
    socket.listen(1)?;
    Ok(socket)
}

/// Waits for a connection, for so long.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`]; what the kernel answers.
pub fn accept(listener: &Socket, limit: Duration) -> io::Result<UnixStream> {
    listener.set_read_timeout(Some(limit))?;
    match listener.accept() {
        Ok((socket, _)) => Ok(stream(socket)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error),
    }
}

fn stream(socket: Socket) -> UnixStream {
    UnixStream::from(OwnedFd::from(socket))
}
