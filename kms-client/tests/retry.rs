//! What is tried again, when, and what is put right in between. The clock is paused: waits are exact.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::memory::{Memory, Step, answer, refusal};
use common::{DESCRIBE, METADATA, REGION, credentials};
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::credentials::{ProvideCredentials, ProvidedCredentials};
use pcrseal_kms::wire::Credentials;
use pcrseal_kms::{Client, ClientBuilder, Error, RetryPolicy, TransportError};

const MS: fn(u64) -> Duration = Duration::from_millis;
/// Draws the middle of every range.
const MIDDLE: fn() -> u64 = || 1 << 63;

fn at_once<T>(outcome: T) -> (Duration, T) {
    (Duration::ZERO, outcome)
}

fn good() -> Step {
    at_once(Ok(answer(200, &[], METADATA)))
}

fn says(status: u16, code: &str, message: &str, headers: &[(&str, &str)]) -> Step {
    at_once(Ok(refusal(status, code, message, headers)))
}

fn broken() -> Step {
    at_once(Err(TransportError::Connect(io::ErrorKind::ConnectionReset.into())))
}

fn builder(transport: &Arc<Memory>) -> ClientBuilder {
    Client::builder()
        .credentials(credentials())
        .authenticated_transport(transport.clone())
        .random_source(MIDDLE)
}

