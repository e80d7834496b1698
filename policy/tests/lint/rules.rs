//! Every rule: what breaks it, and what it says then beside what it says without.

use std::collections::BTreeSet;

use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::Pcr;
use pcrseal_policy::lint::{KeySpec, Options, Origin, Profile, Rule, lint_clusters};
use pcrseal_policy::names::PrincipalArn;
use serde_json::{Value, json};

use crate::quorum::{Keys, quorum_cases};
use crate::setup::*;

/// One change of a sound policy, and the findings that come with it (`severity id`).
struct Case {
    name: &'static str,
    base: &'static str,
    bad: String,
    options: Options,
    found: &'static [&'static str],
}

fn case(name: &'static str, bad: &Draft, found: &'static [&'static str]) -> Case {
    Case { name, base: HARDENED, bad: bad.text(), options: options(), found }
}

impl Case {
    fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    fn encrypt(mut self) -> Self {
        self.base = HARDENED_ENCRYPT;
        self.options(|options| options.wrapping = pcrseal_core::names::Wrapping::Encrypt)
    }
}

fn hardened() -> Draft {
    Draft::of(HARDENED)
}

const ROOT: &str = "arn:aws:iam::111122223333:root";
const IMAGES: &str = "DenyOtherImageSha384";

fn condition(sid: &'static str, operator: &'static str, key: &str, value: &Value) -> Draft {
    let key = key.to_owned();
    hardened().change(sid, |statement| statement["Condition"] = json!({operator: {key: value}}))
}

/// An Allow of Decrypt that names a key of this account.
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

fn resource(account: &str) -> Value {
    let mut statement = allow(ROOT, "kms:Decrypt");
    statement["Resource"] =
        json!(format!("arn:aws:kms:us-east-1:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"));
    statement
}

#[allow(clippy::too_many_lines)] // one table
fn cases() -> Vec<Case> {
    let decrypt = "AllowEnclaveDecrypt";
    let zeros = hash("0");
    vec![
        // Who gets data out.
        case("an IAM role through the account, without a Deny", &hardened().without(IMAGES).add(allow(ROOT, "kms:Decrypt")),
            &["error release-without-attestation", "warning any-role-accepted"]),
        case("a role by name, without a Deny", &hardened().without(IMAGES).add(allow("arn:aws:iam::111122223333:role/Batch", "kms:Decrypt")),
            &["error release-without-attestation"]),
        case("a Deny by NotAction that forgets Decrypt", &hardened().without(IMAGES).add(allow(ROOT, "kms:Decrypt")).add(json!({
                "Sid": "Not", "Effect": "Deny", "Principal": "*", "NotAction": ["kms:Decrypt", "kms:PutKeyPolicy"],
                "Resource": "*", "Condition": {"Null": {IMAGE: "true"}}})),
            &["error release-without-attestation", "warning not-action", "warning any-role-accepted",
                "note deny-unconditional"]),
        case("a Deny that exempts a role", &condition(IMAGES, "ArnNotEquals", "aws:PrincipalArn", &json!(["arn:aws:iam::111122223333:role/Batch", ENCLAVE]))
                .add(allow(ROOT, "kms:Decrypt")),
            &["error release-without-attestation", "warning any-role-accepted"]),
        case("a Deny by ForAnyValue", &condition(IMAGES, "ForAnyValue:StringNotEqualsIgnoreCase", IMAGE, &json!(hash("a")))
                .add(allow(ROOT, "kms:Decrypt")),
            &["error release-without-attestation", "error attestation-set-operator", "warning any-role-accepted"]),
        case("a Deny on Null", &condition(IMAGES, "Null", IMAGE, &json!("true")).add(allow(ROOT, "kms:Decrypt")),
            &["error any-image-accepted", "warning any-role-accepted"]),
        case("a Deny that is met by an encryption context", &hardened().change(IMAGES, |own| own["Condition"]["StringNotEquals"] =
                json!({"kms:EncryptionContext:purpose": "backup"})).add(allow(ROOT, "kms:Decrypt")),
            &["error release-without-attestation", "warning any-role-accepted"]),
        case("an Allow by IfExists", &hardened().without(IMAGES).change(decrypt, |own| {
                own["Condition"] = json!({"StringEqualsIgnoreCaseIfExists": {IMAGE: hash("a")}});
            }),
            &["error release-without-attestation", "error attestation-if-exists"]),
        case("only the certificate is compared", &hardened().without(IMAGES).change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"] = json!({"kms:RecipientAttestation:PCR8": hash("8")});
            }),
            &["warning image-not-pinned"]),
        case("the application alone is compared",
            &hardened().without(IMAGES).change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"] = json!({"kms:RecipientAttestation:PCR2": hash("2")});
            }),
            &["warning image-not-pinned"]),
        case("the account may decrypt, with the image", &hardened().add(allow(ROOT, "kms:Decrypt")),
            &["warning any-role-accepted"]),
        case("the account may decrypt with this very key, with the image",
            &hardened().add(resource("111122223333")), &["warning any-role-accepted"]),
        case("the account may decrypt with another account's key",
            &hardened().add(resource("444455556666")), &[]),
        case("a Deny for some key", &hardened().add(allow("*", "kms:Decrypt")).change(IMAGES, |own| own["Resource"] = json!(KEY)),
            &["warning resource-named", "error release-without-attestation", "error any-role-accepted"]),
        case("a Deny for another key", &hardened().add(allow(ROOT, "kms:Decrypt")).change(IMAGES, |own| own["Resource"] = json!(OTHER_KEY)),
            &["error release-without-attestation", "warning any-role-accepted"]).options(|own| own.key = KeyArn::new(KEY).ok()),
        case("a Deny for this very key", &hardened().change(IMAGES, |own| own["Resource"] = json!(KEY)), &[])
            .options(|own| own.key = KeyArn::new(KEY).ok()),
        case("everybody may decrypt, with the image", &hardened().add(allow("*", "kms:Decrypt")),
            &["error any-role-accepted"]),
        case("an administrator may decrypt, with the image", &hardened().add(allow(ADMINISTRATOR, "kms:Decrypt")),
            &["error administrator-data-operation"]),
        case("an unexpected role may decrypt, with the image", &hardened().add(allow("arn:aws:iam::111122223333:role/Batch", "kms:Decrypt")),
            &["warning any-role-accepted"])
            .options(|own| own.enclave_roles = vec![PrincipalArn::new(ENCLAVE).unwrap()]),
        case("ReEncryptFrom", &hardened().change("DenyOtherDataOps", |own| own["Action"] = json!("kms:Encrypt"))
                .add(allow("arn:aws:iam::111122223333:role/Batch", "kms:ReEncryptFrom")),
            &["error re-encrypt-allowed"]),
        case("Encrypt", &hardened().without("DenyOtherDataOps").add(allow(ENCLAVE, "kms:Encrypt")),
            &["error encrypt-unattested"]),
        case("ReEncryptTo, wrapping encrypt", &Draft::of(HARDENED_ENCRYPT).without("DenyOtherDataOps").add(allow(ENCLAVE, "kms:ReEncryptTo")),
            &[]).encrypt(),
        case("data keys without plaintext", &hardened().without("DenyOtherDataOps").add(allow(ENCLAVE, "kms:GenerateDataKeyWithoutPlaintext")),
            &["warning data-key-without-plaintext"]),
        case("DeriveSharedSecret", &hardened().change(IMAGES, |own| own["Action"] = json!("kms:Decrypt")).add(allow(ROOT, "kms:DeriveSharedSecret")),
            &["note derive-shared-secret-open"]),
        case("DeriveSharedSecret on a key that does it", &hardened().change(IMAGES, |own| own["Action"] = json!("kms:Decrypt")).add(allow(ROOT, "kms:DeriveSharedSecret")),
            &["error key-spec-unfit", "error derive-shared-secret-open"]).options(|own| own.key_spec = KeySpec::KeyAgreement),
        case("two images", &hardened().change(decrypt, |own| own["Condition"]["StringEqualsIgnoreCase"][IMAGE] = json!([hash("a"), hash("b")]))
                .change(IMAGES, |own| own["Condition"]["StringNotEqualsIgnoreCase"][IMAGE] = json!([hash("a"), hash("b")])),
            &["note previous-image-accepted"]),
        case("two states of a NitroTPM", &hardened().without(IMAGES).change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"] =
                    json!({"kms:RecipientAttestation:NitroTPMPCR4": [hash("a"), hash("b")]});
            }),
            &["note previous-image-accepted"]),
        case("a NitroTPM that is given no command line, as AWS's user guide has it", &hardened().without(IMAGES).change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"] =
                    json!({"kms:RecipientAttestation:NitroTPMPCR4": hash("a"), "kms:RecipientAttestation:NitroTPMPCR12": hash("0")});
            }),
            &[]),
        case("an image that is not expected", &hardened(), &["error image-unexpected", "error enclave-locked-out"])
            .options(|own| own.images = vec![Pcr::from_hex(&hash("c")).unwrap()]),
        case("two images that make data keys", &hardened().change("AllowEnclaveGenerateDataKey", |own| {
                own["Condition"]["StringEqualsIgnoreCase"][IMAGE] = json!([hash("a"), hash("b")]);
            }).change(IMAGES, |own| own["Condition"]["StringNotEqualsIgnoreCase"][IMAGE] = json!([hash("a"), hash("b")])),
            &["warning seal-by-previous-image"]),
        case("data keys under a context that Decrypt refuses", &hardened().change("AllowEnclaveGenerateDataKey", |own| {
                own["Condition"]["StringEquals"]["kms:EncryptionContext:pcrseal:generation"] = json!("2");
            }).without("DenyOtherGenerations"),
            &["warning encryption-context-differs"]),
        case("Encrypt under a context that Decrypt refuses", &Draft::of(HARDENED_ENCRYPT).change("AllowEnclaveEncrypt", |own| {
                own["Condition"]["StringEquals"]["kms:EncryptionContext:pcrseal:generation"] = json!("2");
            }).without("DenyOtherGenerations"),
            &["warning encryption-context-differs"]).encrypt(),
        case("a variable that is not known", &hardened().add(when(allow(ROOT, "kms:PutKeyPolicy"),
                json!({"StringEquals": {"aws:username": "${aws:PrincipalTag/owner}"}}))),
            &["warning undecided"]),
        case("a Deny of plain HTTP",
            &hardened().add(deny("kms:*", &json!({"Bool": {"aws:SecureTransport": "false"}}))), &[]),
        case("an Allow until a day",
            &hardened().add(when(allow(ROOT, "kms:Decrypt"),
                json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}))),
            &["warning any-role-accepted"]),
        case("an AWS service", &hardened().add(json!({"Sid": "Trail", "Effect": "Allow", "Action": "kms:GenerateDataKey*", "Resource": "*",
                "Principal": {"Service": "cloudtrail.amazonaws.com"}})),
            &["warning principal-not-probed"]),
        case("more principals than are tried", &hardened().add(json!({"Sid": "Many", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*",
                "Principal": {"AWS": (0..30).map(|n| format!("arn:aws:iam::{ACCOUNT}:role/Reader{n}")).collect::<Vec<_>>()}})),
            &["warning principal-not-probed"]),
        // Who governs.
        case("grants under a Deny on images", &hardened().without("DenyGrantsAndReplicas").add(allow(ADMINISTRATOR, "kms:CreateGrant")),
            &["warning create-grant-allowed"]),
        case("grants without one", &hardened().without("DenyGrantsAndReplicas").without(IMAGES).add(allow(ADMINISTRATOR, "kms:CreateGrant")),
            &["error create-grant-allowed"]),
        case("administration by wildcard", &hardened().add(allow(ADMINISTRATOR, "kms:Put*")),
            &["warning administration-wildcard"]),
        case("administration for everyone", &hardened().add(allow("*", "kms:ScheduleKeyDeletion")),
            &["error administration-open", "note deletion-by-administrator"]),
        case("PutKeyPolicy through IAM", &hardened().add(allow(ROOT, "kms:PutKeyPolicy")),
            &["note policy-change-delegated"]),
        case("PutKeyPolicy through IAM, strictly", &hardened().add(allow(ROOT, "kms:PutKeyPolicy")),
            &["error policy-change-delegated"]).options(|own| own.profile = Profile::Strict),
        case("ReplicateKey", &hardened().without("DenyGrantsAndReplicas").add(allow(ADMINISTRATOR, "kms:ReplicateKey")),
            &["warning replicate-key-allowed"]),
        case("ReplicateKey of a multi-Region key", &hardened().without("DenyGrantsAndReplicas").add(allow(ADMINISTRATOR, "kms:ReplicateKey")),
            &["warning multi-region-key", "error replicate-key-allowed"]).options(|own| own.multi_region = Some(true)),
        case("ReplicateKey of a single-Region key", &hardened().without("DenyGrantsAndReplicas").add(allow(ADMINISTRATOR, "kms:ReplicateKey")),
            &[]).options(|own| own.multi_region = Some(false)),
        case("ScheduleKeyDeletion", &hardened().add(allow(ADMINISTRATOR, "kms:ScheduleKeyDeletion")),
            &["note deletion-by-administrator"]),
        case("DeleteImportedKeyMaterial", &hardened().add(allow(ADMINISTRATOR, "kms:DeleteImportedKeyMaterial")),
            &["warning key-origin", "note deletion-by-administrator"]).options(|own| own.origin = Origin::External),
        // Who is locked out.
        case("a Deny on a misspelt key", &condition(IMAGES, "Null", "kms:RecipientAttestation:ImageSHA", &json!("true")),
            &["error enclave-locked-out", "error attestation-key-unknown", "note generate-data-key-missing"]),
        case("an Allow on the map of PCRs that there is not", &condition(decrypt, "StringEqualsIgnoreCase", "kms:RecipientAttestation:PCRs", &json!(hash("a"))),
            &["error attestation-key-unknown", "error enclave-locked-out"])
            .options(|own| own.images = vec![Pcr::from_hex(&hash("a")).unwrap()]),
        case("no data keys", &hardened().without("AllowEnclaveGenerateDataKey"), &["note generate-data-key-missing"]),
        case("Encrypt in the Deny on attestation", &Draft::of(HARDENED_ENCRYPT).add(deny("kms:Encrypt", &json!({"Null": {IMAGE: "true"}}))),
            &["error encrypt-denied", "note deny-unconditional", "-note encrypt-unattested"]).encrypt(),
        case("Encrypt both allowed and denied",
            &Draft::of(HARDENED_ENCRYPT).add(deny("kms:Encrypt", &json!({}))),
            &["error encrypt-denied", "-note encrypt-unattested"]).encrypt(),
        case("Encrypt outside of a seal window", &Draft::of(HARDENED_ENCRYPT).without("AllowEnclaveEncrypt"),
            &["note encrypt-denied", "-note encrypt-unattested"]).encrypt(),
        case("kms:ViaService in the Allow", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEquals"]["kms:ViaService"] = json!("ec2.us-east-1.amazonaws.com");
            }),
            &["error condition-locks-out"]),
        case("aws:SourceVpce in the Deny", &hardened().add(deny("kms:Decrypt", &json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}))),
            &["warning condition-locks-out"]),
        case("no statement for the account", &hardened().without("AllowBreakGlass"), &["error no-break-glass"]),
        case("no statement for the account, strictly", &hardened().without("AllowBreakGlass"), &["note no-break-glass"])
            .options(|own| own.profile = Profile::Strict),
        case("nobody may change the policy", &hardened().without("AllowBreakGlass").without("AllowKeyAdministration"),
            &["error no-break-glass", "-note policy-change-by-administrator"])
            .options(|own| own.profile = Profile::Strict),
        case("an Allow of the bypass", &hardened().add(when(allow(ADMINISTRATOR, "kms:PutKeyPolicy"),
                json!({"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}))),
            &["warning lockout-check-bypassed"]),
        // Conditions.
        case("no such key of KMS", &hardened().change(decrypt, |own| own["Condition"]["StringEquals"]["kms:EncryptionContex:a"] = json!("b")),
            &["error condition-key-unknown", "error enclave-locked-out"]).options(|own| {
                own.images = vec![Pcr::from_hex(&hash("a")).unwrap()];
            }),
        case("a key without its prefix", &hardened().add(deny("kms:Decrypt", &json!({"Null": {"RecipientAttestation:PCR0": "false"}}))),
            &["warning condition-key-unknown"]),
        case("ForAllValues in the Allow", &hardened().change(decrypt, |own| {
                own["Condition"]["ForAllValues:StringEqualsIgnoreCase"] =
                    json!({"kms:RecipientAttestation:PCR2": hash("2")});
            }),
            &["error attestation-set-operator"]),
        case("ForAnyValue in the Allow", &hardened().change(decrypt, |own| {
                own["Condition"]["ForAnyValue:StringEqualsIgnoreCase"] =
                    json!({"kms:RecipientAttestation:PCR2": hash("2")});
            }),
            &["warning attestation-set-operator"]),
        case("IfExists in the Allow", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCaseIfExists"] =
                    json!({"kms:RecipientAttestation:PCR2": hash("2")});
            }),
            &["error attestation-if-exists"]),
        case("IfExists in the Deny", &condition(IMAGES, "StringNotEqualsIgnoreCaseIfExists", IMAGE, &json!(hash("a"))),
            &["warning attestation-if-exists"]),
        case("StringEquals", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEquals"]["kms:RecipientAttestation:PCR2"] = json!(hash("2"));
            }),
            &["warning hash-comparison"]),
        case("NumericEquals", &hardened().add(deny("kms:Decrypt", &json!({"NumericEquals": {"kms:RecipientAttestation:PCR2": hash("2")}}))),
            &["error hash-comparison"]),
        case("a pattern", &hardened().change(decrypt, |own| {
                own["Condition"]["StringLike"] = json!({"kms:RecipientAttestation:PCR2": "2*"});
            }),
            &["error hash-wildcard", "warning hash-comparison"]),
        case("0x", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"]["kms:RecipientAttestation:PCR2"] =
                    json!([hash("2"), format!("0x{}", hash("3"))]);
            }),
            &["error hash-prefix"]),
        case("95 digits", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"]["kms:RecipientAttestation:PCR2"] =
                    json!([hash("2"), "3".repeat(95)]);
            }),
            &["error hash-length"]),
        case("a placeholder", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"]["kms:RecipientAttestation:PCR2"] =
                    json!([hash("2"), "<application binary hex>"]);
            }),
            &["error hash-not-hex"]),
        case("upper case", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"]["kms:RecipientAttestation:PCR2"] = json!(hash("B"));
            }),
            &["note hash-upper-case"]),
        case("upper case where it counts", &hardened().add(deny("kms:Decrypt", &json!({"StringEquals": {"kms:RecipientAttestation:PCR2": hash("B")}}))),
            &["warning hash-comparison", "warning hash-upper-case"]),
        case("debug mode", &hardened().change(decrypt, |own| {
                own["Condition"]["StringEqualsIgnoreCase"][IMAGE] = json!([hash("a"), zeros]);
            }),
            &["error debug-image-listed"]),
        case("a Deny of debug mode", &hardened().add(deny("kms:Decrypt", &json!({"StringEqualsIgnoreCase": {IMAGE: hash("0")}}))), &[]),
        case("a Deny on attestation of what never carries it", &hardened().add(deny("kms:ReEncrypt*", &json!({"Null": {IMAGE: "true"}}))),
            &["note deny-unconditional"]),
        case("an Allow on attestation of what never carries it", &hardened().add(when(allow(ENCLAVE, "kms:Encrypt"), json!({"StringEqualsIgnoreCase": {IMAGE: hash("a")}}))),
            &["warning allow-never-holds"]),
        // The document.
        case("the language of 2008", &hardened().set("Version", json!("2008-10-17")), &["warning version-old"]),
        case("the same Sid twice", &hardened().change(IMAGES, |own| own["Sid"] = json!("DenyOtherClusters")),
            &["warning sid-duplicate"]),
        case("an unknown member", &hardened().set("Statements", json!([])), &["error member-unknown"]),
        case("an unknown member of a statement", &hardened().change("DenyOtherClusters", |own| own["Conditions"] = json!({})),
            &["error member-unknown"]),
        case("a Deny without Resource", &hardened().change("DenyOtherClusters", |own| drop(own.as_object_mut().unwrap().remove("Resource"))),
            &["error statement-without-effect"]),
        case("an Allow without Action", &hardened().change("AllowEnclaveDescribeKey", |own| drop(own.as_object_mut().unwrap().remove("Action"))),
            &["warning statement-without-effect"]),
        case("an action that there is not", &hardened().add(allow(ADMINISTRATOR, "kms:PutPolicy")), &["warning action-unknown"]),
        case("an action without a key", &hardened().add(allow(ENCLAVE, "kms:GenerateRandom")), &["note action-without-key"]),
        case("an enclave's role with a wildcard", &hardened().add(allow(ENCLAVE, "kms:Dec*")), &["error enclave-wildcard"]),
        case("NotAction in an Allow", &hardened().add(json!({"Sid": "Not", "Effect": "Allow", "Principal": {"AWS": ADMINISTRATOR},
                "NotAction": ["kms:Decrypt", "kms:Generate*", "kms:Sch*", "kms:Der*", "kms:Encrypt"], "Resource": "*"})),
            &["error not-action"]),
        case("NotPrincipal in an Allow", &hardened().add(json!({"Sid": "Not", "Effect": "Allow", "NotPrincipal": {"AWS": ADMINISTRATOR},
                "Action": "kms:DescribeKey", "Resource": "*"})),
            &["error not-principal"]),
        case("NotPrincipal in a Deny", &hardened().add(json!({"Sid": "Not", "Effect": "Deny", "NotPrincipal": {"AWS": ADMINISTRATOR},
                "Action": "kms:UpdateAlias", "Resource": "*"})),
            &["warning not-principal"]),
        case("NotResource in a Deny", &hardened().add(json!({"Sid": "Not", "Effect": "Deny", "Principal": "*", "Action": "kms:Sign",
                "NotResource": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"})),
            &["error not-resource"]),
        case("a wildcard within an ARN", &hardened().add(allow("arn:aws:iam::111122223333:role/Admin*", "kms:DescribeKey")),
            &["error principal-invalid"]),
        case("a deleted role", &hardened().add(allow("AROADBQP57FF2AEXAMPLE", "kms:DescribeKey")), &["warning principal-deleted"]),
    ]
}

/// Rules about the key and how the policy is put: the policy is sound.
fn key_cases() -> Vec<(Options, &'static str)> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    vec![
        (Options { multi_region: Some(true), ..options() }, "warning multi-region-key"),
        (Options { key_spec: KeySpec::KeyAgreement, ..options() }, "error key-spec-unfit"),
        (Options { origin: Origin::External, ..options() }, "warning key-origin"),
        (Options { origin: Origin::AwsCloudHsm, ..options() }, "warning key-origin"),
        (Options { origin: Origin::ExternalKeyStore, ..options() }, "warning key-origin"),
        (Options { policy_names: names(&["default", "AWS_RAM"]), ..options() }, "error second-key-policy"),
        (Options { bypass_policy_lockout_safety_check: true, ..options() }, "warning lockout-check-bypassed"),
    ]
}

