//! Secrets in memory: wiped when dropped, never printed, never copied by accident.

use alloc::vec::Vec;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A 32-byte key: a data key, a share key or what is derived from one. Wiped when dropped.
pub type Key32 = Zeroizing<[u8; 32]>;

/// Secret bytes. The memory is wiped when the value is dropped; there is no `Clone`, no `PartialEq` and no
/// content in `Debug`.
///
/// The bytes live in one allocation that never grows, so no stale copy is left behind by reallocation.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over bytes that are secret from now on. The caller must not have copies elsewhere.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Copies the bytes; wiping the original stays the caller's duty.
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// The secret itself. The name is meant to be seen in review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The length in bytes (not secret).
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.expose().ct_eq(other).into()
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use alloc::format;

    #[test]
    fn debug_shows_the_length_alone() {
        assert_eq!(format!("{:?}", Secret::copy_from(b"hunter2")), "Secret(7 bytes)");
    }

    #[test]
    fn comparison_sees_content_and_length() {
        let secret = Secret::copy_from(b"abc");
        assert!(secret.ct_eq(b"abc"));
        assert!(!secret.ct_eq(b"abd"));
        assert!(!secret.ct_eq(b"abcd"));
    }
}
