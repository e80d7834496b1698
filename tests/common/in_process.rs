//! A client's way to an emulated KMS in this process. There are no sockets, so with tokio's clock paused time passes
//! in timers alone (delays, limits, waits) and computing takes none.

use std::sync::Arc;

use pcrseal::kms::{
    AuthenticatedTransport, TransportAnswer, TransportError, TransportFuture, TransportRequest,
};
use pcrseal_emulator::kms::{Bytes, Kms, Request};

/// 2026-01-01T00:00:00Z: where a clock that goes with tokio's starts.
pub const START_MILLIS: u64 = 1_767_225_600_000;

/// Carries requests to a KMS.
pub struct InProcess(pub Arc<Kms>);

impl AuthenticatedTransport for InProcess {
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer> {
        let mut http = Request::post("/");
        for (name, value) in request.headers.iter() {
            http = http.header(name, value);
        }
        let http = http.body(Bytes::copy_from_slice(request.body)).unwrap();
        Box::pin(async move {
            let answer =
                self.0.exchange(http).await.map_err(|fault| TransportError::Http(Box::new(fault)))?;
            let headers = answer
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect();
            let status = answer.status().as_u16();
            Ok(TransportAnswer { status, headers, body: answer.into_body().to_vec().into() })
        })
    }
}
