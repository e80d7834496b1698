//! Status codes, and the error handle.

use std::ffi::{CString, c_char};
use std::{fmt, ptr};

use pcrseal::core::error::Error as Fault;
use pcrseal::{Code, Report as CoreReport};

use crate::pointer::{free, get};
use crate::report::Report;

/// How a call ended: `PCRSEAL_OK` (0), or one of the `PCRSEAL_E_…` codes, which never change their meaning.
pub type Status = u32;

/// Why a call failed: a status, a sentence for people, and, where KMS keys were asked, what each of them answered.
///
/// A function that takes `pcrseal_error **error` puts a new one there when it fails and NULL when it succeeds; NULL for
/// `error` itself says that none is wanted. Whoever gets one frees it. It never holds a secret.
pub struct Error {
    code: Code,
    pub(crate) message: CString,
    report: Report,
}

/// Why the work of a call ended.
#[derive(Debug)]
pub(crate) struct Failure {
    fault: Fault,
    report: CoreReport,
    needed: Option<usize>,
}

impl Failure {
    /// `needed` bytes do not fit.
    pub(crate) fn too_small(buffer: &'static str, capacity: usize, needed: usize) -> Self {
        let fault = Fault::text(
            Code::BufferTooSmall,
            buffer,
            format_args!("{needed} bytes"),
            format_args!("{capacity}"),
        );
        Self { needed: Some(needed), ..fault.into() }
    }

    pub(crate) const fn code(&self) -> Code {
        self.fault.code()
    }

    /// The length that the call's buffer must have.
    pub(crate) const fn needed(&self) -> Option<usize> {
        self.needed
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, report: CoreReport::default(), needed: None }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Fault::new(code).into()
    }
}

impl From<pcrseal::Error> for Failure {
    fn from(error: pcrseal::Error) -> Self {
        Self { fault: error.fault().clone(), report: error.report().clone(), needed: None }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code(), message: c_string(&failure.fault), report: Report::from(failure.report) }
    }
}

/// A text for C. A NUL within, which only what others sent can hold, becomes a space.
pub(crate) fn c_string(text: impl fmt::Display) -> CString {
    let bytes: Vec<u8> = text.to_string().into_bytes();
    CString::new(bytes.into_iter().map(|byte| if byte == 0 { b' ' } else { byte }).collect::<Vec<_>>())
        .unwrap_or_default()
}

/// The stable name of a status in `snake_case`, for logs and metrics labels: `"pcr_drift"`; `"ok"` for `PCRSEAL_OK`,
/// `"unknown"` for a number that this library does not know. The text is static: it is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_status_name(status: Status) -> *const c_char {
    crate::status::name(status).as_ptr()
}

/// One sentence about a status, for people, without the details that an error handle has. The text is static: it is
/// never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pcrseal_status_message(status: Status) -> *const c_char {
    crate::status::message(status).as_ptr()
}

/// The status that the failed call returned; `PCRSEAL_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_error_status(error: *const Error) -> Status {
    get(error, 0, |error| error.code.number())
}

/// What was expected and what was found, in English, without a line break at its end. Owned by the error; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_error_message(error: *const Error) -> *const c_char {
    get(error, ptr::null(), |error| error.message.as_ptr())
}

/// What every KMS key answered before the call failed; without rows where none was asked. Owned by the error: it is not
/// freed by itself. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_error_report(error: *const Error) -> *const Report {
    get(error, ptr::null(), |error| ptr::from_ref(&error.report))
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_error_free(error: *mut Error) {
    free(error);
}
