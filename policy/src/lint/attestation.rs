//! Rules about conditions: attestation keys and their values, other keys that do not exist or keep enclaves out.

use super::fix::{Edit, Fix};
use super::grammar::shown;
use super::keys::{NETWORK_KEYS, Register, SERVICE_KEYS, is_known, register};
use super::report::{Finding, Place};
use super::rules::{Rule, Severity};
use super::subject::{Subject, actions, covers, is_on_attestation};
use crate::actions::Action;
use crate::document::{Comparison, Condition, Effect, Operator, SetOperator, Statement};
use crate::names::excerpt;

/// Hex digits of a SHA-384 hash.
const HASH_LEN: usize = 96;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for (index, statement) in subject.statements() {
        let place = Place::statement(subject.document, index);
        for (position, condition) in statement.conditions.iter().enumerate() {
            let operator = condition.operator.to_string();
            let place = place.clone().within(&["Condition", &operator, &condition.key]);
            let own = Own { statement, condition, place, index, position };
            match register(&condition.key) {
                Some(Register::Unknown) => findings.push(own.unknown_register()),
                Some(_) => own.on_attestation(findings),
                None => findings.extend(own.unknown_key()),
            }
            findings.extend(own.locks_out());
        }
        findings.extend(unattested_actions(statement, &place));
    }
}

/// Actions that never carry attestation, in a statement about it.
fn unattested_actions(statement: &Statement, place: &Place) -> Option<Finding> {
    if !is_on_attestation(statement) {
        return None;
    }
    let unattested: Vec<Action> = actions(statement)
        .filter(|action| action.is_cryptographic() && !action.carries_attestation())
        .collect();
    if unattested.is_empty() {
        return None;
    }
    let missing_is = |outcome| {
        statement
            .conditions
            .iter()
            .filter(|own| register(&own.key).is_some())
            .all(|condition| holds_for_missing(condition) == outcome)
    };
    let names = shown(unattested.iter().map(|action| action.name()));
    match statement.effect {
        Effect::Deny if missing_is(true) => {
            let what = format!(
                "{names} never carry attestation: this statement denies them always, to everyone it is for."
            );
            Some(Finding::new(Rule::DenyUnconditional, vec![place.clone()], what))
        }
        Effect::Allow if missing_is(false) => {
            let what = format!("{names} never carry attestation: this statement never allows them.");
            Some(Finding::new(Rule::AllowNeverHolds, vec![place.clone()], what))
        }
        _ => None,
    }
}

/// Whether a condition holds in a request that lacks its key.
pub(super) fn holds_for_missing(condition: &Condition) -> bool {
    let Operator { set, comparison, if_exists } = condition.operator;
    match (set, comparison) {
        (_, Comparison::Null) => condition.values.iter().any(|value| value.eq_ignore_ascii_case("true")),
        (Some(SetOperator::ForAllValues), _) => true,
        (Some(SetOperator::ForAnyValue), _) => false,
        (None, _) => if_exists || comparison.is_negated(),
    }
}

/// One condition, where it is.
struct Own<'a> {
    statement: &'a Statement,
    condition: &'a Condition,
    place: Place,
    index: usize,
    position: usize,
}

