//! Unsealing where the program moves the bytes by itself.

use std::ffi::c_char;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;
use pcrseal::kms::wire::HttpAnswer;
use pcrseal::{Code, HostUnseal as Unseal, Outcome};

use crate::error::{Error, Failure, Status};
use crate::kms_request::KmsRequest;
use crate::lock::lock;
use crate::log::{SessionLog, outside_of_callbacks};
use crate::pointer::{call, free, get};
use crate::report::Report;
use crate::secret::{Reserved, Secret};
use crate::session::Session;
use crate::unseal::give;

/// A key did not answer in time.
pub const PCRSEAL_OUTCOME_TIMEOUT: u32 = 1;
/// A key could not be reached, or the connection broke.
pub const PCRSEAL_OUTCOME_UNREACHABLE: u32 = 2;
/// What came back was no HTTP answer.
pub const PCRSEAL_OUTCOME_BAD_RESPONSE: u32 = 3;

/// An unseal in progress whose requests the program sends: with sockets, a proxy or an HTTP client of its own.
///
/// `pcrseal_host_unseal_begin` judges the blob, makes a key and has it attested. Every request that
/// `pcrseal_host_unseal_next_request` gives goes to AWS KMS, in any order and at the same time if the program likes; what
/// comes back is handed in, until `pcrseal_host_unseal_is_ready`. `pcrseal_host_unseal_finish` opens the secret. KMS takes
/// the requests for five minutes. No key is asked twice: to try again is to begin anew.
///
/// Threads may share one: a lock inside keeps calls apart, and their order is the program's. It lives on when its session
/// is freed. From within a log callback, every call that can fail answers `PCRSEAL_E_REENTRANT`.
pub struct HostUnseal {
    work: Mutex<Option<Work>>,
    log: SessionLog,
}

/// What is there until it is finished.
struct Work {
    unseal: Unseal,
    /// How many requests were handed out.
    handed_out: usize,
    /// Where the secret goes.
    reserved: Reserved,
}

impl HostUnseal {
    /// Works with what is there.
    ///
    /// # Errors
    /// [`Code::Finished`]; [`Code::Reentrant`].
    fn with<T>(&self, work: impl FnOnce(&mut Work) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut there = self.lock()?;
        self.log.during(|| work(there.as_mut().ok_or(Code::Finished)?))
    }

    /// # Errors
    /// [`Code::Reentrant`]: whoever calls a callback may hold the lock.
    fn lock(&self) -> Result<MutexGuard<'_, Option<Work>>, Failure> {
        outside_of_callbacks()?;
        Ok(lock(&self.work))
    }

    fn begin(session: &Session, blob: &[u8]) -> Result<Self, Failure> {
        session.demand_host_transport()?;
        let (attester, policy) = (Arc::clone(session.attester()), session.policy().clone());
        let (external_aad, blob) = (session.external_aad().to_vec(), blob.to_vec());
        let unseal = session.blocking(None, move || {
            Ok(Unseal::begin(&*attester, &policy, &blob, &external_aad, &aws_lc::BACKEND)?)
        })?;
        let reserved = Reserved::new(unseal.secret_len())?;
        Ok(Self {
            work: Mutex::new(Some(Work { unseal, handed_out: 0, reserved })),
            log: session.log().clone(),
        })
    }
}

/// A position that a caller names. Beyond 255 it is none that a blob has.
fn position(position: u32) -> Result<u8, Fault> {
    let unknown = || Fault::number(Code::UnknownShare, "position", "1..n", position.into());
    u8::try_from(position).map_err(|_| unknown())
}

/// A time that a caller measured, or did not.
fn elapsed(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// Begins an unseal of a blob, in `unseal`, which whoever gets it frees. The session is one whose configuration leaves the
/// transport to the program (`pcrseal_config_set_host_transport`). The blob is checked against the session's trust policy
/// and the PCRs measured now, an RSA key is generated, the attester asked, and memory for the secret locked: it takes tens
/// of milliseconds, and at most the configuration's deadline.
///
/// Fails with `PCRSEAL_E_CONFIG_TRANSPORT` for another session; as `pcrseal_unseal` for a blob that the session does not
/// trust; with `PCRSEAL_E_MEMORY_NOT_LOCKED`; with the attester's codes; with `PCRSEAL_E_DEADLINE_EXCEEDED` when it does not
/// answer; with `PCRSEAL_E_REENTRANT` from within a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_begin(
    session: *const Session,
    blob: *const u8,
    blob_len: usize,
    unseal: *mut *mut HostUnseal,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let unseal = caller.out(unseal, "unseal");
        let session = caller.handle(session, "session")?;
        let blob = caller.bytes(blob, blob_len, "blob")?;
        unseal.give(HostUnseal::begin(session, blob)?);
        Ok(())
    })
}

/// How many shares are needed: as many keys have to be asked at least. 0 for NULL, from within a callback, and once it is
/// finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_needed(unseal: *const HostUnseal) -> usize {
    get(unseal, 0, |unseal| {
        unseal.lock().map_or(0, |there| there.as_ref().map_or(0, |work| work.unseal.needed()))
    })
}

/// Whether enough shares are in: what comes later is not needed. False for NULL, from within a callback, and once it is
/// finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_is_ready(unseal: *const HostUnseal) -> bool {
    get(unseal, false, |unseal| {
        unseal.lock().is_ok_and(|there| there.as_ref().is_some_and(|work| work.unseal.is_ready()))
    })
}

