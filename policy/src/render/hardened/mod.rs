//! The profile `hardened`: the template with its gaps closed.

mod chapters;
mod statements;

use std::collections::BTreeSet;

use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::{ClusterId, Wrapping};

use super::terraform::LocalName;
use super::{Draft, Profile, Release, Rendered};
use crate::names::{AccountId, Identity, PrincipalArn};

/// The generation of a new secret, unless its trust policy demands a higher one.
const FIRST_GENERATION: u64 = 1;

/// Parameters of the profile `hardened`, for one symmetric single-Region key that serves one cluster.
///
/// Unless told otherwise it is a policy for `attested` wrapping, generation 1 and the time of a seal, whose
/// break-glass path is the account's root user, and under which nobody can delete the key.
#[derive(Clone, Debug)]
pub struct Hardened {
    account: AccountId,
    cluster: ClusterId,
    enclave_role: PrincipalArn,
    administrators: Vec<PrincipalArn>,
    current: Release,
    previous: Option<Release>,
    wrapping: Wrapping,
    generations: BTreeSet<u64>,
    break_glass: BreakGlass,
    seal_window: bool,
    deletion: bool,
    disabling: bool,
    terraform_name: LocalName,
}

/// Who restores a key whose administrators' roles are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum BreakGlass {
    /// The account's root user itself, and nobody whom IAM gives `kms:PutKeyPolicy`.
    #[default]
    RootUser,
    /// Whom the account's IAM policies give the actions of the statement: for accounts whose root user has no
    /// credentials any more. Whoever manages IAM there can change the key's policy.
    Iam,
}

impl Hardened {
    /// A policy for a key of `account`.
    ///
    /// The enclave's role (that of its parent instance) may belong to another account: a quorum is strongest when its
    /// keys do not share one. Administrators belong to the key's account: KMS takes no management operation from
    /// another one.
    ///
    /// # Errors
    /// [`Code::PolicyRole`]: something else than a role, no administrator, one of another account, roles of two
    /// partitions, one administrator twice, or the enclave's role among the administrators.
    pub fn new(
        account: AccountId,
        cluster: ClusterId,
        enclave_role: PrincipalArn,
        administrators: Vec<PrincipalArn>,
        current: Release,
    ) -> Result<Self, Error> {
        if !enclave_role.is_role() {
            return Err(unfit("enclave's role", "a role", &enclave_role));
        }
        if administrators.is_empty() {
            return Err(Error::number(Code::PolicyRole, "administrators", "at least one", 0));
        }
        let mut names = BTreeSet::new();
        for administrator in &administrators {
            if !administrator.is_role() || *administrator.account() != account {
                return Err(unfit("administrator", &format!("a role of account {account}"), administrator));
            }
            if administrator.partition() != enclave_role.partition() {
                let expected = format!("a role of the partition {}", enclave_role.partition());
                return Err(unfit("administrator", &expected, administrator));
            }
            if is_same_role(administrator, &enclave_role) {
                return Err(unfit("administrator", "another role than the enclave's", administrator));
            }
            if !names.insert(role_name(administrator)) {
                return Err(unfit("administrator", "every role once, whatever its path", administrator));
            }
        }
        Ok(Self {
            account,
            cluster,
            enclave_role,
            administrators,
            current,
            previous: None,
            wrapping: Wrapping::default(),
            generations: BTreeSet::from([FIRST_GENERATION]),
            break_glass: BreakGlass::default(),
            seal_window: true,
            deletion: false,
            disabling: false,
            terraform_name: LocalName::pcrseal(),
        })
    }

    /// Lets the previous release decrypt too, during a rollover. It does not seal. What shows one release's value of
    /// one register and the other's of another is neither release, and does not decrypt.
    ///
    /// # Errors
    /// [`Code::ReleaseMismatch`]: the same release, or one by other PCRs.
    pub fn previous(mut self, previous: Release) -> Result<Self, Error> {
        previous.precedes(&self.current)?;
        self.previous = Some(previous);
        Ok(self)
    }

    /// How the share keys are wrapped; `attested` unless given.
    #[must_use]
    pub fn wrapping(mut self, wrapping: Wrapping) -> Self {
        self.wrapping = wrapping;
        self
    }

