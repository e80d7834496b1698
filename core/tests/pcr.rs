//! Predicted PCR values, and the measurements that nitro-cli prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal_core::attestation::AWS_NITRO_ENCLAVES_ROOT_G1;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSet};

fn code<T>(result: Result<T, Error>) -> Code {
    result.err().expect("an error").code()
}

// Expected values: Python's hashlib, sha384(bytes(48) + data).

#[test]
fn pcr3_of_a_role() {
    let expected =
        "78fce75db17cd4e0a3fb8dad3ad128ca5e77edbb2b2c7f75329dccd99aa5f6ef4fc1f1a452e315b9e98f9e312e6921e6";
    assert_eq!(Pcr::from_role_arn("arn:aws:iam::123456789012:role/Webserver").unwrap().to_string(), expected);
    let expected =
        "a059593cb55ff8d8cc3a970dc4f2a5d857a78982ce10c00667db89c29d26cc531b881fee9ecc44e1b9452dc5aff40c5e";
    let arn = "arn:aws-us-gov:iam::123456789012:role/service/path/Web_server@x";
    assert_eq!(Pcr::from_role_arn(arn).unwrap().to_string(), expected);
}

#[test]
fn what_is_no_role_arn_is_refused() {
    for arn in [
        "",
        "Webserver",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/path/",
        "arn:aws:iam::123456789012:role",
        "arn:aws:iam::123456789012:instance-profile/Webserver",
        "arn:aws:sts::123456789012:assumed-role/Webserver/i-0123456789abcdef0",
        "arn:aws:iam:eu-west-1:123456789012:role/Webserver",
        "arn:aws:iam::12345678901:role/Webserver",
        "arn:aws:iam::12345678901x:role/Webserver",
        "arn:gcp:iam::123456789012:role/Webserver",
        "arn:aws :iam::123456789012:role/Webserver",
        "ARN:aws:iam::123456789012:role/Webserver",
        " arn:aws:iam::123456789012:role/Webserver",
        "arn:aws:iam::123456789012:role/Webserver\n",
        "arn:aws:iam::123456789012:role/Web:server",
        "arn:aws:iam::123456789012:role/path/Web:server",
        "arn:aws:iam::123456789012:role/pa th/Webserver",
        "arn:aws:iam::123456789012:rolex/Webserver",
        "arn:aws:iam::123456789012:role/Webs\u{e9}rver",
    ] {
        assert_eq!(code(Pcr::from_role_arn(arn)), Code::RoleArn, "{arn:?}");
    }
    // A path may hold every visible ASCII character (IAM API reference, `pathType`).
    assert!(Pcr::from_role_arn("arn:aws:iam::123456789012:role/a:b!*~/c/Webserver").is_ok());
    let with = |len: usize| format!("arn:aws:iam::123456789012:role/{}", "x".repeat(len - 31));
    assert!(Pcr::from_role_arn(&with(2048)).is_ok());
    assert_eq!(code(Pcr::from_role_arn(&with(2049))), Code::RoleArn);
}

#[test]
fn pcr4_of_an_instance() {
    let expected =
        "d6432900ac1c343cb40286898792c55e962aef0cc35c4910c0c286145b51af19e782cb21cc31a042671d7dfbd398251c";
    assert_eq!(Pcr::from_instance_id("i-0123456789abcdef0").unwrap().to_string(), expected);
    let expected =
        "7ae88bcecfd4a546ae3a4f6341e176923b9adb3165c1157d89afb62db41a336e6043e3c8fbad656b7763ceb04afdd330";
    assert_eq!(Pcr::from_instance_id("i-0a1b2c3d").unwrap().to_string(), expected);
    for id in
        ["", "i-", "0123456789abcdef0", "i-0123456789abcdef", "i-0123456789abcdef01", "i-0123456789ABCDEF0"]
    {
        assert_eq!(code(Pcr::from_instance_id(id)), Code::InstanceId, "{id:?}");
    }
    assert_eq!(code(Pcr::from_instance_id("i-0123456789abcdefg")), Code::InstanceId);
}

