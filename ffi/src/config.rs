//! The configuration of a session, set piece by piece or read from its JSON document.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use pcrseal::Code;
use pcrseal::config::{
    AttesterConfig, ClockConfig, Config as Settings, CredentialsConfig, QuorumConfig, TransportConfig,
};
use pcrseal::core::error::Error as Fault;
use pcrseal::core::limits::PCR_COUNT;
use pcrseal::core::names::Wrapping;
use pcrseal::kms::{Address, VsockAddress};
use zeroize::Zeroizing;

use crate::error::{Error, Failure, Status};
use crate::lock::lock;
use crate::log::Log;
use crate::pointer::{Caller, call, free};

/// KMS makes the share keys and releases them to attested enclaves alone: the form to choose.
pub const PCRSEAL_WRAPPING_ATTESTED: u32 = 1;
/// The enclave makes the share keys and sends them to kms:Encrypt. Blobs are confidential and not authenticated: whoever may
/// call kms:Encrypt with enough of the keys can make one.
pub const PCRSEAL_WRAPPING_ENCRYPT: u32 = 2;

/// The attester's clock: in an enclave nobody keeps the system's right.
pub const PCRSEAL_CLOCK_ATTESTED: u32 = 1;
/// The system's clock. For hosts and tests.
pub const PCRSEAL_CLOCK_SYSTEM: u32 = 2;

/// Establishing a connection.
pub const PCRSEAL_STAGE_CONNECT: u32 = 1;
/// The TLS handshake.
pub const PCRSEAL_STAGE_TLS: u32 = 2;
/// Sending a request and receiving the head of its answer.
pub const PCRSEAL_STAGE_ANSWER: u32 = 3;
/// Reading the body of an answer.
pub const PCRSEAL_STAGE_BODY: u32 = 4;
/// A whole operation with all its attempts.
pub const PCRSEAL_STAGE_OPERATION: u32 = 5;

/// Everything that a session is made of. It holds what the session trusts: it belongs into the program's image, and never
/// comes from the parent instance.
///
/// What a setter sets replaces what was set before; what nothing sets is as `docs/CONFIGURATION.md` says, which describes
/// every value. Setters look at their pointers, texts and constants alone: values, and whether they go together, are judged
/// where a session or an attester is made. A setter that fails changes nothing.
///
/// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's. Whoever was made
/// from a configuration has a copy of it, so that it may be changed or freed afterwards. Freeing it wipes the credentials.
pub struct Config {
    settings: Mutex<Settings>,
    log: Mutex<Option<Log>>,
}

impl Config {
    fn new(settings: Settings) -> Self {
        Self { settings: Mutex::new(settings), log: Mutex::new(None) }
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    pub(crate) fn log(&self) -> Option<Log> {
        *lock(&self.log)
    }

    pub(crate) fn set_log(&self, log: Option<Log>) {
        *lock(&self.log) = log;
    }
}

/// A quorum: so many of these KMS keys, in this order.
///
/// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's.
pub struct Quorum(Mutex<QuorumConfig>);

/// Changes a quorum.
fn change(
    quorum: *mut Quorum,
    error: *mut *mut Error,
    change: impl FnOnce(&Caller, &mut QuorumConfig) -> Result<(), Failure>,
) -> Status {
    call(error, |caller| change(caller, &mut lock(&caller.handle(quorum, "quorum")?.0)))
}

/// Changes a configuration. What can fail in `set` comes before what changes something.
fn set(
    config: *mut Config,
    error: *mut *mut Error,
    set: impl FnOnce(&Caller, &mut Settings) -> Result<(), Failure>,
) -> Status {
    call(error, |caller| set(caller, &mut lock(&caller.handle(config, "config")?.settings)))
}

fn unknown(what: &'static str, expected: &'static str, found: u32) -> Failure {
    Fault::number(Code::UnknownConstant, what, expected, found.into()).into()
}

/// A new quorum, in `quorum`, of no key yet: any `threshold` of its keys open a blob. `wrapping` is
/// `PCRSEAL_WRAPPING_ATTESTED` or `PCRSEAL_WRAPPING_ENCRYPT`. Whoever gets it frees it.
///
/// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another `wrapping`, and with `PCRSEAL_E_QUORUM_SIZE` for a threshold above
/// 255, which no quorum has: the highest is the number of keys, 16 at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_new(
    threshold: u32,
    wrapping: u32,
    quorum: *mut *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let quorum = caller.out(quorum, "quorum");
        let threshold = u8::try_from(threshold)
            .map_err(|_| Fault::number(Code::QuorumSize, "threshold", "1..16", threshold.into()))?;
        let wrapping = match wrapping {
            PCRSEAL_WRAPPING_ATTESTED => Wrapping::Attested,
            PCRSEAL_WRAPPING_ENCRYPT => Wrapping::Encrypt,
            other => return Err(unknown("wrapping", "PCRSEAL_WRAPPING_...", other)),
        };
        quorum.give(Quorum(Mutex::new(QuorumConfig { threshold, wrapping, ..QuorumConfig::default() })));
        Ok(())
    })
}

