//! The typed model of a policy document (IAM user guide, "Grammar of the IAM JSON policy language").
//!
//! Reading is strict: what the language does not have is refused, with the JSON pointer of the place and what was
//! expected there. Members that it does not name are kept and reported, so that writing loses nothing. A condition
//! value may be a number or a boolean, as AWS takes it; from then on it is a text, a number in plain spelling (`1e2` is
//! `100.0`).

mod condition;
mod principal;
mod read;
mod write;

pub use condition::{Comparison, Condition, Operator, SetOperator};
pub use principal::{PrincipalKind, Principals};

use pcrseal_core::error::Error;

use crate::json::Json;

/// Longest key policy that KMS keeps, in bytes (AWS KMS developer guide, "Resource quotas": key policy document size).
pub const MAX_KEY_POLICY_LEN: usize = 32_768;

/// A key policy or an identity-based policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// The version of the policy language; `None` means [`Version::V2008`].
    pub version: Option<Version>,
    /// `Id`.
    pub id: Option<String>,
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Members that the policy language does not have.
    pub unknown: Vec<(String, Json)>,
}

/// The version of the policy language (IAM user guide, "IAM JSON policy elements: Version").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`: policy variables are plain text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

impl Version {
    /// The date.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `Sid`.
    pub sid: Option<String>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; `None` in identity-based policies.
    pub principals: Option<Matching<Principals>>,
    /// `Action` or `NotAction`; a statement without either is of no effect (AWS accepts it in key policies).
    pub actions: Option<Matching<Values>>,
    /// `Resource` or `NotResource`; likewise.
    pub resources: Option<Matching<Values>>,
    /// `Condition`: all of them must hold.
    pub conditions: Vec<Condition>,
    /// Members that the policy language does not have.
    pub unknown: Vec<(String, Json)>,
}

impl Statement {
    /// A statement with nothing but its effect and its `Sid`.
    pub fn new(sid: impl Into<String>, effect: Effect) -> Self {
        Self {
            sid: Some(sid.into()),
            effect,
            principals: None,
            actions: None,
            resources: None,
            conditions: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

/// What a statement does to the requests that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

impl Effect {
    /// As policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// An element, or its negation (`NotAction`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching<T> {
    /// What the element lists.
    Is(T),
    /// Everything but what the element lists.
    IsNot(T),
}

impl<T> Matching<T> {
    /// What the element lists.
    pub const fn listed(&self) -> &T {
        match self {
            Self::Is(listed) | Self::IsNot(listed) => listed,
        }
    }

    /// Whether this is the negation.
    pub const fn is_negated(&self) -> bool {
        matches!(self, Self::IsNot(_))
    }
}

/// One text, or a list of texts: the same to AWS, kept apart so that writing changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// A string.
    One(String),
    /// An array of strings, perhaps empty.
    Many(Vec<String>),
}

impl Values {
    /// A list.
    pub fn many<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Many(values.into_iter().map(Into::into).collect())
    }

    /// The texts, in order.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// The texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.as_slice().iter().map(String::as_str)
    }
}

impl From<&str> for Values {
    fn from(value: &str) -> Self {
        Self::One(value.into())
    }
}

impl PolicyDocument {
    /// A document of version 2012-10-17.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { version: Some(Version::V2012), id: None, statements, unknown: Vec::new() }
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// What [`Json::parse`] says, and codes 4004 to 4009, each with the JSON pointer of the place.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read::document(&Json::parse(text)?)
    }

    /// The document as JSON, members in the order of AWS's examples.
    pub fn to_json(&self) -> Json {
        write::document(self)
    }

    /// The version that AWS reads the document by.
    pub fn effective_version(&self) -> Version {
        self.version.unwrap_or(Version::V2008)
    }

    /// Every member that the policy language does not have, by its JSON pointer.
    pub fn unknown_members(&self) -> Vec<String> {
        use crate::json::pointer;
        let own = self.unknown.iter().map(|(name, _)| pointer("", name));
        let inner = self.statements.iter().enumerate().flat_map(|(index, statement)| {
            let parent = pointer("/Statement", index);
            statement.unknown.iter().map(move |(name, _)| pointer(&parent, name))
        });
        own.chain(inner).collect()
    }
}
