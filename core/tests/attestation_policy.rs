//! Appraisal: each demand met, missed, and missed together with others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use ciborium::Value;
use common::backends::accept_all;
use common::documents::{Parts, each_genuine, verify_at_ms};
use common::sample::Sample;
use pcrseal_core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, AttestationPolicy,
    AttestationPolicyBuilder, VerifiedAttestation,
};
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

fn index(number: u64) -> PcrIndex {
    PcrIndex::try_from(number).unwrap()
}

fn enclave() -> AttestationPolicyBuilder {
    AttestationPolicy::builder(AttestationKind::Enclave)
}

/// A policy that the sample satisfies.
fn satisfied(sample: &Sample) -> AttestationPolicyBuilder {
    enclave().pcr(index(0), sample.pcr0)
}

/// Alters the sample's fields (under signatures taken for good) and hands out the verified result.
fn with(alter: impl Fn(&mut Parts), judge: impl Fn(&Sample, &VerifiedAttestation<'_>)) {
    let sample = Sample::new();
    let mut parts = Parts::of(&sample.document);
    alter(&mut parts);
    let document = parts.encode();
    let parsed = AttestationDocument::parse(&document).unwrap();
    let verified = parsed.verify(&[&sample.root], sample.at_ms, &accept_all()).unwrap();
    judge(&sample, &verified);
}

fn mismatches(
    policy: AttestationPolicyBuilder,
    attestation: &VerifiedAttestation<'_>,
    now_ms: u64,
) -> Vec<Error> {
    let policy = policy.build().unwrap();
    let mismatches: Vec<_> = policy.mismatches(attestation, now_ms).collect();
    match policy.appraise(attestation, now_ms) {
        Ok(()) => assert_eq!(mismatches, []),
        Err(error) => {
            assert_eq!(error.code(), Code::AttestationRefused);
            assert_eq!(error.detail(), &Detail::All(mismatches.clone().into()));
        }
    }
    mismatches
}

fn codes(policy: AttestationPolicyBuilder, attestation: &VerifiedAttestation<'_>, now_ms: u64) -> Vec<Code> {
    mismatches(policy, attestation, now_ms).iter().map(Error::code).collect()
}

fn pcrs(values: &[(u64, Pcr)]) -> Value {
    let entry = |&(index, value): &(u64, Pcr)| (index.into(), Value::Bytes(value.as_bytes().to_vec()));
    Value::Map(values.iter().map(entry).collect())
}

const A: Pcr = Pcr::new([0xaa; 48]);
const B: Pcr = Pcr::new([0xbb; 48]);
const C: Pcr = Pcr::new([0xcc; 48]);

#[test]
fn a_policy_that_identifies_nobody_is_an_error() {
    let empty = [
        enclave(),
        enclave().nonce(b"n").user_data(b"u").public_key(b"k").fresh_within_ms(1, 1),
        enclave().allow_debug_mode().revoked_serial(&[1]),
        enclave().pcrs(&PcrSet::new()),
        AttestationPolicy::builder(AttestationKind::NitroTpm),
    ];
    for policy in empty {
        assert_eq!(policy.build().unwrap_err().code(), Code::AttestationPolicyEmpty);
    }
    let enough =
        [enclave().pcr(index(31), A), enclave().module_id("m"), enclave().instance_id("i-0123456789abcdef0")];
    for policy in enough {
        assert!(policy.build().is_ok());
    }
}

#[test]
fn a_policy_that_nothing_can_satisfy_is_an_error() {
    let one = || enclave().pcr(index(0), A);
    let impossible = [
        one().module_id(""),
        one().instance_id(""),
        one().instance_id("i-0123456789abcdef0-enc0"),
        one().nonce(&[0; 1025]),
        one().user_data(&[0; 1025]),
        one().public_key(&[0; 1025]),
    ];
    for policy in impossible {
        assert_eq!(policy.build().unwrap_err().code(), Code::AttestationPolicyField);
    }
    assert!(one().nonce(&[0; 1024]).user_data(&[0; 1024]).public_key(&[0; 1024]).build().is_ok());
}

#[test]
fn genuine_documents_satisfy_a_policy_of_their_own_facts_alone() {
    each_genuine(|document, facts| {
        let parsed = AttestationDocument::parse(document).unwrap();
        let at_ms = verify_at_ms(facts);
        let verified = parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at_ms, &accept_all()).unwrap();
        let own = || {
            let mut policy = AttestationPolicy::builder(verified.kind())
                .pcrs(verified.pcrs())
                .module_id(verified.module_id())
                .instance_id(verified.instance_id().unwrap())
                .fresh_within_ms(0, 1000);
            if let Some(nonce) = verified.nonce() {
                policy = policy.nonce(nonce);
            }
            if let Some(user_data) = verified.user_data() {
                policy = policy.user_data(user_data);
            }
            if let Some(public_key) = verified.public_key() {
                policy = policy.public_key(public_key);
            }
            policy
        };
        let debug = facts["debug_mode_pcr012_zero"].as_bool().unwrap();
        let expected = if debug { vec![Code::AttestationDebugMode] } else { vec![] };
        assert_eq!(codes(own(), &verified, at_ms), expected, "{}", facts["file"]);
        assert_eq!(codes(own().allow_debug_mode(), &verified, at_ms), [], "{}", facts["file"]);

        let other = match verified.kind() {
            AttestationKind::Enclave => AttestationKind::NitroTpm,
            _ => AttestationKind::Enclave,
        };
        let crossed = AttestationPolicy::builder(other).pcrs(verified.pcrs()).allow_debug_mode();
        let found = mismatches(crossed, &verified, at_ms);
        assert_eq!(found.len(), 1);
        let expected =
            Error::text(Code::AttestationKindMismatch, "kind", other.name(), verified.kind().name());
        assert_eq!(found[0], expected);
    });
}

