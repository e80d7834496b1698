//! What can be done with a sealed blob alone, without AWS KMS and without a secret.

use pcrseal::core::blob::rebind;
use pcrseal::core::crypto::aws_lc;
use pcrseal::inspect;

use crate::error::{Error, Status};
use crate::pcr_set::PcrSet;
use crate::pointer::call;
use crate::session::Session;

/// Says what a blob says of itself, as JSON in one line, without a NUL at its end. **It authenticates nothing**: anybody can
/// make a blob that says anything. It is for people and for looking things up, and needs no session.
///
/// The members are always there, in this order: `version`; `cluster`; `seal_id`, 32 hex digits; `generation`, which takes all
/// 64 bits; `wrapping`, `"attested"` or `"encrypt"`; `bindings`, a list of `{"pcrs": {"0": "96 hex digits", …}}`; `contents`,
/// `{"threshold", "keys", "secret_len"}` with the keys' ARNs in order; and `contents_error`, which is `null`. Where the outer
/// layer does not open with `external_aad`, `contents` is `null`, and `contents_error` the name of the status, as
/// `"content_rejected"`.
///
/// Fails with `PCRSEAL_E_BLOB_SIZE`, `PCRSEAL_E_BLOB_MALFORMED` and the other `PCRSEAL_E_BLOB_…`, `PCRSEAL_E_BINDING_…`,
/// `PCRSEAL_E_CBOR_…` and `PCRSEAL_E_CLUSTER_ID` codes for what is no blob, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_inspect(
    blob: *const u8,
    blob_len: usize,
    external_aad: *const u8,
    external_aad_len: usize,
    json: *mut u8,
    json_capacity: usize,
    json_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let json = caller.buffer(json, json_capacity, json_len, "json");
        let blob = caller.bytes(blob, blob_len, "blob")?;
        let external_aad = caller.bytes(external_aad, external_aad_len, "external_aad")?;
        json.write(inspect(blob, external_aad)?.to_json().as_bytes())
    })
}

/// Writes the blob with one binding more, at the end, to `new_blob`: `pcrs` are the PCR values of another image that shall
/// open it, as of `pcrseal_pcr_set_from_measurements_json`. So one blob serves two releases while they take turns. It needs
/// the session's trust policy, and neither AWS KMS nor the attester. A binding enforces nothing: key policies do.
///
/// The image has to measure every value of the set: what `pcrseal_attester_measured_pcrs` gives is of this boot, with
/// registers that are another instance's elsewhere (PCR4), so take from it what the session requires and no more.
///
/// Fails with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob; with `PCRSEAL_E_CLUSTER_MISMATCH` for one of
/// another cluster; with `PCRSEAL_E_PCR_MISSING`, or `PCRSEAL_E_DEBUG_MODE`, for values that the session's policy refuses;
/// with `PCRSEAL_E_BINDING_DUPLICATE` when the blob accepts them already, `PCRSEAL_E_BINDING_COUNT` when it has 8 bindings,
/// `PCRSEAL_E_BINDING_REJECTED` when none of them opens it; with `PCRSEAL_E_RANDOM`; with `PCRSEAL_E_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_add_binding(
    session: *const Session,
    blob: *const u8,
    blob_len: usize,
    pcrs: *const PcrSet,
    new_blob: *mut u8,
    new_blob_capacity: usize,
    new_blob_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let new_blob = caller.buffer(new_blob, new_blob_capacity, new_blob_len, "new_blob");
        let session = caller.handle(session, "session")?;
        let blob = caller.bytes(blob, blob_len, "blob")?;
        let pcrs = caller.handle(pcrs, "pcrs")?.values();
        new_blob.write(&rebind::add_binding(blob, &pcrs, session.policy(), aws_lc::BACKEND.random)?)
    })
}

/// Writes the blob without the binding that accepts exactly the values `pcrs` to `new_blob`: for an image that has had its
/// time. Whoever kept the old blob can still open it with that image; key policies are what keeps an image out.
///
/// Fails with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob, with `PCRSEAL_E_BINDING_UNKNOWN` when there
/// is no such binding, with `PCRSEAL_E_BINDING_COUNT` when it is the last one, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_drop_binding(
    blob: *const u8,
    blob_len: usize,
    pcrs: *const PcrSet,
    new_blob: *mut u8,
    new_blob_capacity: usize,
    new_blob_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let new_blob = caller.buffer(new_blob, new_blob_capacity, new_blob_len, "new_blob");
        let blob = caller.bytes(blob, blob_len, "blob")?;
        let pcrs = caller.handle(pcrs, "pcrs")?.values();
        new_blob.write(&rebind::drop_binding(blob, &pcrs)?)
    })
}
