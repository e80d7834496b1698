//! A software Nitro Secure Module: registers, random bytes, and attestation documents under a root of our own.
//!
//! It is used in process, as an [`Attester`](pcrseal_core::attester::Attester) and a
//! [`NitroSecureModule`](pcrseal_core::attester::NitroSecureModule); as the device behind a driver, which sends
//! requests to [`Nsm::answer`]; or by programs in other processes, over a [`NsmSocket`].

mod authority;
mod certificate;
mod document;
mod module;
mod protocol;
mod registers;
mod socket;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA384};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex};

pub use authority::Authority;
pub use document::MapEncoding;
pub use protocol::{MAX_REQUEST_LEN, MAX_RESPONSE_LEN};
pub use socket::NsmSocket;

use authority::Credentials;
use registers::Registers;

/// Longest `public_key`, `user_data` or `nonce` in bytes (AWS `attestation_process.md`, section 2.2.3).
pub const MAX_FIELD_LEN: usize = 1024;

/// What an enclave is booted with: what the hypervisor would measure.
#[derive(Clone, Debug)]
pub struct NsmConfig {
    image: [Pcr; 3],
    signing_certificate: Option<Pcr>,
    instance_id: String,
    role_arn: Option<String>,
    region: String,
    debug: bool,
    encoding: MapEncoding,
}

impl NsmConfig {
    /// An enclave of the image with these PCR0, PCR1 and PCR2, on instance `i-0123456789abcdef0` in
    /// `us-east-1`, without an IAM role and not in debug mode.
    pub fn new(image: [Pcr; 3]) -> Self {
        Self {
            image,
            signing_certificate: None,
            instance_id: "i-0123456789abcdef0".into(),
            role_arn: None,
            region: "us-east-1".into(),
            debug: false,
            encoding: MapEncoding::default(),
        }
    }

    /// The parent's instance id (`i-` and 8 or 17 hex digits): measured into PCR4, part of `module_id`.
    #[must_use]
    pub fn instance_id(mut self, instance_id: impl Into<String>) -> Self {
        self.instance_id = instance_id.into();
        self
    }

    /// The parent's IAM role ARN: measured into PCR3, which is zero without one.
    #[must_use]
    pub fn role_arn(mut self, role_arn: impl Into<String>) -> Self {
        self.role_arn = Some(role_arn.into());
        self
    }

    /// The region that the certificates name.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// PCR8 of a signed image; zero otherwise.
    #[must_use]
    pub fn pcr8(mut self, value: Pcr) -> Self {
        self.signing_certificate = Some(value);
        self
    }

    /// Boots with `--debug-mode`: PCR0, PCR1 and PCR2 read zero.
    #[must_use]
    pub fn debug_mode(mut self) -> Self {
        self.debug = true;
        self
    }

    /// How documents encode their map.
    #[must_use]
    pub fn map_encoding(mut self, encoding: MapEncoding) -> Self {
        self.encoding = encoding;
        self
    }
}

/// A booted enclave's Nitro Secure Module.
pub struct Nsm {
    authority: Authority,
    instance_id: String,
    region: String,
    module_id: String,
    enclave_id: u64,
    encoding: MapEncoding,
    state: Mutex<State>,
}

struct State {
    registers: Registers,
    credentials: Credentials,
}

impl Nsm {
    /// Boots an enclave whose documents the authority vouches for, by the authority's clock.
    ///
    /// # Errors
    /// [`Code::NsmInvalidArgument`] for an instance id or region that AWS does not issue, or a role ARN over
    /// 2048 bytes; [`Code::Attester`] when keys or certificates cannot be made.
    pub fn boot(authority: &Authority, config: NsmConfig) -> Result<Self, Error> {
        check_instance_id(&config.instance_id)?;
        check_region(&config.region)?;
        let role_arn = config.role_arn.unwrap_or_default();
        if role_arn.len() > MAX_ARN_LEN {
            return Err(Error::field(Code::NsmInvalidArgument, "role ARN"));
        }
        let enclave_id = new_enclave_id(authority.clock().now_millis())?;
        let credentials = authority.issue(&config.region, &config.instance_id, enclave_id)?;
        let mut registers = Registers::new();
        let [pcr0, pcr1, pcr2] = if config.debug { [Pcr::ZERO; 3] } else { config.image };
        let measured_text = |text: &str| if text.is_empty() { Pcr::ZERO } else { measure(text.as_bytes()) };
        registers.boot(&[
            (0, pcr0),
            (1, pcr1),
            (2, pcr2),
            (3, measured_text(&role_arn)),
            (4, measured_text(&config.instance_id)),
            (8, config.signing_certificate.unwrap_or(Pcr::ZERO)),
        ])?;
        Ok(Self {
            authority: authority.clone(),
            module_id: format!("{}-enc{enclave_id:016x}", config.instance_id),
            instance_id: config.instance_id,
            region: config.region,
            enclave_id,
            encoding: config.encoding,
            state: Mutex::new(State { registers, credentials }),
        })
    }

    /// The `module_id` of this enclave's documents: `i-…-enc…`.
    pub fn module_id(&self) -> &str {
        &self.module_id
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Nsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nsm({})", self.module_id)
    }
}

/// The value of a register into which `data` alone was measured: SHA-384(48 zero bytes || data).
///
/// PCR3 is this of the role ARN, PCR4 of the instance id (AWS, "Cryptographic attestation").
pub fn measure(data: &[u8]) -> Pcr {
    extended(&Pcr::ZERO, data)
}

fn extended(old: &Pcr, data: &[u8]) -> Pcr {
    let mut context = Context::new(&SHA384);
    context.update(old.as_bytes());
    context.update(data);
    let mut value = [0; 48];
    value.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Pcr::new(value)
}

fn pcr_index(index: u16) -> Result<PcrIndex, Error> {
    PcrIndex::try_from(u64::from(index))
        .map_err(|_| Error::number(Code::NsmInvalidIndex, "PCR index", "0..31", u64::from(index)))
}

/// Longest ARN in characters (AWS IAM API reference, `arnType`).
const MAX_ARN_LEN: usize = 2048;

fn check_instance_id(id: &str) -> Result<(), Error> {
    let digits = id.strip_prefix("i-").unwrap_or_default();
    let hex = digits.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if hex && matches!(digits.len(), 8 | 17) {
        return Ok(());
    }
    Err(Error::field(Code::NsmInvalidArgument, "instance id"))
}

fn check_region(region: &str) -> Result<(), Error> {
    // A common name has at most 64 characters (RFC 5280 appendix A.1), and the zonal one adds 41.
    let plain = region.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if plain && (1..=20).contains(&region.len()) {
        return Ok(());
    }
    Err(Error::field(Code::NsmInvalidArgument, "region"))
}

/// 48 bits of boot time in milliseconds and 16 random bits, as in genuine documents.
fn new_enclave_id(now_millis: u64) -> Result<u64, Error> {
    let [high, low] = random::<2>()?;
    Ok(now_millis << 16 | u64::from(high) << 8 | u64::from(low))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::new(Code::Random))?;
    Ok(bytes)
}
