//! Mechanical remedies: edits of a policy that need no decision by its owner.

use std::fmt;

use crate::document::{Matching, Operator, PolicyDocument, Statement, Values, Version};

/// A mechanical remedy of one finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    edits: Vec<Edit>,
}

/// One edit. Positions are those of the document that was linted: no edit takes a statement or a condition away.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    /// `Version` becomes 2012-10-17.
    Version,
    /// The statement's `Sid`.
    Sid { statement: usize, sid: String },
    /// The statement's `Action`.
    Actions { statement: usize, actions: Vec<String> },
    /// The statement's `Resource` becomes `*`.
    Resource { statement: usize },
    /// The operator of a condition of the statement.
    Operator { statement: usize, condition: usize, operator: Operator },
    /// A value of a condition: another, or none.
    Value { statement: usize, condition: usize, from: String, to: Option<String> },
    /// One statement more.
    Append(Statement),
}

impl Fix {
    /// A remedy of these edits; `None` without any.
    pub(super) fn new(edits: impl IntoIterator<Item = Edit>) -> Option<Self> {
        let edits: Vec<_> = edits.into_iter().collect();
        (!edits.is_empty()).then_some(Self { edits })
    }

    /// The document with this remedy. It must be the one that the finding is about.
    #[must_use]
    pub fn apply(&self, document: &PolicyDocument) -> PolicyDocument {
        let mut document = document.clone();
        for edit in &self.edits {
            edit.apply(&mut document);
        }
        document
    }
}

/// What the remedy does, one edit after the other.
impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, edit) in self.edits.iter().enumerate() {
            write!(f, "{}{edit}", if position == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => write!(f, "set Version to {}", Version::V2012.as_str()),
            Self::Sid { statement, sid } => write!(f, "rename statement {statement} to {sid:?}"),
            Self::Actions { statement, actions } => {
                write!(f, "list the actions of statement {statement}: {}", actions.join(", "))
            }
            Self::Resource { statement } => write!(f, "set Resource of statement {statement} to \"*\""),
            Self::Operator { statement, operator, .. } => {
                write!(f, "use {operator} in statement {statement}")
            }
            Self::Value { statement, from, to: Some(to), .. } => {
                write!(f, "write {to} for {from} in statement {statement}")
            }
            Self::Value { statement, from, to: None, .. } => {
                write!(f, "take {from} out of statement {statement}")
            }
            Self::Append(statement) => {
                write!(f, "add the statement {}", statement.sid.as_deref().unwrap_or_default())
            }
        }
    }
}

impl Edit {
    fn apply(&self, document: &mut PolicyDocument) {
        match self {
            Self::Version => document.version = Some(Version::V2012),
            Self::Sid { statement, sid } => {
                if let Some(statement) = document.statements.get_mut(*statement) {
                    statement.sid = Some(sid.clone());
                }
            }
            Self::Actions { statement, actions } => {
                if let Some(statement) = document.statements.get_mut(*statement) {
                    statement.actions = Some(Matching::Is(Values::Many(actions.clone())));
                }
            }
            Self::Resource { statement } => {
                if let Some(statement) = document.statements.get_mut(*statement) {
                    statement.resources = Some(Matching::Is("*".into()));
                }
            }
            Self::Operator { statement, condition, operator } => {
                if let Some(statement) = document.statements.get_mut(*statement) {
                    set_operator(statement, *condition, *operator);
                }
            }
            Self::Value { statement, condition, from, to } => {
                let condition = document
                    .statements
                    .get_mut(*statement)
                    .and_then(|own| own.conditions.get_mut(*condition));
                if let Some(condition) = condition {
                    replace(&mut condition.values, from, to.as_deref());
                }
            }
            Self::Append(statement) => {
                if !document.statements.contains(statement) {
                    document.statements.push(statement.clone());
                }
            }
        }
    }
}

/// Unless the statement has a condition of this operator and key already: JSON has room for one.
fn set_operator(statement: &mut Statement, position: usize, operator: Operator) {
    let Some(key) = statement.conditions.get(position).map(|condition| condition.key.clone()) else { return };
    let taken = statement.conditions.iter().enumerate().any(|(other, condition)| {
        other != position && condition.operator == operator && condition.key == key
    });
    if let Some(condition) = statement.conditions.get_mut(position).filter(|_| !taken) {
        condition.operator = operator;
    }
}

/// Unless nothing would be left: a condition without values means something else.
fn replace(values: &mut Values, from: &str, to: Option<&str>) {
    match (values, to) {
        (Values::One(value), Some(to)) if value == from => to.clone_into(value),
        (Values::One(_), _) => {}
        (Values::Many(values), Some(to)) => {
            for value in values.iter_mut().filter(|value| *value == from) {
                to.clone_into(value);
            }
        }
        (Values::Many(values), None) => {
            if values.iter().any(|value| value != from) {
                values.retain(|value| value != from);
            }
        }
    }
}
