//! What came for a recipient, opened: with messages as AWS KMS writes them, through the answers that carry them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../../core/tests/common/cms/mod.rs"]
#[allow(unreachable_pub)]
mod cms;

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::Code;
use pcrseal_core::recipient::Recipient;
use pcrseal_core::secret::Secret;
use pcrseal_kms::Error;
use pcrseal_kms::limits::MAX_PLAINTEXT_LEN;
use pcrseal_kms::wire::{
    DataKeyPairSpec, EncryptionContext, GenerateDataKeyPairRequest, HttpAnswer, Released,
};
use serde_json::json;

static RECIPIENT: LazyLock<Recipient> = LazyLock::new(|| Recipient::generate(&aws_lc::BACKEND).unwrap());

fn for_recipient(plaintext: &[u8]) -> Released {
    Released::ForRecipient(cms::ciphertext_for_recipient(RECIPIENT.public_key_der(), plaintext))
}

fn refused(result: Result<Secret, Error>) -> Code {
    match result {
        Err(Error::BadAnswer(bad)) => bad.fault.code(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

/// A PKCS#8 key of RSA-4096 is about 2380 bytes long, the longest that a pair can have.
#[test]
fn the_longest_private_key_passes_through_the_answer_and_opens() {
    let private_key: Vec<u8> = (0..=250).cycle().take(2380).collect();
    let Released::ForRecipient(cms) = for_recipient(&private_key) else { panic!() };
    let body = json!({
        "KeyId": "arn", "KeyPairSpec": "RSA_4096", "PublicKey": "c3BraQ==", "PrivateKeyPlaintext": null,
        "PrivateKeyCiphertextBlob": "YmxvYg==", "CiphertextForRecipient": Base64::encode_string(&cms),
    });
    let request = GenerateDataKeyPairRequest {
        key_id: "arn",
        spec: DataKeyPairSpec::Rsa4096,
        encryption_context: &EncryptionContext::new(),
        grant_tokens: &[],
        recipient: Some(b"document"),
        dry_run: false,
    };
    let answer = HttpAnswer::new(200, [], body.to_string().as_bytes()).read(&request).unwrap();
    assert_eq!(answer.released.open(&RECIPIENT).unwrap().expose(), private_key);
}

#[test]
fn what_opens_is_as_long_as_a_plaintext_can_be() {
    for len in [1, 32, MAX_PLAINTEXT_LEN] {
        assert_eq!(for_recipient(&vec![7; len]).open(&RECIPIENT).unwrap().len(), len);
    }
    for len in [0, MAX_PLAINTEXT_LEN + 1] {
        let released = for_recipient(&vec![7; len]);
        assert_eq!(refused(released.open(&RECIPIENT)), Code::KmsAnswerField, "{len}");
    }
}

#[test]
fn a_plaintext_is_never_taken_for_what_came_for_a_recipient() {
    let released = Released::Plaintext(Secret::copy_from(b"in the clear"));
    assert_eq!(refused(released.open(&RECIPIENT)), Code::AnswerMissing);
    assert_eq!(refused(released.open_issuer_and_serial_number(&RECIPIENT)), Code::AnswerMissing);
}

#[test]
fn the_opt_in_is_another_method_and_neither_opens_the_others_form() {
    let released = for_recipient(b"of KMS");
    assert!(released.open(&RECIPIENT).is_ok());
    assert_eq!(refused(released.open_issuer_and_serial_number(&RECIPIENT)), Code::CmsVersion);
}

#[test]
fn a_message_for_another_recipient_is_refused() {
    let other = Recipient::generate(&aws_lc::BACKEND).unwrap();
    assert_eq!(refused(for_recipient(b"key").open(&other)), Code::CmsForeignRecipient);
}