    /// The generations whose shares the key releases; 1 unless given. The old and the new one during a re-seal, the
    /// new one alone after it. They are listed because IAM compares numbers with numeric condition keys only, and an
    /// encryption context is text.
    ///
    /// # Errors
    /// [`Code::PolicyGenerations`] for none.
    pub fn generations(mut self, generations: impl IntoIterator<Item = u64>) -> Result<Self, Error> {
        self.generations = generations.into_iter().collect();
        if self.generations.is_empty() {
            return Err(Error::number(Code::PolicyGenerations, "generations", "at least one", 0));
        }
        Ok(self)
    }

    /// Who restores the key; the root user unless given.
    #[must_use]
    pub fn break_glass(mut self, break_glass: BreakGlass) -> Self {
        self.break_glass = break_glass;
        self
    }

    /// Leaves out what only a seal needs (GenerateDataKey, or Encrypt): the key releases shares and makes none.
    #[must_use]
    pub fn outside_seal_window(mut self) -> Self {
        self.seal_window = false;
        self
    }

    /// Lets administrators schedule the key's deletion.
    #[must_use]
    pub fn allow_deletion(mut self) -> Self {
        self.deletion = true;
        self
    }

    /// Lets the enclave's role disable the key, so that a rotation retires old keys by itself. Whoever has the role's
    /// credentials can then take the key out of service, until an administrator enables it.
    ///
    /// # Errors
    /// [`Code::PolicyRole`] when the role belongs to another account: KMS takes DisableKey from the key's account
    /// alone.
    pub fn allow_enclave_to_disable(mut self) -> Result<Self, Error> {
        if self.is_cross_account() {
            let expected = format!("a role of account {}, to disable its key", self.account);
            return Err(unfit("enclave's role", &expected, &self.enclave_role));
        }
        self.disabling = true;
        Ok(self)
    }

    /// What the data source and the key are called in Terraform; `pcrseal` unless given.
    ///
    /// # Errors
    /// [`Code::TerraformName`].
    pub fn terraform_name(mut self, name: &str) -> Result<Self, Error> {
        self.terraform_name = LocalName::new(name)?;
        Ok(self)
    }

    /// The policy.
    ///
    /// # Errors
    /// [`Code::RenderedTooLong`] (hundreds of generations, administrators or parent instances); [`Code::PolicyRole`]
    /// for a role whose path Terraform would read as a variable.
    pub fn render(&self) -> Result<Rendered, Error> {
        let Self { account, cluster, wrapping, .. } = self;
        let profile = Profile::Hardened.name();
        Draft {
            id: Some(format!("pcrseal-{profile}-v1")),
            title: format!("Key policy of cluster {cluster}, profile {profile}"),
            purpose: format!(
                "For one AWS KMS key of account {account} that protects a share of this cluster's secret, with \
                 `{wrapping}` wrapping, and does nothing else.\nThe key is symmetric (`SYMMETRIC_DEFAULT`), of one \
                 Region, with key material that KMS made (`AWS_KMS`). In a key policy, `Resource` `*` is the key \
                 itself."
            ),
            statements: self.statements(),
            chapters: self.chapters(),
            terraform_name: self.terraform_name.clone(),
            description: format!("pcrseal: a share key of cluster {cluster}"),
        }
        .render()
    }

    fn root(&self) -> PrincipalArn {
        self.account.root(self.enclave_role.partition())
    }

    fn is_cross_account(&self) -> bool {
        *self.enclave_role.account() != self.account
    }
}

pub(super) fn is_same_role(one: &PrincipalArn, other: &PrincipalArn) -> bool {
    one.account() == other.account() && role_name(one) == role_name(other)
}

/// Names of roles are unique in an account, whatever their path and case (IAM user guide, "IAM identifiers").
fn role_name(arn: &PrincipalArn) -> Option<String> {
    match arn.identity() {
        Identity::Role { name, .. } => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

fn unfit(part: &'static str, expected: &str, found: &PrincipalArn) -> Error {
    Error::text(Code::PolicyRole, part, expected, found)
}
