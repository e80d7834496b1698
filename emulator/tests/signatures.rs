//! Signature Version 4 and who may sign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{ACCOUNT, Client, Fixture, Headers, NOON, REGION, authorization, send};
use pcrseal_emulator::kms::{KeyOptions, KeyPolicy, Operation, Principal};
use serde_json::json;

/// AWS's signing test suite, `get-vanilla`: the tests' signer is right, so what the server accepts is right.
#[test]
fn the_signer_agrees_with_awss_vector() {
    let headers = [
        ("host".to_owned(), "example.amazonaws.com".to_owned()),
        ("x-amz-date".to_owned(), "20150830T123600Z".to_owned()),
    ];
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let header = authorization(
        "GET",
        &headers,
        b"",
        "AKIDEXAMPLE",
        secret,
        "20150830T123600Z",
        "us-east-1",
        "service",
    );
    let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert!(header.ends_with(signature), "{header}");
}

#[tokio::test]
async fn a_signed_request_is_answered_and_dated_by_the_clock() {
    let fixture = Fixture::start().await;
    let reply = fixture.client.call("CreateKey", &json!({})).await.ok();
    assert_eq!(reply.header("date"), Some("Thu, 15 Jan 2026 12:00:00 GMT"));
    assert_eq!(reply.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(reply.header("x-amzn-requestid").unwrap().len(), 36);
}

#[tokio::test]
async fn anything_altered_after_signing_is_refused() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let body = b"{}";
    let mismatch = "The request signature we calculated does not match the signature you provided.";

    for name in ["content-type", "host", "x-amz-target"] {
        let mut headers = client.sign("CreateKey", body);
        let header = headers.iter_mut().find(|(header, _)| header == name).unwrap();
        header.1.push('x');
        let reply = send(&client.address, "POST / HTTP/1.1", &headers, body).await.unwrap();
        reply.is_error(400, "InvalidSignatureException", mismatch);
    }
    let reply =
        send(&client.address, "POST / HTTP/1.1", &client.sign("CreateKey", body), b"{ }").await.unwrap();
    reply.is_error(400, "InvalidSignatureException", mismatch);
    let reply =
        send(&client.address, "POST /?a=b HTTP/1.1", &client.sign("CreateKey", body), body).await.unwrap();
    reply.is_error(400, "InvalidSignatureException", mismatch);
    let mut headers = client.sign("CreateKey", body);
    let last = headers.last_mut().unwrap();
    let flipped = if last.1.ends_with('0') { '1' } else { '0' };
    last.1.pop();
    last.1.push(flipped);
    let reply = send(&client.address, "POST / HTTP/1.1", &headers, body).await.unwrap();
    reply.is_error(400, "InvalidSignatureException", mismatch);

    let wrong_secret = Client { secret: "guess".into(), ..client.clone() };
    let reply = wrong_secret.call("CreateKey", &json!({})).await;
    reply.is_error(400, "InvalidSignatureException", mismatch);
}

#[tokio::test]
async fn dates_are_good_for_fifteen_minutes_either_way() {
    let fixture = Fixture::start().await;
    let late = pcrseal_emulator::Clock::fixed(NOON);
    let client = Client { clock: late.clone(), ..fixture.client.clone() };

    late.rewind(Duration::from_secs(15 * 60));
    client.call("CreateKey", &json!({})).await.ok();
    late.rewind(Duration::from_secs(1));
    client.call("CreateKey", &json!({})).await.is_error(
        400,
        "InvalidSignatureException",
        "Signature expired: 20260115T114459Z is now earlier than 20260115T114500Z (20260115T120000Z - 15 min.)",
    );
    late.advance(Duration::from_secs(30 * 60 + 1));
    client.call("CreateKey", &json!({})).await.ok();
    late.advance(Duration::from_secs(1));
    client.call("CreateKey", &json!({})).await.is_error(
        400,
        "InvalidSignatureException",
        "Signature not yet current: 20260115T121501Z is still later than 20260115T121500Z \
         (20260115T120000Z + 15 min.)",
    );
}

