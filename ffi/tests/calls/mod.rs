//! How tests call the exported functions: with every output filled with rubbish before, and looked at afterwards.
#![allow(dead_code, unreachable_pub)]

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use std::{fmt, ptr, slice};

use pcrseal::Code;
use pcrseal_ffi::{Error, Status, pcrseal_error_free, pcrseal_error_message, pcrseal_error_status};

/// What stands in an output before a call.
const RUBBISH: u8 = 0xc5;

/// Why a call failed.
#[derive(Debug)]
pub struct Refused {
    pub code: Code,
    pub message: String,
}

pub type Outcome<T> = Result<T, Refused>;

/// The code of a call that failed.
#[track_caller]
pub fn refused<T>(outcome: Outcome<T>) -> Code {
    outcome.err().expect("the call is refused").code
}

/// A call without outputs: its status and its error agree.
#[track_caller]
pub fn called(call: impl FnOnce(*mut *mut Error) -> Status) -> Outcome<()> {
    let mut error = rubbish::<Error>();
    let status = call(&raw mut error);
    if status == 0 {
        assert!(error.is_null(), "no error after a success");
        return Ok(());
    }
    assert!(!error.is_null(), "an error after a failure");
    unsafe {
        assert_eq!(pcrseal_error_status(error), status);
        let message = text(pcrseal_error_message(error)).unwrap();
        pcrseal_error_free(error);
        Err(Refused { code: code(status), message })
    }
}

fn code(status: Status) -> Code {
    *Code::ALL.iter().find(|code| code.number() == status).unwrap()
}

fn rubbish<T>() -> *mut T {
    ptr::without_provenance_mut(usize::from_ne_bytes([RUBBISH & 0xf8; size_of::<usize>()]))
}

/// A handle of the library's, freed at the end.
pub struct Handle<T> {
    pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

// The header says which handles threads may share; those are the ones that tests share.
unsafe impl<T: Send> Send for Handle<T> {}
unsafe impl<T: Sync> Sync for Handle<T> {}

impl<T> Handle<T> {
    pub const fn get(&self) -> *mut T {
        self.pointer
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        unsafe { (self.free)(self.pointer) };
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pointer.fmt(f)
    }
}

/// A call that makes a handle; NULL after a failure.
#[track_caller]
pub fn made<T>(
    free: unsafe extern "C" fn(*mut T),
    call: impl FnOnce(*mut *mut T, *mut *mut Error) -> Status,
) -> Outcome<Handle<T>> {
    let mut pointer = rubbish::<T>();
    let outcome = called(|error| call(&raw mut pointer, error));
    assert_eq!(pointer.is_null(), outcome.is_err(), "a handle after a success, NULL after a failure");
    outcome.map(|()| Handle { pointer, free })
}

/// A call that fills a buffer, with buffers of every size around the one that it asks for: nothing is written behind what it
/// may write, nothing at all after a failure, and the length is that asked for, or 0 after another failure.
#[track_caller]
pub fn written(call: impl Fn(*mut u8, usize, *mut usize, *mut *mut Error) -> Status) -> Outcome<Vec<u8>> {
    let mut needed = usize::MAX;
    let outcome = called(|error| call(ptr::null_mut(), 0, &raw mut needed, error));
    match outcome {
        Ok(()) => assert_eq!(needed, 0),
        Err(Refused { code: Code::BufferTooSmall, .. }) => assert_ne!(needed, 0),
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
