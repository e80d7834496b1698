//! A transport in memory: each exchange is recorded, and answered as the script says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pcrseal_kms::{
    AuthenticatedTransport, TransportAnswer, TransportError, TransportFuture, TransportRequest,
};
use tokio::time::{Instant, sleep};

/// What an exchange comes to, and after which time.
pub type Step = (Duration, Result<TransportAnswer, TransportError>);

pub struct Memory {
    script: Box<dyn Fn(usize) -> Step + Send + Sync>,
    warm_up: Duration,
    start: Instant,
    log: Mutex<Vec<Exchange>>,
}

#[derive(Clone, Debug)]
pub struct Exchange {
    /// Since the transport was made.
    pub at: Duration,
    pub url: String,
    pub headers: String,
}

impl Memory {
    /// The script is given the number of the exchange, from 0. To be made inside the runtime, whose clock counts.
    pub fn new(script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Arc<Self> {
        Self::with_warm_up(Duration::ZERO, script)
    }

    pub fn with_warm_up(
        warm_up: Duration,
        script: impl Fn(usize) -> Step + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), warm_up, start: Instant::now(), log: Mutex::default() })
    }

    pub fn log(&self) -> Vec<Exchange> {
        self.log.lock().unwrap().clone()
    }

    /// When each exchange began, in milliseconds.
    pub fn times(&self) -> Vec<u128> {
        self.log().iter().map(|exchange| exchange.at.as_millis()).collect()
    }
}

impl AuthenticatedTransport for Memory {
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer> {
        let number = {
            let mut log = self.log.lock().unwrap();
            let headers = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            log.push(Exchange { at: self.start.elapsed(), url: request.url.to_owned(), headers });
            log.len() - 1
        };
        Box::pin(async move {
            let (delay, outcome) = (self.script)(number);
            sleep(delay).await;
            outcome
        })
    }

    fn warm_up<'a>(&'a self, _region: &'a str, url: &'a str) -> TransportFuture<'a, ()> {
        Box::pin(async move {
            sleep(self.warm_up).await;
            if url.contains("us-gov") {
                return Err(TransportError::Connect(std::io::ErrorKind::ConnectionRefused.into()));
            }
            Ok(())
        })
    }
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> TransportAnswer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    TransportAnswer { status, headers: headers.collect(), body: body.as_bytes().to_vec().into() }
}

/// An answer that says no, as KMS does.
pub fn refusal(status: u16, code: &str, message: &str, headers: &[(&str, &str)]) -> TransportAnswer {
    answer(status, headers, &format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
}
