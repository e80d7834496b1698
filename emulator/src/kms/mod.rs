//! An AWS KMS server: HTTP, JSON 1.1, Signature Version 4; several accounts and regions on one port.
//!
//! Region and account come from the request's signature: the host name plays no part. Every request is judged by the
//! key policy and the caller's IAM policies, as AWS judges it, with the PCRs of the attestation document, the
//! encryption context, and the condition keys that requests have here; `aws:SourceIp` and other keys of the network
//! are missing from all of them, and `aws:SecureTransport` is true even without TLS. What a policy leaves open (a
//! policy variable that is not known; `aws:CurrentTime`, `aws:EpochTime`, `aws:UserAgent` and `aws:userid`, which this
//! server does not tell) is refused.
//!
//! What it does not do: aliases, grants (`CreateGrant` is an unknown operation), tags, keys that sign or MAC, RSA
//! keys, key rotation, replicas, policies of organizations, VPC endpoints and sessions.

mod answer;
mod attestation;
mod authorize;
mod ciphertext;
mod cms;
mod dates;
mod error;
mod errors;
mod fault;
mod identities;
mod input;
mod keys;
mod material;
mod operation;
mod operations;
mod policy;
mod port;
mod principal;
mod quota;
mod sigv4;
mod wire;
mod world;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

pub use answer::ConnectionFault;
pub use cms::ContentForm;
pub use error::KmsError;
pub use fault::{Fault, FaultPlan, OVERSIZE_BODY_LEN};
/// The types of [`Kms::exchange`].
pub use hyper::{Request, Response, body::Bytes};
pub use keys::{KeyHandle, KeyOptions, KeyState};
pub use material::Curve;
pub use operation::Operation;
/// The types of [`KeyPolicy`] and [`PolicySource`].
pub use pcrseal_policy::{actions::Action, document::PolicyDocument};
pub use policy::{Access, KeyPolicy, PolicySource};
pub use port::{Port, PortFault};
pub use principal::Principal;
pub use quota::{Quota, QuotaScope, Traffic};
/// The types of [`KmsBuilder::tls`].
pub use rustls;

use crate::Clock;
use crate::nsm::Authority;
use principal::iam_arn;
use world::World;

/// A server: on a port of its own, or in this process alone. Dropping it closes the port and every connection.
pub struct Kms {
    world: Arc<World>,
    tls: Option<TlsAcceptor>,
    port: Option<Port>,
}

impl Kms {
    /// Starts to describe a server.
    pub fn builder() -> KmsBuilder {
        KmsBuilder {
            authority: None,
            clock: None,
            content_form: ContentForm::default(),
            listen: ANY_PORT,
            tls: None,
        }
    }

    /// `http://127.0.0.1:PORT`, or `https://…` where the server speaks TLS; `http://in-process` where there is no
    /// port.
    pub fn endpoint(&self) -> String {
        self.port.as_ref().map_or_else(|| "http://in-process".into(), Port::endpoint)
    }

    /// The port; `None` in this process alone.
    pub fn port(&self) -> Option<&Port> {
        self.port.as_ref()
    }

    /// Opens one more port to the same keys, any free one of 127.0.0.1.
    ///
    /// # Errors
    /// [`KmsError::Io`].
    pub async fn open_port(&self) -> Result<Port, KmsError> {
        Port::listen(ANY_PORT, self.world.clone(), self.tls.clone()).await
    }

