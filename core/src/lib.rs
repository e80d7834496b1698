//! The pure part of pcrseal: no I/O, no clock, no global state; `no_std` with `alloc`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod attestation;
pub mod attester;
pub mod blob;
mod cbor;
pub mod cms;
mod cose;
pub mod crypto;
pub mod error;
pub mod limits;
pub mod names;
pub mod pcr;
pub mod policy;
pub mod recipient;
pub mod report;
pub mod seal;
pub mod secret;
pub mod shamir;
pub mod unseal;
mod x509;
