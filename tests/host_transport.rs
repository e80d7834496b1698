//! Unsealing with the host's own transport: here a socket and a few lines of HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/host.rs"]
#[allow(unreachable_pub)]
mod host;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{IMAGE, OTHER_IMAGE, World};
use host::{credentials, send};
use pcrseal::core::attestation::AttestationDocument;
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::crypto::{aws_lc, rustcrypto};
use pcrseal::core::error::Error;
use pcrseal::core::names::{ClusterId, KeyArn};
use pcrseal::core::pcr::{Pcr, PcrSet};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::kms::wire::HttpAnswer;
use pcrseal::{Attester, Code, HostRequest, HostUnseal, Outcome};
use pcrseal_emulator::kms::{Fault, KeyPolicy, Operation};
use serde_json::Value;

fn begin(world: &World, blob: &[u8]) -> HostUnseal {
    HostUnseal::begin(&world.nsm(IMAGE), &world.policy(), blob, b"", &aws_lc::BACKEND).unwrap()
}

/// Asks the keys at these positions (1..5), in this order. What each answer is worth, with its code.
fn ask(world: &World, unseal: &mut HostUnseal, positions: &[u8]) -> Vec<Result<(), Code>> {
    let requests = unseal.requests().to_vec();
    let mut outcomes = Vec::new();
    for position in positions {
        let request = requests.iter().find(|request| request.position() == *position).unwrap();
        let elapsed = Some(Duration::from_millis(u64::from(*position)));
        let outcome = match send(world, request) {
            Some(answer) => unseal.answer_from_authenticated_kms(*position, &answer.http(), elapsed),
            None => unseal.failed(*position, Outcome::Unreachable, elapsed),
        };
        outcomes.push(outcome.map_err(|error| error.code()));
    }
    outcomes
}

