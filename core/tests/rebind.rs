//! Bindings: how one blob serves two releases of a rolling upgrade.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::kms::{MemoryKms, answer_all, measured, parameters, pcr, policy, seal, sealed};
use pcrseal_core::blob::SealedBlob;
use pcrseal_core::blob::rebind::{add_binding, drop_binding};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::Code;
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};
use pcrseal_core::policy::TrustPolicy;
use pcrseal_core::seal::{Plan, SealParameters};
use pcrseal_core::unseal;

const LC: &pcrseal_core::crypto::Backend = &aws_lc::BACKEND;

fn image(release: u8) -> PcrSet {
    measured(release).select(PcrSelection::IMAGE).unwrap()
}

#[test]
fn a_rolling_upgrade() {
    let (kms, policy) = (MemoryKms::default(), policy(Wrapping::Attested));
    let (blob, made) = sealed(&policy, &measured(1), &kms, LC);
    let opens = |blob: &[u8], release| {
        let plan = unseal::Plan::new(blob, &policy, &measured(release), b"").map_err(|e| e.code())?;
        let opened = answer_all(plan, &kms, LC).0.unwrap();
        assert!(opened.secret().ct_eq(made.secret().expose()));
        Ok(())
    };
    assert_eq!(opens(&blob, 2), Err(Code::PcrDrift));

    let both = add_binding(&blob, &image(2), &policy, LC.random).unwrap();
    let expected: Vec<_> =
        SealedBlob::parse(&both).unwrap().bindings().iter().map(|b| b.expected().clone()).collect();
    assert_eq!(expected, [image(1), image(2)]);
    assert_eq!((opens(&both, 1), opens(&both, 2)), (Ok(()), Ok(())));

    let new = drop_binding(&both, &image(1)).unwrap();
    assert_eq!((opens(&new, 1), opens(&new, 2)), (Err(Code::PcrDrift), Ok(())));
}

#[test]
fn the_next_release_may_be_bound_when_sealing() {
    let (kms, policy, measured_now) = (MemoryKms::default(), policy(Wrapping::Attested), measured(1));
    let next = [image(2)];
    let parameters = SealParameters { further_bindings: &next, ..parameters(&policy, &measured_now) };
    let plan = Plan::generate(&parameters, 32, LC).unwrap();
    let (blob, _) = seal(plan, &policy, &measured_now, &kms, LC);
    unseal::Plan::new(&blob, &policy, &measured(2), b"").unwrap();

    let twice = [image(2), image(2)];
    let twice = SealParameters { further_bindings: &twice, ..parameters };
    assert_eq!(Plan::generate(&twice, 32, LC).unwrap_err().code(), Code::BindingDuplicate);
    let weak = [measured(2).select(PcrSelection::EMPTY.with(pcr(0)).with(pcr(1))).unwrap()];
    let weak = SealParameters { further_bindings: &weak, ..parameters };
    assert_eq!(Plan::generate(&weak, 32, LC).unwrap_err().code(), Code::PcrMissing);
    let debug = [(0..3).map(|index| (pcr(index), Pcr::ZERO)).collect()];
    let debug = SealParameters { further_bindings: &debug, ..parameters };
    assert_eq!(Plan::generate(&debug, 32, LC).unwrap_err().code(), Code::DebugMode);
    let many: Vec<_> = (2..10).map(image).collect();
    let many = SealParameters { further_bindings: &many, ..parameters };
    assert_eq!(Plan::generate(&many, 32, LC).unwrap_err().code(), Code::BindingCount);
}

#[test]
fn eight_bindings_and_no_more() {
    let (kms, policy) = (MemoryKms::default(), policy(Wrapping::Attested));
    let (mut blob, _) = sealed(&policy, &measured(1), &kms, LC);
    for release in 2..=8 {
        blob = add_binding(&blob, &image(release), &policy, LC.random).unwrap();
    }
    unseal::Plan::new(&blob, &policy, &measured(8), b"").unwrap();
    let error = add_binding(&blob, &image(9), &policy, LC.random).unwrap_err();
    assert_eq!(error.code(), Code::BindingCount);
}

#[test]
fn what_may_not_be_bound() {
    let (kms, policy) = (MemoryKms::default(), policy(Wrapping::Attested));
    let (blob, _) = sealed(&policy, &measured(1), &kms, LC);
    let add = |values: &PcrSet| add_binding(&blob, values, &policy, LC.random).unwrap_err().code();
    assert_eq!(add(&image(1)), Code::BindingDuplicate);
    let weak = measured(2).select(PcrSelection::EMPTY.with(pcr(0)).with(pcr(1))).unwrap();
    assert_eq!(add(&weak), Code::PcrMissing);
    let debug = (0..3).map(|index| (pcr(index), Pcr::ZERO)).collect();
    assert_eq!(add(&debug), Code::DebugMode);
    let other = TrustPolicy::builder(ClusterId::new("other").unwrap())
        .seal_quorum(policy.seal_quorum().unwrap().clone())
        .build()
        .unwrap();
    let error = add_binding(&blob, &image(2), &other, LC.random).unwrap_err();
    assert_eq!(error.code(), Code::ClusterMismatch);
}

#[test]
fn the_last_binding_stays() {
    let (kms, policy) = (MemoryKms::default(), policy(Wrapping::Attested));
    let (blob, _) = sealed(&policy, &measured(1), &kms, LC);
    assert_eq!(drop_binding(&blob, &image(1)).unwrap_err().code(), Code::BindingCount);
    assert_eq!(drop_binding(&blob, &image(2)).unwrap_err().code(), Code::BindingUnknown);
}
