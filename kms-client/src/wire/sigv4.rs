//! AWS Signature Version 4 for the one form of request that KMS takes: `POST /`, no query, fixed headers.
//! Source: AWS General Reference, "Create a signed AWS API request".

use hmac::{Hmac, KeyInit, Mac};
use pcrseal_core::error::{Code, Error as Fault};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Credentials, date, endpoint};
use crate::Error;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The header fields of a signed request, `content-length` aside. They hold the session token: wiped when
/// dropped, never printed.
pub struct SignedHeaders(Vec<(&'static str, Zeroizing<String>)>);

impl SignedHeaders {
    /// Names (lower case) and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// Signs a request to KMS. `host` is the value of the `host` header, `target` that of `x-amz-target`,
/// `unix_seconds` the time now: AWS tolerates 5 minutes of skew.
///
/// # Errors
/// [`Error::Configuration`] if the region is not a region's name, or the time is outside the years 1970 to 9999.
pub fn sign(
    credentials: &Credentials,
    region: &str,
    host: &str,
    target: &'static str,
    body: &[u8],
    unix_seconds: u64,
) -> Result<SignedHeaders, Error> {
    endpoint::check_region(region)?;
    let timestamp =
        date::iso_8601_basic(unix_seconds).ok_or(Error::Configuration(Fault::new(Code::KmsClock)))?;
    let day = timestamp.get(..8).unwrap_or_default();

    // The canonical request wants the names in this order: sorted.
    let mut headers = vec![
        ("content-type", Zeroizing::new(CONTENT_TYPE.to_owned())),
        ("host", Zeroizing::new(host.to_owned())),
        ("x-amz-date", Zeroizing::new(timestamp.clone())),
    ];
    if let Some(token) = credentials.session_token() {
        headers.push(("x-amz-security-token", Zeroizing::new(token.to_owned())));
    }
    headers.push(("x-amz-target", Zeroizing::new(target.to_owned())));

    let signed_names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let canonical_hash = canonical_request_hash(&headers, &signed_names, body);
    let string_to_sign = string_to_sign(&timestamp, &scope, &canonical_hash);
    let key = signing_key(credentials.secret_access_key().expose(), day, region, SERVICE);
    let signature = hex(&*hmac(&*key, string_to_sign.as_bytes()));
    let id = credentials.access_key_id();
    let authorization =
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed_names}, Signature={signature}");
    headers.push(("authorization", Zeroizing::new(authorization)));
    Ok(SignedHeaders(headers))
}

/// SHA-256 of the canonical request, fed piece by piece: it holds the session token and is never in memory whole.
fn canonical_request_hash(
    headers: &[(&'static str, Zeroizing<String>)],
    signed_names: &str,
    body: &[u8],
) -> String {
    let mut hash = Sha256::new();
    hash.update("POST\n/\n\n");
    for (name, value) in headers {
        for part in [name, ":", value.as_str(), "\n"] {
            hash.update(part);
        }
    }
    for part in ["\n", signed_names, "\n", &hex(&Sha256::digest(body))] {
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn string_to_sign(timestamp: &str, scope: &str, canonical_request_hash: &str) -> String {
    format!("{ALGORITHM}\n{timestamp}\n{scope}\n{canonical_request_hash}")
}

fn signing_key(secret: &[u8], day: &str, region: &str, service: &str) -> Zeroizing<[u8; 32]> {
    let mut start = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    start.extend_from_slice(b"AWS4");
    start.extend_from_slice(secret);
    let mut key = hmac(&start, day.as_bytes());
    for part in [region, service, "aws4_request"] {
        key = hmac(&*key, part.as_bytes());
    }
    key
}

fn hmac(key: &[u8], data: &[u8]) -> Zeroizing<[u8; 32]> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length (RFC 2104)")
    };
    mac.update(data);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{hex, hmac, signing_key, string_to_sign};

    /// The example of the AWS General Reference: GET `ListUsers` of IAM on 2015-08-30.
    #[test]
    fn the_example_of_the_aws_general_reference() {
        let key = signing_key(b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
        assert_eq!(hex(&*key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        let text = string_to_sign(
            "20150830T123600Z",
            "20150830/us-east-1/iam/aws4_request",
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
        );
        let signature = hex(&*hmac(&*key, text.as_bytes()));
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }
}
