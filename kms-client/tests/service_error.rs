//! Errors of the service: the class of each code and text, what is retried, and what of an answer is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use core::time::Duration;
use std::collections::BTreeSet;

use pcrseal_kms::wire::{DescribeKeyRequest, HttpAnswer};
use pcrseal_kms::{Error, ErrorClass, ServiceError, limits};

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

const DENIED: &str = "User: arn:aws:sts::111122223333:assumed-role/attestation-document/i-1 is not authorized to \
                      perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/a";

#[test]
fn each_code_has_its_class() {
    use ErrorClass as C;
    for (expected, status, code, message) in [
        (C::KeyDisabled, 400, "DisabledException", "arn:aws:kms:us-east-1:111122223333:key/a is disabled."),
        (
            C::KeyPendingDeletion,
            400,
            "KMSInvalidStateException",
            "arn:aws:kms:...:key/a is pending deletion.",
        ),
        (C::KeyInvalidState, 400, "KMSInvalidStateException", "arn:aws:kms:...:key/a is pending import."),
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
            "Signature expired: 20200101T000000Z is now earlier than",
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
        (C::CredentialsRejected, 400, "IncompleteSignature", ""),
        (C::CredentialsRejected, 400, "MissingAuthenticationToken", ""),
        (C::CredentialsExpired, 400, "ExpiredTokenException", ""),
        (C::CredentialsExpired, 403, "ExpiredToken", ""),
        (
            C::CredentialsExpired,
            400,
            "UnrecognizedClientException",
            "The security token included in the request is expired",
        ),
        (C::Validation, 400, "ValidationException", "1 validation error detected"),
        (C::Validation, 400, "InvalidKeyUsageException", ""),
        (C::Validation, 400, "MalformedPolicyDocumentException", ""),
        (C::Other, 400, "SomethingNewException", ""),
        (C::Other, 302, "", ""),
        // The code goes before the status.
        (C::AccessDenied, 503, "AccessDeniedException", ""),
        (C::KeyDisabled, 500, "DisabledException", ""),
    ] {
        assert_eq!(class(status, code, message), expected, "{code} {message}");
    }
}

#[test]
fn denials_are_told_apart_by_their_texts() {
    let denied = |rest: &str| class(400, "AccessDeniedException", &format!("{DENIED} {rest}"));
    assert_eq!(denied(""), ErrorClass::AccessDenied);
    for policy in ["a resource-based policy", "an identity-based policy", "a service control policy"] {
        assert_eq!(denied(&format!("with an explicit deny in {policy}")), ErrorClass::ExplicitDeny);
    }
    for policy in ["resource-based", "identity-based", "session", "VPC endpoint"] {
        let text = format!("because no {policy} policy allows the kms:Decrypt action");
        assert_eq!(denied(&text), ErrorClass::NoAllow);
    }
    assert_eq!(denied("although a key policy allows the kms:Decrypt action"), ErrorClass::AccessDenied);
    for class in [ErrorClass::AccessDenied, ErrorClass::ExplicitDeny, ErrorClass::NoAllow] {
        assert!(class.is_access_denied() && !class.is_attestation());
    }
    // Only of a denial: the words mean nothing under another code.
    assert_eq!(class(400, "NotFoundException", "with an explicit deny"), ErrorClass::NotFound);
}

#[test]
fn refused_attestation_documents_are_told_apart_by_their_texts() {
    use ErrorClass as C;
    for (expected, code, message) in [
        (
            C::AttestationStale,
            "AccessDeniedException",
            "The attestation document has exceeded the five-minute age limit",
        ),
        (C::AttestationStale, "ValidationException", "the attestation document is TOO OLD"),
        (C::AttestationMalformed, "ValidationException", "KMS cannot parse the attestation document."),
        (
            C::AttestationMalformed,
            "ValidationException",
            "1 validation error detected: Value at 'recipient.attestationDocument' failed to satisfy constraint",
        ),
        (C::AttestationRejected, "AccessDeniedException", "The attestation document was not accepted"),
    ] {
        let found = class(400, code, message);
        assert_eq!(found, expected, "{message}");
        assert!(found.is_attestation() && !found.is_access_denied());
    }
}

