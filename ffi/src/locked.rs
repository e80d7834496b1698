//! Secrets in memory of their own: locked, left out of core dumps, between two pages that nobody may touch.
//!
//! ```text
//! | guard page | unused .......... | content | guard page |
//!              ^ the start of a page         ^ the end of a page
//! ```
//!
//! The content ends where the page ends: what reads or writes one byte behind it is ended by the kernel (SIGSEGV). Bytes
//! need no alignment, so it begins wherever that puts it; what runs off in front of it meets zeros first, then a guard.

use std::ffi::c_void;
use std::{fmt, ptr, slice};

use pcrseal::Code;
use pcrseal::core::error::Error as Fault;
use rustix::io::Errno;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munlock, munmap,
};
use rustix::param::page_size;
use zeroize::Zeroize;

use crate::error::Failure;

/// Bytes in locked memory, wiped when dropped. Nobody else has a pointer into the mapping, but for those that
/// [`Self::bytes`] lends.
pub(crate) struct Locked {
    /// Where the mapping begins: with a guard page.
    mapping: *mut c_void,
    /// How long it is, guard pages included: at least three pages.
    mapping_len: usize,
    /// How long the content is: at most the mapping without its guard pages.
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread; `Locked` owns it as a `Box` would.
unsafe impl Send for Locked {}
// SAFETY: `&Locked` only reads; what changes the bytes or unmaps them has `&mut` or owns it.
unsafe impl Sync for Locked {}

impl Locked {
    /// Memory for so many bytes, all zero.
    ///
    /// # Errors
    /// [`Code::MemoryNotLocked`].
    pub(crate) fn new(len: usize) -> Result<Self, Failure> {
        let page = page_size();
        let data_len = len.max(1).checked_next_multiple_of(page);
        let mapping_len = data_len.and_then(|data_len| data_len.checked_add(page.checked_mul(2)?));
        let mapping_len = mapping_len.ok_or_else(|| refused("mmap", len, Errno::NOMEM))?;
        // SAFETY: the kernel chooses an address where nothing is; nobody has pointers there.
        let mapping =
            unsafe { mmap_anonymous(ptr::null_mut(), mapping_len, ProtFlags::empty(), MapFlags::PRIVATE) }
                .map_err(|errno| refused("mmap", len, errno))?;
        let mut locked = Self { mapping, mapping_len, len };
        // Dropped on the way out, it unmaps what it has.
        locked.prepare().map_err(|(step, errno)| refused(step, len, errno))?;
        Ok(locked)
    }

    fn prepare(&mut self) -> Result<(), (&'static str, Errno)> {
        let (data, data_len) = self.data();
        // SAFETY: these are the mapping's own pages between its guards, which nobody has pointers to yet.
        unsafe {
            mprotect(data, data_len, MprotectFlags::READ | MprotectFlags::WRITE)
                .map_err(|errno| ("mprotect", errno))?;
            mlock(data, data_len).map_err(|errno| ("mlock", errno))?;
            madvise(data, data_len, Advice::LinuxDontDump)
                .map_err(|errno| ("madvise(MADV_DONTDUMP)", errno))?;
            match madvise(data, data_len, Advice::LinuxWipeOnFork) {
                // Kernels before 4.14 do not know it: there a forked process has the secret too, unlocked.
                Ok(()) | Err(Errno::INVAL) => Ok(()),
                Err(errno) => Err(("madvise(MADV_WIPEONFORK)", errno)),
            }
        }
    }

    /// Puts the content in; nobody can change it any more.
    pub(crate) fn fill(&mut self, content: &[u8]) -> Result<(), Failure> {
        if content.len() != self.len {
            return Err(Fault::number(
                Code::SecretLength,
                "secret bytes",
                "as many as the blob said without its keys",
                content.len() as u64,
            )
            .into());
        }
        let (data, data_len) = self.data();
        // SAFETY: the pages are this value's own, writable since `new`, and `self` is borrowed alone; `content` is somebody
        // else's memory, and as long as the room that `start` leaves to the guard page. From then on the pages are read.
        unsafe {
            ptr::copy_nonoverlapping(content.as_ptr(), self.start(), content.len());
            mprotect(data, data_len, MprotectFlags::READ)
        }
        .map_err(|errno| refused("mprotect", self.len, errno))
    }

    /// The content.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes from `start` are readable and initialized, by the kernel with zeros or by `fill`; while they
        // are borrowed, nothing writes to them.
        unsafe { slice::from_raw_parts(self.start(), self.len) }
    }

    fn wipe(&mut self) {
        let (data, data_len) = self.data();
        // SAFETY: the pages are this value's own, `self` is borrowed alone, and they are written to where they could be
        // made writable (as is sure, unless `new` failed at that: then nothing is in them).
        unsafe {
            if mprotect(data, data_len, MprotectFlags::READ | MprotectFlags::WRITE).is_ok() {
                slice::from_raw_parts_mut(data.cast::<u8>(), data_len).zeroize();
            }
        }
    }

    /// The pages between the guards.
    fn data(&self) -> (*mut c_void, usize) {
        let page = page_size();
        // `new` has made the mapping of at least three pages.
        (self.mapping.wrapping_byte_add(page), self.mapping_len.saturating_sub(page.saturating_mul(2)))
    }

    /// Where the content begins: as many bytes before the second guard page as it has.
    fn start(&self) -> *mut u8 {
        let (data, data_len) = self.data();
        data.cast::<u8>().wrapping_add(data_len.saturating_sub(self.len))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.wipe();
        let (data, data_len) = self.data();
        // SAFETY: the mapping is this value's own, and nobody has a pointer into it any more. Neither can fail for it; if
        // one did, the mapping would stay, wiped.
        unsafe {
            let _ = munlock(data, data_len);
            let _ = munmap(self.mapping, self.mapping_len);
        }
    }
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locked({} bytes)", self.len)
    }
}

/// What the kernel refused, and the limit that is the usual reason.
fn refused(step: &'static str, len: usize, errno: Errno) -> Failure {
    let expected =
        format_args!("RLIMIT_MEMLOCK (ulimit -l) to leave room for {len} bytes, in pages").to_string();
    Fault::text(Code::MemoryNotLocked, step, expected, errno).into()
}

#[cfg(test)]
mod tests;
