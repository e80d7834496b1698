//! Documents that are signed properly and wrong all the same: what no [`crate::nsm::Nsm`] issues.
#![allow(clippy::unwrap_used)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use ciborium::Value;
use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384,
};

use super::{Attestation, Refusal, verify};

const NOW: u64 = 1_768_478_400_000;
const SIGNS_CERTIFICATES: KeyUsagePurpose = KeyUsagePurpose::KeyCertSign;

/// What the chain consists of: a root, one authority, and the leaf.
struct Chain {
    root: CertificateParams,
    authority: CertificateParams,
    leaf: CertificateParams,
    /// What the leaf calls its issuer.
    issuer: &'static str,
    /// Puts the authority where the root belongs.
    without_root: bool,
}

type Change = fn(&mut Chain);

impl Chain {
    fn good() -> Self {
        let authority = |limit| IsCa::Ca(BasicConstraints::Constrained(limit));
        Self {
            root: params("root", authority(1), SIGNS_CERTIFICATES),
            authority: params("authority", authority(0), SIGNS_CERTIFICATES),
            leaf: params("leaf", IsCa::ExplicitNoCa, KeyUsagePurpose::DigitalSignature),
            issuer: "authority",
            without_root: false,
        }
    }

    /// The root, and a document signed by the leaf after the payload and the message were changed.
    fn document(
        self,
        change_payload: impl FnOnce(&mut Vec<u8>),
        change: impl FnOnce(&mut CoseSign1),
    ) -> (Vec<u8>, Vec<u8>) {
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let (root_key, authority_key, leaf_key) = (key(), key(), key());
        let root = self.root.self_signed(&root_key).unwrap().der().to_vec();
        let root_issuer = Issuer::new(self.root, root_key);
        let authority = self.authority.signed_by(&authority_key, &root_issuer).unwrap().der().to_vec();
        let leaf_issuer = Issuer::new(params(self.issuer, IsCa::NoCa, SIGNS_CERTIFICATES), authority_key);
        let leaf = self.leaf.signed_by(&leaf_key, &leaf_issuer).unwrap().der().to_vec();
        let first = if self.without_root { &authority } else { &root };
        let payload = Value::Map(vec![
            ("module_id".into(), "i-0123456789abcdef0-enc0123456789abcdef".into()),
            ("digest".into(), "SHA384".into()),
            ("timestamp".into(), NOW.into()),
            ("pcrs".into(), Value::Map(vec![(0.into(), Value::Bytes(vec![0; 48]))])),
            ("certificate".into(), Value::Bytes(leaf)),
            (
                "cabundle".into(),
                Value::Array(vec![Value::Bytes(first.clone()), Value::Bytes(authority.clone())]),
            ),
        ]);
        let mut bytes = Vec::new();
        ciborium::into_writer(&payload, &mut bytes).unwrap();
        change_payload(&mut bytes);
        let protected = HeaderBuilder::new().algorithm(iana::Algorithm::ES384).build();
        let mut message = CoseSign1Builder::new().protected(protected).payload(bytes).build();
        change(&mut message);
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &leaf_key.serialize_der()).unwrap();
        let signature = signer.sign(&SystemRandom::new(), &message.tbs_data(b"")).unwrap();
        message.signature = signature.as_ref().to_vec();
        (root, message.to_vec().unwrap())
    }
}

fn params(name: &str, is_ca: IsCa, usage: KeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.key_usages = vec![usage];
    params
}

fn judge(
    chain: Chain,
    change_payload: impl FnOnce(&mut Vec<u8>),
    change: impl FnOnce(&mut CoseSign1),
) -> Option<Refusal> {
    let (root, document) = chain.document(change_payload, change);
    verify(&document, &root, NOW).err()
}

#[test]
fn a_chain_must_be_one_of_authorities_and_a_leaf() {
    let judge = |change: Change| {
        let mut chain = Chain::good();
        change(&mut chain);
        judge(chain, |_| (), |_| ())
    };
    assert_eq!(judge(|_| ()), None);
    let forbidden: [(&str, Change); 7] = [
        ("root without path", |chain| chain.root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
        ("authority is none", |chain| chain.authority.is_ca = IsCa::ExplicitNoCa),
        ("authority may not sign", |chain| {
            chain.authority.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }),
        ("leaf is an authority", |chain| chain.leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        ("leaf may not sign", |chain| chain.leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        ("leaf names another issuer", |chain| chain.issuer = "somebody"),
        ("the bundle does not begin with the root", |chain| chain.without_root = true),
    ];
    for (what, change) in forbidden {
        assert_eq!(judge(change), Some(Refusal::Untrusted), "{what}");
    }
}

#[test]
fn a_message_must_be_es384_and_nothing_else() {
    let malformed = Some(Refusal::Malformed);
    assert_eq!(judge(Chain::good(), |payload| payload.push(0), |_| ()), malformed);
    let es256 = |message: &mut CoseSign1| {
        message.protected.header = HeaderBuilder::new().algorithm(iana::Algorithm::ES256).build();
    };
    assert_eq!(judge(Chain::good(), |_| (), es256), malformed);
    let unprotected = |message: &mut CoseSign1| message.unprotected.key_id = vec![1];
    assert_eq!(judge(Chain::good(), |_| (), unprotected), malformed);
}

#[test]
fn nitro_tpm_documents_have_registers_of_their_own() {
    let renamed = |names: &'static [&'static str]| {
        let (root, document) = Chain::good().document(
            |payload| {
                let mut value: Value = ciborium::from_reader(payload.as_slice()).unwrap();
                let fields = value.as_map_mut().unwrap();
                let position = fields.iter().position(|(name, _)| name.as_text() == Some("pcrs")).unwrap();
                let (_, pcrs) = fields.remove(position);
                fields.extend(names.iter().map(|&name| (Value::from(name), pcrs.clone())));
                payload.clear();
                ciborium::into_writer(&value, payload).unwrap();
            },
            |_| (),
        );
        verify(&document, &root, NOW).map(|attested| attested.attestation)
    };
    assert!(matches!(renamed(&["pcrs"]), Ok(Attestation::Enclave(_))));
    assert!(matches!(renamed(&["nitrotpm_pcrs"]), Ok(Attestation::NitroTpm(_))));
    assert_eq!(renamed(&["pcrs", "nitrotpm_pcrs"]), Err(Refusal::Malformed));
    assert_eq!(renamed(&[]), Err(Refusal::Malformed));
    assert_eq!(renamed(&["tpm_pcrs"]), Err(Refusal::Malformed));
}
