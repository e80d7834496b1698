//! One HTTP/1.1 connection, and one exchange over it.

use core::error::Error as StdError;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Method, Request, Response, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::io::Io;
use super::transport::{TransportAnswer, TransportError, TransportRequest};
use crate::limits::{MAX_ANSWER_HEAD_LEN, MAX_ANSWER_HEADERS, MAX_ANSWER_LEN, MAX_ERROR_CODE_LEN};
use crate::service_error::printable;

/// The sending half of a connection; dropping it closes the connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

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
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_ANSWER_HEADERS)
        .max_buf_size(MAX_ANSWER_HEAD_LEN)
        .handshake(Io(stream))
        .await
        .map_err(http_error)?;
    tokio::spawn(async move {
        // Whatever ends the connection is reported to the exchange that it ends.
        let _ = connection.await;
    });
    Ok(sender)
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
        sender.ready().await.map_err(SendFailure)?;
        sender.send_request(request).await.map_err(SendFailure)
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
