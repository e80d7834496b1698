//! The report: what every KMS key answered.

use std::ffi::{CString, c_char};
use std::ptr;

use pcrseal::core::report::KeyReport;
use pcrseal::{Code, Report as CoreReport};

use crate::error::{Status, c_string};
use crate::pointer::{free, get};

/// What every KMS key answered: one row per key, in the quorum's order, counted from 0. Immutable; holds no secret.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

struct Row {
    key_arn: CString,
    outcome: CString,
    code: Option<Code>,
    service: Option<Service>,
    milliseconds: Option<i64>,
    hint: Option<CString>,
}

/// KMS's own words.
struct Service {
    code: CString,
    message: CString,
    request_id: CString,
}

impl From<CoreReport> for Report {
    fn from(report: CoreReport) -> Self {
        Self { rows: report.keys.into_iter().map(Row::from).collect() }
    }
}

impl From<KeyReport> for Row {
    fn from(row: KeyReport) -> Self {
        Self {
            key_arn: c_string(&row.key),
            outcome: c_string(row.outcome),
            code: row.code,
            service: row.service.map(|service| Service {
                code: c_string(&service.code),
                message: c_string(&service.message),
                request_id: c_string(&service.request_id),
            }),
            milliseconds: row.elapsed.map(|elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)),
            hint: row.hint.map(c_string),
        }
    }
}

impl Report {
    fn text(&self, row: usize, text: impl FnOnce(&Row) -> Option<&CString>) -> *const c_char {
        self.rows.get(row).and_then(text).map_or(ptr::null(), |text| text.as_ptr())
    }

    fn service(&self, row: usize, text: impl FnOnce(&Service) -> &CString) -> *const c_char {
        self.text(row, |row| row.service.as_ref().map(text))
    }
}

/// How many rows there are: as many as keys were to be asked. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_len(report: *const Report) -> usize {
    get(report, 0, |report| report.rows.len())
}

/// The key's ARN. Owned by the report; NULL where there is no such row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_key_arn(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.text(row, |row| Some(&row.key_arn)))
}

/// How its request ended: `"granted"`, `"attestation_rejected"`, `"access_denied"`, `"key_disabled"`,
/// `"key_pending_deletion"`, `"throttled"`, `"timeout"`, `"unreachable"`, `"bad_response"` or `"not_needed"`. Stable,
/// for metrics labels. Owned by the report; NULL where there is no such row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_outcome(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.text(row, |row| Some(&row.outcome)))
}

/// pcrseal's own code behind a refusal; `PCRSEAL_OK` where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_status(report: *const Report, row: usize) -> Status {
    get(report, 0, |report| report.rows.get(row).and_then(|row| row.code).map_or(0, Code::number))
}

/// AWS's name of a refusal: `"AccessDeniedException"`, …; NULL where KMS itself did not refuse. Owned by the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_aws_code(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.service(row, |service| &service.code))
}

/// AWS's words about a refusal; NULL where KMS itself did not refuse. Owned by the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_aws_message(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.service(row, |service| &service.message))
}

/// The request id of a refusal, which AWS's support asks for; NULL where KMS itself did not refuse. Owned by the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_request_id(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.service(row, |service| &service.request_id))
}

/// Milliseconds from the request to its answer; -1 where nobody measured them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_milliseconds(report: *const Report, row: usize) -> i64 {
    get(report, -1, |report| report.rows.get(row).and_then(|row| row.milliseconds).unwrap_or(-1))
}

/// What to check next, for people; NULL where the answer does not tell. Owned by the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_hint(report: *const Report, row: usize) -> *const c_char {
    get(report, ptr::null(), |report| report.text(row, |row| row.hint.as_ref()))
}

/// Frees a report that a call gave. Not for one that an error owns. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_report_free(report: *mut Report) {
    free(report);
}
