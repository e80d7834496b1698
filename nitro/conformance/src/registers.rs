//! The registers: as they are from boot, and what extending and locking make of them.

use pcrseal_core::attester::{AttestationRequest, NitroSecureModule, PcrState};
use pcrseal_core::error::Code;
use pcrseal_core::limits::MAX_EXTEND_LEN;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection};

use crate::check::{Result, describe_all, describe_pcr, done, ensure, equal, extended, index, refused};
use crate::document::Document;
use crate::{Check, Expectations};

/// The hypervisor locks the registers below this one (AWS, `nsm-check.rs`, "PCRs [0..16) should be locked").
const LOCKED_FROM_BOOT: u8 = 16;
/// Extended and locked by `LockPCRs`.
const FOR_RANGE: u8 = 16;
/// Extended and never locked.
const FOR_EXTENDING: u8 = 30;
/// Extended and locked by `LockPCR`.
const FOR_LOCKING: u8 = 31;

pub(crate) const CHECKS_FROM_BOOT: [Check; 8] = [
    ("describe_tells_32_registers", describe_tells_32_registers),
    ("module_id_has_the_form_of_aws", module_id_has_the_form_of_aws),
    ("registers_0_to_15_and_no_others_are_locked_from_boot", registers_0_to_15_are_locked),
    ("each_register_tells_the_lock_that_describe_tells", locks_agree),
    ("registers_16_to_31_are_zero_from_boot", registers_16_to_31_are_zero),
    ("registers_have_the_values_expected", registers_have_the_values_expected),
    ("measured_are_the_locked_registers", measured_are_the_locked_registers),
    ("lock_pcrs_of_range_0_locks_nothing", lock_pcrs_of_range_0_locks_nothing),
];

pub(crate) const CHECKS_THAT_CHANGE: [Check; 10] = [
    ("locked_registers_refuse_extension", locked_registers_refuse_extension),
    ("locked_registers_refuse_locking", locked_registers_refuse_locking),
    ("extension_takes_1_to_max_bytes", extension_takes_1_to_max_bytes),
    ("extension_hashes_the_old_value_and_the_data", extension_hashes),
    ("extension_changes_one_register_alone", extension_changes_one_register_alone),
    ("an_extended_register_is_not_in_documents_before_it_is_locked", unlocked_is_not_in_documents),
    ("a_register_is_in_documents_once_it_is_locked", locked_is_in_documents),
    ("a_register_that_was_locked_refuses_extension_and_locking", locked_later_refuses),
    ("lock_pcrs_refuses_range_33", lock_pcrs_refuses_range_33),
    ("lock_pcrs_locks_all_below_its_range", lock_pcrs_locks_all_below_its_range),
];

fn describe_tells_32_registers(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let description = done("DescribeNSM", module.describe())?;
    equal("max_pcrs", &32, &description.max_pcrs)
}

/// `i-` and 8 or 17 digits (EC2's instance ids, short and long), `-enc` and 15 or 16: genuine documents write the
/// enclave's 64 bits in full, `nitro-cli` leaves the leading zero out. All digits are lower-case hexadecimal.
fn module_id_has_the_form_of_aws(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let id = done("DescribeNSM", module.describe())?.module_id;
    let is_hex = |text: &str, lengths: [usize; 2]| {
        let digits = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        digits && lengths.contains(&text.len())
    };
    let parts = id.strip_prefix("i-").and_then(|rest| rest.split_once("-enc"));
    let has_form =
        parts.is_some_and(|(instance, enclave)| is_hex(instance, [8, 17]) && is_hex(enclave, [15, 16]));
    ensure(has_form, || format!("module_id: expected i-(8 or 17 digits)-enc(15 or 16 digits), found {id:?}"))
}

fn registers_0_to_15_are_locked(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let expected = (0..LOCKED_FROM_BOOT).map(index).collect::<Result<PcrSelection>>()?;
    equal("locked_pcrs", &expected, &locked(module)?)
}

fn locks_agree(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let described = locked(module)?;
    describe_all(module)?.into_iter().try_for_each(|(index, state)| {
        equal(&format!("lock of {index}"), &described.contains(index), &state.locked)
    })
}

fn registers_16_to_31_are_zero(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let unmeasured = |(index, _): &(PcrIndex, PcrState)| index.get() >= LOCKED_FROM_BOOT;
    let mut states = describe_all(module)?.into_iter().filter(unmeasured);
    states.try_for_each(|(index, state)| equal(&index.to_string(), &Pcr::ZERO, &state.value))
}

fn registers_have_the_values_expected(module: &dyn NitroSecureModule, expect: &Expectations) -> Result {
    expect
        .pcrs
        .iter()
        .try_for_each(|(index, value)| equal(&index.to_string(), value, &describe_pcr(module, index)?.value))
}

fn measured_are_the_locked_registers(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let states = describe_all(module)?.into_iter();
    let expected =
        states.filter(|(_, state)| state.locked).map(|(index, state)| (index, state.value)).collect();
    equal("measured_pcrs", &expected, &done("measured_pcrs", module.measured_pcrs())?)
}

fn lock_pcrs_of_range_0_locks_nothing(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    unchanged(module, || done("LockPCRs of range 0", module.lock_pcrs(0)))
}

