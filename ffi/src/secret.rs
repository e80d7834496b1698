//! A secret in locked memory, and the room for one that is still to come.

use crate::error::Failure;
use crate::locked::Locked;
use crate::pointer::{free, get, get_bytes};

/// A secret. Its memory is locked (never swapped), left out of core dumps, empty in a forked process, read-only, and
/// between two pages whose touch ends the process (SIGSEGV); freeing the handle wipes it. It counts against the process's
/// `RLIMIT_MEMLOCK` with whole pages. May be read from several threads at once.
pub struct Secret {
    memory: Locked,
}

/// Memory for a secret that a call will give, set aside before its first request: what cannot be kept is not asked for.
pub(crate) struct Reserved {
    memory: Locked,
}

impl Reserved {
    /// # Errors
    /// `MemoryNotLocked`.
    pub(crate) fn new(len: usize) -> Result<Self, Failure> {
        Ok(Self { memory: Locked::new(len)? })
    }

    /// The handle of a secret that is as long as was said.
    ///
    /// # Errors
    /// `SecretLength` for another length.
    pub(crate) fn fill(mut self, secret: &[u8]) -> Result<Secret, Failure> {
        self.memory.fill(secret)?;
        Ok(Secret { memory: self.memory })
    }
}

/// The secret's bytes, and their number in `len`. Owned by the handle: the pointer is good until it is freed. Writing
/// there, or reading behind the end, ends the process. NULL and 0 for NULL; NULL alone where `len` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_secret_data(secret: *const Secret, len: *mut usize) -> *const u8 {
    get_bytes(secret, len, |secret| Some(secret.memory.bytes()))
}

/// How many bytes the secret has: 1 to 65536, and none where AWS KMS's plaintext for a recipient is empty. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_secret_len(secret: *const Secret) -> usize {
    get(secret, 0, |secret| secret.memory.bytes().len())
}

/// Wipes the secret and frees the handle. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_secret_free(secret: *mut Secret) {
    free(secret);
}
