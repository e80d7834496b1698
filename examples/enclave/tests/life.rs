//! The life of an enclave, from the parent's line to the proof.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use base64ct::{Base64, Encoding};
use common::{World, image, trust};
use pcrseal::core::blob::rebind::add_binding;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::{PcrIndex, PcrSet};
use pcrseal_emulator::kms::KeyHandle;
use pcrseal_emulator::nsm::NsmConfig;
use serde_json::{Value, json};

/// Has an image that may generate make a key; the blob, and the proof of the key for a challenge of sevens.
fn founded(world: &World) -> (String, Vec<u8>) {
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.founding_trust(), &world.generate());
    let blob = answer["outcome"]["blob"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let proof = world.proof(&[7; 32]);
    life.end().unwrap();
    (blob, proof)
}

/// The failure that the parent is told, and that the enclave ends with.
fn failed(answer: &Value, life: common::Life) -> String {
    let name = answer["error"]["name"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let error = life.end().unwrap_err();
    assert_eq!(error.name(), name);
    assert_eq!(answer["error"]["code"], error.number());
    name.to_owned()
}

#[test]
fn the_key_that_one_enclave_makes_is_the_one_that_the_next_unseals() {
    let world = World::new();
    let (blob, proof) = founded(&world);
    assert_eq!(proof.len(), 32);
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.trust(), &world.unseal(&blob));
    let outcome = &answer["outcome"];
    assert_eq!(outcome["job"], "unseal");
    assert_eq!((&outcome["cluster"], &outcome["generation"]), (&"prod-eu-central-1-vault".into(), &1.into()));
    assert_eq!(outcome["seal_id"].as_str().unwrap().len(), 32);
    assert_eq!(outcome["blob"], Value::Null);
    assert_eq!(world.proof(&[7; 32]), proof);
    life.end().unwrap();
}

#[test]
fn the_answer_reports_keys_times_and_memory() {
    let world = World::new();
    let (blob, _) = founded(&world);
    world.keys[0].disable();
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.trust(), &world.unseal(&blob));
    let outcome = &answer["outcome"];
    let rows = outcome["report"].as_array().unwrap();
    let keys: Vec<_> = rows.iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, world.keys.iter().map(KeyHandle::arn).collect::<Vec<_>>());
    for row in &rows[1..] {
        assert_eq!((&row["outcome"], &row["code"]), (&"granted".into(), &Value::Null));
        assert!(row["ms"].as_f64().unwrap() > 0.0);
    }
    // The refusal may come after the two good shares: then nobody waits for it.
    if rows[0]["outcome"] != "not_needed" {
        assert_eq!(rows[0]["outcome"], "key_disabled");
        assert_eq!(rows[0]["aws_code"], "DisabledException");
    }
    let ms = |name: &str| outcome[name].as_f64().unwrap();
    assert!(0.0 < ms("init_ms") && ms("init_ms") < ms("secret_ms") && ms("secret_ms") <= ms("answer_ms"));
    assert!(outcome["peak_memory_kib"].as_u64().unwrap() > 0);
    assert_eq!(world.proof(&[7; 32]).len(), 32);
    life.end().unwrap();
}

#[test]
fn no_answer_and_no_proof_shows_the_secret() {
    let world = World::new();
    let (blob, proof) = founded(&world);
    // What an enclave would hold: opened here by the library itself.
    let nsm = pcrseal_emulator::nsm::Nsm::boot(
        &world.authority,
        NsmConfig::new(image(0xa2)).role_arn(common::ROLE),
    );
    let credentials = pcrseal::kms::wire::Credentials::new(
        "ASIAEXAMPLE",
        pcrseal::core::secret::Secret::copy_from(common::SECRET_ACCESS_KEY.as_bytes()),
        Some(pcrseal::core::secret::Secret::copy_from(b"token")),
    );
    let kms = pcrseal::kms::Client::builder()
        .credentials(credentials.unwrap())
        .endpoint_url(&world.kms.endpoint())
        .build()
        .unwrap();
    let auto = pcrseal::AutoUnseal::new(std::sync::Arc::new(nsm.unwrap()), kms, world.trust().policy);
    let unsealed = world.runtime.block_on(auto.unseal(&Base64::decode_vec(&blob).unwrap())).unwrap();
    let secret = unsealed.opened.secret().expose();
    assert_eq!(secret.len(), 32);

    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.trust(), &world.unseal(&blob));
    let text = answer.to_string();
    let hex = secret.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert!(!text.contains(&hex) && !text.contains(&Base64::encode_string(secret)), "{text}");
    assert_eq!(world.proof(&[7; 32]), proof);
    assert_ne!(proof, secret);
    life.end().unwrap();
}

#[test]
fn an_image_makes_a_key_only_if_its_trust_says_so() {
    let world = World::new();
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.trust(), &world.generate());
    assert_eq!(failed(&answer, life), "may_not_generate");
    assert!(answer["error"]["hint"].as_str().unwrap().contains("README"));
    assert_eq!(world.requests(), 0);
}

