//! The cache of cabundles: what it saves, and everything that it must not let through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::backends::{accept_all, backends, fast, recorder, verifying};
use common::der_tree::Node;
use common::documents::{Parts, each_genuine, verify_at_ms};
use common::sample::Sample;
use pcrseal_core::attestation::{
    AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind, AttestationPolicy, CabundleCache,
};
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::{Backend, ES384_SIGNATURE_LEN, Es384, SignatureRejected};
use pcrseal_core::error::{Code, Detail, Error};
use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig};

const ROOTS: &[&[u8]] = &[AWS_NITRO_ENCLAVES_ROOT_G1];

/// Counts the signatures that a backend verifies.
struct Counter {
    real: Backend,
    count: AtomicUsize,
}

impl Counter {
    fn over(real: Backend) -> (Backend, &'static Self) {
        let counter: &'static Self = Box::leak(Box::new(Self { real, count: AtomicUsize::new(0) }));
        (verifying(counter), counter)
    }

    fn take(&self) -> usize {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl Es384 for Counter {
    fn verify(&self, k: &[u8], m: &[u8], s: &[u8; ES384_SIGNATURE_LEN]) -> Result<(), SignatureRejected> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.real.es384.verify(k, m, s)
    }

    fn verify_der(&self, k: &[u8], m: &[u8], s: &[u8]) -> Result<(), SignatureRejected> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.real.es384.verify_der(k, m, s)
    }
}

/// Verifies without and with the cache; both must say the same. Gives what they said.
fn both<const N: usize>(
    document: &[u8],
    roots: &[&[u8]],
    at_ms: u64,
    backend: &Backend,
    cache: &mut CabundleCache<N>,
) -> Result<String, Error> {
    let parsed = AttestationDocument::parse(document)?;
    let cold = parsed.verify(roots, at_ms, backend).map(|verified| format!("{verified:?}"));
    let cached = parsed.verify_cached(roots, at_ms, backend, cache).map(|verified| format!("{verified:?}"));
    assert_eq!(cold, cached);
    cached
}

fn code<T>(result: Result<T, Error>) -> Code {
    result.err().expect("a refusal").code()
}

/// A sample in trees (root, regional, zonal, instance, leaf), and a cache that knows its cabundle.
struct Primed {
    sample: Sample,
    cache: CabundleCache<4>,
}

impl Primed {
    fn new(backend: &Backend) -> Self {
        let sample = Sample::new();
        let mut cache = CabundleCache::new();
        both(&sample.document, &[&sample.root], sample.at_ms, backend, &mut cache).unwrap();
        assert_eq!(cache.len(), 1);
        Self { sample, cache }
    }

    fn certificates(&self) -> Vec<Node> {
        let mut parts = Parts::of(&self.sample.document);
        let mut ders = parts.cabundle();
        ders.push(parts.certificate());
        ders.iter().map(|der| Node::parse(der)).collect()
    }

    fn document(&self, certificates: &[Node]) -> Vec<u8> {
        let mut parts = Parts::of(&self.sample.document);
        let mut ders: Vec<_> = certificates.iter().map(Node::encode).collect();
        parts.set_certificate(ders.pop().unwrap());
        parts.set_cabundle(ders);
        parts.encode()
    }

    /// Refused with the cache as without it, and the cache is none the wiser.
    fn refused(&mut self, document: &[u8], backend: &Backend) -> Code {
        let before = self.cache.len();
        let roots: &[&[u8]] = &[&self.sample.root];
        let code = code(both(document, roots, self.sample.at_ms, backend, &mut self.cache));
        assert_eq!(self.cache.len(), before);
        code
    }
}

#[test]
fn a_known_cabundle_costs_two_signatures_and_yields_the_same() {
    for backend in backends() {
        let (counting, counter) = Counter::over(backend);
        each_genuine(|document, facts| {
            let at_ms = verify_at_ms(facts);
            let parsed = AttestationDocument::parse(document).unwrap();
            let expected = format!("{:?}", parsed.verify(ROOTS, at_ms, &counting).unwrap());
            let mut cache = CabundleCache::<1>::new();
            assert_eq!(counter.take(), 5);
            for signatures in [5, 2, 2] {
                let verified = parsed.verify_cached(ROOTS, at_ms, &counting, &mut cache).unwrap();
                assert_eq!(counter.take(), signatures, "{}", facts["file"]);
                assert_eq!(format!("{verified:?}"), expected);
            }
        });
    }
}

