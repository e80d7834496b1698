//! What a blob shows to anybody, and how long it can be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::forge::Forge;
use common::kms::{MemoryKms, arn, measured, parameters, pcr, policy, policy_builder, quorum, seal, sealed};
use common::tree::{Item, uint};
use pcrseal_core::blob::rebind::add_binding;
use pcrseal_core::blob::{SealedBlob, UnverifiedContents};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{
    MAX_BLOB_LEN, MAX_KEY_ARN_LEN, MAX_KMS_CIPHERTEXT_LEN, MAX_SECRET_LEN, MAX_SHARES,
};
use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy};
use pcrseal_core::seal::{Plan, SealParameters, max_blob_len};
use pcrseal_core::unseal;

const LC: &pcrseal_core::crypto::Backend = &aws_lc::BACKEND;

fn contents(blob: &[u8], external_aad: &[u8]) -> Result<UnverifiedContents, Error> {
    SealedBlob::parse(blob).unwrap().unverified_contents(external_aad)
}

fn sealed_len(policy: &TrustPolicy, secret_len: usize) -> Vec<u8> {
    let measured = measured(1);
    let plan = Plan::generate(&parameters(policy, &measured), secret_len, LC).unwrap();
    seal(plan, policy, &measured, &MemoryKms::default(), LC).0
}

#[test]
fn they_say_the_quorum_and_the_secrets_length() {
    for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
        let policy = policy(wrapping);
        for secret_len in [1, 32, MAX_SECRET_LEN] {
            let blob = sealed_len(&policy, secret_len);
            let contents = contents(&blob, b"").unwrap();
            assert_eq!((contents.threshold, contents.secret_len), (3, secret_len));
            assert_eq!(contents.keys, (0..5).map(arn).collect::<Vec<_>>());
            let shares = Forge::open(&blob, b"").shares;
            let lens: Vec<_> = shares.iter().map(|(_, ciphertext_blob, _)| ciphertext_blob.len()).collect();
            assert_eq!(contents.ciphertext_blob_lens, lens);
            let plan = unseal::Plan::new(&blob, &policy, &measured(1), b"").unwrap();
            assert_eq!(plan.secret_len(), secret_len);
        }
    }
}

#[test]
fn they_open_with_the_external_aad_alone() {
    let (policy, measured) = (policy(Wrapping::Attested), measured(1));
    let parameters = SealParameters { external_aad: b"host", ..parameters(&policy, &measured) };
    let plan = Plan::generate(&parameters, 32, LC).unwrap();
    let (blob, _) = seal(plan, &policy, &measured, &MemoryKms::default(), LC);
    assert_eq!(contents(&blob, b"host").unwrap().secret_len, 32);
    for other in [&b""[..], b"hosts", b"hos"] {
        assert_eq!(contents(&blob, other).unwrap_err().code(), Code::ContentRejected);
    }
}

#[test]
fn any_binding_does_and_none_does_when_all_are_altered() {
    let (policy, kms) = (policy(Wrapping::Attested), MemoryKms::default());
    let (blob, _) = sealed(&policy, &measured(1), &kms, LC);
    let image = measured(2).select(PcrSelection::IMAGE).unwrap();
    let blob = add_binding(&blob, &image, &policy, LC.random).unwrap();
    let altered = |which: &[usize]| {
        let mut item = Item::blob(&blob);
        for recipient in which {
            let salt = item.untagged()[3].items()[*recipient].items()[1].at("pcrseal").at("salt");
            *salt = Item::read(&[&[0x58, 32][..], &[0; 32]].concat());
        }
        contents(&item.encode(), b"").map(|contents| contents.secret_len).map_err(|error| error.code())
    };
    assert_eq!(altered(&[]), Ok(32));
    assert_eq!(altered(&[0]), Ok(32));
    assert_eq!(altered(&[1]), Ok(32));
    assert_eq!(altered(&[0, 1]), Err(Code::BindingRejected));
}

// Whoever asks for the contents has learnt what the maker of the blob wanted him to.
#[test]
fn anybody_can_make_them() {
    let blob = sealed_len(&policy(Wrapping::Attested), 32);
    let mut forge = Forge::open(&blob, b"");
    forge.threshold = 1;
    forge.shares.truncate(1);
    forge.shares[0].0 = arn(9).to_string();
    forge.sealed_secret = vec![7; 12 + 100 + 16];
    let contents = contents(&forge.close(), b"").unwrap();
    assert_eq!((contents.threshold, contents.keys, contents.secret_len), (1, vec![arn(9)], 100));
}

