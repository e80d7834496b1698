//! The credentials document: the JSON that IMDS, container endpoints and the parent's feed have in common.

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use serde::Deserialize;

use super::time;
use crate::Error;
use crate::limits::{MAX_CREDENTIALS_DOCUMENT_LEN, MAX_SOURCE_ERROR_LEN};
use crate::wire::Credentials;
use crate::wire::json::Text;

/// The version of the document that this release reads; what names none is of this one.
const VERSION: u64 = 1;

/// The fields that matter. Others are passed over: IMDS sends `Type` and `LastUpdated`, ECS sends `RoleArn`.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "Version")]
    version: Option<u64>,
    #[serde(borrow, rename = "Code")]
    code: Option<Text<'a>>,
    #[serde(borrow, rename = "AccessKeyId")]
    access_key_id: Option<Text<'a>>,
    #[serde(borrow, rename = "SecretAccessKey")]
    secret_access_key: Option<Text<'a>>,
    #[serde(borrow, rename = "Token")]
    token: Option<Text<'a>>,
    #[serde(borrow, rename = "Expiration")]
    expiration: Option<Text<'a>>,
}

/// What a source says instead of credentials.
#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow, alias = "Code")]
    code: Option<Text<'a>>,
}

/// Reads one document, and nothing after it. `Token` and `Expiration` come together or not at all: temporary
/// credentials expire, long-lived ones do not.
///
/// Strings are borrowed from `bytes`, which the caller wipes. Only a string with escapes is copied, by the
/// parser; AWS's secrets need none.
pub(super) fn read(bytes: &[u8]) -> Result<Credentials, Fault> {
    if bytes.len() > MAX_CREDENTIALS_DOCUMENT_LEN {
        return Err(too_long());
    }
    // The parser's own message is dropped: it can quote.
    let document: Document<'_> =
        serde_json::from_slice(bytes).map_err(|_| Fault::new(Code::CredentialsMalformed))?;
    if let Some(version) = document.version.filter(|version| *version != VERSION) {
        return Err(Fault::number(Code::CredentialsField, "Version", "1", version));
    }
    if let Some(code) = document.code.as_ref().map(Text::as_str).filter(|code| *code != "Success") {
        return Err(Fault::text(Code::CredentialsRefused, "Code", "Success", error_code(code)));
    }
    let missing = |field| Fault::field(Code::CredentialsField, field);
    let secret = |text: &Text<'_>| Secret::copy_from(text.as_str().as_bytes());
    let access_key_id = document.access_key_id.as_ref().ok_or_else(|| missing("AccessKeyId"))?;
    let secret_access_key = document.secret_access_key.as_ref().ok_or_else(|| missing("SecretAccessKey"))?;

    let (token, expires_at) = match (&document.token, &document.expiration) {
        (None, None) => (None, None),
        (Some(token), Some(expiration)) => {
            let expires_at = time::parse(expiration.as_str()).ok_or_else(|| {
                let form = "2026-11-22T20:00:00Z";
                Fault::text(Code::CredentialsField, "Expiration", form, "something else")
            })?;
            (Some(secret(token)), Some(expires_at))
        }
        (Some(_), None) => return Err(missing("Expiration")),
        (None, Some(_)) => return Err(missing("Token")),
    };
    let credentials = new(access_key_id.as_str(), secret(secret_access_key), token)?;
    Ok(match expires_at {
        Some(expires_at) => credentials.expiring(expires_at),
        None => credentials,
    })
}

/// [`Credentials::new`], whose error is its fault.
pub(super) fn new(id: &str, secret: Secret, token: Option<Secret>) -> Result<Credentials, Fault> {
    Credentials::new(id, secret, token).map_err(|error| match error {
        Error::Configuration(fault) => fault,
        _ => Fault::new(Code::KmsCredentials),
    })
}

/// The error code in the body of an answer that is an error; empty if it names none.
pub(super) fn refusal(bytes: &[u8]) -> String {
    let refusal = serde_json::from_slice::<Refusal<'_>>(bytes).ok();
    let code = refusal.as_ref().and_then(|refusal| refusal.code.as_ref());
    code.map_or_else(String::new, |code| error_code(code.as_str()).to_owned())
}

pub(super) fn too_long() -> Fault {
    let expected = format_args!("at most {MAX_CREDENTIALS_DOCUMENT_LEN} bytes");
    Fault::text(Code::CredentialsTooLong, "document", expected, "more")
}

/// AWS's codes are letters. Anything else is not repeated: a source may echo a token where a code belongs.
fn error_code(code: &str) -> &str {
    let plausible = (1..=MAX_SOURCE_ERROR_LEN).contains(&code.len());
    if plausible && code.bytes().all(|byte| byte.is_ascii_alphabetic()) { code } else { "something else" }
}

#[cfg(test)]
mod tests {
    use super::{read, refusal};
    use core::time::Duration;
    use pcrseal_core::error::Code;
    use std::time::UNIX_EPOCH;

