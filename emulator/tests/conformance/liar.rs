//! A software NSM that lies about one thing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ciborium::Value;
use pcrseal_core::attester::{AttestationRequest, Attester, ModuleDescription, NitroSecureModule, PcrState};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_emulator::nsm::Nsm;

use crate::common::{index, vectors};

/// What it lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    SixteenRegisters,
    ModuleIdOfNoForm,
    LocksOneMoreFromBoot,
    LocksOneLessFromBoot,
    DescribesAnotherLock,
    DescribesAnotherValue(u64),
    MeasuresLess,
    RangeZeroLocks,
    ExtendsLocked,
    ExtendsLockedButSaysItDoesNot,
    LocksLocked,
    RefusesWithAnotherCode,
    TakesNoData,
    TakesTooMuchData,
    RefusesMaximalData,
    AnswersTheOldValue,
    ExtendsTwice,
    ExtendsItsNeighbour,
    ShowsUnlocked,
    DoesNotLock,
    LocksItsNeighbour,
    ForgetsTheLock,
    TakesRange33,
    Range33Locks,
    RangeLocksOneLess,
    RangeRefusesLocked,
    LeavesTheLastByte,
    RefusesNoBytes,
    IsNotRandom,
    RepeatsItself,
    DocumentOfAnotherModule,
    DocumentOfAnotherDigest,
    DocumentShowsAnotherValue,
    DropsEmptyFields,
    SwapsFields,
    CutsLongFields,
    TimeRunsBackwards,
    TimeIsOff,
    RepeatsTheFirstNonce,
    BreaksTheSignature,
    HandsOutAwsDocument,
    DoesNotSign,
}

pub(crate) struct Liar {
    nsm: Nsm,
    lie: Lie,
    /// How often it was asked for a document.
    documents: AtomicU64,
    refusals: AtomicU32,
}

impl Liar {
    pub(crate) fn new(nsm: Nsm, lie: Lie) -> Self {
        Self { nsm, lie, documents: AtomicU64::new(0), refusals: AtomicU32::new(0) }
    }

    fn is_locked(&self, index: PcrIndex) -> bool {
        self.nsm.describe_pcr(index).unwrap().locked
    }
}

impl Attester for Liar {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        let measured = self.nsm.measured_pcrs()?;
        Ok(match self.lie {
            Lie::MeasuresLess => measured.iter().skip(1).map(|(index, value)| (index, *value)).collect(),
            _ => measured,
        })
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        let asked = self.documents.fetch_add(1, Ordering::SeqCst);
        let (empty, mut request) = (|field: Option<&[u8]>| field == Some(b""), *request);
        match self.lie {
            Lie::DropsEmptyFields if empty(request.nonce) => request.nonce = None,
            Lie::SwapsFields => std::mem::swap(&mut request.user_data, &mut request.public_key),
            Lie::CutsLongFields => {
                request.user_data = request.user_data.map(|data| &data[..data.len().min(1024)]);
            }
            Lie::RepeatsTheFirstNonce if request.nonce.is_some_and(|nonce| nonce.len() == 2) => {
                request.nonce = Some(&[0, 0]);
            }
            _ => {}
        }
        let document = self.nsm.attest(&request)?;
        let time = |payload: &[(Value, Value)]| {
            u64::try_from(field(payload, "timestamp").as_integer().unwrap()).unwrap()
        };
        Ok(match self.lie {
            Lie::DocumentOfAnotherModule => {
                with(&document, "module_id", |_| Value::from("i-0123456789abcdef0-enc0"))
            }
            Lie::DocumentOfAnotherDigest => with(&document, "digest", |_| Value::from("SHA512")),
            Lie::DocumentShowsAnotherValue => with(&document, "pcrs", |pcrs| {
                let mut pcrs = pcrs.into_map().unwrap();
                pcrs[7].1 = Value::Bytes(vec![7; 48]);
                Value::Map(pcrs)
            }),
            Lie::ShowsUnlocked => with(&document, "pcrs", |pcrs| {
                let mut pcrs = pcrs.into_map().unwrap();
                let value = self.nsm.describe_pcr(index(31)).unwrap().value;
                if value != Pcr::ZERO && !self.is_locked(index(31)) {
                    pcrs.push((Value::from(31), Value::Bytes(value.as_bytes().to_vec())));
                }
                Value::Map(pcrs)
            }),
            Lie::TimeRunsBackwards => {
                let now = time(&payload(&document));
                with(&document, "timestamp", |_| Value::from(now - asked))
            }
            Lie::TimeIsOff => {
                let now = time(&payload(&document));
                with(&document, "timestamp", |_| Value::from(now + 1))
            }
            Lie::BreaksTheSignature => {
                let mut document = document;
                *document.last_mut().unwrap() ^= 1;
                document
            }
            Lie::HandsOutAwsDocument => genuine().unwrap(),
            Lie::DoesNotSign => unsigned(&document),
            _ => document,
        })
    }
}

impl NitroSecureModule for Liar {
    fn describe(&self) -> Result<ModuleDescription, Error> {
        let mut description = self.nsm.describe()?;
        match self.lie {
            Lie::SixteenRegisters => description.max_pcrs = 16,
            Lie::ModuleIdOfNoForm => description.module_id = "i-0123456789abcdef0-tpm0123456789abcdef".into(),
            Lie::LocksOneMoreFromBoot => description.locked_pcrs = description.locked_pcrs.with(index(16)),
            Lie::LocksOneLessFromBoot => {
                description.locked_pcrs =
                    description.locked_pcrs.iter().filter(|index| index.get() != 15).collect();
            }
            _ => {}
        }
        Ok(description)
    }

