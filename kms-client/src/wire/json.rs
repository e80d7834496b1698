//! JSON and base64 for bodies that may hold secrets: written once into memory of the right size, borrowed when
//! read, wiped afterwards.

use std::borrow::Cow;
use std::io;

use base64ct::{Base64, Encoding};
use pcrseal_core::error::{Code, Error as Fault};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::Error;
use crate::limits::MAX_ANSWER_DEPTH;

/// Text of an answer: borrowed from the body unless it holds escapes; wiped when it is a copy.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// Writes a request. The size is counted first, so that the buffer never grows and leaves no copy behind.
pub(super) fn write(request: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |_| Error::InvalidRequest(Fault::new(Code::KmsRequest));
    let mut count = Count(0);
    serde_json::to_writer(&mut count, request).map_err(failed)?;
    let mut body = Zeroizing::new(Vec::with_capacity(count.0));
    serde_json::to_writer(&mut *body, request).map_err(failed)?;
    Ok(body)
}

/// Reads an answer: one JSON value, nothing after it. `serde_json`'s own message is dropped: it can quote.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    let malformed = || Fault::new(Code::KmsAnswerMalformed);
    // Checked here: the parser would not look at the bytes of a string that it skips.
    let text = str::from_utf8(body).map_err(|_| malformed())?;
    if nests_too_deep(body) {
        return Err(malformed());
    }
    serde_json::from_str(text).map_err(|_| malformed())
}

/// Standard base64 with padding, in constant time; of exactly the right size, so a caller can wipe all of it.
pub(super) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Decodes a blob of `1..=max` bytes, in constant time.
pub(super) fn decode(
    text: Option<&Text<'_>>,
    field: &'static str,
    max: usize,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let bad = || Fault::field(Code::KmsAnswerField, field);
    let text = text.ok_or_else(bad)?.as_str();
    if text.is_empty() || text.len() > max.div_ceil(3) * 4 {
        return Err(bad());
    }
    let mut bytes = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
    let len = Base64::decode(text, &mut bytes).map_err(|_| bad())?.len();
    if len > max {
        return Err(bad());
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// A text of `1..=max` bytes of printable ASCII.
pub(super) fn bounded(text: Option<&Text<'_>>, field: &'static str, max: usize) -> Result<String, Fault> {
    let text = text.map(Text::as_str).unwrap_or_default();
    if text.is_empty() || text.len() > max || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::field(Code::KmsAnswerField, field));
    }
    Ok(text.to_owned())
}

/// Counts brackets outside strings. What is no JSON at all is left to the parser.
fn nests_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_ANSWER_DEPTH {
            return true;
        }
    }
    false
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, decode, encode, nests_too_deep, write};
    use std::borrow::Cow;

    #[test]
    fn the_buffer_is_allocated_once() {
        let body = write(&["x".repeat(5000)]).unwrap();
        assert_eq!(body.len(), 5004);
        assert_eq!(body.capacity(), body.len());
    }

    #[test]
    fn base64_of_every_length_round_trips() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 1..=bytes.len() {
            let text = Text(Cow::Owned(encode(&bytes[..len])));
            assert_eq!(&*decode(Some(&text), "x", len).unwrap(), &bytes[..len]);
            assert!(len == 1 || decode(Some(&text), "x", len - 1).is_err());
        }
    }

    #[test]
    fn base64_is_strict() {
        for text in ["", "A", "AA", "AAA", "AAAA=", "AA==AAAA", "AB==", "AA A", "AAAA\n", "AA-_", "Ä==="] {
            assert!(decode(Some(&Text(Cow::Borrowed(text))), "x", 100).is_err(), "{text:?}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(!nests_too_deep(nested(16).as_bytes()));
        assert!(nests_too_deep(nested(17).as_bytes()));
        assert!(!nests_too_deep(format!("[\"\\\"{}\"]", nested(17)).as_bytes()));
    }
}
