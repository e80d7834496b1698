//! A minimal AWS KMS client for Nitro Enclaves: the operations that keep, release and retire keys, with
//! `Recipient`, `SigV4` and TLS that ends in the enclave.
//!
//! Two floors: [`wire`] is pure (requests, signatures, answers, error classes: bytes in, values out; no I/O,
//! no clock), and [`Client`] moves its bytes over hyper, rustls and tokio.
//!
//! ```no_run
//! # async fn example() -> Result<(), pcrseal_kms::Error> {
//! use pcrseal_core::secret::Secret;
//! use pcrseal_kms::wire::{Credentials, DecryptRequest};
//!
//! let credentials = Credentials::new("AKIDEXAMPLE", Secret::copy_from(b"example"), None)?;
//! let client = pcrseal_kms::Client::builder()
//!     .credentials(credentials)
//!     .endpoint_url("http://127.0.0.1:8080")
//!     .build()?;
//! let answer = client
//!     .decrypt(
//!         "eu-central-1",
//!         &DecryptRequest {
//!             key_id: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
//!             ciphertext_blob: b"...",
//!             encryption_context: &[("purpose".into(), "example".into())].into(),
//!             grant_tokens: &[],
//!             recipient: Some(b"attestation document"),
//!             dry_run: false,
//!         },
//!     )
//!     .await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "aws-sdk")]
pub mod aws_sdk;
mod client;
pub mod credentials;
mod error;
pub mod limits;
mod net;
mod service_error;
mod trace;
pub mod wire;

pub use client::{
    AuthenticatedTransport, Client, ClientBuilder, RetryPolicy, TransportAnswer, TransportError,
    TransportFuture, TransportRequest, WarmUp,
};
pub use error::{BadAnswer, Error};
pub use net::{Address, VsockAddress};
pub use service_error::{ErrorClass, ServiceError};
