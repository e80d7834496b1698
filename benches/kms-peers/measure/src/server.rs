//! What is measured against: the emulator in this process, once in plain HTTP and once behind TLS, and one key with
//! a ciphertext and an attestation document for it.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::pcr::Pcr;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Kms, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_kms::Client;
use pcrseal_kms::wire::{Credentials, EncryptRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Where Debian and those after it keep the system's roots.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
const REGION: &str = "eu-central-1";
const ACCOUNT: &str = "111122223333";
const PRINCIPAL: &str = "arn:aws:iam::111122223333:role/enclave";
pub const ACCESS_KEY_ID: &str = "AKIAEXAMPLEEXAMPLE00";
pub const SECRET_ACCESS_KEY: &str = "an/example/secret/access/key/of/40/chars";

/// The server and the inputs of every program. Files are in a folder of the caller's.
pub struct Server {
    pub http: String,
    pub https: String,
    pub key_arn: String,
    pub ciphertext: PathBuf,
    pub document: PathBuf,
    /// What ours and theirs trust over `https`, PEM: the one root of `https`, and with it the system's roots.
    pub roots: [PathBuf; 2],
    _kms: Kms,
}

impl Server {
    pub async fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::system();
        let authority = Authority::new(&clock)?;
        let kms = Kms::builder().authority(&authority).start().await?;
        kms.add_principal(Principal::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, PRINCIPAL)?);
        let key_arn = kms.create_key(REGION, ACCOUNT, KeyOptions::new(KeyPolicy::allow_all()))?;

        let image = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
        let enclave = Nsm::boot(&authority, NsmConfig::new(image).role_arn(PRINCIPAL))?;
        let recipient = Recipient::generate(&aws_lc::BACKEND)?;
        let request =
            AttestationRequest { public_key: Some(recipient.public_key_der()), ..Default::default() };
        let document = folder.join("document");
        std::fs::write(&document, enclave.attest(&request)?)?;

        let http = kms.endpoint();
        let ciphertext = folder.join("ciphertext");
        std::fs::write(&ciphertext, encrypted(&http, &key_arn).await?)?;

        let address = http.strip_prefix("http://").ok_or("the emulator's endpoint is not http")?.parse()?;
        let (port, root) = behind_tls(address).await?;
        let https = format!("https://localhost:{port}");
        let roots = [folder.join("root.pem"), folder.join("all-roots.pem")];
        std::fs::write(&roots[0], &root)?;
        std::fs::write(&roots[1], root + &std::fs::read_to_string(SYSTEM_ROOTS)?)?;
        Ok(Self { http, https, key_arn, ciphertext, document, roots, _kms: kms })
    }
}

async fn encrypted(endpoint: &str, key_id: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let secret = Secret::copy_from(SECRET_ACCESS_KEY.as_bytes());
    let credentials = Credentials::new(ACCESS_KEY_ID, secret, None)?;
    let client = Client::builder().credentials(credentials).endpoint_url(endpoint).build()?;
    let request = EncryptRequest {
        key_id,
        plaintext: &Secret::copy_from(&[7; 32]),
        encryption_context: &[("purpose".into(), "measurement".into())].into(),
        dry_run: false,
    };
    Ok(client.encrypt(REGION, &request).await?.ciphertext_blob)
}

/// Ends TLS for `localhost` on the port returned, and passes what is inside on to `server`. The chain is root (also
/// returned, PEM), intermediate, leaf.
async fn behind_tls(server: SocketAddr) -> Result<(u16, String), Box<dyn Error>> {
    let authority = || -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(params)
    };
    let root = CertifiedIssuer::self_signed(authority()?, KeyPair::generate()?)?;
    let intermediate = CertifiedIssuer::signed_by(authority()?, KeyPair::generate()?, &root)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &intermediate)?;
    let chain = vec![leaf.der().clone(), intermediate.der().clone()];
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der())?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that hangs up ends its own connection alone.
                let _ = async {
                    stream.set_nodelay(true)?;
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(server).await?;
                    inside.set_nodelay(true)?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                }
                .await;
            });
        }
    });
    Ok((port, root.pem()))
}
