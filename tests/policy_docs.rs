//! docs/POLICY.md against the program: the example's output, and every rule of the linter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../examples/key_policy/command.rs"]
mod command;

use std::fmt::Write;

use command::{Outcome, run};
use pcrseal_policy::lint::Rule;

const DOCS: &str = include_str!("../docs/POLICY.md");

fn call(arguments: &str) -> Outcome {
    run(arguments.split_whitespace().map(str::to_owned))
}

/// The part between `<!-- NAME -->` and `<!-- end -->`, without the line breaks beside the marks.
fn part(name: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("<!-- {name} -->\n")).expect(name);
    rest.split_once("\n<!-- end -->").expect(name).0
}

fn assert_part(name: &str, expected: &str) {
    let expected = expected.trim_end();
    assert!(part(name) == expected, "docs/POLICY.md, {name}, should be:\n\n{expected}\n");
}

#[test]
fn the_example_prints_what_the_documentation_shows() {
    for (arguments, status) in [("", 0), ("five-statement --encrypt", 1)] {
        let outcome = call(arguments);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (status, ""), "{arguments}");
        let name = format!("output: {}", if arguments.is_empty() { "hardened" } else { arguments });
        assert_part(&name, &format!("```text\n{}```", outcome.stdout));
    }
}

#[test]
fn every_rule_has_its_section() {
    let mut expected = String::new();
    for rule in Rule::ALL {
        let (id, title, severity) = (rule.id(), rule.title(), rule.severity());
        writeln!(expected, "#### {id}\n\n**{severity}**: {title}.\n\n{}\n", rule.explanation()).unwrap();
        writeln!(expected, "*Remedy*: {}\n\n*Source*: {}.\n", rule.remedy(), rule.source()).unwrap();
    }
    assert_part("rules", &expected);
}

#[test]
fn every_profile_is_rendered_and_judged() {
    for (arguments, status) in [
        ("hardened", 0),
        ("hardened --encrypt", 0),
        ("hardened --strict", 0),
        ("five-statement --encrypt --strict", 1),
        ("multi-pcr --encrypt", 1),
    ] {
        let outcome = call(arguments);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (status, ""),
            "{arguments}: {}",
            outcome.stdout
        );
        assert!(outcome.stdout.contains("# Who can decrypt\nkms:Decrypt"), "{}", outcome.stdout);
    }
}

#[test]
fn a_policy_of_a_file_is_judged() {
    let hardened = call("hardened").stdout;
    let (_, policy) = hardened.split_once('\n').unwrap();
    let (policy, verdict) = policy.split_once("\n# Lint").unwrap();
    let file = std::env::temp_dir().join(format!("pcrseal-key-policy-{}", std::process::id()));
    std::fs::write(&file, policy).unwrap();
    let outcome = run([file.display().to_string()]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert_eq!(outcome.stdout, format!("\n# Lint{verdict}"));

    std::fs::write(&file, "{\"Statement\": [\n  {\"Effect\": \"Permit\"}\n]}").unwrap();
    let outcome = run([file.display().to_string()]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("/Statement/0/Effect"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("(policy_effect)"), "{}", outcome.stderr);
}

#[test]
fn mistakes_of_usage_are_told() {
    let outcome = call("--help");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.starts_with("usage: key_policy"));
    for (arguments, fault) in [
        ("hardened five-statement", "\"five-statement\" is one argument too many"),
        ("--json", "\"--json\" is one argument too many"),
        ("/no/such/file", "/no/such/file: "),
        ("five-statement", "(profile_wrapping)"),
        ("multi-pcr", "(profile_wrapping)"),
    ] {
        let outcome = call(arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{arguments}");
        assert!(outcome.stderr.contains(fault), "{}", outcome.stderr);
    }
}
