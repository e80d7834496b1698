//! A virtio Nitro Secure Module for guests of QEMU: the emulator's software NSM behind Linux's own driver.
//!
//! QEMU has a device of its own, which does not sign its documents. This one does: it is a vhost-user backend, so that
//! QEMU carries the guest's virtqueue to this process, where [`Nsm::answer`] answers. Inside the guest nothing differs:
//! `nsm.ko` binds to virtio device 33 and makes `/dev/nsm` of it. QEMU takes it with
//!
//! ```text
//! -M q35,memory-backend=m -object memory-backend-memfd,id=m,size=512M,share=on
//! -chardev socket,id=n,path=SOCKET -device vhost-user-device-pci,chardev=n,virtio-id=33,num_vqs=1
//! ```
//!
//! The guest is not trusted: whatever it puts into its queue, this process reads and writes no other memory than what
//! the guest has named for it, and neither panics nor hangs.
#![forbid(unsafe_code)]

mod backend;
mod queue;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use pcrseal_emulator::nsm::Nsm;
use vhost::vhost_user::{Error as VhostUserError, Listener};
use vhost_user_backend::{Error, ShutdownHandle, VhostUserDaemon};
use vm_memory::{GuestMemoryAtomic, GuestMemoryMmap};

use backend::Backend;

/// Serves one guest's Nitro Secure Module on a Unix socket, until QEMU disconnects.
///
/// The socket is there, and QEMU may be started, once this returns. A guest that restarts within one QEMU process finds
/// the registers as it left them: a real enclave has no such restart, so that QEMU belongs started with `-no-reboot`.
///
/// # Errors
/// That of the system, when the socket cannot be made (a file of its name is in the way, say) or a thread not started.
pub fn serve(socket: impl AsRef<Path>, nsm: Arc<Nsm>) -> io::Result<Handle> {
    let socket = socket.as_ref().to_owned();
    let mut listener = Listener::new(&socket, false)
        .map_err(|error| io::Error::other(format!("cannot listen on {}: {error}", socket.display())))?;
    let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
    let backend = Arc::new(Backend::new(nsm, memory.clone())?);
    let mut daemon = VhostUserDaemon::new("nsm".into(), backend, memory).map_err(|error| broken(&error))?;
    let shared = Arc::new(Shared::default());
    let thread = thread::Builder::new().name("nsm-device".into()).spawn({
        let shared = shared.clone();
        move || {
            daemon.start(&mut listener).map_err(|error| broken(&error))?;
            // One guest per device: no second QEMU shall wait in the queue.
            drop(listener);
            *shared.connection() = daemon.shutdown_handle();
            if shared.stopping.load(Ordering::SeqCst) {
                daemon.request_shutdown();
            }
            match daemon.wait() {
                // How a connection ends when QEMU does, in the middle of a message or between two.
                Err(Error::HandleRequest(VhostUserError::Disconnected | VhostUserError::PartialMessage)) => {
                    Ok(())
                }
                result => result.map_err(|error| broken(&error)),
            }
        }
    })?;
    Ok(Handle { socket, shared, thread: Some(thread) })
}

fn broken(error: &Error) -> io::Error {
    io::Error::other(error.to_string())
}

/// A device that is being served. Dropping it stops it.
#[derive(Debug)]
pub struct Handle {
    socket: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Handle {
    /// Waits until QEMU has connected and disconnected.
    ///
    /// # Errors
    /// What broke the connection, where QEMU did not end it.
    pub fn wait(mut self) -> io::Result<()> {
        self.join()
    }

    /// Ends the connection, or the wait for one. The guest's driver then finds no answer.
    ///
    /// # Errors
    /// What broke the connection before.
    pub fn stop(mut self) -> io::Result<()> {
        self.shut_down();
        self.join()
    }

    fn shut_down(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        match &*self.shared.connection() {
            Some(connection) => connection.shutdown(),
            // Nobody has come yet: whoever waits for QEMU gets this connection instead, and sees that it is to stop.
            // Where that fails, the socket is gone, and QEMU came in between: the thread sees it all the same.
            None => drop(UnixStream::connect(&self.socket)),
        }
    }

    fn join(&mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the device's thread panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shut_down();
            // Nobody is left to hear why it ended.
            let _ = self.join();
        }
    }
}

/// What the handle and the thread know of each other.
#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    /// The connection, from when there is one.
    connection: Mutex<Option<ShutdownHandle>>,
}

impl Shared {
    fn connection(&self) -> std::sync::MutexGuard<'_, Option<ShutdownHandle>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared {{ stopping: {:?} }}", self.stopping)
    }
}
