//! Unsealing, without I/O: a driver moves the bytes, the session decides.
//!
//! 1. [`Plan::new`] checks the blob against what the enclave trusts and measures. Nothing was sent yet when
//!    it refuses: PCR drift, a foreign key, a rollback cost no request.
//! 2. [`Plan::begin`] takes over a fresh [`Recipient`] whose public key the driver has attested.
//! 3. For every [`ShareRequest`] the driver asks KMS (Decrypt with Recipient) and hands in the answer or the
//!    failure, in any order, until [`Session::is_ready`].
//! 4. [`Session::finish`] gives the secret, and a report with one row per key.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::blob::bundle::{Bundle, SealedShare};
use crate::blob::context::Context;
use crate::blob::{EncryptionContext, Header, SealedBlob};
use crate::crypto::symmetric;
use crate::error::{Code, Error};
use crate::hint::hint;
use crate::limits::SHARE_KEY_LEN;
use crate::names::KeyArn;
use crate::pcr::PcrSet;
use crate::policy::{Quorum, TrustPolicy};
use crate::recipient::Recipient;
use crate::report::{Failure, KeyReport, Outcome, Report};
use crate::secret::{Key32, Secret};
use crate::shamir::{self, Share};

/// `info` of the key that seals the secret.
pub(crate) const SECRET_KEY_INFO: &[u8] = b"pcrseal v1 secret key";
/// `info` of the commitment to the data key.
pub(crate) const COMMITMENT_INFO: &[u8] = b"pcrseal v1 commitment";

/// A blob that was checked against everything known before the first request.
pub struct Plan {
    header: Header,
    quorum: Quorum,
    bundle: Bundle,
    context: Context,
    /// For the hints of the report.
    measured: PcrSet,
    /// How many shares the session takes: the threshold, or, to prove a new blob, all.
    needed: u8,
}

impl Plan {
    /// Checks a blob: its encoding, the measured PCRs, cluster, generation, seal id, binding, and that it
    /// names one trusted quorum whole. `external_aad` must be what the blob was sealed with (empty by
    /// default).
    ///
    /// # Errors
    /// What [`SealedBlob::parse`] answers; [`Code::PcrMissing`], [`Code::DebugMode`];
    /// [`Code::ClusterMismatch`], [`Code::GenerationTooOld`], [`Code::SealIdMismatch`]; [`Code::PcrDrift`],
    /// [`Code::BindingTooWeak`], [`Code::BindingRejected`], [`Code::ContentRejected`];
    /// [`Code::KeyRepeated`], [`Code::KeyNotTrusted`], [`Code::KeyCount`], [`Code::KeyOrder`],
    /// [`Code::ThresholdMismatch`], [`Code::WrappingMismatch`].
    pub fn new(
        blob: &[u8],
        policy: &TrustPolicy,
        measured: &PcrSet,
        external_aad: &[u8],
    ) -> Result<Self, Error> {
        let blob = SealedBlob::parse(blob)?;
        policy.check_measured(measured)?;
        let header = trusted_header(blob.header(), policy)?;
        let content_key = blob.content_key(measured, policy.required_pcrs())?;
        let bundle = blob.open(&content_key, external_aad)?;
        let quorum = trusted_quorum(&header, &bundle, policy)?.clone();
        let context = Context::new(&header, &quorum, external_aad);
        let needed = quorum.threshold();
        Ok(Self { header, quorum, bundle, context, measured: measured.clone(), needed })
    }

    /// Demands every share instead of the threshold's number: a key that wraps and does not release, or a share
    /// that is off the polynomial, must be noticed before it is needed.
    pub(crate) fn demand_all(self) -> Self {
        Self { needed: self.quorum.count(), ..self }
    }

    /// The keys that will be asked: connections to their regions may be opened ahead.
    pub fn keys(&self) -> &[KeyArn] {
        self.quorum.keys()
    }

    /// The trusted quorum that the blob names.
    pub const fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    /// What the blob's header says; by now it agrees with the trust policy.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the secret, 1..65536: before any request, by what the blob says. That the secret is what was sealed, and so
    /// long, is known when [`Session::finish`] has opened it.
    pub const fn secret_len(&self) -> usize {
        self.bundle.secret_len()
    }

    /// One request per key. What a released share opens to takes a [`Session`].
    pub fn requests(&self) -> impl Iterator<Item = ShareRequest<'_>> {
        self.quorum.positions().zip(&self.bundle.shares).map(|((position, key), share)| ShareRequest {
            position,
            key,
            ciphertext_blob: &share.ciphertext_blob,
            encryption_context: EncryptionContext::new(&self.header, &self.quorum, position),
        })
    }

    /// Starts the session. The recipient must be fresh: one key, attested once, serves one unseal.
    pub fn begin(self, recipient: Recipient) -> Session {
        let states = self.quorum.keys().iter().map(|_| KeyState::Pending).collect();
        Session { plan: self, recipient, states }
    }
}

