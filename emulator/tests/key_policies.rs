//! What the key-policy page claims, against a server that enforces it: the page's template (`five-statement`) and the
//! policy that closes its gaps (`hardened`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::recipient::{document, open, recipient};
use common::{ACCOUNT, Client, Fixture, Reply, image};
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::kms::{PolicyDocument, Principal};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{BreakGlass, Hardened, Release, Template};
use serde_json::{Value, json};

const CLUSTER: &str = "prod-us-east-1-mainnet";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin";
const NEXT_ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/NextKmsKeyAdmin";
const ENCLAVE: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
const OTHER_CLUSTER: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-eu-west-1-mainnet";
/// A role of the account that has nothing to do with the key, and whom IAM gives kms:Decrypt.
const DATA_PROCESSING: &str = "arn:aws:iam::111122223333:role/data-processing";

const NO_ALLOW: &str = "because no resource-based policy allows the kms:Decrypt action";
const NO_IAM_ALLOW: &str = "because no identity-based policy allows the kms:Decrypt action";
const EXPLICIT_DENY: &str = "with an explicit deny in a resource-based policy";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    FiveStatement,
    Hardened,
}

const BOTH: [Profile; 2] = [Profile::FiveStatement, Profile::Hardened];

impl Profile {
    /// The policy for these images.
    fn json(self, current: [Pcr; 3], previous: Option<[Pcr; 3]>) -> String {
        let release = |image: [Pcr; 3]| Release::enclave(image[0]).unwrap();
        let account = AccountId::new(ACCOUNT).unwrap();
        let cluster = ClusterId::new(CLUSTER).unwrap();
        let previous = previous.map(release);
        match self {
            Self::FiveStatement => {
                let template = Template::five_statement(account, cluster, release(current)).unwrap();
                let template = match previous {
                    Some(previous) => template.previous(previous).unwrap(),
                    None => template,
                };
                template.wrapping(Wrapping::Encrypt).render().unwrap().json()
            }
            Self::Hardened => {
                let hardened = hardened(current, ADMINISTRATOR);
                let hardened = match previous {
                    Some(previous) => hardened.previous(previous).unwrap(),
                    None => hardened,
                };
                hardened.render().unwrap().json()
            }
        }
    }

    /// What denies another image: the template has nothing but a missing Allow.
    const fn other_image(self) -> &'static str {
        match self {
            // The root statement leaves it to IAM, which gives the enclave's role nothing.
            Self::FiveStatement => NO_IAM_ALLOW,
            Self::Hardened => EXPLICIT_DENY,
        }
    }
}

fn hardened(current: [Pcr; 3], administrator: &str) -> Hardened {
    let arn = |text| PrincipalArn::new(text).unwrap();
    let (account, cluster) = (AccountId::new(ACCOUNT).unwrap(), ClusterId::new(CLUSTER).unwrap());
    let release = Release::enclave(current[0]).unwrap();
    Hardened::new(account, cluster, arn(ENCLAVE), vec![arn(administrator)], release).unwrap()
}

const OTHER_IMAGE: [Pcr; 3] = [Pcr::new([0xb0; 48]), Pcr::new([0xb1; 48]), Pcr::new([0xb2; 48])];

/// With the role's name for its access key id, which can hold no slash.
fn principal(arn: &str) -> Principal {
    Principal::new(access_key_id(arn), "secret", arn).unwrap()
}

fn access_key_id(arn: &str) -> &str {
    arn.rsplit([':', '/']).next().unwrap()
}

fn iam(action: &str) -> PolicyDocument {
    let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
    PolicyDocument::parse(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string()).unwrap()
}

/// A key that its administrator created under one of the policies, and a share that the enclave made with it.
struct Share {
    fixture: Fixture,
    arn: String,
    request: Value,
    plaintext: Vec<u8>,
}

impl Share {
    async fn of(profile: Profile) -> Self {
        Self::under(&profile.json(image(), None), profile).await
    }

    async fn under(policy: &str, profile: Profile) -> Self {
        let fixture = Fixture::start().await;
        let nothing = |arn: &str| principal(arn).without_iam_policies();
        fixture.kms.add_principal(principal(ADMINISTRATOR).iam_policy(iam("kms:CreateKey")));
        fixture.kms.add_principal(nothing(ENCLAVE));
        fixture.kms.add_principal(nothing(OTHER_CLUSTER));
        fixture.kms.add_principal(principal(DATA_PROCESSING).iam_policy(iam("kms:Decrypt")));
        let mut share = Self { fixture, arn: String::new(), request: Value::Null, plaintext: Vec::new() };
        let created = share.client(ADMINISTRATOR).call("CreateKey", &json!({ "Policy": policy })).await.ok();
        share.arn = created.json()["KeyMetadata"]["Arn"].as_str().unwrap().into();
        share.make(profile).await;
        share
    }

