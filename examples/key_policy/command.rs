//! The command without its process: arguments in; text and an exit status out.

use std::collections::BTreeSet;
use std::fmt::Write;

use pcrseal::core::error::Error;
use pcrseal::core::names::{ClusterId, Wrapping};
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal_policy::actions::Action;
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::evaluate::{Attestation, Candidate, Image, Question, who_can};
use pcrseal_policy::lint::{Options, Profile as LintProfile, Severity, lint};
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{Hardened, Profile, Release, Template};

const USAGE: &str = "\
usage: key_policy [hardened | five-statement | multi-pcr | FILE] [--encrypt] [--strict]

  hardened, five-statement, multi-pcr
             render this profile, for an example of a cluster; `hardened` unless given
  FILE       read this key policy instead
  --encrypt  the key is used with `encrypt` wrapping (the only one that five-statement and multi-pcr fit)
  --strict   lint under the profile `strict` instead of `break-glass`

Exit status: 0 without errors in the policy, 1 with some, 2 usage or a policy that cannot be read.
";

/// An example's names: those of AWS's documentation.
const ACCOUNT: &str = "111122223333";
const OTHER_ACCOUNT: &str = "444455556666";
const CLUSTER: &str = "prod-us-east-1-mainnet";
/// What nitro-cli prints of the example's release, and of the one before it.
const CURRENT: &str = include_str!("current.json");
const PREVIOUS: &str = include_str!("previous.json");

/// What the process prints and how it ends.
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command with the arguments after its name.
pub(crate) fn run(arguments: impl IntoIterator<Item = String>) -> Outcome {
    let (mut subject, mut wrapping, mut profile) = (None, Wrapping::Attested, LintProfile::BreakGlass);
    for argument in arguments {
        match argument.as_str() {
            "--help" | "-h" => return Outcome { status: 0, stdout: USAGE.into(), stderr: String::new() },
            "--encrypt" => wrapping = Wrapping::Encrypt,
            "--strict" => profile = LintProfile::Strict,
            _ if subject.is_none() && !argument.starts_with('-') => subject = Some(argument),
            _ => return failed(&format!("{argument:?} is one argument too many\n\n{USAGE}")),
        }
    }
    let subject = subject.unwrap_or_else(|| Profile::Hardened.name().into());
    report(&subject, wrapping, profile)
        .unwrap_or_else(|error| failed(&format!("{subject}: {error} ({})\n", error.code())))
}

fn failed(text: &str) -> Outcome {
    Outcome { status: 2, stdout: String::new(), stderr: text.into() }
}

fn report(subject: &str, wrapping: Wrapping, profile: LintProfile) -> Result<Outcome, Error> {
    let mut out = String::new();
    let document = match Profile::from_name(subject) {
        Some(profile) => {
            let document = render(profile, wrapping)?;
            // Writing to a String cannot fail.
            let _ =
                write!(out, "# Policy: {subject}, {wrapping} wrapping\n{}", document.to_json().to_pretty());
            document
        }
        None => match std::fs::read_to_string(subject) {
            Ok(text) => PolicyDocument::parse(&text)?,
            Err(error) => return Ok(failed(&format!("{subject}: {error}\n"))),
        },
    };
    let account = account(&document)?;
    let report = lint(&document, &Options { wrapping, profile, ..Options::new(account.clone()) });
    let _ = write!(out, "\n# Lint: {wrapping} wrapping, profile {}\n{report}", profile.name());
    let _ = write!(out, "\n# Who can decrypt\n{}", decrypters(&document, &account, wrapping)?);
    let faulty = report.findings().iter().any(|finding| finding.severity == Severity::Error);
    Ok(Outcome { status: faulty.into(), stdout: out, stderr: String::new() })
}

