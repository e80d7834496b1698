//! pcrseal-nitro beside AWS's own crate for the Nitro Secure Module: a module that is a function from request bytes to
//! answer bytes, and a form in which both crates' answers can be compared.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};

use aws_nitro_enclaves_nsm_api::api::{Digest, Response};
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::PcrIndex;
use pcrseal_nitro::{Channel, Nsm};

/// Notes the request and gives one answer.
#[derive(Clone, Default)]
struct Module {
    request: Arc<Mutex<Vec<u8>>>,
    answer: Vec<u8>,
}

impl Channel for Module {
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        *self.request.lock().map_err(|_| Code::Attester)? = request.to_vec();
        response.get_mut(..self.answer.len()).ok_or(Code::Attester)?.copy_from_slice(&self.answer);
        Ok(self.answer.len())
    }
}

/// The bytes that pcrseal-nitro sends for this, or nothing if it refuses to.
pub fn request<T>(ask: impl FnOnce(&Nsm) -> Result<T, Error>) -> Vec<u8> {
    let module = Module { answer: vec![0], ..Module::default() };
    let sent = Arc::clone(&module.request);
    // The answer is no answer, so this always fails; what was sent is what counts.
    let _ = ask(&Nsm::over(module));
    let sent = sent.lock().map(|sent| sent.clone());
    sent.unwrap_or_default()
}

/// An operation, with the arguments that its answer does not depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `DescribeNSM`.
    DescribeNsm,
    /// `DescribePCR`.
    DescribePcr,
    /// `ExtendPCR`.
    ExtendPcr,
    /// `LockPCR`.
    LockPcr,
    /// `LockPCRs`.
    LockPcrs,
    /// `GetRandom`.
    GetRandom,
    /// `Attestation`.
    Attestation,
}

/// Every operation.
pub const OPERATIONS: [Operation; 7] = [
    Operation::DescribeNsm,
    Operation::DescribePcr,
    Operation::ExtendPcr,
    Operation::LockPcr,
    Operation::LockPcrs,
    Operation::GetRandom,
    Operation::Attestation,
];

/// What an answer says, whoever read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Version, module id, number of registers, the locked ones.
    Description((u16, u16, u16), String, u16, Vec<u16>),
    /// Whether it is locked, and its value.
    Register(bool, Vec<u8>),
    /// The new value.
    Extended(Vec<u8>),
    /// `LockPCR` was done.
    Locked,
    /// `LockPCRs` was done.
    LockedAll,
    /// As many random bytes as are compared.
    Random(Vec<u8>),
    /// The document.
    Document(Vec<u8>),
}

/// What pcrseal-nitro reads in the answer to this operation. Of random bytes it takes `random`.
///
/// # Errors
/// Those of pcrseal-nitro.
pub fn ours(operation: Operation, answer: &[u8], random: usize) -> Result<Answer, Error> {
    let nsm = Nsm::over(Module { answer: answer.to_vec(), ..Module::default() });
    let index = PcrIndex::try_from(16)?;
    Ok(match operation {
        Operation::DescribeNsm => {
            let description = nsm.describe()?;
            let locked = description.locked_pcrs.iter().map(|index| index.get().into()).collect();
            Answer::Description(description.version, description.module_id, description.max_pcrs, locked)
        }
        Operation::DescribePcr => {
            let state = nsm.describe_pcr(index)?;
            Answer::Register(state.locked, state.value.as_bytes().to_vec())
        }
        Operation::ExtendPcr => Answer::Extended(nsm.extend_pcr(index, b"data")?.as_bytes().to_vec()),
        Operation::LockPcr => {
            nsm.lock_pcr(index)?;
            Answer::Locked
        }
        Operation::LockPcrs => {
            nsm.lock_pcrs(16)?;
            Answer::LockedAll
        }
        Operation::GetRandom => {
            let mut bytes = vec![0; random];
            nsm.random(&mut bytes)?;
            Answer::Random(bytes)
        }
        Operation::Attestation => Answer::Document(nsm.attest(&AttestationRequest::default())?),
    })
}

/// What AWS's crate reads in an answer: `None` if it refuses it, or if it is an error of the module.
pub fn theirs(answer: &[u8], random: usize) -> Option<Answer> {
    Some(match serde_cbor::from_slice(answer).ok()? {
        Response::DescribeNSM {
            version_major,
            version_minor,
            version_patch,
            module_id,
            max_pcrs,
            locked_pcrs,
            digest: Digest::SHA384,
        } => Answer::Description(
            (version_major, version_minor, version_patch),
            module_id,
            max_pcrs,
            locked_pcrs.into_iter().collect(),
        ),
        Response::DescribePCR { lock, data } => Answer::Register(lock, data),
        Response::ExtendPCR { data } => Answer::Extended(data),
        Response::LockPCR => Answer::Locked,
        Response::LockPCRs => Answer::LockedAll,
        // One answer, over and over: what pcrseal-nitro's loop makes of it.
        Response::GetRandom { random: bytes } => {
            Answer::Random(bytes.into_iter().cycle().take(random).collect())
        }
        Response::Attestation { document } => Answer::Document(document),
        _ => return None,
    })
}
