//! The parent instance as the adversary: it knows every PCR, stores the blob, and holds the credentials. What
//! can it make the enclave unseal?

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;
#[path = "../core/tests/common/forge.rs"]
#[allow(dead_code, unreachable_pub)]
mod forge;

use common::{OTHER_IMAGE, World, attested_policy};
use forge::Forge;
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::names::{KeyArn, SealId};
use pcrseal::core::recipient::Recipient;
use pcrseal::core::secret::Secret;
use pcrseal::core::shamir;
use pcrseal::kms::wire::{DataKeySpec, EncryptRequest, EncryptionContext, GenerateDataKeyRequest};
use pcrseal::kms::{Client, Error};
use pcrseal::{Code, Outcome};
use pcrseal_emulator::kms::{Access, Action};

const FORGED: &[u8] = b"a master key of the parent's choice";
const DATA_KEY: [u8; 32] = [0x66; 32];
const SHARE_KEY: [u8; 32] = [0x77; 32];

/// The encryption context of a share, as the parent reads it off the blob.
fn context(forge: &Forge, x: usize) -> EncryptionContext {
    let seal_id = SealId::new(forge.seal_id.as_slice().try_into().unwrap());
    [
        ("pcrseal:v", "1".to_owned()),
        ("pcrseal:cluster", forge.cluster.clone()),
        ("pcrseal:seal-id", seal_id.to_string()),
        ("pcrseal:generation", forge.generation.to_string()),
        ("pcrseal:wrapping", forge.wrapping.clone()),
        ("pcrseal:share", format!("{x}/{}", forge.shares.len())),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// A blob that is the parent's own from the secret down to the sealed shares. Only the ciphertexts of the
/// share keys are KMS's to make.
fn forged_shares(forge: &mut Forge) {
    forge.set_secret(&DATA_KEY, FORGED);
    let shares = shamir::split(&DATA_KEY, 3, 5, aws_lc::BACKEND.random).unwrap();
    for (position, share) in shares.iter().enumerate() {
        forge.shares[position].2 = forge.seal_share(share.x(), &SHARE_KEY, share.y().expose());
    }
}

async fn encrypt(client: &Client, forge: &Forge, position: usize) -> Result<Vec<u8>, Error> {
    let key = KeyArn::new(&forge.shares[position].0).unwrap();
    let plaintext = Secret::copy_from(&SHARE_KEY);
    let request = EncryptRequest {
        key_id: key.as_str(),
        plaintext: &plaintext,
        encryption_context: &context(forge, position + 1),
        grant_tokens: &[],
        dry_run: false,
    };
    client.encrypt(key.region(), &request).await.map(|answer| answer.ciphertext_blob)
}

fn is_denied(error: &Error) -> bool {
    matches!(error, Error::Service(error) if error.class().is_access_denied())
}

#[tokio::test]
async fn where_keys_deny_encrypt_no_forged_blob_unseals() {
    let world = World::new().await;
    let (blob, secret) = world.sealed().await;
    let parent = world.client().build().unwrap();
    let genuine = Forge::open(&blob, b"");
    let refusal = |blob: Vec<u8>| {
        let enclave = world.enclave();
        async move { enclave.unseal(&blob).await.unwrap_err() }
    };

    // It cannot have a share key of its own encrypted, …
    for position in 0..5 {
        assert!(is_denied(&encrypt(&parent, &genuine, position).await.unwrap_err()));
    }
    // … nor obtain one: without a document, or with one of an enclave of its own (debug mode too).
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let request = AttestationRequest { public_key: Some(recipient.public_key_der()), ..Default::default() };
    let own_enclave = world.nsm(OTHER_IMAGE).attest(&request).unwrap();
    for (position, (key, ..)) in genuine.shares.iter().enumerate() {
        let key = KeyArn::new(key).unwrap();
        for recipient in [None, Some(own_enclave.as_slice())] {
            let request = GenerateDataKeyRequest {
                key_id: key.as_str(),
                spec: DataKeySpec::Aes256,
                encryption_context: &context(&genuine, position + 1),
                grant_tokens: &[],
                recipient,
                dry_run: false,
            };
            assert!(is_denied(&parent.generate_data_key(key.region(), &request).await.unwrap_err()));
        }
    }

    // Its own shares and secret behind the genuine ciphertexts: the genuine share keys do not open them.
    let mut forge = genuine.clone();
    forged_shares(&mut forge);
    let error = refusal(forge.close()).await;
    assert_eq!(error.code(), Code::QuorumNotReached);
    assert!(error.report().keys.iter().all(|row| row.code == Some(Code::ShareRejected)));

    // Its own secret behind the genuine shares: they combine to another key than it committed to.
    let mut forge = genuine.clone();
    forge.set_secret(&DATA_KEY, FORGED);
    assert_eq!(refusal(forge.close()).await.code(), Code::CommitmentMismatch);

    // The genuine commitment kept: the secret does not authenticate.
    let mut forge = genuine.clone();
    forge.set_secret(&DATA_KEY, FORGED);
    forge.commitment.clone_from(&genuine.commitment);
    assert_eq!(refusal(forge.close()).await.code(), Code::SecretRejected);

    // Made-up ciphertexts: KMS does not open them.
    let mut forge = genuine.clone();
    forged_shares(&mut forge);
    forge.shares.iter_mut().for_each(|(_, ciphertext, _)| *ciphertext = vec![0x55; 150]);
    assert_eq!(refusal(forge.close()).await.report().count(Outcome::BadResponse), 5);

    // Another generation, seal or cluster in the header: KMS authenticates the encryption context.
    let mut forge = genuine.clone();
    forge.generation += 1;
    assert_eq!(refusal(forge.close()).await.report().count(Outcome::BadResponse), 5);
    let mut forge = genuine.clone();
    forge.seal_id[0] ^= 1;
    assert_eq!(refusal(forge.close()).await.report().count(Outcome::BadResponse), 5);

    // Shares of two seals mixed: ciphertexts of the other seal are bound to its id.
    let (other_blob, _) = world.sealed().await;
    let other = Forge::open(&other_blob, b"");
    let mut forge = genuine.clone();
    forge.shares[..3].clone_from_slice(&other.shares[..3]);
    assert_eq!(refusal(forge.close()).await.report().count(Outcome::BadResponse), 3);

    // And the genuine blob still opens.
    let unsealed = world.enclave().unseal(&genuine.close()).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(&secret));
}

#[tokio::test]
async fn where_threshold_keys_permit_encrypt_a_forged_blob_does_unseal() {
    let world = World::new().await;
    let (blob, _) = world.sealed().await;
    // Three policies are loosened after the seal, where no preflight looks any more.
    let loose = attested_policy().set(Action::Encrypt, Access::Allow);
    world.keys[..3].iter().for_each(|key| key.set_policy(loose.clone()));

    let parent = world.client().build().unwrap();
    let mut forge = Forge::open(&blob, b"");
    forged_shares(&mut forge);
    for position in 0..3 {
        forge.shares[position].1 = encrypt(&parent, &forge, position).await.unwrap();
    }
    let unsealed = world.enclave().unseal(&forge.close()).await.unwrap();
    assert!(unsealed.opened.secret().ct_eq(FORGED));

    // The next seal notices: the preflight refuses such keys.
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyPermitsEncrypt);
}

#[tokio::test(start_paused = true)]
async fn two_keys_that_permit_encrypt_are_one_too_few() {
    let world = World::in_process();
    let (blob, _) = world.sealed().await;
    let loose = attested_policy().set(Action::Encrypt, Access::Allow);
    world.keys[..2].iter().for_each(|key| key.set_policy(loose.clone()));

    let parent = world.client().build().unwrap();
    let mut forge = Forge::open(&blob, b"");
    let genuine = forge.clone();
    forged_shares(&mut forge);
    forge.shares[2..].clone_from_slice(&genuine.shares[2..]);
    for position in 0..2 {
        forge.shares[position].1 = encrypt(&parent, &forge, position).await.unwrap();
    }
    world.delay(&[2, 3, 4]);
    let error = world.enclave().unseal(&forge.close()).await.unwrap_err();
    // Two forged shares are good shares, and any genuine third combines to no key that was committed to.
    assert_eq!(error.code(), Code::CommitmentMismatch);
}
