//! Why a seal or an unseal failed.

use std::fmt;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::report::Report;

/// A failure, and what every key had answered by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    fault: Fault,
    report: Report,
}

impl Error {
    pub(crate) fn with_report(fault: impl Into<Fault>, report: Report) -> Self {
        Self { fault: fault.into(), report }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        self.fault.code()
    }

    /// The failure itself, with what was expected and found.
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// One row per key that was asked; empty when the failure came before any request.
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::with_report(fault, Report::default())
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Fault::new(code).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        if self.report.keys.is_empty() { Ok(()) } else { write!(f, "\n{}", self.report) }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}
