//! The module's messages: requests written, answers read.

pub(crate) mod answer;
pub(crate) mod fields;
mod request;

pub(crate) use request::Request;
