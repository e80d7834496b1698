//! Rules about the document: what AWS refuses, ignores, or reads otherwise than it looks.

use std::collections::{BTreeMap, BTreeSet};

use super::fix::{Edit, Fix};
use super::report::{Finding, Place};
use super::rules::{Rule, Severity};
use super::subject::{Subject, actions, is_on_attestation};
use crate::actions::Action;
use crate::document::{
    Effect, MAX_KEY_POLICY_LEN, Matching, PrincipalKind, Principals, Statement, Values, Version,
};
use crate::evaluate::is_action;
use crate::names::{AccountId, Identity, PrincipalArn, excerpt};
use pcrseal_core::names::Wrapping;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let document = subject.document;
    if document.effective_version() == Version::V2008 {
        let found = document.version.map_or("no Version", Version::as_str);
        let what =
            format!("The policy has {found}: a variable such as ${{aws:username}} is plain text in it.");
        findings.push(Finding::new(Rule::VersionOld, Vec::new(), what).fix(Fix::new([Edit::Version])));
    }
    let len = document.to_json().to_compact().len();
    if len > MAX_KEY_POLICY_LEN {
        let what = format!("The policy is {len} bytes long without spaces: PutKeyPolicy refuses it.");
        findings.push(Finding::new(Rule::DocumentTooLarge, Vec::new(), what));
    }
    for (name, _) in &document.unknown {
        let what = format!("The policy has the member {:?}: PutKeyPolicy refuses it.", excerpt(name));
        findings.push(Finding::new(Rule::MemberUnknown, Vec::new(), what));
    }
    duplicate_sids(subject, findings);
    for (index, statement) in subject.statements() {
        let own = Own { subject, statement, place: Place::statement(document, index) };
        findings.extend(own.unknown_members());
        findings.extend(own.without_effect());
        own.actions(findings);
        findings.extend(own.negations());
        findings.extend(own.wildcard());
        own.principals(findings);
    }
}

fn duplicate_sids(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut taken: BTreeSet<String> =
        subject.statements().filter_map(|(_, statement)| statement.sid.clone()).collect();
    // What the next one of this Sid would be called.
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, statement) in subject.statements() {
        let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) else { continue };
        let Some(next) = seen.get_mut(sid) else {
            seen.insert(sid, 2);
            continue;
        };
        while !taken.insert(format!("{sid}{next}")) {
            *next += 1;
        }
        let fix = Fix::new([Edit::Sid { statement: index, sid: format!("{sid}{next}") }]);
        let what = format!("An earlier statement has the Sid {:?} too.", excerpt(sid));
        let place = Place::statement(subject.document, index).within(&["Sid"]);
        findings.push(Finding::new(Rule::SidDuplicate, vec![place], what).fix(fix));
    }
}

/// One statement, where it is.
struct Own<'a> {
    subject: &'a Subject<'a>,
    statement: &'a Statement,
    place: Place,
}

