//! The roles and users that exist: whom key policies may name.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use pcrseal_policy::document::{Matching, PolicyDocument, PrincipalKind, Principals, Values};
use pcrseal_policy::names::{AccountId, Identity, PrincipalArn};

use super::{KmsError, random};

/// Roles and users. Accounts and their root users exist without being listed.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    known: RwLock<HashSet<PrincipalArn>>,
}

impl Identities {
    /// Makes a role or user exist.
    pub(crate) fn add(&self, arn: PrincipalArn) {
        if *arn.identity() != Identity::Root {
            self.known.write().unwrap_or_else(PoisonError::into_inner).insert(arn);
        }
    }

    /// Makes it exist no more; `false` where it did not.
    pub(crate) fn remove(&self, arn: &PrincipalArn) -> bool {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(arn)
    }

    /// Whether every principal of a key policy exists, in the key's partition.
    pub(crate) fn know_all(&self, principals: &Principals, partition: &str) -> bool {
        match principals {
            Principals::Everyone => true,
            Principals::Listed(listed) => listed.iter().all(|(kind, values)| {
                let exists = |value: &str| match kind {
                    PrincipalKind::Aws => self.know(value, partition),
                    // Nobody calls as one of these here, so that it does not matter who exists.
                    PrincipalKind::Service | PrincipalKind::Federated => !value.is_empty(),
                    PrincipalKind::CanonicalUser => false,
                };
                !values.as_slice().is_empty() && values.iter().all(exists)
            }),
        }
    }

    fn know(&self, value: &str, partition: &str) -> bool {
        if value == "*" || AccountId::new(value).is_ok() {
            return true;
        }
        let Ok(arn) = PrincipalArn::new(value) else { return false };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        arn.partition() == partition
            && match arn.identity() {
                Identity::Root | Identity::FederatedUser { .. } => true,
                Identity::Role { .. } | Identity::User { .. } => known.contains(&arn),
                Identity::AssumedRole { .. } => known.iter().any(|role| is_session_of(&arn, role)),
            }
    }
}

/// Writes a removed role's or user's unique id wherever a key policy names it as a principal, as AWS does: an
/// identity of the same name is another one. `true` where that changed anything.
pub(crate) fn forget(document: &mut PolicyDocument, removed: &PrincipalArn, unique_id: &str) -> bool {
    let mut changed = false;
    for statement in &mut document.statements {
        let Some(Matching::Is(principals) | Matching::IsNot(principals)) = &mut statement.principals else {
            continue;
        };
        for value in aws_values(principals) {
            let Ok(arn) = PrincipalArn::new(value) else { continue };
            let orphan = match arn.identity() {
                _ if arn == *removed => unique_id.to_owned(),
                Identity::AssumedRole { session, .. } if is_session_of(&arn, removed) => {
                    format!("{unique_id}:{session}")
                }
                _ => continue,
            };
            *value = orphan;
            changed = true;
        }
    }
    changed
}

fn aws_values(principals: &mut Principals) -> impl Iterator<Item = &mut String> {
    let listed = match principals {
        Principals::Everyone => &mut [],
        Principals::Listed(listed) => listed.as_mut_slice(),
    };
    listed.iter_mut().filter(|(kind, _)| *kind == PrincipalKind::Aws).flat_map(|(_, values)| match values {
        Values::One(value) => std::slice::from_mut(value),
        Values::Many(values) => values,
    })
}

fn is_session_of(session: &PrincipalArn, role: &PrincipalArn) -> bool {
    match (session.identity(), role.identity()) {
        (Identity::AssumedRole { name, .. }, Identity::Role { name: role_name, .. }) => {
            session.account() == role.account() && name == role_name
        }
        _ => false,
    }
}

/// `AROA…` for a role, `AIDA…` for a user (IAM user guide, "Understanding unique ID prefixes").
pub(crate) fn unique_id(identity: &Identity) -> Result<String, KmsError> {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let prefix = if matches!(identity, Identity::Role { .. }) { "AROA" } else { "AIDA" };
    let digit = |byte: u8| DIGITS.get(usize::from(byte & 31)).copied().map(char::from);
    let digits: String = random::<17>()?.into_iter().filter_map(digit).collect();
    Ok(format!("{prefix}{digits}"))
}
