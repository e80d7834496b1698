//! What a person checks next when a key refused: one sentence per error code.
//!
//! AWS does not say which condition of a policy failed. What can be known here is the code, and the PCRs that were
//! measured: what the policy ought to name.

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write};

use crate::error::Code;
use crate::pcr::{Pcr, PcrIndex, PcrSet};

/// One sentence about what to check next after a key was refused with `code`, in an enclave that measured
/// `measured` (empty if that is not known); `None` if the code's own text says all there is to say.
///
/// It holds public data only: codes, PCR values, and names of the AWS API.
pub fn hint(code: Code, measured: &PcrSet) -> Option<String> {
    if measured.is_debug() && depends_on_pcrs(code) {
        return Some(String::from(DEBUG_MODE));
    }
    let sentence = match code {
        Code::KmsAccessDenied => format!(
            "check that a statement of the key policy allows this role the action with these \
             kms:EncryptionContext: values, and with kms:RecipientAttestation: values equal to the measured \
             ones{}, and that none denies it",
            Measured(measured)
        ),
        Code::KmsNoAllow => format!(
            "no statement with Effect Allow matched: compare its Principal with the role, its \
             kms:EncryptionContext: values with the blob's, and its kms:RecipientAttestation:ImageSha384 and \
             PCR values with the measured ones{}; where KMS speaks of an identity-based policy, the key policy leaves \
             it to the role's IAM policies, which must allow it too",
            Measured(measured)
        ),
        Code::KmsExplicitDeny => format!(
            "a statement with Effect Deny matched, and no Allow outweighs it: look for one whose \
             kms:RecipientAttestation: condition does not list the measured values{}, or whose \
             kms:EncryptionContext: condition does not list the blob's, in the key policy first, then in the \
             policies of the role and of the organization",
            Measured(measured)
        ),
        _ => plain(code)?.into(),
    };
    Some(sentence)
}

/// The same for an action that manages a key (`kms:DescribeKey`, `kms:DisableKey`): its request carries neither an
/// encryption context nor an attestation document, so that no PCR decides about it, and it has a quota of its own.
pub fn management_hint(code: Code, action: &str) -> Option<String> {
    Some(match code {
        code if depends_on_pcrs(code) => format!(
            "check that a statement of the key policy allows this role {action} without conditions on \
             kms:EncryptionContext: and kms:RecipientAttestation:, which this request has not, and that none \
             denies it"
        ),
        Code::KmsThrottled => format!(
            "the account is above its request rate for {action} in this region: look at it in Service Quotas \
             under AWS KMS, and ask about fewer keys at once"
        ),
        _ => plain(code)?.into(),
    })
}

/// Codes behind which a policy's PCR conditions may stand.
fn depends_on_pcrs(code: Code) -> bool {
    matches!(code, Code::KmsAccessDenied | Code::KmsNoAllow | Code::KmsExplicitDeny)
}

const DEBUG_MODE: &str = "this enclave runs in debug mode: its PCR0, PCR1 and PCR2 are zero, and no policy that names \
                          an image will match them; start it without --debug-mode";

/// The sentences that need no measurements.
fn plain(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::KmsAttestationRejected => {
            "KMS takes only a document that the Nitro Secure Module of an enclave signed, with an RSA public key \
             in it: check that this runs in a Nitro Enclave, in the partition of AWS that the key is in"
        }
        Code::KmsAttestationStale => {
            "make a fresh attestation document for every attempt and send it at once, for KMS takes none that is \
             older than five minutes: look for what held the request back on its way"
        }
        Code::KmsAttestationMalformed => {
            "send the attestation document as the Nitro Secure Module returned it, every byte and nothing around \
             it, with an RSA public key in SubjectPublicKeyInfo DER in it"
        }
        Code::KmsClockSkew => {
            "the clock that signed the request is more than five minutes off: take the time from the Nitro Secure \
             Module, or synchronize the clock of the parent instance if it comes from there"
        }
        Code::KmsCredentialsExpired => {
            "the temporary credentials are past their end: check that whatever feeds them to the enclave still \
             runs, and that it still receives new ones for the role"
        }
        Code::KmsCredentialsRejected => {
            "AWS does not know the access key or the session token, or the signature is not theirs: check that \
             the role still exists, that its credentials are of the key's partition, and that nothing on the way \
             rewrites the request"
        }
        Code::KmsKeyDisabled => {
            "find in CloudTrail who called DisableKey, perhaps to retire the key after a rotation; if it was not \
             meant, whoever the key policy allows kms:EnableKey can undo it"
        }
        Code::KmsKeyPendingDeletion => {
            "find in CloudTrail who called ScheduleKeyDeletion; until the waiting period ends kms:CancelKeyDeletion \
             undoes it, and leaves the key disabled, so that kms:EnableKey must follow"
        }
        Code::KmsKeyInvalidState => {
            "ask DescribeKey for the key's KeyState and Origin: keys with imported material or in a custom key \
             store fail when the material or the store is gone"
        }
        Code::KmsNotFound => {
            "no such key in this account and region: compare the ARN in the trust policy with the key, and check \
             that the endpoint and the vsock-proxy's port lead to the ARN's region"
        }
        Code::KmsIncorrectKey => {
            "this share was made under another key than the trust policy names at its position: check that the \
             blob and the trust policy are of the same cluster and generation"
        }
        Code::KmsInvalidCiphertext => {
            "the share's ciphertext was altered, or it was sealed with another EncryptionContext: check that the \
             blob is whole, and that it is the one of this cluster and generation"
        }
        Code::KmsThrottled => {
            "the account is above its quota \"Cryptographic operations (symmetric) request rate\" in this region: \
             look at it in Service Quotas under AWS KMS, at what else asks there, and restart fewer enclaves at \
             once or have it raised"
        }
        Code::KmsUnavailable => {
            "KMS could not serve the request for the moment: see the AWS Health Dashboard for the key's region if \
             it stays so"
        }
        Code::KmsConnect | Code::KmsConnectTimeout | Code::KmsTimeout => {
            "nothing answered at the key's region: check that the parent's vsock-proxy runs, with a port for this \
             region's endpoint and the endpoint in its allowlist"
        }
        Code::KmsTls => {
            "whoever answered did not prove to be KMS in the key's region: check that the vsock-proxy's port leads \
             to that region, and that nothing on the way ends TLS"
        }
        Code::KmsPlaintextBesideRecipient => {
            "what answers at this endpoint is not AWS KMS, which never sends a plaintext beside \
             CiphertextForRecipient: check the endpoint, and count the key's data as disclosed"
        }
        _ => return None,
    })
}

/// The measured values in brackets, named as condition keys name them; nothing if there are none.
struct Measured<'a>(&'a PcrSet);

impl fmt::Display for Measured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A register of zeros was never measured into; no policy should name it.
        let mut values = self.0.iter().filter(|&(_, value)| *value != Pcr::ZERO);
        let Some((index, value)) = values.next() else { return Ok(()) };
        write!(f, " ({}{value}", name(index))?;
        values.try_for_each(|(index, value)| write!(f, ", {}{value}", name(index)))?;
        f.write_char(')')
    }
}

fn name(index: PcrIndex) -> String {
    // ImageSha384 is another name of PCR0.
    if index.get() == 0 { "ImageSha384 and PCR0 ".into() } else { format!("{index} ") }
}
