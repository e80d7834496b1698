//! Unsealing where the host moves the bytes: with sockets, a proxy or an HTTP client of its own. The requests come
//! written, and signed if the host likes; the answers go in as they came. The driver of [`AutoUnseal`] is the other one.

use std::fmt;
use std::time::{Duration, Instant};

use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::crypto::Backend;
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::names::KeyArn;
use pcrseal_core::policy::TrustPolicy;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::report::{Failure, Outcome};
use pcrseal_core::secret::Secret;
use pcrseal_core::unseal::{DecryptAnswer, Plan, Session, ShareRequest};
use pcrseal_kms as kms;
use pcrseal_kms::wire::endpoint::{HostOptions, host_name};
use pcrseal_kms::wire::{
    Credentials, DecryptRequest, EncryptionContext, HttpAnswer, Operation, SignedHeaders,
};

use crate::auto_unseal::{Unsealed, observed};
use crate::error::Error;
use crate::kms_client::{failure, for_recipient, owned};
use crate::observe::{self, Step};
use crate::rows::bad_response;

#[cfg(doc)]
use crate::AutoUnseal;

/// Longest `host` that is signed: the longest domain name (RFC 1035 section 2.3.4), a colon and a port.
const MAX_HOST_LEN: usize = 255 + 6;

/// An unseal in progress, whose requests the host sends.
///
/// 1. [`HostUnseal::begin`] judges the blob, makes the recipient's key and has it attested.
/// 2. Every one of [`HostUnseal::requests`] goes to KMS, in any order, all at once or some ([`HostUnseal::needed`] at
///    least); what comes back goes in, until [`HostUnseal::is_ready`].
/// 3. [`HostUnseal::finish`] opens the secret.
///
/// KMS takes the attestation document for five minutes. No key is asked twice: an answer that was refused is final, and
/// a host that wants to try again begins anew, which makes another key.
///
/// ```no_run
/// use pcrseal::core::crypto::aws_lc;
/// use pcrseal::core::policy::TrustPolicy;
/// use pcrseal::kms::wire::{Credentials, HttpAnswer};
/// use pcrseal::nitro::Nsm;
/// use pcrseal::{HostUnseal, Outcome, Unsealed};
///
/// /// `exchange` sends a request to KMS over TLS that ends here, and gives status and body of the answer.
/// fn unseal(
///     policy: &TrustPolicy,
///     credentials: &Credentials,
///     blob: &[u8],
///     unix_seconds: u64,
///     exchange: impl Fn(&str, &[u8]) -> std::io::Result<(u16, Vec<u8>)>,
/// ) -> Result<Unsealed, Box<dyn std::error::Error>> {
///     let mut unseal = HostUnseal::begin(&Nsm::open()?, policy, blob, b"", &aws_lc::BACKEND)?;
///     for request in unseal.requests().to_vec() {
///         // One after the other here; a host that has threads sends them all at once.
///         let written = request.http1(credentials, None, unix_seconds)?;
///         match exchange(request.host(), written.expose()) {
///             Ok((status, body)) => {
///                 let answer = HttpAnswer::new(status, [], &body);
///                 // What KMS refused is in the report, and other keys may do.
///                 let _ = unseal.answer_from_authenticated_kms(request.position(), &answer, None);
///             }
///             Err(_) => unseal.failed(request.position(), Outcome::Unreachable, None)?,
///         }
///         if unseal.is_ready() {
///             break;
///         }
///     }
///     Ok(unseal.finish()?)
/// }
/// ```
pub struct HostUnseal {
    session: Session,
    document: Vec<u8>,
    requests: Vec<HostRequest>,
    start: Instant,
}

impl HostUnseal {
    /// Checks a blob as [`AutoUnseal::unseal`] does, before anything is sent. Blocks while the attester measures and
    /// attests, and while the RSA key is generated (tens of milliseconds).
    ///
    /// # Errors
    /// What [`Plan::new`] answers, the attester's codes, [`Code::Random`]; [`Code::KmsRegion`] for a key in what is no
    /// region of AWS; [`Code::KmsAttestationDocument`] for a document that KMS does not take.
    pub fn begin(
        attester: &dyn Attester,
        policy: &TrustPolicy,
        blob: &[u8],
        external_aad: &[u8],
        backend: &Backend,
    ) -> Result<Self, Error> {
        let start = Instant::now();
        Self::begin_at(start, attester, policy, blob, external_aad, backend)
            .inspect_err(|error| observe::unsealed(Err(error), start.elapsed()))
    }