impl Own<'_> {
    fn finding(&self, rule: Rule, steps: &[&str], what: impl Into<String>) -> Finding {
        Finding::new(rule, vec![self.place.clone().within(steps)], what)
    }

    fn denies(&self) -> bool {
        self.statement.effect == Effect::Deny
    }

    fn unknown_members(&self) -> impl Iterator<Item = Finding> {
        self.statement.unknown.iter().map(|(name, _)| {
            let what = format!("The statement has the member {:?}: PutKeyPolicy refuses it.", excerpt(name));
            self.finding(Rule::MemberUnknown, &[name], what)
        })
    }

    fn without_effect(&self) -> Option<Finding> {
        let (actions, resources) = (self.statement.actions.is_some(), self.statement.resources.is_some());
        let missing = match (actions, resources) {
            (true, true) => return None,
            (false, true) => "Action",
            (true, false) => "Resource",
            (false, false) => "Action and Resource",
        };
        let (severity, outcome) = if self.denies() {
            (Severity::Error, "what it should deny is not denied")
        } else {
            (Severity::Warning, "it allows nothing")
        };
        // A Deny that should count can be made to; what an Allow should give is its owner's decision.
        let complete = actions && self.denies();
        let fix = complete.then_some(Edit::Resource { statement: self.place.index });
        let what = format!("The statement has no {missing}: AWS accepts it and ignores it, so {outcome}.");
        Some(self.finding(Rule::StatementWithoutEffect, &[], what).severity(severity).fix(Fix::new(fix)))
    }

    fn actions(&self, findings: &mut Vec<Finding>) {
        let Some(list) = &self.statement.actions else { return };
        let element = if list.is_negated() { "NotAction" } else { "Action" };
        let matches = |entry: &str, on_key| {
            Action::ALL.iter().any(|&action| action.is_on_key() == on_key && is_action(entry, action))
        };
        let mut unknown = Vec::new();
        let mut without_key = Vec::new();
        for entry in list.listed().iter().filter(|entry| !matches(entry, true)) {
            if matches(entry, false) { &mut without_key } else { &mut unknown }.push(excerpt(entry));
        }
        if !unknown.is_empty() {
            let what = format!(
                "{} match no permission of KMS, so the statement does nothing about them.",
                unknown.join(", ")
            );
            findings.push(self.finding(Rule::ActionUnknown, &[element], what));
        }
        if !without_key.is_empty() {
            let what = format!(
                "{} use no key: whatever this statement says, IAM decides about them.",
                without_key.join(", ")
            );
            findings.push(self.finding(Rule::ActionWithoutKey, &[element], what));
        }
    }

    fn negations(&self) -> impl Iterator<Item = Finding> {
        let denies = self.denies();
        let severity = |error: bool| if error { Severity::Error } else { Severity::Warning };
        let action = self.statement.actions.as_ref().filter(|list| list.is_negated()).map(|list| {
            let what = format!(
                "The statement {} every action but {}.",
                if denies { "denies" } else { "allows" },
                shown(list.listed().iter()),
            );
            self.finding(Rule::NotAction, &["NotAction"], what).severity(severity(!denies))
        });
        let principal = self.statement.principals.as_ref().filter(|own| own.is_negated()).map(|own| {
            let listed = shown(own.listed().aws_values());
            let what = if denies {
                format!("The statement denies to all but {listed}; unless account, role and session are all listed, AWS may deny to them too.")
            } else {
                format!("The statement allows to everyone of every account but {listed}.")
            };
            self.finding(Rule::NotPrincipal, &["NotPrincipal"], what).severity(severity(!denies))
        });
        let resource = self.statement.resources.as_ref().filter(|list| list.is_negated()).map(|list| {
            let what = format!(
                "The statement is about every resource but {}: {}.",
                shown(list.listed().iter()),
                if denies { "it may leave the key itself unprotected" } else { "it may allow nothing" },
            );
            self.finding(Rule::NotResource, &["NotResource"], what).severity(severity(denies))
        });
        let named = self.statement.resources.as_ref().filter(|list| {
            let everything = list.listed().iter().any(|value| value == "*");
            denies && !list.is_negated() && !everything && self.subject.options.key.is_none()
        });
        let named = named.map(|list| {
            let listed = shown(list.listed().iter());
            let what =
                format!("The statement denies with {listed} alone, which may be another key than this.");
            self.finding(Rule::ResourceNamed, &["Resource"], what)
        });
        action.into_iter().chain(principal).chain(resource).chain(named)
    }

    /// Wildcards in the `Action` of an Allow for principals by name.
    fn wildcard(&self) -> Option<Finding> {
        let (Some(Matching::Is(list)), Some(Matching::Is(principals)), false) =
            (&self.statement.actions, &self.statement.principals, self.denies())
        else {
            return None;
        };
        let wild: Vec<&str> = list.iter().filter(|entry| entry.contains(['*', '?'])).collect();
        let named: Vec<&str> = principals.aws_values().filter(|value| is_by_name(value)).collect();
        if wild.is_empty() || named.is_empty() {
            return None;
        }
        let covered: Vec<Action> = actions(self.statement).collect();
        let reads_only = covered.iter().all(|&action| is_harmless(action));
        if reads_only {
            return None;
        }
        let for_enclave = self.subject.is_for_enclave(self.statement);
        let rule = if for_enclave { Rule::EnclaveWildcard } else { Rule::AdministrationWildcard };
        let keep: Vec<Action> = covered
            .iter()
            .copied()
            .filter(
                |&action| if for_enclave { self.enclave_needs(action) } else { is_administrative(action) },
            )
            .collect();
        let dropped = covered.iter().filter(|action| !keep.contains(action) && !is_harmless(**action));
        let what = format!(
            "{} for {} cover {}.",
            wild.join(", "),
            shown(named.into_iter()),
            shown(
                dropped
                    .chain(keep.iter().filter(|action| !is_harmless(**action)))
                    .map(|action| action.name())
            ),
        );
        let fix = listed_one_by_one(list, &keep)
            .map(|actions| Edit::Actions { statement: self.place.index, actions });
        Some(self.finding(rule, &["Action"], what).fix(Fix::new(fix)))
    }

    /// What an enclave uses a key for, in a statement like this.
    fn enclave_needs(&self, action: Action) -> bool {
        let seal = match self.subject.options.wrapping {
            Wrapping::Attested => Action::GenerateDataKey,
            Wrapping::Encrypt => Action::Encrypt,
        };
        let fits = action.carries_attestation() || !is_on_attestation(self.statement);
        fits && (action == Action::Decrypt || action == seal)
    }

    fn principals(&self, findings: &mut Vec<Finding>) {
        let Some(principals) = &self.statement.principals else { return };
        let element = if principals.is_negated() { "NotPrincipal" } else { "Principal" };
        let Principals::Listed(kinds) = principals.listed() else { return };
        let (mut invalid, mut deleted) = (Vec::new(), Vec::new());
        for value in principals.listed().aws_values() {
            match form(value) {
                Form::Sound => {}
                Form::UniqueId => deleted.push(excerpt(value)),
                Form::Invalid => invalid.push(excerpt(value)),
            }
        }
        if !invalid.is_empty() {
            let what =
                format!("AWS has no principal {}: PutKeyPolicy refuses the policy.", invalid.join(", "));
            findings.push(self.finding(Rule::PrincipalInvalid, &[element, "AWS"], what));
        }
        if !deleted.is_empty() {
            let what =
                format!("{} stand for nobody: the statement does nothing for them.", deleted.join(", "));
            findings.push(self.finding(Rule::PrincipalDeleted, &[element, "AWS"], what));
        }
        for (kind, values) in kinds.iter().filter(|(kind, _)| *kind != PrincipalKind::Aws && !self.denies()) {
            let allowed: Vec<_> = actions(self.statement).filter(|action| !is_harmless(*action)).collect();
            if !allowed.is_empty() {
                let what = format!(
                    "{} may call {}.",
                    shown(values.iter()),
                    shown(allowed.iter().map(|action| action.name()))
                );
                findings.push(self.finding(Rule::PrincipalNotProbed, &[element, kind.as_str()], what));
            }
        }
    }
}

