//! Rendered policies with a few places changed: what a hand that edits one does to it.

use pcrseal_policy::document::{
    Comparison, Condition, Effect, Matching, PolicyDocument, SetOperator, Statement, Values,
};

use crate::conditions::{conditions, values};
use crate::generate::{actions, key_statement, principals};
use crate::pair::Pair;
use crate::random::Random;
use crate::words::{KEYS, Key, Kind};

/// The policy with one to three changes.
pub(crate) fn mutated(random: &mut Random, mut policy: PolicyDocument, pair: &Pair) -> PolicyDocument {
    for _ in 0..=random.below(3) {
        let count = policy.statements.len();
        match random.below(12) {
            0 if count > 1 => {
                policy.statements.remove(random.below(count));
            }
            1 => policy.statements.push(key_statement(random, pair)),
            _ => {
                let statement = random.below(count);
                change(random, &mut policy.statements[statement], pair);
            }
        }
    }
    policy
}

fn change(random: &mut Random, statement: &mut Statement, pair: &Pair) {
    match random.below(12) {
        0 => {
            statement.effect = match statement.effect {
                Effect::Allow => Effect::Deny,
                Effect::Deny => Effect::Allow,
            };
        }
        1 | 2 => statement.principals = Some(principals(random, pair)),
        3 => statement.actions = Some(actions(random, pair)),
        4 => statement.actions = statement.actions.take().map(negated),
        5 => statement.conditions = conditions(random, pair),
        6 => statement.principals = statement.principals.take().map(negated),
        _ => condition(random, statement, pair),
    }
}

fn negated<T>(element: Matching<T>) -> Matching<T> {
    match element {
        Matching::Is(listed) => Matching::IsNot(listed),
        Matching::IsNot(listed) => Matching::Is(listed),
    }
}

fn condition(random: &mut Random, statement: &mut Statement, pair: &Pair) {
    if statement.conditions.is_empty() {
        return;
    }
    let index = random.below(statement.conditions.len());
    let mut changed = statement.conditions.remove(index);
    let comparison = changed.operator.comparison;
    match random.below(6) {
        0 => return,
        1 if comparison != Comparison::Null => changed.operator.if_exists = !changed.operator.if_exists,
        2 if comparison != Comparison::Null => {
            changed.operator.set = Some(*random.pick(&[SetOperator::ForAnyValue, SetOperator::ForAllValues]));
        }
        3 => changed.operator.comparison = other(comparison),
        4 => {
            let texts: Vec<&Key> = KEYS.iter().filter(|key| key.kind == Kind::Text).collect();
            if texts.iter().any(|key| key.name == changed.key) {
                random.pick(&texts).name.clone_into(&mut changed.key);
            }
        }
        _ => {
            if let Some(key) = KEYS.iter().find(|key| key.name == changed.key) {
                changed.values = values(random, pair, key, comparison);
            } else {
                changed.values = Values::One("1".into());
            }
        }
    }
    // A name may stand once in an object of JSON.
    let same = |other: &Condition| other.operator == changed.operator && other.key == changed.key;
    if !statement.conditions.iter().any(same) {
        statement.conditions.insert(index, changed);
    }
}

/// The comparison that is mistaken for this one.
const fn other(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::StringEqualsIgnoreCase => Comparison::StringEquals,
        Comparison::StringNotEqualsIgnoreCase => Comparison::StringEqualsIgnoreCase,
        Comparison::StringEquals => Comparison::StringLike,
        Comparison::Bool => Comparison::StringNotEquals,
        Comparison::ArnEquals | Comparison::ArnLike => Comparison::ArnNotEquals,
        Comparison::ArnNotEquals | Comparison::ArnNotLike => Comparison::ArnLike,
        other => other,
    }
}
