//! One pair of policies and a request, in the form that the oracle reads.

use pcrseal_core::names::KeyArn;
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::{PolicyDocument, Values};
use pcrseal_policy::evaluate::{ContextValue, Decision, Evaluation, Policies, Request, evaluate};
use pcrseal_policy::json::Json;
use pcrseal_policy::names::{AccountId, PrincipalArn};

/// The key that every request is for.
pub(crate) const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// The account that the key is of.
pub(crate) const KEY_ACCOUNT: &str = "111122223333";

/// A key policy, the caller's identity-based policies, and a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) key_policy: PolicyDocument,
    pub(crate) identity_policies: Vec<PolicyDocument>,
    pub(crate) principal: PrincipalArn,
    pub(crate) action: Action,
    /// The request's condition keys; `Many` are the keys with several values.
    pub(crate) context: Vec<(String, Values)>,
}

impl Pair {
    /// What we say.
    pub(crate) fn evaluate(&self) -> Evaluation {
        let key = KeyArn::new(KEY).expect("an ARN");
        let account = AccountId::new(KEY_ACCOUNT).expect("an account");
        let request = Request::new(self.principal.clone(), self.action, Some(&key));
        let request = self.context.iter().fold(request, |request, (name, values)| {
            let value = match values {
                Values::One(value) => ContextValue::One(value.clone()),
                Values::Many(values) => ContextValue::Many(values.clone()),
            };
            request.context(name, value)
        });
        let policies = Policies {
            key_account: &account,
            key_policy: &self.key_policy,
            identity: &self.identity_policies,
            grants: &[],
        };
        evaluate(&policies, &request)
    }

    /// The value of a condition key with one value.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.context.iter().find_map(|(name, values)| match values {
            Values::One(value) if name.eq_ignore_ascii_case(key) => Some(value.as_str()),
            _ => None,
        })
    }

    /// As the oracle reads it: see `scripts/interop_policy_oracle.mjs`.
    pub(crate) fn to_json(&self) -> Json {
        let text = |text: &str| Json::String(text.to_owned());
        let object = |members: Vec<(&str, Json)>| {
            Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let value = |values: &Values| match values {
            Values::One(value) => text(value),
            Values::Many(values) => Json::Array(values.iter().map(|value| text(value)).collect()),
        };
        let context = self.context.iter().map(|(key, values)| (key.clone(), value(values))).collect();
        let request = object(vec![
            ("principal", text(&self.principal.to_string())),
            ("action", text(self.action.name())),
            ("resource", text(KEY)),
            ("context", Json::Object(context)),
        ]);
        object(vec![
            ("keyAccount", text(KEY_ACCOUNT)),
            ("keyPolicy", self.key_policy.to_json()),
            (
                "identityPolicies",
                Json::Array(self.identity_policies.iter().map(PolicyDocument::to_json).collect()),
            ),
            ("request", request),
        ])
    }

    /// The other way round.
    pub(crate) fn from_json(json: &Json) -> Self {
        let policy = |json: &Json| PolicyDocument::parse(&json.to_compact()).expect("a policy");
        let request = member(json, "request");
        let Json::Array(identity_policies) = member(json, "identityPolicies") else { panic!("{json}") };
        let Json::Object(context) = member(request, "context") else { panic!("{json}") };
        let values = |json: &Json| match json {
            Json::Array(items) => Values::Many(items.iter().map(|item| text(item).to_owned()).collect()),
            one => Values::One(text(one).to_owned()),
        };
        Self {
            key_policy: policy(member(json, "keyPolicy")),
            identity_policies: identity_policies.iter().map(policy).collect(),
            principal: PrincipalArn::new(text(member(request, "principal"))).expect("a principal"),
            action: Action::new(text(member(request, "action"))).expect("an action"),
            context: context.iter().map(|(key, value)| (key.clone(), values(value))).collect(),
        }
    }
}

/// The member of an object, which has it.
pub(crate) fn member<'a>(json: &'a Json, name: &str) -> &'a Json {
    let Json::Object(members) = json else { panic!("{json} is no object") };
    members.iter().find_map(|(own, value)| (own == name).then_some(value)).expect("the member is there")
}

/// A string.
pub(crate) fn text(json: &Json) -> &str {
    let Json::String(text) = json else { panic!("{json} is no string") };
    text
}

/// A decision as the oracle writes it.
pub(crate) const fn name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::ExplicitDeny => "explicit-deny",
        Decision::ImplicitDeny => "implicit-deny",
        Decision::Undecided => "undecided",
    }
}
