//! Attester, KMS client and trust policy, wired; and the unseal.

use std::sync::Arc;
use std::time::Duration;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::{Quorum, TrustPolicy};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::{Failure, Report};
use pcrseal_core::seal::HostVouchesForSecret;
use pcrseal_core::unseal::{DecryptAnswer, Opened, Plan, Session};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::ask::{FanOut, Requests, Verdict};
use crate::error::Error;
use crate::kms_client::{AuthenticatedKms, Released};
use crate::observe::{self, Step};
use crate::prepare::{Prepared, WarmUp};
use crate::rows::bad_response;

/// How long a whole seal or unseal may take, if nothing else is said.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that it may be said to take. Ours: KMS takes an attestation document for five minutes, so
/// nothing comes of waiting longer, and no clock runs over within an hour.
pub(crate) const MAX_DEADLINE: Duration = Duration::from_secs(3600);

/// Seals and unseals with an attester, a KMS client and a trust policy. Cheap to clone.
///
/// The enclave's role needs `kms:Decrypt` on every key; to seal, besides, `kms:DescribeKey`, and
/// `kms:GenerateDataKey` (`attested` wrapping, where `kms:Encrypt` must be denied) or `kms:Encrypt`
/// (`encrypt` wrapping); to retire keys, `kms:DisableKey`.
///
/// Runs on a tokio runtime with its time driver enabled. Every call ends by its deadline, but for
/// [`AutoUnseal::rotate`], which is several. Any may be dropped before: its requests are given up. An attester
/// that hangs is left behind on its thread: a runtime that is dropped waits for it, `shutdown_timeout` does not.
pub struct AutoUnseal<K> {
    pub(crate) attester: Arc<dyn Attester>,
    pub(crate) kms: Arc<K>,
    pub(crate) policy: Arc<TrustPolicy>,
    pub(crate) backend: Backend,
    pub(crate) external_aad: Arc<[u8]>,
    pub(crate) deadline: Duration,
    pub(crate) fan_out: FanOut,
    pub(crate) vouched: Option<HostVouchesForSecret>,
}

impl<K> Clone for AutoUnseal<K> {
    fn clone(&self) -> Self {
        Self {
            attester: Arc::clone(&self.attester),
            kms: Arc::clone(&self.kms),
            policy: Arc::clone(&self.policy),
            backend: self.backend,
            external_aad: Arc::clone(&self.external_aad),
            deadline: self.deadline,
            fan_out: self.fan_out,
            vouched: self.vouched,
        }
    }
}

/// What an unseal gives.
#[derive(Debug)]
pub struct Unsealed {
    /// The secret, and which seal it came from.
    pub opened: Opened,
    /// One row per key.
    pub report: Report,
}

impl<K: AuthenticatedKms> AutoUnseal<K> {
    /// Wires the parts together. Defaults: the `aws-lc` backend, an empty `external_aad`, 30 seconds for a
    /// whole seal or unseal, all keys asked at once.
    pub fn new(attester: Arc<dyn Attester>, kms: K, policy: TrustPolicy) -> Self {
        Self {
            attester,
            kms: Arc::new(kms),
            policy: Arc::new(policy),
            backend: aws_lc::BACKEND,
            external_aad: Arc::default(),
            deadline: DEFAULT_DEADLINE,
            fan_out: FanOut::default(),
            vouched: None,
        }
    }

    /// Another cryptographic backend, or one with another random source.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// What blobs are bound to besides. The same is needed to unseal.
    #[must_use]
    pub fn with_external_aad(self, external_aad: &[u8]) -> Self {
        Self { external_aad: external_aad.into(), ..self }
    }