#[tokio::test]
async fn missing_and_incomplete_signatures_have_their_own_errors() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let post = async |change: &dyn Fn(&mut Headers)| {
        let mut headers = client.sign("CreateKey", b"{}");
        change(&mut headers);
        send(&client.address, "POST / HTTP/1.1", &headers, b"{}").await.unwrap()
    };
    let replace = |from: &'static str, to: &'static str| {
        move |headers: &mut Headers| {
            let header = headers.last_mut().unwrap();
            assert!(header.1.contains(from), "{}", header.1);
            header.1 = header.1.replace(from, to);
        }
    };

    let reply = post(&|headers| drop(headers.pop())).await;
    reply.is_error(400, "MissingAuthenticationTokenException", "Missing Authentication Token");
    let reply = post(&|headers| headers.retain(|(name, _)| name != "x-amz-date")).await;
    reply.is_error(400, "IncompleteSignatureException", "requires existence of either a 'X-Amz-Date'");
    let reply = post(&replace("Signature=", "Sig=")).await;
    reply.is_error(400, "IncompleteSignatureException", "requires 'Signature' parameter");
    let reply = post(&replace("AWS4-HMAC-SHA256 ", "Bearer ")).await;
    reply.is_error(400, "IncompleteSignatureException", "");
    let reply = post(&replace("/aws4_request", "")).await;
    reply.is_error(400, "IncompleteSignatureException", "5 slash-delimited elements");
    let reply = post(&replace("/kms/", "/s3/")).await;
    reply.is_error(400, "InvalidSignatureException", "correct service: 'kms'");
    let reply = post(&replace("/20260115/", "/20260114/")).await;
    reply.is_error(400, "InvalidSignatureException", "Date in Credential scope does not match");
    let reply = post(&replace("/eu-west-1/", "/Europe/")).await;
    reply.is_error(400, "InvalidSignatureException", "valid region");
    let reply = post(&replace("host;", "")).await;
    reply.is_error(400, "InvalidSignatureException", "'host' must be a 'SignedHeader'");
    let reply = post(&replace(";x-amz-target", "")).await;
    reply.is_error(400, "InvalidSignatureException", "'x-amz-target' must be a 'SignedHeader'");
    let reply = post(&replace("AKIATEST", "AKIAOTHER")).await;
    reply.is_error(
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    );
}

/// The client's headers with these changed or added, sorted and signed anew; the names in `SignedHeaders` as
/// given.
fn sign_again(client: &Client, change: &[(&str, &str)], names: impl Fn(&str) -> String) -> Headers {
    let mut headers = client.sign("CreateKey", b"{}");
    headers.pop();
    headers.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    headers.sort();
    let mut grouped: Headers = Vec::new();
    for (name, value) in &headers {
        match grouped.last_mut() {
            Some((last, values)) if last == name => *values = format!("{values},{value}"),
            _ => grouped.push((name.clone(), value.clone())),
        }
    }
    let date = common::amz_date(NOON / 1000);
    for (name, _) in &mut grouped {
        *name = names(name);
    }
    let header = authorization("POST", &grouped, b"{}", "AKIATEST", "secret", &date, REGION, "kms");
    headers.push(("authorization".to_owned(), header));
    headers
}

#[tokio::test]
async fn a_header_that_decides_comes_once() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let mismatch = "does not match the signature you provided";
    let post =
        async |headers: &Headers| send(&client.address, "POST / HTTP/1.1", headers, b"{}").await.unwrap();
    let same = |name: &str| name.to_owned();
    // The tests' signer joins repeated headers as the server does.
    post(&sign_again(client, &[("x-other", "1"), ("x-other", "2")], same)).await.ok();

    for (name, value) in
        [("x-amz-target", "TrentService.DisableKey"), ("host", "other"), ("x-amz-security-token", "t")]
    {
        let twice = sign_again(client, &[(name, value), (name, value)], same);
        post(&twice).await.is_error(400, "InvalidSignatureException", mismatch);
    }
    let date = common::amz_date(NOON / 1000);
    let reply = post(&sign_again(client, &[("x-amz-date", &date)], same)).await;
    reply.is_error(400, "IncompleteSignatureException", "X-Amz-Date");
    let mut two = client.sign("CreateKey", b"{}");
    two.push(two.last().unwrap().clone());
    post(&two).await.is_error(400, "IncompleteSignatureException", "not a readable");
    assert_eq!(fixture.kms.requests(), 6);
}

#[tokio::test]
async fn the_canonical_form_is_the_only_one() {
    let fixture = Fixture::start().await;
    let client = &fixture.client;
    let mismatch = "does not match the signature you provided";
    let post =
        async |headers: &Headers| send(&client.address, "POST / HTTP/1.1", headers, b"{}").await.unwrap();
    let same = |name: &str| name.to_owned();
    // White space inside a value is one space, outside none.
    let mut spaced = sign_again(client, &[("x-other", "a b")], same);
    spaced.iter_mut().find(|(name, _)| name == "x-other").unwrap().1 = "  a \t  b ".into();
    post(&spaced).await.ok();
    // What is white space in Unicode only is not.
    spaced.iter_mut().find(|(name, _)| name == "x-other").unwrap().1 = "a\u{a0}b".into();
    post(&spaced).await.is_error(400, "InvalidSignatureException", mismatch);

    let upper = |name: &str| if name == "content-type" { "Content-Type".into() } else { name.to_owned() };
    let reply = post(&sign_again(client, &[], upper)).await;
    reply.is_error(400, "InvalidSignatureException", mismatch);
    let mut unsorted = client.sign("CreateKey", b"{}");
    unsorted.pop();
    unsorted.swap(0, 1);
    let date = common::amz_date(NOON / 1000);
    let header = authorization("POST", &unsorted, b"{}", "AKIATEST", "secret", &date, REGION, "kms");
    unsorted.push(("authorization".to_owned(), header));
    post(&unsorted).await.is_error(400, "InvalidSignatureException", mismatch);
}

