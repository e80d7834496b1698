//! Sealing, without I/O. There are three doors and no fourth: [`Plan::generate`] (the secret comes from the
//! enclave's own generator), [`Plan::reseal`] (an opened secret, one generation on) and [`Plan::import`] (the
//! host vouches for it). That a blob is absent never triggers a seal: the parent could withhold it.
//!
//! 1. A [`Plan`] checks the policy, the measured PCRs and the bindings.
//! 2. [`Plan::begin`] takes over a fresh [`Recipient`] whose public key the driver has attested.
//! 3. For every [`WrapRequest`] the driver asks KMS and hands in the answer. Every key must answer well,
//!    and has one answer.
//! 4. [`Session::finish`] gives an [`UnprovenBlob`], which is opened once, through KMS, before
//!    [`UnprovenBlob::prove`] hands the blob out.

use alloc::vec::Vec;
use core::fmt;

use crate::blob::bundle::{Bundle, SealedShare};
use crate::blob::context::Context;
use crate::blob::{self, Binding, EncryptionContext, Header};
use crate::crypto::{Backend, SecureRandom, symmetric};
use crate::error::{Code, Error};
use crate::limits::{MAX_BINDINGS, MAX_KMS_CIPHERTEXT_LEN, MAX_SECRET_LEN};
use crate::names::{KeyArn, SealId, Wrapping};
use crate::pcr::PcrSet;
use crate::policy::{Quorum, TrustPolicy};
use crate::recipient::Recipient;
use crate::secret::{Key32, Secret};
use crate::shamir::{self, Share};
use crate::unseal::{self, Opened, check_answer, derive, share_key_of};

/// What every door needs to know.
#[derive(Clone, Copy, Debug)]
pub struct SealParameters<'a> {
    /// What the enclave trusts; names the quorum to seal under.
    pub policy: &'a TrustPolicy,
    /// The PCRs of the sealing enclave. The required ones become the first binding.
    pub measured: &'a PcrSet,
    /// PCR sets of other images that shall open the blob too (at most 7): the next release, say.
    pub further_bindings: &'a [PcrSet],
    /// What the caller binds the blob to besides; the same is needed to unseal. Empty by default.
    pub external_aad: &'a [u8],
}

/// The named opt-in of [`Plan::import`], and of a [`Plan::reseal`] from `encrypt` into `attested`: whoever writes
/// it down vouches that the secret is a good one and not an adversary's. pcrseal cannot know.
#[derive(Clone, Copy, Debug)]
pub struct HostVouchesForSecret;

/// Bytes that are always enough for the sealed blob of a secret, and never more than
/// [`MAX_BLOB_LEN`](crate::limits::MAX_BLOB_LEN): what a caller with a buffer of its own sets aside. Blobs are a good deal
/// shorter, because KMS's `CiphertextBlob`s are: 6144 bytes each are counted.
///
/// `bindings` is how many the blob has, 1..8: that of the sealing enclave, which covers the policy's required PCRs, and
/// further ones, whether sealed with or added later, of any PCRs. Generations are all counted, so that it holds for a
/// reseal too.
///
/// # Errors
/// [`Code::SecretLength`], [`Code::NoSealQuorum`], [`Code::BindingCount`].
pub fn max_blob_len(policy: &TrustPolicy, secret_len: usize, bindings: usize) -> Result<usize, Error> {
    check_secret_len(secret_len)?;
    let quorum = policy.seal_quorum().ok_or(Code::NoSealQuorum)?;
    if bindings == 0 || bindings > MAX_BINDINGS {
        return Err(Error::number(Code::BindingCount, "bindings", "1..8", bindings as u64));
    }
    let further = bindings.saturating_sub(1);
    Ok(blob::longest(policy.cluster(), quorum, secret_len, policy.required_pcrs(), further))
}

/// A seal that was checked against everything known before the first request.
pub struct Plan {
    header: Header,
    quorum: Quorum,
    bindings: Vec<PcrSet>,
    external_aad: Vec<u8>,
    secret: Secret,
    random: &'static dyn SecureRandom,
}

impl Plan {
    /// A new secret of `secret_len` bytes (1..65536) from the backend's generator, at the lowest generation
    /// that the policy accepts.
    ///
    /// # Errors
    /// [`Code::SecretLength`], [`Code::Random`]; [`Code::NoSealQuorum`]; [`Code::PcrMissing`],
    /// [`Code::DebugMode`], [`Code::BindingCount`], [`Code::BindingDuplicate`]; [`Code::SealIdMismatch`]
    /// when the policy pins a seal id, which no new seal can have.
    pub fn generate(
        parameters: &SealParameters<'_>,
        secret_len: usize,
        backend: &Backend,
    ) -> Result<Self, Error> {
        check_secret_len(secret_len)?;
        let mut secret = zeroize::Zeroizing::new(alloc::vec![0; secret_len]);
        backend.random.fill(&mut secret)?;
        Self::new(parameters, secret.into(), parameters.policy.minimum_generation(), backend)
    }