fn oversized() -> Draft {
    (0..40).fold(hardened(), |draft, number| {
        let mut statement =
            deny("kms:Sign", &json!({"StringEquals": {"kms:CallerAccount": "4".repeat(900)}}));
        statement["Sid"] = json!(format!("Long{number}"));
        draft.add(statement)
    })
}

/// What the change brings, and what it takes away (with a minus).
fn difference(before: &[String], after: &[String]) -> BTreeSet<String> {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    let new = after.difference(&before).map(|own| (*own).clone());
    let gone = before.difference(&after).map(|own| format!("-{own}"));
    new.chain(gone).collect()
}

#[test]
fn each_change_brings_its_findings_and_no_others() {
    let mut wrong = Vec::new();
    for Case { name, base, bad, options, found } in cases() {
        let sound = Options { wrapping: options.wrapping, ..crate::setup::options() };
        let before = ids(&check(base, &sound));
        let report = check(&bad, &options);
        let expected: BTreeSet<String> = found.iter().map(|&own| own.to_owned()).collect();
        let brought = difference(&before, &ids(&report));
        if brought != expected {
            wrong.push(format!("{name}: expected {expected:#?}, found {brought:#?}\n{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_request_needs_is_said() {
    let tagged = when(allow(ROOT, "kms:Decrypt"), json!({"StringLike": {"aws:PrincipalTag/team": "re?"}}));
    let by_arn = when(
        allow(ROOT, "kms:GenerateDataKey"),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/B*"}}),
    );
    let text = hardened().without(IMAGES).without("DenyOtherGenerations").add(tagged).add(by_arn).text();
    let report = check(&text, &options());
    assert_eq!(report.findings()[0].rule, Rule::ReleaseWithoutAttestation);
    assert_eq!(
        report.findings()[0].what,
        "Without any attestation, any role of account 111122223333 whose IAM policy allows it (with \
         aws:principaltag/team=rex, kms:EncryptionContext:pcrseal:cluster=prod-us-east-1-mainnet) may call \
         kms:Decrypt; arn:aws:iam::111122223333:role/Bx whose IAM policy allows it (with \
         kms:EncryptionContext:pcrseal:cluster=prod-us-east-1-mainnet) may call kms:GenerateDataKey. The answer is \
         the plaintext."
    );
}

/// The root user has what the account has, without any IAM policy.
#[test]
fn the_root_user_is_somebody() {
    let only_root =
        when(allow(ROOT, "kms:Decrypt"), json!({"StringEquals": {"aws:PrincipalType": "Account"}}));
    let open = hardened().without(IMAGES).without("DenyOtherClusters").without("DenyOtherGenerations");
    let text = open.add(only_root).text();
    let report = check(&text, &options());
    assert_eq!(report.findings()[0].rule, Rule::ReleaseWithoutAttestation);
    assert_eq!(
        report.findings()[0].what,
        "Without any attestation, the root user of account 111122223333 may call kms:Decrypt. The answer is the \
         plaintext."
    );
}

#[test]
fn what_the_key_is_counts() {
    let sound = ids(&check(HARDENED, &options()));
    assert_eq!(
        difference(&sound, &ids(&check(HARDENED, &Options { multi_region: Some(false), ..options() }))),
        BTreeSet::new()
    );
    for (options, found) in key_cases() {
        let brought = difference(&sound, &ids(&check(HARDENED, &options)));
        assert_eq!(brought, BTreeSet::from([found.to_owned()]));
    }
}

#[test]
fn a_policy_beyond_32_kib_is_not_probed() {
    let report = check(&oversized().text(), &options());
    assert_eq!(ids(&report), ["error document-too-large"]);
}

#[test]
fn every_rule_is_broken_by_something_here_and_by_no_sound_policy() {
    let mut broken: BTreeSet<Rule> = BTreeSet::new();
    let mut sound: BTreeSet<Rule> = [HARDENED, HARDENED_ENCRYPT]
        .iter()
        .flat_map(|text| [check(text, &options()), check(text, &encrypt())])
        .flat_map(|report| report.findings().iter().map(|own| own.rule).collect::<Vec<_>>())
        .collect();
    for case in cases() {
        broken.extend(check(&case.bad, &case.options).findings().iter().map(|own| own.rule));
    }
    for (options, _) in key_cases() {
        broken.extend(check(HARDENED, &options).findings().iter().map(|own| own.rule));
    }
    broken.extend(check(&oversized().text(), &options()).findings().iter().map(|own| own.rule));
    for (name, clusters, _) in quorum_cases() {
        let clusters: Vec<_> = clusters.iter().map(Keys::cluster).collect();
        let report = lint_clusters(&clusters, &options());
        let of_keys = report.keys().iter().flat_map(|(_, report)| report.findings());
        let rules = of_keys.chain(report.findings()).map(|own| own.rule);
        if name == "a sound quorum" { &mut sound } else { &mut broken }.extend(rules);
    }
    let missing: Vec<_> = Rule::ALL.iter().filter(|rule| !broken.contains(rule)).collect();
    assert!(missing.is_empty(), "no policy here breaks {missing:?}");
    // What every key has: an administrator. What another wrapping's policy has: no way to seal.
    let inherent = [
        Rule::PolicyChangeByAdministrator,
        Rule::EncryptUnattested,
        Rule::GenerateDataKeyMissing,
        Rule::EncryptDenied,
    ];
    sound.retain(|rule| !inherent.contains(rule));
    assert_eq!(sound, BTreeSet::new());
    let without_administrator = hardened().without("AllowKeyAdministration").text();
    let found = ids(&check(&without_administrator, &options()));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn rules_have_stable_ids_and_texts() {
    let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for &rule in Rule::ALL {
        let id = rule.id();
        let words = id.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        assert!(words, "{id}");
        assert_eq!(Rule::from_id(id), Some(rule));
        for text in [rule.explanation(), rule.remedy()] {
            assert!(text.ends_with('.') && text.starts_with(|c: char| !c.is_whitespace()), "{id}: {text}");
        }
        assert!(
            !rule.title().is_empty() && !rule.title().ends_with('.') && !rule.source().is_empty(),
            "{id}"
        );
    }
    assert_eq!(Rule::from_id("no-such-rule"), None);
}
