//! Unsealing, with a session that moves the bytes by itself.

use pcrseal::Unsealed;

use crate::cancel::Cancel;
use crate::error::{Error, Failure, Status};
use crate::pointer::{Out, call};
use crate::report::Report;
use crate::secret::{Reserved, Secret};
use crate::session::Session;

/// Hands over what was unsealed. What can fail comes first.
pub(crate) fn give(
    unsealed: Unsealed,
    reserved: Reserved,
    secret: Out<'_, *mut Secret>,
    report: Option<Out<'_, *mut Report>>,
) -> Result<(), Failure> {
    let (filled, told) = (reserved.fill(unsealed.opened.secret().expose())?, Report::from(unsealed.report));
    secret.give(filled);
    if let Some(report) = report {
        report.give(told);
    }
    Ok(())
}

/// Unseals a blob: checks it against the session's trust policy and the measured PCRs, asks the keys, and is done as soon as
/// enough of them have answered. Nothing is sent for a blob that is refused.
///
/// `secret` gets the secret, which the caller frees; its memory is locked before the first request. `report` gets what the
/// keys answered, which the caller frees. `cancel` ends the call.
///
/// May be NULL: cancel, report.
///
/// Fails, before any request, with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob,
/// `PCRSEAL_E_CLUSTER_MISMATCH`, `PCRSEAL_E_GENERATION_TOO_OLD`, `PCRSEAL_E_SEAL_ID_MISMATCH`,
/// `PCRSEAL_E_KEY_NOT_TRUSTED`, `PCRSEAL_E_PCR_DRIFT`, `PCRSEAL_E_DEBUG_MODE` and the others of a blob that the session does
/// not trust, `PCRSEAL_E_MEMORY_NOT_LOCKED`, `PCRSEAL_E_CONFIG_TRANSPORT`, the attester's codes and `PCRSEAL_E_REENTRANT`;
/// after them with `PCRSEAL_E_QUORUM_NOT_REACHED`, `PCRSEAL_E_COMMITMENT_MISMATCH` and `PCRSEAL_E_SECRET_REJECTED`, each with
/// a report in the error; at any time with `PCRSEAL_E_DEADLINE_EXCEEDED` and `PCRSEAL_E_CANCELLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_unseal(
    session: *const Session,
    blob: *const u8,
    blob_len: usize,
    cancel: *const Cancel,
    secret: *mut *mut Secret,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let secret = caller.out(secret, "secret");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let blob = caller.bytes(blob, blob_len, "blob")?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        let reserved = Reserved::new(session.secret_len(blob)?)?;
        let unsealed = session.run(cancel, auto_unseal.unseal(blob))?;
        give(unsealed, reserved, secret, report)
    })
}

/// Unseals a blob, as `pcrseal_unseal` does, into memory of the caller's, who wipes it (`pcrseal_zeroize`). `secret` needs a
/// capacity of `pcrseal_unsealed_len`, which is checked before anything is asked of AWS KMS; `secret_len` gets the number of
/// bytes. Nothing is written into `secret` by a call that fails.
///
/// May be NULL: cancel, report.
///
/// Fails as `pcrseal_unseal`, but with `PCRSEAL_E_BUFFER_TOO_SMALL` in place of `PCRSEAL_E_MEMORY_NOT_LOCKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_unseal_into(
    session: *const Session,
    blob: *const u8,
    blob_len: usize,
    cancel: *const Cancel,
    secret: *mut u8,
    secret_capacity: usize,
    secret_len: *mut usize,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let secret = caller.buffer(secret, secret_capacity, secret_len, "secret");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let blob = caller.bytes(blob, blob_len, "blob")?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        secret.demand(session.secret_len(blob)?)?;
        let unsealed = session.run(cancel, auto_unseal.unseal(blob))?;
        let told = Report::from(unsealed.report);
        secret.write(unsealed.opened.secret().expose())?;
        if let Some(report) = report {
            report.give(told);
        }
        Ok(())
    })
}
