//! Both backends, each by itself and one against the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa as lc;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use p384::ecdsa::signature::Signer;
use p384::ecdsa::{DerSignature, Signature, SigningKey};
use pcrseal_core::crypto::{
    Backend, ES384_SIGNATURE_LEN, P384_POINT_LEN, RsaKeys, SecureRandom, SignatureRejected, aws_lc,
    rustcrypto,
};
use pcrseal_core::error::{Code, Detail, Error};
use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey};
use rsa::rand_core::UnwrapErr;
use sha2::Sha256;

const MESSAGE: &[u8] = b"the message that is signed";

fn backends() -> [Backend; 2] {
    [aws_lc::BACKEND, rustcrypto::BACKEND]
}

/// The random source that the rustcrypto crates take, on top of a backend's.
struct Rng(&'static dyn SecureRandom);

impl rsa::rand_core::TryRng for Rng {
    type Error = Error;
    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.fill(buffer)
    }
}

impl rsa::rand_core::TryCryptoRng for Rng {}

fn rng() -> UnwrapErr<Rng> {
    UnwrapErr(Rng(aws_lc::BACKEND.random))
}

struct Signed {
    made_by: &'static str,
    public_key: Vec<u8>,
    raw: [u8; ES384_SIGNATURE_LEN],
    der: Vec<u8>,
}

fn signed() -> Vec<Signed> {
    let mut scalar = [0; 48];
    aws_lc::BACKEND.random.fill(&mut scalar).unwrap();
    scalar[0] = 0; // below the group's order
    let rust_crypto = SigningKey::from_slice(&scalar).unwrap();
    let raw: Signature = rust_crypto.sign(MESSAGE);
    let der: DerSignature = rust_crypto.sign(MESSAGE);
    let public_key = rust_crypto.verifying_key().to_sec1_point(false).as_bytes().to_vec();

    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let fixed = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let asn1 = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8.as_ref()).unwrap();

    vec![
        Signed {
            made_by: "rustcrypto",
            public_key,
            raw: raw.to_bytes().as_slice().try_into().unwrap(),
            der: der.as_bytes().to_vec(),
        },
        Signed {
            made_by: "aws-lc",
            public_key: fixed.public_key().as_ref().to_vec(),
            raw: fixed.sign(&random, MESSAGE).unwrap().as_ref().try_into().unwrap(),
            der: asn1.sign(&random, MESSAGE).unwrap().as_ref().to_vec(),
        },
    ]
}

#[test]
fn es384_signatures_of_either_backend_verify_under_both() {
    for signed in signed() {
        for backend in backends() {
            assert_eq!(
                backend.es384.verify(&signed.public_key, MESSAGE, &signed.raw),
                Ok(()),
                "raw, {} under {backend:?}",
                signed.made_by
            );
            assert_eq!(
                backend.es384.verify_der(&signed.public_key, MESSAGE, &signed.der),
                Ok(()),
                "DER, {} under {backend:?}",
                signed.made_by
            );
        }
    }
}

#[test]
fn es384_takes_both_values_of_s() {
    // A signature (r, -s) is as valid as (r, s): neither standard asks for the lower one.
    for signed in signed() {
        let signature = Signature::from_slice(&signed.raw).unwrap();
        let negated = Signature::from_scalars(signature.r().to_bytes(), (-signature.s()).to_bytes()).unwrap();
        let raw: [u8; ES384_SIGNATURE_LEN] = negated.to_bytes().as_slice().try_into().unwrap();
        assert_ne!(raw, signed.raw);
        for backend in backends() {
            assert_eq!(backend.es384.verify(&signed.public_key, MESSAGE, &raw), Ok(()), "{backend:?}");
        }
    }
}

