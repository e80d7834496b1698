//! A Nitro Secure Module behind a channel.

use std::fmt;
use std::path::Path;

use pcrseal_core::attester::{AttestationRequest, Attester, ModuleDescription, NitroSecureModule, PcrState};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::MAX_NSM_RESPONSE_LEN;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use zeroize::{Zeroize, Zeroizing};

use crate::device::{Channel, DEVICE, Device};
use crate::kernel;
use crate::message::{Request, answer};

/// A Nitro Secure Module. Shared among threads freely; each call is one request (two or more where it says so) and
/// blocks until the module has answered.
pub struct Nsm {
    channel: Box<dyn Channel>,
    measuring: Option<PcrSelection>,
}

impl Nsm {
    /// The module of the enclave that this program runs in: [`DEVICE`].
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open() -> Result<Self, Error> {
        Self::open_at(DEVICE)
    }

    /// The module behind another path.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, Error> {
        Device::open(path).map(Self::over)
    }

    /// The module at the other end of a channel.
    pub fn over(channel: impl Channel + 'static) -> Self {
        Self { channel: Box::new(channel), measuring: None }
    }

    /// The same module, whose [`measured_pcrs`](Attester::measured_pcrs) reads these registers: all of them locked, or
    /// it fails. By default it reads those that are locked.
    #[must_use]
    pub fn measuring(self, selection: PcrSelection) -> Self {
        Self { measuring: Some(selection), ..self }
    }

    /// Feeds [`KERNEL_SEED_LEN`](crate::KERNEL_SEED_LEN) random bytes of the module to the kernel's entropy pool,
    /// credited as Linux's own driver of the module credits them.
    ///
    /// For kernels whose driver does not do so by itself (it does since Linux 6.8, and in AWS's enclave images since
    /// nitro-cli 1.2.0): there, `getrandom` may block for long after boot. Called at start, before anything takes
    /// random bytes; calling it where it is not needed does no harm. It needs `CAP_SYS_ADMIN`, which the first process
    /// of an enclave has.
    ///
    /// A pool that waits for entropy is ready at once. One that counts as ready already uses the bytes when it
    /// reseeds next (`drivers/char/random.c`, `CRNG_RESEED_INTERVAL`: a minute, five in old kernels).
    ///
    /// # Errors
    /// [`Code::KernelEntropy`] when the kernel does not take the bytes, else as
    /// [`random`](NitroSecureModule::random).
    pub fn seed_kernel(&self) -> Result<(), Error> {
        let mut seed = Zeroizing::new([0; kernel::KERNEL_SEED_LEN]);
        self.random(seed.as_mut_slice())?;
        kernel::feed(Path::new(kernel::RANDOM_DEVICE), &seed)
    }

    /// Asks, and reads the answer, which is wiped then: it may hold random bytes.
    fn ask<T>(
        &self,
        request: &Request<'_>,
        read: impl FnOnce(&[u8], &Request<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let bytes = request.encode()?;
        let mut response = Zeroizing::new(vec![0; MAX_NSM_RESPONSE_LEN]);
        let length = self.channel.exchange(&bytes, &mut response)?;
        let answer = response.get(..length).ok_or_else(|| {
            Error::number(Code::NsmAnswerMalformed, "answer bytes", "1..12288", length as u64)
        })?;
        read(answer, request)
    }

    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let mut left = buffer;
        while !left.is_empty() {
            left = self.ask(&Request::GetRandom, |answer, request| {
                let random = answer::random(answer, request)?;
                let taken = random.len().min(left.len());
                let (filled, rest) = left.split_at_mut(taken);
                filled.iter_mut().zip(random).for_each(|(to, from)| *to = *from);
                Ok(rest)
            })?;
        }
        Ok(())
    }
}

impl Attester for Nsm {
    /// The registers that [`Nsm::measuring`] selected, else those that are locked.
    ///
    /// # Errors
    /// [`Code::NsmPcrUnlocked`] for a selected register that is not locked: attestation documents do not show it, so
    /// that no key policy can demand its value, and whoever runs in the enclave can still change it. Others of the
    /// 2000 range.
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        let selection = match self.measuring {
            Some(selection) => selection,
            None => self.describe()?.locked_pcrs,
        };
        let mut measured = PcrSet::new();
        for index in selection.iter() {
            let state = self.describe_pcr(index)?;
            if !state.locked {
                return Err(Error::at(Code::NsmPcrUnlocked, index.to_string(), "locked", "unlocked"));
            }
            measured.insert(index, state.value);
        }
        Ok(measured)
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        self.ask(&Request::Attestation(*request), |answer, request| {
            answer::document(answer, request).map(<[u8]>::to_vec)
        })
    }
}

impl NitroSecureModule for Nsm {
    fn describe(&self) -> Result<ModuleDescription, Error> {
        self.ask(&Request::DescribeNsm, answer::description)
    }

    fn describe_pcr(&self, index: PcrIndex) -> Result<PcrState, Error> {
        self.ask(&Request::DescribePcr { index }, answer::pcr_state)
    }

    fn extend_pcr(&self, index: PcrIndex, data: &[u8]) -> Result<Pcr, Error> {
        self.ask(&Request::ExtendPcr { index, data }, answer::extended)
    }

    fn lock_pcr(&self, index: PcrIndex) -> Result<(), Error> {
        self.ask(&Request::LockPcr { index }, answer::done)
    }

    fn lock_pcrs(&self, range: u16) -> Result<(), Error> {
        self.ask(&Request::LockPcrs { range }, answer::done)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        self.fill(buffer).inspect_err(|_| buffer.zeroize())
    }
}

impl fmt::Debug for Nsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nsm").field("measuring", &self.measuring).finish_non_exhaustive()
    }
}
