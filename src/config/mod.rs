//! Everything that a session is made of, as plain data: the one configuration model, whichever face it has.
//!
//! The JSON document ([`Config::from_json`], normative reference: `docs/CONFIGURATION.md`) and the C ABI's builder fill in
//! the same [`Config`], and it alone makes trust policy, attester and client. What a host of this crate cannot say with
//! it (a provider of credentials or a transport of its own, another cryptographic backend), it says to [`AutoUnseal`] and
//! [`kms::ClientBuilder`](crate::kms::ClientBuilder) directly.
//!
//! The configuration holds the trust policy: it is part of the measured image, and never comes from the parent instance.
//!
//! ```no_run
//! use pcrseal::config::Config;
//!
//! # async fn start(blob: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_json(
//!     br#"{
//!       "cluster": "prod-eu-central-1-vault",
//!       "unseal_quorums": [{
//!         "threshold": 2,
//!         "keys": [
//!           "arn:aws:kms:eu-central-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-050403020100",
//!           "arn:aws:kms:eu-west-1:222233334444:key/1f1e1d1c-1b1a-1918-1716-151413121110",
//!           "arn:aws:kms:us-east-1:333344445555:key/2f2e2d2c-2b2a-2928-2726-252423222120"
//!         ]
//!       }],
//!       "kms": {"vsock": {
//!         "eu-central-1": {"cid": 3, "port": 8001},
//!         "eu-west-1": {"cid": 3, "port": 8002},
//!         "us-east-1": {"cid": 3, "port": 8003}
//!       }},
//!       "credentials": {"source": "feed", "address": {"vsock": {"cid": 3, "port": 8100}}}
//!     }"#,
//! )?;
//! let unsealed = config.auto_unseal(config.open_attester()?)?.unseal(blob).await?;
//! serve(unsealed.opened.secret().expose());
//! # Ok(())
//! # }
//! # fn serve(_: &[u8]) {}
//! ```
//!
//! # Secrets
//! Credentials are the only secret in a configuration. They are wiped when it is dropped, and neither its `Debug` nor any
//! error shows them. Reading a document leaves no copy of them in memory that is not wiped; the document itself is the
//! caller's to wipe.

mod build;
mod check;
mod document;
mod json;
mod place;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pcrseal_core::names::Wrapping;
use pcrseal_nitro::DEVICE;
use zeroize::Zeroizing;

use crate::auto_unseal::DEFAULT_DEADLINE;
use crate::kms::{Address, VsockAddress};

#[cfg(doc)]
use crate::{AutoUnseal, FanOut};

/// Everything that a session is made of. The default is a session of no cluster, without quorums and credentials: those
/// have to be said.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which cluster's blobs these are: 1..64 characters of `A-Z a-z 0-9 . _ -`.
    pub cluster: String,
    /// The quorum to seal under, which opens blobs too. Without it, the session never seals.
    pub seal_quorum: Option<QuorumConfig>,
    /// Further quorums whose blobs are opened: the old one during a rotation, or the only one of an image that never seals.
    pub unseal_quorums: Vec<QuorumConfig>,
    /// The lowest generation accepted: blobs below it are refused as rollbacks.
    pub minimum_generation: u64,
    /// The PCRs that every binding must cover, 0..31; not empty.
    pub required_pcrs: Vec<u8>,
    /// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
    pub allow_debug_mode: bool,
    /// Accepts the one blob with this seal id.
    pub seal_id: Option<[u8; 16]>,
    /// What blobs are bound to besides, the same at sealing and at unsealing. Not secret.
    pub external_aad: Vec<u8>,
    /// The host vouches for a secret that is resealed from an `encrypt` blob into an `attested` one
    /// ([`AutoUnseal::with_vouched_reseal`]).
    pub vouched_reseal: bool,
    /// What vouches for the enclave.
    pub attester: AttesterConfig,
    /// The clock of signatures, of credentials' expiry and of certificate checks.
    pub clock: ClockConfig,
    /// Who moves the bytes to AWS KMS.
    pub transport: TransportConfig,
    /// The way to AWS KMS. All default with [`TransportConfig::Host`].
    pub kms: KmsConfig,
    /// Where the credentials come from. Some with [`TransportConfig::Own`], none with [`TransportConfig::Host`].
    pub credentials: Option<CredentialsConfig>,
    /// How long a whole seal or unseal may take: 1 ms to an hour.
    pub deadline: Duration,
    /// Asks as few keys as are needed, and one more each time that this delay passes ([`FanOut::Hedged`]): 1 ms to an hour.
    /// Without it, all keys at once.
    pub hedge_delay: Option<Duration>,
}

/// A quorum: `threshold` of these KMS keys, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuorumConfig {
    /// How many shares are needed, 2 to the number of keys (1 by opt-in).
    pub threshold: u8,
    /// Full ARNs of 1..16 KMS keys with distinct ids.
    pub keys: Vec<String>,
    /// How KMS protects the share keys.
    pub wrapping: Wrapping,
    /// Multi-Region keys may be named, though each replica has a key policy of its own.
    pub allow_multi_region: bool,
    /// The threshold may be 1: any single key then opens the blob.
    pub allow_single_share: bool,
}

