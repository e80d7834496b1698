//! Writes seeds for the fuzz targets: `seeds CORPUS_FOLDER`. Each is checked to reach the end of what its target
//! does.

use std::error::Error;
use std::fs;
use std::path::Path;

use pcrseal_core::attestation::AttestationDocument;
use pcrseal_core::names::Wrapping;
use pcrseal_core::unseal::Plan;
use pcrseal_fuzz::answers::{Input, OPERATIONS, input};
use pcrseal_fuzz::documents::documents;
use pcrseal_fuzz::key::{ANY_SIGNATURE, ciphertext_for_recipient, recipient};
use pcrseal_fuzz::model;
use pcrseal_fuzz::nsm;
use pcrseal_fuzz::outer::Outer;
use pcrseal_fuzz::policies;
use pcrseal_fuzz::world::{SECRET_LEN, World, answer_all, image};
use pcrseal_policy::document::PolicyDocument;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = std::env::args_os().nth(1).ok_or("usage: seeds CORPUS_FOLDER")?;
    let corpus = Path::new(&corpus);
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };

    let [attested, encrypt] = [Wrapping::Attested, Wrapping::Encrypt].map(World::usual);
    write("blob", "attested", &attested.seal(SECRET_LEN, &[]))?;
    write("blob", "encrypt", &encrypt.seal(SECRET_LEN, &[]))?;
    write("blob", "two_bindings", &attested.seal(SECRET_LEN, &[image(2)]))?;
    write("blob", "eight_bindings", &attested.seal(1, &(2..=8).map(image).collect::<Vec<_>>()))?;

    let outer = Outer::open(&attested.seal(SECRET_LEN, &[]))?;
    let bundle = outer.bundle();
    answer_all(Plan::new(&outer.with_bundle(&bundle), &attested.policy, &attested.measured, b"")?)?;
    write("bundle", "attested", &bundle)?;

    for length in [0, 1, 15, 16, 32, 4096] {
        let message = ciphertext_for_recipient(&vec![7; length]);
        recipient().open(&message)?;
        write("cms", &format!("content_{length}"), &message)?;
    }

    for (name, document) in documents() {
        let root = &model::read(&document).ok_or(name)?.cabundle[0];
        let parsed = AttestationDocument::parse(&document)?;
        parsed.verify(&[root], parsed.unverified_timestamp_ms(), &ANY_SIGNATURE)?;
        write("attestation", name, &document)?;
        write("verify", name, &document)?;
    }

    for (name, policy) in policies::seeds() {
        let (key_policy, identity) = policies::read(policy.as_bytes()).ok_or(name)?;
        for text in [Some(key_policy), identity].into_iter().flatten() {
            PolicyDocument::parse(text)?;
        }
        write("policy", name, policy.as_bytes())?;
    }

    for ((name, answer), (_, ask)) in nsm::seeds().into_iter().zip(nsm::OPERATIONS) {
        nsm::read(ask, &answer)?;
        write("nsm", name, &answer)?;
    }
    write("nsm", "refusal", &nsm::refusal("InvalidIndex"))?;

    // 32 zero bytes: what every operation that releases something takes.
    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let answers = [
        (
            "plaintext",
            false,
            format!(r#""Plaintext":"{KEY}","PrivateKeyPlaintext":"{KEY}","SharedSecret":"{KEY}""#),
        ),
        ("for_recipient", true, String::from(r#""CiphertextForRecipient":"Y21z","Plaintext":null"#)),
    ];
    for (name, with_recipient, released) in answers {
        let body = format!(
            r#"{{"KeyId":"k","SourceKeyId":"k","KeyPairSpec":"ECC_NIST_P256","CiphertextBlob":"YmxvYg==",
                "PrivateKeyCiphertextBlob":"YmxvYg==","PublicKey":"c3BraQ==","Policy":"{{}}","KeyMetadata":{{
                "Arn":"k","Enabled":true,"KeyState":"Enabled","KeySpec":"SYMMETRIC_DEFAULT","Origin":"AWS_KMS",
                "KeyUsage":"ENCRYPT_DECRYPT","MultiRegion":false}},{released}}}"#
        );
        let bytes = input(200, with_recipient, [""; 4], &body);
        let taken = Input::read(&bytes).ok_or("not an input")?;
        for read in OPERATIONS {
            read(&taken.answer(), with_recipient)?;
        }
        write("answer", name, &bytes)?;
    }
    let headers = [
        "ThrottlingException:http://x/",
        "req-1",
        "Sun, 06 Nov 1994 08:49:47 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    ];
    write("answer", "throttled", &input(400, true, headers, r#"{"message":"Rate exceeded"}"#))?;
    let denied = r#"{"__type":"com.amazonaws#AccessDeniedException","Message":"with an explicit deny"}"#;
    write("answer", "denied", &input(400, true, ["", "req-1", "7", ""], denied))?;
    write("answer", "html", &input(502, false, [""; 4], "<html>bad gateway</html>"))?;
    Ok(())
}