// The sockets here block, and the emulator needs a thread besides.
#[tokio::test(flavor = "multi_thread")]
async fn an_unseal_whose_bytes_the_host_moves() {
    let world = World::new().await;
    let (blob, secret) = world.sealed().await;
    let mut unseal = begin(&world, &blob);
    assert_eq!((unseal.needed(), unseal.secret_len(), unseal.is_ready()), (3, 32, false));

    assert_eq!(ask(&world, &mut unseal, &[5, 1]), [Ok(()), Ok(())]);
    assert!(!unseal.is_ready());
    assert_eq!(ask(&world, &mut unseal, &[3]), [Ok(())]);
    assert!(unseal.is_ready());
    // What comes later is not opened any more.
    assert_eq!(ask(&world, &mut unseal, &[2]), [Ok(())]);
    assert_eq!(format!("{unseal:?}"), "HostUnseal(unseal::Session(3 of 3 shares))");

    let unsealed = unseal.finish().unwrap();
    assert!(unsealed.opened.secret().ct_eq(&secret));
    let rows: Vec<_> = unsealed.report.keys.iter().map(|row| (row.outcome.name(), row.elapsed)).collect();
    let after = |ms| Some(Duration::from_millis(ms));
    assert_eq!(
        rows,
        [
            ("granted", after(1)),
            ("not_needed", None),
            ("granted", after(3)),
            ("not_needed", None),
            ("granted", after(5)),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_what_kms_wants() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let unseal = HostUnseal::begin(&world.nsm(IMAGE), &world.policy(), &blob, b"", &rustcrypto::BACKEND);
    let unseal = unseal.unwrap();
    assert_eq!(unseal.requests().len(), 5);
    let mut attested = Vec::new();
    for ((position, request), key) in (1..).zip(unseal.requests()).zip(&world.keys) {
        assert_eq!((request.position(), request.key().as_str()), (position, key.arn()));
        let region = key.arn().split(':').nth(3).unwrap();
        assert_eq!((request.region(), request.host()), (region, &*format!("kms.{region}.amazonaws.com")));
        assert_eq!((HostRequest::OPERATION, HostRequest::TARGET), ("Decrypt", "TrentService.Decrypt"));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["KeyId"], key.arn());
        assert_eq!(body["EncryptionContext"]["pcrseal:share"], format!("{position}/5"));
        let document = STANDARD.decode(body["Recipient"]["AttestationDocument"].as_str().unwrap()).unwrap();
        attested.push(document);

        let written = request.http1(&credentials(), None, 1_768_478_400).unwrap();
        let (head, sent) = written.expose().split_at(written.len() - request.body().len());
        assert_eq!(sent, request.body());
        let lines: Vec<_> = std::str::from_utf8(head).unwrap().split("\r\n").collect();
        assert_eq!(lines[0], "POST / HTTP/1.1");
        let host = format!("host: {}", request.host());
        let length = format!("content-length: {}", request.body().len());
        let scope = format!("Credential=ASIATEST/20260115/{region}/kms/aws4_request, ");
        for line in [
            &*host,
            &*length,
            "connection: close",
            "content-type: application/x-amz-json-1.1",
            "x-amz-date: 20260115T120000Z",
            "x-amz-security-token: test-token",
            "x-amz-target: TrentService.Decrypt",
        ] {
            assert_eq!(lines.iter().filter(|found| **found == line).count(), 1, "{line} in {lines:?}");
        }
        assert!(lines.iter().any(|line| line.starts_with("authorization: ") && line.contains(&scope)));
        assert_eq!(lines[lines.len() - 2..], ["", ""], "a blank line, and the body");
        assert_eq!(lines.len(), 11);
    }
    // One document for all keys, which attests the one recipient; another unseal has another.
    assert!(attested.windows(2).all(|pair| pair[0] == pair[1]));
    let other: Value = serde_json::from_slice(begin(&world, &blob).requests()[0].body()).unwrap();
    let other = STANDARD.decode(other["Recipient"]["AttestationDocument"].as_str().unwrap()).unwrap();
    assert!(AttestationDocument::parse(&other).is_ok());
    assert_ne!(attested[0], other);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_is_refused() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let unseal = begin(&world, &blob);
    let request = &unseal.requests()[0];
    let signed = |host: &str, at| request.http1(&credentials(), Some(host), at).map(drop);
    for host in ["localhost", "127.0.0.1:4599", "[::1]:8443", "a_b.example", &"h".repeat(261)] {
        signed(host, 0).unwrap();
    }
    for host in ["", "a b", "a\r\nx-evil: 1", "a\nb", "a\0", "a/b", "user@host", "ä", &"h".repeat(262)] {
        assert_eq!(signed(host, 0).unwrap_err().code(), Code::KmsEndpoint, "{host:?}");
    }
    assert_eq!(signed("localhost", u64::MAX).unwrap_err().code(), Code::KmsClock);
}

// One table of what errors mean, whoever moves the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_means_the_same_as_to_the_client() {
    let world = World::new().await;
    let (blob, secret) = world.sealed().await;
    for fault in [
        Fault::WrongPlaintext,
        Fault::OtherRecipient,
        Fault::PlaintextBeside,
        Fault::PlaintextOnly,
        Fault::WrongKeyId,
        Fault::GarbageBody,
        Fault::EmptyBody,
        Fault::OversizeBody,
        Fault::InternalError,
        Fault::Throttling,
    ] {
        world.keys[1].set_fault(fault);
        // With these two gone, the client hears every key to the end.
        world.keys[3..].iter().for_each(|key| key.set_fault(Fault::CloseConnection));
        let error = world.enclave().unseal(&blob).await.unwrap_err();
        let expected = &error.report().keys[1];
        world.keys[3..].iter().for_each(|key| key.set_fault(None));

        let mut unseal = begin(&world, &blob);
        let outcomes = ask(&world, &mut unseal, &[2, 3, 4, 5]);
        assert_eq!(outcomes, [Err(expected.code.unwrap()), Ok(()), Ok(()), Ok(())], "{fault:?}");
        let unsealed = unseal.finish().unwrap();
        assert!(unsealed.opened.secret().ct_eq(&secret));
        let found = &unsealed.report.keys[1];
        assert_eq!((found.outcome, found.code), (expected.outcome, expected.code), "{fault:?}");
        assert_eq!(found.hint, expected.hint, "{fault:?}");
        let said = |row: &pcrseal::core::report::KeyReport| {
            row.service.as_ref().map(|service| (service.code.clone(), service.message.clone()))
        };
        assert_eq!(said(found), said(expected), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_and_recorded_with_what_kms_said() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    world.keys[0].set_policy(KeyPolicy::attested(pcrseal::core::pcr::PcrIndex::all().zip(&OTHER_IMAGE)));
    let mut unseal = begin(&world, &blob);
    let answer = send(&world, &unseal.requests()[0]).unwrap();
    let error = unseal.answer_from_authenticated_kms(1, &answer.http(), None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("AccessDeniedException") && text.contains("is not authorized"), "{text}");
    unseal.failed(2, Outcome::Timeout, Some(Duration::from_secs(9))).unwrap();
    unseal.failed(3, Outcome::Granted, None).unwrap();
    ask(&world, &mut unseal, &[4]);

    let error = unseal.finish().unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    let rows = &error.report().keys;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome.name()).collect();
    // Nothing was handed in about the last.
    assert_eq!(outcomes, ["access_denied", "timeout", "bad_response", "granted", "timeout"]);
    let service = rows[0].service.as_ref().unwrap();
    assert_eq!((&*service.code, service.request_id.len()), ("AccessDeniedException", 36));
    assert!(rows[0].hint.as_ref().is_some_and(|hint| hint.contains("PCR")), "{:?}", rows[0].hint);
    assert_eq!((rows[1].elapsed, rows[4].elapsed), (Some(Duration::from_secs(9)), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_one_answer_and_there_are_no_others() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let mut unseal = begin(&world, &blob);
    let answers: Vec<_> =
        unseal.requests().to_vec().iter().map(|request| send(&world, request).unwrap()).collect();
    let refused = |unseal: &mut HostUnseal, position, answer: &HttpAnswer<'_>| {
        unseal.answer_from_authenticated_kms(position, answer, None).unwrap_err().code()
    };
    let broken = HttpAnswer::new(500, [], b"");
    for position in [0, 6, 255] {
        assert_eq!(refused(&mut unseal, position, &answers[0].http()), Code::UnknownShare);
        let failed = unseal.failed(position, Outcome::Timeout, None);
        assert_eq!(failed.unwrap_err().code(), Code::UnknownShare);
    }
    // Another key's answer is none, and spoils the key.
    assert_eq!(refused(&mut unseal, 1, &answers[1].http()), Code::AnswerKeyId);
    assert_eq!(refused(&mut unseal, 1, &answers[0].http()), Code::AlreadyAnswered);
    unseal.answer_from_authenticated_kms(2, &answers[1].http(), None).unwrap();
    for answer in [&answers[1].http(), &broken] {
        assert_eq!(refused(&mut unseal, 2, answer), Code::AlreadyAnswered);
    }
    assert_eq!(unseal.failed(2, Outcome::Timeout, None).unwrap_err().code(), Code::AlreadyAnswered);
    for position in [3_u8, 4] {
        unseal
            .answer_from_authenticated_kms(position, &answers[usize::from(position) - 1].http(), None)
            .unwrap();
    }
    let report = unseal.finish().unwrap().report;
    assert_eq!(report.count(Outcome::Granted), 3);
    assert_eq!(report.keys[0].code, Some(Code::AnswerKeyId));
}

/// An attester whose documents are too long for KMS.
struct Verbose(pcrseal_emulator::nsm::Nsm);

impl Attester for Verbose {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        self.0.measured_pcrs()
    }

    fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        Ok(vec![0; 262_145])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_beforehand_costs_no_request() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    let decrypts = world.requests(Operation::Decrypt);
    let (policy, nsm) = (world.policy(), world.nsm(IMAGE));
    let begin = |attester: &dyn Attester, policy: &TrustPolicy, blob: &[u8], external_aad: &[u8]| {
        let begun = HostUnseal::begin(attester, policy, blob, external_aad, &aws_lc::BACKEND);
        let error = begun.map(drop).unwrap_err();
        assert!(error.report().keys.is_empty());
        error.code()
    };
    assert_eq!(begin(&world.nsm(OTHER_IMAGE), &policy, &blob, b""), Code::PcrDrift);
    assert_eq!(begin(&world.nsm([Pcr::ZERO; 3]), &policy, &blob, b""), Code::DebugMode);
    assert_eq!(begin(&nsm, &policy, &blob, b"other"), Code::ContentRejected);
    assert_eq!(begin(&nsm, &policy, &blob[1..], b""), Code::BlobMalformed);
    let keys = world.keys[1..].iter().map(|key| KeyArn::new(key.arn()).unwrap()).collect();
    let four = TrustPolicy::builder(ClusterId::new("test-eu-central-1").unwrap())
        .unseal_quorum(Quorum::new(3, keys, world.wrapping).unwrap())
        .build()
        .unwrap();
    assert_eq!(begin(&nsm, &four, &blob, b""), Code::KeyNotTrusted);
    assert_eq!(begin(&Verbose(world.nsm(IMAGE)), &policy, &blob, b""), Code::KmsAttestationDocument);
    assert_eq!(world.requests(Operation::Decrypt), decrypts);
}

#[test]
fn it_is_shared_among_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<HostUnseal>();
    shared::<HostRequest>();
}
