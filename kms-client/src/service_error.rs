//! What AWS said when it said no: its code, text and request id kept, and the class that decides what follows.

use core::fmt;

use pcrseal_core::error::Code;

use crate::limits::{MAX_ERROR_CODE_LEN, MAX_ERROR_MESSAGE_LEN};

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
}

/// What kind of error it is, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// A policy denies it. A key policy that finds other PCRs than it demands answers just so.
    AccessDenied,
    /// The attestation document was refused as such: stale, malformed or not genuine.
    AttestationRejected,
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
    /// The signature or the credentials were rejected: wrong, unknown or expired.
    CredentialsRejected,
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
        }
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

    /// The class: from the code, then (where one code means several things) from the text, then from the status.
    ///
    /// The texts are not documented by AWS, so they are matched loosely.
    pub fn class(&self) -> ErrorClass {
        let text = self.message.to_ascii_lowercase();
        match self.code.strip_suffix("Exception").unwrap_or(&self.code) {
            "AccessDenied" | "Validation" | "ValidationError" if speaks_of_attestation(&text) => {
                ErrorClass::AttestationRejected
            }
            "AccessDenied" | "NotAuthorized" => ErrorClass::AccessDenied,
            "Disabled" => ErrorClass::KeyDisabled,
            "KMSInvalidState" if text.contains("pending deletion") => ErrorClass::KeyPendingDeletion,
            "KMSInvalidState" => ErrorClass::KeyInvalidState,
            "NotFound" => ErrorClass::NotFound,
            "IncorrectKey" => ErrorClass::IncorrectKey,
            "InvalidCiphertext" => ErrorClass::InvalidCiphertext,
            "DryRunOperation" => ErrorClass::DryRunOperation,
            "Throttling" | "Throttled" | "TooManyRequests" | "RequestLimitExceeded" | "SlowDown" => {
                ErrorClass::Throttled
            }
            "KMSInternal" | "DependencyTimeout" | "KeyUnavailable" | "ServiceUnavailable"
            | "InternalFailure" | "InternalServer" | "RequestTimeout" => ErrorClass::Unavailable,
            "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => ErrorClass::ClockSkew,
            "InvalidSignature" | "SignatureDoesNotMatch"
                if text.contains("signature expired") || text.contains("signature not yet current") =>
            {
                ErrorClass::ClockSkew
            }
            "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "ExpiredToken"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "OptInRequired" => ErrorClass::CredentialsRejected,
            "Validation"
            | "ValidationError"
            | "InvalidKeyUsage"
            | "InvalidArn"
            | "InvalidGrantToken"
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

    /// The stable code.
    pub fn code(self) -> Code {
        match self {
            Self::AccessDenied => Code::KmsAccessDenied,
            Self::AttestationRejected => Code::KmsAttestationRejected,
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

pub(crate) fn printable(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::{ErrorClass, ServiceError};

    fn class(status: u16, code: &str, message: &str) -> ErrorClass {
        ServiceError::new(status, code, message, "").class()
    }

    #[test]
    fn code_is_freed_of_namespace_and_address() {
        for raw in [
            "AccessDeniedException",
            "com.amazonaws.kms#AccessDeniedException",
            "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/",
            "com.amazonaws.kms#AccessDeniedException:http://internal.amazon.com/coral/#fragment",
        ] {
            let error = ServiceError::new(400, raw, "", "");
            assert_eq!(error.code(), "AccessDeniedException", "{raw}");
            assert_eq!(error.class(), ErrorClass::AccessDenied);
        }
    }

    #[test]
    fn each_code_has_its_class() {
        use ErrorClass as C;
        for (expected, status, code, message) in [
            (
                C::AccessDenied,
                400,
                "AccessDeniedException",
                "User: arn:aws:sts::111122223333:assumed-role/attestation-document/i-1 is not authorized to perform: kms:Decrypt",
            ),
            (
                C::AttestationRejected,
                400,
                "AccessDeniedException",
                "The attestation document has exceeded the five-minute age limit",
            ),
            (
                C::AttestationRejected,
                400,
                "ValidationException",
                "KMS cannot parse the attestation document.",
            ),
            (
                C::AttestationRejected,
                400,
                "ValidationException",
                "1 validation error detected: Value at 'recipient.attestationDocument' failed to satisfy constraint",
            ),
            (
                C::KeyDisabled,
                400,
                "DisabledException",
                "arn:aws:kms:us-east-1:111122223333:key/a is disabled.",
            ),
            (
                C::KeyPendingDeletion,
                400,
                "KMSInvalidStateException",
                "arn:aws:kms:us-east-1:111122223333:key/a is pending deletion.",
            ),
            (
                C::KeyInvalidState,
                400,
                "KMSInvalidStateException",
                "arn:aws:kms:us-east-1:111122223333:key/a is pending import.",
            ),
            (C::NotFound, 400, "NotFoundException", "Key 'arn' does not exist"),
            (C::IncorrectKey, 400, "IncorrectKeyException", ""),
            (C::InvalidCiphertext, 400, "InvalidCiphertextException", ""),
            (C::DryRunOperation, 412, "DryRunOperationException", ""),
            (C::Throttled, 400, "ThrottlingException", "Rate exceeded"),
            (C::Throttled, 429, "", ""),
            (C::Unavailable, 500, "KMSInternalException", ""),
            (C::Unavailable, 503, "DependencyTimeoutException", ""),
            (C::Unavailable, 500, "KeyUnavailableException", ""),
            (C::Unavailable, 502, "", "<html>bad gateway</html>"),
            (
                C::ClockSkew,
                400,
                "InvalidSignatureException",
                "Signature expired: 20200101T000000Z is now earlier than ...",
            ),
            (C::ClockSkew, 400, "InvalidSignatureException", "Signature not yet current: ..."),
            (
                C::CredentialsRejected,
                400,
                "InvalidSignatureException",
                "The request signature we calculated does not match",
            ),
            (
                C::CredentialsRejected,
                400,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            (C::CredentialsRejected, 400, "ExpiredTokenException", ""),
            (C::CredentialsRejected, 400, "IncompleteSignature", ""),
            (C::CredentialsRejected, 400, "MissingAuthenticationToken", ""),
            (C::Validation, 400, "ValidationException", "1 validation error detected"),
            (C::Validation, 400, "InvalidKeyUsageException", ""),
            (C::Other, 400, "SomethingNewException", ""),
            (C::Other, 302, "", ""),
        ] {
            assert_eq!(class(status, code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn only_throttling_and_passing_faults_are_retryable() {
        assert!(class(400, "ThrottlingException", "").is_retryable());
        assert!(class(500, "", "").is_retryable());
        for code in ["AccessDeniedException", "DisabledException", "InvalidSignatureException", "New"] {
            assert!(!class(400, code, "").is_retryable(), "{code}");
        }
    }

    #[test]
    fn texts_are_bounded_and_printable() {
        let error = ServiceError::new(400, "A\u{1b}[2J", &"x\r\n\u{202e}".repeat(9000), "id\0");
        assert_eq!(error.code(), "A?[2J");
        assert_eq!(error.request_id(), "id?");
        assert_eq!(error.message().len(), crate::limits::MAX_ERROR_MESSAGE_LEN);
        assert!(error.to_string().bytes().all(|b| b.is_ascii_graphic() || b == b' '));
    }

    #[test]
    fn display_keeps_code_text_and_request_id() {
        let error = ServiceError::new(400, "DisabledException", "key is disabled.", "a-b-c");
        assert_eq!(
            error.to_string(),
            "the KMS key is disabled [HTTP 400, DisabledException, request id a-b-c]: key is disabled."
        );
    }
}
