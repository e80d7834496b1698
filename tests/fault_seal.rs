//! Faults where all keys are needed, in a seal and in the seal of a rotation: the same faults, client and emulator as
//! in `fault_matrix`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/quorum.rs"]
#[allow(dead_code, unreachable_pub)]
mod quorum;
#[path = "common/rows.rs"]
#[allow(dead_code, unreachable_pub)]
mod rows;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::error::Error as Fault;
use pcrseal::core::pcr::PcrSet;
use pcrseal::core::policy::TrustPolicy;
use pcrseal::core::report::KeyReport;
use pcrseal::kms::{Client, ClientBuilder};
use pcrseal::{AutoUnseal, Code, Error, Outcome, RetirementState, Rotated};
use pcrseal_emulator::kms::{Fault as KeyFault, Operation};
use pcrseal_emulator::nsm::Nsm;
use quorum::{PATIENCE, Trouble, World, cluster, ends, stage_limits};
use rows::{ROWS, Row};

const KEYS: usize = 5;
const OLD: std::ops::Range<usize> = 0..KEYS;
const NEW: std::ops::Range<usize> = KEYS..2 * KEYS;
/// A stage's limit that sound keys keep, where the fault is one that hangs.
const STAGE: Duration = Duration::from_secs(2);

/// Lets the troubles begin at an attestation: the moment before requests with a document are made.
struct Striking {
    nsm: Nsm,
    world: Arc<World>,
    troubles: Vec<(usize, Trouble)>,
    /// The attestation, counted from 1.
    at: u32,
    attestations: AtomicU32,
}

impl Attester for Striking {
    fn measured_pcrs(&self) -> Result<PcrSet, Fault> {
        self.nsm.measured_pcrs()
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Fault> {
        if self.attestations.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            self.world.strike(&self.troubles);
        }
        self.nsm.attest(request)
    }
}

/// An enclave whose troubles begin at this attestation.
fn enclave(
    world: &Arc<World>,
    policy: TrustPolicy,
    client: ClientBuilder,
    troubles: &[(usize, Trouble)],
    at: u32,
) -> AutoUnseal<Client> {
    let (nsm, world, troubles) = (world.nsm(), Arc::clone(world), troubles.to_vec());
    let striking = Striking { nsm, world, troubles, at, attestations: AtomicU32::new(0) };
    AutoUnseal::new(Arc::new(striking), client.build().unwrap(), policy).with_deadline(PATIENCE)
}

/// Rows that a seal meets as an unseal does: not those of what is in the share itself, of which a seal learns by its
/// proof alone, nor those of the key's state, which a seal looks at first.
fn rows_of_seals() -> impl Iterator<Item = &'static Row> {
    let own = |row: &&Row| {
        let of_share = matches!(row.trouble, Trouble::Key(KeyFault::WrongPlaintext));
        let of_state = matches!(row.trouble, Trouble::Disabled | Trouble::PendingDeletion);
        // In the client's configuration, and so from the start.
        let of_network = matches!(row.trouble, Trouble::Refusing | Trouble::Deaf);
        !(row.hangs || of_share || of_state || of_network)
    };
    ROWS.iter().filter(own)
}

fn named(row: &Row, key: &KeyReport) {
    assert_eq!((key.outcome, key.code), (row.outcome, row.code), "{row:?}: {key:?}");
}

/// One seal; the troubles begin at this attestation, 0 for the start.
async fn seal(world: &Arc<World>, position: usize, row: &Row, at: u32) -> Result<(), Error> {
    let troubles = [(position, row.trouble)];
    let client = world.client(&troubles);
    let client = if row.hangs { stage_limits(client, STAGE) } else { client };
    let enclave = enclave(world, world.policy(), client, &troubles, at);
    if at == 0 {
        world.strike(&troubles);
    }
    let sealed = ends(enclave.seal_generated(32, &[])).await;
    world.heal();
    sealed.map(drop)
}

