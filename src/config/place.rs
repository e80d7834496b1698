//! Places in the document: values that know where they stand, and errors that say so.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use pcrseal_core::error::{Code, Error};

use super::json::Value;

/// The member whose values no error quotes.
const SECRET: &str = "credentials";
/// Longest name of a member that an error quotes, in bytes. Ours: names of members and regions are below.
const MAX_SHOWN_NAME_LEN: usize = 64;
/// Longest value that an error quotes, in characters. Ours.
const MAX_SHOWN_VALUE_LEN: usize = 64;

/// A place: a JSON pointer (RFC 6901), and whether what stands there may be quoted.
#[derive(Clone, Default)]
pub(super) struct Place {
    pointer: String,
    is_secret: bool,
}

impl Place {
    /// A place outside of the credentials.
    pub(super) fn public(pointer: &str) -> Self {
        Self { pointer: pointer.to_owned(), is_secret: false }
    }

    /// The place of a member; the object's own, where the name might be a value that slipped, or would spoil a log.
    pub(super) fn member(&self, name: &str) -> Self {
        let mut place = self.clone();
        place.is_secret |= self.pointer.is_empty() && name == SECRET;
        let may_be_shown = if self.is_secret {
            name.len() <= 32 && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
        } else {
            name.len() <= MAX_SHOWN_NAME_LEN && name.bytes().all(|c| c.is_ascii_graphic() || c == b' ')
        };
        if may_be_shown {
            place.pointer.push('/');
            place.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        place
    }

    fn item(&self, index: usize) -> Self {
        Self { pointer: format!("{}/{index}", self.pointer), is_secret: self.is_secret }
    }

    /// A fault here; `found` must be public.
    pub(super) fn fault(self, code: Code, expected: &'static str, found: impl std::fmt::Display) -> Error {
        Error::at(code, self.pointer, expected, found)
    }
}

/// A value and its place.
pub(super) struct Item<'a> {
    value: &'a Value,
    place: Place,
}

impl<'a> Item<'a> {
    /// The whole document.
    pub(super) fn whole(value: &'a Value) -> Self {
        Self { value, place: Place::default() }
    }

    /// An object, whose members stand there once.
    pub(super) fn object(&self) -> Result<Object<'a>, Error> {
        let Value::Object(members) = self.value else { return Err(self.of_type("an object")) };
        let mut by_name = BTreeMap::new();
        for (name, value) in members {
            if by_name.insert(name.as_str(), value).is_some() {
                return Err(self.place.member(name).fault(Code::ConfigMember, "once", "twice"));
            }
        }
        Ok(Object { members: by_name, place: self.place.clone() })
    }

    /// An array, each of its items read in turn.
    pub(super) fn array<T>(&self, mut read: impl FnMut(&Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let Value::Array(items) = self.value else { return Err(self.of_type("an array")) };
        let items = items.iter().enumerate();
        items.map(|(index, value)| read(&Item { value, place: self.place.item(index) })).collect()
    }

    pub(super) fn boolean(&self) -> Result<bool, Error> {
        if let Value::Bool(value) = self.value { Ok(*value) } else { Err(self.of_type("a boolean")) }
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        if let Value::String(text) = self.value { Ok(text) } else { Err(self.of_type("a string")) }
    }

    /// An integer of a range, which `expected` names.
    pub(super) fn integer<T: TryFrom<u64>>(
        &self,
        range: RangeInclusive<u64>,
        expected: &'static str,
    ) -> Result<T, Error> {
        let integer = match self.value {
            Value::Integer(integer) => Some(*integer),
            Value::OutOfRange => None,
            _ => return Err(self.of_type("an integer")),
        };
        let fits = integer.filter(|integer| range.contains(integer));
        let found =
            || integer.map_or("an integer beyond 0..2^64-1".to_owned(), |integer| integer.to_string());
        fits.and_then(|integer| T::try_from(integer).ok()).ok_or_else(|| self.of_value(expected, found))
    }

    /// The meaning of a text that is one of several, which `expected` names.
    pub(super) fn choice<T>(
        &self,
        choose: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, Error> {
        let text = self.text()?;
        let found = || format!("{:?}", text.chars().take(MAX_SHOWN_VALUE_LEN).collect::<String>());
        choose(text).ok_or_else(|| self.of_value(expected, found))
    }

    /// What a text says in a form that `expected` names; it is not quoted.
    pub(super) fn decoded<T>(
        &self,
        decode: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, Error> {
        decode(self.text()?)
            .ok_or_else(|| self.place.clone().fault(Code::ConfigValue, expected, "something else"))
    }

    /// That no such member belongs here.
    pub(super) fn excluded(&self, expected: &'static str) -> Error {
        self.place.clone().fault(Code::ConfigMember, expected, "one")
    }

    fn of_type(&self, expected: &'static str) -> Error {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::OutOfRange => "an integer",
            Value::Fraction => "a number with a fraction or an exponent",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.place.clone().fault(Code::ConfigType, expected, found)
    }

    fn of_value(&self, expected: &'static str, found: impl FnOnce() -> String) -> Error {
        let found = if self.place.is_secret { "something else".to_owned() } else { found() };
        self.place.clone().fault(Code::ConfigValue, expected, found)
    }
}

/// An object and its place. Members are in the order of their names.
pub(super) struct Object<'a> {
    members: BTreeMap<&'a str, &'a Value>,
    place: Place,
}

impl<'a> Object<'a> {
    /// Refuses members of other names.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.members.keys().find(|name| !known.contains(name)) {
            Some(name) => Err(self.place.member(name).fault(
                Code::ConfigMember,
                "a member that is known here",
                "another",
            )),
            None => Ok(()),
        }
    }

    /// Demands one of these members, and no other.
    pub(super) fn one_of(&self, known: &[&str], expected: &'static str) -> Result<(), Error> {
        self.only(known)?;
        match self.members.len() {
            1 => Ok(()),
            count => Err(self.place.clone().fault(Code::ConfigMember, expected, count)),
        }
    }

    /// A member, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<Item<'a>> {
        self.members.get(name).map(|value| Item { value, place: self.place.member(name) })
    }

    /// A member, read if it is there.
    pub(super) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Item<'a>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.get(name).as_ref().map(read).transpose()
    }

    /// A member that has to be there.
    pub(super) fn demand(&self, name: &str) -> Result<Item<'a>, Error> {
        let missing = || self.place.member(name).fault(Code::ConfigMember, "a member", "none");
        self.get(name).ok_or_else(missing)
    }

    /// Every member, read by its name.
    pub(super) fn map<T>(
        &self,
        mut read: impl FnMut(&Item<'a>) -> Result<T, Error>,
    ) -> Result<BTreeMap<String, T>, Error> {
        let items = self.members.keys().filter_map(|name| Some((*name, self.get(name)?)));
        items.map(|(name, item)| Ok((name.to_owned(), read(&item)?))).collect()
    }
}
