//! What a call through the C functions costs over the same call of the Rust API: the verification of an attestation
//! document, and looking into a blob.
//!
//! `cargo bench -p pcrseal-ffi` prints criterion's figures and, at the end, the differences: measured apart, with the two
//! sides taking turns, so that whatever else the machine does touches both alike. The documents are the emulator's, the blob
//! is one of core's vectors.

#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::ptr;
use std::time::{Duration, Instant};

use criterion::Criterion;
use pcrseal::core::attestation::{
    AttestationDocument, AttestationKind, AttestationPolicy as CorePolicy, CabundleCache,
};
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
#[allow(clippy::wildcard_imports, reason = "as a program in C includes the header")]
use pcrseal_ffi::*;

/// How often both sides are measured.
const ROUNDS: usize = 5000;
/// What a call may cost over the Rust API, in nanoseconds.
const BOUND: f64 = 1000.0;

/// Cabundles that a verifier remembers: with one more, in turn, none is ever found.
const REMEMBERED: usize = 16;
const NONCE: &[u8] = b"a challenge of the relying party";

/// One thing that is measured.
struct Case<'a> {
    name: &'static str,
    c: Box<dyn Fn() + 'a>,
    rust: Box<dyn Fn() + 'a>,
}

/// Documents of enclaves of one image, each under certificates of its own.
struct Sample {
    documents: Vec<Vec<u8>>,
    root: Vec<u8>,
    at_ms: u64,
    pcr0: Pcr,
}

impl Sample {
    fn new() -> Self {
        let clock = Clock::system();
        let authority = Authority::new(&clock).unwrap();
        let image = [1, 2, 3].map(|byte| Pcr::new([byte; 48]));
        let request = AttestationRequest { public_key: Some(&[4; 294]), nonce: Some(NONCE), user_data: None };
        let document = |_| Nsm::boot(&authority, NsmConfig::new(image)).unwrap().attest(&request).unwrap();
        let documents = (0..=REMEMBERED).map(document).collect();
        Self { documents, root: authority.root_der().to_vec(), at_ms: clock.now_millis(), pcr0: image[0] }
    }
}

/// One document after the other, for ever.
fn turns<'a>(documents: &'a [Vec<u8>]) -> impl Fn() -> &'a [u8] {
    let next = Cell::new(0);
    move || {
        let turn = next.get();
        next.set((turn + 1) % documents.len());
        black_box(&documents[turn])
    }
}

/// Handles live as long as the program.
fn made<T>(call: impl FnOnce(*mut *mut T, *mut *mut Error) -> Status) -> *mut T {
    let mut handle = ptr::null_mut();
    let mut error = ptr::null_mut();
    assert_eq!(call(&raw mut handle, &raw mut error), 0);
    handle
}

/// What a program writes around a verification: the call, one look at what came out, and the free.
fn verify(document: &[u8], at_ms: u64, verifier: *const Verifier, policy: *const AttestationPolicy) {
    let (data, len) = (document.as_ptr(), document.len());
    let attestation = made(|attestation, error| unsafe {
        pcrseal_verify(verifier, data, len, at_ms, policy, attestation, error)
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

/// The same in Rust, where what the document says is borrowed from it.
fn verify_in_rust(
    document: &[u8],
    at_ms: u64,
    root: &[u8],
    policy: &CorePolicy,
    cache: &RefCell<CabundleCache<REMEMBERED>>,
) {
    let (document, mut cache) = (AttestationDocument::parse(document).unwrap(), cache.borrow_mut());
    let attestation = document.verify_cached(&[root], at_ms, &aws_lc::BACKEND, &mut cache).unwrap();
    policy.appraise(&attestation, at_ms).unwrap();
    black_box(attestation.module_id());
}

/// Medians of the C function's time, of the Rust API's, and of the difference of the two in each round, in nanoseconds; and
/// the standard error of the last, by the middle half of the rounds, as if they were normally distributed.
fn medians(case: &Case<'_>) -> ([f64; 3], f64) {
    let time = |action: &dyn Fn()| {
        let start = Instant::now();
        action();
        start.elapsed().as_secs_f64() * 1e9
    };
    let mut columns: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
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
    for column in &mut columns {
        column.sort_unstable_by(f64::total_cmp);
    }
    let quarter = |column: &[f64], number: usize| column[column.len() * number / 4];
    let [.., differences] = &columns;
    let deviation = (quarter(differences, 3) - quarter(differences, 1)) / 1.349;
    let error = 1.2533 * deviation / f64::from(u32::try_from(ROUNDS).unwrap()).sqrt();
    (columns.each_ref().map(|column| quarter(column, 2)), error)
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
    let Sample { documents, root, at_ms, pcr0 } = &sample;
    let verifier = || {
        made(|verifier, error| unsafe { pcrseal_verifier_new(root.as_ptr(), root.len(), verifier, error) })
    };
    let policy = made(|policy, error| unsafe {
        pcrseal_attestation_policy_new(PCRSEAL_ATTESTATION_ENCLAVE, policy, error)
    });
    unsafe {
        let (pcr0, null) = (pcr0.as_bytes(), ptr::null_mut());
        assert_eq!(pcrseal_attestation_policy_require_pcr(policy, 0, pcr0.as_ptr(), pcr0.len(), null), 0);
        assert_eq!(pcrseal_attestation_policy_require_nonce(policy, NONCE.as_ptr(), NONCE.len(), null), 0);
    }
    let in_rust = CorePolicy::builder(AttestationKind::Enclave)
        .pcr(PcrIndex::try_from(0).unwrap(), *pcr0)
        .nonce(NONCE)
        .build()
        .unwrap();
    let verifiers = [verifier(), verifier()];
    let caches = [RefCell::new(CabundleCache::new()), RefCell::new(CabundleCache::new())];
    let (for_c, for_rust) = (turns(documents), turns(documents));
    let json = RefCell::new(vec![0; 65_536]);
    let cases = [
        Case {
            name: "verify",
            c: Box::new(|| verify(for_c(), *at_ms, verifiers[0], policy)),
            rust: Box::new(|| verify_in_rust(for_rust(), *at_ms, root, &in_rust, &caches[0])),
        },
        Case {
            name: "verify, cabundle cached",
            c: Box::new(|| verify(black_box(&documents[0]), *at_ms, verifiers[1], policy)),
            rust: Box::new(|| verify_in_rust(black_box(&documents[0]), *at_ms, root, &in_rust, &caches[1])),
        },
        Case {
            name: "inspect",
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
        group.bench_function("C", |b| b.iter(&case.c));
        group.bench_function("Rust", |b| b.iter(&case.rust));
        group.finish();
    }
    criterion.final_summary();

    let (document, blob) = (documents[0].len(), blob.len());
    println!("\nA document of {document} bytes, a blob of {blob}, medians of {ROUNDS} rounds:");
    for case in &cases {
        let ([c, rust, more], error) = medians(case);
        // What lies within twice the error is not decided: a busy machine.
        let answer = match more - BOUND {
            distance if distance.abs() < 2.0 * error => "not decided",
            distance if distance < 0.0 => "yes",
            _ => "NO",
        };
        println!(
            "{:25} C {c:8.0} ns, Rust {rust:8.0} ns: {more:5.0} ns more (+- {error:.0}); below {BOUND:.0} ns: {answer}",
            case.name
        );
    }
    unsafe {
        pcrseal_attestation_policy_free(policy);
        for verifier in verifiers {
            pcrseal_verifier_free(verifier);
        }
    }
}
