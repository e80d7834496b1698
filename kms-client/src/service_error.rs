//! What AWS said when it said no: its code, text and request id kept, and the class that decides what follows.

use core::fmt;
use core::time::Duration;

use pcrseal_core::error::Code;

use crate::limits::{MAX_ERROR_CODE_LEN, MAX_ERROR_MESSAGE_LEN, MAX_RETRY_AFTER};

/// An error that AWS answered with.
///
/// The texts come from the network: they are cut to the bounds in [`crate::limits`], and whatever is not
/// printable ASCII is shown as `?`, so that they can be logged as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    http_status: u16,
    code: String,
    message: String,
    request_id: String,
    retry_after: Option<Duration>,
    attempts: u32,
}

/// What kind of error it is, and so what to do about it. AWS has one code for everything that a policy denies;
/// it is split here as far as AWS's texts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// A policy denies it, and AWS does not say how. A key policy that finds other PCRs than it demands answers
    /// just so, or with one of the two that follow.
    AccessDenied,
    /// A statement with `"Effect": "Deny"` matched.
    ExplicitDeny,
    /// No statement with `"Effect": "Allow"` matched.
    NoAllow,
    /// The attestation document was refused as such: not genuine, or for a reason that is not told.
    AttestationRejected,
    /// The attestation document is older than five minutes.
    AttestationStale,
    /// The attestation document cannot be read.
    AttestationMalformed,
    /// The key is disabled.
    KeyDisabled,
    /// The key is scheduled for deletion.
    KeyPendingDeletion,
    /// The key is in another state that does not permit the request.
    KeyInvalidState,
    /// There is no such key.
    NotFound,
    /// The ciphertext was made under another key.
    IncorrectKey,
    /// The ciphertext was altered, or another `EncryptionContext` was given.
    InvalidCiphertext,
    /// The answer to a dry run that would have succeeded.
    DryRunOperation,
    /// Too many requests.
    Throttled,
    /// A fault of the service that passes.
    Unavailable,
    /// The signature or the credentials were rejected: wrong or unknown.
    CredentialsRejected,
    /// The credentials are temporary and their time is over.
    CredentialsExpired,
    /// The time of the request was rejected.
    ClockSkew,
    /// The request was found invalid.
    Validation,
    /// Anything else.
    Other,
}

impl ServiceError {
    /// Takes what the answer said. `code` may carry the namespace (`...#Code`) and the address (`Code:http...`)
    /// that AWS puts around it.
    pub fn new(http_status: u16, code: &str, message: &str, request_id: &str) -> Self {
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        Self {
            http_status,
            code: printable(code.trim(), MAX_ERROR_CODE_LEN),
            message: printable(message, MAX_ERROR_MESSAGE_LEN),
            request_id: printable(request_id, MAX_ERROR_CODE_LEN),
            retry_after: None,
            attempts: 1,
        }
    }

    /// The same with the wait that the answer asked for; what is longer than five minutes is cut to that.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after: retry_after.map(|wait| wait.min(MAX_RETRY_AFTER)), ..self }
    }

    /// The HTTP status.
    pub fn http_status(&self) -> u16 {
        self.http_status
    }

    /// AWS's code, such as `AccessDeniedException`; empty if the answer had none.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// AWS's text, or the beginning of a body that is not JSON.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The `x-amzn-requestid`, empty if there was none.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// How long to wait before asking again (`Retry-After`), 0..5 minutes; `None` if the answer did not say.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// How many attempts were made, of which this is the last answer.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts;
    }

    /// The class: from the code, then (where one code means several things) from the text, then from the status.
    ///
    /// The texts are not documented by AWS, so they are matched loosely.
    pub fn class(&self) -> ErrorClass {
        let text = self.message.to_ascii_lowercase();
        match self.code.strip_suffix("Exception").unwrap_or(&self.code) {
            "AccessDenied" | "NotAuthorized" | "Validation" | "ValidationError"
                if speaks_of_attestation(&text) =>
            {
                attestation_class(&text)
            }
            "AccessDenied" | "NotAuthorized" => denial_class(&text),
            "Disabled" => ErrorClass::KeyDisabled,
            "KMSInvalidState" if text.contains("pending deletion") => ErrorClass::KeyPendingDeletion,
            "KMSInvalidState" => ErrorClass::KeyInvalidState,
            "NotFound" => ErrorClass::NotFound,
            "IncorrectKey" => ErrorClass::IncorrectKey,
            "InvalidCiphertext" => ErrorClass::InvalidCiphertext,
            "DryRunOperation" => ErrorClass::DryRunOperation,
            "Throttling"
            | "Throttled"
            | "RequestThrottled"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "SlowDown" => ErrorClass::Throttled,
            "KMSInternal"
            | "DependencyTimeout"
            | "KeyUnavailable"
            | "ServiceUnavailable"
            | "InternalFailure"
            | "InternalServer"
            | "InternalServerError"
            | "RequestTimeout" => ErrorClass::Unavailable,
            "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => ErrorClass::ClockSkew,
            "InvalidSignature" | "SignatureDoesNotMatch"
                if text.contains("signature expired") || text.contains("signature not yet current") =>
            {
                ErrorClass::ClockSkew
            }
            "ExpiredToken" => ErrorClass::CredentialsExpired,
            "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidToken" if text.contains("expired") => {
                ErrorClass::CredentialsExpired
            }
            "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "OptInRequired" => ErrorClass::CredentialsRejected,
            "Validation"
            | "ValidationError"
            | "InvalidKeyUsage"
            | "InvalidArn"
            | "InvalidGrantToken"
            | "MalformedPolicyDocument"
            | "UnsupportedOperation"
            | "Serialization" => ErrorClass::Validation,
            _ => match self.http_status {
                429 => ErrorClass::Throttled,
                500..=599 => ErrorClass::Unavailable,
                _ => ErrorClass::Other,
            },
        }
    }
}

