//! Grants (AWS KMS developer guide, "Grants in AWS KMS"; API reference, `GrantConstraints`).

use super::decision::Missing;
use super::principals::is_role_of;
use super::request::Request;
use super::truth::Truth;
use crate::actions::Action;
use crate::names::{Identity, PrincipalArn};

/// A grant for the key: it allows the grantee its operations, whatever key policy and IAM policies say, unless one of
/// them denies. It cannot demand an attestation document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whom it is given to.
    pub grantee: PrincipalArn,
    /// What it allows.
    pub operations: Vec<Action>,
    /// What it demands of the encryption context.
    pub constraint: Option<GrantConstraint>,
}

/// What a grant demands of the encryption context. Keys are not case-sensitive here, values are. It binds the
/// operations that take an encryption context; the others of the grant, such as `DescribeKey`, it does not touch. Of a
/// `CreateGrant`, it demands that the new grant asks for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantConstraint {
    /// The encryption context is just this.
    EncryptionContextEquals(Vec<(String, String)>),
    /// The encryption context holds this.
    EncryptionContextSubset(Vec<(String, String)>),
}

/// Whether the grant allows the request.
pub(super) fn allows(grant: &Grant, request: &Request, missing: &mut Vec<Missing>) -> Truth {
    if !grant.operations.contains(&request.action()) || !meets(grant.constraint.as_ref(), request) {
        return Truth::No;
    }
    let (grantee, caller) = (&grant.grantee, request.caller());
    if grantee == caller || is_role_of(grantee, caller) {
        return Truth::Yes;
    }
    if *grantee.identity() == Identity::Root && grantee.account() == caller.account() {
        missing.push(Missing::AccountGrantee);
        return Truth::Unknown;
    }
    Truth::No
}

fn meets(constraint: Option<&GrantConstraint>, request: &Request) -> bool {
    let Some(constraint) = constraint.filter(|_| request.action().carries_encryption_context()) else {
        return true;
    };
    let holds = |pairs: &[(String, String)], (key, value): &(String, String)| {
        let key = key.to_lowercase();
        pairs.iter().any(|(other, own)| own == value && other.to_lowercase() == key)
    };
    let within =
        |some: &[(String, String)], all: &[(String, String)]| some.iter().all(|pair| holds(all, pair));
    match constraint {
        GrantConstraint::EncryptionContextEquals(pairs) => {
            within(pairs, request.pairs()) && within(request.pairs(), pairs)
        }
        GrantConstraint::EncryptionContextSubset(pairs) => within(pairs, request.pairs()),
    }
}
