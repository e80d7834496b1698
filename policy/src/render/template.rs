//! The policy template of the page "AWS KMS Policy for TEE Auto-Unseal", and its optional multi-PCR variant.

use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_core::pcr::{PcrIndex, PcrSelection};

use super::hardened::is_same_role;
use super::notes::Chapter;
use super::release::{Demand, demands};
use super::terraform::LocalName;
use super::{Draft, Explained, Profile, Release, Rendered, one_or_many, statement};
use crate::document::{Comparison, Condition, Effect, Principals, Statement, Values};
use crate::names::{AccountId, PrincipalArn};

/// Parameters of the profiles `five-statement` and `multi-pcr`.
///
/// The statements are the page's, in its order, with its Sids and in its form. Its gaps are in it too: the notes name
/// them, and [`Hardened`](super::Hardened) closes them.
#[derive(Clone, Debug)]
pub struct Template {
    profile: Profile,
    account: AccountId,
    cluster: ClusterId,
    current: Release,
    previous: Option<Release>,
    partition: String,
    administrator_role: String,
    enclave_role_prefix: String,
    wrapping: Wrapping,
    terraform_name: LocalName,
}

impl Template {
    /// The page's five statements, for a key of this account. The release is an enclave image by its PCR0 alone.
    ///
    /// # Errors
    /// [`Code::ReleasePcrs`].
    pub fn five_statement(account: AccountId, cluster: ClusterId, current: Release) -> Result<Self, Error> {
        Self::new(Profile::FiveStatement, account, cluster, current)
    }

    /// The same with the page's variant of the third statement. The release is an enclave image by its PCR0, PCR2
    /// (application) and PCR8 (signing certificate).
    ///
    /// # Errors
    /// [`Code::ReleasePcrs`].
    pub fn multi_pcr(account: AccountId, cluster: ClusterId, current: Release) -> Result<Self, Error> {
        Self::new(Profile::MultiPcr, account, cluster, current)
    }

    fn new(
        profile: Profile,
        account: AccountId,
        cluster: ClusterId,
        current: Release,
    ) -> Result<Self, Error> {
        current.demands_exactly(registers(profile)?)?;
        Ok(Self {
            profile,
            account,
            cluster,
            current,
            previous: None,
            partition: "aws".into(),
            administrator_role: "ChamberKmsKeyAdmin".into(),
            enclave_role_prefix: "ChamberEnclaveRole-".into(),
            wrapping: Wrapping::default(),
            terraform_name: LocalName::pcrseal(),
        })
    }

    /// Lets the previous release in too, during a rollover.
    ///
    /// # Errors
    /// [`Code::ReleaseMismatch`].
    pub fn previous(mut self, previous: Release) -> Result<Self, Error> {
        previous.precedes(&self.current)?;
        self.previous = Some(previous);
        Ok(self)
    }

    /// How the share keys are wrapped. Only [`Wrapping::Encrypt`] renders; the default is `attested`, as everywhere.
    #[must_use]
    pub fn wrapping(mut self, wrapping: Wrapping) -> Self {
        self.wrapping = wrapping;
        self
    }

    /// The partition of the account: `aws` unless it is `aws-us-gov`, `aws-cn`, …
    #[must_use]
    pub fn partition(mut self, partition: impl Into<String>) -> Self {
        self.partition = partition.into();
        self
    }

    /// The name of the administrators' role; `ChamberKmsKeyAdmin` unless given.
    #[must_use]
    pub fn administrator_role(mut self, name: impl Into<String>) -> Self {
        self.administrator_role = name.into();
        self
    }

