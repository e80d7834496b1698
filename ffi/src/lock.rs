//! The lock inside every handle that changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the lock. That a call panicked while it held one is no reason to refuse the next: nothing behind such a lock
/// is changed but by assigning a finished value.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
