//! The job: a KMS client by vsock, the trust of the image, and one call of pcrseal.

use std::sync::Arc;
use std::time::Duration;

use pcrseal::core::attester::NitroSecureModule;
use pcrseal::core::crypto::{Backend, aws_lc};
use pcrseal::core::unseal::Opened;
use pcrseal::kms::credentials::FeedCredentials;
use pcrseal::kms::{Address, Client, ClientBuilder};
use pcrseal::{AutoUnseal, Report};
use pcrseal_nitro::{Entropy, TrustedClock};
use tokio::runtime;

use crate::error::{Error, Kind};
use crate::measure::uptime;
use crate::request::{Request, Work};
use crate::trust::Trust;

/// Bytes of a new key: AES-256.
const SECRET_LEN: usize = 32;

/// Where a port of the parent leads: in an enclave a vsock address, in a test something else.
pub trait Routes {
    /// Has the client reach a region's KMS through this port.
    fn kms(&self, client: ClientBuilder, region: &str, port: u32) -> ClientBuilder;

    /// The credential feed.
    fn credentials(&self, port: u32) -> Address;
}

/// What a job gives.
pub struct Done {
    /// The secret, and which seal it came from.
    pub opened: Opened,
    /// The new blob, after [`Work::Generate`].
    pub blob: Option<Vec<u8>>,
    /// One row per key.
    pub report: Report,
    /// When the secret was there, since the machine started.
    pub at: Duration,
}

/// Does what the request asks, as far as the image's trust goes.
///
/// [`AutoUnseal::prepare`] would save nothing here: the blob comes in the same line as the ports that the connections
/// go through. A program that gets its blob later than its ports begins with it.
///
/// # Errors
/// pcrseal's, with what every key answered; [`Kind::Setup`].
pub fn run(
    request: &Request,
    trust: &Trust,
    module: Arc<dyn NitroSecureModule>,
    routes: &impl Routes,
) -> Result<Done, Error> {
    // One thread is enough: the work is waiting. What blocks (the device, the RSA key) gets another one.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::io(Kind::Setup, "no runtime", &error))?;
    let done = runtime.block_on(async {
        // Nobody vouches for the system's clock; for the module's the hypervisor does.
        let clock = TrustedClock::new(module.clone())?;
        let kms = client(request, trust, clock, routes)?;
        let backend = backend(&module);
        let auto = AutoUnseal::new(module, kms, trust.policy.clone()).with_backend(backend);
        match &request.work {
            Work::Unseal(blob) => {
                let unsealed = auto.unseal(blob).await?;
                Ok(Done { opened: unsealed.opened, blob: None, report: unsealed.report, at: uptime() })
            }
            Work::Generate => {
                let sealed = auto.seal_generated(SECRET_LEN, &[]).await?;
                let blob = Some(sealed.blob);
                Ok(Done { opened: sealed.opened, blob, report: sealed.report, at: uptime() })
            }
        }
    });
    // Not waited for: a module that hangs would hold up the answer that says so.
    runtime.shutdown_background();
    done
}

/// A client whose every way leads through the parent, and whose every answer comes from AWS: TLS ends here, under
/// Amazon's roots, for the host name of the key's region.
fn client(
    request: &Request,
    trust: &Trust,
    clock: TrustedClock,
    routes: &impl Routes,
) -> Result<Client, Error> {
    let feed = FeedCredentials::from_address(routes.credentials(request.credentials));
    let mut client = Client::builder().credentials_provider(Arc::new(feed)).time_source(move || clock.now());
    if let Some(pem) = &trust.tls_root_pem {
        client = client.root_certificates_pem(pem.as_bytes());
    }
    for (region, port) in &request.regions {
        client = routes.kms(client, region, *port);
    }
    Ok(client.build()?)
}

/// AWS-LC, with random bytes that two sources make: the kernel's and the module's. It is one for the life of the
/// process, and so are its sources.
fn backend(module: &Arc<dyn NitroSecureModule>) -> Backend {
    let entropy = Box::leak(Box::new(Entropy::new(Arc::clone(module), aws_lc::BACKEND.random)));
    Backend { random: entropy, ..aws_lc::BACKEND }
}
