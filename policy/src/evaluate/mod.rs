//! What policies say to a request: allowed, denied, and by which statement.
//!
//! The rules are AWS's (IAM user guide, "Policy evaluation logic"; AWS KMS developer guide, "Policy evaluation" and
//! "Key policies"):
//!
//! - A matching Deny in the key policy or in a policy of the caller decides, whatever else there is.
//! - Within the key's account, an Allow of the key policy that names the caller or everybody is enough. An Allow that
//!   names the account makes the account's IAM policies count, for what that statement covers; without one they give
//!   nothing. For the root user, who has no IAM policies, it is enough.
//! - For a caller of another account, the key policy must allow the caller or its account, and an IAM policy of the
//!   caller too; and the action must be one that works across accounts.
//! - A grant allows its grantee its operations.
//! - Requests that use no key are for the caller's IAM policies alone; the root user may make them.
//!
//! What is not known is never guessed: a statement matches, does not, or cannot be decided, and so the decision may be
//! [`Decision::Undecided`], with what would have to be known.
//!
//! Service and resource control policies, permissions boundaries, session policies and VPC endpoint policies are no
//! input: they can only take away. The right to retire a grant that the grant itself gives is not looked at, nor are
//! the members of a statement that the policy language does not have: AWS refuses such a policy.
//!
//! ```
//! use pcrseal_policy::actions::Action;
//! use pcrseal_policy::document::PolicyDocument;
//! use pcrseal_policy::evaluate::{Decision, Policies, Request, evaluate};
//! use pcrseal_policy::names::{AccountId, PrincipalArn};
//!
//! let key_policy = PolicyDocument::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {
//!         "Sid": "OnlyEnclaves", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
//!         "Condition": {"Null": {"kms:RecipientAttestation:ImageSha384": "true"}}}}"#,
//! )?;
//! let account = AccountId::new("111122223333")?;
//! let policies = Policies { key_account: &account, key_policy: &key_policy, identity: &[], grants: &[] };
//! let caller = PrincipalArn::new("arn:aws:iam::111122223333:role/data-processing")?;
//!
//! let evaluation = evaluate(&policies, &Request::new(caller, Action::Decrypt, None));
//! assert_eq!(evaluation.decision, Decision::ExplicitDeny);
//! assert_eq!(evaluation.statements[0].to_string(), "key policy OnlyEnclaves");
//! # Ok::<(), pcrseal_core::error::Error>(())
//! ```

mod condition;
mod decision;
mod grants;
mod matrix;
mod operators;
mod patterns;
mod principals;
mod request;
mod statement;
mod truth;
mod values;
mod variables;

pub use decision::{Decision, Evaluation, Missing, PolicyType, Source, StatementRef, Unresolved};
pub use grants::{Grant, GrantConstraint};
pub use matrix::{Candidate, Cell, Image, Matrix, Question, Row, who_can};
pub(crate) use request::is_in_every_request;
pub use request::{Attestation, ContextValue, Request};
pub(crate) use statement::is_action;
pub(crate) use values::moment;

use std::collections::HashSet;

use self::principals::Named;
use self::truth::Truth;
use self::variables::Reader;
use crate::actions::Action;
use crate::document::{Effect, PolicyDocument, Statement};
use crate::names::{AccountId, Identity};

/// What decides on a request.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'a> {
    /// The account that the key belongs to.
    pub key_account: &'a AccountId,
    /// The key's policy.
    pub key_policy: &'a PolicyDocument,
    /// The caller's IAM policies: of its role, or of the user and its groups.
    pub identity: &'a [PolicyDocument],
    /// The key's grants.
    pub grants: &'a [Grant],
}

/// What the policies say to the request.
pub fn evaluate(policies: &Policies<'_>, request: &Request) -> Evaluation {
    let mut found = Found::default();
    if request.action().is_on_key() {
        for (index, statement) in policies.key_policy.statements.iter().enumerate() {
            found.key_statement(policies.key_policy, index, statement, request);
        }
        for (position, grant) in policies.grants.iter().enumerate() {
            let place = StatementRef { source: Source::Grant(position), index: 0, sid: None };
            let mut missing = Vec::new();
            let truth = grants::allows(grant, request, &mut missing);
            found.add(Part::Grants, place, truth, missing);
        }
    }
    for (position, policy) in policies.identity.iter().enumerate() {
        for (index, statement) in policy.statements.iter().enumerate() {
            let place = StatementRef::of(Source::Identity(position), index, statement);
            let mut missing = Vec::new();
            let reader = Reader { request, version: policy.effective_version() };
            let truth = statement::matches(statement, reader, &mut missing);
            let part = if statement.effect == Effect::Deny { Part::Deny } else { Part::Identity };
            found.add(part, place, truth, missing);
        }
    }
    found.decide(policies, request)
}

