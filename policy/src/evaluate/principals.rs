//! Whom `Principal` and `NotPrincipal` mean (IAM user guide, "AWS JSON policy elements: Principal" and
//! "`NotPrincipal`").

use super::decision::Missing;
use super::truth::Truth;
use crate::document::Principals;
use crate::names::{AccountId, Identity, PrincipalArn};

/// How an element names a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Everybody is named.
    pub(super) everyone: bool,
    /// The caller's account is named.
    pub(super) account: bool,
    /// The caller itself is named.
    pub(super) own: Option<Own>,
}

/// How a caller itself is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Own {
    /// One session of a role, by its own ARN alone.
    Session,
    /// A user, a role, or every session of a role; of the root user, the account.
    Principal,
}

impl Named {
    /// How the element names the caller. Services, identity providers and canonical user ids are no IAM callers; a
    /// unique id (`AIDA…`) is what a deleted principal leaves; an asterisk inside an ARN is no wildcard here.
    pub(super) fn by(principals: &Principals, caller: &PrincipalArn) -> Self {
        let mut named = Self { everyone: principals.is_everyone(), ..Self::default() };
        for value in principals.aws_values() {
            match PrincipalArn::new(value) {
                Ok(principal) if *principal.identity() == Identity::Root => {
                    named.account |= principal.partition() == caller.partition()
                        && principal.account() == caller.account();
                }
                Ok(principal) => named.own = named.own.max(own(&principal, caller)),
                Err(_) => named.account |= AccountId::new(value).is_ok_and(|id| id == *caller.account()),
            }
        }
        if named.account && *caller.identity() == Identity::Root {
            named.own = Some(Own::Principal);
        }
        named
    }

    /// Whether a statement with these principals is about the caller, be it through the account.
    pub(super) fn concerns(self, negated: bool, missing: &mut Vec<Missing>) -> Truth {
        let in_any_way = self.everyone || self.account || self.own.is_some();
        if !negated {
            return in_any_way.into();
        }
        // "You must also specify the account ARN of the not-denied principal. Otherwise, the policy might deny access
        // to the entire account"; for a session, "the account first, then the role" may be looked at.
        let spared = self.everyone || self.account && self.own == Some(Own::Principal);
        if in_any_way && !spared {
            missing.push(Missing::NotPrincipal);
            return Truth::Unknown;
        }
        Truth::from(!spared)
    }
}

fn own(principal: &PrincipalArn, caller: &PrincipalArn) -> Option<Own> {
    if is_role_of(principal, caller) {
        return Some(Own::Principal);
    }
    let is_session = matches!(caller.identity(), Identity::AssumedRole { .. });
    (principal == caller).then_some(if is_session { Own::Session } else { Own::Principal })
}

/// Whether `principal` names the role whose session `caller` is. A session's ARN has no path, and a role's name is
/// unique in its account. Names in policies are case-sensitive (IAM user guide, "Create a role to give permissions to
/// an IAM user").
pub(super) fn is_role_of(principal: &PrincipalArn, caller: &PrincipalArn) -> bool {
    match (principal.identity(), caller.identity()) {
        (Identity::Role { name: role, .. }, Identity::AssumedRole { name, .. }) => {
            role == name
                && principal.account() == caller.account()
                && principal.partition() == caller.partition()
        }
        _ => false,
    }
}
