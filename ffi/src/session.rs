//! A session: a configuration that has become a trust policy, an attester and a client of AWS KMS.

use std::sync::Arc;
use std::time::Duration;

use pcrseal::config::{Config as Settings, TransportConfig};
use pcrseal::core::blob::SealedBlob;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::policy::TrustPolicy;
use pcrseal::core::seal::max_blob_len;
use pcrseal::{Attester, AutoUnseal, Code, kms};

use crate::cancel::Cancel;
use crate::config::Config;
use crate::engine::{Engine, outside};
use crate::error::{Error, Failure, Status};
use crate::log::{Log, SessionLog};
use crate::pointer::{call, free};

/// What seals and unseals: a trust policy, an attester, a client of AWS KMS with its open connections and its credentials,
/// and two threads of its own (`pcrseal`), with more where an attester is asked or a key generated. Immutable: any number
/// of threads may make calls with it at the same time. A process makes one as a rule, and keeps it.
///
/// A process that forks has no session in the child: no call, not even that which frees it, is allowed there, unless the
/// child executes another program.
pub struct Session {
    // Ended first: its threads hold the attester.
    engine: Engine,
    parts: Parts,
}

/// What the configuration has become.
struct Parts {
    policy: TrustPolicy,
    attester: Arc<dyn Attester>,
    external_aad: Vec<u8>,
    deadline: Duration,
    /// None where the host moves the bytes.
    auto_unseal: Option<AutoUnseal<kms::Client>>,
}

impl Parts {
    fn new(settings: &Settings, policy: TrustPolicy) -> Result<Self, Fault> {
        let attester = settings.open_attester()?;
        let auto_unseal = match settings.transport {
            TransportConfig::Own => Some(settings.auto_unseal(Arc::clone(&attester))?),
            TransportConfig::Host => None,
        };
        let external_aad = settings.external_aad.clone();
        Ok(Self { policy, attester, external_aad, deadline: settings.deadline, auto_unseal })
    }
}

impl Session {
    fn new(settings: Settings, log: Option<Log>) -> Result<Self, Failure> {
        outside()?;
        // Before there is a deadline to meet: what is wrong with them is said however short it is.
        settings.check()?;
        let policy = settings.trust_policy()?;
        let engine = Engine::start(log)?;
        let deadline = settings.deadline;
        let parts = engine.run_blocking(None, deadline, move || Ok(Parts::new(&settings, policy)?))?;
        Ok(Self { engine, parts })
    }

    /// What it trusts.
    pub(crate) const fn policy(&self) -> &TrustPolicy {
        &self.parts.policy
    }

    /// What vouches for the enclave.
    pub(crate) const fn attester(&self) -> &Arc<dyn Attester> {
        &self.parts.attester
    }

    /// What blobs are bound to besides.
    pub(crate) fn external_aad(&self) -> &[u8] {
        &self.parts.external_aad
    }

    /// Who is told what happens.
    pub(crate) const fn log(&self) -> &SessionLog {
        self.engine.log()
    }

    /// What seals and unseals.
    ///
    /// # Errors
    /// [`Code::Reentrant`]; [`Code::ConfigTransport`] where the host moves the bytes.
    pub(crate) fn auto_unseal(&self) -> Result<&AutoUnseal<kms::Client>, Failure> {
        outside()?;
        let found = || Fault::text(Code::ConfigTransport, "transport", "\"own\"", "\"host\"");
        Ok(self.parts.auto_unseal.as_ref().ok_or_else(found)?)
    }

    /// That the host moves the bytes.
    ///
    /// # Errors
    /// [`Code::ConfigTransport`] where it does not.
    pub(crate) fn demand_host_transport(&self) -> Result<(), Failure> {
        match self.parts.auto_unseal {
            Some(_) => Err(Fault::text(Code::ConfigTransport, "transport", "\"host\"", "\"own\"").into()),
            None => Ok(()),
        }
    }