/// Adds a KMS key, by its full ARN, at the end: the order counts. A quorum has 1..16 keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_add_key(
    quorum: *mut Quorum,
    key_arn: *const c_char,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |caller, quorum| {
        quorum.keys.push(caller.text(key_arn, "key_arn")?.into());
        Ok(())
    })
}

/// Allows multi-Region keys in the quorum, though each replica has a key policy of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_allow_multi_region(
    quorum: *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |_, quorum| {
        quorum.allow_multi_region = true;
        Ok(())
    })
}

/// Allows a threshold of 1: any single key then opens the blob.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_allow_single_share(
    quorum: *mut Quorum,
    error: *mut *mut Error,
) -> Status {
    change(quorum, error, |_, quorum| {
        quorum.allow_single_share = true;
        Ok(())
    })
}

/// Frees a quorum. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_quorum_free(quorum: *mut Quorum) {
    free(quorum);
}

/// A new configuration, in `config`, for the blobs of one cluster: 1..64 characters of `A-Z a-z 0-9 . _ -`. Whoever gets it
/// frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_new(
    cluster: *const c_char,
    config: *mut *mut Config,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let config = caller.out(config, "config");
        let cluster = caller.text(cluster, "cluster")?.into();
        config.give(Config::new(Settings { cluster, ..Settings::default() }));
        Ok(())
    })
}

/// A new configuration, in `config`, of the JSON document of `docs/CONFIGURATION.md`. Whoever gets it frees it, and may
/// change it as any other. The document is not kept: where it holds credentials, the program wipes it.
///
/// Fails with `PCRSEAL_E_CONFIG_TOO_LONG` beyond 262144 bytes, with `PCRSEAL_E_CONFIG_SYNTAX`, and, with the place in the
/// document, with `PCRSEAL_E_CONFIG_MEMBER`, `PCRSEAL_E_CONFIG_TYPE`, `PCRSEAL_E_CONFIG_VALUE` or `PCRSEAL_E_KMS_REGION`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_from_json(
    json: *const u8,
    json_len: usize,
    config: *mut *mut Config,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let config = caller.out(config, "config");
        let settings = Settings::from_json(caller.bytes(json, json_len, "json")?)?;
        config.give(Config::new(settings));
        Ok(())
    })
}

/// Sets the quorum to seal under, which opens blobs too. Without it, a session never seals. The quorum is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_seal_quorum(
    config: *mut Config,
    quorum: *const Quorum,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        settings.seal_quorum = Some(lock(&caller.handle(quorum, "quorum")?.0).clone());
        Ok(())
    })
}

/// Adds a quorum whose blobs are opened: the old one during a rotation, or the only one of a program that never seals. The
/// quorum is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_add_unseal_quorum(
    config: *mut Config,
    quorum: *const Quorum,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        settings.unseal_quorums.push(lock(&caller.handle(quorum, "quorum")?.0).clone());
        Ok(())
    })
}

