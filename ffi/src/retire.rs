//! Taking a key out of service, so that an old blob opens no more.

use std::ffi::c_char;

use pcrseal::core::names::KeyArn;
use pcrseal::{Report as CoreReport, Retirement, RetirementState};

use crate::cancel::Cancel;
use crate::error::{Error, Failure, Status};
use crate::pointer::{Out, call};
use crate::report::Report;
use crate::session::Session;

/// AWS KMS refuses the key's share for the key's state: it is out of service.
pub const PCRSEAL_RETIREMENT_RETIRED: u32 = 1;
/// AWS KMS still released the share when the deadline came: confirm again later.
pub const PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE: u32 = 2;
/// The key could not be disabled, or what AWS KMS answers says nothing about its state; the report's row says why.
pub const PCRSEAL_RETIREMENT_FAILED: u32 = 3;

fn give(retirement: Retirement, state: Out<'_, u32>, report: Option<Out<'_, *mut Report>>) {
    state.set(match retirement.state {
        RetirementState::Retired => PCRSEAL_RETIREMENT_RETIRED,
        RetirementState::NotYetEffective => PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE,
        RetirementState::Failed => PCRSEAL_RETIREMENT_FAILED,
    });
    if let Some(report) = report {
        report.give(CoreReport { keys: vec![retirement.row] }.into());
    }
}

/// Disables a KMS key of an old blob (`kms:DisableKey`), and asks AWS KMS for its share until that is refused or the deadline
/// passes: once as many keys refuse as leave fewer than the threshold, the old blob opens no more. For after
/// `pcrseal_reseal`, when the new blob is stored. The session must trust the old blob still, and seal under a quorum without
/// the key.
///
/// `state` gets a `PCRSEAL_RETIREMENT_…` constant: that the key could not be retired is no failure of the call. `report` gets
/// one row, AWS KMS's last word, which the caller frees; the outcome `"granted"` is a share that was released still, and that
/// nobody opened. A call that was cancelled may have disabled the key.
///
/// May be NULL: cancel, report.
///
/// Fails with `PCRSEAL_E_KEY_ARN`; `PCRSEAL_E_NO_SEAL_QUORUM`; `PCRSEAL_E_KEY_IN_USE` when new blobs need the key;
/// `PCRSEAL_E_KEY_HOLDS_NO_SHARE`; as `pcrseal_unseal` for a blob that is refused; `PCRSEAL_E_CONFIG_TRANSPORT`,
/// `PCRSEAL_E_DEADLINE_EXCEEDED`, `PCRSEAL_E_CANCELLED`, `PCRSEAL_E_REENTRANT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_retire_key(
    session: *const Session,
    old_blob: *const u8,
    old_blob_len: usize,
    key_arn: *const c_char,
    cancel: *const Cancel,
    state: *mut u32,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let state = caller.out(state, "state");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let old_blob = caller.bytes(old_blob, old_blob_len, "old_blob")?;
        let key = KeyArn::new(caller.text(key_arn, "key_arn")?)?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        give(session.run(cancel, auto_unseal.retire(old_blob, &key))?, state, report);
        Ok::<_, Failure>(())
    })
}

/// The second half of `pcrseal_retire_key`, for a key that somebody else has disabled, where the session's role may not:
/// asks AWS KMS for the key's share until that is refused or the deadline passes. Disables nothing. Everything else is as
/// there.
///
/// May be NULL: cancel, report.
///
/// Fails as `pcrseal_retire_key`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_confirm_retired_key(
    session: *const Session,
    old_blob: *const u8,
    old_blob_len: usize,
    key_arn: *const c_char,
    cancel: *const Cancel,
    state: *mut u32,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let state = caller.out(state, "state");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let old_blob = caller.bytes(old_blob, old_blob_len, "old_blob")?;
        let key = KeyArn::new(caller.text(key_arn, "key_arn")?)?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        give(session.run(cancel, auto_unseal.confirm_retired(old_blob, &key))?, state, report);
        Ok::<_, Failure>(())
    })
}
