//! This crate's reader against coset and ciborium, which share no code with it: on genuine documents, on ours, and
//! on thousands of mutants of both. The two must accept the same bytes and find the same values in them, and the
//! signatures asked for must be over what coset says they are over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use ciborium::Value;
use common::backends::{Witness, witness};
use common::certificates::{AT, SPKI};
use common::der_tree::{contents, elements};
use common::documents::{Parts, cbor, index, read, verify_at_ms};
use common::issuer::{Alter, Chain, make, make_with, pcrs};
use common::model;
use common::tree::{Form, Item};
use coset::{CborSerializable, CoseSign1, TaggedCborSerializable};
use pcrseal_core::attestation::{AttestationDocument, AttestationKind, VerifiedAttestation};
use pcrseal_core::crypto::Backend;

/// Mutants of each kind per document.
const MUTANTS: usize = 400;

struct Sample {
    document: Vec<u8>,
    at_ms: u64,
}

/// Documents of every shape that we make, and the genuine ones where they are.
fn samples() -> Vec<Sample> {
    let payload = |alter: fn(&mut Parts)| make(&Alter::Payload(Box::new(alter)));
    let ours = [
        make(&Alter::Nothing),
        payload(|parts| {
            parts.payload_head = Some(0xbf);
            parts.payload_tail = vec![0xff];
        }),
        payload(|parts| {
            parts.head = vec![0xd2, 0x84];
            parts.set("pcrs", pcrs([(0, 48)]));
            parts.set("user_data", Value::Bytes(vec![7; 1024]));
        }),
        payload(|parts| {
            parts.remove("pcrs");
            parts.push("nitrotpm_pcrs", pcrs((0..24).map(|index| (index, 48))));
            parts.remove("nonce");
        }),
        make_with(&Chain::with_authorities(1), &Alter::Nothing),
    ];
    let mut samples: Vec<Sample> =
        ours.into_iter().map(|made| Sample { document: made.document, at_ms: AT * 1000 }).collect();
    if let Some((folder, index)) = index() {
        for facts in index["documents"].as_array().unwrap() {
            samples.push(Sample { document: read(&folder, facts), at_ms: verify_at_ms(facts) });
        }
    }
    samples
}

/// What became of one document.
#[derive(Clone, Copy, Default)]
struct Tally {
    refused: usize,
    parsed: usize,
    verified: usize,
}

struct Judge {
    backend: Backend,
    witness: &'static Witness,
    tally: Tally,
}

impl Judge {
    fn new() -> Self {
        let (backend, witness) = witness();
        Self { backend, witness, tally: Tally::default() }
    }

    /// Both readers on these bytes.
    fn judge(&mut self, document: &[u8], at_ms: u64) {
        let ours = AttestationDocument::parse(document);
        let theirs = model::read(document);
        assert_eq!(ours.is_ok(), theirs.is_some(), "{ours:?}, {}", common::hex(document));
        let (Ok(ours), Some(theirs)) = (ours, theirs) else {
            self.tally.refused += 1;
            return;
        };
        self.tally.parsed += 1;
        assert_eq!(ours.unverified_timestamp_ms(), theirs.timestamp);
        self.witness.take();
        let Ok(verified) = ours.verify(&[&theirs.cabundle[0]], at_ms, &self.backend) else { return };
        self.tally.verified += 1;
        same_values(&verified, &theirs);
        same_signatures(&self.witness.take(), document, &theirs);
    }
}

fn same_values(ours: &VerifiedAttestation<'_>, theirs: &model::Document) {
    assert_eq!(ours.kind() == AttestationKind::NitroTpm, theirs.is_nitrotpm);
    assert_eq!(ours.module_id(), theirs.module_id);
    assert_eq!(ours.timestamp_ms(), theirs.timestamp);
    assert_eq!(ours.digest(), "SHA384");
    let pcrs = ours.pcrs().iter().map(|(index, value)| (index.get().into(), value.as_bytes().to_vec()));
    assert!(pcrs.eq(theirs.pcrs.clone()));
    assert_eq!(ours.certificate(), theirs.certificate);
    assert_eq!(ours.cabundle(), theirs.cabundle);
    assert_eq!(ours.public_key(), theirs.public_key.as_deref());
    assert_eq!(ours.user_data(), theirs.user_data.as_deref());
    assert_eq!(ours.nonce(), theirs.nonce.as_deref());
}

