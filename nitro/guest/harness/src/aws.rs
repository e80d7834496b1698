//! AWS, as far as a guest sees it: the emulator's KMS, speaking TLS under the names of AWS's endpoints, and a role's
//! credentials.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::pcr::PcrSet;
use pcrseal::core::policy::{Quorum, TrustPolicy, TrustPolicyBuilder};
use pcrseal::core::secret::Secret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::Credentials;
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::rustls::ServerConfig;
use pcrseal_emulator::kms::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use pcrseal_emulator::kms::{KeyHandle, KeyOptions, KeyPolicy, Kms, Principal};
use pcrseal_emulator::nsm::Authority;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};

use crate::Failure;

/// The parent's role and instance: what PCR3 and PCR4 measure.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";
pub(crate) const CLUSTER: &str = "guest-test";
pub(crate) const THRESHOLD: u8 = 2;
/// Region and account of each key.
const KEYS: [(&str, &str); 3] =
    [("eu-central-1", "111122223333"), ("eu-west-1", "222233334444"), ("us-east-1", "333344445555")];
pub(crate) const KEY_COUNT: usize = KEYS.len();
const ACCESS_KEY_ID: &str = "ASIAEXAMPLEEXAMPLE00";
const SECRET_ACCESS_KEY: &str = "an/example/secret/access/key/of/40/chars";
const SESSION_TOKEN: &str = "example-session-token";

/// One AWS: keys, a server for all regions, and who vouches for enclaves.
pub(crate) struct Aws {
    pub(crate) authority: Authority,
    kms: Kms,
    keys: Vec<KeyHandle>,
    tls_root_pem: String,
}

impl Aws {
    /// Keys of a quorum of two of three. Nobody may use them yet: [`Self::permit`] says who may, once an image's
    /// measurements are known, which the keys' names go into.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let authority = Authority::new(&Clock::system())?;
        let (server, tls_root_pem) = tls()?;
        let kms = Kms::builder().authority(&authority).tls(server).start().await?;
        kms.add_principal(
            Principal::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, ROLE)?.session_token(SESSION_TOKEN),
        );
        let keys = KEYS.iter().map(|(region, account)| {
            let arn = kms.create_key(region, account, KeyOptions::default())?;
            kms.key(&arn).ok_or_else(|| Failure::from("a key that was just made is not there"))
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { authority, kms, keys, tls_root_pem })
    }

    /// Has every key release its shares to this role in an image with these measurements, and to nobody else.
    pub(crate) fn permit(&self, measured: &PcrSet) {
        for key in &self.keys {
            key.set_policy(KeyPolicy::attested(measured.iter()).principal(ROLE));
        }
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, Failure> {
        Ok(self.kms.port().ok_or("the emulator has no port")?.address())
    }

    /// HTTP requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.kms.requests()
    }

    pub(crate) fn regions() -> impl Iterator<Item = &'static str> {
        KEYS.iter().map(|(region, _)| *region)
    }

    /// What the credential feed says (docs/CREDENTIAL-FEED.md).
    pub(crate) fn credentials() -> Value {
        json!({
            "AccessKeyId": ACCESS_KEY_ID,
            "SecretAccessKey": SECRET_ACCESS_KEY,
            "Token": SESSION_TOKEN,
            "Expiration": "2099-01-01T00:00:00Z",
        })
    }

    /// The image's `trust.json` (examples/enclave/README.md).
    pub(crate) fn trust(&self, parent_port: u32) -> Value {
        json!({
            "cluster": CLUSTER,
            "quorum": {
                "threshold": THRESHOLD,
                "keys": self.keys.iter().map(KeyHandle::arn).collect::<Vec<_>>(),
                "wrapping": "attested",
            },
            "minimum_generation": 1,
            "required_pcrs": [0, 1, 2],
            "parent": { "cid": HOST_CID, "port": parent_port },
            "may_generate": true,
            "tls_root_pem": self.tls_root_pem,
        })
    }

    /// A trust policy as somebody on the host would write it, with more if wanted.
    pub(crate) fn policy(
        &self,
        more: impl FnOnce(TrustPolicyBuilder) -> TrustPolicyBuilder,
    ) -> Result<TrustPolicy, Failure> {
        let keys = self.keys.iter().map(|key| KeyArn::new(key.arn())).collect::<Result<_, _>>()?;
        let quorum = Quorum::new(THRESHOLD, keys, Wrapping::Attested)?;
        Ok(more(TrustPolicy::builder(ClusterId::new(CLUSTER)?).seal_quorum(quorum)).build()?)
    }

    /// A client on the host, with the role's credentials.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let secret = |text: &str| Secret::copy_from(text.as_bytes());
        let credentials =
            Credentials::new(ACCESS_KEY_ID, secret(SECRET_ACCESS_KEY), Some(secret(SESSION_TOKEN)))?;
        Ok(Client::builder()
            .credentials(credentials)
            .endpoint_url(&self.kms.endpoint())
            .root_certificates_pem(self.tls_root_pem.as_bytes())
            .build()?)
    }
}

/// `VMADDR_CID_HOST` (Linux, `include/uapi/linux/vm_sockets.h`). On AWS the parent is 3.
const HOST_CID: u32 = 2;

/// A server's certificate for KMS's endpoints in all regions of the keys, and for this host, under a new root.
fn tls() -> Result<(Arc<ServerConfig>, String), Failure> {
    let root_key = KeyPair::generate()?;
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.distinguished_name.push(DnType::CommonName, "pcrseal guest test root");
    let root_certificate = root.self_signed(&root_key)?;
    let issuer = Issuer::new(root, root_key);

    let key = KeyPair::generate()?;
    let names: Vec<_> = Aws::regions().map(|region| format!("kms.{region}.amazonaws.com")).collect();
    let mut leaf = CertificateParams::new(names)?;
    leaf.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let certificate = leaf.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((Arc::new(config), root_certificate.pem()))
}
