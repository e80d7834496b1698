//! Several keys, several clusters.

use pcrseal_core::names::ClusterId;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::lint::{Cluster, Rule, lint_clusters, lint_quorum};

use crate::setup::*;

/// A cluster that owns its keys.
pub(crate) struct Keys {
    id: ClusterId,
    threshold: u8,
    keys: Vec<(String, PolicyDocument)>,
}

impl Keys {
    pub(crate) fn cluster(&self) -> Cluster<'_> {
        Cluster { id: self.id.clone(), threshold: self.threshold, keys: &self.keys }
    }
}

/// The policy of a key that has its own account and administrator.
fn key(account: &str, change: impl Fn(Draft) -> Draft) -> (String, PolicyDocument) {
    let enclave = ENCLAVE.replace("role/", "role/here/");
    let text = HARDENED.replace(ENCLAVE, "ENCLAVE").replace(ACCOUNT, account).replace("ENCLAVE", &enclave);
    let text = change(Draft::of(&text)).text();
    (format!("arn:aws:kms:us-east-1:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"), policy(&text))
}

fn keys(id: &str, threshold: u8, keys: Vec<(String, PolicyDocument)>) -> Keys {
    Keys { id: ClusterId::new(id).unwrap(), threshold, keys }
}

fn same(draft: Draft) -> Draft {
    draft
}

const CLUSTER: &str = "prod-us-east-1-mainnet";
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

fn sound() -> Vec<(String, PolicyDocument)> {
    ACCOUNTS.map(|account| key(account, same)).to_vec()
}

/// Clusters, and the quorum's findings.
pub(crate) fn quorum_cases() -> Vec<(&'static str, Vec<Keys>, Vec<&'static str>)> {
    let one_account = || ["k1", "k2", "k3"].map(|name| (name.to_owned(), policy(HARDENED))).to_vec();
    let open = |account: &str| {
        let root = format!("arn:aws:iam::{account}:root");
        key(account, |draft| draft.without("DenyOtherImageSha384").add(allow(&root, "kms:Decrypt")))
    };
    let other_image = || {
        let text = HARDENED.replace(&hash("a"), &hash("b")).replace(ACCOUNT, ACCOUNTS[2]);
        (
            "arn:aws:kms:us-east-1:777788889999:key/1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            policy(&text),
        )
    };
    let other_cluster = |id: &str| {
        let text = HARDENED.replace(CLUSTER, id);
        vec![(
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            policy(&text),
        )]
    };
    let misbound = key(ACCOUNTS[1], |draft| {
        draft.change("AllowEnclaveDecrypt", |own| {
            own["Condition"]["StringEquals"]["kms:EncryptionContext:pcrseal:cluster"] =
                "prod-us-east-1-testnet".into();
        })
    });
    vec![
        ("a sound quorum", vec![keys(CLUSTER, 2, sound())], vec![]),
        (
            "a short id",
            vec![keys("mainnet", 2, sound())],
            vec![
                "error cluster-context-differs",
                "error cluster-context-differs",
                "error cluster-context-differs",
                "note cluster-id-convention",
            ],
        ),
        (
            "one administrator, one account",
            vec![keys(CLUSTER, 2, one_account())],
            vec!["error quorum-administrator", "note quorum-one-account"],
        ),
        (
            "one administrator below the threshold",
            vec![keys(
                CLUSTER,
                3,
                vec![one_account().remove(0), one_account().remove(1), key(ACCOUNTS[1], same)],
            )],
            vec![],
        ),
        (
            "open keys",
            vec![keys(CLUSTER, 2, vec![open(ACCOUNTS[0]), open(ACCOUNTS[1]), key(ACCOUNTS[2], same)])],
            vec!["error quorum-open"],
        ),
        (
            "open keys below the threshold",
            vec![keys(CLUSTER, 2, vec![open(ACCOUNTS[0]), key(ACCOUNTS[1], same), key(ACCOUNTS[2], same)])],
            vec![],
        ),
        (
            "another image at one key",
            vec![keys(CLUSTER, 2, vec![key(ACCOUNTS[0], same), key(ACCOUNTS[1], same), other_image()])],
            vec!["warning quorum-images-differ", "warning quorum-images-differ"],
        ),
        (
            "a key of another cluster",
            vec![keys(CLUSTER, 2, vec![key(ACCOUNTS[0], same), misbound, key(ACCOUNTS[2], same)])],
            vec!["error cluster-context-differs"],
        ),
        (
            "two clusters",
            vec![
                keys(CLUSTER, 2, sound()),
                keys("prod-eu-west-1-mainnet", 2, other_cluster("prod-eu-west-1-mainnet")),
            ],
            vec![],
        ),
        (
            "two clusters with one role",
            vec![
                keys(CLUSTER, 2, vec![("k".into(), policy(HARDENED))]),
                keys(
                    "prod-eu-west-1-mainnet",
                    2,
                    vec![(
                        "l".into(),
                        policy(&HARDENED.replace(CLUSTER, "prod-eu-west-1-mainnet").replace(
                            "ChamberEnclaveRole-prod-eu-west-1-mainnet",
                            "ChamberEnclaveRole-prod-us-east-1-mainnet",
                        )),
                    )],
                ),
            ],
            vec!["error role-in-two-clusters"],
        ),
        (
            "two clusters with one id",
            vec![
                keys(CLUSTER, 2, sound()),
                keys(
                    CLUSTER,
                    2,
                    vec![("k".into(), policy(&HARDENED.replace("ChamberEnclaveRole", "OtherEnclaveRole")))],
                ),
            ],
            vec!["error cluster-id-shared"],
        ),
    ]
}

