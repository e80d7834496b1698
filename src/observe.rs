//! What a host sees of the work: `tracing` events (target `pcrseal`), and with the feature `metrics` counters and
//! histograms. Names of keys, outcomes, codes, counts and times, all of it public; never a secret.
//!
//! Metrics: `pcrseal_unseal_total{status}` and `pcrseal_unseal_seconds{status}` for every unseal that a host asks
//! for, `pcrseal_seal_total{status}` and `pcrseal_seal_seconds{status}` for every seal (its proof included);
//! `status` is `ok` or the name of the error's code. `pcrseal_kms_share_total{outcome,key}` and
//! `pcrseal_kms_share_seconds{outcome,key}` for every share that KMS was asked to release, the proofs of seals
//! included; a key that had not answered when the session ended counts, and has no time.

use std::time::Duration;

use pcrseal_core::blob::Header;
use pcrseal_core::error::Code;
use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::policy::Quorum;
use pcrseal_core::report::{Failure, Outcome, Report};
use tracing::{debug, info, warn};

use crate::error::Error;

const TARGET: &str = "pcrseal";

pub(crate) fn measured(pcrs: &PcrSet) {
    debug!(target: TARGET, pcrs = pcrs.iter().count(), "measured");
}

pub(crate) fn blob_accepted(header: &Header, quorum: &Quorum) {
    debug!(
        target: TARGET,
        cluster = %header.cluster,
        seal_id = %header.seal_id,
        generation = header.generation,
        wrapping = %header.wrapping,
        threshold = quorum.threshold(),
        keys = quorum.keys().len(),
        "blob accepted"
    );
}

pub(crate) fn recipient_made(backend: &str) {
    debug!(target: TARGET, backend, "recipient made");
}

pub(crate) fn attested(document: &[u8]) {
    debug!(target: TARGET, bytes = document.len(), "attested");
}

/// What keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Whether it may hold a share.
    Preflight,
    /// To make or wrap a share key.
    Wrap,
    /// To release a share key.
    Release,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Wrap => "wrap",
            Self::Release => "release",
        }
    }
}

pub(crate) fn key_asked(step: Step, position: u8, key: &KeyArn) {
    debug!(target: TARGET, step = step.name(), %key, position, "key asked");
}

/// How a key's answer was judged: no failure is good. The time is missing where nobody measured it.
pub(crate) fn key_answered(
    step: Step,
    position: u8,
    key: &KeyArn,
    failure: Option<&Failure>,
    elapsed: impl Into<Option<Duration>>,
) {
    let (step, elapsed_ms) = (step.name(), elapsed.into().map(milliseconds));
    let Some(failure) = failure else {
        debug!(target: TARGET, step, %key, position, outcome = %Outcome::Granted, elapsed_ms, "key answered");
        return;
    };
    let outcome = failure.outcome;
    let code = failure.code.map(Code::name);
    match &failure.service {
        None => warn!(target: TARGET, step, %key, position, %outcome, code, elapsed_ms, "key answered"),
        Some(service) => warn!(
            target: TARGET,
            step,
            %key,
            position,
            %outcome,
            code,
            elapsed_ms,
            aws_code = %service.code,
            aws_message = %service.message,
            aws_request_id = %service.request_id,
            "key answered"
        ),
    }
}

pub(crate) fn ready(shares: usize) {
    debug!(target: TARGET, shares, "ready");
}

/// The keys' rows when an unseal, or the proof of a seal, has ended.
pub(crate) fn shares(report: &Report) {
    for row in &report.keys {
        share_metrics(row.outcome, &row.key, row.elapsed);
    }
}

pub(crate) fn unsealed(outcome: Result<&Header, &Error>, elapsed: Duration) {
    ended("unsealed", "unseal failed", outcome, elapsed);
    unseal_metrics(status(outcome), elapsed);
}

pub(crate) fn sealed(outcome: Result<&Header, &Error>, elapsed: Duration) {
    ended("sealed", "seal failed", outcome, elapsed);
    seal_metrics(status(outcome), elapsed);
}

pub(crate) fn proved(header: &Header) {
    debug!(target: TARGET, seal_id = %header.seal_id, generation = header.generation, "new blob proved");
}

pub(crate) fn kept(header: &Header) {
    info!(target: TARGET, seal_id = %header.seal_id, generation = header.generation, "new blob kept");
}

pub(crate) fn disabled(key: &KeyArn) {
    info!(target: TARGET, %key, "key disabled");
}

pub(crate) fn retirement(key: &KeyArn, state: &str, outcome: Outcome) {
    info!(target: TARGET, %key, state, last_answer = %outcome, "key retirement");
}

pub(crate) fn rotated(header: &Header, old_blob_revoked: bool) {
    let (seal_id, generation) = (header.seal_id, header.generation);
    info!(target: TARGET, %seal_id, generation, old_blob_revoked, "rotated");
}

fn ended(done: &str, failed: &str, outcome: Result<&Header, &Error>, elapsed: Duration) {
    let elapsed_ms = milliseconds(elapsed);
    match outcome {
        Ok(header) => {
            let (seal_id, generation) = (header.seal_id, header.generation);
            info!(target: TARGET, %seal_id, generation, elapsed_ms, "{done}");
        }
        Err(error) => {
            let (code, fault) = (error.code().name(), error.fault());
            warn!(target: TARGET, code, %fault, elapsed_ms, "{failed}");
        }
    }
}

fn status(outcome: Result<&Header, &Error>) -> &'static str {
    outcome.map_or_else(|error| error.code().name(), |_| "ok")
}

/// Beyond half a billion years it saturates.
fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(feature = "metrics")]
fn unseal_metrics(status: &'static str, elapsed: Duration) {
    metrics::counter!("pcrseal_unseal_total", "status" => status).increment(1);
    metrics::histogram!("pcrseal_unseal_seconds", "status" => status).record(elapsed);
}

#[cfg(feature = "metrics")]
fn seal_metrics(status: &'static str, elapsed: Duration) {
    metrics::counter!("pcrseal_seal_total", "status" => status).increment(1);
    metrics::histogram!("pcrseal_seal_seconds", "status" => status).record(elapsed);
}

#[cfg(feature = "metrics")]
fn share_metrics(outcome: Outcome, key: &KeyArn, elapsed: Option<Duration>) {
    let labels = || [("outcome", outcome.name().to_owned()), ("key", key.to_string())];
    metrics::counter!("pcrseal_kms_share_total", &labels()).increment(1);
    if let Some(elapsed) = elapsed {
        metrics::histogram!("pcrseal_kms_share_seconds", &labels()).record(elapsed);
    }
}

#[cfg(not(feature = "metrics"))]
fn unseal_metrics(_: &'static str, _: Duration) {}

#[cfg(not(feature = "metrics"))]
fn seal_metrics(_: &'static str, _: Duration) {}

#[cfg(not(feature = "metrics"))]
fn share_metrics(_: Outcome, _: &KeyArn, _: Option<Duration>) {}
