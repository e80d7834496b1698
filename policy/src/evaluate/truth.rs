//! Three-valued logic (Kleene's): what follows when something is not known.

use std::fmt;

/// Ordered so that a conjunction is the least of its parts and a disjunction the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(super) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// Whether all hold; of none: yes.
    pub(super) fn all(parts: impl Iterator<Item = Self>) -> Self {
        parts.min().unwrap_or(Self::Yes)
    }

    /// Whether any holds; of none: no.
    pub(super) fn any(parts: impl Iterator<Item = Self>) -> Self {
        parts.max().unwrap_or(Self::No)
    }
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

/// What one would have to know to say whether a statement matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The value of this condition key: a policy variable stands for it, and the request does not hold it. AWS may
    /// hold it, and where it does not, the statement may be invalid (IAM user guide, "IAM policy elements: Variables
    /// and tags").
    Variable(String),
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
            Self::AmbiguousKey(key) => write!(f, "which value of {key} counts"),
            Self::SetOperator(key) => write!(f, "a set operator for {key}, which has several values"),
            Self::NotPrincipal => f.write_str("whether NotPrincipal spares a caller whom it names in part"),
            Self::KeyArn => f.write_str("the ARN of the key"),
            Self::AccountGrantee => f.write_str("whether a grant to an account reaches the caller"),
        }
    }
}
