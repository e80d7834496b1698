//! The parser against hostile bytes: cut, flipped, blown up, nested, and encoded in every way but the one that
//! the format allows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::LazyLock;

use common::forge::Forge;
use common::kms::{MemoryKms, measured, policy_builder, quorum, sealed};
use common::tree::{Form, Item, text, uint};
use pcrseal_core::blob::SealedBlob;
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::Code;
use pcrseal_core::limits::MAX_BLOB_LEN;
use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::TrustPolicy;
use pcrseal_core::unseal;

/// 2 of 3, one binding.
static POLICY: LazyLock<TrustPolicy> =
    LazyLock::new(|| policy_builder().seal_quorum(quorum(2, 3, Wrapping::Attested)).build().unwrap());
static MEASURED: LazyLock<PcrSet> = LazyLock::new(|| measured(1));
static BLOB: LazyLock<Vec<u8>> =
    LazyLock::new(|| sealed(&POLICY, &MEASURED, &MemoryKms::default(), &aws_lc::BACKEND).0);

const LONG: [Form; 4] = [Form::Long(1), Form::Long(2), Form::Long(4), Form::Long(8)];

fn parsed(blob: &[u8]) -> Result<(), Code> {
    SealedBlob::parse(blob).map(drop).map_err(|error| error.code())
}

fn planned(blob: &[u8]) -> Result<(), Code> {
    unseal::Plan::new(blob, &POLICY, &MEASURED, b"").map(drop).map_err(|error| error.code())
}

/// What the parser says of a blob that was changed.
fn changed(change: impl FnOnce(&mut Item)) -> Code {
    let mut blob = Item::blob(&BLOB);
    change(&mut blob);
    parsed(&blob.encode()).unwrap_err()
}

/// What the reader says of a bundle that was changed, below an outer layer that is in order.
fn bundle_changed(change: impl FnOnce(&mut Item)) -> Code {
    let forge = Forge::open(&BLOB, b"");
    let mut bundle = Item::read(&forge.bundle());
    change(&mut bundle);
    planned(&forge.close_around(&bundle.encode())).unwrap_err()
}

fn recipients(blob: &mut Item) -> &mut Vec<Item> {
    blob.untagged()[3].items()
}

/// The expected PCR values of the first binding.
fn pcrs(blob: &mut Item) -> &mut Vec<(Item, Item)> {
    recipients(blob)[0].items()[1].at("pcrseal").at("pcrs").pairs()
}

#[test]
fn the_tree_writes_back_what_it_read() {
    planned(&BLOB).unwrap();
    assert_eq!(Item::blob(&BLOB).encode(), *BLOB);
    let forge = Forge::open(&BLOB, b"");
    assert_eq!(Item::read(&forge.bundle()).encode(), forge.bundle());
    planned(&forge.close()).unwrap();
}

#[test]
fn cut_anywhere() {
    assert_eq!(parsed(b""), Err(Code::BlobSize));
    for length in 1..BLOB.len() {
        assert_eq!(parsed(&BLOB[..length]), Err(Code::BlobMalformed), "{length}");
    }
    for length in 0..Forge::open(&BLOB, b"").bundle().len() {
        let cut = |bundle: &mut Item| *bundle = Item::Raw(bundle.encode()[..length].to_vec());
        assert_eq!(bundle_changed(cut), Code::BlobMalformed, "{length}");
    }
}

#[test]
fn followed_by_anything() {
    for byte in [0x00, 0x80, 0xf6, 0xff] {
        assert_eq!(parsed(&[&BLOB[..], &[byte]].concat()), Err(Code::BlobTrailing));
        let trailing = |item: &mut Item| *item = Item::Raw([&item.encode()[..], &[byte]].concat());
        assert_eq!(bundle_changed(trailing), Code::BlobTrailing);
        assert_eq!(changed(|blob| trailing(wrapped(&mut blob.untagged()[0]))), Code::BlobTrailing);
    }
    assert_eq!(parsed(&BLOB.repeat(2)), Err(Code::BlobTrailing));
}

fn wrapped(item: &mut Item) -> &mut Item {
    let Item::Wrapped(inner) = item else { panic!("{item:?}") };
    inner
}