#[test]
fn a_pcr_may_have_any_of_its_accepted_values_and_no_other() {
    with(
        |parts| parts.set("pcrs", pcrs(&[(0, A), (1, A), (2, A), (7, B)])),
        |sample, verified| {
            let judge = |policy| mismatches(policy, verified, sample.at_ms);
            assert_eq!(judge(enclave().pcr(index(0), A).pcr(index(7), B)), []);
            assert_eq!(judge(enclave().pcr(index(7), A).pcr(index(7), C).pcr(index(7), B)), []);

            let found = judge(enclave().pcr(index(7), A).pcr(index(0), A).pcr(index(7), C));
            assert_eq!(found.len(), 1);
            let Detail::Pcrs(detail) = found[0].detail() else { panic!("{}", found[0]) };
            assert_eq!(found[0].code(), Code::AttestationPcrMismatch);
            let listed: Vec<_> = detail.iter().map(|pcr| (pcr.index, pcr.expected, pcr.measured)).collect();
            assert_eq!(listed, [(index(7), A, Some(B)), (index(7), C, Some(B))]);
        },
    );
}

#[test]
fn a_pcr_that_the_document_lacks_is_a_mismatch() {
    with(
        |parts| parts.set("pcrs", pcrs(&[(0, A), (1, A), (2, A)])),
        |sample, verified| {
            for value in [Pcr::ZERO, A] {
                let found = mismatches(enclave().pcr(index(8), value), verified, sample.at_ms);
                assert_eq!(found.len(), 1);
                let Detail::Pcrs(detail) = found[0].detail() else { panic!("{}", found[0]) };
                assert_eq!(found[0].code(), Code::AttestationPcrAbsent);
                assert_eq!(
                    (detail[0].index, detail[0].expected, detail[0].measured),
                    (index(8), value, None)
                );
            }
        },
    );
}

