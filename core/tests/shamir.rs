//! Secret sharing: against an independent implementation, over all subsets, and what too few shares tell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::sync::Mutex;

use pcrseal_core::crypto::{SecureRandom, aws_lc};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::secret::Secret;
use pcrseal_core::shamir::{Share, combine, split};
use vsss_rs::Gf256;

const SECRET: &[u8; 32] = b"the quick brown fox jumps over 1";

fn random() -> &'static dyn SecureRandom {
    aws_lc::BACKEND.random
}

fn copy(share: &Share) -> Share {
    Share::new(share.x(), Secret::copy_from(share.y().expose())).unwrap()
}

fn pick(shares: &[Share], subset: u32) -> Vec<Share> {
    let chosen = shares.iter().enumerate().filter(|(position, _)| subset >> position & 1 == 1);
    chosen.map(|(_, share)| copy(share)).collect()
}

/// Hands out the given bytes, and fails when asked for another number of them.
struct Scripted(Mutex<Vec<u8>>);

impl Scripted {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(bytes))
    }
}

impl SecureRandom for Scripted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        if bytes.len() != buffer.len() {
            return Err(Code::Random.into());
        }
        buffer.copy_from_slice(&bytes);
        Ok(())
    }
}

#[test]
fn every_subset_of_threshold_or_more_recovers_the_secret_and_no_smaller_one_does() {
    for n in 1..=7_u8 {
        for threshold in 1..=n {
            let shares = split(SECRET, threshold, n, random()).unwrap();
            assert_eq!(shares.iter().map(Share::x).collect::<Vec<_>>(), (1..=n).collect::<Vec<_>>());
            for subset in 1_u32..1 << n {
                let recovered = combine(&pick(&shares, subset)).unwrap();
                let enough = subset.count_ones() >= threshold.into();
                assert_eq!(recovered.expose() == SECRET, enough, "{threshold} of {n}, subset {subset:b}");
            }
        }
    }
}

#[test]
fn the_order_of_shares_does_not_matter() {
    let shares = split(SECRET, 3, 5, random()).unwrap();
    let [a, b, c] = [&shares[4], &shares[0], &shares[2]];
    for order in [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
        assert_eq!(combine(&order.map(copy)).unwrap().expose(), SECRET);
    }
}

#[test]
fn two_hundred_and_fifty_five_shares_with_every_threshold_end() {
    for threshold in [1, 2, 128, 254, 255] {
        let shares = split(SECRET, threshold, 255, random()).unwrap();
        assert_eq!(shares.len(), 255);
        let last: Vec<Share> = shares.iter().rev().take(threshold.into()).map(copy).collect();
        assert_eq!(combine(&last).unwrap().expose(), SECRET, "{threshold}");
        if threshold > 1 {
            assert_ne!(combine(&last[1..]).unwrap().expose(), SECRET, "{threshold}");
        }
    }
}

#[test]
fn secrets_of_every_length_within_the_bound() {
    for len in [1, 2, 15, 16, 17, 31, 33, 255, 4096, 65_536] {
        let mut secret = vec![0; len];
        random().fill(&mut secret).unwrap();
        let shares = split(&secret, 2, 3, random()).unwrap();
        assert!(shares.iter().all(|share| share.y().len() == len));
        assert_eq!(combine(&shares[1..]).unwrap().expose(), secret);
    }
}

#[test]
fn a_known_split() {
    // f(x) = 0x42 + 0x01 x + 0x00 x^2 and 0xff + 0x80 x + 0x02 x^2 in GF(2^8) modulo 0x11b, by hand:
    // 0x80 * 2 = 0x1b, 0x80 * 3 = 0x9b; 2^2 = 4, 3^2 = 5, times 2: 8 and 0x0a.
    let shares = split(&[0x42, 0xff], 3, 3, &Scripted::new(vec![0x01, 0x80, 0x00, 0x02])).unwrap();
    assert_eq!(shares[0].y().expose(), [0x43, 0xff ^ 0x80 ^ 0x02]);
    assert_eq!(shares[1].y().expose(), [0x40, 0xff ^ 0x1b ^ 0x08]);
    assert_eq!(shares[2].y().expose(), [0x41, 0xff ^ 0x9b ^ 0x0a]);
}

