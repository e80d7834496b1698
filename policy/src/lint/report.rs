//! What lint found, for people and as JSON.

use std::fmt;

use super::fix::Fix;
use super::rules::{Rule, Severity};
use super::{Options, lint};
use crate::document::PolicyDocument;
use crate::json::{Json, pointer};

/// Columns of the text for people.
const WIDTH: usize = 100;

/// Where in a policy a finding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The statement's position, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// The JSON pointer (RFC 6901) of the statement, or of the element in it.
    pub pointer: String,
}

impl Place {
    /// The statement at this position.
    pub(super) fn statement(document: &PolicyDocument, index: usize) -> Self {
        let sid = document.statements.get(index).and_then(|statement| statement.sid.clone());
        Self { index, sid, pointer: pointer("/Statement", index) }
    }

    /// An element of it.
    pub(super) fn within(mut self, steps: &[&str]) -> Self {
        for step in steps {
            self.pointer = pointer(&self.pointer, step);
        }
        self
    }

    fn to_json(&self) -> Json {
        let sid = self.sid.as_deref().map_or(Json::Null, Json::from);
        object([("index", number(self.index)), ("sid", sid), ("pointer", self.pointer.as_str().into())])
    }
}

/// `2 "AllowEnclave" (/Statement/2/Action)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index)?;
        if let Some(sid) = &self.sid {
            write!(f, " {sid:?}")?;
        }
        write!(f, " ({})", self.pointer)
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How bad it is here: at most the rule's severity.
    pub severity: Severity,
    /// The statements that it is in; none where it is about the document or the key as a whole.
    pub statements: Vec<Place>,
    /// What can happen, with the principals and hashes of this policy.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// The same, done: where it needs no decision.
    pub fix: Option<Fix>,
}

impl Finding {
    /// A finding of the rule's severity and remedy.
    pub(super) fn new(rule: Rule, statements: Vec<Place>, what: impl Into<String>) -> Self {
        let (severity, remedy) = (rule.severity(), rule.remedy().to_owned());
        Self { rule, severity, statements, what: sentence(what.into()), remedy, fix: None }
    }

    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(super) fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    /// `{id, severity, statements: [{index, sid, pointer}], what, remedy, fixable}`: this shape is stable; `sid` is
    /// null where a statement has none.
    pub fn to_json(&self) -> Json {
        object([
            ("id", self.rule.id().into()),
            ("severity", self.severity.as_str().into()),
            ("statements", Json::Array(self.statements.iter().map(Place::to_json).collect())),
            ("what", self.what.as_str().into()),
            ("remedy", self.remedy.as_str().into()),
            ("fixable", Json::Bool(self.fix.is_some())),
        ])
    }
}

/// Severity, id and title; the statements, what can happen, and the remedy, wrapped at 100 columns.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}: {}", self.severity, self.rule, self.rule.title())?;
        for place in &self.statements {
            writeln!(f, "    in statement {place}")?;
        }
        wrap(f, "what:   ", &self.what)?;
        wrap(f, "remedy: ", &self.remedy)?;
        match &self.fix {
            Some(fix) => wrap(f, "fix:    ", &fix.to_string()),
            None => Ok(()),
        }
    }
}

/// What lint found in one policy.
#[derive(Clone, Debug)]
pub struct Report {
    document: PolicyDocument,
    options: Options,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(document: PolicyDocument, options: Options, mut findings: Vec<Finding>) -> Self {
        sort(&mut findings);
        Self { document, options, findings }
    }

    /// The findings: errors first, then in the order of [`Rule::ALL`] and of the document.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The highest severity found; `None` without findings.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The document with every mechanical remedy. Linted again it has none of the findings that had a [`Fix`], and
    /// none that it had not before: remedies that would bring any (two that contradict each other) are left out.
    #[must_use]
    pub fn fixed(&self) -> PolicyDocument {
        let mut current = self.clone();
        // Spelling comes before what is made of it: the families of rules in reverse.
        for &rule in Rule::ALL.iter().rev() {
            let fixes = current.of(rule).filter_map(|finding| finding.fix.as_ref());
            let document = fixes.fold(current.document.clone(), |document, fix| fix.apply(&document));
            if document == current.document {
                continue;
            }
            let next = lint(&document, &current.options);
            let better = |&rule: &Rule| next.of(rule).count() <= current.of(rule).count();
            if Rule::ALL.iter().all(better) {
                current = next;
            }
        }
        current.document
    }

    /// `{errors, warnings, notes, findings: […]}`; see [`Finding::to_json`].
    pub fn to_json(&self) -> Json {
        report_json(&self.findings)
    }

    fn of(&self, rule: Rule) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.rule == rule)
    }
}

/// Every finding, and how many there are.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, &self.findings)
    }
}

pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| a.statements.cmp(&b.statements))
    });
}

pub(super) fn display(f: &mut fmt::Formatter<'_>, findings: &[Finding]) -> fmt::Result {
    for finding in findings {
        writeln!(f, "{finding}")?;
    }
    let [errors, warnings, notes] = counts(findings);
    let s = |count| if count == 1 { "" } else { "s" };
    writeln!(f, "{errors} error{}, {warnings} warning{}, {notes} note{}", s(errors), s(warnings), s(notes))
}

pub(super) fn report_json(findings: &[Finding]) -> Json {
    let [errors, warnings, notes] = counts(findings);
    object([
        ("errors", number(errors)),
        ("warnings", number(warnings)),
        ("notes", number(notes)),
        ("findings", Json::Array(findings.iter().map(Finding::to_json).collect())),
    ])
}

pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// With a capital letter; an ARN keeps its own.
fn sentence(mut text: String) -> String {
    if text.starts_with("any ") || text.starts_with("the ") {
        text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
    }
    text
}

fn number(value: usize) -> Json {
    Json::Number(value.into())
}

fn counts(findings: &[Finding]) -> [usize; 3] {
    [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| findings.iter().filter(|finding| finding.severity == severity).count())
}

/// A paragraph, indented by four spaces and by the width of its label.
fn wrap(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let indent = 4 + label.len();
    write!(f, "    {label}")?;
    let mut column = indent;
    for (position, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if position > 0 && column + 1 + width > WIDTH {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if position > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += width;
    }
    writeln!(f)
}
