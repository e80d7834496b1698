//! Plain HTTP/1.1 to a source of credentials: one request, one connection, bounded in time and size.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use pcrseal_core::error::{Code, Error as Fault};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::{document, error::passes};
use crate::Address;
use crate::client::io::Io;
use crate::limits::{
    CREDENTIALS_ATTEMPT_PAUSE, CREDENTIALS_ATTEMPT_TIMEOUT, CREDENTIALS_ATTEMPTS, MAX_ANSWER_HEAD_LEN,
    MAX_ANSWER_HEADERS, MAX_CREDENTIALS_DOCUMENT_LEN,
};

/// A request without a body.
pub(super) type Question = Request<Empty<Bytes>>;

/// An answer, complete.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// A request in origin form for the host `authority`.
pub(super) fn question(method: Method, authority: &str, target: &str) -> Result<Question, Fault> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    let bad = |what| move || Fault::field(Code::CredentialsConfiguration, what);
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| bad("path")())?;
    let host = HeaderValue::from_str(authority).map_err(|_| bad("host")())?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

/// A secret as the value of a header field; its memory is wiped when the last copy is gone.
pub(super) fn secret_header(value: Zeroizing<Vec<u8>>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Asks, and asks again where that may help.
pub(super) async fn ask(address: &Address, question: &Question) -> Result<Answer, Fault> {
    retrying(|| async {
        let answer = exchange(address, question.clone()).await?;
        if answer.status >= 500 || answer.status == 429 {
            return Err(answer.refusal(Code::CredentialsUnavailable, question.uri().path()));
        }
        Ok(answer)
    })
    .await
}

impl Answer {
    /// The body, if the status is 200.
    pub(super) fn into_body(self, path: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if self.status == 200 {
            return Ok(self.body);
        }
        Err(self.refusal(Code::CredentialsRefused, path))
    }

    /// Of the body of an error only its code is told: a source may echo the token that it was shown.
    fn refusal(&self, code: Code, path: &str) -> Fault {
        let found = format!("{} {}", self.status, document::refusal(&self.body));
        Fault::text(code, "HTTP status", format!("200 for {path}"), found.trim_end())
    }
}

/// Attempts, each limited in time, until one succeeds or fails for good or there were enough.
pub(super) async fn retrying<T, F>(attempt: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut pause = CREDENTIALS_ATTEMPT_PAUSE;
    let mut left = CREDENTIALS_ATTEMPTS;
    loop {
        left -= 1;
        let outcome = limited(CREDENTIALS_ATTEMPT_TIMEOUT, attempt()).await;
        match outcome {
            Err(fault) if left > 0 && passes(fault.code()) => sleep(pause).await,
            outcome => return outcome,
        }
        pause *= 2;
    }
}

async fn limited<T>(limit: Duration, attempt: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = || {
        let expected = format!("at most {} ms", limit.as_millis());
        Fault::text(Code::CredentialsTimeout, "time", expected, "no complete answer")
    };
    timeout(limit, attempt).await.unwrap_or_else(|_| Err(late()))
}

pub(super) fn unreachable(address: &Address, error: &std::io::Error) -> Fault {
    Fault::text(Code::CredentialsUnreachable, "connection", address, error)
}

async fn exchange(address: &Address, question: Question) -> Result<Answer, Fault> {
    let broken = |error: hyper::Error| Fault::text(Code::CredentialsBroken, "HTTP", "an answer", error);
    let stream = address.connect().await.map_err(|error| unreachable(address, &error))?;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_ANSWER_HEADERS)
        .max_buf_size(MAX_ANSWER_HEAD_LEN)
        .handshake(Io(stream))
        .await
        .map_err(broken)?;
    let mut exchange = pin!(async {
        let answer = sender.send_request(question).await.map_err(broken)?;
        receive(answer).await
    });
    // No task of its own: whoever drops this future closes the connection.
    let mut connection = pin!(connection);
    let mut open = true;
    poll_fn(|cx| {
        if open && connection.as_mut().poll(cx).is_ready() {
            open = false; // Whatever ended it is reported to the exchange.
        }
        exchange.as_mut().poll(cx)
    })
    .await
}

async fn receive(answer: Response<Incoming>) -> Result<Answer, Fault> {
    let (head, mut incoming) = answer.into_parts();
    // Of the largest size at once: a buffer that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(MAX_CREDENTIALS_DOCUMENT_LEN));
    while let Some(frame) = incoming.frame().await {
        let frame = frame
            .map_err(|error| Fault::text(Code::CredentialsBroken, "HTTP", "the rest of the body", error))?;
        let data = frame.data_ref().map_or(&[][..], |data| data);
        if data.len() > body.capacity() - body.len() {
            return Err(document::too_long());
        }
        body.extend_from_slice(data);
    }
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}
