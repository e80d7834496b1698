//! Parameters of the examples, golden files, Terraform.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pcrseal_core::error::{Code, Error};
use pcrseal_core::names::ClusterId;
use pcrseal_core::pcr::{Pcr, PcrIndex};
use pcrseal_policy::document::PolicyDocument;
use pcrseal_policy::names::{AccountId, PrincipalArn};
use pcrseal_policy::render::{Hardened, Release, Rendered};

pub fn account() -> AccountId {
    AccountId::new("111122223333").unwrap()
}

pub fn cluster() -> ClusterId {
    ClusterId::new("prod-us-east-1-mainnet").unwrap()
}

/// A PCR value of this hex digit alone.
pub fn pcr(digit: char) -> Pcr {
    Pcr::from_hex(&digit.to_string().repeat(96)).unwrap()
}

pub fn index(raw: u64) -> PcrIndex {
    PcrIndex::try_from(raw).unwrap()
}

pub const ENCLAVE: &str = "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet";
pub const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin";

pub fn arn(text: &str) -> PrincipalArn {
    PrincipalArn::new(text).unwrap()
}

pub fn image(digit: char) -> Release {
    Release::enclave(pcr(digit)).unwrap()
}

/// The profile `hardened` as it is by default, for image `a`.
pub fn hardened() -> Hardened {
    hardened_for(image('a'))
}

pub fn hardened_for(current: Release) -> Hardened {
    Hardened::new(account(), cluster(), arn(ENCLAVE), vec![arn(ADMINISTRATOR)], current).unwrap()
}

pub fn code<T>(result: Result<T, Error>) -> Code {
    result.err().expect("an error").code()
}

/// Compares with `tests/golden/NAME.{json,tf,md}`, byte for byte; writes them instead where `UPDATE_GOLDEN` is set.
/// Besides, what holds of everything that is rendered.
pub fn golden(name: &str, rendered: &Rendered) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (extension, text) in
        [("json", &rendered.json()), ("tf", &rendered.terraform), ("md", &rendered.notes)]
    {
        let file = format!("{name}.{extension}");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(folder.join(&file), text).unwrap();
        }
        let expected = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(*text == expected, "{file} differs from what is rendered:\n{text}");
    }
    sound(rendered);
}

fn sound(rendered: &Rendered) {
    let Rendered { document, terraform, notes } = rendered;
    let json = rendered.json();
    assert_eq!(PolicyDocument::parse(&json).unwrap(), *document);
    // PutKeyPolicy takes Latin-1; ASCII is safe wherever the text travels.
    for text in [&json, terraform, notes] {
        assert!(text.bytes().all(|c| c == b'\n' || (b' '..=b'~').contains(&c)), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()) && text.ends_with('\n'), "{text}");
    }
    let sids: Vec<&str> = document.statements.iter().filter_map(|it| it.sid.as_deref()).collect();
    assert_eq!(sids.len(), document.statements.len());
    let headings: Vec<&str> = notes.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(headings, sids, "one section per Sid");
    assert!(sids.iter().all(|sid| sid.bytes().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
    same_in_terraform(document, terraform);
    formatted(terraform);
}

/// Statement by statement: the Terraform block holds the values of the statement, each once, and no others.
fn same_in_terraform(document: &PolicyDocument, terraform: &str) {
    let policy = terraform.split("\nresource ").next().unwrap();
    let blocks: Vec<&str> = policy.split("\n  statement {\n").skip(1).collect();
    assert_eq!(blocks.len(), document.statements.len());
    for (block, statement) in blocks.into_iter().zip(&document.statements) {
        let mut written: Vec<String> = quoted_values(block);
        let mut expected = vec![statement.sid.clone().unwrap(), statement.effect.as_str().to_owned()];
        expected.extend(statement.actions.iter().flat_map(|it| it.listed().as_slice().to_owned()));
        expected.extend(statement.resources.iter().flat_map(|it| it.listed().as_slice().to_owned()));
        let principals = statement.principals.as_ref().unwrap().listed();
        if principals.is_everyone() {
            expected.extend(["*".to_owned(), "*".to_owned()]);
        } else {
            expected.push("AWS".to_owned());
            expected.extend(principals.aws_values().map(str::to_owned));
        }
        for condition in &statement.conditions {
            expected.extend([condition.operator.to_string(), condition.key.clone()]);
            expected.extend(condition.values.as_slice().to_owned());
        }
        written.sort();
        expected.sort();
        assert_eq!(written, expected);
    }
}

/// The string literals of a piece of configuration, read back. None of ours holds a line break.
fn quoted_values(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    for line in text.lines() {
        let Some((_, literal)) = line.split_once('"') else { continue };
        let literal = literal.trim_end_matches(',').strip_suffix('"').expect("a closed literal");
        let plain = literal.replace("$${", "${").replace("%%{", "%{");
        values.push(plain.replace("\\\"", "\"").replace("\\\\", "\\"));
    }
    values
}

/// `terraform fmt -check`, where Terraform is installed.
fn formatted(terraform: &str) {
    let command = Command::new("terraform")
        .args(["fmt", "-check", "-diff", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        println!("skipped: no terraform on the PATH");
        return;
    };
    child.stdin.take().unwrap().write_all(terraform.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
