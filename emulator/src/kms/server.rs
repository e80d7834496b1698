//! HTTP around the operations: connections, bounds, headers, and the faults that show on the wire.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, EXPIRES, HeaderValue, PRAGMA};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::authorize::Operation;
use super::dates::http_date;
use super::errors::ApiError;
use super::keys::{Fault, OVERSIZE_BODY_LEN};
use super::operations::Call;
use super::sigv4;
use super::world::World;

/// Longest request body in bytes. Ours: base64 of the longest attestation document (262144), and as much
/// again for everything else.
const MAX_BODY_LEN: usize = 720 * 1024;
/// Longest request head in bytes. Ours: session tokens reach a few KiB.
const MAX_HEAD_LEN: usize = 64 * 1024;
/// Most connections at a time; others wait to be accepted. Ours.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take to send a head, and a body. Ours.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after a failed accept (out of file descriptors, as a rule). Ours.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const TARGET_PREFIX: &str = "TrentService.";

/// Accepts connections until the task is aborted, which ends all of them.
pub(crate) async fn serve(listener: TcpListener, world: Arc<World>) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Ok(permit) = permits.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let world = world.clone();
                connections.spawn(async move {
                    connection(stream, world).await;
                    drop(permit);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, world: Arc<World>) {
    let service = service_fn(move |request| serve_request(world.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .max_buf_size(MAX_HEAD_LEN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that breaks off, or talks something else than HTTP, is its own affair.
    drop(served);
}

/// The connection ends before the answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// Closed.
    Closed,
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed on purpose"),
        }
    }
}

impl std::error::Error for ConnectionFault {}

async fn serve_request(
    world: Arc<World>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionFault> {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await;
    respond(&world, &parts, body).await.map(|response| response.map(Full::new))
}

/// Answers a request, whatever it came over.
pub(crate) async fn respond(
    world: &World,
    parts: &Parts,
    body: Result<Bytes, ApiError>,
) -> Result<Response<Bytes>, ConnectionFault> {
    world.count_request();
    let body = match body {
        Ok(body) if body.len() > MAX_BODY_LEN => return Ok(response(world, Err(too_large()))),
        Ok(body) => body,
        Err(error) => return Ok(response(world, Err(error))),
    };
    if parts.method != Method::POST || parts.uri.path() != "/" {
        let error = ApiError::bare("UnknownOperationException").with_status(404);
        return Ok(response(world, Err(error)));
    }
    let now = world.clock().now_millis();
    let signer = sigv4::verify(parts, &body, now, |access_key_id| world.find_principal(access_key_id));
    let (principal, region) = match signer {
        Ok(signer) => signer,
        Err(error) => return Ok(response(world, Err(error))),
    };
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|name| Operation::by_name(name.strip_prefix(TARGET_PREFIX)?));
    let Some(operation) = operation else {
        return Ok(response(world, Err(ApiError::bare("UnknownOperationException"))));
    };
    let mut call = Call { world, principal: &principal, region: &region, operation, key: None };
    let answer = call.answer(&body);
    let (fault, delay) = call.key.map_or((None, Duration::ZERO), |key| {
        let controls = key.controls();
        (controls.fault, controls.delay)
    });
    if !delay.is_zero() {
        sleep(delay).await;
    }
    match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::CloseConnection) => Err(ConnectionFault::Closed),
        Some(Fault::GarbageBody) => Ok(with_body(world, StatusCode::OK, b"<html>not JSON".to_vec())),
        Some(Fault::EmptyBody) => Ok(with_body(world, StatusCode::OK, Vec::new())),
        Some(Fault::OversizeBody) => Ok(with_body(world, StatusCode::OK, vec![b' '; OVERSIZE_BODY_LEN])),
        _ => Ok(response(world, answer)),
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, ApiError> {
    match timeout(READ_TIMEOUT, Limited::new(body, MAX_BODY_LEN).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::serialization()),
        Err(_) => Err(ApiError::bare("RequestTimeoutException").with_status(408)),
    }
}

fn too_large() -> ApiError {
    ApiError::bare("RequestEntityTooLargeException").with_status(413)
}

fn response(world: &World, answer: Result<Value, ApiError>) -> Response<Bytes> {
    let (status, body) = match answer {
        Ok(Value::Null) => (StatusCode::OK, String::new()),
        Ok(body) => (StatusCode::OK, body.to_string()),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.body().to_string())
        }
    };
    with_body(world, status, body.into_bytes())
}

fn with_body(world: &World, status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate, private"));
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if let Ok(date) = HeaderValue::from_str(&http_date(world.clock().now_seconds())) {
        headers.insert(DATE, date);
    }
    if let Some(id) = super::random().ok().and_then(|id| HeaderValue::from_str(&crate::text::uuid(id)).ok()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
