//! Adding and dropping bindings: how one blob serves two releases during a rolling upgrade.
//!
//! Neither KMS nor the secret is needed, and no authority either: bindings detect drift and enforce nothing.
//! To list bindings, see [`SealedBlob::bindings`]. The bundle's bytes never change here.

use alloc::vec::Vec;

use super::{Binding, SealedBlob, assemble};
use crate::crypto::SecureRandom;
use crate::error::{Code, Error};
use crate::limits::MAX_BINDINGS;
use crate::pcr::PcrSet;
use crate::policy::TrustPolicy;

/// The blob with one binding more, at the end: `values` are the PCRs of another image that shall open it
/// (from its measurements JSON).
///
/// # Errors
/// What [`SealedBlob::parse`] answers; [`Code::ClusterMismatch`]; [`Code::PcrMissing`] and
/// [`Code::DebugMode`] when the policy refuses the values; [`Code::BindingDuplicate`],
/// [`Code::BindingCount`], [`Code::BindingRejected`].
pub fn add_binding(
    blob: &[u8],
    values: &PcrSet,
    policy: &TrustPolicy,
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let blob = SealedBlob::parse(blob)?;
    if blob.header.cluster != *policy.cluster() {
        let (expected, found) = (policy.cluster().as_str(), blob.header.cluster.as_str());
        return Err(Error::text(Code::ClusterMismatch, "cluster", expected, found));
    }
    policy.check_binding(values)?;
    if blob.bindings.iter().any(|binding| binding.expected() == values) {
        return Err(Code::BindingDuplicate.into());
    }
    if blob.bindings.len() >= MAX_BINDINGS {
        return Err(Error::number(Code::BindingCount, "bindings", "1..8", blob.bindings.len() as u64 + 1));
    }
    let content_key = blob.public_content_key()?;
    let mut bindings = blob.bindings;
    bindings.push(Binding::new(values, &content_key, random)?);
    Ok(assemble(blob.protected, &blob.iv, blob.ciphertext, &bindings))
}

/// The blob without the binding that expects exactly `values`.
///
/// # Errors
/// What [`SealedBlob::parse`] answers; [`Code::BindingUnknown`]; [`Code::BindingCount`] for the last one.
pub fn drop_binding(blob: &[u8], values: &PcrSet) -> Result<Vec<u8>, Error> {
    let blob = SealedBlob::parse(blob)?;
    let mut bindings = blob.bindings;
    let position = bindings.iter().position(|binding| binding.expected() == values).ok_or(Error::number(
        Code::BindingUnknown,
        "bindings",
        "one of them",
        bindings.len() as u64,
    ))?;
    if bindings.len() == 1 {
        return Err(Error::number(Code::BindingCount, "bindings", "1..8", 0));
    }
    bindings.remove(position);
    Ok(assemble(blob.protected, &blob.iv, blob.ciphertext, &bindings))
}
