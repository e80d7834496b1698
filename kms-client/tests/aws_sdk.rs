//! The AWS SDK's connector and credentials in place of the client's own: what they are given, and what comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use common::{DESCRIBE, METADATA, REGION, credentials};
use pcrseal_core::error::Code;
use pcrseal_kms::aws_sdk::{AwsSdkCredentials, AwsSdkTransport};
use pcrseal_kms::credentials::ProvideCredentials;
use pcrseal_kms::limits::MAX_ANSWER_LEN;
use pcrseal_kms::wire::sign;
use pcrseal_kms::{Client, Error, RetryPolicy};

type Script = dyn Fn() -> Result<HttpResponse, ConnectorError> + Send + Sync;

/// A connector of the SDK's that answers as it is told, and keeps what it was given.
#[derive(Clone)]
struct Fake(Arc<Script>, Arc<Mutex<Vec<HttpRequest>>>);

impl Fake {
    fn new(script: impl Fn() -> Result<HttpResponse, ConnectorError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(script), Arc::default())
    }

    fn saying(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::new(move || {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.clone()));
            response.headers_mut().insert("x-amzn-RequestId", "req-1");
            Ok(response)
        })
    }

    fn client(&self) -> Client {
        Client::builder()
            .credentials(credentials())
            .authenticated_transport(Arc::new(AwsSdkTransport::new(self.clone())))
            .retry_policy(RetryPolicy::never())
            .time_source(|| UNIX_EPOCH + Duration::from_secs(1_440_938_160))
            .build()
            .unwrap()
    }

    async fn failure(&self) -> Error {
        self.client().describe_key(REGION, &DESCRIBE).await.unwrap_err()
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.1.lock().unwrap().push(request);
        HttpConnectorFuture::ready((self.0)())
    }
}

#[tokio::test]
async fn the_connector_is_given_the_signed_request() {
    let fake = Fake::saying(200, METADATA);
    let metadata = fake.client().describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(metadata.arn, DESCRIBE.key_id);

    let request = fake.1.lock().unwrap().pop().unwrap();
    let host = "kms.eu-central-1.amazonaws.com";
    assert_eq!((request.method(), request.uri()), ("POST", format!("https://{host}/").as_str()));
    let body = request.body().bytes().unwrap();
    let signed = sign(&credentials(), REGION, host, "TrentService.DescribeKey", body, 1_440_938_160).unwrap();
    let mut expected: Vec<_> = signed.iter().collect();
    let mut sent: Vec<_> = request.headers().iter().collect();
    expected.sort_unstable();
    sent.sort_unstable();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn an_error_of_kms_comes_back_whole() {
    let fake = Fake::saying(400, r#"{"__type":"DisabledException","message":"is disabled"}"#);
    let error = fake.failure().await;
    assert_eq!(error.code(), Code::KmsKeyDisabled);
    assert!(matches!(error, Error::Service(error) if error.request_id() == "req-1"));
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let longest = |extra| Fake::saying(400, vec![b'x'; MAX_ANSWER_LEN + extra]);
    assert_eq!(longest(0).failure().await.code(), Code::KmsOther);
    let error = longest(1).failure().await;
    assert!(matches!(&error, Error::BadAnswer(bad) if bad.request_id == "req-1"), "{error:?}");
    assert_eq!(error.code(), Code::KmsAnswerTooLong);
}

#[tokio::test]
async fn failures_of_the_connector_are_told_apart() {
    let refused = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let cases: [(fn() -> ConnectorError, Code, bool); 4] = [
        (|| ConnectorError::io("no route".into()), Code::KmsConnect, true),
        (|| ConnectorError::timeout("slow".into()), Code::KmsConnect, true),
        (|| ConnectorError::other("parse".into(), None), Code::KmsHttp, true),
        (|| ConnectorError::user("unfit".into()), Code::KmsHttp, true),
    ];
    for (make, code, retryable) in cases {
        let error = Fake::new(move || Err(make())).failure().await;
        assert_eq!((error.code(), error.is_retryable()), (code, retryable), "{error}");
    }
    let bare = Fake::new(move || Err(ConnectorError::io(refused().into())));
    let wrapped = Fake::new(move || {
        let inner = io::Error::new(io::ErrorKind::InvalidData, refused());
        Err(ConnectorError::io(io::Error::other(inner).into()))
    });
    for fake in [bare, wrapped] {
        let error = fake.failure().await;
        assert_eq!((error.code(), error.is_retryable()), (Code::KmsTls, false), "{error}");
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    }
}

fn provider(expiry: Option<SystemTime>) -> AwsSdkCredentials {
    let credentials = aws_credential_types::Credentials::new(
        "AKIDSDK",
        "sdk-secret",
        Some("sdk-token".into()),
        expiry,
        "test",
    );
    AwsSdkCredentials::new(SharedCredentialsProvider::new(credentials))
}

#[tokio::test]
async fn credentials_of_the_sdk_sign_and_expire() {
    let expiry = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let given = provider(Some(expiry)).provide().await.unwrap();
    assert_eq!((given.access_key_id(), given.expires_at()), ("AKIDSDK", Some(expiry)));
    assert_eq!(provider(None).provide().await.unwrap().expires_at(), None);

    let fake = Fake::saying(200, METADATA);
    let client = Client::builder()
        .credentials_provider(Arc::new(provider(Some(expiry))))
        .authenticated_transport(Arc::new(AwsSdkTransport::new(fake.clone())))
        .build()
        .unwrap();
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    let request = fake.1.lock().unwrap().pop().unwrap();
    assert_eq!(request.headers().get("x-amz-security-token"), Some("sdk-token"));
    assert!(request.headers().get("authorization").unwrap().contains("Credential=AKIDSDK/"));
    let shown = format!("{:?} {:?}", provider(None), AwsSdkTransport::new(fake));
    assert!(!shown.contains("sdk-"), "{shown}");
}

/// Fails with words that must not get about.
#[derive(Debug)]
struct Failing(fn() -> CredentialsError);

impl aws_credential_types::provider::ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        aws_credential_types::provider::future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn failures_of_the_provider_are_told_apart_and_not_quoted() {
    let cases: [(fn() -> CredentialsError, Code, bool); 5] = [
        (|| CredentialsError::not_loaded("quoted"), Code::CredentialsProvider, false),
        (|| CredentialsError::provider_timed_out(Duration::ZERO), Code::CredentialsTimeout, true),
        (|| CredentialsError::invalid_configuration("quoted"), Code::CredentialsConfiguration, false),
        (|| CredentialsError::provider_error("quoted"), Code::CredentialsUnavailable, true),
        (|| CredentialsError::unhandled("quoted"), Code::CredentialsProvider, false),
    ];
    for (make, code, retryable) in cases {
        let fake = Fake::saying(200, METADATA);
        let provider = AwsSdkCredentials::new(SharedCredentialsProvider::new(Failing(make)));
        let client = Client::builder()
            .credentials_provider(Arc::new(provider))
            .authenticated_transport(Arc::new(AwsSdkTransport::new(fake.clone())))
            .retry_policy(RetryPolicy::never())
            .build()
            .unwrap();
        let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (code, retryable), "{error}");
        assert!(!format!("{error} {error:?}").contains("quoted"), "{error:?}");
        assert!(fake.1.lock().unwrap().is_empty());
    }
}
