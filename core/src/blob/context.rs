//! What a seal is bound to: the context digest, the AADs and the KMS encryption context made from it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Header;
use crate::cbor::Writer;
use crate::crypto::symmetric::sha384;
use crate::limits::FORMAT_VERSION;
use crate::policy::Quorum;

/// The context digest: SHA-384 over everything that shares and secret are bound to.
#[derive(Clone, Copy)]
pub(crate) struct Context([u8; 48]);

impl Context {
    /// `SHA-384(["pcrseal v1 context", version, seal id, cluster, generation, wrapping, t, [ARNs],
    /// SHA-384(external_aad)])`, deterministically encoded.
    ///
    /// A reader passes its own trusted cluster in the header and its own quorum, not the blob's.
    pub(crate) fn new(header: &Header, quorum: &Quorum, external_aad: &[u8]) -> Self {
        let mut writer = Writer::with_capacity(1024)
            .array(9)
            .text("pcrseal v1 context")
            .uint(FORMAT_VERSION)
            .bytes(header.seal_id.as_bytes())
            .text(header.cluster.as_str())
            .uint(header.generation)
            .text(quorum.wrapping().name())
            .uint(quorum.threshold().into())
            .array(quorum.keys().len());
        for key in quorum.keys() {
            writer = writer.text(key.as_str());
        }
        Self(sha384(&[&writer.bytes(&sha384(&[external_aad])).finish()]))
    }

    pub(crate) const fn digest(&self) -> &[u8; 48] {
        &self.0
    }

    /// `["pcrseal v1 share", ctx, x]`
    pub(crate) fn share_aad(&self, x: u8) -> Vec<u8> {
        Writer::with_capacity(80).array(3).text("pcrseal v1 share").bytes(&self.0).uint(x.into()).finish()
    }

    /// `["pcrseal v1 secret", ctx]`
    pub(crate) fn secret_aad(&self) -> Vec<u8> {
        Writer::with_capacity(80).array(2).text("pcrseal v1 secret").bytes(&self.0).finish()
    }
}

/// The KMS encryption context of one share: exactly six entries, the same when the share key is made and at
/// every Decrypt. KMS authenticates it, key policies can demand it
/// (`kms:EncryptionContext:pcrseal:cluster`), and CloudTrail logs it in clear text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionContext([(&'static str, String); 6]);

impl EncryptionContext {
    /// The keys, sorted: what a key policy may list as `kms:EncryptionContextKeys`.
    pub const KEYS: [&'static str; 6] = [
        "pcrseal:cluster",
        "pcrseal:generation",
        "pcrseal:seal-id",
        "pcrseal:share",
        "pcrseal:v",
        "pcrseal:wrapping",
    ];

    /// The context of share `x`.
    pub(crate) fn new(header: &Header, quorum: &Quorum, x: u8) -> Self {
        let [cluster, generation, seal_id, share, version, wrapping] = Self::KEYS;
        Self([
            (cluster, header.cluster.to_string()),
            (generation, header.generation.to_string()),
            (seal_id, header.seal_id.to_string()),
            (share, format!("{x}/{}", quorum.keys().len())),
            (version, FORMAT_VERSION.to_string()),
            (wrapping, quorum.wrapping().to_string()),
        ])
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.as_str()))
    }
}
