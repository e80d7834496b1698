//! How tests call the exported functions: with every output filled with rubbish before, and looked at afterwards.
#![allow(dead_code, unreachable_pub)]

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use std::{fmt, ptr, slice};

use pcrseal::Code;
use pcrseal_ffi::{
    Error, Report, Status, pcrseal_error_free, pcrseal_error_message, pcrseal_error_report,
    pcrseal_error_status, pcrseal_report_aws_code, pcrseal_report_key_arn, pcrseal_report_len,
    pcrseal_report_milliseconds, pcrseal_report_outcome, pcrseal_report_request_id, pcrseal_report_status,
};

/// What an output holds before a call.
pub const RUBBISH: u8 = 0xc5;

/// Why a call failed.
#[derive(Debug)]
pub struct Failed {
    pub code: Code,
    pub message: String,
    pub rows: Vec<Row>,
}

/// What a key answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key_arn: String,
    pub outcome: String,
    pub status: Status,
    pub aws_code: Option<String>,
    pub request_id: Option<String>,
    pub milliseconds: i64,
}

pub type Outcome<T> = Result<T, Failed>;

/// The code of a call that failed.
#[track_caller]
pub fn refused<T>(outcome: Outcome<T>) -> Code {
    outcome.err().expect("the call is refused").code
}

/// A call: its status and its error agree.
#[track_caller]
pub fn called(call: impl FnOnce(*mut *mut Error) -> Status) -> Outcome<()> {
    let mut error = stale::<Error>();
    let status = call(&raw mut error);
    if status == 0 {
        assert!(error.is_null(), "no error after a success");
        return Ok(());
    }
    assert!(!error.is_null(), "an error after a failure");
    unsafe {
        assert_eq!(pcrseal_error_status(error), status);
        let message = text(pcrseal_error_message(error)).unwrap();
        let rows = rows(pcrseal_error_report(error));
        pcrseal_error_free(error);
        let code = *Code::ALL.iter().find(|code| code.number() == status).unwrap();
        Err(Failed { code, message, rows })
    }
}

/// A report's rows.
pub fn rows(report: *const Report) -> Vec<Row> {
    let row = |row| unsafe {
        Row {
            key_arn: text(pcrseal_report_key_arn(report, row)).unwrap(),
            outcome: text(pcrseal_report_outcome(report, row)).unwrap(),
            status: pcrseal_report_status(report, row),
            aws_code: text(pcrseal_report_aws_code(report, row)),
            request_id: text(pcrseal_report_request_id(report, row)),
            milliseconds: pcrseal_report_milliseconds(report, row),
        }
    };
    (0..unsafe { pcrseal_report_len(report) }).map(row).collect()
}

/// What an output for a handle holds before a call.
pub fn stale<T>() -> *mut T {
    ptr::without_provenance_mut(usize::from_ne_bytes([RUBBISH & 0xf8; size_of::<usize>()]))
}

/// A handle, freed at the end.
pub struct Handle<T>(pub *mut T, pub unsafe extern "C" fn(*mut T));

// The header says which handles threads may share; those are the ones that tests share.
unsafe impl<T: Send> Send for Handle<T> {}
unsafe impl<T: Sync> Sync for Handle<T> {}

impl<T> Handle<T> {
    pub const fn get(&self) -> *mut T {
        self.0
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        unsafe { (self.1)(self.0) };
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A call that makes a handle; NULL after a failure.
#[track_caller]
pub fn made<T>(
    free: unsafe extern "C" fn(*mut T),
    call: impl FnOnce(*mut *mut T, *mut *mut Error) -> Status,
) -> Outcome<Handle<T>> {
    let mut pointer = stale::<T>();
    let outcome = called(|error| call(&raw mut pointer, error));
    assert_eq!(pointer.is_null(), outcome.is_err(), "a handle after a success, NULL after a failure");
    outcome.map(|()| Handle(pointer, free))
}

/// A call that fills a buffer, with buffers of every size around the one that it asks for: nothing is written behind what it
/// may write, nothing at all after a failure, and the length is that asked for, or 0 after another failure.
#[track_caller]
pub fn written(call: impl Fn(*mut u8, usize, *mut usize, *mut *mut Error) -> Status) -> Outcome<Vec<u8>> {
    let mut needed = usize::MAX;
    let outcome = called(|error| call(ptr::null_mut(), 0, &raw mut needed, error));
    match outcome {
        Ok(()) => assert_eq!(needed, 0),
        Err(Failed { code: Code::BufferTooSmall, .. }) => assert_ne!(needed, 0),
        Err(other) => {
            assert_eq!(needed, 0, "another failure says no length");
            return Err(other);
        }
    }
    let mut content = Vec::new();
    for capacity in [0, 1, needed.saturating_sub(1), needed, needed + 1] {
        // A whole page of canaries behind it.
        let mut memory = vec![RUBBISH; capacity + 4096];
        let mut len = usize::MAX;
        let outcome = called(|error| call(memory.as_mut_ptr(), capacity, &raw mut len, error));
        if capacity < needed {
            assert_eq!((refused(outcome), len), (Code::BufferTooSmall, needed), "{capacity} of {needed}");
            len = 0;
        } else {
            outcome?;
            assert!(len <= needed);
            content = memory[..len].to_vec();
        }
        assert!(
            memory[len..].iter().all(|byte| *byte == RUBBISH),
            "{capacity} of {needed}: written behind the end"
        );
    }
    Ok(content)
}

/// A text that a handle lent.
pub fn text(text: *const c_char) -> Option<String> {
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
}

/// Bytes that a handle lent.
pub fn lent(read: impl FnOnce(*mut usize) -> *const u8) -> Option<Vec<u8>> {
    let mut len = usize::MAX;
    let data = read(&raw mut len);
    if data.is_null() {
        assert_eq!(len, 0);
        return None;
    }
    Some(unsafe { slice::from_raw_parts(data, len) }.to_vec())
}

/// A text for a call.
pub fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// The folder of genuine AWS documents beside the checkout (`../shared/vectors/NAME`), which is not part of the project.
/// `None`, with a printed note, in a clone without it; a failure in CI.
pub fn vectors(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/vectors/{name}");
    println!("skipped: no ../shared/vectors/{name} beside this checkout");
    None
}

/// The bytes of hex digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    assert_eq!(digits.len() % 2, 0);
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
