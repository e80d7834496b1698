//! JSON as policies need it: members keep their order, a name may stand once in an object, every place has a
//! JSON pointer (RFC 6901), syntax errors have line and column.

use std::fmt;

use pcrseal_core::error::{Code, Error};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Longest policy text in bytes: what `Policy` of `PutKeyPolicy` takes (AWS KMS API reference). KMS refuses key
/// policies beyond 32 KiB besides ("Resource quotas").
pub const MAX_POLICY_LEN: usize = 131_072;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object; its members in the order of the text, no name twice.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Reads one JSON value that is the whole text: at most [`MAX_POLICY_LEN`] bytes, nested at most 127 deep.
    ///
    /// # Errors
    /// [`Code::PolicyTooLong`]; [`Code::PolicySyntax`] with line and column; [`Code::PolicyDuplicateKey`] with the
    /// JSON pointer of the second one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_POLICY_LEN {
            let expected = "at most 131072";
            return Err(Error::number(Code::PolicyTooLong, "bytes", expected, text.len() as u64));
        }
        let mut state = State::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        // serde_json stops at 128 levels by itself.
        let value = Seed { state: &mut state }
            .deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value));
        value.map_err(|error| state.duplicate.unwrap_or_else(|| syntax(&error)))
    }

    /// What kind of value this is, for errors: `a string`, `an object`, …
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// On one line, without spaces: what KMS stores.
    pub fn to_compact(&self) -> String {
        self.to_string()
    }

    /// On lines of their own, indented by two spaces, with a line break at the end.
    pub fn to_pretty(&self) -> String {
        format!("{self:#}\n")
    }
}

/// On one line; with `{:#}` on lines of their own.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            if f.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::String(value) => serializer.serialize_str(value),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// One step down: the pointer of a member or an item.
pub fn pointer(parent: &str, step: impl fmt::Display) -> String {
    let mut place = parent.to_owned();
    descend(&mut place, &step.to_string());
    place
}

/// The same in place: pointers may be long, and every value has one.
fn descend(place: &mut String, step: &str) {
    place.push('/');
    for c in step.chars() {
        match c {
            '~' => place.push_str("~0"),
            '/' => place.push_str("~1"),
            _ => place.push(c),
        }
    }
}

fn syntax(error: &serde_json::Error) -> Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    // serde_json repeats the place at the end of its text.
    let text = error.to_string();
    let found = text.split(" at line ").next().unwrap_or_default();
    Error::at(Code::PolicySyntax, place, "JSON", found)
}

#[derive(Default)]
struct State {
    pointer: String,
    duplicate: Option<Error>,
}

struct Seed<'a> {
    state: &'a mut State,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        let depth = self.state.pointer.len();
        loop {
            descend(&mut self.state.pointer, &array.len().to_string());
            let item = items.next_element_seed(Seed { state: self.state })?;
            self.state.pointer.truncate(depth);
            match item {
                Some(item) => array.push(item),
                None => return Ok(Json::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        let depth = self.state.pointer.len();
        while let Some(name) = members.next_key::<String>()? {
            descend(&mut self.state.pointer, &name);
            if !names.insert(name.clone()) {
                let place = self.state.pointer.clone();
                let error = Error::at(Code::PolicyDuplicateKey, place, "once", "twice");
                self.state.duplicate = Some(error);
                return Err(A::Error::custom("duplicate name"));
            }
            let value = members.next_value_seed(Seed { state: self.state })?;
            self.state.pointer.truncate(depth);
            object.push((name, value));
        }
        Ok(Json::Object(object))
    }
}