#[test]
fn pcr8_of_a_certificate() {
    let der = AWS_NITRO_ENCLAVES_ROOT_G1;
    let expected =
        "df3a0511a411c6a5628d91a189a052d281dec8153ffecde6bdc1a059825c32e4bfb7fc95b367564a64812a8795af8f8a";
    assert_eq!(Pcr::from_signing_certificate(der).unwrap().to_string(), expected);
    let cut = &der[..der.len() - 1];
    let longer = [der, &[0]].concat();
    for wrong in [&b""[..], b"-----BEGIN CERTIFICATE-----", cut, &longer, &[0x31, 0]] {
        assert_eq!(code(Pcr::from_signing_certificate(wrong)), Code::SigningCertificate);
    }
}

fn hex(digit: &str) -> String {
    digit.repeat(96)
}

fn pcr(digit: &str) -> Pcr {
    Pcr::from_hex(&hex(digit)).unwrap()
}

fn set(values: &[(u64, &str)]) -> PcrSet {
    values.iter().map(|&(index, digit)| (PcrIndex::try_from(index).unwrap(), pcr(digit))).collect()
}

fn measurements(body: &str) -> Result<PcrSet, Error> {
    PcrSet::from_measurements_json(format!("{{\"Measurements\": {{{body}}}}}").as_bytes())
}

fn usual() -> String {
    format!(
        r#""HashAlgorithm": "Sha384 {{ ... }}", "PCR0": "{}", "PCR1": "{}", "PCR2": "{}""#,
        hex("a"),
        hex("1"),
        hex("2")
    )
}

/// One register of zeros is no debug mode, and neither is one that nobody measured.
#[test]
fn debug_mode_is_zeros_in_all_three_image_registers() {
    let zero = "0";
    let debug = set(&[(0, zero), (1, zero), (2, zero), (3, "3"), (4, "4")]);
    assert!(debug.is_debug());
    for index in 0..3 {
        let mut one_measured = debug.clone();
        one_measured.insert(PcrIndex::try_from(index).unwrap(), pcr("a"));
        assert!(!one_measured.is_debug(), "PCR{index}");
        let one_absent: PcrSet =
            debug.iter().filter(|(other, _)| u64::from(other.get()) != index).map(|(i, v)| (i, *v)).collect();
        assert!(!one_absent.is_debug(), "PCR{index} absent");
    }
    assert!(!PcrSet::new().is_debug());
}

#[test]
fn measurements_of_build_enclave() {
    let expected = set(&[(0, "a"), (1, "1"), (2, "2")]);
    assert_eq!(measurements(&usual()).unwrap(), expected);
    let signed = format!(r#"{}, "PCR8": "{}""#, usual(), hex("8"));
    assert_eq!(measurements(&signed).unwrap(), set(&[(0, "a"), (1, "1"), (2, "2"), (8, "8")]));
    assert_eq!(measurements(&usual().replace(" { ... }", "")).unwrap(), expected);
    assert_eq!(
        measurements(&usual().replace('a', "A").replace("HAsh", "Hash").replace("ShA", "Sha")).unwrap(),
        expected
    );
}

#[test]
fn measurements_of_describe_eif() {
    let json = format!(
        r#"{{
          "EifVersion": 4,
          "Measurements": {{ {}, "PCR8": "{}" }},
          "IsSigned": true,
          "SigningCertificate": {{ "IssuerName": {{ "commonName": "x" }}, "Algorithm": "ecdsa-with-SHA384" }},
          "CheckCRC": true,
          "ImageName": "app", "ImageVersion": "1.0",
          "Metadata": {{ "BuildTime": "t", "Numbers": [0, -1, 1.5, null, false, [{{}}]] }}
        }}"#,
        usual(),
        hex("8")
    );
    let set = PcrSet::from_measurements_json(json.as_bytes()).unwrap();
    assert_eq!(set.len(), 4);
}

