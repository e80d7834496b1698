//! The arguments.

use std::ffi::OsString;
use std::fmt;

/// The last second of the year 9999, the end of what certificates can say (RFC 5280 section 4.1.2.5).
const LAST_SECOND: u64 = 253_402_300_799;

/// What to verify, when, and how to print it.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) file: OsString,
    pub(super) time: Time,
    pub(super) roots: Vec<OsString>,
    pub(super) json: bool,
}

/// The time to verify at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Now,
    /// Milliseconds since the epoch.
    At(u64),
    /// The document's own.
    Timestamp,
}

/// What is wrong with the arguments.
#[derive(Debug)]
pub(super) enum Fault {
    NoFile,
    TwoFiles,
    TwoTimes,
    NoValue(&'static str),
    Seconds(OsString),
    Unknown(OsString),
}

impl Options {
    /// Reads the arguments after the command's name; `None` where they ask for help.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, Fault> {
        let mut arguments = arguments.into_iter();
        let (mut file, mut time, mut roots, mut json) = (None, None, Vec::new(), false);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--json") => json = true,
                Some("--at-timestamp") => once(&mut time, Time::Timestamp, Fault::TwoTimes)?,
                Some("--at") => {
                    let at = seconds(arguments.next().ok_or(Fault::NoValue("--at"))?)?;
                    once(&mut time, at, Fault::TwoTimes)?;
                }
                Some("--root") => roots.push(arguments.next().ok_or(Fault::NoValue("--root"))?),
                Some(option) if option.starts_with('-') && option != "-" => {
                    return Err(Fault::Unknown(argument));
                }
                _ => once(&mut file, argument, Fault::TwoFiles)?,
            }
        }
        let file = file.ok_or(Fault::NoFile)?;
        Ok(Some(Self { file, time: time.unwrap_or(Time::Now), roots, json }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("no FILE given"),
            Self::TwoFiles => f.write_str("more than one FILE given"),
            Self::TwoTimes => f.write_str("more than one time given"),
            Self::NoValue(option) => write!(f, "{option} needs a value"),
            Self::Seconds(found) => {
                write!(f, "--at takes seconds since 1970, 0..{LAST_SECOND}, not '{}'", found.display())
            }
            Self::Unknown(option) => write!(f, "no such option: {}", option.display()),
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T, fault: Fault) -> Result<(), Fault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(fault),
    }
}

fn seconds(text: OsString) -> Result<Time, Fault> {
    let digits = text.to_str().filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(seconds) if seconds <= LAST_SECOND => Ok(Time::At(seconds * 1000)),
        _ => Err(Fault::Seconds(text)),
    }
}
