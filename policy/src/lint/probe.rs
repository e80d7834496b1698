//! Who gets what: every question that the rules ask, put to [`evaluate`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::scenario::Scenario;
use super::subject::Subject;
use crate::actions::Action;
use crate::document::{Effect, Matching, PolicyDocument, Statement};
use crate::evaluate::{Attestation, Decision, Evaluation, Grant, Policies, Request, Source, evaluate};
use crate::names::{AccountId, PrincipalArn};

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
    /// That of an enclave which shares all but PCR0 and PCR2 with a listed one.
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
}

/// What is asked: an action, and what comes with the request.
type Question = (Action, With);

/// The answers.
pub(super) struct Probes<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) scenarios: Vec<Scenario>,
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
            scenarios: Scenario::all(subject.document),
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
        let request = scenario.apply(Request::new(arn.clone(), action, self.subject.key.as_ref()));
        let request = match attestation {
            Some(attestation) => request.attestation(attestation),
            None => request,
        };
        let policies = Policies {
            key_account: &self.subject.options.account,
            key_policy: self.subject.document,
            identity: if through_iam { &self.open } else { &[] },
            grants,
        };
        evaluate(&policies, &request)
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
        let (action, with) = question;
        let mut unresolved = Vec::new();
        let found = self.scenarios.iter().enumerate().find_map(|(position, scenario)| {
            attestations(scenario, with).into_iter().find_map(|attestation| {
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
                })
            })
        });
        let of_key = unresolved.into_iter().filter(|own| own.statement.source == Source::KeyPolicy);
        self.unresolved.extend(of_key.map(|own| (own.statement.index, own.missing.to_string())));
        found
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
            Kind::RootUser => return write!(f, "the root user of account {}", arn.account()),
            Kind::Named => write!(f, "{arn}")?,
        }
        f.write_str(if self.through_iam { " whose IAM policy allows it" } else { "" })
    }
}

/// The statements of the key policy that decided.
pub(super) fn key_statements(evaluation: &Evaluation) -> Vec<usize> {
    let own = evaluation.statements.iter().filter(|statement| statement.source == Source::KeyPolicy);
    own.map(|statement| statement.index).collect()
}

fn attestations(scenario: &Scenario, with: With) -> Vec<Option<Attestation>> {
    match with {
        With::Nothing => vec![None],
        With::Foreign => vec![Some(Scenario::foreign()), Some(Scenario::foreign_tpm())],
        With::SameButImage => vec![Some(scenario.same_but_image())],
        With::Listed => scenario.genuine().map(Some).collect(),
    }
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
