//! What the events of a seal, an unseal and a rotation say, and what none of them ever does. One test: the
//! recorder is the whole process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/recorder.rs"]
#[allow(dead_code, unreachable_pub)]
mod recorder;

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{IMAGE, World, attested_policy, pcrs};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::crypto::{Backend, SecureRandom, aws_lc};
use pcrseal::core::error::Error;
use pcrseal::core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal::core::policy::{Quorum, TrustPolicy};
use pcrseal::core::recipient::Recipient;
use pcrseal::core::unseal::Plan;
use pcrseal::{Attester, AuthenticatedKms, AutoUnseal, Code};
use pcrseal_emulator::kms::{Fault, KeyHandle, KeyOptions};
use recorder::{Line, Recorder, spellings};

/// Remembers every random byte that was drawn: data keys, share keys and secrets among them.
#[derive(Default)]
struct Drawn(Mutex<Vec<Vec<u8>>>);

impl SecureRandom for Drawn {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        aws_lc::BACKEND.random.fill(buffer)?;
        self.0.lock().unwrap().push(buffer.to_vec());
        Ok(())
    }
}

fn messages(lines: &[Line]) -> Vec<&str> {
    lines.iter().filter(|line| line.target == "pcrseal").map(|line| line.message.as_str()).collect()
}

fn count(lines: &[Line], message: &str) -> usize {
    messages(lines).into_iter().filter(|said| *said == message).count()
}

fn text_of(lines: &[Line], message: &str) -> String {
    let said = lines.iter().filter(|line| line.target == "pcrseal" && line.message == message);
    said.map(|line| line.text.clone() + "\n").collect()
}

/// The share keys of a blob, as KMS made them: released once more, to an enclave as good as the one that is
/// listened to.
async fn share_keys(world: &World, blob: &[u8]) -> Vec<Vec<u8>> {
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let public_key = Some(recipient.public_key_der());
    let request = AttestationRequest { public_key, ..Default::default() };
    let document = world.nsm(IMAGE).attest(&request).unwrap();
    let plan = Plan::new(blob, &world.policy(), &pcrs(IMAGE), b"").unwrap();
    let client = world.client().build().unwrap();
    let mut share_keys = Vec::new();
    for share in plan.requests() {
        let (blob, context) = (share.ciphertext_blob, &share.encryption_context);
        let released = AuthenticatedKms::decrypt(&client, share.key, blob, context, &document).await.unwrap();
        let share_key = recipient.open(&released.ciphertext_for_recipient.unwrap()).unwrap();
        share_keys.push(share_key.expose().to_vec());
    }
    share_keys
}

