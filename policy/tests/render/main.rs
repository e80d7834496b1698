//! Rendered policies: golden files, the page's template, every refusal, and what the policies allow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]
#![allow(unreachable_pub)] // the shared modules' items

mod claims;
mod common;
mod hardened;
mod release;
mod template;
