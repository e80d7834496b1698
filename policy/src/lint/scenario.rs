//! What a request looks like beside its caller: chosen so that the conditions of a policy are met.

use std::collections::BTreeMap;

use pcrseal_core::limits::PCR_LEN;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

use super::attestation::holds_for_missing;
use super::grammar::shown;
use super::keys::{Register, is_known, register};
use crate::document::{Comparison, Condition, Effect, Operator, PolicyDocument, SetOperator};
use crate::evaluate::{Attestation, ContextValue, Request, is_in_every_request, moment};
use crate::names::excerpt;

/// Most scenarios for one action.
const MAX_SCENARIOS: usize = 24;
/// Most images of one scenario.
const MAX_IMAGES: usize = 8;
/// What an enclave measures into registers that nobody asks about.
const PLAIN: Pcr = Pcr::new([0x11; PCR_LEN]);
/// What an enclave of somebody else measures.
const FOREIGN: Pcr = Pcr::new([0xf0; PCR_LEN]);
/// The registers that a Nitro enclave has values for (AWS Nitro Enclaves user guide, "Cryptographic attestation").
const MEASURED: [u64; 6] = [0, 1, 2, 3, 4, 8];

/// Keys that follow from the caller, whatever is asked for.
const CALLER_KEYS: [&str; 4] =
    ["aws:principalarn=", "aws:principalaccount=", "aws:principaltype=", "kms:calleraccount="];

const ENCRYPTION_CONTEXT: &str = "kms:encryptioncontext:";
const CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";

/// Condition keys that have several values.
const MULTIVALUED: [&str; 5] = [
    "kms:grantoperations",
    "kms:resourcealiases",
    "aws:tagkeys",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
];

/// One way to meet conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scenario {
    /// Encryption context, by the names as the policy writes them.
    encryption_context: BTreeMap<String, String>,
    /// Other condition keys, in lower case.
    context: BTreeMap<String, ContextValue>,
    /// PCR0 of the images that are let in.
    pub(super) images: Vec<Pcr>,
    /// The other registers of the enclave.
    registers: BTreeMap<PcrIndex, Pcr>,
    /// The registers of a NitroTPM.
    tpm: BTreeMap<PcrIndex, Pcr>,
}

impl Scenario {
    /// The scenarios of a policy: a bare request, what keeps clear of the statements that deny, and for each statement
    /// that allows what meets its conditions besides. Where they ask for no image, it is one of the expected ones.
    pub(super) fn all(document: &PolicyDocument, expected: &[Pcr]) -> Vec<Self> {
        let mut clear = Self::default();
        for statement in document.statements.iter().filter(|own| own.effect == Effect::Deny) {
            for condition in &statement.conditions {
                clear.evade(condition);
            }
        }
        // What attests is there or not by the question.
        let bare = Self {
            images: clear.images.clone(),
            registers: clear.registers.clone(),
            tpm: clear.tpm.clone(),
            ..Self::default()
        };
        let allowing = document.statements.iter().filter(|own| own.effect == Effect::Allow);
        let met = allowing.flat_map(|own| [&bare, &clear].map(|base| Self::meeting(base, &own.conditions)));
        let mut scenarios: Vec<Self> = Vec::new();
        for mut scenario in [bare.clone(), clear.clone()].into_iter().chain(met) {
            if scenario.images.is_empty() {
                scenario.images.extend(expected.iter().take(MAX_IMAGES));
            }
            if !scenarios.contains(&scenario) && scenarios.len() < MAX_SCENARIOS {
                scenarios.push(scenario);
            }
        }
        scenarios
    }

    /// This with the encryption context of another.
    pub(super) fn under(&self, other: &Self) -> Self {
        Self { encryption_context: other.encryption_context.clone(), ..self.clone() }
    }

