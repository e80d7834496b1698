//! Reading a request's JSON members, with AWS's texts for what is wrong with them.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::ciphertext::EncryptionContext;
use super::errors::ApiError;

/// The members of one JSON object of a request. A member that is null counts as absent.
pub(crate) struct Input {
    members: Map<String, Value>,
    /// Where the object stands in the request: prefixed to member names in texts.
    path: &'static str,
}

impl Input {
    /// Reads a request body; an empty one has no members.
    pub(crate) fn read(body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self { members: Map::new(), path: "" });
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self { members, path: "" }),
            _ => Err(ApiError::serialization()),
        }
    }

    /// An object below this one.
    pub(crate) fn object(&self, name: &str, path: &'static str) -> Result<Option<Self>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self { members: members.clone(), path })),
            Some(_) => Err(ApiError::serialization()),
        }
    }

    /// A text whose number of characters is within bounds.
    pub(crate) fn text(&self, name: &str, bounds: RangeInclusive<usize>) -> Result<Option<&str>, ApiError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(ApiError::serialization()),
        };
        self.check_length(name, &format!("'{text}'"), text.chars().count(), bounds)?;
        Ok(Some(text))
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, name: &str, bounds: RangeInclusive<usize>) -> Result<&str, ApiError> {
        self.text(name, bounds)?.ok_or_else(|| self.missing(name))
    }

    /// A text out of an enumeration.
    pub(crate) fn choice(
        &self,
        name: &str,
        allowed: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(ApiError::serialization()),
        };
        match allowed.iter().copied().find(|allowed| allowed == text) {
            Some(found) => Ok(Some(found)),
            None => Err(ApiError::constraint(
                &format!("'{text}'"),
                &self.member(name),
                &format!("satisfy enum value set: [{}]", allowed.join(", ")),
            )),
        }
    }

    /// A text out of an enumeration that must be there.
    pub(crate) fn required_choice(
        &self,
        name: &str,
        allowed: &[&'static str],
    ) -> Result<&'static str, ApiError> {
        self.choice(name, allowed)?.ok_or_else(|| self.missing(name))
    }

    /// Base64 of bytes, as many as the bounds say, that must be there. Texts do not show the value: AWS hides
    /// that of sensitive members.
    pub(crate) fn required_blob(
        &self,
        name: &str,
        bounds: RangeInclusive<usize>,
    ) -> Result<Vec<u8>, ApiError> {
        let text = match self.get(name) {
            None => return Err(self.missing(name)),
            Some(Value::String(text)) => text,
            Some(_) => return Err(ApiError::serialization()),
        };
        let bytes = STANDARD.decode(text).map_err(|_| ApiError::serialization())?;
        self.check_length(name, "", bytes.len(), bounds)?;
        Ok(bytes)
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number,
            Some(_) => return Err(ApiError::serialization()),
        };
        let constraint = match number.as_u64() {
            Some(value) if value > max => format!("have value less than or equal to {max}"),
            Some(value) if value >= min => return Ok(Some(value)),
            _ => format!("have value greater than or equal to {min}"),
        };
        Err(ApiError::constraint(&format!("'{number}'"), &self.member(name), &constraint))
    }

    /// A boolean; absent is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::serialization()),
        }
    }

    /// An array; absent is empty.
    pub(crate) fn array(&self, name: &str, max: usize) -> Result<&[Value], ApiError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => {
                self.check_length(name, "", items.len(), 0..=max)?;
                Ok(items)
            }
            Some(_) => Err(ApiError::serialization()),
        }
    }

    /// An encryption context; absent is empty.
    pub(crate) fn encryption_context(&self, name: &str) -> Result<EncryptionContext, ApiError> {
        let pairs = match self.get(name) {
            None => return Ok(EncryptionContext::new()),
            Some(Value::Object(pairs)) => pairs,
            Some(_) => return Err(ApiError::serialization()),
        };
        pairs
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(ApiError::serialization)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// That a member must be there.
    pub(crate) fn missing(&self, name: &str) -> ApiError {
        ApiError::constraint("null", &self.member(name), "not be null")
    }

    fn check_length(
        &self,
        name: &str,
        shown: &str,
        length: usize,
        bounds: RangeInclusive<usize>,
    ) -> Result<(), ApiError> {
        let constraint = if length < *bounds.start() {
            format!("have length greater than or equal to {}", bounds.start())
        } else if length > *bounds.end() {
            format!("have length less than or equal to {}", bounds.end())
        } else {
            return Ok(());
        };
        Err(ApiError::constraint(shown, &self.member(name), &constraint))
    }

    /// The member's name as texts have it: in lower camel case, behind its path.
    fn member(&self, name: &str) -> String {
        let mut characters = name.chars();
        let first = characters.next().map(|c| c.to_ascii_lowercase());
        self.path.chars().chain(first).chain(characters).collect()
    }
}
