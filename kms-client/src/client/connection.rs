//! One HTTP/1.1 connection, and one exchange over it.

use core::error::Error as StdError;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use pcrseal_core::error::{Code, Error as Fault};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::endpoint::{Endpoint, Host};
use super::io::Io;
use crate::limits::{MAX_ANSWER_HEAD_LEN, MAX_ANSWER_HEADERS, MAX_ANSWER_LEN, MAX_ERROR_CODE_LEN};
use crate::service_error::printable;
use crate::{BadAnswer, Error};

/// The sending half of a connection; dropping it closes the connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// An answer, complete.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// A request on its way; it can be sent again over another connection.
pub(super) struct Exchange<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A failure before the head of the answer was there.
pub(super) struct SendFailure(hyper::Error);

/// Connects, and proves the endpoint's name if it is https.
pub(super) async fn connect(endpoint: &Endpoint, tls: Option<&TlsConnector>) -> Result<Sender, Error> {
    let tls = match (endpoint.server_name(), tls) {
        (None, _) => None,
        (Some(name), Some(tls)) => Some((name.clone(), tls)),
        (Some(_), None) => return Err(Error::Configuration(Fault::new(Code::KmsNoRoots))),
    };
    let connect_error = |source| Error::Connect { endpoint: endpoint.to_string(), source };
    let tcp = match endpoint.host() {
        Host::Addresses(addresses) => {
            let addresses: Vec<_> =
                addresses.iter().map(|ip| SocketAddr::new(*ip, endpoint.port())).collect();
            TcpStream::connect(addresses.as_slice()).await
        }
        Host::Name(name) => TcpStream::connect((name.as_str(), endpoint.port())).await,
    }
    .map_err(connect_error)?;
    // One small request at a time: waiting for more to send only adds delay.
    tcp.set_nodelay(true).map_err(connect_error)?;

    let Some((name, tls)) = tls else {
        return handshake(endpoint, tcp).await;
    };
    let stream = tls.connect(name, tcp).await.map_err(|source| {
        if source.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>) {
            Error::Tls { endpoint: endpoint.to_string(), source }
        } else {
            connect_error(source)
        }
    })?;
    handshake(endpoint, stream).await
}

impl Exchange<'_> {
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
    pub(super) async fn receive(&self, head: Response<Incoming>) -> Result<Answer, Error> {
        let (head, mut incoming) = head.into_parts();
        let too_long = || {
            let request_id = head.headers.get("x-amzn-requestid").and_then(|value| value.to_str().ok());
            Error::BadAnswer(BadAnswer {
                fault: Fault::new(Code::KmsAnswerTooLong),
                request_id: printable(request_id.unwrap_or_default(), MAX_ERROR_CODE_LEN),
            })
        };
        let declared = usize::try_from(incoming.size_hint().lower()).map_err(|_| too_long())?;
        if declared > MAX_ANSWER_LEN {
            return Err(too_long());
        }
        let mut body = Zeroizing::new(Vec::with_capacity(declared));
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| http_error(self.endpoint, error))?;
            if let Some(data) = frame.data_ref()
                && !append(&mut body, data)
            {
                return Err(too_long());
            }
        }
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl SendFailure {
    /// Whether the connection was dead: closed or reset before the head of an answer was complete.
    pub(super) fn is_stale(&self) -> bool {
        let broken = self.0.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
        self.0.is_canceled() || self.0.is_closed() || self.0.is_incomplete_message() || broken
    }

    pub(super) fn into_error(self, endpoint: &Endpoint) -> Error {
        http_error(endpoint, self.0)
    }
}

async fn handshake<T>(endpoint: &Endpoint, stream: T) -> Result<Sender, Error>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_ANSWER_HEADERS)
        .max_buf_size(MAX_ANSWER_HEAD_LEN)
        .handshake(Io(stream))
        .await
        .map_err(|error| http_error(endpoint, error))?;
    tokio::spawn(async move {
        // Whatever ends the connection is reported to the exchange that it ends.
        let _ = connection.await;
    });
    Ok(sender)
}

fn http_error(endpoint: &Endpoint, source: hyper::Error) -> Error {
    Error::Http { endpoint: endpoint.to_string(), source: Box::new(source) }
}

/// Appends within the bound; a buffer that must grow is wiped, not reallocated.
fn append(body: &mut Zeroizing<Vec<u8>>, data: &[u8]) -> bool {
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
