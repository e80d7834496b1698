//! A request to AWS KMS that the program sends by itself.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use pcrseal::core::secret::Secret;
use pcrseal::kms::wire::Credentials;
use pcrseal::{HostRequest, kms};

use crate::error::{Error, Status, c_string};
use crate::pointer::{call, free, get, get_bytes};

/// The operation, and the header field that names it.
const OPERATION: &CStr = c"Decrypt";
const TARGET: &CStr = c"TrentService.Decrypt";

/// What to send to one KMS key: Decrypt, with the attestation document. Immutable: threads may share it. It outlives the
/// unseal that it is of. Not secret.
pub struct KmsRequest {
    request: HostRequest,
    region: CString,
    host: CString,
    key_arn: CString,
}

impl From<HostRequest> for KmsRequest {
    fn from(request: HostRequest) -> Self {
        let (region, host, key_arn) =
            (c_string(request.region()), c_string(request.host()), c_string(request.key()));
        Self { request, region, host, key_arn }
    }
}

/// Which of the blob's shares it is about, 1 to their number: what the answer is handed in under. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_position(request: *const KmsRequest) -> u32 {
    get(request, 0, |request| request.request.position().into())
}

/// The operation, `"Decrypt"`. The text is static; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_operation(request: *const KmsRequest) -> *const c_char {
    get(request, ptr::null(), |_| OPERATION.as_ptr())
}

/// The value of the header field `x-amz-target`, `"TrentService.Decrypt"`. The text is static; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_target(request: *const KmsRequest) -> *const c_char {
    get(request, ptr::null(), |_| TARGET.as_ptr())
}

/// The region of the key, which the signature names. Owned by the request; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_region(request: *const KmsRequest) -> *const c_char {
    get(request, ptr::null(), |request| request.region.as_ptr())
}

/// The host name of KMS in the region: whom TLS has to prove. Owned by the request; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_host(request: *const KmsRequest) -> *const c_char {
    get(request, ptr::null(), |request| request.host.as_ptr())
}

/// The key's ARN. Owned by the request; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_key_arn(request: *const KmsRequest) -> *const c_char {
    get(request, ptr::null(), |request| request.key_arn.as_ptr())
}

/// The body, JSON, and its length in `len`. Owned by the request; NULL and 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_body(request: *const KmsRequest, len: *mut usize) -> *const u8 {
    get_bytes(request, len, |request| Some(request.request.body()))
}

/// Writes the whole request to `http`, signed, as it goes into a connection of its own: HTTP/1.1 with `connection: close`,
/// so that the answer ends where the connection does. It holds the session token: the program wipes it (`pcrseal_zeroize`).
///
/// `session_token` is `(NULL, 0)` where there is none. `host` is the value of the header field `host`, with the port unless
/// it is the scheme's own; NULL is what `pcrseal_kms_request_host` says. `unix_seconds` is the time now, in seconds since
/// 1970: AWS tolerates five minutes of difference.
///
/// May be NULL: host.
///
/// Fails with `PCRSEAL_E_KMS_CREDENTIALS` for credentials that cannot be any, with `PCRSEAL_E_KMS_ENDPOINT` for a `host`
/// that is none, with `PCRSEAL_E_KMS_CLOCK` for a time beyond the year 9999, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_http1(
    request: *const KmsRequest,
    access_key_id: *const c_char,
    secret_access_key: *const u8,
    secret_access_key_len: usize,
    session_token: *const u8,
    session_token_len: usize,
    host: *const c_char,
    unix_seconds: u64,
    http: *mut u8,
    http_capacity: usize,
    http_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let http = caller.buffer(http, http_capacity, http_len, "http");
        let request = caller.handle(request, "request")?;
        let access_key_id = caller.text(access_key_id, "access_key_id")?;
        let secret = caller.bytes(secret_access_key, secret_access_key_len, "secret_access_key")?;
        let token = caller.bytes_or_none(session_token, session_token_len, "session_token")?;
        let host = caller.text_or_none(host, "host")?;
        let (secret, token) = (Secret::copy_from(secret), token.map(Secret::copy_from));
        let credentials = Credentials::new(access_key_id, secret, token).map_err(|error| match error {
            kms::Error::Configuration(fault) => fault,
            other => other.code().into(),
        })?;
        http.write(request.request.http1(&credentials, host, unix_seconds)?.expose())
    })
}

/// Frees a request. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_kms_request_free(request: *mut KmsRequest) {
    free(request);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_is_that_of_the_facade() {
        assert_eq!(OPERATION.to_str(), Ok(HostRequest::OPERATION));
        assert_eq!(TARGET.to_str(), Ok(HostRequest::TARGET));
    }
}
