//! The payload of an attestation document: one CBOR map with known fields.

use crate::attestation::AttestationKind;
use crate::cbor::{Entries, Reader};
use crate::error::{Code, Error};
use crate::limits::{MAX_CABUNDLE, MAX_CERTIFICATE_LEN, MAX_OPTIONAL_FIELD_LEN, PCR_COUNT};
use crate::pcr::{Pcr, PcrIndex, PcrSet};

const DIGEST: &str = "SHA384";

/// The fields, each within its bounds.
#[derive(Clone, Debug)]
pub(super) struct Payload<'a> {
    pub(super) kind: AttestationKind,
    pub(super) module_id: &'a str,
    pub(super) digest: &'a str,
    pub(super) timestamp_ms: u64,
    pub(super) pcrs: PcrSet,
    pub(super) certificate: &'a [u8],
    cabundle: Cabundle<'a>,
    pub(super) public_key: Option<&'a [u8]>,
    pub(super) user_data: Option<&'a [u8]>,
    pub(super) nonce: Option<&'a [u8]>,
}

/// Certificates in place; those from `count` on are empty.
#[derive(Clone, Debug)]
struct Cabundle<'a> {
    certificates: [&'a [u8]; MAX_CABUNDLE],
    count: usize,
}

/// Fields in the order of their arrival: `None` until seen.
#[derive(Default)]
struct Fields<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    pcrs: Option<(AttestationKind, PcrSet)>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Cabundle<'a>>,
    public_key: Option<Nullable<'a>>,
    user_data: Option<Nullable<'a>>,
    nonce: Option<Nullable<'a>>,
}

/// A byte string or null.
struct Nullable<'a>(Option<&'a [u8]>);

impl<'a> Payload<'a> {
    /// Reads the map, of definite or indefinite length, with its fields in any order.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let mut fields = Fields::default();
        let mut entries = reader.map_any("payload")?;
        while reader.more(&mut entries) {
            fields.read(&mut reader)?;
        }
        reader.end("payload")?;

        let missing = |field| Error::field(Code::AttestationFieldMissing, field);
        let (kind, pcrs) = fields.pcrs.ok_or_else(|| missing("pcrs"))?;
        Ok(Self {
            kind,
            module_id: fields.module_id.ok_or_else(|| missing("module_id"))?,
            digest: fields.digest.ok_or_else(|| missing("digest"))?,
            timestamp_ms: fields.timestamp.ok_or_else(|| missing("timestamp"))?,
            pcrs,
            certificate: fields.certificate.ok_or_else(|| missing("certificate"))?,
            cabundle: fields.cabundle.ok_or_else(|| missing("cabundle"))?,
            public_key: fields.public_key.and_then(|field| field.0),
            user_data: fields.user_data.and_then(|field| field.0),
            nonce: fields.nonce.and_then(|field| field.0),
        })
    }

    pub(super) fn cabundle(&self) -> &[&'a [u8]] {
        self.cabundle.certificates.get(..self.cabundle.count).unwrap_or_default()
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        match reader.text("payload field name")? {
            "module_id" => once(&mut self.module_id, "module_id", module_id(reader)?),
            "digest" => once(&mut self.digest, "digest", digest(reader)?),
            "timestamp" => once(&mut self.timestamp, "timestamp", timestamp(reader)?),
            "pcrs" => self.pcrs(reader, AttestationKind::Enclave, "pcrs"),
            "nitrotpm_pcrs" => self.pcrs(reader, AttestationKind::NitroTpm, "nitrotpm_pcrs"),
            "certificate" => once(&mut self.certificate, "certificate", certificate(reader, "certificate")?),
            "cabundle" => once(&mut self.cabundle, "cabundle", cabundle(reader)?),
            "public_key" => once(&mut self.public_key, "public_key", optional(reader, "public_key")?),
            "user_data" => once(&mut self.user_data, "user_data", optional(reader, "user_data")?),
            "nonce" => once(&mut self.nonce, "nonce", optional(reader, "nonce")?),
            unknown => Err(Error::text(
                Code::AttestationFieldUnknown,
                "field name",
                "a field of the specification",
                unknown,
            )),
        }
    }

    fn pcrs(
        &mut self,
        reader: &mut Reader<'a>,
        kind: AttestationKind,
        field: &'static str,
    ) -> Result<(), Error> {
        if self.pcrs.as_ref().is_some_and(|(earlier, _)| *earlier != kind) {
            return Err(Error::field(Code::AttestationPcrFields, field));
        }
        once(&mut self.pcrs, field, (kind, pcrs(reader, field)?))
    }
}

fn once<T>(slot: &mut Option<T>, field: &'static str, value: T) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::field(Code::CborDuplicateKey, field)),
    }
}

fn module_id<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Error> {
    match reader.text("module_id")? {
        "" => Err(Code::AttestationModuleId.into()),
        text => Ok(text),
    }
}

fn digest<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Error> {
    match reader.text("digest")? {
        DIGEST => Ok(DIGEST),
        other => Err(Error::text(Code::AttestationDigest, "digest", DIGEST, other)),
    }
}

fn timestamp(reader: &mut Reader<'_>) -> Result<u64, Error> {
    match reader.uint("timestamp")? {
        0 => Err(Code::AttestationTimestamp.into()),
        milliseconds => Ok(milliseconds),
    }
}

fn pcrs(reader: &mut Reader<'_>, field: &'static str) -> Result<PcrSet, Error> {
    let count = reader.map(field)?;
    if count == 0 || count > PCR_COUNT as u64 {
        return Err(Error::number(Code::AttestationPcrCount, field, "1..32", count));
    }
    let mut set = PcrSet::new();
    let mut entries = Entries::Definite(count);
    while reader.more(&mut entries) {
        let index = PcrIndex::try_from(reader.uint(field)?)?;
        let value = Pcr::try_from(reader.bytes(field)?)?;
        if set.insert(index, value).is_some() {
            return Err(Error::number(
                Code::CborDuplicateKey,
                "PCR index",
                "each index once",
                index.get().into(),
            ));
        }
    }
    Ok(set)
}

fn certificate<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], Error> {
    let der = reader.bytes(field)?;
    if der.is_empty() || der.len() > MAX_CERTIFICATE_LEN {
        return Err(Error::number(Code::AttestationFieldLength, field, "1..1024 bytes", der.len() as u64));
    }
    Ok(der)
}

fn cabundle<'a>(reader: &mut Reader<'a>) -> Result<Cabundle<'a>, Error> {
    let items = reader.array("cabundle")?;
    let mut cabundle = Cabundle { certificates: [&[]; MAX_CABUNDLE], count: 0 };
    let count = usize::try_from(items).ok().filter(|count| (1..=MAX_CABUNDLE).contains(count));
    cabundle.count = count
        .ok_or_else(|| Error::number(Code::AttestationCabundle, "cabundle certificates", "1..7", items))?;
    for slot in cabundle.certificates.iter_mut().take(cabundle.count) {
        *slot = certificate(reader, "cabundle")?;
    }
    Ok(cabundle)
}

fn optional<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<Nullable<'a>, Error> {
    let bytes = reader.bytes_or_null(field)?;
    match bytes {
        Some(bytes) if bytes.len() > MAX_OPTIONAL_FIELD_LEN => {
            Err(Error::number(Code::AttestationFieldLength, field, "0..1024 bytes", bytes.len() as u64))
        }
        within => Ok(Nullable(within)),
    }
}