    /// An opened secret again, one generation on: after a rotation of keys, or to revoke older blobs.
    ///
    /// Nobody vouches for the origin of a secret that an `encrypt` blob opened to, and an `attested` blob says
    /// that an attested enclave does. Whoever moves such a secret has to say so: `vouched` is read in that case
    /// alone.
    ///
    /// # Errors
    /// As [`Plan::generate`]; [`Code::ClusterMismatch`] when it was opened under another cluster;
    /// [`Code::GenerationExhausted`]; [`Code::ResealUnvouched`].
    pub fn reseal(
        parameters: &SealParameters<'_>,
        opened: &Opened,
        vouched: Option<HostVouchesForSecret>,
        backend: &Backend,
    ) -> Result<Self, Error> {
        let (expected, found) = (parameters.policy.cluster(), &opened.header().cluster);
        if expected != found {
            return Err(Error::text(Code::ClusterMismatch, "cluster", expected, found));
        }
        let old = opened.header().wrapping;
        let new = parameters.policy.seal_quorum().ok_or(Code::NoSealQuorum)?.wrapping();
        if old == Wrapping::Encrypt && new == Wrapping::Attested && vouched.is_none() {
            return Err(Error::text(Code::ResealUnvouched, "wrapping", new, old));
        }
        let next = opened.header().generation.checked_add(1).ok_or(Code::GenerationExhausted)?;
        let generation = next.max(parameters.policy.minimum_generation());
        Self::new(parameters, Secret::copy_from(opened.secret().expose()), generation, backend)
    }

    /// A secret from outside (1..65536 bytes), at the lowest generation that the policy accepts. An adversary
    /// who can choose the secret that an enclave serves needs nothing else, hence the opt-in.
    ///
    /// # Errors
    /// As [`Plan::generate`].
    pub fn import(
        parameters: &SealParameters<'_>,
        secret: Secret,
        _vouched: HostVouchesForSecret,
        backend: &Backend,
    ) -> Result<Self, Error> {
        Self::new(parameters, secret, parameters.policy.minimum_generation(), backend)
    }

    fn new(
        parameters: &SealParameters<'_>,
        secret: Secret,
        generation: u64,
        backend: &Backend,
    ) -> Result<Self, Error> {
        check_secret_len(secret.len())?;
        let policy = parameters.policy;
        let quorum = policy.seal_quorum().ok_or(Code::NoSealQuorum)?.clone();
        if let Some(pinned) = policy.seal_id() {
            return Err(Error::text(Code::SealIdMismatch, "seal id", pinned, "a new one"));
        }
        let header = Header {
            seal_id: SealId::new(symmetric::random_bytes(backend.random)?),
            cluster: policy.cluster().clone(),
            generation,
            wrapping: quorum.wrapping(),
        };
        let bindings = bindings(parameters)?;
        let external_aad = parameters.external_aad.to_vec();
        Ok(Self { header, quorum, bindings, external_aad, secret, random: backend.random })
    }

    /// The keys that will be asked.
    pub fn keys(&self) -> &[KeyArn] {
        self.quorum.keys()
    }

    /// What the blob's header will say.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Makes the data key, splits it, and starts the session. The recipient must be fresh. (Under `encrypt`
    /// wrapping nothing is sent to it.)
    ///
    /// # Errors
    /// [`Code::Random`].
    pub fn begin(self, recipient: Recipient) -> Result<Session, Error> {
        let context = Context::new(&self.header, &self.quorum, &self.external_aad);
        let data_key = symmetric::random_key(self.random)?;
        let [secret_key, commitment] = derive(data_key.as_slice(), &context)?;
        let sealed_secret =
            symmetric::seal(&secret_key, &context.secret_aad(), self.secret.expose(), self.random)?;
        let (threshold, count) = (self.quorum.threshold(), self.quorum.count());
        let shares = shamir::split(data_key.as_slice(), threshold, count, self.random)?;
        let slots = shares
            .into_iter()
            .map(|share| {
                let share_key = match self.header.wrapping {
                    Wrapping::Attested => None,
                    Wrapping::Encrypt => Some(symmetric::random_key(self.random)?),
                };
                Ok(Slot { share, share_key, answered: false, wrapped: None })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Session { plan: self, recipient, context, slots, sealed_secret, commitment: *commitment })
    }
}

/// A seal in progress.
pub struct Session {
    plan: Plan,
    recipient: Recipient,
    context: Context,
    // One per key, in the quorum's order.
    slots: Vec<Slot>,
    sealed_secret: Vec<u8>,
    commitment: [u8; 32],
}

struct Slot {
    share: Share,
    /// Made here under `encrypt` wrapping; under `attested` KMS makes it.
    share_key: Option<Key32>,
    answered: bool,
    wrapped: Option<SealedShare>,
}

/// What to ask of one KMS key.
#[derive(Clone, Debug)]
pub struct WrapRequest<'a> {
    /// The share's position x = 1..n: what the answer is handed in under.
    pub position: u8,
    /// The `KeyId` parameter: always the full ARN.
    pub key: &'a KeyArn,
    /// The `EncryptionContext` parameter.
    pub encryption_context: EncryptionContext,
    /// Which operation.
    pub operation: WrapOperation<'a>,
}

