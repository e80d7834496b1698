//! Where the oracle, iam-simulate 0.1.173, is known not to follow AWS's documents: each difference with the page that
//! decides, and with another way of writing a pair, of the same meaning to AWS, that the oracle reads right.

use std::net::IpAddr;

use pcrseal_policy::document::{
    Comparison, Condition, Effect, Matching, PolicyDocument, Principals, Statement, Values, Version,
};
use pcrseal_policy::names::{Identity, PrincipalArn};

use super::pair::{KEY_ACCOUNT, Pair};

/// A known difference.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// The page of AWS that decides, and what it says.
    pub(crate) page: &'static str,
    rewrite: fn(&mut Pair),
}

/// Every known difference.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "no-resource",
        page: "AWS KMS API reference, PutKeyPolicy: without Resource a statement has no effect; the oracle takes it for every resource",
        rewrite: without_resource,
    },
    Known {
        name: "variable-in-arn",
        page: "IAM user guide, Condition operators: ARN operators take policy variables; the oracle splits them at their colons",
        rewrite: variable_in_arn,
    },
    Known {
        name: "special-variable",
        page: "IAM user guide, Policy variables: ${*}, ${?} and ${$} can be used in any string that takes variables; the oracle knows them where wildcards are",
        rewrite: special_variable,
    },
    Known {
        name: "old-version",
        page: "IAM user guide, Version: before 2012-10-17, policy variables are literal text; the oracle replaces them",
        rewrite: old_version,
    },
    Known {
        name: "plain-address",
        page: "IAM user guide, Condition operators: an address without prefix is a block of one; the oracle does not say of another family's that it is outside",
        rewrite: plain_address,
    },
    Known {
        name: "every-address",
        page: "IAM user guide, Condition operators: addresses are blocks in CIDR notation; of 0.0.0.0/0 the oracle keeps one address",
        rewrite: every_address,
    },
    Known {
        name: "epoch",
        page: "IAM user guide, Condition operators: dates are ISO 8601 (four digits are a year) or epoch time, which is in seconds; the oracle takes digits for milliseconds",
        rewrite: epoch,
    },
    Known {
        name: "case-of-role",
        page: "IAM user guide, IAM identifiers and Creating a role: names in policies are case-sensitive; the oracle ignores the case of a session's role",
        rewrite: case_of_role,
    },
    Known {
        name: "federated-name",
        page: "AWS STS API reference, GetFederationToken: the name of a federated user is free; the oracle takes it for the IAM user's",
        rewrite: federated_name,
    },
    Known {
        name: "root-user",
        page: "IAM user guide, Policy evaluation logic: requests are implicitly denied with the exception of the account root user; the oracle has no exception",
        rewrite: root_user,
    },
    Known {
        name: "across-accounts",
        page: "AWS KMS developer guide, Allowing users in other accounts to use a KMS key: other operations have no effect there; the oracle knows no such list",
        rewrite: across_accounts,
    },
];

/// The dates of the pairs that are digits alone, and the same dates written out.
pub(crate) const DATES_IN_DIGITS: &[(&str, &str)] = &[
    ("1782820800", "2026-06-30T12:00:00Z"),
    ("1767225599", "2025-12-31T23:59:59Z"),
    ("2026", "2026-01-01T00:00:00Z"),
    ("2027", "2027-01-01T00:00:00Z"),
];

/// The pair as the oracle must be told it, and the differences that this avoids.
pub(crate) fn told(pair: &Pair) -> (Pair, Vec<&'static Known>) {
    let mut told = pair.clone();
    let mut known = Vec::new();
    for difference in KNOWN {
        let before = told.clone();
        (difference.rewrite)(&mut told);
        if told != before {
            known.push(difference);
        }
    }
    (told, known)
}

fn without_resource(pair: &mut Pair) {
    pair.key_policy.statements.retain(|statement| statement.resources.is_some());
}

/// The request's values in the places of the variables. A text that is no ARN matches nothing.
fn variable_in_arn(pair: &mut Pair) {
    let request = pair.clone();
    let policies = policies(pair).filter(|policy| policy.effective_version() == Version::V2012);
    for value in policies.flat_map(conditions).filter(is_arn).flat_map(texts) {
        while let Some((before, rest)) = value.split_once("${") {
            *value = rest
                .split_once('}')
                .and_then(|(key, behind)| Some(format!("{before}{}{behind}", request.value(key)?)))
                .unwrap_or_else(|| "no ARN".to_owned());
        }
    }
}

/// The characters themselves. In these operators they have no other meaning.
fn special_variable(pair: &mut Pair) {
    let policies = policies(pair).filter(|policy| policy.effective_version() == Version::V2012);
    for value in policies.flat_map(conditions).filter(is_literal).flat_map(texts) {
        for (variable, character) in [("${*}", "*"), ("${?}", "?"), ("${$}", "$")] {
            *value = value.replace(variable, character);
        }
    }
}