    /// How long a whole seal or unseal may take; at most an hour.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(MAX_DEADLINE), ..self }
    }

    /// How the keys of an unseal are asked.
    #[must_use]
    pub fn with_fan_out(self, fan_out: FanOut) -> Self {
        Self { fan_out, ..self }
    }

    /// Lets [`AutoUnseal::reseal`] and [`AutoUnseal::rotate`] move a secret from an `encrypt` blob into an
    /// `attested` one, which claims more about its origin than anybody knows: the caller vouches for it by name.
    #[must_use]
    pub fn with_vouched_reseal(self, vouched: HostVouchesForSecret) -> Self {
        Self { vouched: Some(vouched), ..self }
    }

    /// Unseals a blob: checks it against the trust policy and the measured PCRs, asks the keys, and is done at
    /// the threshold-th good share. Works while at most n - threshold keys are down, disabled, slow or lying.
    ///
    /// Credentials are fetched and connections opened while the recipient's key is generated; nothing is sent
    /// for a blob that is refused.
    ///
    /// # Errors
    /// Before any request: what [`Plan::new`] answers, the attester's codes, [`Code::Random`],
    /// [`Code::DeadlineExceeded`], [`Code::Interrupted`]. After it: [`Code::QuorumNotReached`],
    /// [`Code::CommitmentMismatch`], [`Code::SecretRejected`], with the report.
    pub async fn unseal(&self, blob: &[u8]) -> Result<Unsealed, Error> {
        let start = Instant::now();
        let deadline = start + self.deadline;
        let result = async {
            let plan = self.plan(blob, &self.measured(deadline).await?)?;
            self.warm_and_open(plan, deadline).await
        };
        observed(result.await, start.elapsed())
    }

    /// Begins an unseal before the blob is there: measures the PCRs, generates the recipient's key, and meanwhile
    /// has credentials fetched and connections opened to the regions of every quorum that the policy trusts. It is
    /// done when the key is; connections that are still being opened then go on. A host reads the blob at the
    /// same time: `tokio::join!(auto.prepare(), read_blob())`.
    ///
    /// # Errors
    /// The attester's codes, [`Code::Random`], [`Code::DeadlineExceeded`], [`Code::Interrupted`]. A region that
    /// cannot be reached is none: the requests will report it.
    pub async fn prepare(&self) -> Result<Prepared, Error> {
        let deadline = Instant::now() + self.deadline;
        let keys = self.policy.unseal_quorums().flat_map(Quorum::keys);
        let warm_up = WarmUp::start(&self.kms, keys);
        let (measured, recipient) = tokio::try_join!(self.measured(deadline), self.recipient(deadline))?;
        Ok(Prepared { measured, recipient, warm_up })
    }

    /// Unseals a blob as [`AutoUnseal::unseal`] does, with what was prepared. The attestation document is made
    /// now; the blob is judged by the PCRs that [`AutoUnseal::prepare`] measured.
    ///
    /// # Errors
    /// As [`AutoUnseal::unseal`].
    pub async fn unseal_prepared(&self, prepared: Prepared, blob: &[u8]) -> Result<Unsealed, Error> {
        let start = Instant::now();
        let deadline = start + self.deadline;
        let result = async {
            let Prepared { measured, recipient, warm_up } = prepared;
            let plan = self.plan(blob, &measured)?;
            self.open(plan, recipient, warm_up, deadline).await
        };
        observed(result.await, start.elapsed())
    }

    pub(crate) fn plan(&self, blob: &[u8], measured: &PcrSet) -> Result<Plan, Error> {
        let plan = Plan::new(blob, &self.policy, measured, &self.external_aad)?;
        observe::blob_accepted(plan.header(), plan.quorum());
        Ok(plan)
    }

    /// Opens a blob that was checked, with a fresh recipient.
    async fn warm_and_open(&self, plan: Plan, deadline: Instant) -> Result<Unsealed, Error> {
        let warm_up = WarmUp::start(&self.kms, plan.keys());
        let recipient = self.recipient(deadline).await?;
        self.open(plan, recipient, warm_up, deadline).await
    }

    pub(crate) async fn open(
        &self,
        plan: Plan,
        recipient: Recipient,
        mut warm_up: WarmUp,
        deadline: Instant,
    ) -> Result<Unsealed, Error> {
        let document = self.attest(recipient.public_key_der(), deadline).await?;
        let mut session = plan.begin(recipient);
        let (requests, keys) = self.decrypts(&session, &document, &mut warm_up);
        let left = deadline.saturating_duration_since(Instant::now());
        let pace = self.fan_out.pace(session.needed(), keys.len(), left);
        let receive = |position, answer, elapsed| {
            let failure = take(&mut session, position, answer, elapsed).err();
            if let Some(key) = keys.get(usize::from(position).saturating_sub(1)) {
                observe::key_answered(Step::Release, position, key, failure.as_ref(), elapsed);
            }
            match failure {
                _ if session.is_ready() => Verdict::Enough,
                None => Verdict::Good,
                Some(_) => Verdict::Bad,
            }
        };
        requests.make(pace, deadline, receive).await;
        if session.is_ready() {
            observe::ready(session.needed());
        }
        let (opened, report) = session.finish();
        observe::shares(&report);
        match opened {
            Ok(opened) => Ok(Unsealed { opened, report }),
            Err(fault) => Err(Error::with_report(fault, report)),
        }
    }

    /// The requests, nearest key first, and the keys by position.
    fn decrypts(
        &self,
        session: &Session,
        document: &Arc<[u8]>,
        warm_up: &mut WarmUp,
    ) -> (Requests<Released>, Vec<KeyArn>) {
        let mut by_distance: Vec<_> = session.requests().collect();
        let keys = by_distance.iter().map(|request| request.key.clone()).collect();
        // Asked once per key: the client learns while this sorts. Equally far ones stay in the quorum's order.
        by_distance.sort_by_cached_key(|request| {
            let distance = self.kms.distance(request.key);
            (distance.is_none(), distance)
        });
        let mut requests = Requests::new(Step::Release);
        for request in by_distance {
            let (kms, document, warm) =
                (Arc::clone(&self.kms), Arc::clone(document), warm_up.of(request.key));
            let (key, context) = (request.key.clone(), request.encryption_context);
            let ciphertext_blob = request.ciphertext_blob.to_vec();
            requests.add(request.position, request.key.clone(), async move {
                warm.await;
                kms.decrypt(&key, &ciphertext_blob, &context, &document).await
            });
        }
        (requests, keys)
    }

    pub(crate) async fn measured(&self, deadline: Instant) -> Result<PcrSet, Error> {
        let attester = Arc::clone(&self.attester);
        let measured = blocking(deadline, move || attester.measured_pcrs()).await?;
        observe::measured(&measured);
        Ok(measured)
    }

    /// A fresh recipient: one for one session, never two.
    pub(crate) async fn recipient(&self, deadline: Instant) -> Result<Recipient, Error> {
        let backend = self.backend;
        let recipient = blocking(deadline, move || Recipient::generate(&backend)).await?;
        observe::recipient_made(backend.name);
        Ok(recipient)
    }

    /// A fresh attestation document for a recipient's key.
    pub(crate) async fn attest(&self, public_key_der: &[u8], deadline: Instant) -> Result<Arc<[u8]>, Error> {
        let (attester, public_key) = (Arc::clone(&self.attester), public_key_der.to_vec());
        let document = blocking(deadline, move || {
            let public_key = Some(public_key.as_slice());
            attester.attest(&AttestationRequest { public_key, ..Default::default() })
        })
        .await?;
        observe::attested(&document);
        Ok(document.into())
    }
}