#[test]
fn es384_refuses_every_altered_bit() {
    let signed = &signed()[0];
    for backend in backends() {
        let raw =
            |key: &[u8], message: &[u8], signature: &[u8; 96]| backend.es384.verify(key, message, signature);
        for byte in 0..ES384_SIGNATURE_LEN {
            let mut altered = signed.raw;
            altered[byte] ^= 1 << (byte % 8);
            assert_eq!(
                raw(&signed.public_key, MESSAGE, &altered),
                Err(SignatureRejected),
                "{backend:?} {byte}"
            );
        }
        for byte in 0..P384_POINT_LEN {
            let mut altered = signed.public_key.clone();
            altered[byte] ^= 1 << (byte % 8);
            assert_eq!(raw(&altered, MESSAGE, &signed.raw), Err(SignatureRejected), "{backend:?} {byte}");
        }
        for byte in 0..signed.der.len() {
            let mut altered = signed.der.clone();
            altered[byte] ^= 1 << (byte % 8);
            let verdict = backend.es384.verify_der(&signed.public_key, MESSAGE, &altered);
            assert_eq!(verdict, Err(SignatureRejected), "{backend:?} DER {byte}");
        }
        assert_eq!(raw(&signed.public_key, b"another message", &signed.raw), Err(SignatureRejected));
        assert_eq!(raw(&signed.public_key, MESSAGE, &[0; 96]), Err(SignatureRejected));
        assert_eq!(raw(&signed.public_key, MESSAGE, &[0xff; 96]), Err(SignatureRejected));
    }
}

#[test]
fn es384_takes_one_form_of_public_key_alone() {
    let signed = &signed()[0];
    let point = &signed.public_key;
    let compressed = [&[2 + (point[96] & 1)], &point[1..49]].concat();
    let mut hybrid = point.clone();
    hybrid[0] = 6 + (point[96] & 1);
    // SubjectPublicKeyInfo of RFC 5480: id-ecPublicKey, secp384r1, the point as BIT STRING.
    let spki = [
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
        point.as_slice(),
    ]
    .concat();
    let longer = [point.as_slice(), &[0]].concat();
    let others: [&[u8]; 8] = [&[], &[0], &[4], &point[..96], &longer, &compressed, &hybrid, &spki];
    for backend in backends() {
        for other in others {
            assert_eq!(
                backend.es384.verify(other, MESSAGE, &signed.raw),
                Err(SignatureRejected),
                "{backend:?}"
            );
            assert_eq!(backend.es384.verify_der(other, MESSAGE, &signed.der), Err(SignatureRejected));
        }
    }
}

#[test]
fn es384_refuses_der_that_is_not_der() {
    for signed in signed() {
        let der = &signed.der;
        let long_form = [&[0x30, 0x81, der[1]], &der[2..]].concat();
        let trailing_outside = [der.as_slice(), &[0]].concat();
        let mut trailing_inside = [der.as_slice(), &[0]].concat();
        trailing_inside[1] += 1;
        let mut padded = [&der[..4], &[0], &der[4..]].concat();
        padded[1] += 1;
        padded[3] += 1;
        let indefinite = [&[0x30, 0x80], &der[2..], &[0, 0]].concat();
        for (name, bytes) in [
            ("long form length", &long_form),
            ("trailing outside", &trailing_outside),
            ("trailing inside", &trailing_inside),
            ("padded integer", &padded),
            ("indefinite", &indefinite),
        ] {
            for backend in backends() {
                let verdict = backend.es384.verify_der(&signed.public_key, MESSAGE, bytes);
                assert_eq!(verdict, Err(SignatureRejected), "{name}, {backend:?}");
            }
        }
        for backend in backends() {
            for len in 0..der.len() {
                assert!(backend.es384.verify_der(&signed.public_key, MESSAGE, &der[..len]).is_err(), "{len}");
            }
            assert!(backend.es384.verify_der(&signed.public_key, MESSAGE, &signed.raw).is_err());
        }
    }
}

fn encrypt_aws_lc(spki: &[u8], message: &[u8]) -> Vec<u8> {
    let key = lc::PublicEncryptingKey::from_der(spki).unwrap();
    let key = lc::OaepPublicEncryptingKey::new(key).unwrap();
    let mut out = vec![0; key.ciphertext_size()];
    key.encrypt(&lc::OAEP_SHA256_MGF1SHA256, message, &mut out, None).unwrap();
    out
}

fn encrypt_rustcrypto(spki: &[u8], message: &[u8]) -> Vec<u8> {
    let key = rsa::RsaPublicKey::from_public_key_der(spki).unwrap();
    key.encrypt(&mut rng(), rsa::Oaep::<Sha256>::new(), message).unwrap()
}

