//! Attestation documents: the payload map and its `COSE_Sign1` (AWS `attestation_process.md`, RFC 9052).

use aws_lc_rs::rand::SystemRandom;
use ciborium::Value;
use coset::{CborSerializable, CoseSign1Builder, HeaderBuilder, iana};
use pcrseal_core::attester::AttestationRequest;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::PcrSet;

use super::authority::Credentials;

/// How the payload's outer map is encoded (RFC 8949 section 3.2): genuine documents changed in 2025.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapEncoding {
    /// `a9 …`: the length first. What AWS issued until April 2025.
    Definite,
    /// `bf … ff`: ended by a break. What AWS issues now.
    #[default]
    Indefinite,
}

/// Signs a document. Fields come in AWS's order; those that the request leaves out are null.
pub(super) fn sign(
    module_id: &str,
    timestamp_millis: u64,
    pcrs: &PcrSet,
    credentials: &Credentials,
    request: &AttestationRequest<'_>,
    encoding: MapEncoding,
) -> Result<Vec<u8>, Error> {
    let optional = |field: Option<&[u8]>| field.map_or(Value::Null, |bytes| Value::Bytes(bytes.to_vec()));
    let pcrs = pcrs
        .iter()
        .map(|(index, value)| (Value::from(index.get()), Value::Bytes(value.as_bytes().to_vec())))
        .collect();
    let cabundle = credentials.cabundle.iter().map(|der| Value::Bytes(der.clone())).collect();
    let fields = [
        ("module_id", Value::from(module_id)),
        ("digest", Value::from("SHA384")),
        ("timestamp", Value::from(timestamp_millis)),
        ("pcrs", Value::Map(pcrs)),
        ("certificate", Value::Bytes(credentials.certificate.clone())),
        ("cabundle", Value::Array(cabundle)),
        ("public_key", optional(request.public_key)),
        ("user_data", optional(request.user_data)),
        ("nonce", optional(request.nonce)),
    ];
    let payload = encode_map(&fields, encoding)?;
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::ES384).build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .try_create_signature(b"", |sig_structure| {
            credentials
                .key
                .sign(&SystemRandom::new(), sig_structure)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| Error::field(Code::Attester, "signature"))
        })?
        .build()
        .to_vec()
        .map_err(|_| Error::field(Code::Attester, "COSE_Sign1"))
}

/// ciborium writes definite maps only, so that the outer map's head and break are written here.
fn encode_map(fields: &[(&str, Value); 9], encoding: MapEncoding) -> Result<Vec<u8>, Error> {
    let (head, end): (u8, &[u8]) = match encoding {
        MapEncoding::Definite => (0xa9, &[]),
        MapEncoding::Indefinite => (0xbf, &[0xff]),
    };
    let mut out = vec![head];
    let unwritable = |_: ciborium::ser::Error<std::io::Error>| Error::field(Code::Attester, "payload");
    for (name, value) in fields {
        let mut item = Vec::new();
        ciborium::into_writer(name, &mut item)
            .and_then(|()| ciborium::into_writer(value, &mut item))
            .map_err(unwritable)?;
        out.extend(item);
    }
    out.extend_from_slice(end);
    Ok(out)
}