#[test]
fn debug_mode_is_refused_unless_allowed_and_must_be_known() {
    let debug = [(0, Pcr::ZERO), (1, Pcr::ZERO), (2, Pcr::ZERO), (4, A)];
    let cases: [(&[(u64, Pcr)], &[Code]); 5] = [
        (&debug, &[Code::AttestationDebugMode]),
        (&debug[1..], &[Code::AttestationDebugUnknown]),
        (&[(0, A), (1, A), (4, A)], &[Code::AttestationDebugUnknown]),
        (&[(4, A)], &[Code::AttestationDebugUnknown]),
        (&[(0, Pcr::ZERO), (1, Pcr::ZERO), (2, A), (4, A)], &[]),
    ];
    for (values, expected) in cases {
        with(
            |parts| parts.set("pcrs", pcrs(values)),
            |sample, verified| {
                assert_eq!(codes(enclave().pcr(index(4), A), verified, sample.at_ms), expected);
                let allowed = enclave().pcr(index(4), A).allow_debug_mode();
                assert_eq!(codes(allowed, verified, sample.at_ms), []);
            },
        );
    }
}

#[test]
fn fields_are_equal_or_a_mismatch() {
    type Set = fn(AttestationPolicyBuilder, &[u8]) -> AttestationPolicyBuilder;
    let fields: [(&str, Code, Set); 3] = [
        ("nonce", Code::AttestationNonceMismatch, AttestationPolicyBuilder::nonce),
        ("user_data", Code::AttestationUserDataMismatch, AttestationPolicyBuilder::user_data),
        ("public_key", Code::AttestationPublicKeyMismatch, AttestationPolicyBuilder::public_key),
    ];
    for (field, code, set) in fields {
        let cases: [(Value, &[u8], Option<&str>); 6] = [
            (Value::Bytes(vec![1, 2]), &[1, 2], None),
            (Value::Bytes(vec![]), &[], None),
            (Value::Bytes(vec![1, 2]), &[1, 3], Some("0102")),
            (Value::Bytes(vec![1, 2]), &[1], Some("0102")),
            (Value::Bytes(vec![]), &[1], Some("")),
            // An empty field is not an absent one.
            (Value::Null, &[], Some("nothing")),
        ];
        for (value, expected, found) in cases {
            with(
                |parts| parts.set(field, value.clone()),
                |sample, verified| {
                    let outcome = mismatches(set(satisfied(sample), expected), verified, sample.at_ms);
                    let hex = common::hex(expected);
                    let wanted = found.map(|found| Error::text(code, field, &hex, found));
                    assert_eq!(outcome, wanted.into_iter().collect::<Vec<_>>());
                },
            );
        }
    }
}

#[test]
fn module_and_instance() {
    with(
        |parts| parts.set("module_id", "i-0123456789abcdef0-enc0123456789abcdef"),
        |sample, verified| {
            let judge = |policy| mismatches(policy, verified, sample.at_ms);
            let both = enclave().module_id("i-0123456789abcdef0-enc0123456789abcdef");
            assert_eq!(judge(both.instance_id("i-0123456789abcdef0")), []);
            let found = judge(enclave().module_id("i-0123456789abcdef0-enc0"));
            assert_eq!(
                found,
                [Error::text(
                    Code::AttestationModuleIdMismatch,
                    "module_id",
                    "i-0123456789abcdef0-enc0",
                    "i-0123456789abcdef0-enc0123456789abcdef",
                )]
            );
            let found = judge(enclave().instance_id("i-0fedcba9876543210"));
            assert_eq!(
                found,
                [Error::text(
                    Code::AttestationInstanceIdMismatch,
                    "instance id",
                    "i-0fedcba9876543210",
                    "i-0123456789abcdef0",
                )]
            );
        },
    );
    with(
        |parts| parts.set("module_id", "i-0123456789abcdef0"),
        |sample, verified| {
            let found = codes(enclave().instance_id("i-0123456789abcdef0"), verified, sample.at_ms);
            assert_eq!(found, [Code::AttestationInstanceIdMismatch]);
        },
    );
}

