//! Lint: every rule has a policy that breaks it and one that does not; the template has the findings of its weak
//! points and no others; mended policies are mended.

mod quorum;
mod rules;
mod setup;
mod template;
