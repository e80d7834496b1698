//! An emulated AWS, an enclave in front of it, and what sessions do.
#![allow(dead_code, unreachable_pub, unused_imports)]

#[path = "../calls/mod.rs"]
pub mod calls;
mod world;

use std::ffi::CString;
use std::{ptr, slice};

pub use calls::{Failed, Handle, Row, called, stale};
use calls::{RUBBISH, rows};
use pcrseal::Code;
use pcrseal_ffi::{
    Cancel, Config, Error, Report, Secret, Session, Status, pcrseal_cancel_free, pcrseal_cancel_new,
    pcrseal_cancel_trigger, pcrseal_config_free, pcrseal_config_from_json, pcrseal_confirm_retired_key,
    pcrseal_generate, pcrseal_import_vouched, pcrseal_max_blob_len, pcrseal_report_free, pcrseal_reseal,
    pcrseal_retire_key, pcrseal_secret_data, pcrseal_secret_free, pcrseal_session_free, pcrseal_session_new,
    pcrseal_unseal, pcrseal_unseal_into, pcrseal_unsealed_len,
};
use serde_json::Value;
pub use world::World;

impl Handle<Secret> {
    pub fn bytes(&self) -> &[u8] {
        let mut len = 0;
        unsafe { slice::from_raw_parts(pcrseal_secret_data(self.get(), &raw mut len), len) }
    }
}

impl Handle<Cancel> {
    pub fn trigger(&self) {
        unsafe { pcrseal_cancel_trigger(self.get()) };
    }
}

/// A new blob, its secret, and what the keys answered.
pub struct Sealed {
    pub blob: Vec<u8>,
    pub secret: Handle<Secret>,
    pub rows: Vec<Row>,
}

/// What a call left in an output for a handle: something after a success, NULL after a failure.
#[track_caller]
fn given<T>(
    outcome: &Result<(), Failed>,
    handle: *mut T,
    free: unsafe extern "C" fn(*mut T),
) -> Option<Handle<T>> {
    assert_eq!(handle.is_null(), outcome.is_err(), "NULL after a failure alone");
    (!handle.is_null()).then_some(Handle(handle, free))
}

#[track_caller]
pub fn config(document: &Value) -> Result<Handle<Config>, Failed> {
    let (json, mut config) = (document.to_string(), stale());
    let outcome = called(|error| unsafe {
        pcrseal_config_from_json(json.as_ptr(), json.len(), &raw mut config, error)
    });
    let config = given(&outcome, config, pcrseal_config_free);
    outcome.map(|()| config.unwrap())
}

#[track_caller]
pub fn session_of(config: &Handle<Config>) -> Result<Handle<Session>, Failed> {
    let mut session = stale();
    let outcome = called(|error| unsafe { pcrseal_session_new(config.get(), &raw mut session, error) });
    let session = given(&outcome, session, pcrseal_session_free);
    outcome.map(|()| session.unwrap())
}

#[track_caller]
pub fn session(document: &Value) -> Result<Handle<Session>, Failed> {
    session_of(&config(document)?)
}

pub fn cancel() -> Handle<Cancel> {
    let mut cancel = stale();
    called(|error| unsafe { pcrseal_cancel_new(&raw mut cancel, error) }).unwrap();
    Handle(cancel, pcrseal_cancel_free)
}

fn pointer<T>(handle: Option<&Handle<T>>) -> *const T {
    handle.map_or(ptr::null(), |handle| handle.get().cast_const())
}

#[track_caller]
pub fn max_blob_len(session: &Handle<Session>, secret_len: usize) -> Result<usize, Failed> {
    let mut len = usize::MAX;
    let outcome =
        called(|error| unsafe { pcrseal_max_blob_len(session.get(), secret_len, &raw mut len, error) });
    assert_eq!(len == 0, outcome.is_err());
    outcome.map(|()| len)
}

#[track_caller]
pub fn unsealed_len(session: &Handle<Session>, blob: &[u8]) -> Result<usize, Failed> {
    let mut len = usize::MAX;
    let outcome = called(|error| unsafe {
        pcrseal_unsealed_len(session.get(), blob.as_ptr(), blob.len(), &raw mut len, error)
    });
    assert_eq!(len == 0, outcome.is_err());
    outcome.map(|()| len)
}

/// A call that fills a buffer of this capacity; nothing is written behind what it may write, nothing at all by a call that
/// fails. With its failure goes the length that it left.
#[track_caller]
pub fn filled(
    capacity: usize,
    call: impl FnOnce(*mut u8, usize, *mut usize, *mut *mut Error) -> Status,
) -> Result<Vec<u8>, (Failed, usize)> {
    let mut memory = vec![RUBBISH; capacity + 64];
    let (data, mut len) = (memory.as_mut_ptr(), usize::MAX);
    let outcome = called(|error| call(data, capacity, &raw mut len, error));
    let written = if outcome.is_ok() { len } else { 0 };
    assert!(written <= capacity && memory[written..].iter().all(|byte| *byte == RUBBISH));
    memory.truncate(written);
    outcome.map(|()| memory).map_err(|failed| (failed, len))
}