#[test]
fn coefficients_are_the_random_bytes_and_may_be_zero() {
    // All zero: the polynomial is constant. Excluding that (or a zero on top alone) would bias the shares.
    let shares = split(SECRET, 3, 4, &Scripted::new(vec![0; 64])).unwrap();
    assert!(shares.iter().all(|share| share.y().expose() == SECRET));

    // A zero on top alone: the shares lie on a line, so two of them are enough.
    let rows = [[0xa5; 32], [0; 32]].concat();
    let shares = split(SECRET, 3, 4, &Scripted::new(rows)).unwrap();
    assert_ne!(shares[0].y().expose(), SECRET);
    assert_eq!(combine(&shares[2..]).unwrap().expose(), SECRET);

    // Exactly (threshold - 1) * length bytes are drawn: none for a threshold of 1.
    assert!(split(SECRET, 1, 4, &Scripted::new(Vec::new())).is_ok());
    assert_eq!(split(SECRET, 3, 4, &Scripted::new(vec![0; 63])).unwrap_err().code(), Code::Random);
}

#[test]
fn coefficients_are_uniform() {
    // The share at x = 1 of a zero secret with threshold 2 is the highest coefficient itself.
    let mut counts = [0_u32; 256];
    for _ in 0..4 {
        for byte in split(&vec![0; 65_536], 2, 2, random()).unwrap()[0].y().expose() {
            counts[usize::from(*byte)] += 1;
        }
    }
    let expected = 1024.0;
    let chi_squared: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    // 255 degrees of freedom: mean 255, deviation 22.6; beyond 420 lies less than one run in 10^9.
    assert!(chi_squared < 420.0, "{chi_squared}");
    assert!(chi_squared > 130.0, "too even to be random: {chi_squared}");
}

#[test]
fn one_share_of_two_is_as_likely_for_every_secret() {
    // Byte 256 s + a has the secret s and the coefficient a: all pairs at once.
    let secret: Vec<u8> = (0..=255).flat_map(|s: u8| [s; 256]).collect();
    let coefficients: Vec<u8> = (0..256).flat_map(|_| 0..=255).collect();
    let shares = split(&secret, 2, 9, &Scripted::new(coefficients)).unwrap();
    for share in &shares {
        for of_one_secret in share.y().expose().chunks(256) {
            let mut seen = [false; 256];
            for y in of_one_secret {
                assert!(!std::mem::replace(&mut seen[usize::from(*y)], true), "x = {}", share.x());
            }
        }
    }
}

#[test]
fn two_shares_of_three_are_as_likely_for_every_secret() {
    let first: Vec<u8> = (0..=255).flat_map(|a: u8| [a; 256]).collect();
    let second: Vec<u8> = (0..256).flat_map(|_| 0..=255).collect();
    let coefficients = [first, second].concat();
    for secret in [0, 1, 0x53, 0xff] {
        let shares = split(&vec![secret; 65_536], 3, 4, &Scripted::new(coefficients.clone())).unwrap();
        for (one, other) in [(0, 1), (0, 3), (1, 2), (2, 3)] {
            let mut seen = vec![false; 65_536];
            for (a, b) in shares[one].y().expose().iter().zip(shares[other].y().expose()) {
                let pair = usize::from(*a) * 256 + usize::from(*b);
                assert!(!std::mem::replace(&mut seen[pair], true), "each pair of values exactly once");
            }
        }
    }
}

struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
        Err(Code::Random.into())
    }
}

#[test]
fn each_misuse_of_split_has_its_code() {
    let code = |secret: &[u8], threshold, n| split(secret, threshold, n, random()).unwrap_err().code();
    assert_eq!(code(SECRET, 0, 3), Code::ShamirThreshold);
    assert_eq!(code(SECRET, 4, 3), Code::ShamirThreshold);
    assert_eq!(code(SECRET, 0, 0), Code::ShamirThreshold);
    assert_eq!(code(SECRET, 1, 0), Code::ShamirThreshold);
    assert_eq!(code(&[], 2, 3), Code::ShamirSecretLength);
    assert_eq!(code(&vec![0; 65_537], 2, 3), Code::ShamirSecretLength);
    assert_eq!(split(SECRET, 2, 3, &Broken).unwrap_err().code(), Code::Random);
}

