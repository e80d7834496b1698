//! The fault matrix: what can be wrong with one key, and what its row of the report then says.

use pcrseal::Code;
use pcrseal::Outcome;
use pcrseal_emulator::kms::{Fault, PortFault};

use crate::quorum::{ATTEMPTS, Trouble};

/// One fault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub trouble: Trouble,
    pub outcome: Outcome,
    pub code: Option<Code>,
    /// AWS's code where KMS (or something on the way) answered with an error.
    pub aws: Option<&'static str>,
    /// How many requests the client makes.
    pub attempts: u32,
    /// How many authentic requests reach the key.
    pub arrive: u32,
    /// Both again, where they may come out otherwise.
    pub or: Option<(u32, u32)>,
    /// Ends by a stage's limit.
    pub hangs: bool,
}

const fn row(trouble: Trouble, outcome: Outcome, code: Code) -> Row {
    let aws = None;
    Row { trouble, outcome, code: Some(code), aws, attempts: 1, arrive: 1, or: None, hangs: false }
}

/// A refusal that is final.
const fn refused(outcome: Outcome, code: Code, aws: &'static str, message: &'static str) -> Row {
    let trouble = Trouble::Key(Fault::Error { status: 400, code: aws, message });
    Row { aws: Some(aws), ..row(trouble, outcome, code) }
}

/// A refusal that may pass.
const fn passing(outcome: Outcome, code: Code, status: u16, aws: &'static str) -> Row {
    let trouble = Trouble::Key(Fault::Error { status, code: aws, message: "Try again later." });
    Row { aws: Some(aws), ..row(trouble, outcome, code).tried(ATTEMPTS, ATTEMPTS) }
}

/// A page of a proxy: a status and no code.
const fn page(status: u16, outcome: Outcome, code: Code, attempts: u32) -> Row {
    let trouble = Trouble::Key(Fault::Html { status });
    Row { aws: Some(""), ..row(trouble, outcome, code).tried(attempts, attempts) }
}

/// A stage that does not end.
const fn hangs(trouble: Trouble, code: Code, arrive: u32) -> Row {
    Row { hangs: true, ..row(trouble, Outcome::Timeout, code).tried(ATTEMPTS, arrive) }
}

/// An answer that cannot be used, and is not asked for again.
const fn bad(fault: Fault, code: Code) -> Row {
    row(Trouble::Key(fault), Outcome::BadResponse, code)
}

/// A trouble that the client gets over.
const fn overcome(trouble: Trouble, attempts: u32, arrive: u32) -> Row {
    let (outcome, code, aws) = (Outcome::Granted, None, None);
    Row { trouble, outcome, code, aws, attempts, arrive, or: None, hangs: false }
}

impl Row {
    const fn tried(self, attempts: u32, arrive: u32) -> Self {
        Self { attempts, arrive, ..self }
    }

    const fn or(self, attempts: u32, arrive: u32) -> Self {
        Self { or: Some((attempts, arrive)), ..self }
    }

    pub fn recovers(&self) -> bool {
        self.outcome == Outcome::Granted
    }
}

const EXPLICIT: &str = "User: arn:aws:sts::111122223333:assumed-role/e/s is not authorized to perform: kms:Decrypt \
    on resource: arn:aws:kms:eu-west-1:111122223333:key/1 with an explicit deny in a resource-based policy";
const NO_ALLOW: &str = "User: arn:aws:sts::111122223333:assumed-role/e/s is not authorized to perform: kms:Decrypt \
    on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no resource-based policy allows the kms:Decrypt \
    action";
const PENDING_DELETION: &str = "arn:aws:kms:eu-west-1:111122223333:key/1 is pending deletion.";
const PENDING_IMPORT: &str = "arn:aws:kms:eu-west-1:111122223333:key/1 is pending import.";
const SIGNATURE_EXPIRED: &str = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z";

/// The first attempt meets the connection that was warmed up, finds it closed, and opens another.
const CLOSED: u32 = ATTEMPTS + 1;