#[test]
fn age_and_skew_are_bounds_that_belong_to_what_is_accepted() {
    with(
        |parts| parts.set("timestamp", 1_000_000),
        |sample, verified| {
            let judge =
                |age, skew, now_ms| codes(satisfied(sample).fresh_within_ms(age, skew), verified, now_ms);
            assert_eq!(judge(300_000, 5_000, 1_000_000), []);
            assert_eq!(judge(300_000, 5_000, 1_305_000), []);
            assert_eq!(judge(300_000, 5_000, 1_305_001), [Code::AttestationTooOld]);
            assert_eq!(judge(300_000, 5_000, 995_000), []);
            assert_eq!(judge(300_000, 5_000, 994_999), [Code::AttestationFromFuture]);
            assert_eq!(judge(0, 0, 1_000_000), []);
            assert_eq!(judge(0, 0, 1_000_001), [Code::AttestationTooOld]);
            assert_eq!(judge(0, 0, 999_999), [Code::AttestationFromFuture]);
            assert_eq!(judge(u64::MAX, u64::MAX, u64::MAX), []);
            assert_eq!(judge(u64::MAX, u64::MAX, 0), []);
            assert_eq!(judge(1, 1, u64::MAX), [Code::AttestationTooOld]);
            assert_eq!(judge(1, 1, 0), [Code::AttestationFromFuture]);
            // Where age is not demanded, it is not judged.
            assert_eq!(codes(satisfied(sample), verified, u64::MAX), []);
        },
    );
}

#[test]
fn a_revoked_serial_anywhere_in_the_chain() {
    with(
        |_| (),
        |sample, verified| {
            let judge = |serial: &[u8]| {
                mismatches(satisfied(sample).revoked_serial(&[1, 2, 3]).revoked_serial(serial), verified, 0)
            };
            let serials: Vec<_> =
                verified.cabundle_serials().iter().copied().chain([verified.leaf_serial()]).collect();
            assert_eq!(serials.len(), 5);
            for serial in serials {
                let start = serial.iter().position(|&byte| byte != 0).unwrap();
                let bare = &serial[start..];
                let expected = Error::text(
                    Code::AttestationRevoked,
                    "serial number",
                    "a serial not revoked",
                    common::hex(bare),
                );
                for form in [serial.to_vec(), bare.to_vec(), [&[0, 0], bare].concat()] {
                    assert_eq!(judge(&form), [expected.clone()]);
                }
                assert_eq!(judge(&bare[..bare.len() - 1]), []);
                assert_eq!(judge(&[bare, &[0]].concat()), []);
            }
            assert_eq!(judge(&[]), []);
        },
    );
}

#[test]
fn every_mismatch_is_listed() {
    with(
        |parts| parts.set("pcrs", pcrs(&[(0, Pcr::ZERO), (1, Pcr::ZERO), (2, Pcr::ZERO)])),
        |sample, verified| {
            let policy = enclave()
                .pcr(index(9), A)
                .pcr(index(0), A)
                .pcr(index(1), Pcr::ZERO)
                .module_id("another")
                .instance_id("i-00000000")
                .nonce(b"another")
                .user_data(b"another")
                .public_key(b"another")
                .fresh_within_ms(1, 0)
                .revoked_serial(verified.leaf_serial())
                .revoked_serial(verified.regional_serial().unwrap());
            let expected = [
                Code::AttestationDebugMode,
                Code::AttestationModuleIdMismatch,
                Code::AttestationInstanceIdMismatch,
                Code::AttestationNonceMismatch,
                Code::AttestationUserDataMismatch,
                Code::AttestationPublicKeyMismatch,
                Code::AttestationTooOld,
                Code::AttestationPcrMismatch,
                Code::AttestationPcrAbsent,
                Code::AttestationRevoked,
                Code::AttestationRevoked,
            ];
            let now_ms = sample.at_ms + 1_000_000;
            assert_eq!(codes(policy.clone(), verified, now_ms), expected);
            let printed = policy.build().unwrap().appraise(verified, now_ms).unwrap_err().to_string();
            for code in expected {
                assert!(printed.contains(code.text()), "{printed}");
            }
            assert!(printed.contains(&format!("PCR9: expected {A}, measured nothing")), "{printed}");
        },
    );
}
