//! Where credentials come from.

use std::ffi::c_char;
use std::path::PathBuf;

use pcrseal::config::CredentialsConfig;
use pcrseal::kms::{Address, VsockAddress};
use zeroize::Zeroizing;

use super::{Config, set};
use crate::error::{Error, Failure, Status};
use crate::pointer::Caller;

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
