//! The condition keys that a request has by itself.

use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Attestation, ContextValue, Decision, Request};

use super::setup::{
    FEDERATED, ROLE, ROOT, SESSION, USER, World, conditional, decided, enclave, many, one, pcrs, request,
};

/// Whether the request has this value for the key; `missing` asks for none.
fn has(request: &Request, key: &str, value: &str) -> bool {
    let ask = |operator: &str, value: &str| {
        let allow = World::new(&conditional(operator, key, &format!("{value:?}")));
        let iam =
            allow.iam(&conditional(operator, key, &format!("{value:?}")).replace(r#""Principal":"*","#, ""));
        decided(iam.ask(request).decision) == Some(true)
    };
    if value == "missing" { ask("Null", "true") } else { ask("StringEquals", value) }
}

#[test]
fn keys_of_the_caller() {
    const PATH_ROLE: &str = "arn:aws:iam::111122223333:role/service/data-processing";
    for (caller, arn, kind) in [
        (ROLE, ROLE, "AssumedRole"),
        (PATH_ROLE, PATH_ROLE, "AssumedRole"),
        (SESSION, ROLE, "AssumedRole"),
        (USER, USER, "User"),
        (FEDERATED, FEDERATED, "FederatedUser"),
        (ROOT, ROOT, "Account"),
    ] {
        let request = request(caller, Action::Decrypt);
        assert!(has(&request, "aws:PrincipalArn", arn), "{caller}");
        assert!(has(&request, "aws:PrincipalType", kind), "{caller}");
        assert!(has(&request, "aws:PrincipalAccount", "111122223333"), "{caller}");
        assert!(has(&request, "kms:CallerAccount", "111122223333"), "{caller}");
    }
    for (caller, name, id) in [
        (ROLE, "missing", None),
        (SESSION, "missing", None),
        (USER, "Bob", None),
        (FEDERATED, "missing", Some("111122223333:Bob")),
        (ROOT, "missing", Some("111122223333")),
    ] {
        let request = request(caller, Action::Decrypt);
        assert!(has(&request, "aws:username", name), "{caller}");
        // Everybody has one; of users and roles, the ARN does not tell it.
        assert!(!has(&request, "aws:userid", "missing"), "{caller}");
        assert!(id.is_none_or(|id| has(&request, "aws:userid", id)), "{caller}");
    }
}

#[test]
fn nobody_replaces_the_keys_of_the_caller() {
    let keys = [
        "aws:PrincipalArn",
        "AWS:PRINCIPALACCOUNT",
        "aws:PrincipalType",
        "kms:CallerAccount",
        "aws:username",
    ];
    let plain = request(USER, Action::Decrypt);
    for key in keys {
        let request = plain.clone().context(key, one("other"));
        assert!(!has(&request, key, "other"), "{key}");
        let request = plain.clone().context(key, many(&[]));
        assert!(!has(&request, key, "missing"), "{key}");
    }
    let request = request(ROLE, Action::Decrypt).context("aws:userid", one("AROAEXAMPLE:i-1"));
    assert!(has(&request, "aws:userid", "AROAEXAMPLE:i-1"));
}

#[test]
fn the_path_of_a_sessions_role() {
    let of = |caller| request(caller, Action::Decrypt).role_path("/service/");
    assert!(has(&of(SESSION), "aws:PrincipalArn", "arn:aws:iam::111122223333:role/service/data-processing"));
    assert!(has(&of(ROLE), "aws:PrincipalArn", ROLE));
    assert!(has(&of(USER), "aws:PrincipalArn", USER));
}

#[test]
fn attestation_of_an_enclave() {
    let document = Attestation::Enclave(pcrs(&[(0, 0xab), (3, 0x12), (31, 0)]));
    let request = request(ROLE, Action::Decrypt).attestation(&document);
    for (key, value) in [
        ("ImageSha384", "ab".repeat(48)),
        ("PCR0", "ab".repeat(48)),
        ("PCR3", "12".repeat(48)),
        ("PCR31", "00".repeat(48)),
        ("PCR1", "missing".into()),
        ("PCR03", "missing".into()),
        ("NitroTPMPCR0", "missing".into()),
        ("NitroTPMPCR3", "missing".into()),
    ] {
        assert!(has(&request, &format!("kms:RecipientAttestation:{key}"), &value), "{key}");
    }
}

#[test]
fn attestation_of_a_nitro_tpm() {
    let document = Attestation::NitroTpm(pcrs(&[(0, 0xab), (4, 0x12)]));
    let request = request(ROLE, Action::GenerateDataKey).attestation(&document);
    for (key, value) in [
        ("NitroTPMPCR0", "ab".repeat(48)),
        ("NitroTPMPCR4", "12".repeat(48)),
        ("ImageSha384", "missing".into()),
        ("PCR0", "missing".into()),
        ("PCR4", "missing".into()),
    ] {
        assert!(has(&request, &format!("kms:RecipientAttestation:{key}"), &value), "{key}");
    }
}

#[test]
fn attestation_where_there_can_be_none() {
    for &action in Action::ALL.iter().filter(|&&action| action != Action::RetireGrant) {
        let request = request(ROLE, action).attestation(&enclave(0xab));
        let expected = if action.carries_attestation() { "ab".repeat(48) } else { "missing".into() };
        assert!(has(&request, "kms:RecipientAttestation:ImageSha384", &expected), "{action}");
    }
}

#[test]
fn encryption_context() {
    let request = request(ROLE, Action::Decrypt)
        .encryption_context([("pcrseal:Cluster", "prod"), ("a,b", "2")])
        .encryption_context([("Third", "3")]);
    assert!(has(&request, "kms:EncryptionContext:pcrseal:cluster", "prod"));
    assert!(has(&request, "KMS:ENCRYPTIONCONTEXT:PCRSEAL:CLUSTER", "prod"));
    assert!(!has(&request, "kms:EncryptionContext:pcrseal:cluster", "Prod"));
    assert!(has(&request, "kms:EncryptionContext:a,b", "2"));
    assert!(has(&request, "kms:EncryptionContext:third", "3"));
    assert!(has(&request, "kms:EncryptionContext:fourth", "missing"));
    // The names themselves are values, and keep their case.
    let keys = |operator: &str, values: &str| {
        decided(
            World::new(&conditional(operator, "kms:EncryptionContextKeys", values)).ask(&request).decision,
        )
    };
    assert_eq!(keys("ForAllValues:StringEquals", r#"["pcrseal:Cluster","a,b","Third"]"#), Some(true));
    assert_eq!(keys("ForAllValues:StringEquals", r#"["pcrseal:cluster","a,b","Third"]"#), Some(false));
    assert_eq!(keys("ForAnyValue:StringEquals", r#""Third""#), Some(true));
    assert_eq!(keys("ForAnyValue:StringEquals", r#""third""#), Some(false));
}

#[test]
fn an_empty_encryption_context_has_no_keys() {
    let request = request(ROLE, Action::Decrypt).encryption_context::<String, String>([]);
    assert!(has(&request, "kms:EncryptionContextKeys", "missing"));
}

#[test]
fn encryption_context_where_there_can_be_none() {
    for &action in Action::ALL.iter().filter(|&&action| action != Action::RetireGrant) {
        let request = request(ROLE, action).encryption_context([("k", "v")]);
        let carries = action.carries_encryption_context();
        assert!(has(&request, "kms:EncryptionContext:k", if carries { "v" } else { "missing" }), "{action}");
        assert_eq!(has(&request, "kms:EncryptionContextKeys", "missing"), !carries, "{action}");
    }
    for action in [Action::Encrypt, Action::ReEncryptTo, Action::CreateGrant, Action::GenerateDataKeyPair] {
        assert!(action.carries_encryption_context(), "{action}");
    }
    for action in [Action::Sign, Action::DescribeKey, Action::DeriveSharedSecret, Action::GenerateMac] {
        assert!(!action.carries_encryption_context(), "{action}");
    }
}

#[test]
fn the_last_value_of_a_key_counts() {
    let plain = request(ROLE, Action::Decrypt).context("aws:Example", one("a"));
    assert!(has(&plain.clone().context("AWS:example", one("b")), "aws:Example", "b"));
    assert!(has(&plain.context("AWS:example", many(&[])), "aws:Example", "missing"));
}

#[test]
fn what_a_request_is_about() {
    let request = request(SESSION, Action::Decrypt);
    assert_eq!(request.caller().to_string(), SESSION);
    assert_eq!(request.action(), Action::Decrypt);
    assert_eq!(World::new("").ask(&request).decision, Decision::ImplicitDeny);
}

/// Facts of the key that every request on it has: what asks for one that was not given cannot be decided.
#[test]
fn facts_of_the_key_are_never_missing() {
    for key in ["kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage", "kms:MultiRegion"] {
        let world = World::new(&format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"{key}":"x"}}}}}}"#
        ));
        let asked = |request: &Request| world.ask(request).decision;
        assert_eq!(asked(&request(ROLE, Action::Decrypt)), Decision::Undecided, "{key}");
        let given =
            |value: &str| request(ROLE, Action::Decrypt).context(key, ContextValue::One(value.into()));
        assert_eq!(asked(&given("x")), Decision::Allow, "{key}");
        assert_eq!(asked(&given("y")), Decision::ImplicitDeny, "{key}");
    }
}
