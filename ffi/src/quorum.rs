//! Quorums, for the configuration of a session.

use std::ffi::c_char;
use std::sync::Mutex;

use pcrseal::Code;
use pcrseal::config::QuorumConfig;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::names::Wrapping;

use crate::config::unknown;
use crate::error::{Error, Failure, Status};
use crate::lock::lock;
use crate::pointer::{Caller, call, free};

/// KMS makes the share keys and releases them to attested enclaves alone: the form to choose.
pub const PCRSEAL_WRAPPING_ATTESTED: u32 = 1;
/// The enclave makes the share keys and sends them to kms:Encrypt. Blobs are confidential and not authenticated: whoever may
/// call kms:Encrypt with enough of the keys can make one.
pub const PCRSEAL_WRAPPING_ENCRYPT: u32 = 2;

/// A quorum: so many of these KMS keys, in this order.
///
/// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's.
pub struct Quorum(Mutex<QuorumConfig>);

impl Quorum {
    /// The settings as they are now.
    pub(crate) fn settings(&self) -> QuorumConfig {
        lock(&self.0).clone()
    }
}

/// Changes a quorum.
fn change(
    quorum: *mut Quorum,
    error: *mut *mut Error,
    change: impl FnOnce(&Caller, &mut QuorumConfig) -> Result<(), Failure>,
) -> Status {
    call(error, |caller| change(caller, &mut lock(&caller.handle(quorum, "quorum")?.0)))
}

/// A new quorum, in `quorum`, of no key yet: any `threshold` of its keys open a blob. `wrapping` is
/// `PCRSEAL_WRAPPING_ATTESTED` or `PCRSEAL_WRAPPING_ENCRYPT`. Whoever gets it frees it.
///
/// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another `wrapping`, and with `PCRSEAL_E_QUORUM_SIZE` for a threshold above
/// 255, which no quorum has: the highest is the number of keys, 16 at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_new(
    threshold: u32,
    wrapping: u32,
    quorum: *mut *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let quorum = caller.out(quorum, "quorum");
        let threshold = u8::try_from(threshold)
            .map_err(|_| Fault::number(Code::QuorumSize, "threshold", "1..16", threshold.into()))?;
        let wrapping = match wrapping {
            PCRSEAL_WRAPPING_ATTESTED => Wrapping::Attested,
            PCRSEAL_WRAPPING_ENCRYPT => Wrapping::Encrypt,
            other => return Err(unknown("wrapping", "PCRSEAL_WRAPPING_...", other)),
        };
        quorum.give(Quorum(Mutex::new(QuorumConfig { threshold, wrapping, ..QuorumConfig::default() })));
        Ok(())
    })
}

/// Adds a KMS key, by its full ARN, at the end: the order counts. A quorum has 1..16 keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_add_key(
    quorum: *mut Quorum,
    key_arn: *const c_char,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |caller, quorum| {
        quorum.keys.push(caller.text(key_arn, "key_arn")?.into());
        Ok(())
    })
}

/// Allows multi-Region keys in the quorum, though each replica has a key policy of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_allow_multi_region(
    quorum: *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |_, quorum| {
        quorum.allow_multi_region = true;
        Ok(())
    })
}

/// Allows a threshold of 1: any single key then opens the blob.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_allow_single_share(
    quorum: *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |_, quorum| {
        quorum.allow_single_share = true;
        Ok(())
    })
}

/// Frees a quorum. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_free(quorum: *mut Quorum) {
    free(quorum);
}
