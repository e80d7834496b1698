//! What pairs are made of: callers, condition keys, and the values that requests and policies give them.

use pcrseal_policy::actions::Action;

use crate::known::DATES_IN_DIGITS;

/// The cluster of the rendered policies.
pub(crate) const CLUSTER: &str = "prod-eu-central-1-vault";

pub(crate) const ENCLAVE_ROLE: &str =
    "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-eu-central-1-vault";
pub(crate) const ADMINISTRATOR_ROLE: &str = "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin";
/// A role of another account.
pub(crate) const PARTNER_ROLE: &str = "arn:aws:iam::444455556666:role/Partner";
const ENCLAVE_SESSION: &str =
    "arn:aws:sts::111122223333:assumed-role/ChamberEnclaveRole-prod-eu-central-1-vault/i-0123456789abcdef0";
const ADMINISTRATOR_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ChamberKmsKeyAdmin/operator";

/// Who calls: those that rendered policies speak of come up more often.
pub(crate) const CALLERS: &[&str] = &[
    ENCLAVE_SESSION,
    ENCLAVE_SESSION,
    ENCLAVE_SESSION,
    ADMINISTRATOR_SESSION,
    ADMINISTRATOR_SESSION,
    "arn:aws:sts::111122223333:assumed-role/Batch/job",
    "arn:aws:iam::111122223333:role/service/Batch",
    "arn:aws:iam::111122223333:user/Auditor",
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:federated-user/Auditor",
    "arn:aws:sts::444455556666:assumed-role/Partner/s1",
    "arn:aws:sts::444455556666:assumed-role/Partner/s1",
    "arn:aws:iam::444455556666:user/Guest",
    "arn:aws:iam::444455556666:root",
];

/// What `Principal` may name under `AWS`, besides the caller.
pub(crate) const PRINCIPALS: &[&str] = &[
    "*",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:root",
    "111122223333",
    "arn:aws:iam::444455556666:root",
    "444455556666",
    ENCLAVE_ROLE,
    ENCLAVE_SESSION,
    ADMINISTRATOR_ROLE,
    ADMINISTRATOR_SESSION,
    "arn:aws:iam::111122223333:role/service/Batch",
    "arn:aws:iam::111122223333:role/Batch",
    "arn:aws:iam::111122223333:role/chamberkmskeyadmin",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::111122223333:user/Auditor",
    "arn:aws:iam::111122223333:user/auditor",
    "arn:aws:iam::444455556666:role/Partner",
    "arn:aws:iam::444455556666:user/Guest",
    "arn:aws-cn:iam::111122223333:role/ChamberKmsKeyAdmin",
    "AROAEXAMPLEROLEID1234",
];

/// Actions of requests. Those that an enclave uses come up more often.
pub(crate) const ACTIONS: &[Action] = &[
    Action::Decrypt,
    Action::Decrypt,
    Action::Decrypt,
    Action::Decrypt,
    Action::GenerateDataKey,
    Action::GenerateDataKey,
    Action::GenerateDataKey,
    Action::Encrypt,
    Action::Encrypt,
    Action::GenerateDataKeyWithoutPlaintext,
    Action::GenerateDataKeyPair,
    Action::GenerateDataKeyPairWithoutPlaintext,
    Action::DeriveSharedSecret,
    Action::ReEncryptFrom,
    Action::ReEncryptTo,
    Action::CreateGrant,
    Action::PutKeyPolicy,
    Action::PutKeyPolicy,
    Action::GetKeyPolicy,
    Action::DescribeKey,
    Action::DisableKey,
    Action::ScheduleKeyDeletion,
    Action::CancelKeyDeletion,
    Action::ReplicateKey,
    Action::TagResource,
];

