//! The software NSM does what every Nitro Secure Module does; and whoever lies about one thing is found out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod liar;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{NOON, ROLE, image, index};
use liar::{Liar, Lie, genuine};
use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::Error;
use pcrseal_core::pcr::{Pcr, PcrSet};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig};
use pcrseal_nitro::Channel;
use pcrseal_nsm_conformance::{Expectations, Outcome, run};

fn boot(config: NsmConfig) -> (Nsm, Authority) {
    let authority = Authority::new(&Clock::fixed(NOON)).unwrap();
    (Nsm::boot(&authority, config).unwrap(), authority)
}

/// All that can be expected of a module of this image.
fn all(authority: &Authority, image: [Pcr; 3]) -> Expectations {
    let pcrs: PcrSet = (0..3).zip(image).map(|(number, value)| (index(number), value)).collect();
    Expectations::signed_under(authority.root_der()).pcrs(pcrs).issued_within_ms(NOON..=NOON)
}

fn assert_passed(outcomes: &[Outcome]) {
    assert!(!outcomes.is_empty());
    for outcome in outcomes {
        assert!(outcome.passed(), "{outcome}");
        assert_eq!(outcome.to_string(), format!("ok {}", outcome.check));
    }
}

#[test]
fn the_software_nsm_conforms() {
    for (config, image) in [
        (NsmConfig::new(image()).role_arn(ROLE), image()),
        (NsmConfig::new(image()).map_encoding(MapEncoding::Definite).instance_id("i-01234567"), image()),
        (NsmConfig::new(image()).debug_mode(), [Pcr::ZERO; 3]),
    ] {
        let (nsm, authority) = boot(config);
        assert_passed(&run(&nsm, &all(&authority, image)));
    }
}

/// What carries requests to a software NSM, as `/dev/nsm` would.
struct Wire(Arc<Nsm>);