/// Another text with a brace: no request has one.
fn old_version(pair: &mut Pair) {
    for policy in policies(pair).filter(|policy| policy.effective_version() == Version::V2008) {
        for value in conditions(policy).flat_map(texts) {
            *value = value.replace("${", "{");
        }
    }
}

fn plain_address(pair: &mut Pair) {
    for value in policies(pair).flat_map(conditions).filter(is_address).flat_map(texts) {
        match value.parse() {
            Ok(IpAddr::V4(_)) => value.push_str("/32"),
            Ok(IpAddr::V6(_)) => value.push_str("/128"),
            Err(_) => {}
        }
    }
}

/// Its two halves.
fn every_address(pair: &mut Pair) {
    for condition in policies(pair).flat_map(conditions).filter(is_address) {
        if condition.values.iter().any(|value| value == "0.0.0.0/0") {
            let others = condition.values.iter().filter(|value| *value != "0.0.0.0/0");
            condition.values = Values::many(others.chain(["0.0.0.0/1", "128.0.0.0/1"]));
        }
    }
}

/// Written out.
fn epoch(pair: &mut Pair) {
    for value in policies(pair).flat_map(conditions).filter(is_date).flat_map(texts) {
        if let Some((_, date)) = DATES_IN_DIGITS.iter().find(|(digits, _)| digits == value) {
            (*date).clone_into(value);
        }
    }
}

/// Nobody's name instead.
fn case_of_role(pair: &mut Pair) {
    let Identity::AssumedRole { name: own, .. } = pair.principal.identity().clone() else { return };
    rename(pair, |principal| match principal.identity() {
        Identity::Role { name, .. } => *name != own && name.eq_ignore_ascii_case(&own),
        _ => false,
    });
}

/// Nobody's name instead.
fn federated_name(pair: &mut Pair) {
    let Identity::FederatedUser { name: own } = pair.principal.identity().clone() else { return };
    rename(pair, |principal| match principal.identity() {
        Identity::User { name, .. } => *name == own,
        _ => false,
    });
}

/// Everything allowed, by a policy that a root user cannot have.
fn root_user(pair: &mut Pair) {
    if *pair.principal.identity() == Identity::Root {
        let mut everything = Statement::new("Everything", Effect::Allow);
        everything.actions = Some(Matching::Is("*".into()));
        everything.resources = Some(Matching::Is("*".into()));
        pair.identity_policies.push(PolicyDocument::new(vec![everything]));
    }
}

/// Nothing allowed by the caller's own policies.
fn across_accounts(pair: &mut Pair) {
    if pair.principal.account().as_str() != KEY_ACCOUNT && !pair.action.works_across_accounts() {
        for policy in &mut pair.identity_policies {
            policy.statements.retain(|statement| statement.effect == Effect::Deny);
        }
        pair.identity_policies.retain(|policy| !policy.statements.is_empty());
    }
}

fn rename(pair: &mut Pair, is_meant: impl Fn(&PrincipalArn) -> bool) {
    for principals in
        pair.key_policy.statements.iter_mut().filter_map(|statement| statement.principals.as_mut())
    {
        let (Matching::Is(Principals::Listed(listed)) | Matching::IsNot(Principals::Listed(listed))) =
            principals
        else {
            continue;
        };
        for value in listed.iter_mut().flat_map(|(_, values)| of(values)) {
            if PrincipalArn::new(value).is_ok_and(|principal| is_meant(&principal)) {
                "arn:aws:iam::111122223333:role/Nobody".clone_into(value);
            }
        }
    }
}

fn policies(pair: &mut Pair) -> impl Iterator<Item = &mut PolicyDocument> {
    std::iter::once(&mut pair.key_policy).chain(&mut pair.identity_policies)
}

fn conditions(policy: &mut PolicyDocument) -> impl Iterator<Item = &mut Condition> {
    policy.statements.iter_mut().flat_map(|statement| &mut statement.conditions)
}

fn texts(condition: &mut Condition) -> impl Iterator<Item = &mut String> {
    of(&mut condition.values).iter_mut()
}

fn of(values: &mut Values) -> &mut [String] {
    match values {
        Values::One(value) => std::slice::from_mut(value),
        Values::Many(values) => values,
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // for filter
fn is_arn(condition: &&mut Condition) -> bool {
    use Comparison::{ArnEquals, ArnLike, ArnNotEquals, ArnNotLike};
    matches!(condition.operator.comparison, ArnEquals | ArnLike | ArnNotEquals | ArnNotLike)
}

fn is_literal(condition: &&mut Condition) -> bool {
    use Comparison::{StringEquals, StringEqualsIgnoreCase, StringNotEquals, StringNotEqualsIgnoreCase};
    let comparison = condition.operator.comparison;
    matches!(comparison, StringEquals | StringNotEquals | StringEqualsIgnoreCase | StringNotEqualsIgnoreCase)
}

fn is_address(condition: &&mut Condition) -> bool {
    matches!(condition.operator.comparison, Comparison::IpAddress | Comparison::NotIpAddress)
}

fn is_date(condition: &&mut Condition) -> bool {
    condition.operator.comparison.as_str().starts_with("Date")
}
