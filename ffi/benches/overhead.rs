//! What a call through the C functions costs over the same call of the Rust API: the verification of an attestation
//! document, and looking into a blob.
//!
//! `cargo bench -p pcrseal-ffi` prints criterion's figures and, at the end, the differences: measured apart, with the two
//! sides taking turns, so that whatever else the machine does touches both alike. The document is a genuine one where
//! `../shared/vectors` lies beside the checkout, and one of the emulator's otherwise; the blob is one of core's vectors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

#[path = "../../core/tests/common/sample.rs"]
#[allow(dead_code, unreachable_pub, clippy::new_without_default)]
mod sample;

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::ptr;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use pcrseal::core::attestation::{
    AttestationDocument, AttestationKind, AttestationPolicy as CorePolicy, CabundleCache,
};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::PcrIndex;
use pcrseal_ffi::*;
use sample::Sample;

/// How often both sides are measured.
const ROUNDS: usize = 2000;
/// What a call may cost over the Rust API, in nanoseconds.
const BOUND: f64 = 1000.0;

/// One thing that is measured.
struct Case<'a> {
    name: &'static str,
    /// What comes before a call of the C function, and is no part of it.
    prepare: Box<dyn Fn() + 'a>,
    c: Box<dyn Fn() + 'a>,
    rust: Box<dyn Fn() + 'a>,
}

/// Handles live as long as the program.
fn made<T>(call: impl FnOnce(*mut *mut T, *mut *mut Error) -> Status) -> *mut T {
    let mut handle = ptr::null_mut();
    let mut error = ptr::null_mut();
    assert_eq!(call(&raw mut handle, &raw mut error), 0);
    handle
}

/// What a program writes around a verification: the call, one look at what came out, and the free.
fn verify(sample: &Sample, verifier: *const Verifier, policy: *const AttestationPolicy) {
    let (data, len) = (black_box(sample.document.as_ptr()), sample.document.len());
    let attestation = made(|attestation, error| unsafe {
        pcrseal_verify(verifier, data, len, sample.at_ms, policy, attestation, error)
    });
    unsafe {
        black_box(pcrseal_attestation_module_id(attestation));
        pcrseal_attestation_free(attestation);
    }
}

fn inspect(blob: &[u8], json: &RefCell<Vec<u8>>) {
    let (data, len) = (black_box(blob.as_ptr()), blob.len());
    let mut json = json.borrow_mut();
    let (to, capacity, mut json_len, mut error) = (json.as_mut_ptr(), json.len(), 0, ptr::null_mut());
    let status = unsafe {
        pcrseal_inspect(data, len, ptr::null(), 0, to, capacity, &raw mut json_len, &raw mut error)
    };
    assert_eq!(status, 0);
    black_box(json_len);
}

/// Both sides keep what the document says, so that it outlives the document.
fn verify_in_rust(sample: &Sample, policy: &CorePolicy, cache: Option<&RefCell<CabundleCache<16>>>) {
    let (root, at_ms) = (&[&sample.root[..]], sample.at_ms);
    let document = AttestationDocument::parse(black_box(&sample.document)).unwrap();
    let attestation = match cache {
        Some(cache) => document.verify_cached(root, at_ms, &aws_lc::BACKEND, &mut cache.borrow_mut()),
        None => document.verify(root, at_ms, &aws_lc::BACKEND),
    };
    let attestation = attestation.unwrap();
    policy.appraise(&attestation, at_ms).unwrap();
    black_box(attestation.module_id());
}

/// Medians of the C function's time, of the Rust API's, and of the difference of the two in each round, in nanoseconds.
fn medians(case: &Case<'_>) -> [f64; 3] {
    let time = |action: &dyn Fn()| {
        let start = Instant::now();
        action();
        start.elapsed().as_secs_f64() * 1e9
    };
    let mut columns: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        (case.prepare)();
        // Now the one first, now the other.
        let (c, rust) = if round % 2 == 0 {
            let c = time(&case.c);
            (c, time(&case.rust))
        } else {
            let rust = time(&case.rust);
            (time(&case.c), rust)
        };
        for (column, value) in columns.iter_mut().zip([c, rust, c - rust]) {
            column.push(value);
        }
    }
    columns.map(|mut column| {
        column.sort_unstable_by(f64::total_cmp);
        column[column.len() / 2]
    })
}

