//! Signature Version 4, the verifying side (AWS, "Create a signed AWS API request").

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;

use super::dates::{amz_date, parse_amz_date};
use super::errors::ApiError;
use super::principal::Principal;
use crate::text::hex;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
const TERMINATOR: &str = "aws4_request";
/// How far a request's date may be off, in seconds. 15 minutes is AWS's widest; KMS itself has been seen to
/// allow five.
const MAX_SKEW: u64 = 15 * 60;
/// Headers that must be signed when they are there; `host` must be there.
const MUST_BE_SIGNED: [&str; 4] = ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
    Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// What a verified signature says.
pub(crate) struct Signer {
    pub(crate) principal: Arc<Principal>,
    pub(crate) region: String,
}

/// The region that a request says it is for, before anything is verified.
pub(crate) fn claimed_region(headers: &HeaderMap) -> Option<&str> {
    Authorization::read(headers).ok().map(|authorization| authorization.region)
}

/// Verifies the signature of a request.
pub(crate) fn verify(
    parts: &Parts,
    body: &[u8],
    now_millis: u64,
    find: impl FnOnce(&str) -> Option<Arc<Principal>>,
) -> Result<Signer, ApiError> {
    let authorization = Authorization::read(&parts.headers)?;
    let date = single(&parts.headers, "x-amz-date").ok_or_else(|| {
        ApiError::incomplete_signature(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let signed_at = parse_amz_date(date).ok_or_else(|| {
        ApiError::incomplete_signature(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    authorization.check_scope(date)?;
    check_signed_headers(&parts.headers, &authorization.signed_headers)?;
    check_single(&parts.headers)?;
    let principal = find(authorization.access_key_id).ok_or_else(ApiError::unrecognized_client)?;
    check_token(&principal, &parts.headers, now_millis)?;
    check_age(signed_at, now_millis / 1000)?;

    let canonical = canonical_request(parts, &authorization.signed_headers, body)?;
    let scope = [authorization.date, authorization.region, SERVICE, TERMINATOR].join("/");
    let string_to_sign =
        [ALGORITHM, date, &scope, &hex(digest(&SHA256, canonical.as_bytes()).as_ref())].join("\n");
    let key = signing_key(principal.secret(), &authorization);
    let signature = unhex(authorization.signature).ok_or_else(|| ApiError::signature(MISMATCH))?;
    hmac::verify(&key, string_to_sign.as_bytes(), &signature).map_err(|_| ApiError::signature(MISMATCH))?;
    Ok(Signer { principal, region: authorization.region.to_owned() })
}

/// The parts of the `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        if !headers.contains_key("authorization") {
            return Err(ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token"));
        }
        let unreadable =
            || ApiError::incomplete_signature("Authorization header is not a readable AWS4-HMAC-SHA256 one.");
        let header = single(headers, "authorization").ok_or_else(unreadable)?;
        let parameters = header.strip_prefix(ALGORITHM).ok_or_else(unreadable)?;
        if !parameters.starts_with(' ') {
            return Err(unreadable());
        }
        let find = |name: &'static str| {
            parameters
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
        };
        let (credential, signed, signature) = (find("Credential"), find("SignedHeaders"), find("Signature"));
        let (Some(credential), Some(signed), Some(signature)) = (credential, signed, signature) else {
            let missing: Vec<String> =
                [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed)]
                    .iter()
                    .filter(|(_, value)| value.is_none())
                    .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
                    .collect();
            return Err(ApiError::incomplete_signature(missing.join(" ")));
        };
        let [access_key_id, date, region, service, terminator] =
            <[&str; 5]>::try_from(credential.split('/').collect::<Vec<_>>()).map_err(|_| {
                ApiError::incomplete_signature(
                    "Credential must have exactly 5 slash-delimited elements, \
                     e.g. keyid/date/region/service/term",
                )
            })?;
        let signed_headers = signed.split(';').collect();
        Ok(Self { access_key_id, date, region, service, terminator, signed_headers, signature })
    }

    fn check_scope(&self, date: &str) -> Result<(), ApiError> {
        if self.terminator != TERMINATOR {
            return Err(ApiError::signature(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                self.terminator
            )));
        }
        if self.service != SERVICE {
            return Err(ApiError::signature(format!(
                "Credential should be scoped to correct service: '{SERVICE}'."
            )));
        }
        if !super::is_region(self.region) {
            return Err(ApiError::signature(format!(
                "Credential should be scoped to a valid region, not '{}'.",
                self.region
            )));
        }
        let day = date.get(..8).unwrap_or_default();
        if self.date != day {
            return Err(ApiError::signature(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{}' != '{day}', from '{date}'.",
                self.date
            )));
        }
        Ok(())
    }
}

