//! What comes of all statements together.

use std::fmt;

use crate::document::Statement;
use crate::names::excerpt;

/// What policies say to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The decision.
    pub decision: Decision,
    /// The statements that decided: those that deny, or those that allow. With an implicit deny, or where nothing is
    /// decided, there are none.
    pub statements: Vec<StatementRef>,
    /// Of a denial: the kind of policy that AWS's message names.
    pub denied_by: Option<PolicyType>,
    /// What one would have to know to say whether a statement matches. With another decision than
    /// [`Decision::Undecided`], it would not change whether the request is allowed.
    pub unresolved: Vec<Unresolved>,
}

/// The decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Some statement or grant allows, and none denies.
    Allow,
    /// A statement denies.
    ExplicitDeny,
    /// Nothing allows.
    ImplicitDeny,
    /// It hangs on something that is not known: see [`Evaluation::unresolved`].
    Undecided,
}

impl Decision {
    /// `allow`, `explicit deny`, `implicit deny`, `undecided`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ExplicitDeny => "explicit deny",
            Self::ImplicitDeny => "implicit deny",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The kind of policy that denies or fails to allow, as AWS's messages have it: "with an explicit deny in a
/// resource-based policy", "because no identity-based policy allows the kms:Decrypt action" (IAM user guide,
/// "Troubleshoot access denied error messages").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// The key policy.
    ResourceBased,
    /// An IAM policy of the caller.
    IdentityBased,
}

impl PolicyType {
    /// `resource-based`, `identity-based`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResourceBased => "resource-based",
            Self::IdentityBased => "identity-based",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// The policy or grant.
    pub source: Source,
    /// The statement's position in it, from 0. Of a grant: 0.
    pub index: usize,
    /// Its `Sid`; of a long one, the beginning.
    pub sid: Option<String>,
}

impl StatementRef {
    /// A statement of a policy. Much may be unresolved in one statement, and each such place names it.
    pub(super) fn of(source: Source, index: usize, statement: &Statement) -> Self {
        Self { source, index, sid: statement.sid.as_deref().map(excerpt) }
    }
}

/// A policy or grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The key policy.
    KeyPolicy,
    /// The caller's identity-based policy at this position, from 0.
    Identity(usize),
    /// The grant at this position, from 0.
    Grant(usize),
}

impl Source {
    /// A grant is no policy; it never denies.
    pub(super) const fn policy_type(self) -> PolicyType {
        match self {
            Self::KeyPolicy | Self::Grant(_) => PolicyType::ResourceBased,
            Self::Identity(_) => PolicyType::IdentityBased,
        }
    }
}

/// `Sid`, or the position: `identity policy 0, statement 2`.
impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Grant(position) => return write!(f, "grant {position}"),
            Source::KeyPolicy => f.write_str("key policy")?,
            Source::Identity(position) => write!(f, "identity policy {position}")?,
        }
        match &self.sid {
            Some(sid) => write!(f, " {sid}"),
            None => write!(f, " statement {}", self.index),
        }
    }
}

/// Something that one would have to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The statement that may or may not match.
    pub statement: StatementRef,
    /// What is not known.
    pub missing: Missing,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is not known", self.statement, self.missing)
    }
}

/// What one would have to know to say whether a statement matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The value of this condition key: a policy variable stands for it, and the request does not hold it. AWS may
    /// hold it, and where it does not, the statement may be invalid (IAM user guide, "IAM policy elements: Variables
    /// and tags").
    Variable(String),
    /// The value of this condition key, which every request has: nobody gave it.
    Key(String),
    /// Which value this condition key has: the request holds several that differ in the case of the key alone, and
    /// condition keys are not case-sensitive.
    AmbiguousKey(String),
    /// What an operator for a single value does with a key that has several: AWS demands `ForAnyValue` or
    /// `ForAllValues` and does not say what follows otherwise (IAM user guide, "Single-valued vs. multivalued context
    /// keys").
    SetOperator(String),
    /// Whether a `NotPrincipal` spares a caller whom it names in part: AWS asks for the account's ARN beside the
    /// caller's own, and says that the statement "might" apply otherwise (IAM user guide, "AWS JSON policy elements:
    /// `NotPrincipal`").
    NotPrincipal,
    /// The key's ARN: the statement names keys, and the request does not say which one it is for.
    KeyArn,
    /// Whether a grant to an account reaches a caller of that account (AWS KMS developer guide, "Grants in AWS KMS",
    /// is silent).
    AccountGrantee,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(key) => write!(f, "the value of ${{{key}}}"),
            Self::Key(key) => write!(f, "the value of {key}"),
            Self::AmbiguousKey(key) => write!(f, "which value of {key} counts"),
            Self::SetOperator(key) => {
                write!(f, "what StringEquals and the like do with the several values of {key}")
            }
            Self::NotPrincipal => f.write_str("whether NotPrincipal spares a caller whom it names in part"),
            Self::KeyArn => f.write_str("the ARN of the key"),
            Self::AccountGrantee => f.write_str("whether a grant to an account reaches the caller"),
        }
    }
}
