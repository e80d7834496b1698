//! One cluster, one image, one sealed blob.

use pcrseal_core::names::{ClusterId, KeyArn, Wrapping};
use pcrseal_core::pcr::{Pcr, PcrSelection, PcrSet};
use pcrseal_core::policy::{Quorum, TrustPolicy};
use pcrseal_core::seal::{Plan, SealParameters, WrapAnswer};
use pcrseal_core::unseal::{self, DecryptAnswer, Opened};

use crate::key::{BACKEND, ciphertext_for_recipient, recipient};

/// Every share key of this world, whoever makes it: the "random" bytes of [`BACKEND`].
const SHARE_KEY: [u8; 32] = [0x5a; 32];

/// The length of the secret that seeds and targets seal.
pub const SECRET_LEN: usize = 32;

/// What the enclave trusts and measures.
pub struct World {
    /// Its trust policy: 2 of 3 keys.
    pub policy: TrustPolicy,
    /// Its PCRs.
    pub measured: PcrSet,
}

impl World {
    /// A world whose cluster has this name.
    pub fn new(cluster: ClusterId, wrapping: Wrapping) -> Self {
        let keys = (1..=3).map(|x| KeyArn::new(&format!("arn:aws:kms:eu-west-{x}:111122223333:key/{x}")));
        let quorum = Quorum::new(2, keys.collect::<Result<_, _>>().expect("ARNs"), wrapping).expect("2 of 3");
        let policy = TrustPolicy::builder(cluster).seal_quorum(quorum).build().expect("a policy");
        Self { policy, measured: image(1) }
    }

    /// The usual one.
    pub fn usual(wrapping: Wrapping) -> Self {
        Self::new(ClusterId::new("fuzz").expect("a cluster id"), wrapping)
    }

    /// Seals a secret, bound to further images besides the measured one.
    pub fn seal(&self, secret_len: usize, further_bindings: &[PcrSet]) -> Vec<u8> {
        let (policy, measured) = (&self.policy, &self.measured);
        let parameters = SealParameters { policy, measured, further_bindings, external_aad: b"" };
        let plan = Plan::generate(&parameters, secret_len, &BACKEND).expect("a plan");
        let mut session = plan.begin(recipient()).expect("a session");
        let keys: Vec<_> = session.requests().map(|r| (r.position, r.key.to_string())).collect();
        let for_recipient = ciphertext_for_recipient(&SHARE_KEY);
        for (position, key_id) in &keys {
            let answer = WrapAnswer {
                key_id,
                ciphertext_blob: b"CiphertextBlob",
                ciphertext_for_recipient: Some(&for_recipient),
                plaintext_present: false,
            };
            session.answer_from_authenticated_kms(*position, &answer).expect("a good answer");
        }
        let unproven = session.finish().expect("every key answered");
        let opened = answer_all(unproven.plan(policy, measured).expect("a good blob"));
        unproven.prove(opened.expect("a good blob")).expect("the same secret").0
    }
}

/// The PCRs of an image: all alike, and never those of debug mode.
pub fn image(release: u8) -> PcrSet {
    PcrSelection::IMAGE.iter().map(|index| (index, Pcr::new([release; 48]))).collect()
}

/// Every key answers with the share key of this world.
pub fn answer_all(plan: unseal::Plan) -> Result<Opened, pcrseal_core::error::Error> {
    let mut session = plan.begin(recipient());
    let keys: Vec<_> = session.requests().map(|r| (r.position, r.key.to_string())).collect();
    let for_recipient = ciphertext_for_recipient(&SHARE_KEY);
    for (position, key_id) in &keys {
        let answer = DecryptAnswer {
            key_id,
            ciphertext_for_recipient: Some(&for_recipient),
            plaintext_present: false,
        };
        // A refused answer is one of the outcomes.
        let _ = session.answer_from_authenticated_kms(*position, &answer, None);
    }
    session.finish().0
}
