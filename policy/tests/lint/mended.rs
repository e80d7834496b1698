//! Mechanical remedies, and policies of any shape.

use pcrseal_policy::document::{Matching, PolicyDocument, Version};
use pcrseal_policy::lint::{Options, Report, Rule, lint};
use serde_json::json;

use crate::setup::*;

/// The findings that had a fix are gone, and there are none that were not there.
fn mended(before: &Report, options: &Options) -> (PolicyDocument, Report) {
    let document = before.fixed();
    let after = lint(&document, options);
    let had: Vec<Rule> = before.findings().iter().map(|own| own.rule).collect();
    for finding in after.findings() {
        assert!(had.contains(&finding.rule), "new: {finding}");
        assert!(finding.fix.is_none(), "left: {finding}");
    }
    // It is a policy that can be written and read.
    assert_eq!(policy(&document.to_json().to_compact()), document);
    (document, after)
}

#[test]
fn the_template_is_mended() {
    let (document, after) = mended(&check(TEMPLATE, &encrypt()), &encrypt());
    let left = [
        "note encrypt-unattested",
        "note previous-image-accepted",
        "note policy-change-delegated",
        "note policy-change-by-administrator",
        "note deletion-by-administrator",
        "note deny-unconditional",
    ];
    assert_eq!(ids(&after), left);
    let sids: Vec<_> = document.statements.iter().skip(5).filter_map(|own| own.sid.as_deref()).collect();
    let added =
        ["DenyReplicas", "DenyGrants", "DenyDataOperationsToOtherPrincipals", "DenyReleaseToOtherImages"];
    let mut sorted = sids.clone();
    sorted.sort_unstable();
    let mut expected = added.to_vec();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    let administration = document.statements[1].actions.as_ref().unwrap().listed();
    assert!(administration.iter().all(|action| action != "kms:CreateGrant" && !action.contains('*')));
    assert!(administration.iter().any(|action| action == "kms:PutKeyPolicy"));
    let (_, after) = mended(&check(TEMPLATE, &options()), &options());
    assert!(after.findings().iter().all(|own| own.rule != Rule::EncryptUnattested), "{after}");
    assert_eq!(after.severity(), Some(pcrseal_policy::lint::Severity::Note));
}

#[test]
fn slips_are_mended_together() {
    let text = Draft::of(HARDENED)
        .set("Version", json!("2008-10-17"))
        .change("DenyOtherClusters", |own| {
            own.as_object_mut().unwrap().remove("Resource");
            own["Sid"] = json!("DenyOtherDataOps");
        })
        .change("AllowEnclaveDecrypt", |own| {
            own["Condition"] = json!({
                "ForAnyValue:StringLikeIfExists": {IMAGE: [format!("0x{}", hash("A")), hash("0")]},
                "StringEquals": own["Condition"]["StringEquals"],
            });
        })
        .add(allow(ADMINISTRATOR, "kms:Put*"))
        .add(allow(ENCLAVE, "kms:De*"))
        .text();
    let report = check(&text, &options());
    for rule in [
        Rule::VersionOld,
        Rule::StatementWithoutEffect,
        Rule::SidDuplicate,
        Rule::AttestationSetOperator,
        Rule::AttestationIfExists,
        Rule::HashComparison,
        Rule::HashPrefix,
        Rule::HashUpperCase,
        Rule::DebugImageListed,
        Rule::AdministrationWildcard,
        Rule::EnclaveWildcard,
    ] {
        let finding = report.findings().iter().find(|own| own.rule == rule);
        assert!(finding.unwrap_or_else(|| panic!("{rule}\n{report}")).fix.is_some(), "{rule}");
    }
    let (document, _) = mended(&report, &options());
    assert_eq!(document.version, Some(Version::V2012));
    let decrypt =
        document.statements.iter().find(|own| own.sid.as_deref() == Some("AllowEnclaveDecrypt")).unwrap();
    let condition = decrypt.conditions.iter().find(|own| own.key == IMAGE).unwrap();
    assert_eq!(condition.operator.to_string(), "StringEqualsIgnoreCase");
    assert_eq!(condition.values.as_slice(), [hash("a")]);
    let listed = |action: &str| {
        document
            .statements
            .iter()
            .any(|own| matches!(&own.actions, Some(Matching::Is(values)) if values.as_slice() == [action]))
    };
    assert!(listed("kms:PutKeyPolicy") && listed("kms:Decrypt"));
}

