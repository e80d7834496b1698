//! Attestation documents.

use std::thread;

use pcrseal_core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument, AttestationKind};
use pcrseal_core::attester::{AttestationRequest, NitroSecureModule};
use pcrseal_core::crypto::aws_lc::BACKEND;
use pcrseal_core::error::Code;
use pcrseal_core::limits::MAX_OPTIONAL_FIELD_LEN;

use crate::check::{Result, done, ensure, equal, refused};
use crate::document::Document;
use crate::{Check, Expectations};

pub(crate) const CHECKS: [Check; 6] = [
    ("documents_name_the_module_and_its_digest", documents_name_the_module),
    ("documents_show_the_measured_registers", documents_show_the_measured_registers),
    ("documents_carry_absent_empty_and_full_fields", documents_carry_fields),
    ("fields_over_1024_bytes_are_refused", fields_over_1024_bytes_are_refused),
    ("timestamps_are_in_order", timestamps_are_in_order),
    ("threads_get_each_its_own_documents", threads_get_each_its_own_documents),
];

pub(crate) const CHECKS_OF_TIME: &[Check] =
    &[("timestamps_lie_within_the_time_expected", timestamps_lie_within_the_time_expected)];

pub(crate) const CHECKS_SIGNED: &[Check] = &[
    ("documents_verify_under_the_root_and_say_there_what_they_say_here", documents_verify_under_the_root),
    ("documents_are_refused_under_another_root", documents_are_refused_under_another_root),
];

pub(crate) const CHECKS_UNSIGNED: &[Check] =
    &[("unsigned_documents_are_refused_by_verification", unsigned_documents_are_refused)];

const THREADS: u8 = 8;
/// Documents per thread: enough that all threads run at once on a machine of one processor too.
const ROUNDS: u8 = 16;

fn documents_name_the_module(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let document = Document::of(module, &AttestationRequest::default())?;
    equal("module_id", &done("DescribeNSM", module.describe())?.module_id, &document.module_id)?;
    equal("digest", &"SHA384", &document.digest.as_str())
}

fn documents_show_the_measured_registers(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let document = Document::of(module, &AttestationRequest::default())?;
    equal("pcrs", &done("measured_pcrs", module.measured_pcrs())?, &document.pcrs)
}

fn documents_carry_fields(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    // Another byte in each field, so that none is taken for another.
    let full = [1, 2, 3].map(|byte| [byte; MAX_OPTIONAL_FIELD_LEN]);
    let [keys, data, nonces] = full.each_ref().map(|full| [None, Some(&[][..]), Some(full.as_slice())]);
    for public_key in keys {
        for user_data in data {
            for nonce in nonces {
                let request = AttestationRequest { public_key, user_data, nonce };
                carries(&Document::of(module, &request)?, &request)?;
            }
        }
    }
    Ok(())
}

fn carries(document: &Document, request: &AttestationRequest<'_>) -> Result {
    same("public_key", request.public_key, document.public_key.as_deref())?;
    same("user_data", request.user_data, document.user_data.as_deref())?;
    same("nonce", request.nonce, document.nonce.as_deref())
}

fn same(field: &str, expected: Option<&[u8]>, found: Option<&[u8]>) -> Result {
    let told = |field: Option<&[u8]>| match field {
        None => "none".to_owned(),
        Some(bytes) => format!("{} bytes from {:02x?}", bytes.len(), bytes.get(..4).unwrap_or(bytes)),
    };
    ensure(expected == found, || format!("{field}: expected {}, found {}", told(expected), told(found)))
}

fn fields_over_1024_bytes_are_refused(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let long = [7; MAX_OPTIONAL_FIELD_LEN + 1];
    let none = AttestationRequest::default();
    for (field, request) in [
        ("public_key", AttestationRequest { public_key: Some(&long), ..none }),
        ("user_data", AttestationRequest { user_data: Some(&long), ..none }),
        ("nonce", AttestationRequest { nonce: Some(&long), ..none }),
    ] {
        refused(&format!("{field} of 1025 bytes"), Code::NsmInputTooLarge, module.attest(&request))?;
    }
    Ok(())
}