impl Channel for Wire {
    fn exchange(&self, request: &[u8], response: &mut [u8]) -> Result<usize, Error> {
        let answer = self.0.answer(request);
        response[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }
}

/// Two readings of the protocol meet: pcrseal-nitro's requests, and the software NSM's answers.
#[test]
fn the_client_of_the_device_conforms_over_the_devices_protocol() {
    for config in [NsmConfig::new(image()), NsmConfig::new(image()).map_encoding(MapEncoding::Definite)] {
        let (nsm, authority) = boot(config);
        let nsm = Arc::new(nsm);
        let client = pcrseal_nitro::Nsm::over(Wire(nsm.clone()));
        assert_passed(&run(&client, &all(&authority, image())));
        // They were the module's registers.
        assert!(nsm.describe_pcr(index(31)).unwrap().locked);
    }
}

#[test]
fn the_registers_are_left_as_documented() {
    let (nsm, authority) = boot(NsmConfig::new(image()));
    run(&nsm, &all(&authority, image()));
    let state = |number: u64| nsm.describe_pcr(index(number)).unwrap();
    let fresh = boot(NsmConfig::new(image())).0;
    for number in (0..16).chain(17..30) {
        assert_eq!(state(number), fresh.describe_pcr(index(number)).unwrap(), "{number}");
    }
    for (number, locked) in [(16, true), (30, false), (31, true)] {
        assert_eq!(state(number).locked, locked, "{number}");
        assert_ne!(state(number).value, Pcr::ZERO, "{number}");
    }
    // A second run finds a module that is not fresh from boot.
    assert!(!run(&nsm, &all(&authority, image())).iter().all(Outcome::passed));
}

#[test]
fn a_module_that_does_not_sign_conforms_where_that_is_expected() {
    let (nsm, _) = boot(NsmConfig::new(image()));
    assert_passed(&run(&Liar::new(nsm, Lie::DoesNotSign), &Expectations::unsigned()));
}

/// Every check of the suite is failed by a module that lies about what it checks, and by one that does not it is passed.
#[test]
fn every_check_finds_its_liars_out() {
    let unsigned = "unsigned_documents_are_refused_by_verification";
    let (nsm, authority) = boot(NsmConfig::new(image()));
    let mut checks: BTreeSet<_> =
        run(&nsm, &all(&authority, image())).iter().map(|outcome| outcome.check).collect();
    checks.insert(unsigned);

    let mut found_out = BTreeSet::new();
    for (lie, check) in [
        (Lie::SixteenRegisters, "describe_tells_32_registers"),
        (Lie::ModuleIdOfNoForm, "module_id_has_the_form_of_aws"),
        (Lie::LocksOneMoreFromBoot, "registers_0_to_15_and_no_others_are_locked_from_boot"),
        (Lie::LocksOneLessFromBoot, "registers_0_to_15_and_no_others_are_locked_from_boot"),
        (Lie::DescribesAnotherLock, "each_register_tells_the_lock_that_describe_tells"),
        (Lie::DescribesAnotherValue(17), "registers_16_to_31_are_zero_from_boot"),
        (Lie::DescribesAnotherValue(1), "registers_have_the_values_expected"),
        (Lie::DescribesAnotherValue(9), "measured_are_the_locked_registers"),
        (Lie::MeasuresLess, "measured_are_the_locked_registers"),
        (Lie::RangeZeroLocks, "lock_pcrs_of_range_0_locks_nothing"),
        (Lie::ExtendsLocked, "locked_registers_refuse_extension"),
        (Lie::ExtendsLockedButSaysItDoesNot, "locked_registers_refuse_extension"),
        (Lie::RefusesWithAnotherCode, "locked_registers_refuse_extension"),
        (Lie::LocksLocked, "locked_registers_refuse_locking"),
        (Lie::TakesNoData, "extension_takes_1_to_max_bytes"),
        (Lie::TakesTooMuchData, "extension_takes_1_to_max_bytes"),
        (Lie::RefusesMaximalData, "extension_takes_1_to_max_bytes"),
        (Lie::AnswersTheOldValue, "extension_hashes_the_old_value_and_the_data"),
        (Lie::ExtendsTwice, "extension_hashes_the_old_value_and_the_data"),
        (Lie::ExtendsItsNeighbour, "extension_changes_one_register_alone"),
        (Lie::ShowsUnlocked, "an_extended_register_is_not_in_documents_before_it_is_locked"),
        (Lie::DoesNotLock, "a_register_is_in_documents_once_it_is_locked"),
        (Lie::LocksItsNeighbour, "a_register_is_in_documents_once_it_is_locked"),
        (Lie::ForgetsTheLock, "a_register_that_was_locked_refuses_extension_and_locking"),
        (Lie::TakesRange33, "lock_pcrs_refuses_range_33"),
        (Lie::Range33Locks, "lock_pcrs_refuses_range_33"),
        (Lie::RangeLocksOneLess, "lock_pcrs_locks_all_below_its_range"),
        (Lie::RangeRefusesLocked, "lock_pcrs_locks_all_below_its_range"),
        (Lie::LeavesTheLastByte, "random_fills_buffers_of_every_length"),
        (Lie::RefusesNoBytes, "random_of_no_bytes_succeeds"),
        (Lie::IsNotRandom, "two_draws_of_random_differ"),
        (Lie::RepeatsItself, "random_does_not_repeat_itself_in_one_buffer"),
        (Lie::DocumentOfAnotherModule, "documents_name_the_module_and_its_digest"),
        (Lie::DocumentOfAnotherDigest, "documents_name_the_module_and_its_digest"),
        (Lie::DocumentShowsAnotherValue, "documents_show_the_measured_registers"),
        (Lie::DropsEmptyFields, "documents_carry_absent_empty_and_full_fields"),
        (Lie::SwapsFields, "documents_carry_absent_empty_and_full_fields"),
        (Lie::CutsLongFields, "fields_over_1024_bytes_are_refused"),
        (Lie::TimeRunsBackwards, "timestamps_are_in_order"),
        (Lie::TimeIsOff, "timestamps_lie_within_the_time_expected"),
        (Lie::RepeatsTheFirstNonce, "threads_get_each_its_own_documents"),
        (Lie::BreaksTheSignature, "documents_verify_under_the_root_and_say_there_what_they_say_here"),
        (Lie::DoesNotSign, "documents_verify_under_the_root_and_say_there_what_they_say_here"),
        (Lie::DoesNotSign, "documents_are_refused_under_another_root"),
        (Lie::HandsOutAwsDocument, "documents_are_refused_under_another_root"),
        (Lie::Nothing, unsigned),
    ] {
        if lie == Lie::HandsOutAwsDocument && genuine().is_none() {
            continue;
        }
        let (nsm, authority) = boot(NsmConfig::new(image()));
        let expect = if check == unsigned { Expectations::unsigned() } else { all(&authority, image()) };
        let outcomes = run(&Liar::new(nsm, lie), &expect);
        let outcome = outcomes.iter().find(|outcome| outcome.check == check).unwrap();
        println!("{lie:?}: {outcome}");
        let reason = outcome.result.as_ref().expect_err(&format!("{lie:?} passes {check}"));
        assert!(reason.contains("expected ") && reason.contains("found "), "{outcome}");
        found_out.insert(check);
    }
    assert_eq!(found_out, checks);
}

/// The module's root decides: under any other one, documents that are as good are refused.
#[test]
fn documents_under_another_root_than_expected_fail() {
    let (nsm, _) = boot(NsmConfig::new(image()));
    let (_, stranger) = boot(NsmConfig::new(image()));
    let outcomes = run(&nsm, &all(&stranger, image()));
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| !outcome.passed()).map(|outcome| outcome.check).collect();
    assert_eq!(failed, ["documents_verify_under_the_root_and_say_there_what_they_say_here"]);
}
