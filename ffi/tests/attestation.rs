//! Attestation documents through the C functions: genuine ones against the facts in their index, the emulator's against
//! policies.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod calls;

use std::path::Path;
use std::sync::OnceLock;
use std::{fs, ptr, thread};

use calls::{Handle, Outcome, c, called, lent, made, refused, text, unhex, vectors};
use pcrseal::core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::Pcr;
use pcrseal::{Attester, Code};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_ffi::*;
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";

fn verifier(roots: &[u8]) -> Outcome<Handle<Verifier>> {
    made(pcrseal_verifier_free, |verifier, error| unsafe {
        pcrseal_verifier_new(roots.as_ptr(), roots.len(), verifier, error)
    })
}

fn aws() -> Handle<Verifier> {
    made(pcrseal_verifier_free, |verifier, error| unsafe {
        pcrseal_verifier_new(ptr::null(), 0, verifier, error)
    })
    .unwrap()
}

fn unjudged(verifier: &Handle<Verifier>, document: &[u8], at_ms: u64) -> Outcome<Handle<Attestation>> {
    made(pcrseal_attestation_free, |attestation, error| unsafe {
        let (data, len) = (document.as_ptr(), document.len());
        pcrseal_verify_without_appraisal(verifier.get(), data, len, at_ms, attestation, error)
    })
}

fn judged(
    verifier: &Handle<Verifier>,
    document: &[u8],
    at_ms: u64,
    policy: &Handle<AttestationPolicy>,
) -> Outcome<Handle<Attestation>> {
    made(pcrseal_attestation_free, |attestation, error| unsafe {
        let (data, len) = (document.as_ptr(), document.len());
        pcrseal_verify(verifier.get(), data, len, at_ms, policy.get(), attestation, error)
    })
}

/// Everything that the accessors say.
#[derive(Debug, PartialEq)]
struct Said {
    kind: u32,
    module_id: String,
    instance_id: Option<String>,
    timestamp_ms: u64,
    selection: u32,
    pcrs: Vec<Option<Vec<u8>>>,
    public_key: Option<Vec<u8>>,
    user_data: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
}

fn said(attestation: &Handle<Attestation>) -> Said {
    let a = attestation.get();
    unsafe {
        Said {
            kind: pcrseal_attestation_kind(a),
            module_id: text(pcrseal_attestation_module_id(a)).unwrap(),
            instance_id: text(pcrseal_attestation_instance_id(a)),
            timestamp_ms: pcrseal_attestation_timestamp_ms(a),
            selection: pcrseal_attestation_pcr_selection(a),
            pcrs: (0..33).map(|index| lent(|len| pcrseal_attestation_pcr(a, index, len))).collect(),
            public_key: lent(|len| pcrseal_attestation_public_key(a, len)),
            user_data: lent(|len| pcrseal_attestation_user_data(a, len)),
            nonce: lent(|len| pcrseal_attestation_nonce(a, len)),
        }
    }
}

/// The genuine documents with their facts.
fn genuine(folder: &Path) -> Vec<(Vec<u8>, Value)> {
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let documents = index["documents"].as_array().unwrap();
    let read = |facts: &Value| fs::read(folder.join(facts["file"].as_str().unwrap())).unwrap();
    documents.iter().map(|facts| (read(facts), facts.clone())).collect()
}