/// The next request, in `request`, which whoever gets it frees; one per key, in the quorum's order. NULL, and no failure,
/// once all have been handed out.
///
/// Fails with `PCRSEAL_E_FINISHED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_next_request(
    unseal: *mut HostUnseal,
    request: *mut *mut KmsRequest,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let request = caller.out(request, "request");
        let next = caller.handle(unseal, "unseal")?.with(|work| {
            let next = work.unseal.requests().get(work.handed_out).cloned();
            work.handed_out = work.handed_out.saturating_add(next.iter().count());
            Ok(next)
        })?;
        match next {
            Some(next) => request.give(KmsRequest::from(next)),
            None => request.set(ptr::null_mut()),
        }
        Ok(())
    })
}

/// Hands in what KMS answered to the request of `position`, whatever its HTTP status. `request_id` is the header field
/// `x-amzn-RequestId`, for the report. `milliseconds` is the time that the answer took, and -1 where nobody measured it.
///
/// The name is the program's promise: the answer came over TLS that ends in this process, for the host name that
/// `pcrseal_kms_request_host` says, under pinned roots. Nothing in it is authenticated otherwise: **whoever can make it
/// chooses what is unsealed**.
///
/// A failure ends nothing, and is in the report besides: other keys may still give enough shares. It is
/// `PCRSEAL_E_UNKNOWN_SHARE` or `PCRSEAL_E_ALREADY_ANSWERED`, for which nothing was recorded; one of the `PCRSEAL_E_KMS_…`
/// codes for what KMS refused, and for an answer that cannot be used; `PCRSEAL_E_CMS_…`, `PCRSEAL_E_REJECTED` and others for
/// a share that is refused; `PCRSEAL_E_FINISHED`.
///
/// May be NULL: `request_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_answer_from_authenticated_kms(
    unseal: *mut HostUnseal,
    position: u32,
    http_status: u32,
    request_id: *const c_char,
    body: *const u8,
    body_len: usize,
    milliseconds: i64,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let unseal = caller.handle(unseal, "unseal")?;
        let request_id = caller.text_or_none(request_id, "request_id")?;
        let body = caller.bytes(body, body_len, "body")?;
        // HTTP has no such status either.
        let status = u16::try_from(http_status).unwrap_or(u16::MAX);
        let headers = request_id.map(|request_id| ("x-amzn-requestid", request_id.as_bytes()));
        let answer = HttpAnswer::new(status, headers, body);
        let position = self::position(position)?;
        unseal.with(|work| {
            Ok(work.unseal.answer_from_authenticated_kms(position, &answer, elapsed(milliseconds))?)
        })
    })
}

/// Hands in that the request of `position` got no answer, and how: `PCRSEAL_OUTCOME_TIMEOUT`,
/// `PCRSEAL_OUTCOME_UNREACHABLE` or `PCRSEAL_OUTCOME_BAD_RESPONSE`. `milliseconds` is the time until that was clear, and -1
/// where nobody measured it. It is for the report: a key that nothing is handed in about counts as too slow.
///
/// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another outcome, with `PCRSEAL_E_UNKNOWN_SHARE`, with
/// `PCRSEAL_E_ALREADY_ANSWERED`, and with `PCRSEAL_E_FINISHED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_failed(
    unseal: *mut HostUnseal,
    position: u32,
    outcome: u32,
    milliseconds: i64,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let unseal = caller.handle(unseal, "unseal")?;
        let outcome = match outcome {
            PCRSEAL_OUTCOME_TIMEOUT => Outcome::Timeout,
            PCRSEAL_OUTCOME_UNREACHABLE => Outcome::Unreachable,
            PCRSEAL_OUTCOME_BAD_RESPONSE => Outcome::BadResponse,
            other => {
                let expected = "PCRSEAL_OUTCOME_...";
                return Err(Fault::number(Code::UnknownConstant, "outcome", expected, other.into()).into());
            }
        };
        let position = self::position(position)?;
        unseal.with(|work| Ok(work.unseal.failed(position, outcome, elapsed(milliseconds))?))
    })
}

/// Opens the secret, in `secret`, with what every key answered, in `report`; whoever gets them frees them. Whatever comes of
/// it, key and shares are wiped, and nothing but `pcrseal_host_unseal_free` can be done with the handle afterwards.
///
/// May be NULL: report.
///
/// Fails with `PCRSEAL_E_QUORUM_NOT_REACHED`, `PCRSEAL_E_COMMITMENT_MISMATCH` or `PCRSEAL_E_SECRET_REJECTED`, with the report
/// in the error, and with `PCRSEAL_E_FINISHED` the second time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_finish(
    unseal: *mut HostUnseal,
    secret: *mut *mut Secret,
    report: *mut *mut Report,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let secret = caller.out(secret, "secret");
        let report = caller.out_or_none(report, "report");
        let unseal = caller.handle(unseal, "unseal")?;
        let Work { unseal: work, reserved, .. } = unseal.lock()?.take().ok_or(Code::Finished)?;
        let unsealed = unseal.log.during(|| work.finish())?;
        give(unsealed, reserved, secret, report)
    })
}

/// Frees an unseal, finished or not, and wipes its key and its shares. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_host_unseal_free(unseal: *mut HostUnseal) {
    free(unseal);
}