#[track_caller]
pub fn generate(
    session: &Handle<Session>,
    secret_len: usize,
    cancel: Option<&Handle<Cancel>>,
) -> Result<Sealed, Failed> {
    let capacity = max_blob_len(session, secret_len)?;
    let (mut secret, mut report) = (stale(), stale());
    let blob = filled(capacity, |blob, capacity, len, error| unsafe {
        let cancel = pointer(cancel);
        let (secret, report) = (&raw mut secret, &raw mut report);
        pcrseal_generate(session.get(), secret_len, cancel, blob, capacity, len, secret, report, error)
    });
    sealed(blob, secret, report)
}

#[track_caller]
fn sealed(
    blob: Result<Vec<u8>, (Failed, usize)>,
    secret: *mut Secret,
    report: *mut Report,
) -> Result<Sealed, Failed> {
    let (blob, outcome) = match blob {
        Ok(blob) => (blob, Ok(())),
        Err((failed, len)) => {
            assert_eq!(len == 0, failed.code != Code::BufferTooSmall);
            (Vec::new(), Err(failed))
        }
    };
    let secret = given(&outcome, secret, pcrseal_secret_free);
    let report = given(&outcome, report, pcrseal_report_free);
    outcome.map(|()| Sealed { blob, secret: secret.unwrap(), rows: rows(report.unwrap().get()) })
}

#[track_caller]
pub fn import(session: &Handle<Session>, secret: &[u8]) -> Result<Vec<u8>, Failed> {
    let capacity = max_blob_len(session, secret.len())?;
    let blob = filled(capacity, |blob, capacity, len, error| unsafe {
        let (at, secret_len, null) = (secret.as_ptr(), secret.len(), ptr::null_mut());
        pcrseal_import_vouched(session.get(), at, secret_len, null, blob, capacity, len, null.cast(), error)
    });
    blob.map_err(|(failed, _)| failed)
}

#[track_caller]
pub fn reseal(session: &Handle<Session>, old_blob: &[u8]) -> Result<Sealed, Failed> {
    let capacity = max_blob_len(session, unsealed_len(session, old_blob)?)?;
    let (mut secret, mut report) = (stale(), stale());
    let (old, old_len) = (old_blob.as_ptr(), old_blob.len());
    let blob = filled(capacity, |blob, capacity, len, error| unsafe {
        let (cancel, secret, report) = (ptr::null(), &raw mut secret, &raw mut report);
        pcrseal_reseal(session.get(), old, old_len, cancel, blob, capacity, len, secret, report, error)
    });
    sealed(blob, secret, report)
}

#[track_caller]
pub fn unseal(
    session: &Handle<Session>,
    blob: &[u8],
    cancel: Option<&Handle<Cancel>>,
) -> Result<(Handle<Secret>, Vec<Row>), Failed> {
    let (mut secret, mut report) = (stale(), stale());
    let outcome = called(|error| unsafe {
        let (at, len, cancel) = (blob.as_ptr(), blob.len(), pointer(cancel));
        pcrseal_unseal(session.get(), at, len, cancel, &raw mut secret, &raw mut report, error)
    });
    let secret = given(&outcome, secret, pcrseal_secret_free);
    let report = given(&outcome, report, pcrseal_report_free);
    outcome.map(|()| (secret.unwrap(), rows(report.unwrap().get())))
}

#[track_caller]
pub fn unseal_into(
    session: &Handle<Session>,
    blob: &[u8],
    capacity: usize,
) -> Result<Vec<u8>, (Failed, usize)> {
    filled(capacity, |secret, capacity, secret_len, error| unsafe {
        let (at, len, null) = (blob.as_ptr(), blob.len(), ptr::null_mut());
        pcrseal_unseal_into(session.get(), at, len, null, secret, capacity, secret_len, null.cast(), error)
    })
}

/// Disables a key, or has somebody else done so: the state, and KMS's last word.
#[track_caller]
pub fn retire(
    session: &Handle<Session>,
    old_blob: &[u8],
    key_arn: &str,
    disable: bool,
) -> Result<(u32, Vec<Row>), Failed> {
    let key_arn = CString::new(key_arn).unwrap();
    let (mut state, mut report) = (u32::MAX, stale());
    let retire = if disable { pcrseal_retire_key } else { pcrseal_confirm_retired_key };
    let outcome = called(|error| unsafe {
        let (at, len, key_arn) = (old_blob.as_ptr(), old_blob.len(), key_arn.as_ptr());
        retire(session.get(), at, len, key_arn, ptr::null(), &raw mut state, &raw mut report, error)
    });
    assert_eq!(state == 0, outcome.is_err());
    let report = given(&outcome, report, pcrseal_report_free);
    outcome.map(|()| (state, rows(report.unwrap().get())))
}
