//! The async client. `call` makes an operation of attempts, `transport` is the seam below it, `direct` (with
//! `connection`, `pool`, `tls`, `endpoint`) the transport of our own; every step is bounded in time and size.
//!
//! The request's and the answer's bodies are wiped here. The HTTP and TLS implementations keep buffers of their
//! own, which they free without wiping; with `Recipient` no plaintext passes through them.

mod builder;
mod call;
mod clock;
mod connection;
mod direct;
mod endpoint;
pub(crate) mod io;
mod operations;
mod pool;
mod retry;
mod roots;
mod tls;
mod transport;
mod warm_up;

pub use builder::ClientBuilder;
#[cfg(feature = "aws-sdk")]
pub(crate) use connection::append;
pub use retry::RetryPolicy;
pub use transport::{
    AuthenticatedTransport, TransportAnswer, TransportError, TransportFuture, TransportRequest,
};
pub use warm_up::WarmUp;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use self::clock::Clock;
use self::direct::Direct;
use self::endpoint::Endpoints;
use self::warm_up::Distances;
use crate::credentials::CredentialsCache;

/// A client of AWS KMS. Cheap to clone; clones share their connections, credentials and clock.
///
/// Every call runs on the caller's tokio runtime, which needs its I/O and time drivers, and may be dropped at any
/// time. A call is one operation: within its time, failures that may pass are tried again as [`RetryPolicy`] says;
/// a clock that AWS finds wrong is corrected once from the answer's `Date`, for the region that answered, and stays so;
/// credentials that AWS finds expired are fetched anew once. Everything else is final at once.
///
/// Bodies of requests and answers are wiped when they are done with; what the HTTP and TLS implementations keep in
/// buffers of their own is freed without wiping. With `Recipient` no plaintext passes through them.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    credentials: CredentialsCache,
    endpoints: Endpoints,
    transport: Transport,
    retry: RetryPolicy,
    random: Random,
    attempt_timeout: Duration,
    operation_timeout: Duration,
    clock: Clock,
    distances: Distances,
}

/// The client's own transport, or the host's. What is above them does not tell them apart.
enum Transport {
    Direct(Direct),
    OfHost(Arc<dyn AuthenticatedTransport>),
}

/// Limits of the stages of one attempt.
#[derive(Clone, Copy)]
struct StageLimits {
    connect: Duration,
    tls: Duration,
    answer: Duration,
    body: Duration,
}

/// Draws 64 random bits for the waits between attempts.
type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Client {
    /// Begins to configure a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }
}

/// Milliseconds for an event.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
