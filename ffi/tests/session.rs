//! Sealing and unsealing through the exported functions, against an AWS over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::ptr::{self, null_mut};
use std::sync::{Arc, Barrier};
use std::thread;

use common::{
    World, called, cancel, config, filled, generate, import, max_blob_len, reseal, retire, session,
    session_of, unseal, unseal_into, unsealed_len,
};
use pcrseal::Code;
use pcrseal_emulator::kms::{Fault, KeyHandle, Operation};
use pcrseal_ffi::{
    PCRSEAL_RETIREMENT_FAILED, PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE, PCRSEAL_RETIREMENT_RETIRED,
    pcrseal_config_set_deadline, pcrseal_generate, pcrseal_import_vouched, pcrseal_reseal,
    pcrseal_secret_data, pcrseal_secret_free, pcrseal_secret_len, pcrseal_session_free, pcrseal_unseal,
};
use serde_json::{Value, json};

#[test]
fn what_was_sealed_is_unsealed() {
    let world = World::new();
    let session = world.session();
    let sealed = generate(&session, 48, None).unwrap();
    assert!(sealed.blob.len() <= max_blob_len(&session, 48).unwrap());
    assert_eq!(unsealed_len(&session, &sealed.blob).unwrap(), 48);
    assert_eq!(sealed.secret.bytes().len(), 48);
    assert!(sealed.secret.bytes().iter().any(|byte| *byte != 0));
    assert_eq!(sealed.rows.len(), 3);
    assert!(sealed.rows.iter().filter(|row| row.outcome == "granted").count() >= 2);

    let (secret, rows) = unseal(&session, &sealed.blob, None).unwrap();
    assert_eq!(secret.bytes(), sealed.secret.bytes());
    assert_ne!(secret.bytes().as_ptr(), sealed.secret.bytes().as_ptr());
    let arns: Vec<_> = rows.iter().map(|row| row.key_arn.as_str()).collect();
    assert_eq!(arns, world.keys[..3].iter().map(KeyHandle::arn).collect::<Vec<_>>());
    for row in rows.iter().filter(|row| row.outcome == "granted") {
        assert!(row.status == 0 && row.aws_code.is_none() && row.milliseconds >= 0);
    }
    assert_eq!(unseal_into(&session, &sealed.blob, 48).unwrap(), secret.bytes());
    assert_eq!(unseal_into(&session, &sealed.blob, 100).unwrap(), secret.bytes());

    let imported = import(&session, b"what the host brings along").unwrap();
    assert_eq!(unseal(&session, &imported, None).unwrap().0.bytes(), b"what the host brings along");

    // Another session, as after a restart.
    assert_eq!(unseal(&world.session(), &sealed.blob, None).unwrap().0.bytes(), secret.bytes());
}

#[test]
fn a_reseal_keeps_the_secret_and_raises_the_generation() {
    let world = World::new();
    let session = world.session();
    let old = generate(&session, 32, None).unwrap();
    let new = reseal(&session, &old.blob).unwrap();
    assert_eq!(new.secret.bytes(), old.secret.bytes());
    assert_eq!(new.rows.len(), 3);
    let mut document = world.document();
    document["minimum_generation"] = json!(2);
    let later = common::session(&document).unwrap();
    assert_eq!(unseal(&later, &new.blob, None).unwrap().0.bytes(), old.secret.bytes());
    let failed = unseal(&later, &old.blob, None).unwrap_err();
    assert_eq!((failed.code, failed.rows), (Code::GenerationTooOld, Vec::new()));
}

#[test]
fn eight_threads_share_a_session() {
    let world = World::new();
    let session = world.session();
    let blobs: Vec<_> = (1..=8_u8).map(|number| import(&session, &[number; 32]).unwrap()).collect();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for (number, blob) in (1_u8..).zip(&blobs) {
            let (session, start) = (&session, &start);
            scope.spawn(move || {
                start.wait();
                for _ in 0..4 {
                    assert_eq!(unseal(session, blob, None).unwrap().0.bytes(), [number; 32]);
                    assert_eq!(unsealed_len(session, blob).unwrap(), 32);
                }
            });
        }
    });
}

