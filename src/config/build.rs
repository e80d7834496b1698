//! What a session is made of, made from its configuration.

use std::sync::Arc;

use pcrseal_core::attester::Attester;
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::{ClusterId, KeyArn, SealId};
use pcrseal_core::pcr::{PcrIndex, PcrSelection};
use pcrseal_core::policy::{Quorum, QuorumOptIns, TrustPolicy};
use pcrseal_core::seal::HostVouchesForSecret;
use pcrseal_core::secret::Secret;
use pcrseal_nitro::{NitroTpm, Nsm, NsmSocket, TrustedClock};

use super::{AttesterConfig, ClockConfig, Config, CredentialsConfig, QuorumConfig, TransportConfig};
use crate::kms::credentials::{
    ContainerCredentials, EnvironmentCredentials, FeedCredentials, ImdsCredentials,
};
use crate::kms::wire::Credentials;
use crate::kms::{self, ClientBuilder, RetryPolicy};
use crate::{AutoUnseal, FanOut};

impl Config {
    /// What the session trusts.
    ///
    /// # Errors
    /// [`Code::ClusterId`], [`Code::KeyArn`], [`Code::PcrIndex`]; those of [`Quorum::with_opt_ins`] and of
    /// [`TrustPolicyBuilder::build`](pcrseal_core::policy::TrustPolicyBuilder::build).
    pub fn trust_policy(&self) -> Result<TrustPolicy, Fault> {
        let mut policy = TrustPolicy::builder(ClusterId::new(&self.cluster)?)
            .minimum_generation(self.minimum_generation)
            .required_pcrs(selection(&self.required_pcrs)?);
        if let Some(quorum) = &self.seal_quorum {
            policy = policy.seal_quorum(quorum.build()?);
        }
        for quorum in &self.unseal_quorums {
            policy = policy.unseal_quorum(quorum.build()?);
        }
        if self.allow_debug_mode {
            policy = policy.allow_debug_mode();
        }
        if let Some(seal_id) = self.seal_id {
            policy = policy.pin_seal_id(SealId::new(seal_id));
        }
        policy.build()
    }

    /// The attester. The device or socket of a Nitro Secure Module is opened; of a `NitroTPM` nothing is opened yet.
    ///
    /// # Errors
    /// Those of [`Device::open`](pcrseal_nitro::Device::open) or of [`NsmSocket::connect`]; [`Code::PcrIndex`].
    pub fn open_attester(&self) -> Result<Arc<dyn Attester>, Fault> {
        Ok(match &self.attester {
            AttesterConfig::Nsm { device } => Arc::new(Nsm::open_at(device)?),
            AttesterConfig::NsmSocket { path } => Arc::new(Nsm::over(NsmSocket::connect(path)?)),
            AttesterConfig::NitroTpm { tool, device, pcrs, measured_pcrs, scratch, time_limit } => {
                let measured = measured_pcrs.as_deref().map(selection).transpose()?;
                let tpm = given(NitroTpm::new(), tool.as_deref(), NitroTpm::program);
                let tpm = given(tpm, device.as_deref(), NitroTpm::device);
                let tpm = given(tpm, pcrs.as_deref(), NitroTpm::pcrs);
                let tpm = given(tpm, measured, NitroTpm::measuring);
                let tpm = given(tpm, scratch.as_deref(), NitroTpm::scratch);
                Arc::new(given(tpm, *time_limit, NitroTpm::time_limit))
            }
        })
    }

    /// The whole session, over an attester: of [`Config::open_attester`], or of the host's own. With an attested clock the
    /// attester is asked for the time, which blocks for as long as it takes. Nothing is sent to AWS.
    ///
    /// # Errors
    /// [`Code::ConfigTransport`] for [`TransportConfig::Host`]; those of [`Config::check`] and [`Config::trust_policy`]; the
    /// KMS client's for what cannot be used as it is configured (endpoints, root certificates, attempts, credentials); the
    /// attester's.
    pub fn auto_unseal(&self, attester: Arc<dyn Attester>) -> Result<AutoUnseal<kms::Client>, Fault> {
        if self.transport == TransportConfig::Host {
            return Err(Code::ConfigTransport.into());
        }
        self.check()?;
        let policy = self.trust_policy()?;
        let mut client = self.client_builder().map_err(fault)?;
        if self.clock == ClockConfig::Attested {
            let clock = TrustedClock::new(Arc::clone(&attester))?;
            client = client.time_source(move || clock.now());
        }
        let session = AutoUnseal::new(attester, client.build().map_err(fault)?, policy)
            .with_external_aad(&self.external_aad)
            .with_deadline(self.deadline);
        let session =
            given(session, self.hedge_delay, |session, delay| session.with_fan_out(FanOut::Hedged { delay }));
        Ok(if self.vouched_reseal { session.with_vouched_reseal(HostVouchesForSecret) } else { session })
    }