/// The longest message of RSA-2048 OAEP with SHA-256 (RFC 8017 section 7.1.1: k - 2 hLen - 2).
const LONGEST: usize = 256 - 2 * 32 - 2;

#[test]
fn rsa_keys_of_either_backend_open_what_either_encrypts() {
    for backend in backends() {
        let key = backend.rsa.generate().unwrap();
        let spki = key.public_key_der();
        assert_eq!(spki.len(), 294, "{backend:?}");
        assert_eq!(&spki[289..], [0x02, 0x03, 1, 0, 1], "public exponent 65537, {backend:?}");
        for message in [&b""[..], b"x", &[7; 32], &[0xa5; LONGEST]] {
            for ciphertext in [encrypt_aws_lc(spki, message), encrypt_rustcrypto(spki, message)] {
                assert_eq!(key.decrypt_oaep_sha256(&ciphertext).unwrap().expose(), message, "{backend:?}");
            }
        }
    }
}

#[test]
fn rsa_refusals_are_mute_and_alike() {
    for backend in backends() {
        let key = backend.rsa.generate().unwrap();
        let spki = key.public_key_der();
        let good = encrypt_aws_lc(spki, b"secret");
        let mut altered = good.clone();
        altered[200] ^= 1;
        let public = rsa::RsaPublicKey::from_public_key_der(spki).unwrap();
        let pkcs1v15 = public.encrypt(&mut rng(), rsa::Pkcs1v15Encrypt, b"secret").unwrap();
        let another_hash = public.encrypt(&mut rng(), rsa::Oaep::<sha2::Sha384>::new(), b"secret").unwrap();
        let mgf = public
            .encrypt(&mut rng(), rsa::Oaep::<Sha256, sha2::Sha384>::new_with_mgf_hash(), b"secret")
            .unwrap();
        let labelled =
            public.encrypt(&mut rng(), rsa::Oaep::<Sha256>::new_with_label(*b"label"), b"secret").unwrap();
        let foreign = encrypt_aws_lc(backend.rsa.generate().unwrap().public_key_der(), b"secret");
        let longer = [good.as_slice(), &[0]].concat();
        let left_padded = [&[0], good.as_slice()].concat();
        let cases: [(&str, &[u8]); 13] = [
            ("empty", &[]),
            ("short", &good[..255]),
            ("longer", &longer),
            ("left padded", &left_padded),
            ("zero", &[0; 256]),
            ("above the modulus", &[0xff; 256]),
            ("one", &{
                let mut one = [0; 256];
                one[255] = 1;
                one
            }),
            ("altered", &altered),
            ("PKCS#1 v1.5", &pkcs1v15),
            ("another hash", &another_hash),
            ("another mask hash", &mgf),
            ("a label", &labelled),
            ("another key", &foreign),
        ];
        for (name, ciphertext) in cases {
            let error = key.decrypt_oaep_sha256(ciphertext).unwrap_err();
            assert_eq!(
                (error.code(), error.detail()),
                (Code::Rejected, &Detail::None),
                "{name}, {backend:?}"
            );
        }
        assert_eq!(key.decrypt_oaep_sha256(&good).unwrap().expose(), b"secret");
    }
}

fn pkcs8(bits: usize) -> Vec<u8> {
    let key = rsa::RsaPrivateKey::new(&mut rng(), bits).unwrap();
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

#[test]
fn pkcs8_keys_are_imported_alike() {
    let size = lc::KeySize::Rsa2048;
    let made = lc::PrivateDecryptingKey::generate(size).unwrap();
    let by_aws_lc = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&made).unwrap().as_ref().to_vec();
    for der in [by_aws_lc, pkcs8(2048)] {
        let [one, other] = backends().map(|backend| backend.rsa.import_pkcs8(&der).unwrap());
        assert_eq!(one.public_key_der(), other.public_key_der());
        let ciphertext = encrypt_rustcrypto(one.public_key_der(), b"both");
        assert_eq!(one.decrypt_oaep_sha256(&ciphertext).unwrap().expose(), b"both");
        assert_eq!(other.decrypt_oaep_sha256(&ciphertext).unwrap().expose(), b"both");

        let trailing = [der.as_slice(), &[0]].concat();
        for backend in backends() {
            for bad in [&[][..], &[0x30], &der[..der.len() - 1], &trailing, MESSAGE] {
                let error = backend.rsa.import_pkcs8(bad).err().unwrap();
                assert_eq!((error.code(), error.detail()), (Code::Rejected, &Detail::None), "{backend:?}");
            }
        }
    }
}