#[test]
fn what_is_not_wanted_is_not_given() {
    let world = World::new();
    let session = world.session();
    let capacity = max_blob_len(&session, 16).unwrap();
    let blob = filled(capacity, |blob, capacity, len, error| unsafe {
        pcrseal_generate(session.get(), 16, ptr::null(), blob, capacity, len, null_mut(), null_mut(), error)
    });
    let blob = blob.unwrap();
    let resealed = filled(capacity, |new, capacity, new_len, error| unsafe {
        let (at, len, cancel) = (blob.as_ptr(), blob.len(), ptr::null());
        pcrseal_reseal(session.get(), at, len, cancel, new, capacity, new_len, null_mut(), null_mut(), error)
    });
    let mut secret = common::stale();
    called(|error| unsafe {
        let blob = resealed.unwrap();
        let (at, len) = (blob.as_ptr(), blob.len());
        pcrseal_unseal(session.get(), at, len, ptr::null(), &raw mut secret, null_mut(), error)
    })
    .unwrap();
    unsafe {
        assert_eq!(pcrseal_secret_len(secret), 16);
        pcrseal_secret_free(secret);
        // No handle: no secret, no session to end.
        let mut len = 7;
        assert!(pcrseal_secret_data(ptr::null(), &raw mut len).is_null());
        assert_eq!((len, pcrseal_secret_len(ptr::null())), (0, 0));
        pcrseal_secret_free(null_mut());
        pcrseal_session_free(null_mut());
        let mut blob_len = 7;
        let (session, blob) = (session.get(), null_mut::<u8>());
        let status =
            pcrseal_unseal(session, ptr::null(), 1, ptr::null(), &raw mut secret, null_mut(), null_mut());
        assert_eq!((status, secret.is_null()), (Code::NullPointer.number(), true));
        let status = pcrseal_import_vouched(
            session,
            ptr::null(),
            0,
            ptr::null(),
            blob,
            0,
            &raw mut blob_len,
            null_mut(),
            null_mut(),
        );
        assert_eq!((status, blob_len), (Code::SecretLength.number(), 0), "(NULL, 0) is an empty secret");
    }
}

#[test]
fn sizes_are_judged_before_anything_is_asked() {
    let world = World::new();
    let session = world.session();
    let sealed = generate(&session, 32, None).unwrap();
    let requests = world.aws.requests();
    let needed = max_blob_len(&session, 32).unwrap();
    for capacity in [0, needed - 1] {
        let (mut secret, mut report) = (common::stale(), common::stale());
        let (failed, len) = filled(capacity, |blob, capacity, len, error| unsafe {
            let (secret, report) = (&raw mut secret, &raw mut report);
            let blob = if capacity == 0 { null_mut() } else { blob };
            pcrseal_generate(session.get(), 32, ptr::null(), blob, capacity, len, secret, report, error)
        })
        .unwrap_err();
        assert_eq!((failed.code, len), (Code::BufferTooSmall, needed));
        assert!(secret.is_null() && report.is_null());
        let (failed, len) = filled(capacity, |blob, capacity, len, error| unsafe {
            let secret = sealed.secret.bytes();
            let (at, secret_len, cancel) = (secret.as_ptr(), secret.len(), ptr::null());
            pcrseal_import_vouched(
                session.get(),
                at,
                secret_len,
                cancel,
                blob,
                capacity,
                len,
                null_mut(),
                error,
            )
        })
        .unwrap_err();
        assert_eq!((failed.code, len), (Code::BufferTooSmall, needed));
        let (failed, len) = filled(capacity, |blob, capacity, len, error| unsafe {
            let (old, old_len, cancel) = (sealed.blob.as_ptr(), sealed.blob.len(), ptr::null());
            pcrseal_reseal(
                session.get(),
                old,
                old_len,
                cancel,
                blob,
                capacity,
                len,
                null_mut(),
                null_mut(),
                error,
            )
        })
        .unwrap_err();
        assert_eq!((failed.code, len), (Code::BufferTooSmall, needed));
    }
    for capacity in [0, 31] {
        let (failed, len) = unseal_into(&session, &sealed.blob, capacity).unwrap_err();
        assert_eq!((failed.code, len), (Code::BufferTooSmall, 32));
    }
    for secret_len in [0, 65_537, usize::MAX] {
        assert_eq!(max_blob_len(&session, secret_len).unwrap_err().code, Code::SecretLength);
        let (failed, len) = filled(needed, |blob, capacity, len, error| unsafe {
            let cancel = ptr::null();
            pcrseal_generate(
                session.get(),
                secret_len,
                cancel,
                blob,
                capacity,
                len,
                null_mut(),
                null_mut(),
                error,
            )
        })
        .unwrap_err();
        assert_eq!((failed.code, len), (Code::SecretLength, 0));
    }
    assert_eq!(world.aws.requests(), requests, "KMS was asked nothing");
}