#[test]
fn another_document_of_the_same_enclave_is_known_and_of_another_enclave_is_not() {
    let (clock, (counting, counter)) = (Clock::system(), Counter::over(fast()));
    let authority = Authority::new(&clock).unwrap();
    let roots: &[&[u8]] = &[authority.root_der()];
    let boot = || Nsm::boot(&authority, NsmConfig::new([Pcr::ZERO; 3])).unwrap();
    let (one, other) = (boot(), boot());
    let mut cache = CabundleCache::<2>::new();
    for (nsm, nonce, signatures) in [(&one, b"1", 5), (&one, b"2", 2), (&other, b"3", 5), (&one, b"4", 2)] {
        let request = AttestationRequest { nonce: Some(nonce), ..Default::default() };
        let document = nsm.attest(&request).unwrap();
        let parsed = AttestationDocument::parse(&document).unwrap();
        let verified = parsed.verify_cached(roots, clock.now_millis(), &counting, &mut cache).unwrap();
        assert_eq!((verified.nonce(), verified.module_id()), (Some(&nonce[..]), nsm.module_id()));
        assert_eq!(counter.take(), signatures);
    }
}

#[test]
fn time_is_judged_anew() {
    each_genuine(|document, facts| {
        let (replaying, recorder) = recorder(fast());
        let mut cache = CabundleCache::<1>::new();
        let parsed = AttestationDocument::parse(document).unwrap();
        let verified = parsed.verify_cached(ROOTS, verify_at_ms(facts), &replaying, &mut cache).unwrap();
        let (from, to) = (verified.chain_not_before() * 1000, verified.chain_not_after() * 1000);
        recorder.replay();
        let mut outcome = |at_ms| both(document, ROOTS, at_ms, &replaying, &mut cache).map_err(|e| e.code());
        assert!(outcome(from).is_ok() && outcome(to + 999).is_ok());
        for at_ms in [0, from - 1] {
            assert_eq!(outcome(at_ms), Err(Code::CertificateNotYetValid));
        }
        for at_ms in [to + 1000, u64::MAX] {
            assert_eq!(outcome(at_ms), Err(Code::CertificateExpired));
        }
    });
}

/// Leaves that outlive their issuers by a century, with every signature taken for good.
#[test]
fn a_known_cabundle_expires_whatever_the_leaf_says() {
    const VALIDITY: usize = 4;
    let primed = Primed::new(&fast());
    let mut certificates = primed.certificates();
    let leaf = certificates[4].children()[0].children()[VALIDITY].children();
    leaf[0] = Node::Primitive(0x17, b"190101000000Z".to_vec());
    leaf[1] = Node::Primitive(0x18, b"21190101000000Z".to_vec());
    let document = primed.document(&certificates);
    let roots: &[&[u8]] = &[&primed.sample.root];
    let mut cache = CabundleCache::<1>::new();
    let parsed = AttestationDocument::parse(&document).unwrap();
    let verified = parsed.verify_cached(roots, primed.sample.at_ms, &accept_all(), &mut cache).unwrap();
    let (from, to) = (verified.chain_not_before() * 1000, verified.chain_not_after() * 1000);
    assert!(to - from <= 24 * 3600 * 1000, "the instance's certificate");
    for (at_ms, expected) in [(from - 1, Code::CertificateNotYetValid), (to + 1000, Code::CertificateExpired)]
    {
        let error = both(&document, roots, at_ms, &accept_all(), &mut cache).unwrap_err();
        let Detail::Number { what, .. } = error.detail() else { panic!("{error}") };
        assert_eq!((error.code(), *what), (expected, "cabundle[3]"));
    }
}