#[test]
fn every_genuine_document_says_what_the_index_says() {
    let Some(folder) = vectors("attestation") else { return };
    let documents = genuine(&folder);
    assert_eq!(documents.len(), 23);
    for verifier in [aws(), verifier(AWS_NITRO_ENCLAVES_ROOT_G1).unwrap()] {
        for (document, facts) in &documents {
            let at_ms = facts["verify_at_unix"].as_u64().unwrap() * 1000;
            let mut received = document.clone();
            let attestation = unjudged(&verifier, &received, at_ms).unwrap();
            // It owns what it says.
            received.fill(0);
            let said = said(&attestation);
            let tpm = facts["kind"] == "nitrotpm";
            let kind = if tpm { PCRSEAL_ATTESTATION_NITRO_TPM } else { PCRSEAL_ATTESTATION_ENCLAVE };
            assert_eq!((said.kind, said.timestamp_ms), (kind, facts["timestamp_ms"].as_u64().unwrap()));
            let module_id = facts["module_id"].as_str().unwrap();
            let instance_id = module_id.split_once(if tpm { "-tpm" } else { "-enc" }).unwrap().0;
            assert_eq!((&*said.module_id, said.instance_id.as_deref()), (module_id, Some(instance_id)));
            assert_eq!(u64::from(said.selection.count_ones()), facts["pcr_count"]);
            for (index, value) in said.pcrs.iter().enumerate() {
                let expected = facts["pcrs_nonzero_values"][index.to_string()].as_str();
                let expected = expected.map_or_else(|| vec![0; 48], unhex);
                let selected = index < 32 && said.selection >> index & 1 == 1;
                assert_eq!(*value, selected.then_some(expected), "PCR{index}");
            }
            for (field, name) in [
                (said.public_key, "public_key_len"),
                (said.user_data, "user_data_len"),
                (said.nonce, "nonce_len"),
            ] {
                assert_eq!(field.map(|bytes| bytes.len() as u64), facts[name].as_u64(), "{name}");
            }
        }
    }
}

#[test]
fn a_genuine_document_verifies_at_its_time_alone() {
    let Some(folder) = vectors("attestation") else { return };
    let verifier = aws();
    let (document, facts) = genuine(&folder).swap_remove(14);
    let at_ms = facts["verify_at_unix"].as_u64().unwrap() * 1000;
    // Cached from the first on, and judged all the same.
    for _ in 0..2 {
        unjudged(&verifier, &document, at_ms).unwrap();
        let days = 24 * 3_600_000;
        assert_eq!(refused(unjudged(&verifier, &document, at_ms + days)), Code::CertificateExpired);
        assert_eq!(refused(unjudged(&verifier, &document, at_ms - days)), Code::CertificateNotYetValid);
        assert_eq!(refused(unjudged(&verifier, &document, 0)), Code::CertificateNotYetValid);
        assert_eq!(refused(unjudged(&verifier, &document, u64::MAX)), Code::CertificateExpired);
    }
}

#[test]
fn what_is_not_genuine_is_refused() {
    let Some(folder) = vectors("attestation") else { return };
    let verifier = aws();
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let document = read("negative_veracruz_bad_sig.cbor");
    let at_ms = AttestationDocument::parse(&document).unwrap().unverified_timestamp_ms();
    assert_eq!(refused(unjudged(&verifier, &document, at_ms)), Code::CoseSignatureRejected);
    let document = read("negative_blocky_selfsigned_null_unprotected.cbor");
    assert_eq!(refused(unjudged(&verifier, &document, at_ms)), Code::CborType);
    assert_eq!(refused(unjudged(&verifier, &[], at_ms)), Code::CborTruncated);
    let (document, facts) = genuine(&folder).swap_remove(0);
    let at_ms = facts["verify_at_unix"].as_u64().unwrap() * 1000;
    assert_eq!(refused(unjudged(&verifier, &document[..document.len() - 1], at_ms)), Code::CborTruncated);
}

/// An authority, a document of one of its enclaves, and when it was made.
struct World {
    root: Vec<u8>,
    module_id: String,
    document: Vec<u8>,
    debug: Vec<u8>,
    now_ms: u64,
}

const PUBLIC_KEY: &[u8] = &[4; 65];
const USER_DATA: &[u8] = b"user data";
const NONCE: &[u8] = b"a challenge of the relying party";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let clock = Clock::system();
        let authority = Authority::new(&clock).unwrap();
        let config = NsmConfig::new([1, 2, 3].map(|byte| Pcr::new([byte; 48]))).role_arn(ROLE);
        let nsm = Nsm::boot(&authority, config.clone()).unwrap();
        let request = AttestationRequest {
            public_key: Some(PUBLIC_KEY),
            user_data: Some(USER_DATA),
            nonce: Some(NONCE),
        };
        let document = nsm.attest(&request).unwrap();
        let debug = Nsm::boot(&authority, config.debug_mode()).unwrap().attest(&request).unwrap();
        let now_ms = AttestationDocument::parse(&document).unwrap().unverified_timestamp_ms();
        let module_id = nsm.module_id().to_owned();
        World { root: authority.root_der().to_vec(), module_id, document, debug, now_ms }
    })
}

