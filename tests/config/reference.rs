//! The normative reference and the code are one.

use std::collections::{BTreeMap, BTreeSet};

use pcrseal::Code;
use pcrseal::config::{AttesterConfig, Config, CredentialsConfig};
use pcrseal::kms::{Address, VsockAddress};

use super::{REFERENCE, at, documents, parent_of, places, read, refused};

/// Members, and whether one has to be there, by the section of the reference that has their table.
fn referenced() -> BTreeMap<(String, String), BTreeSet<bool>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut section = "";
    for line in REFERENCE.lines() {
        if let Some(title) = line.strip_prefix('#') {
            section = title.trim_start_matches('#').trim();
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let Some(name) = cells.get(1).and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`')) else {
            continue;
        };
        if cells.len() < 6 {
            continue;
        }
        let required = cells[cells.len() - 3].starts_with("required");
        found.entry((section.to_owned(), name.to_owned())).or_default().insert(required);
    }
    found
}

#[test]
fn the_reference_names_every_member_and_which_are_required() {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for document in documents() {
        for place in places(&document) {
            let (parent, name) = parent_of(&place);
            let section = match parent {
                "" => "The document",
                "/seal_quorum" | "/unseal_quorums/0" => "Quorum",
                "/attester" => "Attester",
                "/kms" => "KMS",
                "/credentials" => "Credentials",
                _ => continue,
            };
            let mut without = document.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            let required = read(&without).is_err();
            if required {
                assert_eq!(refused(&without.to_string()), at(Code::ConfigMember, &place));
            }
            found.entry((section.to_owned(), name.to_owned())).or_default().insert(required);
        }
    }
    assert_eq!(found, referenced());
}

#[test]
fn the_examples_of_the_reference_are_configurations() {
    let mut examples: Vec<_> =
        REFERENCE.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    examples.push(
        include_str!("../../src/config/mod.rs").split("br#\"").nth(1).unwrap().split("\"#").next().unwrap(),
    );
    let configs: Vec<_> = examples
        .iter()
        .map(|example| Config::from_json(example.replace("//!", "").as_bytes()).unwrap())
        .collect();
    for config in &configs {
        config.trust_policy().unwrap();
    }
    assert_eq!(configs[0].kms.vsock["us-east-1"], VsockAddress { cid: 3, port: 8003 });
    assert!(matches!(
        configs[0].credentials,
        Some(CredentialsConfig::Feed(Address::Vsock(VsockAddress { cid: 3, port: 8100 })))
    ));
    assert_eq!(configs[1].attester, AttesterConfig::NsmSocket { path: "/tmp/pcrseal/nsm.sock".into() });
}

#[test]
fn the_reference_has_the_codes() {
    let registered = |number: u32| Code::ALL.iter().find(|code| code.number() == number);
    let section = REFERENCE.split("## What is refused").nth(1).unwrap();
    let mut numbers = BTreeSet::new();
    for line in section.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let Some(number) = cells.get(1).and_then(|cell| cell.parse().ok()) {
            assert_eq!(cells[2], format!("`{}`", registered(number).unwrap()));
            numbers.insert(number);
        } else if cells.len() == 4 {
            let names = cells[2].split('`').skip(1).step_by(2);
            assert!(names.into_iter().all(|name| Code::ALL.iter().any(|code| code.name() == name)), "{line}");
        }
    }
    assert_eq!(numbers, [3006, 6021, 6022, 6023, 6024, 6025].into());
    assert_eq!(Code::ConfigTransport.number(), 6026);
}