#[tokio::test]
async fn temporary_credentials_need_their_token_until_it_expires() {
    let fixture = Fixture::start().await;
    let principal = Principal::new("ASIATEST", "temporary", ROLE_2).unwrap();
    fixture.kms.add_principal(principal.session_token("token").expires_at_millis(NOON + 60_000));
    let invalid = "The security token included in the request is invalid.";
    let mut client = Client::new(&fixture.kms, &fixture.clock, "ASIATEST", "temporary");

    client.call("CreateKey", &json!({})).await.is_error(400, "UnrecognizedClientException", invalid);
    client.token = Some("other".into());
    client.call("CreateKey", &json!({})).await.is_error(400, "UnrecognizedClientException", invalid);
    client.token = Some("token".into());
    client.call("CreateKey", &json!({})).await.ok();

    let mut unsigned = client.sign("CreateKey", b"{}");
    let header = unsigned.last_mut().unwrap();
    header.1 = header.1.replace("x-amz-security-token;", "");
    let reply = send(&client.address, "POST / HTTP/1.1", &unsigned, b"{}").await.unwrap();
    reply.is_error(400, "InvalidSignatureException", "'x-amz-security-token' must be a 'SignedHeader'");

    let permanent = Client { token: Some("token".into()), ..fixture.client.clone() };
    permanent.call("CreateKey", &json!({})).await.is_error(400, "UnrecognizedClientException", invalid);

    fixture.clock.advance(Duration::from_secs(60));
    client.call("CreateKey", &json!({})).await.is_error(400, "ExpiredTokenException", "is expired");
}

const ROLE_2: &str = "arn:aws:iam::444455556666:role/path/other";

#[tokio::test]
async fn accounts_and_regions_are_kept_apart() {
    let fixture = Fixture::start().await;
    fixture.kms.add_principal(Principal::new("AKIAOTHER", "other", ROLE_2).unwrap());
    let other = Client::new(&fixture.kms, &fixture.clock, "AKIAOTHER", "other");
    let arn = fixture.kms.create_key(REGION, ACCOUNT, KeyOptions::default()).unwrap();
    let id = arn.rsplit('/').next().unwrap();
    let describe = |key: &str| json!({ "KeyId": key });

    fixture.client.call("DescribeKey", &describe(id)).await.ok();
    other.call("DescribeKey", &describe(id)).await.is_error(
        400,
        "NotFoundException",
        &format!("Key 'arn:aws:kms:eu-west-1:444455556666:key/{id}' does not exist"),
    );
    let reply = other.call("DescribeKey", &describe(&arn)).await;
    reply.is_error(
        400,
        "AccessDeniedException",
        &format!(
            "User: arn:aws:sts::444455556666:assumed-role/other/emulated-session is not authorized \
             to perform: kms:DescribeKey on resource: {arn} because \
             no resource-based policy allows the kms:DescribeKey action"
        ),
    );
    fixture.kms.key(&arn).unwrap().set_policy(KeyPolicy::allow_all().principal(ROLE_2));
    other.call("DescribeKey", &describe(&arn)).await.ok();
    fixture.client.call("DescribeKey", &describe(&arn)).await.is_error(400, "AccessDeniedException", "");

    let abroad = other.clone().region("us-east-1");
    let reply = abroad.call("DescribeKey", &describe(&arn)).await;
    reply.is_error(400, "NotFoundException", "Invalid arn us-east-1");
    let handle = fixture.kms.key(&arn).unwrap();
    assert_eq!(handle.requests(Operation::DescribeKey), 4);
    assert_eq!(fixture.kms.requests(), 6);

    for (region, partition) in
        [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-isob-east-1", "aws-iso-b")]
    {
        let arn = fixture.kms.create_key(region, ACCOUNT, KeyOptions::default()).unwrap();
        assert!(arn.starts_with(&format!("arn:{partition}:kms:{region}:{ACCOUNT}:key/")), "{arn}");
    }
    assert!(fixture.kms.create_key("Europe", ACCOUNT, KeyOptions::default()).is_err());
    assert!(fixture.kms.create_key(REGION, "12345", KeyOptions::default()).is_err());
    assert!(Principal::new("a", "b", "arn:aws:iam::12:role/x").is_err());
}
