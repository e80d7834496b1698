//! The configuration handle.

use std::sync::Mutex;

use crate::error::{Error, Status};
use crate::lock::lock;
use crate::log::Log;
use crate::pointer::{call, free};

/// Everything that a session is made of.
pub struct Config {
    settings: Mutex<pcrseal::config::Config>,
    log: Mutex<Option<Log>>,
}

impl Config {
    pub(crate) fn settings(&self) -> pcrseal::config::Config {
        lock(&self.settings).clone()
    }

    pub(crate) fn log(&self) -> Option<Log> {
        *lock(&self.log)
    }

    pub(crate) fn set_log(&self, log: Option<Log>) {
        *lock(&self.log) = log;
    }
}

/// The configuration of a JSON document, in `config`; whoever gets it frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_from_json(
    json: *const u8,
    json_len: usize,
    config: *mut *mut Config,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let config = caller.out(config, "config");
        let settings = pcrseal::config::Config::from_json(caller.bytes(json, json_len, "json")?)?;
        config.give(Config { settings: Mutex::new(settings), log: Mutex::new(None) });
        Ok(())
    })
}

/// Frees a configuration. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_config_free(config: *mut Config) {
    free(config);
}
