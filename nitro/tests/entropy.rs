//! Random bytes from two sources: each counts, and a failure of either is an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use common::{Wire, random, refusal, scripted};
use pcrseal_core::crypto::{Backend, SecureRandom, aws_lc};
use pcrseal_core::error::{Code, Error};
use pcrseal_nitro::{Entropy, Nsm};

/// A source that gives one byte, over and over.
struct Constant(u8);

impl SecureRandom for Constant {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(self.0);
        Ok(())
    }
}

struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(0xbb);
        Err(Code::Random.into())
    }
}

/// A module whose random bytes are this one, over and over.
fn module(byte: u8) -> Arc<Nsm> {
    constant(move || byte)
}

fn constant(byte: impl Fn() -> u8 + Send + Sync + 'static) -> Arc<Nsm> {
    Arc::new(Nsm::over(Wire(move |_: &[u8], response: &mut [u8]| {
        let answer = random(&[byte(); 256]);
        response[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    })))
}

fn filled<const N: usize>(entropy: &Entropy) -> [u8; N] {
    let mut buffer = [0; N];
    entropy.fill(&mut buffer).unwrap();
    buffer
}

static ONES: Constant = Constant(1);
static TWOS: Constant = Constant(2);

// RFC 5869 with SHA-384, without a salt: computed with Python's hmac and hashlib.
#[test]
fn the_output_is_hkdf_over_both_sources() {
    const EXPECTED: [u8; 64] = *b"\x37\x34\x7c\x8b\x96\x9f\xdb\x19\x71\xde\x8e\xe0\x92\xd3\x5a\x4f\
        \xbc\x44\xd1\xdb\x7c\x68\x8c\x4e\xd7\xb5\x7c\x84\xf4\xde\x4b\x18\
        \xd1\xbd\xc8\x6d\x39\x1e\x21\xeb\x98\xbe\x10\x17\xb5\xac\x8c\x1d\
        \xc0\xf8\xf1\x97\xf5\xe8\xd3\x1a\x71\x44\x81\xf2\x37\x98\x1d\x4b";
    assert_eq!(filled::<64>(&Entropy::new(module(7), &ONES)), EXPECTED);
}

#[test]
fn each_source_changes_all_of_the_output() {
    let outputs = [
        filled::<32>(&Entropy::new(module(1), &ONES)),
        filled::<32>(&Entropy::new(module(1), &TWOS)),
        filled::<32>(&Entropy::new(module(2), &ONES)),
        filled::<32>(&Entropy::new(module(2), &TWOS)),
    ];
    for (position, output) in outputs.iter().enumerate() {
        assert!(outputs[..position].iter().all(|other| other != output));
        assert!(![[1; 32], [2; 32], [3; 32], [0; 32]].contains(output));
    }
}

#[test]
fn each_call_and_each_part_of_a_long_one_takes_new_bytes() {
    let next = AtomicU8::new(0);
    let counting = constant(move || next.fetch_add(1, Ordering::Relaxed));
    let entropy = Entropy::new(counting, &ONES);
    assert_ne!(filled::<32>(&entropy), filled::<32>(&entropy));

    // One HKDF gives 255 hashes; the second part is another one.
    let long = filled::<{ 2 * 255 * 48 }>(&entropy);
    let (first, second) = long.split_at(255 * 48);
    assert_ne!(first, second);
    let constant = filled::<{ 255 * 48 + 1 }>(&Entropy::new(module(7), &ONES));
    assert_eq!(constant[0], constant[255 * 48], "the same sources give the same part");
    entropy.fill(&mut []).unwrap();
}

#[test]
fn a_failure_of_either_source_is_an_error_and_leaves_nothing() {
    let (refusing, _) = scripted([refusal("InternalError")]);
    for (entropy, code) in [
        (Entropy::new(Arc::new(refusing), &ONES), Code::NsmInternalError),
        (Entropy::new(module(1), &Broken), Code::Random),
    ] {
        let mut buffer = [7; 100];
        assert_eq!(entropy.fill(&mut buffer).unwrap_err().code(), code);
        assert_eq!(buffer, [0; 100]);
    }

    // The first part of a long output is wiped when the second fails.
    let (nsm, _) = scripted([random(&[1; 256])]);
    let mut buffer = vec![7; 255 * 48 + 1];
    let error = Entropy::new(Arc::new(nsm), &ONES).fill(&mut buffer).unwrap_err();
    assert_eq!((error.code(), buffer), (Code::Attester, vec![0; 255 * 48 + 1]));
}

// How a backend takes it: a static of the program's own, filled once.
#[test]
fn a_backend_takes_it_for_its_random_part() {
    static ENTROPY: OnceLock<Entropy> = OnceLock::new();
    let random = ENTROPY.get_or_init(|| Entropy::new(module(9), aws_lc::BACKEND.random));
    let backend = Backend { random, ..aws_lc::BACKEND };
    let mut key = [0; 32];
    backend.random.fill(&mut key).unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(format!("{random:?}"), "Entropy { .. }");
}