#[test]
fn another_image_is_refused_before_any_key_is_asked_and_by_the_keys_when_the_blob_was_rebound() {
    let world = World::new();
    let (blob, _) = founded(&world);
    let before = world.requests();
    let (answer, life) = world.ask(world.enclave(image(0xee)), world.trust(), &world.unseal(&blob));
    assert_eq!(failed(&answer, life), "pcr_drift");
    assert!(answer["error"]["message"].as_str().unwrap().contains("PCR2"), "{answer}");
    assert_eq!(world.requests(), before);

    // Anybody can add a binding: the key policies are what holds.
    let values: PcrSet = PcrIndex::all().zip(image(0xee)).fold(PcrSet::new(), |mut set, (index, value)| {
        set.insert(index, value);
        set
    });
    let rebound = add_binding(
        &Base64::decode_vec(&blob).unwrap(),
        &values,
        &world.trust().policy,
        aws_lc::BACKEND.random,
    );
    let request = world.unseal(&Base64::encode_string(&rebound.unwrap()));
    let (answer, life) = world.ask(world.enclave(image(0xee)), world.trust(), &request);
    assert_eq!(failed(&answer, life), "quorum_not_reached");
    let rows = answer["error"]["report"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let denied = rows.iter().find(|row| row["outcome"] == "access_denied").unwrap();
    assert_eq!(denied["aws_code"], "AccessDeniedException");
    assert!(!denied["request_id"].as_str().unwrap().is_empty());
    assert!(denied["hint"].as_str().unwrap().contains(&image(0xee)[2].to_string()), "{denied}");
    assert_eq!(answer["error"]["secret_ms"], Value::Null);
}

#[test]
fn a_pinned_seal_id_refuses_the_key_that_another_founding_made() {
    let world = World::new();
    let ((first, _), (second, _)) = (founded(&world), founded(&world));
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.trust(), &world.unseal(&first));
    let pinned = answer["outcome"]["seal_id"].clone();
    world.proof(&[7; 32]);
    life.end().unwrap();
    let mut written = world.trust_json();
    written["seal_id"] = pinned;
    let (answer, life) = world.ask(world.enclave(image(0xa2)), trust(&written), &world.unseal(&second));
    assert_eq!(failed(&answer, life), "seal_id_mismatch");
    let (answer, life) = world.ask(world.enclave(image(0xa2)), trust(&written), &world.unseal(&first));
    assert_eq!(answer["outcome"]["job"], "unseal");
    world.proof(&[7; 32]);
    life.end().unwrap();
}

#[test]
fn debug_mode_is_refused_here_and_by_the_keys_when_the_image_would_allow_it() {
    let world = World::new();
    let debug = || world.boot(NsmConfig::new(image(0xa2)).role_arn(common::ROLE).debug_mode());
    let (answer, life) = world.ask(debug(), world.founding_trust(), &world.generate());
    assert_eq!(failed(&answer, life), "debug_mode");
    assert_eq!(world.requests(), 0);
    let mut written = world.trust_json();
    written["may_generate"] = true.into();
    written["debug_mode_allowed"] = true.into();
    let (answer, life) = world.ask(debug(), trust(&written), &world.generate());
    assert_eq!(failed(&answer, life), "seal_incomplete");
    assert!(
        answer["error"]["report"].as_array().unwrap().iter().all(|row| row["outcome"] == "access_denied")
    );
}

#[test]
fn the_parent_is_told_that_there_is_no_module() {
    let world = World::new();
    let (answer, life) = world.ask(world.enclave_without_module(), world.founding_trust(), &world.generate());
    assert_eq!(failed(&answer, life), "nsm_device_missing");
    assert_eq!((&answer["error"]["code"], &answer["error"]["report"]), (&2021.into(), &json!([])));
}

#[test]
fn over_tls_the_root_of_the_image_is_believed_and_no_other() {
    let world = World::with_tls();
    let request = world.generate();
    // Amazon's roots, which this server is not under.
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.founding_trust(), &request);
    assert_eq!(failed(&answer, life), "key_not_checked");
    assert_eq!(world.requests(), 0);
    let mut written = world.trust_json();
    written["may_generate"] = true.into();
    written["tls_root_pem"] = world.root_pem.clone().into();
    let (answer, life) = world.ask(world.enclave(image(0xa2)), trust(&written), &request);
    assert_eq!(answer["outcome"]["job"], "generate");
    world.proof(&[7; 32]);
    life.end().unwrap();
}

#[test]
fn hostile_lines_are_answered_with_what_is_wrong() {
    let world = World::new();
    let too_long = vec![b' '; 400_000];
    let endless_json = [vec![b'['; 300_000], vec![b'\n']].concat();
    for (sent, name, found) in [
        (b"".as_slice(), "parent", "found 0 bytes and no end of line"),
        (b"{\"job\":", "parent", "found 7 bytes and no end of line"),
        (&too_long, "parent", "at most 357720 bytes, found more"),
        (b"\n", "request", "EOF while parsing"),
        (b"{}\n", "request", "missing field `job`"),
        (b"\xff\xfe\n", "request", "expected value"),
        (&endless_json, "request", "invalid type: sequence, expected an object"),
    ] {
        let (answer, life) = world.ask_bytes(world.enclave(image(0xa2)), world.trust(), sent);
        assert_eq!(failed(&answer, life), name, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(found), "{message}");
        assert!(message.len() < 1000);
    }
    assert_eq!(world.requests(), 0);
}

#[test]
fn nothing_but_the_whole_challenge_gets_a_proof() {
    let world = World::new();
    let (answer, life) = world.ask(world.enclave(image(0xa2)), world.founding_trust(), &world.generate());
    assert_eq!(answer["outcome"]["job"], "generate");
    assert_eq!(world.proof(&[7; 31]), b"");
    assert_eq!(life.end().unwrap_err().name(), "proof");
}
