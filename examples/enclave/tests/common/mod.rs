//! An enclave's surroundings on one machine: the emulator's module and KMS, a credential feed, and for vsock the Unix
//! sockets of a virtual machine monitor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(missing_docs, dead_code, unreachable_pub)]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pcrseal::core::attester::NitroSecureModule;
use pcrseal::core::error::Code;
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal::kms::{Address, ClientBuilder};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{KeyHandle, KeyOptions, KeyPolicy, Kms, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_enclave::error::Error;
use pcrseal_enclave::job::Routes;
use pcrseal_enclave::life::{Surroundings, live};
use pcrseal_enclave::measure::uptime;
use pcrseal_enclave::trust::Trust;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::runtime::Runtime;

pub const ROLE: &str = "arn:aws:iam::111122223333:role/vault-enclave-prod-eu-central-1";
pub const KEYS: [(&str, &str); 3] =
    [("eu-central-1", "111122223333"), ("eu-west-1", "222233334444"), ("eu-north-1", "333344445555")];
pub const PARENT_PORT: u32 = 9100;
pub const SERVE_PORT: u32 = 7000;
pub const SECRET_ACCESS_KEY: &str = "an/example/secret/access/key/of/40/chars";

/// AWS, and the parent instance, as an enclave finds them.
pub struct World {
    pub runtime: Runtime,
    pub authority: Authority,
    pub kms: Kms,
    pub keys: Vec<KeyHandle>,
    pub root_pem: Option<String>,
    pub feed: u16,
    pub folder: PathBuf,
}

/// An enclave in it: what [`live`] is given.
#[derive(Clone)]
pub struct Inside {
    module: Option<Arc<Nsm>>,
    tls: bool,
    folder: PathBuf,
}

pub fn image(last: u8) -> [Pcr; 3] {
    [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([last; 48])]
}

impl World {
    /// Keys that release their shares to the image of [`image`]`(0xa2)`.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// The same, over TLS under a root of its own.
    pub fn with_tls() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let server = ServerConfig::builder().with_no_client_auth();
        let server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        Self::with(Some((Arc::new(server), made.cert.pem())))
    }

    fn with(tls: Option<(Arc<ServerConfig>, String)>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("pcrseal-enclave-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();

        let runtime = Runtime::new().unwrap();
        let authority = Authority::new(&Clock::system()).unwrap();
        let mut builder = Kms::builder().authority(&authority).clock(authority.clock());
        if let Some((server, _)) = &tls {
            builder = builder.tls(Arc::clone(server));
        }
        let kms = runtime.block_on(builder.start()).unwrap();
        kms.add_principal(
            Principal::new("ASIAEXAMPLE", SECRET_ACCESS_KEY, ROLE).unwrap().session_token("token"),
        );
        let keys = KEYS.iter().map(|(region, account)| {
            let policy = KeyPolicy::attested(PcrIndex::all().zip(&image(0xa2))).principal(ROLE);
            let arn = kms.create_key(region, account, KeyOptions::new(policy)).unwrap();
            kms.key(&arn).unwrap()
        });
        let keys = keys.collect();
        let root_pem = tls.map(|(_, pem)| pem);
        Self { runtime, authority, kms, keys, root_pem, feed: feed(), folder }
    }

    /// What an image of this world trusts; a test changes what it is about.
    pub fn trust_json(&self) -> Value {
        json!({
            "cluster": "prod-eu-central-1-vault",
            "quorum": {
                "threshold": 2,
                "keys": self.keys.iter().map(KeyHandle::arn).collect::<Vec<_>>(),
                "wrapping": "attested",
            },
            "minimum_generation": 1,
            "required_pcrs": [0, 1, 2],
            "parent": { "cid": 3, "port": PARENT_PORT },
        })
    }

    pub fn trust(&self) -> Trust {
        trust(&self.trust_json())
    }

    /// What an image trusts that may make a key.
    pub fn founding_trust(&self) -> Trust {
        let mut written = self.trust_json();
        written["may_generate"] = true.into();
        trust(&written)
    }

    /// The parent's line, without what a job is.
    pub fn ports(&self) -> Value {
        let port = self.kms.port().unwrap().address().port();
        let regions: serde_json::Map<_, _> =
            KEYS.iter().map(|(region, _)| ((*region).to_owned(), port.into())).collect();
        json!({ "regions": regions, "credentials": self.feed, "serve": SERVE_PORT })
    }

    pub fn generate(&self) -> Value {
        let mut line = self.ports();
        line["job"] = "generate".into();
        line
    }

    pub fn unseal(&self, blob: &str) -> Value {
        let mut line = self.ports();
        line["job"] = "unseal".into();
        line["blob"] = blob.into();
        line
    }

    /// An enclave of this image.
    pub fn enclave(&self, image: [Pcr; 3]) -> Inside {
        self.boot(NsmConfig::new(image).role_arn(ROLE))
    }

    pub fn boot(&self, config: NsmConfig) -> Inside {
        let module = Some(Arc::new(Nsm::boot(&self.authority, config).unwrap()));
        Inside { module, tls: self.root_pem.is_some(), folder: self.folder.clone() }
    }

    /// An enclave whose kernel has no driver of the module.
    pub fn enclave_without_module(&self) -> Inside {
        Inside { module: None, tls: false, folder: self.folder.clone() }
    }

    /// Starts an enclave, and is its parent: hands it a line, and returns its answer.
    pub fn ask(&self, enclave: Inside, trust: Trust, line: &Value) -> (Value, Life) {
        self.ask_bytes(enclave, trust, format!("{line}\n").as_bytes())
    }

    pub fn ask_bytes(&self, enclave: Inside, trust: Trust, bytes: &[u8]) -> (Value, Life) {
        let listener = unix_listener(&self.socket(PARENT_PORT));
        let life = Life(thread::spawn(move || live(&trust, uptime(), &enclave)));
        let mut stream = listener.accept().unwrap();
        // An enclave that has read enough does not read on.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "{answer:?}");
        (serde_json::from_str(&answer).unwrap(), life)
    }

    /// Asks the enclave for its proof.
    pub fn proof(&self, challenge: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(self.socket(SERVE_PORT)).unwrap();
        stream.write_all(challenge).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut proof = Vec::new();
        stream.read_to_end(&mut proof).unwrap();
        proof
    }

    /// Where a vsock port is.
    pub fn socket(&self, port: u32) -> PathBuf {
        self.folder.join(format!("vsock_{port}"))
    }

    pub fn requests(&self) -> u64 {
        self.keys.iter().map(KeyHandle::total_requests).sum()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An enclave that lives.
pub struct Life(JoinHandle<Result<(), Error>>);

impl Life {
    pub fn end(self) -> Result<(), Error> {
        self.0.join().unwrap()
    }
}

pub fn trust(written: &Value) -> Trust {
    Trust::parse(written.to_string().as_bytes()).unwrap()
}

impl Routes for Inside {
    fn kms(&self, client: ClientBuilder, region: &str, port: u32) -> ClientBuilder {
        let scheme = if self.tls { "https" } else { "http" };
        client.region_endpoint_url(region, &format!("{scheme}://127.0.0.1:{port}"))
    }

    fn credentials(&self, port: u32) -> Address {
        Address::Tcp("127.0.0.1".into(), port.try_into().unwrap())
    }
}

impl Surroundings for Inside {
    fn parent(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.folder.join(format!("vsock_{PARENT_PORT}")))
    }

    fn module(&self) -> Result<Arc<dyn NitroSecureModule>, Error> {
        match &self.module {
            Some(module) => Ok(module.clone()),
            None => Err(pcrseal::core::error::Error::new(Code::NsmDeviceMissing).into()),
        }
    }

    fn listen(&self, port: u32) -> io::Result<Socket> {
        Ok(unix_listener(&self.folder.join(format!("vsock_{port}"))).0)
    }
}

/// A listener whose accepting ends in any case.
pub struct Listener(pub Socket);

impl Listener {
    pub fn accept(&self) -> io::Result<UnixStream> {
        pcrseal_enclave::vsock::accept(&self.0, Duration::from_secs(60))
    }
}

pub fn unix_listener(path: &Path) -> Listener {
    let _ = fs::remove_file(path);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
    socket.listen(4).unwrap();
    Listener(socket)
}

/// The parent's credential feed; its port.
fn feed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let document = json!({
        "Code": "Success",
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": SECRET_ACCESS_KEY,
        "Token": "token",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(document.to_string().as_bytes());
        }
    });
    port
}
