//! What the outer layer shows to anybody.

use alloc::vec::Vec;

use super::SealedBlob;
use crate::error::Error;
use crate::names::KeyArn;

#[cfg(doc)]
use crate::{error::Code, unseal::Plan};

/// What a blob says of the quorum that it is sealed under, and of the secret's length. Anybody can make a blob that says
/// anything: it is for people and for looking things up. What is trusted, a [`Plan`] finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedContents {
    /// How many shares open the secret.
    pub threshold: u8,
    /// The KMS keys, in the order of the shares' positions x = 1..n.
    pub keys: Vec<KeyArn>,
    /// Bytes of each share's `CiphertextBlob`, in the same order.
    pub ciphertext_blob_lens: Vec<usize>,
    /// Bytes of the secret, 1..65536.
    pub secret_len: usize,
}

impl SealedBlob<'_> {
    /// Opens the outer layer with a binding of the blob's own, whose PCR values are public, and says what is in it.
    /// **It authenticates nothing**: whoever has the blob can do the same, and can make such a blob. No secret is opened.
    ///
    /// # Errors
    /// [`Code::BindingRejected`] when no binding unwraps the content key; [`Code::ContentRejected`] when the blob was made
    /// with another `external_aad`, or altered; [`Code::BlobMalformed`], [`Code::BlobNotDeterministic`],
    /// [`Code::BlobTrailing`], [`Code::BlobBounds`] and [`Code::KeyArn`] for what is inside.
    pub fn unverified_contents(&self, external_aad: &[u8]) -> Result<UnverifiedContents, Error> {
        let bundle = self.open(&self.public_content_key()?, external_aad)?;
        let secret_len = bundle.secret_len();
        let (keys, ciphertext_blob_lens) =
            bundle.shares.into_iter().map(|share| (share.key, share.ciphertext_blob.len())).unzip();
        Ok(UnverifiedContents { threshold: bundle.threshold, keys, ciphertext_blob_lens, secret_len })
    }
}