    /// What meets these conditions, on top of a scenario.
    pub(super) fn meeting(base: &Self, conditions: &[Condition]) -> Self {
        let mut own = base.clone();
        if conditions.iter().any(
            |condition| matches!(register(&condition.key), Some(Register::Pcr(index)) if index.get() == 0),
        ) {
            own.images.clear();
        }
        for condition in conditions {
            own.meet(condition);
        }
        own
    }

    /// The request with this context.
    pub(super) fn apply(&self, request: Request) -> Request {
        let request =
            self.context.iter().fold(request, |request, (key, value)| request.context(key, value.clone()));
        request.encryption_context(&self.encryption_context)
    }

    /// What the request has beside caller and attestation, for people; empty if nothing.
    pub(super) fn given(&self) -> String {
        let pair = |key: &str, value: &str| format!("{}={}", excerpt(key), excerpt(value));
        let pairs = self.encryption_context.iter();
        let context = pairs.map(|(key, value)| pair(&format!("kms:EncryptionContext:{key}"), value));
        let others = self.context.iter().map(|(key, value)| match value {
            ContextValue::One(value) => pair(key, value),
            ContextValue::Many(values) => pair(key, &values.join(",")),
        });
        let own = |text: &String| !CALLER_KEYS.iter().any(|key| text.starts_with(key));
        let all: Vec<String> = others.filter(own).chain(context).collect();
        shown(all.iter().map(String::as_str))
    }

    /// The encryption context, for people.
    pub(super) fn encryption_context(&self) -> String {
        if self.encryption_context.is_empty() {
            return "no encryption context".into();
        }
        let pairs = self.encryption_context.iter().map(|(key, value)| format!("{key}={value}"));
        format!("the encryption context {}", pairs.collect::<Vec<_>>().join(", "))
    }

    /// The attestation of this image, with all else as it is let in.
    pub(super) fn running(&self, image: Pcr) -> Attestation {
        let mut pcrs = self.measured();
        insert(&mut pcrs, 0, image);
        Attestation::Enclave(pcrs)
    }

    /// What is let in, if the policy asks about attestation: the enclave (of the first image) and the NitroTPM.
    pub(super) fn genuine(&self) -> impl Iterator<Item = Attestation> {
        let image = self.images.first().copied();
        let asked = image.is_some() || !self.registers.is_empty();
        let enclave = asked.then(|| self.running(image.unwrap_or(PLAIN)));
        let tpm = (!self.tpm.is_empty()).then(|| {
            Attestation::NitroTpm(self.tpm.iter().fold(PcrSet::new(), |mut pcrs, (&index, &value)| {
                pcrs.insert(index, value);
                pcrs
            }))
        });
        enclave.into_iter().chain(tpm)
    }

    /// The attestation of an enclave of somebody else that shares the kernel, the role, the certificate and so on.
    /// Another application (PCR2) under the same kernel, or the same application under another kernel (PCR1).
    pub(super) fn same_but_image(&self) -> [Attestation; 2] {
        [2, 1].map(|part| {
            let mut pcrs = self.measured();
            insert(&mut pcrs, 0, FOREIGN);
            insert(&mut pcrs, part, FOREIGN);
            Attestation::Enclave(pcrs)
        })
    }

    /// The attestation of an enclave of somebody else.
    pub(super) fn foreign() -> Attestation {
        Attestation::Enclave(all(FOREIGN))
    }

    /// The attestation of an instance of somebody else.
    pub(super) fn foreign_tpm() -> Attestation {
        Attestation::NitroTpm((0..24).fold(PcrSet::new(), |mut pcrs, index| {
            insert(&mut pcrs, index, FOREIGN);
            pcrs
        }))
    }

    /// The attestation of any enclave in debug mode.
    pub(super) fn debug() -> Attestation {
        Attestation::Enclave(all(Pcr::ZERO))
    }

    fn measured(&self) -> PcrSet {
        let mut pcrs = all(PLAIN);
        for (&index, &value) in &self.registers {
            pcrs.insert(index, value);
        }
        pcrs
    }

