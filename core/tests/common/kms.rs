//! A KMS in memory: what sessions are driven against where no server is needed.

use std::collections::HashMap;
use std::sync::Mutex;

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::crypto::{Backend, SecureRandom};
use pcrseal_core::error::Error;
use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy, TrustPolicyBuilder};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::Report;
use pcrseal_core::seal::{self, SealParameters, WrapAnswer, WrapOperation};
use pcrseal_core::unseal::{self, DecryptAnswer, Opened};

use super::cms::ciphertext_for_recipient;

/// An encryption context's entries, sorted by key.
pub type Context = Vec<(String, String)>;

/// Remembers what it encrypted; a ciphertext blob is only a name here.
#[derive(Default)]
pub struct MemoryKms(Mutex<HashMap<Vec<u8>, Entry>>);

/// Key, encryption context, plaintext.
type Entry = (KeyArn, Context, Vec<u8>);

impl MemoryKms {
    pub fn encrypt(&self, key: &KeyArn, context: &EncryptionContext, plaintext: &[u8]) -> Vec<u8> {
        let mut entries = self.0.lock().unwrap();
        let blob = format!("{key} {}", entries.len()).into_bytes();
        entries.insert(blob.clone(), (key.clone(), owned(context), plaintext.to_vec()));
        blob
    }

    /// Takes over what another KMS encrypted.
    pub fn remember(&self, key: KeyArn, blob: Vec<u8>, context: Context, plaintext: Vec<u8>) {
        self.0.lock().unwrap().insert(blob, (key, context, plaintext));
    }

    pub fn decrypt(&self, key: &KeyArn, blob: &[u8], context: &EncryptionContext) -> Option<Vec<u8>> {
        let entries = self.0.lock().unwrap();
        let (owner, bound, plaintext) = entries.get(blob)?;
        (owner == key && *bound == owned(context)).then(|| plaintext.clone())
    }
}