/// Sets the lowest generation that is accepted: blobs below it are refused as rollbacks. 1 where it is not set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_minimum_generation(
    config: *mut Config,
    minimum_generation: u64,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.minimum_generation = minimum_generation;
        Ok(())
    })
}

/// Sets the PCRs that every binding of a blob must cover: bit i of `selection` stands for PCR i. 0, 1 and 2 where it is not
/// set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_required_pcrs(
    config: *mut Config,
    selection: u32,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        let indices = (0_u8..).take(PCR_COUNT);
        settings.required_pcrs = indices.filter(|&index| selection & 1 << index != 0).collect();
        Ok(())
    })
}

/// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_allow_debug_mode(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.allow_debug_mode = true;
        Ok(())
    })
}

/// Accepts the one blob with this seal id, 16 bytes. Fails with `PCRSEAL_E_CONFIG_VALUE` for another length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_pin_seal_id(
    config: *mut Config,
    seal_id: *const u8,
    seal_id_len: usize,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        let seal_id = caller.bytes(seal_id, seal_id_len, "seal_id")?;
        let fault = |_| Fault::at(Code::ConfigValue, "/seal_id", "16 bytes", format_args!("{seal_id_len}"));
        settings.seal_id = Some(seal_id.try_into().map_err(fault)?);
        Ok(())
    })
}

/// Sets what blobs are bound to besides, the same at sealing and at unsealing. Not secret. It is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_external_aad(
    config: *mut Config,
    external_aad: *const u8,
    external_aad_len: usize,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        settings.external_aad = caller.bytes(external_aad, external_aad_len, "external_aad")?.into();
        Ok(())
    })
}

/// The program vouches for a secret that is resealed from an `encrypt` blob, which anyone with kms:Encrypt can have made,
/// into an `attested` one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_allow_vouched_reseal(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.vouched_reseal = true;
        Ok(())
    })
}

fn set_attester(
    config: *mut Config,
    error: *mut *mut Error,
    attester: impl FnOnce(&Caller) -> Result<AttesterConfig, Failure>,
) -> Status {
    set(config, error, |caller, settings| {
        settings.attester = attester(caller)?;
        Ok(())
    })
}

/// Attests through the character device of a Nitro Secure Module at `path`. `/dev/nsm` where no attester is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_nsm_device(
    config: *mut Config,
    path: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_attester(config, error, |caller| {
        Ok(AttesterConfig::Nsm { device: caller.text(path, "path")?.into() })
    })
}

/// Attests through a Nitro Secure Module behind the Unix socket at `path`: the emulator's. For tests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_nsm_socket(
    config: *mut Config,
    path: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_attester(config, error, |caller| {
        Ok(AttesterConfig::NsmSocket { path: caller.text(path, "path")?.into() })
    })
}

/// Attests through the NitroTPM of an EC2 instance, with AWS's program `nitro-tpm-attest`: `tool` is its absolute path, and
/// NULL where it has its usual one.
///
/// May be NULL: tool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_nitro_tpm(
    config: *mut Config,
    tool: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_attester(config, error, |caller| {
        let tool = caller.text_or_none(tool, "tool")?.map(PathBuf::from);
        let (device, pcrs, measured_pcrs, scratch, time_limit) = Default::default();
        Ok(AttesterConfig::NitroTpm { tool, device, pcrs, measured_pcrs, scratch, time_limit })
    })
}

/// Sets the clock of signatures, of credentials' expiry and of certificate checks: `PCRSEAL_CLOCK_ATTESTED`, which it is
/// where it is not set, or `PCRSEAL_CLOCK_SYSTEM`. Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_clock(
    config: *mut Config,
    clock: u32,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.clock = match clock {
            PCRSEAL_CLOCK_ATTESTED => ClockConfig::Attested,
            PCRSEAL_CLOCK_SYSTEM => ClockConfig::System,
            other => return Err(unknown("clock", "PCRSEAL_CLOCK_...", other)),
        };
        Ok(())
    })
}

