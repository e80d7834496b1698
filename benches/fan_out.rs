//! How long an unseal takes from "keys and connections ready" to the secret, beside the third fastest answer: five
//! keys that answer after 5, 20, 80, 150 and 200 ms, three of them needed, over HTTP against the emulator.
//!
//! `cargo bench --bench fan_out [-- ROUNDS]`; about half a minute with the 30 rounds that are the default. Exits
//! non-zero where a median of all keys at once is more than 5 ms + 5 % above the answer that it has to wait for.
//! Hedged medians are held to the same, and the delay where a key hangs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::secret::Secret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::Credentials;
use pcrseal::{AutoUnseal, FanOut};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{Fault, KeyHandle, KeyOptions, KeyPolicy, Kms, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};

/// Region, account, and milliseconds to the answer, in the quorum's order.
const KEYS: [(&str, &str, u64); 5] = [
    ("us-east-1", "111122223333", 80),
    ("eu-central-1", "222233334444", 5),
    ("ap-southeast-2", "333344445555", 200),
    ("eu-west-1", "444455556666", 20),
    ("us-west-2", "555566667777", 150),
];
const ROLE: &str = "arn:aws:iam::111122223333:role/bench";
const IMAGE: [Pcr; 3] = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
const HEDGE_DELAY: u64 = 250;

/// What is wrong with which keys, and how long the answer takes that completes the quorum: all keys at once, and
/// hedged.
struct State {
    name: &'static str,
    hanging: &'static [usize],
    refusing: &'static [usize],
    floor_ms: [u64; 2],
}

const STATES: [State; 4] = [
    State { name: "all sound", hanging: &[], refusing: &[], floor_ms: [80, 80] },
    State { name: "the two slowest hang and refuse", hanging: &[2], refusing: &[4], floor_ms: [80, 80] },
    // Hedged, 150 ms count from the refusal after 20 ms.
    State { name: "the second fastest refuses", hanging: &[], refusing: &[3], floor_ms: [150, 170] },
    // Hedged, the fourth key is asked after the refusal, the fifth when the delay has passed since.
    State {
        name: "the fastest hangs, the second refuses",
        hanging: &[1],
        refusing: &[3],
        floor_ms: [200, 20 + HEDGE_DELAY + 200],
    },
];

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo passes `--bench`.
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(30);
    let world = World::start().await;
    let mut met = true;
    println!("| fan-out | keys | answer waited for, ms | median, ms | p95, ms | target, ms | |");
    println!("|---|---|---|---|---|---|---|");
    let hedged = FanOut::Hedged { delay: Duration::from_millis(HEDGE_DELAY) };
    for (name, fan_out, column) in [("all", FanOut::All, 0), ("hedged", hedged, 1)] {
        for state in &STATES {
            let mut times = world.measure(fan_out, state, rounds).await;
            times.sort();
            let (median, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
            let floor = Duration::from_millis(state.floor_ms[column]);
            let target = floor + floor / 20 + Duration::from_millis(5);
            let held = median <= target;
            met &= held;
            println!(
                "| {name} | {} | {} | {:.1} | {:.1} | {:.1} | {} |",
                state.name,
                floor.as_millis(),
                millis(median),
                millis(p95),
                millis(target),
                if held { "met" } else { "MISSED" }
            );
        }
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

struct World {
    nsm: Arc<Nsm>,
    /// One server per region, so that each region has connections of its own.
    regions: Vec<Kms>,
    keys: Vec<KeyHandle>,
    blob: Vec<u8>,
    master_key: Secret,
}

impl World {
    async fn start() -> Self {
        let authority = Authority::new(&Clock::system()).unwrap();
        let (mut regions, mut keys) = (Vec::new(), Vec::new());
        for (region, account, _) in KEYS {
            let aws = Kms::builder().authority(&authority).start().await.unwrap();
            aws.add_principal(Principal::new("ASIABENCH", "bench-secret", ROLE).unwrap());
            let policy = KeyPolicy::attested(PcrIndex::all().zip(&IMAGE)).principal(ROLE);
            let arn = aws.create_key(region, account, KeyOptions::new(policy)).unwrap();
            keys.push(aws.key(&arn).unwrap());
            regions.push(aws);
        }
        let nsm = Arc::new(Nsm::boot(&authority, NsmConfig::new(IMAGE).role_arn(ROLE)).unwrap());
        let mut world = Self { nsm, regions, keys, blob: Vec::new(), master_key: Secret::new(Vec::new()) };
        let sealed = world.enclave(FanOut::All).seal_generated(32, &[]).await.unwrap();
        (world.blob, world.master_key) = (sealed.blob, sealed.opened.into_secret());
        for (key, (_, _, delay)) in world.keys.iter().zip(KEYS) {
            key.set_delay(Duration::from_millis(delay));
        }
        world
    }

    /// A client of its own, with no connection yet and no distance known.
    fn enclave(&self, fan_out: FanOut) -> AutoUnseal<Client> {
        let secret = Secret::copy_from(b"bench-secret");
        let mut client = Client::builder().credentials(Credentials::new("ASIABENCH", secret, None).unwrap());
        for ((region, ..), aws) in KEYS.iter().zip(&self.regions) {
            client = client.region_endpoint_url(region, &aws.endpoint());
        }
        let keys = self.keys.iter().map(|key| KeyArn::new(key.arn()).unwrap()).collect();
        let policy = TrustPolicy::builder(ClusterId::new("bench").unwrap())
            .seal_quorum(Quorum::new(3, keys, Wrapping::Attested).unwrap())
            .build()
            .unwrap();
        AutoUnseal::new(self.nsm.clone(), client.build().unwrap(), policy).with_fan_out(fan_out)
    }

    async fn measure(&self, fan_out: FanOut, state: &State, rounds: usize) -> Vec<Duration> {
        // While all is well every region is heard once, so that the distances are known.
        let enclave = self.enclave(fan_out);
        let everyone = enclave.clone().with_fan_out(FanOut::All);
        everyone.seal_generated(32, &[]).await.unwrap();

        state.hanging.iter().for_each(|key| self.keys[*key].set_fault(Fault::Hang));
        state.refusing.iter().for_each(|key| self.keys[*key].disable());
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let prepared = enclave.prepare().await.unwrap();
            // Connections go on being opened behind the key: on loopback this is more than they need.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let start = Instant::now();
            let unsealed = enclave.unseal_prepared(prepared, &self.blob).await.unwrap();
            times.push(start.elapsed());
            assert!(unsealed.opened.secret().ct_eq(self.master_key.expose()));
        }
        for key in &self.keys {
            key.set_fault(None);
            key.enable();
        }
        times
    }
}
