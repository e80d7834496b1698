//! Arbitrary bytes as `CiphertextForRecipient`: no panic, lengths that agree, exactly one end, and an opening
//! that equals the plain model whatever key and padding come out.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pcrseal_core::cms::EnvelopedData;
use pcrseal_core::error::Code;
use pcrseal_core::recipient::Recipient;
use pcrseal_fuzz::key::{model, recipient, subject_key_identifier};

static RECIPIENT: LazyLock<Recipient> = LazyLock::new(recipient);

fuzz_target!(|data: &[u8]| {
    let opened = RECIPIENT.open(data);
    let message = match EnvelopedData::parse(data) {
        Ok(message) => message,
        Err(error) => {
            assert_eq!(opened.expect_err("unreadable, so it cannot open").code(), error.code());
            return;
        }
    };

    let chunks: usize = message.encrypted_content().map(<[u8]>::len).sum();
    assert_eq!(chunks, message.encrypted_content_len());
    assert!(chunks > 0 && chunks.is_multiple_of(16) && chunks < data.len());
    assert!((256..=512).contains(&message.encrypted_key().len()));

    let (_, shorter) = data.split_last().expect("a message is not empty");
    assert!(EnvelopedData::parse(shorter).is_err(), "a message cut short");
    assert!(EnvelopedData::parse(&[data, &[0]].concat()).is_err(), "a byte after the end");

    // The same message for the fixed key, so that every message that can be read is also opened.
    let identifier = message.subject_key_identifier();
    if *identifier != subject_key_identifier() {
        assert_eq!(opened.expect_err("for another recipient").code(), Code::CmsForeignRecipient);
    }
    let offset = identifier.as_ptr() as usize - data.as_ptr() as usize;
    let mut ours = data.to_vec();
    ours[offset..offset + 32].copy_from_slice(&subject_key_identifier());
    match (RECIPIENT.open(&ours), model(&message)) {
        (Ok(opened), Some(expected)) => assert_eq!(opened.expose(), expected),
        (Err(error), None) => assert_eq!(error, Code::Rejected.into()),
        (opened, expected) => panic!("opened: {}, expected: {}", opened.is_ok(), expected.is_some()),
    }
});
