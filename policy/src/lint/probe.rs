//! Who gets what: every question that the rules ask, put to [`evaluate`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::keys::{Register, register};
use super::scenario::Scenario;
use super::subject::{Subject, covers};
use crate::actions::Action;
use crate::document::{Effect, Matching, PolicyDocument, Statement};
use crate::evaluate::{
    Attestation, ContextValue, Decision, Evaluation, Grant, Policies, Request, Source, evaluate,
};
use crate::names::{AccountId, Identity, PrincipalArn};

/// Operations that release data in the clear, or to an enclave.
pub(super) const RELEASE: [Action; 3] =
    [Action::Decrypt, Action::GenerateDataKey, Action::GenerateDataKeyPair];

/// What else is asked about: without attestation.
const OTHERS: [Action; 11] = [
    Action::Encrypt,
    Action::ReEncryptFrom,
    Action::ReEncryptTo,
    Action::GenerateDataKeyWithoutPlaintext,
    Action::GenerateDataKeyPairWithoutPlaintext,
    Action::CreateGrant,
    Action::PutKeyPolicy,
    Action::ReplicateKey,
    Action::ScheduleKeyDeletion,
    Action::DeleteImportedKeyMaterial,
    Action::ImportKeyMaterial,
];

/// What comes with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum With {
    /// No attestation.
    Nothing,
    /// The attestation of something that the policy does not list.
    Foreign,
    /// That of an enclave which shares all but PCR0 and either PCR1 or PCR2 with a listed one.
    SameButImage,
    /// That of what the policy lists.
    Listed,
}

/// Somebody who is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) arn: PrincipalArn,
    pub(super) kind: Kind,
}

/// What a caller stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Any principal of an account that the policy does not name.
    Outsider,
    /// Any principal of this account.
    Stranger,
    /// The root user of the key's account.
    RootUser,
    /// Itself.
    Named,
}

/// That somebody may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) caller: Caller,
    /// Through an IAM policy; else by the key policy alone.
    pub(super) through_iam: bool,
    /// The statements of the key policy that allow it.
    pub(super) statements: Vec<usize>,
    /// The position of the scenario in which they do.
    pub(super) scenario: usize,
    /// What that gives the request, for people.
    given: String,
}

/// What is asked: an action, and what comes with the request.
type Question = (Action, With);

/// What a policy says about one action.
struct View {
    /// The policy with the statements that cover the action.
    document: PolicyDocument,
    /// Where they stand in the whole policy.
    positions: Vec<usize>,
    scenarios: Vec<Scenario>,
    /// Whether it asks about a NitroTPM. Otherwise one gets in where no attestation is needed, and nowhere else.
    asks_for_tpm: bool,
    /// Whether it allows something to everybody.
    open: bool,
    /// The accounts whose IAM policies it lets decide.
    delegates: Vec<AccountId>,
}

impl View {
    fn new(subject: &Subject<'_>, action: Action) -> Self {
        let covering = subject.statements().filter(|(_, own)| covers(own, action));
        let (positions, statements): (Vec<usize>, Vec<Statement>) =
            covering.map(|(position, statement)| (position, statement.clone())).unzip();
        let document =
            PolicyDocument { version: subject.document.version, ..PolicyDocument::new(statements) };
        let mut conditions = document.statements.iter().flat_map(|statement| &statement.conditions);
        let asks_for_tpm =
            conditions.any(|condition| matches!(register(&condition.key), Some(Register::NitroTpm(_))));
        let allowed = || {
            let allowing = document.statements.iter().filter(|own| own.effect == Effect::Allow);
            allowing.filter_map(|own| own.principals.as_ref())
        };
        let open = allowed().any(|own| own.is_negated() || own.listed().is_everyone());
        let delegates = allowed().flat_map(|own| own.listed().aws_values()).filter_map(account).collect();
        let scenarios = Scenario::all(&document, &subject.options.images);
        Self { document, positions, scenarios, asks_for_tpm, open, delegates }
    }

    /// Whether a caller could get in this way at all: no need to ask otherwise.
    fn concerns(&self, caller: &Caller, through_iam: bool, key_account: &AccountId) -> bool {
        let own = caller.arn.account();
        let named = caller.kind == Kind::Named;
        if through_iam {
            self.open || self.delegates.contains(own) || (named && own != key_account)
        } else {
            own == key_account && (self.open || named || caller.kind == Kind::RootUser)
        }
    }
}

/// The account that a value under `AWS` stands for.
fn account(value: &str) -> Option<AccountId> {
    AccountId::new(value).ok().or_else(|| {
        let arn = PrincipalArn::new(value).ok()?;
        (*arn.identity() == Identity::Root).then(|| arn.account().clone())
    })
}

