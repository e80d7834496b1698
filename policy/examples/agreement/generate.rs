//! Pairs of policies and a request. A policy is made with the request in view, so that a good part of what it says
//! meets the request.

use pcrseal_policy::document::{
    Effect, Matching, PolicyDocument, PrincipalKind, Principals, Statement, Values, Version,
};
use pcrseal_policy::names::Identity;

use crate::conditions::{condition, conditions};
use crate::mutate::mutated;
use crate::pair::Pair;
use crate::random::Random;
use crate::request::request;
use crate::words::{ACTION_PATTERNS, PRINCIPALS, RESOURCES};

/// One pair. `rendered` are policies of the profiles.
pub(crate) fn pair(random: &mut Random, rendered: &[PolicyDocument]) -> Pair {
    let mut pair = request(random);
    pair.key_policy = match random.below(10) {
        0 => random.pick(rendered).clone(),
        1..3 => {
            let policy = random.pick(rendered).clone();
            mutated(random, policy, &pair)
        }
        3..6 => pointed(random, &pair),
        _ => {
            let statements = 1 + random.below(4);
            document(random, |random| key_statement(random, &pair), statements)
        }
    };
    for _ in 0..*random.pick(&[0, 1, 1, 1, 2]) {
        let statements = 1 + random.below(2);
        let policy = document(random, |random| identity_statement(random, &pair), statements);
        pair.identity_policies.push(policy);
    }
    pair
}

/// A policy that says yes or no by its conditions alone.
fn pointed(random: &mut Random, pair: &Pair) -> PolicyDocument {
    let everything = |effect, conditions| Statement {
        sid: None,
        effect,
        principals: Some(Matching::Is(Principals::Everyone)),
        actions: Some(Matching::Is("kms:*".into())),
        resources: Some(Matching::Is("*".into())),
        conditions,
        unknown: Vec::new(),
    };
    let mut statements = vec![everything(Effect::Allow, conditions(random, pair))];
    if random.chance(40) {
        let conditions = vec![condition(random, pair)];
        statements.push(everything(Effect::Deny, conditions));
    }
    let mut policy = PolicyDocument::new(statements);
    policy.version = version(random);
    policy
}

fn version(random: &mut Random) -> Option<Version> {
    if random.chance(16) { *random.pick(&[None, Some(Version::V2008)]) } else { Some(Version::V2012) }
}

fn document(
    random: &mut Random,
    statement: impl Fn(&mut Random) -> Statement,
    statements: usize,
) -> PolicyDocument {
    let mut document = PolicyDocument::new((0..statements).map(|_| statement(random)).collect());
    document.version = version(random);
    document
}

/// A statement of a key policy.
pub(crate) fn key_statement(random: &mut Random, pair: &Pair) -> Statement {
    let mut statement = identity_statement(random, pair);
    statement.principals = Some(principals(random, pair));
    if random.chance(2) {
        statement.resources = None;
    }
    statement
}

/// A statement of an identity-based policy.
fn identity_statement(random: &mut Random, pair: &Pair) -> Statement {
    let effect = if random.chance(76) { Effect::Allow } else { Effect::Deny };
    Statement {
        sid: None,
        effect,
        principals: None,
        actions: Some(actions(random, pair)),
        resources: Some(resources(random)),
        conditions: conditions(random, pair),
        unknown: Vec::new(),
    }
}

/// `Principal`, or now and then `NotPrincipal`.
pub(crate) fn principals(random: &mut Random, pair: &Pair) -> Matching<Principals> {
    let who = match random.below(20) {
        0..3 => Principals::Everyone,
        3 => Principals::Listed(vec![(PrincipalKind::Service, "ec2.amazonaws.com".into())]),
        4 => Principals::Listed(vec![
            (PrincipalKind::Federated, "cognito-identity.amazonaws.com".into()),
            (PrincipalKind::Aws, Values::One(principal(random, pair))),
        ]),
        5..9 => {
            let some = 1 + random.below(3);
            Principals::aws(Values::Many((0..some).map(|_| principal(random, pair)).collect()))
        }
        _ => Principals::aws(Values::One(principal(random, pair))),
    };
    negated(random, 8, who)
}

/// The caller in one of the ways that name it, or anybody.
fn principal(random: &mut Random, pair: &Pair) -> String {
    let caller = &pair.principal;
    match random.below(10) {
        0..3 => caller.account().root(caller.partition()).to_string(),
        3..5 => match caller.identity() {
            Identity::AssumedRole { name, .. } => format!("arn:aws:iam::{}:role/{name}", caller.account()),
            Identity::FederatedUser { name } => format!("arn:aws:iam::{}:user/{name}", caller.account()),
            _ => caller.to_string(),
        },
        5 => caller.to_string(),
        _ => (*random.pick(PRINCIPALS)).to_owned(),
    }
}

/// `Action`, or now and then `NotAction`.
pub(crate) fn actions(random: &mut Random, pair: &Pair) -> Matching<Values> {
    let action = |random: &mut Random| match random.below(10) {
        0..3 => pair.action.name().to_owned(),
        3..5 => "kms:*".to_owned(),
        5 => {
            let name = pair.action.name();
            let kept = "kms:".len() + random.below(name.len() - "kms:".len());
            format!("{}*", &name[..kept])
        }
        _ => (*random.pick(ACTION_PATTERNS)).to_owned(),
    };
    let listed = one_or_some(random, action);
    negated(random, 8, listed)
}

fn resources(random: &mut Random) -> Matching<Values> {
    let listed = one_or_some(random, |random| (*random.pick(RESOURCES)).to_owned());
    negated(random, 6, listed)
}

/// One text, or a list of a few.
pub(crate) fn one_or_some(random: &mut Random, text: impl Fn(&mut Random) -> String) -> Values {
    match random.below(3) {
        0 => Values::Many((0..=random.below(3)).map(|_| text(random)).collect()),
        _ => Values::One(text(random)),
    }
}

fn negated<T>(random: &mut Random, percent: usize, listed: T) -> Matching<T> {
    if random.chance(percent) { Matching::IsNot(listed) } else { Matching::Is(listed) }
}
