//! The host's side of a guest's vsock: `vhost-device-vsock` brings a guest's connection to the host's port N to the
//! Unix socket `host_N`, and ours to the socket `host`, with the guest's port as the first line (Firecracker's protocol,
//! `docs/vsock.md` there).

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;

use crate::Failure;
use crate::process::{Server, Sockets, program};
use crate::tools::Tools;

/// The guest's own address. On AWS the hypervisor chooses one from 4 upwards.
const GUEST_CID: u32 = 4;
const PAUSE: Duration = Duration::from_millis(50);
/// Longest answer to `CONNECT`: `OK` and a port number.
const MAX_ANSWER_LEN: usize = 32;

/// The device behind a guest's vsock.
pub(crate) struct Vsock {
    sockets: Sockets,
    _device: Server,
}

impl Vsock {
    /// Starts the device.
    pub(crate) async fn start(tools: &Tools, name: &str) -> Result<Self, Failure> {
        let sockets = Sockets::new(name)?;
        let (device, host) = (sockets.path("vsock"), sockets.path("host"));
        let mut command = program(&tools.vhost_vsock);
        command.arg("--vm").arg(format!(
            "guest-cid={GUEST_CID},socket={},uds-path={}",
            device.display(),
            host.display()
        ));
        let server = Server::start(command, &device, &tools.output.join(format!("{name}.vsock"))).await?;
        Ok(Self { sockets, _device: server })
    }

    /// What QEMU connects to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.path("vsock")
    }

    /// A path for a socket of another device of the same guest.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.sockets.path(name)
    }

    /// Listens for the guest's connections to a port of the host.
    pub(crate) fn listen(&self, port: u32) -> Result<UnixListener, Failure> {
        Ok(UnixListener::bind(self.sockets.path(&format!("host_{port}")))?)
    }

    /// Connects to a port of the guest, as soon as it listens there.
    pub(crate) async fn connect(&self, port: u32) -> Result<UnixStream, Failure> {
        loop {
            if let Some(stream) = self.try_connect(port).await? {
                return Ok(stream);
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_connect(&self, port: u32) -> Result<Option<UnixStream>, Failure> {
        let mut stream = UnixStream::connect(self.sockets.path("host")).await?;
        stream.write_all(format!("CONNECT {port}\n").as_bytes()).await?;
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') && answer.len() < MAX_ANSWER_LEN {
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                // The guest does not listen, or not yet.
                Err(_) => return Ok(None),
            }
        }
        Ok(answer.starts_with(b"OK ").then_some(stream))
    }
}