/// The program moves the bytes to AWS KMS by itself, with `pcrseal_host_unseal_begin`. Such a session takes neither endpoints
/// nor credentials.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_host_transport(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.transport = TransportConfig::Host;
        Ok(())
    })
}

/// Sets the URL of KMS in `region`, or with NULL the one for every region that has none of its own: `https://HOST[:PORT]`,
/// or `http://` on loopback.
///
/// May be NULL: region.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_endpoint(
    config: *mut Config,
    region: *const c_char,
    url: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        let region = caller.text_or_none(region, "region")?;
        let url = caller.text(url, "url")?.to_owned();
        match region {
            Some(region) => drop(settings.kms.region_endpoints.insert(region.to_owned(), url)),
            None => settings.kms.endpoint = Some(url),
        }
        Ok(())
    })
}

/// Sets the vsock port behind which the parent instance, `cid` 3 for an enclave, forwards to KMS in `region`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_vsock(
    config: *mut Config,
    region: *const c_char,
    cid: u32,
    port: u32,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        let region = caller.text(region, "region")?.to_owned();
        settings.kms.vsock.insert(region, VsockAddress { cid, port });
        Ok(())
    })
}

/// Uses AWS's endpoints with validated cryptography (FIPS 140), where no URL is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_use_fips_endpoints(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.kms.fips = true;
        Ok(())
    })
}

/// Uses AWS's endpoints that have IPv6 addresses besides, where no URL is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_use_dual_stack_endpoints(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.kms.dual_stack = true;
        Ok(())
    })
}

/// Adds root certificates, PEM, that are trusted for TLS to KMS in place of Amazon's: for KMS behind something else, as in
/// tests. They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_add_root_certificates(
    config: *mut Config,
    pem: *const u8,
    pem_len: usize,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |caller, settings| {
        settings.kms.root_certificates_pem.push(caller.bytes(pem, pem_len, "pem")?.into());
        Ok(())
    })
}

fn set_credentials(
    config: *mut Config,
    error: *mut *mut Error,
    credentials: impl FnOnce(&Caller) -> Result<CredentialsConfig, Failure>,
) -> Status {
    set(config, error, |caller, settings| {
        settings.credentials = Some(credentials(caller)?);
        Ok(())
    })
}

/// Uses these credentials, which never change; `session_token` is `(NULL, 0)` where there is none. For hosts and tests: in
/// an enclave, whoever holds the image reads them. They are copied; the program wipes its own (`pcrseal_zeroize`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_static_credentials(
    config: *mut Config,
    access_key_id: *const c_char,
    secret_access_key: *const u8,
    secret_access_key_len: usize,
    session_token: *const u8,
    session_token_len: usize,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |caller| {
        let access_key_id = caller.text(access_key_id, "access_key_id")?.into();
        let secret = caller.bytes(secret_access_key, secret_access_key_len, "secret_access_key")?;
        let token = caller.bytes_or_none(session_token, session_token_len, "session_token")?;
        Ok(CredentialsConfig::Static {
            access_key_id,
            secret_access_key: Zeroizing::new(secret.into()),
            session_token: token.map(|token| Zeroizing::new(token.into())),
        })
    })
}

/// Takes the credentials from the process's environment. For hosts and tests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_environment_credentials(
    config: *mut Config,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |_| Ok(CredentialsConfig::Environment))
}

/// Takes the credentials that the parent instance, `cid` 3 for an enclave, hands over at a vsock port
/// (`docs/CREDENTIAL-FEED.md`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_feed_credentials_vsock(
    config: *mut Config,
    cid: u32,
    port: u32,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |_| {
        Ok(CredentialsConfig::Feed(Address::Vsock(VsockAddress { cid, port })))
    })
}

/// Takes the credentials that somebody hands over through the Unix socket at `path` (`docs/CREDENTIAL-FEED.md`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_feed_credentials_unix(
    config: *mut Config,
    path: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |caller| {
        Ok(CredentialsConfig::Feed(Address::Unix(caller.text(path, "path")?.into())))
    })
}