/// The operation that makes or protects a share key.
#[derive(Clone, Copy)]
pub enum WrapOperation<'a> {
    /// GenerateDataKey with `KeySpec` `AES_256` and Recipient (`attested` wrapping).
    GenerateDataKey,
    /// Encrypt with this `Plaintext`: a share key, secret (`encrypt` wrapping).
    Encrypt {
        /// 32 secret bytes.
        plaintext: &'a [u8],
    },
}

impl fmt::Debug for WrapOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GenerateDataKey => "GenerateDataKey",
            Self::Encrypt { .. } => "Encrypt",
        })
    }
}

/// KMS's answer to either operation.
#[derive(Clone, Copy, Debug)]
pub struct WrapAnswer<'a> {
    /// `KeyId`: the ARN of the key that encrypted.
    pub key_id: &'a str,
    /// `CiphertextBlob`, base64 decoded.
    pub ciphertext_blob: &'a [u8],
    /// `CiphertextForRecipient`, base64 decoded (GenerateDataKey alone).
    pub ciphertext_for_recipient: Option<&'a [u8]>,
    /// Whether `Plaintext` was there and not empty. It never may be.
    pub plaintext_present: bool,
}

impl Session {
    /// The public key to attest, `SubjectPublicKeyInfo` DER.
    pub fn recipient_public_key(&self) -> &[u8] {
        self.recipient.public_key_der()
    }

    /// What the blob's header will say.
    pub const fn header(&self) -> &Header {
        &self.plan.header
    }

    /// One request per key. All may be sent at once.
    pub fn requests(&self) -> impl Iterator<Item = WrapRequest<'_>> {
        self.plan.quorum.positions().zip(&self.slots).map(|((position, key), slot)| WrapRequest {
            position,
            key,
            encryption_context: EncryptionContext::new(&self.plan.header, &self.plan.quorum, position),
            operation: slot.share_key.as_ref().map_or(WrapOperation::GenerateDataKey, |key| {
                WrapOperation::Encrypt { plaintext: key.as_slice() }
            }),
        })
    }

    /// Hands in a key's answer; the name is the caller's promise, as in
    /// [`unseal::Session::answer_from_authenticated_kms`].
    ///
    /// # Errors
    /// [`Code::UnknownShare`], [`Code::AlreadyAnswered`]; [`Code::AnswerPlaintext`],
    /// [`Code::AnswerKeyId`], [`Code::AnswerMissing`], [`Code::AnswerLength`]; a CMS code; the mute
    /// [`Code::Rejected`]. Each key has one answer, good or bad.
    pub fn answer_from_authenticated_kms(
        &mut self,
        position: u8,
        answer: &WrapAnswer<'_>,
    ) -> Result<(), Error> {
        let unknown = || Error::number(Code::UnknownShare, "position", "1..number of keys", position.into());
        let index = usize::from(position).checked_sub(1).ok_or_else(unknown)?;
        let (slot, key) =
            self.slots.get_mut(index).zip(self.plan.quorum.keys().get(index)).ok_or_else(unknown)?;
        // One answer, good or bad: many tries at one recipient key would make an oracle of it.
        if core::mem::replace(&mut slot.answered, true) {
            return Err(Error::number(Code::AlreadyAnswered, "position", "one answer", position.into()));
        }
        check_answer(key, answer.key_id, answer.plaintext_present)?;
        let length = answer.ciphertext_blob.len();
        if length == 0 || length > MAX_KMS_CIPHERTEXT_LEN {
            return Err(Error::number(Code::AnswerLength, "CiphertextBlob bytes", "1..6144", length as u64));
        }
        let sealed = if let Some(share_key) = &slot.share_key {
            self.plan.seal_share(&self.context, &slot.share, share_key)?
        } else {
            let ciphertext = answer.ciphertext_for_recipient.ok_or(Code::AnswerMissing)?;
            let share_key = share_key_of(&self.recipient.open(ciphertext)?).ok_or(Code::Rejected)?;
            self.plan.seal_share(&self.context, &slot.share, &share_key)?
        };
        slot.wrapped =
            Some(SealedShare { key: key.clone(), ciphertext_blob: answer.ciphertext_blob.to_vec(), sealed });
        Ok(())
    }

    /// Puts the blob together. All keys must have answered.
    ///
    /// # Errors
    /// [`Code::SealIncomplete`], [`Code::Random`].
    pub fn finish(self) -> Result<UnprovenBlob, Error> {
        let Plan { header, quorum, bindings, external_aad, secret, random } = self.plan;
        let wrapped: Vec<SealedShare> = self.slots.into_iter().filter_map(|slot| slot.wrapped).collect();
        if wrapped.len() != quorum.keys().len() {
            let answered = wrapped.len() as u64;
            return Err(Error::number(Code::SealIncomplete, "answers", "one of every key", answered));
        }
        let bundle = Bundle {
            threshold: quorum.threshold(),
            shares: wrapped,
            commitment: self.commitment,
            sealed_secret: self.sealed_secret,
        };
        let content_key = symmetric::random_key(random)?;
        let bindings = bindings
            .iter()
            .map(|values| Binding::new(values, &content_key, random))
            .collect::<Result<Vec<_>, _>>()?;
        let iv = symmetric::random_bytes(random)?;
        let blob = blob::encode(&header, &iv, &content_key, &bundle, &bindings, &external_aad)?;
        Ok(UnprovenBlob { blob, header, external_aad, secret })
    }
}

