//! Accounts, principals and permissions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use pcrseal_core::error::Code;
use pcrseal_policy::actions::Action;
use pcrseal_policy::names::{AccountId, Identity, PrincipalArn};

#[test]
fn accounts_have_twelve_digits() {
    assert_eq!(AccountId::new("111122223333").unwrap().as_str(), "111122223333");
    for text in
        ["", "11112222333", "1111222233334", "11112222333x", "1111-2222-3333", "１１１１２２２２３３３３"]
    {
        assert_eq!(AccountId::new(text).unwrap_err().code(), Code::AccountId, "{text}");
    }
}

#[test]
fn principals_are_read_and_written() {
    let cases = [
        ("arn:aws:iam::111122223333:root", Identity::Root),
        ("arn:aws-cn:iam::111122223333:role/r", Identity::Role { path: "/".into(), name: "r".into() }),
        (
            "arn:aws:iam::111122223333:role/a/b-c/R_+=,.@-1",
            Identity::Role { path: "/a/b-c/".into(), name: "R_+=,.@-1".into() },
        ),
        ("arn:aws:iam::111122223333:user/x/u", Identity::User { path: "/x/".into(), name: "u".into() }),
        (
            "arn:aws:sts::111122223333:assumed-role/r/i-0123456789abcdef0",
            Identity::AssumedRole { name: "r".into(), session: "i-0123456789abcdef0".into() },
        ),
        ("arn:aws:sts::111122223333:federated-user/f", Identity::FederatedUser { name: "f".into() }),
    ];
    for (text, identity) in cases {
        let arn = PrincipalArn::new(text).unwrap();
        assert_eq!((arn.identity(), arn.to_string().as_str()), (&identity, text));
        assert_eq!(arn.account().as_str(), "111122223333");
        assert_eq!(arn.is_role(), matches!(identity, Identity::Role { .. }));
        assert_eq!(text.parse::<PrincipalArn>().unwrap(), arn);
    }
    let root = AccountId::new("111122223333").unwrap().root("aws-us-gov");
    assert_eq!(root.to_string(), "arn:aws-us-gov:iam::111122223333:root");
    assert_eq!(root.partition(), "aws-us-gov");
}

#[test]
fn what_is_no_principal_is_refused() {
    let long = format!("arn:aws:iam::111122223333:role/{}", "n".repeat(65));
    let deep = format!("arn:aws:iam::111122223333:role/{}/n", "p".repeat(511));
    for text in [
        "",
        "*",
        "111122223333",
        "arn:aws:iam::111122223333",
        "arn:aws:iam::111122223333:",
        "arn:aws:iam::111122223333:role",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/a*/n",
        "arn:aws:iam::111122223333:role/a b/n",
        "arn:aws:iam::111122223333:role/a?b",
        "arn:aws:iam::111122223333:root/x",
        "arn:aws:iam::111122223333:group/x",
        "arn:aws:iam::11112222333:root",
        "arn:aws:iam:us-east-1:111122223333:root",
        "arn:aws:sts::111122223333:root",
        "arn:aws:sts::111122223333:assumed-role/r",
        "arn:aws:sts::111122223333:assumed-role/r/s/t",
        "arn:aws:sts::111122223333:role/r",
        "arn:aws:iam::111122223333:assumed-role/r/s",
        "arn::iam::111122223333:root",
        "ARN:aws:iam::111122223333:root",
        "arn:AWS:iam::111122223333:root",
        long.as_str(),
        deep.as_str(),
    ] {
        assert_eq!(PrincipalArn::new(text).unwrap_err().code(), Code::PrincipalArn, "{text}");
    }
    let shown = PrincipalArn::new(&"é".repeat(10_000)).unwrap_err().to_string();
    assert!(shown.len() < 400, "{shown}");
}

#[test]
fn permissions_are_read_by_name_whatever_their_case() {
    for &action in Action::ALL {
        assert_eq!(Action::new(action.name()).unwrap(), action);
        assert_eq!(Action::new(&action.name().to_uppercase()).unwrap(), action);
        // What carries an attestation document uses a key's material, or is GenerateRandom.
        assert!(
            !action.carries_attestation() || action.is_cryptographic() || !action.is_on_key(),
            "{action}"
        );
    }
    assert!(Action::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    for name in ["", "Decrypt", "kms:", "kms:*", "kms:ReEncrypt", "s3:GetObject", "kms:Decrypt "] {
        assert_eq!(Action::new(name).unwrap_err().code(), Code::ActionName, "{name}");
    }
    let attested = Action::ALL.iter().filter(|action| action.carries_attestation());
    assert_eq!(
        attested.map(|action| action.name()).collect::<Vec<_>>(),
        [
            "kms:Decrypt",
            "kms:DeriveSharedSecret",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyPair",
            "kms:GenerateRandom"
        ]
    );
}
