//! JSON (RFC 8259) as a configuration needs it: strict, bounded, and in memory that is wiped.
//!
//! Ours for the secrets: a general parser unescapes strings in a buffer of its own, which it does not wipe, and quotes
//! what it finds in its errors.

use pcrseal_core::error::{Code, Error};
use zeroize::Zeroizing;

/// Longest document in bytes. Ours: credentials are at most 9 KiB, a quorum 5 KiB, a root certificate in PEM 3 KiB; the
/// rest is room for `external_aad`.
pub(super) const MAX_CONFIG_LEN: usize = 256 * 1024;
/// Deepest nesting of objects and arrays. Ours: a configuration nests four deep.
const MAX_DEPTH: usize = 8;

/// A JSON value. Strings are wiped when dropped.
pub(super) enum Value {
    Null,
    Bool(bool),
    /// An integer from 0 to 2^64 - 1.
    Integer(u64),
    /// An integer below or above.
    OutOfRange,
    /// A number with a fraction or an exponent.
    Fraction,
    String(Zeroizing<String>),
    Array(Vec<Self>),
    /// Members in the order of the text; a name may stand twice.
    Object(Vec<(Zeroizing<String>, Self)>),
}

impl Value {
    /// Reads one value that is the whole document.
    ///
    /// # Errors
    /// [`Code::ConfigTooLong`]; [`Code::ConfigSyntax`] with line and column, and without a word of the text.
    pub(super) fn read(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_CONFIG_LEN {
            return Err(Error::number(Code::ConfigTooLong, "bytes", "at most 262144", json.len() as u64));
        }
        let text = str::from_utf8(json).map_err(|error| {
            let sound = json.get(..error.valid_up_to()).unwrap_or_default();
            fault(str::from_utf8(sound).unwrap_or_default(), "UTF-8", "another byte")
        })?;
        let mut reader = Reader { text, position: 0 };
        let value = reader.value(0)?;
        match reader.next_token() {
            None => Ok(value),
            Some(_) => Err(reader.fault("the end")),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    /// A value, inside `depth` others.
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        match self.next_token() {
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.array(self.deeper(depth)?),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Error> {
        if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(self.fault("nesting at most 8 deep")) }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        let mut members = Vec::new();
        self.take(b'{');
        if self.next_token() == Some(b'}') {
            self.take(b'}');
            return Ok(Value::Object(members));
        }
        loop {
            if self.next_token() != Some(b'"') {
                return Err(self.fault("the name of a member"));
            }
            let name = self.string()?;
            self.demand(b':', "a colon")?;
            members.push((name, self.value(depth)?));
            if self.next_token() != Some(b',') {
                self.demand(b'}', "a comma or the end of the object")?;
                return Ok(Value::Object(members));
            }
            self.take(b',');
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.take(b'[');
        if self.next_token() == Some(b']') {
            self.take(b']');
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.next_token() != Some(b',') {
                self.demand(b']', "a comma or the end of the array")?;
                return Ok(Value::Array(items));
            }
            self.take(b',');
        }
    }

    /// A string, in memory that never grows: what is left unescaped is never longer than what was escaped.
    fn string(&mut self) -> Result<Zeroizing<String>, Error> {
        self.take(b'"');
        let mut string = Zeroizing::new(String::with_capacity(self.raw_len()));
        loop {
            let plain_len = self.rest().find(|c| matches!(c, '"' | '\\' | '\0'..='\x1f'));
            let plain_len = plain_len.unwrap_or(self.rest().len());
            string.push_str(self.rest().get(..plain_len).unwrap_or_default());
            self.position += plain_len;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err(self.fault("the rest of a string, without control characters")),
            }
        }
        self.take(b'"');
        Ok(string)
    }

    /// How many bytes are left of the string that was begun.
    fn raw_len(&self) -> usize {
        let mut escaped = false;
        let end = self.rest().bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        end.unwrap_or(self.rest().len())
    }

    fn escape(&mut self) -> Result<char, Error> {
        self.take(b'\\');
        let named = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.fault("an escape of JSON")),
        };
        self.position += 1;
        Ok(named)
    }

    /// One UTF-16 code unit, or two that are a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let start = self.position;
        let first = self.code_unit()?;
        let second = match first {
            0xd800..=0xdbff if self.take(b'\\') => Some(self.code_unit()?),
            _ => None,
        };
        let mut decoded = char::decode_utf16([first].into_iter().chain(second));
        if let (Some(Ok(character)), None) = (decoded.next(), decoded.next()) {
            return Ok(character);
        }
        self.position = start;
        Err(self.fault("an escape that is a character"))
    }

    /// `u` and four hex digits.
    fn code_unit(&mut self) -> Result<u16, Error> {
        if !self.take(b'u') {
            return Err(self.fault("the second half of a surrogate pair"));
        }
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            unit = unit << 4 | digit.ok_or_else(|| self.fault("four hex digits"))?;
            self.position += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value, Error> {
        let is_negative = self.take(b'-');
        let start = self.position;
        let digits = self.digits()?;
        if digits.len() > 1 && digits.starts_with('0') {
            self.position = start;
            return Err(self.fault("a number without leading zeros"));
        }
        let mut is_integer = true;
        if self.take(b'.') {
            is_integer = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_integer = false;
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(match digits.parse() {
            _ if !is_integer => Value::Fraction,
            Ok(integer) if !is_negative => Value::Integer(integer),
            _ => Value::OutOfRange,
        })
    }

    fn digits(&mut self) -> Result<&'a str, Error> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        match rest.get(..len) {
            Some(digits) if len > 0 => {
                self.position += len;
                Ok(digits)
            }
            _ => Err(self.fault("a digit")),
        }
    }

    fn word(&mut self) -> Result<Value, Error> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("a value"))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// The first byte after white space.
    fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
        self.peek()
    }

    /// Steps over this byte, if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next
    }

    /// Steps over white space and this byte.
    fn demand(&mut self, byte: u8, expected: &'static str) -> Result<(), Error> {
        self.next_token();
        if self.take(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    fn fault(&self, expected: &'static str) -> Error {
        let found = if self.peek().is_some() { "something else" } else { "the end" };
        fault(self.text.get(..self.position).unwrap_or_default(), expected, found)
    }
}

/// A fault after `before`. Columns count characters.
fn fault(before: &str, expected: &'static str, found: &'static str) -> Error {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::at(Code::ConfigSyntax, format!("line {line}, column {column}"), expected, found)
}

#[cfg(test)]
mod tests {
    use super::Value;

    /// Growing would leave a copy behind that nobody wipes.
    #[test]
    fn strings_never_grow() {
        for (json, len, raw_len) in [
            (r#""hunter2""#, 7, 7),
            (r#""\"\\\/\n\u0041\ud83d\ude00ä""#, 11, 28),
            (&format!("\"{}\"", "\\u20ac".repeat(1000)), 3000, 6000),
        ] {
            let Ok(Value::String(string)) = Value::read(json.as_bytes()) else { panic!("{json}") };
            assert_eq!((string.len(), string.capacity()), (len, raw_len), "{json}");
        }
    }
}
