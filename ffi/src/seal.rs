//! Sealing. Nobody gets a blob that has not been opened once, through AWS KMS.

use pcrseal::Sealed;
use pcrseal::core::seal::HostVouchesForSecret;
use pcrseal::core::secret::Secret as CoreSecret;

use crate::cancel::Cancel;
use crate::error::{Error, Failure, Status};
use crate::pointer::{Buffer, Out, call};
use crate::report::Report;
use crate::secret::{Reserved, Secret};
use crate::session::Session;

/// Where the results of a seal go; made before its first request, so that none is lost.
struct Results<'c> {
    blob: Buffer<'c>,
    secret: Option<(Out<'c, *mut Secret>, Reserved)>,
    report: Option<Out<'c, *mut Report>>,
}

impl<'c> Results<'c> {
    fn prepare(
        session: &Session,
        secret_len: usize,
        blob: Buffer<'c>,
        secret: Option<Out<'c, *mut Secret>>,
        report: Option<Out<'c, *mut Report>>,
    ) -> Result<Self, Failure> {
        blob.demand(session.max_blob_len(secret_len)?)?;
        let reserve = |out| Ok::<_, Failure>((out, Reserved::new(secret_len)?));
        Ok(Self { blob, secret: secret.map(reserve).transpose()?, report })
    }

    fn give(self, sealed: Sealed) -> Result<(), Failure> {
        let secret = self
            .secret
            .map(|(out, reserved)| Ok::<_, Failure>((out, reserved.fill(sealed.opened.secret().expose())?)));
        let secret = secret.transpose()?;
        let told = Report::from(sealed.report);
        self.blob.write(&sealed.blob)?;
        if let Some((out, secret)) = secret {
            out.give(secret);
        }
        if let Some(out) = self.report {
            out.give(told);
        }
        Ok(())
    }
}

/// Makes a new secret of `secret_len` random bytes (1..65536) and seals it: under the session's seal quorum, bound to this
/// enclave's measured PCRs (the required ones), at the lowest generation that the session accepts. Every key of the quorum
/// must answer, and the new blob is opened once before it is handed out.
///
/// The blob is public; keep it anywhere. It is for a cluster's first start alone: that a blob cannot be found is no reason
/// to make another, since whoever keeps it could withhold it.
///
/// `blob` needs a capacity of `pcrseal_max_blob_len`, which is checked before anything is asked of AWS KMS; `blob_len` gets
/// the blob's length. `secret` gets the secret, which the caller frees; its memory is locked before the first request.
/// `report` gets what the keys answered when the blob was opened, which the caller frees. `cancel` ends the call: no blob is
/// given then, and the data keys that KMS made are of no use to anybody.
///
/// May be NULL: cancel, secret, report.
///
/// Fails with `PCRSEAL_E_NO_SEAL_QUORUM`, `PCRSEAL_E_SECRET_LENGTH`, `PCRSEAL_E_BUFFER_TOO_SMALL`,
/// `PCRSEAL_E_MEMORY_NOT_LOCKED` and `PCRSEAL_E_CONFIG_TRANSPORT` before anything is done; `PCRSEAL_E_DEBUG_MODE`,
/// `PCRSEAL_E_PCR_MISSING` and the attester's codes before any request; `PCRSEAL_E_KEY_UNFIT`,
/// `PCRSEAL_E_KEY_PERMITS_ENCRYPT`, `PCRSEAL_E_KEY_PERMITS_GENERATE_DATA_KEY` and `PCRSEAL_E_KEY_NOT_CHECKED` for keys
/// that must hold no share; `PCRSEAL_E_SEAL_INCOMPLETE` with a report; `PCRSEAL_E_QUORUM_NOT_REACHED` and the others of
/// `pcrseal_unseal` when the new blob does not open; `PCRSEAL_E_DEADLINE_EXCEEDED`, `PCRSEAL_E_CANCELLED`,
/// `PCRSEAL_E_REENTRANT` from within a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_generate(
    session: *const Session,
    secret_len: usize,
    cancel: *const Cancel,
    blob: *mut u8,
    blob_capacity: usize,
    blob_len: *mut usize,
    secret: *mut *mut Secret,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let blob = caller.buffer(blob, blob_capacity, blob_len, "blob");
        let secret = caller.out_or_none(secret, "secret");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        let results = Results::prepare(session, secret_len, blob, secret, report)?;
        results.give(session.run(cancel, auto_unseal.seal_generated(secret_len, &[]))?)
    })
}

/// Seals a secret of the caller's (1..65536 bytes), who vouches that it is a good one and not an adversary's: whoever can
/// choose the secret that an enclave serves needs nothing else. Otherwise as `pcrseal_generate`.
///
/// The secret stays the caller's, to be wiped (`pcrseal_zeroize`). `blob` needs a capacity of `pcrseal_max_blob_len`.
///
/// May be NULL: cancel, report.
///
/// Fails as `pcrseal_generate`, but for `PCRSEAL_E_MEMORY_NOT_LOCKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_import_vouched(
    session: *const Session,
    secret: *const u8,
    secret_len: usize,
    cancel: *const Cancel,
    blob: *mut u8,
    blob_capacity: usize,
    blob_len: *mut usize,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let blob = caller.buffer(blob, blob_capacity, blob_len, "blob");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let secret = caller.bytes(secret, secret_len, "secret")?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        let results = Results::prepare(session, secret.len(), blob, None, report)?;
        let secret = CoreSecret::copy_from(secret);
        results.give(session.run(cancel, auto_unseal.import(secret, HostVouchesForSecret, &[]))?)
    })
}

/// Unseals a blob and seals its secret again, one generation on, under the session's seal quorum: after a change of keys, to
/// move to another image's PCRs, or to revoke older blobs. The old blob goes on to open until its keys are retired
/// (`pcrseal_retire_key`) or the minimum generation is raised. It is two steps, each of which may take the session's
/// deadline.
///
/// `new_blob` needs a capacity of `pcrseal_max_blob_len` for the length of the secret, `new_blob_len` gets the new blob's
/// length. `secret`, `report` and `cancel` are as for `pcrseal_generate`; the report is of the new blob's keys.
///
/// May be NULL: cancel, secret, report.
///
/// Fails as `pcrseal_unseal` for the old blob and as `pcrseal_generate` for the new one; with
/// `PCRSEAL_E_GENERATION_EXHAUSTED`; with `PCRSEAL_E_RESEAL_UNVOUCHED` for a secret of an `encrypt` blob that would get into an
/// `attested` one, unless the configuration allows it (`pcrseal_config_allow_vouched_reseal`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_reseal(
    session: *const Session,
    old_blob: *const u8,
    old_blob_len: usize,
    cancel: *const Cancel,
    new_blob: *mut u8,
    new_blob_capacity: usize,
    new_blob_len: *mut usize,
    secret: *mut *mut Secret,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let new_blob = caller.buffer(new_blob, new_blob_capacity, new_blob_len, "new_blob");
        let secret = caller.out_or_none(secret, "secret");
        let report = caller.out_or_none(report, "report");
        let session = caller.handle(session, "session")?;
        let old_blob = caller.bytes(old_blob, old_blob_len, "old_blob")?;
        let cancel = caller.handle_or_none(cancel, "cancel")?;
        let auto_unseal = session.auto_unseal()?;
        let results = Results::prepare(session, session.secret_len(old_blob)?, new_blob, secret, report)?;
        let reseal = async {
            let old = auto_unseal.unseal(old_blob).await?;
            auto_unseal.reseal(&old.opened, &[]).await
        };
        results.give(session.run(cancel, reseal)?)
    })
}
