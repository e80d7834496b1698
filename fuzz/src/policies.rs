//! Input of the fuzz target `policy`: a key policy, and after a zero byte an IAM policy if there is one. And the
//! requests that it is asked about.

use pcrseal_core::error::Error;
use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Attestation, Grant, Request};
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{Hardened, Release, Template};

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

/// The rendered profiles, and a document with a bit of everything, beside an IAM policy.
pub fn seeds() -> Vec<(&'static str, String)> {
    let everything =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    let odd = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny",
        "NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/a"],"Service":"ec2.amazonaws.com"},
        "NotAction":["kms:Describe*"],"NotResource":"arn:aws:kms:*:111122223333:key/*","Condition":{
        "ForAnyValue:StringLikeIfExists":{"kms:EncryptionContextKeys":["pcrseal:*","${aws:PrincipalAccount}"]},
        "NumericLessThan":{"aws:MultiFactorAuthAge":[300,1.5]},"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},
        "NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","::1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/${aws:userid, 'x'}"},
        "Bool":{"aws:SecureTransport":true},"Null":{"kms:RecipientAttestation:ImageSha384":"true"},
        "BinaryEquals":{"kms:EncryptionContext:k":"AA=="}}},{"Effect":"Allow","Principal":"*","Remark":{}}]}"#;
    let rendered = rendered().expect("sound parameters");
    let mut seeds: Vec<_> =
        rendered.into_iter().map(|(name, text)| (name, format!("{text}\0{everything}"))).collect();
    seeds.push(("odd", format!("{odd}\0{everything}")));
    seeds
}

fn rendered() -> Result<Vec<(&'static str, String)>, Error> {
    let release = |byte| Release::enclave(Pcr::new([byte; 48]));
    let cluster = ClusterId::new("prod-us-east-1-mainnet")?;
    let administrator = PrincipalArn::new("arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin")?;
    let hardened = Hardened::new(
        account(),
        cluster.clone(),
        PrincipalArn::new(ROLE)?,
        vec![administrator],
        release(0x11)?,
    )?
    .previous(release(0x22)?)?;
    let template = Template::five_statement(account(), cluster, release(0x11)?)?.wrapping(Wrapping::Encrypt);
    Ok(vec![
        ("hardened", hardened.render()?.json()),
        ("hardened_encrypt", hardened.wrapping(Wrapping::Encrypt).render()?.json()),
        ("five_statement", template.render()?.json()),
    ])
}