#[test]
fn remedies_without_a_choice_are_left_to_the_owner() {
    // No image is known: nothing says which to accept.
    let open =
        json!({"Version": "2012-10-17", "Statement": [allow("arn:aws:iam::111122223333:root", "kms:*")]});
    let report = check(&open.to_string(), &options());
    let finding = &report.findings()[0];
    assert_eq!(finding.rule, Rule::ReleaseWithoutAttestation);
    assert!(finding.fix.is_none());
    // With the image expected, it does.
    let image = pcrseal_core::pcr::Pcr::from_hex(&hash("a")).unwrap();
    let options = Options { images: vec![image], ..options() };
    let (document, _) = mended(&check(&open.to_string(), &options), &options);
    assert!(document.statements.iter().any(|own| own.sid.as_deref() == Some("DenyReleaseToOtherImages")));
}

#[test]
fn two_conditions_are_not_made_one() {
    let text = Draft::of(HARDENED)
        .change("AllowEnclaveDecrypt", |own| {
            own["Condition"] = json!({
                "StringEquals": {IMAGE: hash("a")},
                "StringLike": {IMAGE: hash("a")},
            });
        })
        .text();
    let report = check(&text, &options());
    let document = report.fixed();
    assert_eq!(policy(&document.to_json().to_compact()), document);
}

#[test]
fn a_remedy_that_does_harm_is_left_out() {
    // Complete, the Deny would keep the enclave out.
    let mut incomplete = deny("kms:Decrypt", &json!({}));
    incomplete.as_object_mut().unwrap().remove("Resource");
    let text = Draft::of(HARDENED).add(incomplete).text();
    let report = check(&text, &options());
    assert!(report.findings()[0].rule == Rule::StatementWithoutEffect && report.findings()[0].fix.is_some());
    assert_eq!(report.fixed(), policy(&text));
    // What an Allow should give is its owner's decision.
    let mut incomplete = allow(ADMINISTRATOR, "kms:UpdateAlias");
    incomplete.as_object_mut().unwrap().remove("Resource");
    let report = check(&Draft::of(HARDENED).add(incomplete).text(), &options());
    assert!(report.findings()[0].rule == Rule::StatementWithoutEffect && report.findings()[0].fix.is_none());
}

#[test]
fn a_condition_keeps_a_value() {
    let zeros = [hash("0"), hash("0")];
    for sole in
        [json!(hash("0")), json!([hash("0")]), json!(zeros), json!([hash("0"), format!("0x{}", hash("0"))])]
    {
        let text = Draft::of(HARDENED)
            .change("AllowEnclaveDecrypt", |own| {
                own["Condition"]["StringEqualsIgnoreCase"]["kms:RecipientAttestation:PCR3"] = sole.clone();
            })
            .text();
        let report = check(&text, &options());
        assert!(report.findings().iter().any(|own| own.rule == Rule::DebugImageListed));
        let fixes = report.findings().iter().filter_map(|own| own.fix.as_ref());
        let mended = fixes.fold(policy(&text), |document, fix| fix.apply(&document));
        let values =
            mended.statements.iter().flat_map(|own| &own.conditions).map(|own| own.values.as_slice());
        assert!(values.clone().all(|values| !values.is_empty()));
        assert!(values.flatten().any(|value| *value == hash("0")));
    }
}

