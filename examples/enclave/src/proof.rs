//! The one service of this enclave: it proves that it holds the key, and shows nothing of it.

use std::io::{self, Read, Write};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use pcrseal::Code;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::secret::{Key32, Secret};
use sha2::Sha256;

/// Bytes of a challenge. Ours: too many to be guessed or to come twice.
pub const CHALLENGE_LEN: usize = 32;
/// Bytes of a proof: HMAC-SHA-256.
pub const PROOF_LEN: usize = 32;
/// What the key of the proofs is derived for. A secret never serves two purposes: a key of its own for each.
const INFO: &[u8] = b"pcrseal-enclave v1 proof";

/// A key that is derived from the secret, and serves proofs alone. Wiped when dropped.
pub struct ProofKey(Key32);

impl ProofKey {
    /// HKDF-SHA-256 (RFC 5869) without a salt: the secret is a uniform key already. One that was made elsewhere and
    /// imported has to be one, too: with a proof, whoever asked for it can try guesses.
    ///
    /// # Errors
    /// [`Code::Rejected`], which cannot happen: HKDF gives up to 8160 bytes.
    pub fn of(secret: &Secret) -> Result<Self, Fault> {
        let mut key = Key32::default();
        let derived = Hkdf::<Sha256>::new(None, secret.expose()).expand(INFO, &mut *key);
        derived.map_err(|_| Code::Rejected)?;
        Ok(Self(key))
    }

    /// HMAC-SHA-256 (RFC 2104) of the challenge.
    ///
    /// # Errors
    /// [`Code::Rejected`], which cannot happen: HMAC takes a key of any length.
    pub fn answer(&self, challenge: &[u8; CHALLENGE_LEN]) -> Result<[u8; PROOF_LEN], Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).map_err(|_| Code::Rejected)?;
        mac.update(challenge);
        Ok(mac.finalize().into_bytes().into())
    }

    /// Reads one challenge, of exactly [`CHALLENGE_LEN`] bytes, and writes its proof. A challenge that is cut short is
    /// not answered; what follows it is not read.
    ///
    /// # Errors
    /// What the stream answers.
    pub fn serve(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let mut challenge = [0; CHALLENGE_LEN];
        stream.read_exact(&mut challenge)?;
        stream.write_all(&self.answer(&challenge).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn key() -> ProofKey {
        ProofKey::of(&Secret::new(vec![0x0b; 32])).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn a_proof_is_what_another_implementation_computes() {
        // Python's hmac and hashlib: see the README, "Checking a proof".
        let proof = key().answer(&[0x5a; CHALLENGE_LEN]).unwrap();
        assert_eq!(hex(&proof), "38b8230a09d5779c280528c8b4a24081c2b791fe3a2d213556fed2e396b67fe3");
    }

    #[test]
    fn another_secret_or_challenge_has_another_proof() {
        let proof = key().answer(&[0; 32]).unwrap();
        assert_ne!(key().answer(&[1; 32]).unwrap(), proof);
        assert_ne!(ProofKey::of(&Secret::new(vec![0x0c; 32])).unwrap().answer(&[0; 32]).unwrap(), proof);
    }

    #[test]
    fn one_challenge_is_answered_and_what_follows_is_not() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(&[7; 40]).unwrap();
        key().serve(&far).unwrap();
        drop(far);
        let mut answer = Vec::new();
        // The bytes that were not read make the end of the stream a reset.
        let _ = near.read_to_end(&mut answer);
        assert_eq!(answer, key().answer(&[7; 32]).unwrap());
    }

    #[test]
    fn a_challenge_cut_short_is_not_answered() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(&[7; 31]).unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(key().serve(&far).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(far);
        assert_eq!(near.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}
