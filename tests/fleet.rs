//! A fleet restarts against KMS's request quota. `cargo bench --bench fleet` does the same at full size.

#[path = "common/fleet.rs"]
mod fleet;

use std::time::Duration;

use fleet::Fleet;
use pcrseal::FanOut;

/// 60 enclaves within a second where 26 requests a second are answered: fewer for each than 1,000 have of 500.
fn within_a_second(fan_out: FanOut) {
    let fleet = Fleet { enclaves: 60, quota: 26, spread: Duration::from_secs(1), fan_out };
    let restart = fleet.restart();
    assert_eq!(restart.failures, [""; 0]);
    assert_eq!(restart.times.len(), 60);
    // Without any throttling nothing would be proven.
    assert!(restart.retries.len() >= 10, "{}", restart.retries.len());
    assert!(10 * restart.requests < 13 * fleet.sound_requests(), "{}", restart.requests);
}

#[test]
fn a_throttled_fleet_unseals_with_few_more_requests() {
    within_a_second(FanOut::All);
}

#[test]
fn a_throttled_fleet_that_hedges_unseals_with_few_more_requests() {
    within_a_second(FanOut::Hedged { delay: Duration::from_millis(300) });
}

#[test]
fn a_fleet_that_is_throttled_together_does_not_return_together() {
    let fleet = Fleet { enclaves: 100, quota: 50, spread: Duration::ZERO, fan_out: FanOut::All };
    let restart = fleet.restart();
    assert_eq!(restart.failures, [""; 0]);
    assert!(restart.retries.len() > 100, "{}", restart.retries.len());
    // Evenly spread over the first second, a window of 10 ms holds 0.01 of them.
    assert!(restart.lockstep() < 0.2, "{} of {}", restart.lockstep(), restart.retries.len());
}