fn locked_registers_refuse_extension(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    unchanged(module, || {
        locked(module)?.iter().try_for_each(|index| {
            refused(&format!("ExtendPCR of {index}"), Code::NsmReadOnlyIndex, module.extend_pcr(index, b"x"))
        })
    })
}

fn locked_registers_refuse_locking(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    unchanged(module, || {
        locked(module)?.iter().try_for_each(|index| {
            refused(&format!("LockPCR of {index}"), Code::NsmReadOnlyIndex, module.lock_pcr(index))
        })
    })
}

fn extension_takes_1_to_max_bytes(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_EXTENDING)?;
    unchanged(module, || {
        let nothing = module.extend_pcr(register, b"");
        refused("ExtendPCR without data", Code::NsmInvalidArgument, nothing)?;
        let too_much = module.extend_pcr(register, &[7; MAX_EXTEND_LEN + 1]);
        refused("ExtendPCR with 4069 bytes", Code::NsmInputTooLarge, too_much)
    })?;
    done("ExtendPCR with 1 byte", module.extend_pcr(register, &[7]))?;
    done("ExtendPCR with 4068 bytes", module.extend_pcr(register, &[7; MAX_EXTEND_LEN]))?;
    Ok(())
}

fn extension_hashes(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_EXTENDING)?;
    for data in [b"first".as_slice(), b"second", &[0x5a; MAX_EXTEND_LEN], b"x"] {
        let expected = extended(&describe_pcr(module, register)?.value, data);
        let what = format!("{register} after {} bytes", data.len());
        equal(&format!("{what}, as answered"), &expected, &extend(module, register, data)?)?;
        equal(&format!("{what}, as described"), &expected, &describe_pcr(module, register)?.value)?;
    }
    Ok(())
}

fn extension_changes_one_register_alone(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_EXTENDING)?;
    let mut expected = describe_all(module)?;
    let value = extend(module, register, b"one alone")?;
    for (index, state) in &mut expected {
        if *index == register {
            state.value = value;
        }
    }
    compare(&expected, &describe_all(module)?)
}

fn unlocked_is_not_in_documents(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_LOCKING)?;
    extend(module, register, b"before the lock")?;
    let document = Document::of(module, &AttestationRequest::default())?;
    equal("value in the document", &None, &document.pcrs.get(register))?;
    let measured = done("measured_pcrs", module.measured_pcrs())?;
    equal("value in measured_pcrs", &None, &measured.get(register))
}

fn locked_is_in_documents(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_LOCKING)?;
    let mut expected = describe_all(module)?;
    done("LockPCR", module.lock_pcr(register))?;
    for (index, state) in &mut expected {
        state.locked |= *index == register;
    }
    compare(&expected, &describe_all(module)?)?;
    ensure(locked(module)?.contains(register), || format!("locked_pcrs: expected {register} among them"))?;
    let value = describe_pcr(module, register)?.value;
    let document = Document::of(module, &AttestationRequest::default())?;
    equal("value in the document", &Some(&value), &document.pcrs.get(register))?;
    let measured = done("measured_pcrs", module.measured_pcrs())?;
    equal("value in measured_pcrs", &Some(&value), &measured.get(register))
}

fn locked_later_refuses(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_LOCKING)?;
    unchanged(module, || {
        refused("ExtendPCR", Code::NsmReadOnlyIndex, module.extend_pcr(register, b"x"))?;
        refused("LockPCR", Code::NsmReadOnlyIndex, module.lock_pcr(register))
    })
}

fn lock_pcrs_refuses_range_33(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    unchanged(module, || refused("LockPCRs of range 33", Code::NsmInvalidIndex, module.lock_pcrs(33)))
}

fn lock_pcrs_locks_all_below_its_range(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let register = index(FOR_RANGE)?;
    extend(module, register, b"before the range")?;
    let mut expected = describe_all(module)?;
    for (index, state) in &mut expected {
        state.locked |= index.get() <= FOR_RANGE;
    }
    // The second time there is nothing left to lock, which is no fault.
    for _ in 0..2 {
        done("LockPCRs of range 17", module.lock_pcrs(u16::from(FOR_RANGE) + 1))?;
        compare(&expected, &describe_all(module)?)?;
    }
    Ok(())
}

fn locked(module: &dyn NitroSecureModule) -> Result<PcrSelection> {
    Ok(done("DescribeNSM", module.describe())?.locked_pcrs)
}

fn extend(module: &dyn NitroSecureModule, register: PcrIndex, data: &[u8]) -> Result<Pcr> {
    done(&format!("ExtendPCR of {register}"), module.extend_pcr(register, data))
}

/// Does it, and compares all registers with what they were before.
fn unchanged(module: &dyn NitroSecureModule, act: impl FnOnce() -> Result) -> Result {
    let before = describe_all(module)?;
    act()?;
    compare(&before, &describe_all(module)?)
}

fn compare(expected: &[(PcrIndex, PcrState)], found: &[(PcrIndex, PcrState)]) -> Result {
    let mut pairs = expected.iter().zip(found);
    pairs.try_for_each(|((index, expected), (_, found))| {
        equal(&format!("{index} afterwards"), expected, found)
    })
}
