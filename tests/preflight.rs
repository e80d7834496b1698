//! What is asked of a key before a seal, against a client that answers as it likes: every fact counts, and what
//! is no answer is no leave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::future::ready;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use common::{IMAGE, World, attested_policy, encrypt_policy, pcrs};
use pcrseal::core::blob::EncryptionContext;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::names::{KeyArn, Wrapping};
use pcrseal::core::recipient::Recipient;
use pcrseal::core::report::Failure;
use pcrseal::core::seal::{Plan, SealParameters};
use pcrseal::core::secret::Secret;
use pcrseal::kms::{
    AuthenticatedTransport, Client, TransportAnswer, TransportError, TransportFuture, TransportRequest,
};
use pcrseal::{AuthenticatedKms, AutoUnseal, Code, DataKey, Error, KeyFacts, Outcome, Released};
use pcrseal_emulator::kms::{Access, Action, Fault, Operation};

/// Answers the two questions before a seal as it is told, and all else truthfully.
#[derive(Clone, Copy)]
struct Answers {
    describe_key: fn(KeyFacts) -> Result<KeyFacts, Failure>,
    may_encrypt: fn() -> Result<bool, Failure>,
    may_generate_data_key: fn() -> Result<bool, Failure>,
}

/// What a fit key of an `attested` quorum answers.
const FIT: Answers =
    Answers { describe_key: Ok, may_encrypt: || Ok(false), may_generate_data_key: || Ok(false) };

struct Told {
    client: Client,
    answers: Answers,
}

impl AuthenticatedKms for Told {
    async fn describe_key(&self, key: &KeyArn) -> Result<KeyFacts, Failure> {
        (self.answers.describe_key)(AuthenticatedKms::describe_key(&self.client, key).await?)
    }

    async fn may_encrypt(&self, _: &KeyArn, _: &EncryptionContext) -> Result<bool, Failure> {
        (self.answers.may_encrypt)()
    }

    async fn may_generate_data_key(&self, _: &KeyArn, _: &EncryptionContext) -> Result<bool, Failure> {
        (self.answers.may_generate_data_key)()
    }

    async fn encrypt(
        &self,
        key: &KeyArn,
        plaintext: &Secret,
        context: &EncryptionContext,
    ) -> Result<DataKey, Failure> {
        AuthenticatedKms::encrypt(&self.client, key, plaintext, context).await
    }

    async fn generate_data_key(
        &self,
        key: &KeyArn,
        context: &EncryptionContext,
        document: &[u8],
    ) -> Result<DataKey, Failure> {
        AuthenticatedKms::generate_data_key(&self.client, key, context, document).await
    }

    async fn decrypt(
        &self,
        key: &KeyArn,
        ciphertext_blob: &[u8],
        context: &EncryptionContext,
        document: &[u8],
    ) -> Result<Released, Failure> {
        AuthenticatedKms::decrypt(&self.client, key, ciphertext_blob, context, document).await
    }

    async fn disable_key(&self, key: &KeyArn) -> Result<(), Failure> {
        AuthenticatedKms::disable_key(&self.client, key).await
    }
}

/// Takes down what is asked, and answers nothing.
#[derive(Default)]
struct Overheard(Mutex<Vec<String>>);

impl AuthenticatedTransport for Overheard {
    fn exchange<'a>(&'a self, request: TransportRequest<'a>) -> TransportFuture<'a, TransportAnswer> {
        self.0.lock().unwrap().push(String::from_utf8(request.body.to_vec()).unwrap());
        Box::pin(ready(Err(TransportError::Connect(ErrorKind::ConnectionRefused.into()))))
    }
}

async fn seal(world: &World, answers: Answers) -> Result<(), Error> {
    let kms = Told { client: world.client().build().unwrap(), answers };
    let enclave = AutoUnseal::new(Arc::new(world.nsm(IMAGE)), kms, world.policy());
    enclave.seal_generated(32, &[]).await.map(drop)
}

#[tokio::test]
async fn every_fact_about_a_key_counts() {
    let world = World::new().await;
    let unfit: [fn(KeyFacts) -> Result<KeyFacts, Failure>; 6] = [
        |facts| Ok(KeyFacts { arn: facts.arn.replace(":key/", ":key/0"), ..facts }),
        |facts| Ok(KeyFacts { key_state: "PendingImport".into(), ..facts }),
        |facts| Ok(KeyFacts { key_spec: "RSA_2048".into(), ..facts }),
        |facts| Ok(KeyFacts { key_usage: "GENERATE_VERIFY_MAC".into(), ..facts }),
        |facts| Ok(KeyFacts { origin: "EXTERNAL_KEY_STORE".into(), ..facts }),
        |facts| Ok(KeyFacts { multi_region: true, ..facts }),
    ];
    for (number, describe_key) in unfit.into_iter().enumerate() {
        let error = seal(&world, Answers { describe_key, ..FIT }).await.unwrap_err();
        assert_eq!(error.code(), Code::KeyUnfit, "fact {number}");
        assert_eq!(error.report().count(Outcome::BadResponse), 5, "fact {number}");
    }
    assert_eq!(world.requests(Operation::GenerateDataKey), 0);
    seal(&world, FIT).await.unwrap();
}

