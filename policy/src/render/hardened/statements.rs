//! The statements of the profile `hardened`, each with its reason.

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::limits::FORMAT_VERSION;
use pcrseal_core::names::Wrapping;

use super::super::release::{Demand, demands};
use super::super::{Explained, Release, one_or_many, statement};
use super::{BreakGlass, Hardened};
use crate::actions::Action;
use crate::document::{Comparison, Condition, Effect, Operator, Principals, SetOperator, Values};

/// What gives a key back that nobody can manage: a new policy, in time.
const BREAK_GLASS: [Action; 4] =
    [Action::CancelKeyDeletion, Action::DescribeKey, Action::GetKeyPolicy, Action::PutKeyPolicy];

/// Managing a key: looking at it, its policy, its state, its rotation, its aliases and tags; grants can be revoked.
const ADMINISTRATION: [Action; 19] = [
    Action::CancelKeyDeletion,
    Action::CreateAlias,
    Action::DeleteAlias,
    Action::DescribeKey,
    Action::DisableKey,
    Action::DisableKeyRotation,
    Action::EnableKey,
    Action::EnableKeyRotation,
    Action::GetKeyPolicy,
    Action::GetKeyRotationStatus,
    Action::ListGrants,
    Action::ListKeyPolicies,
    Action::ListResourceTags,
    Action::PutKeyPolicy,
    Action::RevokeGrant,
    Action::TagResource,
    Action::UntagResource,
    Action::UpdateAlias,
    Action::UpdateKeyDescription,
];

/// Data operations whose requests can carry an attestation document. GenerateRandom uses no key.
const ATTESTABLE: [Action; 4] =
    [Action::Decrypt, Action::DeriveSharedSecret, Action::GenerateDataKey, Action::GenerateDataKeyPair];

impl Hardened {
    pub(super) fn statements(&self) -> Vec<Explained> {
        let mut statements = vec![self.restore(), self.administration()];
        statements.extend(self.deletion.then(|| self.schedule_deletion()));
        statements.extend([self.describe(), self.decrypt()]);
        statements.extend(self.previous.as_ref().map(|previous| self.decrypt_previous(previous)));
        statements.extend(self.seal_window.then(|| self.seal()));
        statements.extend(self.disabling.then(|| self.disable()));
        statements.extend(deny_other_values(demands(&self.releases())));
        statements.extend([
            self.deny_other_clusters(),
            self.deny_other_generations(),
            self.deny_other_data_ops(),
            deny_grants_and_replicas(),
        ]);
        statements
    }

    fn restore(&self) -> Explained {
        let root = self.root().to_string();
        let (conditions, who) = match self.break_glass {
            BreakGlass::RootUser => (
                vec![Condition::new(Comparison::ArnEquals, "aws:PrincipalArn", root.as_str())],
                "The principal is the account, and alone would let IAM policies hand these actions on. The condition \
                 leaves the root user, the one principal of an account that cannot be deleted: nobody removes a Deny \
                 with `kms:PutKeyPolicy` from IAM.",
            ),
            BreakGlass::Iam => (
                Vec::new(),
                "The principal is the account: IAM policies hand these actions on, and whoever manages IAM in the \
                 account can remove every Deny of this policy. That is the price of an account whose root user has no \
                 credentials.",
            ),
        };
        let why = format!(
            "A key whose policy names only roles that are gone can never be managed again (AWS KMS developer guide, \
             \"Default key policy\"). These four actions give it back: a look at the key and its policy, a new policy, \
             and a halt to a deletion, which cannot wait for one. None of them reads data.\n{who}"
        );
        allow("AllowBreakGlass", Principals::aws(root.as_str()), &BREAK_GLASS, conditions, why)
    }

