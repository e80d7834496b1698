//! What vouches for the enclave, and the clock.

use std::ffi::c_char;
use std::path::PathBuf;

use pcrseal::config::{AttesterConfig, ClockConfig};

use super::{Config, set, unknown};
use crate::error::{Error, Failure, Status};
use crate::pointer::Caller;

/// The attester's clock: in an enclave nobody keeps the system's right.
pub const PCRSEAL_CLOCK_ATTESTED: u32 = 1;
/// The system's clock. For hosts and tests.
pub const PCRSEAL_CLOCK_SYSTEM: u32 = 2;

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
