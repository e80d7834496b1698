//! Pairs out, decisions in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::exit;

use pcrseal_policy::document::Matching;
use pcrseal_policy::evaluate::{Source, StatementRef};
use pcrseal_policy::json::Json;
use pcrseal_policy::render::Rendered;

use crate::complete::completed;
use crate::generate;
use crate::known::{KNOWN, told};
use crate::line::{Form, Line, differences};
use crate::pair::{Pair, member, text};
use crate::random::Random;
use crate::rendered;

/// From so many pairs on, every known difference must show itself.
const ENOUGH: usize = 20_000;
/// Every decision must come up in at least so many of a hundred pairs.
const LEAST_PERCENT: usize = 15;
/// The tests keep the shortest pairs of each known difference,
const KEPT_PER_DIFFERENCE: usize = 2;
/// so many of each feature of what decides, of at most so many bytes,
const KEPT_PER_FEATURE: usize = 4;
const KEPT_LEN: usize = 1_100;
/// and a few longer ones, so that rendered policies are among them.
const KEPT_LONG: usize = 4;

pub(crate) fn pairs(seed: u64, count: usize) {
    let mut random = Random::new(seed);
    // An account is of one partition, so that policies of others have nothing to say to the key's callers.
    let here = |rendered: &Rendered| !rendered.json().contains("arn:aws-");
    let all = rendered::all().into_iter().map(|(_, rendered)| rendered);
    let rendered: Vec<_> = all.filter(here).map(|rendered| rendered.document).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut incomplete = 0;
    for id in 0..count {
        let (pair, rounds) = completed(generate::pair(&mut random, &rendered));
        incomplete += usize::from(rounds > 0);
        for line in lines(&id.to_string(), pair) {
            writeln!(out, "{}", line.to_json()).expect("standard output takes it");
        }
    }
    eprintln!(
        "{count} pairs, {incomplete} of them completed, as AWS's documents leave a statement of them open"
    );
}

/// The pair's line, or two of them.
fn lines(id: &str, pair: Pair) -> Vec<Line> {
    let line = |form, pair| Line { id: id.to_owned(), form, pair, decision: None };
    let (told, known) = told(&pair);
    if known.is_empty() {
        return vec![line(Form::Plain, pair)];
    }
    let known = known.iter().map(|known| known.name.to_owned()).collect();
    vec![line(Form::Known(known), pair), line(Form::Told, told)]
}

pub(crate) fn compare(pairs: &Path, decisions: &Path) {
    let lines = decided(pairs, decisions);
    refuse(&differences(&lines));

    let asked: Vec<&Line> = lines.iter().filter(|line| line.form != Form::Told).collect();
    let mut counts = BTreeMap::from([("allow", 0), ("explicit-deny", 0), ("implicit-deny", 0)]);
    for line in &asked {
        *counts.entry(line.ours()).or_default() += 1;
    }
    println!("{} pairs: {counts:?}", asked.len());
    if counts.values().any(|count| count * 100 < asked.len() * LEAST_PERCENT) {
        refuse(&[format!("some decision comes up in fewer than {LEAST_PERCENT} of 100 pairs")]);
    }
    for known in KNOWN {
        // Pairs that show this difference and no other.
        let shows = |line: &&&Line| {
            line.form == Form::Known(vec![known.name.to_owned()])
                && line.decision.as_deref() != Some(line.ours())
        };
        let count = asked.iter().filter(shows).count();
        println!("known difference in {count}: {}: {}", known.name, known.page);
        if count == 0 && asked.len() >= ENOUGH {
            refuse(&[format!("the oracle does not show the known difference {}", known.name)]);
        }
    }
}

