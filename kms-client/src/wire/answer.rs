//! HTTP answers: a typed answer, an error of the service, or an answer that cannot be used.

use core::time::Duration;

use pcrseal_core::error::{Code, Error as Fault};
use serde::Deserialize;

use super::{Operation, date, json};
use crate::limits::{MAX_ANSWER_LEN, MAX_ERROR_CODE_LEN, MAX_ERROR_MESSAGE_LEN};
use crate::service_error::printable;
use crate::{BadAnswer, Error, ServiceError};

/// An answer as it came: the status, the header fields that matter, and the body.
///
/// The body may hold a plaintext: wiping it is the duty of who owns it.
pub struct HttpAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-amzn-errortype`.
    pub error_type: Option<&'a str>,
    /// The header `x-amzn-requestid`.
    pub request_id: Option<&'a str>,
    /// The header `retry-after`.
    pub retry_after: Option<&'a str>,
    /// The header `date`.
    pub date: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> HttpAnswer<'a> {
    /// Takes an answer with its header fields as pairs of name (any case) and value; a field whose value is not
    /// UTF-8 counts as absent.
    pub fn new(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>, body: &'a [u8]) -> Self {
        let mut answer =
            Self { status, error_type: None, request_id: None, retry_after: None, date: None, body };
        for (name, value) in headers {
            let value = str::from_utf8(value).ok();
            if name.eq_ignore_ascii_case("x-amzn-errortype") {
                answer.error_type = value;
            } else if name.eq_ignore_ascii_case("x-amzn-requestid") {
                answer.request_id = value;
            } else if name.eq_ignore_ascii_case("retry-after") {
                answer.retry_after = value;
            } else if name.eq_ignore_ascii_case("date") {
                answer.date = value;
            }
        }
        answer
    }

    /// The server's clock when it answered, in seconds since 1970: the header `date`, if it is an IMF-fixdate.
    /// As trustworthy as the connection.
    pub fn server_time(&self) -> Option<u64> {
        date::imf_fixdate(self.date?)
    }

    /// Reads the answer to `operation`.
    ///
    /// # Errors
    /// [`Error::Service`] for every status but 200; [`Error::BadAnswer`] if the answer cannot be used.
    pub fn read<O: Operation>(&self, operation: &O) -> Result<O::Answer, Error> {
        let bad = |fault| {
            let request_id = printable(self.request_id.unwrap_or_default(), MAX_ERROR_CODE_LEN);
            Error::BadAnswer(BadAnswer { fault, request_id })
        };
        if self.body.len() > MAX_ANSWER_LEN {
            return Err(bad(Fault::new(Code::KmsAnswerTooLong)));
        }
        if self.status == 200 {
            operation.parse(self.body).map_err(bad)
        } else {
            Err(Error::Service(self.service_error()))
        }
    }

    fn service_error(&self) -> ServiceError {
        self.read_service_error().with_retry_after(self.retry_after())
    }

    //= RFC 9110 section 10.2.3: "Retry-After = HTTP-date / delay-seconds"
    fn retry_after(&self) -> Option<Duration> {
        let text = self.retry_after?;
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Beyond what a u64 holds it is still a wait, and is cut like every long one.
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        // Against the server's own clock: ours may stand elsewhere.
        let wait = date::imf_fixdate(text)?.saturating_sub(self.server_time()?);
        Some(Duration::from_secs(wait))
    }

    fn read_service_error(&self) -> ServiceError {
        let error_type = self.error_type.unwrap_or_default();
        let request_id = self.request_id.unwrap_or_default();
        let Ok(body) = json::read::<ErrorBody<'_>>(self.body) else {
            // Not from KMS itself, but from something on the way: its words are all there is to go by. Under a
            // status that says success they could be a key.
            let quoted = if (200..300).contains(&self.status) { &[] } else { self.body };
            let head = quoted.get(..MAX_ERROR_MESSAGE_LEN).unwrap_or(quoted);
            return ServiceError::new(self.status, error_type, &String::from_utf8_lossy(head), request_id);
        };
        let kind = body.kind.as_ref().map(json::Text::as_str).unwrap_or_default();
        let message = body.message.as_ref().or(body.message_capital.as_ref()).map(json::Text::as_str);
        let code = if error_type.is_empty() { kind } else { error_type };
        ServiceError::new(self.status, code, message.unwrap_or_default(), request_id)
    }
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type", borrow)]
    kind: Option<json::Text<'a>>,
    #[serde(borrow)]
    message: Option<json::Text<'a>>,
    #[serde(rename = "Message", borrow)]
    message_capital: Option<json::Text<'a>>,
}