/// The policy of one key of the example's cluster, while its instances go over from one release to the next.
fn render(profile: Profile, wrapping: Wrapping) -> Result<PolicyDocument, Error> {
    let (account, cluster) = (AccountId::new(ACCOUNT)?, ClusterId::new(CLUSTER)?);
    let release = |json: &str, demanded| Release::from_measurements_json(json.as_bytes(), demanded);
    let image = |json| release(json, PcrSelection::EMPTY);
    let application_and_signature = [2, 8]
        .into_iter()
        .map(|index: u64| PcrIndex::try_from(index))
        .collect::<Result<PcrSelection, _>>()?;
    let signed = |json| release(json, application_and_signature);
    let rendered = match profile {
        Profile::Hardened => Hardened::new(
            account,
            cluster,
            PrincipalArn::new(&format!("arn:aws:iam::{ACCOUNT}:role/ChamberEnclaveRole-{CLUSTER}"))?,
            vec![PrincipalArn::new(&format!("arn:aws:iam::{ACCOUNT}:role/ChamberKmsKeyAdmin"))?],
            image(CURRENT)?,
        )?
        .previous(image(PREVIOUS)?)?
        .wrapping(wrapping)
        .render()?,
        Profile::FiveStatement => Template::five_statement(account, cluster, image(CURRENT)?)?
            .previous(image(PREVIOUS)?)?
            .wrapping(wrapping)
            .render()?,
        Profile::MultiPcr => Template::multi_pcr(account, cluster, signed(CURRENT)?)?
            .previous(signed(PREVIOUS)?)?
            .wrapping(wrapping)
            .render()?,
    };
    Ok(rendered.document)
}

/// The key's account: that of the first principal which names one.
fn account(document: &PolicyDocument) -> Result<AccountId, Error> {
    let named = principals(document).into_iter().next().map(|principal| principal.account().clone());
    named.map_or_else(|| AccountId::new(ACCOUNT), Ok)
}

/// The principals that the policy names, in its order.
fn principals(document: &PolicyDocument) -> Vec<PrincipalArn> {
    let mut seen = BTreeSet::new();
    let elements = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
    elements
        .flat_map(|element| element.listed().aws_values())
        .filter_map(|value| PrincipalArn::new(value).ok())
        .filter(|principal| seen.insert(principal.clone()))
        .collect()
}

/// Decrypt, for whom the policy names and for two whom it does not, each with an IAM policy that allows all of KMS.
fn decrypters(document: &PolicyDocument, account: &AccountId, wrapping: Wrapping) -> Result<String, Error> {
    let everything = PolicyDocument::parse(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#,
    )?;
    let mut callers = principals(document);
    for account in [account.as_str(), OTHER_ACCOUNT] {
        callers.push(PrincipalArn::new(&format!("arn:aws:iam::{account}:role/not-in-the-policy"))?);
    }
    let candidates: Vec<_> = callers
        .into_iter()
        .map(|principal| Candidate { principal, identity: vec![everything.clone()] })
        .collect();

    let measured = |json: &str| PcrSet::from_measurements_json(json.as_bytes());
    let debug = with_image(&measured(CURRENT)?, Pcr::ZERO)?;
    let foreign = with_image(&measured(CURRENT)?, Pcr::new([0xfe; 48]))?;
    let image = |name: &str, pcrs| Image { name: name.into(), attestation: Some(Attestation::Enclave(pcrs)) };
    let images = [
        Image { name: "no document".into(), attestation: None },
        image("current", measured(CURRENT)?),
        image("previous", measured(PREVIOUS)?),
        image("another image", foreign),
        image("debug mode", debug),
    ];
    let context = [
        ("pcrseal:cluster", CLUSTER),
        ("pcrseal:generation", "1"),
        ("pcrseal:seal-id", "000102030405060708090a0b0c0d0e0f"),
        ("pcrseal:share", "1/5"),
        ("pcrseal:v", "1"),
        ("pcrseal:wrapping", wrapping.name()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let question = Question {
        key_account: account,
        key: None,
        key_policy: document,
        grants: &[],
        action: Action::Decrypt,
        encryption_context: &context,
        context: &[],
    };
    Ok(who_can(&question, &candidates, &images).to_string())
}

/// The same enclave with this PCR0, PCR1 and PCR2.
fn with_image(pcrs: &PcrSet, value: Pcr) -> Result<PcrSet, Error> {
    let mut pcrs = pcrs.clone();
    for index in [0_u64, 1, 2] {
        pcrs.insert(PcrIndex::try_from(index)?, value);
    }
    Ok(pcrs)
}
