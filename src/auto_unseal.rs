//! The two use cases, wired: attester, KMS and sessions.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::TrustPolicy;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::{Failure, KeyReport, Outcome, Report};
use pcrseal_core::seal::{self, HostVouchesForSecret, SealParameters, WrapAnswer, WrapOperation};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal::{self, DecryptAnswer, Opened};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::ask::Asked;
use crate::error::Error;
use crate::kms_client::{AuthenticatedKms, DataKey};
use crate::preflight::{self, Candidate};

/// How long a whole seal or unseal may take, if nothing else is said.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that it may be said to take. Ours: KMS takes an attestation document for five minutes, so
/// nothing comes of waiting longer, and no clock runs over within an hour.
const MAX_DEADLINE: Duration = Duration::from_secs(3600);

/// Seals and unseals with an attester, a KMS client and a trust policy. Cheap to clone.
///
/// The enclave's role needs `kms:Decrypt` on every key; to seal, besides, `kms:DescribeKey`, and
/// `kms:GenerateDataKey` (`attested` wrapping, where `kms:Encrypt` must be denied) or `kms:Encrypt`
/// (`encrypt` wrapping).
///
/// Runs on a tokio runtime with its time driver enabled. Every call ends by its deadline. An attester that
/// hangs is left behind on its thread: a runtime that is dropped waits for it, `shutdown_timeout` does not.
pub struct AutoUnseal<K> {
    attester: Arc<dyn Attester>,
    kms: Arc<K>,
    policy: Arc<TrustPolicy>,
    backend: Backend,
    external_aad: Arc<[u8]>,
    deadline: Duration,
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

/// What a seal gives.
#[derive(Debug)]
pub struct Sealed {
    /// The blob: public, to be kept anywhere.
    pub blob: Vec<u8>,
    /// The secret, as the new blob opened to it.
    pub opened: Opened,
    /// One row per key, of the unseal that proved the blob.
    pub report: Report,
}

impl<K: AuthenticatedKms> AutoUnseal<K> {
    /// Wires the parts together. Defaults: the `aws-lc` backend, an empty `external_aad`, 30 seconds for a
    /// whole seal or unseal.
    pub fn new(attester: Arc<dyn Attester>, kms: K, policy: TrustPolicy) -> Self {
        Self {
            attester,
            kms: Arc::new(kms),
            policy: Arc::new(policy),
            backend: aws_lc::BACKEND,
            external_aad: Arc::default(),
            deadline: DEFAULT_DEADLINE,
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

    /// Unseals a blob: checks it against the trust policy and the measured PCRs, asks every key at once, and
    /// is done at the threshold-th good share. Works while at most n - threshold keys are down, disabled,
    /// slow or lying.
    ///
    /// # Errors
    /// Before any request: what [`unseal::Plan::new`] answers, and the attester's codes. After it:
    /// [`Code::QuorumNotReached`], [`Code::CommitmentMismatch`], [`Code::SecretRejected`], with the report.
    pub async fn unseal(&self, blob: &[u8]) -> Result<Unsealed, Error> {
        let deadline = Instant::now() + self.deadline;
        let plan =
            unseal::Plan::new(blob, &self.policy, &self.measured(deadline).await?, &self.external_aad)?;
        self.run_unseal(plan, deadline).await
    }

    /// Seals a new secret of `secret_len` bytes (1..65536) from the enclave's own generator.
    /// `further_bindings` are the PCRs of other images that shall open the blob too.
    ///
    /// # Errors
    /// What [`seal::Plan::generate`] answers; [`Code::KeyUnfit`], [`Code::KeyPermitsEncrypt`],
    /// [`Code::KeyNotChecked`]; [`Code::SealIncomplete`] with the report; those of [`AutoUnseal::unseal`]
    /// when the new blob does not open.
    pub async fn seal_generated(
        &self,
        secret_len: usize,
        further_bindings: &[PcrSet],
    ) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| seal::Plan::generate(parameters, secret_len, &self.backend))
            .await
    }

