//! Unsealing with the program's own sockets: here a `TcpStream` and a few lines of HTTP.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{ptr, thread};

use common::calls::{Handle, Outcome, Row, c, called, lent, made, refused, rows, text, written};
use common::{World, generate, session};
use pcrseal::Code;
use pcrseal_emulator::kms::Operation;
use pcrseal_ffi::*;
use serde_json::{Value, json};

/// A session that leaves the transport to the program.
fn host_document(world: &World) -> Value {
    let mut document = world.document();
    document["transport"] = json!("host");
    let members = document.as_object_mut().unwrap();
    members.remove("kms");
    members.remove("credentials");
    document
}

fn host_session(world: &World) -> Handle<Session> {
    session(&host_document(world)).unwrap()
}

/// A blob and its secret.
fn sealed(world: &World) -> (Vec<u8>, Vec<u8>) {
    let sealed = generate(&world.session(), 32, None).unwrap();
    (sealed.blob, sealed.secret.bytes().to_vec())
}

fn begin(session: &Handle<Session>, blob: &[u8]) -> Outcome<Handle<HostUnseal>> {
    made(pcrseal_host_unseal_free, |unseal, error| unsafe {
        pcrseal_host_unseal_begin(session.get(), blob.as_ptr(), blob.len(), unseal, error)
    })
}

/// The next request; NULL once all are handed out.
fn next(unseal: &Handle<HostUnseal>) -> Outcome<Option<Handle<KmsRequest>>> {
    let mut request = common::calls::stale();
    called(|error| unsafe { pcrseal_host_unseal_next_request(unseal.get(), &raw mut request, error) })?;
    Ok((!request.is_null()).then_some(Handle(request, pcrseal_kms_request_free)))
}

fn all(unseal: &Handle<HostUnseal>) -> Vec<Handle<KmsRequest>> {
    std::iter::from_fn(|| next(unseal).unwrap()).collect()
}

fn position(request: &Handle<KmsRequest>) -> u32 {
    unsafe { pcrseal_kms_request_position(request.get()) }
}

fn http1(
    request: &Handle<KmsRequest>,
    id: &str,
    token: Option<&[u8]>,
    host: Option<&str>,
    at: u64,
) -> Outcome<Vec<u8>> {
    let secret = b"test-secret";
    let (token, token_len) = token.map_or((ptr::null(), 0), |token| (token.as_ptr(), token.len()));
    let (id, host) = (c(id), host.map(c));
    let host = host.as_ref().map_or(ptr::null(), |host| host.as_ptr());
    written(|http, capacity, len, error| unsafe {
        let (request, secret, secret_len) = (request.get(), secret.as_ptr(), secret.len());
        pcrseal_kms_request_http1(
            request,
            id.as_ptr(),
            secret,
            secret_len,
            token,
            token_len,
            host,
            at,
            http,
            capacity,
            len,
            error,
        )
    })
}

/// What came back: status, request id, body.
struct Answer(u32, String, Vec<u8>);

fn send(world: &World, request: &Handle<KmsRequest>) -> Answer {
    let address = world.aws.port().unwrap().address();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let http = http1(request, "ASIATEST", Some(b"test-token"), Some(&address.to_string()), now).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&http).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let field = |line: &str| line.to_ascii_lowercase().strip_prefix("x-amzn-requestid: ").map(str::to_owned);
    Answer(status, head.lines().find_map(field).unwrap(), answer[end + 4..].to_vec())
}

fn hand_in(unseal: &Handle<HostUnseal>, position: u32, answer: &Answer, milliseconds: i64) -> Outcome<()> {
    let Answer(status, request_id, body) = answer;
    called(|error| unsafe {
        let (id, body, len) = (c(request_id), body.as_ptr(), body.len());
        let answer = pcrseal_host_unseal_answer_from_authenticated_kms;
        answer(unseal.get(), position, *status, id.as_ptr(), body, len, milliseconds, error)
    })
}

