//! An AWS KMS server: HTTP, JSON 1.1, Signature Version 4; several accounts and regions on one port.
//!
//! Region and account come from the request's signature: the host name plays no part. What it does not do:
//! TLS, aliases, grants, policy documents, asymmetric keys, key rotation, replicas.

mod attestation;
mod authorize;
mod ciphertext;
mod cms;
mod dates;
mod errors;
mod input;
mod keys;
mod operations;
mod principal;
mod server;
mod sigv4;
mod world;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pcrseal_core::error::Error as AttesterError;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use authorize::{Access, KeyPolicy, Operation};
pub use cms::ContentForm;
/// The types of [`Kms::exchange`].
pub use hyper::{Request, Response, body::Bytes};
pub use keys::{Fault, KeyHandle, KeyOptions, KeyState, OVERSIZE_BODY_LEN};
pub use principal::Principal;
pub use server::ConnectionFault;

use crate::Clock;
use crate::nsm::Authority;
use world::World;

/// A server: on a port of its own, or in this process alone. Dropping it closes the port and every connection.
pub struct Kms {
    world: Arc<World>,
    listening: Option<Listening>,
}

struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Kms {
    /// Starts to describe a server.
    pub fn builder() -> KmsBuilder {
        KmsBuilder {
            authority: None,
            clock: None,
            content_form: ContentForm::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// `http://127.0.0.1:PORT`; `http://in-process` where there is no port.
    pub fn endpoint(&self) -> String {
        match &self.listening {
            Some(listening) => format!("http://{}", listening.address),
            None => "http://in-process".into(),
        }
    }

    /// Answers one request as over HTTP, signature, delays and faults included, without a socket. The time
    /// that it takes is tokio's, so that a paused clock works.
    ///
    /// # Errors
    /// [`ConnectionFault`] where the connection would end before the answer is complete.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionFault> {
        let (parts, body) = request.into_parts();
        server::respond(&self.world, &parts, Ok(body)).await
    }

    /// Whose attestation documents the server trusts.
    pub fn authority(&self) -> &Authority {
        self.world.authority()
    }

    /// Creates a symmetric key and gives its ARN.
    ///
    /// # Errors
    /// [`KmsError::Region`], [`KmsError::Account`], [`KmsError::TooManyKeys`], [`KmsError::Random`].
    pub fn create_key(&self, region: &str, account: &str, options: KeyOptions) -> Result<String, KmsError> {
        self.world.create_key(region, account, options).map(|key| key.arn.clone())
    }

    /// The controls of a key, by its full ARN.
    pub fn key(&self, arn: &str) -> Option<KeyHandle> {
        let id = arn.rsplit('/').next()?;
        self.world.find_key(id).filter(|key| key.arn == arn).map(KeyHandle)
    }

    /// Makes a principal known; one with the same access key id is replaced.
    pub fn add_principal(&self, principal: Principal) {
        self.world.add_principal(principal);
    }

    /// HTTP requests received so far, of any kind.
    pub fn requests(&self) -> u64 {
        self.world.requests()
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.task.abort();
        }
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kms({})", self.endpoint())
    }
}

/// Describes a server before it starts.
#[derive(Clone, Debug)]
pub struct KmsBuilder {
    authority: Option<Authority>,
    clock: Option<Clock>,
    content_form: ContentForm,
    listen: SocketAddr,
}

impl KmsBuilder {
    /// Whose attestation documents to trust; a new authority by default.
    #[must_use]
    pub fn authority(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self
    }

    /// The clock for signatures, documents and dates; the authority's by default.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// How keys write `CiphertextForRecipient` until told otherwise.
    #[must_use]
    pub fn content_form(mut self, form: ContentForm) -> Self {
        self.content_form = form;
        self
    }

    /// The address to listen on; any free port of 127.0.0.1 by default. Only loopback is accepted.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Starts serving, on the current tokio runtime.
    ///
    /// # Errors
    /// [`KmsError::NotLoopback`], [`KmsError::Io`] when the port is taken, [`KmsError::Attester`] when no
    /// authority was given and none could be made.
    pub async fn start(self) -> Result<Kms, KmsError> {
        if !self.listen.ip().is_loopback() {
            return Err(KmsError::NotLoopback(self.listen));
        }
        let listener = TcpListener::bind(self.listen).await?;
        let address = listener.local_addr()?;
        let world = self.world()?;
        let task = tokio::spawn(server::serve(listener, world.clone()));
        Ok(Kms { world, listening: Some(Listening { address, task }) })
    }

    /// A server without a port, for [`Kms::exchange`] alone. Of tokio it needs the timers, not the I/O driver.
    ///
    /// # Errors
    /// [`KmsError::Attester`] when no authority was given and none could be made.
    pub fn in_process(self) -> Result<Kms, KmsError> {
        Ok(Kms { world: self.world()?, listening: None })
    }

    fn world(self) -> Result<Arc<World>, KmsError> {
        let authority = match (self.authority, &self.clock) {
            (Some(authority), _) => authority,
            (None, Some(clock)) => Authority::new(clock)?,
            (None, None) => Authority::new(&Clock::system())?,
        };
        let clock = self.clock.unwrap_or_else(|| authority.clock().clone());
        Ok(Arc::new(World::new(authority, clock, self.content_form)))
    }
}

/// Why the server cannot do what its host asks.
#[derive(Debug)]
#[non_exhaustive]
pub enum KmsError {
    /// The address is not a loopback one.
    NotLoopback(SocketAddr),
    /// The port cannot be had, or another failure of the system.
    Io(io::Error),
    /// The authority cannot be made.
    Attester(AttesterError),
    /// Not a region's name.
    Region(String),
    /// Not an account: 12 digits.
    Account(String),
    /// Not the ARN of an IAM role or user.
    Arn(String),
    /// The server holds as many keys as it takes.
    TooManyKeys,
    /// The random number generator failed.
    Random,
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(f, "{address} is not a loopback address"),
            Self::Io(error) => write!(f, "input or output failed: {error}"),
            Self::Attester(error) => write!(f, "cannot make an attestation authority: {error}"),
            Self::Region(region) => write!(f, "{region:?} is not an AWS region's name"),
            Self::Account(account) => write!(f, "{account:?} is not an AWS account (12 digits)"),
            Self::Arn(arn) => write!(f, "{arn:?} is not the ARN of an IAM role or user"),
            Self::TooManyKeys => write!(f, "the server holds {} keys already", world::MAX_KEYS),
            Self::Random => f.write_str("the random number generator failed"),
        }
    }
}

impl std::error::Error for KmsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Attester(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for KmsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<AttesterError> for KmsError {
    fn from(error: AttesterError) -> Self {
        Self::Attester(error)
    }
}

/// Longest region name. Ours: the longest today has 14 characters.
const MAX_REGION_LEN: usize = 32;

fn is_region(text: &str) -> bool {
    let plain = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    plain && (1..=MAX_REGION_LEN).contains(&text.len())
}

fn random<const N: usize>() -> Result<[u8; N], KmsError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KmsError::Random)?;
    Ok(bytes)
}
