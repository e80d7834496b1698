//! Lint: every rule has a policy that breaks it and one that does not; the template has the findings of its weak
//! points and no others; mended policies are mended.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests are tests

mod holes;
mod mended;
mod quorum;
mod rules;
mod setup;
mod template;