/// An unseal in progress.
pub struct Session {
    plan: Plan,
    recipient: Recipient,
    // One per key, in the quorum's order.
    states: Vec<KeyState>,
}

enum KeyState {
    Pending,
    Granted { share: Share, elapsed: Option<Duration> },
    Failed { failure: Failure, elapsed: Option<Duration> },
}

/// What to ask of one KMS key: Decrypt, with Recipient.
#[derive(Clone, Debug)]
pub struct ShareRequest<'a> {
    /// The share's position x = 1..n: what answers are handed in under.
    pub position: u8,
    /// The `KeyId` parameter: always the full ARN.
    pub key: &'a KeyArn,
    /// The `CiphertextBlob` parameter.
    pub ciphertext_blob: &'a [u8],
    /// The `EncryptionContext` parameter.
    pub encryption_context: EncryptionContext,
}

/// KMS's answer to Decrypt with Recipient.
#[derive(Clone, Copy, Debug)]
pub struct DecryptAnswer<'a> {
    /// `KeyId`: the ARN of the key that decrypted.
    pub key_id: &'a str,
    /// `CiphertextForRecipient`, base64 decoded.
    pub ciphertext_for_recipient: Option<&'a [u8]>,
    /// Whether `Plaintext` was there and not empty. It never may be.
    pub plaintext_present: bool,
}

impl Session {
    /// The public key to attest, `SubjectPublicKeyInfo` DER.
    pub fn recipient_public_key(&self) -> &[u8] {
        self.recipient.public_key_der()
    }

    /// One request per key. All may be sent at once.
    pub fn requests(&self) -> impl Iterator<Item = ShareRequest<'_>> {
        self.plan.requests()
    }

    /// As [`Plan::secret_len`].
    pub const fn secret_len(&self) -> usize {
        self.plan.secret_len()
    }

    /// How many shares the session takes: as many keys have to be asked at least.
    pub fn needed(&self) -> usize {
        self.plan.needed.into()
    }

    /// Hands in a key's answer.
    ///
    /// The name is the caller's promise: the answer came from AWS KMS over TLS that ends in this enclave, for
    /// the host name of the key's region, under pinned roots. KMS's answer is not authenticated in itself.
    ///
    /// A refused answer is recorded as `bad_response`, and the other keys may still finish the job. Answers
    /// beyond the number needed are not opened any more.
    ///
    /// # Errors
    /// [`Code::UnknownShare`], [`Code::AlreadyAnswered`]; [`Code::AnswerPlaintext`],
    /// [`Code::AnswerKeyId`], [`Code::AnswerMissing`]; a CMS code; and for everything behind the recipient's
    /// key (padding, length, tag) the one mute [`Code::ShareRejected`].
    pub fn answer_from_authenticated_kms(
        &mut self,
        position: u8,
        answer: &DecryptAnswer<'_>,
        elapsed: Option<Duration>,
    ) -> Result<(), Error> {
        let ready = self.is_ready();
        let (state, key, sealed) = entry(&mut self.states, &self.plan, position)?;
        if ready {
            return Ok(());
        }
        match open_share(position, key, sealed, answer, &self.recipient, &self.plan.context) {
            Ok(share) => {
                *state = KeyState::Granted { share, elapsed };
                Ok(())
            }
            Err(error) => {
                let failure =
                    Failure { outcome: Outcome::BadResponse, code: Some(error.code()), service: None };
                *state = KeyState::Failed { failure, elapsed };
                Err(error)
            }
        }
    }

    /// Hands in that a key gave no answer, or an error.
    ///
    /// # Errors
    /// [`Code::UnknownShare`], [`Code::AlreadyAnswered`].
    pub fn failed(&mut self, position: u8, failure: Failure, elapsed: Option<Duration>) -> Result<(), Error> {
        let (state, ..) = entry(&mut self.states, &self.plan, position)?;
        *state = KeyState::Failed { failure: failure.never_granted(), elapsed };
        Ok(())
    }

    /// Whether enough shares are in.
    pub fn is_ready(&self) -> bool {
        self.granted().count() >= usize::from(self.plan.needed)
    }

    /// Combines the shares and opens the secret. The recipient's key and all shares are wiped either way.
    ///
    /// # Errors
    /// [`Code::QuorumNotReached`], [`Code::CommitmentMismatch`], [`Code::SecretRejected`].
    pub fn finish(self) -> (Result<Opened, Error>, Report) {
        let report = self.report();
        (self.open(), report)
    }

    fn granted(&self) -> impl Iterator<Item = &Share> {
        self.states.iter().filter_map(|state| match state {
            KeyState::Granted { share, .. } => Some(share),
            _ => None,
        })
    }

    fn open(self) -> Result<Opened, Error> {
        let granted = self.states.into_iter().filter_map(|state| match state {
            KeyState::Granted { share, .. } => Some(share),
            _ => None,
        });
        let shares: Vec<Share> = granted.collect();
        if shares.len() < usize::from(self.plan.needed) {
            return Err(Error::text(Code::QuorumNotReached, "shares", self.plan.needed, shares.len()));
        }
        let data_key = shamir::combine(&shares)?;
        let secret = open_secret(&data_key, &self.plan.bundle, &self.plan.context)?;
        Ok(Opened { secret, header: self.plan.header })
    }

    /// Keys without an answer were not needed, or, when the threshold was not reached, too slow.
    fn report(&self) -> Report {
        let pending = if self.is_ready() { Outcome::NotNeeded } else { Outcome::Timeout };
        let row = |((position, key), state): ((u8, &KeyArn), &KeyState)| {
            let (failure, elapsed) = match state {
                KeyState::Pending => (Failure::new(pending), None),
                KeyState::Granted { elapsed, .. } => (Failure::new(Outcome::Granted), *elapsed),
                KeyState::Failed { failure, elapsed } => (failure.clone(), *elapsed),
            };
            let Failure { outcome, code, service } = failure;
            let hint = code.and_then(|code| hint(code, &self.plan.measured)).map(Into::into);
            KeyReport { key: key.clone(), position, outcome, code, service, elapsed, hint }
        };
        Report { keys: self.plan.quorum.positions().zip(&self.states).map(row).collect() }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unseal::Session({} of {} shares)", self.granted().count(), self.plan.needed)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unseal::Plan({:?})", self.header)
    }
}

