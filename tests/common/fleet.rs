//! A fleet that restarts: many enclaves, each with its own client, in front of one emulated KMS with a request
//! quota.
//!
//! A simulation. There are no sockets: the transport hands requests to the emulator in this process. tokio's clock is
//! paused, so time passes in timers alone (the regions' delays, the clients' waits) and computing takes none. The
//! RSA keys of the recipients are made beforehand and shared. Everything else is the product's own code: sessions,
//! signatures, retries, hedging, and the verification of every attestation document by the emulator.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "in_process.rs"]
mod in_process;
#[path = "made_before.rs"]
mod made_before;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::secret::Secret;
use pcrseal::kms::wire::Credentials;
use pcrseal::kms::{AuthenticatedTransport, Client, TransportAnswer, TransportFuture, TransportRequest};
use pcrseal::{AutoUnseal, FanOut};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Kms, Principal, Quota};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use tokio::time::{Instant, sleep, sleep_until};

use in_process::{InProcess, START_MILLIS};
use made_before::BACKEND;

const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
const IMAGE: [Pcr; 3] = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
const THRESHOLD: u8 = 3;
/// Where the keys are, and how long an answer from there takes.
const REGIONS: [(&str, Duration); 5] = [
    ("eu-central-1", Duration::from_millis(5)),
    ("eu-west-1", Duration::from_millis(20)),
    ("us-east-1", Duration::from_millis(80)),
    ("us-west-2", Duration::from_millis(150)),
    ("ap-southeast-2", Duration::from_millis(200)),
];

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    pub enclaves: u32,
    /// Cryptographic requests a second that a region answers; more are throttled.
    pub quota: u32,
    /// The restarts are spread evenly at random over this time.
    pub spread: Duration,
    pub fan_out: FanOut,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Restart {
    /// From an enclave's start to its secret, sorted.
    pub times: Vec<Duration>,
    /// Enclaves that did not unseal, and why.
    pub failures: Vec<String>,
    /// Requests that KMS received.
    pub requests: usize,
    /// When KMS received a request that had been made before, since the first start.
    pub retries: Vec<Duration>,
}

impl Fleet {
    /// Requests if every key that may be asked were asked once. A key whose connection takes longer than the other
    /// keys' answers is never asked, so that there may be fewer.
    pub fn sound_requests(&self) -> usize {
        let keys = if self.fan_out == FanOut::All { REGIONS.len() } else { usize::from(THRESHOLD) };
        self.enclaves as usize * keys
    }

    /// Runs the simulation, on a runtime of its own.
    pub fn restart(self) -> Restart {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(self.run())
    }

    async fn run(self) -> Restart {
        let clock = Clock::tokio(START_MILLIS);
        let authority = Authority::new(&clock).unwrap();
        let kms = Kms::builder().authority(&authority).clock(&clock).in_process().unwrap();
        kms.add_principal(Principal::new("ASIAFLEET", "fleet-secret", ROLE).unwrap());
        let options = KeyOptions::new(KeyPolicy::attested(PcrIndex::all().zip(&IMAGE)).principal(ROLE));
        let keys = REGIONS.map(|(region, delay)| {
            kms.set_region_delay(region, delay);
            KeyArn::new(&kms.create_key(region, "111122223333", options.clone()).unwrap()).unwrap()
        });
        let policy = || {
            TrustPolicy::builder(ClusterId::new("fleet").unwrap())
                .seal_quorum(Quorum::new(THRESHOLD, keys.to_vec(), Wrapping::Attested).unwrap())
                .build()
                .unwrap()
        };
        let kms = Arc::new(kms);
        let log = Arc::new(Mutex::new(Restart::default()));
        let nsm = Arc::new(Nsm::boot(&authority, NsmConfig::new(IMAGE).role_arn(ROLE)).unwrap());
        let enclave = |origin| {
            let (way, log) = (InProcess(Arc::clone(&kms)), Arc::clone(&log));
            let transport = Watched { way, log, origin, asked: Mutex::default() };
            let clock = clock.clone();
            let client = Client::builder()
                .credentials(Credentials::new("ASIAFLEET", Secret::copy_from(b"fleet-secret"), None).unwrap())
                .time_source(move || std::time::UNIX_EPOCH + Duration::from_millis(clock.now_millis()))
                .authenticated_transport(Arc::new(transport))
                .build()
                .unwrap();
            AutoUnseal::new(Arc::clone(&nsm) as _, client, policy())
                .with_backend(BACKEND)
                .with_fan_out(self.fan_out)
        };
        let blob = enclave(Instant::now()).seal_generated(32, &[]).await.unwrap().blob;
        // What the seal asked does not count.
        *log.lock().unwrap() = Restart::default();
        kms.set_quota(Quota::per_second(self.quota));

        let origin = Instant::now();
        let blob: Arc<[u8]> = blob.into();
        let mut starts = Starts(u64::from(self.enclaves));
        let unseals: Vec<_> = (0..self.enclaves)
            .map(|_| {
                let (start, enclave, blob) =
                    (origin + starts.within(self.spread), enclave(origin), Arc::clone(&blob));
                tokio::spawn(async move {
                    sleep_until(start).await;
                    let unsealed = enclave.unseal(&blob).await;
                    (start.elapsed(), unsealed.map(|_| ()).map_err(|error| error.to_string()))
                })
            })
            .collect();
        let mut done = Restart::default();
        for unseal in unseals {
            match unseal.await.unwrap() {
                (time, Ok(())) => done.times.push(time),
                (_, Err(error)) => done.failures.push(error),
            }
        }
        done.times.sort();
        let log = log.lock().unwrap();
        Restart { requests: log.requests, retries: log.retries.clone(), ..done }
    }
}

impl Restart {
    /// The time within which this share of the enclaves had their secret.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// The largest share of all retries that falls into one window of 10 ms.
    pub fn lockstep(&self) -> f64 {
        let mut windows = BTreeMap::<u128, u32>::new();
        for at in &self.retries {
            *windows.entry(at.as_millis() / 10).or_default() += 1;
        }
        let busiest = windows.into_values().max().unwrap_or_default();
        f64::from(busiest) / f64::from(u32::try_from(self.retries.len()).unwrap_or(u32::MAX).max(1))
    }
}

/// One enclave's way to KMS, counted.
struct Watched {
    way: InProcess,
    log: Arc<Mutex<Restart>>,
    origin: Instant,
    asked: Mutex<HashSet<String>>,
}

impl AuthenticatedTransport for Watched {
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer> {
        let again = !self.asked.lock().unwrap().insert(request.region.to_owned());
        {
            let mut log = self.log.lock().unwrap();
            log.requests += 1;
            if again {
                log.retries.push(self.origin.elapsed());
            }
        }
        self.way.exchange(request)
    }

    /// A handshake takes as long as an answer.
    fn warm_up<'a>(&'a self, region: &'a str, _: &'a str) -> TransportFuture<'a, ()> {
        let delay =
            REGIONS.iter().find(|(name, _)| *name == region).map_or(Duration::ZERO, |(_, delay)| *delay);
        Box::pin(async move {
            sleep(delay).await;
            Ok(())
        })
    }
}

/// The same starts in every run: splitmix64.
struct Starts(u64);

impl Starts {
    fn within(&mut self, spread: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let nanos = u64::try_from(spread.as_nanos()).unwrap();
        Duration::from_nanos(u64::try_from((u128::from(nanos) * u128::from(mixed)) >> 64).unwrap())
    }
}
