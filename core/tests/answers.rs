//! What keys answer: lies, errors and silence, in any order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::cms::ciphertext_for_recipient;
use common::kms::{
    Counted, MemoryKms, answer_all, answer_of, arn, decrypt_all, measured, parameters, policy, sealed,
    wrap_all,
};
use pcrseal_core::crypto::{Backend, aws_lc};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::Wrapping;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::{Failure, Outcome};
use pcrseal_core::seal::{HostVouchesForSecret, Plan, WrapAnswer};
use pcrseal_core::secret::Secret;
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
        assert!(session.is_ready());
        let (opened, report) = session.finish();
        assert_eq!(opened.unwrap().secret().len(), 32);
        for row in &report.keys {
            let granted = order.contains(&row.position);
            assert_eq!(row.outcome, if granted { Outcome::Granted } else { Outcome::NotNeeded });
            assert_eq!(row.elapsed, granted.then_some(Duration::from_millis(7)));
        }
    }
}

/// A lie about key 1: its `KeyId`, its `CiphertextForRecipient`, and whether a plaintext came with it.
type Lie = fn(&[u8], &[(String, Vec<u8>)]) -> (String, Option<Vec<u8>>, bool);

const LIES: [(Code, Lie); 9] = [
    (Code::AnswerPlaintext, |_, truth| (truth[0].0.clone(), Some(truth[0].1.clone()), true)),
    (Code::AnswerPlaintext, |_, truth| (truth[0].0.clone(), None, true)),
    (Code::AnswerMissing, |_, truth| (truth[0].0.clone(), None, false)),
    (Code::AnswerKeyId, |_, truth| (truth[1].0.clone(), Some(truth[0].1.clone()), false)),
    (Code::AnswerKeyId, |_, truth| (arn(0).key_id().to_owned(), Some(truth[0].1.clone()), false)),
    (Code::ShareRejected, |_, truth| (truth[0].0.clone(), Some(truth[1].1.clone()), false)),
    (Code::ShareRejected, |own, truth| {
        (truth[0].0.clone(), Some(ciphertext_for_recipient(own, &[7; 32])), false)
    }),
    (Code::ShareRejected, |own, truth| {
        (truth[0].0.clone(), Some(ciphertext_for_recipient(own, &[7; 31])), false)
    }),
    (Code::CmsForeignRecipient, |_, truth| {
        let stranger = ciphertext_for_recipient(recipient().public_key_der(), &[7; 32]);
        (truth[0].0.clone(), Some(stranger), false)
    }),
];

#[test]
fn every_lie_is_a_bad_response_and_the_others_finish_the_job() {
    for (number, (code, lie)) in LIES.into_iter().enumerate() {
        let (mut session, truth) = session();
        let (key_id, ciphertext, plaintext_present) = lie(session.recipient_public_key(), &truth);
        let answer = DecryptAnswer {
            key_id: &key_id,
            ciphertext_for_recipient: ciphertext.as_deref(),
            plaintext_present,
        };
        let refusal = session.answer_from_authenticated_kms(1, &answer, None);
        assert_eq!(refused(refusal), code, "lie {number}");
        for position in 2..=4 {
            let (key_id, ciphertext) = &truth[usize::from(position) - 1];
            session.answer_from_authenticated_kms(position, &answer_of(key_id, ciphertext), None).unwrap();
        }
        let (opened, report) = session.finish();
        opened.unwrap();
        assert_eq!((report.keys[0].outcome, report.keys[0].code), (Outcome::BadResponse, Some(code)));
    }
}

/// One key for many recipients.
struct Shared(std::sync::Arc<Box<dyn pcrseal_core::crypto::RsaKey>>);
impl pcrseal_core::crypto::RsaKey for Shared {
    fn public_key_der(&self) -> &[u8] {
        self.0.public_key_der()
    }
    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        self.0.decrypt_oaep_sha256(ciphertext)
    }
}

