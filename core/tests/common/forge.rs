//! The blob as its adversary sees it: an independent reader and writer (coset, ciborium) of docs/FORMAT.md.
//! Whoever knows the PCR values, and everybody does, can open the outer layer, change what is inside, and
//! put it back.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ciborium::Value;
use coset::iana::{Algorithm, EnumI64};
use coset::{
    CoseEncrypt, CoseRecipientBuilder, EncryptionContext, HeaderBuilder, Label, TaggedCborSerializable,
    enc_structure_data,
};
use hkdf::Hkdf;
use sha2::{Digest, Sha384};

/// A blob with its outer layer off.
#[derive(Clone)]
pub struct Forge {
    pub version: u64,
    pub cluster: String,
    pub seal_id: Vec<u8>,
    pub wrapping: String,
    pub generation: u64,
    pub threshold: u64,
    /// Key ARN, ciphertext blob, sealed share.
    pub shares: Vec<(String, Vec<u8>, Vec<u8>)>,
    pub commitment: Vec<u8>,
    pub sealed_secret: Vec<u8>,
    /// Index and value of every binding.
    pub bindings: Vec<BTreeMap<u8, Vec<u8>>>,
    pub external_aad: Vec<u8>,
}

impl Forge {
    pub fn open(blob: &[u8], external_aad: &[u8]) -> Self {
        let message = CoseEncrypt::from_tagged_slice(blob).unwrap();
        let header = &message.protected.header;
        assert_eq!(header.alg, Some(coset::Algorithm::Assigned(Algorithm::A256GCM)));
        let (Label::Text(label), fields) = &header.rest[0] else { panic!("a text label") };
        assert_eq!((label.as_str(), header.rest.len()), ("pcrseal", 1));
        let field = |name: &str| get(fields, name).clone();

        let recipient = &message.recipients[0];
        let content_key = unwrap_content_key(recipient);
        let aad = enc_structure_data(EncryptionContext::CoseEncrypt, message.protected.clone(), external_aad);
        let payload = Payload { msg: message.ciphertext.as_ref().unwrap(), aad: &aad };
        let iv: [u8; 12] = message.unprotected.iv.as_slice().try_into().unwrap();
        let bundle = Aes256Gcm::new((&content_key).into()).decrypt((&iv).into(), payload).unwrap();
        let bundle: Value = ciborium::from_reader(bundle.as_slice()).unwrap();
        let items = bundle.as_array().unwrap();
        Self {
            version: number(&field("v")),
            cluster: field("cluster").into_text().unwrap(),
            seal_id: field("seal-id").into_bytes().unwrap(),
            wrapping: field("wrapping").into_text().unwrap(),
            generation: number(&field("generation")),
            threshold: number(&items[0]),
            shares: items[1].as_array().unwrap().iter().map(share).collect(),
            commitment: items[2].as_bytes().unwrap().clone(),
            sealed_secret: items[3].as_bytes().unwrap().clone(),
            bindings: message.recipients.iter().map(|recipient| pcrs(recipient).clone()).collect(),
            external_aad: external_aad.to_vec(),
        }
    }

    /// Puts the outer layer back, under a content key of the forger's own.
    pub fn close(&self) -> Vec<u8> {
        self.close_around(&self.bundle())
    }

    /// Puts the outer layer around a bundle of any bytes.
    pub fn close_around(&self, bundle: &[u8]) -> Vec<u8> {
        let text = |text: &str| Value::from(text);
        let fields = Value::Map(vec![
            (text("v"), self.version.into()),
            (text("cluster"), text(&self.cluster)),
            (text("seal-id"), self.seal_id.clone().into()),
            (text("wrapping"), text(&self.wrapping)),
            (text("generation"), self.generation.into()),
        ]);
        let protected =
            HeaderBuilder::new().algorithm(Algorithm::A256GCM).text_value("pcrseal".into(), fields);
        let (content_key, iv) = ([0x11; 32], [0x22; 12]);
        let mut builder = coset::CoseEncryptBuilder::new()
            .protected(protected.build())
            .unprotected(HeaderBuilder::new().iv(iv.to_vec()).build())
            .create_ciphertext(bundle, &self.external_aad, |plaintext, aad| {
                let payload = Payload { msg: plaintext, aad };
                Aes256Gcm::new((&content_key).into()).encrypt((&iv).into(), payload).unwrap()
            });
        for values in &self.bindings {
            let salt = [0x33; 32];
            let mut wrapped = [0; 40];
            kek(&salt, values).wrap_key(&content_key, &mut wrapped).unwrap();
            let entries =
                values.iter().map(|(index, value)| ((*index).into(), value.clone().into())).collect();
            let fields = vec![(text("pcrs"), Value::Map(entries)), (text("salt"), salt.to_vec().into())];
            let mut unprotected =
                HeaderBuilder::new().text_value("pcrseal".into(), Value::Map(fields)).build();
            unprotected.alg = Some(coset::Algorithm::Assigned(Algorithm::A256KW));
            let recipient = CoseRecipientBuilder::new().unprotected(unprotected).ciphertext(wrapped.to_vec());
            builder = builder.add_recipient(recipient.build());
        }
        builder.build().to_tagged_vec().unwrap()
    }

