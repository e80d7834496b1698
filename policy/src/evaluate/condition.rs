//! Whether a condition holds (IAM user guide, "Conditions with multiple context keys or values", "Single-valued vs.
//! multivalued context keys").

use super::decision::Missing;
use super::operators;
use super::request::{ContextEntry, ContextValue};
use super::truth::Truth;
use super::variables::{NoValue, Reader};
use crate::document::{Comparison, Condition, SetOperator};

/// Whether the condition holds. What one would have to know is added to `missing` if that is not known.
pub(super) fn holds(condition: &Condition, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    let mut needed = Vec::new();
    let truth = test(condition, reader, &mut needed);
    if truth == Truth::Unknown {
        missing.append(&mut needed);
    }
    truth
}

fn test(condition: &Condition, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    let entry = reader.request.entry(&condition.key);
    if condition.operator.comparison == Comparison::Null {
        // Which of several values the key has is no matter here.
        let asked = if entry.is_none() { "true" } else { "false" };
        return condition.values.iter().any(|value| value.eq_ignore_ascii_case(asked)).into();
    }
    let value = match entry {
        None => return of_missing_key(condition, reader, missing),
        Some(ContextEntry::Ambiguous) => {
            missing.push(Missing::AmbiguousKey(condition.key.clone()));
            return Truth::Unknown;
        }
        Some(ContextEntry::Untold) => {
            missing.push(Missing::Key(condition.key.clone()));
            return Truth::Unknown;
        }
        Some(ContextEntry::Known(value)) => value,
    };
    let comparison = condition.operator.comparison;
    let mut each =
        |value: &str| operators::holds(comparison, condition.values.iter(), value, reader, missing);
    let values = match (condition.operator.set, value) {
        (None, ContextValue::One(value)) => return each(value),
        (None, ContextValue::Many(_)) => {
            missing.push(Missing::SetOperator(condition.key.clone()));
            return Truth::Unknown;
        }
        (Some(_), ContextValue::One(value)) => std::slice::from_ref(value),
        (Some(_), ContextValue::Many(values)) => values.as_slice(),
    };
    // A "null data set, such as an empty string" holds no value.
    let mut values = values.iter().filter(|value| !value.is_empty()).map(|value| each(value));
    match condition.operator.set {
        Some(SetOperator::ForAnyValue) => Truth::any(&mut values),
        _ => Truth::all(&mut values),
    }
}

/// Without the key, a set operator says what follows, whatever the comparison and `…IfExists`; then `…IfExists`;
/// and a negated comparison holds ("Condition operators", the note on `…IfExists` and the box on missing keys).
fn of_missing_key(condition: &Condition, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    match condition.operator.set {
        Some(SetOperator::ForAllValues) => return Truth::Yes,
        Some(SetOperator::ForAnyValue) => return Truth::No,
        None if condition.operator.if_exists => return Truth::Yes,
        None => {}
    }
    if !condition.operator.comparison.is_negated() {
        return Truth::No;
    }
    // Where AWS cannot resolve a variable, the statement is invalid: an unknown one may make it so.
    let values = condition.values.iter().filter(|_| operators::take_variables(condition.operator.comparison));
    for value in values {
        if let Err(NoValue::Unknown(what)) = reader.pattern(value, true) {
            missing.push(what);
        }
    }
    if missing.is_empty() { Truth::Yes } else { Truth::Unknown }
}
