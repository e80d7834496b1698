//! Condition keys: which there are, and what they ask about.

use pcrseal_core::pcr::PcrIndex;

/// What the names of attestation keys begin with, in lower case.
const PREFIX: &str = "kms:recipientattestation:";
/// Condition keys of KMS beside those on attestation, in lower case, without `kms:` (Service Authorization Reference,
/// "Condition keys for AWS Key Management Service").
const KMS_KEYS: [&str; 37] = [
    "bypasspolicylockoutsafetycheck",
    "calleraccount",
    "customermasterkeyspec",
    "customermasterkeyusage",
    "datakeypairspec",
    "encryptionalgorithm",
    "encryptioncontextkeys",
    "expirationmodel",
    "grantconstraintsourcearn",
    "grantconstrainttype",
    "grantisforawsresource",
    "grantoperations",
    "granteeprincipal",
    "granteeserviceprincipal",
    "keyagreementalgorithm",
    "keyorigin",
    "keyspec",
    "keyusage",
    "macalgorithm",
    "messagetype",
    "multiregion",
    "multiregionkeytype",
    "primaryregion",
    "reencryptonsamekey",
    "replicaregion",
    "requestalias",
    "resourcealiases",
    "retiringprincipal",
    "retiringserviceprincipal",
    "rotationperiodindays",
    "schedulekeydeletionpendingwindowindays",
    "signingalgorithm",
    "trailingdayswithoutkeyusage",
    "validto",
    "viaservice",
    "wrappingalgorithm",
    "wrappingkeyspec",
];

/// Keys that only requests by an AWS service on somebody's behalf have, in lower case.
pub(super) const SERVICE_KEYS: [&str; 6] = [
    "kms:viaservice",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:viaawsservice",
];

/// Keys about the network of the parent instance.
pub(super) const NETWORK_KEYS: [&str; 5] =
    ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce"];

/// What an attestation key asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    /// A PCR of an enclave; `ImageSha384` is PCR0.
    Pcr(PcrIndex),
    /// A PCR of a NitroTPM.
    NitroTpm(PcrIndex),
    /// There is no such key.
    Unknown,
}

/// What a condition key asks about; `None` if not about attestation.
pub(super) fn register(key: &str) -> Option<Register> {
    let key = key.to_lowercase();
    let name = key.strip_prefix(PREFIX)?;
    let index = |digits: &str| {
        let plain = digits == "0" || !digits.starts_with(['0', '+']);
        digits.parse::<u64>().ok().filter(|_| plain).and_then(|raw| PcrIndex::try_from(raw).ok())
    };
    let register = match (name, name.strip_prefix("nitrotpmpcr"), name.strip_prefix("pcr")) {
        ("imagesha384", ..) => index("0").map(Register::Pcr),
        (_, Some(digits), _) => index(digits).filter(|index| index.get() < 24).map(Register::NitroTpm),
        (_, _, Some(digits)) => index(digits).map(Register::Pcr),
        _ => None,
    };
    Some(register.unwrap_or(Register::Unknown))
}

/// Whether requests to KMS may have this condition key; of those of `aws:` it is taken for granted.
pub(super) fn is_known(key: &str) -> bool {
    let key = key.to_lowercase();
    match key.split_once(':') {
        Some(("kms", name)) => {
            let context = name.strip_prefix("encryptioncontext:");
            KMS_KEYS.contains(&name) || context.is_some_and(|own| !own.is_empty())
        }
        Some(("aws", name)) => !name.is_empty(),
        _ => false,
    }
}