/// What vouches for the enclave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttesterConfig {
    /// The Nitro Secure Module of an enclave, behind its driver.
    Nsm {
        /// The character device; [`DEVICE`] as a rule.
        device: PathBuf,
    },
    /// A Nitro Secure Module behind a Unix socket: the emulator's. For tests.
    NsmSocket {
        /// The socket.
        path: PathBuf,
    },
    /// The `NitroTPM` of an EC2 instance, through AWS's program; see [`NitroTpm`](crate::nitro::NitroTpm) for what each is,
    /// and what it is where none is given.
    NitroTpm {
        /// The program `nitro-tpm-attest`, by its absolute path.
        tool: Option<PathBuf>,
        /// The TPM's device.
        device: Option<PathBuf>,
        /// The folder in which the kernel shows the PCRs.
        pcrs: Option<PathBuf>,
        /// Which PCRs are measured, 0..31.
        measured_pcrs: Option<Vec<u8>>,
        /// The folder below which requests are handed to the program.
        scratch: Option<PathBuf>,
        /// How long the program may take: 1 ms to an hour.
        time_limit: Option<Duration>,
    },
}

/// A clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockConfig {
    /// The attester's ([`TrustedClock`](crate::nitro::TrustedClock)): in an enclave nobody keeps the system's right.
    #[default]
    Attested,
    /// The system's. For hosts and tests.
    System,
}

/// Who moves the bytes to AWS KMS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportConfig {
    /// The client of this crate.
    #[default]
    Own,
    /// The host itself: it is told what to send, and hands in what was answered. It needs no client and no credentials.
    Host,
}

/// The way to AWS KMS, and its limits; see [`ClientBuilder`](crate::kms::ClientBuilder) for what each is, and what it is
/// where none is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KmsConfig {
    /// The URL for every region that has none of its own: `https://HOST[:PORT]`, or `http://` on loopback.
    pub endpoint: Option<String>,
    /// URLs by region.
    pub region_endpoints: BTreeMap<String, String>,
    /// Vsock ports by region, behind which the parent instance forwards to the region's endpoint.
    pub vsock: BTreeMap<String, VsockAddress>,
    /// AWS's endpoints with validated cryptography (FIPS 140), where no URL is given.
    pub fips: bool,
    /// AWS's endpoints that have IPv6 addresses besides, where no URL is given.
    pub dual_stack: bool,
    /// PEM texts of the root certificates that are trusted in place of Amazon's.
    pub root_certificates_pem: Vec<Vec<u8>>,
    /// The time for establishing a connection: 1 ms to an hour, as the others.
    pub connect_timeout: Option<Duration>,
    /// The time for the TLS handshake.
    pub tls_timeout: Option<Duration>,
    /// The time for sending a request and receiving the head of its answer.
    pub answer_timeout: Option<Duration>,
    /// The time for reading the body of an answer.
    pub body_timeout: Option<Duration>,
    /// The time for a whole operation with all its attempts.
    pub operation_timeout: Option<Duration>,
    /// Attempts of one operation, the first included: 1..10.
    pub attempts: Option<u32>,
}

/// Where credentials come from.
#[derive(Clone)]
pub enum CredentialsConfig {
    /// These, which never change. For hosts and tests: in an enclave, whoever holds the image reads them.
    Static {
        /// The access key id (public).
        access_key_id: String,
        /// The secret access key.
        secret_access_key: Zeroizing<Vec<u8>>,
        /// The session token of temporary credentials.
        session_token: Option<Zeroizing<Vec<u8>>>,
    },
    /// The process's environment. For hosts and tests.
    Environment,
    /// What the parent instance hands over through a socket (`docs/CREDENTIAL-FEED.md`).
    Feed(Address),
    /// The same, as a file.
    FeedFile(PathBuf),
    /// The EC2 instance metadata service.
    Imds {
        /// From where somebody forwards to the service; its own address without it.
        through: Option<Address>,
        /// The name of the role, which is asked for without it.
        role: Option<String>,
    },
    /// The endpoint that ECS and EKS Pod Identity give a container.
    Container {
        /// The endpoint; without it, what the environment says.
        url: Option<String>,
        /// A file with the authorization token; without it, what the environment says, if that says the endpoint too.
        authorization_token_file: Option<PathBuf>,
        /// From where somebody forwards to the endpoint.
        through: Option<Address>,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: String::new(),
            seal_quorum: None,
            unseal_quorums: Vec::new(),
            minimum_generation: 1,
            required_pcrs: vec![0, 1, 2],
            allow_debug_mode: false,
            seal_id: None,
            external_aad: Vec::new(),
            vouched_reseal: false,
            attester: AttesterConfig::default(),
            clock: ClockConfig::default(),
            transport: TransportConfig::default(),
            kms: KmsConfig::default(),
            credentials: None,
            deadline: DEFAULT_DEADLINE,
            hedge_delay: None,
        }
    }
}

impl Default for AttesterConfig {
    fn default() -> Self {
        Self::Nsm { device: DEVICE.into() }
    }
}

impl fmt::Debug for CredentialsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static { access_key_id, session_token, .. } => f
                .debug_struct("Static")
                .field("access_key_id", access_key_id)
                .field("has_session_token", &session_token.is_some())
                .finish_non_exhaustive(),
            Self::Environment => f.write_str("Environment"),
            Self::Feed(address) => f.debug_tuple("Feed").field(address).finish(),
            Self::FeedFile(path) => f.debug_tuple("FeedFile").field(path).finish(),
            Self::Imds { through, role } => {
                f.debug_struct("Imds").field("through", through).field("role", role).finish()
            }
            Self::Container { url, authorization_token_file, through } => f
                .debug_struct("Container")
                .field("url", url)
                .field("authorization_token_file", authorization_token_file)
                .field("through", through)
                .finish(),
        }
    }
}
