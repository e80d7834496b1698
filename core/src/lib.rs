//! The pure part of pcrseal: it decides everything about trust and does no I/O, reads no clock, keeps no global
//! state. `no_std` with `alloc`; no unsafe code.
//!
//! | to | see |
//! |---|---|
//! | unseal a master key | [`unseal::Plan`], [`unseal::Session`] |
//! | seal one | [`seal::Plan`], [`seal::Session`], [`seal::UnprovenBlob`] |
//! | say what an enclave trusts | [`policy::TrustPolicy`], [`policy::Quorum`] |
//! | look into a blob, or bind it to another image | [`blob::SealedBlob`], [`blob::rebind`] |
//! | verify an attestation document | [`attestation::AttestationDocument`] |
//! | predict or compare PCRs | [`pcr`] |
//! | open KMS's `CiphertextForRecipient` | [`recipient::Recipient`], [`cms`] |
//! | split and combine secrets | [`shamir`] |
//! | tell a person what to check after a refusal | [`hint`] |
//! | choose or replace a cryptographic backend | [`crypto`] |
//!
//! Every error is an [`error::Error`]: a stable [`error::Code`], and what was expected and found. The blob's
//! format is `docs/FORMAT.md` in the repository.
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
pub mod hint;
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
