//! An upgrade: the blob is bound to the new image, then no longer to the old one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};
use common::{World, image};
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::kms::KeyPolicy;
use serde_json::json;

fn measurements(image: &[Pcr; 3]) -> String {
    let [pcr0, pcr1, pcr2] = image.map(|pcr| pcr.to_string());
    json!({ "Measurements": { "HashAlgorithm": "Sha384 { ... }", "PCR0": pcr0, "PCR1": pcr1, "PCR2": pcr2 } })
        .to_string()
}

/// Runs the program in a folder; what it printed, or what it complained about.
fn rebind(folder: &Path, arguments: [&str; 5]) -> Result<String, String> {
    let run =
        Command::new(env!("CARGO_BIN_EXE_rebind")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if run.status.success() { Ok(text(run.stdout)) } else { Err(text(run.stderr)) }
}

#[test]
fn a_blob_goes_from_one_image_to_the_next() {
    let world = World::new();
    let (old, new) = (image(0xa2), image(0xb2));
    let (answer, life) = world.ask(world.enclave(old), world.founding_trust(), &world.generate());
    let proof = world.proof(&[7; 32]);
    life.end().unwrap();
    let blob = Base64::decode_vec(answer["outcome"]["blob"].as_str().unwrap()).unwrap();
    fs::write(world.folder.join("blob"), blob).unwrap();
    fs::write(world.folder.join("trust.json"), world.trust_json().to_string()).unwrap();
    fs::write(world.folder.join("old.json"), measurements(&old)).unwrap();
    fs::write(world.folder.join("new.json"), measurements(&new)).unwrap();

    let both = rebind(&world.folder, ["add", "trust.json", "new.json", "blob", "both"]);
    assert_eq!(both.unwrap(), "both: 2 image(s) may open it\n");
    let alone = rebind(&world.folder, ["drop", "trust.json", "old.json", "both", "alone"]);
    assert_eq!(alone.unwrap(), "alone: 1 image(s) may open it\n");
    // Never over another blob.
    let again = rebind(&world.folder, ["drop", "trust.json", "old.json", "both", "blob"]).unwrap_err();
    assert!(again.contains("File exists"), "{again}");
    let twice = rebind(&world.folder, ["add", "trust.json", "new.json", "both", "third"]).unwrap_err();
    assert!(twice.contains("rebind: ") && !world.folder.join("third").exists(), "{twice}");

    // Nor half a blob: where it cannot be written, there is none.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rebind")])
        .args(["drop", "trust.json", "old.json", "both", "half"])
        .current_dir(&world.folder)
        .output()
        .unwrap();
    let complaint = String::from_utf8(limited.stderr).unwrap();
    assert!(!limited.status.success() && complaint.contains("half: "), "{complaint}");
    assert!(!world.folder.join("half").exists());

    let unseal =
        |name: &str| world.unseal(&Base64::encode_string(&fs::read(world.folder.join(name)).unwrap()));
    for (image, name) in [(old, "both"), (new, "alone")] {
        for key in &world.keys {
            key.set_policy(KeyPolicy::attested(PcrIndex::all().zip(&image)).principal(common::ROLE));
        }
        let (answer, life) = world.ask(world.enclave(image), world.trust(), &unseal(name));
        assert_eq!(answer["outcome"]["job"], "unseal", "{answer}");
        assert_eq!(world.proof(&[7; 32]), proof);
        life.end().unwrap();
    }
    let (answer, life) = world.ask(world.enclave(old), world.trust(), &unseal("alone"));
    assert_eq!(answer["error"]["name"], "pcr_drift");
    life.end().unwrap_err();
}
