//! What `hardened` promises, judged by the evaluator: who gets in, who does not, and which statement says so.

use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::{Pcr, PcrSet};
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::{Effect, Matching, PolicyDocument, Principals, Statement};
use pcrseal_policy::evaluate::{
    Attestation, ContextValue, Decision, Evaluation, Grant, Policies, Request, evaluate,
};
use pcrseal_policy::names::PrincipalArn;
use pcrseal_policy::render::{BreakGlass, Hardened, Release, Template};

use crate::common::{
    ADMINISTRATOR, ENCLAVE, account, arn, cluster, hardened, hardened_for, image, index, pcr,
};

/// At work: sessions of the roles.
const ENCLAVE_SESSION: &str =
    "arn:aws:sts::111122223333:assumed-role/ChamberEnclaveRole-prod-us-east-1-mainnet/i-1234567890abcdef0";
const ADMINISTRATOR_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ChamberKmsKeyAdmin/alice";
const OTHER_CLUSTER: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-eu-west-1-mainnet";
const SOMEBODY: &str = "arn:aws:iam::111122223333:role/data-processing";
const ROOT: &str = "arn:aws:iam::111122223333:root";

/// Everybody of the account who is not the enclave.
const OTHERS: [&str; 4] = [ADMINISTRATOR_SESSION, OTHER_CLUSTER, SOMEBODY, ROOT];

/// One policy and one request, changed piece by piece.
#[derive(Clone)]
struct Case {
    policy: PolicyDocument,
    caller: PrincipalArn,
    attestation: Option<Attestation>,
    context: Vec<(String, String)>,
    /// IAM gives the caller this.
    iam: Option<&'static str>,
    grants: Vec<Grant>,
}

/// Image `a` in the enclave's role, with the context of generation 3: what gets in.
fn case(policy: &Hardened) -> Case {
    Case {
        policy: policy.render().unwrap().document,
        caller: arn(ENCLAVE_SESSION),
        attestation: Some(enclave('a')),
        context: context("prod-us-east-1-mainnet", "3", "1", "attested"),
        iam: None,
        grants: Vec::new(),
    }
}

fn enclave(digit: char) -> Attestation {
    Attestation::Enclave(PcrSet::from_iter([(index(0), pcr(digit)), (index(1), pcr('1'))]))
}

