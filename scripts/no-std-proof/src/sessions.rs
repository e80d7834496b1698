//! The sessions, driven to the end.

use alloc::string::ToString;
use alloc::vec::Vec;

use pcrseal_core::blob::rebind::{add_binding, drop_binding};
use pcrseal_core::crypto::rustcrypto::BACKEND;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy};
use pcrseal_core::recipient::Recipient;
use pcrseal_core::seal::{self, SealParameters, WrapAnswer};
use pcrseal_core::unseal::{self, DecryptAnswer, Opened};

use crate::kms::ciphertext_for_recipient;

pub(crate) fn seal_rebind_unseal() -> Result<(), Error> {
    let policy = policy()?;
    let (old, new) = (image(1), image(2));
    let (blob, sealed) = seal(&policy, &old)?;
    let blob = add_binding(&blob, &new, &policy, BACKEND.random)?;
    let blob = drop_binding(&blob, &old)?;
    if unseal::Plan::new(&blob, &policy, &old, b"").map_err(|error| error.code()).err()
        != Some(Code::PcrDrift)
    {
        return Err(Code::PcrDrift.into());
    }
    let opened = unseal(unseal::Plan::new(&blob, &policy, &new, b"")?)?;
    if !opened.secret().ct_eq(sealed.secret().expose()) {
        return Err(Code::Unproven.into());
    }
    Ok(())
}

fn policy() -> Result<TrustPolicy, Error> {
    let keys = (1..=5)
        .map(|x| KeyArn::new(&alloc::format!("arn:aws:kms:eu-central-{x}:111122223333:key/{x}")))
        .collect::<Result<Vec<_>, _>>()?;
    TrustPolicy::builder(ClusterId::new("no-std")?)
        .seal_quorum(Quorum::new(3, keys, Wrapping::Attested)?)
        .build()
}

fn image(release: u8) -> PcrSet {
    PcrSelection::IMAGE.iter().map(|index| (index, Pcr::new([release; 48]))).collect()
}

/// The KMS of this proof keeps nothing: the `CiphertextBlob` is the share key itself.
fn seal(policy: &TrustPolicy, measured: &PcrSet) -> Result<(Vec<u8>, Opened), Error> {
    let parameters = SealParameters { policy, measured, further_bindings: &[], external_aad: b"" };
    let plan = seal::Plan::generate(&parameters, 32, &BACKEND)?;
    let mut session = plan.begin(Recipient::generate(&BACKEND)?)?;
    let public_key = session.recipient_public_key().to_vec();
    let keys: Vec<_> =
        session.requests().map(|request| (request.position, request.key.to_string())).collect();
    for (position, key_id) in &keys {
        let mut share_key = [0; 32];
        BACKEND.random.fill(&mut share_key)?;
        let for_recipient = ciphertext_for_recipient(&public_key, &share_key, BACKEND.random)?;
        let answer = WrapAnswer {
            key_id,
            ciphertext_blob: &share_key,
            ciphertext_for_recipient: Some(&for_recipient),
            plaintext_present: false,
        };
        session.answer_from_authenticated_kms(*position, &answer)?;
    }
    let unproven = session.finish()?;
    let opened = unseal(unproven.plan(policy, measured)?)?;
    unproven.prove(opened)
}

fn unseal(plan: unseal::Plan) -> Result<Opened, Error> {
    let mut session = plan.begin(Recipient::generate(&BACKEND)?);
    let public_key = session.recipient_public_key().to_vec();
    let requests: Vec<_> = session
        .requests()
        .map(|request| (request.position, request.key.to_string(), request.ciphertext_blob.to_vec()))
        .collect();
    for (position, key_id, ciphertext_blob) in &requests {
        let share_key = ciphertext_blob.as_slice().try_into().map_err(|_| Code::AnswerLength)?;
        let for_recipient = ciphertext_for_recipient(&public_key, share_key, BACKEND.random)?;
        let answer = DecryptAnswer {
            key_id,
            ciphertext_for_recipient: Some(&for_recipient),
            plaintext_present: false,
        };
        session.answer_from_authenticated_kms(*position, &answer, None)?;
    }
    session.finish().0
}
