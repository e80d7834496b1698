//! The template of the page "AWS KMS Policy for TEE Auto-Unseal" has the findings of its weak points, and no others;
//! the hardened policy has none that can be helped.

use pcrseal_policy::lint::{KeySpec, Options, Profile, Report, Severity};

use crate::setup::*;

/// With the number of the weak point: 1 any attested enclave of any role, 2 administrators escalate, 3 `PutKeyPolicy`
/// through the account, 4 `ReplicateKey`, 5 unconditional denials, 6 `DeriveSharedSecret`, 7 `Encrypt` is unattested,
/// 8 the previous image, deletion.
const FOR_ENCRYPT: [&str; 12] = [
    "error any-image-accepted",            // 1
    "error create-grant-allowed",          // 2
    "warning any-role-accepted",           // 1
    "warning administration-wildcard",     // 2
    "warning replicate-key-allowed",       // 4
    "note encrypt-unattested",             // 7: whoever holds the role's credentials
    "note derive-shared-secret-open",      // 6: nothing on SYMMETRIC_DEFAULT
    "note previous-image-accepted",        // 8
    "note policy-change-delegated",        // 3: accepted as the way back
    "note policy-change-by-administrator", // 2: kms:Put* is PutKeyPolicy
    "note deletion-by-administrator",      // 8
    "note deny-unconditional",             // 5
];

const FOR_ATTESTED: [&str; 13] = [
    "error any-image-accepted",            // 1
    "error encrypt-unattested",            // 7: blobs are not authentic any more
    "error create-grant-allowed",          // 2
    "warning any-role-accepted",           // 1
    "warning administration-wildcard",     // 2
    "warning replicate-key-allowed",       // 4
    "note derive-shared-secret-open",      // 6
    "note previous-image-accepted",        // 8
    "note policy-change-delegated",        // 3
    "note policy-change-by-administrator", // 2
    "note deletion-by-administrator",      // 8
    "note generate-data-key-missing",      // 7: GenerateDataKey needs its own Allow
    "note deny-unconditional",             // 5
];

#[test]
fn the_template_has_its_weak_points_and_no_others() {
    assert_eq!(ids(&check(TEMPLATE, &encrypt())), FOR_ENCRYPT);
    assert_eq!(ids(&check(TEMPLATE, &options())), FOR_ATTESTED);
}

#[test]
fn one_image_less_is_one_finding_less() {
    let one = include_str!("../golden/five-statement.json");
    let expected: Vec<_> =
        FOR_ENCRYPT.into_iter().filter(|id| !id.ends_with("previous-image-accepted")).collect();
    assert_eq!(ids(&check(one, &encrypt())), expected);
    // The multi-PCR variant closes none of them.
    assert_eq!(ids(&check(include_str!("../golden/multi-pcr.json"), &encrypt())), expected);
    let two = include_str!("../golden/multi-pcr-rollover.json");
    assert_eq!(ids(&check(two, &encrypt())), FOR_ENCRYPT);
}

fn severity(report: &Report, id: &str) -> Option<Severity> {
    report.findings().iter().find(|own| own.rule.id() == id).map(|own| own.severity)
}

#[test]
fn options_decide_how_bad_it_is() {
    let strict = check(TEMPLATE, &Options { profile: Profile::Strict, ..encrypt() });
    assert_eq!(severity(&strict, "policy-change-delegated"), Some(Severity::Error));
    let delegated = strict.findings().iter().find(|own| own.rule.id() == "policy-change-delegated").unwrap();
    for action in ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ReplicateKey", "kms:ScheduleKeyDeletion"] {
        assert!(delegated.what.contains(action), "{}", delegated.what);
    }
    let agreement = check(TEMPLATE, &Options { key_spec: KeySpec::KeyAgreement, ..encrypt() });
    assert_eq!(severity(&agreement, "derive-shared-secret-open"), Some(Severity::Error));
    let single = check(TEMPLATE, &Options { multi_region: Some(false), ..encrypt() });
    assert_eq!(severity(&single, "replicate-key-allowed"), None);
    let multi = check(TEMPLATE, &Options { multi_region: Some(true), ..encrypt() });
    assert_eq!(severity(&multi, "replicate-key-allowed"), Some(Severity::Error));
}