#[test]
fn every_flipped_bit_is_noticed_before_any_request() {
    let mut blob = BLOB.clone();
    for position in 0..blob.len() {
        for bit in 0..8 {
            blob[position] ^= 1 << bit;
            assert!(planned(&blob).is_err(), "bit {bit} of byte {position}");
            blob[position] ^= 1 << bit;
        }
    }
}

#[test]
fn every_length_blown_up() {
    let heads = (0..8_u8).flat_map(|major| {
        let head = |info: u8, argument: usize| {
            let mut head = vec![0xff; argument + 1];
            head[0] = major << 5 | info;
            head
        };
        [head(24, 1), head(25, 2), head(26, 4), head(27, 8), head(31, 0)]
    });
    for head in heads {
        for position in 0..BLOB.len() {
            let (before, after) = BLOB.split_at(position);
            let inserted = [before, &head, after].concat();
            assert!(planned(&inserted).is_err(), "{head:02x?} inserted at {position}");
            let rest = after.get(head.len()..).unwrap_or_default();
            let overwritten = [before, &head, rest].concat();
            if overwritten != *BLOB {
                assert!(planned(&overwritten).is_err(), "{head:02x?} over {position}");
            }
        }
    }
}

#[test]
fn nested_as_deep_as_one_likes_in_every_place() {
    let bytes_in_bytes = (0..10_000).fold(vec![0x40], |inner, _| Item::Bytes(inner).encode());
    let nests = [
        [0x81].repeat(10_000),
        [0xa1].repeat(10_000),
        [0xa1, 0x01].repeat(10_000),
        [0xd8, 0x60].repeat(10_000),
        [0x9f].repeat(10_000),
        [0x5f].repeat(10_000),
        bytes_in_bytes,
    ];
    let forge = Forge::open(&BLOB, b"");
    // What is nested is a whole item at most, of a type that may be right where it stands: its size or its
    // content is then wrong.
    let expected = [Code::BlobMalformed, Code::BlobNotDeterministic, Code::BlobBounds, Code::ContentRejected];
    let bundle = Item::read(&forge.bundle());
    for nest in &nests {
        for node in 0..Item::blob(&BLOB).nodes() {
            let mut blob = Item::blob(&BLOB);
            *blob.node(node) = Item::Raw(nest.clone());
            let code = planned(&blob.encode()).unwrap_err();
            assert!(expected.contains(&code), "{:02x?} as node {node}: {code}", &nest[..4]);
        }
        for node in 0..bundle.nodes() {
            let mut bundle = bundle.clone();
            *bundle.node(node) = Item::Raw(nest.clone());
            match planned(&forge.close_around(&bundle.encode())) {
                Err(code) => assert!(expected.contains(&code), "{:02x?} as {node}: {code}", &nest[..4]),
                // Any bytes may be a sealed secret, as far as one can tell before the keys answer.
                Ok(()) => assert_eq!((nest[0] >> 5, node), (2, bundle.nodes() - 1)),
            }
        }
    }
}

//= RFC 8949 section 4.2.1: "Preferred serialization MUST be used." and "Indefinite-length items MUST NOT
//= appear."
#[test]
fn every_head_in_every_other_form() {
    let blob = Item::blob(&BLOB);
    let forge = Forge::open(&BLOB, b"");
    let bundle = Item::read(&forge.bundle());
    let mut forms = 0;
    for form in LONG.into_iter().chain([Form::Indefinite]) {
        for node in 0..blob.nodes() {
            let other = blob.encode_with(node, form);
            if other != *BLOB {
                forms += 1;
                assert_eq!(parsed(&other), Err(Code::BlobNotDeterministic), "node {node} {form:?}");
            }
        }
        for node in 0..bundle.nodes() {
            let other = bundle.encode_with(node, form);
            if other != forge.bundle() {
                forms += 1;
                let code = planned(&forge.close_around(&other));
                assert_eq!(code, Err(Code::BlobNotDeterministic), "bundle node {node} {form:?}");
            }
        }
    }
    assert!(forms > 4 * (blob.nodes() + bundle.nodes()) / 2, "{forms}");
}