    /// Answers one request as over HTTP, signature, delays and faults included, without a socket. The time
    /// that it takes is tokio's, so that a paused clock works.
    ///
    /// # Errors
    /// [`ConnectionFault`] where the connection would end before the answer is complete.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionFault> {
        let (parts, body) = request.into_parts();
        answer::answer(&self.world, &parts, Ok(body)).await.in_process().await
    }

    /// Whose attestation documents the server trusts.
    pub fn authority(&self) -> &Authority {
        self.world.authority()
    }

    /// Creates a key and gives its ARN.
    ///
    /// # Errors
    /// [`KmsError::Region`], [`KmsError::Account`], [`KmsError::TooManyKeys`], [`KmsError::Random`].
    pub fn create_key(&self, region: &str, account: &str, options: KeyOptions) -> Result<String, KmsError> {
        let key = self.world.new_key(region, account, options)?;
        let arn = key.arn.as_str().to_owned();
        self.world.insert_key(key)?;
        Ok(arn)
    }

    /// The controls of a key, by its full ARN.
    pub fn key(&self, arn: &str) -> Option<KeyHandle> {
        let id = arn.rsplit('/').next()?;
        self.world.find_key(id).filter(|key| key.arn.as_str() == arn).map(KeyHandle)
    }

    /// Makes a principal known; one with the same access key id is replaced.
    pub fn add_principal(&self, principal: Principal) {
        self.world.add_principal(principal);
    }

    /// Makes a role or user exist that has no credentials here, by its ARN: `PutKeyPolicy` and `CreateKey` refuse
    /// policies that name others.
    ///
    /// # Errors
    /// [`KmsError::Arn`].
    pub fn add_role(&self, arn: &str) -> Result<(), KmsError> {
        self.world.identities().add(iam_arn(arn)?);
        Ok(())
    }

    /// Removes a role or user by its ARN, with its credentials; `false` where there is none. Key policies that name
    /// it show a unique id in its place (`AROA…`, `AIDA…`), which is nobody's, also when a role of the same name is
    /// made again (IAM user guide, "IAM role principals").
    ///
    /// # Errors
    /// [`KmsError::Arn`], [`KmsError::Random`].
    pub fn remove_principal(&self, arn: &str) -> Result<bool, KmsError> {
        self.world.remove_principal(&iam_arn(arn)?)
    }

    /// Lets the credentials of a principal expire (`ExpiredTokenException`) until others are added with the same
    /// access key id. `false` where nobody has it.
    pub fn expire_credentials(&self, access_key_id: &str) -> bool {
        self.world.expire_credentials(access_key_id)
    }

    /// What goes wrong with every authentic request, from now on: a [`Fault`], a [`FaultPlan`], or `None`. It goes
    /// before the faults of keys.
    pub fn set_fault(&self, fault: impl Into<Option<FaultPlan>>) {
        self.world.fault().set(fault.into());
    }

    /// Limits cryptographic operations; `None`, as at the start, for no limit. Every bucket is full again.
    pub fn set_quota(&self, quota: impl Into<Option<Quota>>) {
        self.world.regions().set_quota(quota.into());
    }

    /// How long every answer to an authentic request of this region waits, before what its key adds.
    pub fn set_region_delay(&self, region: &str, delay: Duration) {
        self.world.regions().set_delay(region, delay);
    }

    /// By how many seconds this region's clock is ahead (negative: behind). It judges signatures and session
    /// tokens, and dates answers; attestation documents are judged by the server's own clock.
    pub fn set_region_clock_error(&self, region: &str, seconds: i64) {
        self.world.regions().set_clock_error(region, seconds);
    }

    /// The authentic requests of this region so far.
    pub fn traffic(&self, region: &str) -> Traffic {
        self.world.regions().traffic(region)
    }

    /// HTTP requests received so far, of any kind.
    pub fn requests(&self) -> u64 {
        self.world.requests()
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
    tls: Option<Arc<ServerConfig>>,
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

    /// Speaks TLS: the certificate and its key are the caller's.
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Starts serving, on the current tokio runtime.
    ///
    /// # Errors
    /// [`KmsError::NotLoopback`], [`KmsError::Io`] when the port is taken, [`KmsError::Attester`] when no
    /// authority was given and none could be made.
    pub async fn start(self) -> Result<Kms, KmsError> {
        let tls = self.tls.clone().map(TlsAcceptor::from);
        let listen = self.listen;
        let world = self.world()?;
        let port = Port::listen(listen, world.clone(), tls.clone()).await?;
        Ok(Kms { world, tls, port: Some(port) })
    }

    /// A server without a port, for [`Kms::exchange`] alone. Of tokio it needs the timers, not the I/O driver.
    ///
    /// # Errors
    /// [`KmsError::Attester`] when no authority was given and none could be made.
    pub fn in_process(self) -> Result<Kms, KmsError> {
        let tls = self.tls.clone().map(TlsAcceptor::from);
        Ok(Kms { world: self.world()?, tls, port: None })
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

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
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
