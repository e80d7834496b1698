//! Document to JSON.

use super::{Condition, Matching, PolicyDocument, Principals, Statement, Values};
use crate::json::Json;

type Members = Vec<(String, Json)>;

pub(super) fn document(document: &PolicyDocument) -> Json {
    let mut members = Members::new();
    if let Some(version) = document.version {
        members.push(("Version".into(), version.as_str().into()));
    }
    if let Some(id) = &document.id {
        members.push(("Id".into(), id.as_str().into()));
    }
    let statements = document.statements.iter().map(statement).collect();
    members.push(("Statement".into(), Json::Array(statements)));
    members.extend(document.unknown.iter().cloned());
    Json::Object(members)
}

fn statement(statement: &Statement) -> Json {
    let mut members = Members::new();
    if let Some(sid) = &statement.sid {
        members.push(("Sid".into(), sid.as_str().into()));
    }
    members.push(("Effect".into(), statement.effect.as_str().into()));
    element(&mut members, "Principal", statement.principals.as_ref(), principals);
    element(&mut members, "Action", statement.actions.as_ref(), values);
    element(&mut members, "Resource", statement.resources.as_ref(), values);
    if !statement.conditions.is_empty() {
        members.push(("Condition".into(), conditions(&statement.conditions)));
    }
    members.extend(statement.unknown.iter().cloned());
    Json::Object(members)
}

fn element<T>(members: &mut Members, name: &str, element: Option<&Matching<T>>, write: fn(&T) -> Json) {
    match element {
        Some(Matching::Is(listed)) => members.push((name.into(), write(listed))),
        Some(Matching::IsNot(listed)) => members.push((format!("Not{name}"), write(listed))),
        None => {}
    }
}

fn principals(principals: &Principals) -> Json {
    match principals {
        Principals::Everyone => "*".into(),
        Principals::Listed(listed) => {
            Json::Object(listed.iter().map(|(kind, list)| (kind.as_str().into(), values(list))).collect())
        }
    }
}

fn values(values: &Values) -> Json {
    match values {
        Values::One(value) => value.as_str().into(),
        Values::Many(values) => Json::Array(values.iter().map(|value| value.as_str().into()).collect()),
    }
}

/// One member per operator, in the order of their first use.
fn conditions(conditions: &[Condition]) -> Json {
    let mut blocks: Vec<(String, Members)> = Vec::new();
    for condition in conditions {
        let (operator, test) =
            (condition.operator.to_string(), (condition.key.clone(), values(&condition.values)));
        match blocks.iter_mut().find(|(name, _)| *name == operator) {
            Some((_, tests)) => tests.push(test),
            None => blocks.push((operator, vec![test])),
        }
    }
    Json::Object(blocks.into_iter().map(|(operator, tests)| (operator, Json::Object(tests))).collect())
}
