//! One HTTP/1.1 connection, and one exchange over it.

use core::error::Error as StdError;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Method, Request, Response, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::io::Io;
use super::transport::{TransportAnswer, TransportError, TransportRequest};
use crate::limits::{MAX_ANSWER_HEAD_LEN, MAX_ANSWER_HEADERS, MAX_ANSWER_LEN, MAX_ERROR_CODE_LEN};
use crate::service_error::printable;

/// The sending half of a connection; dropping it closes the connection, whatever the peer does or does not read.
pub(super) struct Sender {
    requests: SendRequest<Full<Bytes>>,
    /// Moves the bytes. hyper ends it when `requests` is gone, but first says goodbye, and does not even look while
    /// a write is stuck: a peer that reads nothing would keep it.
    task: AbortHandle,
}

/// A request on its way; it can be sent again over another connection.
pub(super) struct Exchange {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A failure before the head of the answer was there.
pub(super) struct SendFailure(hyper::Error);

/// Proves the endpoint's name over a new connection.
pub(super) async fn secure<T>(
    tls: &TlsConnector,
    name: &ServerName<'static>,
    stream: T,
) -> Result<TlsStream<T>, TransportError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    tls.connect(name.clone(), stream).await.map_err(|source| {
        if source.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>) {
            TransportError::Refused(source)
        } else {
            TransportError::Connect(source)
        }
    })
}

/// Begins HTTP over a new connection. Nothing is sent yet.
pub(super) async fn begin<T>(stream: T) -> Result<Sender, TransportError>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (requests, connection) = http1::Builder::new()
        .max_headers(MAX_ANSWER_HEADERS)
        .max_buf_size(MAX_ANSWER_HEAD_LEN)
        .handshake(Io(stream))
        .await
        .map_err(http_error)?;
    // Whatever ends the connection is reported to the exchange that it ends.
    let task = tokio::spawn(connection).abort_handle();
    Ok(Sender { requests, task })
}

impl Sender {
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Exchange {
    pub(super) fn new(request: &TransportRequest<'_>) -> Result<Self, TransportError> {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers.iter() {
            let mut value =
                HeaderValue::from_str(value).map_err(|error| TransportError::Http(Box::new(error)))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        // The copy is wiped when the last handle is gone.
        Ok(Self { headers, body: Bytes::from_owner(Zeroizing::new(request.body.to_vec())) })
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(&self, sender: &mut Sender) -> Result<Response<Incoming>, SendFailure> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/");
        *request.headers_mut() = self.headers.clone();
        sender.requests.ready().await.map_err(SendFailure)?;
        sender.requests.send_request(request).await.map_err(SendFailure)
    }

    /// Reads the body of the answer, up to its bound.
    pub(super) async fn receive(head: Response<Incoming>) -> Result<TransportAnswer, TransportError> {
        let (head, mut incoming) = head.into_parts();
        let too_long = || {
            let request_id = head.headers.get("x-amzn-requestid").and_then(|value| value.to_str().ok());
            let request_id = printable(request_id.unwrap_or_default(), MAX_ERROR_CODE_LEN);
            TransportError::AnswerTooLong { request_id }
        };
        let declared = usize::try_from(incoming.size_hint().lower()).map_err(|_| too_long())?;
        if declared > MAX_ANSWER_LEN {
            return Err(too_long());
        }
        let mut body = Zeroizing::new(Vec::with_capacity(declared));
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(http_error)?;
            if let Some(data) = frame.data_ref()
                && !append(&mut body, data)
            {
                return Err(too_long());
            }
        }
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Ok(TransportAnswer { status: head.status.as_u16(), headers: headers.collect(), body })
    }
}

impl SendFailure {
    /// Whether the connection was dead: closed or reset before the head of an answer was complete.
    pub(super) fn is_stale(&self) -> bool {
        let broken = self.0.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
        self.0.is_canceled() || self.0.is_closed() || self.0.is_incomplete_message() || broken
    }

    pub(super) fn into_error(self) -> TransportError {
        http_error(self.0)
    }
}

fn http_error(source: hyper::Error) -> TransportError {
    TransportError::Http(Box::new(source))
}

/// Appends within the bound; a buffer that must grow is wiped, not reallocated.
pub(crate) fn append(body: &mut Zeroizing<Vec<u8>>, data: &[u8]) -> bool {
    let len = body.len() + data.len();
    if len > MAX_ANSWER_LEN {
        return false;
    }
    if len > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(len.next_power_of_two()));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(data);
    true
}

#[cfg(test)]
mod tests {
    use super::{Exchange, TransportRequest, begin};
    use crate::wire::{Credentials, sign};
    use core::pin::Pin;
    use core::task::{Context, Poll};
    use pcrseal_core::secret::Secret;
    use std::io::Result;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};

    /// A peer that reads nothing more: what is to be said last (TLS: `close_notify`) never gets out.
    struct Deaf(DuplexStream);

    impl AsyncRead for Deaf {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Deaf {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Pending
        }
    }

    #[test]
    fn debug_of_the_header_fields_shows_no_value() {
        let secret = |text: &str| Secret::copy_from(text.as_bytes());
        let credentials = Credentials::new("AKID", secret("hunter2"), Some(secret("t0ken"))).unwrap();
        let headers = sign(&credentials, "eu-central-1", "host", "TrentService.Decrypt", b"", 0).unwrap();
        let request = TransportRequest::new("eu-central-1", "https://host", &headers, b"");
        let shown = format!("{:?}", Exchange::new(&request).ok().unwrap().headers);
        assert!(shown.contains("x-amz-security-token"), "{shown}");
        assert!(!shown.contains("t0ken") && !shown.contains("Signature"), "{shown}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_does_not_keep_the_connection() {
        let (near, mut far) = tokio::io::duplex(1);
        let mut sender = begin(Deaf(near)).await.ok().unwrap();
        let request = hyper::Request::new(http_body_util::Full::default());
        let limit = core::time::Duration::from_secs(1);
        tokio::time::timeout(limit, sender.requests.send_request(request)).await.unwrap_err();
        drop(sender);
        let end = tokio::time::timeout(limit, far.read(&mut [0])).await;
        assert_eq!(end.expect("the stream was dropped").unwrap(), 0);
    }
}