#[test]
fn a_document_is_worth_what_its_root_is() {
    let World { root, document, now_ms, .. } = world();
    assert_eq!(refused(unjudged(&aws(), document, *now_ms)), Code::CertificateRoot);
    let both = [AWS_NITRO_ENCLAVES_ROOT_G1, root].concat();
    for roots in [root, &both, &[&root[..], AWS_NITRO_ENCLAVES_ROOT_G1].concat()] {
        unjudged(&verifier(roots).unwrap(), document, *now_ms).unwrap();
    }
    if let Some(folder) = vectors("attestation") {
        let (document, facts) = genuine(&folder).swap_remove(1);
        let at_ms = facts["verify_at_unix"].as_u64().unwrap() * 1000;
        unjudged(&verifier(&both).unwrap(), &document, at_ms).unwrap();
        assert_eq!(refused(unjudged(&verifier(root).unwrap(), &document, at_ms)), Code::CertificateRoot);
    }
}

#[test]
fn roots_are_whole_certificates() {
    let root = &world().root;
    let pem = b"-----BEGIN CERTIFICATE-----";
    let behind = [root, &[0][..]].concat();
    let beyond = [root, &[0x30, 0x82, 0xff][..]].concat();
    for roots in [&root[..root.len() - 1], &root[1..], &root[..3], &behind, &beyond, pem, &[0x30, 0]] {
        assert_eq!(refused(verifier(roots)), Code::CertificateMalformed, "{} bytes", roots.len());
    }
}

#[test]
fn fields_that_are_absent_and_fields_that_are_empty() {
    let authority = Authority::new(&Clock::system()).unwrap();
    let nsm = Nsm::boot(&authority, NsmConfig::new([Pcr::new([1; 48]); 3])).unwrap();
    let verifier = verifier(authority.root_der()).unwrap();
    for (field, expected) in [(None, None), (Some(&[][..]), Some(Vec::new()))] {
        let request = AttestationRequest { user_data: field, ..Default::default() };
        let document = nsm.attest(&request).unwrap();
        let at_ms = AttestationDocument::parse(&document).unwrap().unverified_timestamp_ms();
        let said = said(&unjudged(&verifier, &document, at_ms).unwrap());
        assert_eq!((said.user_data, said.public_key, said.nonce), (expected, None, None));
        assert_eq!(said.timestamp_ms, at_ms);
    }
}

/// Makes a policy, demand by demand.
struct Policy(Handle<AttestationPolicy>);

impl Policy {
    fn of_kind(kind: u32) -> Outcome<Self> {
        made(pcrseal_attestation_policy_free, |policy, error| unsafe {
            pcrseal_attestation_policy_new(kind, policy, error)
        })
        .map(Self)
    }

    /// What every document of the world satisfies, and hardly says anything.
    fn new() -> Self {
        Self::of_kind(PCRSEAL_ATTESTATION_ENCLAVE)
            .unwrap()
            .pcr(3, Pcr::from_role_arn(ROLE).unwrap().as_bytes())
    }

    fn set(self, call: impl FnOnce(*mut AttestationPolicy, *mut *mut Error) -> Status) -> Self {
        called(|error| call(self.0.get(), error)).unwrap();
        self
    }

    fn pcr(self, index: u32, value: &[u8]) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_pcr(policy, index, value.as_ptr(), value.len(), error)
        })
    }

    fn module_id(self, id: &str) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_module_id(policy, c(id).as_ptr(), error)
        })
    }

    fn instance_id(self, id: &str) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_instance_id(policy, c(id).as_ptr(), error)
        })
    }

    fn nonce(self, bytes: &[u8]) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_nonce(policy, bytes.as_ptr(), bytes.len(), error)
        })
    }

    fn user_data(self, bytes: &[u8]) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_user_data(policy, bytes.as_ptr(), bytes.len(), error)
        })
    }

    fn public_key(self, bytes: &[u8]) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_public_key(policy, bytes.as_ptr(), bytes.len(), error)
        })
    }

    fn fresh(self, max_age_ms: u64, clock_skew_ms: u64) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_require_fresh(policy, max_age_ms, clock_skew_ms, error)
        })
    }

    fn debug(self) -> Self {
        self.set(|policy, error| unsafe { pcrseal_attestation_policy_allow_debug_mode(policy, error) })
    }

    fn revoke(self, serial: &[u8]) -> Self {
        self.set(|policy, error| unsafe {
            pcrseal_attestation_policy_revoke_serial(policy, serial.as_ptr(), serial.len(), error)
        })
    }
}

