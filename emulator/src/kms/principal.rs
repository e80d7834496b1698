//! Who signs requests.

use std::fmt;

use zeroize::Zeroizing;

use super::KmsError;

/// An IAM principal with its access key.
#[derive(Clone)]
pub struct Principal {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires_at_millis: Option<u64>,
    arn: String,
    account: String,
}

impl Principal {
    /// A principal by its ARN: `arn:aws:iam::ACCOUNT:role/NAME` or `arn:aws:iam::ACCOUNT:user/NAME`.
    ///
    /// # Errors
    /// [`KmsError::Arn`] for anything else.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        arn: impl Into<String>,
    ) -> Result<Self, KmsError> {
        let arn = arn.into();
        let account = match arn.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "iam", "", account, resource]
                if is_account(account)
                    && ["role/", "user/"].iter().any(|kind| resource.starts_with(kind)) =>
            {
                (*account).to_owned()
            }
            _ => return Err(KmsError::Arn(arn)),
        };
        Ok(Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
            expires_at_millis: None,
            arn,
            account,
        })
    }

    /// Makes the credentials temporary: requests must carry this session token.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self
    }

    /// When the session token expires, in milliseconds since the Unix epoch by the server's clock.
    #[must_use]
    pub fn expires_at_millis(mut self, unix_millis: u64) -> Self {
        self.expires_at_millis = Some(unix_millis);
        self
    }

    /// The access key id.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The role's or user's ARN: what key policies name.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The ARN that error texts name: for a role, that of the assumed role's session.
    pub fn caller_arn(&self) -> String {
        match self.arn.split_once(":role/") {
            Some((head, path)) => {
                let name = path.rsplit('/').next().unwrap_or(path);
                format!("{}:assumed-role/{name}/emulated-session", head.replacen(":iam:", ":sts:", 1))
            }
            None => self.arn.clone(),
        }
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret_access_key
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }

    pub(crate) fn expired_at(&self, now_millis: u64) -> bool {
        self.expires_at_millis.is_some_and(|end| now_millis >= end)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({})", self.arn)
    }
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}
