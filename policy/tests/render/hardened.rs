//! The profile `hardened`: golden files, its parameters, every refusal.

use pcrseal_core::error::Code;
use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::PcrSet;
use pcrseal_policy::document::MAX_KEY_POLICY_LEN;
use pcrseal_policy::document::{Effect, Matching, Principals, Statement, Values};
use pcrseal_policy::render::{BreakGlass, Hardened, Release, Rendered};

use crate::common::{
    ADMINISTRATOR, ENCLAVE, account, arn, cluster, code, golden, hardened, hardened_for, image, index, pcr,
};

fn nitro_tpm(value: char) -> Release {
    Release::nitro_tpm(&PcrSet::from_iter([(index(4), pcr(value)), (index(7), pcr('7'))])).unwrap()
}

/// An image by every register that the profile knows, on one of two parent instances.
fn everything(value: char) -> Release {
    let release = image(value).accept(index(1), pcr('1')).unwrap().accept(index(2), pcr(value)).unwrap();
    let release = release.parent_role(ENCLAVE).unwrap().accept(index(8), pcr('8')).unwrap();
    let release = release.parent_instance("i-1234567890abcdef0").unwrap();
    release.parent_instance("i-0598c7d356eba48d7").unwrap()
}

fn sids(rendered: &Rendered) -> Vec<&str> {
    rendered.document.statements.iter().filter_map(|statement| statement.sid.as_deref()).collect()
}

fn find<'a>(rendered: &'a Rendered, sid: &str) -> &'a Statement {
    let found = rendered.document.statements.iter().find(|statement| statement.sid.as_deref() == Some(sid));
    found.unwrap_or_else(|| panic!("no {sid}"))
}

#[test]
fn golden_files() {
    golden("hardened-attested", &hardened().render().unwrap());
    golden("hardened-encrypt", &hardened().wrapping(Wrapping::Encrypt).render().unwrap());
    let closed = hardened().outside_seal_window();
    golden("hardened-attested-outside-seal-window", &closed.clone().render().unwrap());
    golden("hardened-encrypt-outside-seal-window", &closed.wrapping(Wrapping::Encrypt).render().unwrap());
    let rollover = hardened_for(everything('a')).previous(everything('b')).unwrap();
    golden("hardened-all-pcrs-rollover-reseal", &rollover.generations([3, 4]).unwrap().render().unwrap());
    golden("hardened-nitro-tpm-rollover", &{
        hardened_for(nitro_tpm('a')).previous(nitro_tpm('b')).unwrap().render().unwrap()
    });
    let switches = hardened().break_glass(BreakGlass::Iam).allow_deletion();
    golden("hardened-every-switch", &switches.allow_enclave_to_disable().unwrap().render().unwrap());
    golden("hardened-cross-account", &cross_account().unwrap().render().unwrap());
    let cross_account = cross_account().unwrap().wrapping(Wrapping::Encrypt);
    golden("hardened-cross-account-encrypt", &cross_account.render().unwrap());
}

/// The enclave's role of another account, two administrators.
fn cross_account() -> Result<Hardened, pcrseal_core::error::Error> {
    let administrators = vec![arn(ADMINISTRATOR), arn("arn:aws:iam::111122223333:role/ops/KeyAdmin")];
    let enclave = arn("arn:aws:iam::444455556666:role/ChamberEnclaveRole-prod-us-east-1-mainnet");
    Hardened::new(account(), cluster(), enclave, administrators, image('a'))
}

