//! The test vectors of docs/FORMAT.md: fixed inputs and the fixed bytes that come of them, and one file per way
//! in which a blob is refused.
//!
//! By default the files are compared with what is computed here, and read back through the library; a missing
//! and an unknown file are failures too. `PCRSEAL_WRITE_VECTORS=1` writes them instead: after a change of the
//! format, which is a new version of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use common::forge::Forge;
use common::kms::{
    Counted, MemoryKms, answer_of, decrypt_all, measured, parameters, pcr, policy_builder, quorum, seal,
};
use common::refused::{BASE, image, refused};
use common::steps::{self, Inputs, Pcrs, ShareInputs, pcrs, pcrs_of};
use common::{hex, unhex};
use pcrseal_core::blob::SealedBlob;
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::error::Code;
use pcrseal_core::names::{ClusterId, KeyArn, SealId, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::seal::{HostVouchesForSecret, Plan, SealParameters};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

#[test]
fn the_files_are_what_is_computed() {
    let valid: BTreeMap<String, Value> = valid().collect();
    let base = unhex(valid[BASE]["blob"].as_str().unwrap());
    let refused = refused(&base).into_iter().map(|(name, json)| (name.to_owned(), json));
    let wanted: BTreeMap<String, String> = valid
        .clone()
        .into_iter()
        .chain(refused)
        .map(|(name, json)| (format!("{name}.json"), serde_json::to_string_pretty(&json).unwrap() + "\n"))
        .collect();
    if env::var_os("PCRSEAL_WRITE_VECTORS").is_some() {
        for (name, content) in &wanted {
            fs::write(folder().join(name), content).unwrap();
        }
    }
    let found: Vec<String> = files().into_keys().collect();
    assert_eq!(found, wanted.keys().cloned().collect::<Vec<_>>());
    for (name, content) in files() {
        assert!(content == wanted[&name], "{name} is not what is computed");
    }
}

#[test]
fn every_file_ends_as_it_says() {
    let vectors: BTreeMap<String, Value> =
        files().into_iter().map(|(name, content)| (name, serde_json::from_str(&content).unwrap())).collect();
    for (name, vector) in &vectors {
        let base = vector["base"].as_str().map_or(vector, |base| &vectors[&format!("{base}.json")]);
        let inputs = &base["inputs"];
        let result = run(vector, base);
        if vector["expect"] == "valid" {
            let secret = result.unwrap();
            assert_eq!(hex(secret.expose()), inputs["secret"].as_str().unwrap(), "{name}");
        } else {
            let (layer, code) = result.unwrap_err();
            assert_eq!((layer, code.name()), (string(vector, "layer"), string(vector, "expect")), "{name}");
            assert!(name.starts_with(code.name()), "{name} is named for its code");
        }
    }
}

fn files() -> BTreeMap<String, String> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
    };
    fs::read_dir(folder()).unwrap().map(file).collect()
}

fn string<'v>(json: &'v Value, name: &str) -> &'v str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} is a string"))
}

/// Unseals as far as it goes. What the vector does not say is as in its base.
fn run(vector: &Value, base: &Value) -> Result<Secret, (&'static str, Code)> {
    let blob = unhex(string(vector, "blob"));
    let inputs = &base["inputs"];
    let measured = pcr_set(&pcrs_of(vector.get("measured_pcrs").unwrap_or(&inputs["measured_pcrs"])));
    let external_aad = unhex(vector.get("external_aad").unwrap_or(&inputs["external_aad"]).as_str().unwrap());

    SealedBlob::parse(&blob).map_err(|error| ("parse", error.code()))?;
    let plan = unseal::Plan::new(&blob, &trust(vector, inputs), &measured, &external_aad)
        .map_err(|error| ("plan", error.code()))?;
    let kms = kms(base);
    let mut session = plan.begin(Recipient::generate(&aws_lc::BACKEND).unwrap());
    for (position, answer) in decrypt_all(&session, &kms) {
        let Some((key_id, for_recipient)) = answer else { continue };
        let answer =
            session.answer_from_authenticated_kms(position, &answer_of(&key_id, &for_recipient), None);
        if vector["position"] == position {
            answer.map_err(|error| ("answers", error.code()))?;
        }
    }
    session.finish().0.map(unseal::Opened::into_secret).map_err(|error| ("answers", error.code()))
}

fn trust(vector: &Value, inputs: &Value) -> TrustPolicy {
    let keys = inputs["shares"].as_array().unwrap().iter();
    let keys = keys.map(|share| KeyArn::new(string(share, "key")).unwrap()).collect();
    let wrapping = Wrapping::from_name(string(inputs, "wrapping")).unwrap();
    let threshold = u8::try_from(inputs["threshold"].as_u64().unwrap()).unwrap();
    let mut policy = TrustPolicy::builder(ClusterId::new(string(inputs, "cluster")).unwrap())
        .unseal_quorum(Quorum::new(threshold, keys, wrapping).unwrap());
    if let Some(generation) = vector["minimum_generation"].as_str() {
        policy = policy.minimum_generation(generation.parse().unwrap());
    }
    if let Some(seal_id) = vector["pinned_seal_id"].as_str() {
        policy = policy.pin_seal_id(SealId::new(unhex(seal_id).try_into().unwrap()));
    }
    policy.build().unwrap()
}