#[test]
fn the_findings_say_who_can_do_what() {
    let report = check(TEMPLATE, &encrypt());
    let finding = &report.findings()[0];
    assert_eq!(
        finding.what,
        format!(
            "From an enclave of any image, in debug mode too, any role of account 111122223333 whose IAM policy \
             allows it may call kms:Decrypt, kms:GenerateDataKey, kms:GenerateDataKeyPair. The policy lists {}, {}, \
             to no avail.",
            hash("a"),
            hash("b")
        )
    );
    let places: Vec<_> = finding.statements.iter().map(ToString::to_string).collect();
    assert_eq!(
        places,
        [
            "0 \"EnableIAMRootPermissionsBreakGlass\" (/Statement/0)",
            "4 \"DenyDataOpsWithoutAttestation\" (/Statement/4)"
        ]
    );
    let grants = report.findings().iter().find(|own| own.rule.id() == "create-grant-allowed").unwrap();
    assert!(
        grants.what.contains("arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin may call kms:CreateGrant")
    );
}

/// Every policy that `render` makes, for its own wrapping.
#[test]
fn hardened_policies_have_notes_alone() {
    let administrator = "note policy-change-by-administrator";
    for (name, text, options, found) in [
        ("attested", HARDENED, options(), vec![administrator]),
        ("encrypt", HARDENED_ENCRYPT, encrypt(), vec!["note encrypt-unattested", administrator]),
        (
            "attested-outside-seal-window",
            include_str!("../golden/hardened-attested-outside-seal-window.json"),
            options(),
            vec![administrator, "note generate-data-key-missing"],
        ),
        (
            "encrypt-outside-seal-window",
            include_str!("../golden/hardened-encrypt-outside-seal-window.json"),
            encrypt(),
            vec![administrator, "note encrypt-denied"],
        ),
        (
            "all-pcrs-rollover-reseal",
            include_str!("../golden/hardened-all-pcrs-rollover-reseal.json"),
            options(),
            vec!["note previous-image-accepted", administrator],
        ),
        (
            "nitro-tpm-rollover",
            include_str!("../golden/hardened-nitro-tpm-rollover.json"),
            options(),
            vec!["note previous-image-accepted", administrator],
        ),
        (
            "cross-account",
            include_str!("../golden/hardened-cross-account.json"),
            options(),
            vec![administrator],
        ),
        (
            "cross-account-encrypt",
            include_str!("../golden/hardened-cross-account-encrypt.json"),
            encrypt(),
            vec!["note encrypt-unattested", administrator],
        ),
        ("odd-path", include_str!("../golden/hardened-odd-path.json"), options(), vec![administrator]),
        (
            "every-switch",
            include_str!("../golden/hardened-every-switch.json"),
            options(),
            vec!["note policy-change-delegated", administrator, "note deletion-by-administrator"],
        ),
    ] {
        let report = check(text, &options);
        assert_eq!(ids(&report), found, "{name}\n{report}");
    }
}

#[test]
fn the_hardened_policy_is_sound_under_strict() {
    let strict = |own| Options { profile: Profile::Strict, ..own };
    for (text, options) in [(HARDENED, strict(options())), (HARDENED_ENCRYPT, strict(encrypt()))] {
        assert_eq!(check(text, &options).severity(), Some(Severity::Note));
    }
}

/// What AWS gives a key that is created without a policy, in another partition.
#[test]
fn the_way_back_is_seen_in_every_partition() {
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        let root = format!("arn:{partition}:iam::111122223333:root");
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":{root:?}}},"Action":"kms:*","Resource":"*"}}]}}"#
        );
        assert!(!ids(&check(&text, &options())).contains(&"error no-break-glass".to_owned()), "{partition}");
    }
}