/// Takes the credentials that somebody hands over in the file at `path` (`docs/CREDENTIAL-FEED.md`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_feed_credentials_file(
    config: *mut Config,
    path: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |caller| {
        Ok(CredentialsConfig::FeedFile(caller.text(path, "path")?.into()))
    })
}

/// Takes the credentials of the EC2 instance metadata service: those of `role`, or with NULL of the role that the service
/// names. In an enclave, `vsock_cid` and `vsock_port` say where the parent instance forwards to the service; with 0 and 0 it
/// is asked directly.
///
/// May be NULL: role.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_imds_credentials(
    config: *mut Config,
    role: *const c_char,
    vsock_cid: u32,
    vsock_port: u32,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |caller| {
        let role = caller.text_or_none(role, "role")?.map(str::to_owned);
        let through = match (vsock_cid, vsock_port) {
            (0, 0) => None,
            (cid, port) => Some(Address::Vsock(VsockAddress { cid, port })),
        };
        Ok(CredentialsConfig::Imds { through, role })
    })
}

/// Takes the credentials of the endpoint that ECS and EKS Pod Identity give a container: at `url`, or with NULL where the
/// environment says, with the authorization token in the file at `token`, or with NULL as the environment says.
///
/// May be NULL: url, token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_container_credentials(
    config: *mut Config,
    url: *const c_char,
    token: *const c_char,
    error: *mut *mut Error,
) -> Status {
    set_credentials(config, error, |caller| {
        let url = caller.text_or_none(url, "url")?.map(str::to_owned);
        let authorization_token_file = caller.text_or_none(token, "token")?.map(PathBuf::from);
        Ok(CredentialsConfig::Container { url, authorization_token_file, through: None })
    })
}

/// Sets how long a whole seal or unseal may take, in milliseconds: 1 to an hour.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_deadline(
    config: *mut Config,
    milliseconds: u64,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.deadline = Duration::from_millis(milliseconds);
        Ok(())
    })
}

/// Sets how long a stage of a request to KMS may take, in milliseconds: 1 to an hour. `stage` is one of
/// `PCRSEAL_STAGE_CONNECT`, `PCRSEAL_STAGE_TLS`, `PCRSEAL_STAGE_ANSWER`, `PCRSEAL_STAGE_BODY` and `PCRSEAL_STAGE_OPERATION`.
/// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_timeout(
    config: *mut Config,
    stage: u32,
    milliseconds: u64,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        let kms = &mut settings.kms;
        let timeout = match stage {
            PCRSEAL_STAGE_CONNECT => &mut kms.connect_timeout,
            PCRSEAL_STAGE_TLS => &mut kms.tls_timeout,
            PCRSEAL_STAGE_ANSWER => &mut kms.answer_timeout,
            PCRSEAL_STAGE_BODY => &mut kms.body_timeout,
            PCRSEAL_STAGE_OPERATION => &mut kms.operation_timeout,
            other => return Err(unknown("stage", "PCRSEAL_STAGE_...", other)),
        };
        *timeout = Some(Duration::from_millis(milliseconds));
        Ok(())
    })
}

/// Sets how often an operation of KMS is attempted, the first time included: 1..10.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_attempts(
    config: *mut Config,
    attempts: u32,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.kms.attempts = Some(attempts);
        Ok(())
    })
}

/// Asks as few keys as are needed, and one more each time that this delay passes, in milliseconds: 1 to an hour. Where it is
/// not set, all keys are asked at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_set_hedge_delay(
    config: *mut Config,
    milliseconds: u64,
    error: *mut *mut Error,
) -> Status {
    set(config, error, |_, settings| {
        settings.hedge_delay = Some(Duration::from_millis(milliseconds));
        Ok(())
    })
}

/// Frees a configuration, and wipes the credentials in it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_free(config: *mut Config) {
    free(config);
}
