//! Rules about data operations: who gets data out of the key, and who gets ciphertexts into it.

use std::collections::BTreeSet;

use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::Pcr;

use super::fix::{Edit, Fix};
use super::grammar::shown;
use super::options::KeySpec;
use super::probe::{Access, Kind, Probes, RELEASE, With};
use super::report::{Finding, Place};
use super::rules::{Rule, Severity};
use super::scenario::Scenario;
use super::subject::is_on_attestation;
use crate::actions::Action;
use crate::document::{Comparison, Condition, Effect, Matching, Principals, Statement, Values};
use crate::evaluate::Decision;
use crate::names::PrincipalArn;

/// What never carries attestation.
const UNATTESTED: [Action; 5] = [
    Action::Encrypt,
    Action::ReEncryptFrom,
    Action::ReEncryptTo,
    Action::GenerateDataKeyWithoutPlaintext,
    Action::GenerateDataKeyPairWithoutPlaintext,
];

/// What administrators do, and enclaves do not (they may disable a key that they have retired).
const ADMINISTRATION: [Action; 5] = [
    Action::PutKeyPolicy,
    Action::CreateGrant,
    Action::ReplicateKey,
    Action::ScheduleKeyDeletion,
    Action::ImportKeyMaterial,
];

pub(super) fn check(probes: &Probes<'_>, findings: &mut Vec<Finding>) {
    let attested = probes.subject.options.wrapping == Wrapping::Attested;
    findings.extend(without_attestation(probes));
    findings.extend(any_image(probes));
    findings.extend(not_pinned(probes));
    findings.extend(any_role(probes));
    findings.extend(administrators(probes));
    findings.extend(unattested(probes, Rule::ReEncryptAllowed, &[Action::ReEncryptFrom], None));
    let less = (!attested).then_some(Severity::Note);
    findings.extend(unattested(
        probes,
        Rule::EncryptUnattested,
        &[Action::Encrypt, Action::ReEncryptTo],
        less,
    ));
    let blind = [Action::GenerateDataKeyWithoutPlaintext, Action::GenerateDataKeyPairWithoutPlaintext];
    findings.extend(unattested(probes, Rule::DataKeyWithoutPlaintext, &blind, less));
    findings.extend(derive_shared_secret(probes));
    findings.extend(undecided(probes));
    let left_out = probes.subject.left_out;
    if left_out > 0 {
        let what =
            format!("The policy names {left_out} principals or accounts more than are tried one by one.");
        findings.push(Finding::new(Rule::PrincipalNotProbed, Vec::new(), what));
    }
}

fn without_attestation(probes: &Probes<'_>) -> Option<Finding> {
    let allowed = Allowed::of(probes, &RELEASE, With::Nothing, &[]);
    let what = format!("Without any attestation, {allowed}. The answer is the plaintext.");
    allowed
        .finding(probes, Rule::ReleaseWithoutAttestation, what)
        .map(|own| own.fix(deny_other_images(probes)))
}

fn any_image(probes: &Probes<'_>) -> Option<Finding> {
    let allowed = Allowed::of(probes, &RELEASE, With::Foreign, &[With::Nothing]);
    let debug = allowed.rows.iter().any(|(action, access)| {
        let Some(scenario) = probes.scenarios(*action).get(access.scenario) else { return false };
        let asked = (*action, Some(&Scenario::debug()));
        let evaluation = probes.evaluate(&access.caller.arn, access.through_iam, &[], asked, scenario);
        evaluation.decision == Decision::Allow
    });
    let mode = if debug { ", in debug mode too" } else { "" };
    let what = format!("From an enclave of any image{mode}, {allowed}. {}", listed(probes));
    let mut finding = allowed.finding(probes, Rule::AnyImageAccepted, what)?.fix(deny_other_images(probes));
    // The Deny that should have stopped them.
    finding.statements.extend(attestation_denies(probes));
    finding.statements.sort();
    finding.statements.dedup();
    Some(finding)
}

fn not_pinned(probes: &Probes<'_>) -> Option<Finding> {
    let known = [With::Nothing, With::Foreign];
    let allowed = Allowed::of(probes, &RELEASE, With::SameButImage, &known);
    let what = format!("From an enclave of another image whose other PCRs match, {allowed}.");
    allowed.finding(probes, Rule::ImageNotPinned, what)
}

/// Those who get in with a listed image, and are not meant to.
fn any_role(probes: &Probes<'_>) -> Option<Finding> {
    let meant = |access: &Access| {
        let arn = &access.caller.arn;
        let expected = &probes.subject.options.enclave_roles;
        let named = access.caller.kind == Kind::Named && !access.through_iam;
        named && (expected.is_empty() || expected.contains(arn)) || probes.subject.enclave_roles.contains(arn)
    };
    let allowed = Allowed::of(probes, &RELEASE, With::Listed, &[]).only(|access| !meant(access));
    let everybody = allowed.rows.iter().any(|(_, access)| access.caller.kind == Kind::Outsider);
    let severity = if everybody { Severity::Error } else { Severity::Warning };
    let what =
        format!("From an enclave of an accepted image, {allowed}: another cluster's enclave among them.");
    let finding = allowed.finding(probes, Rule::AnyRoleAccepted, what)?;
    Some(finding.severity(severity).fix(deny_other_principals(probes)))
}

