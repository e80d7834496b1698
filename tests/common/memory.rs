//! A KMS and an attester in memory, on tokio's clock: with the clock paused, time passes where a test lets it and
//! nowhere else.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::blob::EncryptionContext;
use pcrseal::core::error::Error;
use pcrseal::core::names::KeyArn;
use pcrseal::core::pcr::PcrSet;
use pcrseal::core::policy::TrustPolicy;
use pcrseal::core::report::{Failure, Outcome};
use pcrseal::core::secret::Secret;
use pcrseal::{Attester, AuthenticatedKms, AutoUnseal, DataKey, KeyFacts, Released};
use tokio::time::{Instant, sleep};

use crate::cms::ciphertext_for_recipient;
use crate::kms::{MemoryKms, arn, measured};

/// How a key behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// How long every answer takes.
    pub delay: Duration,
    pub distance: Option<Duration>,
    pub fault: Fault,
    /// How long a warm-up takes; `None` is for ever.
    pub warm_up: Option<Duration>,
    pub warm_up_fault: Fault,
    /// What Encrypt, GenerateDataKey and Decrypt answer instead.
    pub refusal: Option<Outcome>,
    pub disable_fault: Fault,
    /// What `DisableKey` answers instead.
    pub disable_refusal: Option<Outcome>,
    /// How long the key goes on to work once it is disabled.
    pub propagation: Duration,
    disabled_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// No answer, ever.
    Hang,
    /// 32 other bytes than the plaintext (Decrypt).
    Lie,
    /// The client panics.
    Panic,
}

impl Fault {
    async fn strike(self) -> Self {
        match self {
            Self::Hang => pending().await,
            Self::Panic => panic!("a client that panics"),
            Self::None | Self::Lie => self,
        }
    }
}

/// What happened, in order, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub what: &'static str,
    /// The number of the key in [`arn`], if it is about one.
    pub key: Option<u8>,
    pub at: Duration,
}

#[derive(Default)]
struct Inner {
    kms: MemoryKms,
    keys: Mutex<BTreeMap<KeyArn, Behaviour>>,
    log: Mutex<Vec<Event>>,
    in_flight: AtomicUsize,
}

/// A request, or a connection that is being opened, which has not ended.
struct InFlight(Arc<Inner>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Memory(Arc<Inner>, Instant);

impl Memory {
    pub fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    /// An enclave of [`measured`]`(1)`.
    pub fn enclave(&self, policy: &TrustPolicy) -> AutoUnseal<Self> {
        self.enclave_measuring(policy, measured(1))
    }

    pub fn enclave_measuring(&self, policy: &TrustPolicy, pcrs: PcrSet) -> AutoUnseal<Self> {
        let attester = Attests { pcrs, memory: self.clone() };
        AutoUnseal::new(Arc::new(attester), self.clone(), policy.clone())
    }

    /// Changes how a key behaves from now on.
    pub fn key(&self, number: u8, change: impl FnOnce(&mut Behaviour)) {
        change(self.0.keys.lock().unwrap().entry(arn(number)).or_insert_with(Self::sound));
    }

    /// What an administrator does.
    pub fn disable(&self, number: u8) {
        self.key(number, |key| key.disabled_at = Some(Instant::now()));
    }

    pub fn log(&self) -> Vec<Event> {
        self.0.log.lock().unwrap().clone()
    }

    /// The keys of which this was asked, in that order.
    pub fn asked(&self, what: &str) -> Vec<u8> {
        self.log().into_iter().filter(|event| event.what == what).filter_map(|event| event.key).collect()
    }

    pub fn count(&self, what: &str) -> usize {
        self.log().iter().filter(|event| event.what == what).count()
    }

    /// How many requests and connections have not ended.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::SeqCst)
    }

    pub fn forget_log(&self) {
        self.0.log.lock().unwrap().clear();
    }

    fn sound() -> Behaviour {
        Behaviour { warm_up: Some(Duration::ZERO), ..Behaviour::default() }
    }

    fn behaviour(&self, key: &KeyArn) -> Behaviour {
        self.0.keys.lock().unwrap().get(key).cloned().unwrap_or_else(Self::sound)
    }

    fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(&self.0))
    }

    fn note(&self, what: &'static str, key: Option<&KeyArn>) {
        let key = key.map(|key| (0..=u8::MAX).find(|number| arn(*number) == *key).unwrap());
        self.0.log.lock().unwrap().push(Event { what, key, at: self.1.elapsed() });
    }

    /// Waits as long as the key takes, and answers for it where it refuses.
    async fn answer(&self, what: &'static str, key: &KeyArn) -> Result<(), Failure> {
        self.note(what, Some(key));
        let behaviour = self.behaviour(key);
        sleep(behaviour.delay).await;
        if let Some(outcome) = behaviour.refusal {
            return Err(Failure::new(outcome));
        }
        match behaviour.disabled_at {
            Some(at) if at.elapsed() >= behaviour.propagation => Err(Failure::new(Outcome::KeyDisabled)),
            _ => Ok(()),
        }
    }
}