#[test]
fn every_node_of_another_type() {
    let others = [
        uint(0),
        Item::Int(1, 0),
        Item::Bytes(Vec::new()),
        text(""),
        Item::Array(Vec::new()),
        Item::Map(Vec::new()),
        Item::Raw(vec![0xf5]),
        Item::Raw(vec![0xf6]),
        Item::Raw(vec![0xfb, 0, 0, 0, 0, 0, 0, 0, 0]),
        Item::Raw(vec![0xff]),
    ];
    let major = |item: &Item| item.encode()[0] >> 5;
    let bundle = Item::read(&Forge::open(&BLOB, b"").bundle());
    for other in others {
        for node in 0..Item::blob(&BLOB).nodes() {
            if major(Item::blob(&BLOB).node(node)) != major(&other) {
                assert_eq!(changed(|blob| *blob.node(node) = other.clone()), Code::BlobMalformed, "{node}");
            }
        }
        for node in 0..bundle.nodes() {
            if major(bundle.clone().node(node)) != major(&other) {
                let code = bundle_changed(|bundle| *bundle.node(node) = other.clone());
                assert_eq!(code, Code::BlobMalformed, "bundle node {node}");
            }
        }
    }
}

#[test]
fn a_tag_before_any_node() {
    let tagged = |item: &mut Item| *item = Item::Tag(1, Box::new(item.clone()));
    for node in 0..Item::blob(&BLOB).nodes() {
        assert_eq!(changed(|blob| tagged(blob.node(node))), Code::BlobMalformed, "{node}");
    }
    for node in 0..Item::read(&Forge::open(&BLOB, b"").bundle()).nodes() {
        assert_eq!(bundle_changed(|bundle| tagged(bundle.node(node))), Code::BlobMalformed, "{node}");
    }
}

#[test]
fn one_element_or_entry_more_in_any_container() {
    let grow = |item: &mut Item| match item {
        Item::Array(items) => items.push(uint(0)),
        Item::Map(pairs) => pairs.push((text("zzzzzzzzzzzz"), uint(0))),
        _ => item.clone_from(&Item::Raw(vec![0xf6])),
    };
    for node in 0..Item::blob(&BLOB).nodes() {
        assert_eq!(changed(|blob| grow(blob.node(node))), Code::BlobMalformed, "{node}");
    }
    for node in 0..Item::read(&Forge::open(&BLOB, b"").bundle()).nodes() {
        assert_eq!(bundle_changed(|bundle| grow(bundle.node(node))), Code::BlobMalformed, "{node}");
    }
}

#[test]
fn one_element_or_entry_less_in_any_container() {
    for node in 0..Item::blob(&BLOB).nodes() {
        let mut blob = Item::blob(&BLOB);
        match blob.node(node) {
            Item::Array(items) => drop(items.pop()),
            Item::Map(pairs) => drop(pairs.pop()),
            _ => continue,
        }
        let code = planned(&blob.encode()).unwrap_err();
        let expected = [Code::BlobMalformed, Code::BindingCount, Code::BindingTooWeak];
        assert!(expected.contains(&code), "{node}: {code}");
    }
}

//= RFC 8949 section 4.2.1: "The keys in every map MUST be sorted in the bytewise lexicographic order of their
//= deterministic encodings."
#[test]
fn keys_in_another_order_or_twice() {
    let (mut maps, mut sorted) = (0, 0);
    for node in 0..Item::blob(&BLOB).nodes() {
        let mut blob = Item::blob(&BLOB);
        let Item::Map(pairs) = blob.node(node) else { continue };
        maps += 1;
        // The PCR map is the one with keys of the blob's own choice; in all others every key has its place.
        let is_pcrs = pairs.iter().all(|(_, value)| matches!(value, Item::Bytes(bytes) if bytes.len() == 48));
        let expected = if is_pcrs { Code::BlobNotDeterministic } else { Code::BlobMalformed };
        sorted += usize::from(is_pcrs);
        let pairs = pairs.clone();
        for place in 1..pairs.len() {
            let mut swapped = pairs.clone();
            swapped.swap(place - 1, place);
            assert_eq!(changed(|blob| *blob.node(node) = Item::Map(swapped)), expected, "{node}");
            let mut twice = pairs.clone();
            twice.insert(place, pairs[place - 1].clone());
            assert_eq!(changed(|blob| *blob.node(node) = Item::Map(twice)), expected, "{node}");
        }
    }
    assert_eq!((maps, sorted), (6, 1));
}