/// The answers.
pub(super) struct Probes<'a> {
    pub(super) subject: &'a Subject<'a>,
    views: BTreeMap<Action, View>,
    answers: BTreeMap<Question, Vec<Access>>,
    /// What would have to be known, and the position of the statement that hangs on it.
    pub(super) unresolved: BTreeSet<(usize, String)>,
    /// What an IAM policy can allow at most.
    open: [PolicyDocument; 1],
}

impl<'a> Probes<'a> {
    pub(super) fn new(subject: &'a Subject<'a>) -> Self {
        let mut everything = Statement::new("Everything", Effect::Allow);
        everything.actions = Some(Matching::Is("kms:*".into()));
        everything.resources = Some(Matching::Is("*".into()));
        let mut probes = Self {
            subject,
            views: RELEASE
                .into_iter()
                .chain([Action::DeriveSharedSecret])
                .chain(OTHERS)
                .map(|action| (action, View::new(subject, action)))
                .collect(),
            answers: BTreeMap::new(),
            unresolved: BTreeSet::new(),
            open: [PolicyDocument::new(vec![everything])],
        };
        let callers = callers(subject);
        let release = RELEASE.into_iter().chain([Action::DeriveSharedSecret]);
        let questions = release.flat_map(|action| {
            [With::Nothing, With::Foreign, With::SameButImage, With::Listed].map(|with| (action, with))
        });
        for question in questions.chain(OTHERS.map(|action| (action, With::Nothing))) {
            let answer = probes.ask(question, &callers);
            probes.answers.insert(question, answer);
        }
        probes
    }

    /// Who may do this. Whoever is covered by somebody broader is there only if other statements let them in, by
    /// themselves.
    pub(super) fn who(&self, action: Action, with: With) -> &[Access] {
        self.answers.get(&(action, with)).map_or(&[], Vec::as_slice)
    }

    /// What the policies say to one request.
    pub(super) fn evaluate(
        &self,
        arn: &PrincipalArn,
        through_iam: bool,
        grants: &[Grant],
        (action, attestation): (Action, Option<&Attestation>),
        scenario: &Scenario,
    ) -> Evaluation {
        let request = Request::new(arn.clone(), action, self.subject.key.as_ref());
        // What every request to KMS has; the scenario may ask for another.
        let one = |value: &str| ContextValue::One(value.to_owned());
        let region = self.subject.key.as_ref().map_or("us-east-1", |key| key.region());
        let request =
            request.context("aws:SecureTransport", one("true")).context("aws:RequestedRegion", one(region));
        let options = self.subject.options;
        let multi_region = |known: bool| one(if known { "true" } else { "false" });
        let request = scenario.apply(request.context("kms:MultiRegion", multi_region(false)));
        // What the key is, nobody chooses.
        let request = request
            .context("kms:KeyOrigin", one(options.origin.name()))
            .context("kms:KeySpec", one(options.key_spec.name()))
            .context("kms:KeyUsage", one(options.key_spec.usage()));
        let request = match options.multi_region {
            Some(known) => request.context("kms:MultiRegion", multi_region(known)),
            None => request,
        };
        let request = match attestation {
            Some(attestation) => request.attestation(attestation),
            None => request,
        };
        let view = self.views.get(&action);
        let policies = Policies {
            key_account: &self.subject.options.account,
            key_policy: view.map_or(self.subject.document, |view| &view.document),
            identity: if through_iam { &self.open } else { &[] },
            grants,
        };
        let mut evaluation = evaluate(&policies, &request);
        let Some(view) = view else { return evaluation };
        let unresolved = evaluation.unresolved.iter_mut().map(|own| &mut own.statement);
        for place in evaluation.statements.iter_mut().chain(unresolved) {
            if place.source == Source::KeyPolicy {
                place.index = view.positions.get(place.index).copied().unwrap_or(place.index);
            }
        }
        evaluation
    }

    /// What a request for this action may look like.
    pub(super) fn scenarios(&self, action: Action) -> &[Scenario] {
        self.views.get(&action).map_or(&[], |view| &view.scenarios)
    }

    /// What is let in to release data: each attestation once; without any, none.
    pub(super) fn genuine(&self) -> Vec<Option<Attestation>> {
        let mut found = Vec::new();
        for scenario in RELEASE.iter().flat_map(|&action| self.scenarios(action)) {
            for attestation in scenario.genuine().map(Some) {
                if !found.contains(&attestation) {
                    found.push(attestation);
                }
            }
        }
        if found.is_empty() { vec![None] } else { found }
    }

    /// What the policies say to an enclave's role, which has an IAM policy only where it needs one: in another account.
    pub(super) fn evaluate_role(
        &self,
        role: &PrincipalArn,
        asked: (Action, Option<&Attestation>),
        scenario: &Scenario,
    ) -> Evaluation {
        let foreign = *role.account() != self.subject.options.account;
        self.evaluate(role, foreign, &[], asked, scenario)
    }

