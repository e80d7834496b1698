//! Shamir's secret sharing over GF(2^8), byte by byte, in constant time.
//!
//! Every byte of the secret is the constant term of its own random polynomial of degree threshold - 1; the
//! share with the public coordinate x holds the polynomials' values at x (A. Shamir, "How to share a
//! secret", 1979). The field is that of AES (polynomial 0x11b), as in `HashiCorp` Vault and OpenBao.
//!
//! Fewer shares than the threshold tell nothing but the length. Nothing here detects a wrong share: combining
//! altered shares, or fewer than the threshold, gives other bytes and no error. What the shares protect must
//! carry its own authentication, as the sealed blob does.

mod gf256;

use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroU8;

use zeroize::Zeroizing;

use crate::crypto::SecureRandom;
use crate::error::{Code, Error};
use crate::limits::MAX_SECRET_LEN;
use crate::secret::Secret;

/// One share: the public coordinate x, 1..255, and the secret values there, as many as the secret has bytes.
#[derive(Debug)]
pub struct Share {
    x: NonZeroU8,
    y: Secret,
}

impl Share {
    /// Makes a share of its parts.
    ///
    /// # Errors
    /// [`Code::ShareCoordinate`] when x is 0: the value there is the secret itself.
    /// [`Code::ShareLength`] when y is not 1..65536 bytes.
    pub fn new(x: u8, y: Secret) -> Result<Self, Error> {
        let x = NonZeroU8::new(x).ok_or(Code::ShareCoordinate)?;
        if y.is_empty() || y.len() > MAX_SECRET_LEN {
            return Err(length(Code::ShareLength, y.len()));
        }
        Ok(Self { x, y })
    }

    /// The public coordinate, never 0.
    pub const fn x(&self) -> u8 {
        self.x.get()
    }

    /// The secret values at x.
    pub const fn y(&self) -> &Secret {
        &self.y
    }

    /// The share as `HashiCorp` Vault and `OpenBao` lay it out: the y bytes, then x.
    pub fn to_vault_bytes(&self) -> Secret {
        let mut bytes = Vec::with_capacity(self.y.len().saturating_add(1));
        bytes.extend_from_slice(self.y.expose());
        bytes.push(self.x());
        Secret::new(bytes)
    }

    /// Reads a share that `HashiCorp` Vault or `OpenBao` laid out: the y bytes, then x.
    ///
    /// # Errors
    /// As [`Share::new`]; wiping `bytes` stays the caller's duty.
    pub fn from_vault_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (x, y) = bytes.split_last().ok_or_else(|| length(Code::ShareLength, 0))?;
        if y.len() > MAX_SECRET_LEN {
            return Err(length(Code::ShareLength, y.len()));
        }
        Self::new(*x, Secret::copy_from(y))
    }
}

/// Splits a secret of 1..65536 bytes into `n` shares, any `threshold` of which recover it. The shares come in
/// the order x = 1..n.
///
/// Every coefficient is uniform over all 256 values, the highest included: to exclude zero there, as some
/// implementations do, would tell something about the secret. The random source is asked once, for
/// (threshold - 1) times the secret's length: first the coefficients of x, then those of x^2, and so on.
///
/// # Errors
/// [`Code::ShamirThreshold`] when the threshold is not 1..n. [`Code::ShamirSecretLength`].
/// [`Code::Random`] when the random source fails.
pub fn split(secret: &[u8], threshold: u8, n: u8, random: &dyn SecureRandom) -> Result<Vec<Share>, Error> {
    if threshold == 0 || threshold > n {
        return Err(Error::number(Code::ShamirThreshold, "threshold", "1..n", threshold.into()));
    }
    if secret.is_empty() || secret.len() > MAX_SECRET_LEN {
        return Err(length(Code::ShamirSecretLength, secret.len()));
    }
    let degree = usize::from(threshold.saturating_sub(1));
    let mut coefficients = Zeroizing::new(vec![0; secret.len().saturating_mul(degree)]);
    random.fill(&mut coefficients)?;

    let mut shares = Vec::with_capacity(n.into());
    for x in 1..=n {
        // Horner's rule, from the highest coefficient down to the secret.
        let mut y = Zeroizing::new(vec![0; secret.len()]);
        for row in coefficients.chunks_exact(secret.len()).rev() {
            multiply_add(&mut y, x, row);
        }
        multiply_add(&mut y, x, secret);
        shares.push(Share::new(x, Secret::new(mem::take(&mut *y)))?);
    }
    Ok(shares)
}

/// Recovers the secret from shares of one split: exactly as many as the threshold, or more.
///
/// Too few shares, or altered ones, give wrong bytes and no error; see the module's documentation.
///
/// # Errors
/// [`Code::ShamirNoShares`], [`Code::ShamirShareLengths`] when their lengths differ,
/// [`Code::ShamirShareRepeated`] when two have the same x.
pub fn combine(shares: &[Share]) -> Result<Secret, Error> {
    let first = shares.first().ok_or(Code::ShamirNoShares)?;
    for (position, share) in shares.iter().enumerate() {
        if share.y.len() != first.y.len() {
            return Err(length(Code::ShamirShareLengths, share.y.len()));
        }
        if shares.iter().take(position).any(|earlier| earlier.x == share.x) {
            return Err(Error::number(Code::ShamirShareRepeated, "x", "distinct", share.x().into()));
        }
    }

    let mut secret = Zeroizing::new(vec![0; first.y.len()]);
    for share in shares {
        let weight = weight_at_zero(share.x, shares);
        let mut term = Zeroizing::new(share.y.expose().to_vec());
        gf256::multiply(&mut term, weight);
        add(&mut secret, &term);
    }
    Ok(Secret::new(mem::take(&mut *secret)))
}

/// Lagrange's weight of the share at x for the value at 0: the product of x' / (x' - x) over all other x'.
fn weight_at_zero(x: NonZeroU8, shares: &[Share]) -> u8 {
    let mut numerator = 1;
    let mut denominator = 1;
    for other in shares.iter().filter(|other| other.x != x) {
        numerator = gf256::mul(numerator, other.x());
        denominator = gf256::mul(denominator, other.x() ^ x.get());
    }
    gf256::mul(numerator, gf256::inverse(denominator))
}

/// y = y * x + row, for every byte.
fn multiply_add(y: &mut [u8], x: u8, row: &[u8]) {
    gf256::multiply(y, x);
    add(y, row);
}

/// Addition in a field of characteristic 2 is exclusive-or.
fn add(sum: &mut [u8], addend: &[u8]) {
    sum.iter_mut().zip(addend).for_each(|(sum, addend)| *sum ^= addend);
}

fn length(code: Code, found: usize) -> Error {
    let expected = match code {
        Code::ShamirShareLengths => "all alike",
        _ => "1..65536",
    };
    Error::number(code, "bytes", expected, u64::try_from(found).unwrap_or(u64::MAX))
}
