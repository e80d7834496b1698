//! Our decisions against those of iam-simulate 0.1.173, an independent evaluator, on a recorded sample of generated
//! pairs of policies and a request. `scripts/interop-policy.sh` compares many more, and records the sample anew with
//! `--record`.

#![allow(clippy::expect_used, clippy::panic)]

mod known;
mod line;
mod pair;

use std::collections::BTreeMap;

use known::KNOWN;
use line::{Form, Line, differences};

fn sample() -> Vec<Line> {
    include_str!("sample.jsonl").lines().map(Line::parse).collect()
}

#[test]
fn decisions_are_those_of_an_independent_evaluator() {
    let differences = differences(&sample());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn known_differences_are_documented() {
    let docs = include_str!("../../../docs/POLICY.md");
    let list: Vec<_> = KNOWN.iter().map(|known| format!("- **{}**: {}.", known.name, known.page)).collect();
    let expected = format!("<!-- known differences -->\n{}\n<!-- end -->", list.join("\n"));
    assert!(docs.contains(&expected), "docs/POLICY.md should have:\n\n{expected}\n");
}

#[test]
fn the_sample_has_many_pairs_of_every_decision_and_of_every_known_difference() {
    let sample = sample();
    let asked: Vec<&Line> = sample.iter().filter(|line| line.form != Form::Told).collect();
    assert!(asked.len() >= 300, "{} pairs", asked.len());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &asked {
        *counts.entry(line.ours()).or_default() += 1;
    }
    for decision in ["allow", "explicit-deny", "implicit-deny"] {
        assert!(counts.get(decision).is_some_and(|count| count * 100 >= asked.len() * 15), "{counts:?}");
    }
    for known in KNOWN {
        assert!(asked.iter().any(|line| line.shows(known)), "{}: {}", known.name, known.page);
    }
}
