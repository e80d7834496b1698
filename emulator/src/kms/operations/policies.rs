//! Key policy documents: stored, and not enforced. What a key permits is its [`KeyPolicy`](crate::kms::KeyPolicy).

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::kms::errors::ApiError;
use crate::kms::input::Input;

/// Bounds of the AWS KMS API reference.
const POLICY_LEN: RangeInclusive<usize> = 1..=131_072;
const POLICY_NAME_LEN: RangeInclusive<usize> = 1..=128;
const MARKER_LEN: RangeInclusive<usize> = 1..=1024;
const MAX_LIMIT: u64 = 1000;
/// Longest key policy document in bytes (AWS KMS developer guide, "Resource quotas").
const MAX_DOCUMENT_LEN: usize = 32 * 1024;
/// The only name that a key policy has.
const DEFAULT: &str = "default";

impl Call<'_> {
    pub(super) fn get_key_policy(&mut self, input: &Input) -> Answer {
        check_name(input)?;
        let key = self.named_key(input)?;
        self.authorize(&key, self.operation, None)?;
        Ok(json!({ "Policy": key.controls().policy_document, "PolicyName": DEFAULT }))
    }

    pub(super) fn put_key_policy(&mut self, input: &Input) -> Answer {
        check_name(input)?;
        let document = input.required_text("Policy", POLICY_LEN)?;
        input.flag("BypassPolicyLockoutSafetyCheck")?;
        let key = self.named_key(input)?;
        self.authorize(&key, self.operation, None)?;
        check_document(document)?;
        document.clone_into(&mut key.controls().policy_document);
        Ok(Value::Null)
    }

    pub(super) fn list_key_policies(&mut self, input: &Input) -> Answer {
        input.number("Limit", 1, MAX_LIMIT)?;
        if input.text("Marker", MARKER_LEN)?.is_some() {
            return Err(ApiError::bare("InvalidMarkerException"));
        }
        let key = self.named_key(input)?;
        self.authorize(&key, self.operation, None)?;
        Ok(json!({ "PolicyNames": [DEFAULT], "Truncated": false }))
    }
}

/// What KMS gives a key that is created without a policy (AWS KMS developer guide, "Default key policy").
pub(crate) fn default_document(partition: &str, account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:{partition}:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

fn check_name(input: &Input) -> Result<(), ApiError> {
    match input.text("PolicyName", POLICY_NAME_LEN)? {
        None | Some(DEFAULT) => Ok(()),
        Some(_) => Err(ApiError::new("NotFoundException", "No such policy exists")),
    }
}

/// A document is a JSON object with statements, each of which allows or denies.
fn check_document(document: &str) -> Result<(), ApiError> {
    if document.len() > MAX_DOCUMENT_LEN {
        let text = format!("The key policy document is longer than {MAX_DOCUMENT_LEN} bytes.");
        return Err(ApiError::new("LimitExceededException", text));
    }
    let read = serde_json::from_str::<Value>(document).unwrap_or_default();
    let statements = match read.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => &[],
    };
    let sound = |statement: &Value| matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"));
    if statements.is_empty() || !statements.iter().all(sound) {
        return Err(ApiError::bare("MalformedPolicyDocumentException"));
    }
    Ok(())
}
