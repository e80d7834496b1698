//! What the fuzz targets share: a recipient key that costs nothing, a world with one sealed blob, attestation
//! documents that nobody signed, the operations of KMS and of the Nitro Secure Module, and the requests that policies
//! judge.
//!
//! Everything in it is fixed, so that a crash repeats.

pub mod answers;
#[path = "../../core/tests/common/certificates.rs"]
#[allow(dead_code)]
mod certificates;
#[path = "../../core/tests/common/der_tree.rs"]
pub mod der_tree;
pub mod documents;
#[path = "../../core/tests/common/cms/envelope.rs"]
mod envelope;
pub mod key;
#[path = "../../core/tests/common/model.rs"]
pub mod model;
pub mod nsm;
pub mod outer;
pub mod policies;
pub mod world;