impl Plan {
    fn seal_share(
        &self,
        context: &Context,
        share: &Share,
        share_key: &Key32,
    ) -> Result<[u8; crate::limits::SEALED_SHARE_LEN], Error> {
        let aad = context.share_aad(share.x());
        let sealed = symmetric::seal(share_key, &aad, share.y().expose(), self.random)?;
        sealed.try_into().map_err(|_| Code::TooLong.into())
    }
}

/// A finished blob that nobody has opened yet. It is not handed out before an unseal through KMS has given
/// back the very secret: a seal that cannot be opened must fail now, not at the next restart.
pub struct UnprovenBlob {
    blob: Vec<u8>,
    header: Header,
    external_aad: Vec<u8>,
    secret: Secret,
}

impl UnprovenBlob {
    /// Plans the proof: an unseal of the new blob by this enclave, with a fresh recipient, that takes the share
    /// of every key and not of the threshold's number alone.
    ///
    /// # Errors
    /// Those of [`unseal::Plan::new`].
    pub fn plan(&self, policy: &TrustPolicy, measured: &PcrSet) -> Result<unseal::Plan, Error> {
        unseal::Plan::new(&self.blob, policy, measured, &self.external_aad).map(unseal::Plan::demand_all)
    }

    /// Hands out the blob and what it opened to.
    ///
    /// # Errors
    /// [`Code::Unproven`] when that is not what was sealed.
    pub fn prove(self, opened: Opened) -> Result<(Vec<u8>, Opened), Error> {
        if *opened.header() == self.header && opened.secret().ct_eq(self.secret.expose()) {
            Ok((self.blob, opened))
        } else {
            Err(Code::Unproven.into())
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seal::Plan({:?})", self.header)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.slots.iter().filter(|slot| slot.wrapped.is_some()).count();
        write!(f, "seal::Session({answered} of {} keys)", self.slots.len())
    }
}

impl fmt::Debug for UnprovenBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnprovenBlob({:?})", self.header)
    }
}

fn check_secret_len(length: usize) -> Result<(), Error> {
    if length == 0 || length > MAX_SECRET_LEN {
        return Err(Error::number(Code::SecretLength, "bytes", "1..65536", length as u64));
    }
    Ok(())
}

/// The PCR sets to bind to: the required ones as measured here, then those of the other images.
fn bindings(parameters: &SealParameters<'_>) -> Result<Vec<PcrSet>, Error> {
    let policy = parameters.policy;
    policy.check_measured(parameters.measured)?;
    let mut bindings = alloc::vec![parameters.measured.select(policy.required_pcrs())?];
    for values in parameters.further_bindings {
        policy.check_binding(values)?;
        if bindings.contains(values) {
            return Err(Code::BindingDuplicate.into());
        }
        bindings.push(values.clone());
    }
    if bindings.len() > MAX_BINDINGS {
        return Err(Error::number(Code::BindingCount, "bindings", "1..8", bindings.len() as u64));
    }
    Ok(bindings)
}
