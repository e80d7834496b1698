//! Where everything is: what `scripts/nitro-guest-tools.sh` prints, and what `scripts/test-nitro-guest.sh` builds.

use std::path::PathBuf;

use crate::Failure;

/// Paths, from the environment variables of the same names.
pub(crate) struct Tools {
    pub(crate) qemu: PathBuf,
    pub(crate) firmware: PathBuf,
    pub(crate) kernel: PathBuf,
    pub(crate) modules: PathBuf,
    pub(crate) eif_build: PathBuf,
    pub(crate) vhost_vsock: PathBuf,
    pub(crate) probe: PathBuf,
    pub(crate) enclave: PathBuf,
    /// Images and logs go here.
    pub(crate) output: PathBuf,
}

impl Tools {
    /// Reads the environment.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        Ok(Self {
            qemu: path("QEMU")?,
            firmware: path("QEMU_FIRMWARE")?,
            kernel: path("KERNEL")?,
            modules: path("KERNEL_MODULES")?,
            eif_build: path("EIF_BUILD")?,
            vhost_vsock: path("VHOST_DEVICE_VSOCK")?,
            probe: path("PROBE")?,
            enclave: path("ENCLAVE")?,
            output: path("OUTPUT")?,
        })
    }
}

fn path(name: &str) -> Result<PathBuf, Failure> {
    let missing = || format!("{name} is not set: scripts/test-nitro-guest.sh does");
    Ok(std::env::var_os(name).ok_or_else(missing)?.into())
}
