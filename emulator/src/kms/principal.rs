//! Who signs requests.

use std::fmt;

use pcrseal_policy::document::{Effect, Matching, PolicyDocument, Statement};
use pcrseal_policy::names::{Identity, PrincipalArn};
use zeroize::Zeroizing;

use super::KmsError;

/// The session of every role that signs here.
const SESSION: &str = "emulated-session";

/// An IAM principal with its access key.
///
/// Unless told otherwise it is an administrator: its one IAM policy allows every action on every resource (AWS's
/// managed policy `AdministratorAccess`), so that key policies alone decide.
#[derive(Clone)]
pub struct Principal {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires_at_millis: Option<u64>,
    arn: PrincipalArn,
    iam_policies: Vec<PolicyDocument>,
    /// Nothing was said of IAM policies yet.
    administrator: bool,
}

impl Principal {
    /// A principal by its ARN: `arn:aws:iam::ACCOUNT:role/NAME`, `arn:aws:iam::ACCOUNT:user/NAME`, or
    /// `arn:aws:iam::ACCOUNT:root` for the account's root user.
    ///
    /// # Errors
    /// [`KmsError::Arn`] for anything else.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        arn: impl Into<String>,
    ) -> Result<Self, KmsError> {
        Ok(Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
            expires_at_millis: None,
            arn: iam_arn(arn)?,
            iam_policies: vec![administrator_access()],
            administrator: true,
        })
    }

    /// Attaches an IAM policy. The first one takes the place of `AdministratorAccess`.
    #[must_use]
    pub fn iam_policy(self, document: PolicyDocument) -> Self {
        let mut principal = if self.administrator { self.without_iam_policies() } else { self };
        principal.iam_policies.push(document);
        principal
    }

    /// Takes all IAM policies away: what a key policy does not allow by itself is denied.
    #[must_use]
    pub fn without_iam_policies(self) -> Self {
        Self { iam_policies: Vec::new(), administrator: false, ..self }
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

    /// The role's, user's or root user's ARN.
    pub fn arn(&self) -> &PrincipalArn {
        &self.arn
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        self.arn.account().as_str()
    }

    /// The ARN that error texts name: for a role, that of the assumed role's session.
    pub fn caller_arn(&self) -> String {
        match self.arn.identity() {
            Identity::Role { name, .. } => {
                let (partition, account) = (self.arn.partition(), self.account());
                format!("arn:{partition}:sts::{account}:assumed-role/{name}/{SESSION}")
            }
            _ => self.arn.to_string(),
        }
    }

    pub(crate) fn iam_policies(&self) -> &[PolicyDocument] {
        &self.iam_policies
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

/// The ARN of a role, a user or a root user.
pub(crate) fn iam_arn(text: impl Into<String>) -> Result<PrincipalArn, KmsError> {
    let text = text.into();
    match PrincipalArn::new(&text) {
        Ok(arn)
            if matches!(arn.identity(), Identity::Role { .. } | Identity::User { .. } | Identity::Root) =>
        {
            Ok(arn)
        }
        _ => Err(KmsError::Arn(text)),
    }
}

/// AWS's managed policy of that name.
pub(crate) fn administrator_access() -> PolicyDocument {
    PolicyDocument::new(vec![Statement {
        sid: None,
        actions: Some(Matching::Is("*".into())),
        resources: Some(Matching::Is("*".into())),
        ..Statement::new("", Effect::Allow)
    }])
}