    /// As pcrseal does it with the wrapping that the policy is for.
    async fn make(&mut self, profile: Profile) {
        let wrapping = if profile == Profile::Hardened { "attested" } else { "encrypt" };
        let context = json!({
            "pcrseal:v": "1", "pcrseal:cluster": CLUSTER, "pcrseal:seal-id": "0".repeat(32),
            "pcrseal:generation": "1", "pcrseal:wrapping": wrapping, "pcrseal:share": "1/3",
        });
        self.request = json!({ "KeyId": self.arn, "EncryptionContext": context });
        let mut request = self.request.clone();
        let enclave = self.client(ENCLAVE);
        let (blob, plaintext) = if profile == Profile::Hardened {
            request["KeySpec"] = "AES_256".into();
            request["Recipient"] = recipient(&document(&self.fixture.nsm));
            let reply = enclave.call("GenerateDataKey", &request).await.ok();
            (reply.text("CiphertextBlob"), open(&reply.blob("CiphertextForRecipient")))
        } else {
            request["Plaintext"] = STANDARD.encode([7; 32]).into();
            (enclave.call("Encrypt", &request).await.ok().text("CiphertextBlob"), vec![7; 32])
        };
        self.request["CiphertextBlob"] = blob.into();
        self.plaintext = plaintext;
    }

    fn client(&self, arn: &str) -> Client {
        Client::new(&self.fixture.kms, &self.fixture.clock, access_key_id(arn), "secret")
    }

    fn boot(&self, image: [Pcr; 3]) -> Nsm {
        Nsm::boot(&self.fixture.authority, NsmConfig::new(image)).unwrap()
    }

    fn debug(&self) -> Nsm {
        Nsm::boot(&self.fixture.authority, NsmConfig::new(image()).debug_mode()).unwrap()
    }

    /// Asks for the share, from this enclave.
    async fn decrypt(&self, role: &str, nsm: &Nsm) -> Reply {
        let mut request = self.request.clone();
        request["Recipient"] = recipient(&document(nsm));
        self.client(role).call("Decrypt", &request).await
    }

    #[track_caller]
    fn is_released(&self, reply: Reply) {
        let reply = reply.ok();
        assert_eq!(open(&reply.blob("CiphertextForRecipient")), self.plaintext);
        assert_eq!(reply.json().get("Plaintext"), None);
    }

    async fn put_policy(&self, role: &str, policy: &str) -> Reply {
        self.client(role).call("PutKeyPolicy", &json!({ "KeyId": self.arn, "Policy": policy })).await
    }

    async fn call(&self, role: &str, operation: &str) -> Reply {
        self.client(role).call(operation, &json!({ "KeyId": self.arn })).await
    }
}

#[track_caller]
fn is_denied(reply: &Reply, reason: &str) {
    reply.is_error(400, "AccessDeniedException", reason);
}

#[tokio::test]
async fn the_role_without_an_attestation_document_is_denied() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        let reply = share.client(ENCLAVE).call("Decrypt", &share.request).await;
        is_denied(&reply, EXPLICIT_DENY);
        share.is_released(share.decrypt(ENCLAVE, &share.fixture.nsm).await);
    }
}

#[tokio::test]
async fn another_image_and_debug_mode_are_denied() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        for nsm in [share.boot(OTHER_IMAGE), share.debug()] {
            is_denied(&share.decrypt(ENCLAVE, &nsm).await, profile.other_image());
        }
    }
}

#[tokio::test]
async fn the_previous_image_gets_in_during_a_rollover_and_not_after_it() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        let (old, new) = (&share.fixture.nsm, share.boot(OTHER_IMAGE));
        share.put_policy(ADMINISTRATOR, &profile.json(OTHER_IMAGE, Some(image()))).await.ok();
        share.is_released(share.decrypt(ENCLAVE, old).await);
        share.is_released(share.decrypt(ENCLAVE, &new).await);
        share.put_policy(ADMINISTRATOR, &profile.json(OTHER_IMAGE, None)).await.ok();
        is_denied(&share.decrypt(ENCLAVE, old).await, profile.other_image());
        share.is_released(share.decrypt(ENCLAVE, &new).await);
    }
}

