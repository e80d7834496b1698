//! JSON to document.

use pcrseal_core::error::{Code, Error};

use super::{
    Condition, Effect, Matching, Operator, PolicyDocument, PrincipalKind, Principals, Statement, Values,
    Version,
};
use crate::json::{Json, pointer};
use crate::names::excerpt;

pub(super) fn document(json: &Json) -> Result<PolicyDocument, Error> {
    let members = object(json, "")?;
    let mut document =
        PolicyDocument { version: None, id: None, statements: Vec::new(), unknown: Vec::new() };
    let mut complete = false;
    for (name, value) in members {
        let place = pointer("", name);
        match name.as_str() {
            "Version" => document.version = Some(version(value, &place)?),
            "Id" => document.id = Some(text(value, &place)?),
            "Statement" => {
                document.statements = statements(value, &place)?;
                complete = true;
            }
            _ => document.unknown.push((name.clone(), value.clone())),
        }
    }
    if complete { Ok(document) } else { Err(Error::at(Code::PolicyMember, "", "Statement", "none")) }
}

fn version(value: &Json, place: &str) -> Result<Version, Error> {
    let found = text(value, place)?;
    [Version::V2008, Version::V2012].into_iter().find(|version| version.as_str() == found).ok_or_else(|| {
        Error::at(Code::PolicyVersion, place, "\"2012-10-17\" or \"2008-10-17\"", quoted(&found))
    })
}

fn statements(value: &Json, place: &str) -> Result<Vec<Statement>, Error> {
    match value {
        Json::Array(items) => {
            items.iter().enumerate().map(|(index, item)| statement(item, &pointer(place, index))).collect()
        }
        Json::Object(_) => Ok(vec![statement(value, place)?]),
        _ => Err(wrong_type(value, place, "an object, or an array of objects")),
    }
}

fn statement(value: &Json, place: &str) -> Result<Statement, Error> {
    let mut sid = None;
    let mut effect = None;
    let (mut principals, mut actions, mut resources) = (None, None, None);
    let mut conditions = Vec::new();
    let mut unknown = Vec::new();
    for (name, value) in object(value, place)? {
        let at = pointer(place, name);
        match name.as_str() {
            "Sid" => sid = Some(text(value, &at)?),
            "Effect" => effect = Some(self::effect(value, &at)?),
            "Principal" => fill(&mut principals, Matching::Is(self::principals(value, &at)?), &at)?,
            "NotPrincipal" => fill(&mut principals, Matching::IsNot(self::principals(value, &at)?), &at)?,
            "Action" => fill(&mut actions, Matching::Is(texts(value, &at)?), &at)?,
            "NotAction" => fill(&mut actions, Matching::IsNot(texts(value, &at)?), &at)?,
            "Resource" => fill(&mut resources, Matching::Is(texts(value, &at)?), &at)?,
            "NotResource" => fill(&mut resources, Matching::IsNot(texts(value, &at)?), &at)?,
            "Condition" => conditions = self::conditions(value, &at)?,
            _ => unknown.push((name.clone(), value.clone())),
        }
    }
    let effect = effect.ok_or_else(|| Error::at(Code::PolicyMember, place, "Effect", "none"))?;
    Ok(Statement { sid, effect, principals, actions, resources, conditions, unknown })
}

/// An element and its negation exclude each other.
fn fill<T>(element: &mut Option<Matching<T>>, found: Matching<T>, place: &str) -> Result<(), Error> {
    if element.is_some() {
        let expected = "either an element or its Not form";
        return Err(Error::at(Code::PolicyMember, place, expected, "both"));
    }
    *element = Some(found);
    Ok(())
}

fn effect(value: &Json, place: &str) -> Result<Effect, Error> {
    let found = text(value, place)?;
    [Effect::Allow, Effect::Deny]
        .into_iter()
        .find(|effect| effect.as_str() == found)
        .ok_or_else(|| Error::at(Code::PolicyEffect, place, "\"Allow\" or \"Deny\"", quoted(&found)))
}

fn principals(value: &Json, place: &str) -> Result<Principals, Error> {
    match value {
        Json::String(found) if found == "*" => Ok(Principals::Everyone),
        Json::String(found) => {
            Err(Error::at(Code::PolicyPrincipal, place, "\"*\", or an object", quoted(found)))
        }
        Json::Object(members) if members.is_empty() => {
            Err(Error::at(Code::PolicyPrincipal, place, "at least one kind of principal", "none"))
        }
        Json::Object(members) => {
            let kind = |(name, value): &(String, Json)| {
                let at = pointer(place, name);
                let expected = "AWS, Service, Federated or CanonicalUser";
                let kind = PrincipalKind::ALL
                    .into_iter()
                    .find(|kind| kind.as_str() == name)
                    .ok_or_else(|| Error::at(Code::PolicyPrincipal, &*at, expected, quoted(name)))?;
                Ok((kind, texts(value, &at)?))
            };
            members.iter().map(kind).collect::<Result<_, _>>().map(Principals::Listed)
        }
        _ => Err(wrong_type(value, place, "\"*\", or an object")),
    }
}

fn conditions(value: &Json, place: &str) -> Result<Vec<Condition>, Error> {
    let mut conditions = Vec::new();
    for (name, tests) in object(value, place)? {
        let at = pointer(place, name);
        let operator = Operator::from_name(name).ok_or_else(|| {
            let expected = "a condition operator such as StringEqualsIgnoreCase";
            Error::at(Code::PolicyOperator, &*at, expected, quoted(name))
        })?;
        for (key, value) in object(tests, &at)? {
            let values = scalars(value, &pointer(&at, key))?;
            conditions.push(Condition { operator, key: key.clone(), values });
        }
    }
    Ok(conditions)
}

fn object<'a>(value: &'a Json, place: &str) -> Result<&'a [(String, Json)], Error> {
    match value {
        Json::Object(members) => Ok(members),
        _ => Err(wrong_type(value, place, "an object")),
    }
}

fn text(value: &Json, place: &str) -> Result<String, Error> {
    match value {
        Json::String(text) => Ok(text.clone()),
        _ => Err(wrong_type(value, place, "a string")),
    }
}

fn texts(value: &Json, place: &str) -> Result<Values, Error> {
    one_or_many(value, place, "a string, or an array of strings", |item| match item {
        Json::String(text) => Some(text.clone()),
        _ => None,
    })
}

/// Condition values: AWS takes numbers and booleans for their text.
fn scalars(value: &Json, place: &str) -> Result<Values, Error> {
    one_or_many(value, place, "a string, a number or a boolean, or an array of them", |item| match item {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(item.to_compact()),
        _ => None,
    })
}

fn one_or_many(
    value: &Json,
    place: &str,
    expected: &'static str,
    read: impl Fn(&Json) -> Option<String>,
) -> Result<Values, Error> {
    let Json::Array(items) = value else {
        return read(value).map(Values::One).ok_or_else(|| wrong_type(value, place, expected));
    };
    let item = |(index, item)| read(item).ok_or_else(|| wrong_type(item, &pointer(place, index), expected));
    items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Values::Many)
}

fn wrong_type(value: &Json, place: &str, expected: &'static str) -> Error {
    Error::at(Code::PolicyType, place, expected, value.kind())
}

fn quoted(text: &str) -> String {
    format!("{:?}", excerpt(text))
}
