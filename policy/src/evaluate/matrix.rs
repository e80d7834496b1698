//! Who gets in: the decisions for several callers and several images side by side.

use std::fmt;

use pcrseal_core::names::KeyArn;

use super::{Attestation, ContextValue, Decision, Evaluation, Grant, Policies, Request, Source, evaluate};
use crate::actions::Action;
use crate::document::PolicyDocument;
use crate::json::Json;
use crate::names::{AccountId, PrincipalArn};

/// Who may do `action` with the key: a caller after another, with one image after another.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The account that the key belongs to.
    pub key_account: &'a AccountId,
    /// The key. Without it, statements that name keys cannot be decided.
    pub key: Option<&'a KeyArn>,
    /// The key's policy.
    pub key_policy: &'a PolicyDocument,
    /// The key's grants.
    pub grants: &'a [Grant],
    /// What is asked for.
    pub action: Action,
    /// The encryption context of every request.
    pub encryption_context: &'a [(String, String)],
    /// Further condition keys of every request.
    pub context: &'a [(String, ContextValue)],
}

/// A caller, with the IAM policies that apply to it alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The caller.
    pub principal: PrincipalArn,
    /// Its IAM policies.
    pub identity: Vec<PolicyDocument>,
}

/// An image, by the attestation document that comes with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// A name for people.
    pub name: String,
    /// What the document says; `None`: there is none.
    pub attestation: Option<Attestation>,
}

/// The decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// What was asked for.
    pub action: Action,
    /// A row per caller.
    pub rows: Vec<Row>,
}

/// The decisions for one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The caller.
    pub principal: PrincipalArn,
    /// A cell per image.
    pub cells: Vec<Cell>,
}

/// The decision for one caller with one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The image's name.
    pub image: String,
    /// The decision.
    pub evaluation: Evaluation,
}

/// Evaluates every caller with every image.
pub fn who_can(question: &Question<'_>, candidates: &[Candidate], images: &[Image]) -> Matrix {
    let row = |candidate: &Candidate| {
        let policies = Policies {
            key_account: question.key_account,
            key_policy: question.key_policy,
            identity: &candidate.identity,
            grants: question.grants,
        };
        let cell = |image: &Image| {
            let request = request(question, &candidate.principal, image);
            Cell { image: image.name.clone(), evaluation: evaluate(&policies, &request) }
        };
        Row { principal: candidate.principal.clone(), cells: images.iter().map(cell).collect() }
    };
    Matrix { action: question.action, rows: candidates.iter().map(row).collect() }
}

fn request(question: &Question<'_>, principal: &PrincipalArn, image: &Image) -> Request {
    let mut request = Request::new(principal.clone(), question.action, question.key)
        .encryption_context(question.encryption_context.iter().cloned());
    for (key, value) in question.context {
        request = request.context(key, value.clone());
    }
    match &image.attestation {
        Some(attestation) => request.attestation(attestation),
        None => request,
    }
}

impl Matrix {
    /// `{"action": …, "rows": [{"principal": …, "cells": [{"image", "decision", "statements", "unresolved"}]}]}`.
    pub fn to_json(&self) -> Json {
        let rows = self.rows.iter().map(|row| {
            object([
                ("principal", row.principal.to_string().as_str().into()),
                ("cells", Json::Array(row.cells.iter().map(cell).collect())),
            ])
        });
        object([("action", self.action.name().into()), ("rows", Json::Array(rows.collect()))])
    }
}

/// A table: a line per caller, a column per image. Numbers in brackets point to the statements below it that
/// decided, or to what would have to be known; identity policies there are the caller's.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = Vec::new();
        let mut lines = vec![vec![self.action.to_string()]];
        if let (Some(head), Some(row)) = (lines.first_mut(), self.rows.first()) {
            head.extend(row.cells.iter().map(|cell| cell.image.clone()));
        }
        for row in &self.rows {
            let cells = row.cells.iter().map(|cell| summary(&cell.evaluation, &mut notes));
            lines.push([row.principal.to_string()].into_iter().chain(cells).collect());
        }
        let mut widths = Vec::new();
        for line in &lines {
            widths.resize(line.len().max(widths.len()), 0);
            for (width, text) in widths.iter_mut().zip(line) {
                *width = text.chars().count().max(*width);
            }
        }
        for line in lines {
            let padded = line.iter().zip(&widths).map(|(text, &width)| format!("{text:width$}"));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for (position, note) in notes.iter().enumerate() {
            let gap = if position == 0 { "\n" } else { "" };
            writeln!(f, "{gap}[{}] {note}", position + 1)?;
        }
        Ok(())
    }
}

/// The decision, and the number of its note: one and the same for cells with the same reasons.
fn summary(evaluation: &Evaluation, notes: &mut Vec<String>) -> String {
    let reasons: Vec<_> = match evaluation.decision {
        Decision::Undecided => evaluation.unresolved.iter().map(ToString::to_string).collect(),
        _ => evaluation.statements.iter().map(ToString::to_string).collect(),
    };
    if reasons.is_empty() {
        return evaluation.decision.to_string();
    }
    let note = reasons.join("; ");
    let position = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    format!("{} [{}]", evaluation.decision, position + 1)
}

fn cell(cell: &Cell) -> Json {
    let evaluation = &cell.evaluation;
    let statements = evaluation.statements.iter().map(|place| {
        let mut members = vec![("source", Json::from(source(place.source)))];
        if let Source::Identity(position) | Source::Grant(position) = place.source {
            members.push(("position", Json::Number(position.into())));
        }
        members.push(("index", Json::Number(place.index.into())));
        members.extend(place.sid.as_deref().map(|sid| ("sid", Json::from(sid))));
        object(members)
    });
    let unresolved = evaluation.unresolved.iter().map(|what| what.to_string().as_str().into());
    object([
        ("image", cell.image.as_str().into()),
        ("decision", evaluation.decision.as_str().into()),
        ("statements", Json::Array(statements.collect())),
        ("unresolved", Json::Array(unresolved.collect())),
    ])
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::KeyPolicy => "key policy",
        Source::Identity(_) => "identity policy",
        Source::Grant(_) => "grant",
    }
}

fn object(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
