//! The pure module: what requests look like, which are refused, and what is made of every kind of answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pcrseal_core::error::Code;
use pcrseal_core::secret::Secret;
use pcrseal_kms::wire::{
    DataKeySpec, DecryptRequest, DescribeKeyRequest, EncryptRequest, EncryptionContext,
    GenerateDataKeyRequest, HttpAnswer, Operation, Released,
};
use pcrseal_kms::{Error, ErrorClass};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn context() -> EncryptionContext {
    BTreeMap::from([("b".to_owned(), "2/5".to_owned()), ("a".to_owned(), "\"quoted\"\n".to_owned())])
}

fn body<O: Operation>(operation: &O) -> Value {
    serde_json::from_slice(&operation.body().unwrap()).unwrap()
}

fn refused<O: Operation>(operation: &O) -> Code {
    match operation.body().unwrap_err() {
        Error::InvalidRequest(fault) => fault.code(),
        other => panic!("{other}"),
    }
}

fn read<O: Operation>(operation: &O, body: &[u8]) -> Result<O::Answer, Error> {
    HttpAnswer::new(200, [("X-Amzn-RequestId", b"req-1".as_slice())], body).read(operation)
}

fn bad<O: Operation>(operation: &O, body: &[u8]) -> Code {
    match read(operation, body) {
        Err(Error::BadAnswer(bad)) => {
            assert_eq!(bad.request_id, "req-1");
            bad.fault.code()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(body)),
    }
}

fn decrypt<'a>(context: &'a EncryptionContext, recipient: Option<&'a [u8]>) -> DecryptRequest<'a> {
    DecryptRequest {
        key_id: ARN,
        ciphertext_blob: b"blob",
        encryption_context: context,
        grant_tokens: &[],
        recipient,
        dry_run: false,
    }
}

fn generate<'a>(context: &'a EncryptionContext, recipient: Option<&'a [u8]>) -> GenerateDataKeyRequest<'a> {
    GenerateDataKeyRequest {
        key_id: ARN,
        spec: DataKeySpec::Aes256,
        encryption_context: context,
        grant_tokens: &[],
        recipient,
        dry_run: false,
    }
}

#[test]
fn requests_are_written_as_the_api_has_them() {
    let (context, empty) = (context(), EncryptionContext::new());
    let written_context = json!({ "a": "\"quoted\"\n", "b": "2/5" });
    let plaintext = Secret::copy_from(b"\xff\xfe");
    let encrypt = EncryptRequest {
        key_id: ARN,
        plaintext: &plaintext,
        encryption_context: &context,
        grant_tokens: &[],
        dry_run: true,
    };
    assert_eq!(
        body(&encrypt),
        json!({ "KeyId": ARN, "Plaintext": "//4=", "EncryptionContext": written_context, "DryRun": true })
    );
    assert_eq!(body(&decrypt(&empty, None)), json!({ "KeyId": ARN, "CiphertextBlob": "YmxvYg==" }));
    let recipient = json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "ZG9j" });
    assert_eq!(
        body(&DecryptRequest { dry_run: true, ..decrypt(&context, Some(b"doc")) }),
        json!({ "KeyId": ARN, "CiphertextBlob": "YmxvYg==", "EncryptionContext": written_context,
                "Recipient": recipient, "DryRun": true })
    );
    assert_eq!(
        body(&generate(&context, Some(b"doc"))),
        json!({ "KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": written_context, "Recipient": recipient })
    );
    let number = DataKeySpec::NumberOfBytes(24);
    assert_eq!(
        body(&GenerateDataKeyRequest { spec: number, ..generate(&empty, None) }),
        json!({ "KeyId": ARN, "NumberOfBytes": 24 })
    );
    assert_eq!(body(&DescribeKeyRequest { key_id: ARN, grant_tokens: &[] }), json!({ "KeyId": ARN }));
}

