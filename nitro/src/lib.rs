//! The Nitro Secure Module through `/dev/nsm`.

mod clock;
mod tpm;

pub use clock::{MAX_READING_AGE, READING_RETRY, TrustedClock, trusted_time};
pub use tpm::{DEFAULT_TOOL_TIME, NITRO_TPM_ATTEST, NitroTpm, TPM_DEVICE, TPM_PCR_COUNT, TPM_PCRS};
