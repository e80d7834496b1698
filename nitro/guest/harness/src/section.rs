//! What one guest showed: checks, each passed or failed, and facts. Printed as one piece, whatever ran beside it.

use std::fmt::{Debug, Display};

use crate::Failure;

/// Has something judged, and prints what came of it. What kept it from being judged is a check that failed.
pub(crate) async fn section(
    title: &str,
    judge: impl AsyncFnOnce(&mut Section) -> Result<(), Failure>,
) -> Section {
    let mut section = Section { title: title.to_owned(), lines: Vec::new(), passed: 0, failed: 0 };
    if let Err(error) = judge(&mut section).await {
        section.check("it ran to its end", Err(error.to_string()));
    }
    println!("\n{}\n  {}", section.title, section.lines.join("\n  "));
    section
}

/// The checks of one guest.
pub(crate) struct Section {
    title: String,
    lines: Vec<String>,
    passed: usize,
    failed: usize,
}

impl Section {
    /// Notes a check.
    pub(crate) fn check(&mut self, name: impl Display, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                self.lines.push(format!("ok      {name}"));
            }
            Err(reason) => {
                self.failed += 1;
                self.lines.push(format!("FAILED  {name}: {reason}"));
            }
        }
    }

    /// Notes that two values are equal, or not.
    pub(crate) fn equal<T: PartialEq + Debug + ?Sized>(
        &mut self,
        name: impl Display,
        expected: &T,
        found: &T,
    ) {
        let result =
            if expected == found { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) };
        self.check(name, result);
    }

    /// Notes that something holds, or what was found instead.
    pub(crate) fn holds(&mut self, name: impl Display, holds: bool, found: impl Debug) {
        self.check(name, if holds { Ok(()) } else { Err(format!("found {found:?}")) });
    }

    /// Notes something that is no check.
    pub(crate) fn fact(&mut self, name: impl Display, value: impl Display) {
        self.lines.push(format!("        {name}: {value}"));
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed
    }
}
