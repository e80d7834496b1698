//! The attester alone, for programs that only want documents.

use std::sync::Arc;

use pcrseal::config::Config as Settings;
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::limits::MAX_COSE_PAYLOAD_LEN;

use crate::config::Config;
use crate::error::{Error, Status};
use crate::pcr_set::PcrSet;
use crate::pointer::{call, free};

/// Bytes that hold every attestation document: the longest payload, and what is around it.
pub const PCRSEAL_ATTESTATION_DOCUMENT_MAX: u32 = 16_512;

/// Around the payload stand its head of 3 bytes, the headers and the array with 8 at most, a tag of 1, and the signature with
/// 98 (RFC 9052 section 4.2).
const _: () = assert!(PCRSEAL_ATTESTATION_DOCUMENT_MAX as usize >= MAX_COSE_PAYLOAD_LEN + 110);

/// What vouches for the code that runs: a Nitro Secure Module, or the NitroTPM of an EC2 instance. Immutable; threads may
/// share it.
pub struct Attester(Arc<dyn pcrseal::Attester>);

/// Opens the attester that `config` names, in `attester`; NULL is that of an enclave, `/dev/nsm`. Nothing else of `config` is
/// judged, and nothing of it is needed afterwards. Whoever gets the attester frees it.
///
/// Fails with `PCRSEAL_E_NSM_DEVICE_MISSING`, `PCRSEAL_E_NSM_DEVICE_PERMISSION`, `PCRSEAL_E_NSM_DEVICE_KIND`,
/// `PCRSEAL_E_NSM_DEVICE_OPEN` or `PCRSEAL_E_NSM_SOCKET`.
///
/// May be NULL: config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attester_open(
    config: *const Config,
    attester: *mut *mut Attester,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let attester = caller.out(attester, "attester");
        let settings =
            caller.handle_or_none(config, "config")?.map_or_else(Settings::default, Config::settings);
        attester.give(Attester(settings.open_attester()?));
        Ok(())
    })
}

/// The PCR values measured now, as a new set in `pcrs`, which whoever gets it frees. Blocks while the attester is asked.
///
/// Fails with one of the `PCRSEAL_E_NSM_…` and `PCRSEAL_E_NITRO_TPM_…` codes, or with `PCRSEAL_E_ATTESTER`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attester_measured_pcrs(
    attester: *const Attester,
    pcrs: *mut *mut PcrSet,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let pcrs = caller.out(pcrs, "pcrs");
        pcrs.give(caller.handle(attester, "attester")?.0.measured_pcrs()?.into());
        Ok(())
    })
}

/// Asks for an attestation document that carries `public_key`, `user_data` and `nonce`, each 0..1024 bytes and with
/// `(NULL, 0)` absent, and writes it to `document`. Blocks while the attester is asked.
///
/// `document_capacity` is at least `PCRSEAL_ATTESTATION_DOCUMENT_MAX`, whatever the document's length comes to: with less the
/// call fails with `PCRSEAL_E_BUFFER_TOO_SMALL` before it asks. It fails with one of the `PCRSEAL_E_NSM_…` and
/// `PCRSEAL_E_NITRO_TPM_…` codes, as `PCRSEAL_E_NSM_INPUT_TOO_LARGE`, or with `PCRSEAL_E_ATTESTER`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attester_attest(
    attester: *const Attester,
    public_key: *const u8,
    public_key_len: usize,
    user_data: *const u8,
    user_data_len: usize,
    nonce: *const u8,
    nonce_len: usize,
    document: *mut u8,
    document_capacity: usize,
    document_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let document = caller.buffer(document, document_capacity, document_len, "document");
        let attester = caller.handle(attester, "attester")?;
        let request = AttestationRequest {
            public_key: caller.bytes_or_none(public_key, public_key_len, "public_key")?,
            user_data: caller.bytes_or_none(user_data, user_data_len, "user_data")?,
            nonce: caller.bytes_or_none(nonce, nonce_len, "nonce")?,
        };
        document.demand(PCRSEAL_ATTESTATION_DOCUMENT_MAX as usize)?;
        document.write(&attester.0.attest(&request)?)
    })
}

/// Frees an attester. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attester_free(attester: *mut Attester) {
    free(attester);
}