#[test]
fn the_size_of_the_whole() {
    let long = |length| [&BLOB[..], &vec![0; length - BLOB.len()]].concat();
    assert_eq!(parsed(&long(MAX_BLOB_LEN + 1)), Err(Code::BlobSize));
    assert_eq!(parsed(&long(MAX_BLOB_LEN)), Err(Code::BlobTrailing));
}

#[test]
fn the_outer_structure() {
    for tag in [0, 16, 95, 97, 98] {
        let tagged = |blob: &mut Item| {
            let Item::Tag(number, _) = blob else { panic!("{blob:?}") };
            *number = tag;
        };
        assert_eq!(changed(tagged), Code::BlobMalformed);
    }
    assert_eq!(
        changed(|blob| *blob = Item::Array(std::mem::take(blob.untagged()))),
        Code::BlobMalformed,
        "no tag"
    );
    for length in [0, 11, 13] {
        let iv = |blob: &mut Item| blob.untagged()[1].pairs()[0].1 = Item::Bytes(vec![0; length]);
        assert_eq!(changed(iv), Code::BlobMalformed);
    }
    for length in [0, 1, 16] {
        let ciphertext = |blob: &mut Item| blob.untagged()[2] = Item::Bytes(vec![0; length]);
        assert_eq!(changed(ciphertext), Code::BlobMalformed);
    }
}

#[test]
fn the_protected_header() {
    let field =
        |name: &'static str, value: Item| changed(|blob| *blob.untagged()[0].at("pcrseal").at(name) = value);
    for version in [0, 2, u64::MAX] {
        assert_eq!(field("v", uint(version)), Code::BlobVersion);
    }
    assert_eq!(changed(|blob| blob.untagged()[0].pairs()[0].1 = uint(1)), Code::BlobMalformed);
    assert_eq!(field("cluster", text("")), Code::ClusterId);
    assert_eq!(field("cluster", text(&"x".repeat(65))), Code::ClusterId);
    assert_eq!(field("cluster", text("a b")), Code::ClusterId);
    assert_eq!(field("cluster", Item::Text(vec![0xc3, 0x28])), Code::BlobMalformed);
    for length in [0, 15, 17] {
        assert_eq!(field("seal-id", Item::Bytes(vec![0; length])), Code::BlobMalformed);
    }
    for name in ["", "Attested", "attested ", "none"] {
        assert_eq!(field("wrapping", text(name)), Code::BlobMalformed);
    }
}

#[test]
fn a_later_version_is_named_whatever_else_it_changes() {
    let later = |blob: &mut Item| {
        let header = blob.untagged()[0].pairs();
        header[0].1 = Item::Int(1, 6);
        header[1].1 = Item::Map(vec![(text("v"), uint(2)), (text("else"), uint(0))]);
        blob.untagged()[3] = text("else");
    };
    assert_eq!(changed(later), Code::BlobVersion);
}

#[test]
fn one_to_eight_bindings() {
    let with = |count: u8| {
        let mut forge = Forge::open(&BLOB, b"");
        let own = forge.bindings[0].clone();
        forge.bindings = (1..count)
            .map(|release| own.keys().map(|index| (*index, vec![0x80 + release; 48])).collect())
            .collect();
        forge.bindings.extend((count > 0).then_some(own));
        planned(&forge.close())
    };
    assert_eq!(with(0), Err(Code::BindingCount));
    for count in 1..=8 {
        with(count).unwrap();
    }
    assert_eq!(with(9), Err(Code::BindingCount));
}

#[test]
fn two_bindings_for_the_same_values() {
    let twice = |blob: &mut Item| {
        let mut again = recipients(blob)[0].clone();
        *again.items()[1].at("pcrseal").at("salt") = Item::Bytes(vec![7; 32]);
        recipients(blob).push(again);
    };
    assert_eq!(changed(twice), Code::BindingDuplicate);
}

