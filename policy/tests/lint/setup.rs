//! Policies and options for the tests.

use pcrseal_core::names::Wrapping;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::lint::{Options, Report, lint};
use pcrseal_policy::names::AccountId;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ENCLAVE: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin";
pub(crate) const IMAGE: &str = "kms:RecipientAttestation:ImageSha384";

/// The template of the page "AWS KMS Policy for TEE Auto-Unseal", with two images.
pub(crate) const TEMPLATE: &str = include_str!("../golden/five-statement-rollover.json");
/// What `render` makes, with one image.
pub(crate) const HARDENED: &str = include_str!("../golden/hardened-attested.json");
/// The same for wrapping `encrypt`.
pub(crate) const HARDENED_ENCRYPT: &str = include_str!("../golden/hardened-encrypt.json");

/// A hash of this digit.
pub(crate) fn hash(digit: &str) -> String {
    digit.repeat(96)
}

pub(crate) fn options() -> Options {
    Options::new(AccountId::new(ACCOUNT).unwrap())
}

pub(crate) fn encrypt() -> Options {
    Options { wrapping: Wrapping::Encrypt, ..options() }
}

pub(crate) fn policy(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn check(text: &str, options: &Options) -> Report {
    lint(&policy(text), options)
}

/// `severity id`, in the order of the report.
pub(crate) fn ids(report: &Report) -> Vec<String> {
    report.findings().iter().map(|finding| format!("{} {}", finding.severity, finding.rule)).collect()
}

/// A policy under change.
pub(crate) struct Draft(Value);

impl Draft {
    pub(crate) fn of(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    pub(crate) fn statements(&mut self) -> &mut Vec<Value> {
        self.0["Statement"].as_array_mut().unwrap()
    }

    /// With one statement more.
    pub(crate) fn add(mut self, statement: Value) -> Self {
        self.statements().push(statement);
        self
    }

    /// Without the statement of this `Sid`.
    pub(crate) fn without(mut self, sid: &str) -> Self {
        let before = self.statements().len();
        self.statements().retain(|statement| statement["Sid"] != sid);
        assert_eq!(self.statements().len() + 1, before, "{sid}");
        self
    }

    /// With the statement of this `Sid` changed.
    pub(crate) fn change(mut self, sid: &str, change: impl FnOnce(&mut Value)) -> Self {
        let statement = self.statements().iter_mut().find(|statement| statement["Sid"] == sid);
        change(statement.unwrap_or_else(|| panic!("{sid}")));
        self
    }

    /// With a member of the document.
    pub(crate) fn set(mut self, name: &str, value: Value) -> Self {
        self.0[name] = value;
        self
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// An Allow for a principal under `AWS`.
pub(crate) fn allow(principal: &str, action: &str) -> Value {
    json!({"Sid": "Extra", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"})
}

/// A Deny for everyone.
pub(crate) fn deny(action: &str, condition: &Value) -> Value {
    json!({"Sid": "Extra", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*",
        "Condition": condition})
}

/// A statement with a condition.
pub(crate) fn when(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}
