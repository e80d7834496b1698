//! GetKeyPolicy and PutKeyPolicy. A key has one policy; `PolicyName`, whose only value is `default`, is left out.

use pcrseal_core::error::{Code, Error as Fault};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::released::nothing;
use super::request::check_key_id;
use super::{Operation, json};
use crate::Error;
use crate::limits::MAX_POLICY_LEN;

/// `kms:GetKeyPolicy`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
}

/// `kms:PutKeyPolicy`: replaces the whole policy.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutKeyPolicyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
    /// The policy, a JSON document of 1..131072 characters: tabs, line breaks and what Latin-1 prints.
    pub policy: &'a str,
    /// Have KMS take a policy that keeps the caller from ever putting another: nobody could then repair the key.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub bypass_policy_lockout_safety_check: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(borrow)]
    policy: Option<json::Text<'a>>,
}

impl Operation for GetKeyPolicyRequest<'_> {
    const TARGET: &'static str = "TrentService.GetKeyPolicy";
    // It only reads.
    const REPEATABLE: bool = true;
    /// The policy, a JSON document of 1..131072 characters.
    type Answer = String;

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        json::write(self)
    }

    fn parse(&self, body: &[u8]) -> Result<String, Fault> {
        let answer: Answer<'_> = json::read(body)?;
        let policy = answer.policy.as_ref().map(json::Text::as_str).unwrap_or_default();
        if !is_policy(policy) {
            return Err(Fault::field(Code::KmsAnswerField, "Policy"));
        }
        Ok(policy.to_owned())
    }
}

impl Operation for PutKeyPolicyRequest<'_> {
    const TARGET: &'static str = "TrentService.PutKeyPolicy";
    // The same policy replaces itself.
    const REPEATABLE: bool = true;
    type Answer = ();

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        if !is_policy(self.policy) {
            return Err(Error::InvalidRequest(Fault::field(Code::KmsPolicy, "Policy")));
        }
        json::write(self)
    }

    fn parse(&self, body: &[u8]) -> Result<(), Fault> {
        nothing(body)
    }
}

/// AWS's `PolicyType`: 1..131072 characters of the pattern `[\u0009\u000A\u000D\u0020-\u00FF]+`.
fn is_policy(text: &str) -> bool {
    let fits = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    (1..=MAX_POLICY_LEN).contains(&text.chars().count()) && text.chars().all(fits)
}