    fn begin_at(
        start: Instant,
        attester: &dyn Attester,
        policy: &TrustPolicy,
        blob: &[u8],
        external_aad: &[u8],
        backend: &Backend,
    ) -> Result<Self, Error> {
        let measured = attester.measured_pcrs()?;
        observe::measured(&measured);
        let plan = Plan::new(blob, policy, &measured, external_aad)?;
        observe::blob_accepted(plan.header(), plan.quorum());
        let recipient = Recipient::generate(backend)?;
        observe::recipient_made(backend.name);
        let public_key = Some(recipient.public_key_der());
        let document = attester.attest(&AttestationRequest { public_key, ..Default::default() })?;
        observe::attested(&document);
        let session = plan.begin(recipient);
        let requests = session
            .requests()
            .map(|request| HostRequest::new(&request, &document))
            .collect::<Result<_, _>>()
            .map_err(|error| fault(&error))?;
        Ok(Self { session, document, requests, start })
    }

    /// How many shares are needed: as many keys have to be asked at least.
    pub fn needed(&self) -> usize {
        self.session.needed()
    }

    /// Bytes of the secret, 1..65536, by what the blob says.
    pub fn secret_len(&self) -> usize {
        self.session.secret_len()
    }

    /// One request per key, in the quorum's order.
    pub fn requests(&self) -> &[HostRequest] {
        &self.requests
    }

    /// Hands in what KMS answered, whatever its status, with the time that it took if that was measured.
    ///
    /// The name is the caller's promise: the answer came over TLS that ends in this enclave, for the host name of the
    /// key's region ([`HostRequest::host`]), under pinned roots. Nothing in it is authenticated otherwise: **whoever can
    /// make it chooses what is unsealed**.
    ///
    /// # Errors
    /// [`Code::UnknownShare`], [`Code::AlreadyAnswered`]: nothing was recorded. Everything else is recorded in the report
    /// besides, and the other keys may still finish the job: the code of what KMS refused (3041 to 3060); codes 3031 to
    /// 3034 for an answer that cannot be used; those of [`Session::answer_from_authenticated_kms`] for a share that is
    /// refused.
    pub fn answer_from_authenticated_kms(
        &mut self,
        position: u8,
        answer: &HttpAnswer<'_>,
        elapsed: Option<Duration>,
    ) -> Result<(), Fault> {
        let Some(request) = self.session.requests().find(|request| request.position == position) else {
            // Only the session knows why.
            return self.session.failed(position, Failure::new(Outcome::BadResponse), elapsed);
        };
        let context = owned(&request.encryption_context);
        let read = answer.read(&decrypt(&request, &context, &self.document));
        let was_ready = self.is_ready();
        let taken = match read {
            Ok(answer) => {
                let (ciphertext, plaintext_present) = for_recipient(answer.released);
                let answer = DecryptAnswer {
                    key_id: &answer.key_id,
                    ciphertext_for_recipient: ciphertext.as_deref(),
                    plaintext_present,
                };
                let taken = self.session.answer_from_authenticated_kms(position, &answer, elapsed);
                taken.map_err(|fault| (bad_response(&fault), fault))
            }
            Err(error) => {
                let (fault, failure) = (fault(&error), failure(error));
                self.session.failed(position, failure.clone(), elapsed)?;
                Err((failure, fault))
            }
        };
        match taken {
            // Not opened any more.
            Ok(()) if was_ready => Ok(()),
            Ok(()) => {
                self.observe(position, None, elapsed);
                Ok(())
            }
            Err((_, fault)) if fault.code() == Code::AlreadyAnswered => Err(fault),
            Err((failure, fault)) => {
                self.observe(position, Some(&failure), elapsed);
                Err(fault)
            }
        }
    }

    /// Hands in that a key gave no answer, and how: [`Outcome::Timeout`] or [`Outcome::Unreachable`], as a rule.
    /// [`Outcome::Granted`] counts as [`Outcome::BadResponse`].
    ///
    /// # Errors
    /// [`Code::UnknownShare`], [`Code::AlreadyAnswered`].
    pub fn failed(&mut self, position: u8, outcome: Outcome, elapsed: Option<Duration>) -> Result<(), Fault> {
        let failure = Failure::new(outcome).never_granted();
        self.session.failed(position, failure.clone(), elapsed)?;
        self.observe(position, Some(&failure), elapsed);
        Ok(())
    }

    /// Whether enough shares are in. Answers that come later are not needed.
    pub fn is_ready(&self) -> bool {
        self.session.is_ready()
    }

    /// Combines the shares and opens the secret. Whatever comes of it, the recipient's key and the shares are wiped.
    ///
    /// # Errors
    /// [`Code::QuorumNotReached`], [`Code::CommitmentMismatch`], [`Code::SecretRejected`], with the report: keys that
    /// nothing was handed in about count as too slow.
    pub fn finish(self) -> Result<Unsealed, Error> {
        if self.session.is_ready() {
            observe::ready(self.session.needed());
        }
        let (opened, report) = self.session.finish();
        observe::shares(&report);
        let result = match opened {
            Ok(opened) => Ok(Unsealed { opened, report }),
            Err(fault) => Err(Error::with_report(fault, report)),
        };
        observed(result, self.start.elapsed())
    }

