//! Sealing over HTTP: keys that are unfit, seals that must not be handed out, and the three doors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{IMAGE, OTHER_IMAGE, World, attested_policy, encrypt_policy, key, pcrs};
use pcrseal::core::blob::SealedBlob;
use pcrseal::core::names::Wrapping;
use pcrseal::core::seal::HostVouchesForSecret;
use pcrseal::core::secret::Secret;
use pcrseal::{Code, Outcome};
use pcrseal_emulator::kms::{Access, Action, Fault, KeyHandle, KeyOptions, Operation};

#[tokio::test]
async fn unfit_keys_are_found_before_any_share_is_wrapped() {
    let world = World::new().await;
    let fit = world.keys[4].clone();
    let options = || KeyOptions::new(attested_policy());
    let disabled = key(&world.aws, 4, options());
    disabled.disable();
    let dying = key(&world.aws, 4, options());
    dying.schedule_deletion(u64::MAX);
    let imported = key(&world.aws, 4, options().imported());
    for unfit in [disabled, dying, imported] {
        let mut world = World { keys: world.keys.clone(), ..world_like(&world) };
        world.keys[4] = unfit;
        let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
        assert_eq!(error.code(), Code::KeyUnfit, "{error}");
        assert!(error.to_string().contains(world.keys[4].arn()));
        assert_eq!(error.report().keys[4].code, Some(Code::KeyUnfit));
        assert_only_dry_runs(&world);
    }
    assert_eq!(fit.requests(Operation::DescribeKey), 0);
}

#[tokio::test(start_paused = true)]
async fn of_several_unfit_keys_the_first_of_the_quorum_is_named() {
    let world = World::in_process();
    world.delay(&[1]);
    for key in [1, 4] {
        world.keys[key].disable();
    }
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert!(error.fault().to_string().contains(world.keys[1].arn()), "{}", error.fault());
    assert_eq!(error.report().count(Outcome::BadResponse), 2);
}

/// The preflight asks about GenerateDataKey as often as about Encrypt; a share would have been one more.
fn assert_only_dry_runs(world: &World) {
    assert_eq!(world.requests(Operation::GenerateDataKey), world.requests(Operation::Encrypt));
}

/// The same AWS; only the keys are chosen anew.
fn world_like(world: &World) -> World {
    World {
        authority: world.authority.clone(),
        clock: world.clock.clone(),
        aws: std::sync::Arc::clone(&world.aws),
        keys: Vec::new(),
        wrapping: world.wrapping,
    }
}

#[tokio::test]
async fn a_key_that_permits_encrypt_is_no_key_for_attested_wrapping() {
    let world = World::new().await;
    world.keys[3].set_policy(attested_policy().set(Action::Encrypt, Access::Allow));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyPermitsEncrypt);
    assert!(error.to_string().contains(world.keys[3].arn()));
    assert_only_dry_runs(&world);
}

#[tokio::test]
async fn a_key_that_may_not_be_described_is_not_blamed_on_the_image() {
    let world = World::new().await;
    world.keys[1].set_policy(attested_policy().set(Action::DescribeKey, Access::Deny));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyNotChecked);
    let hint = error.report().keys[1].hint.as_deref().unwrap();
    assert!(hint.contains("allows this role kms:DescribeKey"), "{hint}");
}

#[tokio::test]
async fn every_key_must_wrap_its_share() {
    let world = World::new().await;
    world.keys[2].set_policy(attested_policy().set(Action::GenerateDataKey, Access::Deny));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::SealIncomplete);
    assert_eq!(error.report().keys[2].outcome, Outcome::AccessDenied);
    let hint = error.report().keys[2].hint.as_deref().unwrap();
    assert!(hint.contains(&"a0".repeat(48)), "{hint}");
    assert!(error.report().keys[0].hint.is_none());
    assert!(error.report().keys.iter().all(|row| row.elapsed.is_some()));
    assert_eq!(error.report().count(Outcome::Granted), 4);
}

#[tokio::test]
async fn a_lying_key_ends_the_seal() {
    let world = World::new().await;
    for (fault, code) in [
        (Fault::OtherRecipient, Code::CmsForeignRecipient),
        (Fault::PlaintextBeside, Code::KmsPlaintextBesideRecipient),
        (Fault::PlaintextOnly, Code::KmsPlaintextBesideRecipient),
    ] {
        world.keys[1].set_fault(fault);
        let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
        assert_eq!(error.code(), Code::SealIncomplete, "{fault:?}");
        assert_eq!(error.report().keys[1].code, Some(code));
    }
}

