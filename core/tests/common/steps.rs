//! docs/FORMAT.md step by step, written a second time without the library: from the inputs of a seal
//! to the bytes of its blob. What it computes on the way is what the test vectors list.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ciborium::Value as Cbor;
use hkdf::Hkdf;
use pcrseal_core::pcr::PcrSet;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha384};

use super::{hex, unhex};

/// Everything that goes into a seal.
pub struct Inputs {
    pub cluster: String,
    pub generation: u64,
    pub wrapping: String,
    pub threshold: u8,
    pub external_aad: Vec<u8>,
    pub measured_pcrs: Pcrs,
    pub secret: Vec<u8>,
    pub seal_id: Vec<u8>,
    pub data_key: Vec<u8>,
    /// Of x, then of x^2, and so on: 32 bytes each.
    pub coefficients: Vec<u8>,
    pub secret_iv: Vec<u8>,
    pub shares: Vec<ShareInputs>,
    pub content_key: Vec<u8>,
    pub content_iv: Vec<u8>,
    pub bindings: Vec<(Pcrs, Vec<u8>)>,
}

pub struct ShareInputs {
    pub key: String,
    pub share_key: Vec<u8>,
    pub ciphertext_blob: Vec<u8>,
    pub iv: Vec<u8>,
}

/// Index and value.
pub type Pcrs = Vec<(u8, Vec<u8>)>;

/// A positive vector: inputs, steps, blob.
pub fn vector(description: &str, inputs: &Inputs) -> Value {
    let context = context(inputs);
    let digest = Sha384::digest(&context).to_vec();
    let secret_key = hkdf(&digest, &inputs.data_key, b"pcrseal v1 secret key");
    let commitment = hkdf(&digest, &inputs.data_key, b"pcrseal v1 commitment");
    let secret_aad = cbor(&Cbor::Array(vec!["pcrseal v1 secret".into(), digest.clone().into()]));
    let sealed_secret = sealed(&secret_key, &inputs.secret_iv, &secret_aad, &inputs.secret);
    let shares: Vec<Share> =
        (1..).zip(&inputs.shares).map(|(x, share)| Share::new(x, share, &digest, inputs)).collect();
    let bundle = bundle(inputs, &shares, &commitment, &sealed_secret);
    let protected = protected(inputs);
    let content_aad = cbor(&Cbor::Array(vec![
        "Encrypt".into(),
        protected.clone().into(),
        inputs.external_aad.clone().into(),
    ]));
    let ciphertext = gcm(&inputs.content_key, &inputs.content_iv, &content_aad, &bundle);
    let bindings: Vec<_> =
        inputs.bindings.iter().map(|(pcrs, salt)| Binding::new(pcrs, salt, inputs)).collect();
    let blob = cbor(&Cbor::Tag(
        96,
        Box::new(Cbor::Array(vec![
            protected.clone().into(),
            Cbor::Map(vec![(5.into(), inputs.content_iv.clone().into())]),
            ciphertext.clone().into(),
            Cbor::Array(bindings.iter().map(|binding| binding.recipient.clone()).collect()),
        ])),
    ));
    json!({
        "description": description,
        "expect": "valid",
        "inputs": inputs_json(inputs),
        "steps": {
            "context": hex(&context),
            "context_digest": hex(&digest),
            "secret_key": hex(&secret_key),
            "commitment": hex(&commitment),
            "secret_aad": hex(&secret_aad),
            "sealed_secret": hex(&sealed_secret),
            "shares": shares.iter().map(Share::json).collect::<Vec<_>>(),
            "bundle": hex(&bundle),
            "protected_header": hex(&protected),
            "content_aad": hex(&content_aad),
            "ciphertext": hex(&ciphertext),
            "bindings": bindings.iter().map(Binding::json).collect::<Vec<_>>(),
        },
        "blob": hex(&blob),
    })
}

fn inputs_json(inputs: &Inputs) -> Value {
    let share = |share: &ShareInputs| {
        json!({
            "key": share.key,
            "share_key": hex(&share.share_key),
            "ciphertext_blob": hex(&share.ciphertext_blob),
            "iv": hex(&share.iv),
        })
    };
    let binding = |(pcrs, salt): &(Pcrs, Vec<u8>)| json!({ "pcrs": pcrs_json(pcrs), "salt": hex(salt) });
    json!({
        "cluster": inputs.cluster,
        // A string: JSON numbers are exact to 2^53 only.
        "generation": inputs.generation.to_string(),
        "wrapping": inputs.wrapping,
        "threshold": inputs.threshold,
        "external_aad": hex(&inputs.external_aad),
        "measured_pcrs": pcrs_json(&inputs.measured_pcrs),
        "secret": hex(&inputs.secret),
        "seal_id": hex(&inputs.seal_id),
        "data_key": hex(&inputs.data_key),
        "coefficients": hex(&inputs.coefficients),
        "secret_iv": hex(&inputs.secret_iv),
        "shares": inputs.shares.iter().map(share).collect::<Vec<_>>(),
        "content_key": hex(&inputs.content_key),
        "content_iv": hex(&inputs.content_iv),
        "bindings": inputs.bindings.iter().map(binding).collect::<Vec<_>>(),
    })
}

pub fn pcrs(set: &PcrSet) -> Pcrs {
    set.iter().map(|(index, value)| (index.get(), value.as_bytes().to_vec())).collect()
}

pub fn pcrs_json(pcrs: &Pcrs) -> Value {
    pcrs.iter().map(|(index, value)| (index.to_string(), hex(value).into())).collect::<Map<_, _>>().into()
}

