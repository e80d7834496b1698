//! The files: documents in any of three encodings, certificates in either of two.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Longest file in bytes: a document with the longest payload of all has some 17 KB, 34 KB in hex.
const MAX_FILE_LEN: u64 = 64 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const PEM_MARK: &[u8] = b"-----BEGIN ";

/// Why a file is of no use.
#[derive(Debug)]
pub(super) struct Fault {
    file: OsString,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unreadable(io::Error),
    Empty,
    TooLong,
    NoCertificate,
}

/// Reads a document. Text that is neither hex nor base64 is passed on as it is: the verifier says what is
/// wrong with it.
pub(super) fn document(file: &OsStr) -> Result<Vec<u8>, Fault> {
    let content = read(file)?;
    Ok(decode(&content).unwrap_or(content))
}

/// Reads one certificate in DER, or one or more in PEM.
pub(super) fn certificates(file: &OsStr) -> Result<Vec<Vec<u8>>, Fault> {
    let content = read(file)?;
    if !content.windows(PEM_MARK.len()).any(|window| window == PEM_MARK) {
        return Ok(vec![content]);
    }
    let certificates = CertificateDer::pem_slice_iter(&content)
        .map(|certificate| certificate.map(|der| der.as_ref().to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .unwrap_or_default();
    if certificates.is_empty() {
        return Err(Fault { file: file.to_owned(), reason: Reason::NoCertificate });
    }
    Ok(certificates)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match &self.reason {
            Reason::Unreadable(error) => write!(f, "{error}"),
            Reason::Empty => f.write_str("the file is empty"),
            Reason::TooLong => write!(f, "the file is longer than {MAX_FILE_LEN} bytes"),
            Reason::NoCertificate => f.write_str("no certificate can be read from this PEM"),
        }
    }
}

fn read(file: &OsStr) -> Result<Vec<u8>, Fault> {
    let fault = |reason| Fault { file: file.to_owned(), reason };
    let mut content = Vec::new();
    // One byte more than allowed tells the longest file from a longer one.
    let read = if file == "-" {
        io::stdin().lock().take(MAX_FILE_LEN + 1).read_to_end(&mut content)
    } else {
        File::open(file).and_then(|file| file.take(MAX_FILE_LEN + 1).read_to_end(&mut content))
    };
    match read {
        Err(error) => Err(fault(Reason::Unreadable(error))),
        Ok(0) => Err(fault(Reason::Empty)),
        Ok(len) if u64::try_from(len).is_ok_and(|len| len <= MAX_FILE_LEN) => Ok(content),
        Ok(_) => Err(fault(Reason::TooLong)),
    }
}

/// The bytes behind hex or base64 text, white space aside; `None` for anything else. A raw document begins
/// with a byte above 0x7f and is never taken for text; base64 of a document is never all hex digits, since
/// its first two characters encode that byte and are never both such digits.
fn decode(content: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if text.is_empty() || !text.is_ascii() {
        return None;
    }
    unhex(&text).or_else(|| BASE64.decode(&text).ok())
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn digit(character: u8) -> Option<u8> {
    u8::try_from(char::from(character).to_digit(16)?).ok()
}
