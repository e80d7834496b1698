//! Answers: the operation's name, alone or over a map of results; or `Error` over the name of an error.

use minicbor::Decoder;
use minicbor::data::Type;
use pcrseal_core::attester::{ModuleDescription, PcrState};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::PCR_LEN;
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection};

use super::Request;
use super::fields::{self, Field, fault, malformed, more, shown};

/// The major version of the interface that is spoken here. AWS (`aws-nitro-enclaves-nsm-api`, `Response::DescribeNSM`):
/// breaking changes raise it.
const VERSION_MAJOR: u16 = 1;

/// The one digest that PCRs are made with here (AWS, `attestation_process.md`: always SHA384).
const DIGEST: &str = "SHA384";

/// Demands the bare name of the operation: what `LockPCR` and `LockPCRs` answer.
pub(crate) fn done(answer: &[u8], request: &Request<'_>) -> Result<(), Error> {
    let operation = request.operation();
    let decoder = &mut Decoder::new(answer);
    if !decoder.datatype().is_ok_and(|next| next == Type::String) {
        return outcome(decoder, request, |_| Err(malformed(operation, "its name alone", "results")));
    }
    named(decoder.str().map_err(fault(operation, "its name"))?, operation)?;
    fields::end(decoder, operation)
}

/// What `DescribePCR` answers.
pub(crate) fn pcr_state(answer: &[u8], request: &Request<'_>) -> Result<PcrState, Error> {
    let (mut lock, mut data) = (Field::new("DescribePCR.lock"), Field::new("DescribePCR.data"));
    results(answer, request, |name, decoder| {
        match name {
            "lock" => lock.set(decoder.bool().map_err(fault(lock.place(), "a boolean"))?)?,
            "data" => data.set(pcr(decoder, data.place())?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(PcrState { locked: lock.required()?, value: data.required()? })
}

/// What `ExtendPCR` answers: the register's new value.
pub(crate) fn extended(answer: &[u8], request: &Request<'_>) -> Result<Pcr, Error> {
    let mut data = Field::new("ExtendPCR.data");
    results(answer, request, |name, decoder| {
        match name {
            "data" => data.set(pcr(decoder, data.place())?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    data.required()
}

/// What `GetRandom` answers: at least one byte, secret.
pub(crate) fn random<'a>(answer: &'a [u8], request: &Request<'_>) -> Result<&'a [u8], Error> {
    one_string(answer, request, "random", "GetRandom.random")
}

/// What `Attestation` answers: the document, not looked into.
pub(crate) fn document<'a>(answer: &'a [u8], request: &Request<'_>) -> Result<&'a [u8], Error> {
    one_string(answer, request, "document", "Attestation.document")
}

/// What `DescribeNSM` answers.
///
/// The major version is read first, as AWS recommends: another one may mean other fields.
pub(crate) fn description(answer: &[u8], request: &Request<'_>) -> Result<ModuleDescription, Error> {
    let mut major = Field::new("DescribeNSM.version_major");
    results(answer, request, |name, decoder| {
        match name {
            "version_major" => major.set(u16(decoder, major.place())?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let major = major.required()?;
    if major != VERSION_MAJOR {
        return Err(malformed("DescribeNSM.version_major", "1", major));
    }

    let (mut minor, mut patch) =
        (Field::new("DescribeNSM.version_minor"), Field::new("DescribeNSM.version_patch"));
    let (mut module_id, mut max_pcrs) =
        (Field::new("DescribeNSM.module_id"), Field::new("DescribeNSM.max_pcrs"));
    let (mut locked, mut digest) = (Field::new("DescribeNSM.locked_pcrs"), Field::new("DescribeNSM.digest"));
    results(answer, request, |name, decoder| {
        match name {
            "version_minor" => minor.set(u16(decoder, minor.place())?)?,
            "version_patch" => patch.set(u16(decoder, patch.place())?)?,
            "module_id" => module_id.set(text(decoder, module_id.place())?.to_owned())?,
            "max_pcrs" => max_pcrs.set(u16(decoder, max_pcrs.place())?)?,
            "locked_pcrs" => locked.set(selection(decoder, locked.place())?)?,
            "digest" => digest.set(text(decoder, digest.place())?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let digest = digest.required()?;
    if digest != DIGEST {
        return Err(malformed("DescribeNSM.digest", DIGEST, shown(digest)));
    }
    Ok(ModuleDescription {
        version: (major, minor.required()?, patch.required()?),
        module_id: module_id.required()?,
        max_pcrs: max_pcrs.required()?,
        locked_pcrs: locked.required()?,
    })
}

/// An answer whose one result is a byte string that is not empty.
fn one_string<'a>(
    answer: &'a [u8],
    request: &Request<'_>,
    field: &'static str,
    place: &'static str,
) -> Result<&'a [u8], Error> {
    let mut bytes = Field::new(place);
    results(answer, request, |name, decoder| {
        if name != field {
            return Ok(false);
        }
        bytes.set(decoder.bytes().map_err(fault(place, "a byte string"))?)?;
        Ok(true)
    })?;
    match bytes.required()? {
        [] => Err(malformed(place, "at least one byte", "none")),
        bytes => Ok(bytes),
    }
}

/// Reads the results of the operation that was asked for.
fn results<'a>(
    answer: &'a [u8],
    request: &Request<'_>,
    field: impl FnMut(&'a str, &mut Decoder<'a>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let decoder = &mut Decoder::new(answer);
    outcome(decoder, request, |decoder| fields::read(decoder, request.operation(), field))
}

/// Reads the outer map of one: from the operation's name to its results, or from `Error` to the error's name.
fn outcome<'a>(
    decoder: &mut Decoder<'a>,
    request: &Request<'_>,
    results: impl FnOnce(&mut Decoder<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let operation = request.operation();
    let mut left = decoder.map().map_err(fault(operation, "a map from its name to its results"))?;
    if !more(decoder, &mut left) {
        return Err(malformed(operation, "a map from its name to its results", "an empty map"));
    }
    let name = decoder.str().map_err(fault(operation, "its name"))?;
    let refusal = if name == "Error" {
        Some(refusal(decoder.str().map_err(fault(operation, "the name of an error"))?, request))
    } else {
        named(name, operation)?;
        results(decoder)?;
        None
    };
    if more(decoder, &mut left) {
        return Err(malformed(operation, "a map of one", "more"));
    }
    fields::end(decoder, operation)?;
    refusal.map_or(Ok(()), Err)
}

fn named(name: &str, operation: &'static str) -> Result<(), Error> {
    if name == operation { Ok(()) } else { Err(malformed("answer", operation, shown(name))) }
}

/// The module's own error codes (`aws-nitro-enclaves-nsm-api`, `ErrorCode`).
fn refusal(name: &str, request: &Request<'_>) -> Error {
    let code = match name {
        "InvalidArgument" => Code::NsmInvalidArgument,
        "InvalidIndex" => Code::NsmInvalidIndex,
        "InvalidResponse" => Code::NsmInvalidResponse,
        "ReadOnlyIndex" => Code::NsmReadOnlyIndex,
        "InvalidOperation" => Code::NsmInvalidOperation,
        "BufferTooSmall" => Code::NsmBufferTooSmall,
        "InputTooLarge" => Code::NsmInputTooLarge,
        "InternalError" => Code::NsmInternalError,
        // A code of the interface, and no error: there is no telling whether the operation was done.
        "Success" => return malformed(&request.subject(), "results, or an error", "the error Success"),
        _ => Code::NsmErrorUnknown,
    };
    Error::at(code, request.subject(), "success", shown(name))
}

fn pcr(decoder: &mut Decoder<'_>, place: &'static str) -> Result<Pcr, Error> {
    let bytes = decoder.bytes().map_err(fault(place, "a byte string"))?;
    let bytes: [u8; PCR_LEN] =
        bytes.try_into().map_err(|_| malformed(place, "48 bytes", format_args!("{} bytes", bytes.len())))?;
    Ok(Pcr::new(bytes))
}

/// The indices of a set: each once, in any order.
fn selection(decoder: &mut Decoder<'_>, place: &'static str) -> Result<PcrSelection, Error> {
    let mut left = decoder.array().map_err(fault(place, "an array"))?;
    let mut selection = PcrSelection::EMPTY;
    while more(decoder, &mut left) {
        let raw = decoder.u64().map_err(fault(place, "an index"))?;
        let index = PcrIndex::try_from(raw).map_err(|_| malformed(place, "0..31", raw))?;
        if selection.contains(index) {
            return Err(malformed(place, "each index once", format_args!("{index} twice")));
        }
        selection = selection.with(index);
    }
    Ok(selection)
}

fn u16(decoder: &mut Decoder<'_>, place: &'static str) -> Result<u16, Error> {
    decoder.u16().map_err(fault(place, "0..65535"))
}

fn text<'a>(decoder: &mut Decoder<'a>, place: &'static str) -> Result<&'a str, Error> {
    decoder.str().map_err(fault(place, "a text"))
}