#[test]
fn requests_outside_the_bounds_are_refused() {
    let empty = EncryptionContext::new();
    let good = decrypt(&empty, Some(b"doc"));

    for (len, fits) in [(0, false), (1, true), (2048, true), (2049, false)] {
        let key_id = "k".repeat(len);
        let request = DecryptRequest { key_id: &key_id, ..good };
        assert_eq!(request.body().is_ok(), fits, "KeyId {len}");
        if !fits {
            assert_eq!(refused(&request), Code::KmsKeyId);
            assert_eq!(refused(&DescribeKeyRequest { key_id: &key_id, grant_tokens: &[] }), Code::KmsKeyId);
            assert_eq!(
                refused(&GenerateDataKeyRequest { key_id: &key_id, ..generate(&empty, None) }),
                Code::KmsKeyId
            );
        }
    }
    for (len, fits) in [(0, false), (1, true), (6144, true), (6145, false)] {
        let request = DecryptRequest { ciphertext_blob: &vec![0; len], ..good };
        assert_eq!(request.body().is_ok(), fits, "CiphertextBlob {len}");
        assert!(fits || refused(&request) == Code::KmsCiphertextBlob);
    }
    for (len, fits) in [(0, false), (1, true), (262_144, true), (262_145, false)] {
        let document = vec![0; len];
        let request = DecryptRequest { recipient: Some(&document), ..good };
        assert_eq!(request.body().is_ok(), fits, "AttestationDocument {len}");
        assert!(fits || refused(&request) == Code::KmsAttestationDocument);
        let request = generate(&empty, Some(&document));
        assert!(fits || refused(&request) == Code::KmsAttestationDocument);
    }
    for (len, fits) in [(0, false), (1, true), (4096, true), (4097, false)] {
        let plaintext = Secret::new(vec![7; len]);
        let request = EncryptRequest {
            key_id: ARN,
            plaintext: &plaintext,
            encryption_context: &empty,
            grant_tokens: &[],
            dry_run: false,
        };
        assert_eq!(request.body().is_ok(), fits, "Plaintext {len}");
        assert!(fits || refused(&request) == Code::KmsPlaintext);
    }
    for (number, fits) in [(0, false), (1, true), (1024, true), (1025, false), (u16::MAX, false)] {
        let spec = DataKeySpec::NumberOfBytes(number);
        let request = GenerateDataKeyRequest { spec, ..generate(&empty, None) };
        assert_eq!(request.body().is_ok(), fits, "NumberOfBytes {number}");
        assert!(fits || refused(&request) == Code::KmsNumberOfBytes);
    }
    for (key, value, fits) in [("", 1, false), ("k", 0, true), ("k", 8191, true), ("k", 8192, false)] {
        let context = BTreeMap::from([(key.to_owned(), "v".repeat(value))]);
        let request = decrypt(&context, None);
        assert_eq!(request.body().is_ok(), fits, "EncryptionContext {key:?} {value}");
        assert!(fits || refused(&request) == Code::KmsEncryptionContext);
    }
}

