//! Requests, as `aws-nitro-enclaves-nsm-api` writes them: an operation without arguments is a text, one with arguments
//! a map of one, from its name to a map of its arguments.

use minicbor::Encoder;
use minicbor::encode::Error as EncodeError;
use minicbor::encode::write::{Cursor, EndOfArray};
use pcrseal_core::attester::AttestationRequest;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::{MAX_EXTEND_LEN, MAX_NSM_REQUEST_LEN, MAX_OPTIONAL_FIELD_LEN, PCR_COUNT};
use pcrseal_core::pcr::PcrIndex;

/// Where a request is written: it cannot grow beyond what the module takes.
type Buffer = Cursor<[u8; MAX_NSM_REQUEST_LEN]>;
/// The one way in which writing there fails.
type Full = EncodeError<EndOfArray>;

/// A request, within its bounds once [`Request::encode`] has taken it.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    DescribeNsm,
    DescribePcr { index: PcrIndex },
    ExtendPcr { index: PcrIndex, data: &'a [u8] },
    LockPcr { index: PcrIndex },
    LockPcrs { range: u16 },
    GetRandom,
    Attestation(AttestationRequest<'a>),
}

impl Request<'_> {
    /// The operation's name in requests and answers.
    pub(crate) const fn operation(&self) -> &'static str {
        match self {
            Self::DescribeNsm => "DescribeNSM",
            Self::DescribePcr { .. } => "DescribePCR",
            Self::ExtendPcr { .. } => "ExtendPCR",
            Self::LockPcr { .. } => "LockPCR",
            Self::LockPcrs { .. } => "LockPCRs",
            Self::GetRandom => "GetRandom",
            Self::Attestation(_) => "Attestation",
        }
    }

    /// The operation and what it is done to, for errors.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::DescribePcr { index } | Self::ExtendPcr { index, .. } | Self::LockPcr { index } => {
                format!("{} of {index}", self.operation())
            }
            Self::LockPcrs { range } => format!("{} below {range}", self.operation()),
            Self::DescribeNsm | Self::GetRandom | Self::Attestation(_) => self.operation().into(),
        }
    }

    /// The request's bytes: at least one, at most [`MAX_NSM_REQUEST_LEN`].
    ///
    /// # Errors
    /// What the module would answer, found out before it is asked: [`Code::NsmInvalidArgument`],
    /// [`Code::NsmInvalidIndex`], [`Code::NsmInputTooLarge`].
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut encoder = Encoder::new(Cursor::new([0; MAX_NSM_REQUEST_LEN]));
        self.write(&mut encoder)
            .map_err(|_| too_large("request bytes", "0..4096", MAX_NSM_REQUEST_LEN + 1))?;
        let written = encoder.into_writer();
        Ok(written.get_ref().iter().copied().take(written.position()).collect())
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            Self::ExtendPcr { data: [], .. } => {
                Err(Error::number(Code::NsmInvalidArgument, "ExtendPCR data bytes", "1..4068", 0))
            }
            Self::ExtendPcr { data, .. } if data.len() > MAX_EXTEND_LEN => {
                Err(too_large("ExtendPCR data bytes", "1..4068", data.len()))
            }
            Self::LockPcrs { range } if usize::from(*range) > PCR_COUNT => {
                Err(Error::number(Code::NsmInvalidIndex, "LockPCRs range", "0..32", (*range).into()))
            }
            Self::Attestation(request) => {
                field("Attestation public_key bytes", request.public_key)?;
                field("Attestation user_data bytes", request.user_data)?;
                field("Attestation nonce bytes", request.nonce)
            }
            _ => Ok(()),
        }
    }

    fn write(&self, encoder: &mut Encoder<Buffer>) -> Result<(), Full> {
        let operation = self.operation();
        match self {
            Self::DescribeNsm | Self::GetRandom => encoder.str(operation)?,
            Self::DescribePcr { index } | Self::LockPcr { index } => {
                encoder.map(1)?.str(operation)?.map(1)?.str("index")?.u8(index.get())?
            }
            Self::ExtendPcr { index, data } => {
                encoder.map(1)?.str(operation)?.map(2)?;
                encoder.str("index")?.u8(index.get())?.str("data")?.bytes(data)?
            }
            Self::LockPcrs { range } => encoder.map(1)?.str(operation)?.map(1)?.str("range")?.u16(*range)?,
            Self::Attestation(request) => {
                encoder.map(1)?.str(operation)?.map(3)?;
                encoder.str("user_data")?;
                optional(encoder, request.user_data)?;
                encoder.str("nonce")?;
                optional(encoder, request.nonce)?;
                encoder.str("public_key")?;
                optional(encoder, request.public_key)?;
                encoder
            }
        };
        Ok(())
    }
}

fn optional(encoder: &mut Encoder<Buffer>, field: Option<&[u8]>) -> Result<(), Full> {
    match field {
        Some(bytes) => encoder.bytes(bytes)?,
        None => encoder.null()?,
    };
    Ok(())
}

fn field(what: &'static str, bytes: Option<&[u8]>) -> Result<(), Error> {
    match bytes {
        Some(bytes) if bytes.len() > MAX_OPTIONAL_FIELD_LEN => Err(too_large(what, "0..1024", bytes.len())),
        _ => Ok(()),
    }
}

fn too_large(what: &'static str, expected: &'static str, found: usize) -> Error {
    Error::number(Code::NsmInputTooLarge, what, expected, found as u64)
}
