//! What a sealed blob says of itself, for people and for programs that look blobs up.

use std::fmt::{self, Write};

use pcrseal_core::blob::{Binding, Header, SealedBlob, UnverifiedContents};
use pcrseal_core::error::Error as Fault;
use pcrseal_core::limits::FORMAT_VERSION;
use pcrseal_core::pcr::PcrSet;

#[cfg(doc)]
use pcrseal_core::error::Code;

/// What a blob says. **Nothing of it is authenticated**: anybody can make a blob that says anything, so that nothing may
/// rest on it. What an enclave accepts, its trust policy decides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The version of the format.
    pub version: u64,
    /// The protected header: seal id, cluster, generation, wrapping.
    pub header: Header,
    /// The accepted PCR values, binding by binding.
    pub bindings: Vec<PcrSet>,
    /// What the outer layer holds; or why it does not open: [`Code::ContentRejected`] for another `external_aad`.
    pub contents: Result<UnverifiedContents, Fault>,
}

/// Reads a blob without a trust policy, without measurements and without any request. No secret is opened.
///
/// # Errors
/// What [`SealedBlob::parse`] answers. An outer layer that does not open is none: [`Inspection::contents`].
pub fn inspect(blob: &[u8], external_aad: &[u8]) -> Result<Inspection, Fault> {
    let blob = SealedBlob::parse(blob)?;
    Ok(Inspection {
        version: FORMAT_VERSION,
        header: blob.header().clone(),
        bindings: blob.bindings().iter().map(Binding::expected).cloned().collect(),
        contents: blob.unverified_contents(external_aad),
    })
}

impl Inspection {
    /// The same as one line of JSON, always with these members, in this order:
    ///
    /// ```json
    /// {
    ///   "version": 1,
    ///   "cluster": "prod-eu-central-1-vault",
    ///   "seal_id": "000102030405060708090a0b0c0d0e0f",
    ///   "generation": 1,
    ///   "wrapping": "attested",
    ///   "bindings": [{"pcrs": {"0": "96 lower-case hex digits", "1": "…", "2": "…"}}],
    ///   "contents": {
    ///     "threshold": 2,
    ///     "keys": ["arn:aws:kms:eu-central-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-050403020100", "…", "…"],
    ///     "secret_len": 32
    ///   },
    ///   "contents_error": null
    /// }
    /// ```
    ///
    /// `generation` takes all 64 bits. `seal_id` is 32 lower-case hex digits, `wrapping` is `attested` or `encrypt`, PCRs
    /// are in the order of their indices, keys in that of the shares' positions, `secret_len` is in bytes. Where the outer
    /// layer does not open, `contents` is `null` and `contents_error` the name of the code, such as `content_rejected`.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut json);
        json
    }

    // Nothing in a blob needs escaping: cluster ids, ARNs and the names of codes and wrappings have neither quotes nor
    // backslashes nor anything outside ASCII, by their types.
    fn write(&self, json: &mut String) -> fmt::Result {
        let Header { seal_id, cluster, generation, wrapping } = &self.header;
        write!(json, r#"{{"version":{},"cluster":"{cluster}","seal_id":"{seal_id}","#, self.version)?;
        write!(json, r#""generation":{generation},"wrapping":"{wrapping}","bindings":["#)?;
        list(json, &self.bindings, |json, pcrs| {
            json.push_str(r#"{"pcrs":{"#);
            list(json, pcrs.iter(), |json, (index, value)| write!(json, r#""{}":"{value}""#, index.get()))?;
            json.write_str("}}")
        })?;
        match &self.contents {
            Ok(contents) => {
                write!(json, r#"],"contents":{{"threshold":{},"keys":["#, contents.threshold)?;
                list(json, &contents.keys, |json, key| write!(json, r#""{key}""#))?;
                write!(json, r#"],"secret_len":{}}},"contents_error":null}}"#, contents.secret_len)
            }
            Err(fault) => write!(json, r#"],"contents":null,"contents_error":"{}"}}"#, fault.code()),
        }
    }
}

/// Items with commas between them.
fn list<T>(
    json: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        write(json, item)?;
    }
    Ok(())
}