fn fail(unseal: &Handle<HostUnseal>, position: u32, outcome: u32, milliseconds: i64) -> Outcome<()> {
    called(|error| unsafe {
        pcrseal_host_unseal_failed(unseal.get(), position, outcome, milliseconds, error)
    })
}

fn finish(unseal: &Handle<HostUnseal>) -> Outcome<(Vec<u8>, Vec<Row>)> {
    let mut report = common::calls::stale();
    let secret = made(pcrseal_secret_free, |secret, error| unsafe {
        pcrseal_host_unseal_finish(unseal.get(), secret, &raw mut report, error)
    });
    assert_eq!(report.is_null(), secret.is_err());
    let secret = secret?;
    let report = Handle(report, pcrseal_report_free);
    Ok((secret.bytes().to_vec(), rows(report.get())))
}

fn state(unseal: &Handle<HostUnseal>) -> (usize, bool) {
    unsafe { (pcrseal_host_unseal_needed(unseal.get()), pcrseal_host_unseal_is_ready(unseal.get())) }
}

#[test]
fn an_unseal_whose_bytes_the_program_moves() {
    let world = World::new();
    let (blob, secret) = sealed(&world);
    let session = host_session(&world);
    let unseal = begin(&session, &blob).unwrap();
    // It needs neither the session nor the blob any more.
    drop((session, blob));
    assert_eq!(state(&unseal), (2, false));
    let requests = all(&unseal);
    assert_eq!(requests.iter().map(position).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(next(&unseal).unwrap().is_none());

    hand_in(&unseal, 3, &send(&world, &requests[2]), 33).unwrap();
    assert_eq!(state(&unseal), (2, false));
    hand_in(&unseal, 1, &send(&world, &requests[0]), -1).unwrap();
    assert_eq!(state(&unseal), (2, true));
    let (found, rows) = finish(&unseal).unwrap();
    assert_eq!(found, secret);
    let rows: Vec<_> = rows.iter().map(|row| (&*row.key_arn, &*row.outcome, row.milliseconds)).collect();
    let arn = |at: usize| world.keys[at].arn();
    assert_eq!(rows, [(arn(0), "granted", -1), (arn(1), "not_needed", -1), (arn(2), "granted", 33)]);

    assert_eq!(state(&unseal), (0, false));
    assert_eq!(refused(finish(&unseal)), Code::Finished);
    assert_eq!(refused(next(&unseal)), Code::Finished);
    assert_eq!(refused(fail(&unseal, 2, PCRSEAL_OUTCOME_TIMEOUT, 1)), Code::Finished);
    assert_eq!(refused(hand_in(&unseal, 2, &Answer(200, "id".into(), b"{}".to_vec()), 1)), Code::Finished);
}

#[test]
fn what_a_request_says() {
    let world = World::new();
    let (blob, _) = sealed(&world);
    let unseal = begin(&host_session(&world), &blob).unwrap();
    for (at, request) in all(&unseal).iter().enumerate() {
        let (arn, r) = (world.keys[at].arn(), request.get());
        let region = arn.split(':').nth(3).unwrap();
        unsafe {
            assert_eq!(text(pcrseal_kms_request_operation(r)).unwrap(), "Decrypt");
            assert_eq!(text(pcrseal_kms_request_target(r)).unwrap(), "TrentService.Decrypt");
            assert_eq!(text(pcrseal_kms_request_region(r)).unwrap(), region);
            assert_eq!(text(pcrseal_kms_request_host(r)).unwrap(), format!("kms.{region}.amazonaws.com"));
            assert_eq!(text(pcrseal_kms_request_key_arn(r)).unwrap(), arn);
        }
        let body = lent(|len| unsafe { pcrseal_kms_request_body(r, len) }).unwrap();
        let json: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["KeyId"], arn);
        assert_eq!(json["EncryptionContext"]["pcrseal:share"], format!("{}/3", at + 1));

        let http = http1(request, "ASIATEST", Some(b"test-token"), None, 1_768_478_400).unwrap();
        let (head, sent) = http.split_at(http.len() - body.len());
        assert_eq!(sent, body);
        let head = std::str::from_utf8(head).unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\n") && head.ends_with("\r\n\r\n"));
        let scope = format!("Credential=ASIATEST/20260115/{region}/kms/aws4_request");
        let host = format!("host: kms.{region}.amazonaws.com\r\n");
        for part in
            [&*scope, &host, "x-amz-security-token: test-token\r\n", "x-amz-date: 20260115T120000Z\r\n"]
        {
            assert!(head.contains(part), "{part} in {head}");
        }
        let other = http1(request, "ASIATEST", None, Some("localhost:1"), 1_768_478_401).unwrap();
        let other = String::from_utf8(other).unwrap();
        assert!(other.contains("host: localhost:1\r\n") && other.contains("20260115T120001Z"));
        assert!(!other.contains("x-amz-security-token"));
    }
    let request = next(&begin(&host_session(&world), &blob).unwrap()).unwrap().unwrap();
    for (id, token, host, at, code) in [
        ("", None, None, 0, Code::KmsCredentials),
        ("a b", None, None, 0, Code::KmsCredentials),
        ("ID", Some(&b""[..]), None, 0, Code::KmsCredentials),
        ("ID", Some(b"a\r\nb"), None, 0, Code::KmsCredentials),
        ("ID", None, Some(""), 0, Code::KmsEndpoint),
        ("ID", None, Some("a\r\nx-evil: 1"), 0, Code::KmsEndpoint),
        ("ID", None, None, u64::MAX, Code::KmsClock),
    ] {
        assert_eq!(refused(http1(&request, id, token, host, at)), code, "{id:?} {token:?} {host:?} {at}");
    }
}