fn judge(document: &[u8], at_ms: u64, policy: &Policy) -> Outcome<Handle<Attestation>> {
    judged(&verifier(&world().root).unwrap(), document, at_ms, &policy.0)
}

#[test]
fn a_document_that_meets_every_demand_is_accepted() {
    let World { module_id, document, now_ms, .. } = world();
    let policy = Policy::new()
        .pcr(0, &[1; 48])
        .pcr(0, &[9; 48])
        .pcr(1, &[2; 48])
        .module_id(module_id)
        .instance_id(module_id.split_once("-enc").unwrap().0)
        .nonce(NONCE)
        .user_data(USER_DATA)
        .public_key(PUBLIC_KEY)
        .fresh(1000, 10)
        .revoke(&[1, 2, 3]);
    let said = said(&judge(document, now_ms + 1010, &policy).unwrap());
    assert_eq!(said.public_key.as_deref(), Some(PUBLIC_KEY));
    assert_eq!(said.user_data.as_deref(), Some(USER_DATA));
    assert_eq!(said.nonce.as_deref(), Some(NONCE));
}

#[test]
fn every_demand_that_is_not_met_refuses_and_is_named() {
    let World { root, document, now_ms, debug, .. } = world();
    let parsed = AttestationDocument::parse(document).unwrap();
    let attestation = parsed.verify(&[root], *now_ms, &aws_lc::BACKEND).unwrap();
    let (leaf, ca) = (attestation.leaf_serial(), attestation.cabundle_serials()[1]);
    for (policy, at_ms, document, code) in [
        (Policy::new().pcr(0, &[9; 48]), *now_ms, document, Code::AttestationPcrMismatch),
        (Policy::new().pcr(31, &[0; 48]), *now_ms, document, Code::AttestationPcrAbsent),
        (
            Policy::new().module_id("i-1234567890abcdef0-enc0"),
            *now_ms,
            document,
            Code::AttestationModuleIdMismatch,
        ),
        (
            Policy::new().instance_id("i-1234567890abcdef1"),
            *now_ms,
            document,
            Code::AttestationInstanceIdMismatch,
        ),
        (Policy::new().nonce(b"another"), *now_ms, document, Code::AttestationNonceMismatch),
        (Policy::new().nonce(b""), *now_ms, document, Code::AttestationNonceMismatch),
        (Policy::new().user_data(b"another"), *now_ms, document, Code::AttestationUserDataMismatch),
        (Policy::new().public_key(b"another"), *now_ms, document, Code::AttestationPublicKeyMismatch),
        (Policy::new().fresh(1000, 10), now_ms + 1011, document, Code::AttestationTooOld),
        (Policy::new().fresh(1000, 10), now_ms - 11, document, Code::AttestationFromFuture),
        (Policy::new().revoke(leaf), *now_ms, document, Code::AttestationRevoked),
        (Policy::new().revoke(ca), *now_ms, document, Code::AttestationRevoked),
        (Policy::new(), *now_ms, debug, Code::AttestationDebugMode),
        (
            Policy::of_kind(PCRSEAL_ATTESTATION_NITRO_TPM).unwrap().pcr(0, &[1; 48]),
            *now_ms,
            document,
            Code::AttestationKindMismatch,
        ),
    ] {
        let error = judge(document, at_ms, &policy).expect_err(code.name());
        assert_eq!(error.code, Code::AttestationRefused);
        let demands = Code::ALL.iter().filter(|code| (1321..=1333).contains(&code.number()));
        let named: Vec<_> = demands.filter(|demand| error.message.contains(demand.text())).collect();
        assert_eq!(named, [&code], "{}", error.message);
        // Without the demand there is nothing to refuse.
        assert!(unjudged(&verifier(root).unwrap(), document, at_ms).is_ok());
    }
    judge(debug, *now_ms, &Policy::new().debug()).unwrap();
}

