//! A chain and a document of our own making, every part of which can be given a fault before it is signed: so
//! that the signatures above the fault are good, and the check that is meant for it is what refuses it.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair, RSA_PKCS1_SHA384, RsaKeyPair,
};
use ciborium::Value;
use p384::ecdsa::signature::hazmat::PrehashSigner;
use p384::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest, Sha256};

use super::certificates::{
    EXTENSIONS, SIGNATURE, SPKI, VALIDITY, certificate, ec_key, ecdsa_with_sha256, ecdsa_with_sha384, oid,
    p384_key, seq, tbs,
};
use super::der_tree::Node;
use super::documents::{Parts, cbor};

/// A key that signs certificates, with the algorithm it does it by.
#[derive(Clone)]
pub enum Key {
    P384(Arc<EcdsaKeyPair>),
    P384WithSha256(Arc<SigningKey>),
    P256(Arc<EcdsaKeyPair>),
    Rsa(Arc<RsaKeyPair>),
}

impl Key {
    pub fn p384() -> Self {
        Self::P384(Arc::new(generate(&ECDSA_P384_SHA384_ASN1_SIGNING)))
    }

    pub fn p384_with_sha256() -> Self {
        let mut scalar = [0; 48];
        aws_lc_rs::rand::fill(&mut scalar[1..]).unwrap(); // the first byte zero: below the group's order
        Self::P384WithSha256(Arc::new(SigningKey::from_slice(&scalar).unwrap()))
    }

    pub fn p256() -> Self {
        Self::P256(Arc::new(generate(&ECDSA_P256_SHA256_ASN1_SIGNING)))
    }

