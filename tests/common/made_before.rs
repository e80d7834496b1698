//! RSA keys made beforehand, for tests that make many and are about something else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use pcrseal::core::crypto::{Backend, RsaKey, RsaKeys, aws_lc};
use pcrseal::core::error::Error;
use pcrseal::core::secret::Secret;

/// Enclaves share these, which no enclave of the world does.
const RSA_KEYS: usize = 8;

/// AWS-LC, with RSA keys made beforehand.
pub static BACKEND: Backend = Backend { rsa: &MadeBefore, ..aws_lc::BACKEND };

struct MadeBefore;

struct Shared(Arc<dyn RsaKey>);

impl RsaKeys for MadeBefore {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        static KEYS: OnceLock<Vec<Arc<dyn RsaKey>>> = OnceLock::new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let keys = KEYS.get_or_init(|| {
            (0..RSA_KEYS).map(|_| Arc::from(aws_lc::BACKEND.rsa.generate().unwrap())).collect()
        });
        let next = NEXT.fetch_add(1, Ordering::Relaxed) % keys.len();
        Ok(Box::new(Shared(Arc::clone(&keys[next]))))
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        aws_lc::BACKEND.rsa.import_pkcs8(der)
    }
}

impl RsaKey for Shared {
    fn public_key_der(&self) -> &[u8] {
        self.0.public_key_der()
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        self.0.decrypt_oaep_sha256(ciphertext)
    }
}
