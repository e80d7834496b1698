//! Arbitrary answers to every operation of KMS: no panic; with Recipient never a plaintext, in whatever field or
//! spelling it came; errors that can be printed as they are, and that never quote an answer of success.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pcrseal_fuzz::answers::{Input, OPERATIONS};
use pcrseal_kms::Error;
use pcrseal_kms::limits::{MAX_ERROR_MESSAGE_LEN, MAX_RETRY_AFTER, MAX_UNIX_SECONDS};
use pcrseal_kms::wire::Released;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some(input) = Input::read(data) else { return };
    let answer = input.answer();
    assert!(answer.server_time().is_none_or(|time| time <= MAX_UNIX_SECONDS + 1));

    for (index, read) in OPERATIONS.iter().enumerate() {
        match read(&answer, input.with_recipient) {
            Ok(released) => {
                assert_eq!(answer.status, 200);
                match released {
                    Some(Released::Plaintext(secret)) => {
                        assert!(!input.with_recipient, "operation {index}: a plaintext beside Recipient");
                        assert!((1..=4096).contains(&secret.len()));
                    }
                    Some(Released::ForRecipient(cms)) => {
                        assert!(input.with_recipient);
                        assert!((1..=6144).contains(&cms.len()));
                        assert!(!holds_a_plaintext(input.body), "operation {index}");
                    }
                    Some(_) => panic!("a third kind"),
                    None => {}
                }
            }
            Err(Error::Service(error)) => {
                assert_ne!(answer.status, 200);
                assert!(error.message().len() <= MAX_ERROR_MESSAGE_LEN);
                assert!(error.retry_after().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
                printable(&error.to_string());
            }
            Err(Error::BadAnswer(bad)) => printable(&Error::BadAnswer(bad).to_string()),
            Err(other) => panic!("{other}"),
        }
    }
});

/// Read a second time, by another reader.
fn holds_a_plaintext(body: &[u8]) -> bool {
    // It refuses some escapes in strings that ours skips unread; such a body says nothing here.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    ["Plaintext", "PrivateKeyPlaintext", "SharedSecret"]
        .iter()
        .filter_map(|field| body.get(field))
        .any(|value| !value.is_null() && value.as_str() != Some(""))
}

fn printable(text: &str) {
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{text:?}");
}
