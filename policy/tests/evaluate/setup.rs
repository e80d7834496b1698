//! What the cases share: a key, some callers, and policies from their statements.

use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::evaluate::{
    Attestation, ContextValue, Decision, Evaluation, Grant, Policies, Request, evaluate,
};
use pcrseal_policy::names::{AccountId, PrincipalArn};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) const ROOT: &str = "arn:aws:iam::111122223333:root";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/data-processing";
pub(crate) const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/data-processing/i-0123456789abcdef0";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/Bob";
pub(crate) const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/Bob";
pub(crate) const FOREIGN_ROOT: &str = "arn:aws:iam::444455556666:root";
pub(crate) const FOREIGN_ROLE: &str = "arn:aws:iam::444455556666:role/partner";

/// Policies and grants around the key.
pub(crate) struct World {
    pub(crate) key_policy: PolicyDocument,
    pub(crate) identity: Vec<PolicyDocument>,
    pub(crate) grants: Vec<Grant>,
}

impl World {
    /// A key policy of version 2012-10-17 with these statements, comma-separated.
    pub(crate) fn new(statements: &str) -> Self {
        Self { key_policy: policy(statements), identity: Vec::new(), grants: Vec::new() }
    }

    /// One IAM policy more.
    pub(crate) fn iam(mut self, statements: &str) -> Self {
        self.identity.push(policy(statements));
        self
    }

    pub(crate) fn grant(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }

    pub(crate) fn ask(&self, request: &Request) -> Evaluation {
        let account = AccountId::new(ACCOUNT).unwrap();
        let policies = Policies {
            key_account: &account,
            key_policy: &self.key_policy,
            identity: &self.identity,
            grants: &self.grants,
        };
        evaluate(&policies, request)
    }

    /// The decision on a plain `kms:Decrypt`.
    pub(crate) fn decrypt(&self, caller: &str) -> Decision {
        self.ask(&request(caller, Action::Decrypt)).decision
    }
}

/// A policy of version 2012-10-17.
pub(crate) fn policy(statements: &str) -> PolicyDocument {
    versioned("2012-10-17", statements)
}

pub(crate) fn versioned(version: &str, statements: &str) -> PolicyDocument {
    let text = format!(r#"{{"Version":"{version}","Statement":[{statements}]}}"#);
    PolicyDocument::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A statement of a key policy about `kms:Decrypt`: its Sid, its effect, whom it names under `AWS`.
pub(crate) fn decrypt(sid: &str, effect: &str, principal: &str) -> String {
    format!(
        r#"{{"Sid":"{sid}","Effect":"{effect}","Principal":{{"AWS":"{principal}"}},
            "Action":"kms:Decrypt","Resource":"*"}}"#
    )
}

/// A statement of an IAM policy about `kms:Decrypt`.
pub(crate) fn iam_decrypt(sid: &str, effect: &str) -> String {
    format!(r#"{{"Sid":"{sid}","Effect":"{effect}","Action":"kms:Decrypt","Resource":"*"}}"#)
}

pub(crate) fn caller(arn: &str) -> PrincipalArn {
    PrincipalArn::new(arn).unwrap()
}

pub(crate) fn key() -> KeyArn {
    KeyArn::new(KEY).unwrap()
}

pub(crate) fn request(arn: &str, action: Action) -> Request {
    Request::new(caller(arn), action, Some(&key()))
}

/// The Sids of the statements that decided.
pub(crate) fn sids(evaluation: &Evaluation) -> Vec<&str> {
    evaluation.statements.iter().map(|place| place.sid.as_deref().unwrap_or("none")).collect()
}

pub(crate) fn one(value: &str) -> ContextValue {
    ContextValue::One(value.into())
}

pub(crate) fn many(values: &[&str]) -> ContextValue {
    ContextValue::Many(values.iter().map(|&value| value.into()).collect())
}

/// An enclave whose PCR0 is this byte 48 times.
pub(crate) fn enclave(byte: u8) -> Attestation {
    Attestation::Enclave(pcrs(&[(0, byte)]))
}

pub(crate) fn pcrs(values: &[(u64, u8)]) -> PcrSet {
    values.iter().map(|&(index, byte)| (PcrIndex::try_from(index).unwrap(), Pcr::new([byte; 48]))).collect()
}

/// Whether a condition holds, in an Allow for everybody; `None` if that cannot be decided. The values are JSON.
pub(crate) fn holds(
    operator: &str,
    key: &str,
    values: &str,
    context: &[(&str, ContextValue)],
) -> Option<bool> {
    let world = World::new(&conditional(operator, key, values));
    let request = context
        .iter()
        .fold(request(ROLE, Action::Decrypt), |request, (key, value)| request.context(key, value.clone()));
    decided(world.ask(&request).decision)
}

pub(crate) fn conditional(operator: &str, key: &str, values: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
            "Condition":{{"{operator}":{{"{key}":{values}}}}}}}"#
    )
}

pub(crate) fn decided(decision: Decision) -> Option<bool> {
    match decision {
        Decision::Allow => Some(true),
        Decision::ImplicitDeny => Some(false),
        Decision::Undecided => None,
        Decision::ExplicitDeny => panic!("nothing denies"),
    }
}
