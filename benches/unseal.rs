//! The unseal hot path and its parts, each beside the bare crypto calls that it cannot avoid.
//!
//! `cargo bench --bench unseal`; compare within one run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

#[path = "../core/tests/common/cms/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod cms;
#[path = "../core/tests/common/kms.rs"]
#[allow(dead_code, unreachable_pub)]
mod kms;

use std::hint::black_box;
use std::sync::Arc;

use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use criterion::{Criterion, criterion_group, criterion_main};
use hkdf::Hkdf;
use pcrseal::core::blob::SealedBlob;
use pcrseal::core::cms::EnvelopedData;
use pcrseal::core::crypto::{Backend, RsaKey, aws_lc, rustcrypto};
use pcrseal::core::error::Error;
use pcrseal::core::names::Wrapping;
use pcrseal::core::recipient::Recipient;
use pcrseal::core::secret::Secret;
use pcrseal::core::shamir;
use pcrseal::core::unseal::Plan;
use sha2::Sha384;

const BACKENDS: [&Backend; 2] = [&aws_lc::BACKEND, &rustcrypto::BACKEND];

/// One RSA key for many sessions: what is measured is opening, not key generation.
#[derive(Clone)]
struct SharedKey(Arc<dyn RsaKey>);

impl RsaKey for SharedKey {
    fn public_key_der(&self) -> &[u8] {
        self.0.public_key_der()
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        self.0.decrypt_oaep_sha256(ciphertext)
    }
}

fn blob(c: &mut Criterion) {
    let (kms, policy, measured) =
        (kms::MemoryKms::default(), kms::policy(Wrapping::Attested), kms::measured(1));
    let (blob, _) = kms::sealed(&policy, &measured, &kms, &aws_lc::BACKEND);

    c.bench_function("blob/parse", |b| b.iter(|| SealedBlob::parse(black_box(&blob)).unwrap()));

    let mut group = c.benchmark_group("binding");
    group.bench_function("open", |b| {
        b.iter(|| Plan::new(black_box(&blob), &policy, &measured, b"").unwrap());
    });
    // HKDF over three PCRs, key unwrap, GCM over a bundle of this length.
    let ciphertext = {
        let payload = Payload { msg: &vec![0; blob.len() - 450], aad: &[0; 130] };
        Aes256Gcm::new(&[1; 32].into()).encrypt(&[2; 12].into(), payload).unwrap()
    };
    let mut wrapped = [0; 40];
    aes_kw::KwAes256::new(&[3; 32].into()).wrap_key(&[1; 32], &mut wrapped).unwrap();
    group.bench_function("bare crypto", |b| {
        b.iter(|| {
            let mut kek = [0; 32];
            let hkdf = Hkdf::<Sha384>::new(Some(&[0; 32]), black_box(&[0; 154]));
            hkdf.expand(b"pcrseal v1 binding", &mut kek).unwrap();
            let mut key = [0; 32];
            aes_kw::KwAes256::new(&[3; 32].into()).unwrap_key(&wrapped, &mut key).unwrap();
            let payload = Payload { msg: black_box(&ciphertext), aad: &[0; 130] };
            Aes256Gcm::new(&key.into()).decrypt(&[2; 12].into(), payload).unwrap()
        });
    });
    group.finish();
}

fn cms_open(c: &mut Criterion) {
    for backend in BACKENDS {
        let recipient = Recipient::generate(backend).unwrap();
        let ciphertext = cms::ciphertext_for_recipient(recipient.public_key_der(), &[7; 32]);
        let mut group = c.benchmark_group(format!("cms/{}", backend.name));
        group.bench_function("open", |b| b.iter(|| recipient.open(black_box(&ciphertext)).unwrap()));
        let envelope = EnvelopedData::parse(&ciphertext).unwrap();
        let key = backend.rsa.generate().unwrap();
        let own = cms::ciphertext_for_recipient(key.public_key_der(), &[7; 32]);
        let encrypted_key = EnvelopedData::parse(&own).unwrap().encrypted_key().to_vec();
        group.bench_function("bare crypto", |b| {
            b.iter(|| {
                let key = key.decrypt_oaep_sha256(black_box(&encrypted_key)).unwrap();
                let key: [u8; 32] = key.expose().try_into().unwrap();
                let mut content: Vec<u8> = envelope.encrypted_content().flatten().copied().collect();
                let (blocks, _) = Array::slice_as_chunks_mut(&mut content);
                cbc::Decryptor::<aes::Aes256>::new(&key.into(), envelope.iv().into()).decrypt_blocks(blocks);
                content
            });
        });
        group.finish();
    }
}

fn combine(c: &mut Criterion) {
    let random = aws_lc::BACKEND.random;
    let shares = shamir::split(&[7; 32], 3, 5, random).unwrap();
    let mut group = c.benchmark_group("shamir 3 of 5, 32 bytes");
    group.bench_function("combine", |b| b.iter(|| shamir::combine(black_box(&shares[..3])).unwrap()));
    group.bench_function("split", |b| b.iter(|| shamir::split(black_box(&[7; 32]), 3, 5, random).unwrap()));
    group.finish();
}

/// Plan, three answers, finish: everything an unseal computes once KMS has answered.
fn session(c: &mut Criterion) {
    for backend in BACKENDS {
        let (kms, policy, measured) =
            (kms::MemoryKms::default(), kms::policy(Wrapping::Attested), kms::measured(1));
        let (blob, _) = kms::sealed(&policy, &measured, &kms, backend);
        let key = SharedKey(backend.rsa.generate().unwrap().into());
        let begin = || {
            let recipient = Recipient::from_key(Box::new(key.clone()));
            Plan::new(black_box(&blob), &policy, &measured, b"").unwrap().begin(recipient)
        };
        let answers = kms::decrypt_all(&begin(), &kms);
        let mut group = c.benchmark_group(format!("session 3 of 5/{}", backend.name));
        group.bench_function("unseal", |b| {
            b.iter(|| {
                let mut session = begin();
                for (position, answer) in &answers[..3] {
                    let (key_id, ciphertext) = answer.as_ref().unwrap();
                    let answer = kms::answer_of(key_id, ciphertext);
                    session.answer_from_authenticated_kms(*position, &answer, None).unwrap();
                }
                session.finish().0.unwrap()
            });
        });
        let encrypted_key = {
            let ciphertext = &answers[0].1.as_ref().unwrap().1;
            EnvelopedData::parse(ciphertext).unwrap().encrypted_key().to_vec()
        };
        group.bench_function("three bare OAEP decryptions", |b| {
            b.iter(|| {
                for _ in 0..3 {
                    black_box(key.decrypt_oaep_sha256(black_box(&encrypted_key)).unwrap());
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, blob, cms_open, combine, session);
criterion_main!(benches);