/// The keys of the base vector: each decrypts its own ciphertext blob, under its own encryption context.
fn kms(base: &Value) -> MemoryKms {
    let kms = MemoryKms::default();
    let shares = base["inputs"]["shares"].as_array().unwrap().iter();
    for (share, step) in shares.zip(base["steps"]["shares"].as_array().unwrap()) {
        let context = step["encryption_context"].as_object().unwrap().iter();
        let context = context.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
        kms.remember(
            KeyArn::new(string(share, "key")).unwrap(),
            unhex(string(share, "ciphertext_blob")),
            context.collect(),
            unhex(string(share, "share_key")),
        );
    }
    kms
}

fn pcr_set(pcrs: &Pcrs) -> PcrSet {
    pcrs.iter().map(|(index, value)| (pcr(*index), Pcr::try_from(value.as_slice()).unwrap())).collect()
}

/// PCR0..4 and 8: what AWS documents.
fn documented(release: u8) -> PcrSet {
    let indices = [0, 1, 2, 3, 4, 8].map(pcr);
    measured(release).select(indices.into_iter().collect()).unwrap()
}

fn valid() -> impl Iterator<Item = (String, Value)> {
    let attested = |threshold, keys| (quorum(threshold, keys, Wrapping::Attested), 1);
    let no_aad = &b""[..];
    [
        (BASE, "the smallest quorum; the negative vectors start from it", attested(2, 3), vec![], no_aad, 32),
        ("valid_attested_3_of_5", "the default shape", attested(3, 5), vec![], no_aad, 32),
        (
            "valid_encrypt_2_of_3",
            "wrapping encrypt, external_aad, two bindings of which one covers more PCRs, a generation beyond 2^53",
            (quorum(2, 3, Wrapping::Encrypt), u64::MAX - 1),
            vec![documented(2)],
            &b"tenant 1"[..],
            33,
        ),
        (
            "valid_attested_9_of_16",
            "as many keys and bindings as there may be, and the shortest secret",
            attested(9, 16),
            (2..9).map(image).collect(),
            no_aad,
            1,
        ),
    ]
    .into_iter()
    .map(|(name, description, (quorum, generation), further, external_aad, secret_len)| {
        let policy = policy_builder().seal_quorum(quorum).minimum_generation(generation).build().unwrap();
        (name.to_owned(), sealed(description, &policy, &further, external_aad, secret_len))
    })
}

/// Seals with the library, and computes the vector from what it took from its random source. The library's
/// blob must be the computed one.
fn sealed(
    description: &str,
    policy: &TrustPolicy,
    further_bindings: &[PcrSet],
    external_aad: &[u8],
    secret_len: u8,
) -> Value {
    let (measured, kms) = (documented(1), MemoryKms::default());
    let random: &'static Counted = Box::leak(Box::default());
    let backend = Backend { random, ..aws_lc::BACKEND };
    let secret: Vec<u8> = (0..secret_len).map(|byte| 0xa0 ^ byte).collect();
    let parameters = SealParameters { further_bindings, external_aad, ..parameters(policy, &measured) };
    let plan = Plan::import(&parameters, Secret::copy_from(&secret), HostVouchesForSecret, &backend).unwrap();
    let (blob, _) = seal(plan, policy, &measured, &kms, &backend);

    let quorum = policy.seal_quorum().unwrap();
    let mut given = random.given().into_iter();
    let mut next = |length: usize| {
        let bytes = given.next().unwrap();
        assert_eq!(bytes.len(), length);
        bytes
    };
    let (seal_id, data_key, secret_iv) = (next(16), next(32), next(12));
    let coefficients = next(32 * (usize::from(quorum.threshold()) - 1));
    let share_keys: Vec<_> = quorum.keys().iter().map(|_| next(32)).collect();
    let share_ivs: Vec<_> = quorum.keys().iter().map(|_| next(12)).collect();
    let content_key = next(32);
    let bindings: Vec<PcrSet> = [vec![image(1)], further_bindings.to_vec()].concat();
    let bindings = bindings.iter().map(|values| (pcrs(values), next(32))).collect();
    let content_iv = next(12);
    assert!(given.next().is_none());

    let shares = Forge::open(&blob, external_aad).shares.into_iter().zip(share_keys).zip(share_ivs);
    let shares = shares
        .map(|(((key, ciphertext_blob, _), share_key), iv)| ShareInputs {
            key,
            share_key,
            ciphertext_blob,
            iv,
        })
        .collect();
    let inputs = Inputs {
        cluster: policy.cluster().to_string(),
        generation: policy.minimum_generation(),
        wrapping: quorum.wrapping().to_string(),
        threshold: quorum.threshold(),
        external_aad: external_aad.to_vec(),
        measured_pcrs: pcrs(&measured),
        secret,
        seal_id,
        data_key,
        coefficients,
        secret_iv,
        shares,
        content_key,
        content_iv,
        bindings,
    };
    let vector = steps::vector(description, &inputs);
    assert_eq!(hex(&blob), string(&vector, "blob"));
    vector
}
