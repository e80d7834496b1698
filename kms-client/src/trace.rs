//! Events for `tracing`: never a secret, a token, a header field or a body.

/// The target of every event of this crate.
pub(crate) const TARGET: &str = "pcrseal_kms";
