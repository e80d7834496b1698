//! Rules about those who should get in and do not: enclaves, and whoever must be able to change the policy.

use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::Pcr;

use super::options::Profile;
use super::probe::{Probes, With, key_statements};
use super::report::{Finding, Place};
use super::rules::{Rule, Severity};
use super::scenario::Scenario;
use super::subject::{actions, is_on_attestation};
use crate::actions::Action;
use crate::document::{Effect, Statement};
use crate::evaluate::{Attestation, Decision, Evaluation};
use crate::names::PrincipalArn;

pub(super) fn check(probes: &Probes<'_>, findings: &mut Vec<Finding>) {
    findings.extend(locked_out(probes));
    findings.extend(sealing(probes));
    findings.extend(break_glass(probes));
    findings.extend(bypassed(probes));
}

/// A role and an image that should decrypt, and are refused whatever the encryption context.
fn locked_out(probes: &Probes<'_>) -> Option<Finding> {
    let subject = probes.subject;
    let refused = subject.enclave_roles.iter().find_map(|role| {
        let expected = match subject.options.images.as_slice() {
            [] => own_images(probes, role),
            images => images.to_vec(),
        };
        if expected.is_empty() && is_let_in(probes, role) {
            let evaluation = refusal(probes, role, Action::Decrypt, |scenario| scenario.genuine().collect())?;
            return Some((role, "what the policy lists".to_owned(), evaluation));
        }
        expected.into_iter().find_map(|image| {
            let evaluation = refusal(probes, role, Action::Decrypt, |own| vec![own.running(image)])?;
            Some((role, format!("the image {image}"), evaluation))
        })
    });
    let (role, image, evaluation) = refused?;
    let what = format!("{role} with {image} is refused for kms:Decrypt: {}.", outcome(&evaluation));
    Some(Finding::new(Rule::EnclaveLockedOut, places(probes, &evaluation), what))
}

/// The statements that allow the role to decrypt, with their conditions on attestation.
fn own_statements<'a>(
    probes: &Probes<'a>,
    role: &PrincipalArn,
    wanted: Action,
) -> impl Iterator<Item = &'a Statement> {
    let subject = probes.subject;
    let own = move |statement: &Statement| {
        subject.is_for_enclave(statement)
            && names(statement, role)
            && actions(statement).any(|action| action == wanted)
    };
    subject.statements().map(|(_, statement)| statement).filter(move |statement| own(statement))
}

/// The images that statements for this role list.
fn own_images(probes: &Probes<'_>, role: &PrincipalArn) -> Vec<Pcr> {
    let mut images = Vec::new();
    for statement in own_statements(probes, role, Action::Decrypt) {
        let own = Scenario::meeting(&Scenario::default(), &statement.conditions);
        for image in own.images {
            if !images.contains(&image) {
                images.push(image);
            }
        }
    }
    images
}

/// Whether a statement lists PCRs of the role, that are none of an image.
fn is_let_in(probes: &Probes<'_>, role: &PrincipalArn) -> bool {
    own_statements(probes, role, Action::Decrypt).any(|statement| {
        Scenario::meeting(&Scenario::default(), &statement.conditions).genuine().next().is_some()
    })
}

fn names(statement: &Statement, role: &PrincipalArn) -> bool {
    let mut principals = statement.principals.iter().flat_map(|principals| principals.listed().aws_values());
    principals.any(|value| PrincipalArn::new(value).is_ok_and(|own| own == *role))
}

/// A refusal, if the role is refused in every scenario: by a Deny rather than for want of an Allow.
fn refusal(
    probes: &Probes<'_>,
    role: &PrincipalArn,
    action: Action,
    attestations: impl Fn(&Scenario) -> Vec<Attestation>,
) -> Option<Evaluation> {
    let mut found: Option<Evaluation> = None;
    for scenario in &probes.scenarios {
        for attestation in attestations(scenario) {
            for through_iam in [false, true] {
                let asked = (action, Some(&attestation));
                let evaluation = probes.evaluate(role, through_iam, &[], asked, scenario);
                if matches!(evaluation.decision, Decision::Allow | Decision::Undecided) {
                    return None;
                }
                if found.as_ref().is_none_or(|known| known.decision == Decision::ImplicitDeny) {
                    found = Some(evaluation);
                }
            }
        }
    }
    found
}