#[test]
fn what_goes_wrong_is_in_the_report() {
    let world = World::new();
    let (blob, _) = sealed(&world);
    let session = host_session(&world);
    let unseal = begin(&session, &blob).unwrap();
    let requests = all(&unseal);
    // What was never asked, asked twice, or is no constant, is recorded nowhere.
    for position in [0, 4, 255, 256, 257, u32::MAX] {
        assert_eq!(refused(fail(&unseal, position, PCRSEAL_OUTCOME_TIMEOUT, 1)), Code::UnknownShare);
        let answer = Answer(200, "id".into(), b"{}".to_vec());
        assert_eq!(refused(hand_in(&unseal, position, &answer, 1)), Code::UnknownShare);
    }
    for outcome in [0, 4, u32::MAX] {
        assert_eq!(refused(fail(&unseal, 1, outcome, 1)), Code::UnknownConstant);
    }
    world.keys[0].disable();
    let answer = send(&world, &requests[0]);
    assert_eq!(refused(hand_in(&unseal, 1, &answer, 11)), Code::KmsKeyDisabled);
    assert_eq!(refused(hand_in(&unseal, 1, &answer, 11)), Code::AlreadyAnswered);
    fail(&unseal, 2, PCRSEAL_OUTCOME_UNREACHABLE, 22).unwrap();
    assert_eq!(refused(fail(&unseal, 2, PCRSEAL_OUTCOME_TIMEOUT, 1)), Code::AlreadyAnswered);
    let good = send(&world, &requests[2]);
    hand_in(&unseal, 3, &good, 33).unwrap();
    assert_eq!(state(&unseal), (2, false));
    let failed = finish(&unseal).unwrap_err();
    assert_eq!(failed.code, Code::QuorumNotReached);
    let rows: Vec<_> = failed.rows.iter().map(|row| (&*row.outcome, row.milliseconds)).collect();
    assert_eq!(rows, [("key_disabled", 11), ("unreachable", 22), ("granted", 33)]);
    assert_eq!(failed.rows[0].aws_code.as_deref(), Some("DisabledException"));
    assert_eq!(failed.rows[0].request_id.as_deref(), Some(&*answer.1));
    assert_eq!(refused(finish(&unseal)), Code::Finished);

    let unseal = begin(&session, &blob).unwrap();
    fail(&unseal, 1, PCRSEAL_OUTCOME_TIMEOUT, i64::MIN).unwrap();
    fail(&unseal, 2, PCRSEAL_OUTCOME_BAD_RESPONSE, 0).unwrap();
    // An answer to another unseal, whose key is gone.
    assert_eq!(refused(hand_in(&unseal, 3, &good, 3)), Code::CmsForeignRecipient);
    let outcomes: Vec<_> =
        finish(&unseal).unwrap_err().rows.into_iter().map(|row| (row.outcome, row.milliseconds)).collect();
    let expected = [("timeout", -1), ("bad_response", 0), ("bad_response", 3)];
    assert_eq!(outcomes, expected.map(|(outcome, ms)| (outcome.to_owned(), ms)));
}