    /// The client but for its clock.
    fn client_builder(&self) -> Result<ClientBuilder, kms::Error> {
        let kms = &self.kms;
        let mut client = kms::Client::builder().fips(kms.fips).dual_stack(kms.dual_stack);
        client = given(client, kms.endpoint.as_deref(), ClientBuilder::endpoint_url);
        for (region, url) in &kms.region_endpoints {
            client = client.region_endpoint_url(region, url);
        }
        for (region, address) in &kms.vsock {
            client = client.region_vsock(region, *address);
        }
        for pem in &kms.root_certificates_pem {
            client = client.root_certificates_pem(pem);
        }
        client = given(client, kms.connect_timeout, ClientBuilder::connect_timeout);
        client = given(client, kms.tls_timeout, ClientBuilder::tls_timeout);
        client = given(client, kms.answer_timeout, ClientBuilder::answer_timeout);
        client = given(client, kms.body_timeout, ClientBuilder::body_timeout);
        client = given(client, kms.operation_timeout, ClientBuilder::operation_timeout);
        client = given(client, kms.attempts, |client, max_attempts| {
            client.retry_policy(RetryPolicy { max_attempts, ..RetryPolicy::default() })
        });
        match &self.credentials {
            Some(credentials) => credentials.give(client),
            None => Ok(client),
        }
    }
}

impl QuorumConfig {
    fn build(&self) -> Result<Quorum, Fault> {
        let keys = self.keys.iter().map(|arn| KeyArn::new(arn)).collect::<Result<_, _>>()?;
        let opt_ins =
            QuorumOptIns { multi_region: self.allow_multi_region, single_share: self.allow_single_share };
        Quorum::with_opt_ins(self.threshold, keys, self.wrapping, opt_ins)
    }
}

impl CredentialsConfig {
    fn give(&self, client: ClientBuilder) -> Result<ClientBuilder, kms::Error> {
        Ok(match self {
            Self::Static { access_key_id, secret_access_key, session_token } => {
                let token = session_token.as_deref().map(|token| Secret::copy_from(token));
                let secret = Secret::copy_from(secret_access_key);
                client.credentials(Credentials::new(access_key_id, secret, token)?)
            }
            Self::Environment => client.credentials_provider(Arc::new(EnvironmentCredentials::new())),
            Self::Feed(address) => {
                client.credentials_provider(Arc::new(FeedCredentials::from_address(address.clone())))
            }
            Self::FeedFile(path) => client.credentials_provider(Arc::new(FeedCredentials::from_file(path))),
            Self::Imds { through, role } => {
                let imds = given(ImdsCredentials::new(), through.clone(), ImdsCredentials::through);
                let imds = match role {
                    Some(role) => imds.role(role)?,
                    None => imds,
                };
                client.credentials_provider(Arc::new(imds))
            }
            Self::Container { url, authorization_token_file, through } => {
                let container = match url {
                    Some(url) => ContainerCredentials::new(url)?,
                    None => ContainerCredentials::from_env()?,
                };
                let file = authorization_token_file.as_deref();
                let container = given(container, file, ContainerCredentials::authorization_token_file);
                let container = given(container, through.clone(), ContainerCredentials::through);
                client.credentials_provider(Arc::new(container))
            }
        })
    }
}

/// The builder after an option that may be given.
fn given<B, T>(builder: B, option: Option<T>, set: impl FnOnce(B, T) -> B) -> B {
    match option {
        Some(value) => set(builder, value),
        None => builder,
    }
}

fn selection(indices: &[u8]) -> Result<PcrSelection, Fault> {
    indices.iter().map(|index| PcrIndex::try_from(u64::from(*index))).collect()
}

/// The client's error as core's: nothing was sent yet, so that it is about the configuration or the credentials.
fn fault(error: kms::Error) -> Fault {
    match error {
        kms::Error::Configuration(fault) => fault,
        kms::Error::Credentials(error) => error.fault().clone(),
        other => Fault::text(other.code(), "KMS client", "a configuration that it can use", other),
    }
}

#[cfg(test)]
mod tests;