#[tokio::test]
async fn administrators_manage_and_do_not_decrypt() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        for operation in ["DescribeKey", "GetKeyPolicy", "ListKeyPolicies", "DisableKey", "EnableKey"] {
            share.call(ADMINISTRATOR, operation).await.ok();
        }
        let without = share.client(ADMINISTRATOR).call("Decrypt", &share.request).await;
        is_denied(&without, EXPLICIT_DENY);
        let attested = share.decrypt(ADMINISTRATOR, &share.fixture.nsm).await;
        is_denied(&attested, if profile == Profile::Hardened { NO_ALLOW } else { NO_IAM_ALLOW });
        let mut request = json!({ "KeyId": share.arn, "Plaintext": STANDARD.encode([7; 32]) });
        let encrypted = share.client(ADMINISTRATOR).call("Encrypt", &request).await;
        encrypted.is_error(400, "AccessDeniedException", "kms:Encrypt");
        request["KeySpec"] = "AES_256".into();
        request["Recipient"] = recipient(&document(&share.fixture.nsm));
        let generated = share.client(ADMINISTRATOR).call("GenerateDataKey", &request).await;
        generated.is_error(400, "AccessDeniedException", "kms:GenerateDataKey");
    }
}

#[tokio::test]
async fn the_role_of_another_cluster_is_denied() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        // The same image: attestation passes.
        let reply = share.decrypt(OTHER_CLUSTER, &share.fixture.nsm).await;
        is_denied(&reply, if profile == Profile::Hardened { NO_ALLOW } else { NO_IAM_ALLOW });
    }
}

#[tokio::test]
async fn a_disabled_key_refuses_everyone() {
    for profile in BOTH {
        let share = Share::of(profile).await;
        share.call(ENCLAVE, "DisableKey").await.is_error(400, "AccessDeniedException", "kms:DisableKey");
        share.call(ADMINISTRATOR, "DisableKey").await.ok();
        let reply = share.decrypt(ENCLAVE, &share.fixture.nsm).await;
        reply.is_error(400, "DisabledException", "is disabled");
        share.call(ADMINISTRATOR, "EnableKey").await.ok();
        share.is_released(share.decrypt(ENCLAVE, &share.fixture.nsm).await);
    }
}

/// Any enclave of any role of the account that IAM gives kms:Decrypt: the root statement hands `kms:*` to IAM, and
/// the Deny asks for some attestation document, whatever it shows.
#[tokio::test]
async fn the_gap_of_the_template_is_open_in_it_and_closed_in_hardened() {
    let share = Share::of(Profile::FiveStatement).await;
    for nsm in [share.boot(OTHER_IMAGE), share.debug(), share.boot(image())] {
        share.is_released(share.decrypt(DATA_PROCESSING, &nsm).await);
    }
    is_denied(&share.client(DATA_PROCESSING).call("Decrypt", &share.request).await, EXPLICIT_DENY);

    let share = Share::of(Profile::Hardened).await;
    for nsm in [share.boot(OTHER_IMAGE), share.debug()] {
        is_denied(&share.decrypt(DATA_PROCESSING, &nsm).await, EXPLICIT_DENY);
    }
    // The right image is not enough either: nothing is left to IAM.
    is_denied(&share.decrypt(DATA_PROCESSING, &share.boot(image())).await, NO_ALLOW);
    is_denied(&share.client(DATA_PROCESSING).call("Decrypt", &share.request).await, EXPLICIT_DENY);
}

#[tokio::test]
async fn under_the_template_iam_can_take_the_deny_away_and_under_hardened_it_cannot() {
    let open = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
    } });
    let editor = "arn:aws:iam::111122223333:role/policy-editor";
    for profile in BOTH {
        let share = Share::of(profile).await;
        share.fixture.kms.add_principal(principal(editor).iam_policy(iam("kms:PutKeyPolicy")));
        let put = share.put_policy(editor, &open.to_string()).await;
        if profile == Profile::Hardened {
            is_denied(&put, "because no resource-based policy allows the kms:PutKeyPolicy action");
        } else {
            put.ok();
            let reply = share.client(DATA_PROCESSING).call("Decrypt", &share.request).await.ok();
            assert_eq!(reply.blob("Plaintext"), share.plaintext);
        }
    }
}

#[tokio::test]
async fn nobody_makes_shares_outside_of_the_enclave_under_hardened() {
    let share = Share::of(Profile::Hardened).await;
    let mut request = share.request.clone();
    request["Plaintext"] = STANDARD.encode([7; 32]).into();
    request["KeySpec"] = "AES_256".into();
    request["KeyPairSpec"] = "ECC_NIST_P256".into();
    request["DestinationKeyId"] = share.arn.clone().into();
    request["SourceEncryptionContext"] = request["EncryptionContext"].clone();
    for operation in [
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPairWithoutPlaintext",
        "ReEncrypt",
    ] {
        is_denied(&share.client(ENCLAVE).call(operation, &request).await, EXPLICIT_DENY);
    }
    // By the template the parent instance, which holds the role's credentials, encrypts what it likes.
    let share = Share::of(Profile::FiveStatement).await;
    let request = json!({ "KeyId": share.arn, "Plaintext": STANDARD.encode([7; 32]) });
    share.client(ENCLAVE).call("Encrypt", &request).await.ok();
}

