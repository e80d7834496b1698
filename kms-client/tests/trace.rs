//! What is told while it works: every step, and never a secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding};
use common::{REGION, Reply, Server, answer, builder, ok};
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{
    Credentials, DataKeySpec, DecryptRequest, EncryptRequest, EncryptionContext, GenerateDataKeyRequest,
};
use pcrseal_kms::{ClientBuilder, RetryPolicy};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Takes down every event and span of every crate, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>, Arc<AtomicU64>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Everything {
    fn line(&self, metadata: &Metadata<'_>, visit: impl FnOnce(&mut Line<'_>)) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{} {}:", metadata.level(), metadata.target()).unwrap();
        visit(&mut Line(&mut text));
        text.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata(), |line| span.record(line));
        Id::from_u64(self.1.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata(), |line| event.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMIexampleSecretAccessKey";
const SESSION_TOKEN: &str = "FwoGZXIvYXdzEexampleSessionToken";
const PLAINTEXTS: [&str; 3] = ["plaintext-of-encrypt", "plaintext-of-decrypt", "plaintext-of-generat"];

fn with_secrets(builder: ClientBuilder) -> ClientBuilder {
    let secret = |text: &str| Secret::copy_from(text.as_bytes());
    let token = Some(secret(SESSION_TOKEN));
    builder.credentials(Credentials::new("AKIDEXAMPLE", secret(SECRET_ACCESS_KEY), token).unwrap())
}

#[tokio::test]
async fn a_round_of_operations_tells_its_steps_and_no_secret() {
    let everything = Everything::default();
    let _guard = tracing::subscriber::set_default(everything.clone());

    let base64: Vec<_> = PLAINTEXTS.iter().map(|text| Base64::encode_string(text.as_bytes())).collect();
    let throttled = answer("400 Bad Request", "", r#"{"__type":"ThrottlingException"}"#);
    let encrypted = ok(r#"{"KeyId":"arn","CiphertextBlob":"YmxvYg=="}"#);
    let decrypted = ok(&format!(r#"{{"KeyId":"arn","Plaintext":"{}"}}"#, base64[1]));
    let generated =
        ok(&format!(r#"{{"KeyId":"arn","CiphertextBlob":"YmxvYg==","Plaintext":"{}"}}"#, base64[2]));
    let script = [throttled, encrypted, decrypted, generated];
    let server = Server::start(move |_, request| Reply::Keep(script[request].clone())).await;
    let client = with_secrets(builder()).endpoint_url(&server.url()).random_source(|| 0);
    let client = client.retry_policy(RetryPolicy::default()).build().unwrap();

    let warm = client.warm_up([REGION]).await;
    let context = EncryptionContext::new();
    let plaintext = Secret::copy_from(PLAINTEXTS[0].as_bytes());
    let encrypt = EncryptRequest {
        key_id: "arn",
        plaintext: &plaintext,
        encryption_context: &context,
        grant_tokens: &[],
        dry_run: false,
    };
    let encrypted = client.encrypt(REGION, &encrypt).await.unwrap();
    let decrypt = DecryptRequest {
        key_id: "arn",
        ciphertext_blob: b"blob",
        encryption_context: &context,
        recipient: None,
        grant_tokens: &[],
        dry_run: false,
    };
    let decrypted = client.decrypt(REGION, &decrypt).await.unwrap();
    let generate = GenerateDataKeyRequest {
        key_id: "arn",
        spec: DataKeySpec::NumberOfBytes(20),
        encryption_context: &context,
        recipient: None,
        grant_tokens: &[],
        dry_run: false,
    };
    let generated = client.generate_data_key(REGION, &generate).await.unwrap();

    let mut text = everything.text();
    for step in [
        "connected",
        "credentials",
        "operation=\"Encrypt\" attempt=2",
        "code=\"kms_throttled\" wait_ms=0",
        "operation=\"Decrypt\" attempt=1 status=200 request_id=\"req-1\"",
        "operation=\"GenerateDataKey\"",
        "region=\"eu-central-1\"",
    ] {
        assert!(text.contains(step), "{step} is missing in\n{text}");
    }
    // What a caller may print belongs to what is told.
    write!(text, "{warm:?} {encrypted:?} {decrypted:?} {generated:?} {client:?}").unwrap();
    let signatures: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.split("Signature=").nth(1).unwrap()[..64].to_owned())
        .collect();
    let secrets = [SECRET_ACCESS_KEY, SESSION_TOKEN].into_iter().chain(PLAINTEXTS);
    for secret in secrets.chain(base64.iter().chain(&signatures).map(String::as_str)) {
        let debug_of_bytes = format!("{:?}", secret.as_bytes());
        let debug_of_bytes = debug_of_bytes.trim_matches(['[', ']']);
        assert!(!text.contains(secret) && !text.contains(debug_of_bytes), "{secret} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn corrections_are_told() {
    use common::memory::{Memory, refusal};
    let everything = Everything::default();
    let _guard = tracing::subscriber::set_default(everything.clone());
    let transport = Memory::new(|number| {
        let date = [("date", "Sun, 30 Aug 2015 12:36:00 GMT")];
        let code = ["InvalidSignatureException", "ExpiredTokenException"][number.min(1)];
        (std::time::Duration::ZERO, Ok(refusal(400, code, "Signature expired", &date)))
    });
    let client = with_secrets(builder()).authenticated_transport(transport).build().unwrap();
    client.describe_key(REGION, &common::DESCRIBE).await.unwrap_err();
    let text = everything.text();
    for told in ["AWS's clock differs from ours: corrected", "AWS says that the credentials have expired"] {
        assert_eq!(text.matches(told).count(), 1, "{text}");
    }
}
