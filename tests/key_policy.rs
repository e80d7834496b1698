//! Seals, unseals and rotations under rendered key policies, which the KMS enforces; and an intruder who has an
//! enclave, a role and the blob.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use common::{IMAGE, OTHER_IMAGE, ROLE, World, own_key, pcrs};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrSet};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::report::Report;
use pcrseal::core::secret::Secret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::{Credentials, DisableKeyRequest, PutKeyPolicyRequest};
use pcrseal::{Attester, AutoUnseal, Code, Error, Outcome, RetirementState};
use pcrseal_emulator::kms::KeyState::{Disabled, Enabled};
use pcrseal_emulator::kms::{KeyHandle, KeyPolicy, Operation, PolicyDocument, Principal};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{Hardened, Release, Template};

/// The one that the worlds' trust policies name.
const CLUSTER: &str = "test-eu-central-1";
const ADMINISTRATOR: &str = "ChamberKmsKeyAdmin";

fn account(key: &KeyHandle) -> AccountId {
    AccountId::new(KeyArn::new(key.arn()).unwrap().account()).unwrap()
}

fn administrator(key: &KeyHandle) -> String {
    format!("arn:aws:iam::{}:role/{ADMINISTRATOR}", account(key))
}

fn release(image: [Pcr; 3]) -> Release {
    Release::enclave(image[0]).unwrap()
}

/// The policy for one key, of this image.
fn hardened(key: &KeyHandle, current: [Pcr; 3]) -> Hardened {
    let arn = |text: &str| PrincipalArn::new(text).unwrap();
    let cluster = ClusterId::new(CLUSTER).unwrap();
    Hardened::new(account(key), cluster, arn(ROLE), vec![arn(&administrator(key))], release(current)).unwrap()
}

/// Lets every key's administrator put a policy on it.
async fn put(world: &World, policy: impl Fn(&KeyHandle) -> String) {
    for key in &world.keys {
        let client = signed_by(world, account(key).as_str());
        let policy = policy(key);
        let request = PutKeyPolicyRequest {
            key_id: key.arn(),
            policy: &policy,
            bypass_policy_lockout_safety_check: false,
        };
        client.put_key_policy(KeyArn::new(key.arn()).unwrap().region(), &request).await.unwrap();
    }
}

async fn harden(world: &World, change: impl Fn(Hardened) -> Hardened) {
    put(world, |key| change(hardened(key, IMAGE)).render().unwrap().json()).await;
}

/// Has an administrator in every account, whose access key id is the account; a key starts under the default policy.
fn with_administrators(world: World) -> World {
    for key in &world.keys {
        key.set_policy(KeyPolicy::allow_all());
        let (id, arn) = (account(key), administrator(key));
        world.aws.add_principal(Principal::new(id.as_str(), "test-secret", arn).unwrap());
    }
    world
}

fn signed_by(world: &World, access_key_id: &str) -> Client {
    let secret = Secret::copy_from(b"test-secret");
    world.client().credentials(Credentials::new(access_key_id, secret, None).unwrap()).build().unwrap()
}

fn codes(report: &Report) -> Vec<Option<Code>> {
    report.keys.iter().map(|row| row.code).collect()
}

#[track_caller]
fn all_refused(error: &Error, code: Code) {
    assert_eq!(error.report().count(Outcome::AccessDenied), 5, "{error}");
    assert_eq!(codes(error.report()), [Some(code); 5]);
}

fn enclave(world: &World, image: [Pcr; 3]) -> AutoUnseal<Client> {
    world.enclave_of(world.nsm(image), world.client().build().unwrap())
}

#[tokio::test]
async fn an_enclave_seals_and_unseals_under_hardened_in_five_accounts() {
    let world = with_administrators(World::new().await);
    harden(&world, |policy| policy).await;
    let (blob, secret) = world.sealed().await;
    // The dry runs before a seal.
    assert_eq!(world.requests(Operation::Encrypt), 5);
    assert!(world.enclave().unseal(&blob).await.unwrap().opened.secret().ct_eq(&secret));

    harden(&world, Hardened::outside_seal_window).await;
    assert!(world.enclave().unseal(&blob).await.unwrap().opened.secret().ct_eq(&secret));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::SealIncomplete);
    all_refused(&error, Code::KmsNoAllow);
}

#[tokio::test]
async fn encrypt_wrapping_has_a_hardened_policy_of_its_own() {
    let world = with_administrators(World::with(Wrapping::Encrypt, KeyPolicy::allow_all()).await);
    harden(&world, |policy| policy.wrapping(Wrapping::Encrypt)).await;
    let (blob, secret) = world.sealed().await;
    assert!(world.enclave().unseal(&blob).await.unwrap().opened.secret().ct_eq(&secret));
    // The policy of one wrapping is none for the other.
    harden(&world, |policy| policy).await;
    let error = world.enclave().unseal(&blob).await.unwrap_err();
    all_refused(&error, Code::KmsNoAllow);
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.report().count(Outcome::AccessDenied), 5);
}

