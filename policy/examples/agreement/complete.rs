//! Pairs with a statement that AWS's documents leave open, with what is missing put in.

use std::collections::BTreeSet;

use pcrseal_policy::document::{
    Condition, Matching, PrincipalKind, Principals, SetOperator, Statement, Values,
};
use pcrseal_policy::evaluate::{Missing, Source, Unresolved};
use pcrseal_policy::names::{Identity, PrincipalArn};

use crate::pair::Pair;

/// Each round puts in everything that the one before found missing.
const MAX_ROUNDS: usize = 16;

/// The pair with no statement left open, and how many rounds that took.
pub(crate) fn completed(mut pair: Pair) -> (Pair, usize) {
    for rounds in 0..MAX_ROUNDS {
        let evaluation = pair.evaluate();
        if evaluation.unresolved.is_empty() {
            return (pair, rounds);
        }
        for unresolved in &evaluation.unresolved {
            complete(&mut pair, unresolved);
        }
    }
    panic!("still open after {MAX_ROUNDS} rounds: {:?}", pair.evaluate().unresolved)
}

fn complete(pair: &mut Pair, unresolved: &Unresolved) {
    if let Missing::Variable(key) | Missing::Key(key) = &unresolved.missing {
        if pair.value(key).is_none() {
            pair.context.push((key.clone(), Values::One("crypto".into())));
        }
        return;
    }
    let caller = pair.principal.clone();
    let index = unresolved.statement.index;
    let statement = match unresolved.statement.source {
        Source::Identity(position) => &mut pair.identity_policies[position].statements[index],
        _ => &mut pair.key_policy.statements[index],
    };
    match &unresolved.missing {
        Missing::SetOperator(key) => with_set_operator(statement, key),
        Missing::NotPrincipal => {
            if let Some(Matching::IsNot(Principals::Listed(listed))) = &mut statement.principals {
                listed.retain(|(kind, _)| *kind != PrincipalKind::Aws);
                listed.push((PrincipalKind::Aws, Values::Many(every_name(&caller))));
            }
        }
        other => panic!("no pair has this: {other}"),
    }
}

fn with_set_operator(statement: &mut Statement, key: &str) {
    let mut seen = BTreeSet::new();
    for condition in &mut statement.conditions {
        if condition.key.eq_ignore_ascii_case(key) && condition.operator.set.is_none() {
            condition.operator.set = Some(SetOperator::ForAnyValue);
        }
    }
    // A name may stand once in an object of JSON.
    statement.conditions.retain(|Condition { operator, key, .. }| seen.insert((*operator, key.clone())));
}

/// The account, of a session the role, and the caller itself. Of a role nobody knows the session: everybody.
fn every_name(caller: &PrincipalArn) -> Vec<String> {
    if caller.is_role() {
        return vec!["*".into()];
    }
    let mut names = vec![caller.account().root(caller.partition()).to_string(), caller.to_string()];
    if let Identity::AssumedRole { name, .. } = caller.identity() {
        names.push(format!("arn:aws:iam::{}:role/{name}", caller.account()));
    }
    names
}
