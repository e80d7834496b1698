//! The report of a step in which every key must succeed.

use std::time::Duration;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::hint::{hint, management_hint};
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::report::{Failure, KeyReport, Outcome, Report};

use crate::error::Error;
use crate::observe::{self, Step};

/// One row per key.
pub(crate) struct Rows {
    step: Step,
    measured: PcrSet,
    keys: Vec<KeyReport>,
}

impl Rows {
    /// Every key counts as too slow until it answers.
    pub(crate) fn new(step: Step, keys: impl Iterator<Item = KeyArn>, measured: &PcrSet) -> Self {
        let measured = measured.clone();
        Self { step, measured, keys: (1..).zip(keys).map(|(position, key)| row(position, key)).collect() }
    }

    pub(crate) fn granted(&mut self, position: u8, elapsed: Duration) {
        self.set(position, None, elapsed);
    }

    pub(crate) fn unfit(&mut self, position: u8, fault: &Fault, elapsed: Duration) {
        self.failed(position, bad_response(fault), elapsed);
    }

    pub(crate) fn failed(&mut self, position: u8, failure: Failure, elapsed: Duration) {
        self.set(position, Some(failure.never_granted()), elapsed);
    }

    fn set(&mut self, position: u8, failure: Option<Failure>, elapsed: Duration) {
        if let Some(row) = self.keys.iter_mut().find(|row| row.position == position) {
            observe::key_answered(self.step, position, &row.key, failure.as_ref(), elapsed);
            let hint = failure.as_ref().and_then(|failure| failure.code).and_then(|code| match self.step {
                // Of its questions, only that one must be allowed.
                Step::Preflight => management_hint(code, "kms:DescribeKey"),
                Step::Wrap | Step::Release => hint(code, &self.measured),
            });
            answered(row, failure.unwrap_or(Failure::new(Outcome::Granted)), elapsed, hint);
        }
    }

    pub(crate) fn into_report(self) -> Report {
        Report { keys: self.keys }
    }

    pub(crate) fn all_granted(self, otherwise: Code) -> Result<(), Error> {
        let report = self.into_report();
        let granted = report.count(Outcome::Granted);
        if granted == report.keys.len() {
            return Ok(());
        }
        let fault = Fault::number(otherwise, "keys", "all of them", granted as u64);
        Err(Error::with_report(fault, report))
    }
}

/// A key that has not answered yet.
pub(crate) fn row(position: u8, key: KeyArn) -> KeyReport {
    KeyReport {
        key,
        position,
        outcome: Outcome::Timeout,
        code: None,
        service: None,
        elapsed: None,
        hint: None,
    }
}

/// Writes down how a key answered, and what to check next.
pub(crate) fn answered(row: &mut KeyReport, failure: Failure, elapsed: Duration, hint: Option<String>) {
    row.hint = hint.map(Into::into);
    row.outcome = failure.outcome;
    row.code = failure.code;
    row.service = failure.service;
    row.elapsed = Some(elapsed);
}

/// What an answer that cannot be used counts as.
pub(crate) fn bad_response(fault: &Fault) -> Failure {
    Failure { code: Some(fault.code()), ..Failure::new(Outcome::BadResponse) }
}
