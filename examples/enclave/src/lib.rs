//! The smallest real enclave program: it unseals a key, and proves that it holds it. The README tells its life in
//! steps; [`life::live`] is those steps.
//!
//! What is trusted comes from the measured image ([`trust`]). What the parent instance says ([`request`]) chooses
//! ports and hands over a blob, and is read as what it is: hostile.

pub mod answer;
pub mod console;
pub mod enclave;
pub mod error;
pub mod init;
pub mod job;
mod json;
pub mod life;
pub mod measure;
pub mod parent;
pub mod proof;
pub mod request;
pub mod trust;
pub mod vsock;