#[test]
fn another_set_of_roots_is_judged_by_itself() {
    let clock = Clock::system();
    let (ours, theirs) = (Authority::new(&clock).unwrap(), Authority::new(&clock).unwrap());
    let nsm = Nsm::boot(&ours, NsmConfig::new([Pcr::ZERO; 3])).unwrap();
    let document = nsm.attest(&AttestationRequest::default()).unwrap();
    let (mut cache, at_ms) = (CabundleCache::<4>::new(), clock.now_millis());
    let mut outcome = |roots: &[&[u8]]| {
        both(&document, roots, at_ms, &fast(), &mut cache).map(|_| ()).map_err(|e| e.code())
    };
    assert_eq!(outcome(&[theirs.root_der()]), Err(Code::CertificateRoot));
    assert_eq!(outcome(&[theirs.root_der(), ours.root_der()]), Ok(()));
    for roots in [&[][..], &[theirs.root_der()], ROOTS, &[&[]]] {
        assert_eq!(outcome(roots), Err(Code::CertificateRoot));
    }
    assert_eq!(outcome(&[ours.root_der()]), Ok(()));
}

#[test]
fn the_leaf_and_the_document_are_verified_under_a_known_cabundle() {
    for backend in backends() {
        let mut primed = Primed::new(&backend);
        let genuine = primed.certificates();

        let mut wrong = genuine.clone();
        *wrong[4].children()[2].contents().last_mut().unwrap() ^= 1;
        assert_eq!(primed.refused(&primed.document(&wrong), &backend), Code::CertificateSignature);
        // The serial number, which no check of form sees; then another key.
        let mut wrong = genuine.clone();
        *wrong[4].children()[0].children()[1].contents().last_mut().unwrap() ^= 1;
        assert_eq!(primed.refused(&primed.document(&wrong), &backend), Code::CertificateSignature);
        let mut wrong = genuine.clone();
        let key = wrong[3].children()[0].children()[6].clone();
        wrong[4].children()[0].children()[6] = key;
        assert_eq!(primed.refused(&primed.document(&wrong), &backend), Code::CertificateSignature);

        let mut document = primed.sample.document.clone();
        *document.last_mut().unwrap() ^= 1;
        assert_eq!(primed.refused(&document, &backend), Code::CoseSignatureRejected);
    }
}

#[test]
fn a_leaf_of_another_issuer_is_refused() {
    let clock = Clock::system();
    let authority = Authority::new(&clock).unwrap();
    let mut documents = ["i-0123456789abcdef0", "i-0fedcba9876543210"].map(|instance| {
        // Definite maps, as the parts are put together again.
        let config = NsmConfig::new([Pcr::ZERO; 3]).instance_id(instance).map_encoding(MapEncoding::Definite);
        let document = Nsm::boot(&authority, config).unwrap().attest(&AttestationRequest::default()).unwrap();
        Parts::of(&document)
    });
    let (roots, at_ms): (&[&[u8]], _) = (&[authority.root_der()], clock.now_millis());
    let mut cache = CabundleCache::<4>::new();
    for document in &documents {
        both(&document.encode(), roots, at_ms, &fast(), &mut cache).unwrap();
    }
    let other = documents[1].cabundle();
    documents[0].set_cabundle(other);
    let mixed = documents[0].encode();
    assert_eq!(code(both(&mixed, roots, at_ms, &fast(), &mut cache)), Code::CertificateOrder);
    assert_eq!(code(both(&mixed, roots, at_ms, &accept_all(), &mut cache)), Code::CertificateOrder);
}

#[test]
fn path_lengths_and_the_ca_flag_are_judged_anew() {
    let mut primed = Primed::new(&fast());
    // The known cabundle, with the leaf as one CA more: below a pathLenConstraint of 0, and itself no CA.
    let mut longer = primed.certificates();
    longer.push(longer[4].clone());
    for backend in [fast(), accept_all()] {
        assert_eq!(primed.refused(&primed.document(&longer), &backend), Code::CertificatePathLength);
    }
    // The leaf in an instance's place, and cabundles that leave one out.
    let mut swapped = primed.certificates();
    swapped.swap(3, 4);
    assert_ne!(primed.refused(&primed.document(&swapped), &accept_all()), Code::CertificateSignature);
    for position in 1..4 {
        let mut shorter = primed.certificates();
        shorter.remove(position);
        assert_eq!(primed.refused(&primed.document(&shorter), &accept_all()), Code::CertificateOrder);
    }
}

