//! What the parent asks for. The parent is not trusted: it chooses ports and a blob, and nothing of what decides.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pcrseal::core::limits::MAX_BLOB_LEN;
use serde::Deserialize;

use crate::error::{Error, Kind};
use crate::json::{self, Object, Port, Ports};
use crate::trust::Trust;

/// Longest line in bytes: the longest blob in base64 (RFC 4648: four characters for three bytes), and 8 KiB for the
/// rest, which is a port for each of at most sixteen regions. Ours.
pub const MAX_LINE_LEN: u64 = MAX_BLOB_LEN.div_ceil(3) as u64 * 4 + 8 * 1024;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub work: Work,
    /// The vsock port that leads to each region's KMS.
    pub regions: BTreeMap<String, u32>,
    /// The vsock port of the credential feed (docs/CREDENTIAL-FEED.md).
    pub credentials: u32,
    /// The vsock port to serve the proof on.
    pub serve: u32,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Open this blob.
    Unseal(Vec<u8>),
    /// Make a new key, and a blob of it.
    Generate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    job: String,
    regions: Ports,
    credentials: Port,
    serve: Port,
    blob: Option<String>,
}

impl Request {
    /// Reads the parent's line, and judges it by what the image permits.
    ///
    /// Exactly the regions of the trusted quorum need a port: no request is ever sent anywhere but by vsock, and no
    /// name is ever looked up.
    ///
    /// # Errors
    /// [`Kind::Request`], with the field, and what was expected and found; [`Kind::MayNotGenerate`].
    pub fn read(line: &[u8], trust: &Trust) -> Result<Self, Error> {
        let Object::<Written>(written) =
            json::read(line).map_err(|message| Error::new(Kind::Request, message))?;
        let Ports(regions) = written.regions;
        if let Some(missing) = trust.regions.iter().find(|region| !regions.contains_key(*region)) {
            return Err(wrong(format_args!("regions: expected a port for {missing}, found none")));
        }
        if let Some(other) = regions.keys().find(|region| !trust.regions.contains(*region)) {
            return Err(wrong(format_args!(
                "regions: expected those of the quorum's keys, found {other:?} too"
            )));
        }
        let work = match (written.job.as_str(), written.blob) {
            ("generate", _) if !trust.may_generate => {
                let message = "expected \"may_generate\": true in the image's trust.json, found none";
                return Err(Error::new(Kind::MayNotGenerate, message));
            }
            ("generate", None) => Work::Generate,
            ("generate", Some(_)) => return Err(wrong("blob: expected none with \"generate\", found one")),
            ("unseal", Some(blob)) => Work::Unseal(decode(&blob)?),
            ("unseal", None) => return Err(wrong("blob: expected one with \"unseal\", found none")),
            (job, _) => {
                return Err(wrong(format_args!("job: expected \"unseal\" or \"generate\", found {job:?}")));
            }
        };
        Ok(Self { work, regions, credentials: written.credentials.0, serve: written.serve.0 })
    }
}

fn decode(blob: &str) -> Result<Vec<u8>, Error> {
    let bytes = Base64::decode_vec(blob).map_err(|_| {
        let len = blob.len();
        wrong(format_args!("blob: expected base64 (RFC 4648 section 4), found {len} characters that are not"))
    })?;
    if bytes.len() > MAX_BLOB_LEN {
        let len = bytes.len();
        return Err(wrong(format_args!("blob: expected at most {MAX_BLOB_LEN} bytes, found {len}")));
    }
    Ok(bytes)
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Request, what)
}