    fn administration(&self) -> Explained {
        let why = "Somebody updates this policy, disables and enables the key. The actions are listed one by one: \
                   `kms:Create*` would hold CreateGrant, `kms:Update*` UpdatePrimaryRegion, and every wildcard what KMS \
                   adds in future (\"Default key policy\", key administrators). None is a data operation. DisableKey \
                   retires the key, and can be undone.\nPutKeyPolicy can rewrite this policy: an administrator is \
                   trusted with this one key. That is what the quorum is for: no principal administers as many keys as \
                   its threshold.";
        let roles = self.administrators();
        allow("AllowKeyAdministration", roles, &ADMINISTRATION, Vec::new(), why.into())
    }

    fn schedule_deletion(&self) -> Explained {
        let why = "Asked for: administrators may delete the key. A deleted key takes its share with it for ever; a \
                   disabled one can be enabled again. Leave this statement out until the key is to go (\"Deleting AWS \
                   KMS keys\").";
        let roles = self.administrators();
        allow("AllowScheduleKeyDeletion", roles, &[Action::ScheduleKeyDeletion], Vec::new(), why.into())
    }

    fn describe(&self) -> Explained {
        let why = "Before a seal the enclave asks what the key is: enabled, symmetric, of one Region, with material \
                   that KMS made. The answer holds no secret.";
        self.allow_enclave("AllowEnclaveDescribeKey", Action::DescribeKey, Vec::new(), why.into())
    }

    fn decrypt(&self) -> Explained {
        let why = "The cluster's role may decrypt, with an attestation document of the current release (\"Condition \
                   keys for AWS Nitro Enclaves\") and the EncryptionContext of a share of this cluster, of an accepted \
                   generation, of this format and wrapping. KMS authenticates the context: a share that was made under \
                   another one does not open.\nNames of context keys in conditions ignore case; \
                   `kms:EncryptionContextKeys` with ForAllValues admits pcrseal's six names alone, to the letter. On \
                   its own it would admit a request without context; the conditions beside it do not \
                   (\"kms:EncryptionContextKeys\").\nA role for each cluster, besides the context: the credentials of \
                   one cluster are worth nothing to another.";
        let mut conditions = attested(&self.current);
        conditions.extend(self.context());
        self.allow_enclave("AllowEnclaveDecrypt", Action::Decrypt, conditions, why.into())
    }

    fn decrypt_previous(&self, previous: &Release) -> Explained {
        let why = "The same for the previous release, during a rollover. Each release has a statement of its own: with \
                   both releases' values in one, a register of the one would go with a register of the other, which is \
                   neither release.";
        let mut conditions = attested(previous);
        conditions.extend(self.context());
        self.allow_enclave("AllowPreviousEnclaveDecrypt", Action::Decrypt, conditions, why.into())
    }

    /// What a seal needs of the key, and nothing else does.
    fn seal(&self) -> Explained {
        match self.wrapping {
            Wrapping::Attested => {
                let why = "KMS makes the share keys of a seal and encrypts them to the enclave's own key: nobody \
                           else ever knows one. The current release alone seals: a blob that opens was made by \
                           what was once the current release. Between seals this statement can be left out.";
                let mut conditions = attested(&self.current);
                conditions.extend(self.context());
                let (sid, action) = ("AllowEnclaveGenerateDataKey", Action::GenerateDataKey);
                self.allow_enclave(sid, action, conditions, why.into())
            }
            Wrapping::Encrypt => {
                let why = "The enclave makes the share keys of a seal and has KMS wrap them. Encrypt carries no \
                           attestation document: whoever holds the role's credentials may call it, the parent instance \
                           too. The EncryptionContext confines that to shares of this cluster and of an accepted \
                           generation; blobs of `encrypt` wrapping stay confidential without being authentic. Between \
                           seals this statement can be left out.";
                self.allow_enclave("AllowEnclaveEncrypt", Action::Encrypt, self.context().into(), why.into())
            }
        }
    }

    fn disable(&self) -> Explained {
        let why = "Asked for: a rotation retires the key of an old share by itself. Whoever holds the role's \
                   credentials, the parent instance too, can then take the key out of service, until an administrator \
                   enables it.";
        self.allow_enclave("AllowEnclaveDisableKey", Action::DisableKey, Vec::new(), why.into())
    }

