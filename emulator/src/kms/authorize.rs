//! Whether policies allow a request, and AWS's words where they do not.

use pcrseal_policy::actions::Action;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::evaluate::{
    Attestation, ContextValue, Decision, Evaluation, Policies, PolicyType, Request, evaluate,
};

use super::ciphertext::EncryptionContext;
use super::errors::ApiError;
use super::keys::Key;
use super::sigv4::Signer;

/// What a request says besides who asks for what with which key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Facts<'a> {
    /// Of the verified attestation document.
    pub(crate) attestation: Option<&'a Attestation>,
    pub(crate) encryption_context: Option<&'a EncryptionContext>,
    /// The condition keys of this action alone (Service Authorization Reference, "Actions, resources, and condition
    /// keys for AWS Key Management Service").
    pub(crate) keys: &'a [(&'static str, &'a str)],
}

/// Judges a request for an action with this key as if `policy` were its key policy.
pub(crate) fn authorize_on_key(
    signer: &Signer,
    action: Action,
    key: &Key,
    policy: &PolicyDocument,
    facts: &Facts<'_>,
) -> Result<(), ApiError> {
    let request = Request::new(signer.principal.arn().clone(), action, Some(&key.arn));
    let own = key_conditions(key);
    let request = with(with(request, &own), &[("aws:ResourceAccount", key.account.as_str())]);
    let policies = Policies {
        key_account: &key.account,
        key_policy: policy,
        identity: signer.principal.iam_policies(),
        grants: &[],
    };
    answer(signer, &policies, &complete(request, signer, facts), key.arn.as_str())
}

/// Judges a request that uses no key: by IAM policies alone.
pub(crate) fn authorize(signer: &Signer, action: Action, facts: &Facts<'_>) -> Result<(), ApiError> {
    let request = Request::new(signer.principal.arn().clone(), action, None);
    let policies = Policies {
        key_account: signer.principal.arn().account(),
        key_policy: &PolicyDocument::new(Vec::new()),
        identity: signer.principal.iam_policies(),
        grants: &[],
    };
    answer(signer, &policies, &complete(request, signer, facts), "*")
}

/// The condition keys that follow from the key: those of the resource type `key` (the same page), and those of
/// `CreateKey`.
pub(crate) fn key_conditions(key: &Key) -> Vec<(&'static str, &'static str)> {
    let mut conditions = vec![
        ("kms:KeyOrigin", key.origin()),
        ("kms:KeySpec", key.material.key_spec()),
        ("kms:KeyUsage", key.material.key_usage()),
        ("kms:MultiRegion", boolean(key.multi_region)),
    ];
    if key.multi_region {
        conditions.push(("kms:MultiRegionKeyType", "PRIMARY"));
    }
    conditions
}

/// As condition keys have it.
pub(crate) const fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// With everything else that policies may ask about (IAM user guide, "AWS global condition context keys").
fn complete(request: Request, signer: &Signer, facts: &Facts<'_>) -> Request {
    let request = with(request, facts.keys);
    let request = with(
        request,
        &[
            ("aws:PrincipalIsAWSService", boolean(false)),
            ("aws:RequestedRegion", &signer.region),
            // AWS KMS speaks TLS alone; that this server need not is no fact of the request.
            ("aws:SecureTransport", boolean(true)),
            ("aws:ViaAWSService", boolean(false)),
        ],
    );
    let request = match facts.attestation {
        Some(attestation) => request.attestation(attestation),
        None => request,
    };
    match facts.encryption_context {
        Some(context) if !context.is_empty() => request.encryption_context(context.clone()),
        _ => request,
    }
}

fn with(request: Request, conditions: &[(&'static str, &str)]) -> Request {
    conditions
        .iter()
        .fold(request, |request, &(key, value)| request.context(key, ContextValue::One(value.to_owned())))
}

/// AWS's sentences (IAM user guide, "Troubleshoot access denied error messages"). What hangs on something that is
/// not known here is refused, in a sentence that AWS does not have.
fn answer(
    signer: &Signer,
    policies: &Policies<'_>,
    request: &Request,
    resource: &str,
) -> Result<(), ApiError> {
    let action = request.action();
    let Evaluation { decision, denied_by, unresolved, .. } = evaluate(policies, request);
    let policy = denied_by.unwrap_or(PolicyType::ResourceBased);
    let article = if policy == PolicyType::IdentityBased { "an" } else { "a" };
    let reason = match decision {
        Decision::Allow => return Ok(()),
        Decision::ExplicitDeny => format!("with an explicit deny in {article} {policy} policy"),
        Decision::ImplicitDeny => format!("because no {policy} policy allows the {action} action"),
        Decision::Undecided => {
            let open: Vec<String> = unresolved.iter().map(ToString::to_string).collect();
            format!("because this emulator cannot decide: {}", open.join("; "))
        }
    };
    Err(ApiError::denied(&signer.principal.caller_arn(), action.name(), resource, &reason))
}