/// A 4200-bit RSA key without a long search: its primes are 2^2100 - 783 and 3 * 2^2098 + 2201.
fn long_pkcs8() -> Vec<u8> {
    let number = |bytes: &[u8]| rsa::BoxedUint::from_be_slice(bytes, 2104).unwrap();
    let mut p = [0xff; 263];
    p[0] = 0x0f;
    p[261..].copy_from_slice(&(0xffff_u16 - 782).to_be_bytes());
    let mut q = [0; 263];
    q[0] = 0x0c;
    q[261..].copy_from_slice(&2201_u16.to_be_bytes());
    let key = rsa::RsaPrivateKey::from_p_q(number(&p), number(&q), 65_537_u64.into()).unwrap();
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

#[test]
fn pkcs8_import_takes_rsa_of_the_accepted_sizes_alone() {
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let short = pkcs8(1024);
    let nearly = pkcs8(2040);
    let long = long_pkcs8();
    assert!(aws_lc_rs::rsa::PrivateDecryptingKey::from_pkcs8(&long).is_ok(), "a valid key, but for its size");
    for backend in backends() {
        for der in [&short, &nearly, &long, ec.as_ref()] {
            assert_eq!(backend.rsa.import_pkcs8(der).err().unwrap().code(), Code::Rejected, "{backend:?}");
        }
    }
}

#[test]
fn random_bytes_differ_and_fill_the_whole_buffer() {
    for backend in backends() {
        let mut seen = HashSet::new();
        let mut or = [0_u8; 64];
        for _ in 0..64 {
            let mut buffer = [0; 64];
            backend.random.fill(&mut buffer).unwrap();
            for (or, byte) in or.iter_mut().zip(buffer) {
                *or |= byte;
            }
            assert!(seen.insert(buffer), "{backend:?}");
        }
        assert!(or.iter().all(|byte| *byte != 0), "{backend:?}: every byte was written");
        backend.random.fill(&mut []).unwrap();
    }
}

/// Fails from the given call on, forever.
struct FailsFrom {
    calls: AtomicUsize,
    first_failure: usize,
}

impl FailsFrom {
    const fn new(first_failure: usize) -> Self {
        Self { calls: AtomicUsize::new(0), first_failure }
    }
}

impl SecureRandom for FailsFrom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.first_failure {
            return Err(Code::Random.into());
        }
        rustcrypto::BACKEND.random.fill(buffer)
    }
}

#[test]
fn a_failing_random_source_makes_no_rsa_key() {
    static AT_ONCE: FailsFrom = FailsFrom::new(0);
    static LATER: FailsFrom = FailsFrom::new(1);
    for source in [&AT_ONCE, &LATER] {
        let error = rustcrypto::Rsa::new(source).generate().err().unwrap();
        assert_eq!(error.code(), Code::Random);
        // After its first failure the source is not asked again: a key is never half random.
        assert_eq!(source.calls.load(Ordering::Relaxed), source.first_failure + 1);
    }
}

#[test]
fn a_failing_random_source_stops_decryption_instead_of_unblinding_it() {
    static FAILING: FailsFrom = FailsFrom::new(0);
    let der = pkcs8(2048);
    let key = rustcrypto::Rsa::new(&FAILING).import_pkcs8(&der).unwrap();
    let ciphertext = encrypt_aws_lc(key.public_key_der(), b"secret");
    assert_eq!(key.decrypt_oaep_sha256(&ciphertext).unwrap_err().code(), Code::Rejected);
    assert_eq!(FAILING.calls.load(Ordering::Relaxed), 1, "the source was asked for blinding");
    let sound = rustcrypto::BACKEND.rsa.import_pkcs8(&der).unwrap();
    assert_eq!(sound.decrypt_oaep_sha256(&ciphertext).unwrap().expose(), b"secret");
}
