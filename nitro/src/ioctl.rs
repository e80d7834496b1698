//! The two ioctls of this crate, and all of its unsafe code: a request to the Nitro Secure Module, and bytes for the
//! kernel's entropy pool.
//!
//! They go through rustix: it has the opcodes' arithmetic for every architecture, retries on EINTR, and is what the
//! enclave program uses for its other system calls. libc would need an opcode by hand and errno from a global.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use zeroize::Zeroize;

/// The group of the module's ioctls (Linux, `include/uapi/linux/nsm.h`, `NSM_MAGIC`).
const NSM_MAGIC: u8 = 0x0a;
/// One request, one answer (`NSM_IOCTL_RAW`).
const NSM_IOCTL_RAW: Opcode = opcode::read_write::<NsmRaw>(NSM_MAGIC, 0);
/// Bytes for the entropy pool, with credit (Linux, `include/uapi/linux/random.h`): declared with the size of the two
/// integers before the bytes.
const RNDADDENTROPY: Opcode = opcode::write::<[c_int; 2]>(b'R', 3);

/// `struct nsm_iovec` (Linux, `include/uapi/linux/nsm.h`): 64 bits on every architecture. The driver from before Linux
/// had one of its own took a `struct iovec`, which is the same where pointers have 64 bits.
#[repr(C)]
struct NsmIovec {
    addr: u64,
    len: u64,
}

/// `struct nsm_raw`.
#[repr(C)]
struct NsmRaw {
    request: NsmIovec,
    response: NsmIovec,
}

/// `struct rand_pool_info` (Linux, `include/uapi/linux/random.h`), with room for `N` bytes. Wiped when dropped.
#[repr(C)]
struct RandPoolInfo<const N: usize> {
    /// How many bits of entropy the bytes are credited with.
    entropy_count: c_int,
    /// How many bytes there are.
    buf_size: c_int,
    buf: [u8; N],
}

impl<const N: usize> Drop for RandPoolInfo<N> {
    fn drop(&mut self) {
        self.buf.zeroize();
    }
}

/// Sends a request to the module's driver and fills `response` with its answer. Returns the length that the driver
/// reports: a claim, which may be anything.
///
/// # Errors
/// What the driver answers, except EINTR: the call is repeated then. Linux's driver waits uninterruptibly and never
/// says EINTR; one that does says it before the module has seen the request, or an extension would be made twice.
pub(crate) fn nsm_raw(device: BorrowedFd<'_>, request: &[u8], response: &mut [u8]) -> Result<u64, Errno> {
    let (request_len, response_len) = (request.len() as u64, response.len() as u64);
    retry(|| {
        // The driver writes the answer's length into the message, so each attempt has one of its own.
        let mut message = NsmRaw {
            request: NsmIovec { addr: request.as_ptr().expose_provenance() as u64, len: request_len },
            response: NsmIovec { addr: response.as_mut_ptr().expose_provenance() as u64, len: response_len },
        };
        // SAFETY: NSM_IOCTL_RAW takes a `struct nsm_raw`, which `NsmRaw` is, field by field, and `message` outlives the
        // call. The driver reads `request_len` bytes at the first address, which `request` borrows, and writes at most
        // `response_len` at the second (`parse_resp_raw` takes the minimum), which `response` borrows mutably; both
        // borrows outlive the call, and any bytes are valid content for them. The kernel keeps neither address. A
        // device that is not the module refuses the opcode (ENOTTY): its group and number are the module's.
        unsafe { ioctl(device, Updater::<NSM_IOCTL_RAW, NsmRaw>::new(&mut message)) }?;
        Ok(message.response.len)
    })
}

/// Feeds bytes to the kernel's entropy pool, credited with `bits` of entropy.
///
/// # Errors
/// What the kernel answers: EPERM without `CAP_SYS_ADMIN`; except EINTR, as above.
pub(crate) fn add_entropy<const N: usize>(
    pool: BorrowedFd<'_>,
    bytes: &[u8; N],
    bits: u16,
) -> Result<(), Errno> {
    let buf_size = c_int::try_from(N).map_err(|_| Errno::INVAL)?;
    let mut info = RandPoolInfo { entropy_count: bits.into(), buf_size, buf: *bytes };
    retry(|| {
        // SAFETY: RNDADDENTROPY takes a `struct rand_pool_info`, which `RandPoolInfo` is: two ints, then as many bytes
        // as the second says, which is `N`. The kernel reads them and writes nothing; `info` outlives the call. A
        // device that is not the kernel's pool refuses the opcode (ENOTTY).
        unsafe { ioctl(pool, Updater::<RNDADDENTROPY, RandPoolInfo<N>>::new(&mut info)) }
    })
}

/// Calls until the answer is another than EINTR: a signal came, and nothing was done.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}