/// A secret that was unsealed, and which seal it came from. Only a session makes one; it is what
/// [`seal::Plan::reseal`](crate::seal::Plan::reseal) asks for.
#[derive(Debug)]
pub struct Opened {
    secret: Secret,
    header: Header,
}

impl Opened {
    /// The secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Takes the secret out.
    pub fn into_secret(self) -> Secret {
        self.secret
    }

    /// The seal it came from.
    pub const fn header(&self) -> &Header {
        &self.header
    }
}

/// The key, the sealed share and the still unanswered state at a position.
fn entry<'s, 'p>(
    states: &'s mut [KeyState],
    plan: &'p Plan,
    position: u8,
) -> Result<(&'s mut KeyState, &'p KeyArn, &'p SealedShare), Error> {
    let unknown = || Error::number(Code::UnknownShare, "position", "1..number of keys", position.into());
    let index = usize::from(position).checked_sub(1).ok_or_else(unknown)?;
    match (states.get_mut(index), plan.quorum.keys().get(index), plan.bundle.shares.get(index)) {
        (Some(state @ KeyState::Pending), Some(key), Some(share)) => Ok((state, key, share)),
        (Some(_), ..) => Err(Error::number(Code::AlreadyAnswered, "position", "one answer", position.into())),
        _ => Err(unknown()),
    }
}

/// Takes the header over into the trusted side: cluster and pinned seal id are the policy's own from here on.
fn trusted_header(header: &Header, policy: &TrustPolicy) -> Result<Header, Error> {
    if header.cluster != *policy.cluster() {
        let (expected, found) = (policy.cluster().as_str(), header.cluster.as_str());
        return Err(Error::text(Code::ClusterMismatch, "cluster", expected, found));
    }
    if header.generation < policy.minimum_generation() {
        let (expected, found) = (policy.minimum_generation(), header.generation);
        let expected = format_args!("at least {expected}");
        return Err(Error::text(Code::GenerationTooOld, "generation", expected, found));
    }
    let seal_id = policy.seal_id().unwrap_or(header.seal_id);
    if seal_id != header.seal_id {
        return Err(Error::text(Code::SealIdMismatch, "seal id", seal_id, header.seal_id));
    }
    Ok(Header {
        seal_id,
        cluster: policy.cluster().clone(),
        generation: header.generation,
        wrapping: header.wrapping,
    })
}

