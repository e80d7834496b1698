//! The bundle: the plaintext of the blob's outer layer. Nothing in it is secret by itself: shares and secret
//! are sealed again under keys that KMS protects.

use alloc::vec::Vec;

use super::malformed;
use crate::cbor::{Reader, Writer};
use crate::crypto::symmetric::SEALED_OVERHEAD;
use crate::error::{Code, Error};
use crate::limits::{MAX_KMS_CIPHERTEXT_LEN, MAX_SECRET_LEN, MAX_SHARES, SEALED_SHARE_LEN};
use crate::names::KeyArn;

/// What the outer layer holds.
pub(crate) struct Bundle {
    pub(crate) threshold: u8,
    /// In the order of x = 1..n.
    pub(crate) shares: Vec<SealedShare>,
    pub(crate) commitment: [u8; 32],
    pub(crate) sealed_secret: Vec<u8>,
}

/// One share: sealed under a share key that this KMS key protects.
pub(crate) struct SealedShare {
    pub(crate) key: KeyArn,
    pub(crate) ciphertext_blob: Vec<u8>,
    pub(crate) sealed: [u8; SEALED_SHARE_LEN],
}

impl Bundle {
    /// `[threshold, [+ [key ARN, CiphertextBlob, sealed share]], commitment, sealed secret]`
    pub(crate) fn encode(&self) -> Vec<u8> {
        let capacity = self.sealed_secret.len() + self.shares.len() * 1024;
        let mut writer =
            Writer::with_capacity(capacity).array(4).uint(self.threshold.into()).array(self.shares.len());
        for share in &self.shares {
            writer =
                writer.array(3).text(share.key.as_str()).bytes(&share.ciphertext_blob).bytes(&share.sealed);
        }
        writer.bytes(&self.commitment).bytes(&self.sealed_secret).finish()
    }

    /// Reads a bundle; encoding and bounds are checked, trust is not.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(Reader::new(bytes)).map_err(malformed)
    }

    /// Bytes of the secret that is sealed in it.
    pub(crate) const fn secret_len(&self) -> usize {
        self.sealed_secret.len().saturating_sub(SEALED_OVERHEAD)
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, Error> {
        reader.array_of(4, "bundle")?;
        let threshold = reader.uint("threshold")?;
        let count = reader.array("shares")?;
        let Some(threshold) = u8::try_from(threshold).ok().filter(|&t| t >= 1 && u64::from(t) <= count)
        else {
            return Err(Error::number(Code::BlobBounds, "threshold", "1..number of shares", threshold));
        };
        if count > MAX_SHARES as u64 {
            return Err(Error::number(Code::BlobBounds, "shares", "1..16", count));
        }
        let shares = (0..count).map(|_| SealedShare::read(&mut reader)).collect::<Result<_, _>>()?;
        let commitment = reader.fixed_bytes("commitment")?;
        let sealed_secret = reader.bytes("sealed secret")?;
        let secret_len = sealed_secret.len().saturating_sub(SEALED_OVERHEAD);
        if secret_len == 0 || secret_len > MAX_SECRET_LEN {
            return Err(Error::number(Code::BlobBounds, "secret bytes", "1..65536", secret_len as u64));
        }
        reader.end("bundle")?;
        Ok(Self { threshold, shares, commitment, sealed_secret: sealed_secret.to_vec() })
    }
}

impl SealedShare {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.array_of(3, "share")?;
        let key = KeyArn::new(reader.text("key ARN")?)?;
        let ciphertext_blob = reader.bytes("CiphertextBlob")?;
        check_ciphertext_blob(ciphertext_blob)?;
        let sealed = reader.fixed_bytes("sealed share")?;
        Ok(Self { key, ciphertext_blob: ciphertext_blob.to_vec(), sealed })
    }
}

/// AWS KMS: a `CiphertextBlob` is 1..6144 bytes.
fn check_ciphertext_blob(bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() || bytes.len() > MAX_KMS_CIPHERTEXT_LEN {
        return Err(Error::number(Code::BlobBounds, "CiphertextBlob bytes", "1..6144", bytes.len() as u64));
    }
    Ok(())
}