#[test]
fn a_quorum_that_is_not_reached_tells_what_every_key_said() {
    let world = World::new();
    let session = world.session();
    let blob = generate(&session, 32, None).unwrap().blob;
    world.keys[0].disable();
    assert_eq!(unseal(&session, &blob, None).unwrap().0.bytes().len(), 32, "two of three are enough");
    world.keys[1].set_fault(Fault::InternalError);
    for failed in [
        unseal(&session, &blob, None).unwrap_err(),
        unseal_into(&session, &blob, 32).unwrap_err().0,
        reseal(&session, &blob).err().unwrap(),
    ] {
        assert_eq!(failed.code, Code::QuorumNotReached);
        assert!(failed.message.contains(Code::QuorumNotReached.text()), "{}", failed.message);
        assert_eq!(failed.rows.len(), 3);
        let disabled = &failed.rows[0];
        assert_eq!(
            (disabled.key_arn.as_str(), disabled.outcome.as_str()),
            (world.keys[0].arn(), "key_disabled")
        );
        assert_eq!(disabled.status, Code::KmsKeyDisabled.number());
        assert_eq!(disabled.aws_code.as_deref(), Some("DisabledException"));
        assert!(disabled.request_id.as_ref().is_some_and(|id| !id.is_empty()));
        assert!(disabled.milliseconds >= 0);
        assert_eq!(failed.rows[1].outcome, "unreachable");
        assert_eq!(failed.rows[2].outcome, "granted");
    }
    let failed = generate(&session, 32, None).err().unwrap();
    assert!(matches!(failed.code, Code::KeyUnfit | Code::KeyNotChecked), "{failed:?}");
    assert_eq!(failed.rows.len(), 3);
}

#[test]
fn what_the_session_does_not_trust_is_not_sent() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let other = session(&world.other_document()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = world.document();
        change(&mut document);
        session(&document).unwrap()
    };
    let cluster = with(&|document| document["cluster"] = json!("another"));
    let keys = with(&|document| document["seal_quorum"] = world.quorum(2, &[2, 3, 4]));
    let aad = with(&|document| document["external_aad"] = json!("b3RoZXI="));
    let requests = world.aws.requests();
    for (session, code) in [
        (other, Code::PcrDrift),
        (cluster, Code::ClusterMismatch),
        (keys, Code::KeyNotTrusted),
        (aad, Code::ContentRejected),
    ] {
        let failed = unseal(&session, &blob, None).unwrap_err();
        assert_eq!((failed.code, failed.rows.len()), (code, 0), "{}", failed.message);
    }
    let session = world.session();
    for end in [0, 1, blob.len() - 1] {
        let failed = unseal(&session, &blob[..end], None).unwrap_err();
        assert!((1400..2000).contains(&failed.code.number()), "{failed:?}");
        assert!(unsealed_len(&session, &blob[..end]).is_err());
    }
    assert_eq!(world.aws.requests(), requests, "KMS was asked nothing");
}

#[test]
fn a_deadline_ends_a_call() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let mut document = world.document();
    document["deadline_ms"] = json!(2_000);
    let session = session(&document).unwrap();
    world.keys[0].set_fault(Fault::Hang);
    world.keys[1].set_fault(Fault::Hang);
    let failed = unseal(&session, &blob, None).unwrap_err();
    assert_eq!(failed.code, Code::QuorumNotReached);
    let outcomes: Vec<_> = failed.rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes[..2], ["timeout", "timeout"], "{failed:?}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_however_short_its_deadline_is() {
    let mut document = World::new().document();
    document["cluster"] = json!("not a cluster");
    document["deadline_ms"] = json!(1);
    // A race against the deadline would be lost once in a while.
    for (deadline, code) in [(0, Code::ConfigValue), (1, Code::ClusterId)] {
        let config = config(&document).unwrap();
        called(|error| unsafe { pcrseal_config_set_deadline(config.get(), deadline, error) }).unwrap();
        for _ in 0..200 {
            assert_eq!(session_of(&config).unwrap_err().code, code);
        }
    }
}

