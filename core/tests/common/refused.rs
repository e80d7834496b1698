//! One way each in which a blob is refused: the negative test vectors.

use pcrseal_core::error::Code;
use pcrseal_core::pcr::{PcrSelection, PcrSet};
use serde_json::{Value, json};

use super::forge::Forge;
use super::hex;
use super::kms::measured;
use super::steps::{Pcrs, pcrs, pcrs_json};
use super::tree::{Form, Item, text, uint};

/// The vector that the negative ones start from.
pub const BASE: &str = "valid_attested_2_of_3";

/// A file's name without its ending, and what is in it. The name begins with the code's.
pub type Refusal = (&'static str, Value);

type Pairs = Vec<(Item, Item)>;

/// PCR0, PCR1 and PCR2.
pub fn image(release: u8) -> PcrSet {
    measured(release).select(PcrSelection::IMAGE).unwrap()
}

/// All of them, from the base vector's blob.
pub fn refused(base: &[u8]) -> Vec<Refusal> {
    [parse_failures(base), plan_failures(base), bundle_failures(base), answer_failures(base)].concat()
}

/// A negative vector that differs from the base in its blob alone.
fn of_blob(layer: &str, expect: Code, description: &str, blob: &[u8]) -> Value {
    json!({
        "description": description,
        "base": BASE,
        "layer": layer,
        "expect": expect.name(),
        "blob": hex(blob),
    })
}

/// The same with one thing more: what the reader trusts or measures, or which answer fails.
fn with(mut vector: Value, name: &str, value: Value) -> Value {
    vector[name] = value;
    vector
}

fn parse_failures(base: &[u8]) -> Vec<Refusal> {
    let changed = |expect, description, change: &dyn Fn(&mut Item)| {
        let mut blob = Item::blob(base);
        change(&mut blob);
        of_blob("parse", expect, description, &blob.encode())
    };
    let malformed =
        |description, change: &dyn Fn(&mut Item)| changed(Code::BlobMalformed, description, change);
    let unsorted = |description, change: &dyn Fn(&mut Pairs)| {
        changed(Code::BlobNotDeterministic, description, &|blob| change(pcrs_at(blob)))
    };
    let header = |blob: &mut Item, field: &str, value| *blob.untagged()[0].at("pcrseal").at(field) = value;
    let encoded = |description, form| {
        let blob = Item::blob(base).encode_with(1, form);
        of_blob("parse", Code::BlobNotDeterministic, description, &blob)
    };
    let bindings = |count: u8| {
        let mut forge = Forge::open(base, b"");
        let values = |release| (0..3).map(|index| (index, vec![release; 48])).collect();
        forge.bindings = (0..count).map(values).collect();
        of_blob("parse", Code::BindingCount, "a number of bindings outside 1..8", &forge.close())
    };
    let twice = |blob: &mut Item| {
        let mut again = recipients(blob)[0].clone();
        *again.items()[1].at("pcrseal").at("salt") = Item::Bytes(vec![7; 32]);
        recipients(blob).push(again);
    };
    vec![
        ("blob_size_empty", of_blob("parse", Code::BlobSize, "nothing at all", b"")),
        (
            "blob_malformed_truncated",
            of_blob("parse", Code::BlobMalformed, "the last byte is missing", &base[..base.len() - 1]),
        ),
        (
            "blob_malformed_no_tag",
            of_blob("parse", Code::BlobMalformed, "COSE_Encrypt without its tag", &base[2..]),
        ),
        ("blob_malformed_extra_element", malformed("five elements", &|blob| blob.untagged().push(uint(0)))),
        (
            "blob_malformed_header_order",
            malformed("seal-id before cluster", &|blob| {
                blob.untagged()[0].at("pcrseal").pairs().swap(1, 2);
            }),
        ),
        (
            "blob_malformed_wrapping",
            malformed("an unknown wrapping", &|blob| header(blob, "wrapping", text("none"))),
        ),
        (
            "blob_malformed_recipient_protected",
            malformed("a recipient with a protected header", &|blob| {
                recipients(blob)[0].items()[0] = Item::Bytes(vec![0xa0]);
            }),
        ),
        ("blob_not_deterministic_long_head", encoded("a head longer than it need be", Form::Long(1))),
        ("blob_not_deterministic_indefinite", encoded("an array of indefinite length", Form::Indefinite)),
        (
            "blob_not_deterministic_pcr_order",
            unsorted("PCR indices that do not ascend", &|pcrs| pcrs.swap(0, 1)),
        ),
        (
            "blob_not_deterministic_pcr_repeated",
            unsorted("a PCR index twice", &|pcrs| pcrs.insert(0, pcrs[0].clone())),
        ),
        (
            "blob_trailing",
            of_blob("parse", Code::BlobTrailing, "a byte after the end", &[base, &[0]].concat()),
        ),
        ("blob_version", changed(Code::BlobVersion, "version 2", &|blob| header(blob, "v", uint(2)))),
        (
            "blob_bounds_no_pcrs",
            changed(Code::BlobBounds, "a binding on no PCR", &|blob| pcrs_at(blob).clear()),
        ),
        ("pcr_index", changed(Code::PcrIndex, "PCR32", &|blob| pcrs_at(blob)[2].0 = uint(32))),
        (
            "cluster_id",
            changed(Code::ClusterId, "a space in the cluster id", &|blob| {
                header(blob, "cluster", text("a b"));
            }),
        ),
        ("binding_count_none", bindings(0)),
        ("binding_count_nine", bindings(9)),
        ("binding_duplicate", changed(Code::BindingDuplicate, "the same PCR values under two salts", &twice)),
    ]
}

fn plan_failures(base: &[u8]) -> Vec<Refusal> {
    let of_reader =
        |expect, description, name, value| with(of_blob("plan", expect, description, base), name, value);
    let changed = |expect, description, change: &dyn Fn(&mut Item)| {
        let mut blob = Item::blob(base);
        change(&mut blob);
        of_blob("plan", expect, description, &blob.encode())
    };
    let measured = |change: &dyn Fn(&mut Pcrs)| {
        let mut values = pcrs(&image(1));
        change(&mut values);
        pcrs_json(&values)
    };
    let forged =
        |expect, description, change: &dyn Fn(&mut Forge)| forged("plan", base, expect, description, change);
    vec![
        (
            "pcr_missing",
            of_reader(
                Code::PcrMissing,
                "PCR2 was not measured",
                "measured_pcrs",
                measured(&|pcrs| drop(pcrs.pop())),
            ),
        ),
        (
            "debug_mode",
            of_reader(
                Code::DebugMode,
                "PCR0, PCR1 and PCR2 are zero",
                "measured_pcrs",
                measured(&|pcrs: &mut Pcrs| {
                    for (_, value) in pcrs {
                        value.fill(0);
                    }
                }),
            ),
        ),
        (
            "cluster_mismatch",
            changed(Code::ClusterMismatch, "another cluster's blob", &|blob| {
                *blob.untagged()[0].at("pcrseal").at("cluster") = text("other");
            }),
        ),
        (
            "generation_too_old",
            of_reader(Code::GenerationTooOld, "a rollback: generation 1", "minimum_generation", json!("2")),
        ),
        (
            "seal_id_mismatch",
            of_reader(
                Code::SealIdMismatch,
                "another seal than the pinned one",
                "pinned_seal_id",
                json!("00".repeat(16)),
            ),
        ),
        (
            "binding_too_weak",
            forged(Code::BindingTooWeak, "the binding does not cover PCR2", &|forge| {
                drop(forge.bindings[0].remove(&2));
            }),
        ),
        (
            "pcr_drift",
            of_reader(
                Code::PcrDrift,
                "PCR1 has another value",
                "measured_pcrs",
                measured(&|pcrs| pcrs[1].1.fill(0xee)),
            ),
        ),
        (
            "binding_rejected",
            changed(Code::BindingRejected, "the wrapped content key was altered", &|blob| {
                flip(&mut recipients(blob)[0].items()[2]);
            }),
        ),
        (
            "content_rejected_ciphertext",
            changed(Code::ContentRejected, "the ciphertext was altered", &|blob| {
                flip(&mut blob.untagged()[2]);
            }),
        ),
        (
            "content_rejected_header",
            changed(Code::ContentRejected, "the generation was raised", &|blob| {
                *blob.untagged()[0].at("pcrseal").at("generation") = uint(2);
            }),
        ),
        (
            "content_rejected_external_aad",
            of_reader(Code::ContentRejected, "another external_aad", "external_aad", json!(hex(b"tenant 2"))),
        ),
    ]
}

fn bundle_failures(base: &[u8]) -> Vec<Refusal> {
    let forged =
        |expect, description, change: &dyn Fn(&mut Forge)| forged("plan", base, expect, description, change);
    let around = |expect, description, bundle: &[u8]| {
        of_blob("plan", expect, description, &Forge::open(base, b"").close_around(bundle))
    };
    let bundle = Forge::open(base, b"").bundle();
    let long_head = Item::read(&bundle).encode_with(1, Form::Long(1));
    let foreign = "arn:aws:kms:eu-central-1:999999999999:key/99999999-aaaa";
    vec![
        (
            "blob_trailing_bundle",
            around(Code::BlobTrailing, "a byte after the bundle", &[&bundle[..], &[0]].concat()),
        ),
        (
            "blob_not_deterministic_bundle",
            around(Code::BlobNotDeterministic, "a head in the bundle longer than it need be", &long_head),
        ),
        ("blob_bounds_threshold", forged(Code::BlobBounds, "4 of 3 shares", &|forge| forge.threshold = 4)),
        (
            "blob_bounds_secret",
            forged(Code::BlobBounds, "a sealed secret of no bytes", &|forge| {
                forge.sealed_secret.truncate(28);
            }),
        ),
        (
            "key_arn",
            forged(Code::KeyArn, "an alias instead of a key's ARN", &|forge| {
                "arn:aws:kms:eu-central-1:111122223330:alias/a".clone_into(&mut forge.shares[0].0);
            }),
        ),
        (
            "key_repeated",
            forged(Code::KeyRepeated, "a trusted key twice", &|forge| {
                forge.shares[1].0 = forge.shares[0].0.clone();
            }),
        ),
        (
            "key_not_trusted",
            forged(Code::KeyNotTrusted, "a foreign key", &|forge| {
                foreign.clone_into(&mut forge.shares[2].0);
            }),
        ),
        (
            "key_order",
            forged(Code::KeyOrder, "the trusted keys in another order", &|forge| forge.shares.swap(0, 1)),
        ),
        ("key_count", forged(Code::KeyCount, "a trusted key left out", &|forge| drop(forge.shares.pop()))),
        (
            "threshold_mismatch",
            forged(Code::ThresholdMismatch, "3 of 3 instead of 2", &|forge| forge.threshold = 3),
        ),
        (
            "wrapping_mismatch",
            forged(Code::WrappingMismatch, "encrypt instead of attested", &|forge| {
                "encrypt".clone_into(&mut forge.wrapping);
            }),
        ),
    ]
}

fn answer_failures(base: &[u8]) -> Vec<Refusal> {
    let forged = |expect, description, change: &dyn Fn(&mut Forge)| {
        forged("answers", base, expect, description, change)
    };
    let share = |description, change: &dyn Fn(&mut Forge)| {
        with(forged(Code::ShareRejected, description, change), "position", json!(1))
    };
    vec![
        (
            "share_rejected_altered",
            share("the sealed share of key 1 was altered", &|forge| forge.shares[0].2[20] ^= 1),
        ),
        (
            "share_rejected_moved",
            share("the sealed shares of keys 1 and 2 changed places", &|forge| {
                let (one, two) = forge.shares.split_at_mut(1);
                std::mem::swap(&mut one[0].2, &mut two[0].2);
            }),
        ),
        (
            "quorum_not_reached_generation",
            forged(
                Code::QuorumNotReached,
                "another generation, so another encryption context: no key decrypts",
                &|forge| forge.generation = 2,
            ),
        ),
        (
            "quorum_not_reached_shares",
            forged(Code::QuorumNotReached, "two of the three sealed shares were altered", &|forge| {
                forge.shares[..2].iter_mut().for_each(|share| share.2[59] ^= 1);
            }),
        ),
        (
            "commitment_mismatch",
            forged(Code::CommitmentMismatch, "the commitment was altered", &|forge| {
                forge.commitment[31] ^= 1;
            }),
        ),
        (
            "secret_rejected",
            forged(Code::SecretRejected, "the sealed secret was altered", &|forge| {
                forge.sealed_secret[12] ^= 1;
            }),
        ),
    ]
}

/// The outer layer taken off, something changed below it, and the layer put back: anybody can.
fn forged(layer: &str, base: &[u8], expect: Code, description: &str, change: &dyn Fn(&mut Forge)) -> Value {
    let mut forge = Forge::open(base, b"");
    change(&mut forge);
    of_blob(layer, expect, description, &forge.close())
}

fn recipients(blob: &mut Item) -> &mut Vec<Item> {
    blob.untagged()[3].items()
}

fn pcrs_at(blob: &mut Item) -> &mut Pairs {
    recipients(blob)[0].items()[1].at("pcrseal").at("pcrs").pairs()
}

/// Alters the last byte of a byte string.
fn flip(item: &mut Item) {
    let Item::Bytes(bytes) = item else { panic!("bytes: {item:?}") };
    *bytes.last_mut().unwrap() ^= 1;
}
