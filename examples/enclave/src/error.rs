//! What ends an enclave's life early, in the words that the parent is told.

use std::fmt;
use std::io;

use pcrseal::core::error::Error as Fault;
use pcrseal::core::hint::hint;
use pcrseal::core::pcr::PcrSet;
use pcrseal::{Code, Report};

/// Longest message in characters. Ours: a message may quote what the parent sent, which may be long.
const MAX_MESSAGE_LEN: usize = 600;

/// What this program itself finds wrong. The numbers are below those of [`Code`], which begin at 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A duty of the first process failed: a mount, or the word to `nitro-cli` that the enclave has started.
    Start = 1,
    /// The image's `trust.json` cannot be read, or says something that it must not.
    Trust = 2,
    /// No connection to the parent, or it broke, or it took too long.
    Parent = 3,
    /// The parent's line is not a request of this program.
    Request = 4,
    /// The parent asks for a new key, and the image's `trust.json` does not permit it.
    MayNotGenerate = 5,
    /// Nobody asked for the proof, or not as it has to be asked for.
    Proof = 6,
    /// The program could not be set up: no runtime, or no port to listen on.
    Setup = 7,
}

/// A failure: a number and a name that never change, a message, and a hint when there is one. No secret is in it.
#[derive(Clone, Debug)]
pub struct Error {
    number: u32,
    name: &'static str,
    message: String,
    hint: Option<String>,
    report: Report,
}

impl Kind {
    /// The number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The name, `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Trust => "trust",
            Self::Parent => "parent",
            Self::Request => "request",
            Self::MayNotGenerate => "may_not_generate",
            Self::Proof => "proof",
            Self::Setup => "setup",
        }
    }

    const fn hint(self) -> Option<&'static str> {
        match self {
            Self::MayNotGenerate => Some(
                "a key is generated once, by an image whose trust.json says \"may_generate\": true; see the README \
                 before you permit it",
            ),
            Self::Parent => Some("check that the parent's program listens where the image's trust.json says"),
            _ => None,
        }
    }
}

impl Error {
    /// A failure of this program, described.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            number: kind.number(),
            name: kind.name(),
            message: printable(&message),
            hint: kind.hint().map(str::to_owned),
            report: Report::default(),
        }
    }

    /// What the operating system answered to something of this program.
    pub fn io(kind: Kind, what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(kind, format_args!("{what}: {error}"))
    }

    /// The number: one of [`Kind`], or of [`Code`].
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What was expected, and what was found.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to check next.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What every key answered; empty when none was asked.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    fn coded(code: Code, message: impl fmt::Display, report: Report) -> Self {
        Self {
            number: code.number(),
            name: code.name(),
            message: printable(&message),
            hint: what_next(code),
            report,
        }
    }
}

/// For codes whose rows say nothing, since no key was asked.
fn what_next(code: Code) -> Option<String> {
    let sentence = match code {
        Code::PcrDrift => {
            "the blob was sealed for another image: start that one, or add this one's PCRs to the blob (see Upgrading \
             in the README)"
        }
        Code::DebugMode => "start the enclave without --debug-mode: its PCR0, PCR1 and PCR2 are zero in it",
        Code::GenerationTooOld => {
            "the parent offered an older blob than trust.json accepts: hand over the newest"
        }
        _ => return hint(code, &PcrSet::new()),
    };
    Some(sentence.to_owned())
}

/// One line of printable characters, and not too many of them: a message may hold what the parent sent.
fn printable(message: &impl fmt::Display) -> String {
    let text = message.to_string();
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE_LEN).collect()
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::coded(fault.code(), &fault, Report::default())
    }
}

impl From<pcrseal::Error> for Error {
    fn from(error: pcrseal::Error) -> Self {
        Self::coded(error.code(), error.fault(), error.report().clone())
    }
}

impl From<pcrseal::kms::Error> for Error {
    fn from(error: pcrseal::kms::Error) -> Self {
        Self::coded(error.code(), &error, Report::default())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.number, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Error {}
