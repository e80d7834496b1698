//! What the server cannot do for its host.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use pcrseal_core::error::Error as AttesterError;

use super::world;

/// Why the server cannot do what its host asks.
#[derive(Debug)]
#[non_exhaustive]
pub enum KmsError {
    /// The address is not a loopback one.
    NotLoopback(SocketAddr),
    /// The port cannot be had, or another failure of the system.
    Io(io::Error),
    /// The authority cannot be made.
    Attester(AttesterError),
    /// Not a region's name.
    Region(String),
    /// Not an account: 12 digits.
    Account(String),
    /// Not the ARN of an IAM role or user.
    Arn(String),
    /// The server holds as many keys as it takes.
    TooManyKeys,
    /// The random number generator failed.
    Random,
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(f, "{address} is not a loopback address"),
            Self::Io(error) => write!(f, "input or output failed: {error}"),
            Self::Attester(error) => write!(f, "cannot make an attestation authority: {error}"),
            Self::Region(region) => write!(f, "{region:?} is not an AWS region's name"),
            Self::Account(account) => write!(f, "{account:?} is not an AWS account (12 digits)"),
            Self::Arn(arn) => write!(f, "{arn:?} is not the ARN of an IAM role or user"),
            Self::TooManyKeys => write!(f, "the server holds {} keys already", world::MAX_KEYS),
            Self::Random => f.write_str("the random number generator failed"),
        }
    }
}

impl std::error::Error for KmsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Attester(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for KmsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<AttesterError> for KmsError {
    fn from(error: AttesterError) -> Self {
        Self::Attester(error)
    }
}
