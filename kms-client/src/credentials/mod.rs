//! Where credentials come from, and how they are kept fresh.
//!
//! A client has one provider, and its configuration names it. There is no chain that tries one source after the
//! other: what signs a request must not depend on which source happens to be silent at the moment.
//!
//! | provider | for |
//! |---|---|
//! | [`FeedCredentials`] | an enclave: what the parent instance hands over, see `docs/CREDENTIAL-FEED.md` |
//! | [`ImdsCredentials`] | an enclave whose parent forwards a vsock port to the metadata service, or an EC2 host |
//! | [`ContainerCredentials`] | a host under ECS or EKS Pod Identity |
//! | [`EnvironmentCredentials`], [`StaticCredentials`] | hosts and tests |
//!
//! In an enclave every one of them is the parent's word. That is no weakness: credentials say who asks KMS, and
//! KMS releases a share to nobody without the attestation document.

mod cache;
mod container;
mod document;
mod environment;
mod error;
mod feed;
mod file;
mod http;
mod imds;
mod time;

pub(crate) use cache::CredentialsCache;
pub use container::ContainerCredentials;
pub use environment::EnvironmentCredentials;
pub use error::CredentialsError;
pub use feed::FeedCredentials;
pub use imds::ImdsCredentials;

use core::future::{Future, ready};
use core::pin::Pin;
use std::sync::Arc;

use pcrseal_core::error::Error as Fault;

use crate::Error;
use crate::wire::Credentials;

/// The future of [`ProvideCredentials::provide`].
pub type ProvidedCredentials<'a> = Pin<Box<dyn Future<Output = Result<Arc<Credentials>, Error>> + Send + 'a>>;

/// A source of AWS credentials.
///
/// The client asks when it has none, when AWS says that those it has have expired, and again before they
/// expire; it never asks twice at a time, and gives up after [`CREDENTIALS_FETCH_TIMEOUT`]. The future may be
/// dropped at any time.
///
/// [`CREDENTIALS_FETCH_TIMEOUT`]: crate::limits::CREDENTIALS_FETCH_TIMEOUT
pub trait ProvideCredentials: Send + Sync + 'static {
    /// Fetches credentials as they are now. [`Credentials::expiring`] says how long they last; without it they
    /// are kept until AWS says that they have expired, and others come.
    fn provide(&self) -> ProvidedCredentials<'_>;

    /// What errors and events call this provider.
    fn name(&self) -> &'static str {
        "custom"
    }
}

/// Credentials that are given once and never change.
#[derive(Clone, Debug)]
pub struct StaticCredentials(Arc<Credentials>);

impl StaticCredentials {
    /// Hands out these and no others: a call to which AWS says that they have expired ends with that.
    pub fn new(credentials: Credentials) -> Self {
        Self(Arc::new(credentials))
    }
}

impl ProvideCredentials for StaticCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(ready(Ok(Arc::clone(&self.0))))
    }

    fn name(&self) -> &'static str {
        "static"
    }
}

/// What a provider of this module hands out, or why it does not.
fn provided(name: &'static str, outcome: Result<Credentials, Fault>) -> Result<Arc<Credentials>, Error> {
    outcome.map(Arc::new).map_err(|fault| Error::Credentials(CredentialsError::new(name, fault)))
}
