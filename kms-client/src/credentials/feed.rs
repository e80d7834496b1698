//! Credentials that the parent instance hands over: `docs/CREDENTIAL-FEED.md`.

use core::future::poll_fn;
use core::pin::Pin;
use std::path::PathBuf;

use pcrseal_core::error::{Code, Error as Fault};
use tokio::io::{AsyncRead, ReadBuf};
use zeroize::Zeroizing;

use super::http::{retrying, unreachable};
use super::{ProvideCredentials, ProvidedCredentials, document, file, provided};
use crate::Address;
use crate::limits::MAX_CREDENTIALS_DOCUMENT_LEN;
use crate::wire::Credentials;

const NAME: &str = "feed";

/// Credentials that the parent instance hands over, through a socket or a file: one JSON document, as IMDS
/// writes it. Each fetch opens the feed anew and reads to its end, so the parent's newest credentials are those
/// that are used. The protocol, and what a hostile parent can do with it, is in `docs/CREDENTIAL-FEED.md`.
///
/// ```
/// use pcrseal_kms::credentials::FeedCredentials;
/// use pcrseal_kms::{Address, VsockAddress};
///
/// let parent = VsockAddress { cid: 3, port: 8100 };
/// let credentials = FeedCredentials::from_address(Address::Vsock(parent));
/// ```
#[derive(Clone, Debug)]
pub struct FeedCredentials(Source);

#[derive(Clone, Debug)]
enum Source {
    Socket(Address),
    File(PathBuf),
}

impl FeedCredentials {
    /// Connects to this address for each fetch. The parent writes one document and closes. Nothing is encrypted:
    /// the address is a vsock port, a Unix socket or on loopback, or whoever is on the way has the credentials too.
    pub fn from_address(address: Address) -> Self {
        Self(Source::Socket(address))
    }

    /// Reads this file at each fetch. Replace it by renaming another into its place, so that it is never seen
    /// half written.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    async fn fetch(&self) -> Result<Credentials, Fault> {
        let bytes = match &self.0 {
            Source::File(path) => file::read(path, MAX_CREDENTIALS_DOCUMENT_LEN).await?,
            Source::Socket(address) => retrying(|| receive(address)).await?,
        };
        document::read(&bytes)
    }
}

impl ProvideCredentials for FeedCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async { provided(NAME, self.fetch().await) })
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// What the other side sends until it closes.
async fn receive(address: &Address) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let broken = |error| Fault::text(Code::CredentialsBroken, "feed", "a document and its end", error);
    let mut stream = address.connect().await.map_err(|error| unreachable(address, &error))?;
    // One byte more than allowed shows that there is more.
    let mut bytes = Zeroizing::new(vec![0; MAX_CREDENTIALS_DOCUMENT_LEN + 1]);
    let mut buffer = ReadBuf::new(&mut bytes);
    loop {
        let before = buffer.filled().len();
        poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut buffer)).await.map_err(broken)?;
        if buffer.remaining() == 0 {
            return Err(document::too_long());
        }
        if buffer.filled().len() == before {
            break;
        }
    }
    let len = buffer.filled().len();
    if len == 0 {
        return Err(Fault::text(Code::CredentialsUnavailable, "feed", "a document", "nothing"));
    }
    bytes.truncate(len);
    Ok(bytes)
}
