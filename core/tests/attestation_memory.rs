//! What verification costs in memory: no allocation, and no more stack than is documented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::backends::backends;
use common::documents::{each_genuine, verify_at_ms};
use common::sample::Sample;
use pcrseal_core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, AttestationPolicy, CabundleCache,
};
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::limits::ATTESTATION_STACK_LEN;
use pcrseal_core::pcr::PcrIndex;

/// A relying party's work on one document: parse, verify without the cache, fill it, use it, appraise.
fn accept(document: &[u8], root: &[u8], at_ms: u64, policy: &AttestationPolicy, backend: &Backend) {
    let mut cache = CabundleCache::<4>::new();
    let parsed = AttestationDocument::parse(document).unwrap();
    let verified = parsed.verify(&[root], at_ms, backend).unwrap();
    policy.appraise(&verified, at_ms).unwrap();
    for _ in 0..2 {
        let verified = parsed.verify_cached(&[root], at_ms, backend, &mut cache).unwrap();
        policy.appraise(&verified, at_ms).unwrap();
    }
    assert_eq!(cache.len(), 1);
}

fn sample_policy(sample: &Sample) -> AttestationPolicy {
    AttestationPolicy::builder(AttestationKind::Enclave)
        .pcr(PcrIndex::try_from(0).unwrap(), sample.pcr0)
        .nonce(&sample.nonce)
        .fresh_within_ms(300_000, 5_000)
        .revoked_serial(&[1, 2, 3])
        .build()
        .unwrap()
}

/// Rust's allocations; AWS-LC has a few of its own, in C.
fn allocations(action: impl FnOnce()) -> u64 {
    allocation_counter::measure(action).count_total
}

#[test]
fn accepting_a_document_allocates_nothing() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1, "the counter counts");
    for backend in backends() {
        for sample in [Sample::new(), Sample::generated()] {
            let policy = sample_policy(&sample);
            let work = || accept(&sample.document, &sample.root, sample.at_ms, &policy, &backend);
            // The libraries find out once what the processor can do.
            work();
            assert_eq!(allocations(work), 0, "{}", backend.name);
        }

        each_genuine(|document, facts| {
            let at_ms = verify_at_ms(facts);
            let parsed = AttestationDocument::parse(document).unwrap();
            let verified = parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, &aws_lc::BACKEND).unwrap();
            let policy = AttestationPolicy::builder(verified.kind())
                .pcrs(verified.pcrs())
                .module_id(verified.module_id())
                .fresh_within_ms(0, 1000)
                .allow_debug_mode()
                .build()
                .unwrap();
            let work = || accept(document, AWS_NITRO_ENCLAVES_ROOT_G1, at_ms, &policy, &backend);
            assert_eq!(allocations(work), 0, "{} {}", facts["file"], backend.name);
        });
    }
}

/// A stack too small ends the process, so that this test cannot be green with one.
#[test]
fn the_documented_stack_is_enough() {
    let sample = Sample::new();
    let policy = sample_policy(&sample);
    for backend in backends() {
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(stack_len())
                .spawn_scoped(scope, || {
                    accept(&sample.document, &sample.root, sample.at_ms, &policy, &backend);
                })
                .unwrap()
                .join()
                .unwrap();
        });
    }
}

/// The documented stack, or another one to measure with.
fn stack_len() -> usize {
    std::env::var("ATTESTATION_STACK_LEN").map_or(ATTESTATION_STACK_LEN, |length| length.parse().unwrap())
}
