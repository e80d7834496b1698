//! Signatures, against the implementation of the AWS SDK for Rust.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sdk_sign};
use aws_sigv4::sign::v4;
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{Credentials, sign};

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn ours(
    token: Option<&str>,
    region: &str,
    host: &str,
    body: &[u8],
    seconds: u64,
) -> BTreeMap<String, String> {
    let token = token.map(|token| Secret::copy_from(token.as_bytes()));
    let credentials = Credentials::new(ID, Secret::copy_from(SECRET.as_bytes()), token).unwrap();
    let headers = sign(&credentials, region, host, "TrentService.Decrypt", body, seconds).unwrap();
    headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Signs what ours sends, without what signing adds.
fn sdk(token: Option<&str>, region: &str, host: &str, body: &[u8], seconds: u64) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::from([
        ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
        ("host".to_owned(), host.to_owned()),
        ("x-amz-target".to_owned(), "TrentService.Decrypt".to_owned()),
    ]);
    let identity =
        aws_credential_types::Credentials::new(ID, SECRET, token.map(str::to_owned), None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kms")
        .time(UNIX_EPOCH + Duration::from_secs(seconds))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let request = SignableRequest::new(
        "POST",
        format!("https://{host}/"),
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(body),
    )
    .unwrap();
    let (instructions, _) = sdk_sign(request, &params).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        headers.insert(name.to_owned(), value.to_owned());
    }
    headers
}

#[test]
fn signatures_equal_those_of_the_sdk() {
    for token in [None, Some("IQoJb3JpZ2luX2VjEXAMPLE//token+with/slashes==")] {
        for (region, host) in [
            ("eu-central-1", "kms.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"),
            ("us-east-1", "127.0.0.1:8080"),
        ] {
            for body in [b"".as_slice(), b"{}", &[0xff; 9000]] {
                for seconds in [1, 1_440_938_160, 1_709_164_800, 1_709_251_199, 4_107_542_400] {
                    assert_eq!(
                        ours(token, region, host, body, seconds),
                        sdk(token, region, host, body, seconds),
                        "{token:?} {region} {host} {} {seconds}",
                        body.len()
                    );
                }
            }
        }
    }
}

#[test]
fn each_part_of_a_request_changes_the_signature() {
    let base = ours(None, "us-east-1", "host", b"body", 0);
    for other in [
        ours(Some("token"), "us-east-1", "host", b"body", 0),
        ours(None, "us-east-2", "host", b"body", 0),
        ours(None, "us-east-1", "tsoh", b"body", 0),
        ours(None, "us-east-1", "host", b"ydob", 0),
        ours(None, "us-east-1", "host", b"body", 1),
    ] {
        let signature = |headers: &BTreeMap<String, String>| {
            headers["authorization"].split("Signature=").nth(1).unwrap().to_owned()
        };
        assert_eq!(signature(&base).len(), 64);
        assert_ne!(signature(&base), signature(&other));
    }
}

#[test]
fn no_signature_for_what_is_no_region_or_no_time() {
    let credentials = Credentials::new(ID, Secret::copy_from(SECRET.as_bytes()), None).unwrap();
    let code = |region, seconds| {
        sign(&credentials, region, "host", "TrentService.Decrypt", b"", seconds)
            .err()
            .map(|error| error.code())
    };
    assert_eq!(code("us-east-1", 0), None);
    assert_eq!(code("us-east-1/kms", 0), Some(Code::KmsRegion));
    assert_eq!(code("us-east-1", u64::MAX), Some(Code::KmsClock));
}