async fn ask(builder: ClientBuilder) -> Result<(), Error> {
    builder.build().unwrap().describe_key(REGION, &DESCRIBE).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_tried_again_after_growing_waits() {
    for fault in ["KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"] {
        let transport =
            Memory::new(move |number| if number < 3 { says(500, fault, "", &[]) } else { good() });
        ask(builder(&transport)).await.unwrap();
        assert_eq!(transport.times(), [0, 50, 150, 350], "{fault}");
    }
    let transport = Memory::new(|number| if number < 3 { broken() } else { good() });
    ask(builder(&transport)).await.unwrap();
    assert_eq!(transport.times(), [0, 50, 150, 350]);
}

#[tokio::test(start_paused = true)]
async fn throttling_waits_longer() {
    let transport = Memory::new(|number| match number {
        0..3 => says(400, "ThrottlingException", "Rate exceeded", &[]),
        _ => good(),
    });
    ask(builder(&transport)).await.unwrap();
    assert_eq!(transport.times(), [0, 500, 1500, 3500]);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_signed_at_its_own_time() {
    let start = tokio::time::Instant::now();
    let now = move || UNIX_EPOCH + Duration::from_secs(1_440_938_160) + start.elapsed();
    let transport = Memory::new(|number| match number {
        0..2 => says(400, "ThrottlingException", "", &[]),
        _ => good(),
    });
    ask(builder(&transport).time_source(now)).await.unwrap();
    let dates: Vec<_> =
        transport.log().iter().map(|exchange| field(&exchange.headers, "x-amz-date")).collect();
    assert_eq!(dates, ["20150830T123600Z", "20150830T123600Z", "20150830T123601Z"]);
}

/// A name, what happens, and the code that it ends with.
type Final = (&'static str, fn() -> Step, Code);

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not_tried_again() {
    let refused = || at_once(Err(TransportError::Refused(io::ErrorKind::InvalidData.into())));
    let too_long = || at_once(Err(TransportError::AnswerTooLong { request_id: String::new() }));
    let steps: [Final; 9] = [
        ("tls", refused, Code::KmsTls),
        ("too long", too_long, Code::KmsAnswerTooLong),
        ("not json", || at_once(Ok(answer(200, &[], "{"))), Code::KmsAnswerMalformed),
        ("denied", || says(400, "AccessDeniedException", "", &[]), Code::KmsAccessDenied),
        ("disabled", || says(400, "DisabledException", "", &[]), Code::KmsKeyDisabled),
        ("state", || says(400, "KMSInvalidStateException", "", &[]), Code::KmsKeyInvalidState),
        ("unknown", || says(400, "NotFoundException", "", &[]), Code::KmsNotFound),
        ("token", || says(400, "UnrecognizedClientException", "", &[]), Code::KmsCredentialsRejected),
        ("other", || says(400, "SomethingNewException", "", &[]), Code::KmsOther),
    ];
    for (name, step, code) in steps {
        let transport = Memory::new(move |_| step());
        assert_eq!(ask(builder(&transport)).await.unwrap_err().code(), code, "{name}");
        assert_eq!(transport.log().len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_counted() {
    for max_attempts in [1, 2, 5] {
        let transport = Memory::new(|_| says(503, "", "", &[]));
        let policy = RetryPolicy { max_attempts, ..RetryPolicy::default() };
        let error = ask(builder(&transport).retry_policy(policy)).await.unwrap_err();
        assert_eq!(error.code(), Code::KmsUnavailable);
        assert_eq!(error.attempts(), Some(max_attempts));
        assert_eq!(transport.log().len(), usize::try_from(max_attempts).unwrap());
        let counted = error.to_string().contains(&format!("({max_attempts} attempts)"));
        assert_eq!(counted, max_attempts > 1, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_out_and_jitter_comes_on_top() {
    let transport = Memory::new(|number| match number {
        0 => says(503, "", "", &[("Retry-After", "3")]),
        1 => says(400, "ThrottlingException", "", &[("retry-after", "4")]),
        _ => good(),
    });
    ask(builder(&transport)).await.unwrap();
    // 3 s and half of 100 ms; 4 s and half of 2 s.
    assert_eq!(transport.times(), [0, 3050, 3050 + 5000]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    for (limit, headers, took) in
        [(MS(4000), [("retry-after", "4")].as_slice(), 0), (MS(1400), &[], 500), (MS(500), &[], 0)]
    {
        let headers = headers.to_vec();
        let transport = Memory::new(move |_| says(400, "ThrottlingException", "", &headers));
        let start = tokio::time::Instant::now();
        let error = ask(builder(&transport).operation_timeout(limit)).await.unwrap_err();
        assert_eq!(error.code(), Code::KmsThrottled);
        assert_eq!(start.elapsed().as_millis(), took, "{limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_operation_has_one_deadline_and_the_last_real_error_is_told() {
    let hang = || (Duration::MAX, Err(TransportError::Connect(io::ErrorKind::TimedOut.into())));
    // Nothing heard at all.
    let transport = Memory::new(move |_| hang());
    let start = tokio::time::Instant::now();
    let error = ask(builder(&transport).operation_timeout(MS(700))).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { code: Code::KmsTimeout, attempts: 1, .. }), "{error:?}");
    assert_eq!(start.elapsed(), MS(700));

    // Something heard, then silence: cut off by the deadline, or by the time of an attempt.
    for attempt in [MS(100), MS(10_000)] {
        let transport =
            Memory::new(move |number| if number == 0 { says(503, "", "busy", &[]) } else { hang() });
        let zero = Duration::ZERO;
        let client = builder(&transport).connect_timeout(attempt).tls_timeout(zero).answer_timeout(zero);
        let error = ask(client.body_timeout(zero).operation_timeout(MS(700))).await.unwrap_err();
        assert!(matches!(&error, Error::Service(service) if service.message() == "busy"), "{error:?}");
        assert!(error.attempts() > Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hosts_transport_that_hangs_is_given_up_after_the_stages_together() {
    let transport = Memory::new(|number| match number {
        0 => (Duration::MAX, Err(TransportError::Connect(io::ErrorKind::TimedOut.into()))),
        _ => good(),
    });
    ask(builder(&transport)).await.unwrap();
    assert_eq!(transport.times(), [0, 14_000 + 50]);

    let transport = Memory::new(|_| (Duration::MAX, Ok(answer(200, &[], METADATA))));
    let error = ask(builder(&transport).retry_policy(RetryPolicy::never())).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsAttemptTimeout);
    assert!(error.is_retryable());
}

/// 2015-08-30T12:36:00Z, as AWS and as the client have it.
const AWS_DATE: (&str, &str) = ("Date", "Sun, 30 Aug 2015 12:36:00 GMT");
const AWS_TIME: u64 = 1_440_938_160;

fn clock(seconds_ahead: i64) -> impl Fn() -> SystemTime + Send + Sync {
    move || UNIX_EPOCH + Duration::from_secs(AWS_TIME.checked_add_signed(seconds_ahead).unwrap())
}

fn field(headers: &str, name: &str) -> String {
    let line = headers.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(": ").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_once_and_stays_so() {
    for ahead in [-100_000, -600, 600, 100_000] {
        let transport = Memory::new(|number| match number {
            0 => says(400, "InvalidSignatureException", "Signature expired: ...", &[AWS_DATE]),
            _ => good(),
        });
        let client = builder(&transport).time_source(clock(ahead)).build().unwrap();
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
        client.describe_key(REGION, &DESCRIBE).await.unwrap();
        let log = transport.log();
        assert_eq!((transport.times(), log.len()), (vec![0, 0, 0], 3));
        assert_ne!(field(&log[0].headers, "x-amz-date"), "20150830T123600Z");
        for exchange in &log[1..] {
            assert_eq!(field(&exchange.headers, "x-amz-date"), "20150830T123600Z", "{ahead}");
        }
        assert_ne!(field(&log[0].headers, "authorization"), field(&log[1].headers, "authorization"));
    }
}

/// A region that is wrong about the time must not spoil the signatures for the others.
#[tokio::test(start_paused = true)]
async fn a_clock_is_corrected_for_the_region_that_complained() {
    let transport = Memory::new(|number| match number {
        0 => says(400, "InvalidSignatureException", "Signature expired: ...", &[AWS_DATE]),
        _ => good(),
    });
    let client = builder(&transport).time_source(clock(600)).build().unwrap();
    for region in [REGION, "eu-west-1", REGION] {
        client.describe_key(region, &DESCRIBE).await.unwrap();
    }
    let dates: Vec<_> =
        transport.log().iter().map(|exchange| field(&exchange.headers, "x-amz-date")).collect();
    let (ours, theirs) = ("20150830T124600Z", "20150830T123600Z");
    assert_eq!(dates, [ours, theirs, ours, theirs]);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_taken_for_a_wrong_clock_only_if_the_clocks_differ() {
    for (ahead, attempts) in [(0, 1), (240, 1), (-240, 1), (241, 2), (-241, 2)] {
        for message in ["", "... with an explicit deny in a resource-based policy"] {
            let transport = Memory::new(move |_| says(400, "AccessDeniedException", message, &[AWS_DATE]));
            let error = ask(builder(&transport).time_source(clock(ahead))).await.unwrap_err();
            assert!(matches!(&error, Error::Service(e) if e.class().is_access_denied()), "{error}");
            assert_eq!(transport.log().len(), attempts, "{ahead}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_complaint_about_the_clock_is_final() {
    let skewed = |_| says(400, "InvalidSignatureException", "Signature not yet current: ...", &[AWS_DATE]);
    let transport = Memory::new(skewed);
    let error = ask(builder(&transport).time_source(clock(600))).await.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code::KmsClockSkew, Some(2)));

    // Without a Date there is nothing to correct by.
    let transport = Memory::new(|_| says(400, "RequestExpired", "", &[]));
    let error = ask(builder(&transport).time_source(clock(600))).await.unwrap_err();
    assert_eq!((error.code(), transport.log().len()), (Code::KmsClockSkew, 1));
}

#[tokio::test(start_paused = true)]
async fn a_clock_is_corrected_beside_the_attempts_that_are_allowed() {
    let transport = Memory::new(|number| match number {
        0 => says(400, "RequestTimeTooSkewed", "", &[AWS_DATE]),
        _ => good(),
    });
    ask(builder(&transport).retry_policy(RetryPolicy::never()).time_source(clock(600))).await.unwrap();
}

/// A denial with the latest date that can be written. Nothing but the request's own answer says that it is wrong.
fn poison() -> Step {
    says(400, "AccessDeniedException", "", &[("Date", "Fri, 31 Dec 9999 23:59:59 GMT")])
}

#[tokio::test(start_paused = true)]
async fn a_wrong_date_of_one_region_is_no_other_regions() {
    let transport = Memory::new(|number| if number < 2 { poison() } else { good() });
    let client = builder(&transport).time_source(clock(0)).build().unwrap();
    client.describe_key("us-east-1", &DESCRIBE).await.unwrap_err();
    client.describe_key("us-east-2", &DESCRIBE).await.unwrap();
    let log = transport.log();
    assert_eq!(field(&log[1].headers, "x-amz-date"), "99991231T235959Z");
    assert_eq!(field(&log[2].headers, "x-amz-date"), "20150830T123600Z");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_date_can_be_corrected_again() {
    let start = tokio::time::Instant::now();
    let now = move || UNIX_EPOCH + Duration::from_secs(AWS_TIME) + start.elapsed();
    let transport = Memory::new(|number| match number {
        0..2 => poison(),
        2 => says(400, "InvalidSignatureException", "Signature not yet current: ...", &[AWS_DATE]),
        _ => good(),
    });
    // By the poisoned clock they expired long ago, and its next second has five digits in its year.
    let temporary = credentials().expiring(UNIX_EPOCH + Duration::from_secs(AWS_TIME + 3600));
    let client = builder(&transport).credentials(temporary).time_source(now).build().unwrap();
    client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(10)).await;
    client.describe_key(REGION, &DESCRIBE).await.unwrap();
    assert_eq!(transport.log().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn limits_without_measure_are_no_limits() {
    let transport = Memory::new(|number| if number < 2 { broken() } else { good() });
    let forever = builder(&transport).operation_timeout(Duration::MAX).connect_timeout(Duration::MAX);
    let policy = RetryPolicy { fault_base: Duration::MAX, ..RetryPolicy::default() };
    ask(forever.retry_policy(policy)).await.unwrap();
    assert_eq!(transport.times(), [0, 4000, 8000]);
}

/// Hands out credentials with a number in their id.
#[derive(Default)]
struct Numbered(AtomicUsize, Mutex<Option<Duration>>);

impl ProvideCredentials for Numbered {
    fn provide(&self) -> ProvidedCredentials<'_> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let pause = *self.1.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(pause.unwrap_or_default()).await;
            let id = format!("AKID{number}");
            Ok(Arc::new(Credentials::new(&id, Secret::copy_from(b"secret"), None)?))
        })
    }
}

fn access_key_id(headers: &str) -> String {
    let authorization = field(headers, "authorization");
    authorization.split(['=', '/']).nth(1).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_fetched_anew_once() {
    let transport = Memory::new(|number| match number {
        0 => says(400, "ExpiredTokenException", "The security token is expired", &[]),
        _ => good(),
    });
    let provider = Arc::new(Numbered::default());
    ask(builder(&transport).credentials_provider(provider.clone())).await.unwrap();
    let ids: Vec<_> = transport.log().iter().map(|exchange| access_key_id(&exchange.headers)).collect();
    assert_eq!((ids, transport.times()), (vec!["AKID0".to_owned(), "AKID1".to_owned()], vec![0, 0]));

    let transport = Memory::new(|_| says(400, "ExpiredTokenException", "", &[]));
    let error = ask(builder(&transport).credentials_provider(provider)).await.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code::KmsCredentialsExpired, Some(2)));
}

/// Nor may one that takes credentials for expired take them from the others.
#[tokio::test(start_paused = true)]
async fn where_there_are_no_other_credentials_the_word_of_one_region_is_told_and_binds_no_other() {
    let transport = Memory::new(|number| match number {
        0 => says(400, "ExpiredTokenException", "", &[]),
        _ => good(),
    });
    let client = builder(&transport).build().unwrap();
    let error = client.describe_key(REGION, &DESCRIBE).await.unwrap_err();
    assert_eq!(error.code(), Code::KmsCredentialsExpired);
    assert_eq!(transport.log().len(), 1);
    client.describe_key("eu-west-1", &DESCRIBE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_come_end_with_the_operation() {
    let provider = Arc::new(Numbered::default());
    *provider.1.lock().unwrap() = Some(Duration::from_secs(3600));
    let transport = Memory::new(|_| good());
    let slow = builder(&transport).credentials_provider(provider);
    let start = tokio::time::Instant::now();
    let error = ask(slow.operation_timeout(MS(700))).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { code: Code::KmsTimeout, .. }), "{error}");
    assert_eq!((start.elapsed(), transport.log().len()), (MS(700), 0));
}

/// Fails at first, then hands out credentials.
struct Late(AtomicUsize);

impl ProvideCredentials for Late {
    fn provide(&self) -> ProvidedCredentials<'_> {
        let source = io::ErrorKind::ConnectionRefused.into();
        let not_yet = || Error::Connect { endpoint: "the parent".into(), source, attempts: 1 };
        let ready = self.0.fetch_add(1, Ordering::SeqCst) > 1;
        Box::pin(async move { if ready { Ok(Arc::new(credentials())) } else { Err(not_yet()) } })
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_of_credentials_that_is_not_up_yet_is_asked_again() {
    let transport = Memory::new(|_| good());
    let late = Arc::new(Late(AtomicUsize::new(0)));
    ask(builder(&transport).credentials_provider(late)).await.unwrap();
    assert_eq!(transport.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hosts_transport_is_given_the_url_of_the_region() {
    let transport = Memory::new(|_| good());
    let client = builder(&transport).region_endpoint_url("us-east-2", "https://kms.example:8443");
    let client = client.build().unwrap();
    for (region, url, host) in [
        ("us-east-1", "https://kms.us-east-1.amazonaws.com", "kms.us-east-1.amazonaws.com"),
        ("us-east-2", "https://kms.example:8443", "kms.example:8443"),
    ] {
        client.describe_key(region, &DESCRIBE).await.unwrap();
        let exchange = transport.log().pop().unwrap();
        assert_eq!((exchange.url.as_str(), field(&exchange.headers, "host").as_str()), (url, host));
    }
}
