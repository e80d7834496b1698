//! `Principal` (IAM user guide, "AWS JSON policy elements: Principal").

use super::Values;

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// `"*"`.
    Everyone,
    /// An object: each kind at most once.
    Listed(Vec<(PrincipalKind, Values)>),
}

impl Principals {
    /// `{"AWS": …}`.
    pub fn aws(values: impl Into<Values>) -> Self {
        Self::Listed(vec![(PrincipalKind::Aws, values.into())])
    }

    /// The values under `AWS`; of [`Everyone`](Self::Everyone) none.
    pub fn aws_values(&self) -> impl Iterator<Item = &str> {
        let listed = match self {
            Self::Everyone => &[],
            Self::Listed(listed) => listed.as_slice(),
        };
        listed.iter().filter(|(kind, _)| *kind == PrincipalKind::Aws).flat_map(|(_, values)| values.iter())
    }

    /// Whether everybody is meant, signed in or not: `"*"`, or `"*"` under `AWS`.
    pub fn is_everyone(&self) -> bool {
        *self == Self::Everyone || self.aws_values().any(|value| value == "*")
    }
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// `AWS`: an account, an ARN, a unique id, or `*`.
    Aws,
    /// `Service`: an AWS service.
    Service,
    /// `Federated`: an identity provider.
    Federated,
    /// `CanonicalUser`: an account, by the id that Amazon S3 gives it.
    CanonicalUser,
}

impl PrincipalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser];

    /// As policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}
