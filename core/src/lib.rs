//! The pure part of pcrseal: no I/O, no clock, no global state; `no_std` with `alloc`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod attestation;
pub mod attester;
mod cbor;
mod cose;
pub mod crypto;
pub mod error;
pub mod limits;
pub mod pcr;
pub mod recipient;
pub mod secret;
mod x509;
