//! Key material: what keys consist of, and the pairs that `GenerateDataKeyPair` makes.

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, ParsedPublicKeyFormat, PrivateKey,
    UnparsedPublicKey, agree,
};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use zeroize::Zeroizing;

/// A NIST curve, named as a `KeySpec` of AWS KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// `ECC_NIST_P256`
    P256,
    /// `ECC_NIST_P384`
    P384,
    /// `ECC_NIST_P521`
    P521,
}

impl Curve {
    /// The `KeySpec`.
    pub const fn key_spec(self) -> &'static str {
        match self {
            Self::P256 => "ECC_NIST_P256",
            Self::P384 => "ECC_NIST_P384",
            Self::P521 => "ECC_NIST_P521",
        }
    }

    pub(crate) fn by_key_spec(spec: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.key_spec() == spec)
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
        }
    }
}

/// What a KMS key consists of.
pub(crate) enum Material {
    Symmetric(Zeroizing<[u8; 32]>),
    Agreement(Curve, PrivateKey),
}

impl Material {
    /// A symmetric key, or one for key agreement on a curve.
    pub(crate) fn generate(curve: Option<Curve>) -> Result<Self, Unspecified> {
        if let Some(curve) = curve {
            return Ok(Self::Agreement(curve, PrivateKey::generate(curve.algorithm())?));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice())?;
        Ok(Self::Symmetric(bytes))
    }

    pub(crate) const fn key_spec(&self) -> &'static str {
        match self {
            Self::Symmetric(_) => "SYMMETRIC_DEFAULT",
            Self::Agreement(curve, _) => curve.key_spec(),
        }
    }

    pub(crate) const fn key_usage(&self) -> &'static str {
        match self {
            Self::Symmetric(_) => "ENCRYPT_DECRYPT",
            Self::Agreement(..) => "KEY_AGREEMENT",
        }
    }
}

/// The `SubjectPublicKeyInfo` of a key for key agreement.
pub(crate) fn public_key(key: &PrivateKey) -> Result<Vec<u8>, Unspecified> {
    let spki: PublicKeyX509Der<'_> = key.compute_public_key()?.as_der()?;
    Ok(spki.as_ref().to_vec())
}

/// ECDH with a peer's `SubjectPublicKeyInfo` (NIST SP 800-56A section 5.7.1.2): the x coordinate. Fails when the
/// peer's key is of another form or curve, or not a point of the curve.
pub(crate) fn shared_secret(key: &PrivateKey, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let peer = UnparsedPublicKey::new(key.algorithm(), peer);
    let peer = ParsedPublicKey::try_from(peer).map_err(|_| Unspecified)?;
    if peer.format() != ParsedPublicKeyFormat::X509 {
        return Err(Unspecified);
    }
    agree(key, peer, Unspecified, |secret| Ok(Zeroizing::new(secret.to_vec())))
}

/// The `KeyPairSpec`s of the AWS KMS API reference.
pub(crate) const PAIR_SPECS: [&str; 9] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SM2",
    "ECC_NIST_EDWARDS25519",
];

/// A pair of keys in DER.
pub(crate) struct Pair {
    /// PKCS #8 (RFC 5208).
    pub(crate) private: Zeroizing<Vec<u8>>,
    /// `SubjectPublicKeyInfo` (RFC 5280).
    pub(crate) public: Vec<u8>,
}

impl Pair {
    /// Makes a pair; `None` where the specification is not one of ours. An RSA pair takes its time.
    pub(crate) fn generate(spec: &str) -> Option<Result<Self, Unspecified>> {
        let size = match spec {
            "RSA_2048" => KeySize::Rsa2048,
            "RSA_3072" => KeySize::Rsa3072,
            "RSA_4096" => KeySize::Rsa4096,
            other => return Curve::by_key_spec(other).map(Self::elliptic),
        };
        Some(Self::rsa(size))
    }

    fn rsa(size: KeySize) -> Result<Self, Unspecified> {
        let key = RsaKeyPair::generate(size)?;
        let private: Pkcs8V1Der<'_> = key.as_der()?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
        Ok(Self { private: Zeroizing::new(private.as_ref().to_vec()), public: public.as_ref().to_vec() })
    }

    fn elliptic(curve: Curve) -> Result<Self, Unspecified> {
        let key = PrivateKey::generate(curve.algorithm())?;
        let private: Pkcs8V1Der<'_> = key.as_der()?;
        Ok(Self { private: Zeroizing::new(private.as_ref().to_vec()), public: public_key(&key)? })
    }
}
