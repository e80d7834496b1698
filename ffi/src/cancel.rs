//! Ending a call that waits, from another thread.

use tokio::sync::watch;

use crate::error::{Error, Status};
use crate::pointer::{call, free, get};

/// Ends calls that wait: `pcrseal_cancel_trigger`, from any thread. One may be given to any number of calls, at the same
/// time and one after the other; once triggered it stays so.
pub struct Cancel {
    triggered: watch::Sender<bool>,
}

impl Cancel {
    fn new() -> Self {
        Self { triggered: watch::Sender::new(false) }
    }

    fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    pub(crate) fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }

    /// Waits until it is triggered.
    pub(crate) async fn wait(&self) {
        // An error would say that the sender is gone, which `self` holds.
        let _ = self.triggered.subscribe().wait_for(|triggered| *triggered).await;
    }
}

/// A new cancel handle, in `cancel`; whoever gets it frees it. A call that is cancelled ends at once with
/// `PCRSEAL_E_CANCELLED`, and before anything is done when the handle was triggered before it. What it had asked of AWS KMS
/// by then may have happened there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_cancel_new(cancel: *mut *mut Cancel, error: *mut *mut Error) -> Status {
    call(error, |caller| {
        caller.out(cancel, "cancel").give(Cancel::new());
        Ok(())
    })
}

/// Ends every call that was given this handle and waits, and every later one. Returns at once; once more is fine. From any
/// thread, but not from a signal handler. NULL is nothing to end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_cancel_trigger(cancel: *const Cancel) {
    get(cancel, (), Cancel::trigger);
}

/// Frees a cancel handle, which no call may be using any more. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_cancel_free(cancel: *mut Cancel) {
    free(cancel);
}
