//! Holes in shapes that are easily overlooked: each is found as an error or a warning.

use serde_json::{Value, json};

use crate::setup::*;

const ROOT: &str = "arn:aws:iam::111122223333:root";
const BATCH: &str = "arn:aws:iam::111122223333:role/Batch";
const RELEASE: &str = "error release-without-attestation";

fn open() -> Draft {
    Draft::of(HARDENED).without("DenyOtherImageSha384").without("DenyOtherClusters")
}

fn found(policy: &Draft, id: &str) {
    let report = check(&policy.text(), &options());
    assert!(ids(&report).iter().any(|own| own == id), "{id}\n{}\n{report}", policy.text());
}

/// A Deny of every other image, unless this condition fails.
fn exempting(operator: &str, key: &str, value: &Value) -> Draft {
    let mut condition = json!({"StringNotEqualsIgnoreCase": {IMAGE: hash("a")}});
    condition[operator] = json!({key: value});
    open().add(allow(ROOT, "kms:Decrypt")).add(deny("kms:Decrypt", &condition))
}

#[test]
fn a_deny_that_exempts_a_pattern_of_roles() {
    for (operator, pattern) in [
        ("ArnNotLike", "arn:aws:iam::*:role/OrgAdmin*"),
        ("ArnNotLike", "arn:aws:iam::????????????:role/OrgAdmin"),
        ("StringNotLike", "*:role/Break*"),
        ("StringNotLike", "*Break*"),
        ("StringNotLike", "*:user/Break*"),
    ] {
        found(&exempting(operator, "aws:PrincipalArn", &json!(pattern)), RELEASE);
    }
}

#[test]
fn a_deny_that_another_value_keeps_clear_of() {
    for (operator, key, value) in [
        ("StringEqualsIfExists", "kms:EncryptionContext:env", json!("prod")),
        ("NumericGreaterThanIfExists", "aws:MultiFactorAuthAge", json!("300")),
        ("IpAddressIfExists", "aws:SourceIp", json!("10.0.0.0/8")),
        ("DateGreaterThanIfExists", "aws:CurrentTime", json!("2027-01-01T00:00:00Z")),
        ("ForAllValues:StringNotEquals", "kms:EncryptionContextKeys", json!(["purpose"])),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["purpose"])),
    ] {
        found(&exempting(operator, key, &value), RELEASE);
    }
}

#[test]
fn an_allow_that_asks_for_a_name_in_the_encryption_context() {
    let condition = json!({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "purpose"}});
    found(&open().add(when(allow(BATCH, "kms:Decrypt"), condition)), RELEASE);
}

#[test]
fn half_an_image() {
    for register in ["PCR1", "PCR2"] {
        let key = format!("kms:RecipientAttestation:{register}");
        let condition = json!({"StringEqualsIgnoreCase": {key: hash("b")}});
        found(&open().add(when(allow(BATCH, "kms:Decrypt"), condition)), "warning image-not-pinned");
    }
    let whole = json!({"StringEqualsIgnoreCase":
        {"kms:RecipientAttestation:PCR1": hash("b"), "kms:RecipientAttestation:PCR2": hash("c")}});
    let report = check(&open().add(when(allow(BATCH, "kms:Decrypt"), whole)).text(), &options());
    assert!(!ids(&report).iter().any(|own| own.ends_with("image-not-pinned")), "{report}");
}

#[test]
fn more_statements_than_a_handful() {
    let context = |value: String| json!({"StringEquals": {"kms:EncryptionContext:app": value}});
    let attested = |n: usize| {
        let mut own = context(format!("app{n}"));
        own["StringEqualsIgnoreCase"] = json!({IMAGE: hash("a")});
        when(allow(BATCH, "kms:Decrypt"), own)
    };
    let draft =
        (0..8).fold(Draft::of(HARDENED).without("DenyOtherImageSha384"), |draft, n| draft.add(attested(n)));
    let draft = draft.change("DenyOtherClusters", |own| {
        own["Action"] = json!("kms:GenerateDataKey");
    });
    found(&draft.add(when(allow(BATCH, "kms:Decrypt"), context("backup".into()))), RELEASE);
}

#[test]
fn more_principals_than_are_tried() {
    let warning = "warning principal-not-probed";
    let roles = (0..30).fold(open(), |draft, n| {
        draft.add(allow(&format!("arn:aws:iam::111122223333:role/R{n}"), "kms:DescribeKey"))
    });
    found(&roles.add(allow(BATCH, "kms:Decrypt")), warning);
    let accounts = (1..9).fold(open(), |draft, n| {
        draft.add(allow(&format!("arn:aws:iam::{}:root", n.to_string().repeat(12)), "kms:DescribeKey"))
    });
    found(&accounts, warning);
}

#[test]
fn an_allow_within_a_window() {
    for condition in [
        json!({"DateGreaterThan": {"aws:CurrentTime": "2026-11-01T00:00:00Z"},
               "DateLessThan": {"aws:CurrentTime": "2026-11-30T00:00:00Z"}}),
        json!({"DateLessThanEquals": {"aws:EpochTime": 1_796_000_000},
               "DateGreaterThanEquals": {"aws:EpochTime": 1_793_000_000}}),
        json!({"NumericGreaterThan": {"aws:MultiFactorAuthAge": 60}, "NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}),
        json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "0.5"}}),
    ] {
        found(&open().add(when(allow(BATCH, "kms:Decrypt"), condition)), RELEASE);
    }
}

#[test]
fn a_grant_to_somebody_whom_the_deny_exempts() {
    let exempt =
        json!({"StringNotEqualsIgnoreCase": {IMAGE: hash("a")}, "ArnNotEquals": {"aws:PrincipalArn": BATCH}});
    let granting = open().without("DenyGrantsAndReplicas").add(allow(ROOT, "kms:CreateGrant"));
    found(&granting.add(deny("kms:Decrypt", &exempt)), "error create-grant-allowed");
}

#[test]
fn a_grant_for_data_keys_that_the_deny_leaves_out() {
    let image = json!({"StringNotEqualsIgnoreCase": {IMAGE: hash("a")}});
    let granting = open().without("DenyGrantsAndReplicas").add(allow(ROOT, "kms:CreateGrant"));
    found(&granting.add(deny("kms:Decrypt", &image)), "error create-grant-allowed");
}

/// A Deny that asks for something which every request has hides nothing, whatever it asks for.
#[test]
fn a_hole_behind_a_deny_about_what_every_request_has() {
    for condition in [
        json!({"StringEquals": {"kms:KeySpec": "RSA_2048"}}),
        json!({"StringEquals": {"kms:KeyUsage": "SIGN_VERIFY"}}),
        json!({"StringEquals": {"kms:KeyOrigin": "EXTERNAL"}}),
        json!({"StringEquals": {"kms:MultiRegion": "true"}}),
        json!({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        json!({"StringLike": {"aws:UserAgent": "curl*"}}),
        json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
    ] {
        found(&open().add(allow(ROOT, "kms:Decrypt")).add(deny("kms:*", &condition)), RELEASE);
    }
}
