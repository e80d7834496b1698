//! The configuration of a session, set piece by piece or read from its JSON document.

mod attester;
mod credentials;
mod kms;

pub use attester::*;
pub use credentials::*;
pub use kms::*;

use std::ffi::c_char;
use std::sync::Mutex;

use pcrseal::Code;
use pcrseal::config::Config as Settings;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::limits::PCR_COUNT;

use crate::error::{Error, Failure, Status};
use crate::lock::lock;
use crate::log::Log;
use crate::pointer::{Caller, call, free};
use crate::quorum::Quorum;

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
        settings.seal_quorum = Some(caller.handle(quorum, "quorum")?.settings());
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
        settings.unseal_quorums.push(caller.handle(quorum, "quorum")?.settings());
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

/// Frees a configuration, and wipes the credentials in it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_free(config: *mut Config) {
    free(config);
}

/// Changes a configuration. What can fail in `set` comes before what changes something.
pub(crate) fn set(
    config: *mut Config,
    error: *mut *mut Error,
    set: impl FnOnce(&Caller, &mut Settings) -> Result<(), Failure>,
) -> Status {
    call(error, |caller| set(caller, &mut lock(&caller.handle(config, "config")?.settings)))
}

/// A constant that its place does not take.
pub(crate) fn unknown(what: &'static str, expected: &'static str, found: u32) -> Failure {
    Fault::number(Code::UnknownConstant, what, expected, found.into()).into()
}