#[test]
fn no_error_and_no_debug_holds_the_plaintext() {
    let secret = "hunter2-".repeat(600);
    let plaintext = Secret::copy_from(secret.as_bytes());
    let empty = EncryptionContext::new();
    let request = EncryptRequest {
        key_id: ARN,
        plaintext: &plaintext,
        encryption_context: &empty,
        grant_tokens: &[],
        dry_run: false,
    };
    let error = request.body().unwrap_err();
    for shown in [format!("{request:?}"), format!("{error}"), format!("{error:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let answer = br#"{"KeyId":"k","Plaintext":"aHVudGVyMg=="}"#;
    let released = read(&decrypt(&empty, None), answer).unwrap();
    assert!(!format!("{released:?}").contains("hunter2"));
    // A 200 that cannot be used is never quoted: it may hold a plaintext.
    let error = read(&decrypt(&empty, None), br#"{"Plaintext":"aHVudGVyMg==","KeyId":hunter2}"#).unwrap_err();
    for shown in [format!("{error}"), format!("{error:?}")] {
        assert!(!shown.contains("aHVudGVyMg") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn answers_are_read() {
    let empty = EncryptionContext::new();
    let answer = br#"{"CiphertextForRecipient":null,"EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"arn",
        "KeyMaterialId":"x","Plaintext":"aGVsbG8="}"#;
    let answer = read(&decrypt(&empty, None), answer).unwrap();
    assert_eq!(answer.key_id, "arn");
    assert!(matches!(answer.released, Released::Plaintext(p) if p.expose() == b"hello"));

    let key = Base64::encode_string(&[9; 32]);
    let answer = json!({ "KeyId": "arn", "CiphertextBlob": "YmxvYg==", "Plaintext": key }).to_string();
    let answer = read(&generate(&empty, None), answer.as_bytes()).unwrap();
    assert_eq!(answer.ciphertext_blob, b"blob");
    assert!(matches!(answer.released, Released::Plaintext(p) if p.expose() == [9; 32]));

    for plaintext in [Value::Null, json!("")] {
        let fields = json!({ "KeyId": "arn", "CiphertextBlob": "YmxvYg==", "Plaintext": plaintext,
                             "CiphertextForRecipient": "Y21z" });
        let answer = read(&generate(&empty, Some(b"doc")), fields.to_string().as_bytes()).unwrap();
        assert!(matches!(answer.released, Released::ForRecipient(cms) if cms == b"cms"));
    }

    // JSON may escape a slash: the text is then a copy.
    let answer = read(&decrypt(&empty, None), br#"{"KeyId":"arn","Plaintext":"\/\/4="}"#).unwrap();
    assert!(matches!(answer.released, Released::Plaintext(p) if p.expose() == b"\xff\xfe"));
}

#[test]
fn key_metadata_is_read_and_no_field_may_be_missing() {
    let metadata = json!({
        "AWSAccountId": "111122223333", "Arn": ARN, "CreationDate": 1.7e9, "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": "", "Enabled": true, "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "KeyId": "1234abcd",
        "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false, "Origin": "AWS_KMS", "XksKeyConfiguration": { "Id": "x" },
    });
    let request = DescribeKeyRequest { key_id: ARN, grant_tokens: &[] };
    let read_metadata = |metadata: &Value| {
        let body = json!({ "KeyMetadata": metadata }).to_string();
        read(&request, body.as_bytes()).map_err(|error| (error.code(), error.to_string()))
    };
    let read_back = read_metadata(&metadata).unwrap();
    assert_eq!(read_back.arn, ARN);
    assert!(read_back.enabled && !read_back.multi_region);
    assert_eq!((read_back.key_state.as_str(), read_back.key_spec.as_str()), ("Enabled", "SYMMETRIC_DEFAULT"));
    assert_eq!((read_back.key_usage.as_str(), read_back.origin.as_str()), ("ENCRYPT_DECRYPT", "AWS_KMS"));

    for field in ["Arn", "Enabled", "KeyState", "KeySpec", "KeyUsage", "MultiRegion", "Origin"] {
        let mut without = metadata.clone();
        without.as_object_mut().unwrap().remove(field);
        let (code, text) = read_metadata(&without).unwrap_err();
        assert_eq!(code, Code::KmsAnswerField);
        assert!(text.contains(field), "{text}");
    }
    let mut long = metadata.clone();
    long["KeyState"] = json!("x".repeat(65));
    assert_eq!(read_metadata(&long).unwrap_err().0, Code::KmsAnswerField);
    long["KeyState"] = json!("Enabled\u{1b}[2J");
    assert_eq!(read_metadata(&long).unwrap_err().0, Code::KmsAnswerField);
    assert_eq!(bad(&request, b"{}"), Code::KmsAnswerMalformed);
}

#[test]
fn a_plaintext_beside_recipient_fails_closed() {
    let empty = EncryptionContext::new();
    let both = br#"{"KeyId":"arn","CiphertextBlob":"YmxvYg==","Plaintext":"aGVsbG8=","CiphertextForRecipient":"Y21z"}"#;
    let alone = br#"{"KeyId":"arn","CiphertextBlob":"YmxvYg==","Plaintext":"aGVsbG8="}"#;
    for body in [both.as_slice(), alone] {
        assert_eq!(bad(&decrypt(&empty, Some(b"doc")), body), Code::KmsPlaintextBesideRecipient);
        assert_eq!(bad(&generate(&empty, Some(b"doc")), body), Code::KmsPlaintextBesideRecipient);
    }
}

#[test]
fn answers_that_lack_or_overdo_a_field_are_bad() {
    let empty = EncryptionContext::new();
    let (plain, attested) = (decrypt(&empty, None), decrypt(&empty, Some(b"doc")));
    let long = |bytes: usize| Base64::encode_string(&vec![0; bytes]);
    for answer in [
        json!({}),
        json!({ "KeyId": "arn" }),
        json!({ "KeyId": "arn", "Plaintext": "" }),
        json!({ "KeyId": "arn", "Plaintext": null }),
        json!({ "KeyId": "arn", "Plaintext": "not base64" }),
        json!({ "KeyId": "arn", "Plaintext": long(4097) }),
        json!({ "KeyId": "", "Plaintext": "aGVsbG8=" }),
        json!({ "KeyId": "a b", "Plaintext": "aGVsbG8=" }),
        json!({ "KeyId": "k".repeat(2049), "Plaintext": "aGVsbG8=" }),
        json!({ "Plaintext": "aGVsbG8=" }),
        // The CMS does not stand in for a plaintext that was asked for.
        json!({ "KeyId": "arn", "CiphertextForRecipient": "Y21z" }),
    ] {
        assert_eq!(bad(&plain, answer.to_string().as_bytes()), Code::KmsAnswerField, "{answer}");
    }
    for answer in [
        json!({ "KeyId": "arn" }),
        json!({ "KeyId": "arn", "CiphertextForRecipient": "" }),
        json!({ "KeyId": "arn", "CiphertextForRecipient": long(6145) }),
        json!({ "CiphertextForRecipient": "Y21z" }),
    ] {
        assert_eq!(bad(&attested, answer.to_string().as_bytes()), Code::KmsAnswerField, "{answer}");
    }
    for len in [1, 31, 33, 1024] {
        let answer = json!({ "KeyId": "arn", "CiphertextBlob": "YmxvYg==", "Plaintext": long(len) });
        assert_eq!(
            bad(&generate(&empty, None), answer.to_string().as_bytes()),
            Code::KmsAnswerField,
            "{len}"
        );
    }
    let answer = json!({ "KeyId": "arn", "Plaintext": long(32), "CiphertextBlob": long(6145) });
    assert_eq!(bad(&generate(&empty, None), answer.to_string().as_bytes()), Code::KmsAnswerField);
}

#[test]
fn what_is_not_the_json_of_an_answer_is_bad() {
    let empty = EncryptionContext::new();
    let plain = decrypt(&empty, None);
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_map = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let deep_unknown = format!(r#"{{"KeyId":"arn","Plaintext":"aGVsbG8=","New":{deep}}}"#);
    for body in [
        b"".as_slice(),
        b"null",
        b"[]",
        b"\"text\"",
        b"<html></html>",
        b"\xff\xfe\x00",
        br#"{"KeyId":"arn","Plaintext":"aGVsbG8="} "x""#,
        br#"{"KeyId":"arn","KeyId":"arn","Plaintext":"aGVsbG8="}"#,
        br#"{"KeyId":"arn","Plaintext":["aGVsbG8="]}"#,
        br#"{"KeyId":7,"Plaintext":"aGVsbG8="}"#,
        // Not UTF-8, though in a field that nobody reads.
        b"{\"KeyId\":\"arn\",\"Plaintext\":\"aGVsbG8=\",\"New\":\"\xff\"}",
        deep.as_bytes(),
        deep_map.as_bytes(),
        deep_unknown.as_bytes(),
        "[".repeat(10_000).as_bytes(),
    ] {
        assert_eq!(bad(&plain, body), Code::KmsAnswerMalformed, "{}", body.len());
    }
    let oversize = vec![b' '; 256 * 1024 + 1];
    assert_eq!(bad(&plain, &oversize), Code::KmsAnswerTooLong);
}

#[test]
fn a_truncated_answer_is_bad_at_every_byte() {
    let empty = EncryptionContext::new();
    let answer = br#"{"KeyId":"arn:aws:kms:x","CiphertextBlob":"YmxvYg==","CiphertextForRecipient":"Y21z","Plaintext":null}"#;
    let request = generate(&empty, Some(b"doc"));
    assert!(read(&request, answer).is_ok());
    for len in 0..answer.len() {
        assert_eq!(bad(&request, &answer[..len]), Code::KmsAnswerMalformed, "{len}");
    }
}

#[test]
fn a_flipped_byte_never_panics_nor_releases_a_plaintext() {
    let empty = EncryptionContext::new();
    let answer = br#"{"KeyId":"arn:aws:kms:x","CiphertextBlob":"YmxvYg==","CiphertextForRecipient":"Y21z","Plaintext":""}"#;
    let error = br#"{"__type":"com.amazonaws#AccessDeniedException","message":"no"}"#;
    let request = generate(&empty, Some(b"doc"));
    for position in 0..answer.len() {
        for bit in 0..8 {
            let mut flipped = answer.to_vec();
            flipped[position] ^= 1 << bit;
            if let Ok(answer) = read(&request, &flipped) {
                assert!(matches!(answer.released, Released::ForRecipient(_)), "{position}.{bit}");
            }
        }
    }
    for position in 0..error.len() {
        for value in 0..=255 {
            let mut flipped = error.to_vec();
            flipped[position] = value;
            let result = HttpAnswer::new(400, [], &flipped).read(&request);
            assert!(matches!(result, Err(Error::Service(_))), "{position}");
        }
    }
}

fn service(status: u16, headers: &[(&str, &str)], body: &[u8]) -> pcrseal_kms::ServiceError {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    match HttpAnswer::new(status, headers, body).read(&DescribeKeyRequest { key_id: ARN, grant_tokens: &[] })
    {
        Err(Error::Service(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_of_the_service_in_every_shape() {
    let denied = "User: arn:aws:sts::111122223333:assumed-role/r/i is not authorized to perform: kms:Decrypt";
    for (headers, body) in [
        (vec![], json!({ "__type": "AccessDeniedException", "Message": denied })),
        (vec![], json!({ "__type": "com.amazonaws.kms#AccessDeniedException", "message": denied })),
        (
            vec![("x-amzn-ErrorType", "AccessDeniedException:http://internal.amazon.com/coral/")],
            json!({ "message": denied }),
        ),
        // The header goes before the body.
        (
            vec![("X-AMZN-ERRORTYPE", "AccessDeniedException")],
            json!({ "__type": "Other", "Message": denied }),
        ),
        (
            vec![("x-amzn-errortype", "")],
            json!({ "__type": "AccessDeniedException", "message": denied, "Message": "x" }),
        ),
    ] {
        let mut headers = headers;
        headers.push(("x-amzn-RequestId", "11111111-2222-3333-4444-555555555555"));
        let error = service(400, &headers, body.to_string().as_bytes());
        assert_eq!(error.code(), "AccessDeniedException", "{body}");
        assert_eq!(error.message(), denied, "{body}");
        assert_eq!(error.request_id(), "11111111-2222-3333-4444-555555555555");
        assert_eq!((error.http_status(), error.class()), (400, ErrorClass::AccessDenied));
    }
}

#[test]
fn errors_that_are_not_of_kms_keep_their_status_and_words() {
    let error = service(503, &[], b"<html>\r\n<h1>upstream connect error</h1>");
    assert_eq!((error.code(), error.class()), ("", ErrorClass::Unavailable));
    assert_eq!(error.message(), "<html>??<h1>upstream connect error</h1>");

    let error = service(404, &[], b"");
    assert_eq!((error.code(), error.message(), error.class()), ("", "", ErrorClass::Other));

    // Redirects and other kinds of success are no answers of KMS.
    assert_eq!(service(302, &[], b"{}").class(), ErrorClass::Other);
    assert_eq!(service(204, &[], b"").class(), ErrorClass::Other);
    // Nor are they quoted: they may hold a plaintext.
    for status in [201, 203, 206, 299] {
        for body in [&br#"{"KeyId":"arn","Plaintext":"aHVudGVyMg=="}"#[..], br#"{"Plaintext":"aHVudGVyMg=="#]
        {
            let error = service(status, &[], body);
            assert_eq!((error.message(), error.class()), ("", ErrorClass::Other), "{status}");
        }
    }

    let error = service(400, &[("x-amzn-errortype", "ThrottlingException")], &[0xff; 5000]);
    assert_eq!(error.class(), ErrorClass::Throttled);
    assert_eq!(error.message(), "?".repeat(1024));

    let deep = "[".repeat(10_000);
    assert_eq!(service(500, &[], deep.as_bytes()).class(), ErrorClass::Unavailable);
}

#[test]
fn a_dry_run_says_yes_by_an_error_of_its_own_class() {
    let body = br#"{"__type":"DryRunOperationException","message":"The request would have succeeded, but the DryRun option is set."}"#;
    assert_eq!(service(412, &[], body).class(), ErrorClass::DryRunOperation);
}
