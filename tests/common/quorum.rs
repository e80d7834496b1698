//! Keys that are each reached by a way of their own: a region, a port, TLS. A fault strikes one way alone.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pcrseal::AutoUnseal;
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::crypto::{Backend, RsaKey, RsaKeys, aws_lc};
use pcrseal::core::error::Error;
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::recipient::Recipient;
use pcrseal::core::secret::Secret;
use pcrseal::core::unseal::Plan;
use pcrseal::kms::wire::{Credentials, DecryptRequest};
use pcrseal::kms::{Client, ClientBuilder, RetryPolicy};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{
    Fault, FaultPlan, KeyHandle, KeyOptions, Kms, Operation, Port, PortFault, Principal,
};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::common::{IMAGE, ROLE, attested_policy, pcrs};

/// Shares that an unseal needs.
pub const NEEDED: u8 = 3;
/// Attempts of every operation.
pub const ATTEMPTS: u32 = 3;
/// Longer than anything takes that does not hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// No seal or unseal takes so long that does not hang: a detector, not a measurement.
pub const HANG: Duration = Duration::from_secs(45);

pub const ACCESS_KEY_ID: &str = "ASIAEXAMPLEOFFAULTS";
const SECRET_ACCESS_KEY: &str = "uS3dToSignAndNeverToBeSeenInAnyLogLine00";
const SESSION_TOKEN: &str = "FwoTokenOfASessionThatNoLogLineShallEverHold0123456789";

/// What is wrong with a way, or with the key at its end.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// With every answer of the key.
    Key(Fault),
    /// With as many of them as the plan says.
    Plan(FaultPlan),
    /// The key is disabled.
    Disabled,
    /// The key waits for its deletion.
    PendingDeletion,
    /// The port behaves so.
    Port(PortFault),
    /// Nobody listens.
    Refusing,
    /// Connections are never established.
    Deaf,
    /// The region's clock is ahead by so many seconds.
    Clock(i64),
}

/// A key and how to get there.
pub struct Way {
    pub key: KeyHandle,
    pub region: String,
    port: Port,
}

pub struct World {
    pub authority: Authority,
    pub aws: Kms,
    pub ways: Vec<Way>,
    root: Vec<u8>,
    refusing: TcpSocket,
    deaf: Deaf,
}

/// A listener that never accepts, and whose queue is full.
struct Deaf {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl World {
    /// `count` keys, each in a region that no other world of this process has.
    pub async fn new(count: usize) -> Self {
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let authority = Authority::new(&Clock::system()).unwrap();
        let (root, tls) = tls();
        let aws = Kms::builder().authority(&authority).tls(tls).start().await.unwrap();
        aws.add_principal(principal(ACCESS_KEY_ID));
        let mut ways = Vec::new();
        for key in 0..count {
            let region = format!("eu-world{number}-{key}");
            let arn = aws.create_key(&region, "111122223333", KeyOptions::new(attested_policy())).unwrap();
            let port = aws.open_port().await.unwrap();
            ways.push(Way { key: aws.key(&arn).unwrap(), region, port });
        }
        let refusing = TcpSocket::new_v4().unwrap();
        // Bound and not listening: nobody else can have the port.
        refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { authority, aws, ways, root, refusing, deaf: Deaf::new().await }
    }

    pub fn quorum(&self, ways: std::ops::Range<usize>) -> Quorum {
        let keys = self.ways[ways].iter().map(|way| KeyArn::new(way.key.arn()).unwrap()).collect();
        Quorum::new(NEEDED, keys, Wrapping::Attested).unwrap()
    }

    /// One quorum of all keys.
    pub fn policy(&self) -> TrustPolicy {
        TrustPolicy::builder(cluster()).seal_quorum(self.quorum(0..self.ways.len())).build().unwrap()
    }

    /// A client that has heard of nothing yet, with limits that a slow machine does not meet.
    pub fn client(&self, troubles: &[(usize, Trouble)]) -> ClientBuilder {
        let ms = Duration::from_millis;
        let mut client = Client::builder()
            .credentials(credentials(ACCESS_KEY_ID))
            .root_certificate_der(&self.root)
            .retry_policy(RetryPolicy {
                max_attempts: ATTEMPTS,
                fault_base: ms(2),
                throttle_base: ms(2),
                max_wait: ms(10),
            })
            .operation_timeout(PATIENCE);
        client = stage_limits(client, PATIENCE);
        for (number, way) in self.ways.iter().enumerate() {
            let trouble = troubles.iter().find(|(position, _)| *position == number);
            let url = match trouble.map(|(_, trouble)| trouble) {
                Some(Trouble::Refusing) => format!("https://{}", self.refusing.local_addr().unwrap()),
                Some(Trouble::Deaf) => format!("https://{}", self.deaf.listener.local_addr().unwrap()),
                _ => way.port.endpoint(),
            };
            client = client.region_endpoint_url(&way.region, &url);
        }
        client
    }

