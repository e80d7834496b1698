//! Random bytes from two sources, of which one suffices.

use std::fmt;
use std::sync::Arc;

use hkdf::Hkdf;
use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::crypto::SecureRandom;
use pcrseal_core::error::{Code, Error};
use sha2::Sha384;
use zeroize::{Zeroize, Zeroizing};

/// Bytes taken from each source for one output: the length of SHA-384, which is all that the extraction keeps.
const SOURCE_LEN: usize = 48;

/// The longest output of one HKDF: 255 hashes (RFC 5869 section 2.3).
const MAX_OUTPUT_LEN: usize = 255 * SOURCE_LEN;

/// Random bytes of the module and of another source, mixed: HKDF-SHA-384 (RFC 5869) over 48 bytes of each, taken anew
/// for each call, so that the output is as good as the better of the two. Whoever knows or chooses one of them learns
/// nothing about the output, and cannot cancel the other, as he might where they were only added up.
///
/// A failure of either source is an error; there is no falling back on the other.
///
/// [`Backend::random`](pcrseal_core::crypto::Backend::random) wants it for the life of the program: a `static` of the
/// program's own holds it, see the [example](crate).
pub struct Entropy {
    module: Arc<dyn NitroSecureModule>,
    other: &'static dyn SecureRandom,
}

impl Entropy {
    /// Mixes the module's random bytes with those of `other`: the backend's own source, which the kernel seeds.
    pub fn new(module: Arc<dyn NitroSecureModule>, other: &'static dyn SecureRandom) -> Self {
        Self { module, other }
    }

    fn fill_once(&self, output: &mut [u8]) -> Result<(), Error> {
        let mut sources = Zeroizing::new([0; 2 * SOURCE_LEN]);
        let (module, other) = sources.split_at_mut(SOURCE_LEN);
        self.module.random(module)?;
        self.other.fill(other)?;
        Hkdf::<Sha384>::new(None, sources.as_slice())
            .expand(b"pcrseal v1 entropy", output)
            .map_err(|_| Code::Random.into())
    }
}

impl SecureRandom for Entropy {
    /// # Errors
    /// The failing source's; the buffer is zero then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let filled = buffer.chunks_mut(MAX_OUTPUT_LEN).try_for_each(|chunk| self.fill_once(chunk));
        filled.inspect_err(|_| buffer.zeroize())
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}
