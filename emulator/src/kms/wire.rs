//! Answers that break off: written by hand, below HTTP.

use std::fmt;

use hyper::Response;
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::answer::Reply;
use super::fault::Fault;

/// How many bytes more than it sends [`Fault::LongContentLength`] promises. Ours.
const MISSING_LEN: usize = 64;

/// What carries HTTP.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// The connection below.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The bytes that are left of an answer, and what comes after them. As the error of a service it ends HTTP on
/// the connection, which is then taken over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TakeOver {
    bytes: Vec<u8>,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Close,
    Reset,
    Hang,
}

impl TakeOver {
    /// Nothing at all, for as long as the client likes to wait.
    pub(crate) const SILENCE: Self = Self { bytes: Vec::new(), ending: Ending::Hang };

    /// What the fault of a reply leaves of it; the response itself where it is whole.
    pub(crate) fn of(reply: Reply) -> Result<Response<Bytes>, Self> {
        let (response, body) = (&reply.response, reply.response.body());
        let half = body.get(..body.len() / 2).unwrap_or_default();
        // Half of an empty body would be whole.
        let whole_len = body.len().max(1);
        let (bytes, ending) = match reply.fault {
            Some(Fault::Hang) => return Err(Self::SILENCE),
            Some(Fault::HangInHead) => {
                let head = head(response, whole_len);
                (head.get(..head.len() / 2).unwrap_or_default().to_vec(), Ending::Hang)
            }
            Some(Fault::HangInBody) => ([&head(response, whole_len), half].concat(), Ending::Hang),
            Some(Fault::ResetInBody) => ([&head(response, whole_len), half].concat(), Ending::Reset),
            Some(Fault::CloseConnection) => (Vec::new(), Ending::Close),
            Some(Fault::LongContentLength) => {
                ([&head(response, body.len() + MISSING_LEN), &body[..]].concat(), Ending::Close)
            }
            Some(Fault::ShortContentLength) => {
                ([&head(response, half.len()), &body[..]].concat(), Ending::Close)
            }
            _ => return Ok(reply.response),
        };
        Err(Self { bytes, ending })
    }

    /// Writes what is left, and ends the connection.
    pub(crate) async fn run(&self, mut stream: impl Transport) {
        let written = stream.write_all(&self.bytes).await.and(stream.flush().await);
        match self.ending {
            // A client that is gone has ended the connection itself.
            _ if written.is_err() => {}
            Ending::Close => drop(stream.shutdown().await),
            Ending::Reset => drop(stream.tcp().set_zero_linger()),
            Ending::Hang => silence(stream).await,
        }
    }
}

impl fmt::Display for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer breaks off on purpose")
    }
}

impl std::error::Error for TakeOver {}

/// Says nothing until the client closes the connection.
pub(crate) async fn silence(mut stream: impl Transport) {
    let mut ignored = [0; 4096];
    while let Ok(1..) = stream.read(&mut ignored).await {}
}

fn head(response: &Response<Bytes>, content_length: usize) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {}\r\ncontent-length: {content_length}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head
}