#[test]
fn a_policy_that_cannot_be_meant() {
    let World { document, now_ms, .. } = world();
    for kind in [0, 3, u32::MAX] {
        assert_eq!(refused(Policy::of_kind(kind).map(|policy| policy.0)), Code::UnknownConstant);
    }
    let empty = || Policy::of_kind(PCRSEAL_ATTESTATION_ENCLAVE).unwrap();
    for (policy, code) in [
        (empty(), Code::AttestationPolicyEmpty),
        (empty().nonce(NONCE).fresh(1, 1).debug().revoke(&[7]), Code::AttestationPolicyEmpty),
        (empty().module_id(""), Code::AttestationPolicyField),
        (Policy::new().instance_id("i-x"), Code::AttestationPolicyField),
        (Policy::new().nonce(&[0; 1025]), Code::AttestationPolicyField),
        (Policy::new().user_data(&[0; 1025]), Code::AttestationPolicyField),
        (Policy::new().public_key(&[0; 1025]), Code::AttestationPolicyField),
    ] {
        assert_eq!(refused(judge(document, *now_ms, &policy)), code);
    }
    let policy = Policy::new();
    for (index, len, code) in [(32, 48, Code::PcrIndex), (0, 47, Code::PcrLength), (0, 0, Code::PcrLength)] {
        let value = vec![9; len];
        let outcome = called(|error| unsafe {
            pcrseal_attestation_policy_require_pcr(policy.0.get(), index, value.as_ptr(), len, error)
        });
        assert_eq!(refused(outcome), code);
    }
    judge(document, *now_ms, &policy).unwrap();
}

#[test]
fn a_policy_that_is_changed_after_its_first_use_is_the_changed_one() {
    let World { document, now_ms, .. } = world();
    let policy = Policy::new();
    judge(document, *now_ms, &policy).unwrap();
    let policy = policy.nonce(b"another");
    assert_eq!(refused(judge(document, *now_ms, &policy)), Code::AttestationRefused);
    judge(document, *now_ms, &policy.nonce(NONCE)).unwrap();
}

#[test]
fn threads_share_a_verifier_and_a_policy() {
    let World { root, document, now_ms, .. } = world();
    let (verifier, policy) = (&verifier(root).unwrap(), &Policy::new().nonce(NONCE).0);
    let mut altered = document.clone();
    *altered.last_mut().unwrap() ^= 1;
    let altered = &altered;
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(move || {
                for _ in 0..10 {
                    let attestation = judged(verifier, document, *now_ms, policy).unwrap();
                    assert_eq!(said(&attestation).nonce.as_deref(), Some(NONCE));
                    let code = refused(judged(verifier, altered, *now_ms, policy));
                    assert_eq!(code, Code::CoseSignatureRejected);
                }
            });
        }
    });
}

#[test]
fn null_says_nothing() {
    let none = ptr::null();
    unsafe {
        assert_eq!(pcrseal_attestation_kind(none), 0);
        assert_eq!(pcrseal_attestation_timestamp_ms(none), 0);
        assert_eq!(pcrseal_attestation_pcr_selection(none), 0);
        assert!(pcrseal_attestation_module_id(none).is_null());
        assert!(pcrseal_attestation_instance_id(none).is_null());
        assert_eq!(lent(|len| pcrseal_attestation_pcr(none, 0, len)), None);
        for read in [pcrseal_attestation_public_key, pcrseal_attestation_user_data, pcrseal_attestation_nonce]
        {
            assert_eq!(lent(|len| read(none, len)), None);
            assert!(read(none, ptr::null_mut()).is_null());
        }
        pcrseal_attestation_free(ptr::null_mut());
        pcrseal_attestation_policy_free(ptr::null_mut());
        pcrseal_verifier_free(ptr::null_mut());
    }
    let World { document, now_ms, .. } = world();
    let verify = |verifier, policy| {
        made(pcrseal_attestation_free, |attestation, error| unsafe {
            pcrseal_verify(verifier, document.as_ptr(), document.len(), *now_ms, policy, attestation, error)
        })
    };
    let (verifier, policy) = (aws(), Policy::new().0);
    assert_eq!(refused(verify(ptr::null(), policy.get())), Code::NullPointer);
    assert_eq!(refused(verify(verifier.get(), ptr::null())), Code::NullPointer);
}
