//! The error type of this crate. No variant ever holds a secret, and no answer that says success is
//! quoted.

use core::fmt;
use core::time::Duration;
use std::io;

use pcrseal_core::error::{Code, Error as Fault};

use crate::credentials::CredentialsError;
use crate::service_error::ServiceError;

/// Why an operation gave no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The client, its credentials or the region cannot be used; nothing was sent.
    Configuration(Fault),
    /// The request is outside AWS's bounds; nothing was sent.
    InvalidRequest(Fault),
    /// There are no credentials to sign with; nothing was sent.
    Credentials(CredentialsError),
    /// No connection to the endpoint.
    Connect {
        /// Scheme, host and port.
        endpoint: String,
        /// What the operating system says.
        source: io::Error,
        /// Attempts made.
        attempts: u32,
    },
    /// The endpoint did not prove who it is, or the handshake broke.
    Tls {
        /// Scheme, host and port.
        endpoint: String,
        /// What rustls says.
        source: io::Error,
    },
    /// The time was up: of one stage, or of the whole operation.
    Timeout {
        /// Scheme, host and port.
        endpoint: String,
        /// The stage: [`Code::KmsConnectTimeout`], [`Code::KmsTlsTimeout`], [`Code::KmsAnswerTimeout`],
        /// [`Code::KmsBodyTimeout`], [`Code::KmsAttemptTimeout`] (a host's transport); or
        /// [`Code::KmsTimeout`]: the whole operation, and nothing was heard in it.
        code: Code,
        /// The limit that was passed.
        limit: Duration,
        /// Attempts made.
        attempts: u32,
    },
    /// The connection broke before the answer was complete, or the answer is not HTTP.
    Http {
        /// Scheme, host and port.
        endpoint: String,
        /// What the HTTP implementation says.
        source: Box<dyn core::error::Error + Send + Sync>,
        /// Attempts made.
        attempts: u32,
    },
    /// There was an answer, and it cannot be used: treat the key as having given a bad answer.
    BadAnswer(BadAnswer),
    /// AWS answered with an error.
    Service(ServiceError),
}

/// An answer that cannot be used: too long, not the operation's JSON, a field missing or outside its bounds, a
/// `Plaintext` beside `Recipient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAnswer {
    /// What is wrong with it.
    pub fault: Fault,
    /// The `x-amzn-requestid`, empty if there was none.
    pub request_id: String,
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Configuration(fault) | Self::InvalidRequest(fault) => fault.code(),
            Self::Credentials(error) => error.code(),
            Self::Connect { .. } => Code::KmsConnect,
            Self::Tls { .. } => Code::KmsTls,
            Self::Timeout { code, .. } => *code,
            Self::Http { .. } => Code::KmsHttp,
            Self::BadAnswer(bad) => bad.fault.code(),
            Self::Service(error) => error.class().code(),
        }
    }

    /// How many attempts were made, for errors that are tried again.
    pub fn attempts(&self) -> Option<u32> {
        match self {
            Self::Connect { attempts, .. } | Self::Timeout { attempts, .. } | Self::Http { attempts, .. } => {
                Some(*attempts)
            }
            Self::Service(error) => Some(error.attempts()),
            Self::Configuration(_)
            | Self::Credentials(_)
            | Self::InvalidRequest(_)
            | Self::Tls { .. }
            | Self::BadAnswer(_) => None,
        }
    }

    pub(crate) fn after(mut self, made: u32) -> Self {
        match &mut self {
            Self::Connect { attempts, .. } | Self::Timeout { attempts, .. } | Self::Http { attempts, .. } => {
                *attempts = made;
            }
            Self::Service(error) => error.set_attempts(made),
            Self::Configuration(_)
            | Self::Credentials(_)
            | Self::InvalidRequest(_)
            | Self::Tls { .. }
            | Self::BadAnswer(_) => {}
        }
        self
    }

    /// Whether the same request may succeed when it is made again later. A refused TLS handshake is not
    /// retryable: the endpoint is not the one that was meant.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Http { .. } => true,
            Self::Credentials(error) => error.is_retryable(),
            Self::Service(error) => error.class().is_retryable(),
            Self::Configuration(_) | Self::InvalidRequest(_) | Self::Tls { .. } | Self::BadAnswer(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(fault) | Self::InvalidRequest(fault) => write!(f, "{fault}"),
            Self::Credentials(error) => write!(f, "{error}"),
            Self::Connect { endpoint, source, .. } | Self::Tls { endpoint, source } => {
                write!(f, "{} {endpoint}: {source}", self.code().text())
            }
            Self::Timeout { endpoint, code, limit, .. } => {
                write!(f, "{}: {endpoint}, after {} ms", code.text(), limit.as_millis())
            }
            Self::Http { endpoint, source, .. } => write!(f, "{}: {endpoint}: {source}", self.code().text()),
            Self::BadAnswer(bad) => {
                write!(f, "{}", bad.fault)?;
                if bad.request_id.is_empty() { Ok(()) } else { write!(f, " (request id {})", bad.request_id) }
            }
            Self::Service(error) => write!(f, "{error}"),
        }?;
        match self.attempts() {
            Some(attempts) if attempts > 1 => write!(f, " ({attempts} attempts)"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Configuration(fault) | Self::InvalidRequest(fault) => Some(fault),
            Self::Credentials(error) => Some(error),
            Self::Connect { source, .. } | Self::Tls { source, .. } => Some(source),
            Self::Http { source, .. } => Some(source.as_ref()),
            Self::BadAnswer(bad) => Some(&bad.fault),
            Self::Service(error) => Some(error),
            Self::Timeout { .. } => None,
        }
    }
}