#[tokio::test]
async fn a_rollover_lets_both_images_in_and_then_the_new_one_alone() {
    let world = with_administrators(World::new().await);
    harden(&world, |policy| policy).await;
    let sealed = world.enclave().seal_generated(32, &[pcrs(OTHER_IMAGE)]).await.unwrap();
    let opens = async |image| {
        let unsealed = enclave(&world, image).unseal(&sealed.blob).await?;
        assert!(unsealed.opened.secret().ct_eq(sealed.opened.secret().expose()));
        Ok::<_, Error>(())
    };
    opens(IMAGE).await.unwrap();
    all_refused(&opens(OTHER_IMAGE).await.unwrap_err(), Code::KmsExplicitDeny);

    let next = |key: &KeyHandle| hardened(key, OTHER_IMAGE);
    put(&world, |key| next(key).previous(release(IMAGE)).unwrap().render().unwrap().json()).await;
    opens(IMAGE).await.unwrap();
    opens(OTHER_IMAGE).await.unwrap();
    // The previous release does not seal any more.
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::SealIncomplete);
    all_refused(&error, Code::KmsNoAllow);
    enclave(&world, OTHER_IMAGE).seal_generated(32, &[]).await.unwrap();

    put(&world, |key| next(key).render().unwrap().json()).await;
    let error = opens(IMAGE).await.unwrap_err();
    all_refused(&error, Code::KmsExplicitDeny);
    let hint = error.report().keys[0].hint.as_deref().unwrap();
    assert!(hint.contains("Effect Deny") && hint.contains(&"a0".repeat(48)), "{hint}");
    opens(OTHER_IMAGE).await.unwrap();
}

#[tokio::test]
async fn a_new_generation_closes_the_old_one_without_a_new_image() {
    let world = with_administrators(World::new().await);
    harden(&world, |policy| policy).await;
    let enclave = world.enclave();
    let old = enclave.seal_generated(32, &[]).await.unwrap();
    let error = enclave.reseal(&old.opened, &[]).await.unwrap_err();
    all_refused(&error, Code::KmsExplicitDeny);
    harden(&world, |policy| policy.generations([1, 2]).unwrap()).await;
    let new = enclave.reseal(&old.opened, &[]).await.unwrap();
    enclave.unseal(&old.blob).await.unwrap();
    harden(&world, |policy| policy.generations([2]).unwrap()).await;
    all_refused(&enclave.unseal(&old.blob).await.unwrap_err(), Code::KmsExplicitDeny);
    let unsealed = enclave.unseal(&new.blob).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(old.opened.secret().expose()));
}

/// A blob under 3 of 5 keys of one account, and an enclave whose trust policy seals under 2 of 3 others.
async fn rotation(change: impl Fn(Hardened) -> Hardened) -> (World, Vec<u8>, AutoUnseal<Client>) {
    let mut world = with_administrators(World::of_one_account().await);
    harden(&world, &change).await;
    let (blob, _) = world.sealed().await;
    let old = std::mem::take(&mut world.keys);
    world.keys = (0..3).map(|number| own_key(&world.aws, number, KeyPolicy::allow_all())).collect();
    harden(&world, |policy| change(policy).generations([2]).unwrap()).await;
    let quorum = |threshold, keys: &[KeyHandle]| {
        let keys = keys.iter().map(|key| KeyArn::new(key.arn()).unwrap()).collect();
        Quorum::new(threshold, keys, Wrapping::Attested).unwrap()
    };
    let policy = TrustPolicy::builder(ClusterId::new(CLUSTER).unwrap())
        .seal_quorum(quorum(2, &world.keys))
        .unseal_quorum(quorum(3, &old))
        .build()
        .unwrap();
    world.keys = old;
    let client = world.client().build().unwrap();
    let enclave = AutoUnseal::new(Arc::new(world.nsm(IMAGE)), client, policy);
    (world, blob, enclave)
}

#[tokio::test]
async fn a_rotation_retires_its_keys_where_the_policy_lets_it() {
    let (world, blob, enclave) = rotation(|policy| policy.allow_enclave_to_disable().unwrap()).await;
    let keep = |_| ready(Ok::<_, Infallible>(()));
    let rotated = enclave.rotate(&blob, &[], keep).await.unwrap();
    assert!(rotated.old_blob_revoked);
    assert!(world.keys.iter().all(|key| key.state() == Disabled));
    enclave.unseal(&rotated.blob).await.unwrap();
    assert_eq!(enclave.unseal(&blob).await.unwrap_err().report().count(Outcome::KeyDisabled), 5);
}

