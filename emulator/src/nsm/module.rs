//! What the module does when it is asked in process: the traits of core.

use aws_lc_rs::rand;
use pcrseal_core::attester::{AttestationRequest, Attester, ModuleDescription, NitroSecureModule, PcrState};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::MAX_EXTEND_LEN;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

use super::registers::MAX_PCRS;
use super::{MAX_FIELD_LEN, Nsm, document};

/// What QEMU's device says (`hw/virtio/virtio-nsm.c`); AWS does not document a value.
const VERSION: (u16, u16, u16) = (1, 0, 0);

impl Attester for Nsm {
    /// The locked registers: the ones that documents show.
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        Ok(self.state().registers.measured())
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        for field in [request.public_key, request.user_data, request.nonce].into_iter().flatten() {
            if field.len() > MAX_FIELD_LEN {
                return Err(too_large("bytes", "0..1024", field));
            }
        }
        let mut state = self.state();
        // Read under the lock, so that documents come in the order of their timestamps.
        let now = self.authority.clock().now_millis();
        if !state.credentials.valid_at(now / 1000) {
            state.credentials = self.authority.issue(&self.region, &self.instance_id, self.enclave_id)?;
        }
        let pcrs = state.registers.measured();
        document::sign(&self.module_id, now, &pcrs, &state.credentials, request, self.encoding)
    }
}

impl NitroSecureModule for Nsm {
    fn describe(&self) -> Result<ModuleDescription, Error> {
        Ok(ModuleDescription {
            version: VERSION,
            module_id: self.module_id.clone(),
            max_pcrs: MAX_PCRS,
            locked_pcrs: self.state().registers.locked(),
        })
    }

    fn describe_pcr(&self, index: PcrIndex) -> Result<PcrState, Error> {
        Ok(self.state().registers.describe(index))
    }

    fn extend_pcr(&self, index: PcrIndex, data: &[u8]) -> Result<Pcr, Error> {
        if data.len() > MAX_EXTEND_LEN {
            return Err(too_large("bytes to extend by", "1..4068", data));
        }
        self.state().registers.extend(index, data)
    }

    fn lock_pcr(&self, index: PcrIndex) -> Result<(), Error> {
        self.state().registers.lock(index)
    }

    fn lock_pcrs(&self, range: u16) -> Result<(), Error> {
        self.state().registers.lock_range(range)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        rand::fill(buffer).map_err(|_| {
            buffer.fill(0);
            Error::new(Code::Random)
        })
    }
}

fn too_large(what: &'static str, expected: &'static str, data: &[u8]) -> Error {
    let found = u64::try_from(data.len()).unwrap_or(u64::MAX);
    Error::number(Code::NsmInputTooLarge, what, expected, found)
}
