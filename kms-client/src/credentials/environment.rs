//! Credentials from the process's environment.

use std::ffi::OsString;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;

use super::{ProvideCredentials, ProvidedCredentials, document, provided, time};
use crate::wire::Credentials;

const NAME: &str = "environment";

/// Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and
/// `AWS_CREDENTIAL_EXPIRATION`, read when they are asked for. A variable that is empty counts as unset.
///
/// For hosts and tests. Not for an enclave: what stands in its environment was baked into the image, where
/// everyone who holds the image reads it and where it never changes. The process's environment itself is never
/// wiped.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvironmentCredentials(());

impl EnvironmentCredentials {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self(())
    }
}

impl ProvideCredentials for EnvironmentCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async { provided(NAME, read(|name| std::env::var_os(name))) })
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// The text of a variable; `None` if it is unset or empty.
pub(super) fn variable(
    lookup: impl Fn(&str) -> Option<OsString>,
    name: &'static str,
) -> Result<Option<String>, Fault> {
    let value = lookup(name).filter(|value| !value.is_empty());
    value.map(OsString::into_string).transpose().map_err(|_| Fault::field(Code::CredentialsUnset, name))
}

fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Credentials, Fault> {
    let get = |name| variable(&lookup, name);
    let secret = |text: String| Secret::new(text.into_bytes());
    let demand = |name| get(name)?.ok_or_else(|| Fault::field(Code::CredentialsUnset, name));
    let access_key_id = demand("AWS_ACCESS_KEY_ID")?;
    let secret_access_key = secret(demand("AWS_SECRET_ACCESS_KEY")?);
    let session_token = get("AWS_SESSION_TOKEN")?.map(secret);
    let credentials = document::new(&access_key_id, secret_access_key, session_token)?;
    let Some(expiration) = get("AWS_CREDENTIAL_EXPIRATION")? else {
        return Ok(credentials);
    };
    let malformed = || Fault::field(Code::CredentialsField, "AWS_CREDENTIAL_EXPIRATION");
    Ok(credentials.expiring(time::parse(&expiration).ok_or_else(malformed)?))
}

#[cfg(test)]
mod tests {
    use super::read;
    use pcrseal_core::error::{Code, Error as Fault};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use crate::wire::Credentials;

    fn environment(variables: &[(&str, &str)]) -> Result<Credentials, Fault> {
        read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value)))
    }

    const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "hunter2");
    const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", "t0ken");
    const EXPIRATION: (&str, &str) = ("AWS_CREDENTIAL_EXPIRATION", "2026-11-22T20:00:00+00:00");

    #[test]
    fn long_lived_and_temporary() {
        for variables in [&[ID, SECRET][..], &[ID, SECRET, ("AWS_SESSION_TOKEN", "")]] {
            let credentials = environment(variables).unwrap();
            assert!(credentials.session_token().is_none() && credentials.expires_at().is_none());
        }
        let credentials = environment(&[ID, SECRET, TOKEN, EXPIRATION]).unwrap();
        assert_eq!(credentials.access_key_id(), "AKIDEXAMPLE");
        assert!(credentials.secret_access_key().ct_eq(b"hunter2"));
        assert!(credentials.session_token() == Some("t0ken") && credentials.expires_at().is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (variables, code, name) in [
            (&[SECRET, TOKEN][..], Code::CredentialsUnset, "AWS_ACCESS_KEY_ID"),
            (&[ID, TOKEN], Code::CredentialsUnset, "AWS_SECRET_ACCESS_KEY"),
            (&[ID, ("AWS_SECRET_ACCESS_KEY", "")], Code::CredentialsUnset, "AWS_SECRET_ACCESS_KEY"),
            (&[ID, ("AWS_SECRET_ACCESS_KEY", "hunter 2")], Code::KmsCredentials, "secret_access_key"),
            (
                &[ID, SECRET, ("AWS_CREDENTIAL_EXPIRATION", "soon")],
                Code::CredentialsField,
                "AWS_CREDENTIAL_EXPIRATION",
            ),
        ] {
            let fault = environment(variables).unwrap_err();
            assert_eq!(fault.code(), code);
            assert!(fault.to_string().contains(name) && !fault.to_string().contains("hunter"), "{fault}");
        }
        let no_text = read(|_| Some(OsString::from_vec(vec![0xff])));
        assert_eq!(no_text.unwrap_err().code(), Code::CredentialsUnset);
    }
}
