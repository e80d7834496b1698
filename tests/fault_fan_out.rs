//! Faults where only some keys are asked (hedged), and where credentials expire: the same faults, client and emulator
//! as in `fault_matrix`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/quorum.rs"]
#[allow(dead_code, unreachable_pub)]
mod quorum;
#[path = "common/rows.rs"]
#[allow(dead_code, unreachable_pub)]
mod rows;

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pcrseal::core::report::KeyReport;
use pcrseal::kms::credentials::{ProvideCredentials, ProvidedCredentials};
use pcrseal::{Code, FanOut, Outcome};
use pcrseal_emulator::kms::Operation;
use quorum::{ACCESS_KEY_ID, NEEDED, PATIENCE, Trouble, World, credentials, ends, principal, stage_limits};
use rows::{ROWS, Row};

const KEYS: usize = 5;

fn named(row: &Row, key: &KeyReport) {
    assert_eq!((key.outcome, key.code), (row.outcome, row.code), "{row:?}: {key:?}");
}

/// Two faulty keys of one kind, wherever they stand among the nearest: the others stand in for them.
#[tokio::test]
async fn a_hedged_unseal_gets_over_two_keys_that_hang_or_refuse() {
    let world = Arc::new(World::new(KEYS).await);
    let sealed = world.sealed().await;
    let expired = |row: &&Row| row.code == Some(Code::KmsCredentialsExpired);
    let clock = |row: &&Row| matches!(row.trouble, Trouble::Clock(_));
    let refusing = |row: &&Row| matches!(row.trouble, Trouble::Refusing);
    for row in ROWS.iter().filter(|row| row.hangs || expired(row) || clock(row) || refusing(row)) {
        // A key that hangs is passed over when the delay is over, one that fails at once.
        let delay = if row.hangs { Duration::from_millis(50) } else { PATIENCE };
        for position in 0..KEYS {
            let troubles = [position, (position + 1) % KEYS].map(|faulty| (faulty, row.trouble));
            let enclave = world.enclave(world.client(&troubles)).with_fan_out(FanOut::Hedged { delay });
            world.strike(&troubles);
            let unsealed = ends(enclave.unseal(&sealed.blob)).await.unwrap();
            world.heal();
            assert!(unsealed.opened.secret().ct_eq(&sealed.secret));
            for (faulty, _) in troubles {
                let key = &unsealed.report.keys[faulty];
                let fits =
                    key.outcome == Outcome::NotNeeded || (key.outcome, key.code) == (row.outcome, row.code);
                assert!(fits, "{row:?}: {key:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_hedged_unseal_asks_sound_keys_no_more_than_it_needs() {
    let world = Arc::new(World::new(KEYS).await);
    let sealed = world.sealed().await;
    let asked = || (0..KEYS).map(|key| world.requests(key, Operation::Decrypt)).sum::<u32>();
    let before = asked();
    let enclave = world.enclave(world.client(&[])).with_fan_out(FanOut::Hedged { delay: PATIENCE });
    ends(enclave.unseal(&sealed.blob)).await.unwrap();
    assert_eq!(asked() - before, u32::from(NEEDED));
}

#[tokio::test]
async fn a_hedged_unseal_names_the_keys_that_keep_the_secret_from_it() {
    let world = Arc::new(World::new(KEYS).await);
    let sealed = world.sealed().await;
    let paths = |row: &&Row| row.hangs || matches!(row.trouble, Trouble::Refusing);
    for (number, row) in ROWS.iter().filter(paths).enumerate() {
        let troubles = [0, 1, 2].map(|steps| ((number + steps) % KEYS, row.trouble));
        let client = stage_limits(world.client(&troubles), Duration::from_millis(300));
        let enclave = world.enclave(client).with_fan_out(FanOut::Hedged { delay: Duration::from_millis(50) });
        world.strike(&troubles);
        let error = ends(enclave.unseal(&sealed.blob)).await.unwrap_err();
        world.heal();
        assert_eq!(error.code(), Code::QuorumNotReached, "{row:?}: {error}");
        for (faulty, _) in troubles {
            named(row, &error.report().keys[faulty]);
        }
    }
}

const RENEWED: &str = "ASIAEXAMPLERENEWED";

/// Gives credentials that have expired, then others.
#[derive(Default)]
struct Renewing(AtomicU32);

impl ProvideCredentials for Renewing {
    fn provide(&self) -> ProvidedCredentials<'_> {
        let id = if self.0.fetch_add(1, Ordering::SeqCst) == 0 { ACCESS_KEY_ID } else { RENEWED };
        Box::pin(ready(Ok(Arc::new(credentials(id)))))
    }
}

#[tokio::test]
async fn credentials_that_expired_are_renewed_once_for_all_keys() {
    let world = World::new(KEYS).await;
    let sealed = world.sealed().await;
    assert!(world.aws.expire_credentials(ACCESS_KEY_ID));
    world.aws.add_principal(principal(RENEWED));
    let renewing = Arc::new(Renewing::default());
    let client = world.client(&[]).credentials_provider(renewing.clone());
    let unsealed = ends(world.enclave(client).unseal(&sealed.blob)).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(&sealed.secret));
    assert_eq!(renewing.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn where_there_are_no_other_credentials_every_key_says_that_they_expired() {
    let world = World::new(KEYS).await;
    let sealed = world.sealed().await;
    assert!(world.aws.expire_credentials(ACCESS_KEY_ID));
    let error = ends(world.enclave(world.client(&[])).unseal(&sealed.blob)).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    for key in &error.report().keys {
        assert_eq!((key.outcome, key.code), (Outcome::AccessDenied, Some(Code::KmsCredentialsExpired)));
        assert_eq!(&*key.service.as_ref().unwrap().code, "ExpiredTokenException");
    }
}
