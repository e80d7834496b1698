//! Whom `Principal` and `NotPrincipal` mean (IAM user guide, "AWS JSON policy elements: Principal" and
//! "`NotPrincipal`").

use super::decision::Missing;
use super::truth::Truth;
use crate::document::Principals;
use crate::names::{AccountId, Identity, PrincipalArn};

/// How an element names a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The caller's account is named.
    account: bool,
    /// The caller itself is named, or of a session the role.
    own: bool,
    /// The caller is a session, and named as one.
    session: bool,
}

impl Named {
    /// How the element names the caller. Services, identity providers and canonical user ids are no IAM callers; a
    /// unique id (`AIDA…`) is what a deleted principal leaves; an asterisk inside an ARN is no wildcard here.
    pub(super) fn by(principals: &Principals, caller: &PrincipalArn) -> Self {
        // Who names everybody names the caller in every way.
        let everyone = principals.is_everyone();
        let mut named = Self { account: everyone, own: everyone, session: everyone };
        for value in principals.aws_values() {
            match PrincipalArn::new(value) {
                Ok(principal) if *principal.identity() == Identity::Root => {
                    named.account |= principal.partition() == caller.partition()
                        && principal.account() == caller.account();
                }
                Ok(principal) if is_role_of(&principal, caller) => named.own = true,
                Ok(principal) if principal == *caller => match caller.identity() {
                    Identity::AssumedRole { .. } => named.session = true,
                    _ => named.own = true,
                },
                Ok(_) => {}
                Err(_) => named.account |= AccountId::new(value).is_ok_and(|id| id == *caller.account()),
            }
        }
        named.own |= named.account && *caller.identity() == Identity::Root;
        named
    }

    /// Whether the caller is named, and not through its account.
    pub(super) const fn directly(self) -> bool {
        self.own || self.session
    }

    /// Whether a statement with these principals is about the caller, be it through the account.
    pub(super) fn concerns(self, negated: bool, caller: &PrincipalArn, missing: &mut Vec<Missing>) -> Truth {
        let in_any_way = self.account || self.directly();
        if !negated {
            return in_any_way.into();
        }
        // "You must also specify the account ARN of the not-denied principal. Otherwise, the policy might deny access
        // to the entire account"; for a role at work, AWS's example lists the session, its role and the account.
        let at_work = matches!(caller.identity(), Identity::Role { .. } | Identity::AssumedRole { .. });
        let spared = self.account && self.own && (self.session || !at_work);
        if in_any_way && !spared {
            missing.push(Missing::NotPrincipal);
            return Truth::Unknown;
        }
        Truth::from(!spared)
    }
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