#[test]
fn what_is_inside_is_held_to_the_format() {
    let forge = Forge::open(&sealed_len(&policy(Wrapping::Attested), 32), b"");
    let refused = |change: fn(&mut Item)| {
        let mut bundle = Item::read(&forge.bundle());
        change(&mut bundle);
        contents(&forge.close_around(&bundle.encode()), b"").unwrap_err().code()
    };
    assert_eq!(refused(|bundle| bundle.items()[0] = uint(6)), Code::BlobBounds);
    assert_eq!(refused(|bundle| drop(bundle.items().pop())), Code::BlobMalformed);
}

/// The longest name of the longest key.
fn long_arn(number: usize) -> KeyArn {
    let start = format!("arn:aws:kms:eu-central-1:111122223333:key/{number:02}");
    KeyArn::new(&format!("{start}{}", "f".repeat(MAX_KEY_ARN_LEN - start.len()))).unwrap()
}

fn all_pcrs(byte: u8) -> PcrSet {
    PcrIndex::all().map(|index| (index, Pcr::new([byte; 48]))).collect()
}

/// The same blob, with `CiphertextBlob`s as long as KMS may make them; written by coset and ciborium.
fn with_longest_ciphertext_blobs(blob: &[u8]) -> Vec<u8> {
    let mut forge = Forge::open(blob, b"");
    for (_, ciphertext_blob, _) in &mut forge.shares {
        *ciphertext_blob = vec![0; MAX_KMS_CIPHERTEXT_LEN];
    }
    forge.close()
}

#[test]
fn the_bound_is_the_length_of_the_longest_blob_there_can_be() {
    let keys = |number: usize| (0..number).map(long_arn).collect();
    for (quorum, cluster, secret_len, required, bindings) in [
        (
            Quorum::new(9, keys(MAX_SHARES), Wrapping::Attested).unwrap(),
            "c".repeat(64),
            MAX_SECRET_LEN,
            PcrIndex::all().collect(),
            8,
        ),
        (quorum(2, 3, Wrapping::Encrypt), "c".to_owned(), 1, PcrSelection::EMPTY.with(pcr(0)), 1),
        (quorum(2, 2, Wrapping::Encrypt), "c".repeat(23), 227, PcrSelection::IMAGE, 2),
        (quorum(2, 5, Wrapping::Attested), "c".repeat(24), 228, PcrSelection::IMAGE, 3),
    ] {
        let policy = TrustPolicy::builder(ClusterId::new(&cluster).unwrap())
            .minimum_generation(u64::MAX)
            .required_pcrs(required)
            .seal_quorum(quorum)
            .build()
            .unwrap();
        let measured = all_pcrs(1);
        let further: Vec<_> = (2..=bindings).map(all_pcrs).collect();
        let parameters = SealParameters { further_bindings: &further, ..parameters(&policy, &measured) };
        let plan = Plan::generate(&parameters, secret_len, LC).unwrap();
        let (blob, _) = seal(plan, &policy, &measured, &MemoryKms::default(), LC);
        let bound = max_blob_len(&policy, secret_len, bindings.into()).unwrap();
        assert!(blob.len() < bound && bound <= MAX_BLOB_LEN, "{} {bound}", blob.len());

        let longest = with_longest_ciphertext_blobs(&blob);
        assert_eq!(longest.len(), bound);
        SealedBlob::parse(&longest).unwrap().unverified_contents(b"").unwrap();
    }
}

#[test]
fn the_bound_is_one_for_bindings_that_are_added_later() {
    let policy = policy(Wrapping::Attested);
    let mut blob = sealed_len(&policy, 32);
    for bindings in 2..=8_u8 {
        blob = add_binding(&blob, &all_pcrs(100 + bindings), &policy, LC.random).unwrap();
        assert!(blob.len() < max_blob_len(&policy, 32, bindings.into()).unwrap());
    }
}

#[test]
fn the_bound_is_for_what_can_be_sealed() {
    let policy = policy(Wrapping::Attested);
    let refused = |secret_len, bindings| max_blob_len(&policy, secret_len, bindings).unwrap_err().code();
    assert_eq!(refused(0, 1), Code::SecretLength);
    assert_eq!(refused(MAX_SECRET_LEN + 1, 1), Code::SecretLength);
    assert_eq!(refused(usize::MAX, 1), Code::SecretLength);
    assert_eq!(refused(32, 0), Code::BindingCount);
    assert_eq!(refused(32, 9), Code::BindingCount);
    assert_eq!(refused(32, usize::MAX), Code::BindingCount);
    let unsealing = policy_builder().unseal_quorum(quorum(2, 3, Wrapping::Attested)).build().unwrap();
    assert_eq!(max_blob_len(&unsealing, 32, 1).unwrap_err().code(), Code::NoSealQuorum);
}