impl AuthenticatedKms for Memory {
    fn distance(&self, key: &KeyArn) -> Option<Duration> {
        self.behaviour(key).distance
    }

    async fn warm_up(&self, keys: &[KeyArn]) {
        let _in_flight = self.begin();
        for key in keys {
            self.note("warm up", Some(key));
            self.behaviour(key).warm_up_fault.strike().await;
            match self.behaviour(key).warm_up {
                Some(time) => sleep(time).await,
                None => pending().await,
            }
            self.note("warm", Some(key));
        }
    }

    async fn describe_key(&self, key: &KeyArn) -> Result<KeyFacts, Failure> {
        let _in_flight = self.begin();
        self.note("DescribeKey", Some(key));
        sleep(self.behaviour(key).delay).await;
        Ok(KeyFacts {
            arn: key.to_string(),
            key_state: "Enabled".into(),
            key_spec: "SYMMETRIC_DEFAULT".into(),
            key_usage: "ENCRYPT_DECRYPT".into(),
            origin: "AWS_KMS".into(),
            multi_region: key.is_multi_region(),
        })
    }

    async fn may_encrypt(&self, _: &KeyArn, _: &EncryptionContext) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn may_generate_data_key(&self, _: &KeyArn, _: &EncryptionContext) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn encrypt(
        &self,
        key: &KeyArn,
        plaintext: &Secret,
        context: &EncryptionContext,
    ) -> Result<DataKey, Failure> {
        let _in_flight = self.begin();
        self.answer("Encrypt", key).await?;
        Ok(DataKey {
            key_id: key.to_string(),
            ciphertext_blob: self.0.kms.encrypt(key, context, plaintext.expose()),
            ciphertext_for_recipient: None,
            plaintext_present: false,
        })
    }

    async fn generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
        document: &[u8],
    ) -> Result<DataKey, Failure> {
        let _in_flight = self.begin();
        self.answer("GenerateDataKey", key).await?;
        let number = u8::try_from(self.log().len() % 251).unwrap();
        let data_key = [number; 32];
        Ok(DataKey {
            key_id: key.to_string(),
            ciphertext_blob: self.0.kms.encrypt(key, context, &data_key),
            ciphertext_for_recipient: Some(ciphertext_for_recipient(document, &data_key)),
            plaintext_present: false,
        })
    }

    async fn decrypt(
        &self,
        key: &KeyArn,
        ciphertext_blob: &[u8],
        context: &EncryptionContext,
        document: &[u8],
    ) -> Result<Released, Failure> {
        let _in_flight = self.begin();
        let answer = self.answer("Decrypt", key).await;
        let fault = self.behaviour(key).fault.strike().await;
        answer?;
        let mut plaintext = self.0.kms.decrypt(key, ciphertext_blob, context).unwrap();
        if fault == Fault::Lie {
            plaintext = vec![0x55; 32];
        }
        Ok(Released {
            key_id: key.to_string(),
            ciphertext_for_recipient: Some(ciphertext_for_recipient(document, &plaintext)),
            plaintext_present: false,
        })
    }

    async fn disable_key(&self, key: &KeyArn) -> Result<(), Failure> {
        let _in_flight = self.begin();
        self.note("DisableKey", Some(key));
        sleep(self.behaviour(key).delay).await;
        self.behaviour(key).disable_fault.strike().await;
        if let Some(outcome) = self.behaviour(key).disable_refusal {
            return Err(Failure::new(outcome));
        }
        let now = Instant::now();
        let mut keys = self.0.keys.lock().unwrap();
        keys.entry(key.clone()).or_insert_with(Self::sound).disabled_at.get_or_insert(now);
        Ok(())
    }
}

/// Its document is the public key: this KMS believes everything.
struct Attests {
    pcrs: PcrSet,
    memory: Memory,
}

impl Attester for Attests {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        self.memory.note("measured", None);
        Ok(self.pcrs.clone())
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        self.memory.note("attested", None);
        Ok(request.public_key.unwrap().to_vec())
    }
}