/// The one trusted quorum that the blob names whole; otherwise the most telling difference.
fn trusted_quorum<'p>(
    header: &Header,
    bundle: &Bundle,
    policy: &'p TrustPolicy,
) -> Result<&'p Quorum, Error> {
    let named: Vec<&KeyArn> = bundle.shares.iter().map(|share| &share.key).collect();
    let same_keys = |quorum: &&Quorum| quorum.keys().iter().eq(named.iter().copied());
    let exact = policy.unseal_quorums().find(|quorum| {
        same_keys(quorum) && quorum.threshold() == bundle.threshold && quorum.wrapping() == header.wrapping
    });
    if let Some(quorum) = exact {
        return Ok(quorum);
    }
    for (position, key) in named.iter().enumerate() {
        if named.iter().take(position).any(|earlier| earlier == key) {
            return Err(Error::text(Code::KeyRepeated, "key", "distinct keys", key.as_str()));
        }
        if !policy.unseal_quorums().any(|quorum| quorum.keys().contains(key)) {
            return Err(Error::text(Code::KeyNotTrusted, "key", "a key of a trusted quorum", key.as_str()));
        }
    }
    if let Some(quorum) = policy.unseal_quorums().find(same_keys) {
        return Err(if quorum.threshold() == bundle.threshold {
            let (expected, found) = (quorum.wrapping().name(), header.wrapping.name());
            Error::text(Code::WrappingMismatch, "wrapping", expected, found)
        } else {
            Error::text(Code::ThresholdMismatch, "threshold", quorum.threshold(), bundle.threshold)
        });
    }
    let same_set = |quorum: &Quorum| {
        quorum.keys().len() == named.len() && quorum.keys().iter().all(|key| named.contains(&key))
    };
    if policy.unseal_quorums().any(same_set) {
        return Err(Code::KeyOrder.into());
    }
    Err(Error::number(Code::KeyCount, "keys", "all keys of one trusted quorum", named.len() as u64))
}

/// Checks an answer and opens its share. What is public is told exactly; what comes behind the recipient's
/// private key is one mute error.
fn open_share(
    position: u8,
    key: &KeyArn,
    share: &SealedShare,
    answer: &DecryptAnswer<'_>,
    recipient: &Recipient,
    context: &Context,
) -> Result<Share, Error> {
    check_answer(key, answer.key_id, answer.plaintext_present)?;
    let ciphertext = answer.ciphertext_for_recipient.ok_or(Code::AnswerMissing)?;
    let share_key = match recipient.open(ciphertext) {
        Ok(plaintext) => share_key_of(&plaintext),
        Err(error) if error.code() == Code::Rejected => None,
        Err(error) => return Err(error),
    };
    // Without a share key the share is opened all the same, under one that opens nothing: neither the error nor
    // the work done tells bad padding from a bad share.
    let stand_in = Key32::default();
    let y =
        symmetric::open(share_key.as_ref().unwrap_or(&stand_in), &context.share_aad(position), &share.sealed);
    let y = y.filter(|_| share_key.is_some()).ok_or(Code::ShareRejected)?;
    Share::new(position, y)
}

/// What every answer that came through Recipient must say of itself.
pub(crate) fn check_answer(key: &KeyArn, key_id: &str, plaintext_present: bool) -> Result<(), Error> {
    if plaintext_present {
        return Err(Code::AnswerPlaintext.into());
    }
    if key_id != key.as_str() {
        return Err(Error::text(Code::AnswerKeyId, "KeyId", key.as_str(), key_id));
    }
    Ok(())
}

/// Every KMS plaintext of ours is exactly 32 bytes.
pub(crate) fn share_key_of(plaintext: &Secret) -> Option<Key32> {
    let key: &[u8; SHARE_KEY_LEN] = plaintext.expose().try_into().ok()?;
    Some(Key32::new(*key))
}

/// The keys derived from the data key: the one that seals the secret, and the commitment.
pub(crate) fn derive(data_key: &[u8], context: &Context) -> Result<[Key32; 2], Error> {
    symmetric::hkdf_sha384(context.digest(), data_key, [SECRET_KEY_INFO, COMMITMENT_INFO])
}

fn open_secret(data_key: &Secret, bundle: &Bundle, context: &Context) -> Result<Secret, Error> {
    let [secret_key, commitment] = derive(data_key.expose(), context)?;
    if !bool::from(subtle::ConstantTimeEq::ct_eq(commitment.as_slice(), bundle.commitment.as_slice())) {
        return Err(Code::CommitmentMismatch.into());
    }
    symmetric::open(&secret_key, &context.secret_aad(), &bundle.sealed_secret)
        .ok_or(Code::SecretRejected.into())
}