    /// What the name of the enclave's role begins with; the cluster id follows. `ChamberEnclaveRole-` unless given.
    #[must_use]
    pub fn enclave_role_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.enclave_role_prefix = prefix.into();
        self
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
    /// [`Code::ProfileWrapping`] under `attested` wrapping; [`Code::PrincipalArn`] where partition, role name or
    /// prefix and cluster id make no role's ARN (a role's name has at most 64 characters); [`Code::PolicyRole`] where
    /// the administrators' role is the enclave's, or a path holds what Terraform would read as a variable;
    /// [`Code::RenderedTooLong`] (hundreds of accepted values).
    pub fn render(&self) -> Result<Rendered, Error> {
        if self.wrapping != Wrapping::Encrypt {
            return Err(Error::text(
                Code::ProfileWrapping,
                self.profile.name(),
                Wrapping::Encrypt,
                self.wrapping,
            ));
        }
        let administrators = self.role(&self.administrator_role)?;
        let enclave = self.role(&format!("{}{}", self.enclave_role_prefix, self.cluster))?;
        if is_same_role(&administrators, &enclave) {
            let expected = "another role than the enclave's";
            return Err(Error::text(Code::PolicyRole, "administrator", expected, administrators));
        }
        let root = self.account.root(&self.partition);
        let Self { profile, cluster, account, .. } = self;
        Draft {
            id: None,
            title: format!("Key policy of cluster {cluster}, profile {}", profile.name()),
            purpose: format!(
                "For one AWS KMS key of account {account} that protects a share of this cluster's secret, with \
                 `encrypt` wrapping.\nThe statements are those of the page \"AWS KMS Policy for TEE Auto-Unseal\". In \
                 a key policy, `Resource` `*` is the key itself."
            ),
            statements: vec![
                break_glass(&root),
                administration(&administrators),
                decrypt(&enclave, self.conditions()),
                encrypt(&enclave),
                deny(),
            ],
            chapters: chapters(*profile),
            terraform_name: self.terraform_name.clone(),
            description: format!("pcrseal: a share key of cluster {cluster}"),
        }
        .render()
    }

    fn role(&self, name: &str) -> Result<PrincipalArn, Error> {
        PrincipalArn::new(&format!("arn:{}:iam::{}:role/{name}", self.partition, self.account))
    }

    /// The image is a list, as the page has it for the rollover; the others stand alone while one value is accepted.
    fn conditions(&self) -> Vec<Condition> {
        let releases: Vec<&Release> = [&self.current].into_iter().chain(&self.previous).collect();
        let condition = |demand: Demand| {
            let values = match demand.name.as_str() {
                "ImageSha384" => Values::many(&demand.values),
                _ => one_or_many(&demand.values),
            };
            Condition::new(Comparison::StringEqualsIgnoreCase, demand.key(), values)
        };
        demands(&releases).into_iter().map(condition).collect()
    }
}

/// What a release must bring.
fn registers(profile: Profile) -> Result<PcrSelection, Error> {
    let indices: &[u64] = if profile == Profile::MultiPcr { &[0, 2, 8] } else { &[0] };
    indices.iter().map(|&index| PcrIndex::try_from(index)).collect()
}

fn explained(statement: Statement, why: &str) -> Explained {
    Explained { statement, why: why.into() }
}

fn break_glass(root: &PrincipalArn) -> Explained {
    let root = Principals::aws(root.to_string().as_str());
    explained(
        statement(Effect::Allow, "EnableIAMRootPermissionsBreakGlass", root, &["kms:*"], Vec::new()),
        "Without it, a key whose administrator role is gone can never be managed again (AWS KMS developer guide, \
         \"Default key policy\").\nIt hands every action to the account's IAM policies: whoever has `kms:*` there \
         manages this key, and uses it where no Deny stands in the way.",
    )
}

