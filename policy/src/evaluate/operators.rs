//! One value of a condition against one value of the request (IAM user guide, "IAM JSON policy elements: Condition
//! operators").

use std::cmp::Ordering;

use super::decision::Missing;
use super::patterns::{Pattern, lower_case};
use super::truth::Truth;
use super::values::{Decimal, in_block, moment};
use super::variables::{NoValue, Reader};
use crate::document::Comparison;

/// How a policy's value and a request's compare. For a negated operator too this says whether they match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Match,
    NoMatch,
    /// One of the two is no value of the operator's type: the operator does not hold, negated or not.
    Invalid,
    /// The policy's value is not known.
    Unknown,
}

impl From<bool> for Outcome {
    fn from(matches: bool) -> Self {
        if matches { Self::Match } else { Self::NoMatch }
    }
}

/// Whether the comparison holds between the request's value and the policy's: one of them must match, or for a
/// negated comparison none.
pub(super) fn holds<'a>(
    comparison: Comparison,
    policy: impl Iterator<Item = &'a str>,
    request: &str,
    reader: Reader<'_>,
    missing: &mut Vec<Missing>,
) -> Truth {
    let negated = comparison.is_negated();
    let each = policy.map(|value| match compare(comparison, value, request, reader, missing) {
        Outcome::Match => Truth::from(!negated),
        Outcome::NoMatch => Truth::from(negated),
        Outcome::Invalid => Truth::No,
        Outcome::Unknown => Truth::Unknown,
    });
    if negated { Truth::all(each) } else { Truth::any(each) }
}

/// Whether a value of the comparison may hold policy variables: "with string operators or ARN operators" ("Variables
/// and tags"). Elsewhere `${…}` is no number, date or address.
pub(super) const fn take_variables(comparison: Comparison) -> bool {
    use Comparison as C;
    matches!(
        comparison,
        C::StringEquals
            | C::StringNotEquals
            | C::StringEqualsIgnoreCase
            | C::StringNotEqualsIgnoreCase
            | C::StringLike
            | C::StringNotLike
            | C::ArnEquals
            | C::ArnLike
            | C::ArnNotEquals
            | C::ArnNotLike
    )
}

fn compare(
    comparison: Comparison,
    policy: &str,
    request: &str,
    reader: Reader<'_>,
    missing: &mut Vec<Missing>,
) -> Outcome {
    use Comparison as C;
    match comparison {
        C::StringEquals | C::StringNotEquals => {
            text(reader.pattern(policy, false), missing, |value| value.matches(request))
        }
        C::StringEqualsIgnoreCase | C::StringNotEqualsIgnoreCase => {
            let request = lower_case(request);
            text(reader.pattern(policy, false), missing, |value| value.to_lower_case().matches(&request))
        }
        C::StringLike | C::StringNotLike => {
            text(reader.pattern(policy, true), missing, |value| value.matches(request))
        }
        C::ArnEquals | C::ArnLike | C::ArnNotEquals | C::ArnNotLike => arn(policy, request, reader, missing),
        C::Bool => {
            let boolean = |text: &str| ["true", "false"].iter().any(|known| text.eq_ignore_ascii_case(known));
            if boolean(policy) { policy.eq_ignore_ascii_case(request).into() } else { Outcome::Invalid }
        }
        // Base64 has one text per value (RFC 4648 section 3.5).
        C::BinaryEquals => (policy == request).into(),
        C::IpAddress | C::NotIpAddress => in_block(policy, request).map_or(Outcome::Invalid, Outcome::from),
        C::NumericEquals
        | C::NumericNotEquals
        | C::NumericLessThan
        | C::NumericLessThanEquals
        | C::NumericGreaterThan
        | C::NumericGreaterThanEquals => match (Decimal::parse(request), Decimal::parse(policy)) {
            (Some(request), Some(policy)) => in_order(comparison, request.compare(&policy)).into(),
            _ => Outcome::Invalid,
        },
        C::DateEquals
        | C::DateNotEquals
        | C::DateLessThan
        | C::DateLessThanEquals
        | C::DateGreaterThan
        | C::DateGreaterThanEquals => match (moment(request), moment(policy)) {
            (Some(request), Some(policy)) => in_order(comparison, request.cmp(&policy)).into(),
            _ => Outcome::Invalid,
        },
        // Asks for the key, not for its value: see `condition`.
        C::Null => Outcome::Invalid,
    }
}

fn text(
    policy: Result<Pattern, NoValue>,
    missing: &mut Vec<Missing>,
    matches: impl FnOnce(&Pattern) -> bool,
) -> Outcome {
    match policy {
        Ok(pattern) => matches(&pattern).into(),
        Err(NoValue::Never) => Outcome::Invalid,
        Err(NoValue::Unknown(what)) => {
            missing.push(what);
            Outcome::Unknown
        }
    }
}

/// "Each of the six colon-delimited components of the ARN is checked separately and each can include multi-character
/// match wildcards (*) or single-character match wildcards (?)." `ArnEquals` and `ArnLike` are the same.
fn arn(policy: &str, request: &str, reader: Reader<'_>, missing: &mut Vec<Missing>) -> Outcome {
    let request: Vec<&str> = request.splitn(6, ':').collect();
    if request.len() != 6 {
        return Outcome::Invalid;
    }
    // What a variable brings in may hold colons, or be an ARN itself.
    match reader.pattern(policy, true).map(Pattern::into_arn_parts) {
        Ok(policy) if policy.len() == 6 => {
            policy.iter().zip(request).all(|(policy, request)| policy.matches(request)).into()
        }
        Ok(_) | Err(NoValue::Never) => Outcome::Invalid,
        Err(NoValue::Unknown(what)) => {
            missing.push(what);
            Outcome::Unknown
        }
    }
}

fn in_order(comparison: Comparison, request_to_policy: Ordering) -> bool {
    use Comparison as C;
    match comparison {
        C::NumericLessThan | C::DateLessThan => request_to_policy.is_lt(),
        C::NumericLessThanEquals | C::DateLessThanEquals => request_to_policy.is_le(),
        C::NumericGreaterThan | C::DateGreaterThan => request_to_policy.is_gt(),
        C::NumericGreaterThanEquals | C::DateGreaterThanEquals => request_to_policy.is_ge(),
        _ => request_to_policy.is_eq(),
    }
}
