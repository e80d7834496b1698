//! One function for each verifier: a document and a time in; accepted or not out.

use std::cell::RefCell;

use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, CabundleCache};
use pcrseal_core::crypto::{Backend, aws_lc, rustcrypto};

/// A verifier under its name.
pub struct Verifier {
    pub name: &'static str,
    /// As `cargo tree` knows it.
    pub package: &'static str,
    /// Where it takes the time from.
    pub time: &'static str,
    /// Takes a document and a second, at which the wall clock stands too.
    pub verify: Box<dyn Fn(&[u8], u64) -> bool>,
}

fn verifier(
    name: &'static str,
    package: &'static str,
    time: &'static str,
    verify: impl Fn(&[u8], u64) -> bool + 'static,
) -> Verifier {
    Verifier { name, package, time, verify: Box::new(verify) }
}

/// All of them, ours first.
pub fn all() -> Vec<Verifier> {
    #[allow(unused_mut)]
    let mut all = vec![
        verifier("pcrseal-core, aws-lc", "pcrseal-core/aws-lc", "parameter", ours(&aws_lc::BACKEND)),
        cached("pcrseal-core, aws-lc, cached", "pcrseal-core/aws-lc", &aws_lc::BACKEND),
        verifier(
            "pcrseal-core, rustcrypto",
            "pcrseal-core/rustcrypto",
            "parameter",
            ours(&rustcrypto::BACKEND),
        ),
        cached("pcrseal-core, rustcrypto, cached", "pcrseal-core/rustcrypto", &rustcrypto::BACKEND),
    ];
    #[cfg(feature = "attestation-doc-validation")]
    all.push(verifier(
        "attestation-doc-validation 0.10.1",
        "attestation-doc-validation",
        "wall clock",
        |document, _| attestation_doc_validation::validate_and_parse_attestation_doc(document).is_ok(),
    ));
    #[cfg(feature = "nitro_attest")]
    all.push(verifier("nitro_attest 0.2.0", "nitro_attest", "parameter", |document, at| {
        nitro_attest::UnparsedAttestationDoc::from(document).parse_and_verify(date_time(at)).is_ok()
    }));
    #[cfg(feature = "remote-attestation-verifier")]
    all.push(verifier(
        "remote-attestation-verifier 0.1.2",
        "remote-attestation-verifier",
        "parameter",
        |document, at| {
            // It reads no nonce: 20 zero bytes stand for it.
            let (document, nonce) = (document.to_vec(), vec![0; 20]);
            remote_attestation_verifier::parse_verify_with(document, nonce, Vec::new(), at).is_ok()
        },
    ));
    #[cfg(feature = "tee-attestation-verifier")]
    all.push(verifier(
        "tee-attestation-verifier 0.1.4",
        "tee-attestation-verifier",
        "parameter",
        |document, at| {
            // As above.
            tee_attestation_verifier::parse_verify_with(document.to_vec(), vec![0; 20], at).is_ok()
        },
    ));
    #[cfg(feature = "nsm-nitro-enclave-utils")]
    all.push(verifier(
        "nsm-nitro-enclave-utils 0.1.3",
        "nsm-nitro-enclave-utils",
        "parameter",
        |document, at| {
            use nsm_nitro_enclave_utils::api::nsm::AttestationDoc;
            use nsm_nitro_enclave_utils::time::Time;
            use nsm_nitro_enclave_utils::verify::AttestationDocVerifierExt;
            let time = Time::new(Box::new(move || at * 1000));
            AttestationDoc::from_cose(document, AWS_NITRO_ENCLAVES_ROOT_G1, time).is_ok()
        },
    ));
    #[cfg(feature = "fastcrypto")]
    all.push(verifier("fastcrypto 0.1.11", "fastcrypto", "parameter", |document, at| {
        use fastcrypto::nitro_attestation::{parse_nitro_attestation, verify_nitro_attestation};
        parse_nitro_attestation(document, true, true, true).is_ok_and(|(signature, message, payload)| {
            verify_nitro_attestation(&signature, &message, &payload, at * 1000).is_ok()
        })
    }));
    #[cfg(feature = "vta-sdk")]
    all.push(verifier("vta-sdk 0.78.0", "vta-sdk", "parameter", |document, at| {
        vta_sdk::attestation::verify::NitroVerifier::aws_production(date_time(at)).verify(document).is_ok()
    }));
    #[cfg(feature = "TTKServer")]
    all.push({
        let trust = ttk_server::verifier::TrustStore::builtin();
        verifier("TTKServer 0.22.6", "TTKServer", "the document's own", move |document, at| {
            let now = rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
            let policy = ttk_server::verifier::Policy::default();
            ttk_server::verifier::nitro::verify(document, now, &trust, policy).is_ok()
        })
    });
    all
}

fn ours(backend: &'static Backend) -> impl Fn(&[u8], u64) -> bool {
    move |document, at| {
        AttestationDocument::parse(document)
            .is_ok_and(|parsed| parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at * 1000, backend).is_ok())
    }
}

fn cached(name: &'static str, package: &'static str, backend: &'static Backend) -> Verifier {
    let cache = RefCell::new(CabundleCache::<8>::new());
    verifier(name, package, "parameter", move |document, at| {
        AttestationDocument::parse(document).is_ok_and(|parsed| {
            let mut cache = cache.borrow_mut();
            parsed.verify_cached(&[AWS_NITRO_ENCLAVES_ROOT_G1], at * 1000, backend, &mut cache).is_ok()
        })
    })
}

#[cfg(any(feature = "nitro_attest", feature = "vta-sdk"))]
fn date_time(at: u64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.cast_signed()).expect("a year below 10000")
}