/// What a statement that matches does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Denies.
    Deny,
    /// Allows, as a statement of the key policy that names the caller or everybody.
    Direct,
    /// Lets the account's IAM policies allow, as a statement of the key policy.
    Delegation,
    /// Allows, as a statement of an IAM policy.
    Identity,
    /// Allows, as a grant.
    Grants,
}

/// The statements that match or may match.
#[derive(Default)]
struct Found {
    matching: Vec<(Part, StatementRef)>,
    undecided: Vec<Part>,
    unresolved: Vec<Unresolved>,
}

impl Found {
    fn key_statement(
        &mut self,
        policy: &PolicyDocument,
        index: usize,
        statement: &Statement,
        request: &Request,
    ) {
        let Some(principals) = &statement.principals else { return };
        let caller = request.caller();
        let named = Named::by(principals.listed(), caller);
        let mut missing = Vec::new();
        let concerned = named.concerns(principals.is_negated(), caller, &mut missing);
        if concerned == Truth::No {
            return;
        }
        let reader = Reader { request, version: policy.effective_version() };
        let truth = concerned.and(statement::matches(statement, reader, &mut missing));
        let part = match statement.effect {
            Effect::Deny => Part::Deny,
            // Whoever is not listed by NotPrincipal is meant as everybody is.
            Effect::Allow if principals.is_negated() || named.directly() => Part::Direct,
            Effect::Allow => Part::Delegation,
        };
        let place = StatementRef::of(Source::KeyPolicy, index, statement);
        self.add(part, place, truth, missing);
    }

    fn add(&mut self, part: Part, place: StatementRef, truth: Truth, missing: Vec<Missing>) {
        match truth {
            Truth::No => {}
            Truth::Yes => self.matching.push((part, place)),
            Truth::Unknown => {
                self.undecided.push(part);
                // A variable may stand in a statement more than once.
                let mut seen = HashSet::new();
                let once = missing.into_iter().filter(|missing| seen.insert(missing.clone()));
                let unresolved = |missing| Unresolved { statement: place.clone(), missing };
                self.unresolved.extend(once.map(unresolved));
            }
        }
    }

    fn truth(&self, part: Part) -> Truth {
        if self.matching.iter().any(|(own, _)| *own == part) {
            Truth::Yes
        } else if self.undecided.contains(&part) {
            Truth::Unknown
        } else {
            Truth::No
        }
    }

    fn decide(self, policies: &Policies<'_>, request: &Request) -> Evaluation {
        let caller = request.caller();
        let on_key = request.action().is_on_key();
        let same_account = caller.account() == policies.key_account;
        let works = !on_key || same_account || request.action().works_across_accounts();
        let (direct, delegation) = (self.truth(Part::Direct), self.truth(Part::Delegation));
        // Everything is "implicitly denied with the exception of the AWS account root user".
        let is_root = *caller.identity() == Identity::Root;
        let identity = self.truth(Part::Identity).or(is_root.into());
        // What lets IAM policies count.
        let basis = match (on_key, same_account) {
            (false, _) => Truth::Yes,
            (true, true) => delegation,
            (true, false) => direct.or(delegation),
        };
        let through_identity = basis.and(identity);
        let alone = if same_account { direct } else { Truth::No };
        // To retire a grant "is determined primarily by the grant. A policy alone cannot allow access to this operation"
        // (AWS KMS developer guide, "Permissions reference").
        let by_policies = alone.or(through_identity).and((request.action() != Action::RetireGrant).into());
        let allowed = by_policies.or(self.truth(Part::Grants)).and(works.into());
        let denied = self.truth(Part::Deny);

        let decision = match (denied, allowed) {
            (Truth::Yes, _) => Decision::ExplicitDeny,
            (_, Truth::No) => Decision::ImplicitDeny,
            (Truth::No, Truth::Yes) => Decision::Allow,
            _ => Decision::Undecided,
        };
        let decides = |part| match (decision, part) {
            (Decision::ExplicitDeny, _) => part == Part::Deny,
            (Decision::Allow, Part::Grants) => true,
            (Decision::Allow, Part::Direct) if same_account => true,
            (Decision::Allow, Part::Direct | Part::Delegation | Part::Identity) => {
                through_identity == Truth::Yes
            }
            (Decision::Allow, Part::Deny) | (Decision::ImplicitDeny | Decision::Undecided, _) => false,
        };
        let statements: Vec<_> =
            self.matching.into_iter().filter(|(part, _)| decides(*part)).map(|(_, place)| place).collect();
        let denied_by = match decision {
            Decision::ExplicitDeny => statements.first().map(|place| place.source.policy_type()),
            Decision::ImplicitDeny if works && basis != Truth::No => Some(PolicyType::IdentityBased),
            Decision::ImplicitDeny => Some(PolicyType::ResourceBased),
            Decision::Allow | Decision::Undecided => None,
        };
        Evaluation { decision, statements, denied_by, unresolved: self.unresolved }
    }
}
