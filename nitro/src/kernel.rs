//! The kernel's entropy pool.

use std::os::fd::AsFd;
use std::path::Path;

use pcrseal_core::error::{Code, Error};
use rustix::fs::OFlags;
use rustix::io::retry_on_intr;

use crate::device::character_device;
use crate::ioctl::add_entropy;

/// The device that takes entropy.
pub(crate) const RANDOM_DEVICE: &str = "/dev/random";

/// How many bytes [`Nsm::seed_kernel`](crate::Nsm::seed_kernel) feeds to the kernel: two answers of the module. It is
/// the whole input pool of kernels before 5.18 (4096 bits), and sixteen times what later ones want before they call
/// themselves seeded (256 bits; Linux, `drivers/char/random.c`, `POOL_READY_BITS`).
pub const KERNEL_SEED_LEN: usize = 512;

/// With how many bits they are credited: 1000 of 1024, as Linux's driver of the module credits its bytes
/// (`drivers/misc/nsm.c`, `quality`).
const KERNEL_SEED_BITS: u16 = 4000;

/// Feeds the bytes to the pool, with credit, in one step.
///
/// RNDADDENTROPY mixes and credits at once. A write and RNDADDTOENTCNT, as the AWS Nitro Enclaves SDK for C has it,
/// credit whatever is in the pool by then.
///
/// # Errors
/// [`Code::KernelEntropy`].
pub(crate) fn feed(device: &Path, seed: &[u8; KERNEL_SEED_LEN]) -> Result<(), Error> {
    let pool = character_device(device, OFlags::WRONLY)
        .map_err(|refusal| refusal.error(Code::KernelEntropy, device))?;
    retry_on_intr(|| add_entropy(pool.as_fd(), seed, KERNEL_SEED_BITS)).map_err(|errno| {
        Error::at(
            Code::KernelEntropy,
            device.display().to_string(),
            "RNDADDENTROPY (needs CAP_SYS_ADMIN)",
            std::io::Error::from(errno),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use pcrseal_core::error::Code;
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::{KERNEL_SEED_LEN, feed};

    // The FIFO is the one that hangs where it is opened as a plain file is.
    #[test]
    fn what_is_not_the_kernels_pool_is_told_apart() {
        let folder = std::env::temp_dir().join(format!("pcrseal-kernel-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, fifo) = (folder.join("file"), folder.join("fifo"));
        fs::write(&file, "").unwrap();
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        for (path, found) in [
            (file.as_path(), "a regular file"),
            (&fifo, "a FIFO"),
            (&folder, "a directory"),
            (&folder.join("nothing"), "os error 2"),
            (Path::new("/dev/null"), "os error 25"),
        ] {
            let error = feed(path, &[0; KERNEL_SEED_LEN]).unwrap_err();
            assert_eq!(error.code(), Code::KernelEntropy);
            let text = error.to_string();
            assert!(text.contains(found) && text.contains(&path.display().to_string()), "{text}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"", "nothing was written");
        fs::remove_dir_all(folder).unwrap();
    }
}
