//! A request and its answer, whatever carries them: bounds, signature, quota, delays, headers.

use std::fmt;

use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, DATE, EXPIRES, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::time::sleep;

use super::dates::http_date;
use super::errors::{ApiError, THROTTLED};
use super::fault::{Fault, OVERSIZE_BODY_LEN};
use super::operation::Operation;
use super::operations::{Answer, Call};
use super::sigv4;
use super::world::World;

/// Longest request body in bytes. Ours: base64 of the longest attestation document (262144), and as much
/// again for everything else.
pub(crate) const MAX_BODY_LEN: usize = 720 * 1024;
const TARGET_PREFIX: &str = "TrentService.";
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const HTML: HeaderValue = HeaderValue::from_static("text/html");

/// The connection ends before the answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// Closed.
    Closed,
    /// Reset.
    Reset,
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed on purpose",
            Self::Reset => "the connection was reset on purpose",
        })
    }
}

impl std::error::Error for ConnectionFault {}

/// An answer, and what is to go wrong on its way.
pub(crate) struct Reply {
    pub(crate) response: Response<Bytes>,
    pub(crate) fault: Option<Fault>,
}

impl Reply {
    /// What a client without a socket gets to see.
    pub(crate) async fn in_process(mut self) -> Result<Response<Bytes>, ConnectionFault> {
        match self.fault {
            Some(Fault::Hang | Fault::HangInHead | Fault::HangInBody) => std::future::pending().await,
            Some(Fault::CloseConnection | Fault::LongContentLength) => Err(ConnectionFault::Closed),
            Some(Fault::ResetInBody) => Err(ConnectionFault::Reset),
            Some(Fault::ShortContentLength) => {
                let body = self.response.body_mut();
                body.truncate(body.len() / 2);
                Ok(self.response)
            }
            _ => Ok(self.response),
        }
    }
}

/// Answers a request.
pub(crate) async fn answer(world: &World, parts: &Parts, body: Result<Bytes, ApiError>) -> Reply {
    world.count_request();
    let now = match sigv4::claimed_region(&parts.headers) {
        Some(region) => world.regions().local_millis(region, world.clock().now_millis()),
        None => world.clock().now_millis(),
    };
    let (answer, plan) = match authentic(world, parts, body, now) {
        Ok((signer, operation, body)) => {
            let admission = world.regions().admit(&signer.region, signer.principal.account(), operation);
            let mut call = Call::new(world, &signer, operation);
            let answer = if admission.throttled {
                Err(ApiError::new("ThrottlingException", THROTTLED))
            } else {
                call.answer(&body)
            };
            let delay = admission.delay.saturating_add(call.delay);
            let plan = call.plan;
            if !delay.is_zero() {
                sleep(delay).await;
            }
            (answer, plan)
        }
        Err(error) => (Err(error), None),
    };
    let fault = plan.map(|plan| plan.fault);
    let mut response = Response::new(Bytes::new());
    put(&mut response, DATE, &http_date(now / 1000));
    if let Ok(id) = super::random() {
        put(&mut response, HeaderName::from_static("x-amzn-requestid"), &crate::text::uuid(id));
    }
    if let Some(value) = plan.and_then(|plan| plan.retry_after) {
        put(&mut response, RETRY_AFTER, value);
    }
    fill(&mut response, answer, fault);
    Reply { response, fault }
}

/// Who sent the request, and what is asked.
fn authentic(
    world: &World,
    parts: &Parts,
    body: Result<Bytes, ApiError>,
    now_millis: u64,
) -> Result<(sigv4::Signer, Operation, Bytes), ApiError> {
    let body = body?;
    if body.len() > MAX_BODY_LEN {
        return Err(too_large());
    }
    if parts.method != Method::POST || parts.uri.path() != "/" {
        return Err(ApiError::unknown_operation().with_status(404));
    }
    let signer =
        sigv4::verify(parts, &body, now_millis, |access_key_id| world.find_principal(access_key_id))?;
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|name| Operation::by_name(name.strip_prefix(TARGET_PREFIX)?));
    Ok((signer, operation.ok_or_else(ApiError::unknown_operation)?, body))
}

/// What a body beyond the bound is answered.
pub(crate) fn too_large() -> ApiError {
    ApiError::bare("RequestEntityTooLargeException").with_status(413)
}

/// Writes status, body and the headers that belong to them.
fn fill(response: &mut Response<Bytes>, answer: Answer, fault: Option<Fault>) {
    let (status, content_type, body) = match (fault, answer) {
        (Some(Fault::GarbageBody), _) => (200, JSON, "<html>not JSON".into()),
        (Some(Fault::OversizeBody), _) => (200, JSON, vec![b' '; OVERSIZE_BODY_LEN].into()),
        (Some(Fault::Html { status }), _) => (status, HTML, format!("<html><h1>{status}</h1></html>").into()),
        (Some(Fault::EmptyBody), _) | (_, Ok(Value::Null)) => (200, JSON, Bytes::new()),
        (_, Ok(body)) => (200, JSON, body.to_string().into()),
        (_, Err(error)) => (error.status, JSON, error.body().to_string().into()),
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.body_mut() = body;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate, private"));
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

fn put(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