fn administrators(probes: &Probes<'_>) -> Option<Finding> {
    let by_name = |access: &&Access| access.caller.kind == Kind::Named && !access.through_iam;
    let administers = |arn: &PrincipalArn| {
        ADMINISTRATION.iter().any(|&action| {
            probes.who(action, With::Nothing).iter().filter(by_name).any(|access| access.caller.arn == *arn)
        })
    };
    let mut allowed = Allowed::default();
    let attested = [With::Listed, With::Foreign, With::Nothing]
        .into_iter()
        .flat_map(|with| RELEASE.map(|action| (action, with)));
    for (action, with) in attested.chain(UNATTESTED.map(|action| (action, With::Nothing))) {
        for access in
            probes.who(action, with).iter().filter(by_name).filter(|own| administers(&own.caller.arn))
        {
            let known = |(own, other): &(Action, Access)| *own == action && other.caller == access.caller;
            if !allowed.rows.iter().any(known) {
                allowed.rows.push((action, access.clone()));
            }
        }
    }
    let what = format!("Though they administer the key, {allowed}.");
    allowed.finding(probes, Rule::AdministratorDataOperation, what)
}

/// A rule about actions that never carry attestation.
fn unattested(
    probes: &Probes<'_>,
    rule: Rule,
    actions: &[Action],
    severity: Option<Severity>,
) -> Option<Finding> {
    let allowed = Allowed::of(probes, actions, With::Nothing, &[]);
    let what = format!("Without any attestation, {allowed}.");
    let finding = allowed.finding(probes, rule, what)?;
    // An `encrypt` key needs Encrypt.
    let deny: Vec<_> = match probes.subject.options.wrapping {
        Wrapping::Attested => UNATTESTED.to_vec(),
        Wrapping::Encrypt => UNATTESTED.into_iter().filter(|action| *action != Action::Encrypt).collect(),
    };
    let needed = rule == Rule::EncryptUnattested && severity == Some(Severity::Note);
    let fix = (!needed).then(|| Edit::Append(deny_statement("DenyUnattestedOperations", &deny, None)));
    Some(finding.severity(severity.unwrap_or(rule.severity())).fix(Fix::new(fix)))
}

fn derive_shared_secret(probes: &Probes<'_>) -> Option<Finding> {
    let actions = [Action::DeriveSharedSecret];
    let mut allowed = Allowed::of(probes, &actions, With::Nothing, &[]);
    allowed.rows.extend(Allowed::of(probes, &actions, With::Foreign, &[With::Nothing]).rows);
    let (severity, spec) = match probes.subject.options.key_spec {
        KeySpec::SymmetricDefault => {
            (Severity::Note, "The key is of SYMMETRIC_DEFAULT, with which it does nothing.")
        }
        KeySpec::KeyAgreement => (Severity::Error, "The answer is the shared secret."),
    };
    let what = format!("Without attestation or from any image, {allowed}. {spec}");
    let finding = allowed.finding(probes, Rule::DeriveSharedSecretOpen, what)?;
    Some(finding.severity(severity).fix(deny_other_images(probes)))
}

fn undecided(probes: &Probes<'_>) -> Option<Finding> {
    let statements: BTreeSet<usize> = probes.unresolved.iter().map(|(index, _)| *index).collect();
    let missing: BTreeSet<&str> = probes.unresolved.iter().map(|(_, what)| what.as_str()).collect();
    let what = format!("Whether these statements match hangs on {}.", shown(missing.into_iter()));
    let places = places(probes, &statements.into_iter().collect::<Vec<_>>());
    (!places.is_empty()).then(|| Finding::new(Rule::Undecided, places, what))
}

/// Who may do what.
#[derive(Default)]
pub(super) struct Allowed {
    rows: Vec<(Action, Access)>,
}

impl Allowed {
    /// Who may do these; without those who may do them with something weaker already.
    pub(super) fn of(probes: &Probes<'_>, actions: &[Action], with: With, weaker: &[With]) -> Self {
        let mut own = Self::default();
        for &action in actions {
            let known = |access: &Access| {
                weaker.iter().any(|&with| {
                    let mut weak = probes.who(action, with).iter();
                    weak.any(|other| other.caller == access.caller || other.caller.covers(&access.caller))
                })
            };
            let new = probes.who(action, with).iter().filter(|access| !known(access));
            own.rows.extend(new.map(|access| (action, access.clone())));
        }
        own
    }

    /// Those of them of whom this is true.
    pub(super) fn only(mut self, holds: impl Fn(&Access) -> bool) -> Self {
        self.rows.retain(|(_, access)| holds(access));
        self
    }