    fn observe(&self, position: u8, failure: Option<&Failure>, elapsed: Option<Duration>) {
        if let Some(request) = self.requests.iter().find(|request| request.position == position) {
            observe::key_answered(Step::Release, position, &request.key, failure, elapsed);
        }
    }
}

impl fmt::Debug for HostUnseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostUnseal").field(&self.session).finish()
    }
}

/// What to send to one KMS key: Decrypt, with the attestation document. Not secret; signed, it holds the session token.
#[derive(Clone, Debug)]
pub struct HostRequest {
    position: u8,
    key: KeyArn,
    host: String,
    body: Vec<u8>,
}

impl HostRequest {
    /// The operation.
    pub const OPERATION: &'static str = "Decrypt";
    /// The value of the header `x-amz-target`.
    pub const TARGET: &'static str = <DecryptRequest<'static> as Operation>::TARGET;

    fn new(request: &ShareRequest<'_>, document: &[u8]) -> Result<Self, kms::Error> {
        let context = owned(&request.encryption_context);
        Ok(Self {
            position: request.position,
            key: request.key.clone(),
            host: host_name(request.key.region(), HostOptions::default())?,
            body: decrypt(request, &context, document).body()?.to_vec(),
        })
    }

    /// The share's position x = 1..n: what the answer is handed in under.
    pub fn position(&self) -> u8 {
        self.position
    }

    /// The key.
    pub fn key(&self) -> &KeyArn {
        &self.key
    }

    /// The region: part of the signature.
    pub fn region(&self) -> &str {
        self.key.region()
    }

    /// The host name of KMS in the region: whom TLS has to prove.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The body: JSON.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Signs the request (AWS Signature Version 4): every header field that it needs, `content-length` aside.
    ///
    /// `host` is the value of the header `host`, with the port unless it is the scheme's own; without it,
    /// [`HostRequest::host`]. `unix_seconds` is the time now: AWS tolerates five minutes of difference.
    ///
    /// # Errors
    /// [`Code::KmsEndpoint`] for a `host` that is empty, longer than 261 bytes, or holds something else than letters,
    /// digits and `-._:[]`; [`Code::KmsClock`] for a time outside the years 1970 to 9999.
    pub fn sign(
        &self,
        credentials: &Credentials,
        host: Option<&str>,
        unix_seconds: u64,
    ) -> Result<SignedHeaders, Fault> {
        let host = host.unwrap_or(&self.host);
        check_host(host)?;
        kms::wire::sign(credentials, self.region(), host, Self::TARGET, &self.body, unix_seconds)
            .map_err(|error| fault(&error))
    }

    /// The whole request, as it goes into a connection of its own (HTTP/1.1, `connection: close`). It holds the session
    /// token, and is wiped when dropped.
    ///
    /// # Errors
    /// As [`HostRequest::sign`].
    pub fn http1(
        &self,
        credentials: &Credentials,
        host: Option<&str>,
        unix_seconds: u64,
    ) -> Result<Secret, Fault> {
        let headers = self.sign(credentials, host, unix_seconds)?;
        let end = format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        let parts = || {
            let fields = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]);
            ["POST / HTTP/1.1\r\n"].into_iter().chain(fields).chain([end.as_str()])
        };
        // Of the right length from the start: a buffer that grows leaves copies behind.
        let length = parts().map(str::len).sum::<usize>();
        let mut request = Vec::with_capacity(length.saturating_add(self.body.len()));
        parts().for_each(|part| request.extend_from_slice(part.as_bytes()));
        request.extend_from_slice(&self.body);
        Ok(Secret::new(request))
    }
}

fn decrypt<'a>(
    request: &ShareRequest<'a>,
    encryption_context: &'a EncryptionContext,
    document: &'a [u8],
) -> DecryptRequest<'a> {
    DecryptRequest {
        key_id: request.key.as_str(),
        ciphertext_blob: request.ciphertext_blob,
        encryption_context,
        grant_tokens: &[],
        recipient: Some(document),
        dry_run: false,
    }
}

/// It goes into a header: nothing that could end it.
fn check_host(host: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if (1..=MAX_HOST_LEN).contains(&host.len()) && host.bytes().all(allowed) {
        return Ok(());
    }
    let found = host.get(..MAX_HOST_LEN).unwrap_or(host);
    Err(Fault::text(Code::KmsEndpoint, "host", "a host, and a port if need be", found))
}

/// The client's error as core's.
fn fault(error: &kms::Error) -> Fault {
    match error {
        kms::Error::Configuration(fault) | kms::Error::InvalidRequest(fault) => fault.clone(),
        kms::Error::BadAnswer(bad) => bad.fault.clone(),
        kms::Error::Service(service) => {
            let found = format!("{}: {}", service.code(), service.message());
            Fault::text(error.code(), "answer of KMS", "a share", found)
        }
        other => Fault::new(other.code()),
    }
}
