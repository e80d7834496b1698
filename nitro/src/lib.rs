//! The Nitro Secure Module through `/dev/nsm`.
#![deny(unsafe_code)]

mod device;
mod entropy;
#[allow(unsafe_code)]
mod ioctl;
mod kernel;
mod message;
mod nsm;

pub use device::{Channel, DEVICE, Device};
pub use entropy::Entropy;
pub use kernel::KERNEL_SEED_LEN;
pub use nsm::Nsm;
