//! What the fuzz targets share: a recipient key that costs nothing, and a world with one sealed blob.
//!
//! Everything in it is fixed, so that a crash repeats.

pub mod document;
#[path = "../../core/tests/common/cms/envelope.rs"]
mod envelope;
pub mod key;
pub mod outer;
pub mod world;
