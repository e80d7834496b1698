//! Rules about several keys: the quorum of a cluster, and clusters beside each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pcrseal_core::names::{ClusterId, KeyArn};
use pcrseal_core::pcr::Pcr;

use super::grammar::shown;
use super::images::accepted;
use super::lint;
use super::options::Options;
use super::probe::{Kind, Probes, RELEASE, With};
use super::report::{Finding, Report, display, object, report_json, sort};
use super::rules::Rule;
use super::subject::{Subject, enclave_roles};
use crate::actions::Action;
use crate::document::{Condition, Effect, PolicyDocument};
use crate::json::Json;
use crate::names::{AccountId, PrincipalArn, excerpt};

/// The keys of one cluster.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// The cluster.
    pub id: ClusterId,
    /// How many of the keys open its blobs.
    pub threshold: u8,
    /// Each key's name and policy. Where the name is the key's ARN, the key belongs to the account in it; else to that
    /// of the options.
    pub keys: &'a [(String, PolicyDocument)],
}

/// What lint found in several policies.
#[derive(Clone, Debug)]
pub struct QuorumReport {
    keys: Vec<(String, Report)>,
    findings: Vec<Finding>,
}

/// Checks the policies of a quorum's keys, one by one and together. The options are those of every key.
pub fn lint_quorum(
    keys: &[(String, PolicyDocument)],
    threshold: u8,
    cluster: &ClusterId,
    options: &Options,
) -> QuorumReport {
    lint_clusters(&[Cluster { id: cluster.clone(), threshold, keys }], options)
}

/// Checks the keys of several clusters that run the same images: each quorum, and what clusters share.
pub fn lint_clusters(clusters: &[Cluster<'_>], options: &Options) -> QuorumReport {
    let (mut keys, mut findings) = (Vec::new(), Vec::new());
    for cluster in clusters {
        let mut views = Vec::new();
        for (name, document) in cluster.keys {
            let key = KeyArn::new(name).ok();
            let account = key.as_ref().and_then(|arn| AccountId::new(arn.account()).ok());
            let account = account.unwrap_or_else(|| options.account.clone());
            let options = Options { account, key, ..options.clone() };
            keys.push((name.clone(), lint(document, &options)));
            views.push(View::new(name, document, &options));
        }
        check_quorum(cluster, &views, &mut findings);
    }
    check_clusters(clusters, &mut findings);
    sort(&mut findings);
    QuorumReport { keys, findings }
}

impl QuorumReport {
    /// Each key's name and what was found in its policy.
    pub fn keys(&self) -> &[(String, Report)] {
        &self.keys
    }

    /// What was found in the policies together. No statement of one policy is at fault: they name none.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// `{errors, warnings, notes, findings: […], keys: [{key, errors, warnings, notes, findings: […]}]}`; see
    /// [`Finding::to_json`].
    pub fn to_json(&self) -> Json {
        let key = |(name, report): &(String, Report)| {
            let mut members = vec![("key".to_owned(), name.as_str().into())];
            members.extend(members_of(report.to_json()));
            Json::Object(members)
        };
        let mut members = members_of(report_json(&self.findings));
        members.extend(members_of(object([("keys", Json::Array(self.keys.iter().map(key).collect()))])));
        Json::Object(members)
    }
}

/// The quorum's findings, then each key's under its name.
impl fmt::Display for QuorumReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, &self.findings)?;
        for (name, report) in &self.keys {
            write!(f, "\n{name}\n\n{report}")?;
        }
        Ok(())
    }
}

fn members_of(json: Json) -> Vec<(String, Json)> {
    match json {
        Json::Object(members) => members,
        _ => Vec::new(),
    }
}

/// What counts of one key.
struct View<'a> {
    name: &'a str,
    document: &'a PolicyDocument,
    account: AccountId,
    /// Who may change the policy, or get data out but from the accepted images; by name.
    masters: BTreeSet<PrincipalArn>,
    /// Whether others get data out.
    open: bool,
    images: BTreeSet<String>,
}

impl<'a> View<'a> {
    fn new(name: &'a str, document: &'a PolicyDocument, options: &Options) -> Self {
        let subject = Subject::new(document, options);
        let probes = Probes::new(&subject);
        let released = RELEASE
            .into_iter()
            .flat_map(|action| [With::Nothing, With::Foreign].map(|with| (action, with)))
            .chain([(Action::ReEncryptFrom, With::Nothing)])
            .flat_map(|(action, with)| probes.who(action, with));
        let (named, others): (Vec<_>, Vec<_>) = released.partition(|own| own.caller.kind == Kind::Named);
        let governing = probes.who(Action::PutKeyPolicy, With::Nothing).iter();
        let governing = governing.filter(|own| own.caller.kind == Kind::Named);
        Self {
            name,
            document,
            account: options.account.clone(),
            masters: governing.chain(named).map(|own| own.caller.arn.clone()).collect(),
            open: !others.is_empty(),
            images: accepted(&probes, Action::Decrypt).iter().map(Pcr::to_string).collect(),
        }
    }
}

