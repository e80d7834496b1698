//! Accounts and principals, as ARNs name them (AWS Identity and Access Management user guide, "IAM identifiers").

use std::fmt;
use std::str::FromStr;

use pcrseal_core::error::{Code, Error};

/// Longest role or user name, and longest session name (IAM, "IAM and AWS STS quotas").
const MAX_NAME_LEN: usize = 64;
/// Longest path of a role or user, with both slashes (the same page).
const MAX_PATH_LEN: usize = 512;

/// An AWS account id: twelve digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Box<str>);

impl AccountId {
    /// Reads an account id.
    ///
    /// # Errors
    /// [`Code::AccountId`].
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit()) {
            return Ok(Self(text.into()));
        }
        Err(Error::text(Code::AccountId, "account", "twelve digits", excerpt(text)))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN that stands for the account: `arn:PARTITION:iam::ACCOUNT:root`.
    pub fn root(&self, partition: &str) -> PrincipalArn {
        PrincipalArn { partition: partition.into(), account: self.clone(), identity: Identity::Root }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom an ARN names within its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// `root`: in a policy the account, in a request its root user.
    Root,
    /// `role/PATH/NAME`.
    Role {
        /// `/`, or `/…/`.
        path: Box<str>,
        /// The role's name.
        name: Box<str>,
    },
    /// `assumed-role/NAME/SESSION` (of STS): a role at work. It has no path.
    AssumedRole {
        /// The role's name.
        name: Box<str>,
        /// The session's name.
        session: Box<str>,
    },
    /// `user/PATH/NAME`.
    User {
        /// `/`, or `/…/`.
        path: Box<str>,
        /// The user's name.
        name: Box<str>,
    },
    /// `federated-user/NAME` (of STS).
    FederatedUser {
        /// The name that was given to `GetFederationToken`.
        name: Box<str>,
    },
}

/// The ARN of an account's root, a role, a role session, a user or a federated user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalArn {
    partition: Box<str>,
    account: AccountId,
    identity: Identity,
}

impl PrincipalArn {
    /// Reads an ARN: `arn:PARTITION:iam::ACCOUNT:root`, `…:role/NAME`, `…:user/NAME`, or
    /// `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`, `…:federated-user/NAME`.
    ///
    /// # Errors
    /// [`Code::PrincipalArn`], with what was found.
    pub fn new(text: &str) -> Result<Self, Error> {
        read(text).ok_or_else(|| {
            let expected = "arn:PARTITION:iam::ACCOUNT:role/NAME, or such of root, a user or a session";
            Error::text(Code::PrincipalArn, "principal", expected, excerpt(text))
        })
    }

    /// The partition: `aws`, `aws-us-gov`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Whom it names.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it names a role (not a session of one).
    pub fn is_role(&self) -> bool {
        matches!(self.identity, Identity::Role { .. })
    }
}

impl FromStr for PrincipalArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl fmt::Display for PrincipalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, account) = (&self.partition, &self.account);
        match &self.identity {
            Identity::Root => write!(f, "arn:{partition}:iam::{account}:root"),
            Identity::Role { path, name } => write!(f, "arn:{partition}:iam::{account}:role{path}{name}"),
            Identity::User { path, name } => write!(f, "arn:{partition}:iam::{account}:user{path}{name}"),
            Identity::AssumedRole { name, session } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{name}/{session}")
            }
            Identity::FederatedUser { name } => {
                write!(f, "arn:{partition}:sts::{account}:federated-user/{name}")
            }
        }
    }
}

impl fmt::Debug for PrincipalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn read(text: &str) -> Option<PrincipalArn> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let (arn, partition, service, region) = (next()?, next()?, next()?, next()?);
    let (account, resource) = (AccountId::new(next()?).ok()?, next()?);
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    if arn != "arn" || !plain(partition) || !region.is_empty() {
        return None;
    }
    let identity = match (service, resource.split_once('/')) {
        ("iam", None) if resource == "root" => Identity::Root,
        ("iam", Some(("role", rest))) => {
            let (path, name) = path_and_name(rest)?;
            Identity::Role { path, name }
        }
        ("iam", Some(("user", rest))) => {
            let (path, name) = path_and_name(rest)?;
            Identity::User { path, name }
        }
        ("sts", Some(("assumed-role", rest))) => {
            let (name, session) = rest.split_once('/')?;
            Identity::AssumedRole { name: own_name(name)?, session: own_name(session)? }
        }
        ("sts", Some(("federated-user", name))) => Identity::FederatedUser { name: own_name(name)? },
        _ => return None,
    };
    Some(PrincipalArn { partition: partition.into(), account, identity })
}

/// `a/b/NAME` is the path `/a/b/` and the name; `NAME` alone has the path `/`.
fn path_and_name(rest: &str) -> Option<(Box<str>, Box<str>)> {
    let (path, name) = match rest.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), rest),
    };
    let printable = path.bytes().all(|c| (b'!'..=b'~').contains(&c) && !matches!(c, b'*' | b'?'));
    if !printable || path.len() > MAX_PATH_LEN {
        return None;
    }
    Some((path.into(), own_name(name)?))
}

/// Letters, digits and `_+=,.@-`.
fn own_name(name: &str) -> Option<Box<str>> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_+=,.@-".contains(&c);
    let sound = (1..=MAX_NAME_LEN).contains(&name.len()) && name.bytes().all(allowed);
    sound.then(|| name.into())
}

/// The beginning of a text that may be of any length, for an error.
pub(crate) fn excerpt(text: &str) -> String {
    const LEN: usize = 96;
    match text.char_indices().nth(LEN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
