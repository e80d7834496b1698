//! The seam below the client: one exchange with one endpoint, over a channel that is authenticated.
//!
//! Deadlines, retries, signatures, clock and credentials are above it, so that they hold for every transport.

use core::error::Error as StdError;
use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use core::time::Duration;
use std::io;

use pcrseal_core::error::{Code, Error as Fault};
use zeroize::Zeroizing;

use crate::wire::SignedHeaders;
use crate::{BadAnswer, Error};

/// The future of an [`AuthenticatedTransport`].
pub type TransportFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TransportError>> + Send + 'a>>;

/// A transport of the host's own.
///
/// Its name is its promise: whatever [`exchange`](Self::exchange) answers came over TLS that ends inside this
/// process, from a server that proved the name in [`TransportRequest::url`] under roots that the host trusts.
/// Nothing in an answer is authenticated otherwise, so a transport that cannot promise this must not be given to
/// the client. An `http://` URL reaches it only where the configuration names one, and then it is loopback.
///
/// It sends what it is given once: the client above repeats, waits and gives up. It must not follow redirects.
/// A future may be dropped at any time.
pub trait AuthenticatedTransport: Send + Sync + 'static {
    /// Sends one request and reads the whole answer, of whatever status.
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer>;

    /// Opens a connection for requests to come. Without a body of its own it does nothing.
    fn warm_up<'a>(&'a self, region: &'a str, url: &'a str) -> TransportFuture<'a, ()> {
        let _ = (region, url);
        Box::pin(ready(Ok(())))
    }
}

/// One `POST` of the path `/`. Headers and body hold secrets (the session token, the plaintext of an Encrypt).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TransportRequest<'a> {
    /// The region that the request is signed for.
    pub region: &'a str,
    /// `https://HOST` or `https://HOST:PORT`, without a path.
    pub url: &'a str,
    /// Every header field but `content-length`; `host` is among them and is part of what was signed.
    pub headers: &'a SignedHeaders,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> TransportRequest<'a> {
    pub(super) fn new(region: &'a str, url: &'a str, headers: &'a SignedHeaders, body: &'a [u8]) -> Self {
        Self { region, url, headers, body }
    }
}

/// A complete answer.
pub struct TransportAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header fields, names in any case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; at most [`MAX_ANSWER_LEN`](crate::limits::MAX_ANSWER_LEN) bytes are believed.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why an exchange gave no answer. All but [`Refused`](Self::Refused) and [`AnswerTooLong`](Self::AnswerTooLong)
/// may be tried again.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection.
    Connect(io::Error),
    /// The server did not prove its name. Never tried again: it is not the one that was meant.
    Refused(io::Error),
    /// A stage took longer than its limit.
    Timeout {
        /// Which: [`Code::KmsConnectTimeout`], [`Code::KmsTlsTimeout`], [`Code::KmsAnswerTimeout`],
        /// [`Code::KmsBodyTimeout`] or, if it cannot be told, [`Code::KmsAttemptTimeout`].
        stage: Code,
        /// The limit that was passed.
        limit: Duration,
    },
    /// The connection broke before the answer was complete, or the answer is not HTTP.
    Http(Box<dyn StdError + Send + Sync>),
    /// The answer is longer than [`MAX_ANSWER_LEN`](crate::limits::MAX_ANSWER_LEN).
    AnswerTooLong {
        /// Its `x-amzn-requestid`, empty if there was none.
        request_id: String,
    },
}

impl TransportError {
    pub(super) fn at(self, endpoint: &impl fmt::Display) -> Error {
        let endpoint = endpoint.to_string();
        match self {
            Self::Connect(source) => Error::Connect { endpoint, source, attempts: 1 },
            Self::Refused(source) => Error::Tls { endpoint, source },
            Self::Timeout { stage, limit } => Error::Timeout { endpoint, code: stage, limit, attempts: 1 },
            Self::Http(source) => Error::Http { endpoint, source, attempts: 1 },
            Self::AnswerTooLong { request_id } => {
                Error::BadAnswer(BadAnswer { fault: Fault::new(Code::KmsAnswerTooLong), request_id })
            }
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(source) => write!(f, "{}: {source}", Code::KmsConnect.text()),
            Self::Refused(source) => write!(f, "{}: {source}", Code::KmsTls.text()),
            Self::Timeout { stage, limit } => write!(f, "{}: after {} ms", stage.text(), limit.as_millis()),
            Self::Http(source) => write!(f, "{}: {source}", Code::KmsHttp.text()),
            Self::AnswerTooLong { .. } => f.write_str(Code::KmsAnswerTooLong.text()),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Connect(source) | Self::Refused(source) => Some(source),
            Self::Http(source) => Some(source.as_ref()),
            Self::Timeout { .. } | Self::AnswerTooLong { .. } => None,
        }
    }
}