    fn ask(&mut self, question: Question, callers: &[Caller]) -> Vec<Access> {
        let mut found: Vec<Access> = Vec::new();
        for caller in callers {
            let broader = found.iter().find(|access| access.caller.covers(caller));
            let new = match broader {
                None => self.access(caller, false, question).or_else(|| self.access(caller, true, question)),
                Some(_) if caller.kind != Kind::Named => None,
                Some(broader) => {
                    let known = broader.statements.clone();
                    self.access(caller, false, question).filter(|own| own.statements != known)
                }
            };
            found.extend(new);
        }
        found
    }

    fn access(&mut self, caller: &Caller, through_iam: bool, question: Question) -> Option<Access> {
        let (action, _) = question;
        let view = self.views.get(&action)?;
        if !view.concerns(caller, through_iam, &self.subject.options.account) {
            return None;
        }
        let mut unresolved = Vec::new();
        let found = view.scenarios.iter().enumerate().find_map(|(position, scenario)| {
            self.attestations(scenario, question).into_iter().find_map(|attestation| {
                let asked = (action, attestation.as_ref());
                let evaluation = self.evaluate(&caller.arn, through_iam, &[], asked, scenario);
                if evaluation.decision == Decision::Undecided {
                    unresolved.extend(evaluation.unresolved);
                    return None;
                }
                let allowed = evaluation.decision == Decision::Allow;
                let statements = key_statements(&evaluation);
                allowed.then(|| Access {
                    caller: caller.clone(),
                    through_iam,
                    statements,
                    scenario: position,
                    given: scenario.given(),
                })
            })
        });
        // Where another scenario lets them in, nothing is open.
        if found.is_some() {
            return found;
        }
        let of_key = unresolved.into_iter().filter(|own| own.statement.source == Source::KeyPolicy);
        self.unresolved.extend(of_key.map(|own| (own.statement.index, own.missing.to_string())));
        found
    }
}

impl Probes<'_> {
    fn attestations(&self, scenario: &Scenario, (action, with): Question) -> Vec<Option<Attestation>> {
        let asks_for_tpm = self.views.get(&action).is_some_and(|view| view.asks_for_tpm);
        match with {
            With::Nothing => vec![None],
            With::Foreign if asks_for_tpm => vec![Some(Scenario::foreign()), Some(Scenario::foreign_tpm())],
            With::Foreign => vec![Some(Scenario::foreign())],
            With::SameButImage => scenario.same_but_image().map(Some).to_vec(),
            With::Listed => scenario.genuine().map(Some).collect(),
        }
    }
}

impl Caller {
    /// Whether whoever this stands for includes the other.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match self.kind {
            Kind::Outsider => true,
            Kind::Stranger => self.arn.account() == other.arn.account(),
            Kind::RootUser | Kind::Named => false,
        }
    }
}

/// `any role of account 111122223333 whose IAM policy allows it`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arn = &self.caller.arn;
        let what = if arn.is_role() { "role" } else { "user" };
        match self.caller.kind {
            Kind::Outsider => write!(f, "any {what} of any AWS account")?,
            Kind::Stranger => write!(f, "any {what} of account {}", arn.account())?,
            Kind::RootUser => write!(f, "the root user of account {}", arn.account())?,
            Kind::Named => write!(f, "{arn}")?,
        }
        f.write_str(if self.through_iam { " whose IAM policy allows it" } else { "" })?;
        if self.given.is_empty() { Ok(()) } else { write!(f, " (with {})", self.given) }
    }
}

/// The statements of the key policy that decided.
pub(super) fn key_statements(evaluation: &Evaluation) -> Vec<usize> {
    let own = evaluation.statements.iter().filter(|statement| statement.source == Source::KeyPolicy);
    own.map(|statement| statement.index).collect()
}

/// Everybody who is tried: the broadest first.
fn callers(subject: &Subject<'_>) -> Vec<Caller> {
    let own = &subject.options.account;
    let somebody = |account: &AccountId, what: &str, kind| {
        let arn = format!("arn:{}:iam::{account}:{what}/Somebody", &subject.partition);
        PrincipalArn::new(&arn).ok().map(|arn| Caller { arn, kind })
    };
    let outside = ["999999999999", "888888888888"].into_iter().filter_map(|text| AccountId::new(text).ok());
    let outside = outside.filter(|account| account != own && !subject.accounts.contains(account));
    let outsiders = outside.take(1).flat_map(|account| {
        ["role", "user"].map(|what| somebody(&account, what, Kind::Outsider)).into_iter().flatten()
    });
    let strangers = std::iter::once(own).chain(&subject.accounts).flat_map(|account| {
        ["role", "user"].map(|what| somebody(account, what, Kind::Stranger)).into_iter().flatten()
    });
    let root = Caller { arn: own.root(&subject.partition), kind: Kind::RootUser };
    let named = subject.named.iter().map(|arn| Caller { arn: arn.clone(), kind: Kind::Named });
    outsiders.chain(strangers).chain([root]).chain(named).collect()
}
