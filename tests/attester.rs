//! What is asked of the attester: one document for every session, and an answer in time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{IMAGE, World};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::error::Error;
use pcrseal::core::pcr::PcrSet;
use pcrseal::kms::Client;
use pcrseal::{Attester, AutoUnseal, Code};
use pcrseal_emulator::nsm::Nsm;

/// An attester that remembers the keys it attested, and takes its time.
struct Watched {
    nsm: Nsm,
    public_keys: Mutex<Vec<Vec<u8>>>,
    measures_for: Duration,
    attests_for: Duration,
}

impl Watched {
    fn new(world: &World) -> Self {
        let nsm = world.nsm(IMAGE);
        Self { nsm, public_keys: Mutex::default(), measures_for: Duration::ZERO, attests_for: Duration::ZERO }
    }
}

impl Attester for Watched {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        sleep(self.measures_for);
        self.nsm.measured_pcrs()
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        sleep(self.attests_for);
        self.public_keys.lock().unwrap().push(request.public_key.unwrap().to_vec());
        self.nsm.attest(request)
    }
}

fn enclave(world: &World, attester: &Arc<Watched>) -> AutoUnseal<Client> {
    let attester: Arc<dyn Attester> = attester.clone();
    AutoUnseal::new(attester, world.client().build().unwrap(), world.policy())
}

#[tokio::test]
async fn one_recipient_and_one_document_serve_one_session() {
    let world = World::new().await;
    let attester = Arc::new(Watched::new(&world));
    let enclave = enclave(&world, &attester);
    let keys = || attester.public_keys.lock().unwrap().clone();
    let blob = enclave.seal_generated(32, &[]).await.unwrap().blob;
    assert_eq!(keys().len(), 2, "the seal, and the unseal that proves it");
    enclave.unseal(&blob).await.unwrap();
    enclave.unseal(&blob).await.unwrap();
    assert_eq!(keys().len(), 4);
    assert_eq!(keys().into_iter().collect::<BTreeSet<_>>().len(), 4, "no key is attested twice");
}

#[tokio::test]
async fn an_attester_that_hangs_does_not_outlast_the_deadline() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let (none, long) = (Duration::ZERO, Duration::from_secs(3));
    for (measures_for, attests_for) in [(long, none), (none, long)] {
        let attester = Arc::new(Watched { measures_for, attests_for, ..Watched::new(&world) });
        let start = Instant::now();
        let enclave = enclave(&world, &attester).with_deadline(Duration::from_millis(300));
        assert_eq!(enclave.unseal(&blob).await.unwrap_err().code(), Code::DeadlineExceeded);
        assert!(start.elapsed() < long);
    }
}

#[tokio::test]
async fn the_longest_deadline_that_can_be_said_is_one() {
    let world = World::new().await;
    let enclave = world.enclave().with_deadline(Duration::MAX);
    let blob = enclave.seal_generated(32, &[]).await.unwrap().blob;
    enclave.unseal(&blob).await.unwrap();
}

/// A driver with a fault.
struct Panics;

impl Attester for Panics {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        panic!("an attester that panics")
    }

    fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        panic!("an attester that panics")
    }
}

#[tokio::test]
async fn an_attester_that_panics_is_an_error() {
    let world = World::new().await;
    let enclave = AutoUnseal::new(Arc::new(Panics), world.client().build().unwrap(), world.policy());
    assert_eq!(enclave.seal_generated(32, &[]).await.unwrap_err().code(), Code::Interrupted);
}
