//! Requests: a caller, an action, and the condition keys that such a request carries.

use pcrseal_policy::actions::Action;
use pcrseal_policy::document::{PolicyDocument, Values};
use pcrseal_policy::names::{Identity, PrincipalArn};

use crate::pair::Pair;
use crate::random::Random;
use crate::words::{ACTIONS, CALLERS, CLUSTER, CURRENT, HASHES, PREVIOUS};

/// Written out: the oracle expands it wrongly otherwise.
const IPV6: &str = "2001:db8:1:2:0:0:0:9";

/// What an enclave's document shows besides PCR0.
const REGISTERS: &[&[u64]] = &[&[], &[2, 8], &[1, 2, 3, 4, 8]];

/// A request, with policies that are still empty.
pub(crate) fn request(random: &mut Random) -> Pair {
    let principal = PrincipalArn::new(random.pick::<&str>(CALLERS)).expect("the callers are ARNs");
    let action = *random.pick(ACTIONS);
    let mut context = Context { random, keys: Vec::new() };
    context.caller(&principal);
    context.surroundings();
    context.key();
    context.action(action);
    Pair {
        key_policy: PolicyDocument::new(Vec::new()),
        identity_policies: Vec::new(),
        principal,
        action,
        context: context.keys,
    }
}

struct Context<'a> {
    random: &'a mut Random,
    keys: Vec<(String, Values)>,
}

impl Context<'_> {
    fn one(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.keys.push((key.into(), Values::One(value.into())));
    }

    fn one_of(&mut self, key: &str, values: &[&str]) {
        let value = *self.random.pick(values);
        self.one(key, value);
    }

    /// What follows from the caller (IAM user guide, "AWS global condition context keys").
    fn caller(&mut self, principal: &PrincipalArn) {
        let account = principal.account().as_str();
        let kind = match principal.identity() {
            Identity::Root => {
                self.one("aws:userid", account);
                "Account"
            }
            Identity::User { name, .. } => {
                self.one("aws:username", name.as_ref());
                "User"
            }
            Identity::FederatedUser { name } => {
                self.one("aws:userid", format!("{account}:{name}"));
                "FederatedUser"
            }
            Identity::Role { .. } | Identity::AssumedRole { .. } => "AssumedRole",
        };
        let own = match principal.identity() {
            Identity::AssumedRole { name, .. } => format!("arn:aws:iam::{account}:role/{name}"),
            _ => principal.to_string(),
        };
        self.one("aws:PrincipalType", kind);
        self.one("aws:PrincipalArn", own);
        self.one("aws:PrincipalAccount", account);
        self.one("kms:CallerAccount", account);
        if self.random.chance(40) {
            self.one_of("aws:PrincipalTag/team", &["crypto", "Crypto", "c*", "ops"]);
        }
        if self.random.chance(40) {
            self.one("aws:MultiFactorAuthPresent", "true");
            self.one_of("aws:MultiFactorAuthAge", &["0", "299.5", "300", "1800"]);
        }
    }

    fn surroundings(&mut self) {
        self.one_of("aws:SecureTransport", &["true", "true", "false"]);
        self.one_of(
            "aws:CurrentTime",
            &["2026-06-30T12:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T08:30:00Z"],
        );
        // Requests through a VPC endpoint have no such key.
        if self.random.chance(75) {
            self.one_of("aws:SourceIp", &["10.1.2.3", "10.1.9.9", "203.0.113.7", IPV6, IPV6]);
        }
        if self.random.chance(12) {
            self.one_of(
                "kms:ViaService",
                &["s3.eu-central-1.amazonaws.com", "ec2.eu-central-1.amazonaws.com"],
            );
        }
    }

    fn key(&mut self) {
        self.one_of("kms:KeySpec", &["SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT", "ECC_NIST_P384"]);
        self.one_of("kms:KeyOrigin", &["AWS_KMS", "AWS_KMS", "EXTERNAL"]);
        self.one_of("kms:MultiRegion", &["false", "false", "true"]);
        if self.random.chance(40) {
            let aliases =
                *self.random.pick(&[["alias/vault", "alias/spare"], ["alias/other", "alias/spare"]]);
            self.keys.push(("kms:ResourceAliases".into(), Values::many(aliases)));
        }
    }

    fn action(&mut self, action: Action) {
        if action.carries_attestation() && self.random.chance(75) {
            self.attestation();
        }
        let takes_context = action.is_cryptographic() || action == Action::CreateGrant;
        if takes_context && action != Action::DeriveSharedSecret && self.random.chance(85) {
            self.encryption_context();
        }
        match action {
            Action::PutKeyPolicy if self.random.chance(30) => {
                self.one_of("kms:BypassPolicyLockoutSafetyCheck", &["true", "false"]);
            }
            Action::ScheduleKeyDeletion if self.random.chance(80) => {
                self.one_of("kms:ScheduleKeyDeletionPendingWindowInDays", &["7", "14", "30"]);
            }
            Action::CreateGrant => {
                let operations = *self.random.pick(&[["Decrypt", "Encrypt"], ["Decrypt", "GenerateDataKey"]]);
                self.keys.push(("kms:GrantOperations".into(), Values::many(operations)));
            }
            _ => {}
        }
    }

    fn attestation(&mut self) {
        let image = match self.random.below(6) {
            0..3 => CURRENT,
            3 => PREVIOUS,
            _ => *self.random.pick(HASHES),
        };
        let image = if self.random.chance(10) { image.to_ascii_uppercase() } else { image.to_owned() };
        self.one("kms:RecipientAttestation:ImageSha384", image.as_str());
        self.one("kms:RecipientAttestation:PCR0", image);
        let registers = *self.random.pick(REGISTERS);
        let other = self.random.chance(25);
        for index in registers {
            let value = if other { *self.random.pick(HASHES) } else { CURRENT };
            self.one(format!("kms:RecipientAttestation:PCR{index}"), value);
        }
        if self.random.chance(30) {
            for index in [4, 7, 14] {
                let value = if other { *self.random.pick(HASHES) } else { CURRENT };
                self.one(format!("kms:RecipientAttestation:NitroTPMPCR{index}"), value);
            }
        }
    }

    fn encryption_context(&mut self) {
        let mut names = Vec::new();
        let mut entry = |context: &mut Self, name: &str, values: &[&str]| {
            names.push(name.to_owned());
            context.one_of(&format!("kms:EncryptionContext:{name}"), values);
        };
        let shares = ["1/5", "2/5", "12/15"];
        if self.random.chance(85) {
            entry(self, "pcrseal:v", &["1"]);
            entry(self, "pcrseal:cluster", &[CLUSTER, CLUSTER, CLUSTER, "test-eu-central-1-vault"]);
            entry(self, "pcrseal:seal-id", &["00112233445566778899aabbccddeeff"]);
            entry(self, "pcrseal:generation", &["7", "7", "8", "12"]);
            entry(self, "pcrseal:wrapping", &["attested", "attested", "encrypt"]);
            entry(self, "pcrseal:share", &shares);
        }
        if self.random.chance(50) {
            entry(self, "team", &["crypto", "*", "a?c", "$x", "abc"]);
        }
        if !names.is_empty() {
            self.keys.push(("kms:EncryptionContextKeys".into(), Values::Many(names)));
        }
    }
}