/// The two lists of codes: what is never asked again, and what is.
#[test]
fn only_throttling_and_passing_faults_are_retryable() {
    for code in [
        "AccessDeniedException",
        "DisabledException",
        "KMSInvalidStateException",
        "NotFoundException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidKeyUsageException",
        "ValidationException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "InvalidSignatureException",
        "SomethingNewException",
    ] {
        assert!(!class(400, code, "").is_retryable(), "{code}");
    }
    for (status, code) in [
        (400, "ThrottlingException"),
        (500, "KMSInternalException"),
        (503, "DependencyTimeoutException"),
        (400, "KeyUnavailableException"),
        (503, "ServiceUnavailable"),
        (400, "ServiceUnavailableException"),
        (429, ""),
        (500, ""),
        (502, ""),
        (504, "SomethingNewException"),
        (599, ""),
    ] {
        assert!(class(status, code, "").is_retryable(), "{status} {code}");
    }
    for status in 500..=599 {
        assert_eq!(class(status, "", ""), ErrorClass::Unavailable, "{status}");
    }
    for status in [408, 499, 600] {
        assert_eq!(class(status, "", ""), ErrorClass::Other, "{status}");
    }
}

#[test]
fn every_class_has_a_code_of_its_own() {
    use ErrorClass as C;
    let classes = [
        C::AccessDenied,
        C::ExplicitDeny,
        C::NoAllow,
        C::AttestationRejected,
        C::AttestationStale,
        C::AttestationMalformed,
        C::KeyDisabled,
        C::KeyPendingDeletion,
        C::KeyInvalidState,
        C::NotFound,
        C::IncorrectKey,
        C::InvalidCiphertext,
        C::DryRunOperation,
        C::Throttled,
        C::Unavailable,
        C::CredentialsRejected,
        C::CredentialsExpired,
        C::ClockSkew,
        C::Validation,
        C::Other,
    ];
    let codes: BTreeSet<u32> = classes.iter().map(|class| class.code().number()).collect();
    assert_eq!(codes.len(), classes.len());
}

fn answered(status: u16, headers: &[(&str, &str)]) -> ServiceError {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let request = DescribeKeyRequest { key_id: "arn", grant_tokens: &[] };
    match HttpAnswer::new(status, headers, b"{}").read(&request) {
        Err(Error::Service(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn retry_after_is_read_in_both_forms_and_bounded() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (retry_after, expected) in [
        ("0", seconds(0)),
        ("7", seconds(7)),
        ("300", seconds(300)),
        ("301", seconds(300)),
        ("99999999999999999999999999", seconds(300)),
        ("Sun, 06 Nov 1994 08:49:47 GMT", seconds(10)),
        ("Sun, 06 Nov 1994 08:49:27 GMT", seconds(0)),
        ("Mon, 07 Nov 1994 08:49:37 GMT", seconds(300)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 06 Nov 1994 08:49:47 GMT", None),
    ] {
        for status in [400, 429, 503] {
            let error = answered(status, &[("Retry-After", retry_after), ("Date", date)]);
            assert_eq!(error.retry_after(), expected, "{retry_after:?}");
        }
    }
    // A point in time says nothing without the server's own clock.
    let at = "Sun, 06 Nov 1994 08:49:47 GMT";
    assert_eq!(answered(503, &[("retry-after", at)]).retry_after(), None);
    assert_eq!(answered(503, &[("retry-after", at), ("date", "yesterday")]).retry_after(), None);
    assert_eq!(answered(503, &[]).retry_after(), None);
}

#[test]
fn the_servers_clock_is_read() {
    let time = |value: &[u8]| HttpAnswer::new(200, [("DATE", value)], b"").server_time();
    assert_eq!(time(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    assert_eq!(time(b"Sun Nov  6 08:49:37 1994"), None);
    assert_eq!(time(b"\xff"), None);
    assert_eq!(HttpAnswer::new(200, [], b"").server_time(), None);
}

#[test]
fn texts_are_bounded_and_printable() {
    let error = ServiceError::new(400, "A\u{1b}[2J", &"x\r\n\u{202e}".repeat(9000), "id\0");
    assert_eq!(error.code(), "A?[2J");
    assert_eq!(error.request_id(), "id?");
    assert_eq!(error.message().len(), limits::MAX_ERROR_MESSAGE_LEN);
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