/// Patterns of `Action` and `NotAction`.
pub(crate) const ACTION_PATTERNS: &[&str] = &[
    "*",
    "kms:*",
    "kms:*",
    "kms:Decrypt",
    "KMS:decrypt",
    "kms:?ecrypt",
    "kms:Encrypt",
    "kms:*crypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKey*",
    "kms:Generate*Plaintext",
    "kms:ReEncrypt*",
    "kms:Derive*",
    "kms:Create*",
    "kms:CreateGrant",
    "kms:Put*",
    "kms:PutKeyPolicy",
    "kms:Get*",
    "kms:DescribeKey",
    "kms:Disable*",
    "kms:ScheduleKeyDeletion",
    "kms:*KeyDeletion",
    "kms:TagResource",
    "s3:GetObject",
];

/// Patterns of `Resource` and `NotResource`.
pub(crate) const RESOURCES: &[&str] = &[
    "*",
    "*",
    "*",
    "*",
    "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:eu-central-1:111122223333:key/*",
    "arn:aws:kms:*:111122223333:key/1234abcd-*",
    "arn:aws:kms:eu-*-1:*:key/????abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:key/*",
    "arn:aws:kms:eu-central-1:444455556666:key/*",
    "arn:aws:kms:eu-central-1:111122223333:key/1234ABCD-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:eu-central-1:111122223333:alias/vault",
    "arn:aws:s3:::*",
];

/// What a condition key's values are, which says what compares them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Arn,
    Number,
    Date,
    Bool,
    Ip,
    /// Texts: a key with several values.
    List,
}

/// A condition key, with values that a policy may compare it with besides the request's own.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) values: &'static [&'static str],
}