/// A reset may overtake the head that was sent before it, and then looks like a connection that was dead.
const OVERTAKEN: u32 = ATTEMPTS + 1;

pub const ROWS: &[Row] = &[
    // The way there.
    row(Trouble::Refusing, Outcome::Unreachable, Code::KmsConnect).tried(ATTEMPTS, 0),
    hangs(Trouble::Deaf, Code::KmsConnectTimeout, 0),
    hangs(Trouble::Port(PortFault::Silence), Code::KmsTlsTimeout, 0),
    hangs(Trouble::Port(PortFault::SilenceAfterHead), Code::KmsAnswerTimeout, 0),
    hangs(Trouble::Key(Fault::Hang), Code::KmsAnswerTimeout, ATTEMPTS),
    hangs(Trouble::Key(Fault::HangInHead), Code::KmsAnswerTimeout, ATTEMPTS),
    hangs(Trouble::Key(Fault::HangInBody), Code::KmsBodyTimeout, ATTEMPTS),
    row(Trouble::Key(Fault::CloseConnection), Outcome::Unreachable, Code::KmsHttp).tried(ATTEMPTS, CLOSED),
    row(Trouble::Key(Fault::ResetInBody), Outcome::Unreachable, Code::KmsHttp)
        .tried(ATTEMPTS, ATTEMPTS)
        .or(ATTEMPTS, OVERTAKEN),
    row(Trouble::Key(Fault::LongContentLength), Outcome::Unreachable, Code::KmsHttp)
        .tried(ATTEMPTS, ATTEMPTS),
    // Answers that cannot be used.
    bad(Fault::ShortContentLength, Code::KmsAnswerMalformed),
    bad(Fault::OversizeBody, Code::KmsAnswerTooLong),
    bad(Fault::GarbageBody, Code::KmsAnswerMalformed),
    bad(Fault::EmptyBody, Code::KmsAnswerMalformed),
    bad(Fault::WrongKeyId, Code::AnswerKeyId),
    bad(Fault::WrongPlaintext, Code::ShareRejected),
    bad(Fault::OtherRecipient, Code::CmsForeignRecipient),
    bad(Fault::PlaintextBeside, Code::KmsPlaintextBesideRecipient),
    bad(Fault::PlaintextOnly, Code::KmsPlaintextBesideRecipient),
    // Statuses, by KMS and by what stands before it.
    refused(Outcome::BadResponse, Code::KmsOther, "", "no code, status 400"),
    page(400, Outcome::BadResponse, Code::KmsOther, 1),
    page(403, Outcome::BadResponse, Code::KmsOther, 1),
    page(429, Outcome::Throttled, Code::KmsThrottled, ATTEMPTS),
    page(500, Outcome::Unreachable, Code::KmsUnavailable, ATTEMPTS),
    page(502, Outcome::Unreachable, Code::KmsUnavailable, ATTEMPTS),
    page(503, Outcome::Unreachable, Code::KmsUnavailable, ATTEMPTS),
    passing(Outcome::Throttled, Code::KmsThrottled, 429, ""),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 500, ""),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 503, ""),
    // What KMS never takes back.
    refused(Outcome::AccessDenied, Code::KmsAccessDenied, "AccessDeniedException", "no"),
    refused(Outcome::AccessDenied, Code::KmsExplicitDeny, "AccessDeniedException", EXPLICIT),
    refused(Outcome::AccessDenied, Code::KmsNoAllow, "AccessDeniedException", NO_ALLOW),
    refused(
        Outcome::AttestationRejected,
        Code::KmsAttestationStale,
        "AccessDeniedException",
        "The attestation document exceeded the five-minute age limit",
    ),
    refused(
        Outcome::AttestationRejected,
        Code::KmsAttestationMalformed,
        "ValidationException",
        "KMS cannot parse the attestation document",
    ),
    refused(
        Outcome::AttestationRejected,
        Code::KmsAttestationRejected,
        "AccessDeniedException",
        "The attestation document is not valid",
    ),
    refused(Outcome::KeyDisabled, Code::KmsKeyDisabled, "DisabledException", "disabled"),
    refused(
        Outcome::KeyPendingDeletion,
        Code::KmsKeyPendingDeletion,
        "KMSInvalidStateException",
        PENDING_DELETION,
    ),
    refused(
        Outcome::KeyPendingDeletion,
        Code::KmsKeyInvalidState,
        "KMSInvalidStateException",
        PENDING_IMPORT,
    ),
    refused(Outcome::BadResponse, Code::KmsNotFound, "NotFoundException", "no such key"),
    refused(Outcome::BadResponse, Code::KmsIncorrectKey, "IncorrectKeyException", "another key"),
    refused(Outcome::BadResponse, Code::KmsInvalidCiphertext, "InvalidCiphertextException", "altered"),
    refused(Outcome::BadResponse, Code::KmsValidation, "InvalidKeyUsageException", "signs only"),
    refused(Outcome::BadResponse, Code::KmsValidation, "ValidationException", "a constraint"),
    refused(Outcome::BadResponse, Code::KmsDryRunOperation, "DryRunOperationException", "not asked for"),
    refused(Outcome::AccessDenied, Code::KmsCredentialsRejected, "UnrecognizedClientException", "unknown"),
    refused(Outcome::AccessDenied, Code::KmsCredentialsRejected, "IncompleteSignature", "incomplete"),
    refused(Outcome::AccessDenied, Code::KmsCredentialsRejected, "MissingAuthenticationToken", "missing"),
    refused(Outcome::AccessDenied, Code::KmsCredentialsRejected, "InvalidSignatureException", "another one"),
    refused(Outcome::BadResponse, Code::KmsOther, "NeverHeardOfException", "new"),
    // Signed anew once, by a clock that is put right; there are no other credentials to do it with.
    refused(Outcome::AccessDenied, Code::KmsClockSkew, "InvalidSignatureException", SIGNATURE_EXPIRED)
        .tried(2, 2),
    refused(Outcome::AccessDenied, Code::KmsCredentialsExpired, "ExpiredTokenException", "expired"),
    // What passes, and here does not.
    passing(Outcome::Throttled, Code::KmsThrottled, 400, "ThrottlingException"),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 500, "KMSInternalException"),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 503, "DependencyTimeoutException"),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 500, "KeyUnavailableException"),
    passing(Outcome::Unreachable, Code::KmsUnavailable, 503, "ServiceUnavailable"),
    // A wait beyond the operation's time is not begun.
    Row {
        aws: Some("ThrottlingException"),
        ..row(Trouble::Plan(Fault::Throttling.retry_after("3600")), Outcome::Throttled, Code::KmsThrottled)
    },
    // The keys' own states.
    Row {
        aws: Some("DisabledException"),
        ..row(Trouble::Disabled, Outcome::KeyDisabled, Code::KmsKeyDisabled)
    },
    Row {
        aws: Some("KMSInvalidStateException"),
        ..row(Trouble::PendingDeletion, Outcome::KeyPendingDeletion, Code::KmsKeyPendingDeletion)
    },
    // What passes, and does.
    overcome(Trouble::Plan(Fault::Throttling.times(2)), 3, 3),
    overcome(Trouble::Plan(Fault::Throttling.times(2).retry_after("0")), 3, 3),
    overcome(Trouble::Plan(Fault::Throttling.times(1).retry_after("soon")), 2, 2),
    overcome(Trouble::Plan(Fault::InternalError.times(1)), 2, 2),
    overcome(Trouble::Plan(Fault::Html { status: 503 }.times(2)), 3, 3),
    overcome(Trouble::Plan(Fault::ResetInBody.times(1)), 2, 2).or(1, 2),
    overcome(Trouble::Plan(Fault::LongContentLength.times(2)), 3, 3),
    // A kept connection that was closed is no failure at all.
    overcome(Trouble::Plan(Fault::CloseConnection.times(1)), 1, 2),
    // KMS's clock against ours: half an hour, which no signature survives.
    overcome(Trouble::Clock(1800), 2, 1),
    overcome(Trouble::Clock(-1800), 2, 1),
];
