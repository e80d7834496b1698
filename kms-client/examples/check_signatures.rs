//! Holds a KMS server to its signature check: what this client signs must be accepted, and nothing that was
//! altered after signing or signed by somebody else. `scripts/interop-moto.sh` runs it.
//!
//! `check_signatures ENDPOINT REGION KEY_ARN`, with the credentials in `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`.
#![allow(clippy::panic)] // a check that fails ends the program

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{
    Credentials, DataKeySpec, DecryptRequest, DescribeKeyRequest, EncryptRequest, EncryptionContext,
    GenerateDataKeyRequest, HttpAnswer, HttpRequest, Released,
};
use pcrseal_kms::{Client, Error};

type Failure = Box<dyn StdError>;

/// Where the checks go, and the key that they use.
struct Target {
    endpoint: String,
    region: String,
    key_arn: String,
}

/// The three parts of AWS credentials.
#[derive(Clone)]
struct Parts {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, region, key_arn] = arguments.as_slice() else {
        return Err("usage: check_signatures ENDPOINT REGION KEY_ARN".into());
    };
    let target = Target { endpoint: endpoint.clone(), region: region.clone(), key_arn: key_arn.clone() };
    let parts = Parts {
        access_key_id: std::env::var("AWS_ACCESS_KEY_ID")?,
        secret_access_key: std::env::var("AWS_SECRET_ACCESS_KEY")?,
        session_token: std::env::var("AWS_SESSION_TOKEN").ok(),
    };
    accepted(&target, &parts).await?;
    strangers_are_refused(&target, &parts).await?;
    alterations_are_refused(&target, &parts)
}

/// The operations answer, so the signatures over all of their bodies were found good.
async fn accepted(target: &Target, parts: &Parts) -> Result<(), Failure> {
    let client = target.client(parts)?;
    let context = EncryptionContext::from([("purpose".into(), "naïve \"signature\" test".into())]);
    let plaintext = Secret::copy_from(b"thirty-two bytes of a share key.");
    let key_id = target.key_arn.as_str();

    let encrypted = client
        .encrypt(
            &target.region,
            &EncryptRequest {
                key_id,
                plaintext: &plaintext,
                encryption_context: &context,
                grant_tokens: &[],
                dry_run: false,
            },
        )
        .await?;
    assert_eq!(encrypted.key_id, target.key_arn, "KeyId of Encrypt");
    target.opens(&client, &encrypted.ciphertext_blob, &context, plaintext.expose()).await?;

    let spec = DataKeySpec::Aes256;
    let request = GenerateDataKeyRequest {
        key_id,
        spec,
        encryption_context: &context,
        recipient: None,
        grant_tokens: &[],
        dry_run: false,
    };
    let generated = client.generate_data_key(&target.region, &request).await?;
    let Released::Plaintext(data_key) = &generated.released else {
        panic!("GenerateDataKey without Recipient released something else than a Plaintext");
    };
    target.opens(&client, &generated.ciphertext_blob, &context, data_key.expose()).await?;

    let metadata =
        client.describe_key(&target.region, &DescribeKeyRequest { key_id, grant_tokens: &[] }).await?;
    assert_eq!((metadata.arn.as_str(), metadata.key_state.as_str()), (key_id, "Enabled"));
    println!("  accepted: Encrypt, Decrypt, GenerateDataKey, DescribeKey");

    let unknown = key_id.replace("key/", "key/00000000-");
    let refused = client
        .describe_key(&target.region, &DescribeKeyRequest { key_id: &unknown, grant_tokens: &[] })
        .await;
    expect_code("DescribeKey of a key that is not there", refused, Code::KmsNotFound)
}

/// Well-formed requests that somebody else signed.
async fn strangers_are_refused(target: &Target, parts: &Parts) -> Result<(), Failure> {
    let mut strangers = vec![
        (
            "a wrong secret",
            "SignatureDoesNotMatch",
            Parts { secret_access_key: "guess".into(), ..parts.clone() },
        ),
        (
            "an unknown access key",
            "InvalidClientTokenId",
            Parts { access_key_id: "AKIAEXAMPLEEXAMPLE00".into(), ..parts.clone() },
        ),
    ];
    if parts.session_token.is_some() {
        let other = Parts { session_token: Some("another-token".into()), ..parts.clone() };
        strangers.push(("a wrong session token", "InvalidClientTokenId", other));
    }
    for (what, aws_code, stranger) in strangers {
        let request = DescribeKeyRequest { key_id: &target.key_arn, grant_tokens: &[] };
        let answer = target.client(&stranger)?.describe_key(&target.region, &request).await;
        expect_refusal(what, answer, aws_code)?;
    }
    Ok(())
}