pub(crate) fn sample(pairs: &Path, decisions: &Path) {
    let lines = decided(pairs, decisions);
    let len = |line: &Line| line.to_json().to_compact().len();
    for known in KNOWN {
        let mut shows: Vec<&[Line]> = lines.windows(2).filter(|lines| lines[0].shows(known)).collect();
        shows.sort_by_key(|lines| len(&lines[0]));
        for line in shows.into_iter().take(KEPT_PER_DIFFERENCE).flatten() {
            println!("{}", line.to_json());
        }
    }
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.form == Form::Plain) {
        let (what, most) = if len(line) > KEPT_LEN {
            (BTreeSet::from(["long".to_owned()]), KEPT_LONG)
        } else {
            (features(line), KEPT_PER_FEATURE)
        };
        if what.iter().any(|what| kept.get(what).is_none_or(|count| *count < most)) {
            for what in what {
                *kept.entry(what).or_default() += 1;
            }
            println!("{}", line.to_json());
        }
    }
}

/// What the statements hold that decide on a pair, together with the decision.
fn features(line: &Line) -> BTreeSet<String> {
    let pair = &line.pair;
    let evaluation = pair.evaluate();
    let decides = |source: Source, index: usize| {
        let is_it = |place: &StatementRef| place.source == source && place.index == index;
        evaluation.statements.is_empty() || evaluation.statements.iter().any(is_it)
    };
    let mut features = BTreeSet::new();
    let identity =
        pair.identity_policies.iter().enumerate().map(|(at, policy)| (Source::Identity(at), policy));
    for (source, policy) in identity.chain([(Source::KeyPolicy, &pair.key_policy)]) {
        for (_, statement) in
            policy.statements.iter().enumerate().filter(|(index, _)| decides(source, *index))
        {
            let mut has = |feature: &str| features.insert(format!("{} {feature}", line.ours()));
            if statement.principals.as_ref().is_some_and(Matching::is_negated) {
                has("NotPrincipal");
            }
            if statement.actions.as_ref().is_some_and(Matching::is_negated) {
                has("NotAction");
            }
            if statement.resources.as_ref().is_some_and(Matching::is_negated) {
                has("NotResource");
            }
            for condition in &statement.conditions {
                has(&condition.key.to_lowercase());
                has(&condition.operator.to_string());
                let wildcards = condition.values.iter().any(|value| value.contains(['*', '?']));
                if condition.values.iter().any(|value| value.contains("${")) {
                    has(&format!("variable in {}", condition.operator.comparison.as_str()));
                } else if wildcards {
                    has(&format!("wildcard in {}", condition.operator.comparison.as_str()));
                }
            }
            has("");
        }
    }
    features
}

pub(crate) fn recorded(sample: &Path, decisions: &Path) {
    let recorded: Vec<Line> = read(sample).lines().map(Line::parse).collect();
    let decided = decided(sample, decisions);
    let stale = |(recorded, decided): (&Line, &Line)| {
        (recorded.decision != decided.decision).then(|| {
            let decision = |line: &Line| line.decision.clone().unwrap_or_default();
            format!(
                "pair {}: {} is recorded, {} is what the oracle says",
                recorded.id,
                decision(recorded),
                decision(decided)
            )
        })
    };
    let stale: Vec<String> = recorded.iter().zip(&decided).filter_map(stale).collect();
    refuse(&stale);
    println!("the recorded decisions of {} pairs are the oracle's", recorded.len());
}

/// The pairs with the oracle's decisions.
fn decided(pairs: &Path, decisions: &Path) -> Vec<Line> {
    let (pairs, decisions) = (read(pairs), read(decisions));
    let mut lines: Vec<Line> = pairs.lines().map(Line::parse).collect();
    let decisions: Vec<Json> = decisions.lines().map(|line| Json::parse(line).expect("JSON")).collect();
    assert_eq!(lines.len(), decisions.len(), "every pair has one decision");
    for (line, decision) in lines.iter_mut().zip(&decisions) {
        assert_eq!(line.id, text(member(decision, "id")), "decisions come in the order of the pairs");
        line.decision = Some(text(member(decision, "decision")).to_owned());
    }
    lines
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Ends the program if there is anything to say.
fn refuse(faults: &[String]) {
    if faults.is_empty() {
        return;
    }
    for fault in faults.iter().take(5) {
        eprintln!("{fault}");
    }
    eprintln!("{} in all", faults.len());
    exit(1);
}