    pub(super) fn accesses(&self) -> impl Iterator<Item = &Access> {
        self.rows.iter().map(|(_, access)| access)
    }

    /// A finding, if anybody may.
    pub(super) fn finding(&self, probes: &Probes<'_>, rule: Rule, what: String) -> Option<Finding> {
        let statements: BTreeSet<usize> =
            self.accesses().flat_map(|access| access.statements.iter().copied()).collect();
        let places = places(probes, &statements.into_iter().collect::<Vec<_>>());
        (!self.rows.is_empty()).then(|| Finding::new(rule, places, what))
    }
}

/// `any role of account 111122223333 whose IAM policy allows it may call kms:Decrypt; …`
impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut callers: Vec<(String, Vec<&str>)> = Vec::new();
        for (action, access) in &self.rows {
            let (who, name) = (access.to_string(), action.name());
            match callers.iter_mut().find(|(known, _)| *known == who) {
                Some((_, names)) => names.push(name),
                None => callers.push((who, vec![name])),
            }
        }
        for (position, (who, names)) in callers.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{who} may call {}", names.join(", "))?;
        }
        Ok(())
    }
}

pub(super) fn places(probes: &Probes<'_>, statements: &[usize]) -> Vec<Place> {
    statements.iter().map(|&index| Place::statement(probes.subject.document, index)).collect()
}

/// The statements that deny on attestation.
fn attestation_denies(probes: &Probes<'_>) -> impl Iterator<Item = Place> {
    let document = probes.subject.document;
    let denies = probes
        .subject
        .statements()
        .filter(|(_, statement)| statement.effect == Effect::Deny && is_on_attestation(statement));
    denies.map(|(index, _)| Place::statement(document, index))
}

fn listed(probes: &Probes<'_>) -> String {
    let images = meant_images(probes);
    let images: Vec<_> = images.iter().map(ToString::to_string).collect();
    match images.as_slice() {
        [] => "The policy lists no image.".into(),
        _ => format!("The policy lists {}, to no avail.", shown(images.iter().map(String::as_str))),
    }
}

/// The images that should get in.
fn meant_images(probes: &Probes<'_>) -> Vec<Pcr> {
    if !probes.subject.options.images.is_empty() {
        return probes.subject.options.images.clone();
    }
    let mut images = Vec::new();
    let scenarios = RELEASE.iter().flat_map(|&action| probes.scenarios(action));
    for image in scenarios.flat_map(|scenario| &scenario.images) {
        if !images.contains(image) {
            images.push(*image);
        }
    }
    images
}

/// A Deny of what releases data, for every image but those that should get in.
fn deny_other_images(probes: &Probes<'_>) -> Option<Fix> {
    let images = meant_images(probes);
    let hashes = Values::many(images.iter().map(ToString::to_string));
    let key = "kms:RecipientAttestation:ImageSha384";
    let condition = Condition::new(Comparison::StringNotEqualsIgnoreCase, key, hashes);
    let actions: Vec<_> = RELEASE.into_iter().chain([Action::DeriveSharedSecret]).collect();
    let statement = deny_statement("DenyReleaseToOtherImages", &actions, Some(condition));
    Fix::new((!images.is_empty()).then_some(Edit::Append(statement)))
}

/// A Deny of data operations for all but those that the policy gives them to by name.
fn deny_other_principals(probes: &Probes<'_>) -> Option<Fix> {
    let mut exempt = probes.subject.enclave_roles.clone();
    if probes.subject.options.enclave_roles.is_empty() {
        let named = RELEASE
            .iter()
            .chain(&UNATTESTED)
            .flat_map(|&action| [With::Nothing, With::Listed].map(|with| probes.who(action, with)))
            .flatten()
            .filter(|access| access.caller.kind == Kind::Named && !access.through_iam)
            .map(|access| &access.caller.arn);
        for arn in named {
            if !exempt.contains(arn) {
                exempt.push(arn.clone());
            }
        }
    }
    // aws:PrincipalArn of a session is its role's ARN.
    let sound = !exempt.is_empty() && exempt.iter().all(PrincipalArn::is_role);
    let arns = Values::many(exempt.iter().map(ToString::to_string));
    let condition = Condition::new(Comparison::ArnNotEquals, "aws:PrincipalArn", arns);
    let actions: Vec<_> = RELEASE.into_iter().chain([Action::DeriveSharedSecret]).chain(UNATTESTED).collect();
    let statement = deny_statement("DenyDataOperationsToOtherPrincipals", &actions, Some(condition));
    Fix::new(sound.then_some(Edit::Append(statement)))
}

/// A Deny for everyone.
pub(super) fn deny_statement(sid: &str, actions: &[Action], condition: Option<Condition>) -> Statement {
    let mut statement = Statement::new(sid, Effect::Deny);
    statement.principals = Some(Matching::Is(Principals::Everyone));
    statement.actions = Some(Matching::Is(Values::many(actions.iter().map(|action| action.name()))));
    statement.resources = Some(Matching::Is("*".into()));
    statement.conditions.extend(condition);
    statement
}