#[test]
fn each_misuse_of_combine_has_its_code() {
    let share = |x, y: &[u8]| Share::new(x, Secret::copy_from(y)).unwrap();
    let code = |shares: &[Share]| combine(shares).unwrap_err().code();
    assert_eq!(code(&[]), Code::ShamirNoShares);
    assert_eq!(code(&[share(1, b"ab"), share(2, b"abc")]), Code::ShamirShareLengths);
    assert_eq!(code(&[share(1, b"ab"), share(2, b"cd"), share(1, b"ab")]), Code::ShamirShareRepeated);
    assert_eq!(code(&[share(9, b"ab"), share(9, b"cd")]), Code::ShamirShareRepeated);
    let too_many: Vec<Share> =
        (0..300_u16).map(|i| share(u8::try_from(i % 255).unwrap() + 1, b"a")).collect();
    assert_eq!(code(&too_many), Code::ShamirShareRepeated);
}

#[test]
fn each_malformed_share_has_its_code() {
    let code = |x, len| Share::new(x, Secret::new(vec![7; len])).unwrap_err().code();
    assert_eq!(code(0, 32), Code::ShareCoordinate);
    assert_eq!(code(1, 0), Code::ShareLength);
    assert_eq!(code(1, 65_537), Code::ShareLength);
    let vault = |bytes: &[u8]| Share::from_vault_bytes(bytes).unwrap_err().code();
    assert_eq!(vault(&[]), Code::ShareLength);
    assert_eq!(vault(&[1]), Code::ShareLength);
    assert_eq!(vault(&[1, 0]), Code::ShareCoordinate);
    assert_eq!(vault(&vec![1; 65_538]), Code::ShareLength);
}

#[test]
fn the_vault_layout_converts_both_ways() {
    let share = Share::new(0x9c, Secret::copy_from(&[1, 2, 3])).unwrap();
    let bytes = share.to_vault_bytes();
    assert_eq!(bytes.expose(), [1, 2, 3, 0x9c]);
    let back = Share::from_vault_bytes(bytes.expose()).unwrap();
    assert_eq!((back.x(), back.y().expose()), (0x9c, &[1, 2, 3][..]));
}

#[test]
fn shares_are_not_printed() {
    let share = Share::new(3, Secret::copy_from(b"hunter2")).unwrap();
    assert_eq!(format!("{share:?}"), "Share { x: 3, y: Secret(7 bytes) }");
}

/// What `vsss-rs` takes for a random source.
struct Rng;

impl rsa::rand_core::TryRng for Rng {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        random().fill(&mut bytes).unwrap();
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        random().fill(&mut bytes).unwrap();
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Self::Error> {
        random().fill(buffer).unwrap();
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Rng {}

#[test]
fn shares_of_vsss_rs_combine_here() {
    for (threshold, n) in [(2, 2), (2, 5), (3, 5), (5, 8), (16, 16), (200, 255)] {
        // vsss-rs puts x before the y bytes.
        let foreign = Gf256::split_bytes(threshold, n, SECRET, Rng).unwrap();
        let shares: Vec<Share> = foreign
            .iter()
            .map(|bytes| Share::new(bytes[0], Secret::copy_from(&bytes[1..])).unwrap())
            .collect();
        assert_eq!(combine(&shares[n - threshold..]).unwrap().expose(), SECRET, "{threshold} of {n}");
        assert_eq!(combine(&shares).unwrap().expose(), SECRET, "{threshold} of {n}");
    }
}

#[test]
fn shares_made_here_combine_in_vsss_rs() {
    for (threshold, n) in [(2, 2), (2, 5), (3, 5), (5, 8), (16, 16), (200, 255)] {
        let shares = split(SECRET, threshold, n, random()).unwrap();
        let foreign: Vec<Vec<u8>> = shares
            .iter()
            .skip((n - threshold).into())
            .map(|share| [&[share.x()], share.y().expose()].concat())
            .collect();
        assert_eq!(Gf256::combine_bytes(&foreign).unwrap(), SECRET, "{threshold} of {n}");
    }
}
