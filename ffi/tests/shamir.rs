//! Shamir's secret sharing, laid out as OpenBao and Vault do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod calls;

use std::ptr;

use calls::{Outcome, called, refused, written};
use pcrseal::Code;
use pcrseal::core::shamir::{self, Share};
use pcrseal_ffi::{pcrseal_shamir_combine, pcrseal_shamir_split};

const SECRET: &[u8] = b"the quick brown fox jumps over 1";

fn split(secret: &[u8], threshold: u32, count: u32) -> Outcome<Vec<u8>> {
    written(|shares, capacity, len, error| unsafe {
        pcrseal_shamir_split(secret.as_ptr(), secret.len(), threshold, count, shares, capacity, len, error)
    })
}

fn combine(shares: &[u8], count: u32) -> Outcome<Vec<u8>> {
    written(|secret, capacity, len, error| unsafe {
        pcrseal_shamir_combine(shares.as_ptr(), shares.len(), count, secret, capacity, len, error)
    })
}

#[test]
fn any_threshold_of_the_shares_recover_the_secret_and_fewer_do_not() {
    for secret in [&SECRET[..1], SECRET, &vec![7; 65_536]] {
        for (threshold, count) in [(1, 1), (2, 3), (3, 5)] {
            let shares = split(secret, threshold, count).unwrap();
            let shares: Vec<&[u8]> = shares.chunks(secret.len() + 1).collect();
            assert_eq!(shares.len(), count as usize);
            for subset in 1_u32..1 << count {
                let chosen = shares.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1);
                let chosen: Vec<u8> = chosen.flat_map(|(_, share)| share.to_vec()).collect();
                let recovered = combine(&chosen, subset.count_ones()).unwrap();
                assert_eq!(recovered.len(), secret.len());
                // One byte is guessed right now and then.
                if subset.count_ones() >= threshold || secret.len() > 1 {
                    assert_eq!(recovered == secret, subset.count_ones() >= threshold);
                }
            }
        }
    }
    let shares = split(SECRET, 255, 255).unwrap();
    assert_eq!(combine(&shares, 255).unwrap(), SECRET);
}

/// Each share's bytes, then its x: what core reads as Vault's layout, in the order x = 1..n.
#[test]
fn the_layout_is_that_of_vault() {
    let bytes = split(SECRET, 2, 4).unwrap();
    assert_eq!(bytes.len(), 4 * (SECRET.len() + 1));
    let shares: Vec<Share> =
        bytes.chunks(SECRET.len() + 1).map(|share| Share::from_vault_bytes(share).unwrap()).collect();
    assert_eq!(shares.iter().map(Share::x).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(shamir::combine(&shares[1..3]).unwrap().expose(), SECRET);
    // Worked out by hand: of any two shares, the line through (1, y1) and (2, y2) meets 0 at (2 y1 + y2) / 3, in GF(2^8) with
    // the polynomial 0x11b.
    let known = [0x5f, 0x10, 0x99, 1, 0x8c, 0x44, 0x03, 2];
    let double = |byte: u8| byte << 1 ^ if byte & 0x80 == 0 { 0 } else { 0x1b };
    // 1/3 is 0xf6.
    let expected: Vec<u8> = (0..3).map(|at| mul(double(known[at]) ^ known[at + 4], 0xf6)).collect();
    assert_eq!(combine(&known, 2).unwrap(), expected);
}

fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        b >>= 1;
    }
    product
}

#[test]
fn what_cannot_be_split() {
    for (len, threshold, count, code) in [
        (0, 2, 3, Code::ShamirSecretLength),
        (65_537, 2, 3, Code::ShamirSecretLength),
        (32, 0, 3, Code::ShamirThreshold),
        (32, 0, 0, Code::ShamirThreshold),
        (32, 1, 0, Code::ShamirThreshold),
        (32, 4, 3, Code::ShamirThreshold),
        (32, 2, 256, Code::ShamirThreshold),
        (32, 258, 259, Code::ShamirThreshold),
        (32, u32::MAX, u32::MAX, Code::ShamirThreshold),
    ] {
        assert_eq!(refused(split(&vec![1; len], threshold, count)), code, "{len} {threshold} {count}");
    }
}

#[test]
fn what_cannot_be_combined() {
    let zero = [vec![1; 4], vec![0], vec![2; 4], vec![1]].concat();
    let repeated = [vec![1; 4], vec![3], vec![2; 4], vec![3]].concat();
    for (shares, count, code) in [
        (&[][..], 0, Code::ShamirNoShares),
        (&zero, 0, Code::ShamirNoShares),
        (&[], 2, Code::ShareLength),
        (&[1, 2], 2, Code::ShareLength),
        (&zero[..9], 2, Code::ShamirShareLengths),
        (&zero, u32::MAX, Code::ShamirShareLengths),
        (&zero, 2, Code::ShareCoordinate),
        (&repeated, 2, Code::ShamirShareRepeated),
        (&vec![1; 65_538], 1, Code::ShareLength),
    ] {
        assert_eq!(refused(combine(shares, count)), code, "{} {count}", shares.len());
    }
}

#[test]
fn an_output_within_an_input_is_refused_and_leaves_it_alone() {
    let mut memory = [9_u8; 256];
    let before = memory;
    let mut len = 77;
    let start = memory.as_mut_ptr();
    let outcome = called(|error| unsafe {
        pcrseal_shamir_split(start, 32, 2, 3, start.add(31), 200, &raw mut len, error)
    });
    assert_eq!(refused(outcome), Code::Overlap);
    assert_eq!((memory, len), (before, 77));
    let outcome =
        called(|error| unsafe { pcrseal_shamir_combine(ptr::null(), 5, 1, start, 32, &raw mut len, error) });
    assert_eq!((refused(outcome), len, memory), (Code::NullPointer, 0, before));
}