#[tokio::test]
async fn hardened_binds_cluster_and_generation() {
    let mut share = Share::of(Profile::Hardened).await;
    for (name, value) in [
        ("pcrseal:cluster", "prod-eu-west-1-mainnet"),
        ("pcrseal:generation", "2"),
        ("pcrseal:wrapping", "encrypt"),
        ("pcrseal:v", "2"),
        ("other", "x"),
    ] {
        let genuine = share.request.clone();
        share.request["EncryptionContext"][name] = value.into();
        is_denied(&share.decrypt(ENCLAVE, &share.fixture.nsm).await, "kms:Decrypt");
        share.request = genuine;
    }
    // Once the next generation is in use, the key refuses the old shares: without a new image.
    let next = hardened(image(), ADMINISTRATOR).generations([2]).unwrap().render().unwrap().json();
    share.put_policy(ADMINISTRATOR, &next).await.ok();
    is_denied(&share.decrypt(ENCLAVE, &share.fixture.nsm).await, EXPLICIT_DENY);
}

#[tokio::test]
async fn hardened_demands_every_register() {
    let [pcr0, pcr1, pcr2] = image();
    let release = Release::enclave(pcr0).unwrap();
    let release = release.accept(common::index(1), pcr1).unwrap().accept(common::index(2), pcr2).unwrap();
    let arn = |text| PrincipalArn::new(text).unwrap();
    let (account, cluster) = (AccountId::new(ACCOUNT).unwrap(), ClusterId::new(CLUSTER).unwrap());
    let policy = Hardened::new(account, cluster, arn(ENCLAVE), vec![arn(ADMINISTRATOR)], release).unwrap();
    let share = Share::under(&policy.render().unwrap().json(), Profile::Hardened).await;
    for position in 0..3 {
        let mut drifted = image();
        drifted[position] = Pcr::new([9; 48]);
        is_denied(&share.decrypt(ENCLAVE, &share.boot(drifted)).await, EXPLICIT_DENY);
    }
    share.is_released(share.decrypt(ENCLAVE, &share.boot(image())).await);
}

#[tokio::test]
async fn the_break_glass_path_restores_a_key_whose_administrator_is_gone() {
    for break_glass in [None, Some(BreakGlass::RootUser), Some(BreakGlass::Iam)] {
        let policy = |administrator| match break_glass {
            Some(by) => hardened(image(), administrator).break_glass(by).render().unwrap().json(),
            None => Profile::FiveStatement.json(image(), None).replace(ADMINISTRATOR, administrator),
        };
        let profile = if break_glass.is_some() { Profile::Hardened } else { Profile::FiveStatement };
        let share = Share::under(&policy(ADMINISTRATOR), profile).await;
        share.call(ADMINISTRATOR, "DisableKey").await.ok();
        assert!(share.fixture.kms.remove_principal(ADMINISTRATOR).unwrap());
        share.call(ADMINISTRATOR, "EnableKey").await.is_error(400, "UnrecognizedClientException", "");
        // A role of the same name is another one.
        let again = principal(ADMINISTRATOR).without_iam_policies();
        share.fixture.kms.add_principal(again);
        share.call(ADMINISTRATOR, "EnableKey").await.is_error(400, "AccessDeniedException", "kms:EnableKey");

        let next = principal(NEXT_ADMINISTRATOR);
        share.fixture.kms.add_principal(next.without_iam_policies());
        let editor = "arn:aws:iam::111122223333:role/policy-editor";
        share.fixture.kms.add_principal(principal(editor).iam_policy(iam("kms:PutKeyPolicy")));
        share.fixture.kms.add_principal(principal(ROOT));
        let rescuer = if break_glass == Some(BreakGlass::RootUser) {
            is_denied(&share.put_policy(editor, &policy(NEXT_ADMINISTRATOR)).await, "kms:PutKeyPolicy");
            ROOT
        } else {
            editor
        };
        // None of it decrypts.
        is_denied(&share.client(rescuer).call("Decrypt", &share.request).await, EXPLICIT_DENY);
        share.put_policy(rescuer, &policy(NEXT_ADMINISTRATOR)).await.ok();
        share.call(NEXT_ADMINISTRATOR, "EnableKey").await.ok();
        share.is_released(share.decrypt(ENCLAVE, &share.fixture.nsm).await);
    }
}