#[tokio::test]
async fn otherwise_administrators_retire_them() {
    let (world, blob, enclave) = rotation(|policy| policy).await;
    let keep = |_| ready(Ok::<_, Infallible>(()));
    let rotated = enclave.rotate(&blob, &[], keep).await.unwrap();
    assert!(!rotated.old_blob_revoked);
    for retirement in &rotated.retirements {
        assert_eq!(retirement.state, RetirementState::Failed);
        assert_eq!(retirement.row.code, Some(Code::KmsNoAllow));
    }
    assert!(world.keys.iter().all(|key| key.state() == Enabled));
    for key in &world.keys {
        let arn = KeyArn::new(key.arn()).unwrap();
        let client = signed_by(&world, account(key).as_str());
        client.disable_key(arn.region(), &DisableKeyRequest { key_id: key.arn() }).await.unwrap();
        let confirmed = enclave.confirm_retired(&blob, &arn).await.unwrap();
        assert_eq!(
            (confirmed.state, confirmed.row.outcome),
            (RetirementState::Retired, Outcome::KeyDisabled)
        );
    }
}

/// An enclave of the intruder's own, which says that it measured the right image: the host of an enclave says what it
/// likes. The attestation document is genuine.
struct Pretender(Nsm);

impl Attester for Pretender {
    fn measured_pcrs(&self) -> Result<PcrSet, pcrseal::core::error::Error> {
        Ok(pcrs(IMAGE))
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, pcrseal::core::error::Error> {
        self.0.attest(request)
    }
}

/// Opens a blob as the role `data-processing` of the keys' account, whom IAM gives kms:Decrypt: in an enclave in debug
/// mode, of whatever image.
async fn intrude(world: &World, blob: &[u8]) -> Result<Vec<u8>, Error> {
    let role = "arn:aws:iam::111122223333:role/data-processing";
    let iam =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}"#;
    let intruder = Principal::new("AKIAINTRUDER", "test-secret", role).unwrap();
    world.aws.add_principal(intruder.iam_policy(PolicyDocument::parse(iam).unwrap()));
    let debug = Nsm::boot(&world.authority, NsmConfig::new(OTHER_IMAGE).debug_mode()).unwrap();
    let client = signed_by(world, "AKIAINTRUDER");
    let enclave = AutoUnseal::new(Arc::new(Pretender(debug)), client, world.policy());
    enclave.unseal(blob).await.map(|unsealed| unsealed.opened.secret().expose().to_vec())
}

#[tokio::test]
async fn another_role_of_the_account_opens_the_blob_under_five_statement_and_not_under_hardened() {
    let mut world = with_administrators(World::of_one_account().await);
    world.wrapping = Wrapping::Encrypt;
    let name = format!("ChamberEnclaveRole-{CLUSTER}");
    let role = format!("arn:aws:iam::111122223333:role/{name}");
    let owner = Principal::new("AKIAENCLAVE", "test-secret", &role).unwrap();
    world.aws.add_principal(owner.without_iam_policies());
    put(&world, |key| {
        let cluster = ClusterId::new(CLUSTER).unwrap();
        let template = Template::five_statement(account(key), cluster, release(IMAGE)).unwrap();
        template.wrapping(Wrapping::Encrypt).render().unwrap().json()
    })
    .await;
    let enclave = world.enclave_of(world.nsm(IMAGE), signed_by(&world, "AKIAENCLAVE"));
    // The template does not let the enclave's role describe the key: IAM must.
    let error = enclave.seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyNotChecked);
    all_refused(&error, Code::KmsNoAllow);
    let iam = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"}}"#;
    let owner = Principal::new("AKIAENCLAVE", "test-secret", &role).unwrap();
    world.aws.add_principal(owner.iam_policy(PolicyDocument::parse(iam).unwrap()));
    let sealed = enclave.seal_generated(32, &[]).await.unwrap();
    assert_eq!(intrude(&world, &sealed.blob).await.unwrap(), sealed.opened.secret().expose());

    for wrapping in [Wrapping::Encrypt, Wrapping::Attested] {
        let mut world = with_administrators(World::of_one_account().await);
        world.wrapping = wrapping;
        harden(&world, |policy| policy.wrapping(wrapping)).await;
        let (blob, _) = world.sealed().await;
        all_refused(&intrude(&world, &blob).await.unwrap_err(), Code::KmsExplicitDeny);
    }
}