#[test]
fn output_is_for_people_and_for_programs() {
    let report = check(HARDENED_ENCRYPT, &encrypt());
    assert_eq!(
        report.to_string(),
        "note: encrypt-unattested: ciphertexts can be made without attestation
    in statement 4 \"AllowEnclaveEncrypt\" (/Statement/4)
    what:   Without any attestation,
            arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet (with
            kms:EncryptionContext:pcrseal:cluster=prod-us-east-1-mainnet,
            kms:EncryptionContext:pcrseal:generation=1, kms:EncryptionContext:pcrseal:v=1,
            kms:EncryptionContext:pcrseal:wrapping=encrypt) may call kms:Encrypt.
    remedy: With wrapping `attested`, deny kms:Encrypt and kms:ReEncryptTo to everyone. With
            wrapping `encrypt`, bind kms:Encrypt to the encryption context of the cluster.

note: policy-change-by-administrator: an administrator may change the policy
    in statement 1 \"AllowKeyAdministration\" (/Statement/1)
    what:   arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin may call kms:PutKeyPolicy, and so can
            let themselves decrypt.
    remedy: See to it that no administrator governs as many keys as the threshold.

0 errors, 0 warnings, 2 notes
"
    );
    let json: serde_json::Value = serde_json::from_str(&report.to_json().to_compact()).unwrap();
    assert_eq!(
        json,
        json!({"errors": 0, "warnings": 0, "notes": 2, "findings": [
            {
                "id": "encrypt-unattested", "severity": "note",
                "statements": [{"index": 4, "sid": "AllowEnclaveEncrypt", "pointer": "/Statement/4"}],
                "what": report.findings()[0].what, "remedy": report.findings()[0].remedy, "fixable": false
            },
            {
                "id": "policy-change-by-administrator", "severity": "note",
                "statements": [{"index": 1, "sid": "AllowKeyAdministration", "pointer": "/Statement/1"}],
                "what": report.findings()[1].what, "remedy": report.findings()[1].remedy, "fixable": false
            }
        ]})
    );
    let without_sid = Draft::of(HARDENED).change("AllowKeyAdministration", |own| {
        own.as_object_mut().unwrap().remove("Sid");
    });
    let json = check(&without_sid.text(), &options()).to_json().to_compact();
    assert!(json.contains(r#"{"index":1,"sid":null,"pointer":"/Statement/1"}"#), "{json}");
}

/// Examples of AWS's pages, in their own account: findings that are true of them, and no nonsense.
#[test]
fn examples_of_aws() {
    // "Condition keys for AWS Nitro Enclaves", first example: its hash is a placeholder of 127 digits.
    let enclave = json!({
        "Sid": "Enable enclave data processing", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:role/data-processing"},
        "Action": ["kms:Decrypt", "kms:DeriveSharedSecret", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
            "kms:GenerateRandom"],
        "Resource": "*", "Condition": {"StringEqualsIgnoreCase": {IMAGE: hash("9")}}
    });
    let only = json!({"Version": "2012-10-17", "Statement": [enclave]}).to_string();
    assert_eq!(ids(&check(&only, &options())), ["error no-break-glass", "note action-without-key"]);
    // "Default key policy" for keys made by a program.
    let root = json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"});
    let default = json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [root]}).to_string();
    let found = [
        "error release-without-attestation",
        "error re-encrypt-allowed",
        "error encrypt-unattested",
        "error create-grant-allowed",
        "warning data-key-without-plaintext",
        "warning replicate-key-allowed",
        "note derive-shared-secret-open",
        "note policy-change-delegated",
        "note deletion-by-administrator",
    ];
    assert_eq!(ids(&check(&default, &options())), found);
    // "Default key policy", statements of the console: administrators.
    let administrators = json!({"Sid": "Allow access for Key Administrators", "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:role/ExampleAdminRole"]},
        "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:EnableKey", "kms:DisableKey"],
        "Resource": "*"});
    let both = json!({"Version": "2012-10-17", "Statement": [root, administrators]}).to_string();
    let more: Vec<_> =
        ids(&check(&both, &options())).into_iter().filter(|id| !found.contains(&id.as_str())).collect();
    assert_eq!(more, ["note policy-change-by-administrator"]);
}

#[test]
fn hostile_documents_are_judged() {
    let roles: Vec<String> = (0..30).map(|n| format!("arn:aws:iam::{ACCOUNT}:role/R{n}")).collect();
    let conditions = json!({
        "StringEquals": {"kms:EncryptionContext:": "x", "kms:EncryptionContext:é": "", "": "", ":": ":"},
        "StringLike": {IMAGE: ["*", "?", "0x*", "é", "*".repeat(300)], "aws:PrincipalArn": "*"},
        "ForAllValues:StringNotLike": {"kms:EncryptionContextKeys": []},
        "DateLessThan": {"aws:CurrentTime": "${"}, "Null": {IMAGE: [], "kms:ViaService": "maybe"},
        "NumericEquals": {"kms:RecipientAttestation:NitroTPMPCR23": "9".repeat(400)},
        "IpAddress": {"aws:SourceIp": "/"}, "Bool": {"aws:SecureTransport": "maybe"}
    });
    let statements: Vec<_> = (0..14)
        .map(|n| {
            let effect = if n % 3 == 0 { "Deny" } else { "Allow" };
            json!({"Sid": "é".repeat(n % 2), "Effect": effect, "Principal": {"AWS": if n % 5 == 0 { json!("*") } else { json!(roles) }},
                "Action": ["kms:*", "*", "kms:?ecrypt", ""], "Resource": ["*", "", "arn:aws:kms"],
                "Condition": if n % 2 == 0 { conditions.clone() } else { json!({}) }})
        })
        .collect();
    let text = json!({"Statement": statements}).to_string();
    for options in [options(), encrypt()] {
        let report = check(&text, &options);
        assert!(report.findings().iter().all(|own| own.rule != Rule::DocumentTooLarge));
        assert!(report.findings().iter().any(|own| own.rule == Rule::PrincipalNotProbed));
        assert!(report.findings().len() < 400, "{}", report.findings().len());
        assert!(!report.to_string().is_empty());
    }
    for text in [
        r#"{"Statement": []}"#,
        r#"{"Statement": {"Effect": "Allow"}}"#,
        r#"{"Statement": {"Effect": "Deny", "NotPrincipal": "*", "NotAction": [], "NotResource": []}}"#,
    ] {
        let _ = check(text, &options()).fixed();
    }
}
