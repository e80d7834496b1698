//! Verification of an attestation document, beside the bare signature verifications that it cannot avoid:
//! the same keys, messages and signatures, given to the same crates.
//!
//! `cargo bench --bench attestation` prints criterion's figures and, at the end, the ratios: measured apart,
//! with the two sides taking turns, so that whatever else the machine does touches both alike. The document is a
//! genuine one where `../shared/vectors` lies beside the checkout, and one of the emulator's otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

#[path = "../core/tests/common/sample.rs"]
#[allow(dead_code, unreachable_pub, clippy::new_without_default)]
mod sample;

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use criterion::Criterion;
use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{DerSignature, Signature, VerifyingKey};
use pcrseal::core::attestation::{AttestationDocument, AttestationKind, AttestationPolicy, CabundleCache};
use pcrseal::core::crypto::{Backend, ES384_SIGNATURE_LEN, Es384, SignatureRejected, aws_lc, rustcrypto};
use pcrseal::core::pcr::PcrIndex;
use sample::Sample;

/// How often both sides of a ratio are measured.
const ROUNDS: usize = 500;

/// A signature that verification had to check.
struct Call {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    der: bool,
}

/// Verifies with AWS-LC and keeps what it was given.
struct Recorder(Mutex<Vec<Call>>);

impl Recorder {
    fn record(&self, key: &[u8], message: &[u8], signature: &[u8], der: bool) {
        let call = Call { key: key.into(), message: message.into(), signature: signature.into(), der };
        self.0.lock().unwrap().push(call);
    }
}

impl Es384 for Recorder {
    fn verify(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8; ES384_SIGNATURE_LEN],
    ) -> Result<(), SignatureRejected> {
        self.record(key, message, signature, false);
        aws_lc::P384.verify(key, message, signature)
    }

    fn verify_der(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureRejected> {
        self.record(key, message, signature, true);
        aws_lc::P384.verify_der(key, message, signature)
    }
}

/// Takes every signature for good: what remains is everything else that verification does.
struct AcceptAll;

impl Es384 for AcceptAll {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        Ok(())
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureRejected> {
        Ok(())
    }
}

/// The calls of a cold verification, or of one with the cabundle in the cache.
fn calls(sample: &Sample, cached: bool) -> Vec<Call> {
    let recorder: &'static Recorder = Box::leak(Box::new(Recorder(Mutex::default())));
    let backend = Backend { name: "recorder", es384: recorder, ..aws_lc::BACKEND };
    let mut cache = CabundleCache::<1>::new();
    if cached {
        verify_cached(sample, &aws_lc::BACKEND, &mut cache);
    }
    verify_cached(sample, &backend, &mut cache);
    std::mem::take(&mut *recorder.0.lock().unwrap())
}

fn verify_cold(sample: &Sample, backend: &Backend) {
    let document = AttestationDocument::parse(black_box(&sample.document)).unwrap();
    black_box(document.verify(&[&sample.root], sample.at_ms, backend).unwrap());
}

fn verify_cached(sample: &Sample, backend: &Backend, cache: &mut CabundleCache<1>) {
    let document = AttestationDocument::parse(black_box(&sample.document)).unwrap();
    black_box(document.verify_cached(&[&sample.root], sample.at_ms, backend, cache).unwrap());
}

fn bare_aws_lc(calls: &[Call]) {
    for Call { key, message, signature, der } in calls {
        let algorithm = if *der { &ECDSA_P384_SHA384_ASN1 } else { &ECDSA_P384_SHA384_FIXED };
        UnparsedPublicKey::new(algorithm, black_box(key)).verify(message, signature).unwrap();
    }
}

fn bare_p384(calls: &[Call]) {
    for Call { key, message, signature, der } in calls {
        let key = VerifyingKey::from_sec1_bytes(black_box(key)).unwrap();
        if *der {
            key.verify(message, &DerSignature::from_bytes(signature).unwrap()).unwrap();
        } else {
            key.verify(message, &Signature::from_slice(signature).unwrap()).unwrap();
        }
    }
}

/// One thing that is measured.
type Case<'a> = (&'static str, Box<dyn Fn() + 'a>);

