//! What a blob says of itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{IMAGE, OTHER_IMAGE, World};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::PcrIndex;
use pcrseal::{Code, inspect};
use pcrseal_emulator::kms::KeyHandle;
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn all_of_it_is_in_the_json() {
    let world = World::in_process();
    let sealed = world.enclave().with_external_aad(b"host").seal_generated(48, &[]).await.unwrap();
    let next = PcrIndex::all().zip(OTHER_IMAGE).collect();
    let blob = pcrseal::core::blob::rebind::add_binding(
        &sealed.blob,
        &next,
        &world.policy(),
        aws_lc::BACKEND.random,
    )
    .unwrap();
    let inspection = inspect(&blob, b"host").unwrap();
    let found: Value = serde_json::from_str(&inspection.to_json()).unwrap();
    let pcrs = |image: [pcrseal::core::pcr::Pcr; 3]| {
        let [pcr0, pcr1, pcr2] = image.map(|pcr| pcr.to_string());
        json!({ "pcrs": { "0": pcr0, "1": pcr1, "2": pcr2 } })
    };
    let keys: Vec<_> = world.keys.iter().map(KeyHandle::arn).collect();
    let expected = json!({
        "version": 1,
        "cluster": "test-eu-central-1",
        "seal_id": sealed.opened.header().seal_id.to_string(),
        "generation": 1,
        "wrapping": "attested",
        "bindings": [pcrs(IMAGE), pcrs(OTHER_IMAGE)],
        "contents": { "threshold": 3, "keys": keys, "secret_len": 48 },
        "contents_error": null,
    });
    assert_eq!(found, expected);

    // Members and lists keep their order.
    let json = inspection.to_json();
    let members = ["version", "cluster", "seal_id", "generation", "wrapping", "bindings", "contents"];
    let places: Vec<_> = members.iter().map(|member| json.find(&format!("\"{member}\":")).unwrap()).collect();
    assert!(places.is_sorted() && json.ends_with("\"contents_error\":null}"), "{json}");
    assert!(!json.contains('\n') && json.is_ascii());

    let other = inspect(&blob, b"").unwrap();
    let found: Value = serde_json::from_str(&other.to_json()).unwrap();
    let mut expected = expected;
    expected["contents"] = Value::Null;
    expected["contents_error"] = "content_rejected".into();
    assert_eq!(found, expected);
    assert_eq!(other.contents.unwrap_err().code(), Code::ContentRejected);
}

#[test]
fn what_is_no_blob_is_an_error() {
    assert_eq!(inspect(b"", b"").unwrap_err().code(), Code::BlobSize);
    assert_eq!(inspect(b"\xd8\x60\x84", b"").unwrap_err().code(), Code::BlobMalformed);
}