/// The signatures that were asked for: the message's once, over what coset builds, under the leaf's key; and each
/// certificate's below the root once, over its signed part, under its issuer's key.
fn same_signatures(asked: &[(Vec<u8>, Vec<u8>, Vec<u8>)], document: &[u8], theirs: &model::Document) {
    let message = match document[0] {
        0xd2 => CoseSign1::from_tagged_slice(document).unwrap(),
        _ => CoseSign1::from_slice(document).unwrap(),
    };
    assert_eq!(message.payload.as_deref(), Some(&theirs.payload[..]));
    // Only as deep as needed: names are compared as bytes, and mutants have names that are not DER.
    let chain: Vec<[&[u8]; 3]> = theirs
        .cabundle
        .iter()
        .chain([&theirs.certificate])
        .map(|der| elements(contents(der)).try_into().unwrap())
        .collect();
    let key = |tbs: &[u8]| contents(elements(contents(elements(contents(tbs))[SPKI]))[1])[1..].to_vec();
    let [leaf, ..] = chain[chain.len() - 1];
    let mut expected = vec![(key(leaf), message.tbs_data(b""), message.signature.clone())];
    for pair in chain.windows(2) {
        let ([issuer, ..], [tbs, _, signature]) = (pair[0], pair[1]);
        expected.push((key(issuer), tbs.to_vec(), contents(signature)[1..].to_vec()));
    }
    let mut asked = asked.to_vec();
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected, "{}", common::hex(document));
}

/// A small generator (splitmix64), so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn choose<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

#[test]
fn untouched() {
    let mut judge = Judge::new();
    let samples = samples();
    for Sample { document, at_ms } in &samples {
        judge.judge(document, *at_ms);
    }
    assert_eq!(judge.tally.verified, samples.len());
}

/// Bytes flipped, put in, taken out, repeated; most of them outside of the certificates, which are most of a
/// document and opaque to its reader.
#[test]
fn mutated_bytes() {
    const HEADS: [u8; 18] = [
        0x00, 0x18, 0x1b, 0x20, 0x40, 0x58, 0x5f, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xb8, 0xbf, 0xd2, 0xf6, 0xf7,
        0xff,
    ];
    let mut judge = Judge::new();
    let mut random = Random(1);
    for Sample { document, at_ms } in samples() {
        let outside = outside_of_certificates(&document);
        for _ in 0..MUTANTS {
            let mut mutant = document.clone();
            for _ in 0..random.choose(&[1, 1, 1, 2, 3]) {
                let at = match random.below(10) {
                    0 => random.below(mutant.len()),
                    _ => random.choose(&outside).min(mutant.len() - 1),
                };
                match random.below(7) {
                    0 => mutant[at] ^= 1 << random.below(8),
                    1 => mutant[at] = random.choose(&HEADS),
                    2 => mutant.insert(at, random.choose(&HEADS)),
                    3 => drop(mutant.drain(at..=at)),
                    4 => mutant[at] = mutant[at].wrapping_add(1),
                    5 => lengthen_head(&mut mutant, at),
                    _ => {
                        let again = mutant[at..mutant.len().min(at + 40)].to_vec();
                        mutant.splice(at..at, again);
                    }
                }
            }
            judge.judge(&mutant, at_ms);
        }
    }
    let Tally { refused, parsed, verified } = judge.tally;
    println!("{refused} mutants refused by both readers, {parsed} accepted by both, {verified} verified");
    assert!(refused > 1000 && parsed > 100 && verified > 100);
}

fn outside_of_certificates(document: &[u8]) -> Vec<usize> {
    let read = model::read(document).unwrap();
    let ders = [read.cabundle, vec![read.certificate]].concat();
    let inside: Vec<_> = ders
        .iter()
        .map(|der| {
            let start = document.windows(der.len()).position(|window| window == der).unwrap();
            start..start + der.len()
        })
        .collect();
    (0..document.len()).filter(|at| !inside.iter().any(|range| range.contains(at))).collect()
}