/// Requests that were signed well, and altered on their way.
fn alterations_are_refused(target: &Target, parts: &Parts) -> Result<(), Failure> {
    // DescribeKey and GetKeyRotationStatus take the same body: only the signature keeps them apart.
    let alterations: [(&str, Alteration); 5] = [
        ("a body with a space more", |_, body| body.push(b' ')),
        ("another operation", |headers, _| {
            headers.insert("x-amz-target", "TrentService.GetKeyRotationStatus".into());
        }),
        ("another time", |headers, _| {
            if let Some(date) = headers.get_mut("x-amz-date") {
                // One second on or back, within the same minute.
                let last = if date.ends_with("0Z") { "1Z" } else { "0Z" };
                date.replace_range(date.len() - 2.., last);
            }
        }),
        ("another content type", |headers, _| {
            headers.insert("content-type", "application/x-amz-json-1.0".into());
        }),
        ("another signature", |headers, _| {
            if let Some(field) = headers.get_mut("authorization") {
                let last = if field.ends_with('0') { "1" } else { "0" };
                field.replace_range(field.len() - 1.., last);
            }
        }),
    ];
    let credentials = parts.credentials()?;
    let host = target.endpoint.strip_prefix("http://").ok_or("the endpoint is not http://HOST:PORT")?;
    let operation = DescribeKeyRequest { key_id: &target.key_arn, grant_tokens: &[] };
    let sign = || -> Result<(Headers, Vec<u8>), Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let request = HttpRequest::new(&operation, &credentials, &target.region, host, now)?;
        let headers = request.headers.iter().map(|(name, value)| (name, value.to_owned())).collect();
        Ok((headers, request.body.to_vec()))
    };
    // Unaltered, the same bytes over the same transport are accepted: what is refused below is the alteration.
    let (headers, body) = sign()?;
    let (status, answer) = post(host, &headers, &body)?;
    HttpAnswer::new(status, [], &answer).read(&operation)?;

    for (what, alter) in alterations {
        let (mut headers, mut body) = sign()?;
        alter(&mut headers, &mut body);
        let (status, answer) = post(host, &headers, &body)?;
        expect_refusal(what, HttpAnswer::new(status, [], &answer).read(&operation), "SignatureDoesNotMatch")?;
    }
    Ok(())
}

impl Target {
    fn client(&self, parts: &Parts) -> Result<Client, Failure> {
        Ok(Client::builder().credentials(parts.credentials()?).endpoint_url(&self.endpoint).build()?)
    }

    async fn opens(
        &self,
        client: &Client,
        ciphertext_blob: &[u8],
        encryption_context: &EncryptionContext,
        expected: &[u8],
    ) -> Result<(), Failure> {
        let key_id = self.key_arn.as_str();
        let request = DecryptRequest {
            key_id,
            ciphertext_blob,
            encryption_context,
            recipient: None,
            grant_tokens: &[],
            dry_run: false,
        };
        let answer = client.decrypt(&self.region, &request).await?;
        assert_eq!(answer.key_id, key_id, "KeyId of Decrypt");
        match answer.released {
            Released::Plaintext(plaintext) if plaintext.ct_eq(expected) => Ok(()),
            _ => Err("Decrypt did not release what was encrypted".into()),
        }
    }
}

impl Parts {
    fn credentials(&self) -> Result<Credentials, Error> {
        let secret = |text: &String| Secret::copy_from(text.as_bytes());
        let token = self.session_token.as_ref().map(secret);
        Credentials::new(&self.access_key_id, secret(&self.secret_access_key), token)
    }
}

type Headers = BTreeMap<&'static str, String>;
/// Changes a signed request.
type Alteration = fn(&mut Headers, &mut Vec<u8>);

/// Sends the request as it is, and reads the answer until the server closes the connection.
fn post(host: &str, headers: &Headers, body: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
    let mut request = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        request.extend([*name, ": ", value.as_str(), "\r\n"]);
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(host)?;
    stream.write_all(&[request.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("an answer without a head")?;
    let (head, body) = answer.split_at(end + 4);
    let status = std::str::from_utf8(head)?.split(' ').nth(1).ok_or("an answer without a status")?.parse()?;
    Ok((status, body.to_vec()))
}

/// The server refused and said why, and nothing of that was lost on the way to the caller. A server that
/// answers in XML, as AWS's front ends for other services do, has its code in the text.
fn expect_refusal<T>(what: &str, answer: Result<T, Error>, aws_code: &str) -> Result<(), Failure> {
    match answer {
        Err(Error::Service(error))
            if error.http_status() == 403
                && (error.code() == aws_code
                    || error.message().contains(&format!("<Code>{aws_code}</Code>"))) =>
        {
            println!("  refused: {what}: {} ({aws_code})", Error::Service(error).code().name());
            Ok(())
        }
        Err(error) => Err(format!("{what}: expected {aws_code}, found: {error}").into()),
        Ok(_) => Err(format!("{what} was accepted: the server does not check signatures").into()),
    }
}

fn expect_code<T>(what: &str, answer: Result<T, Error>, code: Code) -> Result<(), Failure> {
    match answer {
        Err(error) if error.code() == code => {
            println!("  refused: {what}: {}", code.name());
            Ok(())
        }
        Err(error) => Err(format!("{what}: expected {}, found: {error}", code.name()).into()),
        Ok(_) => Err(format!("{what}: expected {}, found an answer", code.name()).into()),
    }
}
