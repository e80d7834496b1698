//! Sealing: every key is checked, every key wraps its share, and the new blob is opened once before anybody gets
//! it.

use std::sync::Arc;

use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::report::Report;
use pcrseal_core::seal::{HostVouchesForSecret, Plan, SealParameters, Session, WrapAnswer, WrapOperation};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal::Opened;
use tokio::time::Instant;

use crate::ask::{Pace, Requests, Verdict};
use crate::auto_unseal::AutoUnseal;
use crate::error::Error;
use crate::kms_client::{AuthenticatedKms, DataKey};
use crate::observe::{self, Step};
use crate::preflight::{self, Candidate};
use crate::prepare::WarmUp;
use crate::rows::Rows;

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
    /// Seals a new secret of `secret_len` bytes (1..65536) from the enclave's own generator.
    /// `further_bindings` are the PCRs of other images that shall open the blob too.
    ///
    /// # Errors
    /// What [`Plan::generate`] answers; [`Code::KeyUnfit`], [`Code::KeyPermitsEncrypt`],
    /// [`Code::KeyPermitsGenerateDataKey`], [`Code::KeyNotChecked`]; [`Code::SealIncomplete`] with the report;
    /// those of [`AutoUnseal::unseal`] when the new blob does not open.
    pub async fn seal_generated(
        &self,
        secret_len: usize,
        further_bindings: &[PcrSet],
    ) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| Plan::generate(parameters, secret_len, &self.backend)).await
    }

    /// Seals an opened secret again, one generation on.
    ///
    /// # Errors
    /// What [`Plan::reseal`] answers ([`AutoUnseal::with_vouched_reseal`] vouches), and as
    /// [`AutoUnseal::seal_generated`].
    pub async fn reseal(&self, opened: &Opened, further_bindings: &[PcrSet]) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| {
            Plan::reseal(parameters, opened, self.vouched, &self.backend)
        })
        .await
    }

    /// Seals a secret from outside, which the caller vouches for by name.
    ///
    /// # Errors
    /// What [`Plan::import`] answers, and as [`AutoUnseal::seal_generated`].
    pub async fn import(
        &self,
        secret: Secret,
        vouched: HostVouchesForSecret,
        further_bindings: &[PcrSet],
    ) -> Result<Sealed, Error> {
        self.seal(further_bindings, |parameters| Plan::import(parameters, secret, vouched, &self.backend))
            .await
    }

    async fn seal(
        &self,
        further_bindings: &[PcrSet],
        plan: impl FnOnce(&SealParameters<'_>) -> Result<Plan, Fault> + Send,
    ) -> Result<Sealed, Error> {
        let start = Instant::now();
        let result = self.wrap_and_prove(further_bindings, plan, start + self.deadline).await;
        observe::sealed(result.as_ref().map(|sealed| sealed.opened.header()), start.elapsed());
        result
    }

    async fn wrap_and_prove(
        &self,
        further_bindings: &[PcrSet],
        plan: impl FnOnce(&SealParameters<'_>) -> Result<Plan, Fault> + Send,
        deadline: Instant,
    ) -> Result<Sealed, Error> {
        let measured = self.measured(deadline).await?;
        let plan = plan(&SealParameters {
            policy: &self.policy,
            measured: &measured,
            further_bindings,
            external_aad: &self.external_aad,
        })?;
        let mut warm_up = WarmUp::start(&self.kms, plan.keys());
        let mut session = plan.begin(self.recipient(deadline).await?)?;
        let candidates = session.requests().map(|request| Candidate {
            position: request.position,
            key: request.key.clone(),
            context: request.encryption_context,
        });
        let wrapping = session.header().wrapping;
        preflight::check(&self.kms, candidates.collect(), wrapping, &measured, &mut warm_up, deadline)
            .await?;
        let document = self.attest(session.recipient_public_key(), deadline).await?;
        self.wrap_all(&mut session, &document, &measured, deadline).await?;

        let unproven = session.finish()?;
        // Every key has just answered: the connections are there.
        let (plan, recipient) = (unproven.plan(&self.policy, &measured)?, self.recipient(deadline).await?);
        let proof = self.open(plan, recipient, WarmUp::default(), deadline).await?;
        let (blob, opened) = unproven.prove(proof.opened)?;
        observe::proved(opened.header());
        Ok(Sealed { blob, opened, report: proof.report })
    }

    async fn wrap_all(
        &self,
        session: &mut Session,
        document: &Arc<[u8]>,
        measured: &PcrSet,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut rows = Rows::new(Step::Wrap, session.requests().map(|request| request.key.clone()), measured);
        let mut requests = Requests::new(Step::Wrap);
        for request in session.requests() {
            let (kms, document) = (Arc::clone(&self.kms), Arc::clone(document));
            let (key, context) = (request.key.clone(), request.encryption_context);
            let plaintext = match request.operation {
                WrapOperation::GenerateDataKey => None,
                WrapOperation::Encrypt { plaintext } => Some(Secret::copy_from(plaintext)),
            };
            requests.add(request.position, request.key.clone(), async move {
                match plaintext {
                    None => kms.generate_data_key(&key, &context, &document).await,
                    Some(plaintext) => kms.encrypt(&key, &plaintext, &context).await,
                }
            });
        }
        let receive = |position, answer: Result<DataKey, _>, elapsed| {
            match answer.map(|answer| take(session, position, &answer)) {
                Ok(Ok(())) => rows.granted(position, elapsed),
                Ok(Err(fault)) => rows.unfit(position, &fault, elapsed),
                Err(failure) => rows.failed(position, failure, elapsed),
            }
            Verdict::Good
        };
        requests.make(Pace::AT_ONCE, deadline, receive).await;
        rows.all_granted(Code::SealIncomplete)
    }
}

fn take(session: &mut Session, position: u8, answer: &DataKey) -> Result<(), Fault> {
    let answer = WrapAnswer {
        key_id: &answer.key_id,
        ciphertext_blob: &answer.ciphertext_blob,
        ciphertext_for_recipient: answer.ciphertext_for_recipient.as_deref(),
        plaintext_present: answer.plaintext_present,
    };
    session.answer_from_authenticated_kms(position, &answer)
}
