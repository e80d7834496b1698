//! The way to AWS KMS, and its limits.

use std::ffi::c_char;
use std::time::Duration;

use pcrseal::config::TransportConfig;
use pcrseal::kms::VsockAddress;

use super::{Config, set, unknown};
use crate::error::{Error, Status};

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