    /// Adds what a condition of an Allow asks for.
    fn meet(&mut self, condition: &Condition) {
        match condition.operator.comparison {
            Comparison::Null => self.exist(condition, false),
            comparison if comparison.is_negated() => self.avoid(condition),
            comparison => self.set(condition, |value| witness(comparison, value)),
        }
    }

    /// Adds what makes a condition of a Deny fail.
    fn evade(&mut self, condition: &Condition) {
        match condition.operator.comparison {
            Comparison::Null => self.exist(condition, true),
            Comparison::Bool => {
                self.set(condition, |value| (!value.eq_ignore_ascii_case("true")).to_string());
            }
            comparison if comparison.is_negated() => self.set(condition, |value| witness(comparison, value)),
            // IfExists and ForAllValues hold for a missing key, and some keys are never missing: only another value
            // keeps clear of them.
            comparison
                if register(&condition.key).is_none()
                    && (holds_for_missing(condition) || is_in_every_request(&condition.key)) =>
            {
                self.set(condition, |_| unlisted(comparison).to_owned());
            }
            _ => {}
        }
    }

    /// `Null`: a key that must (not) be there.
    fn exist(&mut self, condition: &Condition, deny: bool) {
        let missing = condition.values.iter().any(|value| value.eq_ignore_ascii_case("true"));
        // Attestation is there or not by the probe, not by the scenario.
        if register(&condition.key).is_some() {
            return;
        }
        if missing == deny {
            self.set(condition, |_| "x".to_owned());
        } else {
            self.forget(&condition.key);
        }
    }

    /// A negated operator of an Allow: a value that is not listed, or none.
    fn avoid(&mut self, condition: &Condition) {
        if register(&condition.key).is_none() {
            self.forget(&condition.key);
        }
    }

    fn forget(&mut self, key: &str) {
        let key = key.to_lowercase();
        match key.strip_prefix(ENCRYPTION_CONTEXT) {
            Some(name) => self.encryption_context.retain(|own, _| own.to_lowercase() != name),
            None => drop(self.context.remove(&key)),
        }
    }

    /// Sets a key to what a value of the condition asks for.
    fn set(&mut self, condition: &Condition, ask: impl Fn(&str) -> String) {
        let mut hashes = condition.values.iter().filter_map(hash);
        match register(&condition.key) {
            Some(Register::Pcr(index)) if index.get() == 0 => {
                for image in hashes.filter(|image| *image != Pcr::ZERO) {
                    if !self.images.contains(&image) && self.images.len() < MAX_IMAGES {
                        self.images.push(image);
                    }
                }
            }
            Some(Register::Pcr(index)) => self.registers.extend(hashes.next().map(|value| (index, value))),
            Some(Register::NitroTpm(index)) => self.tpm.extend(hashes.next().map(|value| (index, value))),
            Some(Register::Unknown) => {}
            None if !is_known(&condition.key) => {}
            // They are the names of the context itself: one of the listed ones is there, where one must be.
            None if condition.key.eq_ignore_ascii_case(CONTEXT_KEYS) => {
                let Operator { set, comparison, .. } = condition.operator;
                let needed = set != Some(SetOperator::ForAllValues) || comparison.is_negated();
                let name = condition.values.iter().next().filter(|_| needed).map(ask);
                let known =
                    |name: &String| self.encryption_context.keys().any(|own| own.eq_ignore_ascii_case(name));
                if let Some(name) = name.filter(|name| !known(name)) {
                    self.encryption_context.insert(name, "x".into());
                }
            }
            None => self.set_context(&condition.key, condition.values.iter().map(ask)),
        }
    }

