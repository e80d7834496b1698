//! Unsealing: keys that are down, slow or lying, and enclaves that are not the right one. Over HTTP, but where
//! answers take their time: there the clock is paused, and the KMS in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, SystemTime};

use common::{IMAGE, OTHER_IMAGE, ROLE, World, attested_policy};
use pcrseal::core::crypto::rustcrypto;
use pcrseal::core::error::Detail;
use pcrseal::core::names::Wrapping;
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal::core::secret::Secret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::Credentials;
use pcrseal::{Code, FanOut, Outcome};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{ContentForm, Fault, KeyHandle, KeyPolicy, Operation};
use pcrseal_emulator::nsm::{MapEncoding, Nsm, NsmConfig};

#[tokio::test(start_paused = true)]
async fn the_fastest_three_finish_the_job() {
    let world = World::in_process();
    let (blob, secret) = world.sealed().await;
    world.delay(&[0, 3]);
    let unsealed = world.enclave().unseal(&blob).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(&secret));
    let outcomes: Vec<_> = unsealed.report.keys.iter().map(|row| row.outcome.name()).collect();
    assert_eq!(outcomes, ["not_needed", "granted", "granted", "not_needed", "granted"]);
    assert!(
        unsealed.report.keys.iter().all(|row| row.elapsed.is_some() == (row.outcome == Outcome::Granted))
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hedges_asks_the_keys_that_it_knows_to_be_near() {
    let world = World::in_process();
    world.delay(&[0, 3]);
    let enclave = world.enclave().with_fan_out(FanOut::Hedged { delay: Duration::from_secs(20) });
    // A seal hears from every key.
    let blob = enclave.seal_generated(32, &[]).await.unwrap().blob;
    let decrypts = || world.keys.iter().map(|key| key.requests(Operation::Decrypt)).collect::<Vec<_>>();
    assert_eq!(decrypts(), [1, 1, 1, 1, 1]);
    enclave.unseal(&blob).await.unwrap();
    assert_eq!(decrypts(), [1, 2, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn two_keys_may_lie_or_fail_in_any_way() {
    let world = World::in_process();
    let (blob, secret) = world.sealed().await;
    // The honest keys answer last, so that every fault is seen before the threshold is reached.
    world.delay(&[2, 3, 4]);
    for (fault, outcome, code) in [
        (Fault::WrongPlaintext, Outcome::BadResponse, Code::ShareRejected),
        (Fault::OtherRecipient, Outcome::BadResponse, Code::CmsForeignRecipient),
        (Fault::PlaintextBeside, Outcome::BadResponse, Code::KmsPlaintextBesideRecipient),
        (Fault::PlaintextOnly, Outcome::BadResponse, Code::KmsPlaintextBesideRecipient),
        (Fault::WrongKeyId, Outcome::BadResponse, Code::AnswerKeyId),
        (Fault::GarbageBody, Outcome::BadResponse, Code::KmsAnswerMalformed),
        (Fault::EmptyBody, Outcome::BadResponse, Code::KmsAnswerMalformed),
        (Fault::OversizeBody, Outcome::BadResponse, Code::KmsAnswerTooLong),
        (Fault::CloseConnection, Outcome::Unreachable, Code::KmsHttp),
        (Fault::InternalError, Outcome::Unreachable, Code::KmsUnavailable),
        (Fault::Throttling, Outcome::Throttled, Code::KmsThrottled),
    ] {
        world.keys[..2].iter().for_each(|key| key.set_fault(fault));
        let unsealed = world.enclave().unseal(&blob).await.unwrap();
        assert!(unsealed.opened.secret().ct_eq(&secret));
        for row in &unsealed.report.keys[..2] {
            assert_eq!((row.outcome, row.code), (outcome, Some(code)), "{fault:?}");
        }
        assert_eq!(unsealed.report.count(Outcome::Granted), 3);
    }
}

#[tokio::test]
async fn keys_that_hang_do_not_hold_up_the_others() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    world.keys[..2].iter().for_each(|key| key.set_fault(Fault::Hang));
    let unsealed = world.enclave().unseal(&blob).await.unwrap();
    assert_eq!(unsealed.report.count(Outcome::NotNeeded), 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_hanging_keys_end_with_the_clients_timeout() {
    let world = World::in_process();
    let (blob, _) = world.sealed().await;
    world.keys[..3].iter().for_each(|key| key.set_fault(Fault::Hang));
    let client = world.client().operation_timeout(Duration::from_secs(3)).build().unwrap();
    let error = world.enclave_of(world.nsm(IMAGE), client).unseal(&blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    for row in &error.report().keys[..3] {
        assert_eq!((row.outcome, row.code), (Outcome::Timeout, Some(Code::KmsTimeout)));
    }
    assert_eq!(error.report().count(Outcome::Granted), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_whatever_the_client_does() {
    let world = World::in_process();
    let (blob, _) = world.sealed().await;
    world.keys.iter().for_each(|key| key.set_fault(Fault::Hang));
    let enclave = world.enclave().with_deadline(Duration::from_secs(4));
    let error = enclave.unseal(&blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().count(Outcome::Timeout), 5);
    // The client's own limit, a minute, would have left its code.
    assert!(error.report().keys.iter().all(|row| row.code.is_none()));
    let none = world.enclave().with_deadline(Duration::ZERO);
    assert_eq!(none.unseal(&blob).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn disabled_and_dying_keys_are_told_apart() {
    let world = World::in_process();
    let (blob, _) = world.sealed().await;
    world.delay(&[2, 3, 4]);
    world.keys[0].disable();
    world.keys[1].schedule_deletion(u64::MAX);
    let report = world.enclave().unseal(&blob).await.unwrap().report;
    assert_eq!(report.keys[0].outcome, Outcome::KeyDisabled);
    assert_eq!(&*report.keys[0].service.as_ref().unwrap().code, "DisabledException");
    assert_eq!(report.keys[1].outcome, Outcome::KeyPendingDeletion);
    assert_eq!(&*report.keys[1].service.as_ref().unwrap().code, "KMSInvalidStateException");
}

#[tokio::test]
async fn below_the_threshold_the_report_says_what_every_key_answered() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    world.keys[..3].iter().for_each(KeyHandle::disable);
    let error = world.enclave().unseal(&blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().count(Outcome::KeyDisabled), 3);
    assert_eq!(error.report().count(Outcome::Granted), 2);
    let service = error.report().keys[0].service.as_ref().unwrap();
    let text = error.to_string();
    for part in [&*service.code, &*service.message, &*service.request_id, world.keys[0].arn()] {
        assert!(!part.is_empty() && text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn drift_is_refused_before_any_request() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let before = world.aws.requests();
    let drifted = [IMAGE[0], Pcr::new([0xee; 48]), IMAGE[2]];
    let enclave = world.enclave_of(world.nsm(drifted), world.client().build().unwrap());
    let error = enclave.unseal(&blob).await.unwrap_err();
    assert_eq!(error.code(), Code::PcrDrift);
    let Detail::Pcrs(pcrs) = error.fault().detail() else { panic!("{error}") };
    assert_eq!(pcrs.iter().map(|pcr| pcr.index.get()).collect::<Vec<_>>(), [1]);
    assert_eq!(world.aws.requests(), before);
}

#[tokio::test]
async fn the_kms_enforces_pcrs_where_the_local_check_would_pass() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    // Anyone can bind a blob to another image; the key policies still know the right one.
    let random = pcrseal::core::crypto::aws_lc::BACKEND.random;
    let other = common::pcrs(OTHER_IMAGE);
    let rebound = pcrseal::core::blob::rebind::add_binding(&blob, &other, &world.policy(), random).unwrap();
    let enclave = world.enclave_of(world.nsm(OTHER_IMAGE), world.client().build().unwrap());
    let error = enclave.unseal(&rebound).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert_eq!(error.report().count(Outcome::AccessDenied), 5);
    // What the policies ought to name, were this the right image.
    for row in &error.report().keys {
        let hint = row.hint.as_deref().unwrap();
        assert!(hint.contains(&"b0".repeat(48)), "{hint}");
        assert!(error.to_string().contains(hint));
    }
}

#[tokio::test]
async fn debug_mode_is_refused_here_and_there() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let debug = || {
        let nsm = Nsm::boot(&world.authority, NsmConfig::new(IMAGE).role_arn(ROLE).debug_mode()).unwrap();
        world.enclave_of(nsm, world.client().build().unwrap())
    };
    let before = world.aws.requests();
    assert_eq!(debug().unseal(&blob).await.unwrap_err().code(), Code::DebugMode);
    assert_eq!(debug().seal_generated(32, &[]).await.unwrap_err().code(), Code::DebugMode);
    assert_eq!(world.aws.requests(), before);
}

#[tokio::test]
async fn a_stale_document_is_an_attestation_rejection() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let nsm_clock = Clock::fixed(u64::try_from(now.as_millis()).unwrap());
    let world = World::with_clocks(Wrapping::Attested, attested_policy(), &nsm_clock, &Clock::system()).await;
    let (blob, _) = world.sealed().await;
    nsm_clock.rewind(Duration::from_secs(301));
    let error = world.enclave().unseal(&blob).await.unwrap_err();
    assert_eq!(error.report().count(Outcome::AttestationRejected), 5);
}

#[tokio::test]
async fn wrong_credentials_are_access_denied() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let secret = |text: &str| Secret::copy_from(text.as_bytes());
    for (id, key, token) in [
        ("ASIATEST", "guess", Some("test-token")),
        ("ASIATEST", "test-secret", Some("guess")),
        ("ASIAOTHER", "test-secret", Some("test-token")),
    ] {
        let credentials = Credentials::new(id, secret(key), token.map(secret)).unwrap();
        let client =
            Client::builder().credentials(credentials).endpoint_url(&world.aws.endpoint()).build().unwrap();
        let error = world.enclave_of(world.nsm(IMAGE), client).unseal(&blob).await.unwrap_err();
        assert_eq!(error.report().count(Outcome::AccessDenied), 5, "{error}");
    }
}

#[tokio::test]
async fn nobody_listens() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    // Bound and not listening: nobody else can have the port.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", bound.local_addr().unwrap());
    let client = world.client().endpoint_url(&endpoint).build().unwrap();
    let error = world.enclave_of(world.nsm(IMAGE), client).unseal(&blob).await.unwrap_err();
    assert_eq!(error.report().count(Outcome::Unreachable), 5);
}

#[tokio::test]
async fn every_shape_of_document_and_cms_and_either_backend() {
    let world = World::new().await;
    let (blob, secret) = world.sealed().await;
    for encoding in [MapEncoding::Definite, MapEncoding::Indefinite] {
        for form in [ContentForm::Constructed, ContentForm::Primitive] {
            world.keys.iter().for_each(|key| key.set_content_form(form));
            let config = NsmConfig::new(IMAGE).role_arn(ROLE).map_encoding(encoding);
            let nsm = Nsm::boot(&world.authority, config).unwrap();
            let enclave =
                world.enclave_of(nsm, world.client().build().unwrap()).with_backend(rustcrypto::BACKEND);
            assert!(enclave.unseal(&blob).await.unwrap().opened.secret().ct_eq(&secret));
        }
    }
}

#[tokio::test]
async fn a_foreign_role_is_denied() {
    let world = World::with(Wrapping::Attested, attested_policy()).await;
    let (blob, _) = world.sealed().await;
    let stranger = KeyPolicy::attested(PcrIndex::all().zip(&IMAGE))
        .principal("arn:aws:iam::111122223333:role/another-cluster");
    world.keys.iter().for_each(|key| key.set_policy(stranger.clone()));
    let error = world.enclave().unseal(&blob).await.unwrap_err();
    assert_eq!(error.report().count(Outcome::AccessDenied), 5);
}