fn context(cluster: &str, generation: &str, version: &str, wrapping: &str) -> Vec<(String, String)> {
    let pairs = [
        ("pcrseal:cluster", cluster),
        ("pcrseal:generation", generation),
        ("pcrseal:seal-id", "000102030405060708090a0b0c0d0e0f"),
        ("pcrseal:share", "2/5"),
        ("pcrseal:v", version),
        ("pcrseal:wrapping", wrapping),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

impl Case {
    fn of(mut self, caller: &str) -> Self {
        self.caller = arn(caller);
        self
    }

    fn attested_by(mut self, attestation: impl Into<Option<Attestation>>) -> Self {
        self.attestation = attestation.into();
        self
    }

    fn with_context(mut self, context: Vec<(String, String)>) -> Self {
        self.context = context;
        self
    }

    fn with_iam(mut self, action: &'static str) -> Self {
        self.iam = Some(action);
        self
    }

    fn granted(mut self, action: Action) -> Self {
        self.grants =
            vec![Grant { grantee: self.caller.clone(), operations: vec![action], constraint: None }];
        self
    }

    /// Somebody puts an Allow of everything to everybody beside the statements.
    fn with_a_later_allow(mut self) -> Self {
        let mut allow = Statement::new("Later", Effect::Allow);
        allow.principals = Some(Matching::Is(Principals::Everyone));
        allow.actions = Some(Matching::Is("kms:*".into()));
        allow.resources = Some(Matching::Is("*".into()));
        self.policy.statements.push(allow);
        self
    }

    fn without(mut self, sid: &str) -> Self {
        self.policy.statements.retain(|statement| statement.sid.as_deref() != Some(sid));
        self
    }

    fn request(&self, action: Action) -> Request {
        let mut request = Request::new(self.caller.clone(), action, None);
        if let Some(attestation) = &self.attestation {
            request = request.attestation(attestation);
        }
        request.encryption_context(self.context.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }

    fn judge(&self, request: &Request) -> Evaluation {
        let identity: Vec<PolicyDocument> = self.iam.map(allowing).into_iter().collect();
        let policies = Policies {
            key_account: &account(),
            key_policy: &self.policy,
            identity: &identity,
            grants: &self.grants,
        };
        evaluate(&policies, request)
    }

    fn ask(&self, action: Action) -> Decision {
        self.judge(&self.request(action)).decision
    }

    /// The Sids that decided.
    fn by(&self, action: Action) -> (Decision, Vec<String>) {
        let evaluation = self.judge(&self.request(action));
        let sids = evaluation.statements.into_iter().filter_map(|statement| statement.sid);
        (evaluation.decision, sids.collect())
    }

    /// The actions that the request gets through, of all that KMS has on keys.
    fn allowed(&self) -> Vec<Action> {
        let on_key = Action::ALL.iter().copied().filter(|action| action.is_on_key());
        on_key.filter(|&action| self.ask(action) == Decision::Allow).collect()
    }
}

/// An IAM policy that allows this on everything.
fn allowing(action: &'static str) -> PolicyDocument {
    let mut allow = Statement::new("Iam", Effect::Allow);
    allow.actions = Some(Matching::Is(action.into()));
    allow.resources = Some(Matching::Is("*".into()));
    PolicyDocument::new(vec![allow])
}

fn rollover() -> Hardened {
    hardened().previous(image('b')).unwrap().generations([3, 4]).unwrap()
}

fn by(decision: Decision, sid: &str) -> (Decision, Vec<String>) {
    (decision, vec![sid.to_owned()])
}

#[test]
fn the_enclave_may_decrypt_seal_and_look_and_nothing_else() {
    use Action::{Decrypt, DescribeKey, DisableKey, Encrypt, GenerateDataKey};
    let policy = rollover();
    assert_eq!(case(&policy).allowed(), [Decrypt, DescribeKey, GenerateDataKey]);
    // IAM gives it no more.
    assert_eq!(case(&policy).with_iam("kms:*").allowed(), [Decrypt, DescribeKey, GenerateDataKey]);
    assert_eq!(case(&policy.clone().outside_seal_window()).allowed(), [Decrypt, DescribeKey]);
    let disabling = policy.clone().allow_enclave_to_disable().unwrap();
    assert_eq!(case(&disabling).allowed(), [Decrypt, DescribeKey, DisableKey, GenerateDataKey]);
    let encrypt = policy.wrapping(Wrapping::Encrypt);
    let wrapped = |policy: Hardened| {
        case(&policy).with_context(context("prod-us-east-1-mainnet", "4", "1", "encrypt")).allowed()
    };
    assert_eq!(wrapped(encrypt.clone()), [Decrypt, DescribeKey, Encrypt]);
    assert_eq!(wrapped(encrypt.outside_seal_window()), [Decrypt, DescribeKey]);
}

#[test]
fn both_releases_decrypt_and_the_current_alone_seals() {
    let case = case(&rollover());
    assert_eq!(case.by(Action::Decrypt), by(Decision::Allow, "AllowEnclaveDecrypt"));
    assert_eq!(case.by(Action::GenerateDataKey), by(Decision::Allow, "AllowEnclaveGenerateDataKey"));
    let previous = case.attested_by(enclave('b'));
    assert_eq!(previous.by(Action::Decrypt), by(Decision::Allow, "AllowPreviousEnclaveDecrypt"));
    assert_eq!(previous.ask(Action::GenerateDataKey), Decision::ImplicitDeny);
    // After the rollover.
    let current = hardened().generations([3]).unwrap();
    let after = self::case(&current).attested_by(enclave('b'));
    assert_eq!(after.by(Action::Decrypt), by(Decision::ExplicitDeny, "DenyOtherImageSha384"));
}

#[test]
fn upper_case_digits_are_the_same_image() {
    let case = case(&rollover());
    let upper = ContextValue::One(pcr('a').to_string().to_uppercase());
    let request = case.request(Action::Decrypt).context("kms:RecipientAttestation:ImageSha384", upper);
    assert_eq!(case.judge(&request).decision, Decision::Allow);
}

#[test]
fn another_image_or_none_is_denied_whatever_else_allows_it() {
    let debug = Attestation::Enclave(PcrSet::from_iter([(index(0), Pcr::ZERO)]));
    let tpm = Attestation::NitroTpm(PcrSet::from_iter([(index(0), pcr('a'))]));
    for attestation in [None, Some(enclave('c')), Some(debug), Some(tpm)] {
        let case = case(&rollover()).attested_by(attestation);
        for action in [Action::Decrypt, Action::DeriveSharedSecret] {
            let denied = by(Decision::ExplicitDeny, "DenyOtherImageSha384");
            assert_eq!(case.by(action), denied);
            assert_eq!(case.clone().with_iam("kms:*").by(action), denied);
            assert_eq!(case.clone().granted(action).by(action), denied);
            assert_eq!(case.clone().with_a_later_allow().by(action), denied);
        }
        for action in [Action::GenerateDataKey, Action::GenerateDataKeyPair] {
            assert_eq!(case.clone().with_a_later_allow().ask(action), Decision::ExplicitDeny, "{action}");
        }
    }
}

#[test]
fn what_no_seal_needs_is_denied_to_everybody() {
    let attested = [
        Action::Encrypt,
        Action::GenerateDataKeyPair,
        Action::GenerateDataKeyPairWithoutPlaintext,
        Action::GenerateDataKeyWithoutPlaintext,
        Action::ReEncryptFrom,
        Action::ReEncryptTo,
    ];
    let denied = by(Decision::ExplicitDeny, "DenyOtherDataOps");
    for caller in OTHERS.into_iter().chain([ENCLAVE_SESSION]) {
        let case = case(&rollover()).of(caller).with_iam("kms:*").with_a_later_allow();
        for action in attested {
            assert_eq!(case.by(action), denied, "{caller}: {action}");
            assert_eq!(case.clone().granted(action).by(action), denied, "{caller}: {action}");
        }
        for action in [Action::CreateGrant, Action::ReplicateKey] {
            assert_eq!(case.by(action), by(Decision::ExplicitDeny, "DenyGrantsAndReplicas"), "{caller}");
        }
    }
}

#[test]
fn under_encrypt_wrapping_encrypt_is_bound_and_data_keys_are_denied() {
    let ours = || context("prod-us-east-1-mainnet", "3", "1", "encrypt");
    let case = case(&rollover().wrapping(Wrapping::Encrypt)).with_context(ours());
    let unattested = case.clone().attested_by(None);
    assert_eq!(unattested.by(Action::Encrypt), by(Decision::Allow, "AllowEnclaveEncrypt"));
    assert_eq!(unattested.ask(Action::Decrypt), Decision::ExplicitDeny);
    let foreign = case.clone().with_context(context("prod-eu-west-1-mainnet", "3", "1", "encrypt"));
    assert_eq!(
        foreign.with_a_later_allow().by(Action::Encrypt),
        by(Decision::ExplicitDeny, "DenyOtherClusters")
    );
    let old = case.clone().with_context(context("prod-us-east-1-mainnet", "2", "1", "encrypt"));
    assert_eq!(old.by(Action::Encrypt), by(Decision::ExplicitDeny, "DenyOtherGenerations"));
    let open = case.clone().with_a_later_allow();
    for action in [
        Action::GenerateDataKey,
        Action::GenerateDataKeyPair,
        Action::GenerateDataKeyPairWithoutPlaintext,
        Action::GenerateDataKeyWithoutPlaintext,
        Action::ReEncryptFrom,
        Action::ReEncryptTo,
    ] {
        assert_eq!(open.by(action), by(Decision::ExplicitDeny, "DenyOtherDataOps"), "{action}");
    }
    for caller in OTHERS {
        assert_ne!(
            case.clone().of(caller).with_iam("kms:*").ask(Action::Encrypt),
            Decision::Allow,
            "{caller}"
        );
    }
}

#[test]
fn another_context_opens_and_makes_nothing() {
    let case = case(&rollover());
    let denies = |context: Vec<(String, String)>, decision| {
        let case = case.clone().with_context(context);
        for action in [Action::Decrypt, Action::GenerateDataKey] {
            assert_eq!(case.ask(action), decision, "{:?}", case.context);
        }
    };
    let ours = || context("prod-us-east-1-mainnet", "3", "1", "attested");
    for generation in ["2", "5", "03", "30", ""] {
        let context = context("prod-us-east-1-mainnet", generation, "1", "attested");
        denies(context, Decision::ExplicitDeny);
    }
    denies(context("prod-us-east-1-mainnet", "3", "2", "attested"), Decision::ImplicitDeny);
    denies(context("prod-us-east-1-mainnet", "3", "1", "encrypt"), Decision::ImplicitDeny);
    denies(context("prod-us-east-1-mainnet", "3", "1", "Attested"), Decision::ImplicitDeny);
    denies(context("prod-eu-west-1-mainnet", "3", "1", "attested"), Decision::ExplicitDeny);
    denies(context("PROD-us-east-1-mainnet", "3", "1", "attested"), Decision::ExplicitDeny);
    denies(Vec::new(), Decision::ExplicitDeny);
    for position in 0..ours().len() {
        let mut without = ours();
        let (key, _) = without.remove(position);
        // KMS itself refuses a share without its seal id or number: the context is not the ciphertext's.
        let expected = match key.as_str() {
            "pcrseal:cluster" | "pcrseal:generation" => Decision::ExplicitDeny,
            "pcrseal:seal-id" | "pcrseal:share" => Decision::Allow,
            _ => Decision::ImplicitDeny,
        };
        denies(without, expected);
    }
    let extended = |key: &str| ours().into_iter().chain([(key.to_owned(), "x".to_owned())]).collect();
    denies(extended("purpose"), Decision::ImplicitDeny);
    // Conditions on a context's values ignore the case of its keys; the list of keys does not.
    let renamed = ours().into_iter().map(|(key, value)| (key.to_uppercase(), value)).collect();
    denies(renamed, Decision::ImplicitDeny);
}

#[test]
fn an_older_grant_or_a_later_allow_does_not_reach_another_cluster() {
    let foreign = case(&rollover()).with_context(context("prod-eu-west-1-mainnet", "3", "1", "attested"));
    let denied = by(Decision::ExplicitDeny, "DenyOtherClusters");
    for action in [Action::Decrypt, Action::GenerateDataKey] {
        assert_eq!(foreign.clone().granted(action).by(action), denied);
        assert_eq!(foreign.clone().with_a_later_allow().by(action), denied);
    }
}

#[test]
fn an_older_grant_or_a_later_allow_does_not_reach_another_generation() {
    for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
        let seals = if wrapping == Wrapping::Attested { Action::GenerateDataKey } else { Action::Encrypt };
        let old = context("prod-us-east-1-mainnet", "2", "1", wrapping.name());
        let old = case(&rollover().wrapping(wrapping)).with_context(old);
        let denied = by(Decision::ExplicitDeny, "DenyOtherGenerations");
        for action in [Action::Decrypt, seals] {
            assert_eq!(old.clone().granted(action).by(action), denied);
            assert_eq!(old.clone().with_a_later_allow().by(action), denied);
        }
    }
}

/// A NitroTPM has no register that covers all the others.
#[test]
fn a_register_of_either_release_is_neither_release() {
    let set = |boot: char, policy: char| PcrSet::from_iter([(index(4), pcr(boot)), (index(7), pcr(policy))]);
    let release = |boot, policy| Release::nitro_tpm(&set(boot, policy)).unwrap();
    let policy =
        hardened_for(release('a', '7')).previous(release('b', '8')).unwrap().generations([3]).unwrap();
    for (boot, policies) in [('a', '7'), ('b', '8')] {
        let attested = case(&policy).attested_by(Attestation::NitroTpm(set(boot, policies)));
        assert_eq!(attested.ask(Action::Decrypt), Decision::Allow);
    }
    for (boot, policies) in [('a', '8'), ('b', '7')] {
        let mixed = case(&policy).attested_by(Attestation::NitroTpm(set(boot, policies)));
        assert_eq!(mixed.ask(Action::Decrypt), Decision::ImplicitDeny);
        assert_eq!(mixed.ask(Action::GenerateDataKey), Decision::ImplicitDeny);
    }
}

#[test]
fn nobody_else_gets_a_data_operation_even_from_an_accepted_image() {
    for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
        for break_glass in [BreakGlass::RootUser, BreakGlass::Iam] {
            let policy = rollover().wrapping(wrapping).break_glass(break_glass).allow_deletion();
            let context = context("prod-us-east-1-mainnet", "3", "1", wrapping.name());
            for caller in OTHERS {
                let case = case(&policy).of(caller).with_iam("kms:*").with_context(context.clone());
                let allowed = case.allowed();
                assert!(!allowed.iter().any(|action| action.is_cryptographic()), "{caller}: {allowed:?}");
                assert!(!allowed.contains(&Action::CreateGrant) && !allowed.contains(&Action::ReplicateKey));
            }
        }
    }
}

#[test]
fn administrators_manage_and_nothing_else() {
    let managing = [
        Action::CancelKeyDeletion,
        Action::CreateAlias,
        Action::DeleteAlias,
        Action::DescribeKey,
        Action::DisableKey,
        Action::DisableKeyRotation,
        Action::EnableKey,
        Action::EnableKeyRotation,
        Action::GetKeyPolicy,
        Action::GetKeyRotationStatus,
        Action::ListGrants,
        Action::ListKeyPolicies,
        Action::ListResourceTags,
        Action::PutKeyPolicy,
        Action::RevokeGrant,
        Action::TagResource,
        Action::UntagResource,
        Action::UpdateAlias,
        Action::UpdateKeyDescription,
    ];
    let administrator = |policy: &Hardened| case(policy).of(ADMINISTRATOR_SESSION).with_iam("kms:*");
    assert_eq!(administrator(&rollover()).allowed(), managing);
    assert_eq!(administrator(&rollover()).ask(Action::ScheduleKeyDeletion), Decision::ImplicitDeny);
    let deletion = administrator(&rollover().allow_deletion());
    assert_eq!(deletion.by(Action::ScheduleKeyDeletion), by(Decision::Allow, "AllowScheduleKeyDeletion"));
}

#[test]
fn the_root_user_restores_the_key_and_iam_does_not() {
    let restoring =
        [Action::CancelKeyDeletion, Action::DescribeKey, Action::GetKeyPolicy, Action::PutKeyPolicy];
    assert_eq!(case(&rollover()).of(ROOT).allowed(), restoring);
    let iam_administrator = case(&rollover()).of(SOMEBODY).with_iam("kms:*");
    assert_eq!(iam_administrator.allowed(), []);
    // Where that is asked for, IAM may hand on the four, and no more.
    let delegated = rollover().break_glass(BreakGlass::Iam);
    assert_eq!(case(&delegated).of(SOMEBODY).with_iam("kms:*").allowed(), restoring);
    assert_eq!(case(&delegated).of(SOMEBODY).allowed(), []);
    assert_eq!(case(&delegated).of(ROOT).allowed(), restoring);
}

#[test]
fn the_roots_of_other_accounts_have_nothing() {
    let abroad = case(&rollover()).of("arn:aws:iam::444455556666:root").with_iam("kms:*");
    assert_eq!(abroad.allowed(), []);
}

#[test]
fn every_register_is_demanded_on_its_own() {
    let release = |image: char| {
        let release = self::image(image).accept(index(1), pcr('1')).unwrap();
        let release = release.parent_instance("i-1234567890abcdef0").unwrap();
        let release = release.parent_instance("i-0598c7d356eba48d7").unwrap();
        release.accept(index(8), pcr('8')).unwrap()
    };
    let policy = hardened_for(release('a')).previous(release('b')).unwrap().generations([3]).unwrap();
    let instance = |id| Pcr::from_instance_id(id).unwrap();
    let measured = [
        (index(0), pcr('a')),
        (index(1), pcr('1')),
        (index(4), instance("i-0598c7d356eba48d7")),
        (index(8), pcr('8')),
    ];
    let attested = |values: Vec<_>| {
        let attestation = Attestation::Enclave(values.into_iter().collect());
        case(&policy).attested_by(attestation).by(Action::Decrypt)
    };
    assert_eq!(attested(measured.into()), by(Decision::Allow, "AllowEnclaveDecrypt"));
    let sids = ["DenyOtherImageSha384", "DenyOtherPCR1", "DenyOtherPCR4", "DenyOtherPCR8"];
    for (position, sid) in sids.into_iter().enumerate() {
        let mut other = measured.to_vec();
        other[position].1 = instance("i-00000000000000000");
        assert_eq!(attested(other), by(Decision::ExplicitDeny, sid));
        let mut missing = measured.to_vec();
        missing.remove(position);
        assert_eq!(attested(missing), by(Decision::ExplicitDeny, sid));
    }
}

#[test]
fn a_nitro_tpm_by_its_registers_and_no_enclave() {
    let set = |boot: char, policy: char| PcrSet::from_iter([(index(4), pcr(boot)), (index(7), pcr(policy))]);
    let release = Release::nitro_tpm(&set('a', '7')).unwrap();
    let policy = hardened_for(release).generations([3]).unwrap();
    let attested = |attestation| case(&policy).attested_by(attestation).by(Action::Decrypt);
    let allowed = attested(Attestation::NitroTpm(set('a', '7')));
    assert_eq!(allowed, by(Decision::Allow, "AllowEnclaveDecrypt"));
    let other = attested(Attestation::NitroTpm(set('a', '8')));
    assert_eq!(other, by(Decision::ExplicitDeny, "DenyOtherNitroTPMPCR7"));
    let other = attested(Attestation::NitroTpm(set('b', '7')));
    assert_eq!(other, by(Decision::ExplicitDeny, "DenyOtherNitroTPMPCR4"));
    assert_eq!(attested(Attestation::Enclave(set('a', '7'))).0, Decision::ExplicitDeny);
}

#[test]
fn a_nitro_tpm_that_was_given_no_command_line() {
    let set = |command_line| PcrSet::from_iter([(index(4), pcr('a')), (index(12), command_line)]);
    let release = Release::nitro_tpm(&set(Pcr::ZERO)).unwrap();
    let policy = hardened_for(release).generations([3]).unwrap();
    let attested = |attestation| case(&policy).attested_by(attestation).by(Action::Decrypt);
    let allowed = attested(Attestation::NitroTpm(set(Pcr::ZERO)));
    assert_eq!(allowed, by(Decision::Allow, "AllowEnclaveDecrypt"));
    let other = attested(Attestation::NitroTpm(set(pcr('b'))));
    assert_eq!(other, by(Decision::ExplicitDeny, "DenyOtherNitroTPMPCR12"));
}

#[test]
fn a_role_of_another_account_needs_its_iam_too() {
    let abroad = arn(&ENCLAVE.replace("111122223333", "444455556666"));
    let policy = Hardened::new(account(), cluster(), abroad.clone(), vec![arn(ADMINISTRATOR)], image('a'));
    let policy = policy.unwrap().generations([3]).unwrap();
    let case = case(&policy).of(&abroad.to_string());
    assert_eq!(case.ask(Action::Decrypt), Decision::ImplicitDeny);
    let both = case.clone().with_iam("kms:*");
    assert_eq!(both.allowed(), [Action::Decrypt, Action::DescribeKey, Action::GenerateDataKey]);
    assert_eq!(both.attested_by(None).ask(Action::Decrypt), Decision::ExplicitDeny);
    // Its namesake in the key's account is another role.
    assert_eq!(case.of(ENCLAVE).ask(Action::Decrypt), Decision::ImplicitDeny);
}

/// A statement without which the same requests get the same answers would be there for nothing.
#[test]
fn no_statement_is_idle() {
    for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
        let policy = rollover().allow_deletion().allow_enclave_to_disable().unwrap().wrapping(wrapping);
        let whole = case(&policy);
        let expected = answers(&whole, wrapping);
        for sid in whole.policy.statements.iter().filter_map(|statement| statement.sid.as_deref()) {
            assert_ne!(answers(&whole.clone().without(sid), wrapping), expected, "{sid}");
        }
    }
}

