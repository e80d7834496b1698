//! What the events of a seal, an unseal and a rotation say, and what none of them ever does. One test: the
//! recorder is the whole process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/recorder.rs"]
#[allow(dead_code, unreachable_pub)]
mod recorder;

use std::sync::Mutex;

use common::World;
use pcrseal::Code;
use pcrseal::core::crypto::{Backend, SecureRandom, aws_lc};
use pcrseal::core::error::Error;
use pcrseal_emulator::kms::Fault;
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

#[tokio::test]
async fn every_step_is_told_and_no_secret() {
    let recorder = Recorder::install();
    let drawn: &'static Drawn = Box::leak(Box::default());
    let backend = Backend { random: drawn, ..aws_lc::BACKEND };
    let world = World::new().await;
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

    world.keys[1].disable();
    world.delay(&[0, 2, 3, 4]);
    enclave.unseal(&sealed.blob).await.unwrap();
    let unseal = recorder.take();
    let told = messages(&unseal);
    assert_eq!(told[..4], ["measured", "blob accepted", "recipient made", "attested"]);
    assert_eq!(
        told[4..10],
        ["key asked", "key asked", "key asked", "key asked", "key asked", "key answered"]
    );
    assert_eq!(told[10..], ["key answered", "key answered", "key answered", "ready", "unsealed"]);
    let answers = text_of(&unseal, "key answered");
    for part in ["outcome=key_disabled", "kms_key_disabled", "DisabledException", world.keys[1].arn()] {
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
    assert!(text_of(&failed, "unseal failed").contains("quorum_not_reached"));
    assert!(text_of(&failed, "key answered").contains("outcome=unreachable"));

    let secrets = [sealed.opened.secret().expose().to_vec(), b"test-secret".to_vec(), b"test-token".to_vec()];
    let drawn = drawn.0.lock().unwrap().clone();
    // Salts, IVs and the seal id are shorter or public; every key has 32 bytes.
    let drawn: Vec<_> = drawn.into_iter().filter(|bytes| bytes.len() == 32).collect();
    assert!(drawn.len() >= 3, "the secret, the data key, the content key");
    let all: Vec<Line> = [seal, unseal, failed].concat();
    assert!(all.iter().any(|line| line.target == "pcrseal_kms"), "the client is listened to as well");
    for secret in secrets.iter().chain(&drawn) {
        for spelling in spellings(secret) {
            for line in &all {
                assert!(!line.text.contains(&spelling), "{spelling} in {}", line.text);
            }
        }
    }
}