    /// Seals an opened secret again, one generation on.
    ///
    /// # Errors
    /// What [`seal::Plan::reseal`] answers, and as [`AutoUnseal::seal_generated`].
    pub async fn reseal(&self, opened: &Opened, further_bindings: &[PcrSet]) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| seal::Plan::reseal(parameters, opened, &self.backend)).await
    }

    /// Seals a secret from outside, which the caller vouches for by name.
    ///
    /// # Errors
    /// What [`seal::Plan::import`] answers, and as [`AutoUnseal::seal_generated`].
    pub async fn import(
        &self,
        secret: Secret,
        vouched: HostVouchesForSecret,
        further_bindings: &[PcrSet],
    ) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| {
            seal::Plan::import(parameters, secret, vouched, &self.backend)
        })
        .await
    }

    async fn seal(
        &self,
        further_bindings: &[PcrSet],
        plan: impl FnOnce(&SealParameters<'_>) -> Result<seal::Plan, Fault> + Send,
    ) -> Result<Sealed, Error> {
        let deadline = Instant::now() + self.deadline;
        let measured = self.measured(deadline).await?;
        let plan = plan(&SealParameters {
            policy: &self.policy,
            measured: &measured,
            further_bindings,
            external_aad: &self.external_aad,
        })?;
        let (recipient, document) = self.attested_recipient(deadline).await?;
        let mut session = plan.begin(recipient)?;
        let candidates = session.requests().map(|request| Candidate {
            position: request.position,
            key: request.key.clone(),
            context: request.encryption_context,
        });
        let wrapping = session.header().wrapping;
        preflight::check(&self.kms, candidates.collect(), wrapping, deadline).await?;
        self.wrap_all(&mut session, &document, deadline).await?;

        let unproven = session.finish()?;
        let proof = self.run_unseal(unproven.plan(&self.policy, &measured)?, deadline).await?;
        let (blob, opened) = unproven.prove(proof.opened)?;
        Ok(Sealed { blob, opened, report: proof.report })
    }

    async fn wrap_all(
        &self,
        session: &mut seal::Session,
        document: &Arc<[u8]>,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut rows = Rows::new(session.requests().map(|request| request.key.clone()));
        let mut asked = Asked::new();
        for request in session.requests() {
            let (kms, document) = (Arc::clone(&self.kms), Arc::clone(document));
            let (key, context) = (request.key.clone(), request.encryption_context);
            let plaintext = match request.operation {
                WrapOperation::GenerateDataKey => None,
                WrapOperation::Encrypt { plaintext } => Some(Secret::copy_from(plaintext)),
            };
            asked.ask(request.position, async move {
                match plaintext {
                    None => kms.generate_data_key(&key, &context, &document).await,
                    Some(plaintext) => kms.encrypt(&key, &plaintext, &context).await,
                }
            });
        }
        let take = |position, answer: &DataKey, session: &mut seal::Session| {
            session.answer_from_authenticated_kms(
                position,
                &WrapAnswer {
                    key_id: &answer.key_id,
                    ciphertext_blob: &answer.ciphertext_blob,
                    ciphertext_for_recipient: answer.ciphertext_for_recipient.as_deref(),
                    plaintext_present: answer.plaintext_present,
                },
            )
        };
        asked
            .until(deadline, |position, answer, elapsed| {
                match answer.map(|answer| take(position, &answer, session)) {
                    Ok(Ok(())) => rows.granted(position, elapsed),
                    Ok(Err(fault)) => rows.unfit(position, &fault, elapsed),
                    Err(failure) => rows.failed(position, failure, elapsed),
                }
                ControlFlow::Continue(())
            })
            .await;
        rows.all_granted(Code::SealIncomplete)
    }

    async fn run_unseal(&self, plan: unseal::Plan, deadline: Instant) -> Result<Unsealed, Error> {
        let (recipient, document) = self.attested_recipient(deadline).await?;
        let mut session = plan.begin(recipient);
        let mut asked = Asked::new();
        for request in session.requests() {
            let (kms, document) = (Arc::clone(&self.kms), Arc::clone(&document));
            let (key, context) = (request.key.clone(), request.encryption_context);
            let ciphertext_blob = request.ciphertext_blob.to_vec();
            asked.ask(request.position, async move {
                kms.decrypt(&key, &ciphertext_blob, &context, &document).await
            });
        }
        asked
            .until(deadline, |position, answer, elapsed| {
                // Both record the outcome themselves; a refused share is a row of the report, not an end.
                let _ = match answer {
                    Ok(answer) => session.answer_from_authenticated_kms(
                        position,
                        &DecryptAnswer {
                            key_id: &answer.key_id,
                            ciphertext_for_recipient: answer.ciphertext_for_recipient.as_deref(),
                            plaintext_present: answer.plaintext_present,
                        },
                        Some(elapsed),
                    ),
                    Err(failure) => session.failed(position, failure, Some(elapsed)),
                };
                if session.is_ready() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await;
        let (opened, report) = session.finish();
        match opened {
            Ok(opened) => Ok(Unsealed { opened, report }),
            Err(fault) => Err(Error::with_report(fault, report)),
        }
    }

    async fn measured(&self, deadline: Instant) -> Result<PcrSet, Error> {
        let attester = Arc::clone(&self.attester);
        Ok(blocking(deadline, move || attester.measured_pcrs()).await?)
    }

    /// A fresh recipient and a document that attests it: one pair for one session, never two.
    async fn attested_recipient(&self, deadline: Instant) -> Result<(Recipient, Arc<[u8]>), Error> {
        let (attester, backend) = (Arc::clone(&self.attester), self.backend);
        let (recipient, document) = blocking(deadline, move || {
            let recipient = Recipient::generate(&backend)?;
            let public_key = Some(recipient.public_key_der());
            let document = attester.attest(&AttestationRequest { public_key, ..Default::default() })?;
            Ok((recipient, document))
        })
        .await?;
        Ok((recipient, document.into()))
    }
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

/// The report of a step in which every key must succeed.
pub(crate) struct Rows(Vec<KeyReport>);

impl Rows {
    /// Every key counts as too slow until it answers.
    pub(crate) fn new(keys: impl Iterator<Item = KeyArn>) -> Self {
        let row = |(position, key)| KeyReport {
            key,
            position,
            outcome: Outcome::Timeout,
            code: None,
            service: None,
            elapsed: None,
        };
        Self((1..).zip(keys).map(row).collect())
    }

    pub(crate) fn granted(&mut self, position: u8, elapsed: Duration) {
        self.set(position, Failure::new(Outcome::Granted), elapsed);
    }

    pub(crate) fn unfit(&mut self, position: u8, fault: &Fault, elapsed: Duration) {
        let failure = Failure { code: Some(fault.code()), ..Failure::new(Outcome::BadResponse) };
        self.failed(position, failure, elapsed);
    }

    pub(crate) fn failed(&mut self, position: u8, failure: Failure, elapsed: Duration) {
        self.set(position, failure.never_granted(), elapsed);
    }

    fn set(&mut self, position: u8, failure: Failure, elapsed: Duration) {
        if let Some(row) = self.0.iter_mut().find(|row| row.position == position) {
            row.outcome = failure.outcome;
            row.code = failure.code;
            row.service = failure.service;
            row.elapsed = Some(elapsed);
        }
    }

    pub(crate) fn into_report(self) -> Report {
        Report { keys: self.0 }
    }

    pub(crate) fn all_granted(self, otherwise: Code) -> Result<(), Error> {
        let report = self.into_report();
        let granted = report.count(Outcome::Granted);
        if granted == report.keys.len() {
            return Ok(());
        }
        let fault = Fault::number(otherwise, "keys", "all of them", granted as u64);
        Err(Error::with_report(fault, report))
    }
}
