//! The two ioctls of this crate, and all of its unsafe code: a request to the Nitro Secure Module, and bytes for the
//! kernel's entropy pool.
//!
//! They go through rustix: it has the opcodes' arithmetic for every architecture, a loop for EINTR, and is what the
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

/// Sends a request to the module's driver, once, and fills `response` with its answer. Returns the length that the
/// driver reports: a claim, which may be anything.
///
/// # Errors
/// What the driver answers.
pub(crate) fn nsm_raw(device: BorrowedFd<'_>, request: &[u8], response: &mut [u8]) -> Result<u64, Errno> {
    let mut message = NsmRaw {
        request: NsmIovec { addr: request.as_ptr().expose_provenance() as u64, len: request.len() as u64 },
        response: NsmIovec {
            addr: response.as_mut_ptr().expose_provenance() as u64,
            len: response.len() as u64,
        },
    };
    // SAFETY: NSM_IOCTL_RAW takes a `struct nsm_raw`, which `NsmRaw` is, field by field, and `message` outlives the
    // call. The driver reads `request.len` bytes at the first address, all of which `request` borrows, and writes at
    // most `response.len` at the second (`parse_resp_raw` takes the minimum), all of which `response` borrows mutably;
    // both borrows outlive the call, and any bytes are valid content for them. The kernel keeps neither address. A
    // device that is not the module refuses the opcode (ENOTTY): its group and number are the module's.
    unsafe { ioctl(device, Updater::<NSM_IOCTL_RAW, NsmRaw>::new(&mut message)) }?;
    Ok(message.response.len)
}

/// Feeds bytes to the kernel's entropy pool, credited with `bits` of entropy.
///
/// # Errors
/// What the kernel answers: EPERM without `CAP_SYS_ADMIN`.
pub(crate) fn add_entropy<const N: usize>(
    pool: BorrowedFd<'_>,
    bytes: &[u8; N],
    bits: u16,
) -> Result<(), Errno> {
    let buf_size = c_int::try_from(N).map_err(|_| Errno::INVAL)?;
    let mut info = RandPoolInfo { entropy_count: bits.into(), buf_size, buf: *bytes };
    // SAFETY: RNDADDENTROPY takes a `struct rand_pool_info`, which `RandPoolInfo` is: two ints, then as many bytes as
    // the second says, which is `N`. The kernel reads them and writes nothing; `info` outlives the call. A device that
    // is not the kernel's pool refuses the opcode (ENOTTY).
    unsafe { ioctl(pool, Updater::<RNDADDENTROPY, RandPoolInfo<N>>::new(&mut info)) }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::{NSM_IOCTL_RAW, NsmRaw, RNDADDENTROPY, RandPoolInfo};

    //= Linux, include/uapi/linux/nsm.h: "struct nsm_iovec { __u64 addr; __u64 len; }", "struct nsm_raw { struct
    //= nsm_iovec request; struct nsm_iovec response; }"
    #[test]
    fn the_message_is_four_times_64_bits_on_every_architecture() {
        assert_eq!(size_of::<NsmRaw>(), 32);
        assert_eq!((offset_of!(NsmRaw, request), offset_of!(NsmRaw, response)), (0, 16));
    }

    //= Linux, include/uapi/linux/random.h: "struct rand_pool_info { int entropy_count; int buf_size; __u32 buf[]; }"
    #[test]
    fn the_bytes_for_the_pool_follow_two_integers() {
        assert_eq!(size_of::<RandPoolInfo<512>>(), 8 + 512);
        assert_eq!(offset_of!(RandPoolInfo<512>, buf), 8);
    }

    // What <asm-generic/ioctl.h> makes of _IOWR(0x0A, 0, struct nsm_raw) and _IOW('R', 0x03, int[2]).
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn the_opcodes_are_those_of_the_headers() {
        assert_eq!(NSM_IOCTL_RAW, 0xc020_0a00);
        assert_eq!(RNDADDENTROPY, 0x4008_5203);
    }
}
