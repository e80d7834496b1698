//! For hosts that have the AWS SDK for Rust already (feature `aws-sdk`): its HTTP connector as the client's
//! transport, its credentials provider as the client's.
//!
//! Needs the Rust version of the SDK's crates, which is above this crate's own: 1.94.1 at the time of writing.

use core::error::Error as StdError;
use core::fmt;
use std::io;
use std::sync::Arc;

use aws_credential_types::provider::error::CredentialsError as SdkCredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use hyper::body::Bytes;
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use zeroize::Zeroizing;

use crate::client::append;
use crate::credentials::{ProvideCredentials, ProvidedCredentials};
use crate::limits::MAX_ERROR_CODE_LEN;
use crate::service_error::printable;
use crate::wire::Credentials;
use crate::{
    AuthenticatedTransport, Error, TransportAnswer, TransportError, TransportFuture, TransportRequest,
};

/// The SDK's HTTP connector as a transport.
///
/// The promise of [`AuthenticatedTransport`] is the host's to keep: the connector must do TLS itself (as those of
/// `aws-smithy-http-client` with a TLS provider do), trust no roots but those meant, and honour no proxy that ends
/// TLS. Its buffers are not wiped; with `Recipient` no plaintext passes through them.
#[derive(Clone)]
pub struct AwsSdkTransport(SharedHttpConnector);

/// The SDK's credentials provider.
///
/// Of the SDK's providers several read the environment and files; in an enclave choose one by name.
#[derive(Clone)]
pub struct AwsSdkCredentials(SharedCredentialsProvider);

impl AwsSdkTransport {
    /// Takes a connector.
    pub fn new(connector: impl HttpConnector + 'static) -> Self {
        Self(SharedHttpConnector::new(connector))
    }
}

impl AuthenticatedTransport for AwsSdkTransport {
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer> {
        Box::pin(async move {
            let response = self.0.call(http_request(&request)?).await.map_err(not_answered)?;
            answer(response).await
        })
    }
}

impl AwsSdkCredentials {
    /// Takes a provider.
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self(provider)
    }
}

impl ProvideCredentials for AwsSdkCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async move {
            let given = self.0.provide_credentials().await.map_err(|error| no_credentials(&error))?;
            let token = given.session_token().map(|token| Secret::copy_from(token.as_bytes()));
            let secret = Secret::copy_from(given.secret_access_key().as_bytes());
            let credentials = Credentials::new(given.access_key_id(), secret, token)?;
            Ok(Arc::new(match given.expiry() {
                Some(expiry) => credentials.expiring(expiry),
                None => credentials,
            }))
        })
    }

    fn name(&self) -> &'static str {
        "aws-sdk"
    }
}

impl fmt::Debug for AwsSdkTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsSdkTransport")
    }
}

impl fmt::Debug for AwsSdkCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsSdkCredentials")
    }
}

fn http_request(request: &TransportRequest<'_>) -> Result<HttpRequest, TransportError> {
    let unfit = |error: aws_smithy_runtime_api::http::HttpError| TransportError::Http(Box::new(error));
    // The SDK's copy is wiped when its last handle is gone.
    let body = Bytes::from_owner(Zeroizing::new(request.body.to_vec()));
    let mut http = HttpRequest::new(SdkBody::from(body));
    http.set_method("POST").map_err(unfit)?;
    http.set_uri(format!("{}/", request.url)).map_err(unfit)?;
    for (name, value) in request.headers.iter() {
        http.headers_mut().try_insert(name, value.to_owned()).map_err(unfit)?;
    }
    Ok(http)
}

async fn answer(response: HttpResponse) -> Result<TransportAnswer, TransportError> {
    let status = response.status().as_u16();
    let headers: Vec<_> =
        response.headers().iter_bytes().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    let request_id = response.headers().get("x-amzn-requestid").unwrap_or_default();
    let request_id = printable(request_id, MAX_ERROR_CODE_LEN);
    let mut incoming = response.into_body();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(frame) = incoming.frame().await {
        if let Some(data) = frame.map_err(TransportError::Http)?.data_ref()
            && !append(&mut body, data)
        {
            return Err(TransportError::AnswerTooLong { request_id });
        }
    }
    Ok(TransportAnswer { status, headers, body })
}

fn not_answered(error: ConnectorError) -> TransportError {
    if is_refusal(&error) {
        TransportError::Refused(io::Error::other(Told(error)))
    } else if error.is_io() || error.is_timeout() {
        TransportError::Connect(io::Error::other(Told(error)))
    } else {
        TransportError::Http(Box::new(Told(error)))
    }
}

/// Whether TLS is what failed, anywhere below.
fn is_refusal(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An `io::Error` tells as its source not what it wraps but what is below that.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    false
}

/// The kind alone: the SDK's other words may quote anything.
fn no_credentials(error: &SdkCredentialsError) -> Error {
    let (code, found) = match error {
        SdkCredentialsError::CredentialsNotLoaded(_) => (Code::CredentialsProvider, "nothing loaded"),
        SdkCredentialsError::ProviderTimedOut(_) => (Code::CredentialsTimeout, "timed out"),
        SdkCredentialsError::InvalidConfiguration(_) => (Code::CredentialsConfiguration, "configuration"),
        SdkCredentialsError::ProviderError(_) => (Code::CredentialsUnavailable, "provider error"),
        _ => (Code::CredentialsProvider, "unhandled"),
    };
    Error::Configuration(Fault::text(code, "the AWS SDK's provider", "credentials", found))
}

/// A connector's error, with what is below it in one line: the SDK's own text says only "dispatch failure".
#[derive(Debug)]
struct Told(ConnectorError);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
