//! Memory: what an adversary sends costs a few times its own size and a small constant, never more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::LazyLock;

use common::cms::ciphertext_for_recipient;
use common::forge::Forge;
use common::kms::{MemoryKms, measured, parameters, policy_builder, quorum, seal, sealed};
use common::tree::{Item, text};
use pcrseal_core::blob::SealedBlob;
use pcrseal_core::cms::EnvelopedData;
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::limits::MAX_BLOB_LEN;
use pcrseal_core::names::Wrapping;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::TrustPolicy;
use pcrseal_core::seal::{HostVouchesForSecret, Plan};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal;

/// Eight bindings of 32 PCRs in place, and room for one error's texts.
const PARSE_CONSTANT: u64 = 16 * 1024;
/// What a plan holds besides: two lists of PCRs that differ (32 of 98 bytes each), the quorum, the AADs.
const PLAN_CONSTANT: u64 = 28 * 1024;

static POLICY: LazyLock<TrustPolicy> =
    LazyLock::new(|| policy_builder().seal_quorum(quorum(2, 3, Wrapping::Attested)).build().unwrap());
static MEASURED: LazyLock<PcrSet> = LazyLock::new(|| measured(1));
static BLOB: LazyLock<Vec<u8>> =
    LazyLock::new(|| sealed(&POLICY, &MEASURED, &MemoryKms::default(), &aws_lc::BACKEND).0);

/// The most bytes that were allocated at one time.
fn peak(action: impl FnOnce()) -> u64 {
    allocation_counter::measure(action).bytes_max
}

/// Borrows what is long, so a small constant is all that parsing costs; a plan takes the plaintext of the
/// outer layer, and copies out of it.
fn check(blob: &[u8]) {
    let input = blob.len() as u64;
    let parse = peak(|| drop(SealedBlob::parse(blob)));
    assert!(parse <= PARSE_CONSTANT, "parse: {parse} bytes for {input}");
    let plan = peak(|| drop(unseal::Plan::new(blob, &POLICY, &MEASURED, b"")));
    assert!(plan <= 2 * input + PLAN_CONSTANT, "plan: {plan} bytes for {input}");
}

#[test]
fn the_counter_counts() {
    assert!(peak(|| drop(vec![0_u8; 1 << 20])) >= 1 << 20);
    assert!(unseal::Plan::new(&BLOB, &POLICY, &MEASURED, b"").is_ok());
    assert!(peak(|| drop(unseal::Plan::new(&BLOB, &POLICY, &MEASURED, b""))) > BLOB.len() as u64 / 2);
}

#[test]
fn mutated_blobs() {
    let huge = [0x5b, 0x7b, 0x9b, 0xbb, 0xdb]
        .map(|head| [head, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])
        .into_iter()
        .chain([0x5b, 0x7b, 0x9b, 0xbb].map(|head| [head, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    for head in huge {
        for position in 0..BLOB.len() {
            let (before, after) = BLOB.split_at(position);
            check(&[before, &head, after].concat());
            check(&[before, &head, after.get(head.len()..).unwrap_or_default()].concat());
        }
    }
    for length in 0..BLOB.len() {
        check(&BLOB[..length]);
    }
    let mut flipped = BLOB.clone();
    for position in 0..flipped.len() {
        flipped[position] ^= 0x55;
        check(&flipped);
        flipped[position] ^= 0x55;
    }
}

#[test]
fn long_fields_in_every_place() {
    let forge = Forge::open(&BLOB, b"");
    let bundle = Item::read(&forge.bundle());
    let room = MAX_BLOB_LEN - 2 * BLOB.len();
    // The text is one that grows when it is escaped.
    let long = [
        Item::Bytes(vec![0; room]),
        Item::Text(vec![0; room]),
        Item::Array(vec![text(""); room]),
        Item::Map(vec![(text(""), text("")); room / 2]),
        Item::Raw(vec![0x81; room]),
    ];
    for item in long {
        for node in 0..Item::blob(&BLOB).nodes() {
            let mut blob = Item::blob(&BLOB);
            *blob.node(node) = item.clone();
            check(&blob.encode());
        }
        for node in 0..bundle.nodes() {
            let mut bundle = bundle.clone();
            *bundle.node(node) = item.clone();
            check(&forge.close_around(&bundle.encode()));
        }
    }
}

#[test]
fn as_many_bindings_and_shares_as_there_can_be() {
    let mut forge = Forge::open(&BLOB, b"");
    forge.bindings =
        (0..8).map(|release| (0..32).map(|index| (index, vec![release; 48])).collect()).collect();
    check(&forge.close());
    forge.shares = (0..16).map(|_| (forge.shares[0].0.clone(), vec![0; 6144], vec![0; 60])).collect();
    check(&forge.close());
    forge.sealed_secret = vec![0; 65_564];
    check(&forge.close());
    assert!(forge.close().len() <= MAX_BLOB_LEN);
}

#[test]
fn the_longest_secret() {
    let kms = MemoryKms::default();
    let secret = Secret::new(vec![7; 65_536]);
    let plan = Plan::import(&parameters(&POLICY, &MEASURED), secret, HostVouchesForSecret, &aws_lc::BACKEND)
        .unwrap();
    let (blob, _) = seal(plan, &POLICY, &MEASURED, &kms, &aws_lc::BACKEND);
    check(&blob);
}

#[test]
fn a_cms_allocates_nothing() {
    let key = aws_lc::BACKEND.rsa.generate().unwrap();
    let message = ciphertext_for_recipient(key.public_key_der(), &[7; 32]);
    let check = |message: &[u8]| {
        let bytes = peak(|| drop(EnvelopedData::parse(message)));
        assert_eq!(bytes, 0, "{} bytes of CMS", message.len());
    };
    check(&message);
    EnvelopedData::parse(&message).unwrap();
    for position in 0..message.len() {
        check(&message[..position]);
        for head in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x24, 0x80], &[0xa0, 0x82, 0xff, 0xff]] {
            let (before, after) = message.split_at(position);
            check(&[before, head, after].concat());
            check(&[before, head, after.get(head.len()..).unwrap_or_default()].concat());
        }
        let mut flipped = message.clone();
        flipped[position] ^= 0x55;
        check(&flipped);
    }
    check(&[0x30, 0x80].repeat(3072));
    check(&vec![0x30; 1 << 20]);
}