/// A head with an argument of its own gets one byte for it.
fn lengthen_head(bytes: &mut Vec<u8>, at: usize) {
    if bytes[at] & 0x1f < 24 {
        let argument = bytes[at] & 0x1f;
        bytes[at] = bytes[at] & 0xe0 | 24;
        bytes.insert(at + 1, argument);
    }
}

/// Items replaced, left out, doubled, exchanged, or with another head: the CBOR stays well-formed.
#[test]
fn mutated_items() {
    let mut judge = Judge::new();
    let mut random = Random(2);
    for Sample { document, at_ms } in samples() {
        let tree = envelope(&document);
        // The same document, but for the payload's head where that was indefinite.
        judge.judge(&tree.encode(), at_ms);
        for _ in 0..MUTANTS {
            let mut mutant = tree.clone();
            for _ in 0..random.choose(&[1, 1, 1, 2, 3]) {
                mutate(&mut mutant, &mut random);
            }
            let bytes = match random.below(4) {
                0 => {
                    let form =
                        random.choose(&[Form::Indefinite, Form::Long(1), Form::Long(2), Form::Long(8)]);
                    mutant.encode_with(random.below(mutant.nodes()), form)
                }
                _ => mutant.encode(),
            };
            judge.judge(&bytes, at_ms);
        }
    }
    let Tally { refused, parsed, verified } = judge.tally;
    println!("{refused} mutants refused by both readers, {parsed} accepted by both, {verified} verified");
    assert!(refused > 1000 && parsed > 100 && verified > 100);
}

/// The message as a tree, protected header and payload taken apart.
fn envelope(document: &[u8]) -> Item {
    let mut item = Item::read(document);
    let elements = match &mut item {
        Item::Tag(_, inner) => inner.items(),
        untagged => untagged.items(),
    };
    for position in [0, 2] {
        let Item::Bytes(inner) = &elements[position] else { panic!("not bytes") };
        elements[position] = Item::Wrapped(Box::new(Item::read(inner)));
    }
    item
}

fn mutate(tree: &mut Item, random: &mut Random) {
    let number = random.below(tree.nodes());
    let node = tree.node(number);
    match (node, random.below(3)) {
        (Item::Map(pairs), 0) if !pairs.is_empty() => drop(pairs.remove(random.below(pairs.len()))),
        (Item::Map(pairs), 1) if !pairs.is_empty() => {
            let again = pairs[random.below(pairs.len())].clone();
            pairs.insert(random.below(pairs.len() + 1), again);
        }
        (Item::Map(pairs), 2) if !pairs.is_empty() => {
            let (a, b) = (random.below(pairs.len()), random.below(pairs.len()));
            pairs.swap(a, b);
        }
        (Item::Array(items), 0) if !items.is_empty() => drop(items.remove(random.below(items.len()))),
        (Item::Array(items), 1) if !items.is_empty() => {
            let again = items[random.below(items.len())].clone();
            items.insert(random.below(items.len() + 1), again);
        }
        (Item::Bytes(bytes), 0 | 1) => {
            let lengths = [0, 1, 47, 48, 49, 95, 96, 97, 1023, 1024, 1025, bytes.len() + 1];
            bytes.resize(random.choose(&lengths), 7);
        }
        (Item::Int(0, value), 0 | 1) => {
            *value = random.choose(&[0, 1, 23, 24, 31, 32, 255, 1 << 32, u64::MAX]);
        }
        (node, _) => *node = another(random),
    }
}

fn another(random: &mut Random) -> Item {
    let name = random.choose(&["pcrs", "nitrotpm_pcrs", "nonce", "user_data", "digest", "SHA384", "x", ""]);
    let len = random.choose(&[0, 1, 48, 1024]);
    match random.below(8) {
        0 => Item::Raw(vec![random.choose(&[0xf4, 0xf6, 0xf6, 0xf6, 0xf7])]),
        1 => Item::Int(random.choose(&[0, 1]), random.next() >> random.below(64)),
        2 | 3 => Item::Bytes(vec![1; len]),
        4 => Item::Text(name.into()),
        5 => Item::Array(vec![Item::Bytes(vec![2; len])]),
        6 => Item::Map(vec![(Item::Int(0, 0), Item::Bytes(vec![3; len]))]),
        _ => Item::Tag(random.choose(&[2, 18]), Box::new(Item::Raw(cbor(&Value::Bytes(vec![4; len]))))),
    }
}
