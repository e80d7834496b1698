//! Every fault at every key: what the report says of it, that the secret is there whenever enough keys are sound,
//! that nothing waits longer than it may, and that no secret is in any event or error.
//!
//! The real client over loopback sockets and TLS, against the emulator. `tests/common/rows.rs` is the table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/quorum.rs"]
#[allow(dead_code, unreachable_pub)]
mod quorum;
#[path = "common/recorder.rs"]
#[allow(dead_code, unreachable_pub)]
mod recorder;
#[path = "common/rows.rs"]
#[allow(dead_code, unreachable_pub)]
mod rows;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use pcrseal::core::report::{KeyReport, Report};
use pcrseal::{Code, Error, Outcome, Unsealed};
use pcrseal_emulator::kms::Operation;
use quorum::{HANG, NEEDED, Sealed, Trouble, World, stage_limits};
use recorder::{Recorder, spellings};
use rows::{ROWS, Row};
use tokio::task::JoinSet;
use tokio::time::timeout;

const KEYS: usize = 5;
/// What a stage may take where it is meant to hang.
const STAGE: Duration = Duration::from_millis(300);
/// What an unseal may take where its own deadline is meant to end it.
const DEADLINE: Duration = Duration::from_secs(2);

/// The faults at one position, over one blob.
struct Lane {
    position: usize,
    world: World,
    sealed: Sealed,
    recorder: Recorder,
    /// Every text that an error or a report had.
    told: String,
}

impl Lane {
    async fn new(position: usize, recorder: Recorder) -> Self {
        let world = World::new(KEYS).await;
        let sealed = world.sealed().await;
        Self { position, world, sealed, recorder, told: String::new() }
    }

    /// The position that comes so many after this lane's.
    fn after(&self, steps: usize) -> usize {
        (self.position + steps) % KEYS
    }

    /// Enough keys are sound: what is asked for in vain is broken off.
    async fn with_a_quorum(mut self) -> Self {
        for (number, row) in ROWS.iter().enumerate() {
            self.alone(row).await;
            self.with_another(row, &ROWS[(number + 7 * (self.position + 1)) % ROWS.len()]).await;
            if row.hangs {
                self.beyond_the_deadline(row).await;
            }
        }
        self
    }

    /// Every answer is waited for, so that requests can be counted.
    async fn without_a_quorum(mut self) -> Self {
        for row in ROWS {
            if row.recovers() {
                self.needed(row).await;
            } else {
                self.too_many(row).await;
            }
        }
        self
    }

    /// One faulty key takes nothing away, and nothing waits for it.
    async fn alone(&mut self, row: &Row) {
        let troubles = [(self.position, row.trouble)];
        let unsealed = self.unseal(&troubles, None).await.unwrap();
        self.opened(&unsealed);
        for (position, key) in unsealed.report.keys.iter().enumerate() {
            if position != self.position {
                assert!(matches!(key.outcome, Outcome::Granted | Outcome::NotNeeded), "{row:?}: {key:?}");
            } else if key.outcome != Outcome::NotNeeded {
                self.named(row, key);
            }
        }
    }

    /// Nor do two, of different kinds.
    async fn with_another(&mut self, row: &Row, other: &Row) {
        let second = self.after(2);
        let troubles = [(self.position, row.trouble), (second, other.trouble)];
        let unsealed = self.unseal(&troubles, None).await.unwrap();
        self.opened(&unsealed);
        for (position, row) in [(self.position, row), (second, other)] {
            let key = &unsealed.report.keys[position];
            if key.outcome != Outcome::NotNeeded {
                self.named(row, key);
            }
        }
    }

    /// Three do: the error names each, and says so as soon as it is known.
    async fn too_many(&mut self, row: &Row) {
        let faulty: Vec<_> = (0..3).map(|steps| self.after(steps)).collect();
        let troubles: Vec<_> = faulty.iter().map(|position| (*position, row.trouble)).collect();
        let before: Vec<_> = faulty.iter().map(|position| self.counts(*position)).collect();
        let error = self.unseal(&troubles, row.hangs.then_some(STAGE)).await.unwrap_err();
        assert_eq!(error.code(), Code::QuorumNotReached, "{row:?}: {error}");
        for (position, before) in faulty.iter().zip(before) {
            self.named(row, &error.report().keys[*position]);
            self.counted(row, *position, before);
        }
        if !row.hangs {
            assert_eq!(error.report().count(Outcome::Granted), KEYS - faulty.len(), "{row:?}: {error}");
        }
    }

    /// Where the other keys are gone, the secret needs the three that get over their trouble.
    async fn needed(&mut self, row: &Row) {
        let recovering: Vec<_> = (0..3).map(|steps| self.after(steps)).collect();
        let mut troubles: Vec<_> = recovering.iter().map(|position| (*position, row.trouble)).collect();
        troubles.extend((3..KEYS).map(|steps| (self.after(steps), Trouble::Disabled)));
        let before: Vec<_> = recovering.iter().map(|position| self.counts(*position)).collect();
        let unsealed = self.unseal(&troubles, None).await.unwrap();
        self.opened(&unsealed);
        for (position, before) in recovering.iter().zip(before) {
            self.named(row, &unsealed.report.keys[*position]);
            self.counted(row, *position, before);
        }
    }