const fn key(name: &'static str, kind: Kind, values: &'static [&'static str]) -> Key {
    Key { name, kind, values }
}

pub(crate) const HASHES: &[&str] = &[CURRENT, PREVIOUS, OTHER, DEBUG];
pub(crate) const CURRENT: &str =
    "1f2e3d4c5b6a79880716253443526170f0e1d2c3b4a5968778695a4b3c2d1e0f1f2e3d4c5b6a79880716253443526170";
pub(crate) const PREVIOUS: &str =
    "a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f";
const OTHER: &str =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const DEBUG: &str =
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";
const HASH_VALUES: &[&str] = &[CURRENT, PREVIOUS, OTHER, DEBUG, "1F2E*", "0x1f2e", "????????", "", "*"];

pub(crate) const KEYS: &[Key] = &[
    key("kms:RecipientAttestation:ImageSha384", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:ImageSha384", Kind::Text, HASH_VALUES),
    key("kms:recipientattestation:imagesha384", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:PCR0", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:PCR2", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:PCR8", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:PCRs", Kind::Text, HASH_VALUES),
    key("kms:RecipientAttestation:NitroTPMPCR4", Kind::Text, HASH_VALUES),
    key("kms:EncryptionContext:pcrseal:cluster", Kind::Text, &[CLUSTER, "prod-*", "*-vault", "test"]),
    key("kms:EncryptionContext:PCRSEAL:Cluster", Kind::Text, &[CLUSTER, "PROD-EU-CENTRAL-1-VAULT"]),
    key("kms:EncryptionContext:pcrseal:generation", Kind::Text, &["7", "8", "?", "1*"]),
    key("kms:EncryptionContext:pcrseal:share", Kind::Text, &["2/5", "?/5", "*"]),
    key("kms:EncryptionContext:team", Kind::Text, SPECIAL),
    key("kms:EncryptionContext:team", Kind::Text, SPECIAL),
    key("kms:EncryptionContextKeys", Kind::List, CONTEXT_NAMES),
    key("kms:EncryptionContextKeys", Kind::List, CONTEXT_NAMES),
    key("kms:CallerAccount", Kind::Text, &["111122223333", "444455556666", "1111*"]),
    key("kms:ViaService", Kind::Text, &["s3.eu-central-1.amazonaws.com", "*.amazonaws.com"]),
    key("kms:KeySpec", Kind::Text, &["SYMMETRIC_DEFAULT", "ECC_NIST_P384", "symmetric_default"]),
    key("kms:KeyOrigin", Kind::Text, &["AWS_KMS", "EXTERNAL", "AWS_*"]),
    key("kms:MultiRegion", Kind::Bool, &["true", "false", "True", "yes"]),
    key("kms:ResourceAliases", Kind::List, &["alias/vault", "alias/*", "alias/other"]),
    key("kms:GrantOperations", Kind::List, &["Decrypt", "Encrypt", "GenerateDataKey"]),
    key("kms:BypassPolicyLockoutSafetyCheck", Kind::Bool, &["true", "false"]),
    key("kms:ScheduleKeyDeletionPendingWindowInDays", Kind::Number, &["7", "30", "14.5", "07", "week"]),
    key("aws:MultiFactorAuthAge", Kind::Number, &["0", "300", "3600", "299.5", "-1", "never"]),
    key("aws:MultiFactorAuthAge", Kind::Number, &["0", "300", "3600", "299.5", "-1", "never"]),
    key("aws:MultiFactorAuthPresent", Kind::Bool, &["true", "false"]),
    key("aws:SecureTransport", Kind::Bool, &["true", "false", "FALSE", "1"]),
    key("aws:PrincipalArn", Kind::Arn, PRINCIPAL_PATTERNS),
    key("aws:PrincipalArn", Kind::Arn, PRINCIPAL_PATTERNS),
    key("aws:PrincipalAccount", Kind::Text, &["111122223333", "444455556666"]),
    key("aws:SourceArn", Kind::Arn, &["arn:aws:s3:::*", "arn:aws:*:*:111122223333:*"]),
    key("aws:SourceIp", Kind::Ip, ADDRESSES),
    key("aws:SourceIp", Kind::Ip, ADDRESSES),
    key("aws:SourceIp", Kind::Ip, ADDRESSES),
    key("aws:CurrentTime", Kind::Date, DATES),
    key("aws:CurrentTime", Kind::Date, DATES),
    key("aws:PrincipalTag/team", Kind::Text, &["crypto", "c*", "Crypto"]),
];

const SPECIAL: &[&str] = &[
    "crypto",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/team}",
    "${*}",
    "a${?}c",
    "${$}x",
    "a?c",
    "a*c",
];

pub(crate) const CONTEXT_NAMES: &[&str] = &[
    "pcrseal:cluster",
    "pcrseal:generation",
    "pcrseal:share",
    "team",
    "pcrseal:*",
    "PCRSEAL:CLUSTER",
    "other",
];

const PRINCIPAL_PATTERNS: &[&str] = &[
    ENCLAVE_ROLE,
    ADMINISTRATOR_ROLE,
    "arn:aws:iam::111122223333:role/ChamberEnclaveRole-*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::*:role/*",
    "arn:*:iam::444455556666:*",
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:assumed-role/*",
    "ChamberKmsKeyAdmin",
    "*",
];

const ADDRESSES: &[&str] = &[
    "10.1.2.3",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "128.0.0.0/1",
    "192.0.2.0/28",
    "203.0.113.7",
    "2001:db8:1::/48",
    "2001:db8::/32",
    "::/0",
    "0.0.0.0/0",
    "0.0.0.0/0",
    "10.1.2.300",
    "10.1.2.0/33",
    "intranet",
];

const DATES: &[&str] = &[
    DATES_IN_DIGITS[0].0,
    DATES_IN_DIGITS[1].0,
    DATES_IN_DIGITS[2].0,
    DATES_IN_DIGITS[3].0,
    "2026-01-01T00:00:00Z",
    "2026-06-30T12:00:00Z",
    "2026-06-30T12:00:01Z",
    "2026-06-30T14:00:00+02:00",
    "2026-06-30",
    "2027-01-01",
    "2026-06",
    "2026-06-30T12:00Z",
    "2025-12-31T23:59:59.500Z",
    "tomorrow",
];
