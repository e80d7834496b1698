//! Lint: what is wrong with a key policy, who gets in through it, and the remedy.
//!
//! Serious rules do not look at how a policy is written: they ask [`evaluate`](mod@crate::evaluate) about requests
//! that should be refused, and so find a hole in whatever shape it has (`NotAction`, `ForAnyValue`, a Deny with an
//! exemption …). The rules about mistakes look at what is written.
//!
//! # Who is tried
//! - any role and any user of the key's account, and of every other account that the policy names, with an IAM policy
//!   that allows `kms:*`;
//! - the same of an account that the policy does not name;
//! - the root user of the key's account;
//! - each principal that the policy names (as principal, or in a condition on `aws:PrincipalArn`), with and without
//!   such an IAM policy. At most 16: [`Rule::PrincipalNotProbed`] names the rest.
//!
//! # With what
//! No attestation; an enclave that the policy does not list; one that shares all but PCR0 and PCR1, or PCR0 and PCR2, with a
//! listed one; a NitroTPM instance; the first listed image (all of them, at most 8 a statement, for the enclaves' own roles). The
//! rest of a request (encryption context, network, tags …) is chosen in the caller's favour: what keeps clear of the
//! statements that deny the action, and what meets the conditions of each that allows it, at most 24 scenarios. So
//! work is bounded by the size of the document, which is at most 32 KiB.
//!
//! Where such a choice was needed, the finding says so: "(with aws:principaltag/team=red)".
//!
//! What is tried is a choice, so a policy without findings is not proven safe; what a finding says somebody can do is
//! what the evaluation says.
//!
//! # Example
//! ```
//! use pcrseal_policy::document::PolicyDocument;
//! use pcrseal_policy::lint::{Options, Rule, lint};
//! use pcrseal_policy::names::AccountId;
//!
//! let default = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*",
//!     "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}}"#;
//! let report = lint(&PolicyDocument::parse(default)?, &Options::new(AccountId::new("111122223333")?));
//! assert_eq!(report.findings()[0].rule, Rule::ReleaseWithoutAttestation);
//! println!("{report}");
//! # Ok::<(), pcrseal_core::error::Error>(())
//! ```

mod administration;
mod attestation;
mod fix;
mod grammar;
mod images;
mod keys;
mod lockout;
mod options;
mod probe;
mod quorum;
mod release;
mod report;
mod rules;
mod scenario;
mod subject;

pub use fix::Fix;
pub use options::{KeySpec, Options, Origin, Profile};
pub use quorum::{Cluster, QuorumReport, lint_clusters, lint_quorum};
pub use report::{Finding, Place, Report};
pub use rules::{Rule, Severity};

use crate::document::{MAX_KEY_POLICY_LEN, PolicyDocument};

use self::probe::Probes;
use self::subject::Subject;

/// Checks one key policy.
pub fn lint(document: &PolicyDocument, options: &Options) -> Report {
    let subject = Subject::new(document, options);
    let mut findings = Vec::new();
    grammar::check(&subject, &mut findings);
    attestation::check(&subject, &mut findings);
    administration::check_key(options, &mut findings);
    // Beyond it the document is none that KMS has.
    if document.to_json().to_compact().len() <= MAX_KEY_POLICY_LEN {
        let probes = Probes::new(&subject);
        release::check(&probes, &mut findings);
        images::check(&probes, &mut findings);
        administration::check(&probes, &mut findings);
        lockout::check(&probes, &mut findings);
    }
    Report::new(document.clone(), options.clone(), findings)
}