fn timestamps_are_in_order(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let mut previous = 1;
    for _ in 0..8 {
        let timestamp = Document::of(module, &AttestationRequest::default())?.timestamp_ms;
        ensure(previous <= timestamp, || {
            format!("timestamp: expected {previous} or later, found {timestamp}")
        })?;
        previous = timestamp;
    }
    Ok(())
}

fn timestamps_lie_within_the_time_expected(module: &dyn NitroSecureModule, expect: &Expectations) -> Result {
    let timestamp = Document::of(module, &AttestationRequest::default())?.timestamp_ms;
    match &expect.time_ms {
        Some(time) if !time.contains(&timestamp) => {
            Err(format!("timestamp: expected {} to {}, found {timestamp}", time.start(), time.end()))
        }
        _ => Ok(()),
    }
}

/// Every thread asks for documents with a nonce of its own, and gets no other's; descriptions between them stay whole.
fn threads_get_each_its_own_documents(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let described = done("DescribeNSM", module.describe())?;
    let ask = |thread: u8| {
        (0..ROUNDS).try_for_each(|round| {
            let nonce = [thread, round];
            let request = AttestationRequest { nonce: Some(&nonce), ..Default::default() };
            carries(&Document::of(module, &request)?, &request)?;
            equal("description", &described, &done("DescribeNSM", module.describe())?)
        })
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || ask(thread))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err("a thread: expected to end, found that it panicked".into()),
        })
    })
}

fn documents_verify_under_the_root(module: &dyn NitroSecureModule, expect: &Expectations) -> Result {
    let roots: Vec<&[u8]> = expect.root.iter().map(Vec::as_slice).collect();
    let request = AttestationRequest { public_key: Some(b"key"), user_data: Some(b""), nonce: None };
    let ours = Document::of(module, &request)?;
    let parsed = done("parsing", AttestationDocument::parse(&ours.bytes))?;
    let seen = done("verification", parsed.verify(&roots, ours.timestamp_ms, &BACKEND))?;
    equal("kind", &AttestationKind::Enclave, &seen.kind())?;
    equal("module_id", &ours.module_id.as_str(), &seen.module_id())?;
    equal("timestamp", &ours.timestamp_ms, &seen.timestamp_ms())?;
    equal("pcrs", &ours.pcrs, seen.pcrs())?;
    same("public_key", request.public_key, seen.public_key())?;
    same("user_data", request.user_data, seen.user_data())?;
    same("nonce", request.nonce, seen.nonce())
}

fn documents_are_refused_under_another_root(module: &dyn NitroSecureModule, expect: &Expectations) -> Result {
    let document = Document::of(module, &AttestationRequest::default())?;
    let parsed = done("parsing", AttestationDocument::parse(&document.bytes))?;
    // A genuine module's root is AWS's; another one is then none at all.
    let aws = [AWS_NITRO_ENCLAVES_ROOT_G1];
    let others: &[&[u8]] =
        if expect.root.as_deref() == Some(AWS_NITRO_ENCLAVES_ROOT_G1) { &[] } else { &aws };
    let seen = parsed.verify(others, document.timestamp_ms, &BACKEND);
    refused("verification under another root", Code::CertificateRoot, seen)
}

/// Whoever would believe the document's own root, and so any chain at all, would have to refuse it still.
fn unsigned_documents_are_refused(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let document = Document::of(module, &AttestationRequest::default())?;
    let own = document.cabundle.first().map_or(AWS_NITRO_ENCLAVES_ROOT_G1, Vec::as_slice);
    let roots = [AWS_NITRO_ENCLAVES_ROOT_G1, own];
    let parsed = AttestationDocument::parse(&document.bytes);
    let seen = parsed.and_then(|parsed| parsed.verify(&roots, document.timestamp_ms, &BACKEND).map(|_| ()));
    ensure(seen.is_err(), || "verification: expected to refuse the document, found that it succeeds".into())
}
