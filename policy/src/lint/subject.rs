//! What a policy names: principals, accounts, the enclaves' roles, its key.

use pcrseal_core::names::KeyArn;

use super::keys::register;
use super::options::Options;
use crate::actions::Action;
use crate::document::{Effect, Matching, PolicyDocument, Principals, Statement};
use crate::evaluate::is_action;
use crate::names::{AccountId, Identity, PrincipalArn};

/// Most principals that are tried one by one.
const MAX_PRINCIPALS: usize = 16;
/// Most other accounts whose principals are tried.
const MAX_ACCOUNTS: usize = 4;

/// A policy with what it names.
pub(super) struct Subject<'a> {
    pub(super) document: &'a PolicyDocument,
    pub(super) options: &'a Options,
    /// The key that requests are for: that of the options, one that the policy allows something with, or some key.
    pub(super) key: Option<KeyArn>,
    /// Where principals live: `aws`, …
    pub(super) partition: String,
    /// Roles, sessions and users, in the order of the policy.
    pub(super) named: Vec<PrincipalArn>,
    /// How many more there are, of them and of accounts.
    pub(super) left_out: usize,
    /// Accounts beside the key's.
    pub(super) accounts: Vec<AccountId>,
    /// Whom the policy lets in with attestation, or who should be.
    pub(super) enclave_roles: Vec<PrincipalArn>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(document: &'a PolicyDocument, options: &'a Options) -> Self {
        let mut principals: Vec<PrincipalArn> = Vec::new();
        let mut accounts: Vec<AccountId> = Vec::new();
        let mut add = |text: &str| {
            let account = AccountId::new(text).map(|account| account.root("aws"));
            let Some(arn) = account.ok().or_else(|| matching(text, &options.account)) else { return };
            let foreign = *arn.account() != options.account;
            if foreign && !accounts.contains(arn.account()) {
                accounts.push(arn.account().clone());
            }
            if *arn.identity() != Identity::Root && !principals.contains(&arn) {
                principals.push(arn);
            }
        };
        for statement in &document.statements {
            named_by(statement).for_each(&mut add);
        }
        for role in &options.enclave_roles {
            add(&role.to_string());
        }
        let beyond = |len: usize, most| len.saturating_sub(most);
        let left_out = beyond(principals.len(), MAX_PRINCIPALS) + beyond(accounts.len(), MAX_ACCOUNTS);
        accounts.truncate(MAX_ACCOUNTS);
        principals.truncate(MAX_PRINCIPALS);
        let enclave_roles = if options.enclave_roles.is_empty() {
            enclave_roles(document)
        } else {
            options.enclave_roles.clone()
        };
        let partition = partition(document).unwrap_or_else(|| "aws".into());
        let key = options.key.clone().or_else(|| key(document, &options.account, &partition));
        Self { document, options, key, partition, named: principals, left_out, accounts, enclave_roles }
    }

    /// The statements, with their positions.
    pub(super) fn statements(&self) -> impl Iterator<Item = (usize, &'a Statement)> + use<'a> {
        self.document.statements.iter().enumerate()
    }

    /// Whether the statement lets one of the enclaves' roles in by name.
    pub(super) fn is_for_enclave(&self, statement: &Statement) -> bool {
        let Some(Matching::Is(principals)) = &statement.principals else { return false };
        let mut roles = principals.aws_values().filter_map(|value| PrincipalArn::new(value).ok());
        statement.effect == Effect::Allow && roles.any(|role| self.enclave_roles.contains(&role))
    }
}

/// Whether a statement's `Action` or `NotAction` covers a permission.
pub(super) fn covers(statement: &Statement, action: Action) -> bool {
    statement
        .actions
        .as_ref()
        .is_some_and(|list| list.listed().iter().any(|entry| is_action(entry, action)) != list.is_negated())
}

/// The permissions for a key that it covers.
pub(super) fn actions(statement: &Statement) -> impl Iterator<Item = Action> + '_ {
    let on_key = Action::ALL.iter().copied().filter(|action| action.is_on_key());
    on_key.filter(|action| covers(statement, *action))
}

/// Whether a statement asks about attestation.
pub(super) fn is_on_attestation(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| register(&condition.key).is_some())
}

/// A principal that a pattern of ARNs matches: of the key's account where the pattern leaves the account open.
fn matching(pattern: &str, account: &AccountId) -> Option<PrincipalArn> {
    let plain = pattern.replace(['*', '?'], "x");
    let whole = PrincipalArn::new(&plain).ok().filter(|arn| arn.partition().starts_with("aws"));
    whole.or_else(|| {
        let name = |kind: &str| plain.split_once(kind).map(|(_, name)| name);
        let (kind, name) = match (name(":user/"), name(":role/")) {
            (Some(name), _) => ("user", name),
            (_, role) => ("role", role.or_else(|| plain.rsplit(':').next())?),
        };
        let open = plain != pattern;
        open.then(|| PrincipalArn::new(&format!("arn:aws:iam::{account}:{kind}/{name}")).ok()).flatten()
    })
}

/// Whom a statement lets in, exempts, or asks about in a condition: ARNs and account ids.
fn named_by(statement: &Statement) -> impl Iterator<Item = &str> {
    let principals = match (&statement.principals, statement.effect) {
        (Some(Matching::Is(principals)), Effect::Allow) | (Some(Matching::IsNot(principals)), _) => {
            Some(principals)
        }
        _ => None,
    };
    let tests = ["aws:principalarn", "aws:principalaccount", "kms:calleraccount"];
    let asked = statement
        .conditions
        .iter()
        .filter(move |condition| tests.contains(&condition.key.to_lowercase().as_str()))
        .flat_map(|condition| condition.values.iter());
    principals.into_iter().flat_map(Principals::aws_values).chain(asked)
}

/// The roles that statements about attestation let in.
pub(super) fn enclave_roles(document: &PolicyDocument) -> Vec<PrincipalArn> {
    let mut roles = Vec::new();
    for statement in document.statements.iter().filter(|own| own.effect == Effect::Allow) {
        let Some(Matching::Is(principals)) = &statement.principals else { continue };
        for role in principals.aws_values().filter_map(|value| PrincipalArn::new(value).ok()) {
            let new = *role.identity() != Identity::Root && !roles.contains(&role);
            if new && is_on_attestation(statement) && roles.len() < MAX_PRINCIPALS {
                roles.push(role);
            }
        }
    }
    roles
}

/// The key that the policy names as its resource, or some key of the account.
/// That of the first principal with an ARN, be it an account's.
fn partition(document: &PolicyDocument) -> Option<String> {
    let elements = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
    let mut values = elements.flat_map(|element| element.listed().aws_values());
    values.find_map(|value| PrincipalArn::new(value).ok()).map(|arn| arn.partition().to_owned())
}

fn key(document: &PolicyDocument, account: &AccountId, partition: &str) -> Option<KeyArn> {
    let allowing = document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let mut named = allowing.filter_map(|statement| match &statement.resources {
        Some(Matching::Is(values)) => values.iter().find_map(|value| KeyArn::new(value).ok()),
        _ => None,
    });
    let own = |key: &KeyArn| key.account() == account.as_str();
    let some = || {
        let id = "00000000-0000-0000-0000-000000000000";
        KeyArn::new(&format!("arn:{partition}:kms:us-east-1:{account}:key/{id}")).ok()
    };
    named.find(own).or_else(some)
}
