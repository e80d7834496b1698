//! What is measured against: an emulated KMS in this process, one key, and a ciphertext and an attestation document
//! for it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::pcr::Pcr;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::rustls::ServerConfig;
use pcrseal_emulator::kms::rustls::crypto::aws_lc_rs;
use pcrseal_emulator::kms::rustls::pki_types::PrivateKeyDer;
use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Kms, Port, Principal};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_kms::Client;
use pcrseal_kms::wire::{Credentials, EncryptRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};

/// Where Debian and those after it keep the system's roots.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
const REGION: &str = "eu-central-1";
const ACCOUNT: &str = "111122223333";
const PRINCIPAL: &str = "arn:aws:iam::111122223333:role/enclave";
pub const ACCESS_KEY_ID: &str = "AKIAEXAMPLEEXAMPLE00";
pub const SECRET_ACCESS_KEY: &str = "an/example/secret/access/key/of/40/chars";

/// The server and the inputs of every program. Files are in a folder of the caller's.
pub struct Server {
    pub endpoint: String,
    pub key_arn: String,
    pub ciphertext: PathBuf,
    pub document: PathBuf,
    /// What ours and theirs trust over https, PEM: the one root of this server, and with it the system's roots.
    pub roots: Option<[PathBuf; 2]>,
    kms: Kms,
}

impl Server {
    /// Plain HTTP.
    pub async fn http(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let authority = Authority::new(&Clock::system())?;
        let kms = Kms::builder().authority(&authority).start().await?;
        Self::prepare(kms, &authority, folder, None).await
    }

    /// TLS, with a chain of root, intermediate and leaf.
    pub async fn https(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let authority = Authority::new(&Clock::system())?;
        let (tls, root) = tls_configuration()?;
        let kms = Kms::builder().authority(&authority).tls(Arc::new(tls)).start().await?;
        Self::prepare(kms, &authority, folder, Some(root)).await
    }

    /// A key in each of these regions, and a port for each: `ENDPOINT=KEY_ARN`. They are there until the ports are
    /// dropped.
    pub async fn more_keys(&self, regions: &[&str]) -> Result<(Vec<Port>, Vec<String>), Box<dyn Error>> {
        let (mut ports, mut keys) = (Vec::new(), Vec::new());
        for region in regions {
            let key = self.kms.create_key(region, ACCOUNT, KeyOptions::new(KeyPolicy::allow_all()))?;
            let port = self.kms.open_port().await?;
            keys.push(format!("{}={key}", port.endpoint()));
            ports.push(port);
        }
        Ok((ports, keys))
    }

    async fn prepare(
        kms: Kms,
        authority: &Authority,
        folder: &Path,
        root: Option<String>,
    ) -> Result<Self, Box<dyn Error>> {
        kms.add_principal(Principal::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, PRINCIPAL)?);
        let key_arn = kms.create_key(REGION, ACCOUNT, KeyOptions::new(KeyPolicy::allow_all()))?;

        let image = [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])];
        let enclave = Nsm::boot(authority, NsmConfig::new(image).role_arn(PRINCIPAL))?;
        let recipient = Recipient::generate(&aws_lc::BACKEND)?;
        let request =
            AttestationRequest { public_key: Some(recipient.public_key_der()), ..Default::default() };
        let document = folder.join("document");
        std::fs::write(&document, enclave.attest(&request)?)?;

        let endpoint = kms.endpoint();
        let ciphertext = folder.join("ciphertext");
        std::fs::write(&ciphertext, encrypted(&endpoint, root.as_deref(), &key_arn).await?)?;
        let roots = match root {
            None => None,
            Some(root) => {
                let files = [folder.join("root.pem"), folder.join("all-roots.pem")];
                std::fs::write(&files[0], &root)?;
                std::fs::write(&files[1], root + &std::fs::read_to_string(SYSTEM_ROOTS)?)?;
                Some(files)
            }
        };
        Ok(Self { endpoint, key_arn, ciphertext, document, roots, kms })
    }
}

async fn encrypted(endpoint: &str, root: Option<&str>, key_id: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let secret = Secret::copy_from(SECRET_ACCESS_KEY.as_bytes());
    let credentials = Credentials::new(ACCESS_KEY_ID, secret, None)?;
    let mut builder = Client::builder().credentials(credentials).endpoint_url(endpoint);
    if let Some(root) = root {
        builder = builder.root_certificates_pem(root.as_bytes());
    }
    let request = EncryptRequest {
        key_id,
        plaintext: &Secret::copy_from(&[7; 32]),
        encryption_context: &[("purpose".into(), "measurement".into())].into(),
        grant_tokens: &[],
        dry_run: false,
    };
    Ok(builder.build()?.encrypt(REGION, &request).await?.ciphertext_blob)
}

/// A configuration for 127.0.0.1, and the root of its chain, PEM.
fn tls_configuration() -> Result<(ServerConfig, String), Box<dyn Error>> {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    };
    let root = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
    let intermediate = CertifiedIssuer::signed_by(authority(), KeyPair::generate()?, &root)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &intermediate)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone(), intermediate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der())?,
        )?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, root.pem()))
}