    fn deny_other_clusters(&self) -> Explained {
        let cluster = "kms:EncryptionContext:pcrseal:cluster";
        let condition = Condition::new(Comparison::StringNotEquals, cluster, self.cluster.as_str());
        let why = "The key serves one cluster, whatever a later Allow or an older grant says: without this cluster's \
                   EncryptionContext nothing is made or opened under it. A missing context counts as another one \
                   (IAM user guide, \"Condition operators\": negated operators match where the key is missing).";
        deny("DenyOtherClusters", &self.needed(), vec![condition], why.into())
    }

    fn deny_other_generations(&self) -> Explained {
        let generation = "kms:EncryptionContext:pcrseal:generation";
        let condition = Condition::new(Comparison::StringNotEquals, generation, self.accepted_generations());
        let why = "The same for the generation: a blob that a re-seal has replaced stays closed, whatever an older \
                   grant says. A statement of its own, since the conditions of one must all hold.";
        deny("DenyOtherGenerations", &self.needed(), vec![condition], why.into())
    }

    /// The data operations of this wrapping; every other one of a symmetric key is denied.
    fn needed(&self) -> [Action; 2] {
        let seals = match self.wrapping {
            Wrapping::Attested => Action::GenerateDataKey,
            Wrapping::Encrypt => Action::Encrypt,
        };
        [Action::Decrypt, seals]
    }

    fn accepted_generations(&self) -> Values {
        Values::many(self.generations.iter().map(ToString::to_string))
    }

    fn deny_other_data_ops(&self) -> Explained {
        let (actions, why): (&[Action], _) = match self.wrapping {
            Wrapping::Attested => (
                &[
                    Action::Encrypt,
                    Action::GenerateDataKeyPair,
                    Action::GenerateDataKeyPairWithoutPlaintext,
                    Action::GenerateDataKeyWithoutPlaintext,
                    Action::ReEncryptFrom,
                    Action::ReEncryptTo,
                ],
                "`attested` wrapping needs GenerateDataKey and Decrypt. GenerateDataKeyPair aside, none of these carries \
                 an attestation document. With Encrypt or ReEncrypt into the key, whoever holds credentials makes \
                 ciphertexts that Decrypt accepts like genuine ones, and so a blob of their own; the others make keys \
                 that no seal asked for; ReEncrypt from the key would hand a share to another key's policy. A migration of shares by ReEncrypt is \
                 impossible: seal again instead.",
            ),
            Wrapping::Encrypt => (
                &[
                    Action::GenerateDataKey,
                    Action::GenerateDataKeyPair,
                    Action::GenerateDataKeyPairWithoutPlaintext,
                    Action::GenerateDataKeyWithoutPlaintext,
                    Action::ReEncryptFrom,
                    Action::ReEncryptTo,
                ],
                "`encrypt` wrapping needs Encrypt and Decrypt. A key of this wrapping makes no data keys, so that it \
                 never serves `attested` wrapping, whose promise it could not keep. ReEncrypt carries no attestation \
                 document: from the key it would hand a share to another key's policy, into the key it goes around the \
                 EncryptionContext. A migration of shares by ReEncrypt is impossible: seal again instead.",
            ),
        };
        deny("DenyOtherDataOps", actions, Vec::new(), why.into())
    }

    fn administrators(&self) -> Principals {
        let roles: Vec<String> = self.administrators.iter().map(ToString::to_string).collect();
        Principals::aws(one_or_many(&roles))
    }

    fn releases(&self) -> Vec<&Release> {
        [&self.current].into_iter().chain(&self.previous).collect()
    }

