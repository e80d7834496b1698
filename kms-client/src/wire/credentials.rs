//! AWS credentials.

use core::fmt;
use std::time::SystemTime;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;

use crate::Error;
use crate::limits::{MAX_ACCESS_KEY_ID_LEN, MAX_SECRET_ACCESS_KEY_LEN, MAX_SESSION_TOKEN_LEN};

/// AWS credentials: long-lived without a session token, temporary with one. Wiped when dropped; `Debug` shows
/// the access key id alone, which is public.
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expires_at: Option<SystemTime>,
}

impl Credentials {
    /// Takes credentials. All three parts are printable ASCII without spaces, so none can smuggle a header
    /// field into a request.
    ///
    /// # Errors
    /// [`Error::Configuration`] naming the part that is empty, too long or holds other characters.
    pub fn new(
        access_key_id: &str,
        secret_access_key: Secret,
        session_token: Option<Secret>,
    ) -> Result<Self, Error> {
        // The id stands between commas and slashes in the Authorization field.
        if !access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Error::Configuration(Fault::field(Code::KmsCredentials, "access_key_id")));
        }
        check("access_key_id", access_key_id.as_bytes(), MAX_ACCESS_KEY_ID_LEN)?;
        check("secret_access_key", secret_access_key.expose(), MAX_SECRET_ACCESS_KEY_LEN)?;
        if let Some(token) = &session_token {
            check("session_token", token.expose(), MAX_SESSION_TOKEN_LEN)?;
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key,
            session_token,
            expires_at: None,
        })
    }

    /// The same credentials, good until `expires_at`.
    #[must_use]
    pub fn expiring(self, expires_at: SystemTime) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// When they expire; `None` if they do not, or if nobody said.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// The access key id (public).
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(crate) fn secret_access_key(&self) -> &Secret {
        &self.secret_access_key
    }

    pub(crate) fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().and_then(|token| str::from_utf8(token.expose()).ok())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

fn check(field: &'static str, value: &[u8], max: usize) -> Result<(), Error> {
    if (1..=max).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    Err(Error::Configuration(Fault::field(Code::KmsCredentials, field)))
}

#[cfg(test)]
mod tests {
    use super::Credentials;
    use pcrseal_core::secret::Secret;

    #[test]
    fn debug_shows_no_secret() {
        let secret = |text: &str| Secret::copy_from(text.as_bytes());
        let credentials = Credentials::new("AKIDEXAMPLE", secret("hunter2"), Some(secret("token3"))).unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIDEXAMPLE"));
        assert!(!shown.contains("hunter2") && !shown.contains("token3"));
    }

    #[test]
    fn parts_are_checked() {
        let new = |id: &str, secret: &str, token: Option<&str>| {
            let token = token.map(|token| Secret::copy_from(token.as_bytes()));
            Credentials::new(id, Secret::copy_from(secret.as_bytes()), token).map_err(|e| e.to_string())
        };
        assert!(new("AKID", "s", None).is_ok());
        for (field, attempt) in [
            ("access_key_id", new("", "s", None)),
            ("access_key_id", new("A/B", "s", None)),
            ("access_key_id", new(&"A".repeat(129), "s", None)),
            ("secret_access_key", new("AKID", "", None)),
            ("secret_access_key", new("AKID", "a b", None)),
            ("session_token", new("AKID", "s", Some(""))),
            ("session_token", new("AKID", "s", Some("t\r\nx-evil: 1"))),
            ("session_token", new("AKID", "s", Some(&"t".repeat(8193)))),
        ] {
            assert!(attempt.unwrap_err().contains(field), "{field}");
        }
    }
}
