//! The Nitro Secure Module through `/dev/nsm`.
#![deny(unsafe_code)]

mod clock;
mod device;
mod entropy;
#[allow(unsafe_code)]
mod ioctl;
mod kernel;
mod message;
mod nsm;
mod tpm;

pub use device::{Channel, DEVICE, Device};
pub use entropy::Entropy;
pub use kernel::KERNEL_SEED_LEN;
pub use nsm::Nsm;
pub use clock::{MAX_READING_AGE, READING_RETRY, TrustedClock, trusted_time};
pub use tpm::{DEFAULT_TOOL_TIME, NITRO_TPM_ATTEST, NitroTpm, TPM_DEVICE, TPM_PCR_COUNT, TPM_PCRS};