    /// The EncryptionContext of this cluster's shares. The share's number and the seal id differ from blob to blob.
    fn context(&self) -> [Condition; 5] {
        let is = |key: &str, values| {
            Condition::new(Comparison::StringEquals, format!("kms:EncryptionContext:{key}"), values)
        };
        let names = Operator {
            set: Some(SetOperator::ForAllValues),
            comparison: Comparison::StringEquals,
            if_exists: false,
        };
        [
            is("pcrseal:cluster", self.cluster.as_str().into()),
            is("pcrseal:generation", self.accepted_generations()),
            is("pcrseal:v", FORMAT_VERSION.to_string().as_str().into()),
            is("pcrseal:wrapping", self.wrapping.name().into()),
            Condition {
                operator: names,
                key: "kms:EncryptionContextKeys".into(),
                values: Values::many(EncryptionContext::KEYS),
            },
        ]
    }

    fn allow_enclave(&self, sid: &str, action: Action, conditions: Vec<Condition>, why: String) -> Explained {
        let role = Principals::aws(self.enclave_role.to_string().as_str());
        allow(sid, role, &[action], conditions, why)
    }
}

/// One Deny for each register: within one statement conditions must all hold, and a document that differs in a single
/// register would pass.
fn deny_other_values(demands: Vec<Demand>) -> impl Iterator<Item = Explained> {
    demands.into_iter().enumerate().map(|(position, demand)| {
        let name = &demand.name;
        let why = if position == 0 {
            format!(
                "An explicit Deny beats every Allow, of this policy, of IAM and of a grant (IAM user guide, \"Policy \
                 evaluation logic\"): the operations that give out plaintext give it to nobody whose attestation \
                 document shows another {} (`{name}`) than the accepted. A request without a document, or with one of \
                 another kind, has no such value, and a negated operator matches it too. Requiring some document \
                 (`Null`) would let every value in.",
                meaning(name)
            )
        } else {
            format!(
                "The same for the {} (`{name}`). Every register has a Deny of its own: the conditions of one statement \
                 must all hold, and a document that differs in one register alone would pass.",
                meaning(name)
            )
        };
        let sid = format!("DenyOther{name}");
        let key = demand.key();
        let condition =
            Condition::new(Comparison::StringNotEqualsIgnoreCase, key, Values::many(demand.values));
        deny(&sid, &ATTESTABLE, vec![condition], why)
    })
}

/// What a register holds (AWS Nitro Enclaves user guide, "Cryptographic attestation").
fn meaning(name: &str) -> &'static str {
    match name {
        "ImageSha384" => "enclave image",
        "PCR1" => "kernel and boot ramfs",
        "PCR2" => "application",
        "PCR3" => "IAM role of the parent instance",
        "PCR4" => "parent instance",
        "PCR8" => "signing certificate of the image",
        _ => "value of the register",
    }
}

fn deny_grants_and_replicas() -> Explained {
    let why = "A grant is an Allow outside this policy that no condition on an attestation document can be put on \
               (\"Grants in AWS KMS\"); a replica of a multi-Region key has the same key material under a policy of its \
               own (\"Multi-Region keys in AWS KMS\"). Nothing here needs either.";
    deny("DenyGrantsAndReplicas", &[Action::CreateGrant, Action::ReplicateKey], Vec::new(), why.into())
}

/// The registers of an Allow: all must hold, each with any of its values.
fn attested(release: &Release) -> Vec<Condition> {
    let condition = |demand: Demand| {
        let key = demand.key();
        Condition::new(Comparison::StringEqualsIgnoreCase, key, Values::many(demand.values))
    };
    demands(&[release]).into_iter().map(condition).collect()
}

fn allow(
    sid: &str,
    principals: Principals,
    actions: &[Action],
    conditions: Vec<Condition>,
    why: String,
) -> Explained {
    Explained { statement: statement(Effect::Allow, sid, principals, &names(actions), conditions), why }
}

fn deny(sid: &str, actions: &[Action], conditions: Vec<Condition>, why: String) -> Explained {
    let everyone = Principals::Everyone;
    Explained { statement: statement(Effect::Deny, sid, everyone, &names(actions), conditions), why }
}

fn names(actions: &[Action]) -> Vec<&'static str> {
    actions.iter().map(|action| action.name()).collect()
}