/// Whether some enclave can seal.
fn sealing(probes: &Probes<'_>) -> Option<Finding> {
    let subject = probes.subject;
    let (rule, action) = match subject.options.wrapping {
        Wrapping::Attested => (Rule::GenerateDataKeyMissing, Action::GenerateDataKey),
        Wrapping::Encrypt => (Rule::EncryptDenied, Action::Encrypt),
    };
    let mut found: Option<(&PrincipalArn, Evaluation)> = None;
    for role in &subject.enclave_roles {
        for scenario in &probes.scenarios {
            for attestation in scenario.genuine() {
                let evaluation = probes.evaluate_role(role, (action, Some(&attestation)), scenario);
                if matches!(evaluation.decision, Decision::Allow | Decision::Undecided) {
                    return None;
                }
                if found.as_ref().is_none_or(|(_, known)| known.decision == Decision::ImplicitDeny) {
                    found = Some((role, evaluation));
                }
            }
        }
    }
    let (role, evaluation) = found?;
    let decided = key_statements(&evaluation);
    // What is allowed and denied is a mistake; what is not allowed is a closed seal window.
    let meant = own_statements(probes, role, action).next().is_some();
    let by_attestation = decided.iter().filter_map(|&index| subject.document.statements.get(index));
    let mistake = meant || by_attestation.into_iter().any(is_on_attestation);
    let severity = if mistake { rule.severity() } else { Severity::Note };
    let what = format!("{role} is refused for {action}: {}.", outcome(&evaluation));
    Some(Finding::new(rule, places(probes, &evaluation), what).severity(severity))
}

fn break_glass(probes: &Probes<'_>) -> Option<Finding> {
    let own = &probes.subject.options.account;
    let root = own.root(&probes.subject.partition);
    let gets_in = probes.scenarios.iter().any(|scenario| {
        let asked = (Action::PutKeyPolicy, None);
        probes.evaluate(&root, false, &[], asked, scenario).decision == Decision::Allow
    });
    let others = probes.who(Action::PutKeyPolicy, With::Nothing);
    let strict = probes.subject.options.profile == Profile::Strict;
    let (severity, outcome) = match (gets_in, others) {
        (true, _) => return None,
        (false, []) => (Severity::Error, "nobody may, and PutKeyPolicy refuses such a policy".to_owned()),
        (false, others) => {
            let names: Vec<_> = others.iter().map(ToString::to_string).collect();
            let severity = if strict { Severity::Note } else { Severity::Error };
            (severity, format!("when {} is gone, nobody may", names.join(", ")))
        }
    };
    let what = format!("The root user of account {own} may not call kms:PutKeyPolicy: {outcome}.");
    Some(Finding::new(Rule::NoBreakGlass, Vec::new(), what).severity(severity))
}

fn bypassed(probes: &Probes<'_>) -> Option<Finding> {
    let subject = probes.subject;
    let asks_for = |(_, statement): &(usize, &Statement)| {
        let bypass = |key: &str| key.eq_ignore_ascii_case("kms:BypassPolicyLockoutSafetyCheck");
        let set = |value: &str| value.eq_ignore_ascii_case("true");
        statement.effect == Effect::Allow
            && statement.conditions.iter().any(|own| bypass(&own.key) && own.values.iter().any(set))
    };
    let asking: Vec<_> = subject.statements().filter(asks_for).collect();
    let (places, what) = match asking.as_slice() {
        [] if subject.options.bypass_policy_lockout_safety_check => (
            Vec::new(),
            "The policy is put with BypassPolicyLockoutSafetyCheck: AWS does not check that its maker can change it again.",
        ),
        [] => return None,
        _ => {
            let places = asking
                .iter()
                .map(|(index, _)| Place::statement(subject.document, *index).within(&["Condition"]));
            (
                places.collect(),
                "The statement allows what bypasses the check: a policy that nobody can change again.",
            )
        }
    };
    Some(Finding::new(Rule::LockoutCheckBypassed, places, what))
}

/// Why, in words.
fn outcome(evaluation: &Evaluation) -> &'static str {
    match evaluation.decision {
        Decision::ExplicitDeny => "a statement denies it",
        _ => "no statement allows it",
    }
}

fn places(probes: &Probes<'_>, evaluation: &Evaluation) -> Vec<Place> {
    let document = probes.subject.document;
    key_statements(evaluation).into_iter().map(|index| Place::statement(document, index)).collect()
}