    pub fn rsa() -> Self {
        Self::Rsa(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn spki(&self) -> Node {
        match self {
            Self::P384(key) => p384_key(key.public_key().as_ref()),
            Self::P384WithSha256(key) => p384_key(key.verifying_key().to_sec1_point(false).as_bytes()),
            Self::P256(key) => ec_key(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], key.public_key().as_ref()),
            Self::Rsa(key) => {
                let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
                Node::parse(der.as_ref())
            }
        }
    }

    pub fn algorithm(&self) -> Node {
        match self {
            Self::P384(_) => ecdsa_with_sha384(),
            Self::P384WithSha256(_) | Self::P256(_) => ecdsa_with_sha256(),
            // sha384WithRSAEncryption (RFC 8017 appendix A.2.4).
            Self::Rsa(_) => {
                seq([oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0c]), Node::Primitive(5, vec![])])
            }
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P384(key) | Self::P256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::P384WithSha256(key) => {
                let signature: DerSignature = key.sign_prehash(&Sha256::digest(message)).unwrap();
                signature.as_bytes().to_vec()
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A signature of 96 bytes: `r || s`. An RSA key has none, and its signature is cut to that length.
    fn sign_raw(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.sign(message);
        if matches!(self, Self::Rsa(_)) {
            return signature[..96].to_vec();
        }
        let integers = std::mem::take(Node::parse(&signature).children());
        let wide = |mut integer: Node| {
            let digits = integer.contents();
            let significant = digits.iter().skip_while(|&&digit| digit == 0).copied().collect::<Vec<_>>();
            [vec![0; 48 - significant.len()], significant].concat()
        };
        integers.into_iter().flat_map(wide).collect()
    }
}

fn generate(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::generate(algorithm).unwrap()
}

/// A certificate to be issued.
#[derive(Clone)]
pub struct Draft {
    pub tbs: Node,
    /// What stands outside of the signed part.
    pub algorithm: Node,
    /// The subject's.
    pub key: Key,
    /// The issuer's.
    pub signer: Key,
}

/// Root, regional, zonal, instance, leaf; or as many as asked for.
#[derive(Clone)]
pub struct Chain(pub Vec<Draft>);

impl Chain {
    /// The usual chain. Every call gives the same keys.
    pub fn usual() -> Self {
        Self::with_authorities(4)
    }

    /// This many authorities, the root included, and a leaf.
    pub fn with_authorities(authorities: usize) -> Self {
        static KEYS: LazyLock<[Key; 8]> = LazyLock::new(|| std::array::from_fn(|_| Key::p384()));
        let draft = |position: usize| {
            let (key, signer) = (KEYS[position].clone(), KEYS[position.saturating_sub(1)].clone());
            Draft { tbs: tbs(position, authorities, key.spki()), algorithm: ecdsa_with_sha384(), key, signer }
        };
        Self((0..=authorities).map(draft).collect())
    }

    /// The fields of a certificate's signed part.
    pub fn tbs(&mut self, position: usize) -> &mut Vec<Node> {
        self.0[position].tbs.children()
    }

    pub fn extensions(&mut self, position: usize) -> &mut Vec<Node> {
        self.tbs(position)[EXTENSIONS].children()[0].children()
    }

    pub fn extension(&mut self, position: usize, id: u8) -> &mut Node {
        let id = oid(&[0x55, 0x1d, id]);
        self.extensions(position)
            .iter_mut()
            .find_map(|extension| (extension.children()[0] == id).then_some(extension))
            .unwrap()
    }

    pub fn set_extension(&mut self, position: usize, id: u8, value: &[u8]) {
        *self.extension(position, id).children().last_mut().unwrap() = Node::Primitive(4, value.to_vec());
    }

    pub fn remove_extension(&mut self, position: usize, id: u8) {
        let wanted = self.extension(position, id).clone();
        self.extensions(position).retain(|extension| *extension != wanted);
    }

    pub fn set_not_before(&mut self, position: usize, time: &[u8]) {
        *self.tbs(position)[VALIDITY].children()[0].contents() = time.to_vec();
    }

    pub fn set_not_after(&mut self, position: usize, time: &[u8]) {
        *self.tbs(position)[VALIDITY].children()[1].contents() = time.to_vec();
    }

    /// Gives a certificate this name, and the one below it this issuer.
    pub fn rename(&mut self, position: usize, name: &Node) {
        self.tbs(position)[super::certificates::SUBJECT] = name.clone();
        if position == 0 {
            self.tbs(0)[super::certificates::ISSUER] = name.clone();
        }
        if position + 1 < self.0.len() {
            self.tbs(position + 1)[super::certificates::ISSUER] = name.clone();
        }
    }

    /// Gives a certificate another key, which also signs the one below it (and, for the root, itself).
    pub fn set_key(&mut self, position: usize, key: &Key) {
        self.tbs(position)[SPKI] = key.spki();
        self.0[position].key = key.clone();
        if position == 0 {
            self.set_signer(0, key);
        }
        if position + 1 < self.0.len() {
            self.set_signer(position + 1, key);
        }
    }

    /// Has a certificate signed by this key, by the key's algorithm.
    pub fn set_signer(&mut self, position: usize, key: &Key) {
        self.tbs(position)[SIGNATURE] = key.algorithm();
        self.0[position].algorithm = key.algorithm();
        self.0[position].signer = key.clone();
    }

    /// Signs every certificate: DER, root first.
    pub fn issue(&self) -> Vec<Vec<u8>> {
        let issue = |draft: &Draft| {
            let signature = draft.signer.sign(&draft.tbs.encode());
            certificate(draft.tbs.clone(), draft.algorithm.clone(), &signature)
        };
        self.0.iter().map(issue).collect()
    }
}

/// Certificates as issued.
pub type Ders = Vec<Vec<u8>>;

/// Where an alteration takes place: before the signatures that are to cover it.
pub enum Alter {
    Nothing,
    /// The certificates, before they are signed.
    Chain(Box<dyn Fn(&mut Chain)>),
    /// The certificates as issued, root first and leaf last, before the payload that holds them is signed.
    Issued(Box<dyn Fn(&mut Ders)>),
    /// Payload and protected header, before they are signed.
    Payload(Box<dyn Fn(&mut Parts)>),
    /// The signed message.
    Envelope(Box<dyn Fn(&mut Parts)>),
}

/// What came of a draft.
pub struct Made {
    pub document: Vec<u8>,
    /// Root first and leaf last, as the document has them.
    pub certificates: Vec<Vec<u8>>,
    /// The root as its owner published it.
    pub root: Vec<u8>,
}

/// Makes a document with one alteration, for which everything is signed.
pub fn make(alter: &Alter) -> Made {
    let mut chain = Chain::usual();
    if let Alter::Chain(alter) = alter {
        alter(&mut chain);
    }
    make_with(&chain, alter)
}

/// The same with another chain.
pub fn make_with(chain: &Chain, alter: &Alter) -> Made {
    let mut certificates = chain.issue();
    let root = certificates[0].clone();
    if let Alter::Issued(alter) = alter {
        alter(&mut certificates);
    }
    let mut cabundle = certificates.clone();
    let leaf = cabundle.pop().unwrap();
    let mut parts = payload(leaf, cabundle);
    if let Alter::Payload(alter) = alter {
        alter(&mut parts);
    }
    parts.signature = sign(&parts, &chain.0.last().unwrap().key);
    if let Alter::Envelope(alter) = alter {
        alter(&mut parts);
    }
    Made { document: parts.encode(), certificates, root }
}

/// Fields in AWS's order.
fn payload(certificate: Vec<u8>, cabundle: Vec<Vec<u8>>) -> Parts {
    let mut parts = Parts {
        head: vec![0x84],
        protected: vec![0x44, 0xa1, 1, 0x38, 34],
        unprotected: vec![0xa0],
        payload_item: None,
        ..Parts::empty()
    };
    parts.push("module_id", "i-0123456789abcdef0-enc0123456789abcdef");
    parts.push("digest", "SHA384");
    parts.push("timestamp", super::certificates::AT * 1000 + 123);
    parts.push("pcrs", pcrs((0..16).map(|index| (index, 48))));
    parts.push("certificate", Value::Bytes(certificate));
    parts.push("cabundle", Value::Array(cabundle.into_iter().map(Value::Bytes).collect()));
    parts.push("public_key", Value::Bytes(vec![0x30; 294]));
    parts.push("user_data", Value::Null);
    parts.push("nonce", Value::Bytes(b"challenge".to_vec()));
    parts
}

/// PCRs of these indices and lengths.
pub fn pcrs(entries: impl IntoIterator<Item = (u64, usize)>) -> Value {
    let entry =
        |(index, len): (u64, usize)| (Value::from(index), Value::Bytes(vec![index.to_be_bytes()[7]; len]));
    Value::Map(entries.into_iter().map(entry).collect())
}

/// RFC 9052 section 4.4: the signature, a CBOR item, over the protected header and the payload as they stand.
fn sign(parts: &Parts, key: &Key) -> Vec<u8> {
    let protected = match ciborium::from_reader(&parts.protected[..]) {
        Ok(Value::Bytes(protected)) => protected,
        _ => parts.protected.clone(),
    };
    let empty = Value::Bytes(Vec::new());
    let message: [Value; 4] =
        ["Signature1".into(), Value::Bytes(protected), empty, Value::Bytes(parts.payload())];
    cbor(&Value::Bytes(key.sign_raw(&cbor(&Value::Array(message.into())))))
}
