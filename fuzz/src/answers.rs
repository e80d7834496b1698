//! Answers of KMS as input of the fuzz target `answer`, and every operation that reads them.
//!
//! An input is two bytes of status, a byte whose lowest bit says whether Recipient was sent, four lines (the error
//! type, the request id, `retry-after`, `date`), and the body.

use pcrseal_core::secret::Secret;
use pcrseal_kms::Error;
use pcrseal_kms::wire::{
    DataKeyPairSpec, DataKeySpec, DecryptRequest, DeriveSharedSecretRequest, DescribeKeyRequest,
    DisableKeyRequest, EnableKeyRequest, EncryptRequest, EncryptionContext, GenerateDataKeyPairRequest,
    GenerateDataKeyRequest, GenerateRandomRequest, GetKeyPolicyRequest, HttpAnswer, PutKeyPolicyRequest,
    ReEncryptRequest, Released,
};

/// An input, taken apart.
pub struct Input<'a> {
    status: u16,
    pub with_recipient: bool,
    headers: [&'a [u8]; 4],
    pub body: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let ([high, low, flags], rest) = data.split_first_chunk()?;
        let mut parts = rest.splitn(5, |byte| *byte == b'\n');
        let mut next = || parts.next();
        Some(Self {
            status: u16::from_be_bytes([*high, *low]),
            with_recipient: flags & 1 == 1,
            headers: [next()?, next()?, next()?, next()?],
            body: next()?,
        })
    }

    pub fn answer(&self) -> HttpAnswer<'a> {
        let names = ["x-amzn-errortype", "x-amzn-requestid", "retry-after", "date"];
        HttpAnswer::new(self.status, names.into_iter().zip(self.headers), self.body)
    }
}

/// Writes an input: the headers are the error type, the request id, `retry-after` and `date`.
pub fn input(status: u16, with_recipient: bool, headers: [&str; 4], body: &str) -> Vec<u8> {
    let head = [&status.to_be_bytes()[..], &[u8::from(with_recipient)]].concat();
    [head, headers.map(|header| format!("{header}\n")).concat().into_bytes(), body.into()].concat()
}

type Read = fn(&HttpAnswer<'_>, bool) -> Result<Option<Released>, Error>;

const CONTEXT: &EncryptionContext = &EncryptionContext::new();

/// Every operation: reads an answer to a request with or without Recipient, and gives what it releases.
pub const OPERATIONS: [Read; 12] = [
    |answer, with| {
        let request = DecryptRequest {
            key_id: "k",
            ciphertext_blob: b"c",
            encryption_context: CONTEXT,
            grant_tokens: &[],
            recipient: document(with),
            dry_run: false,
        };
        answer.read(&request).map(|answer| Some(answer.released))
    },
    |answer, with| {
        let request = GenerateDataKeyRequest {
            key_id: "k",
            spec: DataKeySpec::Aes256,
            encryption_context: CONTEXT,
            grant_tokens: &[],
            recipient: document(with),
            dry_run: false,
        };
        answer.read(&request).map(|answer| Some(answer.released))
    },
    |answer, with| {
        let request = GenerateDataKeyPairRequest {
            key_id: "k",
            spec: DataKeyPairSpec::EccNistP256,
            encryption_context: CONTEXT,
            grant_tokens: &[],
            recipient: document(with),
            dry_run: false,
        };
        answer.read(&request).map(|answer| Some(answer.released))
    },
    |answer, with| {
        let request = GenerateRandomRequest {
            number_of_bytes: 32,
            custom_key_store_id: None,
            recipient: document(with),
        };
        answer.read(&request).map(|answer| Some(answer.released))
    },
    |answer, with| {
        let request = DeriveSharedSecretRequest {
            key_id: "k",
            public_key: b"p",
            grant_tokens: &[],
            recipient: document(with),
            dry_run: false,
        };
        answer.read(&request).map(|answer| Some(answer.released))
    },
    |answer, _| {
        let plaintext = &Secret::new(vec![0]);
        let request = EncryptRequest {
            key_id: "k",
            plaintext,
            encryption_context: CONTEXT,
            grant_tokens: &[],
            dry_run: false,
        };
        answer.read(&request).map(|_| None)
    },
    |answer, _| {
        let request = ReEncryptRequest {
            ciphertext_blob: b"c",
            source_key_id: "k",
            source_encryption_context: CONTEXT,
            destination_key_id: "k",
            destination_encryption_context: CONTEXT,
            grant_tokens: &[],
            dry_run: false,
        };
        answer.read(&request).map(|_| None)
    },
    |answer, _| answer.read(&DescribeKeyRequest { key_id: "k", grant_tokens: &[] }).map(|_| None),
    |answer, _| answer.read(&DisableKeyRequest { key_id: "k" }).map(|()| None),
    |answer, _| answer.read(&EnableKeyRequest { key_id: "k" }).map(|()| None),
    |answer, _| answer.read(&GetKeyPolicyRequest { key_id: "k" }).map(|_| None),
    |answer, _| {
        let request =
            PutKeyPolicyRequest { key_id: "k", policy: "{}", bypass_policy_lockout_safety_check: false };
        answer.read(&request).map(|()| None)
    },
];

fn document(with_recipient: bool) -> Option<&'static [u8]> {
    with_recipient.then_some(b"document")
}
