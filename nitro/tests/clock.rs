//! The trusted clock over the emulator's software module.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_nitro::{TrustedClock, trusted_time};

/// September 2020, in milliseconds.
const NOW: u64 = 1_600_000_000_000;

/// A module whose time is not the system's.
fn module() -> Arc<Nsm> {
    let clock = Clock::fixed(NOW);
    let authority = Authority::new(&clock).unwrap();
    Arc::new(Nsm::boot(&authority, NsmConfig::new([1, 2, 3].map(|byte| Pcr::new([byte; 48])))).unwrap())
}

#[test]
fn the_time_is_the_module_s_and_not_the_system_s() {
    let module = module();
    let expected = UNIX_EPOCH + Duration::from_millis(NOW);
    assert_eq!(trusted_time(&*module).unwrap(), expected);

    let clock = TrustedClock::new(module).unwrap();
    let now = clock.now();
    assert!(now >= expected && now < SystemTime::now() - Duration::from_secs(86_400), "{now:?}");
}

#[test]
fn it_serves_where_a_time_source_is_wanted() {
    // The bounds of `kms::ClientBuilder::time_source`.
    fn time_source(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> SystemTime {
        now()
    }
    let clock = TrustedClock::new(module()).unwrap();
    let same = clock.clone();
    let first = time_source(move || clock.now());
    assert!(same.now() >= first);
}
