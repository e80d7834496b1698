//! What an enclave accepts: each way in which a blob can differ from what is trusted has its own code, and
//! all but the answers' are found before any request is made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::forge::Forge;
use common::kms::{
    MemoryKms, answer_all, arn, measured, parameters, pcr, policy, policy_builder, quorum, seal, sealed,
};
use pcrseal_core::crypto::{Backend, aws_lc, rustcrypto};
use pcrseal_core::error::{Code, Detail};
use pcrseal_core::names::{ClusterId, KeyArn, SealId, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};
use pcrseal_core::policy::{Quorum, QuorumOptIns, TrustPolicy};
use pcrseal_core::report::Outcome;
use pcrseal_core::seal::{HostVouchesForSecret, Plan, SealParameters};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal;

const LC: &Backend = &aws_lc::BACKEND;

/// A blob of a 3-of-5 seal, and the KMS that opens it.
fn world(wrapping: Wrapping) -> (Vec<u8>, MemoryKms, TrustPolicy, PcrSet) {
    let (kms, policy, measured) = (MemoryKms::default(), policy(wrapping), measured(1));
    let (blob, _) = sealed(&policy, &measured, &kms, LC);
    (blob, kms, policy, measured)
}

fn refused(blob: &[u8], policy: &TrustPolicy) -> Code {
    unseal::Plan::new(blob, policy, &measured(1), b"").unwrap_err().code()
}

/// The code that a blob is refused with after its adversary changed what is inside.
fn forged(change: impl FnOnce(&mut Forge)) -> Code {
    let (blob, _, policy, _) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    change(&mut forge);
    refused(&forge.close(), &policy)
}

#[test]
fn what_one_backend_seals_the_other_unseals() {
    for sealer in [aws_lc::BACKEND, rustcrypto::BACKEND] {
        for unsealer in [aws_lc::BACKEND, rustcrypto::BACKEND] {
            for wrapping in [Wrapping::Attested, Wrapping::Encrypt] {
                let (kms, policy, measured) = (MemoryKms::default(), policy(wrapping), measured(1));
                let (blob, made) = sealed(&policy, &measured, &kms, &sealer);
                let plan = unseal::Plan::new(&blob, &policy, &measured, b"").unwrap();
                let (opened, report) = answer_all(plan, &kms, &unsealer);
                assert!(opened.unwrap().secret().ct_eq(made.secret().expose()));
                assert_eq!(report.count(Outcome::Granted), 3);
                assert_eq!(report.count(Outcome::NotNeeded), 2);
            }
        }
    }
}

#[test]
fn an_independent_reader_and_writer_agree_with_the_format() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let closed = Forge::open(&blob, b"").close();
    let (opened, _) = answer_all(unseal::Plan::new(&closed, &policy, &measured, b"").unwrap(), &kms, LC);
    opened.unwrap();
}

#[test]
fn drift_names_every_pcr_that_differs() {
    let (blob, _, policy, mut measured) = world(Wrapping::Attested);
    measured.insert(pcr(1), Pcr::new([0xee; 48]));
    measured.insert(pcr(9), Pcr::new([0xee; 48])); // not bound, so not drift
    let error = unseal::Plan::new(&blob, &policy, &measured, b"").unwrap_err();
    assert_eq!(error.code(), Code::PcrDrift);
    let Detail::Pcrs(drift) = error.detail() else { panic!("{error:?}") };
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0].index, pcr(1));
    assert_eq!(drift[0].expected, Pcr::new([2; 48]));
    assert_eq!(drift[0].measured, Some(Pcr::new([0xee; 48])));
}

#[test]
fn required_pcrs_must_be_measured() {
    let (blob, _, policy, measured) = world(Wrapping::Attested);
    let partial = measured.iter().filter(|(index, _)| *index != pcr(2)).map(|(i, v)| (i, *v)).collect();
    let error = unseal::Plan::new(&blob, &policy, &partial, b"").unwrap_err();
    assert_eq!(error.code(), Code::PcrMissing);
}