#[tokio::test]
async fn a_blob_that_does_not_open_is_not_handed_out() {
    let world = World::new().await;
    // One key that wraps and does not release: the threshold would not miss it today.
    world.keys[4].set_policy(attested_policy().set(Action::Decrypt, Access::Deny));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().keys[4].outcome, Outcome::AccessDenied);
    assert_eq!(error.report().count(Outcome::Granted), 4);
}

#[tokio::test]
async fn a_share_key_that_kms_does_not_give_back_is_noticed_by_the_proof() {
    let world = World::new().await;
    // One key releases other bytes than it will decrypt to: the seal completes, the proof does not.
    world.keys[0].set_fault(Fault::WrongPlaintext);
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().keys[0].outcome, Outcome::BadResponse);
    assert_eq!(error.report().count(Outcome::Granted), 4);
}

#[tokio::test]
async fn encrypt_wrapping_seals_with_encrypt_and_unseals_attested() {
    let world = World::with(Wrapping::Encrypt, encrypt_policy()).await;
    let (blob, secret) = world.sealed().await;
    assert_eq!(SealedBlob::parse(&blob).unwrap().header().wrapping, Wrapping::Encrypt);
    assert!(world.enclave().unseal(&blob).await.unwrap().opened.secret().ct_eq(&secret));
    assert_eq!(world.requests(Operation::GenerateDataKey), 0);
    assert_eq!(world.requests(Operation::Encrypt), 5);
}

#[tokio::test]
async fn generate_reseal_import() {
    let world = World::new().await;
    let first = world.enclave().seal_generated(48, &[]).await.unwrap();
    assert_eq!(first.opened.secret().len(), 48);
    assert_eq!(first.opened.header().generation, 1);

    let opened = world.enclave().unseal(&first.blob).await.unwrap().opened;
    let second = world.enclave().reseal(&opened, &[]).await.unwrap();
    assert_eq!(second.opened.header().generation, 2);
    assert_ne!(second.opened.header().seal_id, first.opened.header().seal_id);
    assert!(second.opened.secret().ct_eq(first.opened.secret().expose()));

    let secret = Secret::copy_from(b"from the host");
    let imported = world.enclave().import(secret, HostVouchesForSecret, &[]).await.unwrap();
    let opened = world.enclave().unseal(&imported.blob).await.unwrap().opened;
    assert!(opened.secret().ct_eq(b"from the host"));
}

#[tokio::test]
async fn two_generated_secrets_differ() {
    let world = World::new().await;
    assert_ne!(world.sealed().await.1, world.sealed().await.1);
}

#[tokio::test]
async fn a_blob_sealed_for_two_images_opens_in_both() {
    let both = attested_policy();
    let both = (0..3).fold(both, |policy, index| {
        let position = pcrseal::core::pcr::PcrIndex::try_from(index).unwrap();
        policy.pcr(position, &OTHER_IMAGE[usize::try_from(index).unwrap()])
    });
    let world = World::with(Wrapping::Attested, both).await;
    let sealed = world.enclave().seal_generated(32, &[pcrs(OTHER_IMAGE)]).await.unwrap();
    for image in [IMAGE, OTHER_IMAGE] {
        let enclave = world.enclave_of(world.nsm(image), world.client().build().unwrap());
        let opened = enclave.unseal(&sealed.blob).await.unwrap().opened;
        assert!(opened.secret().ct_eq(sealed.opened.secret().expose()));
    }
}

#[tokio::test]
async fn external_aad_is_needed_again() {
    let world = World::new().await;
    let tenant = |aad: &[u8]| world.enclave().with_external_aad(aad);
    let sealed = tenant(b"tenant 1").seal_generated(32, &[]).await.unwrap();
    tenant(b"tenant 1").unseal(&sealed.blob).await.unwrap();
    let error = tenant(b"tenant 2").unseal(&sealed.blob).await.unwrap_err();
    assert_eq!(error.code(), Code::ContentRejected);
}

#[tokio::test]
async fn an_unreachable_key_is_found_before_any_share_is_wrapped() {
    let world = World::new().await;
    world.keys[0].set_fault(Fault::CloseConnection);
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyNotChecked);
    assert_eq!(error.report().keys[0].outcome, Outcome::Unreachable);
    // Three questions each.
    assert_eq!(world.keys[1..].iter().map(KeyHandle::total_requests).sum::<u64>(), 12);
}
