//! What is done with a blob alone: looking into it, and binding it to other images.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use common::calls::{Handle, Outcome, called, made, refused, written};
use common::{World, generate, session, unseal};
use pcrseal::Code;
use pcrseal_emulator::kms::{KeyHandle, KeyPolicy};
use pcrseal_ffi::*;
use serde_json::{Value, json};

fn inspect(blob: &[u8], external_aad: &[u8]) -> Outcome<Value> {
    let json = written(|json, capacity, len, error| unsafe {
        let (aad, aad_len) = (external_aad.as_ptr(), external_aad.len());
        pcrseal_inspect(blob.as_ptr(), blob.len(), aad, aad_len, json, capacity, len, error)
    })?;
    assert_eq!(json, pcrseal::inspect(blob, external_aad).unwrap().to_json().as_bytes());
    Ok(serde_json::from_slice(&json).unwrap())
}

fn pcrs(values: &[(u32, u8)]) -> Handle<PcrSet> {
    let pcrs = made(pcrseal_pcr_set_free, |pcrs, error| unsafe { pcrseal_pcr_set_new(pcrs, error) }).unwrap();
    for (index, byte) in values {
        let value = [*byte; 48];
        called(|error| unsafe { pcrseal_pcr_set_insert(pcrs.get(), *index, value.as_ptr(), 48, error) })
            .unwrap();
    }
    pcrs
}

fn add(session: &Handle<Session>, blob: &[u8], pcrs: &Handle<PcrSet>) -> Outcome<Vec<u8>> {
    written(|new, capacity, len, error| unsafe {
        pcrseal_add_binding(session.get(), blob.as_ptr(), blob.len(), pcrs.get(), new, capacity, len, error)
    })
}

fn drop_binding(blob: &[u8], pcrs: &Handle<PcrSet>) -> Outcome<Vec<u8>> {
    written(|new, capacity, len, error| unsafe {
        pcrseal_drop_binding(blob.as_ptr(), blob.len(), pcrs.get(), new, capacity, len, error)
    })
}

/// The image that seals, and the one that it makes room for.
const IMAGE: [(u32, u8); 3] = [(0, 0xa0), (1, 0xa1), (2, 0xa2)];
const OTHER_IMAGE: [(u32, u8); 3] = [(0, 0xb0), (1, 0xb1), (2, 0xb2)];

#[test]
fn a_blob_says_what_it_was_sealed_with() {
    let world = World::new();
    let mut document = world.document();
    document["external_aad"] = json!("YWFk");
    let blob = generate(&session(&document).unwrap(), 48, None).unwrap().blob;
    let said = inspect(&blob, b"aad").unwrap();
    assert_eq!((&said["version"], &said["generation"]), (&json!(1), &json!(1)));
    assert_eq!((&said["cluster"], &said["wrapping"]), (&json!("test-eu-central-1"), &json!("attested")));
    let keys: Vec<&str> = world.keys[..3].iter().map(KeyHandle::arn).collect();
    assert_eq!(said["contents"], json!({ "threshold": 2, "keys": keys, "secret_len": 48 }));
    assert_eq!(said["bindings"], json!([{ "pcrs": hex(&IMAGE) }]));
    assert_eq!(said["contents_error"], Value::Null);

    let other = inspect(&blob, b"").unwrap();
    assert_eq!((&other["contents"], &other["contents_error"]), (&Value::Null, &json!("content_rejected")));
    assert_eq!(other["cluster"], said["cluster"]);

    assert_eq!(refused(inspect(&[], b"")), Code::BlobSize);
    assert_eq!(refused(inspect(&blob[1..], b"")), Code::BlobMalformed);
    assert_eq!(refused(inspect(&[&blob[..], &[0]].concat(), b"")), Code::BlobTrailing);
}

fn hex(values: &[(u32, u8)]) -> Value {
    values.iter().map(|(index, byte)| (index.to_string(), json!(format!("{byte:02x}").repeat(48)))).collect()
}

#[test]
fn one_blob_serves_two_images_while_it_is_bound_to_both() {
    let world = World::new();
    let ours = session(&world.document()).unwrap();
    let sealed = generate(&ours, 32, None).unwrap();
    for key in &world.keys {
        let both =
            [IMAGE, OTHER_IMAGE].map(|image| image.map(|(_, byte)| pcrseal::core::pcr::Pcr::new([byte; 48])));
        let policy = KeyPolicy::attested([]);
        // Both images may decrypt: the key policy is what lets an image in.
        let policy = both.iter().fold(policy, |policy, image| {
            pcrseal::core::pcr::PcrIndex::all()
                .zip(image)
                .fold(policy, |policy, (index, value)| policy.pcr(index, value))
        });
        key.set_policy(policy);
    }
    let theirs = session(&world.other_document()).unwrap();
    assert_eq!(unseal(&theirs, &sealed.blob, None).map(drop).unwrap_err().code, Code::PcrDrift);

    let both = add(&ours, &sealed.blob, &pcrs(&OTHER_IMAGE)).unwrap();
    assert_eq!(
        inspect(&both, b"").unwrap()["bindings"],
        json!([{ "pcrs": hex(&IMAGE) }, { "pcrs": hex(&OTHER_IMAGE) }])
    );
    for session in [&ours, &theirs] {
        assert_eq!(unseal(session, &both, None).unwrap().0.bytes(), sealed.secret.bytes());
    }

    let new = drop_binding(&both, &pcrs(&IMAGE)).unwrap();
    assert_eq!(inspect(&new, b"").unwrap()["bindings"], json!([{ "pcrs": hex(&OTHER_IMAGE) }]));
    assert_eq!(unseal(&theirs, &new, None).unwrap().0.bytes(), sealed.secret.bytes());
    assert_eq!(unseal(&ours, &new, None).map(drop).unwrap_err().code, Code::PcrDrift);
}

#[test]
fn what_cannot_be_bound() {
    let world = World::new();
    let session = world.session();
    let blob = generate(&session, 32, None).unwrap().blob;
    assert_eq!(refused(add(&session, &blob, &pcrs(&IMAGE))), Code::BindingDuplicate);
    assert_eq!(refused(add(&session, &blob, &pcrs(&OTHER_IMAGE[..2]))), Code::PcrMissing);
    assert_eq!(refused(add(&session, &blob, &pcrs(&[(0, 0), (1, 0), (2, 0)]))), Code::DebugMode);
    assert_eq!(refused(add(&session, &blob[1..], &pcrs(&OTHER_IMAGE))), Code::BlobMalformed);
    let mut document = world.document();
    document["cluster"] = json!("another");
    let another = common::session(&document).unwrap();
    assert_eq!(refused(add(&another, &blob, &pcrs(&OTHER_IMAGE))), Code::ClusterMismatch);
    let mut full = blob.clone();
    for byte in 1..8 {
        full = add(&session, &full, &pcrs(&[(0, byte), (1, 1), (2, 2)])).unwrap();
    }
    assert_eq!(refused(add(&session, &full, &pcrs(&OTHER_IMAGE))), Code::BindingCount);

    assert_eq!(refused(drop_binding(&blob, &pcrs(&OTHER_IMAGE))), Code::BindingUnknown);
    assert_eq!(refused(drop_binding(&blob, &pcrs(&IMAGE))), Code::BindingCount);
    assert_eq!(refused(drop_binding(&[], &pcrs(&IMAGE))), Code::BlobSize);
}