/// A blob under 2 of 3 keys.
fn blob() -> Vec<u8> {
    let vector = include_str!("../../core/tests/vectors/valid_attested_2_of_3.json");
    let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
    let digits = vector["blob"].as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn main() {
    let (sample, blob) = (Sample::new(), blob());
    let verifier = || {
        made(|verifier, error| unsafe {
            pcrseal_verifier_new(sample.root.as_ptr(), sample.root.len(), verifier, error)
        })
    };
    let policy = made(|policy, error| unsafe {
        pcrseal_attestation_policy_new(PCRSEAL_ATTESTATION_ENCLAVE, policy, error)
    });
    unsafe {
        let (pcr0, nonce, null) = (sample.pcr0.as_bytes(), &sample.nonce, ptr::null_mut());
        assert_eq!(pcrseal_attestation_policy_require_pcr(policy, 0, pcr0.as_ptr(), pcr0.len(), null), 0);
        assert_eq!(pcrseal_attestation_policy_require_nonce(policy, nonce.as_ptr(), nonce.len(), null), 0);
    }
    let in_rust = CorePolicy::builder(AttestationKind::Enclave)
        .pcr(PcrIndex::try_from(0).unwrap(), sample.pcr0)
        .nonce(&sample.nonce)
        .build()
        .unwrap();
    let (warm, cache, json) = (verifier(), RefCell::new(CabundleCache::new()), RefCell::new(vec![0; 65_536]));
    // A verifier that has seen nothing yet.
    let cold = Cell::new(verifier());
    let cases = [
        Case {
            name: "verify",
            prepare: Box::new(|| unsafe { pcrseal_verifier_free(cold.replace(verifier())) }),
            c: Box::new(|| verify(&sample, cold.get(), policy)),
            rust: Box::new(|| verify_in_rust(&sample, &in_rust, None)),
        },
        Case {
            name: "verify, cabundle cached",
            prepare: Box::new(|| ()),
            c: Box::new(|| verify(&sample, warm, policy)),
            rust: Box::new(|| verify_in_rust(&sample, &in_rust, Some(&cache))),
        },
        Case {
            name: "inspect",
            prepare: Box::new(|| ()),
            c: Box::new(|| inspect(&blob, &json)),
            rust: Box::new(|| {
                black_box(pcrseal::inspect(black_box(&blob), &[]).unwrap().to_json());
            }),
        },
    ];

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for case in &cases {
        let mut group = criterion.benchmark_group(case.name);
        group.bench_function("C", |b| {
            b.iter_batched(&case.prepare, |()| (case.c)(), BatchSize::PerIteration);
        });
        group.bench_function("Rust", |b| b.iter(&case.rust));
        group.finish();
    }
    criterion.final_summary();

    let source = if Sample::genuine().is_some() { "genuine" } else { "the emulator's" };
    let (document, blob) = (sample.document.len(), blob.len());
    println!("\nA document of {document} bytes ({source}), a blob of {blob}, medians of {ROUNDS} rounds:");
    for case in &cases {
        let [c, rust, more] = medians(case);
        let answer = if more < BOUND { "below" } else { "NOT below" };
        println!(
            "{:25} C {c:9.0} ns, Rust {rust:9.0} ns: {more:6.0} ns more, {answer} {BOUND:.0} ns",
            case.name
        );
    }
    unsafe {
        pcrseal_attestation_policy_free(policy);
        pcrseal_verifier_free(warm);
        pcrseal_verifier_free(cold.get());
    }
}
