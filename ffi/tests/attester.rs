//! The attester alone, and the key that KMS encrypts its answers to.
#![allow(
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use std::{fs, ptr, thread};

use common::World;
use common::calls::{Handle, Outcome, c, called, lent, made, refused, vectors, written};
use pcrseal::Code;
use pcrseal::core::attestation::AttestationDocument;
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::names::KeyArn;
use pcrseal::core::secret::Secret as CoreSecret;
use pcrseal::kms::Client;
use pcrseal::kms::wire::{Credentials, DataKeySpec, EncryptionContext, GenerateDataKeyRequest, Released};
use pcrseal_ffi::*;
use serde_json::Value;

fn config(set: impl FnOnce(*mut Config, *mut *mut Error) -> Status) -> Handle<Config> {
    // Nothing but the attester counts.
    let config = made(pcrseal_config_free, |config, error| unsafe {
        pcrseal_config_new(c("no cluster!").as_ptr(), config, error)
    })
    .unwrap();
    called(|error| set(config.get(), error)).unwrap();
    config
}

fn open(config: *const Config) -> Outcome<Handle<Attester>> {
    made(pcrseal_attester_free, |attester, error| unsafe { pcrseal_attester_open(config, attester, error) })
}

fn of_socket(path: &str) -> Outcome<Handle<Attester>> {
    open(
        config(|config, error| unsafe { pcrseal_config_set_nsm_socket(config, c(path).as_ptr(), error) })
            .get(),
    )
}

fn of_device(path: &str) -> Outcome<Handle<Attester>> {
    open(
        config(|config, error| unsafe { pcrseal_config_set_nsm_device(config, c(path).as_ptr(), error) })
            .get(),
    )
}

/// The emulator's.
fn attester(world: &World) -> Handle<Attester> {
    let document = world.document();
    of_socket(document["attester"]["path"].as_str().unwrap()).unwrap()
}

fn attest(attester: &Handle<Attester>, fields: [Option<&[u8]>; 3]) -> Outcome<Vec<u8>> {
    let [public_key, user_data, nonce] =
        fields.map(|field| field.map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len())));
    written(|document, capacity, len, error| unsafe {
        pcrseal_attester_attest(
            attester.get(),
            public_key.0,
            public_key.1,
            user_data.0,
            user_data.1,
            nonce.0,
            nonce.1,
            document,
            capacity,
            len,
            error,
        )
    })
}

#[test]
fn documents_carry_what_was_asked_for() {
    let world = World::new();
    let attester = attester(&world);
    for fields in [
        [None, None, None],
        [Some(&b"public key"[..]), None, None],
        [None, Some(b"user data"), None],
        [None, None, Some(b"nonce")],
        [Some(b""), Some(b""), Some(b"")],
        [Some(&[1; 1024]), Some(&[2; 1024]), Some(&[3; 1024])],
    ] {
        let document = attest(&attester, fields).unwrap();
        let AttestationRequest { public_key, user_data, nonce } =
            AttestationDocument::parse(&document).unwrap().unverified_request();
        assert_eq!([public_key, user_data, nonce], fields);
    }
    assert_eq!(refused(attest(&attester, [None, Some(&[0; 8192]), None])), Code::NsmInputTooLarge);
}

#[test]
fn a_capacity_that_might_not_do_is_refused_before_the_attester_is_asked() {
    let world = World::new();
    let attester = attester(&world);
    // More than the module takes: if it were asked, it would say so.
    let user_data = [0; 8192];
    let attest = |capacity: usize| {
        let (mut document, mut len) = (vec![0; capacity], usize::MAX);
        let outcome = called(|error| unsafe {
            let (null, at) = (ptr::null(), document.as_mut_ptr());
            let attester = attester.get();
            pcrseal_attester_attest(
                attester,
                null,
                0,
                user_data.as_ptr(),
                8192,
                null,
                0,
                at,
                capacity,
                &raw mut len,
                error,
            )
        });
        (refused(outcome), len)
    };
    let bound = PCRSEAL_ATTESTATION_DOCUMENT_MAX as usize;
    assert_eq!(attest(bound - 1), (Code::BufferTooSmall, bound));
    assert_eq!(attest(bound), (Code::NsmInputTooLarge, 0));
}

#[test]
fn measured_pcrs() {
    let world = World::new();
    let attester = &attester(&world);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let pcrs = made(pcrseal_pcr_set_free, |pcrs, error| unsafe {
                    pcrseal_attester_measured_pcrs(attester.get(), pcrs, error)
                })
                .unwrap();
                for (index, byte) in [(0, 0xa0), (1, 0xa1), (2, 0xa2)] {
                    let value = written(|value, capacity, len, error| unsafe {
                        pcrseal_pcr_set_value(pcrs.get(), index, value, capacity, len, error)
                    });
                    assert_eq!(value.unwrap(), [byte; 48]);
                }
                assert_eq!(unsafe { pcrseal_pcr_set_selection(pcrs.get()) } & 0b111, 0b111);
            });
        }
    });
}