#[test]
fn debug_mode_cannot_be_judged_without_pcr0_to_pcr2() {
    let only_8 = PcrSelection::EMPTY.with(pcr(8));
    let builder = || policy_builder().seal_quorum(quorum(3, 5, Wrapping::Attested)).required_pcrs(only_8);
    let (strict, lax) = (builder().build().unwrap(), builder().allow_debug_mode().build().unwrap());
    let measured = measured(1).select(only_8).unwrap();
    let code = |policy| Plan::generate(&parameters(policy, &measured), 32, LC).map_err(|error| error.code());
    assert_eq!(code(&strict).unwrap_err(), Code::PcrMissing);
    code(&lax).unwrap();
}

#[test]
fn a_binding_on_too_few_pcrs() {
    assert_eq!(forged(|forge| drop(forge.bindings[0].remove(&2))), Code::BindingTooWeak);
}

#[test]
fn a_weak_binding_beside_a_strong_one_is_never_used() {
    let (blob, _, policy, _) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    let mut weak = forge.bindings[0].clone();
    weak.remove(&2);
    forge.bindings.insert(0, weak);
    let mut drifted = measured(1);
    drifted.insert(pcr(2), Pcr::new([0xee; 48]));
    let error = unseal::Plan::new(&forge.close(), &policy, &drifted, b"").unwrap_err();
    assert_eq!(error.code(), Code::PcrDrift);
    unseal::Plan::new(&forge.close(), &policy, &measured(1), b"").unwrap();
}

#[test]
fn more_required_pcrs_than_the_binding_covers() {
    let (blob, ..) = world(Wrapping::Attested);
    let policy = policy_builder()
        .seal_quorum(quorum(3, 5, Wrapping::Attested))
        .required_pcrs(PcrSelection::IMAGE.with(pcr(8)))
        .build()
        .unwrap();
    assert_eq!(refused(&blob, &policy), Code::BindingTooWeak);
}

#[test]
fn debug_mode_is_refused_at_both_ends_unless_allowed_by_name() {
    let mut debug = measured(1);
    for index in 0..3 {
        debug.insert(pcr(index), Pcr::ZERO);
    }
    let strict = policy(Wrapping::Attested);
    let lax =
        policy_builder().seal_quorum(quorum(3, 5, Wrapping::Attested)).allow_debug_mode().build().unwrap();
    let error = Plan::generate(&parameters(&strict, &debug), 32, LC).unwrap_err();
    assert_eq!(error.code(), Code::DebugMode);
    let kms = MemoryKms::default();
    let (blob, _) = sealed(&lax, &debug, &kms, LC);
    assert_eq!(unseal::Plan::new(&blob, &strict, &debug, b"").unwrap_err().code(), Code::DebugMode);
    unseal::Plan::new(&blob, &lax, &debug, b"").unwrap();
}

#[test]
fn another_cluster() {
    assert_eq!(forged(|forge| forge.cluster.push('x')), Code::ClusterMismatch);
}

#[test]
fn a_generation_below_the_minimum() {
    let (blob, ..) = world(Wrapping::Attested);
    let quorum = quorum(3, 5, Wrapping::Attested);
    let policy = policy_builder().seal_quorum(quorum).minimum_generation(2).build().unwrap();
    assert_eq!(refused(&blob, &policy), Code::GenerationTooOld);
}

#[test]
fn another_generation_than_the_sealed_one_opens_no_share() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    forge.generation = 7;
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"").unwrap();
    let (opened, report) = answer_all(plan, &kms, LC);
    assert_eq!(opened.unwrap_err().code(), Code::QuorumNotReached);
    assert_eq!(report.count(Outcome::Granted), 0);
}

#[test]
fn another_seal_than_the_pinned_one() {
    let (blob, ..) = world(Wrapping::Attested);
    let quorum = quorum(3, 5, Wrapping::Attested);
    let pinned = policy_builder().unseal_quorum(quorum.clone()).pin_seal_id(SealId::new([9; 16]));
    assert_eq!(refused(&blob, &pinned.build().unwrap()), Code::SealIdMismatch);
    let seal_id = SealId::new(Forge::open(&blob, b"").seal_id.try_into().unwrap());
    let pinned = policy_builder().unseal_quorum(quorum).pin_seal_id(seal_id).build().unwrap();
    unseal::Plan::new(&blob, &pinned, &measured(1), b"").unwrap();
}

