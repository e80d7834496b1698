//! What is checked of every key before a seal: a blob under an unfit key would open today and not tomorrow, or
//! for somebody else.

use std::ops::ControlFlow;
use std::sync::Arc;

use pcrseal_core::blob::EncryptionContext;
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::{KeyArn, Wrapping};
use pcrseal_core::report::Failure;
use tokio::time::Instant;

use crate::ask::Asked;
use crate::auto_unseal::Rows;
use crate::error::Error;
use crate::kms_client::{AuthenticatedKms, KeyFacts};

/// One key to check.
pub(crate) struct Candidate {
    pub(crate) position: u8,
    pub(crate) key: KeyArn,
    pub(crate) context: EncryptionContext,
}

/// Asks every key what it is, and, under `attested` wrapping, whether it lets these credentials encrypt:
/// whoever may encrypt can forge a blob.
pub(crate) async fn check<K: AuthenticatedKms>(
    kms: &Arc<K>,
    candidates: Vec<Candidate>,
    wrapping: Wrapping,
    deadline: Instant,
) -> Result<(), Error> {
    let mut rows = Rows::new(candidates.iter().map(|candidate| candidate.key.clone()));
    let mut asked = Asked::new();
    for candidate in candidates {
        let kms = Arc::clone(kms);
        asked.ask(candidate.position, async move {
            let may_encrypt = async {
                match wrapping {
                    Wrapping::Attested => kms.may_encrypt(&candidate.key, &candidate.context).await,
                    Wrapping::Encrypt => Ok(false),
                }
            };
            let (facts, may_encrypt) = tokio::join!(kms.describe_key(&candidate.key), may_encrypt);
            if let Err(fault) = fit(&candidate.key, &facts?) {
                return Ok(Err(fault));
            }
            if may_encrypt? {
                let key = &candidate.key;
                return Ok(Err(Fault::text(Code::KeyPermitsEncrypt, "kms:Encrypt", "denied", key)));
            }
            Ok::<_, Failure>(Ok(()))
        });
    }
    let mut unfit = Vec::new();
    asked
        .until(deadline, |position, answer, elapsed| {
            match answer {
                Ok(Ok(())) => rows.granted(position, elapsed),
                Ok(Err(fault)) => {
                    rows.unfit(position, &fault, elapsed);
                    unfit.push((position, fault));
                }
                Err(failure) => rows.failed(position, failure, elapsed),
            }
            ControlFlow::Continue(())
        })
        .await;
    unfit.sort_by_key(|(position, _)| *position);
    match unfit.into_iter().next() {
        Some((_, fault)) => Err(Error::with_report(fault, rows.into_report())),
        None => rows.all_granted(Code::KeyNotChecked),
    }
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