    /// As IMDS writes it.
    const IMDS: &str = r#"{
  "Code" : "Success",
  "LastUpdated" : "2026-11-22T13:43:21Z",
  "Type" : "AWS-HMAC",
  "AccessKeyId" : "ASIAEXAMPLE",
  "SecretAccessKey" : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  "Token" : "IQoJb3JpZ2luX2Vj//+EXAMPLETOKEN==",
  "Expiration" : "2026-11-22T20:00:00Z"
}
"#;

    #[test]
    fn the_answer_of_imds() {
        let credentials = read(IMDS.as_bytes()).unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE");
        assert!(
            credentials.secret_access_key().expose().starts_with(b"wJalr")
                && credentials.session_token() == Some("IQoJb3JpZ2luX2Vj//+EXAMPLETOKEN==")
        );
        assert_eq!(credentials.expires_at(), Some(UNIX_EPOCH + Duration::from_secs(1_795_377_600)));
    }

    #[test]
    fn other_sound_documents() {
        for (document, temporary) in [
            (r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#, false),
            (r#"{"AccessKeyId":"A","SecretAccessKey":"s","Token":null,"Expiration":null}"#, false),
            (
                r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s\/\u0073","Token":"t","Expiration":"2026-11-22T20:00:00.5Z","RoleArn":{"x":[[1]]}}"#,
                true,
            ),
        ] {
            let credentials = read(document.as_bytes()).unwrap();
            assert_eq!(credentials.expires_at().is_some(), temporary, "{document}");
            assert_eq!(credentials.session_token().is_some(), temporary, "{document}");
        }
    }

    #[test]
    fn what_is_no_document() {
        let temporary = r#""SecretAccessKey":"hunter2","Token":"t0ken","Expiration":"2026-11-22T20:00:00Z""#;
        for (document, code, part) in [
            (String::new(), Code::CredentialsMalformed, ""),
            ("null".into(), Code::CredentialsMalformed, ""),
            ("[]".into(), Code::CredentialsMalformed, ""),
            ("\"hunter2\"".into(), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":"A",{temporary}"#), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":"A",{temporary}}}x"#), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":"A",{temporary}}}{{}}"#), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":"A","AccessKeyId":"B",{temporary}}}"#), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":1,{temporary}}}"#), Code::CredentialsMalformed, ""),
            (format!(r#"{{"x":{}}}"#, "[".repeat(8000)), Code::CredentialsMalformed, ""),
            (format!(r#"{{"AccessKeyId":"A",{temporary}}}{}"#, " ".repeat(16_384)), Code::CredentialsTooLong, ""),
            (format!(r#"{{"Version":2,"AccessKeyId":"A",{temporary}}}"#), Code::CredentialsField, "Version"),
            (format!("{{{temporary}}}"), Code::CredentialsField, "AccessKeyId"),
            (r#"{"AccessKeyId":"A"}"#.into(), Code::CredentialsField, "SecretAccessKey"),
            (
                r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"t0ken"}"#.into(),
                Code::CredentialsField,
                "Expiration",
            ),
            (
                r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"2026-11-22T20:00:00Z"}"#.into(),
                Code::CredentialsField,
                "Token",
            ),
            (
                r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"t0ken","Expiration":"t0ken"}"#.into(),
                Code::CredentialsField,
                "Expiration",
            ),
            (format!(r#"{{"AccessKeyId":"A/B",{temporary}}}"#), Code::KmsCredentials, "access_key_id"),
            (r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2 "}"#.into(), Code::KmsCredentials, "secret_access_key"),
            (
                r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"t0ken\r\n","Expiration":"2026-11-22T20:00:00Z"}"#.into(),
                Code::KmsCredentials,
                "session_token",
            ),
            (r#"{"Code":"AssumeRoleUnauthorizedAccess"}"#.into(), Code::CredentialsRefused, "AssumeRoleUnauthorizedAccess"),
            (r#"{"Code":"hunter2"}"#.into(), Code::CredentialsRefused, "something else"),
        ] {
            let fault = read(document.as_bytes()).unwrap_err();
            let shown = format!("{fault} {fault:?}");
            assert_eq!(fault.code(), code, "{document}");
            assert!(shown.contains(part), "{shown}");
            assert!(!shown.contains("hunter2") && !shown.contains("t0ken"), "{shown}");
        }
    }

    #[test]
    fn refusals_name_their_code() {
        assert_eq!(refusal(br#"{"code":"AccessDenied","message":"x"}"#), "AccessDenied");
        assert_eq!(refusal(br#"{"Code":"AccessDenied"}"#), "AccessDenied");
        assert_eq!(refusal(br#"{"code":"hunter2"}"#), "something else");
        for (len, told) in [(64, "x".repeat(64)), (65, "something else".to_owned())] {
            assert_eq!(refusal(format!(r#"{{"code":"{}"}}"#, "x".repeat(len)).as_bytes()), told);
        }
        for none in ["", "{}", "<html>", r#"{"code":5}"#] {
            assert_eq!(refusal(none.as_bytes()), "", "{none}");
        }
    }

    /// Cut, and with each byte replaced: an error or credentials, and never a panic.
    #[test]
    fn mutants_of_a_sound_document() {
        let sound = IMDS.as_bytes();
        for len in 0..sound.len() - 2 {
            assert_eq!(read(&sound[..len]).unwrap_err().code(), Code::CredentialsMalformed, "{len}");
        }
        let mut refused = 0;
        for position in 0..sound.len() {
            for byte in [0, b'"', b'\\', b'{', b'}', b',', b'0', b'Z', 0x7f, 0xff] {
                let mut mutant = sound.to_vec();
                mutant[position] = byte;
                refused += usize::from(read(&mutant).is_err());
                let _ = refusal(&mutant);
            }
        }
        assert!(refused > sound.len() * 5, "{refused}");
    }
}
