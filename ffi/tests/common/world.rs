//! The emulated AWS: five keys behind real HTTP on loopback, and software modules behind Unix sockets.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{KeyHandle, KeyOptions, KeyPolicy, Kms, Operation, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig, NsmSocket};
use pcrseal_ffi::Session;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Handle, session};

const IMAGE: [Pcr; 3] = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
const OTHER_IMAGE: [Pcr; 3] = [Pcr::new([0xb0; 48]), Pcr::new([0xb1; 48]), Pcr::new([0xb2; 48])];

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/test-enclave";
const REGIONS: [&str; 5] = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"];
/// Limits that a slow machine does not meet; tests of limits set their own.
const LIMIT_MS: u64 = 60_000;

/// A folder of its own, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pcrseal-ffi-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An AWS, an enclave of [`IMAGE`], and one of [`OTHER_IMAGE`].
pub struct World {
    pub aws: Kms,
    /// Two of the first three open what is sealed.
    pub keys: Vec<KeyHandle>,
    modules: [NsmSocket; 2],
    // What serves them, ended last.
    runtime: Runtime,
    folder: Folder,
}

impl World {
    pub fn new() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), Folder::new());
        let clock = Clock::system();
        let authority = Authority::new(&clock).unwrap();
        let aws = runtime.block_on(Kms::builder().authority(&authority).clock(&clock).start()).unwrap();
        aws.add_principal(
            Principal::new("ASIATEST", "test-secret", ROLE).unwrap().session_token("test-token"),
        );
        let policy = KeyPolicy::attested(PcrIndex::all().zip(&IMAGE)).principal(ROLE);
        let key = |region: &&str| {
            let arn = aws.create_key(region, ACCOUNT, KeyOptions::new(policy.clone())).unwrap();
            aws.key(&arn).unwrap()
        };
        let keys = REGIONS.iter().map(key).collect();
        let modules = [("image", IMAGE), ("other", OTHER_IMAGE)].map(|(name, image)| {
            let _serving = runtime.enter();
            let nsm = Nsm::boot(&authority, NsmConfig::new(image).role_arn(ROLE)).unwrap();
            NsmSocket::serve(folder.join(name), Arc::new(nsm)).unwrap()
        });
        Self { aws, keys, modules, runtime, folder }
    }

    /// The keys at these positions as a quorum.
    pub fn quorum(&self, threshold: usize, positions: &[usize]) -> Value {
        let keys: Vec<&str> = positions.iter().map(|position| self.keys[*position].arn()).collect();
        json!({ "threshold": threshold, "keys": keys, "wrapping": "attested" })
    }

    /// The configuration of a session: 2 of the first three keys.
    pub fn document(&self) -> Value {
        self.document_of(self.modules[0].path())
    }

    /// The same in an enclave of the other image.
    pub fn other_document(&self) -> Value {
        self.document_of(self.modules[1].path())
    }

    /// The same over any socket.
    pub fn document_of(&self, module: &Path) -> Value {
        json!({
            "cluster": "test-eu-central-1",
            "seal_quorum": self.quorum(2, &[0, 1, 2]),
            "attester": { "kind": "nsm_socket", "path": module },
            "clock": "attested",
            "kms": {
                "endpoint": self.aws.endpoint(),
                "connect_timeout_ms": LIMIT_MS,
                "answer_timeout_ms": LIMIT_MS,
                "body_timeout_ms": LIMIT_MS,
                "operation_timeout_ms": LIMIT_MS,
                "attempts": 1,
            },
            "credentials": {
                "source": "static",
                "access_key_id": "ASIATEST",
                "secret_access_key": "test-secret",
                "session_token": "test-token",
            },
            "deadline_ms": LIMIT_MS,
        })
    }

    pub fn session(&self) -> Handle<Session> {
        session(&self.document()).unwrap()
    }

    pub fn requests(&self, operation: Operation) -> u64 {
        self.keys.iter().map(|key| key.requests(operation)).sum()
    }

    /// A place for a socket of the test's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The runtime that serves.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}
