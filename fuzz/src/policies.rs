//! Input of the fuzz target `policy`: a key policy, and after a zero byte an IAM policy if there is one. And the
//! requests that it is asked about.

use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Attestation, Grant, Request};
use pcrseal_policy::names::{AccountId, PrincipalArn};

/// The account of the key.
pub const ACCOUNT: &str = "111122223333";
/// The role that the seeds name.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// Callers of every kind.
const CALLERS: [&str; 6] = [
    ROLE,
    "arn:aws:sts::111122223333:assumed-role/ChamberEnclaveRole-prod-us-east-1-mainnet/i-0123456789abcdef0",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/path/one",
    "arn:aws:sts::111122223333:federated-user/one",
    "arn:aws:iam::444455556666:role/other",
];
const ACTIONS: [Action; 5] =
    [Action::Decrypt, Action::GenerateDataKey, Action::Encrypt, Action::PutKeyPolicy, Action::GenerateRandom];

/// An input, taken apart.
pub fn read(data: &[u8]) -> Option<(&str, Option<&str>)> {
    let text = std::str::from_utf8(data).ok()?;
    Some(match text.split_once('\0') {
        Some((key_policy, identity)) => (key_policy, Some(identity)),
        None => (text, None),
    })
}

pub fn account() -> AccountId {
    AccountId::new(ACCOUNT).expect("twelve digits")
}

/// The image that the seeds list: every PCR is of ones.
pub fn image() -> PcrSet {
    let mut pcrs = PcrSet::new();
    for index in PcrIndex::all().take(9) {
        pcrs.insert(index, Pcr::new([0x11; 48]));
    }
    pcrs
}

/// Every caller with every action, without a document and with both kinds.
pub fn requests() -> Vec<Request> {
    let key = KeyArn::new(KEY).expect("the ARN of a key");
    let documents = [None, Some(Attestation::Enclave(image())), Some(Attestation::NitroTpm(image()))];
    let context = [("pcrseal:v", "1"), ("pcrseal:cluster", "prod-us-east-1-mainnet")];
    let mut requests = Vec::new();
    for caller in CALLERS {
        let caller = PrincipalArn::new(caller).expect("a principal");
        for action in ACTIONS {
            for document in &documents {
                let request = Request::new(caller.clone(), action, Some(&key)).encryption_context(context);
                requests.push(match document {
                    Some(document) => request.attestation(document),
                    None => request,
                });
            }
        }
    }
    requests
}

/// A grant to the role that the seeds name.
pub fn grant() -> Grant {
    Grant {
        grantee: PrincipalArn::new(ROLE).expect("a role"),
        operations: vec![Action::Decrypt],
        constraint: None,
    }
}