#[test]
fn an_altered_certificate_is_unknown() {
    let mut primed = Primed::new(&fast());
    for position in 1..4 {
        let mut altered = primed.certificates();
        *altered[position].children()[2].contents().last_mut().unwrap() ^= 1;
        assert_eq!(primed.refused(&primed.document(&altered), &fast()), Code::CertificateSignature);
    }
}

/// Each byte of the whole document, with good signatures remembered and nothing else good.
#[test]
fn no_flipped_byte_gets_past_a_primed_cache() {
    let (replaying, recorder) = recorder(fast());
    let mut primed = Primed::new(&replaying);
    recorder.replay();
    let mut flipped = primed.sample.document.clone();
    for position in 0..flipped.len() {
        for mask in [0x01, 0x20, 0xff] {
            flipped[position] ^= mask;
            primed.refused(&flipped, &replaying);
            flipped[position] ^= mask;
        }
    }
}

#[test]
fn what_was_refused_is_not_remembered() {
    let primed = Primed::new(&fast());
    let (genuine, sample) = (primed.certificates(), &primed.sample);
    let roots: &[&[u8]] = &[&sample.root];
    let mut refused = vec![(sample.document.clone(), 0), (sample.document.clone(), u64::MAX)];
    for position in 1..5 {
        let mut altered = genuine.clone();
        *altered[position].children()[2].contents().last_mut().unwrap() ^= 1;
        refused.push((primed.document(&altered), sample.at_ms));
    }
    let mut unsigned = sample.document.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    refused.push((unsigned, sample.at_ms));

    let mut cache = CabundleCache::<4>::new();
    for (document, at_ms) in &refused {
        both(document, roots, *at_ms, &fast(), &mut cache).unwrap_err();
        assert!(cache.is_empty());
    }
    both(&sample.document, &[], sample.at_ms, &fast(), &mut cache).unwrap_err();
    assert!(cache.is_empty());
    let (counting, counter) = Counter::over(fast());
    let parsed = AttestationDocument::parse(&sample.document).unwrap();
    parsed.verify_cached(roots, sample.at_ms, &counting, &mut cache).unwrap();
    assert_eq!((counter.take(), cache.len()), (5, 1));
}

#[test]
fn the_capacity_holds_and_the_oldest_goes_first() {
    let (clock, (counting, counter)) = (Clock::system(), Counter::over(fast()));
    let authority = Authority::new(&clock).unwrap();
    let documents: Vec<_> = (0..4)
        .map(|_| {
            let nsm = Nsm::boot(&authority, NsmConfig::new([Pcr::ZERO; 3])).unwrap();
            nsm.attest(&AttestationRequest::default()).unwrap()
        })
        .collect();
    let mut cache = CabundleCache::<3>::new();
    let mut cost = |position: usize| {
        let parsed = AttestationDocument::parse(&documents[position]).unwrap();
        let at_ms = clock.now_millis();
        parsed.verify_cached(&[authority.root_der()], at_ms, &counting, &mut cache).unwrap();
        assert!(cache.len() <= 3);
        counter.take()
    };
    assert_eq!([0, 1, 2, 0, 1, 2].map(&mut cost), [5, 5, 5, 2, 2, 2]);
    assert_eq!([3, 3, 1, 2, 0].map(&mut cost), [5, 2, 2, 2, 5]);
    assert_eq!(cost(1), 5, "made room for the one before");
}

#[test]
fn a_serial_revoked_since_refuses_a_known_cabundle() {
    let mut primed = Primed::new(&fast());
    let sample = &primed.sample;
    let parsed = AttestationDocument::parse(&sample.document).unwrap();
    let verified = parsed.verify_cached(&[&sample.root], sample.at_ms, &fast(), &mut primed.cache).unwrap();
    let policy = AttestationPolicy::builder(AttestationKind::Enclave).module_id(verified.module_id());
    assert_eq!(policy.clone().build().unwrap().appraise(&verified, sample.at_ms), Ok(()));
    let revoking = policy.revoked_serial(verified.zonal_serial().unwrap()).build().unwrap();
    let mismatches: Vec<_> = revoking.mismatches(&verified, sample.at_ms).map(|error| error.code()).collect();
    assert_eq!(mismatches, [Code::AttestationRevoked]);
}