    /// Does the work, to its own deadline or until it is cancelled: [`Engine::run`].
    pub(crate) fn run<T, E: Into<Failure>>(
        &self,
        cancel: Option<&Cancel>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        self.engine.run(cancel, work)
    }

    /// Does what may hang, to the session's deadline: [`Engine::run_blocking`].
    pub(crate) fn blocking<T: Send + 'static>(
        &self,
        cancel: Option<&Cancel>,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.engine.run_blocking(cancel, self.parts.deadline, work)
    }

    /// The longest blob that a seal gives.
    pub(crate) fn max_blob_len(&self, secret_len: usize) -> Result<usize, Failure> {
        Ok(max_blob_len(&self.parts.policy, secret_len, 1)?)
    }

    /// How long a blob says that its secret is.
    pub(crate) fn secret_len(&self, blob: &[u8]) -> Result<usize, Failure> {
        Ok(SealedBlob::parse(blob)?.unverified_contents(&self.parts.external_aad)?.secret_len)
    }
}

/// Makes a session of a configuration, in `session`; whoever gets it frees it. The configuration is copied: it may be
/// changed and freed afterwards. The attester is opened, and asked for the time where the clock is the attested one; nothing
/// is sent to AWS, and no credentials are fetched. May wait for the attester until the configuration's deadline.
///
/// Fails with the codes of a configuration that makes no session: `PCRSEAL_E_CONFIG_MEMBER`, `PCRSEAL_E_CONFIG_VALUE`,
/// those of the trust policy (`PCRSEAL_E_CLUSTER_ID`, `PCRSEAL_E_KEY_ARN`, `PCRSEAL_E_PCR_INDEX`, …) and of the KMS client;
/// with the attester's; with `PCRSEAL_E_DEADLINE_EXCEEDED` when the attester does not answer, `PCRSEAL_E_THREADS`, and
/// `PCRSEAL_E_REENTRANT` from within a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_session_new(
    config: *const Config,
    session: *mut *mut Session,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let session = caller.out(session, "session");
        let config = caller.handle(config, "config")?;
        session.give(Session::new(config.settings(), config.log())?);
        Ok(())
    })
}

/// The length of a buffer that holds whatever blob a seal of this session makes of a secret of `secret_len` bytes, in
/// `blob_len`: what `pcrseal_generate`, `pcrseal_import_vouched` and `pcrseal_reseal` demand. Blobs are shorter as a rule.
/// No I/O.
///
/// Fails with `PCRSEAL_E_SECRET_LENGTH` unless `secret_len` is 1..65536, and with `PCRSEAL_E_NO_SEAL_QUORUM` where the
/// session never seals.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_max_blob_len(
    session: *const Session,
    secret_len: usize,
    blob_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let blob_len = caller.out(blob_len, "blob_len");
        let session = caller.handle(session, "session")?;
        blob_len.set(session.max_blob_len(secret_len)?);
        Ok(())
    })
}

/// How long the secret of a blob is, in `secret_len`, by what the blob says: it authenticates nothing. What
/// `pcrseal_unseal_into` demands. No I/O.
///
/// Fails with `PCRSEAL_E_BLOB_MALFORMED`, `PCRSEAL_E_BLOB_BOUNDS` and the other codes of what is no blob;
/// `PCRSEAL_E_BINDING_REJECTED`; `PCRSEAL_E_CONTENT_REJECTED` when the blob was altered, or made with another `external_aad`
/// than the session's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_unsealed_len(
    session: *const Session,
    blob: *const u8,
    blob_len: usize,
    secret_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let secret_len = caller.out(secret_len, "secret_len");
        let session = caller.handle(session, "session")?;
        secret_len.set(session.secret_len(caller.bytes(blob, blob_len, "blob")?)?);
        Ok(())
    })
}

/// Ends a session: closes its connections, wipes its credentials, ends its threads, and frees it. No call may be using it
/// any more. Waits for its threads for at most a second; one that an attester hangs on is left behind, and ends with the
/// attester's answer or the process. The log callback is not called once this has returned, unless it was called from
/// within one. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_session_free(session: *mut Session) {
    free(session);
}