    /// Lets the trouble begin. (For those of the network's it is in the client's configuration.)
    pub fn strike(&self, troubles: &[(usize, Trouble)]) {
        for (position, trouble) in troubles {
            let Way { key, region, port } = &self.ways[*position];
            match *trouble {
                Trouble::Key(fault) => key.set_fault(fault),
                Trouble::Plan(plan) => key.set_fault(Some(plan)),
                Trouble::Disabled => key.disable(),
                Trouble::PendingDeletion => key.schedule_deletion(u64::MAX),
                Trouble::Port(fault) => port.set_fault(fault),
                Trouble::Clock(seconds) => self.aws.set_region_clock_error(region, seconds),
                Trouble::Refusing | Trouble::Deaf => {}
            }
        }
    }

    /// Ends every trouble.
    pub fn heal(&self) {
        for Way { key, region, port } in &self.ways {
            key.set_fault(None);
            key.enable();
            port.set_fault(None);
            self.aws.set_region_clock_error(region, 0);
        }
    }

    pub fn nsm(&self) -> Nsm {
        Nsm::boot(&self.authority, NsmConfig::new(IMAGE).role_arn(ROLE)).unwrap()
    }

    /// A freshly booted enclave.
    pub fn enclave(&self, client: ClientBuilder) -> AutoUnseal<Client> {
        let enclave = AutoUnseal::new(Arc::new(self.nsm()), client.build().unwrap(), self.policy());
        enclave.with_deadline(PATIENCE).with_backend(Backend { rsa: &OneKey, ..aws_lc::BACKEND })
    }

    /// A blob, the secret in it, and every secret that a log line might hold: the keys of its shares too.
    pub async fn sealed(&self) -> Sealed {
        let sealed = self.enclave(self.client(&[])).seal_generated(32, &[]).await.unwrap();
        let secret = sealed.opened.secret().expose().to_vec();
        let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
        let public_key = Some(recipient.public_key_der());
        let document = self.nsm().attest(&AttestationRequest { public_key, ..Default::default() }).unwrap();
        let plan = Plan::new(&sealed.blob, &self.policy(), &pcrs(IMAGE), &[]).unwrap();
        let client = self.client(&[]).build().unwrap();
        let mut secrets =
            vec![secret.clone(), SECRET_ACCESS_KEY.as_bytes().to_vec(), SESSION_TOKEN.as_bytes().to_vec()];
        for request in plan.requests() {
            let context = request.encryption_context;
            let context = context.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let decrypt = DecryptRequest {
                key_id: request.key.as_str(),
                ciphertext_blob: request.ciphertext_blob,
                encryption_context: &context,
                grant_tokens: &[],
                recipient: Some(&document),
                dry_run: false,
            };
            let answer = client.decrypt(request.key.region(), &decrypt).await.unwrap();
            secrets.push(answer.released.open(&recipient).unwrap().expose().to_vec());
        }
        Sealed { blob: sealed.blob, secret, secrets }
    }

    pub fn requests(&self, position: usize, operation: Operation) -> u32 {
        u32::try_from(self.ways[position].key.requests(operation)).unwrap()
    }
}

pub struct Sealed {
    pub blob: Vec<u8>,
    pub secret: Vec<u8>,
    pub secrets: Vec<Vec<u8>>,
}

pub fn cluster() -> ClusterId {
    ClusterId::new("fault-matrix").unwrap()
}

/// The one who signs, by an access key id.
pub fn principal(access_key_id: &str) -> Principal {
    Principal::new(access_key_id, SECRET_ACCESS_KEY, ROLE).unwrap().session_token(SESSION_TOKEN)
}

pub fn credentials(access_key_id: &str) -> Credentials {
    let secret = |text: &str| Secret::copy_from(text.as_bytes());
    Credentials::new(access_key_id, secret(SECRET_ACCESS_KEY), Some(secret(SESSION_TOKEN))).unwrap()
}

/// What ends, however it ends.
pub async fn ends<T>(future: impl Future<Output = T>) -> T {
    timeout(HANG, future).await.expect("it hangs")
}

/// Gives every recipient one and the same key. An enclave makes one for each unseal; a thousand of them would
/// be most of a matrix's time.
struct OneKey;

#[derive(Clone)]
struct Shared(Arc<dyn RsaKey>);

impl RsaKeys for OneKey {
    fn generate(&self) -> Result<Box<dyn RsaKey>, Error> {
        static KEY: OnceLock<Shared> = OnceLock::new();
        let key = KEY.get_or_init(|| Shared(aws_lc::BACKEND.rsa.generate().unwrap().into()));
        Ok(Box::new(key.clone()))
    }

    fn import_pkcs8(&self, der: &[u8]) -> Result<Box<dyn RsaKey>, Error> {
        aws_lc::BACKEND.rsa.import_pkcs8(der)
    }
}

impl RsaKey for Shared {
    fn public_key_der(&self) -> &[u8] {
        self.0.public_key_der()
    }

    fn decrypt_oaep_sha256(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        self.0.decrypt_oaep_sha256(ciphertext)
    }
}

/// The same limit for every stage.
pub fn stage_limits(client: ClientBuilder, limit: Duration) -> ClientBuilder {
    client.connect_timeout(limit).tls_timeout(limit).answer_timeout(limit).body_timeout(limit)
}

impl Deaf {
    /// As long as the queue takes somebody it is not full.
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            queue.push(stream);
        }
        Self { listener, _queue: queue }
    }
}

/// A certificate for the loopback address, in DER, and a server that has it.
fn tls() -> (Vec<u8>, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (certificate.to_vec(), Arc::new(server))
}
