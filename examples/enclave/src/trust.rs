//! What this enclave trusts: `/etc/pcrseal/trust.json`, a file of the image, and so measured into PCR0 and PCR2.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use pcrseal::core::names::{ClusterId, KeyArn, SealId, Wrapping};
use pcrseal::core::pcr::{PcrIndex, PcrSelection};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::kms::Client;
use pcrseal::kms::credentials::FeedCredentials;
use serde::Deserialize;

use crate::error::{Error, Kind};
use crate::json::{self, Object, Port};

/// Where an image keeps it.
pub const PATH: &str = "/etc/pcrseal/trust.json";
/// Longest file in bytes. Ours: sixteen key ARNs of 256 bytes and a certificate, many times over.
const MAX_LEN: u64 = 64 * 1024;

/// Everything that decides what this enclave accepts, and where its parent is.
#[derive(Debug)]
pub struct Trust {
    /// Which blob is accepted.
    pub policy: TrustPolicy,
    /// The regions of the quorum's keys.
    pub regions: BTreeSet<String>,
    /// Whether the parent may ask for a new key.
    pub may_generate: bool,
    /// A root certificate (PEM) that is believed in place of Amazon's; for tests, and for partitions of AWS that have
    /// other roots.
    pub tls_root_pem: Option<String>,
    /// The context id of the parent: 3 on AWS, 2 under QEMU.
    pub parent_cid: u32,
    /// The vsock port where the parent hands out requests.
    pub parent_port: u32,
}

/// The file, as it is written. The README explains each field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cluster: String,
    quorum: Object<WrittenQuorum>,
    minimum_generation: u64,
    required_pcrs: Vec<u64>,
    parent: Object<WrittenParent>,
    seal_id: Option<String>,
    #[serde(default)]
    may_generate: bool,
    #[serde(default)]
    debug_mode_allowed: bool,
    tls_root_pem: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenQuorum {
    threshold: u8,
    keys: Vec<String>,
    wrapping: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenParent {
    cid: u32,
    port: Port,
}

impl Trust {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`Kind::Trust`], with the field, and what was expected and found.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_LEN + 1).read_to_end(&mut text));
        read.map_err(|error| Error::io(Kind::Trust, path.display(), &error))?;
        Self::parse(&text)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`Kind::Trust`], with the field, and what was expected and found.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.len() as u64 > MAX_LEN {
            return Err(Error::new(
                Kind::Trust,
                format_args!("expected at most {MAX_LEN} bytes, found more"),
            ));
        }
        let Object::<Written>(written) =
            json::read(text).map_err(|message| Error::new(Kind::Trust, message))?;
        let quorum = quorum(&written.quorum.0)?;
        let regions = quorum.keys().iter().map(|key| key.region().to_owned()).collect();
        let mut policy = TrustPolicy::builder(at("cluster", ClusterId::new(&written.cluster))?)
            .minimum_generation(written.minimum_generation)
            .required_pcrs(selection(&written.required_pcrs)?);
        // A quorum that may not seal cannot be asked to.
        policy = if written.may_generate { policy.seal_quorum(quorum) } else { policy.unseal_quorum(quorum) };
        if written.debug_mode_allowed {
            policy = policy.allow_debug_mode();
        }
        if let Some(id) = &written.seal_id {
            policy = policy.pin_seal_id(seal_id(id)?);
        }
        if let Some(pem) = &written.tls_root_pem {
            at("tls_root_pem", root(pem))?;
        }
        Ok(Self {
            policy: at("required_pcrs", policy.build())?,
            regions,
            may_generate: written.may_generate,
            tls_root_pem: written.tls_root_pem,
            parent_cid: written.parent.0.cid,
            parent_port: written.parent.0.port.0,
        })
    }

    /// What an image for production needs a good reason for, a sentence each.
    pub fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let encrypts = self.policy.unseal_quorums().any(|quorum| quorum.wrapping() == Wrapping::Encrypt);
        [
            (self.may_generate, "may_generate: the parent can have a new key made whenever it likes, and start with it"),
            (self.policy.debug_mode_allowed(), "debug_mode_allowed: for tests; a debug-mode enclave proves nothing"),
            (
                self.tls_root_pem.is_some(),
                "tls_root_pem: who has this root's key can speak for KMS, and so learn the keys that are made and choose \
                 those that are unsealed",
            ),
            (encrypts, "quorum.wrapping: with \"encrypt\", who may call kms:Encrypt can make a blob of a key of their own"),
        ]
        .into_iter()
        .filter_map(|(applies, sentence)| applies.then_some(sentence))
    }
}

fn quorum(written: &WrittenQuorum) -> Result<Quorum, Error> {
    let keys = written.keys.iter().enumerate();
    let keys = keys.map(|(position, key)| at(format_args!("quorum.keys[{position}]"), KeyArn::new(key)));
    let wrapping = Wrapping::from_name(&written.wrapping).ok_or_else(|| {
        let found = &written.wrapping;
        wrong("quorum.wrapping", format_args!("expected \"attested\" or \"encrypt\", found {found:?}"))
    })?;
    at("quorum", Quorum::new(written.threshold, keys.collect::<Result<_, _>>()?, wrapping))
}

fn selection(indices: &[u64]) -> Result<PcrSelection, Error> {
    let mut selection = PcrSelection::EMPTY;
    for (position, index) in indices.iter().enumerate() {
        let index = at(format_args!("required_pcrs[{position}]"), PcrIndex::try_from(*index))?;
        if selection.contains(index) {
            return Err(wrong("required_pcrs", format_args!("expected each PCR once, found {index} twice")));
        }
        selection = selection.with(index);
    }
    Ok(selection)
}

/// 32 lower-case hex digits, as reports and answers write a seal id.
fn seal_id(text: &str) -> Result<SealId, Error> {
    let bytes = u128::from_str_radix(text, 16).map(u128::to_be_bytes);
    match bytes.map(SealId::new) {
        // What reads and writes alike is what was meant: no sign, no other length, no capitals.
        Ok(id) if id.to_string() == text => Ok(id),
        _ => Err(wrong("seal_id", format_args!("expected 32 lower-case hex digits, found {text:?}"))),
    }
}

/// Builds a client under this root, as the job will: a certificate that it refuses is found before there is an image.
fn root(pem: &str) -> Result<(), pcrseal::kms::Error> {
    // Never asked.
    let credentials = Arc::new(FeedCredentials::from_file(PATH));
    Client::builder()
        .credentials_provider(credentials)
        .root_certificates_pem(pem.as_bytes())
        .build()
        .map(drop)
}

fn at<T>(field: impl Display, result: Result<T, impl Display>) -> Result<T, Error> {
    result.map_err(|fault| wrong(field, fault))
}

fn wrong(field: impl Display, what: impl Display) -> Error {
    Error::new(Kind::Trust, format_args!("{field}: {what}"))
}