    fn set_context(&mut self, key: &str, mut values: impl Iterator<Item = String>) {
        let lower = key.to_lowercase();
        if lower.starts_with(ENCRYPTION_CONTEXT) {
            let name = key.get(ENCRYPTION_CONTEXT.len()..).unwrap_or_default();
            if let Some(value) = values.next() {
                self.forget(key);
                self.encryption_context.insert(name.to_owned(), value);
            }
        } else if MULTIVALUED.contains(&lower.as_str()) {
            self.context.insert(lower, ContextValue::Many(values.collect()));
        } else if let Some(value) = values.next() {
            self.context.insert(lower, ContextValue::One(value));
        }
    }
}

/// A hash, or one that matches the pattern.
fn hash(value: &str) -> Option<Pcr> {
    let rest = (2 * PCR_LEN + 1).saturating_sub(value.len());
    let whole = value.replacen('*', &"0".repeat(rest), 1).replace('?', "0");
    Pcr::from_hex(&whole).ok()
}

/// A value that satisfies the comparison; for a negated one, a value that fails it.
fn witness(comparison: Comparison, value: &str) -> String {
    use Comparison::{
        ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, DateGreaterThan, DateGreaterThanEquals, DateLessThan,
        DateLessThanEquals, IpAddress, NotIpAddress, NumericGreaterThan, NumericGreaterThanEquals,
        NumericLessThan, NumericLessThanEquals, StringLike, StringNotLike,
    };
    match comparison {
        StringLike | StringNotLike | ArnLike | ArnNotLike | ArnEquals | ArnNotEquals => {
            value.replace(['*', '?'], "x")
        }
        IpAddress | NotIpAddress => value.split('/').next().unwrap_or_default().to_owned(),
        // Close to the bound, so that a window between two of them holds what either asks for.
        NumericLessThan | NumericLessThanEquals => beside(value.parse().ok(), -1, "0"),
        NumericGreaterThan | NumericGreaterThanEquals => beside(value.parse().ok(), 1, "2147483647"),
        DateLessThan | DateLessThanEquals => beside(seconds(value), -1, "1970-01-02T00:00:00Z"),
        DateGreaterThan | DateGreaterThanEquals => beside(seconds(value), 1, "9999-12-31T00:00:00Z"),
        _ => value.to_owned(),
    }
}

/// The number beside a bound; another value where the bound is no whole number.
fn beside(bound: Option<i64>, step: i64, otherwise: &str) -> String {
    let number = bound.and_then(|bound| bound.checked_add(step)).filter(|number| *number >= 0);
    number.map_or_else(|| otherwise.to_owned(), |number| number.to_string())
}

/// Seconds since 1970, of more than four digits: four would be a year.
fn seconds(value: &str) -> Option<i64> {
    moment(value).map(|(seconds, _)| seconds).filter(|seconds| *seconds > 10_000)
}

/// A value that fails a comparison which is not negated, with nearly every value that may be listed.
fn unlisted(comparison: Comparison) -> &'static str {
    use Comparison::{
        DateGreaterThan, DateGreaterThanEquals, DateLessThan, DateLessThanEquals, IpAddress,
        NumericGreaterThan, NumericGreaterThanEquals, NumericLessThan, NumericLessThanEquals,
    };
    match comparison {
        IpAddress => "192.0.2.77",
        NumericLessThan | NumericLessThanEquals => "2147483647",
        NumericGreaterThan | NumericGreaterThanEquals => "0",
        DateLessThan | DateLessThanEquals => "9999-12-31T00:00:00Z",
        DateGreaterThan | DateGreaterThanEquals => "1970-01-02T00:00:00Z",
        _ => "unlisted",
    }
}

fn all(value: Pcr) -> PcrSet {
    MEASURED.into_iter().fold(PcrSet::new(), |mut pcrs, index| {
        insert(&mut pcrs, index, value);
        pcrs
    })
}

fn insert(pcrs: &mut PcrSet, index: u64, value: Pcr) {
    if let Ok(index) = PcrIndex::try_from(index) {
        pcrs.insert(index, value);
    }
}
