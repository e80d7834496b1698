//! An emulated AWS with a quorum of keys, and enclaves to boot in front of it.

#![allow(dead_code, unreachable_pub)]

mod in_process;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use pcrseal::AutoUnseal;
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::secret::Secret;
use pcrseal::kms::wire::Credentials;
use pcrseal::kms::{Client, ClientBuilder, RetryPolicy};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{
    Access, Action, KeyHandle, KeyOptions, KeyPolicy, Kms, Operation, PolicySource, Principal,
};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};

use in_process::{InProcess, START_MILLIS};

pub const ACCOUNT: &str = "111122223333";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/test-enclave";
pub const IMAGE: [Pcr; 3] = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
pub const OTHER_IMAGE: [Pcr; 3] = [Pcr::new([0xb0; 48]), Pcr::new([0xb1; 48]), Pcr::new([0xb2; 48])];

const REGIONS: [&str; 5] = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"];

/// Five keys in five regions and accounts; 3 of 5 unless said otherwise.
pub struct World {
    pub authority: Authority,
    /// What the enclaves' clients sign by.
    pub clock: Clock,
    pub aws: Arc<Kms>,
    pub keys: Vec<KeyHandle>,
    pub wrapping: Wrapping,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Wrapping::Attested, attested_policy()).await
    }

    /// Keys of the role's own account: AWS lets nobody of another account disable a key.
    pub async fn of_one_account() -> Self {
        let mut world = Self::new().await;
        world.keys = (0..5).map(|number| own_key(&world.aws, number, attested_policy())).collect();
        world
    }

    pub async fn with(wrapping: Wrapping, key_policy: KeyPolicy) -> Self {
        let clock = Clock::system();
        Self::with_clocks(wrapping, key_policy, &clock, &clock).await
    }

    /// The enclaves' clock and the KMS's.
    pub async fn with_clocks(wrapping: Wrapping, key_policy: KeyPolicy, nsm: &Clock, kms: &Clock) -> Self {
        let authority = Authority::new(nsm).unwrap();
        let aws = Kms::builder().authority(&authority).clock(kms).start().await.unwrap();
        Self::around(aws, authority, kms, wrapping, &key_policy)
    }

    /// Without sockets, and on tokio's clock: where that is paused, no delay takes any time.
    pub fn in_process() -> Self {
        let clock = Clock::tokio(START_MILLIS);
        let authority = Authority::new(&clock).unwrap();
        let aws = Kms::builder().authority(&authority).in_process().unwrap();
        Self::around(aws, authority, &clock, Wrapping::Attested, &attested_policy())
    }

    fn around(
        aws: Kms,
        authority: Authority,
        clock: &Clock,
        wrapping: Wrapping,
        key_policy: &KeyPolicy,
    ) -> Self {
        aws.add_principal(
            Principal::new("ASIATEST", "test-secret", ROLE).unwrap().session_token("test-token"),
        );
        let keys = (0..5).map(|number| key(&aws, number, KeyOptions::new(key_policy.clone()))).collect();
        Self { authority, clock: clock.clone(), aws: Arc::new(aws), keys, wrapping }
    }

    pub fn policy(&self) -> TrustPolicy {
        let keys = self.keys.iter().map(|key| KeyArn::new(key.arn()).unwrap()).collect();
        TrustPolicy::builder(ClusterId::new("test-eu-central-1").unwrap())
            .seal_quorum(Quorum::new(3, keys, self.wrapping).unwrap())
            .build()
            .unwrap()
    }

    /// With limits that a slow machine does not meet, and one attempt at everything; tests of limits set their own.
    pub fn client(&self) -> ClientBuilder {
        let limit = Duration::from_secs(60);
        let secret = |text: &str| Secret::copy_from(text.as_bytes());
        let token = Some(secret("test-token"));
        let clock = self.clock.clone();
        let client = Client::builder()
            .credentials(Credentials::new("ASIATEST", secret("test-secret"), token).unwrap())
            .time_source(move || UNIX_EPOCH + Duration::from_millis(clock.now_millis()));
        let client = match self.aws.port() {
            Some(port) => client.endpoint_url(&port.endpoint()),
            None => client.authenticated_transport(Arc::new(InProcess(Arc::clone(&self.aws)))),
        };
        client
            .connect_timeout(limit)
            .answer_timeout(limit)
            .retry_policy(RetryPolicy::never())
            .operation_timeout(limit)
    }

    pub fn nsm(&self, image: [Pcr; 3]) -> Nsm {
        Nsm::boot(&self.authority, NsmConfig::new(image).role_arn(ROLE)).unwrap()
    }

    /// A freshly booted enclave of the trusted image.
    pub fn enclave(&self) -> AutoUnseal<Client> {
        self.enclave_of(self.nsm(IMAGE), self.client().build().unwrap())
    }

    pub fn enclave_of(&self, nsm: Nsm, client: Client) -> AutoUnseal<Client> {
        AutoUnseal::new(Arc::new(nsm), client, self.policy())
    }

    /// A blob, and the secret in it.
    pub async fn sealed(&self) -> (Vec<u8>, Vec<u8>) {
        let sealed = self.enclave().seal_generated(32, &[]).await.unwrap();
        (sealed.blob, sealed.opened.secret().expose().to_vec())
    }

    pub fn requests(&self, operation: Operation) -> u64 {
        self.keys.iter().map(|key| key.requests(operation)).sum()
    }

    /// Makes the keys at these positions (0..4) answer after all others.
    pub fn delay(&self, positions: &[usize]) {
        for position in positions {
            self.keys[*position].set_delay(Duration::from_secs(1));
        }
    }
}

pub fn key(aws: &Kms, number: usize, options: KeyOptions) -> KeyHandle {
    let account = format!("{:012}", 111_122_223_333 + number);
    aws.key(&aws.create_key(REGIONS[number], &account, options).unwrap()).unwrap()
}

/// A key of the role's own account.
pub fn own_key(aws: &Kms, number: usize, policy: impl Into<PolicySource>) -> KeyHandle {
    aws.key(&aws.create_key(REGIONS[number], ACCOUNT, KeyOptions::new(policy)).unwrap()).unwrap()
}

/// What a dedicated key of an `attested` quorum permits.
pub fn attested_policy() -> KeyPolicy {
    KeyPolicy::attested(PcrIndex::all().zip(&IMAGE)).principal(ROLE)
}

/// What a key of an `encrypt` quorum permits.
pub fn encrypt_policy() -> KeyPolicy {
    attested_policy().set(Action::Encrypt, Access::Allow).set(Action::GenerateDataKey, Access::Deny)
}

pub fn pcrs(image: [Pcr; 3]) -> PcrSet {
    PcrIndex::all().zip(image).collect()
}