#[test]
fn a_retired_key_refuses() {
    let world = World::new();
    let old = generate(&world.session(), 32, None).unwrap();
    let mut document = world.document();
    document["unseal_quorums"] = json!([world.quorum(2, &[0, 1, 2])]);
    document["seal_quorum"] = world.quorum(2, &[2, 3, 4]);
    document["deadline_ms"] = json!(2_000);
    let session = session(&document).unwrap();
    let arn = |position: usize| world.keys[position].arn();
    let code = |arn: &str| retire(&session, &old.blob, arn, true).unwrap_err().code;
    assert_eq!(code(arn(2)), Code::KeyInUse);
    assert_eq!(code("arn:aws:kms:eu-west-1:111122223333:key/none"), Code::KeyHoldsNoShare);
    assert_eq!(code("alias/mine"), Code::KeyArn);
    assert_eq!(world.requests(Operation::DisableKey), 0);

    let (state, rows) = retire(&session, &old.blob, arn(0), false).unwrap();
    assert_eq!((state, rows[0].outcome.as_str()), (PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE, "granted"));
    let (state, rows) = retire(&session, &old.blob, arn(0), true).unwrap();
    assert_eq!((state, rows.len()), (PCRSEAL_RETIREMENT_RETIRED, 1));
    assert_eq!((rows[0].key_arn.as_str(), rows[0].outcome.as_str()), (arn(0), "key_disabled"));
    world.keys[1].disable();
    let (state, _) = retire(&session, &old.blob, arn(1), false).unwrap();
    assert_eq!(state, PCRSEAL_RETIREMENT_RETIRED);
    assert_eq!(world.requests(Operation::DisableKey), 1, "what confirms disables nothing");
    assert_eq!(unseal(&session, &old.blob, None).unwrap_err().code, Code::QuorumNotReached);

    world.keys[0].set_fault(Fault::InternalError);
    let (state, rows) = retire(&session, &old.blob, arn(0), true).unwrap();
    assert_eq!((state, rows[0].outcome.as_str()), (PCRSEAL_RETIREMENT_FAILED, "unreachable"));
}

#[test]
fn a_session_without_a_transport_makes_no_requests() {
    let world = World::new();
    let blob = generate(&world.session(), 32, None).unwrap().blob;
    let mut document = world.document();
    let members = document.as_object_mut().unwrap();
    members.remove("kms");
    members.remove("credentials");
    members.insert("transport".into(), json!("host"));
    let session = session(&document).unwrap();
    assert_eq!(unsealed_len(&session, &blob).unwrap(), 32);
    for failed in [
        generate(&session, 32, None).err().unwrap(),
        import(&session, b"secret").unwrap_err(),
        reseal(&session, &blob).err().unwrap(),
        unseal(&session, &blob, Some(&cancel())).unwrap_err(),
        unseal_into(&session, &blob, 32).unwrap_err().0,
        retire(&session, &blob, world.keys[0].arn(), true).unwrap_err(),
        retire(&session, &blob, world.keys[0].arn(), false).unwrap_err(),
    ] {
        assert_eq!(failed.code, Code::ConfigTransport);
    }
}

#[test]
fn a_configuration_that_makes_no_session_says_why() {
    let world = World::new();
    let code = |change: &dyn Fn(&mut Value)| {
        let mut document = world.document();
        change(&mut document);
        session(&document).map(drop).unwrap_err().code
    };
    assert_eq!(code(&|document| document["cluster"] = json!("no cluster")), Code::ClusterId);
    assert_eq!(code(&|document| document["attester"]["path"] = json!("/nowhere/nsm")), Code::NsmSocket);
    assert_eq!(code(&|document| document["seal_quorum"]["threshold"] = json!(9)), Code::QuorumSize);
    let never_seals = {
        let mut document = world.document();
        document["unseal_quorums"] = json!([world.quorum(2, &[0, 1, 2])]);
        document.as_object_mut().unwrap().remove("seal_quorum");
        session(&document).unwrap()
    };
    assert_eq!(max_blob_len(&never_seals, 32).unwrap_err().code, Code::NoSealQuorum);
}

#[test]
fn sessions_end_while_others_work() {
    let world = Arc::new(World::new());
    let blob = Arc::new(generate(&world.session(), 32, None).unwrap().blob);
    let threads = (0..4).map(|_| {
        let (world, blob) = (Arc::clone(&world), Arc::clone(&blob));
        thread::spawn(move || {
            for _ in 0..3 {
                assert_eq!(unseal(&world.session(), &blob, None).unwrap().0.bytes().len(), 32);
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
}
