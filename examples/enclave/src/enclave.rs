//! A real enclave's surroundings: the Nitro Secure Module, and vsock.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use pcrseal::core::attester::NitroSecureModule;
use pcrseal::kms::{Address, ClientBuilder, VsockAddress};
use pcrseal_nitro::{DEVICE, Nsm};
use socket2::Socket;

use crate::console::say;
use crate::error::Error;
use crate::job::Routes;
use crate::life::Surroundings;
use crate::trust::Trust;
use crate::{init, vsock};

/// How long the driver may take to make the device after its module was loaded. Ours.
const DEVICE_LIMIT: Duration = Duration::from_secs(10);

/// A Nitro Enclave, or a guest that is like one.
pub struct Enclave {
    /// The parent's context id.
    pub cid: u32,
    /// The port where it hands out requests.
    pub port: u32,
}

impl From<&Trust> for Enclave {
    fn from(trust: &Trust) -> Self {
        Self { cid: trust.parent_cid, port: trust.parent_port }
    }
}

impl Routes for Enclave {
    fn kms(&self, client: ClientBuilder, region: &str, port: u32) -> ClientBuilder {
        client.region_vsock(region, VsockAddress { cid: self.cid, port })
    }

    fn credentials(&self, port: u32) -> Address {
        Address::Vsock(VsockAddress { cid: self.cid, port })
    }
}

impl Surroundings for Enclave {
    fn parent(&self) -> io::Result<UnixStream> {
        vsock::connect(self.cid, self.port)
    }

    fn module(&self) -> Result<Arc<dyn NitroSecureModule>, Error> {
        if init::is_first_process() {
            // When it does not come, opening it says so.
            init::wait_for(DEVICE, DEVICE_LIMIT);
        }
        let module = Nsm::open()?;
        // A kernel whose driver feeds its pool by itself loses nothing.
        match module.seed_kernel() {
            Ok(()) => say(format_args!("fed the kernel's entropy pool")),
            Err(error) => say(format_args!("the kernel's entropy pool was not fed: {error}")),
        }
        Ok(Arc::new(module))
    }

    fn listen(&self, port: u32) -> io::Result<Socket> {
        vsock::listen(port)
    }
}
