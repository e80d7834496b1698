//! What to do with a `hardened` policy, for its notes.

use pcrseal_core::names::Wrapping;

use super::super::notes::Chapter;
use super::{BreakGlass, Hardened};

impl Hardened {
    pub(super) fn chapters(&self) -> Vec<Chapter> {
        let mut chapters = vec![chapter("Putting it in place", PUT)];
        chapters.extend(self.is_cross_account().then(|| self.cross_account()));
        chapters.extend([
            chapter("At a rollover", ROLLOVER),
            self.around_a_seal(),
            chapter("Retiring the key", RETIRE),
            self.break_glass_chapter(),
            chapter("What it does not do", LIMITS),
        ]);
        chapters
    }

    /// Cross-account access takes an Allow on both sides (AWS KMS developer guide, "Allowing users in other accounts
    /// to use a KMS key").
    fn cross_account(&self) -> Chapter {
        let seal = match self.wrapping {
            Wrapping::Attested => "`kms:GenerateDataKey`",
            Wrapping::Encrypt => "`kms:Encrypt`",
        };
        let text = format!(
            "The enclave's role belongs to account {}. An IAM policy there must allow it `kms:DescribeKey`, \
             `kms:Decrypt` and, for seals, {seal} on this key's ARN; without both policies KMS refuses (\"Allowing \
             users in other accounts to use a KMS key\").",
            self.enclave_role.account()
        );
        Chapter { title: "The other account", text }
    }

    fn around_a_seal(&self) -> Chapter {
        let statement = match self.wrapping {
            Wrapping::Attested => "`AllowEnclaveGenerateDataKey`",
            Wrapping::Encrypt => "`AllowEnclaveEncrypt`",
        };
        let generations: Vec<String> = self.generations.iter().map(ToString::to_string).collect();
        let text = format!(
            "A seal needs {statement}; this policy {}. Accepted generations: {}.\n\
             A re-seal makes a blob of the next generation: list the old and the new one while it runs, and the new one \
             alone as soon as the new blob is in use. The key then refuses the shares of older blobs, without a new \
             image; when n - t + 1 of a quorum's n keys do, an old blob opens nowhere.",
            if self.seal_window { "has it" } else { "leaves it out" },
            generations.join(", "),
        );
        Chapter { title: "Around a seal", text }
    }

    fn break_glass_chapter(&self) -> Chapter {
        let account = &self.account;
        let who = match self.break_glass {
            BreakGlass::RootUser => format!(
                "Sign in as the root user of account {account}. An organization that removed the credentials of its \
                 root users can let them be made again (IAM user guide, \"Centralize root access for member \
                 accounts\"). A service control policy that denies root users everything has to make an exception \
                 first: it stands above this policy."
            ),
            BreakGlass::Iam => format!(
                "Have IAM of account {account} give somebody the four actions of `AllowBreakGlass` on the key."
            ),
        };
        let text = format!(
            "No administrator's role exists any more? {who} Cancel a deletion if one is under way, render the \
             policy with roles that exist, and put it with `aws kms put-key-policy`.\nA role that was deleted and made \
             again under its name is another principal: KMS keeps the id of the old one (IAM user guide, \
             \"Principal\"). Put the policy again."
        );
        Chapter { title: "Break-glass", text }
    }
}

fn chapter(title: &'static str, text: &str) -> Chapter {
    Chapter { title, text: text.into() }
}

const PUT: &str = "Create the key with this policy: grants and ciphertexts of an earlier one outlive it (`aws kms list-grants`, \
     `revoke-grant`). Whoever puts it, Terraform too, must be one of its administrators, or whom `AllowBreakGlass` lets: \
     KMS refuses a policy that would lock its caller out. Never answer that with `BypassPolicyLockoutSafetyCheck`.\nA key's policy takes effect within \
     seconds as a rule, everywhere within minutes (\"Eventual consistency\").";

const ROLLOVER: &str = "Render with the new release as the current and the old one as the previous release, and put that policy before the \
     first instance runs the new image. When no instance runs the old one any more, render without it: as long as it is \
     listed, whoever has the role's credentials can start it again.";

const RETIRE: &str = "Disable it, at once; then ask for an old share until KMS refuses it for the key's state (`DisabledException`, \
     `KMSInvalidStateException`). Leave the old share's release and generation in the policy until then: a refusal by \
     the policy says nothing about the key's state. The Terraform configuration ignores whether the key is enabled, so \
     that no `apply` enables it again. Deletion may follow, never go before: it waits 7 to 30 days, and takes the key's share \
     with it for ever.";

const LIMITS: &str = "- It does not bind its administrators, who can put another policy, nor whoever manages IAM in the account and can \
     make themselves one. Keys of a quorum belong in accounts, or at least under administrators, of their own.\n\
     - It does not look at the key: one Region, spec and origin are what the key was created with; pcrseal checks them \
     before a seal. A share of the key by AWS RAM is a second policy: make none.\n\
     - GenerateRandom uses no key; no key policy governs it.\n\
     - The parent instance can withhold credentials, blobs and the network at any time.";
