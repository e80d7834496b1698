//! The backends that verification tests run over, and two that replace ECDSA for a purpose.

use std::collections::HashSet;
use std::sync::Mutex;

use pcrseal_core::crypto::{
    Backend, ES384_SIGNATURE_LEN, Es384, RsaKey, RsaKeys, SecureRandom, SignatureRejected, aws_lc, rustcrypto,
};
use pcrseal_core::error::{Code, Error};

/// Every backend under test.
pub fn backends() -> [Backend; 2] {
    [aws_lc::BACKEND, rustcrypto::BACKEND]
}

/// The faster one, for what need not run over both.
pub fn fast() -> Backend {
    aws_lc::BACKEND
}

/// A backend that takes every signature for good: what it still refuses is refused by form alone.
pub fn accept_all() -> Backend {
    verifying(&AcceptAll)
}

/// A backend that verifies with `real` and remembers what was good. Once [`Recorder::replay`] is called, it
/// accepts exactly what it remembers, without any arithmetic.
pub fn recorder(real: Backend) -> (Backend, &'static Recorder) {
    let recorder: &'static Recorder =
        Box::leak(Box::new(Recorder { real, good: Mutex::default(), replaying: Mutex::default() }));
    (verifying(recorder), recorder)
}

pub fn verifying(es384: &'static dyn Es384) -> Backend {
    Backend { name: "verification alone", es384, rsa: &Absent, random: &Absent }
}

struct AcceptAll;

impl Es384 for AcceptAll {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8; ES384_SIGNATURE_LEN]) -> Verdict {
        Ok(())
    }

    fn verify_der(&self, _: &[u8], _: &[u8], _: &[u8]) -> Verdict {
        Ok(())
    }
}

type Verdict = Result<(), SignatureRejected>;
type Call = (Vec<u8>, Vec<u8>, Vec<u8>);

pub struct Recorder {
    real: Backend,
    good: Mutex<HashSet<Call>>,
    replaying: Mutex<bool>,
}

impl Recorder {
    pub fn replay(&self) {
        *self.replaying.lock().unwrap() = true;
    }

    /// Number of good signatures remembered.
    pub fn remembered(&self) -> usize {
        self.good.lock().unwrap().len()
    }

    fn judge(&self, call: Call, verify: impl FnOnce() -> Verdict) -> Verdict {
        let mut good = self.good.lock().unwrap();
        if !*self.replaying.lock().unwrap() {
            verify()?;
            good.insert(call);
            return Ok(());
        }
        if good.contains(&call) { Ok(()) } else { Err(SignatureRejected) }
    }
}

impl Es384 for Recorder {
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8; ES384_SIGNATURE_LEN]) -> Verdict {
        let call = (key.to_vec(), message.to_vec(), signature.to_vec());
        self.judge(call, || self.real.es384.verify(key, message, signature))
    }

    fn verify_der(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Verdict {
        let call = (key.to_vec(), message.to_vec(), signature.to_vec());
        self.judge(call, || self.real.es384.verify_der(key, message, signature))
    }
}

/// The parts that verification has no use for.
struct Absent;

impl RsaKeys for Absent {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        Err(Code::Random.into())
    }

    fn import_pkcs8(&self, _: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        Err(Code::Rejected.into())
    }
}

impl SecureRandom for Absent {
    fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
        Err(Code::Random.into())
    }
}
