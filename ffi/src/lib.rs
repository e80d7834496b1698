//! The C ABI of pcrseal. Its documentation is `include/pcrseal.h`, which `ffi/header` writes from these sources.
//!
//! Every exported function is `unsafe` for Rust: what it demands of its pointers are the rules at the top of the header.
//! Unsafe code stands in two files, and a test holds it there: `pointer` reads and writes what a C caller points to,
//! `locked` keeps secrets in locked memory.
#![allow(clippy::missing_safety_doc, reason = "the header's rules are the safety section of every function")]
#![allow(clippy::doc_markdown, reason = "the documentation is the header's, where backticks mean nothing")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must become a status code: build with panic = \"unwind\"");

mod attestation;
mod attestation_policy;
mod attester;
mod blob;
mod blocks;
mod cancel;
mod config;
mod engine;
mod error;
mod host_unseal;
mod kms_request;
mod lock;
mod locked;
mod log;
mod panics;
mod pcr_set;
mod pointer;
mod quorum;
mod report;
mod retire;
mod seal;
mod secret;
mod session;
mod status;
mod unseal;
mod verifier;
mod version;

pub use attestation::*;
pub use attestation_policy::*;
pub use attester::*;
pub use blob::*;
pub use blocks::*;
pub use cancel::*;
pub use config::*;
pub use error::*;
pub use host_unseal::*;
pub use kms_request::*;
pub use log::*;
pub use pcr_set::*;
pub use quorum::*;
pub use report::*;
pub use retire::*;
pub use seal::*;
pub use secret::*;
pub use session::*;
pub use unseal::*;
pub use verifier::*;
pub use version::*;