#[test]
fn attesters_that_are_not_there() {
    let world = World::new();
    let place = |name: &str| world.path(name).to_str().unwrap().to_owned();
    assert_eq!(refused(of_socket(&place("nothing"))), Code::NsmSocket);
    assert_eq!(refused(of_device(&place("nothing"))), Code::NsmDeviceMissing);
    fs::write(world.path("file"), "").unwrap();
    assert_eq!(refused(of_device(&place("file"))), Code::NsmDeviceKind);
    // NULL is the default device, whatever this machine has there.
    let by_default = open(ptr::null()).map(drop).map_err(|failed| failed.code);
    assert_eq!(by_default, of_device("/dev/nsm").map(drop).map_err(|failed| failed.code));
    let tool = config(|config, error| unsafe {
        pcrseal_config_set_nitro_tpm(config, c("/nonexistent/nitro-tpm-attest").as_ptr(), error)
    });
    let attester = open(tool.get()).unwrap();
    let mut memory = vec![0; PCRSEAL_ATTESTATION_DOCUMENT_MAX as usize];
    let mut len = 0;
    let outcome = called(|error| unsafe {
        let (null, at, capacity) = (ptr::null(), memory.as_mut_ptr(), memory.len());
        pcrseal_attester_attest(attester.get(), null, 0, null, 0, null, 0, at, capacity, &raw mut len, error)
    });
    assert_eq!(refused(outcome), Code::NitroTpmTool);
}

fn recipient() -> Handle<Recipient> {
    made(pcrseal_recipient_free, |recipient, error| unsafe { pcrseal_recipient_new(recipient, error) })
        .unwrap()
}

fn opened(recipient: &Handle<Recipient>, message: &[u8]) -> Outcome<Handle<Secret>> {
    made(pcrseal_secret_free, |secret, error| unsafe {
        pcrseal_recipient_open(recipient.get(), message.as_ptr(), message.len(), secret, error)
    })
}

#[test]
fn a_recipient_opens_what_kms_encrypts_to_it() {
    let world = World::new();
    let (attester, ours, other) = (attester(&world), recipient(), recipient());
    let public_key = lent(|len| unsafe { pcrseal_recipient_public_key(ours.get(), len) }).unwrap();
    assert_eq!(public_key.len(), 294);
    let document = attest(&attester, [Some(&public_key), None, None]).unwrap();

    let secret = |text: &str| CoreSecret::copy_from(text.as_bytes());
    let credentials =
        Credentials::new("ASIATEST", secret("test-secret"), Some(secret("test-token"))).unwrap();
    let client =
        Client::builder().endpoint_url(&world.aws.endpoint()).credentials(credentials).build().unwrap();
    let key = KeyArn::new(world.keys[0].arn()).unwrap();
    let message = world.runtime().block_on(data_key(&client, &key, &document));

    let plaintext = opened(&ours, &message).unwrap();
    assert_eq!(unsafe { pcrseal_secret_len(plaintext.get()) }, 32);
    assert_ne!(plaintext.bytes(), [0; 32]);
    assert_eq!(opened(&ours, &message).unwrap().bytes(), plaintext.bytes());

    assert_eq!(refused(opened(&other, &message)), Code::CmsForeignRecipient);
    let mut altered = message.clone();
    // Within the encrypted key, whose place is the same in every message to a key of 2048 bits.
    altered[0x90] ^= 1;
    assert_eq!(refused(opened(&ours, &altered)), Code::Rejected);
    assert_eq!(refused(opened(&ours, &message[..message.len() - 1])), Code::CmsTruncated);
    assert_eq!(refused(opened(&ours, &[])), Code::CmsSize);
    assert_eq!(refused(opened(&ours, &[0; 6145])), Code::CmsSize);
}

async fn data_key(client: &Client, key: &KeyArn, document: &[u8]) -> Vec<u8> {
    let request = GenerateDataKeyRequest {
        key_id: key.as_str(),
        spec: DataKeySpec::Aes256,
        encryption_context: &EncryptionContext::new(),
        grant_tokens: &[],
        recipient: Some(document),
        dry_run: false,
    };
    let answer = Client::generate_data_key(client, key.region(), &request).await.unwrap();
    match answer.released {
        Released::ForRecipient(message) => message,
        _ => panic!("a plaintext for nobody in particular"),
    }
}

#[test]
fn genuine_messages_to_others() {
    let Some(folder) = vectors("cms") else { return };
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let recipient = recipient();
    let mut seen = 0;
    for blob in index["blobs"].as_array().unwrap() {
        let message = fs::read(folder.join(blob["file"].as_str().unwrap())).unwrap();
        let sha1 = blob["file"].as_str().unwrap().contains("sha1");
        let expected = if sha1 { Code::CmsOaepSha1 } else { Code::CmsForeignRecipient };
        assert_eq!(refused(opened(&recipient, &message)), expected, "{}", blob["file"]);
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn null_is_no_recipient() {
    assert_eq!(lent(|len| unsafe { pcrseal_recipient_public_key(ptr::null(), len) }), None);
    unsafe {
        pcrseal_recipient_free(ptr::null_mut());
        pcrseal_attester_free(ptr::null_mut());
    }
}
