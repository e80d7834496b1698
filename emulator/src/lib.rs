//! A software Nitro Secure Module and an AWS KMS server, for tests and for users without Nitro hardware.
//!
//! [`nsm`] issues attestation documents as AWS does, under a root of its own: a verifier that pins that root
//! instead of AWS's sees nothing else that differs. [`kms`] is an HTTP server that any AWS SDK can talk to; it
//! verifies signatures and attestation documents, enforces key policies and IAM policies, and answers in AWS's
//! shapes, errors included.
//!
//! Both sides are written from AWS's documentation and share no protocol code with the rest of pcrseal, so
//! that each catches the other's mistakes; what policies say is for `pcrseal-policy` to judge, which is compared with
//! a judge that is not ours. **Nothing here protects anything**: keys live in plain memory, and
//! whoever can reach the port and knows a secret access key may use them. It is for loopback only.
//!
//! ```
//! use pcrseal_core::attester::Attester;
//! use pcrseal_core::pcr::Pcr;
//! use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Kms, Principal};
//! use pcrseal_emulator::nsm::{Nsm, NsmConfig};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kms = Kms::builder().start().await?;
//! kms.add_principal(Principal::new("AKIATEST", "secret", "arn:aws:iam::111122223333:role/enclave")?);
//! let enclave = Nsm::boot(kms.authority(), NsmConfig::new([Pcr::ZERO; 3]))?;
//! let measured = enclave.measured_pcrs()?;
//! let policy = KeyPolicy::attested(measured.iter());
//! let arn = kms.create_key("eu-west-1", "111122223333", KeyOptions::new(policy))?;
//! assert!(arn.starts_with("arn:aws:kms:eu-west-1:111122223333:key/"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod asn1;
mod clock;
pub mod kms;
pub mod nsm;
mod text;

pub use clock::Clock;
