//! Key policies made from a few typed parameters: as JSON, as Terraform, and with the reason for every statement.
//!
//! | profile | made by | for |
//! |---|---|---|
//! | `hardened` | [`Hardened`] | every new key |
//! | `five-statement` | [`Template::five_statement`] | keys that follow the page "AWS KMS Policy for TEE Auto-Unseal" to the letter |
//! | `multi-pcr` | [`Template::multi_pcr`] | the same with the page's "optional multi-PCR variant" |
//!
//! Equal parameters give equal bytes. A policy is for one key; a quorum has one for each of its keys.
//!
//! ```
//! use pcrseal_core::names::ClusterId;
//! use pcrseal_core::pcr::Pcr;
//! use pcrseal_policy::names::{AccountId, PrincipalArn};
//! use pcrseal_policy::render::{Hardened, Release};
//!
//! # fn main() -> Result<(), pcrseal_core::error::Error> {
//! let policy = Hardened::new(
//!     AccountId::new("111122223333")?,
//!     ClusterId::new("prod-us-east-1-mainnet")?,
//!     PrincipalArn::new("arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet")?,
//!     vec![PrincipalArn::new("arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin")?],
//!     Release::enclave(Pcr::from_hex(&"a".repeat(96))?)?,
//! )?;
//! let rendered = policy.render()?;
//! assert!(rendered.json().contains("DenyOtherImageSha384"));
//! # Ok(())
//! # }
//! ```

mod hardened;
mod notes;
mod release;
mod template;
mod terraform;

use pcrseal_core::error::{Code, Error};

pub use hardened::{BreakGlass, Hardened};
pub use release::Release;
pub use template::Template;

use crate::document::{
    Condition, Effect, MAX_KEY_POLICY_LEN, Matching, PolicyDocument, Principals, Statement, Values,
};
use notes::Chapter;
use terraform::LocalName;

/// Which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// The page's template, statement by statement. It leaves gaps; its notes name them.
    FiveStatement,
    /// The template with PCR2 and PCR8 demanded of the enclave's Decrypt.
    MultiPcr,
    /// The template with its gaps closed.
    #[default]
    Hardened,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::FiveStatement, Self::MultiPcr, Self::Hardened];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FiveStatement => "five-statement",
            Self::MultiPcr => "multi-pcr",
            Self::Hardened => "hardened",
        }
    }

    /// The profile of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

/// A policy for one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The policy.
    pub document: PolicyDocument,
    /// The policy and its key as Terraform configuration: `data "aws_iam_policy_document"`, `resource "aws_kms_key"`,
    /// laid out as `terraform fmt` leaves it.
    pub terraform: String,
    /// Why each statement exists, and what to do when something changes; Markdown with one `###` section per `Sid`.
    pub notes: String,
}

impl Rendered {
    /// The policy as `PutKeyPolicy` takes it, on lines of their own, at most [`MAX_KEY_POLICY_LEN`] bytes of ASCII.
    pub fn json(&self) -> String {
        self.document.to_json().to_pretty()
    }
}

/// A statement and the reason for it.
struct Explained {
    statement: Statement,
    why: String,
}

/// Everything that a rendered policy is made of.
struct Draft {
    /// `Id` of the document, if it has one.
    id: Option<String>,
    title: String,
    /// What the key and its policy are for.
    purpose: String,
    statements: Vec<Explained>,
    /// What follows the statements.
    chapters: Vec<Chapter>,
    terraform_name: LocalName,
    /// Of the key, in Terraform.
    description: String,
}

impl Draft {
    /// # Errors
    /// [`Code::RenderedTooLong`], [`Code::PolicyRole`].
    fn render(self) -> Result<Rendered, Error> {
        let notes = notes::markdown(&self);
        let statements = self.statements.into_iter().map(|explained| explained.statement).collect();
        let document = PolicyDocument { id: self.id, ..PolicyDocument::new(statements) };
        let terraform = terraform::configuration(&document, &self.terraform_name, &self.description)?;
        let rendered = Rendered { document, terraform, notes };
        let len = rendered.json().len();
        if len > MAX_KEY_POLICY_LEN {
            return Err(Error::number(Code::RenderedTooLong, "bytes", "at most 32768", len as u64));
        }
        Ok(rendered)
    }
}

/// A statement about this key (`Resource` `*` in a key policy).
fn statement(
    effect: Effect,
    sid: impl Into<String>,
    principals: Principals,
    actions: &[&str],
    conditions: Vec<Condition>,
) -> Statement {
    Statement {
        principals: Some(Matching::Is(principals)),
        actions: Some(Matching::Is(one_or_many(actions))),
        resources: Some(Matching::Is("*".into())),
        conditions,
        ..Statement::new(sid, effect)
    }
}

/// One value stands alone, several in a list.
fn one_or_many<T: AsRef<str>>(values: &[T]) -> Values {
    match values {
        [value] => Values::from(value.as_ref()),
        values => Values::many(values.iter().map(AsRef::as_ref)),
    }
}