#[test]
fn what_keys_have_in_common() {
    for (name, clusters, found) in quorum_cases() {
        let clusters: Vec<_> = clusters.iter().map(Keys::cluster).collect();
        let report = lint_clusters(&clusters, &options());
        let ids: Vec<_> =
            report.findings().iter().map(|own| format!("{} {}", own.severity, own.rule)).collect();
        assert_eq!(ids, found, "{name}\n{report}");
    }
}

#[test]
fn a_quorum_names_its_keys_and_their_findings() {
    let keys: Vec<_> = ["k1", "k2"].map(|name| (name.to_owned(), policy(TEMPLATE))).to_vec();
    let report = lint_quorum(&keys, 2, &ClusterId::new(CLUSTER).unwrap(), &encrypt());
    let rules: Vec<_> = report.findings().iter().map(|own| own.rule).collect();
    assert_eq!(rules, [Rule::QuorumAdministrator, Rule::QuorumOpen, Rule::QuorumOneAccount]);
    assert!(report.findings()[0].what.contains("role/ChamberKmsKeyAdmin may change the policies of 2 keys"));
    assert!(report.findings()[0].what.contains("k1, k2"));
    assert_eq!(report.keys()[1].1.findings(), check(TEMPLATE, &encrypt()).findings());
    let text = report.to_string();
    assert!(text.contains("\n\nk1\n\nerror: any-image-accepted"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json().to_compact()).unwrap();
    assert_eq!(json["errors"], 2);
    assert_eq!(json["notes"], 1);
    assert_eq!(json["keys"][1]["key"], "k2");
    assert_eq!(json["keys"][0]["findings"][0]["id"], "any-image-accepted");
}

#[test]
fn ids_by_convention() {
    let convention = |id: &str| {
        let id = ClusterId::new(id).unwrap();
        let report = lint_quorum(&[], 1, &id, &options());
        report.findings().iter().all(|own| own.rule != Rule::ClusterIdConvention)
    };
    for id in
        ["prod-us-east-1-mainnet", "dev-ap-southeast-2-a-b", "x-us-gov-west-1-y", "pre-prod-eu-west-1-z"]
    {
        assert!(convention(id), "{id}");
    }
    for id in [
        "prod",
        "prod-us-east-1",
        "us-east-1-mainnet",
        "prod-us-east-mainnet",
        "prod--us-east-1-m",
        "prod-us-east-1-",
        "prod_us-east-1_m",
        "prod-us-foo-west-1-m",
    ] {
        assert!(!convention(id), "{id}");
    }
}
