//! What the events of an unseal say whose bytes the host moves, and that they are those of any other. One test: the
//! recorder is the whole process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "common/host.rs"]
#[allow(unreachable_pub)]
mod host;
#[path = "common/recorder.rs"]
#[allow(dead_code, unreachable_pub)]
mod recorder;

use std::time::Duration;

use common::{IMAGE, OTHER_IMAGE, World};
use host::send;
use pcrseal::core::crypto::aws_lc;
use pcrseal::{HostUnseal, Outcome};
use recorder::{Line, Recorder, spellings};

fn messages(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_told_and_no_secret() {
    let recorder = Recorder::install();
    let world = World::new().await;
    let (blob, secret) = world.sealed().await;
    recorder.take();
    let begin = |image| HostUnseal::begin(&world.nsm(image), &world.policy(), &blob, b"", &aws_lc::BACKEND);

    let mut unseal = begin(IMAGE).unwrap();
    let started = recorder.take();
    assert_eq!(messages(&started), ["measured", "blob accepted", "recipient made", "attested"]);

    world.keys[1].disable();
    let requests = unseal.requests().to_vec();
    let answers: Vec<_> = requests.iter().map(|request| send(&world, request).unwrap()).collect();
    let elapsed = Some(Duration::from_millis(7));
    unseal.failed(1, Outcome::Timeout, None).unwrap();
    for (position, answer) in (2_u8..).zip(&answers[1..]) {
        let _ = unseal.answer_from_authenticated_kms(position, &answer.http(), elapsed);
        // Told once, by the first.
        let _ = unseal.answer_from_authenticated_kms(position, &answer.http(), elapsed);
    }
    let answered = recorder.take();
    assert_eq!(messages(&answered), ["key answered"; 5]);
    for (line, part) in answered.iter().zip([
        "outcome=timeout",
        "outcome=key_disabled",
        "outcome=granted",
        "outcome=granted",
        "outcome=granted",
    ]) {
        assert!(line.text.contains(part) && line.text.contains("step=\"release\""), "{}", line.text);
    }
    assert!(answered[0].text.contains(world.keys[0].arn()) && !answered[0].text.contains("elapsed_ms"));
    assert!(answered[1].text.contains("elapsed_ms=7") && answered[1].text.contains("DisabledException"));
    unseal.finish().unwrap();
    let done = recorder.take();
    assert_eq!(messages(&done), ["ready", "unsealed"]);

    begin(OTHER_IMAGE).unwrap_err();
    let refused = recorder.take();
    assert_eq!(messages(&refused), ["measured", "unseal failed"]);
    assert!(refused[1].text.contains("pcr_drift"), "{}", refused[1].text);

    let mut unseal = begin(IMAGE).unwrap();
    let requests = unseal.requests().to_vec();
    for request in [&requests[0], &requests[2], &requests[3], &requests[4]] {
        let answer = send(&world, request).unwrap();
        unseal.answer_from_authenticated_kms(request.position(), &answer.http(), None).unwrap();
    }
    let late = recorder.take();
    assert_eq!(messages(&late)[4..], ["key answered"; 3], "the fourth is not needed");
    drop(unseal);

    begin(IMAGE).unwrap().finish().unwrap_err();
    let failed = recorder.take();
    assert_eq!(messages(&failed)[4..], ["unseal failed"]);

    for secret in [secret, b"test-secret".to_vec(), b"test-token".to_vec()] {
        for spelling in spellings(&secret) {
            for line in [&started, &answered, &done, &refused, &late, &failed].into_iter().flatten() {
                assert!(!line.text.contains(&spelling), "{spelling} in {}", line.text);
            }
        }
    }
}
