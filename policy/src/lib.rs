//! AWS KMS key policies for keys that release their shares to attested enclaves alone.
//!
//! Confidentiality of a sealed blob rests on the policies of its KMS keys and on nothing else. This crate makes the
//! right policy, checks an existing one, and says what a policy allows. It does no I/O.
//!
//! | to | see |
//! |---|---|
//! | read a policy, strictly, or write one | [`document::PolicyDocument`] |
//! | make the right policy, as JSON and Terraform, with its reasons | [`render`] |
//! | name accounts, roles and callers | [`names`] |
//! | know what policies say to a request, or who gets in | [`evaluate`](mod@evaluate) |
//! | know what is wrong with a policy, and mend it | [`lint`](mod@lint) |
//! | know KMS's permissions | [`actions`] |
//!
//! Every error is a [`pcrseal_core::error::Error`] with a code of the range 4000. Documents are public: errors and
//! findings quote them.
#![forbid(unsafe_code)]

pub mod actions;
pub mod document;
pub mod evaluate;
pub mod json;
pub mod lint;
pub mod names;
pub mod render;