    fn describe_pcr(&self, index: PcrIndex) -> Result<PcrState, Error> {
        let mut state = self.nsm.describe_pcr(index)?;
        match self.lie {
            Lie::DescribesAnotherLock => state.locked ^= index.get() == 15,
            Lie::DescribesAnotherValue(number) if u64::from(index.get()) == number => {
                state.value = Pcr::new([7; 48]);
            }
            Lie::ExtendsLockedButSaysItDoesNot
                if index.get() == 5 && self.refusals.load(Ordering::SeqCst) > 0 =>
            {
                state.value = Pcr::new([7; 48]);
            }
            _ => {}
        }
        Ok(state)
    }

    fn extend_pcr(&self, index: PcrIndex, data: &[u8]) -> Result<Pcr, Error> {
        let locked = self.is_locked(index);
        let old = self.nsm.describe_pcr(index)?.value;
        match self.lie {
            Lie::ExtendsLocked if locked && index.get() < 16 => Ok(old),
            Lie::ForgetsTheLock if locked && index.get() == 31 => Ok(old),
            Lie::ExtendsLockedButSaysItDoesNot if locked => {
                self.refusals.fetch_add(1, Ordering::SeqCst);
                self.nsm.extend_pcr(index, data)
            }
            Lie::RefusesWithAnotherCode if locked => Err(Code::NsmInvalidOperation.into()),
            Lie::TakesNoData if data.is_empty() => Ok(old),
            Lie::TakesTooMuchData if data.len() > 4068 => Ok(old),
            Lie::RefusesMaximalData if data.len() == 4068 => Err(Code::NsmInputTooLarge.into()),
            Lie::AnswersTheOldValue => self.nsm.extend_pcr(index, data).map(|_| old),
            Lie::ExtendsTwice => {
                let value = self.nsm.extend_pcr(index, data)?;
                self.nsm.extend_pcr(index, data).map(|_| value)
            }
            Lie::ExtendsItsNeighbour => {
                self.nsm.extend_pcr(crate::common::index(20), data)?;
                self.nsm.extend_pcr(index, data)
            }
            _ => self.nsm.extend_pcr(index, data),
        }
    }

    fn lock_pcr(&self, index: PcrIndex) -> Result<(), Error> {
        match self.lie {
            Lie::LocksLocked if self.is_locked(index) => Ok(()),
            Lie::DoesNotLock => Ok(()),
            Lie::LocksItsNeighbour if !self.is_locked(index) => {
                self.nsm.lock_pcr(crate::common::index(29))?;
                self.nsm.lock_pcr(index)
            }
            _ => self.nsm.lock_pcr(index),
        }
    }

    fn lock_pcrs(&self, range: u16) -> Result<(), Error> {
        match self.lie {
            Lie::RangeZeroLocks if range == 0 => self.nsm.lock_pcr(index(25)),
            Lie::TakesRange33 if range == 33 => Ok(()),
            Lie::Range33Locks if range == 33 => self.nsm.lock_pcrs(32).and(self.nsm.lock_pcrs(33)),
            Lie::RangeLocksOneLess if range == 17 => self.nsm.lock_pcrs(range.saturating_sub(1)),
            Lie::RangeRefusesLocked if self.is_locked(index(16)) => Err(Code::NsmReadOnlyIndex.into()),
            _ => self.nsm.lock_pcrs(range),
        }
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let length = buffer.len();
        match self.lie {
            Lie::LeavesTheLastByte if length > 256 => self.nsm.random(&mut buffer[..length - 1]),
            Lie::RefusesNoBytes if length == 0 => Err(Code::NsmInvalidArgument.into()),
            Lie::IsNotRandom => {
                (1_u16..).zip(buffer).for_each(|(number, byte)| *byte = number.to_le_bytes()[0].max(1));
                Ok(())
            }
            Lie::RepeatsItself if length > 512 => {
                self.nsm.random(&mut buffer[..256])?;
                buffer.copy_within(..256, 256);
                self.nsm.random(&mut buffer[512..])
            }
            _ => self.nsm.random(buffer),
        }
    }
}

/// A document that AWS signed.
pub(crate) fn genuine() -> Option<Vec<u8>> {
    Some(std::fs::read(vectors("attestation")?.join("2026-04-21_prod_f1f05745.cbor")).unwrap())
}

fn decode(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn payload(document: &[u8]) -> Vec<(Value, Value)> {
    decode(decode(document).as_array().unwrap()[2].as_bytes().unwrap()).into_map().unwrap()
}

fn field<'a>(payload: &'a [(Value, Value)], name: &str) -> &'a Value {
    &payload.iter().find(|(key, _)| key.as_text() == Some(name)).unwrap().1
}

/// The document with another value in one field, and the signature as it was.
fn with(document: &[u8], name: &str, change: impl FnOnce(Value) -> Value) -> Vec<u8> {
    let mut fields = payload(document);
    let (_, value) = fields.iter_mut().find(|(key, _)| key.as_text() == Some(name)).unwrap();
    *value = change(value.clone());
    let mut envelope = decode(document).into_array().unwrap();
    envelope[2] = Value::Bytes(encode(&Value::Map(fields)));
    encode(&Value::Array(envelope))
}

/// As QEMU's device makes them: the algorithm -1, and 64 zero bytes each for signature and certificates.
fn unsigned(document: &[u8]) -> Vec<u8> {
    let zero = || Value::Bytes(vec![0; 64]);
    let document = with(document, "certificate", |_| zero());
    let document = with(&document, "cabundle", |_| Value::Array(vec![zero()]));
    let mut envelope = decode(&document).into_array().unwrap();
    envelope[0] = Value::Bytes(b"\xa1\x01\x20".to_vec());
    envelope[3] = zero();
    encode(&Value::Array(envelope))
}
