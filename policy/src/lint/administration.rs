//! Rules about the key itself, and about who governs it.

use super::fix::{Edit, Fix};
use super::options::{KeySpec, Options, Origin, Profile};
use super::probe::{Access, Kind, Probes, RELEASE, With};
use super::release::{Allowed, deny_statement};
use super::report::Finding;
use super::rules::{Rule, Severity};
use super::scenario::Scenario;
use crate::actions::Action;
use crate::evaluate::{Decision, Grant};
use crate::names::PrincipalArn;

/// What gives somebody power over a key.
const GOVERNMENT: [Action; 4] =
    [Action::PutKeyPolicy, Action::CreateGrant, Action::ReplicateKey, Action::ScheduleKeyDeletion];

/// Rules about what the key is.
pub(super) fn check_key(options: &Options, findings: &mut Vec<Finding>) {
    if options.key_spec != KeySpec::SymmetricDefault {
        let what =
            "On a key agreement key, neither kms:GenerateDataKey nor kms:Encrypt nor kms:Decrypt works.";
        findings.push(Finding::new(Rule::KeySpecUnfit, Vec::new(), what));
    }
    let held = match options.origin {
        Origin::AwsKms => None,
        Origin::External => Some("whoever imported the key material may still have it"),
        Origin::AwsCloudHsm => Some("the key material lies in a CloudHSM cluster, whose users govern it"),
        Origin::ExternalKeyStore => Some("the key material lies outside of AWS, and its keeper can decrypt"),
    };
    if let Some(held) = held {
        let what = format!("The key's Origin is {}: {held}.", options.origin.name());
        findings.push(Finding::new(Rule::KeyOrigin, Vec::new(), what));
    }
    let others: Vec<_> = options.policy_names.iter().filter(|name| *name != "default").cloned().collect();
    if !others.is_empty() {
        let what =
            format!("The key has the policy {} too: what it allows is not judged here.", others.join(", "));
        findings.push(Finding::new(Rule::SecondKeyPolicy, Vec::new(), what));
    }
    if options.multi_region == Some(true) {
        let what =
            "Replicas of the key, in other Regions, decrypt what it encrypted, under policies of their own.";
        findings.push(Finding::new(Rule::MultiRegionKey, Vec::new(), what));
    }
}

/// Rules about who governs it.
pub(super) fn check(probes: &Probes<'_>, findings: &mut Vec<Finding>) {
    findings.extend(open(probes));
    findings.extend(grants(probes));
    findings.extend(delegated(probes));
    findings.extend(administrators(probes));
    findings.extend(replicas(probes));
    findings.extend(deletion(probes));
}

fn open(probes: &Probes<'_>) -> Option<Finding> {
    let allowed = Allowed::of(probes, &GOVERNMENT, With::Nothing, &[]).only(|own| {
        let anybody = own.caller.kind == Kind::Stranger && !own.through_iam;
        anybody || own.caller.kind == Kind::Outsider
    });
    let what = format!("{allowed}.");
    allowed.finding(probes, Rule::AdministrationOpen, what)
}

fn grants(probes: &Probes<'_>) -> Option<Finding> {
    let allowed = Allowed::of(probes, &[Action::CreateGrant], With::Nothing, &[]);
    let granter = &allowed.accesses().next()?.caller.arn;
    // Whom could they grant it to? To themselves, or to somebody whom a Deny exempts.
    let gets_in = |grantee: &PrincipalArn| {
        let grant = [Grant { grantee: grantee.clone(), operations: RELEASE.to_vec(), constraint: None }];
        let attestations = [None, Some(Scenario::foreign())];
        RELEASE.into_iter().any(|action| {
            attestations.iter().any(|attestation| {
                probes.scenarios(action).iter().any(|scenario| {
                    let asked = (action, attestation.as_ref());
                    probes.evaluate(grantee, false, &grant, asked, scenario).decision == Decision::Allow
                })
            })
        })
    };
    let mut grantees = [granter].into_iter().chain(&probes.subject.named);
    let (severity, outcome) = if grantees.any(gets_in) {
        (Severity::Error, "The grantee then decrypts without attestation, or from an enclave of any image")
    } else {
        (Severity::Warning, "The policy's Deny holds grantees to the accepted images")
    };
    let what = format!("{allowed}. {outcome}.");
    let deny = deny_statement("DenyGrants", &[Action::CreateGrant], None);
    let finding = allowed.finding(probes, Rule::CreateGrantAllowed, what)?;
    Some(finding.severity(severity).fix(Fix::new([Edit::Append(deny)])))
}

fn delegated(probes: &Probes<'_>) -> Option<Finding> {
    let strict = probes.subject.options.profile == Profile::Strict;
    let actions = if strict { &GOVERNMENT[..] } else { &[Action::PutKeyPolicy] };
    let allowed = Allowed::of(probes, actions, With::Nothing, &[])
        .only(|own| own.caller.kind == Kind::Stranger && own.through_iam);
    let severity = if strict { Severity::Error } else { Severity::Note };
    let what = format!("{allowed}. With kms:PutKeyPolicy they can take every Deny out, and decrypt.");
    Some(allowed.finding(probes, Rule::PolicyChangeDelegated, what)?.severity(severity))
}

fn administrators(probes: &Probes<'_>) -> Option<Finding> {
    let by_name = |own: &Access| own.caller.kind == Kind::Named;
    let allowed = Allowed::of(probes, &[Action::PutKeyPolicy], With::Nothing, &[]).only(by_name);
    let what = format!("{allowed}, and so can let themselves decrypt.");
    allowed.finding(probes, Rule::PolicyChangeByAdministrator, what)
}

fn replicas(probes: &Probes<'_>) -> Option<Finding> {
    let severity = match probes.subject.options.multi_region {
        Some(false) => return None,
        Some(true) => Severity::Error,
        None => Severity::Warning,
    };
    let allowed = Allowed::of(probes, &[Action::ReplicateKey], With::Nothing, &[]);
    let known = if severity == Severity::Error { "" } else { ", should it be a multi-Region key" };
    let what = format!("{allowed}: they write the replica's policy themselves{known}.");
    let deny = deny_statement("DenyReplicas", &[Action::ReplicateKey], None);
    let finding = allowed.finding(probes, Rule::ReplicateKeyAllowed, what)?;
    Some(finding.severity(severity).fix(Fix::new([Edit::Append(deny)])))
}

fn deletion(probes: &Probes<'_>) -> Option<Finding> {
    let mut actions = vec![Action::ScheduleKeyDeletion];
    if probes.subject.options.origin == Origin::External {
        actions.push(Action::DeleteImportedKeyMaterial);
    }
    let allowed = Allowed::of(probes, &actions, With::Nothing, &[]);
    let what = format!("{allowed}.");
    allowed.finding(probes, Rule::DeletionByAdministrator, what)
}