impl Own<'_> {
    fn finding(&self, rule: Rule, what: impl Into<String>) -> Finding {
        Finding::new(rule, vec![self.place.clone()], what)
    }

    fn allows(&self) -> bool {
        self.statement.effect == Effect::Allow
    }

    fn unknown_register(&self) -> Finding {
        let (key, missing) = (excerpt(&self.condition.key), holds_for_missing(self.condition));
        let outcome = match (self.statement.effect, missing) {
            (Effect::Deny, true) => "the statement denies to every enclave too",
            (Effect::Deny, false) => "the statement denies nothing",
            (Effect::Allow, true) => "the condition lets every request through",
            (Effect::Allow, false) => "the statement never allows anything",
        };
        self.finding(Rule::AttestationKeyUnknown, format!("{key} is missing in every request: {outcome}."))
    }

    fn unknown_key(&self) -> Option<Finding> {
        let of_kms = self.condition.key.to_lowercase().starts_with("kms:");
        let severity = if of_kms { Severity::Error } else { Severity::Warning };
        let outcome = if holds_for_missing(self.condition) { "always holds" } else { "never holds" };
        let what =
            format!("{} is missing in every request: the condition {outcome}.", excerpt(&self.condition.key));
        (!is_known(&self.condition.key))
            .then(|| self.finding(Rule::ConditionKeyUnknown, what).severity(severity))
    }

    fn on_attestation(&self, findings: &mut Vec<Finding>) {
        let operator = self.condition.operator;
        findings.extend(self.set_operator());
        if operator.if_exists {
            let (severity, outcome) = if self.allows() {
                (Severity::Error, "lets requests without attestation through")
            } else {
                (
                    Severity::Warning,
                    "holds without attestation, as it does without IfExists where it is negated",
                )
            };
            let what = format!("{operator} on {} {outcome}.", self.condition.key);
            findings.push(self.finding(Rule::AttestationIfExists, what).severity(severity).fix(self.plain()));
        }
        if operator.comparison != Comparison::Null {
            findings.extend(self.comparison());
            self.values(findings);
        }
    }

    fn set_operator(&self) -> Option<Finding> {
        let operator = self.condition.operator;
        let plain = Operator { set: None, ..operator };
        let own = holds_for_missing(self.condition);
        let meant = holds_for_missing(&Condition { operator: plain, ..self.condition.clone() });
        operator.set?;
        let (severity, outcome) = match (self.statement.effect, own) {
            _ if own == meant => (Severity::Warning, "comes out as the plain operator does"),
            (Effect::Allow, true) => (Severity::Error, "lets requests without attestation through"),
            (Effect::Deny, false) => (Severity::Error, "lets requests without attestation pass the Deny"),
            (Effect::Allow, false) => (Severity::Warning, "asks for attestation to be there"),
            (Effect::Deny, true) => (Severity::Warning, "denies to requests without attestation"),
        };
        let what = format!("{operator} on {}, which has one value, {outcome}.", self.condition.key);
        Some(self.finding(Rule::AttestationSetOperator, what).severity(severity).fix(self.plain()))
    }

    fn comparison(&self) -> Option<Finding> {
        use Comparison::{
            StringEquals, StringEqualsIgnoreCase, StringLike, StringNotEquals, StringNotEqualsIgnoreCase,
            StringNotLike,
        };
        let comparison = self.condition.operator.comparison;
        let (severity, outcome) = match comparison {
            StringEqualsIgnoreCase | StringNotEqualsIgnoreCase => return None,
            StringEquals | StringNotEquals => (Severity::Warning, "matches lower case only"),
            StringLike | StringNotLike => (Severity::Warning, "compares by pattern, in lower case only"),
            _ => (Severity::Error, "does not compare hashes"),
        };
        let what = format!("{} on {} {outcome}.", self.condition.operator, self.condition.key);
        Some(self.finding(Rule::HashComparison, what).severity(severity).fix(self.plain()))
    }

    fn values(&self, findings: &mut Vec<Finding>) {
        let case_matters = !matches!(
            self.condition.operator.comparison,
            Comparison::StringEqualsIgnoreCase | Comparison::StringNotEqualsIgnoreCase
        );
        let mut found: Vec<(Rule, Vec<&str>)> = Vec::new();
        for value in self.condition.values.iter() {
            // To deny to debug mode is right; and instances have none.
            let faults = faults(value).into_iter();
            let of_enclave = !matches!(register(&self.condition.key), Some(Register::NitroTpm(_)));
            let lets_debug_in = self.lets_in() && of_enclave;
            for rule in faults.filter(|rule| *rule != Rule::DebugImageListed || lets_debug_in) {
                match found.iter_mut().find(|(known, _)| *known == rule) {
                    Some((_, values)) => values.push(value),
                    None => found.push((rule, vec![value])),
                }
            }
        }
        for (rule, values) in found {
            let listed = shown(values.iter().copied());
            let (outcome, severity) = match rule {
                Rule::DebugImageListed => ("lets in every enclave in debug mode", rule.severity()),
                Rule::HashWildcard => ("is a pattern, or no hash at all", rule.severity()),
                Rule::HashUpperCase if case_matters => {
                    ("never matches: KMS has it in lower case", Severity::Warning)
                }
                Rule::HashUpperCase => ("matches, in another spelling than KMS's", rule.severity()),
                _ => ("never matches", rule.severity()),
            };
            let edits = values.iter().filter_map(|value| self.mended(rule, value));
            let what = format!("{} compares with {listed}, which {outcome}.", self.condition.key);
            findings.push(self.finding(rule, what).severity(severity).fix(Fix::new(edits)));
        }
    }

    /// Whether a value that is listed here is let in.
    fn lets_in(&self) -> bool {
        self.allows() != self.condition.operator.comparison.is_negated()
    }

    fn mended(&self, rule: Rule, value: &str) -> Option<Edit> {
        let to = match rule {
            Rule::HashPrefix | Rule::HashUpperCase => Some(plain_hash(value)),
            Rule::DebugImageListed => None,
            _ => return None,
        };
        let sole = self.condition.values.iter().all(|own| own == value);
        let from = value.to_owned();
        (to.is_some() || !sole).then_some(Edit::Value {
            statement: self.index,
            condition: self.position,
            from,
            to,
        })
    }

    /// The operator that belongs here.
    fn plain(&self) -> Option<Fix> {
        let comparison = match self.condition.operator.comparison {
            Comparison::Null => Comparison::Null,
            Comparison::StringLike | Comparison::StringNotLike
                if self.condition.values.iter().any(|value| value.contains(['*', '?'])) =>
            {
                self.condition.operator.comparison
            }
            comparison if comparison.is_negated() => Comparison::StringNotEqualsIgnoreCase,
            _ => Comparison::StringEqualsIgnoreCase,
        };
        let operator = Operator::from(comparison);
        let taken = self
            .statement
            .conditions
            .iter()
            .any(|other| other.operator == operator && other.key == self.condition.key);
        Fix::new((!taken).then_some(Edit::Operator {
            statement: self.index,
            condition: self.position,
            operator,
        }))
    }

    /// A condition that an enclave's own request to KMS does not meet.
    fn locks_out(&self) -> Option<Finding> {
        let key = self.condition.key.to_lowercase();
        let service = SERVICE_KEYS.contains(&key.as_str());
        if !service && !NETWORK_KEYS.contains(&key.as_str()) {
            return None;
        }
        let data = [Action::Decrypt, Action::GenerateDataKey, Action::Encrypt];
        let data = data.into_iter().any(|action| covers(self.statement, action));
        let missing = holds_for_missing(self.condition);
        // Where the key is missing, an Allow without it is lost, and a Deny takes hold.
        let refused = match self.statement.effect {
            Effect::Allow => !missing,
            Effect::Deny => missing,
        };
        if !data || (service && !refused) || (!service && !self.demands_network()) {
            return None;
        }
        let (severity, outcome) = if service {
            (Severity::Error, "only AWS services have it in their requests: no enclave meets the condition")
        } else {
            (Severity::Warning, "it is the parent instance's network as KMS sees it")
        };
        let values = shown(self.condition.values.iter());
        let what = format!("The statement asks for {} of {values}; {outcome}.", self.condition.key);
        Some(self.finding(Rule::ConditionLocksOut, what).severity(severity))
    }

    /// Whether requests from elsewhere are refused.
    fn demands_network(&self) -> bool {
        self.allows() != self.condition.operator.comparison.is_negated()
    }
}

/// What is wrong with a hash.
fn faults(value: &str) -> Vec<Rule> {
    let plain = plain_hash(value);
    let mut faults = Vec::new();
    if value.contains(['*', '?']) {
        return vec![Rule::HashWildcard];
    }
    if plain.len() != value.len() {
        faults.push(Rule::HashPrefix);
    }
    if !plain.bytes().all(|c| c.is_ascii_hexdigit()) {
        faults.push(Rule::HashNotHex);
        return faults;
    }
    if plain.len() != HASH_LEN {
        faults.push(Rule::HashLength);
    }
    if value.bytes().any(|c| (b'A'..=b'F').contains(&c)) {
        faults.push(Rule::HashUpperCase);
    }
    if !plain.is_empty() && plain.bytes().all(|c| c == b'0') {
        faults.push(Rule::DebugImageListed);
    }
    faults
}

/// Without `0x`, in lower case.
fn plain_hash(value: &str) -> String {
    let lower = value.to_lowercase();
    lower.strip_prefix("0x").map(str::to_owned).unwrap_or(lower)
}