pub fn pcrs_of(json: &Value) -> Pcrs {
    let entry = |(index, value): (&String, &Value)| (index.parse().unwrap(), unhex(value.as_str().unwrap()));
    json.as_object().unwrap().iter().map(entry).collect()
}

fn context(inputs: &Inputs) -> Vec<u8> {
    let keys = inputs.shares.iter().map(|share| share.key.clone().into()).collect();
    cbor(&Cbor::Array(vec![
        "pcrseal v1 context".into(),
        1.into(),
        inputs.seal_id.clone().into(),
        inputs.cluster.clone().into(),
        inputs.generation.into(),
        inputs.wrapping.clone().into(),
        inputs.threshold.into(),
        Cbor::Array(keys),
        Sha384::digest(&inputs.external_aad).to_vec().into(),
    ]))
}

fn protected(inputs: &Inputs) -> Vec<u8> {
    let fields = vec![
        ("v".into(), 1.into()),
        ("cluster".into(), inputs.cluster.clone().into()),
        ("seal-id".into(), inputs.seal_id.clone().into()),
        ("wrapping".into(), inputs.wrapping.clone().into()),
        ("generation".into(), inputs.generation.into()),
    ];
    cbor(&Cbor::Map(vec![(1.into(), 3.into()), ("pcrseal".into(), Cbor::Map(fields))]))
}

fn bundle(inputs: &Inputs, shares: &[Share], commitment: &[u8], sealed_secret: &[u8]) -> Vec<u8> {
    let shares = inputs.shares.iter().zip(shares).map(|(input, share)| {
        let (key, ciphertext_blob) = (input.key.clone(), input.ciphertext_blob.clone());
        Cbor::Array(vec![key.into(), ciphertext_blob.into(), share.sealed.clone().into()])
    });
    cbor(&Cbor::Array(vec![
        inputs.threshold.into(),
        Cbor::Array(shares.collect()),
        commitment.to_vec().into(),
        sealed_secret.to_vec().into(),
    ]))
}

struct Share {
    y: Vec<u8>,
    encryption_context: Value,
    aad: Vec<u8>,
    sealed: Vec<u8>,
}

impl Share {
    fn new(x: u8, share: &ShareInputs, digest: &[u8], inputs: &Inputs) -> Self {
        let aad = cbor(&Cbor::Array(vec!["pcrseal v1 share".into(), digest.to_vec().into(), x.into()]));
        let y = polynomials_at(x, &inputs.data_key, &inputs.coefficients);
        let sealed = sealed(&share.share_key, &share.iv, &aad, &y);
        let encryption_context = json!({
            "pcrseal:v": "1",
            "pcrseal:cluster": inputs.cluster,
            "pcrseal:seal-id": hex(&inputs.seal_id),
            "pcrseal:generation": inputs.generation.to_string(),
            "pcrseal:wrapping": inputs.wrapping,
            "pcrseal:share": format!("{x}/{}", inputs.shares.len()),
        });
        Self { y, encryption_context, aad, sealed }
    }

    fn json(&self) -> Value {
        json!({
            "y": hex(&self.y),
            "encryption_context": self.encryption_context,
            "aad": hex(&self.aad),
            "sealed_share": hex(&self.sealed),
        })
    }
}

struct Binding {
    ikm: Vec<u8>,
    kek: Vec<u8>,
    wrapped: Vec<u8>,
    recipient: Cbor,
}

impl Binding {
    fn new(pcrs: &Pcrs, salt: &[u8], inputs: &Inputs) -> Self {
        let map =
            Cbor::Map(pcrs.iter().map(|(index, value)| ((*index).into(), value.clone().into())).collect());
        let ikm = cbor(&map);
        let kek = hkdf(salt, &ikm, b"pcrseal v1 binding");
        let mut wrapped = vec![0; 40];
        aes_kw::KwAes256::new_from_slice(&kek).unwrap().wrap_key(&inputs.content_key, &mut wrapped).unwrap();
        let fields = Cbor::Map(vec![("pcrs".into(), map), ("salt".into(), salt.to_vec().into())]);
        let recipient = Cbor::Array(vec![
            Vec::<u8>::new().into(),
            Cbor::Map(vec![(1.into(), (-5).into()), ("pcrseal".into(), fields)]),
            wrapped.clone().into(),
        ]);
        Self { ikm, kek, wrapped, recipient }
    }

    fn json(&self) -> Value {
        json!({
            "pcrs_encoded": hex(&self.ikm),
            "key_encryption_key": hex(&self.kek),
            "wrapped_content_key": hex(&self.wrapped),
        })
    }
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8]) -> Vec<u8> {
    let mut key = vec![0; 32];
    Hkdf::<Sha384>::new(Some(salt), ikm).expand(info, &mut key).unwrap();
    key
}

fn gcm(key: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let iv: [u8; 12] = iv.try_into().unwrap();
    let payload = Payload { msg: plaintext, aad };
    Aes256Gcm::new_from_slice(key).unwrap().encrypt((&iv).into(), payload).unwrap()
}

fn sealed(key: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    [iv, &gcm(key, iv, aad, plaintext)].concat()
}

/// The values at x of the polynomials whose constant terms are the data key's bytes.
fn polynomials_at(x: u8, data_key: &[u8], coefficients: &[u8]) -> Vec<u8> {
    let mut y = data_key.to_vec();
    let mut power = x;
    for row in coefficients.chunks_exact(data_key.len()) {
        y.iter_mut().zip(row).for_each(|(y, coefficient)| *y ^= multiply(*coefficient, power));
        power = multiply(power, x);
    }
    y
}

/// In GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        b >>= 1;
    }
    product
}
