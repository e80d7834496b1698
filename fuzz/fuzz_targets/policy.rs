//! Arbitrary policies: read, written, evaluated and linted without a panic or a hang; what is read is written the same;
//! a Deny of everything denies, and a Deny that is taken away takes nothing from anybody; a remedy brings no new finding.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use pcrseal_core::error::Error;
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_fuzz::policies::{account, grant, read, requests};
use pcrseal_policy::document::{Effect, Matching, PolicyDocument, Principals, Statement};
use pcrseal_policy::evaluate::{Decision, Grant, Policies, Request, evaluate};
use pcrseal_policy::lint::{Options, Profile, lint, lint_quorum};
use pcrseal_policy::names::AccountId;

fuzz_target!(|data: &[u8]| {
    let Some((key_policy, identity)) = read(data) else { return };
    let Some(key_policy) = parse(key_policy) else { return };
    let identity: Vec<_> = identity.and_then(parse).into_iter().collect();
    let account = account();
    let grants = [grant()];

    let mut closed = key_policy.clone();
    closed.statements.push(Statement {
        principals: Some(Matching::Is(Principals::Everyone)),
        actions: Some(Matching::Is("*".into())),
        resources: Some(Matching::Is("*".into())),
        ..Statement::new("DenyAll", Effect::Deny)
    });
    let mut open = key_policy.clone();
    open.statements.retain(|statement| statement.effect == Effect::Allow);
    for request in requests() {
        let judge = |key_policy: &PolicyDocument| decide(&account, key_policy, &identity, &grants, &request);
        let decision = judge(&key_policy);
        if request.action().is_on_key() {
            assert_eq!(judge(&closed), Decision::ExplicitDeny);
        }
        if decision == Decision::Allow {
            assert_eq!(judge(&open), Decision::Allow);
        }
    }
    check(&key_policy, &account, data.len());
});

/// Lints: many evaluations, so of wrapping, profile, remedies and quorum each input tries some, by its length.
fn check(key_policy: &PolicyDocument, account: &AccountId, choice: usize) {
    let wrapping = if choice & 1 == 0 { Wrapping::Attested } else { Wrapping::Encrypt };
    let profile = if choice & 2 == 0 { Profile::BreakGlass } else { Profile::Strict };
    let options = Options { wrapping, profile, ..Options::new(account.clone()) };
    match choice % 16 {
        12..=13 => {
            let report = lint(key_policy, &options);
            let fixed = lint(&report.fixed(), &options);
            let known: BTreeSet<_> = report.findings().iter().map(|finding| finding.rule).collect();
            assert!(fixed.findings().iter().all(|finding| known.contains(&finding.rule)), "{report}{fixed}");
        }
        14..=15 => {
            let cluster = ClusterId::new("prod-us-east-1-mainnet").expect("a cluster id");
            let keys = ["one", "two"].map(|name| (name.to_owned(), key_policy.clone()));
            let report = lint_quorum(&keys, 2, &cluster, &options);
            assert!(!report.to_string().is_empty() && !report.to_json().to_compact().is_empty());
        }
        _ => {
            let report = lint(key_policy, &options);
            assert!(!report.to_string().is_empty() && !report.to_json().to_compact().is_empty());
        }
    }
}

/// Reads a policy; every document that is read is written the same.
fn parse(text: &str) -> Option<PolicyDocument> {
    match PolicyDocument::parse(text) {
        Ok(document) => {
            let written = document.to_json();
            assert_eq!(PolicyDocument::parse(&written.to_compact()).as_ref(), Ok(&document));
            assert_eq!(PolicyDocument::parse(&written.to_pretty()).as_ref(), Ok(&document));
            Some(document)
        }
        Err(error) => {
            bounded(&error);
            None
        }
    }
}

/// An error says what it has to say whatever the length of the input.
fn bounded(error: &Error) {
    assert!((4001..=4009).contains(&error.code().number()), "{error}");
    assert!(!error.to_string().is_empty());
}

fn decide(
    key_account: &AccountId,
    key_policy: &PolicyDocument,
    identity: &[PolicyDocument],
    grants: &[Grant],
    request: &Request,
) -> Decision {
    let evaluation = evaluate(&Policies { key_account, key_policy, identity, grants }, request);
    match evaluation.decision {
        Decision::Allow => {
            assert!(evaluation.denied_by.is_none());
            assert!(!evaluation.statements.is_empty() || request.caller().to_string().ends_with(":root"));
        }
        Decision::ExplicitDeny => {
            assert!(!evaluation.statements.is_empty() && evaluation.denied_by.is_some())
        }
        Decision::ImplicitDeny => assert!(evaluation.statements.is_empty() && evaluation.denied_by.is_some()),
        Decision::Undecided => assert!(!evaluation.unresolved.is_empty()),
    }
    evaluation.decision
}