/// How a value under `AWS` is written.
enum Form {
    Sound,
    UniqueId,
    Invalid,
}

fn form(value: &str) -> Form {
    let id = value.len() >= 16 && value.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let sound = value == "*" || AccountId::new(value).is_ok() || PrincipalArn::new(value).is_ok();
    // Prefixes of roles, users, groups and bearer tokens (IAM user guide, "IAM identifiers").
    match value.get(..4) {
        _ if sound => Form::Sound,
        Some("AROA" | "AIDA" | "AGPA" | "ABIA") if id => Form::UniqueId,
        _ => Form::Invalid,
    }
}

/// Whether a value under `AWS` is neither an account nor everybody.
fn is_by_name(value: &str) -> bool {
    PrincipalArn::new(value).is_ok_and(|arn| *arn.identity() != Identity::Root)
}

/// What reads about a key, and changes and releases nothing.
fn is_harmless(action: Action) -> bool {
    let name = action.name();
    ["kms:Describe", "kms:Get", "kms:List"].iter().any(|prefix| name.starts_with(prefix))
}

/// What an administrator should have.
fn is_administrative(action: Action) -> bool {
    !action.is_cryptographic() && !matches!(action, Action::CreateGrant | Action::ReplicateKey)
}

/// The list with these actions for its patterns; the entries without wildcards stay as they are.
fn listed_one_by_one(list: &Values, keep: &[Action]) -> Option<Vec<String>> {
    let mut named: Vec<String> = Vec::new();
    for entry in list.iter() {
        if !entry.contains(['*', '?']) {
            named.push(entry.to_owned());
            continue;
        }
        named.extend(
            keep.iter().filter(|&&action| is_action(entry, action)).map(|action| action.name().to_owned()),
        );
    }
    let mut seen = BTreeSet::new();
    named.retain(|action| seen.insert(action.to_lowercase()));
    (!named.is_empty()).then_some(named)
}

/// The first few of a list.
pub(super) fn shown<'a>(values: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let values: Vec<_> = values.collect();
    let first = values.iter().take(MOST).map(|value| excerpt(value)).collect::<Vec<_>>().join(", ");
    match values.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