#[test]
fn measurements_that_lack_or_exceed() {
    for name in ["PCR0", "PCR1", "PCR2", "HashAlgorithm"] {
        let body = usual().replace(&format!("\"{name}\""), "\"PCR8\"");
        assert_eq!(code(measurements(&body)), Code::MeasurementsMissing, "{name}");
    }
    assert_eq!(code(PcrSet::from_measurements_json(b"{}")), Code::MeasurementsMissing);
    assert_eq!(code(measurements("")), Code::MeasurementsMissing);
    for name in ["PCR3", "PCR08", "pcr0", ""] {
        let body = format!(r#"{}, "{name}": "{}""#, usual(), hex("3"));
        assert_eq!(code(measurements(&body)), Code::MeasurementsUnknown, "{name}");
    }
    for algorithm in ["Sha256 { ... }", "Sha512", "sha384", "Sha3840", ""] {
        let body = usual().replace("Sha384 { ... }", algorithm);
        assert_eq!(code(measurements(&body)), Code::MeasurementsAlgorithm, "{algorithm}");
    }
    assert_eq!(code(measurements(&usual().replace(&hex("1"), &hex("1")[1..]))), Code::PcrLength);
    assert_eq!(code(measurements(&usual().replace(&hex("1"), ""))), Code::PcrLength);
    assert_eq!(code(measurements(&usual().replace(&hex("1"), &hex("x")))), Code::PcrHex);
}

#[test]
fn measurements_that_are_not_that_json() {
    for json in [
        "",
        "null",
        "[]",
        "\"Measurements\"",
        r#"{"Measurements": null}"#,
        r#"{"Measurements": []}"#,
        r#"{"Measurements": {"PCR0": 0}}"#,
        r#"{"Measurements": {"PCR0": null}}"#,
        r#"{"Measurements": {"PCR0": {}}}"#,
        r#"{"a": 1, "a": 1}"#,
        r#"{"a": {"b": 1, "b": 1}}"#,
        r#"{"a": [{"b": 1, "b": 1}]}"#,
        r#"{"a": 1,}"#,
        r#"{"a": 1e999}"#,
        "{\"\\ud800\": 1}",
    ] {
        assert_eq!(code(PcrSet::from_measurements_json(json.as_bytes())), Code::MeasurementsJson, "{json}");
    }
    assert_eq!(code(PcrSet::from_measurements_json(b"{\"\xff\": 1}")), Code::MeasurementsJson);
    let json = format!(r#"{{"Measurements": {{{}}}}}"#, usual());
    for end in 0..json.len() {
        assert_eq!(code(PcrSet::from_measurements_json(&json.as_bytes()[..end])), Code::MeasurementsJson);
    }
    let code_of = |json: String| code(PcrSet::from_measurements_json(json.as_bytes()));
    assert_eq!(code_of(format!("{json} {{}}")), Code::MeasurementsJson);
    assert_eq!(
        code_of(format!(r#"{{"Measurements": {{{0}}}, "Measurements": {{{0}}}}}"#, usual())),
        Code::MeasurementsJson
    );
    for repeated in [format!("{0}, {0}", usual()), format!(r#"{}, "x": 1, "x": 2"#, usual())] {
        assert_eq!(code(measurements(&repeated)), Code::MeasurementsJson);
    }
    assert_eq!(
        code(measurements(&format!(r#"{}, "\u0050CR0": "{}""#, usual(), hex("a")))),
        Code::MeasurementsJson
    );
}

#[test]
fn measurements_nested_or_long() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for json in [
            nested.clone(),
            open.repeat(10_000),
            format!("{{\"other\": {nested}}}"),
            format!("{{\"Measurements\": {nested}}}"),
            format!("{{\"Measurements\": {{\"PCR0\": {nested}}}}}"),
            format!("{{\"Measurements\": {{\"other\": {nested}}}}}"),
        ] {
            let expected = if json.len() > 65_536 { Code::TooLong } else { Code::MeasurementsJson };
            assert_eq!(code(PcrSet::from_measurements_json(json.as_bytes())), expected);
        }
    }
    let padded = |len: usize| {
        let json = format!(r#"{{"Measurements": {{{}}}}}"#, usual());
        format!("{json}{}", " ".repeat(len - json.len()))
    };
    assert!(PcrSet::from_measurements_json(padded(65_536).as_bytes()).is_ok());
    assert_eq!(code(PcrSet::from_measurements_json(padded(65_537).as_bytes())), Code::TooLong);
}
