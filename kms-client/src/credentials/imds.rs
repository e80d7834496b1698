//! Role credentials from the EC2 instance metadata service, version 2 (EC2 user guide, "Use `IMDSv2`" and "Retrieve
//! security credentials from instance metadata").

use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use pcrseal_core::error::{Code, Error as Fault};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::http::{Answer, ask, question, secret_header};
use super::{CredentialsError, ProvideCredentials, ProvidedCredentials, document, provided};
use crate::limits::{IMDS_TOKEN_TTL, MAX_IMDS_TOKEN_LEN, MAX_ROLE_NAME_LEN};
use crate::wire::Credentials;
use crate::{Address, Error};

const NAME: &str = "imds";
const HOST: &str = "169.254.169.254";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");

/// Credentials of the instance's role, from the metadata service: on an EC2 host directly, in an enclave through a
/// port that the parent forwards to 169.254.169.254, port 80.
///
/// Version 2 alone: without a session token nothing is asked. The token is kept for the life that the service
/// gives it. The answer to a token's PUT travels at most `HttpPutResponseHopLimit` hops; a forwarder on the
/// instance itself needs no more than 1.
pub struct ImdsCredentials {
    address: Address,
    role: Option<String>,
    token: Mutex<Option<Token>>,
}

struct Token {
    value: HeaderValue,
    ends: Instant,
}

impl Default for ImdsCredentials {
    fn default() -> Self {
        Self { address: Address::Tcp(HOST.to_owned(), 80), role: None, token: Mutex::default() }
    }
}

impl ImdsCredentials {
    /// Of the instance's only role, from the metadata service's own address.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to this address, from which somebody forwards to the metadata service, and reads what is forwarded.
    #[must_use]
    pub fn through(mut self, forwarder: Address) -> Self {
        self.address = forwarder;
        self
    }

    /// Of this role, which saves asking for its name.
    ///
    /// # Errors
    /// [`Code::CredentialsConfiguration`] if it is not 1..=64 letters, digits and `+=,.@_-` (AWS IAM's rule).
    pub fn role(mut self, name: &str) -> Result<Self, Error> {
        let bad = || Fault::field(Code::CredentialsConfiguration, "role");
        let name = role_name(name).ok_or_else(|| Error::Credentials(CredentialsError::new(NAME, bad())))?;
        self.role = Some(name.to_owned());
        Ok(self)
    }

    async fn fetch(&self) -> Result<Credentials, Fault> {
        let role = match &self.role {
            Some(role) => role.clone(),
            None => self.ask_role().await?,
        };
        document::read(&self.get(&format!("{ROLE_PATH}{role}")).await?)
    }

    /// The name of the instance's role: the first line, as an instance has one role.
    async fn ask_role(&self) -> Result<String, Fault> {
        let body = self.get(ROLE_PATH).await?;
        let line = str::from_utf8(&body).ok().and_then(|text| text.lines().next());
        let name = line.and_then(role_name).ok_or_else(|| {
            Fault::text(Code::CredentialsRefused, ROLE_PATH, "the name of a role", "something else")
        })?;
        Ok(name.to_owned())
    }

    /// Gets a document. A token that was kept may have ended before its time: then with a new one, once.
    async fn get(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let kept = self.kept_token();
        let was_kept = kept.is_some();
        let token = match kept {
            Some(token) => token,
            None => self.ask_token().await?,
        };
        let mut answer = self.get_with(path, token).await?;
        if answer.status == 401 && was_kept {
            *self.lock() = None;
            answer = self.get_with(path, self.ask_token().await?).await?;
        }
        if answer.status == 404 && path == ROLE_PATH {
            let expected = "an instance with a role";
            return Err(Fault::text(Code::CredentialsRefused, "HTTP status", expected, "404"));
        }
        answer.into_body(path)
    }

    async fn get_with(&self, path: &str, token: HeaderValue) -> Result<Answer, Fault> {
        let mut question = question(Method::GET, HOST, path)?;
        question.headers_mut().insert(TOKEN, token);
        ask(&self.address, &question).await
    }

    fn kept_token(&self) -> Option<HeaderValue> {
        self.lock().as_ref().filter(|token| Instant::now() < token.ends).map(|token| token.value.clone())
    }

    async fn ask_token(&self) -> Result<HeaderValue, Fault> {
        let mut question = question(Method::PUT, HOST, TOKEN_PATH)?;
        question.headers_mut().insert(TOKEN_TTL, HeaderValue::from(IMDS_TOKEN_TTL.as_secs()));
        let answer = ask(&self.address, &question).await?;
        let life = life(&answer.headers);
        let mut body = answer.into_body(TOKEN_PATH)?;
        let len = body.trim_ascii_end().len();
        body.truncate(len);
        let value = (1..=MAX_IMDS_TOKEN_LEN).contains(&len).then(|| secret_header(body)).flatten();
        let value = value.ok_or_else(|| Fault::field(Code::CredentialsMalformed, TOKEN_PATH))?;
        *self.lock() = Some(Token { value: value.clone(), ends: Instant::now() + life });
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProvideCredentials for ImdsCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async { provided(NAME, self.fetch().await) })
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

impl fmt::Debug for ImdsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, role, token: _ } = self;
        f.debug_struct("ImdsCredentials")
            .field("address", address)
            .field("role", role)
            .finish_non_exhaustive()
    }
}

/// How long the service says that the token lives; a service that does not say is asked anew each time.
fn life(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(TOKEN_TTL).and_then(|value| value.to_str().ok()?.parse().ok());
    IMDS_TOKEN_TTL.min(Duration::from_secs(seconds.unwrap_or(0)))
}

fn role_name(name: &str) -> Option<&str> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    ((1..=MAX_ROLE_NAME_LEN).contains(&name.len()) && name.bytes().all(sound)).then_some(name)
}