#[test]
fn another_wrapping() {
    assert_eq!(forged(|forge| "encrypt".clone_into(&mut forge.wrapping)), Code::WrappingMismatch);
}

#[test]
fn another_threshold() {
    assert_eq!(forged(|forge| forge.threshold = 2), Code::ThresholdMismatch);
}

#[test]
fn a_foreign_key() {
    let foreign = "arn:aws:kms:eu-central-1:999999999999:key/99999999-aaaa".to_owned();
    assert_eq!(forged(|forge| forge.shares[4].0 = foreign), Code::KeyNotTrusted);
}

#[test]
fn a_trusted_key_in_another_region_is_foreign() {
    assert_eq!(
        forged(|forge| forge.shares[0].0 = forge.shares[0].0.replace("eu-central-1", "eu-central-2")),
        Code::KeyNotTrusted
    );
}

#[test]
fn a_repeated_key() {
    assert_eq!(forged(|forge| forge.shares[4].0 = forge.shares[3].0.clone()), Code::KeyRepeated);
}

#[test]
fn another_order_of_keys() {
    assert_eq!(forged(|forge| forge.shares.swap(0, 1)), Code::KeyOrder);
}

#[test]
fn a_key_left_out() {
    assert_eq!(forged(|forge| drop(forge.shares.pop())), Code::KeyCount);
}

#[test]
fn not_an_arn() {
    assert_eq!(forged(|forge| "alias/a".clone_into(&mut forge.shares[0].0)), Code::KeyArn);
}

#[test]
fn another_version() {
    assert_eq!(forged(|forge| forge.version = 2), Code::BlobVersion);
}

#[test]
fn another_external_aad() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let parameters = SealParameters { external_aad: b"tenant 1", ..parameters(&policy, &measured) };
    let plan = Plan::generate(&parameters, 32, LC).unwrap();
    let (blob, _) = seal(plan, &policy, &measured, &kms, LC);
    for other in [&b""[..], b"tenant 2"] {
        let error = unseal::Plan::new(&blob, &policy, &measured, other).unwrap_err();
        assert_eq!(error.code(), Code::ContentRejected);
    }
    let (opened, _) =
        answer_all(unseal::Plan::new(&blob, &policy, &measured, b"tenant 1").unwrap(), &kms, LC);
    opened.unwrap();
}

#[test]
fn external_aad_binds_the_shares_and_not_the_outer_layer_alone() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    forge.external_aad = b"tenant 2".to_vec();
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"tenant 2").unwrap();
    let (opened, report) = answer_all(plan, &kms, LC);
    assert_eq!(opened.unwrap_err().code(), Code::QuorumNotReached);
    assert!(report.keys.iter().all(|row| row.code == Some(Code::ShareRejected)));
}

#[test]
fn a_binding_that_was_tampered_with() {
    let (blob, _, policy, _) = world(Wrapping::Attested);
    let mut altered = blob;
    let last = altered.len() - 1; // the wrapped content key ends the blob
    altered[last] ^= 1;
    assert_eq!(refused(&altered, &policy), Code::BindingRejected);
}

#[test]
fn swapped_shares() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    let (one, two) = (forge.shares[0].2.clone(), forge.shares[1].2.clone());
    (forge.shares[0].2, forge.shares[1].2) = (two, one);
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"").unwrap();
    let (opened, report) = answer_all(plan, &kms, LC);
    opened.unwrap(); // the other three still finish the job
    for row in &report.keys[..2] {
        assert_eq!((row.outcome, row.code), (Outcome::BadResponse, Some(Code::ShareRejected)));
    }
}

