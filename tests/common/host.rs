//! A host with a transport of its own: sockets, and a few lines of HTTP by hand.

use std::io::{Read, Write};
use std::net::TcpStream;

use pcrseal::HostRequest;
use pcrseal::core::secret::Secret;
use pcrseal::kms::wire::{Credentials, HttpAnswer};

use crate::common::World;

/// An answer as it came.
pub struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    pub fn http(&self) -> HttpAnswer<'_> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        HttpAnswer::new(self.status, headers, &self.body)
    }
}

pub fn credentials() -> Credentials {
    let secret = |text: &str| Secret::copy_from(text.as_bytes());
    Credentials::new("ASIATEST", secret("test-secret"), Some(secret("test-token"))).unwrap()
}

/// One connection per request, read to its end; nothing where it broke before there was an answer.
pub fn send(world: &World, request: &HostRequest) -> Option<Answer> {
    let address = world.aws.port().unwrap().address();
    let written =
        request.http1(&credentials(), Some(&address.to_string()), world.clock.now_seconds()).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(written.expose()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Answer::read(&answer)
}