#[test]
fn an_answer_cut_or_altered_anywhere_never_counts_as_a_share() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let (blob, _) = sealed(&policy, &measured, &kms, LC);
    // One key for all of them: what is tested is the reading, and a key takes long to make.
    let key = std::sync::Arc::new(LC.rsa.generate().unwrap());
    let begin = || {
        let recipient = Recipient::from_key(Box::new(Shared(key.clone())));
        unseal::Plan::new(&blob, &policy, &measured, b"").unwrap().begin(recipient)
    };
    let (_, truth) = decrypt_all(&begin(), &kms).swap_remove(0);
    let (key_id, ciphertext) = truth.unwrap();
    let try_with =
        |ciphertext: &[u8]| begin().answer_from_authenticated_kms(1, &answer_of(&key_id, ciphertext), None);
    try_with(&ciphertext).unwrap();
    // Behind the recipient's key all faults are one, whichever of decryption, padding and tag it was.
    let is_mute = |result| {
        let code = refused(result);
        assert!(code == Code::ShareRejected || (1401..1500).contains(&code.number()), "{code}");
        code == Code::ShareRejected
    };
    for length in 0..ciphertext.len() {
        is_mute(try_with(&ciphertext[..length]));
    }
    let mut mute = 0;
    for position in 0..ciphertext.len() {
        let mut altered = ciphertext.clone();
        altered[position] ^= 1;
        mute += usize::from(is_mute(try_with(&altered)));
    }
    assert!(mute >= 256, "all of the encrypted key");
}

#[test]
fn failures_are_reported_row_by_row() {
    let (mut session, truth) = session();
    session.failed(1, Failure::new(Outcome::KeyDisabled), None).unwrap();
    session.failed(2, Failure::new(Outcome::Unreachable), None).unwrap();
    assert_eq!(refused(session.failed(1, Failure::new(Outcome::Timeout), None)), Code::AlreadyAnswered);
    let (key_id, ciphertext) = &truth[2];
    session.answer_from_authenticated_kms(3, &answer_of(key_id, ciphertext), None).unwrap();
    session.failed(4, Failure::new(Outcome::Throttled), None).unwrap();
    assert!(!session.is_ready());
    let (opened, report) = session.finish();
    assert_eq!(opened.unwrap_err().code(), Code::QuorumNotReached);
    let outcomes: Vec<&str> = report.keys.iter().map(|row| row.outcome.name()).collect();
    assert_eq!(outcomes, ["key_disabled", "unreachable", "granted", "throttled", "timeout"]);
}

#[test]
fn a_failure_is_never_reported_as_a_grant() {
    let (mut session, _) = session();
    session.failed(1, Failure::new(Outcome::Granted), None).unwrap();
    let (opened, report) = session.finish();
    assert_eq!(opened.unwrap_err().code(), Code::QuorumNotReached);
    assert_eq!(report.keys[0].outcome, Outcome::BadResponse);
    assert_eq!(report.count(Outcome::Granted), 0);
}

#[test]
fn positions_that_do_not_exist() {
    let (mut session, truth) = session();
    let answer = answer_of(&truth[0].0, &truth[0].1);
    for position in [0, 6, 255] {
        assert_eq!(
            refused(session.answer_from_authenticated_kms(position, &answer, None)),
            Code::UnknownShare
        );
        assert_eq!(
            refused(session.failed(position, Failure::new(Outcome::Timeout), None)),
            Code::UnknownShare
        );
    }
}

#[test]
fn outcome_names_are_stable() {
    let names: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
    assert_eq!(
        names,
        [
            "granted",
            "attestation_rejected",
            "access_denied",
            "key_disabled",
            "key_pending_deletion",
            "throttled",
            "timeout",
            "unreachable",
            "bad_response",
            "not_needed",
        ]
    );
}

