//! A policy as Terraform configuration, laid out as `terraform fmt` leaves it.
//!
//! The data source `aws_iam_policy_document` makes JSON of it: the same statements in the same order. It sorts
//! actions and principals, and writes a list of one value as that value (AWS provider, `policy_model.go`); KMS reads
//! both alike.

use pcrseal_core::error::{Code, Error};

use crate::document::{Condition, Matching, PolicyDocument, Principals, Statement, Values};
use crate::names::excerpt;

/// The name of the data source and of the key, within their module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalName(Box<str>);

impl LocalName {
    /// What the policies are called unless somebody says otherwise.
    pub(super) fn pcrseal() -> Self {
        Self("pcrseal".into())
    }

    /// ASCII letters, digits, `_` and `-`, a letter or `_` first (Terraform language, "Identifiers").
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        let first = text.bytes().next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
        if first && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-')) {
            return Ok(Self(text.into()));
        }
        let expected = "letters, digits, _ and -, a letter or _ first";
        Err(Error::text(Code::TerraformName, "name", expected, excerpt(text)))
    }
}

/// The policy as a data source, and the key that it belongs to.
///
/// Of a document that was made here: it has no negated elements and no unknown members.
///
/// # Errors
/// [`Code::PolicyRole`] for a principal with `&{` in its path: the data source would read a policy variable.
pub(super) fn configuration(
    document: &PolicyDocument,
    name: &LocalName,
    description: &str,
) -> Result<String, Error> {
    for principal in document.statements.iter().filter_map(|statement| statement.principals.as_ref()) {
        if let Some(found) = principal.listed().aws_values().find(|value| value.contains("&{")) {
            let expected = "a path without &{, which is a variable to Terraform";
            return Err(Error::text(Code::PolicyRole, "principal", expected, excerpt(found)));
        }
    }
    let mut out = Writer::default();
    out.open(&format!("data \"aws_iam_policy_document\" \"{}\"", name.0));
    let mut head = vec![("version", quoted(document.effective_version().as_str()))];
    head.extend(document.id.iter().map(|id| ("policy_id", quoted(id))));
    out.attributes(&head);
    for statement in &document.statements {
        out.gap();
        self::statement(&mut out, statement);
    }
    out.close();
    out.gap();
    key(&mut out, name, description);
    Ok(out.text)
}

/// What a seal demands of its keys (a symmetric key of one Region), said aloud even where it is the provider's default.
///
/// Rotation gives the key new material from time to time and keeps the old: ciphertexts stay readable, the ARN stays,
/// and whoever demands rotation of every key (CIS AWS Foundations Benchmark) is content. It retires nothing.
///
/// Whether the key is enabled is left alone: the provider's default is `is_enabled = true`, and the next `apply` would
/// bring back a key that was disabled to retire it (AWS provider, `aws_kms_key`).
fn key(out: &mut Writer, name: &LocalName, description: &str) {
    out.open(&format!("resource \"aws_kms_key\" \"{}\"", name.0));
    out.attributes(&[
        ("description", quoted(description)),
        ("key_usage", quoted("ENCRYPT_DECRYPT")),
        ("customer_master_key_spec", quoted("SYMMETRIC_DEFAULT")),
        ("multi_region", "false".into()),
        ("enable_key_rotation", "true".into()),
        ("deletion_window_in_days", "30".into()),
        ("bypass_policy_lockout_safety_check", "false".into()),
        ("policy", format!("data.aws_iam_policy_document.{}.json", name.0)),
    ]);
    out.gap();
    out.open("lifecycle");
    out.attributes(&[("ignore_changes", "[is_enabled]".into())]);
    out.close();
    out.close();
}

fn statement(out: &mut Writer, statement: &Statement) {
    out.open("statement");
    let mut head: Vec<_> = statement.sid.iter().map(|sid| ("sid", quoted(sid))).collect();
    head.push(("effect", quoted(statement.effect.as_str())));
    out.attributes(&head);
    for (name, element) in [("actions", &statement.actions), ("resources", &statement.resources)] {
        if let Some(values) = element {
            out.list(name, values.listed());
        }
    }
    if let Some(principals) = statement.principals.as_ref().map(Matching::listed) {
        self::principals(out, principals);
    }
    for Condition { operator, key, values } in &statement.conditions {
        out.gap();
        out.open("condition");
        out.attributes(&[("test", quoted(&operator.to_string())), ("variable", quoted(key))]);
        out.list("values", values);
        out.close();
    }
    out.close();
}

/// `"*"` is the type `*`: under the type `AWS` it would become `{"AWS": "*"}`.
fn principals(out: &mut Writer, principals: &Principals) {
    let everyone = Values::from("*");
    let blocks: Vec<(&str, &Values)> = match principals {
        Principals::Everyone => vec![("*", &everyone)],
        Principals::Listed(listed) => listed.iter().map(|(kind, values)| (kind.as_str(), values)).collect(),
    };
    for (kind, identifiers) in blocks {
        out.gap();
        out.open("principals");
        out.attributes(&[("type", quoted(kind))]);
        out.list("identifiers", identifiers);
        out.close();
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn open(&mut self, block: &str) {
        self.line(&format!("{block} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    /// Lines next to each other: their equals signs stand below each other.
    fn attributes(&mut self, attributes: &[(&str, String)]) {
        let width = attributes.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in attributes {
            self.line(&format!("{name:width$} = {value}"));
        }
    }

    /// One value a line, so that a diff shows the value that changed.
    fn list(&mut self, name: &str, values: &Values) {
        self.line(&format!("{name} = ["));
        self.depth += 1;
        for value in values.iter() {
            self.line(&format!("{},", quoted(value)));
        }
        self.depth = self.depth.saturating_sub(1);
        self.line("]");
    }
}

/// A quoted string literal (Terraform language, "Strings and Templates"): `${` and `%{` would begin a template.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '$' | '%' if rest.peek() == Some(&'{') => literal.extend([c, c]),
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn templates_quotes_and_backslashes_are_escaped() {
        // As `terraform console` reads them back.
        assert_eq!(quoted(r"arn:aws:iam::1:role/a${b}/c"), r#""arn:aws:iam::1:role/a$${b}/c""#);
        assert_eq!(quoted(r"%{if}"), r#""%%{if}""#);
        assert_eq!(quoted(r"$${x}"), r#""$$${x}""#);
        assert_eq!(quoted(r"$x %y {z}"), r#""$x %y {z}""#);
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
