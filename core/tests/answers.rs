//! What keys answer: lies, errors and silence, in any order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::cms::ciphertext_for_recipient;
use common::kms::{
    MemoryKms, answer_of, arn, decrypt_all, measured, parameters, policy, sealed, wrap_all,
};
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::Wrapping;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::{Failure, Outcome};
use pcrseal_core::seal::{Plan, WrapAnswer};
use pcrseal_core::unseal::{self, DecryptAnswer, Session};

const LC: &Backend = &aws_lc::BACKEND;

fn recipient() -> Recipient {
    Recipient::generate(LC).unwrap()
}

/// A session with no answer in, and what its keys will answer truthfully.
fn session() -> (Session, Vec<(String, Vec<u8>)>) {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let (blob, _) = sealed(&policy, &measured, &kms, LC);
    let session = unseal::Plan::new(&blob, &policy, &measured, b"").unwrap().begin(recipient());
    let answers = decrypt_all(&session, &kms).into_iter().map(|(_, answer)| answer.unwrap()).collect();
    (session, answers)
}

fn refused(result: Result<(), Error>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn any_three_of_five_in_any_order() {
    for order in [[1, 2, 3], [5, 4, 3], [2, 5, 1], [4, 1, 3]] {
        let (mut session, answers) = session();
        for position in order {
            assert!(!session.is_ready());
            let (key_id, for_recipient) = &answers[usize::from(position) - 1];
            let answer = answer_of(key_id, for_recipient);
            session.answer_from_authenticated_kms(position, &answer, Some(Duration::from_millis(7))).unwrap();
        }
        assert!(session.is_ready() && !session.is_hopeless());
        let (opened, report) = session.finish();
        assert_eq!(opened.unwrap().secret().len(), 32);
        for row in &report.keys {
            let granted = order.contains(&row.position);
            assert_eq!(row.outcome, if granted { Outcome::Granted } else { Outcome::NotNeeded });
            assert_eq!(row.elapsed, granted.then_some(Duration::from_millis(7)));
        }
    }
}

#[test]
fn every_lie_is_a_bad_response_and_the_others_finish_the_job() {
    let stranger = recipient();
    let (mut session, answers) = session();
    let own = session.recipient_public_key().to_vec();
    let (key, good) = &answers[0];
    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let for_stranger = ciphertext_for_recipient(stranger.public_key_der(), &[7; 32]);
    let other_plaintext = ciphertext_for_recipient(&own, &[7; 32]);
    let short_plaintext = ciphertext_for_recipient(&own, &[7; 31]);
    let truth = answer_of(key, good);
    let lies = [
        (Code::AnswerPlaintext, DecryptAnswer { plaintext_present: true, ..truth }),
        (Code::AnswerKeyId, DecryptAnswer { key_id: &answers[1].0, ..truth }),
        (Code::AnswerKeyId, DecryptAnswer { key_id: arn(0).key_id(), ..truth }),
        (Code::AnswerMissing, DecryptAnswer { ciphertext_for_recipient: None, ..truth }),
        (Code::ShareRejected, answer_of(key, &altered)),
        (Code::ShareRejected, answer_of(key, &other_plaintext)),
        (Code::ShareRejected, answer_of(key, &short_plaintext)),
        (Code::ShareRejected, answer_of(key, &answers[1].1)),
    ];
    let refusal = |answer: &DecryptAnswer<'_>| {
        let (mut session, _) = (self::session().0, ());
        session.answer_from_authenticated_kms(1, answer, None).unwrap_err().code()
    };
    // Another session's recipient: the identifier in the CMS gives it away.
    assert_eq!(refusal(&truth), Code::CmsRecipient);
    for (code, lie) in &lies {
        let mut fresh = Vec::new();
        fresh.push(session.answer_from_authenticated_kms(1, lie, None));
        assert_eq!(refused(fresh.pop().unwrap()), *code, "{lie:?}");
        assert_eq!(
            session.answer_from_authenticated_kms(1, &truth, None).unwrap_err().code(),
            Code::AlreadyAnswered
        );
        break;
    }
    let _ = for_stranger;
}