#[test]
fn answers_that_are_none() {
    let world = World::new();
    let (blob, _) = sealed(&world);
    let session = host_session(&world);
    let body = || b"no JSON".to_vec();
    for (status, body) in
        [(200, body()), (200, Vec::new()), (500, body()), (0, body()), (65_736, b"{}".to_vec())]
    {
        let unseal = begin(&session, &blob).unwrap();
        let answer = Answer(status, "id".into(), body);
        assert!(hand_in(&unseal, 1, &answer, 1).is_err(), "{status}");
        assert_ne!(finish(&unseal).unwrap_err().rows[0].outcome, "granted", "{status}");
    }
    // What is no HTTP status is not cut down to one that is.
    let unseal = begin(&session, &blob).unwrap();
    let Answer(_, id, body) = send(&world, &next(&unseal).unwrap().unwrap());
    assert!(hand_in(&unseal, 1, &Answer(65_536 + 200, id, body), 1).is_err());
    assert_ne!(finish(&unseal).unwrap_err().rows[0].outcome, "granted");
}

#[test]
fn a_blob_that_is_not_trusted_begins_nothing() {
    let world = World::new();
    let (blob, _) = sealed(&world);
    let before = world.requests(Operation::Decrypt);
    assert_eq!(refused(begin(&world.session(), &blob)), Code::ConfigTransport);
    let mut document = host_document(&world);
    document["attester"] = world.other_document()["attester"].clone();
    assert_eq!(refused(begin(&session(&document).unwrap(), &blob)), Code::PcrDrift);
    let mut document = host_document(&world);
    document["external_aad"] = json!("YWFk");
    assert_eq!(refused(begin(&session(&document).unwrap(), &blob)), Code::ContentRejected);
    assert_eq!(refused(begin(&host_session(&world), &blob[1..])), Code::BlobMalformed);
    assert_eq!(world.requests(Operation::Decrypt), before);
}

#[test]
fn threads_hand_in_answers_at_the_same_time() {
    let world = &World::new();
    let (blob, secret) = sealed(world);
    let unseal = &begin(&host_session(world), &blob).unwrap();
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(move || {
                while let Some(request) = next(unseal).unwrap() {
                    hand_in(unseal, position(&request), &send(world, &request), 1).unwrap();
                }
            });
        }
    });
    assert_eq!(finish(unseal).unwrap().0, secret);
}

#[test]
fn null_is_nothing() {
    unsafe {
        assert_eq!(pcrseal_host_unseal_needed(ptr::null()), 0);
        assert!(!pcrseal_host_unseal_is_ready(ptr::null()));
        assert_eq!(pcrseal_kms_request_position(ptr::null()), 0);
        for read in [
            pcrseal_kms_request_operation,
            pcrseal_kms_request_target,
            pcrseal_kms_request_region,
            pcrseal_kms_request_host,
            pcrseal_kms_request_key_arn,
        ] {
            assert!(read(ptr::null()).is_null());
        }
        assert_eq!(lent(|len| pcrseal_kms_request_body(ptr::null(), len)), None);
        pcrseal_kms_request_free(ptr::null_mut());
        pcrseal_host_unseal_free(ptr::null_mut());
    }
}