#[test]
fn a_share_from_another_seal() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let (other, _) = sealed(&policy, &measured, &kms, LC);
    let (mut forge, other) = (Forge::open(&blob, b""), Forge::open(&other, b""));
    forge.shares[0].2.clone_from(&other.shares[0].2);
    forge.shares[1].1.clone_from(&other.shares[1].1);
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"").unwrap();
    let (opened, report) = answer_all(plan, &kms, LC);
    opened.unwrap();
    // The sealed share does not fit its key; the ciphertext does not fit its encryption context.
    assert_eq!(report.keys[0].code, Some(Code::ShareRejected));
    assert_ne!(report.keys[1].outcome, Outcome::Granted);
}

#[test]
fn a_wrong_commitment() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    forge.commitment[31] ^= 1;
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"").unwrap();
    assert_eq!(answer_all(plan, &kms, LC).0.unwrap_err().code(), Code::CommitmentMismatch);
}

#[test]
fn a_wrong_sealed_secret() {
    let (blob, kms, policy, measured) = world(Wrapping::Attested);
    let mut forge = Forge::open(&blob, b"");
    forge.sealed_secret[20] ^= 1;
    let plan = unseal::Plan::new(&forge.close(), &policy, &measured, b"").unwrap();
    assert_eq!(answer_all(plan, &kms, LC).0.unwrap_err().code(), Code::SecretRejected);
}

#[test]
fn an_old_quorum_still_opens_during_a_rotation_and_not_after_it() {
    let (kms, measured) = (MemoryKms::default(), measured(1));
    let old = quorum(3, 5, Wrapping::Encrypt);
    let new = Quorum::new(2, (5..9).map(arn).collect(), Wrapping::Attested).unwrap();
    let before = policy_builder().seal_quorum(old.clone()).build().unwrap();
    let during = policy_builder().seal_quorum(new.clone()).unseal_quorum(old).build().unwrap();
    let after = policy_builder().seal_quorum(new).minimum_generation(2).build().unwrap();

    let (blob, made) = sealed(&before, &measured, &kms, LC);
    let plan = unseal::Plan::new(&blob, &during, &measured, b"").unwrap();
    let opened = answer_all(plan, &kms, LC).0.unwrap();
    // Whoever may encrypt can have made the old blob; the new one would say that an enclave did.
    let silent = Plan::reseal(&parameters(&during, &measured), &opened, None, LC);
    assert_eq!(silent.unwrap_err().code(), Code::ResealUnvouched);
    let vouched = Some(HostVouchesForSecret);
    let plan = Plan::reseal(&parameters(&during, &measured), &opened, vouched, LC).unwrap();
    assert_eq!(plan.header().generation, 2);
    let (rotated, _) = seal(plan, &during, &measured, &kms, LC);
    let plan = unseal::Plan::new(&rotated, &after, &measured, b"").unwrap();
    let opened = answer_all(plan, &kms, LC).0.unwrap();
    assert!(opened.secret().ct_eq(made.secret().expose()));
    assert_eq!(unseal::Plan::new(&blob, &after, &measured, b"").unwrap_err().code(), Code::GenerationTooOld);
}

#[test]
fn a_reseal_that_claims_no_more_than_before_needs_nobody_to_vouch() {
    use Wrapping::{Attested, Encrypt};
    let measured = measured(1);
    for (old, new) in [(Encrypt, Encrypt), (Attested, Attested), (Attested, Encrypt)] {
        let (_, opened) = sealed(&policy(old), &measured, &MemoryKms::default(), LC);
        let plan = Plan::reseal(&parameters(&policy(new), &measured), &opened, None, LC).unwrap();
        assert_eq!(plan.header().wrapping, new);
    }
}

#[test]
fn a_secret_is_never_carried_into_another_cluster_by_reseal() {
    let (kms, measured) = (MemoryKms::default(), measured(1));
    let (_, opened) = sealed(&policy(Wrapping::Attested), &measured, &kms, LC);
    let other = TrustPolicy::builder(ClusterId::new("other").unwrap())
        .seal_quorum(quorum(3, 5, Wrapping::Attested))
        .build()
        .unwrap();
    let error = Plan::reseal(&parameters(&other, &measured), &opened, None, LC).unwrap_err();
    assert_eq!(error.code(), Code::ClusterMismatch);
}