#[tokio::test]
async fn without_an_answer_nothing_is_sealed() {
    let world = World::new().await;
    for answers in [
        Answers { may_encrypt: || Err(Failure::new(Outcome::Throttled)), ..FIT },
        Answers { may_generate_data_key: || Err(Failure::new(Outcome::Throttled)), ..FIT },
        Answers { describe_key: |_| Err(Failure::new(Outcome::Timeout)), ..FIT },
        // A client that is confused.
        Answers { may_encrypt: || Err(Failure::new(Outcome::Granted)), ..FIT },
        Answers { may_generate_data_key: || Err(Failure::new(Outcome::Granted)), ..FIT },
        Answers { describe_key: |_| Err(Failure::new(Outcome::Granted)), ..FIT },
    ] {
        let error = seal(&world, answers).await.unwrap_err();
        assert_eq!(error.code(), Code::KeyNotChecked);
        assert_eq!(error.report().count(Outcome::Granted), 0);
    }
    assert_eq!(world.requests(Operation::GenerateDataKey), 0);
}

#[tokio::test]
async fn leave_to_encrypt_forbids_one_wrapping_and_is_needed_by_the_other() {
    let permitted = Answers { may_encrypt: || Ok(true), ..FIT };
    let error = seal(&World::new().await, permitted).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyPermitsEncrypt);
    seal(&World::with(Wrapping::Encrypt, encrypt_policy()).await, permitted).await.unwrap();
}

#[tokio::test]
async fn leave_to_have_data_keys_without_attestation_forbids_attested_wrapping_alone() {
    let permitted = Answers { may_generate_data_key: || Ok(true), ..FIT };
    let error = seal(&World::new().await, permitted).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyPermitsGenerateDataKey);
    seal(&World::with(Wrapping::Encrypt, encrypt_policy()).await, permitted).await.unwrap();
}

#[tokio::test]
async fn a_key_that_gives_data_keys_to_anybody_is_no_key_for_attested_wrapping() {
    let world = World::new().await;
    world.keys[3].set_policy(attested_policy().set(Action::GenerateDataKey, Access::Allow));
    let error = world.enclave().seal_generated(32, &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyPermitsGenerateDataKey);
    assert_eq!(error.report().keys[3].code, Some(Code::KeyPermitsGenerateDataKey));
    assert!(error.to_string().contains(world.keys[3].arn()));
    // The dry runs; no share key was made.
    assert_eq!(world.requests(Operation::GenerateDataKey), 5);
}

#[tokio::test]
async fn only_a_refusal_of_kms_says_that_an_operation_is_denied() {
    let world = World::new().await;
    let (policy, measured) = (world.policy(), pcrs(IMAGE));
    let parameters =
        SealParameters { policy: &policy, measured: &measured, further_bindings: &[], external_aad: b"" };
    let plan = Plan::generate(&parameters, 32, &aws_lc::BACKEND).unwrap();
    let session = plan.begin(Recipient::generate(&aws_lc::BACKEND).unwrap()).unwrap();
    let request = session.requests().next().unwrap();
    let client = world.client().build().unwrap();
    let may_encrypt = || client.may_encrypt(request.key, &request.encryption_context);

    let may_generate = || client.may_generate_data_key(request.key, &request.encryption_context);

    assert_eq!((may_encrypt().await, may_generate().await), (Ok(false), Ok(false)));
    for (fault, outcome) in [
        (Fault::Throttling, Outcome::Throttled),
        (Fault::InternalError, Outcome::Unreachable),
        (Fault::CloseConnection, Outcome::Unreachable),
    ] {
        world.keys[0].set_fault(fault);
        assert_eq!(may_encrypt().await.unwrap_err().outcome, outcome);
        assert_eq!(may_generate().await.unwrap_err().outcome, outcome);
    }
    // Neither is ever meant to be carried out.
    let overheard = Arc::new(Overheard::default());
    let client_overheard = world.client().authenticated_transport(overheard.clone()).build().unwrap();
    let (key, context) = (request.key, &request.encryption_context);
    client_overheard.may_encrypt(key, context).await.unwrap_err();
    client_overheard.may_generate_data_key(key, context).await.unwrap_err();
    let bodies = overheard.0.lock().unwrap().clone();
    assert_eq!(bodies.len(), 2);
    assert!(bodies.iter().all(|body| body.contains(r#""DryRun":true"#)), "{bodies:?}");

    world.keys[1].set_policy(attested_policy().set(Action::Encrypt, Access::Allow));
    let request = session.requests().nth(1).unwrap();
    assert_eq!(client.may_encrypt(request.key, &request.encryption_context).await, Ok(true));
}
