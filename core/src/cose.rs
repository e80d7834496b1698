//! `COSE_Sign1` (RFC 9052 section 4.2) with ES384 (RFC 9053 section 2.1), as attestation documents use it.

use minicbor::Encoder;
use minicbor::encode::write::Cursor;

use crate::cbor::Reader;
use crate::crypto::{ES384_SIGNATURE_LEN, Es384};
use crate::error::{Code, Error};
use crate::limits::MAX_COSE_PAYLOAD_LEN;

/// The CBOR tag of `COSE_Sign1` (RFC 9052 section 2, table 1).
const TAG_COSE_SIGN1: u64 = 18;
/// The header parameter `alg` (RFC 9052 section 3.1).
const LABEL_ALG: i64 = 1;
/// ES384 (RFC 9053 section 2.1, table 1).
const ALG_ES384: i64 = -35;
/// Room for all of `Sig_structure` but the payload: 1 array, 11 context, 1 + 4 protected, 1 `external_aad`
/// and 3 for the payload's head.
const SIG_STRUCTURE_OVERHEAD: usize = 21;

/// A `COSE_Sign1` message whose signature is not verified yet. Holds the bytes as received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoseSign1<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8; ES384_SIGNATURE_LEN],
}

impl<'a> CoseSign1<'a> {
    /// Reads a message: tag 18 or none, protected header exactly `{1: -35}`, unprotected header empty,
    /// payload of 1..16384 bytes, signature of 96 bytes, nothing after it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        match reader.tag("COSE_Sign1")? {
            None | Some(TAG_COSE_SIGN1) => {}
            Some(tag) => return Err(Error::number(Code::CoseTag, "CBOR tag", "18 or none", tag)),
        }
        let elements = reader.array("COSE_Sign1")?;
        if elements != 4 {
            return Err(Error::number(Code::CoseArray, "elements", "4", elements));
        }
        let protected = reader.bytes("protected")?;
        check_protected(protected)?;
        let parameters = reader.map("unprotected")?;
        if parameters != 0 {
            return Err(Error::number(Code::CoseUnprotected, "parameters", "0", parameters));
        }
        let payload = reader.bytes("payload")?;
        if payload.is_empty() || payload.len() > MAX_COSE_PAYLOAD_LEN {
            return Err(Error::number(Code::CosePayload, "payload bytes", "1..16384", payload.len() as u64));
        }
        let signature = reader.bytes("signature")?;
        let signature = signature.try_into().map_err(|_| {
            Error::number(Code::CoseSignatureLength, "signature bytes", "96", signature.len() as u64)
        })?;
        reader.end("COSE_Sign1")?;
        Ok(Self { protected, payload, signature })
    }

    /// The payload, not verified yet.
    pub(crate) const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Verifies the signature under an uncompressed P-384 point.
    pub(crate) fn verify(&self, public_key: &[u8], es384: &dyn Es384) -> Result<(), Error> {
        //= RFC 9052 section 4.4
        // Sig_structure = [ context : "Signature1", body_protected : empty_or_serialized_map,
        // external_aad : bstr, payload : bstr ]
        //
        // On the stack, because verification allocates nothing. The bytes cannot be borrowed: between the
        // received protected header and payload stands the unprotected header instead of external_aad.
        #[expect(clippy::large_stack_arrays, reason = "the payload's bound, 16 KiB, and no more")]
        let mut buffer = [0; MAX_COSE_PAYLOAD_LEN + SIG_STRUCTURE_OVERHEAD];
        let mut encoder = Encoder::new(Cursor::new(&mut buffer[..]));
        encoder
            .array(4)
            .and_then(|encoder| encoder.str("Signature1"))
            .and_then(|encoder| encoder.bytes(self.protected))
            .and_then(|encoder| encoder.bytes(&[]))
            .and_then(|encoder| encoder.bytes(self.payload))
            .map_err(|_| Code::TooLong)?;
        let length = encoder.writer().position();
        let sig_structure = buffer.get(..length).unwrap_or_default();
        es384
            .verify(public_key, sig_structure, self.signature)
            .map_err(|_| Error::new(Code::CoseSignatureRejected))
    }
}

/// Demands the map `{1: -35}`. Heads are shortest, so only the bytes `a1 01 38 22` pass.
fn check_protected(bytes: &[u8]) -> Result<(), Error> {
    let mut reader = Reader::new(bytes);
    if reader.map("protected")? != 1 || reader.int("protected")? != LABEL_ALG {
        return Err(Error::field(Code::CoseProtected, "protected"));
    }
    if reader.int("alg")? != ALG_ES384 {
        return Err(Error::field(Code::CoseProtected, "alg"));
    }
    reader.end("protected")
}
