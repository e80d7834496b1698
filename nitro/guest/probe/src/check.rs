//! What checks are made of.

use pcrseal_core::error::{Code, Error};

/// Nothing, or what was expected and what was found.
pub(crate) type Outcome = Result<(), String>;
/// A check's name, which says what it proves, and the check.
pub(crate) type Check = (&'static str, fn() -> Outcome);

/// Prints an outcome.
pub(crate) fn tell(name: &str, outcome: &Outcome) {
    match outcome {
        Ok(()) => println!("pcrseal-probe ok {name}"),
        Err(reason) => println!("pcrseal-probe FAILED {name}: {reason}"),
    }
}

/// The result of something that must succeed.
pub(crate) fn done<T>(what: &str, result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: expected to succeed, found {} {error}", error.code().number()))
}

/// The failure of something that must fail, with this code.
pub(crate) fn refused<T>(what: &str, code: Code, result: Result<T, Error>) -> Result<Error, String> {
    match result {
        Err(error) if error.code() == code => Ok(error),
        Err(error) => Err(format!("{what}: expected {code}, found {} {error}", error.code().number())),
        Ok(_) => Err(format!("{what}: expected {code}, found that it succeeds")),
    }
}

/// Two values that must be equal.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Outcome {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