impl ErrorClass {
    /// Whether the same request may succeed when it is made again later, unchanged.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }

    /// Whether a policy denies the request, told how or not.
    pub fn is_access_denied(self) -> bool {
        matches!(self, Self::AccessDenied | Self::ExplicitDeny | Self::NoAllow)
    }

    /// Whether the attestation document was refused as such.
    pub fn is_attestation(self) -> bool {
        matches!(self, Self::AttestationRejected | Self::AttestationStale | Self::AttestationMalformed)
    }

    /// The stable code.
    pub fn code(self) -> Code {
        match self {
            Self::AccessDenied => Code::KmsAccessDenied,
            Self::ExplicitDeny => Code::KmsExplicitDeny,
            Self::NoAllow => Code::KmsNoAllow,
            Self::AttestationRejected => Code::KmsAttestationRejected,
            Self::AttestationStale => Code::KmsAttestationStale,
            Self::AttestationMalformed => Code::KmsAttestationMalformed,
            Self::KeyDisabled => Code::KmsKeyDisabled,
            Self::KeyPendingDeletion => Code::KmsKeyPendingDeletion,
            Self::KeyInvalidState => Code::KmsKeyInvalidState,
            Self::NotFound => Code::KmsNotFound,
            Self::IncorrectKey => Code::KmsIncorrectKey,
            Self::InvalidCiphertext => Code::KmsInvalidCiphertext,
            Self::DryRunOperation => Code::KmsDryRunOperation,
            Self::Throttled => Code::KmsThrottled,
            Self::Unavailable => Code::KmsUnavailable,
            Self::CredentialsRejected => Code::KmsCredentialsRejected,
            Self::CredentialsExpired => Code::KmsCredentialsExpired,
            Self::ClockSkew => Code::KmsClockSkew,
            Self::Validation => Code::KmsValidation,
            Self::Other => Code::KmsOther,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [HTTP {}", self.class().code().text(), self.http_status)?;
        if !self.code.is_empty() {
            write!(f, ", {}", self.code)?;
        }
        if !self.request_id.is_empty() {
            write!(f, ", request id {}", self.request_id)?;
        }
        f.write_str("]")?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl core::error::Error for ServiceError {}

/// With the space, so that a role or an alias whose name says "attestation" does not look like a refused
/// document (neither can hold a space); `attestationDocument` is the field's name in validation texts.
fn speaks_of_attestation(lowercase_text: &str) -> bool {
    ["attestation document", "recipient.attestationdocument", "age limit"]
        .iter()
        .any(|words| lowercase_text.contains(words))
}

/// Which fault of the document a text that speaks of one means.
fn attestation_class(lowercase_text: &str) -> ErrorClass {
    let says = |words: &[&str]| words.iter().any(|words| lowercase_text.contains(words));
    if says(&["age limit", "five-minute", "too old", "expired", "stale"]) {
        ErrorClass::AttestationStale
    } else if says(&["parse", "malformed", "decode", "failed to satisfy constraint"]) {
        ErrorClass::AttestationMalformed
    } else {
        ErrorClass::AttestationRejected
    }
}

/// "... with an explicit deny in a resource-based policy" or "... because no resource-based policy allows the
/// kms:Decrypt action"; the kind of policy varies. The names before it hold no space, so they cannot say this.
fn denial_class(lowercase_text: &str) -> ErrorClass {
    if lowercase_text.contains("explicit deny") {
        ErrorClass::ExplicitDeny
    } else if lowercase_text.contains("because no ") && lowercase_text.contains("policy allows") {
        ErrorClass::NoAllow
    } else {
        ErrorClass::AccessDenied
    }
}

pub(crate) fn printable(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
