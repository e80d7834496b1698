//! Policy variables (IAM user guide, "IAM policy elements: Variables and tags").

use super::decision::Missing;
use super::patterns::Pattern;
use super::request::{ContextEntry, ContextValue, Request};
use crate::document::Version;

/// Why a text of a policy has no value.
#[derive(Debug)]
pub(super) enum NoValue {
    /// A variable whose value is not known.
    Unknown(Missing),
    /// A variable that stands for a key with several values: "the value never matches" ("Single-valued vs.
    /// multivalued context keys").
    Never,
}

/// How a policy's texts are read for one request.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) request: &'a Request,
    pub(super) version: Version,
}

impl Reader<'_> {
    /// The text with its variables replaced. What a variable brings in is no wildcard.
    pub(super) fn pattern(&self, text: &str, wildcards: bool) -> Result<Pattern, NoValue> {
        let plain = if wildcards { Pattern::with_wildcards } else { Pattern::literal };
        let mut pattern = Pattern::default();
        let mut rest = text;
        // Earlier versions of the language have no variables: `${…}` is text there.
        if self.version == Version::V2012 {
            while let Some((before, variable, behind)) = split(rest) {
                pattern.push(plain(before));
                pattern.push(self.variable(variable)?);
                rest = behind;
            }
        }
        pattern.push(plain(rest));
        Ok(pattern)
    }

    /// `variable` is what stands between the braces.
    fn variable(&self, variable: &str) -> Result<Pattern, NoValue> {
        // "${*}", "${?}" and "${$}" stand for the characters themselves.
        if matches!(variable, "*" | "?" | "$") {
            return Ok(Pattern::literal(variable));
        }
        let (key, default) = with_default(variable).map_or((variable, None), |(key, text)| (key, Some(text)));
        match (self.request.entry(key), default) {
            (Some(ContextEntry::Known(ContextValue::One(value))), _) => Ok(Pattern::literal(value)),
            (Some(ContextEntry::Known(ContextValue::Many(_))), _) => Err(NoValue::Never),
            (Some(ContextEntry::Ambiguous), _) => Err(NoValue::Unknown(Missing::AmbiguousKey(key.into()))),
            (Some(ContextEntry::Untold), _) | (None, None) => {
                Err(NoValue::Unknown(Missing::Variable(key.into())))
            }
            (None, Some(default)) => Ok(Pattern::literal(default)),
        }
    }
}

/// What stands before the first variable, in its braces, and behind it.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (variable, behind) = rest.split_once('}')?;
    Some((before, variable, behind))
}

/// `key, 'default'`.
fn with_default(variable: &str) -> Option<(&str, &str)> {
    let (key, default) = variable.split_once(',')?;
    Some((key.trim(), default.trim().strip_prefix('\'')?.strip_suffix('\'')?))
}