#[test]
fn a_seal_needs_every_key_and_takes_no_lie() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let plan = || Plan::generate(&parameters(&policy, &measured), 32, LC).unwrap();
    let key = std::sync::Arc::new(LC.rsa.generate().unwrap());
    let begin = || plan().begin(Recipient::from_key(Box::new(Shared(key.clone())))).unwrap();
    let own = begin().recipient_public_key().to_vec();
    let (key_id, other_id) = (arn(0).to_string(), arn(1).to_string());
    let cms = ciphertext_for_recipient(&own, &[7; 32]);
    let short = ciphertext_for_recipient(&own, &[7; 16]);
    let stranger = ciphertext_for_recipient(recipient().public_key_der(), &[7; 32]);
    let good = WrapAnswer {
        key_id: &key_id,
        ciphertext_blob: b"blob",
        ciphertext_for_recipient: Some(&cms),
        plaintext_present: false,
    };
    let too_long = [0; 6145];
    for (code, lie) in [
        (Code::AnswerPlaintext, WrapAnswer { plaintext_present: true, ..good }),
        (Code::AnswerKeyId, WrapAnswer { key_id: &other_id, ..good }),
        (Code::AnswerMissing, WrapAnswer { ciphertext_for_recipient: None, ..good }),
        (Code::AnswerLength, WrapAnswer { ciphertext_blob: b"", ..good }),
        (Code::AnswerLength, WrapAnswer { ciphertext_blob: &too_long, ..good }),
        (Code::Rejected, WrapAnswer { ciphertext_for_recipient: Some(&short), ..good }),
        (Code::CmsForeignRecipient, WrapAnswer { ciphertext_for_recipient: Some(&stranger), ..good }),
    ] {
        let mut session = begin();
        assert_eq!(refused(session.answer_from_authenticated_kms(1, &lie)), code);
        // An answer is final, so that nobody tries a recipient key many times.
        assert_eq!(refused(session.answer_from_authenticated_kms(1, &good)), Code::AlreadyAnswered);
    }
    let mut session = begin();
    assert_eq!(refused(session.answer_from_authenticated_kms(6, &good)), Code::UnknownShare);
    session.answer_from_authenticated_kms(1, &good).unwrap();
    assert_eq!(refused(session.answer_from_authenticated_kms(1, &good)), Code::AlreadyAnswered);
    assert_eq!(session.finish().unwrap_err().code(), Code::SealIncomplete);

    let mut session = plan().begin(recipient()).unwrap();
    wrap_all(&mut session, &kms, LC);
    session.finish().unwrap();
}

#[test]
fn a_blob_is_not_handed_out_before_it_opened_to_what_was_sealed() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let (_, another) = sealed(&policy, &measured, &kms, LC);
    let plan = Plan::generate(&parameters(&policy, &measured), 32, LC).unwrap();
    let mut session = plan.begin(recipient()).unwrap();
    wrap_all(&mut session, &kms, LC);
    assert_eq!(session.finish().unwrap().prove(another).unwrap_err().code(), Code::Unproven);
}

#[test]
fn the_old_blob_does_not_prove_the_new_one() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let (_, old) = sealed(&policy, &measured, &kms, LC);
    // The secret is the same; it came out of another seal.
    let plan = Plan::reseal(&parameters(&policy, &measured), &old, None, LC).unwrap();
    let mut session = plan.begin(recipient()).unwrap();
    wrap_all(&mut session, &kms, LC);
    assert_eq!(session.finish().unwrap().prove(old).unwrap_err().code(), Code::Unproven);
}

#[test]
fn another_secret_under_the_same_header_proves_nothing() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    // Two sources that give the same bytes: the seal ids are equal, the secrets are not.
    let unproven = |secret: &[u8]| {
        let random: &'static Counted = Box::leak(Box::default());
        let backend = Backend { random, ..aws_lc::BACKEND };
        let secret = Secret::copy_from(secret);
        let plan = Plan::import(&parameters(&policy, &measured), secret, HostVouchesForSecret, &backend);
        let mut session = plan.unwrap().begin(recipient()).unwrap();
        wrap_all(&mut session, &kms, LC);
        session.finish().unwrap()
    };
    let (one, two) = (unproven(b"one"), unproven(b"two"));
    let opened = answer_all(two.plan(&policy, &measured).unwrap(), &kms, LC).0.unwrap();
    assert_eq!(one.prove(opened).unwrap_err().code(), Code::Unproven);
}

#[test]
fn a_proof_takes_the_share_of_every_key() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let plan = Plan::generate(&parameters(&policy, &measured), 32, LC).unwrap();
    let mut session = plan.begin(recipient()).unwrap();
    wrap_all(&mut session, &kms, LC);
    let unproven = session.finish().unwrap();
    let mut proof = unproven.plan(&policy, &measured).unwrap().begin(recipient());
    for (position, answer) in decrypt_all(&proof, &kms) {
        assert!(!proof.is_ready());
        let (key_id, ciphertext) = answer.unwrap();
        proof.answer_from_authenticated_kms(position, &answer_of(&key_id, &ciphertext), None).unwrap();
    }
    let (opened, report) = proof.finish();
    assert_eq!(report.count(Outcome::Granted), 5);
    unproven.prove(opened.unwrap()).unwrap();
}
