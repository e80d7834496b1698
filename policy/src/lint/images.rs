//! Rules about the images that are accepted, and about what one enclave seals and another opens.

use std::collections::{BTreeMap, BTreeSet};

use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::{Pcr, PcrIndex};

use super::grammar::shown;
use super::keys::{Register, register};
use super::probe::{Probes, key_statements};
use super::release::places;
use super::report::{Finding, Place};
use super::rules::Rule;
use super::scenario::Scenario;
use super::subject::{covers, is_on_attestation};
use crate::actions::Action;
use crate::document::{Effect, Statement};
use crate::evaluate::Decision;
use crate::names::PrincipalArn;

/// Rules about the images that the enclaves' roles are let in with.
pub(super) fn check(probes: &Probes<'_>, findings: &mut Vec<Finding>) {
    findings.extend(contexts(probes));
    let (decrypting, sealing) =
        (accepted(probes, Action::Decrypt), accepted(probes, Action::GenerateDataKey));
    let expected = &probes.subject.options.images;
    let list = |images: &[Pcr]| {
        let images: Vec<_> = images.iter().map(ToString::to_string).collect();
        shown(images.iter().map(String::as_str))
    };
    let places = |action| image_places(probes, action);
    if decrypting.len() > 1 {
        let what = format!("Enclaves of {} images decrypt: {}.", decrypting.len(), list(&decrypting));
        findings.push(Finding::new(Rule::PreviousImageAccepted, places(Action::Decrypt), what));
    }
    let tpm = several_tpm_values(probes);
    if !tpm.is_empty() {
        let what = "Instances with several values of a NitroTPM's PCR decrypt.";
        findings.push(Finding::new(Rule::PreviousImageAccepted, tpm, what));
    }
    let unexpected: Vec<_> = decrypting.iter().copied().filter(|image| !expected.contains(image)).collect();
    if !expected.is_empty() && !unexpected.is_empty() {
        let what = format!("Enclaves of {} decrypt, which are not expected.", list(&unexpected));
        findings.push(Finding::new(Rule::ImageUnexpected, places(Action::Decrypt), what));
    }
    if sealing.len() > 1 {
        let what = format!("Enclaves of {} images make data keys: {}.", sealing.len(), list(&sealing));
        findings.push(Finding::new(Rule::SealByPreviousImage, places(Action::GenerateDataKey), what));
    }
}

/// The images with which some enclave's role may do this by the key policy alone, in the order of the policy.
pub(super) fn accepted(probes: &Probes<'_>, action: Action) -> Vec<Pcr> {
    let mut images = Vec::new();
    for scenario in probes.scenarios(action) {
        for &image in &scenario.images {
            let attestation = scenario.running(image);
            let gets_in = |role: &PrincipalArn| {
                let asked = (action, Some(&attestation));
                probes.evaluate_role(role, asked, scenario).decision == Decision::Allow
            };
            if !images.contains(&image) && probes.subject.enclave_roles.iter().any(gets_in) {
                images.push(image);
            }
        }
    }
    images
}

/// The statements that list images for this.
fn image_places(probes: &Probes<'_>, action: Action) -> Vec<Place> {
    let document = probes.subject.document;
    let lists = |statement: &Statement| {
        statement.effect == Effect::Allow && is_on_attestation(statement) && covers(statement, action)
    };
    probes
        .subject
        .statements()
        .filter(|(_, statement)| lists(statement))
        .map(|(index, _)| Place::statement(document, index).within(&["Condition"]))
        .collect()
}

/// The statements that list values of a NitroTPM's PCRs for Decrypt, if together they list several of one PCR.
fn several_tpm_values(probes: &Probes<'_>) -> Vec<Place> {
    let document = probes.subject.document;
    let mut values: BTreeMap<PcrIndex, BTreeSet<String>> = BTreeMap::new();
    let mut places = Vec::new();
    let allows = |own: &Statement| own.effect == Effect::Allow && covers(own, Action::Decrypt);
    for (index, statement) in probes.subject.statements().filter(|(_, own)| allows(own)) {
        let mut listed = false;
        for condition in &statement.conditions {
            if let Some(Register::NitroTpm(pcr)) = register(&condition.key) {
                listed = true;
                let listed = condition.values.iter().map(str::to_ascii_lowercase);
                values.entry(pcr).or_default().extend(listed);
            }
        }
        if listed {
            places.push(Place::statement(document, index).within(&["Condition"]));
        }
    }
    if values.values().any(|values| values.len() > 1) { places } else { Vec::new() }
}

/// What is made under an encryption context must be decrypted under it.
fn contexts(probes: &Probes<'_>) -> Option<Finding> {
    let seal = match probes.subject.options.wrapping {
        Wrapping::Attested => Action::GenerateDataKey,
        Wrapping::Encrypt => Action::Encrypt,
    };
    let genuine = probes.genuine();
    let allows = |role: &PrincipalArn, action, scenario: &Scenario| {
        genuine.iter().find_map(|attestation| {
            let evaluation = probes.evaluate_role(role, (action, attestation.as_ref()), scenario);
            (evaluation.decision == Decision::Allow).then(|| key_statements(&evaluation))
        })
    };
    let decrypting = probes.scenarios(Action::Decrypt);
    let mut roles = probes.subject.enclave_roles.iter();
    let (role, scenario, statements) = roles.find_map(|role| {
        // One that never decrypts is locked out, which is another finding.
        decrypting.iter().find_map(|scenario| allows(role, Action::Decrypt, scenario))?;
        let opens = |scenario| {
            let mut contexts = decrypting.iter().map(|own| own.under(scenario));
            contexts.any(|own| allows(role, Action::Decrypt, &own).is_some())
        };
        let mut lost = probes.scenarios(seal).iter().filter(|scenario| !opens(scenario));
        lost.find_map(|scenario| allows(role, seal, scenario).map(|statements| (role, scenario, statements)))
    })?;
    let context = scenario.encryption_context();
    let what = format!("{role} may call {seal} with {context}, and not decrypt what comes of it.");
    Some(Finding::new(Rule::EncryptionContextDiffers, places(probes, &statements), what))
}
