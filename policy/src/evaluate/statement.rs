//! Whether a statement matches a request.

use super::condition;
use super::decision::Missing;
use super::patterns::{Pattern, arn_parts, lower_case};
use super::request::Resource;
use super::truth::Truth;
use super::variables::{NoValue, Reader};
use crate::actions::Action;
use crate::document::{Matching, Statement, Values, Version};

/// Whether everything but the principal matches, and what one would have to know if that is not known.
///
/// "A statement without Action or Resource has no effect" (AWS KMS API reference, `PutKeyPolicy`).
pub(super) fn matches(statement: &Statement, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    let (Some(actions), Some(resources)) = (&statement.actions, &statement.resources) else {
        return Truth::No;
    };
    if !cover(actions, |entry| is_action(entry, reader.request.action())) {
        return Truth::No;
    }
    let conditions =
        statement.conditions.iter().map(|condition| condition::holds(condition, reader, missing));
    let conditions = Truth::all(conditions);
    conditions.and(of_resources(resources, reader, missing))
}

fn cover(element: &Matching<Values>, matches: impl Fn(&str) -> bool) -> bool {
    element.listed().iter().any(matches) != element.is_negated()
}

/// `kms:Decrypt` against `*`, `*:*`, `kms:*`, `KMS:Dec*`, … Beside an asterisk that stands for every service, the name
/// of the service holds no wildcard (IAM user guide, "IAM JSON policy elements: Action").
pub(crate) fn is_action(entry: &str, action: Action) -> bool {
    let own = action.name();
    match (entry.split_once(':'), own.split_once(':')) {
        (Some((service, name)), Some((own_service, own_name))) => {
            (service.eq_ignore_ascii_case(own_service) || is_everything(service))
                && Pattern::with_wildcards(name).to_lower_case().matches(&lower_case(own_name))
        }
        _ => is_everything(entry),
    }
}

/// Asterisks alone.
fn is_everything(entry: &str) -> bool {
    !entry.is_empty() && entry.bytes().all(|c| c == b'*')
}

fn of_resources(element: &Matching<Values>, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    let mut needed = Vec::new();
    let any = Truth::any(element.listed().iter().map(|entry| is_resource(entry, reader, &mut needed)));
    if any == Truth::Unknown {
        missing.append(&mut needed);
    }
    if element.is_negated() { any.not() } else { any }
}

fn is_resource(entry: &str, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Truth {
    if is_everything(entry) {
        return Truth::Yes;
    }
    let key = match reader.request.resource() {
        Resource::None => return Truth::No,
        Resource::Key(key) => key,
        Resource::UnknownKey => {
            missing.push(Missing::KeyArn);
            return Truth::Unknown;
        }
    };
    // Variables may stand "only in the resource portion of the ARN": what is after the fifth colon.
    let text = Reader { version: Version::V2008, ..reader };
    let mut parts = Vec::new();
    for (position, part) in arn_parts(entry).into_iter().enumerate() {
        match if position == 5 { reader } else { text }.pattern(part, true) {
            Ok(part) => parts.push(part),
            Err(NoValue::Never) => return Truth::No,
            Err(NoValue::Unknown(what)) => {
                missing.push(what);
                return Truth::Unknown;
            }
        }
    }
    Pattern::of_resource(parts).matches(key.as_str()).into()
}
