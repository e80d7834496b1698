//! What the parent is told: one line of JSON, and no secret in it.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use pcrseal::{Code, Report};
use serde::Serialize;

use crate::error::Error;
use crate::job::Done;
use crate::measure::{peak_memory_kib, uptime};

/// The line: `{"outcome": {…}}` or `{"error": {…}}`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<'a> {
    /// The secret is there.
    Outcome(Outcome<'a>),
    /// It is not.
    Error(Failure<'a>),
}

/// What was done.
#[derive(Serialize)]
pub struct Outcome<'a> {
    /// `unseal` or `generate`.
    job: &'static str,
    /// The blob's cluster.
    cluster: &'a str,
    /// The blob's seal id: what `trust.json` can pin.
    seal_id: String,
    /// The blob's generation.
    generation: u64,
    /// The new blob in base64, after `generate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    report: Vec<Row<'a>>,
    #[serde(flatten)]
    cost: Cost,
}

/// Why it failed.
#[derive(Serialize)]
pub struct Failure<'a> {
    code: u32,
    name: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
    report: Vec<Row<'a>>,
    #[serde(flatten)]
    cost: Cost,
}

/// What one key answered.
#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    outcome: &'static str,
    /// pcrseal's code of a refusal.
    code: Option<u32>,
    /// AWS's name of a refusal, such as `AccessDeniedException`.
    aws_code: Option<&'a str>,
    /// What AWS's support asks for.
    request_id: Option<&'a str>,
    /// Milliseconds from request to answer.
    ms: Option<f64>,
    hint: Option<&'a str>,
}

/// Times are milliseconds since the machine started; memory is the process's peak.
#[derive(Serialize)]
struct Cost {
    /// When this program began.
    init_ms: f64,
    /// When the secret was there; `null` when it is not.
    secret_ms: Option<f64>,
    /// When the answer was written.
    answer_ms: f64,
    peak_memory_kib: Option<u64>,
}

impl<'a> Answer<'a> {
    /// The answer to a request that was served. `began` is when the program began, since the machine started.
    pub fn done(done: &'a Done, began: Duration) -> Self {
        let header = done.opened.header();
        Self::Outcome(Outcome {
            job: if done.blob.is_some() { "generate" } else { "unseal" },
            cluster: header.cluster.as_str(),
            seal_id: header.seal_id.to_string(),
            generation: header.generation,
            blob: done.blob.as_deref().map(Base64::encode_string),
            report: rows(&done.report),
            cost: cost(began, Some(done.at)),
        })
    }

    /// The answer to a request that was not.
    pub fn failed(error: &'a Error, began: Duration) -> Self {
        Self::Error(Failure {
            code: error.number(),
            name: error.name(),
            message: error.message(),
            hint: error.hint(),
            report: rows(error.report()),
            cost: cost(began, None),
        })
    }

    /// The line, without its end. JSON has no line break in it: serde escapes those in strings.
    pub fn line(&self) -> Vec<u8> {
        // Serializing fails for maps whose keys are not strings; here are none.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn rows(report: &Report) -> Vec<Row<'_>> {
    let rows = report.keys.iter().map(|row| Row {
        key: row.key.as_str(),
        outcome: row.outcome.name(),
        code: row.code.map(Code::number),
        aws_code: row.service.as_ref().map(|answer| &*answer.code),
        request_id: row.service.as_ref().map(|answer| &*answer.request_id),
        ms: row.elapsed.map(ms),
        hint: row.hint.as_deref(),
    });
    rows.collect()
}

fn cost(began: Duration, secret: Option<Duration>) -> Cost {
    Cost {
        init_ms: ms(began),
        secret_ms: secret.map(ms),
        answer_ms: ms(uptime()),
        peak_memory_kib: peak_memory_kib(),
    }
}

/// Milliseconds, to the microsecond.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
