//! Cabundles whose signatures were verified before.

use sha2::{Digest, Sha256};

/// Remembers verified cabundles, so that the next document under the same one costs two signature
/// verifications (the leaf's and the document's) instead of five.
///
/// The caller owns it and hands it to [`verify_cached`]; it holds at most `CAPACITY` cabundles in place
/// (64 bytes each, no allocation) and forgets the one that went in first. Documents of one enclave share a
/// cabundle for as long as its instance's certificate lives, 24 hours.
///
/// It cannot let a chain through that [`verify`] would refuse. An entry is the hash of all CA certificates,
/// the root's included and their signatures too, each with its length, together with the time in which all
/// of them are valid; it is made only when the whole document verified. On a match nothing but the
/// arithmetic of those same signatures is left out: root, order, names, dates, path lengths, key usages and
/// extensions are checked as ever, at the time and under the roots of that very call.
///
/// What it remembers is what the backend said: do not carry a cache from one backend to another that is
/// trusted more.
///
/// [`verify`]: super::AttestationDocument::verify
/// [`verify_cached`]: super::AttestationDocument::verify_cached
#[derive(Clone, Debug)]
pub struct CabundleCache<const CAPACITY: usize> {
    entries: [Option<Entry>; CAPACITY],
    /// Where the next entry goes; the oldest one is there, if any.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    prefix: PrefixHash,
    /// Seconds since the epoch, inclusive: when every certificate of the prefix is valid.
    not_before: u64,
    not_after: u64,
}

/// SHA-256 over a cabundle: everything from the root through the CA that issued the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PrefixHash([u8; 32]);

impl PrefixHash {
    pub(super) fn of(cabundle: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for der in cabundle {
            // The length first, so that no byte can move from one certificate to the next.
            hash.update((der.len() as u64).to_be_bytes());
            hash.update(der);
        }
        Self(hash.finalize().into())
    }
}

impl<const CAPACITY: usize> CabundleCache<CAPACITY> {
    /// An empty cache. One of capacity 0 never remembers anything.
    pub const fn new() -> Self {
        Self { entries: [None; CAPACITY], next: 0 }
    }

    /// Number of cabundles remembered, at most `CAPACITY`.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Whether this prefix is known, and valid in this second.
    pub(super) fn contains(&self, prefix: &PrefixHash, at: u64) -> bool {
        self.entries
            .iter()
            .flatten()
            .any(|entry| entry.prefix == *prefix && (entry.not_before..=entry.not_after).contains(&at))
    }

    /// Remembers a prefix that was verified and is not known yet.
    pub(super) fn insert(&mut self, prefix: PrefixHash, not_before: u64, not_after: u64) {
        if let Some(slot) = self.entries.get_mut(self.next) {
            *slot = Some(Entry { prefix, not_before, not_after });
            self.next = (self.next + 1) % CAPACITY;
        }
    }
}

impl<const CAPACITY: usize> Default for CabundleCache<CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{CabundleCache, PrefixHash};

    #[test]
    fn bytes_shifted_between_certificates_are_another_prefix() {
        let prefixes: [&[&[u8]]; 6] =
            [&[b"ab", b"cd"], &[b"a", b"bcd"], &[b"abc", b"d"], &[b"abcd"], &[b"abcd", b""], &[b"cd", b"ab"]];
        for (position, prefix) in prefixes.iter().enumerate() {
            assert_eq!(PrefixHash::of(prefix), PrefixHash::of(prefix));
            for other in prefixes.iter().skip(position + 1) {
                assert_ne!(PrefixHash::of(prefix), PrefixHash::of(other), "{prefix:?} {other:?}");
            }
        }
        // What a hash over the bytes alone would take for the same.
        let length_inside = [&[0, 0, 0, 0, 0, 0, 0, 1, 7][..], &[]].concat();
        assert_ne!(PrefixHash::of(&[&[], &[7]]), PrefixHash::of(&[&length_inside]));
    }

    #[test]
    fn an_entry_counts_within_its_time_alone() {
        let prefix = PrefixHash::of(&[b"root"]);
        let mut cache = CabundleCache::<2>::new();
        assert!(!cache.contains(&prefix, 10));
        cache.insert(prefix, 10, 20);
        for (at, known) in [(9, false), (10, true), (20, true), (21, false)] {
            assert_eq!(cache.contains(&prefix, at), known, "{at}");
        }
        assert!(!cache.contains(&PrefixHash::of(&[b"toor"]), 10));
    }

    #[test]
    fn the_oldest_entry_makes_room() {
        let prefixes = [b"a", b"b", b"c", b"d"].map(|name| PrefixHash::of(&[name]));
        let mut cache = CabundleCache::<3>::new();
        assert!(cache.is_empty());
        for prefix in prefixes {
            cache.insert(prefix, 0, 1);
        }
        assert_eq!(cache.len(), 3);
        assert_eq!(prefixes.map(|prefix| cache.contains(&prefix, 0)), [false, true, true, true]);
        cache.clear();
        assert!(cache.is_empty());

        let mut nothing = CabundleCache::<0>::new();
        nothing.insert(prefixes[0], 0, 1);
        assert!(nothing.is_empty() && !nothing.contains(&prefixes[0], 0));
    }
}