fn check_quorum(cluster: &Cluster<'_>, views: &[View<'_>], findings: &mut Vec<Finding>) {
    let id = &cluster.id;
    let threshold = usize::from(cluster.threshold.max(1));
    let names = |keys: &[&View<'_>]| shown(keys.iter().map(|key| key.name));
    let mut found = |rule, what: String| findings.push(Finding::new(rule, Vec::new(), what));

    let mut masters: BTreeMap<&PrincipalArn, Vec<&View<'_>>> = BTreeMap::new();
    let mut accounts: BTreeMap<&AccountId, Vec<&View<'_>>> = BTreeMap::new();
    for view in views {
        accounts.entry(&view.account).or_default().push(view);
        for arn in &view.masters {
            masters.entry(arn).or_default().push(view);
        }
    }
    for (arn, keys) in masters.iter().filter(|(_, keys)| keys.len() >= threshold) {
        let what = format!(
            "{arn} may change the policies of {} keys of cluster {id}, or decrypt with them from elsewhere than the accepted images; the threshold is {threshold}: {}.",
            keys.len(),
            names(keys)
        );
        found(Rule::QuorumAdministrator, what);
    }
    let open: Vec<_> = views.iter().filter(|view| view.open).collect();
    if open.len() >= threshold {
        let what = format!(
            "{} keys of cluster {id} release their data without attestation or to any image; the threshold is {threshold}: {}.",
            open.len(),
            names(&open)
        );
        found(Rule::QuorumOpen, what);
    }
    for (account, keys) in accounts.iter().filter(|(_, keys)| keys.len() >= threshold) {
        let what = format!(
            "Account {account} has {} keys of cluster {id}; the threshold is {threshold}: {}.",
            keys.len(),
            names(keys)
        );
        found(Rule::QuorumOneAccount, what);
    }
    let all: BTreeSet<&String> = views.iter().flat_map(|view| &view.images).collect();
    for image in all {
        let (with, without): (Vec<_>, Vec<_>) = views.iter().partition(|view| view.images.contains(image));
        if !without.is_empty() {
            let what = format!(
                "{} accept the image {image} in cluster {id}; {} do not.",
                names(&with),
                names(&without)
            );
            found(Rule::QuorumImagesDiffer, what);
        }
    }
    for view in views {
        let others = other_clusters(view.document, id);
        if !others.is_empty() {
            let what = format!(
                "{} is a key of cluster {id}, and its policy asks for {}.",
                view.name,
                shown(others.into_iter())
            );
            found(Rule::ClusterContextDiffers, what);
        }
    }
    if !follows_convention(id.as_str()) {
        found(
            Rule::ClusterIdConvention,
            format!("The cluster id is {id}; prod-us-east-1-mainnet would be one."),
        );
    }
}

/// The cluster ids beside its own that a policy lets in.
fn other_clusters<'a>(document: &'a PolicyDocument, id: &ClusterId) -> BTreeSet<&'a str> {
    let lets_in = |effect: Effect, condition: &Condition| {
        let key = condition.key.eq_ignore_ascii_case("kms:EncryptionContext:pcrseal:cluster");
        let name = condition.operator.comparison.as_str();
        key && name.starts_with("String")
            && (effect == Effect::Allow) != condition.operator.comparison.is_negated()
    };
    document
        .statements
        .iter()
        .flat_map(|statement| statement.conditions.iter().filter(move |own| lets_in(statement.effect, own)))
        .flat_map(|condition| condition.values.iter())
        .filter(|value| *value != id.as_str())
        .collect()
}

/// `ENVIRONMENT-REGION-PURPOSE`; a region is `us-east-1`, `us-gov-west-1`, …
fn follows_convention(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase());
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let is_region = |part: &[&str]| match part {
        [area, inner @ .., direction, number] => {
            area.len() == 2
                && letters(area)
                && inner.iter().all(|word| *word == "gov" || word.starts_with("iso"))
                && letters(direction)
                && digits(number)
        }
        _ => false,
    };
    let named = |parts: &[&str]| !parts.is_empty() && parts.iter().all(|part| !part.is_empty());
    (1..parts.len()).any(|start| {
        [3, 4].into_iter().any(|len| {
            let (Some(environment), Some(region), Some(purpose)) =
                (parts.get(..start), parts.get(start..start + len), parts.get(start + len..))
            else {
                return false;
            };
            named(environment) && is_region(region) && named(purpose)
        })
    })
}

fn check_clusters(clusters: &[Cluster<'_>], findings: &mut Vec<Finding>) {
    let mut found = |rule, what: String| findings.push(Finding::new(rule, Vec::new(), what));
    let roles = |cluster: &Cluster<'_>| -> BTreeSet<PrincipalArn> {
        cluster.keys.iter().flat_map(|(_, document)| enclave_roles(document)).collect()
    };
    let mut earlier: Vec<(&ClusterId, BTreeSet<PrincipalArn>)> = Vec::new();
    for cluster in clusters {
        let own = roles(cluster);
        for (id, theirs) in &earlier {
            if cluster.id == **id {
                found(Rule::ClusterIdShared, format!("Two clusters have the id {id}."));
            }
            let shared: Vec<String> = own.intersection(theirs).map(ToString::to_string).collect();
            if !shared.is_empty() {
                let roles = shown(shared.iter().map(String::as_str));
                let what = format!("Clusters {} and {id} let {} in.", cluster.id, excerpt(&roles));
                found(Rule::RoleInTwoClusters, what);
            }
        }
        earlier.push((&cluster.id, own));
    }
}