    /// The plaintext of the outer layer.
    pub fn bundle(&self) -> Vec<u8> {
        let shares = self.shares.iter().map(|(key, blob, sealed)| {
            Value::Array(vec![key.clone().into(), blob.clone().into(), sealed.clone().into()])
        });
        encoded(&Value::Array(vec![
            self.threshold.into(),
            Value::Array(shares.collect()),
            self.commitment.clone().into(),
            self.sealed_secret.clone().into(),
        ]))
    }

    /// The context digest as docs/FORMAT.md has it.
    pub fn context(&self) -> [u8; 48] {
        let keys = self.shares.iter().map(|(key, ..)| key.clone().into()).collect();
        let value = Value::Array(vec![
            "pcrseal v1 context".into(),
            self.version.into(),
            self.seal_id.clone().into(),
            self.cluster.clone().into(),
            self.generation.into(),
            self.wrapping.clone().into(),
            self.threshold.into(),
            Value::Array(keys),
            Sha384::digest(&self.external_aad).to_vec().into(),
        ]);
        Sha384::digest(encoded(&value)).into()
    }

    /// Seals a share of the forger's own under a share key that it knows.
    pub fn seal_share(&self, x: u8, share_key: &[u8; 32], y: &[u8]) -> Vec<u8> {
        let aad = Value::Array(vec!["pcrseal v1 share".into(), self.context().to_vec().into(), x.into()]);
        sealed(share_key, &encoded(&aad), y)
    }

    /// Puts a secret of the forger's own in, under a data key of its own.
    pub fn set_secret(&mut self, data_key: &[u8; 32], secret: &[u8]) {
        let hkdf = Hkdf::<Sha384>::new(Some(&self.context()), data_key);
        let derive = |info: &[u8]| {
            let mut key = [0; 32];
            hkdf.expand(info, &mut key).unwrap();
            key
        };
        self.commitment = derive(b"pcrseal v1 commitment").to_vec();
        let aad = Value::Array(vec!["pcrseal v1 secret".into(), self.context().to_vec().into()]);
        self.sealed_secret = sealed(&derive(b"pcrseal v1 secret key"), &encoded(&aad), secret);
    }
}

fn sealed(key: &[u8; 32], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let iv = [0x44; 12];
    let payload = Payload { msg: plaintext, aad };
    let ciphertext = Aes256Gcm::new(key.into()).encrypt((&iv).into(), payload).unwrap();
    [&iv[..], &ciphertext].concat()
}

fn unwrap_content_key(recipient: &coset::CoseRecipient) -> [u8; 32] {
    assert_eq!(recipient.unprotected.alg, Some(coset::Algorithm::Assigned(Algorithm::A256KW)));
    assert_eq!(Algorithm::A256KW.to_i64(), -5);
    let mut key = [0; 32];
    let salt = get(&recipient.unprotected.rest[0].1, "salt").as_bytes().unwrap();
    kek(salt, &pcrs(recipient)).unwrap_key(recipient.ciphertext.as_ref().unwrap(), &mut key).unwrap();
    key
}

fn kek(salt: &[u8], values: &BTreeMap<u8, Vec<u8>>) -> aes_kw::KwAes256 {
    let entries = values.iter().map(|(index, value)| ((*index).into(), value.clone().into())).collect();
    let mut key = [0; 32];
    let hkdf = Hkdf::<Sha384>::new(Some(salt), &encoded(&Value::Map(entries)));
    hkdf.expand(b"pcrseal v1 binding", &mut key).unwrap();
    aes_kw::KwAes256::new((&key).into())
}

fn pcrs(recipient: &coset::CoseRecipient) -> BTreeMap<u8, Vec<u8>> {
    let entries = get(&recipient.unprotected.rest[0].1, "pcrs").as_map().unwrap();
    let entry = |(index, value): &(Value, Value)| {
        (u8::try_from(number(index)).unwrap(), value.as_bytes().unwrap().clone())
    };
    entries.iter().map(entry).collect()
}

fn share(value: &Value) -> (String, Vec<u8>, Vec<u8>) {
    let items = value.as_array().unwrap();
    (
        items[0].as_text().unwrap().to_owned(),
        items[1].as_bytes().unwrap().clone(),
        items[2].as_bytes().unwrap().clone(),
    )
}

fn get<'v>(map: &'v Value, name: &str) -> &'v Value {
    &map.as_map().unwrap().iter().find(|(key, _)| key.as_text() == Some(name)).unwrap().1
}

fn number(value: &Value) -> u64 {
    value.as_integer().unwrap().try_into().unwrap()
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