#[tokio::test]
async fn a_seal_names_the_key_that_does_not_wrap_its_share() {
    let world = Arc::new(World::new(KEYS).await);
    for (number, row) in rows_of_seals().enumerate() {
        let position = number % KEYS;
        let sealed = seal(&world, position, row, 1).await;
        if row.recovers() {
            sealed.unwrap();
            continue;
        }
        let error = sealed.unwrap_err();
        assert_eq!(error.code(), Code::SealIncomplete, "{row:?}: {error}");
        named(row, &error.report().keys[position]);
        assert_eq!(error.report().count(Outcome::Granted), KEYS - 1, "{row:?}: {error}");
    }
}

#[tokio::test]
async fn a_seal_whose_proof_misses_one_key_is_not_handed_out() {
    let world = Arc::new(World::new(KEYS).await);
    for (number, row) in rows_of_seals().enumerate() {
        let position = number % KEYS;
        let sealed = seal(&world, position, row, 2).await;
        if row.recovers() {
            sealed.unwrap();
            continue;
        }
        let error = sealed.unwrap_err();
        assert_eq!(error.code(), Code::QuorumNotReached, "{row:?}: {error}");
        named(row, &error.report().keys[position]);
        assert_eq!(error.report().count(Outcome::Granted), KEYS - 1, "{row:?}: {error}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_checked_is_given_no_share() {
    let world = Arc::new(World::new(KEYS).await);
    let of_network = |row: &&Row| matches!(row.trouble, Trouble::Refusing);
    // What is wrong with data keys alone does not show in the questions that are asked before.
    let of_data_keys = |row: &&Row| {
        let data_keys = [KeyFault::WrongKeyId, KeyFault::OtherRecipient, KeyFault::PlaintextBeside];
        matches!(row.trouble, Trouble::Key(fault) if data_keys.contains(&fault) || fault == KeyFault::PlaintextOnly)
    };
    let rows = rows_of_seals().filter(|row| !row.recovers() && !of_data_keys(row));
    for (number, row) in rows.chain(ROWS.iter().filter(of_network)).enumerate() {
        let position = number % KEYS;
        let asked = (0..KEYS).map(|key| world.requests(key, Operation::GenerateDataKey));
        let before: Vec<u32> = asked.collect();
        let error = seal(&world, position, row, 0).await.unwrap_err();
        assert_eq!(error.code(), Code::KeyNotChecked, "{row:?}: {error}");
        named(row, &error.report().keys[position]);
        for sound in (0..KEYS).filter(|key| *key != position) {
            // The dry run: a share would be one more.
            let asked = world.requests(sound, Operation::GenerateDataKey) - before[sound];
            assert_eq!(asked, 1, "{row:?}");
        }
    }
}

#[tokio::test]
async fn a_seal_does_not_wait_for_a_key_that_hangs() {
    let world = Arc::new(World::new(KEYS).await);
    let hang = |row: &&Row| matches!(row.trouble, Trouble::Key(KeyFault::Hang));
    let row = ROWS.iter().find(hang).unwrap();
    let error = seal(&world, 3, row, 1).await.unwrap_err();
    assert_eq!(error.code(), Code::SealIncomplete, "{error}");
    named(row, &error.report().keys[3]);
}

/// A blob of the old quorum, and the policy by which the new one takes over.
struct Rotation {
    world: Arc<World>,
    policy: TrustPolicy,
    blob: Vec<u8>,
    secret: Vec<u8>,
}

impl Rotation {
    async fn new() -> Self {
        let world = Arc::new(World::new(2 * KEYS).await);
        let (old, new) = (world.quorum(OLD), world.quorum(NEW));
        let before = TrustPolicy::builder(cluster()).seal_quorum(old.clone()).build().unwrap();
        let sealed =
            enclave(&world, before, world.client(&[]), &[], 0).seal_generated(32, &[]).await.unwrap();
        let policy = TrustPolicy::builder(cluster()).seal_quorum(new).unseal_quorum(old).build().unwrap();
        let secret = sealed.opened.secret().expose().to_vec();
        Self { world, policy, blob: sealed.blob, secret }
    }

    fn enclave(&self, troubles: &[(usize, Trouble)], at: u32) -> AutoUnseal<Client> {
        enclave(&self.world, self.policy.clone(), self.world.client(troubles), troubles, at)
    }

    /// One that fails: nothing may be kept or disabled, and the old blob opens.
    async fn fails(&self, troubles: &[(usize, Trouble)], at: u32) -> Error {
        let keep = |_| -> Ready<Result<(), Infallible>> { panic!("nothing is there to keep") };
        let enclave = self.enclave(troubles, at);
        if at == 0 {
            self.world.strike(troubles);
        }
        let error = ends(Box::pin(enclave.rotate(&self.blob, &[], keep))).await.unwrap_err();
        self.world.heal();
        let disabled: u32 = (0..NEW.end).map(|key| self.world.requests(key, Operation::DisableKey)).sum();
        assert_eq!(disabled, 0, "{troubles:?}");
        self.opens(&self.blob).await;
        error
    }

    async fn opens(&self, blob: &[u8]) {
        let unsealed = ends(self.enclave(&[], 0).unseal(blob)).await.unwrap();
        assert!(unsealed.opened.secret().ct_eq(&self.secret));
    }
}

/// The row of the matrix with this fault.
fn row_of(trouble: Trouble) -> &'static Row {
    let wanted = format!("{trouble:?}");
    ROWS.iter().find(|row| format!("{:?}", row.trouble) == wanted).unwrap()
}

const DENIED: Trouble =
    Trouble::Key(KeyFault::Error { status: 400, code: "AccessDeniedException", message: "no" });

#[tokio::test]
async fn where_a_new_key_fails_a_rotation_leaves_everything_as_it_was() {
    let rotation = Rotation::new().await;
    // The first attestation is that of the unseal, then the new keys wrap, then they prove the blob.
    let stages = [(0, Code::KeyNotChecked), (2, Code::SealIncomplete), (3, Code::QuorumNotReached)];
    let faults = [KeyFault::ResetInBody, KeyFault::GarbageBody, KeyFault::Html { status: 503 }];
    for (number, trouble) in faults.map(Trouble::Key).into_iter().chain([DENIED]).enumerate() {
        let position = NEW.start + number;
        for (at, code) in stages {
            let error = Box::pin(rotation.fails(&[(position, trouble)], at)).await;
            assert_eq!(error.code(), code, "{trouble:?} at {at}: {error}");
            named(row_of(trouble), &error.report().keys[number]);
        }
    }
}

#[tokio::test]
async fn where_the_old_quorum_is_not_reached_no_new_key_is_asked() {
    let rotation = Rotation::new().await;
    let trouble = Trouble::Key(KeyFault::Throttling);
    let error = Box::pin(rotation.fails(&[(0, trouble), (2, trouble), (4, trouble)], 0)).await;
    assert_eq!(error.code(), Code::QuorumNotReached);
    for old in [0, 2, 4] {
        assert_eq!(error.report().keys[old].outcome, Outcome::Throttled);
    }
    assert!(NEW.into_iter().all(|new| rotation.world.ways[new].key.total_requests() == 0));
}

#[tokio::test]
async fn a_rotation_gets_over_two_old_keys_and_says_that_they_are_not_retired() {
    let rotation = Rotation::new().await;
    let troubles = [(1, Trouble::Refusing), (3, DENIED)];
    let enclave = rotation.enclave(&troubles, 0);
    rotation.world.strike(&troubles);
    let keep = |_| ready(Ok::<_, Infallible>(()));
    let Rotated { blob, retirements, old_blob_revoked, .. } =
        ends(Box::pin(enclave.rotate(&rotation.blob, &[], keep))).await.unwrap();
    for (position, retirement) in retirements.iter().enumerate() {
        let trouble = troubles.iter().find(|(faulty, _)| *faulty == position);
        match trouble {
            None => assert_eq!(retirement.state, RetirementState::Retired, "{retirement:?}"),
            Some((_, trouble)) => {
                assert_eq!(retirement.state, RetirementState::Failed);
                named(row_of(*trouble), &retirement.row);
            }
        }
    }
    // Two of five are left, and three are needed.
    assert!(old_blob_revoked);
    rotation.opens(&blob).await;
}
