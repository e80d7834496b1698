//! A signer and an HTTP client of the tests' own, so that the server meets neither its own code nor an SDK's.
// Each test binary uses what it needs of this module.
#![allow(dead_code, unreachable_pub, clippy::format_push_string, clippy::format_collect)]

use std::path::PathBuf;
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use pcrseal_core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::Clock;
use pcrseal_emulator::kms::{Bytes, Kms, Principal, Response};
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use x509_cert::der::DateTime;

pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "111122223333";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
/// 2026-01-15T12:00:00Z
pub const NOON: u64 = 1_768_478_400_000;

/// The folder of genuine AWS data beside the checkout, which is not part of the project.
pub fn vectors(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/vectors/{name}");
    println!("skipped: no ../shared/vectors/{name} beside this checkout");
    None
}

/// Runs `openssl`; `None`, with a printed note, where there is none.
pub fn openssl(arguments: &[&str]) -> Option<(bool, String)> {
    let Ok(output) = Command::new("openssl").args(arguments).output() else {
        assert!(std::env::var_os("CI").is_none(), "CI needs openssl");
        println!("skipped: no openssl");
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// A folder of its own for one test, removed afterwards.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pcrseal-emulator-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.0.join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn index(number: u64) -> PcrIndex {
    PcrIndex::try_from(number).unwrap()
}

pub fn image() -> [Pcr; 3] {
    [Pcr::new([0xa0; 48]), Pcr::new([0xa1; 48]), Pcr::new([0xa2; 48])]
}

/// Names and values.
pub type Headers = Vec<(String, String)>;

/// A server with one principal, on a clock that stands still, and an enclave beside it.
pub struct Fixture {
    pub clock: Clock,
    pub authority: Authority,
    pub kms: Kms,
    pub nsm: Nsm,
    pub client: Client,
}

impl Fixture {
    pub async fn start() -> Self {
        let clock = Clock::fixed(NOON);
        let authority = Authority::new(&clock).unwrap();
        let kms = Kms::builder().authority(&authority).start().await.unwrap();
        kms.add_principal(Principal::new("AKIATEST", "secret", ROLE).unwrap());
        let nsm = Nsm::boot(&authority, NsmConfig::new(image()).role_arn(ROLE)).unwrap();
        let client = Client::new(&kms, &clock, "AKIATEST", "secret");
        Self { clock, authority, kms, nsm, client }
    }
}

#[derive(Clone)]
pub struct Client {
    pub address: String,
    pub clock: Clock,
    pub access_key_id: String,
    pub secret: String,
    pub token: Option<String>,
    pub region: String,
}

impl Client {
    pub fn new(kms: &Kms, clock: &Clock, access_key_id: &str, secret: &str) -> Self {
        Self {
            address: kms.endpoint().strip_prefix("http://").unwrap().to_owned(),
            clock: clock.clone(),
            access_key_id: access_key_id.into(),
            secret: secret.into(),
            token: None,
            region: REGION.into(),
        }
    }

    pub fn region(mut self, region: &str) -> Self {
        self.region = region.into();
        self
    }

    /// The signed headers of a request.
    pub fn sign(&self, operation: &str, body: &[u8]) -> Headers {
        let date = amz_date(self.clock.now_millis() / 1000);
        let mut headers = vec![
            ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
            ("host".to_owned(), self.address.clone()),
            ("x-amz-date".to_owned(), date.clone()),
        ];
        if let Some(token) = &self.token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        headers.push(("x-amz-target".to_owned(), format!("TrentService.{operation}")));
        let authorization = authorization(
            "POST",
            &headers,
            body,
            &self.access_key_id,
            &self.secret,
            &date,
            &self.region,
            "kms",
        );
        headers.push(("authorization".to_owned(), authorization));
        headers
    }

    pub async fn call(&self, operation: &str, body: &Value) -> Reply {
        self.try_call(operation, body).await.expect("an answer")
    }

    /// `None` when the connection was closed without an answer.
    pub async fn try_call(&self, operation: &str, body: &Value) -> Option<Reply> {
        let body = body.to_string().into_bytes();
        send(&self.address, "POST / HTTP/1.1", &self.sign(operation, &body), &body).await
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn from_response(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let line =
            |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}\n", value.to_str().unwrap());
        let head = parts.headers.iter().map(line).collect();
        Self { status: parts.status.as_u16(), head, body: body.to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member} in {:?}", self.json())).to_owned()
    }

    pub fn blob(&self, member: &str) -> Vec<u8> {
        STANDARD.decode(self.text(member)).unwrap()
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str, text: &str) {
        let json = self.json();
        assert_eq!((self.status, json["__type"].as_str()), (status, Some(code)), "{json}");
        let message = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
        assert!(message.contains(text), "{json} does not say {text:?}");
        assert_eq!(self.header("content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(self.header("x-amzn-requestid").map(str::len), Some(36));
    }
}

pub async fn send(
    address: &str,
    request_line: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Option<Reply> {
    let mut head = format!("{request_line}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    send_raw(address, &[head.as_bytes(), body].concat()).await
}

pub async fn send_raw(address: &str, request: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read all of a hostile request.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head, body: answer[end + 4..].to_vec() })
}

/// The `Authorization` header; `headers` must be sorted by name.
#[allow(clippy::too_many_arguments)]
pub fn authorization(
    method: &str,
    headers: &[(String, String)],
    body: &[u8],
    access_key_id: &str,
    secret: &str,
    date: &str,
    region: &str,
    service: &str,
) -> String {
    let canonical_headers: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let canonical = format!("{method}\n/\n\n{canonical_headers}\n{names}\n{}", sha256_hex(body));
    let day = &date[..8];
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
}

pub fn amz_date(unix_seconds: u64) -> String {
    let text =
        DateTime::from_unix_duration(std::time::Duration::from_secs(unix_seconds)).unwrap().to_string();
    text.replace(['-', ':'], "")
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

fn sha256_hex(data: &[u8]) -> String {
    hex(digest(&SHA256, data).as_ref())
}
