//! Why there are no credentials.

use core::fmt;

use pcrseal_core::error::{Code, Error as Fault};

use crate::Error;

/// Why a provider gave no credentials. It never holds a value of a secret field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsError {
    provider: &'static str,
    fault: Fault,
}

impl CredentialsError {
    pub(super) fn new(provider: &'static str, fault: Fault) -> Self {
        Self { provider, fault }
    }

    /// What any provider says, in a form that every waiting caller can be given.
    pub(super) fn of(provider: &'static str, error: Error) -> Self {
        let fault = match error {
            Error::Credentials(error) => return error,
            Error::Configuration(fault) | Error::InvalidRequest(fault) => fault,
            other => {
                let passing = other.is_retryable();
                let code = if passing { Code::CredentialsUnavailable } else { Code::CredentialsProvider };
                Fault::text(code, "provider", "credentials", other)
            }
        };
        Self { provider, fault }
    }

    /// The name of the provider.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// What was expected and what was found.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.fault.code()
    }

    /// Whether there may be credentials when they are asked for again later.
    pub fn is_retryable(&self) -> bool {
        passes(self.code()) || matches!(self.code(), Code::CredentialsExpired | Code::CredentialsInterrupted)
    }
}

/// Whether the same question may find an answer a moment later.
pub(super) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::CredentialsUnreachable
            | Code::CredentialsTimeout
            | Code::CredentialsBroken
            | Code::CredentialsUnavailable
    )
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no credentials ({}): {}", self.provider, self.fault)
    }
}

impl core::error::Error for CredentialsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.fault)
    }
}