#[test]
fn the_last_generation_cannot_be_resealed() {
    let (kms, measured) = (MemoryKms::default(), measured(1));
    let quorum = quorum(3, 5, Wrapping::Attested);
    let policy = policy_builder().seal_quorum(quorum).minimum_generation(u64::MAX).build().unwrap();
    let (_, opened) = sealed(&policy, &measured, &kms, LC);
    let error = Plan::reseal(&parameters(&policy, &measured), &opened, None, LC).unwrap_err();
    assert_eq!(error.code(), Code::GenerationExhausted);
}

#[test]
fn imported_secrets_of_every_size() {
    let (kms, policy, measured) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let import = |secret: &[u8]| {
        Plan::import(&parameters(&policy, &measured), Secret::copy_from(secret), HostVouchesForSecret, LC)
    };
    for length in [1, 31, 32, 33, 65_536] {
        let secret = vec![0xab; length];
        let (blob, _) = seal(import(&secret).unwrap(), &policy, &measured, &kms, LC);
        let plan = unseal::Plan::new(&blob, &policy, &measured, b"").unwrap();
        assert!(answer_all(plan, &kms, LC).0.unwrap().secret().ct_eq(&secret));
    }
    for length in [0, 65_537] {
        assert_eq!(import(&vec![0; length]).unwrap_err().code(), Code::SecretLength);
        let generated = Plan::generate(&parameters(&policy, &measured), length, LC);
        assert_eq!(generated.unwrap_err().code(), Code::SecretLength);
    }
}

#[test]
fn an_unsealing_policy_cannot_seal() {
    let policy = policy_builder().unseal_quorum(quorum(3, 5, Wrapping::Attested)).build().unwrap();
    let error = Plan::generate(&parameters(&policy, &measured(1)), 32, LC).unwrap_err();
    assert_eq!(error.code(), Code::NoSealQuorum);
}

#[test]
fn a_policy_that_pins_a_seal_id_cannot_seal() {
    let quorum = quorum(3, 5, Wrapping::Attested);
    let policy = policy_builder().seal_quorum(quorum).pin_seal_id(SealId::new([9; 16])).build().unwrap();
    let error = Plan::generate(&parameters(&policy, &measured(1)), 32, LC).unwrap_err();
    assert_eq!(error.code(), Code::SealIdMismatch);
}

#[test]
fn a_reseal_is_never_below_the_minimum_generation() {
    let (kms, measured) = (MemoryKms::default(), measured(1));
    let (_, opened) = sealed(&policy(Wrapping::Attested), &measured, &kms, LC);
    let quorum = quorum(3, 5, Wrapping::Attested);
    let raised = policy_builder().seal_quorum(quorum).minimum_generation(7).build().unwrap();
    let plan = Plan::reseal(&parameters(&raised, &measured), &opened, None, LC).unwrap();
    assert_eq!(plan.header().generation, 7);
}

#[test]
fn quorums_of_one_and_of_sixteen() {
    let opt_ins = QuorumOptIns { multi_region: false, single_share: true };
    for (threshold, keys) in [(1, 1), (1, 2), (2, 2), (16, 16)] {
        let keys: Vec<KeyArn> = (0..keys).map(arn).collect();
        let quorum = Quorum::with_opt_ins(threshold, keys, Wrapping::Attested, opt_ins).unwrap();
        let policy = policy_builder().seal_quorum(quorum).build().unwrap();
        let (kms, measured) = (MemoryKms::default(), measured(1));
        let (blob, made) = sealed(&policy, &measured, &kms, LC);
        let plan = unseal::Plan::new(&blob, &policy, &measured, b"").unwrap();
        let (opened, report) = answer_all(plan, &kms, LC);
        assert!(opened.unwrap().secret().ct_eq(made.secret().expose()));
        assert_eq!(report.count(Outcome::Granted), usize::from(threshold));
    }
}
