//! The software module behind a Unix socket, for programs in other processes.

use std::fmt;
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{MAX_REQUEST_LEN, Nsm};

/// Who may connect: the owner alone.
const MODE: u32 = 0o600;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;
/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A software module that is served on a Unix stream socket. Dropping it ends every connection and removes the socket.
///
/// A request, then its answer, each as four bytes of length, big-endian, and so many bytes of what [`Nsm::answer`] takes
/// and gives; as often as the client likes on one connection. A length that is zero or over [`MAX_REQUEST_LEN`] ends the
/// connection. `pcrseal_nitro::NsmSocket` is the client.
pub struct NsmSocket {
    path: PathBuf,
    /// The socket's device and inode: what is at the path later may be another's.
    identity: (u64, u64),
    task: JoinHandle<()>,
}

impl NsmSocket {
    /// Serves the module at this path, for the owner of the process alone (mode 0600). A socket that nobody serves any
    /// more is replaced; nothing else ever is. Needs a tokio runtime, and that it goes on running.
    ///
    /// # Errors
    /// That of the system, with the path; [`io::ErrorKind::AddrInUse`] when somebody serves a socket at the path;
    /// [`io::ErrorKind::AlreadyExists`] when another kind of file is there.
    pub fn serve(path: impl AsRef<Path>, nsm: Arc<Nsm>) -> io::Result<Self> {
        let path = path.as_ref();
        let (listener, identity) = listen(path).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {}: {error}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), identity, task: tokio::spawn(accept(listener, nsm)) })
    }

    /// Where it is served.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for NsmSocket {
    fn drop(&mut self) {
        self.task.abort();
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            // A socket that cannot be removed is replaced by whoever serves there next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl fmt::Debug for NsmSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NsmSocket({})", self.path.display())
    }
}

fn listen(path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    make_room(path)?;
    let socket = UnixSocket::new_stream()?;
    // Before there is a file: Linux gives it the mode of the socket itself, so that nobody can slip in.
    File::from(socket.as_fd().try_clone_to_owned()?).set_permissions(Permissions::from_mode(MODE))?;
    socket.bind(path)?;
    let identity = identity(&fs::symlink_metadata(path)?);
    Ok((socket.listen(BACKLOG)?, identity))
}

/// Removes a socket that nobody serves.
fn make_room(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else than a socket is there"));
    }
    match BlockingStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a socket is served there")),
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

async fn accept(listener: UnixListener, nsm: Arc<Nsm>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&nsm)))),
                // Out of descriptors, say: those that are open will end.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            // How a connection ended is its client's business.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(mut stream: UnixStream, nsm: Arc<Nsm>) -> io::Result<()> {
    loop {
        let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
        if !(1..=MAX_REQUEST_LEN).contains(&length) {
            return Ok(());
        }
        let mut request = vec![0; length];
        stream.read_exact(&mut request).await?;
        let module = Arc::clone(&nsm);
        let answer = tokio::task::spawn_blocking(move || module.answer(&request)).await?;
        stream.write_u32(u32::try_from(answer.len()).map_err(io::Error::other)?).await?;
        stream.write_all(&answer).await?;
    }
}