fn owned(context: &EncryptionContext) -> Context {
    context.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub fn arn(number: u8) -> KeyArn {
    let region =
        ["eu-central-1", "us-east-1", "ap-southeast-2", "sa-east-1", "af-south-1"][usize::from(number) % 5];
    KeyArn::new(&format!("arn:aws:kms:{region}:11112222333{}:key/0000000{number:x}-aaaa", number % 10))
        .unwrap()
}

pub fn quorum(threshold: u8, keys: u8, wrapping: Wrapping) -> Quorum {
    Quorum::new(threshold, (0..keys).map(arn).collect(), wrapping).unwrap()
}

pub fn policy_builder() -> TrustPolicyBuilder {
    TrustPolicy::builder(ClusterId::new("test-eu-central-1-unit").unwrap())
}

/// 3 of 5, everything else by default.
pub fn policy(wrapping: Wrapping) -> TrustPolicy {
    policy_builder().seal_quorum(quorum(3, 5, wrapping)).build().unwrap()
}

/// Sixteen registers, each filled with its index plus `release`.
pub fn measured(release: u8) -> PcrSet {
    (0..16).map(|index| (pcr(index), Pcr::new([release.wrapping_add(index); 48]))).collect()
}

pub fn pcr(index: u8) -> PcrIndex {
    PcrIndex::try_from(u64::from(index)).unwrap()
}

pub fn parameters<'a>(policy: &'a TrustPolicy, measured: &'a PcrSet) -> SealParameters<'a> {
    SealParameters { policy, measured, further_bindings: &[], external_aad: b"" }
}

/// Asks every key and hands every answer in; the blob is not proven yet.
pub fn wrap_all(session: &mut seal::Session, kms: &MemoryKms, backend: &Backend) {
    let public_key = session.recipient_public_key().to_vec();
    let answers: Vec<_> = session
        .requests()
        .map(|request| {
            let context = &request.encryption_context;
            let (ciphertext_blob, for_recipient) = match request.operation {
                WrapOperation::Encrypt { plaintext } => (kms.encrypt(request.key, context, plaintext), None),
                WrapOperation::GenerateDataKey => {
                    let mut key = [0; 32];
                    backend.random.fill(&mut key).unwrap();
                    let blob = kms.encrypt(request.key, context, &key);
                    (blob, Some(ciphertext_for_recipient(&public_key, &key)))
                }
            };
            (request.position, request.key.to_string(), ciphertext_blob, for_recipient)
        })
        .collect();
    for (position, key_id, ciphertext_blob, for_recipient) in &answers {
        let answer = WrapAnswer {
            key_id,
            ciphertext_blob,
            ciphertext_for_recipient: for_recipient.as_deref(),
            plaintext_present: false,
        };
        session.answer_from_authenticated_kms(*position, &answer).unwrap();
    }
}

/// A whole seal: wrap, finish, prove.
pub fn seal(
    plan: seal::Plan,
    policy: &TrustPolicy,
    measured: &PcrSet,
    kms: &MemoryKms,
    backend: &Backend,
) -> (Vec<u8>, Opened) {
    let mut session = plan.begin(Recipient::generate(backend).unwrap()).unwrap();
    wrap_all(&mut session, kms, backend);
    let unproven = session.finish().unwrap();
    let (opened, _) = answer_all(unproven.plan(policy, measured).unwrap(), kms, backend);
    unproven.prove(opened.unwrap()).unwrap()
}

/// A generated 32-byte secret, sealed.
pub fn sealed(
    policy: &TrustPolicy,
    measured: &PcrSet,
    kms: &MemoryKms,
    backend: &Backend,
) -> (Vec<u8>, Opened) {
    let plan = seal::Plan::generate(&parameters(policy, measured), 32, backend).unwrap();
    seal(plan, policy, measured, kms, backend)
}

/// Asks every key, hands in what it answers, and finishes.
pub fn answer_all(plan: unseal::Plan, kms: &MemoryKms, backend: &Backend) -> (Result<Opened, Error>, Report) {
    let mut session = plan.begin(Recipient::generate(backend).unwrap());
    for (position, answer) in decrypt_all(&session, kms) {
        if let Some((key_id, for_recipient)) = answer {
            let _ =
                session.answer_from_authenticated_kms(position, &answer_of(&key_id, &for_recipient), None);
        }
    }
    session.finish()
}

/// `KeyId` and `CiphertextForRecipient`.
pub type Answer = (String, Vec<u8>);

/// What the keys answer: `None` is an error of KMS.
pub fn decrypt_all(session: &unseal::Session, kms: &MemoryKms) -> Vec<(u8, Option<Answer>)> {
    let public_key = session.recipient_public_key();
    session
        .requests()
        .map(|request| {
            let plaintext = kms.decrypt(request.key, request.ciphertext_blob, &request.encryption_context);
            let answer = plaintext
                .map(|plaintext| (request.key.to_string(), ciphertext_for_recipient(public_key, &plaintext)));
            (request.position, answer)
        })
        .collect()
}

pub fn answer_of<'a>(key_id: &'a str, for_recipient: &'a [u8]) -> DecryptAnswer<'a> {
    DecryptAnswer { key_id, ciphertext_for_recipient: Some(for_recipient), plaintext_present: false }
}

/// Deterministic "random" bytes: SHA-256 of a counter. Remembers what it gave. For vectors alone.
#[derive(Default)]
pub struct Counted {
    counter: Mutex<u64>,
    given: Mutex<Vec<Vec<u8>>>,
}

impl Counted {
    /// Everything that was given, request by request.
    pub fn given(&self) -> Vec<Vec<u8>> {
        self.given.lock().unwrap().clone()
    }
}

impl SecureRandom for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        use sha2::Digest;
        let mut counter = self.counter.lock().unwrap();
        for chunk in buffer.chunks_mut(32) {
            let block = sha2::Sha256::digest(counter.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
            *counter += 1;
        }
        self.given.lock().unwrap().push(buffer.to_vec());
        Ok(())
    }
}