fn administration(role: &PrincipalArn) -> Explained {
    const ACTIONS: [&str; 14] = [
        "kms:Create*",
        "kms:Describe*",
        "kms:Enable*",
        "kms:List*",
        "kms:Put*",
        "kms:Update*",
        "kms:Revoke*",
        "kms:Disable*",
        "kms:Get*",
        "kms:Delete*",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:ScheduleKeyDeletion",
        "kms:CancelKeyDeletion",
    ];
    let role = Principals::aws(role.to_string().as_str());
    explained(
        statement(Effect::Allow, "AllowKeyAdministrators", role, &ACTIONS, Vec::new()),
        "Somebody rotates, disables and deletes the key and updates this policy. Encrypt, Decrypt, GenerateDataKey \
         and ReEncrypt are not among the actions: administrators do not see shares, as long as this policy \
         stands.\n`kms:Put*` holds PutKeyPolicy and `kms:Create*` \
         holds CreateGrant.",
    )
}

fn decrypt(role: &PrincipalArn, conditions: Vec<Condition>) -> Explained {
    let role = Principals::aws(role.to_string().as_str());
    explained(
        statement(
            Effect::Allow,
            "AllowChamberEnclaveDecryptWithAttestation",
            role,
            &["kms:Decrypt"],
            conditions,
        ),
        "The cluster's own role may decrypt, with an attestation document of a listed image. KMS compares the \
         document's PCR0 with `kms:RecipientAttestation:ImageSha384` (\"Condition keys for AWS Nitro Enclaves\"); \
         any listed value will do, which is what a rollover needs. A role per cluster keeps another cluster's enclave \
         of the same image out.",
    )
}

fn encrypt(role: &PrincipalArn) -> Explained {
    let role = Principals::aws(role.to_string().as_str());
    explained(
        statement(Effect::Allow, "AllowChamberEnclaveEncryptForWrapping", role, &["kms:Encrypt"], Vec::new()),
        "The enclave wraps new share keys with Encrypt. Encrypt carries no attestation document, so whoever holds \
         the role's credentials may call it, the parent instance too: blobs of `encrypt` wrapping are confidential, \
         not authentic.",
    )
}

fn deny() -> Explained {
    const ACTIONS: [&str; 7] = [
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyPair",
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ];
    let missing = Condition::new(Comparison::Null, "kms:RecipientAttestation:ImageSha384", "true");
    explained(
        statement(
            Effect::Deny,
            "DenyDataOpsWithoutAttestation",
            Principals::Everyone,
            &ACTIONS,
            vec![missing],
        ),
        "An explicit Deny beats every Allow (IAM user guide, \"Policy evaluation logic\"): without any attestation \
         document nobody decrypts or has data keys made. The last four actions never carry a document and are \
         therefore always denied; ReEncrypt, and so a migration by ReEncrypt, is impossible. Encrypt is left out on \
         purpose: it cannot carry one, and wrapping needs it.",
    )
}

fn chapters(profile: Profile) -> Vec<Chapter> {
    let rollover = match profile {
        Profile::MultiPcr => {
            "Render again with the new release as the current and the old one as the previous release, and put that \
             policy before the first instance runs the new image. Their PCR2 differ: both stand in the list. When no \
             instance runs the old image any more, render without it. As long as it is listed, somebody can roll back \
             to it."
        }
        _ => {
            "Render again with the new release as the current and the old one as the previous release, and put that \
             policy before the first instance runs the new image. When no instance runs the old image any more, render \
             without it. As long as it is listed, somebody can roll back to it."
        }
    };
    let gaps = "The profile `hardened` closes these gaps:\n\n\
         - the Deny asks for some attestation document, not for one of this image: every role of the account that IAM \
         gives `kms:Decrypt` gets in with an enclave of its own, in debug mode too;\n\
         - whom IAM gives `kms:PutKeyPolicy` can remove the Deny, and whom it gives `kms:ScheduleKeyDeletion` can \
         have the key deleted;\n\
         - administrators delete the key without being asked again. Under either profile they can put another policy;\n\
         - a grant, a multi-Region replica and Encrypt with a foreign EncryptionContext are not denied;\n\
         - no cluster and no generation is bound: an old blob opens to every listed image.";
    vec![
        Chapter { title: "At a rollover", text: rollover.into() },
        Chapter { title: "What it leaves open", text: gaps.into() },
    ]
}