/// Names are in lower case, sorted, none twice: AWS rebuilds the canonical request so, and another one differs.
fn check_signed_headers(headers: &HeaderMap, signed: &[&str]) -> Result<(), ApiError> {
    let lower_case = signed.iter().all(|name| !name.bytes().any(|c| c.is_ascii_uppercase()));
    if !lower_case || !signed.is_sorted_by(|one, next| one < next) {
        return Err(ApiError::signature(MISMATCH));
    }
    for name in MUST_BE_SIGNED {
        let needed = name == "host" || headers.contains_key(name);
        if needed && !signed.contains(&name) {
            return Err(ApiError::signature(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    Ok(())
}

/// What is signed twice reads like one value with a comma: the server and the signer could mean different ones.
fn check_single(headers: &HeaderMap) -> Result<(), ApiError> {
    let repeated = |name: &&str| headers.contains_key(*name) && single(headers, name).is_none();
    if MUST_BE_SIGNED.iter().any(repeated) {
        return Err(ApiError::signature(MISMATCH));
    }
    Ok(())
}

fn check_token(principal: &Principal, headers: &HeaderMap, now_millis: u64) -> Result<(), ApiError> {
    let sent = headers.get("x-amz-security-token").map(HeaderValue::as_bytes);
    let equal = match (principal.token(), sent) {
        (None, None) => true,
        (Some(token), Some(sent)) => {
            aws_lc_rs::constant_time::verify_slices_are_equal(token.as_bytes(), sent).is_ok()
        }
        _ => false,
    };
    if !equal {
        return Err(ApiError::unrecognized_client());
    }
    if principal.expired_at(now_millis) {
        return Err(ApiError::new(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ));
    }
    Ok(())
}

fn check_age(signed_at: u64, now: u64) -> Result<(), ApiError> {
    let (earliest, latest) = (now.saturating_sub(MAX_SKEW), now.saturating_add(MAX_SKEW));
    let (signed, current) = (amz_date(signed_at), amz_date(now));
    if signed_at < earliest {
        return Err(ApiError::signature(format!(
            "Signature expired: {signed} is now earlier than {} ({current} - 15 min.)",
            amz_date(earliest)
        )));
    }
    if signed_at > latest {
        return Err(ApiError::signature(format!(
            "Signature not yet current: {signed} is still later than {} ({current} + 15 min.)",
            amz_date(latest)
        )));
    }
    Ok(())
}

fn canonical_request(parts: &Parts, signed_headers: &[&str], body: &[u8]) -> Result<String, ApiError> {
    let headers: Vec<String> =
        signed_headers.iter().map(|name| canonical_header(&parts.headers, name)).collect::<Result<_, _>>()?;
    Ok([
        parts.method.as_str(),
        parts.uri.path(),
        &canonical_query(parts.uri.query().unwrap_or_default()),
        &headers.concat(),
        &signed_headers.join(";"),
        &hex(digest(&SHA256, body).as_ref()),
    ]
    .join("\n"))
}

/// Name and values, white space collapsed; a signed header that was not sent, or is not visible ASCII, cannot
/// verify.
fn canonical_header(headers: &HeaderMap, name: &str) -> Result<String, ApiError> {
    let mismatch = || ApiError::signature(MISMATCH);
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let value = value.to_str().map_err(|_| mismatch())?;
            Ok(value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect::<Result<_, ApiError>>()?;
    if values.is_empty() {
        return Err(mismatch());
    }
    Ok(format!("{name}:{}\n", values.join(",")))
}

/// Parameters sorted by name, then value; names without a value get an empty one.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn signing_key(secret: &str, authorization: &Authorization<'_>) -> hmac::Key {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [authorization.date, authorization.region, SERVICE, TERMINATOR].iter().fold(first, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

/// The header's value when there is exactly one, in visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let lower_hex = |c: &u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if !rest.is_empty() || !text.bytes().all(|c| lower_hex(&c)) {
        return None;
    }
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}