#[test]
fn the_recipient() {
    let recipient = |change: fn(&mut Item)| changed(|blob| change(&mut recipients(blob)[0]));
    let protected = |recipient: &mut Item| recipient.items()[0] = Item::Bytes(vec![0xa0]);
    assert_eq!(recipient(protected), Code::BlobMalformed);
    let nested = |recipient: &mut Item| {
        let inner = recipient.clone();
        recipient.items().push(Item::Array(vec![inner]));
    };
    assert_eq!(recipient(nested), Code::BlobMalformed);
    let direct = |recipient: &mut Item| recipient.items()[1].pairs()[0].1 = Item::Int(1, 5);
    assert_eq!(recipient(direct), Code::BlobMalformed);
    for (field, right) in [("salt", 32), ("pcrs", 48)] {
        for length in [0, right - 1, right + 1] {
            let wrong = |blob: &mut Item| {
                let place = recipients(blob)[0].items()[1].at("pcrseal").at(field);
                let value = if let Item::Map(pairs) = place { &mut pairs[0].1 } else { place };
                *value = Item::Bytes(vec![0; length]);
            };
            assert_eq!(changed(wrong), Code::BlobMalformed);
        }
    }
    for length in [0, 39, 41] {
        let wrong = |blob: &mut Item| recipients(blob)[0].items()[2] = Item::Bytes(vec![0; length]);
        assert_eq!(changed(wrong), Code::BlobMalformed);
    }
}

#[test]
fn the_pcrs_of_a_binding() {
    assert_eq!(changed(|blob| pcrs(blob).clear()), Code::BlobBounds);
    for index in [32, 255, u64::MAX] {
        assert_eq!(changed(|blob| pcrs(blob)[2].0 = uint(index)), Code::PcrIndex);
    }
    let value = Item::Bytes(vec![0; 48]);
    let all = |count: u64| (0..count).map(|index| (uint(index), value.clone())).collect::<Vec<_>>();
    assert_eq!(changed(|blob| *pcrs(blob) = all(33)), Code::BlobBounds);
    let mut blob = Item::blob(&BLOB);
    *pcrs(&mut blob) = all(32);
    parsed(&blob.encode()).unwrap();
}

#[test]
fn the_bundle() {
    let share = |place: usize, value: Item| {
        bundle_changed(|bundle| bundle.items()[1].items()[1].items()[place] = value)
    };
    let item = |place: usize, value: Item| bundle_changed(|bundle| bundle.items()[place] = value);
    let bytes = |length| Item::Bytes(vec![0; length]);

    for threshold in [0, 4, 256, u64::MAX] {
        assert_eq!(item(0, uint(threshold)), Code::BlobBounds, "threshold {threshold}");
    }
    assert_eq!(item(1, Item::Array(Vec::new())), Code::BlobBounds);
    let seventeen = |bundle: &mut Item| {
        let shares = bundle.items()[1].items();
        *shares = vec![shares[0].clone(); 17];
    };
    assert_eq!(bundle_changed(seventeen), Code::BlobBounds);
    for arn in ["", "alias/a", &format!("arn:aws:kms:a:111122223333:key/{}", "a".repeat(256))] {
        assert_eq!(share(0, text(arn)), Code::KeyArn);
    }
    assert_eq!(share(0, Item::Text(vec![0xff])), Code::BlobMalformed);
    for length in [0, 6145] {
        assert_eq!(share(1, bytes(length)), Code::BlobBounds, "CiphertextBlob of {length}");
    }
    for length in [0, 59, 61] {
        assert_eq!(share(2, bytes(length)), Code::BlobMalformed, "sealed share of {length}");
    }
    for length in [0, 31, 33] {
        assert_eq!(item(2, bytes(length)), Code::BlobMalformed, "commitment of {length}");
    }
    for length in [0, 27, 28, 65_565] {
        assert_eq!(item(3, bytes(length)), Code::BlobBounds, "sealed secret of {length}");
    }
}