/// Cold, bare five, cached, bare two: in this order.
fn cases<'a>(
    sample: &'a Sample,
    backend: &'a Backend,
    bare: fn(&[Call]),
    five: &'a [Call],
    two: &'a [Call],
) -> [Case<'a>; 4] {
    let cache = RefCell::new(CabundleCache::new());
    verify_cached(sample, backend, &mut cache.borrow_mut());
    [
        ("parse and verify", Box::new(|| verify_cold(sample, backend))),
        ("five bare verifications", Box::new(move || bare(five))),
        (
            "parse and verify, cabundle cached",
            Box::new(move || verify_cached(sample, backend, &mut cache.borrow_mut())),
        ),
        ("two bare verifications", Box::new(move || bare(two))),
    ]
}

/// Medians of a case's time, of its bare verifications' time, and of the ratio of the two in each round.
fn medians(case: &dyn Fn(), bare: &dyn Fn()) -> [f64; 3] {
    let time = |action: &dyn Fn()| {
        let start = Instant::now();
        action();
        start.elapsed().as_secs_f64()
    };
    let mut columns: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        // Now the one first, now the other.
        let (case, bare) = if round % 2 == 0 {
            let case = time(case);
            (case, time(bare))
        } else {
            let bare = time(bare);
            (time(case), bare)
        };
        for (column, value) in columns.iter_mut().zip([case, bare, case / bare]) {
            column.push(value);
        }
    }
    columns.map(|mut column| {
        column.sort_unstable_by(f64::total_cmp);
        column[column.len() / 2]
    })
}

fn without_signatures(c: &mut Criterion, sample: &Sample) {
    c.bench_function("parse", |b| {
        b.iter(|| AttestationDocument::parse(black_box(&sample.document)).unwrap())
    });
    let form = Backend { name: "form alone", es384: &AcceptAll, ..aws_lc::BACKEND };
    c.bench_function("parse and verify, signatures left out", |b| b.iter(|| verify_cold(sample, &form)));
    let mut cache = CabundleCache::new();
    c.bench_function("parse and verify, cabundle cached, signatures left out", |b| {
        b.iter(|| verify_cached(sample, &form, &mut cache));
    });
    let document = AttestationDocument::parse(&sample.document).unwrap();
    let attestation = document.verify(&[&sample.root], sample.at_ms, &aws_lc::BACKEND).unwrap();
    let policy = AttestationPolicy::builder(AttestationKind::Enclave)
        .pcr(PcrIndex::try_from(0).unwrap(), sample.pcr0)
        .nonce(&sample.nonce)
        .fresh_within_ms(300_000, 5_000)
        .build()
        .unwrap();
    c.bench_function("appraise", |b| {
        b.iter(|| policy.appraise(black_box(&attestation), sample.at_ms).unwrap());
    });
}

fn main() {
    let sample = Sample::new();
    let (five, two) = (calls(&sample, false), calls(&sample, true));
    assert_eq!((five.len(), two.len()), (5, 2));
    let backends: [(Backend, fn(&[Call])); 2] =
        [(aws_lc::BACKEND, bare_aws_lc), (rustcrypto::BACKEND, bare_p384)];

    let mut c = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    without_signatures(&mut c, &sample);
    for (backend, bare) in &backends {
        let mut group = c.benchmark_group(backend.name);
        for (name, case) in &cases(&sample, backend, *bare, &five, &two) {
            group.bench_function(*name, |b| b.iter(case));
        }
        group.finish();
    }
    c.final_summary();

    let source = if Sample::genuine().is_some() { "genuine" } else { "the emulator's" };
    println!("\nA document of {} bytes ({source}), medians of {ROUNDS} rounds:", sample.document.len());
    for (backend, bare) in &backends {
        let cases = cases(&sample, backend, *bare, &five, &two);
        for (pair, bound) in cases.chunks(2).zip([1.05, 1.10]) {
            let [(name, case), (bare_name, bare)] = pair else { unreachable!("pairs") };
            let [time, bare, ratio] = medians(case, bare);
            println!(
                "{:10} {name:33} {:7.1} us / {bare_name:23} {:7.1} us = {ratio:.3} (at most {bound:.2})",
                backend.name,
                time * 1e6,
                bare * 1e6,
            );
        }
    }
}