/// Every action on keys, attested by either release and not, with our context and foreign ones, with and without a later
/// Allow.
fn answers(case: &Case, wrapping: Wrapping) -> Vec<Vec<Action>> {
    let mut answers = Vec::new();
    for caller in [ENCLAVE_SESSION, ADMINISTRATOR_SESSION, ROOT] {
        for attestation in [None, Some(enclave('a')), Some(enclave('b'))] {
            for (cluster, generation) in [
                ("prod-us-east-1-mainnet", "3"),
                ("prod-eu-west-1-mainnet", "3"),
                ("prod-us-east-1-mainnet", "2"),
            ] {
                let case = case.clone().of(caller).attested_by(attestation.clone());
                let case = case.with_context(context(cluster, generation, "1", wrapping.name()));
                answers.push(case.allowed());
                answers.push(case.with_a_later_allow().allowed());
            }
        }
    }
    answers
}

#[test]
fn the_templates_hole_is_open_there_and_closed_here() {
    let template = Template::five_statement(account(), cluster(), image('a')).unwrap();
    let template = template.wrapping(Wrapping::Encrypt).render().unwrap().document;
    let hardened = case(&hardened().wrapping(Wrapping::Encrypt).generations([3]).unwrap());
    let hardened = hardened.with_context(context("prod-us-east-1-mainnet", "3", "1", "encrypt"));
    let five_statement = Case { policy: template, ..hardened.clone() };
    // Both let their own enclave in.
    for case in [&five_statement, &hardened] {
        assert_eq!(case.ask(Action::Decrypt), Decision::Allow);
        assert_eq!(case.clone().attested_by(None).ask(Action::Decrypt), Decision::ExplicitDeny);
    }
    // An enclave of somebody's own, in a role that IAM gives kms:Decrypt, in debug mode too.
    let debug = Attestation::Enclave(PcrSet::from_iter([(index(0), Pcr::ZERO)]));
    for attestation in [enclave('c'), debug] {
        let intruder =
            |case: &Case| case.clone().of(SOMEBODY).with_iam("kms:Decrypt").attested_by(attestation.clone());
        assert_eq!(intruder(&five_statement).ask(Action::Decrypt), Decision::Allow);
        assert_eq!(
            intruder(&hardened).by(Action::Decrypt),
            by(Decision::ExplicitDeny, "DenyOtherImageSha384")
        );
    }
}
