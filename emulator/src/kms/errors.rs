//! Errors as AWS KMS answers them: a code in `__type`, a text, an HTTP status.

use serde_json::{Map, Value};

/// What AWS says of too many requests.
pub(crate) const THROTTLED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

/// An answer that is an error. The texts are AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: Option<String>,
}

impl ApiError {
    /// HTTP 400: what KMS answers to nearly every mistake of the caller.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: Some(message.into()) }
    }

    /// A code without any text.
    pub(crate) fn bare(code: &'static str) -> Self {
        Self { status: 400, code, message: None }
    }

    /// The same with another HTTP status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// `ValidationException` in the words of the service framework.
    pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> Self {
        let value = if value.is_empty() { String::new() } else { format!(" {value}") };
        Self::validation(format!(
            "1 validation error detected: Value{value} at '{member}' failed to satisfy constraint: \
             Member must {constraint}"
        ))
    }

    pub(crate) fn signature(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", message)
    }

    pub(crate) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new("IncompleteSignatureException", message)
    }

    pub(crate) fn unrecognized_client() -> Self {
        Self::new("UnrecognizedClientException", "The security token included in the request is invalid.")
    }

    /// AWS's sentence (IAM user guide, "Troubleshoot access denied error messages").
    pub(crate) fn denied(caller: &str, action: &str, resource: &str, reason: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            format!("User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}"),
        )
    }

    pub(crate) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new("MalformedPolicyDocumentException", message)
    }

    pub(crate) fn not_found(arn: &str) -> Self {
        Self::new("NotFoundException", format!("Key '{arn}' does not exist"))
    }

    pub(crate) fn serialization() -> Self {
        Self::bare("SerializationException")
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::bare("UnknownOperationException")
    }

    pub(crate) fn internal() -> Self {
        Self::new("KMSInternalException", "An internal error occurred; the request can be retried.")
            .with_status(500)
    }

    /// The JSON body. `AccessDeniedException` spells its member `Message`, the others `message`.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("__type".into(), self.code.into());
        if let Some(message) = &self.message {
            let member = if self.code == "AccessDeniedException" { "Message" } else { "message" };
            body.insert(member.into(), message.as_str().into());
        }
        Value::Object(body)
    }
}
