//! Key policies: read, replaced, checked before they are taken.

use std::ops::RangeInclusive;
use std::sync::Arc;

use pcrseal_policy::actions::Action;
use pcrseal_policy::document::{MAX_KEY_POLICY_LEN, PolicyDocument};
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::kms::authorize::{Facts, boolean};
use crate::kms::errors::ApiError;
use crate::kms::input::Input;
use crate::kms::keys::Key;
use crate::kms::policy::StoredPolicy;

/// Bounds of the AWS KMS API reference.
const POLICY_LEN: RangeInclusive<usize> = 1..=131_072;
const POLICY_NAME_LEN: RangeInclusive<usize> = 1..=128;
const MARKER_LEN: RangeInclusive<usize> = 1..=1024;
const MAX_LIMIT: u64 = 1000;
/// The only name that a key policy has here: keys are not shared through AWS RAM.
const DEFAULT: &str = "default";

impl Call<'_> {
    pub(super) fn get_key_policy(&mut self, input: &Input) -> Answer {
        check_name(input)?;
        let key = self.named_key(input)?;
        self.authorize(&key, Action::GetKeyPolicy, &Facts::default())?;
        Ok(json!({ "Policy": key.controls().policy.text, "PolicyName": DEFAULT }))
    }

    pub(super) fn put_key_policy(&mut self, input: &Input) -> Answer {
        check_name(input)?;
        let text = policy_text(input)?.ok_or_else(|| input.missing("Policy"))?;
        let bypass = input.flag("BypassPolicyLockoutSafetyCheck")?;
        let key = self.named_key(input)?;
        self.authorize(&key, Action::PutKeyPolicy, &put_facts(&put_keys(bypass)))?;
        let policy = self.checked_policy(&key, text, bypass)?;
        key.controls().policy = policy;
        Ok(Value::Null)
    }

    pub(super) fn list_key_policies(&mut self, input: &Input) -> Answer {
        input.number("Limit", 1, MAX_LIMIT)?;
        if input.text("Marker", MARKER_LEN)?.is_some() {
            return Err(ApiError::bare("InvalidMarkerException"));
        }
        let key = self.named_key(input)?;
        self.authorize(&key, Action::ListKeyPolicies, &Facts::default())?;
        Ok(json!({ "PolicyNames": [DEFAULT], "Truncated": false }))
    }

    /// Reads a policy for this key as it came, and checks what `PutKeyPolicy` and `CreateKey` do: each statement
    /// names principals, all of them exist, and unless that is bypassed, the caller may put another policy in its
    /// place later (AWS KMS API reference, `PutKeyPolicy`).
    pub(super) fn checked_policy(
        &self,
        key: &Key,
        text: &str,
        bypass_lockout_check: bool,
    ) -> Result<Arc<StoredPolicy>, ApiError> {
        if text.len() > MAX_KEY_POLICY_LEN {
            let text = format!("The key policy document is longer than {MAX_KEY_POLICY_LEN} bytes.");
            return Err(ApiError::new("LimitExceededException", text));
        }
        // AWS does not say what is wrong with a text that is no policy.
        let document =
            PolicyDocument::parse(text).map_err(|error| ApiError::malformed_policy(error.to_string()))?;
        if document.statements.is_empty() {
            return Err(ApiError::malformed_policy("Policy contains no statement."));
        }
        for statement in &document.statements {
            let Some(principals) = &statement.principals else {
                return Err(ApiError::malformed_policy("Policy contains a statement without a principal."));
            };
            if !self.world.identities().know_all(principals.listed(), key.arn.partition()) {
                let text = "Policy contains a statement with one or more invalid principals.";
                return Err(ApiError::malformed_policy(text));
            }
        }
        if !bypass_lockout_check
            && self.judge(key, &document, Action::PutKeyPolicy, &put_facts(&put_keys(false))).is_err()
        {
            let text = "The new key policy will not allow you to update the key policy in the future.";
            return Err(ApiError::malformed_policy(text));
        }
        Ok(Arc::new(StoredPolicy { text: text.to_owned(), document }))
    }
}

/// `Policy`, where it is there.
pub(super) fn policy_text(input: &Input) -> Result<Option<&str>, ApiError> {
    let text = input.text("Policy", POLICY_LEN)?;
    let allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if text.is_some_and(|text| !text.chars().all(allowed)) {
        let constraint = "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
        return Err(ApiError::constraint("", "policy", constraint));
    }
    Ok(text)
}

fn put_keys(bypass: bool) -> [(&'static str, &'static str); 1] {
    [("kms:BypassPolicyLockoutSafetyCheck", boolean(bypass))]
}

fn put_facts<'a>(keys: &'a [(&'static str, &'a str)]) -> Facts<'a> {
    Facts { keys, ..Facts::default() }
}

fn check_name(input: &Input) -> Result<(), ApiError> {
    match input.text("PolicyName", POLICY_NAME_LEN)? {
        None | Some(DEFAULT) => Ok(()),
        Some(_) => Err(ApiError::new("NotFoundException", "No such policy exists")),
    }
}