/// Two further keys take over.
fn successor(world: &World) -> TrustPolicy {
    let arn = |key: &KeyHandle| KeyArn::new(key.arn()).unwrap();
    let new = [0, 1].map(|number| arn(&common::key(&world.aws, number, KeyOptions::new(attested_policy()))));
    let old = world.keys.iter().map(arn).collect();
    TrustPolicy::builder(ClusterId::new("test-eu-central-1").unwrap())
        .seal_quorum(Quorum::new(2, new.to_vec(), Wrapping::Attested).unwrap())
        .unseal_quorum(Quorum::new(3, old, Wrapping::Attested).unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn every_step_is_told_and_no_secret() {
    let recorder = Recorder::install();
    let drawn: &'static Drawn = Box::leak(Box::default());
    let backend = Backend { random: drawn, ..aws_lc::BACKEND };
    let world = World::of_one_account().await;
    let enclave = world.enclave().with_backend(backend);

    let sealed = enclave.seal_generated(32, &[]).await.unwrap();
    let seal = recorder.take();
    for (message, times) in [
        ("measured", 1),
        ("recipient made", 2),
        ("attested", 2),
        ("key asked", 15),
        ("key answered", 15),
        ("ready", 1),
        ("new blob proved", 1),
        ("sealed", 1),
        ("unsealed", 0),
    ] {
        assert_eq!(count(&seal, message), times, "{message}");
    }

    for step in ["preflight", "wrap", "release"] {
        let said = text_of(&seal, "key answered");
        assert_eq!(said.matches(&format!("step={step:?}")).count(), 5, "{step} in {said}");
    }

    let share_keys = share_keys(&world, &sealed.blob).await;
    recorder.take();

    world.keys[1].disable();
    world.delay(&[0, 2, 3, 4]);
    let report = enclave.unseal(&sealed.blob).await.unwrap().report;
    let request_id = &report.keys[1].service.as_ref().unwrap().request_id;
    let unseal = recorder.take();
    let warmed = |line: &&Line| line.target == "pcrseal_kms" && line.message == "credentials";
    assert_eq!(unseal.iter().filter(warmed).count(), 5, "every key's connection is opened ahead");
    let told = messages(&unseal);
    assert_eq!(told[..4], ["measured", "blob accepted", "recipient made", "attested"]);
    assert_eq!(
        told[4..10],
        ["key asked", "key asked", "key asked", "key asked", "key asked", "key answered"]
    );
    assert_eq!(told[10..], ["key answered", "key answered", "key answered", "ready", "unsealed"]);
    let answers = text_of(&unseal, "key answered");
    for part in
        ["outcome=key_disabled", "kms_key_disabled", "DisabledException", request_id, world.keys[1].arn()]
    {
        assert!(answers.contains(part), "{part} in {answers}");
    }
    assert_eq!(answers.matches("outcome=granted").count(), 3);

    for key in &world.keys[2..] {
        key.set_fault(Fault::InternalError);
    }
    let error = enclave.unseal(&sealed.blob).await.unwrap_err();
    assert_eq!(error.code(), Code::QuorumNotReached);
    let failed = recorder.take();
    assert_eq!((count(&failed, "unseal failed"), count(&failed, "unsealed")), (1, 0));
    for part in ["quorum_not_reached", &error.fault().to_string()] {
        assert!(text_of(&failed, "unseal failed").contains(part), "{part}");
    }
    assert!(text_of(&failed, "key answered").contains("outcome=unreachable"));

    for key in &world.keys {
        key.set_fault(None);
        key.set_delay(Duration::ZERO);
    }
    let client = world.client().build().unwrap();
    let enclave =
        AutoUnseal::new(Arc::new(world.nsm(IMAGE)), client, successor(&world)).with_backend(backend);
    let keep = |_| ready(Ok::<_, Infallible>(()));
    enclave.rotate(&sealed.blob, &[], keep).await.unwrap();
    let rotation = recorder.take();
    for (message, times) in [
        ("unsealed", 1),
        ("new blob proved", 1),
        ("sealed", 1),
        ("new blob kept", 1),
        ("key disabled", 5),
        ("key retirement", 5),
        ("rotated", 1),
    ] {
        assert_eq!(count(&rotation, message), times, "{message}");
    }
    let retirements = text_of(&rotation, "key retirement");
    assert_eq!(retirements.matches("state=\"retired\" last_answer=key_disabled").count(), 5, "{retirements}");
    assert!(text_of(&rotation, "rotated").contains("generation=2 old_blob_revoked=true"));
    enclave.rotate(b"no blob", &[], keep).await.unwrap_err();
    let refused = recorder.take();
    assert!(text_of(&refused, "unseal failed").contains("blob_malformed"));

    let secrets = [sealed.opened.secret().expose().to_vec(), b"test-secret".to_vec(), b"test-token".to_vec()];
    let drawn = drawn.0.lock().unwrap().clone();
    // Salts, IVs and the seal id are shorter or public; every key has 32 bytes.
    let drawn: Vec<_> = drawn.into_iter().filter(|bytes| bytes.len() == 32).collect();
    assert!(drawn.len() >= 3, "the secret, the data key, the content key");
    assert_eq!(share_keys.iter().filter(|key| key.len() == 32).count(), 5);
    let all: Vec<Line> = [seal, unseal, failed, rotation, refused].concat();
    assert!(all.iter().any(|line| line.target == "pcrseal_kms"), "the client is listened to as well");
    for secret in secrets.iter().chain(&drawn).chain(&share_keys) {
        for spelling in spellings(secret) {
            for line in &all {
                assert!(!line.text.contains(&spelling), "{spelling} in {}", line.text);
            }
        }
    }
}