    /// What would hang for a minute by the client's limits ends by the unseal's.
    async fn beyond_the_deadline(&mut self, row: &Row) {
        let faulty: Vec<_> = (0..3).map(|steps| self.after(steps)).collect();
        let troubles: Vec<_> = faulty.iter().map(|position| (*position, row.trouble)).collect();
        let enclave = self.world.enclave(self.world.client(&troubles)).with_deadline(DEADLINE);
        self.world.strike(&troubles);
        let prepared = enclave.prepare().await.unwrap();
        let unsealed = timeout(HANG, enclave.unseal_prepared(prepared, &self.sealed.blob)).await.unwrap();
        self.world.heal();
        let error = self.tell(unsealed).unwrap_err();
        assert_eq!(error.code(), Code::QuorumNotReached, "{row:?}: {error}");
        for position in faulty {
            let key = &error.report().keys[position];
            assert_eq!((key.outcome, key.code, key.elapsed), (Outcome::Timeout, None, None), "{row:?}");
        }
    }

    /// Boots an enclave and unseals while the troubles last, with this limit for every stage.
    async fn unseal(
        &mut self,
        troubles: &[(usize, Trouble)],
        stage: Option<Duration>,
    ) -> Result<Unsealed, Error> {
        let client = self.world.client(troubles);
        let client = if let Some(limit) = stage { stage_limits(client, limit) } else { client };
        let enclave = self.world.enclave(client);
        self.world.strike(troubles);
        let unsealed = timeout(HANG, enclave.unseal(&self.sealed.blob)).await;
        let unsealed = unsealed.unwrap_or_else(|_| panic!("{troubles:?} hangs"));
        self.world.heal();
        self.tell(unsealed)
    }

    /// Writes down what a log could be given.
    fn tell(&mut self, unsealed: Result<Unsealed, Error>) -> Result<Unsealed, Error> {
        match &unsealed {
            Ok(unsealed) => writeln!(self.told, "{unsealed:?} {}", unsealed.report),
            Err(error) => writeln!(self.told, "{error:?} {error} {}", error.fault()),
        }
        .unwrap();
        unsealed
    }

    fn opened(&self, unsealed: &Unsealed) {
        assert!(unsealed.opened.secret().ct_eq(&self.sealed.secret));
        assert_eq!(granted(&unsealed.report), usize::from(NEEDED));
    }

    /// What a row of the report says is what the matrix says.
    fn named(&self, row: &Row, key: &KeyReport) {
        let at = self.position;
        assert_eq!((key.outcome, key.code), (row.outcome, row.code), "{row:?} at {at}: {key:?}");
        let aws = key.service.as_ref().map(|service| &*service.code);
        assert_eq!(aws, row.aws, "{row:?} at {at}: {key:?}");
        assert!(key.elapsed.is_some(), "{row:?} at {at}");
        if let Some(service) = &key.service {
            assert_eq!(service.request_id.len(), 36, "{row:?} at {at}: {key:?}");
        }
    }

    /// Attempts that the client made, and authentic requests that the key saw.
    fn counts(&self, position: usize) -> (u32, u32) {
        let attempts = self.recorder.count("request", &self.world.ways[position].region);
        (attempts, self.world.requests(position, Operation::Decrypt))
    }

    fn counted(&self, row: &Row, position: usize, before: (u32, u32)) {
        let after = self.counts(position);
        let counted = (after.0 - before.0, after.1 - before.1);
        let fits = counted == (row.attempts, row.arrive) || Some(counted) == row.or;
        assert!(fits, "{row:?} at {position}: {counted:?}");
    }
}

fn granted(report: &Report) -> usize {
    report.count(Outcome::Granted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_at_every_key() {
    let recorder = Recorder::install();
    let start = Instant::now();
    let mut lanes = JoinSet::new();
    for position in 0..KEYS {
        let recorder = recorder.clone();
        let [one, other] = [recorder.clone(), recorder];
        lanes.spawn(async move { Lane::new(position, one).await.with_a_quorum().await });
        lanes.spawn(async move { Lane::new(position, other).await.without_a_quorum().await });
    }
    let lanes = lanes.join_all().await;
    println!("{} faults at {KEYS} keys: {} s", ROWS.len(), start.elapsed().as_secs());

    // What differs in times alone is looked at once.
    let mut texts: BTreeSet<String> = recorder.take().into_iter().map(|line| line.text).collect();
    assert!(texts.iter().any(|text| text.contains("message=answer")), "the client is listened to");
    assert!(texts.iter().any(|text| text.contains("message=unseal failed")), "the facade is, too");
    texts.extend(lanes.iter().map(|lane| lane.told.clone()));
    let secrets: BTreeSet<Vec<u8>> = lanes.into_iter().flat_map(|lane| lane.sealed.secrets).collect();
    assert_eq!(secrets.len(), 2 + 2 * KEYS * (1 + KEYS), "credentials, each lane's secret and share keys");
    for spelling in secrets.iter().flat_map(|secret| spellings(secret)) {
        for text in &texts {
            assert!(!text.contains(&spelling), "{spelling} in {text}");
        }
    }
}