/// Hands an answer to the session; what it makes of a bad one is a row of the report, not an end.
fn take(
    session: &mut Session,
    position: u8,
    answer: Result<Released, Failure>,
    elapsed: Duration,
) -> Result<(), Failure> {
    match answer {
        Ok(answer) => {
            let answer = DecryptAnswer {
                key_id: &answer.key_id,
                ciphertext_for_recipient: answer.ciphertext_for_recipient.as_deref(),
                plaintext_present: answer.plaintext_present,
            };
            let taken = session.answer_from_authenticated_kms(position, &answer, Some(elapsed));
            taken.map_err(|fault| bad_response(&fault))
        }
        Err(failure) => {
            let failure = failure.never_granted();
            // The position is the request's own, and has one answer: this cannot fail.
            let _ = session.failed(position, failure.clone(), Some(elapsed));
            Err(failure)
        }
    }
}

pub(crate) fn observed(result: Result<Unsealed, Error>, elapsed: Duration) -> Result<Unsealed, Error> {
    observe::unsealed(result.as_ref().map(|unsealed| unsealed.opened.header()), elapsed);
    result
}

/// Runs what blocks or computes for long where that disturbs nobody.
async fn blocking<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match timeout_at(deadline, spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Code::Interrupted.into()),
        Err(_) => Err(Code::DeadlineExceeded.into()),
    }
}
