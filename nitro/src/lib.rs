//! The Nitro Secure Module (NSM): what vouches for an AWS Nitro Enclave, through Linux's `/dev/nsm`.
//!
//! [`Nsm`] is the [`Attester`] of an enclave, and has the module's other operations too ([`NitroSecureModule`]): it
//! describes itself, keeps the PCRs, and has a random source.
//!
//! ```no_run
//! use std::sync::{Arc, OnceLock};
//!
//! use pcrseal_core::attester::{AttestationRequest, Attester};
//! use pcrseal_core::crypto::{Backend, aws_lc};
//! use pcrseal_nitro::{Entropy, Nsm};
//!
//! # fn main() -> Result<(), pcrseal_core::error::Error> {
//! let nsm = Arc::new(Nsm::open()?);
//! nsm.seed_kernel()?; // for a kernel whose driver does not do so by itself; needs CAP_SYS_ADMIN
//!
//! println!("{:?}", nsm.measured_pcrs()?);
//! let document = nsm.attest(&AttestationRequest { nonce: Some(b"challenge"), ..Default::default() })?;
//! println!("{} bytes of evidence", document.len());
//!
//! // Keys of both the module's random bytes and the kernel's.
//! static ENTROPY: OnceLock<Entropy> = OnceLock::new();
//! let random = ENTROPY.get_or_init(|| Entropy::new(nsm, aws_lc::BACKEND.random));
//! let backend = Backend { random, ..aws_lc::BACKEND };
//! # let _ = backend;
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked, and when
//! - A request is checked before the module is asked: lengths, ranges, that there is something to send.
//! - An answer is judged in full before anything of it is used: it belongs to the request, has every field once and of
//!   the right type and length, and nothing follows it. Fields that are not known are stepped over: AWS promises that
//!   minor versions of the interface stay compatible. Another major version is refused.
//! - The module's errors, the driver's and the file system's each have a [code](pcrseal_core::error::Code) of their
//!   own in the 2000 range, and a detail that says what was asked of what.
//!
//! An attestation document is handed out as the module gave it: whoever relies on it verifies it
//! ([`pcrseal_core::attestation`]).
//!
//! # Which PCRs are measured
//! [`measured_pcrs`](pcrseal_core::attester::Attester::measured_pcrs) reads registers one by one, not out of a document. By default it reads
//! those that are locked: 0 to 15 from the enclave's start, others once the program locks them. Those are the ones
//! that documents show and that key policies can demand; and they cannot change any more, so that the values belong
//! together although they were not read at once. [`Nsm::measuring`] selects others. A selected register that is not
//! locked is an error.
//!
//! # Randomness
//! Three ways lead from the module's random source to keys:
//! - Linux's own driver feeds the kernel's entropy pool, since Linux 6.8 and in AWS's enclave images since nitro-cli
//!   1.2.0. Nothing is to be done.
//! - [`Nsm::seed_kernel`] does it where the driver does not: without it, `getrandom` in a fresh enclave can block for
//!   long. It is meant for the start of the program, and fails loudly.
//! - [`Entropy`] mixes both sources, byte for byte anew, for a
//!   [`Backend::random`](pcrseal_core::crypto::Backend::random): data keys, share coefficients and IVs are then good
//!   if either source is. It does not reach RSA key generation: AWS-LC has a generator of its own, which the kernel
//!   seeds; the two ways above are what feeds it.
//!
//! # Without Nitro hardware
//! [`Nsm::over`] takes any [`Channel`]: `pcrseal-emulator` has a software module, in process or behind a [`NsmSocket`], and
//! QEMU's `nitro-enclave` machine has a device that Linux's driver serves as it does in an enclave (`docs/TESTING.md` in
//! the repository).
//!
//! One file of this crate, `ioctl.rs`, has unsafe code: the two system calls.
//!
//! [`Attester`]: pcrseal_core::attester::Attester
//! [`NitroSecureModule`]: pcrseal_core::attester::NitroSecureModule
#![deny(unsafe_code)]

mod clock;
mod device;
mod entropy;
#[allow(unsafe_code)]
mod ioctl;
mod kernel;
mod message;
mod nsm;
mod socket;
mod tpm;

pub use clock::{MAX_READING_AGE, MAX_READING_TIME, READING_RETRY, TrustedClock, trusted_time};
pub use device::{Channel, DEVICE, Device};
pub use entropy::Entropy;
pub use kernel::KERNEL_SEED_LEN;
pub use nsm::Nsm;
pub use socket::{DEFAULT_SOCKET_TIME, NsmSocket};
pub use tpm::{DEFAULT_TOOL_TIME, NITRO_TPM_ATTEST, NitroTpm, TPM_DEVICE, TPM_PCR_COUNT, TPM_PCRS};
