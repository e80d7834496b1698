//! Releases: where their PCR values come from, and which are refused.

use pcrseal_core::error::Code;
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};
use pcrseal_policy::render::Release;

use crate::common::{code, index, pcr};

fn measurements(pcr8: &str) -> String {
    let [a, b, c] = ['a', 'b', 'c'].map(|digit| pcr(digit).to_string());
    format!(
        r#"{{"Measurements": {{"HashAlgorithm": "Sha384 {{ ... }}", "PCR0": "{a}", "PCR1": "{b}", "PCR2": "{c}"{pcr8}}}}}"#
    )
}

#[test]
fn of_the_measurements_pcr0_and_what_is_demanded() {
    let image = Release::from_measurements_json(measurements("").as_bytes(), PcrSelection::EMPTY).unwrap();
    assert_eq!(image, Release::enclave(pcr('a')).unwrap());
    let demanded = PcrSelection::EMPTY.with(index(2));
    let application = Release::from_measurements_json(measurements("").as_bytes(), demanded).unwrap();
    assert_eq!(application, Release::enclave(pcr('a')).unwrap().accept(index(2), pcr('c')).unwrap());
}

#[test]
fn a_demanded_pcr_that_was_not_measured() {
    let signed = PcrSelection::EMPTY.with(index(8));
    let unsigned = Release::from_measurements_json(measurements("").as_bytes(), signed);
    assert_eq!(code(unsigned), Code::PcrMissing);
}

#[test]
fn what_is_no_measurements_json() {
    assert_eq!(code(Release::from_measurements_json(b"{", PcrSelection::EMPTY)), Code::MeasurementsJson);
}

#[test]
fn predicted_registers_are_those_of_core() {
    let role = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
    let der = [0x30, 0x00];
    let predicted = Release::enclave(pcr('a')).unwrap().parent_role(role).unwrap();
    let predicted =
        predicted.parent_instance("i-1234567890abcdef0").unwrap().signing_certificate(&der).unwrap();
    let given = Release::enclave(pcr('a')).unwrap();
    let given = given.accept(index(3), Pcr::from_role_arn(role).unwrap()).unwrap();
    let given = given.accept(index(4), Pcr::from_instance_id("i-1234567890abcdef0").unwrap()).unwrap();
    let given = given.accept(index(8), Pcr::from_signing_certificate(&der).unwrap()).unwrap();
    assert_eq!(predicted, given);
}

#[test]
fn what_nothing_can_be_predicted_from() {
    let release = || Release::enclave(pcr('a')).unwrap();
    assert_eq!(code(release().parent_role("ChamberEnclaveRole")), Code::RoleArn);
    assert_eq!(code(release().parent_instance("1234567890abcdef0")), Code::InstanceId);
    assert_eq!(code(release().signing_certificate(b"-----BEGIN")), Code::SigningCertificate);
}

#[test]
fn all_zeros_are_refused_everywhere() {
    let zero = Pcr::ZERO;
    assert_eq!(code(Release::enclave(zero)), Code::PcrZero);
    assert_eq!(code(Release::enclave(pcr('a')).unwrap().accept(index(8), zero)), Code::PcrZero);
    assert_eq!(code(Release::nitro_tpm(&PcrSet::from_iter([(index(4), zero)]))), Code::PcrZero);
    let debug = measurements("").replace(&pcr('a').to_string(), &zero.to_string());
    assert_eq!(code(Release::from_measurements_json(debug.as_bytes(), PcrSelection::EMPTY)), Code::PcrZero);
    let unsigned = measurements(&format!(r#", "PCR8": "{zero}""#));
    let signed = PcrSelection::EMPTY.with(index(8));
    assert_eq!(code(Release::from_measurements_json(unsigned.as_bytes(), signed)), Code::PcrZero);
}

// The key policy of the EC2 User Guide: PCR4 of the image, and no command line from outside (PCR12).
#[test]
fn a_nitro_tpm_may_be_asked_for_registers_that_nothing_was_measured_into() {
    let of = |values: &[(u64, Pcr)]| {
        Release::nitro_tpm(&values.iter().map(|(raw, value)| (index(*raw), *value)).collect())
    };
    assert!(of(&[(4, pcr('a')), (12, Pcr::ZERO)]).is_ok());
    assert!(of(&[(4, pcr('a')), (8, Pcr::ZERO)]).is_ok());
    assert_eq!(code(of(&[(4, pcr('a')), (7, Pcr::ZERO)])), Code::PcrZero);
    assert_eq!(code(of(&[(12, Pcr::ZERO), (14, Pcr::ZERO)])), Code::PcrZero);
}

#[test]
fn a_nitro_tpm_has_24_registers_and_none_of_an_enclave() {
    let of = |raw| Release::nitro_tpm(&PcrSet::from_iter([(index(raw), pcr('a'))]));
    assert!(of(23).is_ok());
    assert_eq!(code(of(24)), Code::ReleasePcrs);
    assert_eq!(code(Release::nitro_tpm(&PcrSet::new())), Code::ReleasePcrs);
    let role = "arn:aws:iam::111122223333:role/x";
    assert_eq!(code(of(4).unwrap().parent_role(role)), Code::ReleasePcrs);
    assert_eq!(code(of(4).unwrap().parent_instance("i-1234567890abcdef0")), Code::ReleasePcrs);
    assert_eq!(code(of(4).unwrap().signing_certificate(&[0x30, 0x00])), Code::ReleasePcrs);
}
