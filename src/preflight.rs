//! What is checked of every key before a seal: a blob under an unfit key would open today and not tomorrow, or
//! for somebody else.

use std::sync::Arc;

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::{KeyArn, Wrapping};
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::report::Failure;
use tokio::time::Instant;

use crate::ask::{Pace, Requests, Verdict};
use crate::error::Error;
use crate::kms_client::{AuthenticatedKms, KeyFacts};
use crate::observe::Step;
use crate::prepare::WarmUp;
use crate::rows::Rows;

/// One key to check.
pub(crate) struct Candidate {
    pub(crate) position: u8,
    pub(crate) key: KeyArn,
    pub(crate) context: EncryptionContext,
}

/// Asks every key what it is, and, under `attested` wrapping, whether it gives these credentials what a forger
/// needs: a ciphertext of a share key of the forger's choice (Encrypt), or one whose plaintext the forger is told
/// (GenerateDataKey without attestation).
pub(crate) async fn check<K: AuthenticatedKms>(
    kms: &Arc<K>,
    candidates: Vec<Candidate>,
    wrapping: Wrapping,
    measured: &PcrSet,
    warm_up: &mut WarmUp,
    deadline: Instant,
) -> Result<(), Error> {
    let mut rows =
        Rows::new(Step::Preflight, candidates.iter().map(|candidate| candidate.key.clone()), measured);
    let mut requests = Requests::new(Step::Preflight);
    for candidate in candidates {
        let (kms, warm) = (Arc::clone(kms), warm_up.of(&candidate.key));
        requests.add(candidate.position, candidate.key.clone(), async move {
            warm.await;
            judge(&*kms, &candidate, wrapping).await
        });
    }
    let mut unfit = Vec::new();
    let receive = |position, answer: Result<Result<(), Fault>, Failure>, elapsed| {
        match answer {
            Ok(Ok(())) => rows.granted(position, elapsed),
            Ok(Err(fault)) => {
                rows.unfit(position, &fault, elapsed);
                unfit.push((position, fault));
            }
            Err(failure) => rows.failed(position, failure, elapsed),
        }
        Verdict::Good
    };
    requests.make(Pace::AT_ONCE, deadline, receive).await;
    unfit.sort_by_key(|(position, _)| *position);
    match unfit.into_iter().next() {
        Some((_, fault)) => Err(Error::with_report(fault, rows.into_report())),
        None => rows.all_granted(Code::KeyNotChecked),
    }
}

/// The inner result is the verdict on a key that answered all questions.
async fn judge<K: AuthenticatedKms>(
    kms: &K,
    candidate: &Candidate,
    wrapping: Wrapping,
) -> Result<Result<(), Fault>, Failure> {
    let Candidate { key, context, .. } = candidate;
    let forgeable = async {
        match wrapping {
            Wrapping::Attested => {
                tokio::try_join!(kms.may_encrypt(key, context), kms.may_generate_data_key(key, context))
            }
            Wrapping::Encrypt => Ok((false, false)),
        }
    };
    let (facts, forgeable) = tokio::join!(kms.describe_key(key), forgeable);
    if let Err(fault) = fit(key, &facts?) {
        return Ok(Err(fault));
    }
    Ok(match forgeable? {
        (true, _) => Err(Fault::text(Code::KeyPermitsEncrypt, "kms:Encrypt", "denied", key)),
        (_, true) => {
            let what = "kms:GenerateDataKey without attestation";
            Err(Fault::text(Code::KeyPermitsGenerateDataKey, what, "denied", key))
        }
        (false, false) => Ok(()),
    })
}

fn fit(key: &KeyArn, facts: &KeyFacts) -> Result<(), Fault> {
    let demand = |what, expected: &str, found: &str| {
        if expected == found {
            Ok(())
        } else {
            let found = format!("{found} ({key})");
            Err(Fault::text(Code::KeyUnfit, what, expected, found))
        }
    };
    demand("Arn", key.as_str(), &facts.arn)?;
    demand("KeyState", "Enabled", &facts.key_state)?;
    demand("KeySpec", "SYMMETRIC_DEFAULT", &facts.key_spec)?;
    demand("KeyUsage", "ENCRYPT_DECRYPT", &facts.key_usage)?;
    demand("Origin", "AWS_KMS", &facts.origin)?;
    // A quorum names a multi-Region key by opt-in alone; what KMS says must agree with the name.
    demand("MultiRegion", &key.is_multi_region().to_string(), &facts.multi_region.to_string())
}