#[test]
fn switches_add_and_remove_their_statement_alone() {
    let default = hardened().render().unwrap();
    let all = [
        "AllowBreakGlass",
        "AllowKeyAdministration",
        "AllowEnclaveDescribeKey",
        "AllowEnclaveDecrypt",
        "AllowEnclaveGenerateDataKey",
        "DenyOtherImageSha384",
        "DenyOtherClusters",
        "DenyOtherGenerations",
        "DenyOtherDataOps",
        "DenyGrantsAndReplicas",
    ];
    assert_eq!(sids(&default), all);
    assert_eq!(default.document.id.as_deref(), Some("pcrseal-hardened-v1"));
    let changed = |other: &Hardened| {
        let other = other.render().unwrap().document.statements;
        let ours = &default.document.statements;
        let added = other.iter().filter(|statement| !ours.contains(statement));
        let removed = ours.iter().filter(|statement| !other.contains(statement));
        let names = |statements: Vec<&Statement>| -> Vec<String> {
            statements.into_iter().filter_map(|statement| statement.sid.clone()).collect()
        };
        (names(added.collect()), names(removed.collect()))
    };
    let none = Vec::<String>::new;
    let one = |sid: &str| vec![sid.to_owned()];
    assert_eq!(changed(&hardened().outside_seal_window()), (none(), one("AllowEnclaveGenerateDataKey")));
    assert_eq!(changed(&hardened().allow_deletion()), (one("AllowScheduleKeyDeletion"), none()));
    let disabling = hardened().allow_enclave_to_disable().unwrap();
    assert_eq!(changed(&disabling), (one("AllowEnclaveDisableKey"), none()));
    let delegated = hardened().break_glass(BreakGlass::Iam);
    assert_eq!(changed(&delegated), (one("AllowBreakGlass"), one("AllowBreakGlass")));
    let generations = hardened().generations([7, 2, 7]).unwrap();
    let allows = ["AllowEnclaveDecrypt", "AllowEnclaveGenerateDataKey", "DenyOtherGenerations"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(changed(&generations), (allows.clone(), allows));
    let rendered = generations.render().unwrap();
    assert_eq!(find(&rendered, "AllowEnclaveDecrypt").conditions[2].values, Values::many(["2", "7"]));
}

#[test]
fn no_wildcards_and_nothing_negated() {
    for rendered in [
        hardened().allow_deletion().render().unwrap(),
        hardened().wrapping(Wrapping::Encrypt).render().unwrap(),
        hardened_for(nitro_tpm('a')).render().unwrap(),
    ] {
        for statement in &rendered.document.statements {
            let Some(Matching::Is(actions)) = &statement.actions else { panic!("Action") };
            assert!(actions.iter().all(|action| !action.contains(['*', '?'])), "{actions:?}");
            assert_eq!(statement.resources, Some(Matching::Is("*".into())));
            let Some(Matching::Is(principals)) = &statement.principals else { panic!("Principal") };
            assert_eq!(*principals == Principals::Everyone, statement.effect == Effect::Deny);
        }
    }
}

#[test]
fn one_deny_for_each_register_and_both_releases_in_it() {
    let rendered = hardened_for(everything('a')).previous(everything('b')).unwrap().render().unwrap();
    let denies: Vec<&str> = sids(&rendered).into_iter().filter(|sid| sid.starts_with("DenyOther")).collect();
    let registers = ["ImageSha384", "PCR1", "PCR2", "PCR3", "PCR4", "PCR8"];
    let expected = registers.map(|name| format!("DenyOther{name}"));
    assert_eq!(denies[..6], expected);
    for (name, count) in registers.into_iter().zip([2, 1, 2, 1, 2, 1]) {
        let [condition] = find(&rendered, &format!("DenyOther{name}")).conditions.as_slice() else {
            panic!("one condition")
        };
        assert_eq!(condition.key, format!("kms:RecipientAttestation:{name}"));
        assert_eq!(condition.values.as_slice().len(), count, "{name}");
    }
    let image = &find(&rendered, "DenyOtherImageSha384").conditions[0].values;
    assert_eq!(*image, Values::many([pcr('a').to_string(), pcr('b').to_string()]));
}

#[test]
fn partition_is_that_of_the_roles() {
    let [enclave, administrator] =
        [ENCLAVE, ADMINISTRATOR].map(|text| arn(&text.replace("arn:aws:", "arn:aws-us-gov:")));
    let policy = Hardened::new(account(), cluster(), enclave, vec![administrator], image('a')).unwrap();
    let rendered = policy.render().unwrap();
    let root = "arn:aws-us-gov:iam::111122223333:root";
    assert_eq!(find(&rendered, "AllowBreakGlass").conditions[0].values, Values::from(root));
    assert!(!rendered.json().contains("arn:aws:"));
}

#[test]
fn roles_that_cannot_have_their_part() {
    let refused = |enclave: &str, administrators: &[&str]| {
        let administrators = administrators.iter().map(|text| arn(text)).collect();
        code(Hardened::new(account(), cluster(), arn(enclave), administrators, image('a')))
    };
    let session = "arn:aws:sts::111122223333:assumed-role/ChamberKmsKeyAdmin/alice";
    let user = "arn:aws:iam::111122223333:user/alice";
    let root = "arn:aws:iam::111122223333:root";
    let abroad = "arn:aws:iam::444455556666:role/ChamberKmsKeyAdmin";
    let elsewhere = "arn:aws-cn:iam::111122223333:role/ChamberKmsKeyAdmin";
    // One role under another path and in another case.
    let itself = "arn:aws:iam::111122223333:role/path/chamberenclaverole-PROD-us-east-1-mainnet";
    assert_eq!(refused(session, &[ADMINISTRATOR]), Code::PolicyRole);
    assert_eq!(refused(user, &[ADMINISTRATOR]), Code::PolicyRole);
    assert_eq!(refused(root, &[ADMINISTRATOR]), Code::PolicyRole);
    assert_eq!(refused(ENCLAVE, &[]), Code::PolicyRole);
    for administrator in [session, user, root, abroad, elsewhere, itself] {
        assert_eq!(refused(ENCLAVE, &[ADMINISTRATOR, administrator]), Code::PolicyRole, "{administrator}");
    }
    // One role twice, the second time under another path: PutKeyPolicy takes no principal that does not exist.
    let again = "arn:aws:iam::111122223333:role/ops/chamberkmskeyadmin";
    for administrator in [ADMINISTRATOR, again] {
        assert_eq!(refused(ENCLAVE, &[ADMINISTRATOR, administrator]), Code::PolicyRole, "{administrator}");
    }
    let namesake = ENCLAVE.replace("111122223333", "444455556666");
    let administrators = vec![arn(ENCLAVE)];
    // The enclave's role of another account may have an administrator's name.
    assert!(Hardened::new(account(), cluster(), arn(&namesake), administrators, image('a')).is_ok());
}

#[test]
fn a_path_that_terraform_reads_as_a_variable() {
    let odd = |path: &str| {
        let administrators = vec![arn(&format!("arn:aws:iam::111122223333:role/{path}/KeyAdmin"))];
        Hardened::new(account(), cluster(), arn(ENCLAVE), administrators, image('a')).unwrap().render()
    };
    assert_eq!(code(odd("a&{b}")), Code::PolicyRole);
    let rendered = odd("a${b}\"\\%{c}").unwrap();
    golden("hardened-odd-path", &rendered);
}

#[test]
fn the_enclave_disables_keys_of_its_own_account_alone() {
    assert_eq!(code(cross_account().unwrap().allow_enclave_to_disable()), Code::PolicyRole);
}

#[test]
fn at_least_one_generation() {
    assert_eq!(code(hardened().generations([])), Code::PolicyGenerations);
}

#[test]
fn releases_that_cannot_stand_in_one_policy() {
    let previous = |current: Release, previous: Release| code(hardened_for(current).previous(previous));
    assert_eq!(previous(image('a'), image('a')), Code::ReleaseMismatch);
    assert_eq!(previous(image('a'), nitro_tpm('a')), Code::ReleaseMismatch);
    let pcr0_of_a_tpm = Release::nitro_tpm(&PcrSet::from_iter([(index(0), pcr('b'))])).unwrap();
    assert_eq!(previous(image('a'), pcr0_of_a_tpm), Code::ReleaseMismatch);
    let with_application = || image('b').accept(index(2), pcr('c')).unwrap();
    assert_eq!(previous(image('a'), with_application()), Code::ReleaseMismatch);
    assert_eq!(previous(with_application(), image('a')), Code::ReleaseMismatch);
}

#[test]
fn at_most_what_kms_takes() {
    let padded = |generations: u64, padding: usize| {
        let administrator = format!("arn:aws:iam::111122223333:role/{}/KeyAdmin", "x".repeat(padding));
        let policy = Hardened::new(account(), cluster(), arn(ENCLAVE), vec![arn(&administrator)], image('a'));
        policy.unwrap().generations((0..generations).map(|n| u64::MAX - n)).unwrap().render()
    };
    let len = |generations| padded(generations, 1).unwrap().json().len();
    // What one generation more costs, how many fit, and how much the administrator's path takes of what is left.
    let fitting = 10 + (MAX_KEY_POLICY_LEN - len(10)) / (len(11) - len(10));
    let fitting = u64::try_from(fitting).unwrap();
    let padding = 1 + MAX_KEY_POLICY_LEN - len(fitting);
    assert_eq!(padded(fitting, padding).unwrap().json().len(), MAX_KEY_POLICY_LEN);
    assert_eq!(code(padded(fitting, padding + 1)), Code::RenderedTooLong);
    assert_eq!(code(padded(fitting + 1, 1)), Code::RenderedTooLong);
}

/// The provider would enable a key again that was disabled to retire it.
#[test]
fn terraform_leaves_the_keys_state_alone() {
    let terraform = hardened().render().unwrap().terraform;
    assert!(
        terraform.ends_with("\n\n  lifecycle {\n    ignore_changes = [is_enabled]\n  }\n}\n"),
        "{terraform}"
    );
}

#[test]
fn equal_parameters_give_equal_bytes() {
    assert_eq!(hardened().render().unwrap(), hardened().generations([1]).unwrap().render().unwrap());
}
