//! Seals a master key under a quorum of AWS KMS keys so that only the right Nitro Enclave image gets it back,
//! unattended.
//!
//! [`AutoUnseal`] wires three parts together: an [`Attester`] ([`nitro::Nsm`], the Nitro Secure Module, or the emulator's
//! software one), a KMS client ([`AuthenticatedKms`]; [`kms::Client`] is one), and the sessions of
//! [`pcrseal_core`], which decide everything about trust and do no I/O.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
//! use pcrseal::core::policy::{Quorum, TrustPolicy};
//! use pcrseal::nitro::Nsm;
//! use pcrseal::{AutoUnseal, kms};
//!
//! # async fn start(kms: kms::Client, blob: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! // Built into the image, never taken from the parent instance.
//! let keys = [
//!     "arn:aws:kms:eu-central-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-050403020100",
//!     "arn:aws:kms:eu-west-1:222233334444:key/1f1e1d1c-1b1a-1918-1716-151413121110",
//!     "arn:aws:kms:us-east-1:333344445555:key/2f2e2d2c-2b2a-2928-2726-252423222120",
//! ];
//! let keys = keys.into_iter().map(KeyArn::new).collect::<Result<_, _>>()?;
//! let policy = TrustPolicy::builder(ClusterId::new("prod-eu-central-1-vault")?)
//!     .unseal_quorum(Quorum::new(2, keys, Wrapping::Attested)?)
//!     .build()?;
//!
//! let nsm = Arc::new(Nsm::open()?);
//! let unsealed = AutoUnseal::new(nsm, kms, policy).unseal(blob).await?;
//! println!("{}", unsealed.report);
//! serve(unsealed.opened.secret().expose());
//! # Ok(())
//! # }
//! # fn serve(_: &[u8]) {}
//! ```
//!
//! The same from a JSON document, credentials, endpoints and clock included, is a [`config::Config`].
//!
//! Errors carry a stable [`Code`] and, once keys were asked, a [`Report`] with one row per key.
#![forbid(unsafe_code)]

mod ask;
mod auto_unseal;
pub mod config;
mod error;
mod host_transport;
mod inspect;
mod kms_client;
mod observe;
mod preflight;
mod prepare;
mod retire;
mod rotate;
mod rows;
mod sealing;

pub use ask::FanOut;
pub use auto_unseal::{AutoUnseal, Unsealed};
pub use error::Error;
pub use host_transport::{HostRequest, HostUnseal};
pub use inspect::{Inspection, inspect};
pub use kms_client::{AuthenticatedKms, DataKey, KeyFacts, Released};
pub use pcrseal_core as core;
pub use pcrseal_core::attester::Attester;
pub use pcrseal_core::error::Code;
pub use pcrseal_core::report::{Outcome, Report};
pub use pcrseal_kms as kms;
pub use pcrseal_nitro as nitro;
pub use prepare::Prepared;
pub use retire::{Retirement, RetirementState};
pub use rotate::Rotated;
pub use sealing::Sealed;

/// Compiles what the README shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/POLICY.md")]
struct KeyPolicies;
