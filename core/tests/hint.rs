//! What a person is told to check: one sentence for each code that KMS refuses with, true of the code and of the
//! measured PCRs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal_core::error::Code;
use pcrseal_core::hint::{hint, management_hint};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

fn index(number: u64) -> PcrIndex {
    PcrIndex::try_from(number).unwrap()
}

fn measured(values: &[(u64, u8)]) -> PcrSet {
    values.iter().map(|&(number, byte)| (index(number), Pcr::new([byte; 48]))).collect()
}

fn production() -> PcrSet {
    measured(&[(0, 0xa0), (1, 0xa1), (2, 0xa2), (3, 0xa3), (4, 0), (8, 0)])
}

fn debug() -> PcrSet {
    measured(&[(0, 0), (1, 0), (2, 0), (3, 0xa3), (4, 0xa4)])
}

const POLICY: [Code; 3] = [Code::KmsAccessDenied, Code::KmsNoAllow, Code::KmsExplicitDeny];

#[test]
fn each_code_has_a_sentence_that_says_where_to_look() {
    for (code, words) in [
        (Code::KmsAccessDenied, &["allows this role", "kms:RecipientAttestation:", "none denies"][..]),
        (
            Code::KmsNoAllow,
            &["Effect Allow", "kms:RecipientAttestation:ImageSha384", "Principal", "IAM policies"],
        ),
        (
            Code::KmsExplicitDeny,
            &["Effect Deny", "kms:RecipientAttestation:", "kms:EncryptionContext:", "organization"],
        ),
        (Code::KmsAttestationRejected, &["Nitro Secure Module", "RSA"]),
        (Code::KmsAttestationStale, &["fresh attestation document", "five minutes"]),
        (Code::KmsAttestationMalformed, &["every byte", "SubjectPublicKeyInfo"]),
        (Code::KmsClockSkew, &["clock", "five minutes"]),
        (Code::KmsCredentialsExpired, &["credentials", "feeds"]),
        (Code::KmsCredentialsRejected, &["access key", "session token"]),
        (Code::KmsKeyDisabled, &["DisableKey", "kms:EnableKey"]),
        (Code::KmsKeyPendingDeletion, &["ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:EnableKey"]),
        (Code::KmsKeyInvalidState, &["KeyState", "Origin"]),
        (Code::KmsNotFound, &["account and region", "ARN"]),
        (Code::KmsIncorrectKey, &["another key", "cluster and generation"]),
        (Code::KmsInvalidCiphertext, &["altered", "EncryptionContext", "cluster and generation"]),
        (Code::KmsThrottled, &["Cryptographic operations (symmetric) request rate", "Service Quotas"]),
        (Code::KmsUnavailable, &["AWS Health Dashboard"]),
        (Code::KmsConnect, &["vsock-proxy", "allowlist"]),
        (Code::KmsConnectTimeout, &["vsock-proxy", "allowlist"]),
        (Code::KmsTimeout, &["vsock-proxy", "allowlist"]),
        (Code::KmsTls, &["vsock-proxy", "TLS"]),
        (Code::KmsPlaintextBesideRecipient, &["not AWS KMS", "disclosed"]),
    ] {
        for set in [PcrSet::new(), production()] {
            let sentence = hint(code, &set).unwrap_or_else(|| panic!("{code}"));
            for words in words {
                assert!(sentence.contains(words), "{code}: {sentence}");
            }
            assert!(!sentence.contains("debug mode"), "{code}: {sentence}");
            // One sentence, and nothing that a log line could break at.
            assert!(!sentence.ends_with('.') && !sentence.contains(". "), "{code}: {sentence}");
            assert!(sentence.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{sentence}");
            assert!(!sentence.contains("  "), "{code}: {sentence}");
        }
    }
    for code in [Code::KmsOther, Code::KmsValidation, Code::KmsDryRunOperation, Code::Rejected] {
        assert_eq!(hint(code, &production()), None);
    }
}

#[test]
fn what_a_policy_ought_to_name_is_shown_as_policies_write_it() {
    let values = format!(
        " (ImageSha384 and PCR0 {}, PCR1 {}, PCR2 {}, PCR3 {})",
        "a0".repeat(48),
        "a1".repeat(48),
        "a2".repeat(48),
        "a3".repeat(48)
    );
    for code in POLICY {
        let sentence = hint(code, &production()).unwrap();
        // Registers of zeros are left out.
        assert!(sentence.contains(&values), "{sentence}");
        assert!(!hint(code, &PcrSet::new()).unwrap().contains('('));
        assert!(!hint(code, &measured(&[(8, 0)])).unwrap().contains('('));
    }
}

#[test]
fn debug_mode_is_named_where_a_policy_refused_and_nowhere_else() {
    for code in POLICY {
        let sentence = hint(code, &debug()).unwrap();
        assert!(sentence.starts_with("this enclave runs in debug mode: its PCR0, PCR1 and PCR2 are zero"));
    }
    for code in [Code::KmsKeyDisabled, Code::KmsThrottled, Code::KmsClockSkew, Code::KmsAttestationStale] {
        assert_eq!(hint(code, &debug()), hint(code, &production()), "{code}");
    }
}

#[test]
fn no_measurement_is_blamed_for_what_no_measurement_decides() {
    for code in POLICY {
        let sentence = management_hint(code, "kms:DisableKey").unwrap();
        assert!(sentence.contains("allows this role kms:DisableKey without conditions"), "{sentence}");
        assert!(!sentence.contains("debug mode") && !sentence.contains("measured"), "{sentence}");
    }
    let throttled = management_hint(Code::KmsThrottled, "kms:DisableKey").unwrap();
    assert!(throttled.contains("request rate for kms:DisableKey"), "{throttled}");
    for code in [Code::KmsKeyDisabled, Code::KmsTimeout, Code::KmsCredentialsExpired, Code::KmsOther] {
        assert_eq!(management_hint(code, "kms:DisableKey"), hint(code, &production()), "{code}");
    }
}
