//! What policies say to requests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod callers;
mod conditions;
mod grants;
mod hostile;
mod matrix;
mod operators;
mod requests;
mod setup;
mod statements;
mod template;
mod unresolved;
mod variables;
mod worlds;
